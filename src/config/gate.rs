//! `gate`: how a run is made and judged. Wire form, layers, check.
//!
//! Not here: what the rules do (`judge`, `verdict`).

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Checker;
use super::error::did_you_mean;
use super::target::{Endpoint, Target};
use super::units::parse_percent;

/// Fingerprint fields that `gate.under_test` may name.
pub const UNDER_TEST: [&str; 5] =
    ["server_version", "server_flags", "server_args", "model", "quantisation"];

/// Starts of METHOD's session of another day.
const STARTS: u32 = 2;
const MOST_STARTS: u32 = 1000;
/// Start pairs that a plan may have.
const FEWEST_PAIRS: u32 = 3;
const MOST_PAIRS: u32 = 100;
/// Candidate starts that a PASS may need.
const MOST_MIN_STARTS: u32 = 10;
/// Below, no number of start pairs is enough; above, nothing is a regression.
const SMALLEST_DETECT: f64 = 0.005;
const LARGEST_DETECT: f64 = 0.5;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateFile {
    /// Against the committed baseline (`baseline`), against one that is measured in the same job
    /// (`interleaved`), or the limits alone (`limits`).
    pub mode: Option<GateMode>,
    /// Server starts of a run or session of one side, where the gate starts the server; a server at
    /// a `base_url` has one. Interleaved start pairs are planned: `max_pairs` bounds them.
    #[schemars(range(min = 1))]
    pub starts: Option<u32>,
    /// Rounds per start.
    #[schemars(range(min = 1))]
    pub rounds: Option<u32>,
    /// When the measurement cannot tell.
    pub on_inconclusive: Option<OnOpen>,
    /// When the measurement could not have seen even twice what must be found.
    pub on_blind: Option<OnOpen>,
    /// When there is no baseline.
    pub on_missing_baseline: Option<OnOpen>,
    /// When the baseline was measured under other conditions.
    pub on_incomparable: Option<OnOpen>,
    /// When an absolute limit is neither met nor breached.
    pub on_limit_open: Option<OnOpen>,
    /// Interleaved: when both sides turn out to be one program, called in the same way.
    pub same_build: Option<SameBuild>,
    /// Judge absolute limits by the measured value alone, whatever its uncertainty.
    pub strict: Option<bool>,
    /// Fingerprint fields that a change may alter, since they are what is judged.
    pub under_test: Option<Vec<String>>,
    /// Interleaved: what the candidate is measured beside.
    pub baseline: Option<BaselineFile>,
    /// Interleaved: `both` servers run at once and rounds alternate, or `one` at a time and starts
    /// alternate.
    pub fit: Option<Fit>,
    /// The slowdown that must be found: how many start pairs that takes is planned from the noise.
    pub detect: Option<String>,
    /// Candidate starts that a PASS needs, by the occasion where it is not said.
    #[schemars(range(min = 1))]
    pub min_starts: Option<u32>,
    /// Interleaved: start pairs that may be planned at most, by the occasion where it is not said.
    #[schemars(range(min = 3))]
    pub max_pairs: Option<u32>,
    /// What the run is for; by the event where it is not said.
    pub occasion: Option<Occasion>,
    /// When some starts of the candidate look slow, and it is not proven that the build does it.
    pub on_unstable: Option<OnUnstable>,
    /// Of earlier versions: refused.
    pub extend: Option<bool>,
    /// Of earlier versions: refused.
    pub on_anchor_drift: Option<OnOpen>,
    /// Of earlier versions: refused.
    pub on_attempt: Option<String>,
}

/// What the candidate is interleaved with: exactly one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BaselineFile {
    /// A commit, branch or tag, built and started in a worktree as its own config says;
    /// `merge-base` is the merge base with the base branch.
    Ref(String),
    /// Another target of `targets`.
    Target(String),
    /// The target of another config file.
    Config(String),
    /// A server that runs already.
    BaseUrl(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    pub mode: GateMode,
    /// Server starts of a run of one side, where the gate can start the server; else one.
    pub starts: u32,
    /// Rounds per start.
    pub rounds: u32,
    pub on_inconclusive: OnOpen,
    /// The run could not have seen even twice what must be found.
    pub on_blind: OnOpen,
    pub on_missing_baseline: OnOpen,
    pub on_incomparable: OnOpen,
    /// An absolute limit that is neither met nor breached.
    pub on_limit_open: OnOpen,
    /// Interleaved: two sides that are one program.
    pub same_build: SameBuild,
    /// Judge absolute limits by the measured value alone.
    pub strict: bool,
    /// Fingerprint fields that a change may alter, since they are what is judged.
    pub under_test: Vec<String>,
    /// Interleaved only.
    pub baseline: Counterpart,
    pub fit: Fit,
    /// The slowdown that must be found: a fraction.
    pub detect: f64,
    /// None where it is the occasion's.
    pub min_starts: Option<u32>,
    pub max_pairs: Option<u32>,
    /// None where it is the event's.
    pub occasion: Option<Occasion>,
    pub on_unstable: Option<OnUnstable>,
}

