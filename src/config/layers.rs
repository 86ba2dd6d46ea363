//! Who wins: default.yaml, then a preset, then the file's own keys (with `--set`), then flags. Also lists into workloads.
//!
//! Not here: whether the outcome makes sense (`check`).

use super::error::{Issue, Place, did_you_mean};
use super::file::{
    ArrivalFile, BaselineFile, File, GateFile, Levels, Number, PromptsFile, ReadyFile, ServerFile, SloFile, Span, SyntheticFile,
    TargetFile, WarmupFile, WorkloadFile,
};
use super::position::Origins;
use super::recipes::RecipeFile;
use super::units::parse_duration;
use super::{Corpus, GateMode, Level, Tier, presets, sweep};
use crate::protocol::{ExtraBody, ProtocolName, joined};

/// The workload of flags alone.
pub const ADHOC: &str = "adhoc";

/// What was typed, each flag by its name; the same as a config's keys, for use without one or over it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flags {
    pub base_url: Option<String>,
    pub model: Option<String>,
    pub protocol: Option<String>,
    pub api_key_env: Option<String>,
    /// Closed loop; several make one workload per level.
    pub concurrency: Vec<u32>,
    /// Requests per second, open loop.
    pub rate: Option<f64>,
    /// `poisson`, `constant` or `gamma:BURSTINESS`.
    pub arrival: Option<String>,
    pub requests: Option<u32>,
    pub duration: Option<String>,
    pub max_in_flight: Option<u32>,
    pub input_tokens: Option<u32>,
    pub output_tokens: Option<u32>,
    pub shared_prefix: Option<f64>,
    pub corpus: Option<String>,
    /// Requests.
    pub warmup: Option<u32>,
    pub rounds: Option<u32>,
    pub starts: Option<u32>,
    pub seed: Option<u64>,
    pub timeout: Option<String>,
    pub no_stream: bool,
    pub temperature: Option<f64>,
    /// A JSON object.
    pub extra_body: Option<String>,
    /// Instead of the file's workloads; `adhoc` is what the other flags say, and no more.
    pub preset: Vec<String>,
    /// `ttft=500ms,tpot=50ms`
    pub slo: Option<String>,
    /// One of `targets`, instead of `target`.
    pub target: Option<String>,
    /// Every one of `targets`.
    pub each: bool,
    /// Interleaved with a server that runs already.
    pub baseline_url: Option<String>,
    pub interleaved: bool,
    /// Only these; a name that stands for several levels selects all of them.
    pub workloads: Vec<String>,
    /// `concurrency=1,2,4` or `rate=1..20`: one workload per level, instead of the arrivals' own.
    pub sweep: Option<String>,
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

