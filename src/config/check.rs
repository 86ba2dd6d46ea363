//! Wire types in, validated types out: every value's range, and what cannot be together. Collects all problems before giving up.
//!
//! Not here: arrivals and prompts (`arrival`), the target (`target`), what a workload expects of its answers (`expect`), where a value was said (`position`).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::error::{Issue, did_you_mean};
use super::file::{ArrivalFile, BaselineFile, GateFile, Span, WarmupFile, WorkloadFile};
use super::layers::Layered;
use super::{Counterpart, Gate, GateMode, Length, Target, Warmup, Workload};
use crate::redact::Secrets;

/// Fingerprint fields that `gate.under_test` may name.
pub const UNDER_TEST: [&str; 5] = ["server_version", "server_flags", "server_args", "model", "quantisation"];

/// Longest answer, in tokens: several times what any model writes.
pub const MOST_OUTPUT_TOKENS: u32 = 1_000_000;
/// Longest prompt, in tokens: no model reads more.
pub const MOST_INPUT_TOKENS: u32 = 20_000_000;
/// More than one machine has ports for, to one address.
pub const MOST_IN_FLIGHT: u32 = 65_000;
const MOST_STARTS: u32 = 1000;
/// Requests per second: plans are in microseconds, and a round of two such requests takes a year.
pub const FASTEST: f64 = 1e6;
pub const SLOWEST: f64 = 1e-7;

/// Whether it can name a folder of baselines.
pub fn is_workload_name(name: &str) -> bool {
    let safe = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    (1..=64).contains(&name.len()) && !name.starts_with('.') && name.chars().all(safe)
}

/// Problems so far.
#[derive(Debug, Default)]
pub struct Checker {
    pub issues: Vec<Issue>,
    /// Of the target that is looked at: what no address may hold.
    pub secrets: Secrets,
}

impl Checker {
    pub fn bad(&mut self, path: &str, what: impl Into<String>, hint: impl Into<String>) {
        self.issues.push(Issue::new(path, what, hint));
    }

    /// The key itself is wrong, whatever its value.
    pub fn bad_key(&mut self, path: &str, what: impl Into<String>, hint: impl Into<String>) {
        self.issues.push(Issue { on_key: true, ..Issue::new(path, what, hint) });
    }

    pub fn version(&mut self, version: Option<u32>) {
        match version {
            Some(1) => {}
            Some(other) => self.bad("version", format!("version {other} is not known"), "this program reads version 1"),
            None => self.bad("", "`version` is missing", "add `version: 1`"),
        }
    }

    /// `remote`: the target is at a `base_url`, so that the gate cannot restart it; unknown where the target is wrong.
    pub fn gate(&mut self, file: GateFile, remote: Option<bool>, starts_flag: Option<u32>) -> Option<Gate> {
        let mode = file.mode?;
        // METHOD's other-day session has two starts; interleaved has three looks.
        let default_starts = if mode == GateMode::Interleaved { 3 } else { 2 };
        let starts = self.bounded("gate.starts", file.starts.or(Some(default_starts)), MOST_STARTS);
        if mode == GateMode::Interleaved && starts.is_some_and(|n| n > 3) {
            let hint = "judged after 1, 2 and 3 start pairs; `gate.extend` adds three more where that leaves it open";
            self.bad("gate.starts", "more than 3 in interleaved mode", hint);
        }
        let rounds = self.at_least_one("gate.rounds", file.rounds);
        if remote == Some(true) && starts_flag.is_some_and(|n| n > 1) {
            self.bad("gate.starts", "the gate cannot restart the server at `base_url`", "leave --starts out");
        }
        let under_test = file.under_test?;
        for (i, field) in under_test.iter().enumerate().filter(|(_, field)| !UNDER_TEST.contains(&field.as_str())) {
            self.bad(&format!("gate.under_test[{i}]"), format!("unknown field `{field}`"), did_you_mean(field, &UNDER_TEST));
        }
        Some(Gate {
            mode,
            starts: if remote == Some(true) { 1 } else { starts? },
            rounds: rounds?,
            on_inconclusive: file.on_inconclusive?,
            on_blind: file.on_blind?,
            on_missing_baseline: file.on_missing_baseline?,
            on_incomparable: file.on_incomparable?,
            on_limit_open: file.on_limit_open?,
            on_anchor_drift: file.on_anchor_drift?,
            on_attempt: file.on_attempt?,
            same_build: file.same_build?,
            strict: file.strict?,
            under_test,
            baseline: self.counterpart(file.baseline?)?,
            fit: file.fit?,
            extend: file.extend?,
        })
    }

