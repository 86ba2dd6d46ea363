//! Checks of a workload's load: arrivals, prompts, and which of them can stand together.
//!
//! Not here: the workload's other values (`check`), what is expected of its answers (`expect`).

use std::path::PathBuf;
use std::time::Duration;

use super::check::{Checker, FASTEST, MOST_IN_FLIGHT, MOST_INPUT_TOKENS, SLOWEST};
use super::file::{ArrivalFile, DatasetFile, Levels, Number, PromptsFile};
use super::layers::Layered;
use super::{Arrival, Corpus, Length, PromptKind, Prompts, SessionBegin, Tier, TraceFormat, Warmup};

/// A plan is held in memory with its bodies; a million requests of 256 tokens are a gigabyte.
const MOST_REQUESTS: f64 = 1e6;

/// A year: beyond it an instant may not fit into its clock.
const LONGEST_ROUND_S: f64 = 365.0 * 24.0 * 3600.0;

/// A body grows with each turn; longer conversations than this are a slip of the pen.
const MOST_TURNS: u32 = 256;

impl Checker {
    pub fn arrival(&mut self, path: &str, file: Option<&ArrivalFile>) -> Option<Arrival> {
        let at = |kind: &str| format!("{path}.arrival.{kind}");
        match file? {
            ArrivalFile::Poisson { rate } => Some(Arrival::Poisson { rate: self.rate(&at("poisson.rate"), rate.0)? }),
            ArrivalFile::Constant { rate } => Some(Arrival::Constant { rate: self.rate(&at("constant.rate"), rate.0)? }),
            ArrivalFile::Gamma { rate, burstiness } => {
                let rate = self.rate(&at("gamma.rate"), rate.0);
                let burstiness = self.burstiness(&at("gamma.burstiness"), burstiness.0);
                Some(Arrival::Gamma { rate: rate?, burstiness: burstiness? })
            }
            ArrivalFile::Closed { concurrency } => {
                self.concurrency(&at("closed.concurrency"), concurrency).map(|concurrency| Arrival::Closed { concurrency })
            }
            ArrivalFile::Ramp { from, to } => {
                let (from, to) = (from.0, to.0);
                if !(from.is_finite() && to.is_finite() && from >= 0.0 && to >= 0.0 && from + to > 0.0) {
                    let hint = "both are requests per second, 0 or more, and one of them above 0";
                    self.bad(&at("ramp"), format!("cannot go from {from} to {to}"), hint);
                    return None;
                }
                self.rate(&at("ramp"), f64::midpoint(from, to))?;
                Some(Arrival::Ramp { from, to })
            }
            ArrivalFile::Trace { file, .. } if file.is_empty() => {
                self.bad(&at("trace.file"), "is empty", "name a JSONL file");
                None
            }
            ArrivalFile::Trace { file, speedup, unit, block_tokens, ignore } => {
                let speedup = speedup.map_or(1.0, |x| x.0);
                if !(SLOWEST..=FASTEST).contains(&speedup) {
                    let hint = "2 is twice as fast; leave it out for the trace's own time";
                    self.bad(&at("trace.speedup"), format!("must be from {SLOWEST} to {FASTEST}, not {speedup}"), hint);
                    return None;
                }
                if *block_tokens == Some(0) {
                    self.bad(&at("trace.block_tokens"), "must be 1 or more", "leave it out for Mooncake's 512");
                }
                let ignore = ignore.clone().unwrap_or_default();
                let format = TraceFormat { unit: *unit, block_tokens: block_tokens.filter(|n| *n > 0), ignore };
                Some(Arrival::Trace { file: PathBuf::from(file), speedup, format })
            }
            ArrivalFile::Sessions { concurrency, rate, think_time } => {
                let begin = self.begin(&at("sessions"), concurrency.as_ref(), *rate)?;
                Some(Arrival::Sessions { begin, think_time: think_time.map(|time| time.0).unwrap_or_default() })
            }
        }
    }

    /// Beyond these bounds all requests would arrive at once, or the draws are no numbers.
    fn burstiness(&mut self, path: &str, value: f64) -> Option<f64> {
        let value = self.positive(path, value)?;
        if (0.01..=10_000.0).contains(&value) {
            return Some(value);
        }
        self.bad(path, format!("must be from 0.01 to 10000, not {value}"), "1 is Poisson; below it arrivals come in bursts");
        None
    }