/// The workloads that flags name where no file does, or instead of the file's.
pub fn workloads_of_flags(flags: &Flags) -> Vec<WorkloadFile> {
    let adhoc = WorkloadFile { name: Some(ADHOC.into()), ..WorkloadFile::default() };
    if flags.preset.is_empty() {
        return vec![adhoc];
    }
    let one = |name: &String| match name.as_str() {
        ADHOC => adhoc.clone(),
        preset => WorkloadFile { preset: Some(preset.to_owned()), ..WorkloadFile::default() },
    };
    flags.preset.iter().map(one).collect()
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
            let said = if is_selected(flags, &name) { over.clone().over(workload.clone()) } else { workload.clone() };
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

/// Whether flags apply to a workload of the file, whose list of levels is not expanded yet.
fn is_selected(flags: &Flags, name: &str) -> bool {
    let selects = |filter: &String| filter == name || filter.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'));
    flags.workloads.is_empty() || flags.workloads.iter().any(selects)
}

/// The flags that speak of the target, and those of the workload, as the file would say them.
pub fn of_flags(flags: &Flags, issues: &mut Vec<Issue>) -> (TargetFile, WorkloadFile) {
    let target = TargetFile {
        base_url: flags.base_url.clone(),
        model: flags.model.clone(),
        api_key_env: flags.api_key_env.clone(),
        protocol: word(
            flags.protocol.as_deref(),
            ("--protocol", "target.protocol"),
            &ProtocolName::ALL.map(|p| (p.name(), p)),
            issues,
        ),
        ..TargetFile::default()
    };
    let corpus = word(
        flags.corpus.as_deref(),
        ("--corpus", "workloads.prompts.synthetic.corpus"),
        &Corpus::ALL.map(|c| (c.name(), c)),
        issues,
    );
    let text = SyntheticFile { input_tokens: flags.input_tokens, shared_prefix: flags.shared_prefix.map(Number), corpus };
    let workload = WorkloadFile {
        arrival: arrival(flags, issues),
        requests: flags.requests,
        duration: span(flags.duration.as_deref(), "--duration", issues),
        max_in_flight: flags.max_in_flight,
        prompts: (text != SyntheticFile::default()).then_some(PromptsFile { synthetic: Some(text), ..PromptsFile::default() }),
        output_tokens: flags.output_tokens,
        stream: flags.no_stream.then_some(false),
        temperature: flags.temperature.map(Number),
        extra_body: flags.extra_body.as_deref().and_then(|text| extra_body(text, issues)),
        seed: flags.seed,
        warmup: flags.warmup.map(|n| WarmupFile { requests: Some(n), duration: None }),
        timeout: span(flags.timeout.as_deref(), "--timeout", issues),
        slo: flags.slo.as_deref().map(|text| slo(text, issues)),
        ..WorkloadFile::default()
    };
    (target, workload)
}

/// The flags that speak of the gate.
pub fn gate_of_flags(flags: &Flags) -> GateFile {
    let interleaved = flags.interleaved || flags.baseline_url.is_some();
    GateFile {
        mode: interleaved.then_some(GateMode::Interleaved),
        baseline: flags.baseline_url.clone().map(BaselineFile::BaseUrl),
        starts: flags.starts,
        rounds: flags.rounds,
        ..GateFile::default()
    }
}

/// Lets later messages name the flag that said a value.
pub fn note_flags(flags: &Flags, workloads: usize, origins: &mut Origins) {
    let said: [(&str, &str, bool); 25] = [
        ("target.base_url", "--base-url", flags.base_url.is_some()),
        ("target.model", "--model", flags.model.is_some()),
        ("target.api_key_env", "--api-key-env", flags.api_key_env.is_some()),
        ("target.protocol", "--protocol", flags.protocol.is_some()),
        ("gate.mode", "--interleaved", flags.interleaved),
        ("gate.baseline", "--baseline-url", flags.baseline_url.is_some()),
        ("gate.rounds", "--rounds", flags.rounds.is_some()),
        ("gate.starts", "--starts", flags.starts.is_some()),
        ("*.preset", "--preset", !flags.preset.is_empty()),
        ("*.arrival", "--concurrency", !flags.concurrency.is_empty()),
        ("*.arrival", "--rate", flags.rate.is_some()),
        ("*.requests", "--requests", flags.requests.is_some()),
        ("*.duration", "--duration", flags.duration.is_some()),
        ("*.max_in_flight", "--max-in-flight", flags.max_in_flight.is_some()),
        ("*.prompts.synthetic.input_tokens", "--input-tokens", flags.input_tokens.is_some()),
        ("*.prompts.synthetic.shared_prefix", "--shared-prefix", flags.shared_prefix.is_some()),
        ("*.prompts.synthetic.corpus", "--corpus", flags.corpus.is_some()),
        ("*.output_tokens", "--output-tokens", flags.output_tokens.is_some()),
        ("*.stream", "--no-stream", flags.no_stream),
        ("*.temperature", "--temperature", flags.temperature.is_some()),
        ("*.extra_body", "--extra-body", flags.extra_body.is_some()),
        ("*.seed", "--seed", flags.seed.is_some()),
        ("*.warmup", "--warmup", flags.warmup.is_some()),
        ("*.timeout", "--timeout", flags.timeout.is_some()),
        ("*.slo", "--slo", flags.slo.is_some()),
    ];
    for (path, flag, _) in said.into_iter().filter(|(_, _, said)| *said) {
        match path.strip_prefix('*') {
            None => origins.override_by(path, flag),
            Some(rest) => (0..workloads).for_each(|i| origins.override_by(&format!("workloads[{i}]{rest}"), flag)),
        }
    }
}

fn arrival(flags: &Flags, issues: &mut Vec<Issue>) -> Option<ArrivalFile> {
    let closed = match flags.concurrency.as_slice() {
        [] => None,
        [one] => Some(Levels::One(*one)),
        many => Some(Levels::Many(many.to_vec())),
    };
    let kind = flags.arrival.as_deref();
    match (closed, flags.rate, kind) {
        (Some(_), Some(_), _) => {
            issues.push(flag_issue(
                "--concurrency",
                "cannot be combined with --rate",
                "closed loop or open loop: give one of them",
            ));
            None
        }
        (Some(concurrency), None, None) => Some(ArrivalFile::Closed { concurrency }),
        (_, None, Some(_)) => {
            issues.push(flag_issue("--arrival", "has no rate", "add --rate, in requests per second"));
            None
        }
        (None, Some(rate), kind) => open_arrival(Number(rate), kind.unwrap_or("poisson"), issues),
        (None, None, None) => None,
    }
}

fn open_arrival(rate: Number, kind: &str, issues: &mut Vec<Issue>) -> Option<ArrivalFile> {
    match kind.split_once(':') {
        None if kind == "poisson" => Some(ArrivalFile::Poisson { rate }),
        None if kind == "constant" => Some(ArrivalFile::Constant { rate }),
        Some(("gamma", shape)) if shape.parse::<f64>().is_ok_and(f64::is_finite) => {
            shape.parse().ok().map(|shape| ArrivalFile::Gamma { rate, burstiness: Number(shape) })
        }
        _ => {
            let hint = "one of: poisson, constant, gamma:BURSTINESS (such as gamma:0.5)";
            issues.push(flag_issue("--arrival", &format!("unknown arrival process `{kind}`"), hint));
            None
        }
    }
}

fn extra_body(text: &str, issues: &mut Vec<Issue>) -> Option<ExtraBody> {
    match serde_json::from_str(text) {
        Ok(fields) => Some(fields),
        Err(e) => {
            let what = format!("is no JSON object: {e}");
            issues.push(flag_issue("--extra-body", &what, "write it as '{\"top_p\": 0.9}'"));
            None
        }
    }
}

fn slo(text: &str, issues: &mut Vec<Issue>) -> SloFile {
    let mut slo = SloFile::default();
    for part in text.split(',') {
        let (kind, time) = part.split_once('=').unwrap_or((part, ""));
        let slot = match kind.trim() {
            "ttft" => &mut slo.ttft,
            "tpot" => &mut slo.tpot,
            "e2e" => &mut slo.e2e,
            other => {
                issues.push(flag_issue(
                    "--slo",
                    &format!("unknown kind `{other}`"),
                    "write ttft=500ms,tpot=50ms,e2e=8s, or some of them",
                ));
                continue;
            }
        };
        if slot.is_some() {
            issues.push(flag_issue("--slo", &format!("`{}` is there twice", kind.trim()), "keep one of them"));
        }
        *slot = span(Some(time), "--slo", issues);
    }
    slo
}

fn span(text: Option<&str>, flag: &str, issues: &mut Vec<Issue>) -> Option<Span> {
    match parse_duration(text?) {
        Ok(duration) => Some(Span(duration)),
        Err(error) => {
            issues.push(flag_issue(flag, &error.what, &error.hint));
            None
        }
    }
}

fn word<T: Copy>(text: Option<&str>, (flag, path): (&str, &str), valid: &[(&str, T)], issues: &mut Vec<Issue>) -> Option<T> {
    let text = text?;
    let found = valid.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
    if found.is_none() {
        let names: Vec<&str> = valid.iter().map(|(name, _)| *name).collect();
        let (what, hint) = super::error::unknown("value", path, text, &names);
        issues.push(flag_issue(flag, &what, &hint));
    }
    found
}

pub fn flag_issue(flag: &str, what: &str, hint: &str) -> Issue {
    Issue { place: Place::Flag(flag.to_owned()), ..Issue::new("", what, hint) }
}
