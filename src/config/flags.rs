//! The flags that say what a config's keys say: as they are typed, as the file would have it, and
//! which key each one overrides.
//!
//! Not here: whether it makes sense (`check`), or the flags that say something else (`cli/`).

use clap::Args;

use super::arrival::{ArrivalFile, Axis, Levels};
use super::error::{Issue, Unknown, flag_issue, unknown};
use super::expect::SloFile;
use super::gate::{BaselineFile, GateFile, GateMode};
use super::position::Origins;
use super::prompts::{Corpus, PromptsFile, SyntheticFile};
use super::target::TargetFile;
use super::units::parse_duration;
use super::warmup::WarmupFile;
use super::wire::{Number, Span};
use super::workload::WorkloadFile;
use crate::protocol::{ExtraBody, ProtocolName};

/// The workload of flags alone.
pub const ADHOC: &str = "adhoc";

/// What was typed of target, workload and gate: the same as a config's keys, for use without one or
/// over it.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(next_help_heading = "Target and workload (without a config file, or over its values)")]
pub struct Flags {
    /// Base URL of the API, usually ending in /v1
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// One of the config's `targets`, instead of its `target`
    #[arg(long, value_name = "NAME", conflicts_with = "base_url")]
    pub target: Option<String>,
    /// Model name [default: the only one that the server lists]
    #[arg(long)]
    pub model: Option<String>,
    /// Wire protocol: openai-chat, openai-completions, ollama, ollama-generate, triton
    #[arg(long)]
    pub protocol: Option<String>,
    /// Environment variable that holds the API key
    #[arg(long, value_name = "VAR")]
    pub api_key_env: Option<String>,
    /// Closed loop: requests in flight; a list makes one workload per level
    #[arg(long, value_name = "N[,N...]", value_delimiter = ',', conflicts_with = "rate")]
    pub concurrency: Vec<u32>,
    /// Open loop: requests per second
    #[arg(long, value_name = "R")]
    pub rate: Option<f64>,
    /// Arrival process of --rate: poisson, constant, gamma:BURSTINESS
    #[arg(long, value_name = "A", requires = "rate")]
    pub arrival: Option<String>,
    /// Requests per round
    #[arg(long, value_name = "N", conflicts_with = "duration")]
    pub requests: Option<u32>,
    /// Length of a round, e.g. 60s
    #[arg(long, value_name = "TIME")]
    pub duration: Option<String>,
    /// Most requests in flight in open loop
    #[arg(long, value_name = "N")]
    pub max_in_flight: Option<u32>,
    /// Nominal input tokens per prompt
    #[arg(long, value_name = "N")]
    pub input_tokens: Option<u32>,
    /// Output tokens per request
    #[arg(long, value_name = "N")]
    pub output_tokens: Option<u32>,
    /// Share of each prompt that all requests have in common, 0 to 1
    #[arg(long, value_name = "S")]
    pub shared_prefix: Option<f64>,
    /// Corpus of the prompts: en, ko, zh, ja, code
    #[arg(long)]
    pub corpus: Option<String>,
    /// Requests of warm-up per start
    #[arg(long, value_name = "N")]
    pub warmup: Option<u32>,
    /// Rounds per start
    #[arg(long, value_name = "N")]
    pub rounds: Option<u32>,
    /// Server starts (only where the gate starts the server)
    #[arg(long, value_name = "N")]
    pub starts: Option<u32>,
    /// Seed of everything random in the plan
    #[arg(long)]
    pub seed: Option<u64>,
    /// Time limit of one request, e.g. 120s
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<String>,
    /// Ask for whole answers instead of streams
    #[arg(long)]
    pub no_stream: bool,
    /// Sampling temperature
    #[arg(long, value_name = "T")]
    pub temperature: Option<f64>,
    /// Further fields of each request body, such as '{"seed": 1}'; never a secret
    #[arg(long, value_name = "JSON")]
    pub extra_body: Option<String>,
    /// Named workloads: quick, standard, stress, low-load, medium-load, high-load, stress-test,
    /// single, concurrent, long-context, prefix-cache, korean; adhoc: what the other flags say, and
    /// no more
    #[arg(long, value_name = "NAME[,NAME...]", value_delimiter = ',')]
    pub preset: Vec<String>,
    /// Per-request limits, e.g. ttft=500ms,tpot=50ms
    #[arg(long, value_name = "KIND=TIME[,...]")]
    pub slo: Option<String>,
    /// Only these workloads of the config
    #[arg(long, value_name = "NAME")]
    pub workload: Vec<String>,
    /// Every one of `targets` (`run --each`).
    #[arg(skip)]
    pub each: bool,
    /// `concurrency=1,2,4` or `rate=1..20`: one workload per level, instead of the arrivals' own
    /// (`run --sweep`).
    #[arg(skip)]
    pub sweep: Option<String>,
    /// The load that is raised until the SLOs are missed (`run --find`).
    #[arg(skip)]
    pub find: Option<Axis>,
    /// `check --interleaved`
    #[arg(skip)]
    pub interleaved: bool,
    /// Interleaved with a server that runs already (`check --baseline-url`).
    #[arg(skip)]
    pub baseline_url: Option<String>,
    /// `check --detect`
    #[arg(skip)]
    pub detect: Option<String>,
}

