//! `workloads`: one load, when it is sent, what it asks for, what is expected of it. Wire form,
//! layers, check.
//!
//! Not here: arrivals (`arrival`), prompts (`prompts`), expectations (`expect`, `regression`),
//! lists made several (`sweep`).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::arrival::{Arrival, ArrivalFile, Length, Level, SessionBegin};
use super::check::Checker;
use super::expect::{Limit, LimitFile, Shape, Slo, SloFile};
use super::prompts::{PromptKind, Prompts, PromptsFile};
use super::regression::{Regression, RegressionFile};
use super::warmup::{Warmup, WarmupFile};
use super::wire::{Number, Span, merge};
use crate::metric::Metric;
use crate::protocol::{ExtraBody, joined};

/// Longest answer, in tokens: several times what any model writes.
pub const MOST_OUTPUT_TOKENS: u32 = 1_000_000;

/// One load: when requests are sent, what they ask for, and what is expected of the answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadFile {
    /// Unique; a to z, 0 to 9, `.`, `_`, `-`, since it names a folder. Required unless `preset`
    /// gives one.
    pub name: Option<String>,
    /// A named workload whose values hold where this one is silent.
    pub preset: Option<String>,
    /// For whoever chooses: `run -i` shows it beside the name. It changes nothing that is measured.
    pub description: Option<String>,
    /// When requests are sent.
    pub arrival: Option<ArrivalFile>,
    /// Requests per round. Not together with `duration`.
    #[schemars(range(min = 1))]
    pub requests: Option<u32>,
    /// Length of a round: requests that arrive (open loop) or start (closed loop) within it. Not
    /// together with `requests`.
    pub duration: Option<Span>,
    /// Most requests in flight in open loop; waiting for a slot counts as latency.
    #[schemars(range(min = 1))]
    pub max_in_flight: Option<u32>,
    /// What is asked.
    pub prompts: Option<PromptsFile>,
    /// Makes one workload per tier, `NAME-cold` and `NAME-warm`, of the same load without and with
    /// `shared_prefix` in the server's cache.
    #[schemars(length(min = 1))]
    pub tiers: Option<Vec<Tier>>,
    /// Tokens asked for per request.
    #[schemars(range(min = 1))]
    pub output_tokens: Option<u32>,
    /// Ask for streams; else for whole answers, which have no TTFT and no TPOT.
    pub stream: Option<bool>,
    /// Sampling temperature, 0 to 2.
    #[schemars(range(min = 0.0, max = 2.0))]
    pub temperature: Option<Number>,
    /// Ask the server to go on after an end-of-sequence token, so that every answer is as long as
    /// was asked.
    pub ignore_eos: Option<bool>,
    /// Further fields of every request body, joined over `target.extra_body`: objects key by key,
    /// all else replaced.
    pub extra_body: Option<ExtraBody>,
    /// Seed of everything random in the plan.
    pub seed: Option<u64>,
    /// Load per start before measuring; an integer is a number of requests.
    pub warmup: Option<WarmupFile>,
    /// Time limit of one request, from its start to its end.
    pub timeout: Option<Span>,
    /// Longest silence after the first byte of an answer.
    pub stall_timeout: Option<Span>,
    /// Limits per request; one that misses any of them is not good.
    pub slo: Option<SloFile>,
    /// Absolute limits per run, by metric: `{ttft_p95: {max: 500ms}, slo_attainment: {min: 95%}}`.
    pub limits: Option<BTreeMap<String, LimitFile>>,
    /// How changes are judged, by metric, where the method's own rule is not wanted: `5%` (`2pp`
    /// for shares) is the change that must be found, `{min_change: 5%, class: primary}` says more.
    pub regressions: Option<BTreeMap<String, RegressionFile>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    pub name: String,
    pub arrival: Arrival,
    pub length: Length,
    /// Most requests in flight; waiting for a slot counts as latency. Open loop only.
    pub max_in_flight: Option<u32>,
    pub prompts: Prompts,
    /// Tokens asked for per request (`max_tokens`, and `min_tokens`/`ignore_eos` where the server
    /// takes them).
    pub output_tokens: u32,
    pub stream: bool,
    pub temperature: f64,
    /// Ask the server to go on after an end-of-sequence token, so that the length is what was
    /// asked.
    pub ignore_eos: bool,
    /// Sent in every request of this workload, over the target's.
    pub extra_body: ExtraBody,
    pub seed: u64,
    pub warmup: Warmup,
    /// From the start of a request to its end.
    pub timeout: Duration,
    /// Longest silence after the first byte of an answer.
    pub stall_timeout: Duration,
    pub slo: Slo,
    pub limits: Vec<Limit>,
    /// How changes are judged, where METHOD's own rule is not wanted.
    pub regressions: BTreeMap<Metric, Regression>,
    /// What its file holds, where that is not to be read from the working folder.
    pub text: Option<Arc<str>>,
    pub tier: Option<Tier>,
    /// Where it is one of several that differ in it only: of a sweep, a list, or a family that was
    /// named one by one.
    pub level: Option<Level>,
}

