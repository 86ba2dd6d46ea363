//! Who wins: default.yaml, then a preset, then the file's own keys (with `--set`), then flags. Also lists into workloads.
//!
//! Not here: whether the outcome makes sense (`check`).

use super::error::{Issue, did_you_mean};
use super::file::{
    ArrivalFile, File, GateFile, PromptsFile, ReadyFile, ServerFile, SloFile, SyntheticFile, TargetFile, WorkloadFile,
};
use super::flags::Flags;
use super::recipes::RecipeFile;
use super::{Level, Tier, presets, sweep};
use crate::protocol::{ProtocolName, joined};

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

impl TargetFile {
    /// This, and what it does not say from `base`.
    pub fn over(self, base: Self) -> Self {
        // Another protocol does not inherit what was said of this one.
        let kin = |said: ProtocolName| base.protocol.is_none_or(|other| other.family() == said.family());
        let inherits = self.protocol.is_none_or(kin);
        Self {
            base_url: self.base_url.or(base.base_url),
            sim: self.sim.or(base.sim),
            protocol: self.protocol.or(base.protocol),
            ollama: self.ollama.or(base.ollama.filter(|_| inherits)),
            triton: self.triton.or(base.triton.filter(|_| inherits)),
            tokenizer: self.tokenizer.or(base.tokenizer),
            model: self.model.or(base.model),
            api_key_env: self.api_key_env.or(base.api_key_env),
            headers: self.headers.or(base.headers),
            extra_body: merge(self.extra_body, base.extra_body.filter(|_| inherits), |over, base| joined(&over, &base)),
            ca_file: self.ca_file.or(base.ca_file),
            cache_reset: self.cache_reset.or(base.cache_reset),
            metrics: self.metrics.or(base.metrics),
            metrics_every: self.metrics_every.or(base.metrics_every),
        }
    }
}

impl ServerFile {
    /// This, and what it does not say from `base`.
    pub fn over(self, base: Self) -> Self {
        let another = self.starts_otherwise(&base);
        Self {
            build: self.build.or(base.build),
            start: self.start.or(base.start.filter(|_| !another)),
            vllm: RecipeFile::layered(self.vllm, base.vllm, another),
            sglang: RecipeFile::layered(self.sglang, base.sglang, another),
            ollama: RecipeFile::layered(self.ollama, base.ollama, another),
            llama_cpp: RecipeFile::layered(self.llama_cpp, base.llama_cpp, another),
            litellm: RecipeFile::layered(self.litellm, base.litellm, another),
            triton: RecipeFile::layered(self.triton, base.triton, another),
            cwd: self.cwd.or(base.cwd),
            env: merge(self.env, base.env, |over, mut under| {
                under.extend(over);
                under
            }),
            ready: merge(self.ready, base.ready, |over, base| ReadyFile {
                path: over.path.or(base.path),
                timeout: over.timeout.or(base.timeout),
            }),
            grace: self.grace.or(base.grace),
            container: self.container.or(base.container.filter(|_| !another)),
            metrics: self.metrics.or(base.metrics),
        }
    }
}

impl WorkloadFile {
    /// This, and what it does not say from `base`. Of things that exclude each other, those that are said here win.
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
}

impl GateFile {
    /// This, and what it does not say from `base`.
    pub fn over(self, base: Self) -> Self {
        Self {
            mode: self.mode.or(base.mode),
            starts: self.starts.or(base.starts),
            rounds: self.rounds.or(base.rounds),
            on_inconclusive: self.on_inconclusive.or(base.on_inconclusive),
            on_blind: self.on_blind.or(base.on_blind),
            on_missing_baseline: self.on_missing_baseline.or(base.on_missing_baseline),
            on_incomparable: self.on_incomparable.or(base.on_incomparable),
            on_limit_open: self.on_limit_open.or(base.on_limit_open),
            on_anchor_drift: self.on_anchor_drift.or(base.on_anchor_drift),
            on_attempt: self.on_attempt.or(base.on_attempt),
            same_build: self.same_build.or(base.same_build),
            strict: self.strict.or(base.strict),
            under_test: self.under_test.or(base.under_test),
            baseline: self.baseline.or(base.baseline),
            fit: self.fit.or(base.fit),
            extend: self.extend.or(base.extend),
        }
    }
}

impl PromptsFile {
    /// A file's requests leave nothing to make: what is said of text below them does not hold.
    fn over(self, base: Self) -> Self {
        let base = if self.dataset.is_some() { Self::default() } else { base };
        Self {
            synthetic: merge(self.synthetic, base.synthetic, SyntheticFile::over),
            conversation: self.conversation.or(base.conversation),
            dataset: self.dataset.or(base.dataset),
        }
    }
}

impl SyntheticFile {
    fn over(self, base: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.or(base.input_tokens),
            shared_prefix: self.shared_prefix.or(base.shared_prefix),
            corpus: self.corpus.or(base.corpus),
        }
    }
}

impl SloFile {
    fn over(self, base: Self) -> Self {
        Self { ttft: self.ttft.or(base.ttft), tpot: self.tpot.or(base.tpot), e2e: self.e2e.or(base.e2e) }
    }
}

fn merge<T>(over: Option<T>, base: Option<T>, both: impl FnOnce(T, T) -> T) -> Option<T> {
    match (over, base) {
        (Some(over), Some(base)) => Some(both(over, base)),
        (over, base) => over.or(base),
    }
}

/// Presets and lists become workloads of their own; flags and defaults are merged in.
pub fn expand(file: &File, defaults: &WorkloadFile, flags: &Flags, over: &WorkloadFile, issues: &mut Vec<Issue>) -> Vec<Layered> {
    let mut all = Vec::new();
    let swept = flags.sweep.as_deref().and_then(|text| sweep::parse(text).map_err(|issue| issues.push(*issue)).ok());
    for (i, workload) in file.workloads.iter().flatten().enumerate() {
        let path = format!("workloads[{i}]");
        let name = workload.name.clone().or_else(|| workload.preset.clone()).unwrap_or_default();
        let parts = match workload.preset.as_deref() {
            None => vec![("", WorkloadFile::default())],
            Some(preset) => presets::find(preset).unwrap_or_else(|| {
                let hint = did_you_mean(preset, &presets::NAMES);
                issues.push(Issue::new(format!("{path}.preset"), format!("unknown preset `{preset}`"), hint));
                vec![]
            }),
        };
        for (suffix, part) in parts {
            let said = if flags.select(&name) { over.clone().over(workload.clone()) } else { workload.clone() };
            // A part that stands for one level of a preset's list has no meaning beside another arrival.
            if suffix == presets::STRESS_TOP && said.arrival.is_some() {
                continue;
            }
            let said = said.over(part);
            let length_said = said.requests.is_some() || said.duration.is_some();
            let own_name = (!name.is_empty()).then(|| format!("{name}{suffix}"));
            let file = WorkloadFile { name: own_name, ..said.over(defaults.clone()) };
            let one = Layered { path: path.clone(), family: name.clone(), file, length_said, tier: None, level: None };
            all.extend(sweep::tiers(one).into_iter().flat_map(|one| sweep::levels(one, swept.as_ref())));
        }
    }
    all
}