/// What a run is for: how many starts are seen, and how long it may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// A change that somebody waits for.
    #[default]
    PullRequest,
    /// The main branch.
    Nightly,
    Release,
}

/// Starts that look slow only sometimes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnUnstable {
    Fail,
    /// As what is open for noise.
    Inconclusive,
}

impl Occasion {
    pub const fn min_starts(self) -> u32 {
        match self {
            Self::PullRequest => 2,
            Self::Nightly => 3,
            Self::Release => 6,
        }
    }

    pub const fn max_pairs(self) -> u32 {
        match self {
            Self::PullRequest => 6,
            Self::Nightly | Self::Release => 12,
        }
    }
}

impl Gate {
    pub fn min_starts(&self) -> u32 {
        self.min_starts.unwrap_or(self.occasion.unwrap_or_default().min_starts())
    }

    /// Start pairs that may be planned at most.
    pub fn max_pairs(&self) -> u32 {
        self.max_pairs.unwrap_or(self.occasion.unwrap_or_default().max_pairs())
    }

    pub fn on_unstable(&self) -> OnUnstable {
        let release = self.occasion == Some(Occasion::Release);
        let default = if release { OnUnstable::Fail } else { OnUnstable::Inconclusive };
        self.on_unstable.unwrap_or(default)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GateMode {
    /// Against the committed baseline.
    Baseline,
    /// Against a baseline that is built, started and measured in the same job.
    Interleaved,
    /// Absolute limits only.
    Limits,
}

/// What the candidate is interleaved with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Counterpart {
    /// The merge base with the base branch, in a worktree, as its own config says.
    MergeBase,
    /// Any commit, in a worktree, as its own config says.
    Ref(String),
    /// Another target of this config.
    Target(String),
    /// The target of another config file.
    Config(PathBuf),
    /// A server that runs already.
    Url(String),
}

/// Whether both sides' servers can run at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// Rounds alternate between the two; the one that waits is idle.
    Both,
    /// Starts alternate.
    One,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnOpen {
    /// Exit 0, said loudly; the verdict says which.
    Warn,
    Fail,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SameBuild {
    /// INCOMPLETE: nothing was compared.
    Refuse,
    /// Said, and judged.
    Allow,
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
            detect: self.detect.or(base.detect),
            min_starts: self.min_starts.or(base.min_starts),
            max_pairs: self.max_pairs.or(base.max_pairs),
            occasion: self.occasion.or(base.occasion),
            on_unstable: self.on_unstable.or(base.on_unstable),
            extend: self.extend.or(base.extend),
        }
    }
}