/// What a workload's prompts find in the server's prefix cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Nothing: unique prompts, and the cache is emptied before each round where the server offers
    /// it.
    Cold,
    /// The shared prefix, which the warm-up brought there.
    Warm,
}

/// A workload as said, and where: `NAME` stands before the parts that presets and lists append.
#[derive(Clone, Debug)]
pub struct Layered {
    /// Such as `workloads[0]`.
    pub path: String,
    /// What selects it besides its own name.
    pub family: String,
    pub file: WorkloadFile,
    /// `requests` or `duration` was said, by the user or by a preset.
    pub length_said: bool,
    pub tier: Option<Tier>,
    pub level: Option<Level>,
}

impl Workload {
    /// The trace or dataset that it names; it has one of them at most.
    pub fn file(&self) -> Option<&Path> {
        match (&self.arrival, &self.prompts.kind) {
            (Arrival::Trace { file, .. }, _) | (_, PromptKind::Dataset { file, .. }) => Some(file),
            _ => None,
        }
    }
}

impl WorkloadFile {
    /// This, and what it does not say from `base`. Of things that exclude each other, those that
    /// are said here win.
    pub fn over(self, mut base: Self) -> Self {
        if self.requests.is_some() || self.duration.is_some() {
            (base.requests, base.duration) = (None, None);
        }
        if self.arrival.as_ref().is_some_and(ArrivalFile::is_bounded) {
            base.max_in_flight = None;
        }
        Self {
            name: self.name.or(base.name),
            preset: self.preset.or(base.preset),
            description: self.description.or(base.description),
            arrival: self.arrival.or(base.arrival),
            requests: self.requests.or(base.requests),
            duration: self.duration.or(base.duration),
            max_in_flight: self.max_in_flight.or(base.max_in_flight),
            prompts: merge(self.prompts, base.prompts, PromptsFile::over),
            tiers: self.tiers.or(base.tiers),
            output_tokens: self.output_tokens.or(base.output_tokens),
            stream: self.stream.or(base.stream),
            temperature: self.temperature.or(base.temperature),
            ignore_eos: self.ignore_eos.or(base.ignore_eos),
            extra_body: merge(self.extra_body, base.extra_body, |over, base| joined(&over, &base)),
            seed: self.seed.or(base.seed),
            warmup: self.warmup.or(base.warmup),
            timeout: self.timeout.or(base.timeout),
            stall_timeout: self.stall_timeout.or(base.stall_timeout),
            slo: merge(self.slo, base.slo, SloFile::over),
            limits: self.limits.or(base.limits),
            regressions: self.regressions.or(base.regressions),
        }
    }

    /// What decides which metrics it has.
    pub fn asked(&self) -> Shape {
        Shape {
            slo: self.slo.unwrap_or_default(),
            stream: self.stream,
            output_tokens: self.output_tokens,
        }
    }
}

/// Whether it can name a folder of baselines.
pub fn is_workload_name(name: &str) -> bool {
    let safe = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    (1..=64).contains(&name.len()) && !name.starts_with('.') && name.chars().all(safe)
}