impl Flags {
    /// What they say of the target, as the file would.
    pub fn target_file(&self, issues: &mut Vec<Issue>) -> TargetFile {
        let names = ProtocolName::ALL.map(|p| (p.name(), p));
        TargetFile {
            base_url: self.base_url.clone(),
            model: self.model.clone(),
            api_key_env: self.api_key_env.clone(),
            protocol: named(
                self.protocol.as_deref(),
                ("--protocol", "target.protocol"),
                &names,
                issues,
            ),
            ..TargetFile::default()
        }
    }

    /// The same of the workload.
    pub fn workload_file(&self, issues: &mut Vec<Issue>) -> WorkloadFile {
        let names = Corpus::ALL.map(|c| (c.name(), c));
        let corpus = named(
            self.corpus.as_deref(),
            ("--corpus", "workloads.prompts.synthetic.corpus"),
            &names,
            issues,
        );
        let text = SyntheticFile {
            input_tokens: self.input_tokens,
            shared_prefix: self.shared_prefix.map(Number),
            corpus,
        };
        WorkloadFile {
            arrival: self.arrival(issues),
            requests: self.requests,
            duration: span(self.duration.as_deref(), "--duration", issues),
            max_in_flight: self.max_in_flight,
            prompts: (text != SyntheticFile::default())
                .then_some(PromptsFile { synthetic: Some(text), ..PromptsFile::default() }),
            output_tokens: self.output_tokens,
            stream: self.no_stream.then_some(false),
            temperature: self.temperature.map(Number),
            extra_body: self.extra_body.as_deref().and_then(|text| extra_body(text, issues)),
            seed: self.seed,
            warmup: self.warmup.map(|n| WarmupFile { requests: Some(n), duration: None }),
            timeout: span(self.timeout.as_deref(), "--timeout", issues),
            slo: self.slo.as_deref().map(|text| slo(text, issues)),
            ..WorkloadFile::default()
        }
    }

    /// The same of the gate.
    pub fn gate_file(&self) -> GateFile {
        let interleaved = self.interleaved || self.baseline_url.is_some();
        GateFile {
            mode: interleaved.then_some(GateMode::Interleaved),
            baseline: self.baseline_url.clone().map(BaselineFile::BaseUrl),
            starts: self.starts,
            rounds: self.rounds,
            detect: self.detect.clone(),
            ..GateFile::default()
        }
    }

    /// The workloads that they name where no file does, or instead of the file's.
    pub fn workload_files(&self) -> Vec<WorkloadFile> {
        let adhoc = WorkloadFile { name: Some(ADHOC.into()), ..WorkloadFile::default() };
        if self.preset.is_empty() {
            return vec![adhoc];
        }
        let entry = |name: &String| match name.as_str() {
            ADHOC => adhoc.clone(),
            preset => WorkloadFile { preset: Some(preset.to_owned()), ..WorkloadFile::default() },
        };
        self.preset.iter().map(entry).collect()
    }

    /// Whether they apply to a workload of the file, whose list of levels is not expanded yet.
    pub fn select(&self, name: &str) -> bool {
        let selects = |filter: &String| {
            filter == name || filter.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'))
        };
        self.workload.is_empty() || self.workload.iter().any(selects)
    }