    fn counterpart(&mut self, file: BaselineFile) -> Option<Counterpart> {
        let (key, said) = match &file {
            BaselineFile::Ref(x) => ("ref", x),
            BaselineFile::Target(x) => ("target", x),
            BaselineFile::Config(x) => ("config", x),
            BaselineFile::BaseUrl(x) => ("base_url", x),
        };
        if said.trim().is_empty() {
            self.bad(&format!("gate.baseline.{key}"), "is empty", "name what the candidate is measured beside");
            return None;
        }
        Some(match file {
            BaselineFile::Ref(name) if name == "merge-base" => Counterpart::MergeBase,
            BaselineFile::Ref(name) => Counterpart::Ref(name),
            BaselineFile::Target(name) => Counterpart::Target(name),
            BaselineFile::Config(file) => Counterpart::Config(PathBuf::from(file)),
            BaselineFile::BaseUrl(url) => Counterpart::Url(url),
        })
    }

    /// What only the whole config can tell: the baseline's target exists, and can be had beside the candidate.
    pub fn sides(
        &mut self,
        target: &Target,
        targets: &BTreeMap<String, Target>,
        gate: &mut Gate,
        env: &dyn Fn(&str) -> Option<String>,
    ) {
        if gate.mode != GateMode::Interleaved {
            return;
        }
        let path = "gate.baseline";
        match &gate.baseline {
            Counterpart::Target(name) if !targets.contains_key(name) => {
                let names: Vec<&str> = targets.keys().map(String::as_str).collect();
                let hint = if names.is_empty() { "add it to `targets`".into() } else { did_you_mean(name, &names) };
                self.bad(&format!("{path}.target"), format!("no target `{name}`"), hint);
            }
            Counterpart::MergeBase | Counterpart::Ref(_) if !matches!(target.endpoint, super::Endpoint::Started(_)) => {
                let hint =
                    "say how it is started (`server.start`), or name another server: gate.baseline.base_url, --baseline-url";
                self.bad(path, "another commit's server cannot be started", hint);
            }
            _ if gate.fit == super::Fit::Both && one_port(target, targets, gate) => {
                let hint = "write ${PORT} in base_url and in the command, so that each gets a free one; or gate.fit: one";
                self.bad("gate.fit", "two servers at once cannot listen on the one port of target.base_url", hint);
            }
            Counterpart::Url(url) => {
                if let Some(url) = self.base_url(path, url, env) {
                    gate.baseline = Counterpart::Url(url);
                }
            }
            _ => {}
        }
    }

    pub fn baselines_dir(&mut self, dir: Option<String>) -> Option<PathBuf> {
        let dir = dir?;
        let inside = !dir.is_empty() && !dir.starts_with('/') && dir.split('/').all(|part| part != "..");
        if !inside {
            self.bad(
                "baselines.dir",
                format!("`{dir}` is not inside the repository"),
                "write a path relative to the repository's root",
            );
        }
        Some(PathBuf::from(dir)).filter(|_| inside)
    }

    pub fn max_walk(&mut self, commits: Option<u32>) -> Option<u32> {
        let commits = commits?;
        if commits == 0 {
            self.bad("baselines.max_walk", "is 0, so that no commit would be looked at", "write 1 or more");
        }
        Some(commits).filter(|commits| *commits > 0)
    }