    fn concurrency(&mut self, path: &str, levels: &Levels) -> Option<u32> {
        match levels {
            Levels::One(n) => self.bounded(path, Some(*n), MOST_IN_FLIGHT),
            Levels::Many(_) => {
                self.bad(path, "the list is empty", "write one level or more, such as [1, 10, 50]");
                None
            }
        }
    }

    fn begin(&mut self, path: &str, concurrency: Option<&Levels>, rate: Option<Number>) -> Option<SessionBegin> {
        match (concurrency, rate) {
            (Some(levels), None) => {
                let concurrency = self.concurrency(&format!("{path}.concurrency"), levels)?;
                Some(SessionBegin::Closed { concurrency })
            }
            (None, Some(rate)) => Some(SessionBegin::Poisson { rate: self.rate(&format!("{path}.rate"), rate.0)? }),
            (both, _) => {
                let what = if both.is_some() { "both `concurrency` and `rate`" } else { "neither `concurrency` nor `rate`" };
                self.bad(path, what, "sessions at a time, {concurrency: 8}, or sessions per second, {rate: 0.5}");
                None
            }
        }
    }

    /// Whether a round has requests to measure, and not more than can be planned.
    pub fn size(&mut self, path: &str, arrival: &Arrival, length: Length, length_said: bool) {
        let rate = match *arrival {
            Arrival::Constant { rate } | Arrival::Poisson { rate } | Arrival::Gamma { rate, .. } => rate,
            Arrival::Ramp { from, to } => f64::midpoint(from, to),
            // How many requests a session has is known in `together` only.
            Arrival::Closed { .. } | Arrival::Trace { .. } | Arrival::Sessions { .. } => 0.0,
        };
        let key = if matches!(length, Length::Requests(_)) { "requests" } else { "duration" };
        let planned = match length {
            Length::Requests(n) => f64::from(n),
            Length::Duration(duration) => rate * duration.as_secs_f64(),
        };
        if planned > MOST_REQUESTS {
            let what = format!("a round of {planned:.0} requests cannot be planned");
            self.bad(&format!("{path}.{key}"), what, "stay at a million: a shorter round, and more of them");
        }
        if let (Length::Requests(n), true) = (length, rate > 0.0)
            && f64::from(n) / rate > LONGEST_ROUND_S
        {
            let what = format!("{n} requests at {rate} per second take longer than a year");
            self.bad(&format!("{path}.requests"), what, "ask for fewer, or raise the rate");
        }
        if rate > 0.0 && planned < 1.0 {
            self.bad(
                &format!("{path}.{key}"),
                format!("only {planned:.2} requests arrive in a round"),
                "lengthen it, or raise the rate",
            );
        }
        match (arrival, length) {
            (Arrival::Closed { concurrency }, Length::Requests(n)) if n <= *concurrency => {
                let what = format!("{n} requests with {concurrency} in flight: nothing is left to measure");
                let hint = format!(
                    "the first {concurrency} arrive at once and are not measured: use {} or more",
                    concurrency.saturating_mul(2)
                );
                self.bad(&format!("{path}.requests"), what, hint);
            }
            (Arrival::Trace { .. }, _) if !length_said => {
                let what = "a trace needs `requests` or `duration`";
                self.bad(&format!("{path}.arrival"), what, "say how much of the trace is one round");
            }
            _ => {}
        }
    }

    /// What arrivals, prompts and tiers ask of each other.
    pub fn together(&mut self, layered: &Layered, arrival: &Arrival, length: Length, prompts: &Prompts) {
        let path = &layered.path;
        let turns = match prompts.kind {
            PromptKind::Conversation { turns } => Some(turns),
            PromptKind::Single | PromptKind::Dataset { .. } => None,
        };
        match (arrival, turns) {
            (Arrival::Sessions { begin, .. }, Some(turns)) => self.sessions(path, *begin, turns, length),
            (Arrival::Sessions { .. }, None) => {
                let hint = "add `prompts: {conversation: {turns: 4}}`";
                self.bad(&format!("{path}.arrival.sessions"), "sessions need a conversation", hint);
            }
            (_, Some(_)) => {
                let hint = "a turn follows an answer: use `arrival: {sessions: {concurrency: 8, think_time: 2s}}`";
                self.bad(&format!("{path}.prompts.conversation"), "a conversation needs sessions", hint);
            }
            (Arrival::Trace { .. }, None) if matches!(prompts.kind, PromptKind::Dataset { .. }) => {
                let hint = "a trace says itself what is asked: keep one of them";
                self.bad(&format!("{path}.prompts.dataset"), "both a trace and a dataset", hint);
            }
            _ => {}
        }
    }