impl Checker {
    /// `remote`: the target is at a `base_url`, so that the gate cannot restart it; unknown where
    /// the target is wrong.
    pub fn gate(
        &mut self,
        file: GateFile,
        remote: Option<bool>,
        starts_flag: Option<u32>,
    ) -> Option<Gate> {
        let mode = file.mode?;
        let starts = self.bounded("gate.starts", file.starts.or(Some(STARTS)), MOST_STARTS);
        let detect = self.detect(file.detect.as_deref());
        let (min_starts, max_pairs) = self.counts(&file);
        let rounds = self.at_least_one("gate.rounds", file.rounds);
        if remote == Some(true) && starts_flag.is_some_and(|n| n > 1) {
            self.bad(
                "gate.starts",
                "the gate cannot restart the server at `base_url`",
                "leave --starts out",
            );
        }
        let under_test = file.under_test?;
        for (i, field) in
            under_test.iter().enumerate().filter(|(_, field)| !UNDER_TEST.contains(&field.as_str()))
        {
            self.bad(
                &format!("gate.under_test[{i}]"),
                format!("unknown field `{field}`"),
                did_you_mean(field, &UNDER_TEST),
            );
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
            same_build: file.same_build?,
            strict: file.strict?,
            under_test,
            baseline: self.counterpart(file.baseline?)?,
            fit: file.fit?,
            detect: detect?,
            min_starts,
            max_pairs,
            occasion: file.occasion,
            on_unstable: file.on_unstable,
        })
    }

    fn detect(&mut self, text: Option<&str>) -> Option<f64> {
        const AT: &str = "gate.detect";
        match parse_percent(text?) {
            Ok(share) if (SMALLEST_DETECT..=LARGEST_DETECT).contains(&share) => return Some(share),
            Ok(_) => {
                let hint = "write the slowdown that must be found, such as 5%";
                self.bad(AT, "is not within 0.5% and 50%", hint);
            }
            Err(error) => self.unit(AT, error),
        }
        None
    }

    /// `min_starts` and `max_pairs`, where they are said.
    fn counts(&mut self, file: &GateFile) -> (Option<u32>, Option<u32>) {
        if file.extend.is_some() {
            let hint = "leave it out: `gate.detect` says what must be found, and `gate.max_pairs` how many start pairs that may take";
            self.bad("gate.extend", "is of an earlier version", hint);
        }
        if file.on_anchor_drift.is_some() {
            let hint = "leave it out: `goodput-gate baseline drift` judges the change since the anchor, once a week";
            self.bad("gate.on_anchor_drift", "is of an earlier version", hint);
        }
        if file.on_attempt.is_some() {
            let hint = "leave it out: attempts at one commit are judged together (docs/GITHUB.md#attempts)";
            self.bad("gate.on_attempt", "is of an earlier version", hint);
        }
        let said = |check: &mut Self, at, n: Option<u32>, most| {
            n.and_then(|n| check.bounded(at, Some(n), most))
        };
        let min_starts = said(self, "gate.min_starts", file.min_starts, MOST_MIN_STARTS);
        let max_pairs = said(self, "gate.max_pairs", file.max_pairs, MOST_PAIRS);
        if max_pairs.is_some_and(|n| n < FEWEST_PAIRS) {
            let hint = "a conviction takes start pairs that tell their own noise: write 3 or more";
            self.bad("gate.max_pairs", "is below 3", hint);
        }
        (min_starts, max_pairs)
    }

    fn counterpart(&mut self, file: BaselineFile) -> Option<Counterpart> {
        let (key, said) = match &file {
            BaselineFile::Ref(x) => ("ref", x),
            BaselineFile::Target(x) => ("target", x),
            BaselineFile::Config(x) => ("config", x),
            BaselineFile::BaseUrl(x) => ("base_url", x),
        };
        if said.trim().is_empty() {
            self.bad(
                &format!("gate.baseline.{key}"),
                "is empty",
                "name what this change is measured beside",
            );
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

    /// What only the whole config can tell: the baseline's target exists, and can be had beside the
    /// candidate.
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
                let hint = if names.is_empty() {
                    "add it to `targets`".into()
                } else {
                    did_you_mean(name, &names)
                };
                self.bad(&format!("{path}.target"), format!("no target `{name}`"), hint);
            }
            Counterpart::MergeBase | Counterpart::Ref(_)
                if !matches!(target.endpoint, Endpoint::Started(_)) =>
            {
                let hint = "say how it is started (`server.start`), or name another server: gate.baseline.base_url, --baseline-url";
                self.bad(path, "another commit's server cannot be started", hint);
            }
            _ if gate.fit == Fit::Both && one_port(target, targets, gate) => {
                let hint = "write ${PORT} in base_url and in the command, so that each gets a free one; or gate.fit: one";
                self.bad(
                    "gate.fit",
                    "two servers at once cannot listen on the one port of target.base_url",
                    hint,
                );
            }
            Counterpart::Url(url) => {
                if let Some(url) = self.base_url(path, url, env) {
                    gate.baseline = Counterpart::Url(url);
                }
            }
            _ => {}
        }
    }
}

/// Both sides would be started on the port that `base_url` names.
fn one_port(target: &Target, targets: &BTreeMap<String, Target>, gate: &Gate) -> bool {
    let fixed = |t: &Target| match &t.endpoint {
        Endpoint::Started(server) if !server.base_url.contains("${PORT}") => {
            Some(server.base_url.clone())
        }
        _ => None,
    };
    let other = match &gate.baseline {
        Counterpart::MergeBase | Counterpart::Ref(_) => Some(target),
        Counterpart::Target(name) => targets.get(name),
        Counterpart::Config(_) | Counterpart::Url(_) => None,
    };
    fixed(target).is_some() && fixed(target) == other.and_then(fixed)
}