    /// The family of each workload beside it, for `--workload`.
    pub fn workloads(&mut self, layered: &[Layered], said: bool) -> Vec<(String, Workload)> {
        if layered.is_empty() && self.issues.is_empty() {
            let path = if said { "workloads" } else { "" };
            self.bad(path, "no workload", "add `workloads: [{preset: quick}]`, or one with a name and an arrival");
        }
        let mut names: BTreeMap<&str, &str> = BTreeMap::new();
        for one in layered {
            let Some(name) = one.file.name.as_deref() else { continue };
            if let Some(first) = names.insert(name, &one.path) {
                let what = format!("the name `{name}` is taken by {first}");
                self.bad(&format!("{}.name", one.path), what, "names are folders of baselines: give each workload its own");
            }
        }
        let mut workloads = Vec::new();
        for one in layered {
            let before = self.issues.len();
            match self.workload(one) {
                Some(workload) => workloads.push((one.family.clone(), workload)),
                // Never dropped in silence: a value without a default would be a hole in default.yaml.
                None if self.issues.len() == before => self.bad(&one.path, "a value is missing", "report this as a bug"),
                None => {}
            }
        }
        workloads
    }

    fn workload(&mut self, layered: &Layered) -> Option<Workload> {
        let (path, file) = (layered.path.as_str(), &layered.file);
        let name = self.name(path, file.name.as_deref());
        let arrival = self.arrival(path, file.arrival.as_ref());
        let length = self.length(path, file);
        if file.arrival.as_ref().is_some_and(ArrivalFile::is_bounded) && file.max_in_flight.is_some() {
            let hint =
                "remove it: `concurrency` is what is in flight; or use an open loop, such as `arrival: {poisson: {rate: 5}}`";
            self.bad(&format!("{path}.max_in_flight"), "has no meaning in closed loop", hint);
        }
        if file.max_in_flight == Some(0) {
            self.bad(&format!("{path}.max_in_flight"), "must be 1 or more", "leave it out for no bound");
        }
        let output_tokens = self.bounded(&format!("{path}.output_tokens"), file.output_tokens, MOST_OUTPUT_TOKENS);
        let temperature = file.temperature?.0;
        if !(0.0..=2.0).contains(&temperature) {
            self.bad(
                &format!("{path}.temperature"),
                format!("must be from 0 to 2, not {temperature}"),
                "use 0 for the least varied answers",
            );
        }
        let timeout = self.positive_span(&format!("{path}.timeout"), file.timeout);
        let stall_timeout = self.positive_span(&format!("{path}.stall_timeout"), file.stall_timeout);
        let warmup = self.warmup(&format!("{path}.warmup"), file.warmup.as_ref());
        let prompts = self.prompts(path, file.prompts.as_ref());
        if let (Some(arrival), Some(length), Some(prompts)) = (&arrival, length, &prompts) {
            self.size(path, arrival, length, layered.length_said);
            self.together(layered, arrival, length, prompts);
            self.tier(layered, prompts, warmup);
        }
        let slo = self.slo(path, file);
        let limits = self.limits(path, file);
        let regressions = self.regressions(path, file);
        Some(Workload {
            name: name?,
            arrival: arrival?,
            length: length?,
            max_in_flight: file.max_in_flight,
            prompts: prompts?,
            output_tokens: output_tokens?,
            stream: file.stream?,
            temperature,
            ignore_eos: file.ignore_eos?,
            extra_body: file.extra_body.clone().unwrap_or_default(),
            seed: file.seed?,
            warmup: warmup?,
            timeout: timeout?,
            stall_timeout: stall_timeout?,
            slo,
            limits,
            regressions,
            tier: layered.tier,
            level: layered.level.clone(),
            text: None,
        })
    }