    /// Lets later messages name the flag that said a value.
    pub fn note(&self, workloads: usize, origins: &mut Origins) {
        let all: [(&str, &str, bool); 26] = [
            ("target.base_url", "--base-url", self.base_url.is_some()),
            ("target.model", "--model", self.model.is_some()),
            ("target.api_key_env", "--api-key-env", self.api_key_env.is_some()),
            ("target.protocol", "--protocol", self.protocol.is_some()),
            ("gate.mode", "--interleaved", self.interleaved),
            ("gate.baseline", "--baseline-url", self.baseline_url.is_some()),
            ("gate.rounds", "--rounds", self.rounds.is_some()),
            ("gate.starts", "--starts", self.starts.is_some()),
            ("gate.detect", "--detect", self.detect.is_some()),
            ("*.preset", "--preset", !self.preset.is_empty()),
            ("*.arrival", "--concurrency", !self.concurrency.is_empty()),
            ("*.arrival", "--rate", self.rate.is_some()),
            ("*.requests", "--requests", self.requests.is_some()),
            ("*.duration", "--duration", self.duration.is_some()),
            ("*.max_in_flight", "--max-in-flight", self.max_in_flight.is_some()),
            ("*.prompts.synthetic.input_tokens", "--input-tokens", self.input_tokens.is_some()),
            ("*.prompts.synthetic.shared_prefix", "--shared-prefix", self.shared_prefix.is_some()),
            ("*.prompts.synthetic.corpus", "--corpus", self.corpus.is_some()),
            ("*.output_tokens", "--output-tokens", self.output_tokens.is_some()),
            ("*.stream", "--no-stream", self.no_stream),
            ("*.temperature", "--temperature", self.temperature.is_some()),
            ("*.extra_body", "--extra-body", self.extra_body.is_some()),
            ("*.seed", "--seed", self.seed.is_some()),
            ("*.warmup", "--warmup", self.warmup.is_some()),
            ("*.timeout", "--timeout", self.timeout.is_some()),
            ("*.slo", "--slo", self.slo.is_some()),
        ];
        for (path, flag, _) in all.into_iter().filter(|(_, _, typed)| *typed) {
            match path.strip_prefix('*') {
                None => origins.override_by(path, flag),
                Some(rest) => (0..workloads)
                    .for_each(|i| origins.override_by(&format!("workloads[{i}]{rest}"), flag)),
            }
        }
    }

    fn arrival(&self, issues: &mut Vec<Issue>) -> Option<ArrivalFile> {
        let closed = match self.concurrency.as_slice() {
            [] => None,
            [level] => Some(Levels::One(*level)),
            many => Some(Levels::Many(many.to_vec())),
        };
        let kind = self.arrival.as_deref();
        match (closed, self.rate, kind) {
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
                issues.push(flag_issue(
                    "--arrival",
                    "has no rate",
                    "add --rate, in requests per second",
                ));
                None
            }
            (None, Some(rate), kind) => {
                open_arrival(Number(rate), kind.unwrap_or("poisson"), issues)
            }
            (None, None, None) => None,
        }
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
            issues.push(flag_issue("--arrival", format!("unknown arrival process `{kind}`"), hint));
            None
        }
    }
}

fn extra_body(text: &str, issues: &mut Vec<Issue>) -> Option<ExtraBody> {
    match serde_json::from_str(text) {
        Ok(fields) => Some(fields),
        Err(e) => {
            let what = format!("is no JSON object: {e}");
            issues.push(flag_issue("--extra-body", what, "write it as '{\"top_p\": 0.9}'"));
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
                    format!("unknown kind `{other}`"),
                    "write ttft=500ms,tpot=50ms,e2e=8s, or some of them",
                ));
                continue;
            }
        };
        if slot.is_some() {
            issues.push(flag_issue(
                "--slo",
                format!("`{}` is there twice", kind.trim()),
                "keep one of them",
            ));
        }
        *slot = span(Some(time), "--slo", issues);
    }
    slo
}

fn span(text: Option<&str>, flag: &str, issues: &mut Vec<Issue>) -> Option<Span> {
    match parse_duration(text?) {
        Ok(duration) => Some(Span(duration)),
        Err(error) => {
            issues.push(flag_issue(flag, error.what, error.hint));
            None
        }
    }
}

fn named<T: Copy>(
    text: Option<&str>,
    (flag, path): (&str, &str),
    valid: &[(&str, T)],
    issues: &mut Vec<Issue>,
) -> Option<T> {
    let text = text?;
    let found = valid.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
    if found.is_none() {
        let names: Vec<&str> = valid.iter().map(|(name, _)| *name).collect();
        let (what, hint) = unknown(Unknown::Value, path, text, &names);
        issues.push(flag_issue(flag, what, hint));
    }
    found
}