    /// What is warm is what the warm-up sent and the rounds send again.
    pub fn tier(&mut self, layered: &Layered, prompts: &Prompts, warmup: Option<Warmup>) {
        if layered.tier != Some(Tier::Warm) {
            return;
        }
        let at = format!("{}.tiers", layered.path);
        if prompts.shared_prefix <= 0.0 {
            let hint = "add `prompts: {synthetic: {shared_prefix: 0.9}}`";
            self.bad(&at, "the warm tier has nothing in common that could be warm", hint);
        }
        if matches!(warmup, Some(Warmup::Requests(0) | Warmup::Duration(Duration::ZERO))) {
            self.bad(&at, "the warm tier has no warm-up that could make it warm", "leave `warmup` out, or write 1 or more");
        }
    }

    fn sessions(&mut self, path: &str, begin: SessionBegin, turns: u32, length: Length) {
        let at_once = match begin {
            SessionBegin::Closed { concurrency } => concurrency,
            SessionBegin::Poisson { .. } => 1,
        };
        let least = at_once.saturating_mul(turns);
        match length {
            Length::Requests(n) if n < least => {
                let what = format!("{n} requests are fewer than one session of {turns} turns for each of {at_once} at a time");
                let hint = format!("turns count as requests: use {} or more", least.saturating_mul(2));
                self.bad(&format!("{path}.requests"), what, hint);
            }
            _ => {}
        }
    }

    pub fn prompts(&mut self, path: &str, file: Option<&PromptsFile>) -> Option<Prompts> {
        let file = file?;
        if let Some(dataset) = &file.dataset {
            return self.dataset(path, file, dataset);
        }
        let text = file.synthetic.as_ref()?;
        let at = |key: &str| format!("{path}.prompts.synthetic.{key}");
        let input_tokens = self.bounded(&at("input_tokens"), text.input_tokens, MOST_INPUT_TOKENS);
        let shared_prefix = text.shared_prefix?.0;
        if !(0.0..=1.0).contains(&shared_prefix) {
            self.bad(
                &at("shared_prefix"),
                format!("must be from 0 to 1, not {shared_prefix}"),
                "it is a share: write 0.5 for half",
            );
        }
        let kind = match file.conversation.map(|conversation| conversation.turns) {
            None => PromptKind::Single,
            Some(turns) if (1..=MOST_TURNS).contains(&turns) => PromptKind::Conversation { turns },
            Some(turns) => {
                let what = format!("must be from 1 to {MOST_TURNS}, not {turns}");
                self.bad(&format!("{path}.prompts.conversation.turns"), what, "each turn brings all that was said before it");
                return None;
            }
        };
        Some(Prompts { corpus: text.corpus?, input_tokens: input_tokens?, shared_prefix, kind })
    }

    fn dataset(&mut self, path: &str, file: &PromptsFile, dataset: &DatasetFile) -> Option<Prompts> {
        let beside = file.synthetic.map(|_| "synthetic").or(file.conversation.map(|_| "conversation"));
        if let Some(other) = beside {
            let what = format!("both `dataset` and `{other}`");
            let hint = "the file says what is asked: keep one of them (--input-tokens, --shared-prefix and --corpus speak of synthetic text)";
            self.bad(&format!("{path}.prompts.{other}"), what, hint);
            return None;
        }
        if dataset.file.is_empty() {
            self.bad(&format!("{path}.prompts.dataset.file"), "is empty", "name a ShareGPT or JSONL file");
            return None;
        }
        let (format, ignore) = (dataset.format.unwrap_or_default(), dataset.ignore.clone().unwrap_or_default());
        let kind = PromptKind::Dataset { file: PathBuf::from(&dataset.file), format, ignore };
        // Its texts are in any language; the corpus only says how tokens are guessed before the server counts them.
        Some(Prompts { corpus: Corpus::En, input_tokens: 1, shared_prefix: 0.0, kind })
    }
}