    fn name(&mut self, path: &str, name: Option<&str>) -> Option<String> {
        let Some(name) = name else {
            self.bad(path, "`name` is missing", "add `name: chat`, or a `preset`");
            return None;
        };
        if !is_workload_name(name) {
            let hint = "it names a folder: a to z, 0 to 9, `.`, `_`, `-`, not first a `.`, at most 64";
            self.bad(&format!("{path}.name"), format!("`{name}` cannot be a workload's name"), hint);
            return None;
        }
        Some(name.to_owned())
    }

    fn length(&mut self, path: &str, file: &WorkloadFile) -> Option<Length> {
        match (file.requests, file.duration) {
            (Some(_), Some(_)) => {
                self.bad(&format!("{path}.duration"), "both `requests` and `duration`", "keep the one that ends a round");
                None
            }
            (None, duration) => self.positive_span(&format!("{path}.duration"), duration).map(Length::Duration),
            (requests, None) => self.at_least_one(&format!("{path}.requests"), requests).map(Length::Requests),
        }
    }

    fn warmup(&mut self, path: &str, file: Option<&WarmupFile>) -> Option<Warmup> {
        match (file?.requests, file?.duration) {
            (Some(n), None) => Some(Warmup::Requests(n)),
            (None, Some(Span(duration))) => Some(Warmup::Duration(duration)),
            (requests, _) => {
                let what =
                    if requests.is_some() { "both `requests` and `duration`" } else { "neither `requests` nor `duration`" };
                self.bad(path, what, "write {duration: 10s} or {requests: 20}; 0 for no warm-up");
                None
            }
        }
    }

    pub fn positive_span(&mut self, path: &str, span: Option<Span>) -> Option<Duration> {
        let duration = span?.0;
        if duration.is_zero() {
            self.bad(path, "must be above 0", "write a duration such as 10s");
            return None;
        }
        Some(duration)
    }

    pub fn positive(&mut self, path: &str, value: f64) -> Option<f64> {
        if value.is_finite() && value > 0.0 {
            return Some(value);
        }
        self.bad(path, format!("must be a number above 0, not {value}"), "rates are in requests per second");
        None
    }

    /// 1 or more, and no more than any run has use for: what sizes something must not take all memory by a slip of the keyboard.
    pub fn bounded(&mut self, path: &str, value: Option<u32>, most: u32) -> Option<u32> {
        let value = self.at_least_one(path, value)?;
        if value > most {
            self.bad(path, format!("must be at most {most}, not {value}"), "is it a slip of the keyboard?");
            return None;
        }
        Some(value)
    }

    /// Requests per second.
    pub fn rate(&mut self, path: &str, value: f64) -> Option<f64> {
        let rate = self.positive(path, value)?;
        if (SLOWEST..=FASTEST).contains(&rate) {
            return Some(rate);
        }
        let what = format!("must be from {SLOWEST} to {FASTEST}, not {rate}");
        self.bad(path, what, "rates are in requests per second: 0.001 is about four an hour");
        None
    }

    pub fn at_least_one(&mut self, path: &str, value: Option<u32>) -> Option<u32> {
        if value == Some(0) {
            self.bad(path, "must be 1 or more, not 0", "leave it out for the default");
            return None;
        }
        value
    }
}

/// Both sides would be started on the port that `base_url` names.
fn one_port(target: &Target, targets: &BTreeMap<String, Target>, gate: &Gate) -> bool {
    let fixed = |t: &Target| match &t.endpoint {
        super::Endpoint::Started(server) if !server.base_url.contains("${PORT}") => Some(server.base_url.clone()),
        _ => None,
    };
    let other = match &gate.baseline {
        Counterpart::MergeBase | Counterpart::Ref(_) => Some(target),
        Counterpart::Target(name) => targets.get(name),
        Counterpart::Config(_) | Counterpart::Url(_) => None,
    };
    fixed(target).is_some() && fixed(target) == other.and_then(fixed)
}