impl Checker {
    /// The family of each workload beside it, for `--workload`.
    pub fn workloads(&mut self, layered: &[Layered], said: bool) -> Vec<(String, Workload)> {
        if layered.is_empty() && self.issues.is_empty() {
            let path = if said { "workloads" } else { "" };
            self.bad(
                path,
                "no workload",
                "add `workloads: [{preset: quick}]`, or one with a name and an arrival",
            );
        }
        let mut names: BTreeMap<&str, &str> = BTreeMap::new();
        for one in layered {
            let Some(name) = one.file.name.as_deref() else { continue };
            if let Some(first) = names.insert(name, &one.path) {
                let what = format!("the name `{name}` is taken by {first}");
                self.bad(
                    &format!("{}.name", one.path),
                    what,
                    "names are folders of baselines: give each workload its own",
                );
            }
        }
        let mut workloads = Vec::new();
        for one in layered {
            let before = self.issues.len();
            match self.workload(one) {
                Some(workload) => workloads.push((one.family.clone(), workload)),
                // Never dropped in silence: a value without a default would be a hole in
                // default.yaml.
                None if self.issues.len() == before => {
                    self.bad(&one.path, "a value is missing", "report this as a bug");
                }
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
        if file.arrival.as_ref().is_some_and(ArrivalFile::is_bounded)
            && file.max_in_flight.is_some()
        {
            let hint = "remove it: `concurrency` is what is in flight; or use an open loop, such as `arrival: {poisson: {rate: 5}}`";
            self.bad(&format!("{path}.max_in_flight"), "has no meaning in closed loop", hint);
        }
        if file.max_in_flight == Some(0) {
            self.bad(
                &format!("{path}.max_in_flight"),
                "must be 1 or more",
                "leave it out for no bound",
            );
        }
        let output_tokens =
            self.bounded(&format!("{path}.output_tokens"), file.output_tokens, MOST_OUTPUT_TOKENS);
        let temperature = file.temperature?.0;
        if !(0.0..=2.0).contains(&temperature) {
            self.bad(
                &format!("{path}.temperature"),
                format!("must be from 0 to 2, not {temperature}"),
                "use 0 for the least varied answers",
            );
        }
        let timeout = self.positive_span(&format!("{path}.timeout"), file.timeout);
        let stall_timeout =
            self.positive_span(&format!("{path}.stall_timeout"), file.stall_timeout);
        let warmup = self.warmup(&format!("{path}.warmup"), file.warmup.as_ref());
        let prompts = self.prompts(path, file.prompts.as_ref());
        if let (Some(arrival), Some(length), Some(prompts)) = (&arrival, length, &prompts) {
            self.size(path, arrival, length, layered.length_said);
            self.together(layered, arrival, length, prompts);
            self.tier(layered, prompts, warmup);
        }
        let asked = file.asked();
        let slo = self.slo(path, asked);
        let limits = self.limits(path, file.limits.as_ref(), asked);
        let regressions = self.regressions(path, file.regressions.as_ref(), asked);
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
            let hint =
                "it names a folder: a to z, 0 to 9, `.`, `_`, `-`, not first a `.`, at most 64";
            self.bad(
                &format!("{path}.name"),
                format!("`{name}` cannot be a workload's name"),
                hint,
            );
            return None;
        }
        Some(name.to_owned())
    }

    fn length(&mut self, path: &str, file: &WorkloadFile) -> Option<Length> {
        match (file.requests, file.duration) {
            (Some(_), Some(_)) => {
                self.bad(
                    &format!("{path}.duration"),
                    "both `requests` and `duration`",
                    "keep the one that ends a round",
                );
                None
            }
            (None, duration) => {
                self.positive_span(&format!("{path}.duration"), duration).map(Length::Duration)
            }
            (requests, None) => {
                self.at_least_one(&format!("{path}.requests"), requests).map(Length::Requests)
            }
        }
    }

    /// What arrivals, prompts and tiers ask of each other.
    pub fn together(
        &mut self,
        layered: &Layered,
        arrival: &Arrival,
        length: Length,
        prompts: &Prompts,
    ) {
        let path = &layered.path;
        let turns = match prompts.kind {
            PromptKind::Conversation { turns } => Some(turns),
            PromptKind::Single | PromptKind::Dataset { .. } => None,
        };
        match (arrival, turns) {
            (Arrival::Sessions { begin, .. }, Some(turns)) => {
                self.sessions(path, *begin, turns, length);
            }
            (Arrival::Sessions { .. }, None) => {
                let hint = "add `prompts: {conversation: {turns: 4}}`";
                self.bad(&format!("{path}.arrival.sessions"), "sessions need a conversation", hint);
            }
            (_, Some(_)) => {
                let hint = "a turn follows an answer: use `arrival: {sessions: {concurrency: 8, think_time: 2s}}`";
                self.bad(
                    &format!("{path}.prompts.conversation"),
                    "a conversation needs sessions",
                    hint,
                );
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
            self.bad(
                &at,
                "the warm tier has no warm-up that could make it warm",
                "leave `warmup` out, or write 1 or more",
            );
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
                let what = format!(
                    "{n} requests are fewer than one session of {turns} turns for each of {at_once} at a time"
                );
                let hint =
                    format!("turns count as requests: use {} or more", least.saturating_mul(2));
                self.bad(&format!("{path}.requests"), what, hint);
            }
            _ => {}
        }
    }
}
