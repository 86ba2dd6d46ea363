//! Whether an arrival process can be played, and a round of it planned. Not here: its wire form
//! (`arrival`).

use std::path::PathBuf;

use super::{Arrival, ArrivalFile, Length, Levels, SessionBegin, TraceFormat};
use crate::config::check::{Checker, FASTEST, SLOWEST};
use crate::config::wire::Number;

/// A plan is held in memory with its bodies; a million requests of 256 tokens are a gigabyte.
const MOST_REQUESTS: f64 = 1e6;

/// A year: beyond it an instant may not fit into its clock.
const LONGEST_ROUND_S: f64 = 365.0 * 24.0 * 3600.0;

/// More than one machine has ports for, to one address.
const MOST_IN_FLIGHT: u32 = 65_000;

impl Checker {
    pub fn arrival(&mut self, path: &str, file: Option<&ArrivalFile>) -> Option<Arrival> {
        let at = |kind: &str| format!("{path}.arrival.{kind}");
        match file? {
            ArrivalFile::Poisson { rate } => {
                Some(Arrival::Poisson { rate: self.rate(&at("poisson.rate"), rate.0)? })
            }
            ArrivalFile::Constant { rate } => {
                Some(Arrival::Constant { rate: self.rate(&at("constant.rate"), rate.0)? })
            }
            ArrivalFile::Gamma { rate, burstiness } => {
                let rate = self.rate(&at("gamma.rate"), rate.0);
                let burstiness = self.burstiness(&at("gamma.burstiness"), burstiness.0);
                Some(Arrival::Gamma { rate: rate?, burstiness: burstiness? })
            }
            ArrivalFile::Closed { concurrency } => self
                .concurrency(&at("closed.concurrency"), concurrency)
                .map(|concurrency| Arrival::Closed { concurrency }),
            ArrivalFile::Ramp { from, to } => self.ramp(&at("ramp"), from.0, to.0),
            ArrivalFile::Trace { file, .. } if file.is_empty() => {
                self.bad(&at("trace.file"), "is empty", "name a JSONL file");
                None
            }
            ArrivalFile::Trace { file, speedup, unit, block_tokens, ignore } => {
                let speedup = self.speedup(&at("trace.speedup"), speedup.map_or(1.0, |x| x.0))?;
                if *block_tokens == Some(0) {
                    self.bad(
                        &at("trace.block_tokens"),
                        "must be 1 or more",
                        "leave it out for Mooncake's 512",
                    );
                }
                let ignore = ignore.clone().unwrap_or_default();
                let format = TraceFormat {
                    unit: *unit,
                    block_tokens: block_tokens.filter(|n| *n > 0),
                    ignore,
                };
                Some(Arrival::Trace { file: PathBuf::from(file), speedup, format })
            }
            ArrivalFile::Sessions { concurrency, rate, think_time } => {
                let begin = self.begin(&at("sessions"), concurrency.as_ref(), *rate)?;
                Some(Arrival::Sessions {
                    begin,
                    think_time: think_time.map(|time| time.0).unwrap_or_default(),
                })
            }
        }
    }

    /// Rates in requests per second.
    fn ramp(&mut self, path: &str, from: f64, to: f64) -> Option<Arrival> {
        if !(from.is_finite() && to.is_finite() && from >= 0.0 && to >= 0.0 && from + to > 0.0) {
            let hint = "both are requests per second, 0 or more, and one of them above 0";
            self.bad(path, format!("cannot go from {from} to {to}"), hint);
            return None;
        }
        self.rate(path, f64::midpoint(from, to))?;
        Some(Arrival::Ramp { from, to })
    }

    fn speedup(&mut self, path: &str, speedup: f64) -> Option<f64> {
        if (SLOWEST..=FASTEST).contains(&speedup) {
            return Some(speedup);
        }
        let hint = "2 is twice as fast; leave it out for the trace's own time";
        self.bad(path, format!("must be from {SLOWEST} to {FASTEST}, not {speedup}"), hint);
        None
    }

    /// Beyond these bounds all requests would arrive at once, or the draws are no numbers.
    fn burstiness(&mut self, path: &str, value: f64) -> Option<f64> {
        let value = self.positive(path, value)?;
        if (0.01..=10_000.0).contains(&value) {
            return Some(value);
        }
        self.bad(
            path,
            format!("must be from 0.01 to 10000, not {value}"),
            "1 is Poisson; below it arrivals come in bursts",
        );
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

    fn begin(
        &mut self,
        path: &str,
        concurrency: Option<&Levels>,
        rate: Option<Number>,
    ) -> Option<SessionBegin> {
        match (concurrency, rate) {
            (Some(levels), None) => {
                let concurrency = self.concurrency(&format!("{path}.concurrency"), levels)?;
                Some(SessionBegin::Closed { concurrency })
            }
            (None, Some(rate)) => {
                Some(SessionBegin::Poisson { rate: self.rate(&format!("{path}.rate"), rate.0)? })
            }
            (both, _) => {
                let what = if both.is_some() {
                    "both `concurrency` and `rate`"
                } else {
                    "neither `concurrency` nor `rate`"
                };
                self.bad(
                    path,
                    what,
                    "sessions at a time, {concurrency: 8}, or sessions per second, {rate: 0.5}",
                );
                None
            }
        }
    }

    /// Whether a round has requests to measure, and not more than can be planned.
    pub fn size(&mut self, path: &str, arrival: &Arrival, length: Length, length_said: bool) {
        let rate = match *arrival {
            Arrival::Constant { rate }
            | Arrival::Poisson { rate }
            | Arrival::Gamma { rate, .. } => rate,
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
            self.bad(
                &format!("{path}.{key}"),
                what,
                "stay at a million: a shorter round, and more of them",
            );
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
                let what = format!(
                    "{n} requests with {concurrency} in flight: nothing is left to measure"
                );
                let hint = format!(
                    "the first {concurrency} arrive at once and are not measured: use {} or more",
                    concurrency.saturating_mul(2)
                );
                self.bad(&format!("{path}.requests"), what, hint);
            }
            (Arrival::Trace { .. }, _) if !length_said => {
                let what = "a trace needs `requests` or `duration`";
                self.bad(
                    &format!("{path}.arrival"),
                    what,
                    "say how much of the trace is one round",
                );
            }
            _ => {}
        }
    }
}
