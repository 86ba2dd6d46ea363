//! What a reader should know before the verdict: whose policy and files counted, what was compared
//! with what, what could not be kept. `Display` is the English.
//!
//! Not here: other languages (`report::say`), findings of the measurement (`record::note`).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::judge::text::count;

/// Names of files, commits and keys are as the config and git have them; `why` is an error's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Notice {
    Demo,
    ConfigMoved {
        file: String,
        counts: String,
    },
    PolicyAltered {
        keys: Vec<String>,
        file: String,
        base: String,
    },
    OwnPolicy {
        why: OwnPolicy,
    },
    BaselineConfigAltered {
        file: String,
        base: String,
    },
    BaselineConfigOutside {
        file: String,
    },
    SidesDiffer {
        keys: Vec<String>,
    },
    SidesAsThisCheckout {
        why: TargetGap,
    },
    FileUnheld {
        file: String,
        why: Unheld,
    },
    FileAltered {
        file: String,
        base: String,
    },
    UncommittedSessions {
        sessions: u64,
        folder: String,
    },
    BaselinesAltered {
        folder: String,
    },
    WalkStopped {
        commits: u64,
        commit: String,
        day: String,
    },
    ComparedOutside {
        path: String,
    },
    ComparedHere {
        path: String,
    },
    ComparedAtBase {
        path: String,
        base: String,
    },
    PushBaseGone {
        commit: String,
        base: String,
    },
    NoBaseBranch {
        looked_for: Vec<String>,
    },
    MergeBaseUnknown {
        head: String,
        base: String,
    },
    AcceptancesUnread {
        why: String,
    },
    AcceptancesUnusable {
        file: String,
        why: String,
    },
    AcceptanceUnusable {
        workload: String,
        why: String,
    },
    /// `workload/metric` of each that the change brings.
    AcceptanceBrought {
        entries: Vec<String>,
    },
    /// Nothing was measured now.
    FromRecord {
        created: String,
    },
    AttemptsFileUnusable {
        file: String,
        why: String,
    },
    AttemptsUnknown {
        attempt: u64,
        why: String,
    },
    /// GitHub could not tell of earlier workflow runs.
    AttemptsUnread {
        why: String,
    },
    /// Earlier ones of the same commit, baseline, plan and policy, whose evidence is in the verdict.
    AttemptsTogether {
        attempts: u64,
    },
    /// Nothing was measured: that attempt passed, or was the last of `most`.
    VerdictStands {
        created: String,
        most: Option<u64>,
    },
    BaseUnknown {
        why: String,
    },
    NoRepository {
        pull: u64,
    },
    JudgedAgainst {
        pull: u64,
        base: String,
    },
    BaseWithoutConfig {
        pull: u64,
        base: String,
    },
    /// The run was interleaved, and the trusted config is not.
    OwnChoice,
    NotConfigured,
    WorkloadsGone {
        workloads: Vec<String>,
    },
    /// Rounds of all sides; `checks` are the findings that spoilt them.
    Repeated {
        repeated: u64,
        rounds: u64,
        checks: Vec<String>,
    },
    Unsaved {
        why: String,
    },
    Unwritten {
        file: String,
        why: String,
    },
}

/// Why the base has no say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnPolicy {
    NoChange,
    ConfigOutside,
    NoConfig(String),
}

/// Why a commit does not say how its server is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetGap {
    NoConfig(String),
    Unusable { config: String, why: String },
    StartsNone { config: String },
}

/// Why a file is sent as it is in this job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unheld {
    Outside,
    NotIn { base: String, why: Option<String> },
    OtherInLfs { base: String },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Demo => f.write_str("this is a demo: both sides are the simulated server, which is an instrument and predicts no real engine"),
            Self::ConfigMoved { file, counts } => write!(f, "this change's config is {file}: what {counts} says is what counts here"),
            Self::PolicyAltered { keys, file, base } => write!(f, "this change alters {} in {file}: what {base} says is what counts here", keys.join(" and ")),
            Self::OwnPolicy { why } => write!(f, "{why}: this checkout's own policy counts"),
            Self::BaselineConfigAltered { file, base } => write!(f, "this change alters {file} (gate.baseline.config): what {base} says is what counts here"),
            Self::BaselineConfigOutside { file } => write!(f, "{file} (gate.baseline.config) lies outside this repository: it counts as it is there"),
            Self::SidesDiffer { keys } => write!(f, "each side is built and started as its own config says, and they differ in {}: what that makes slower or faster is in the comparison", keys.join(", ")),
            Self::SidesAsThisCheckout { why } => write!(f, "{why}, so both sides are built and started as this checkout says: what that makes slower or faster is not in the comparison"),
            Self::FileUnheld { file, why } => write!(f, "{file}, which a workload sends, {why}: it is sent as it is in this job"),
            Self::FileAltered { file, base } => write!(f, "this change alters {file}, which a workload sends: what {base} has is what is sent here"),
            Self::UncommittedSessions { sessions, folder } => {
                let counts = if *sessions == 1 { "counts" } else { "count" };
                write!(f, "{} in {folder} that no commit holds yet {counts}, since HEAD is on the base branch and this is no CI", count(*sessions, "session", "sessions"))
            }
            Self::BaselinesAltered { folder } => write!(f, "this change alters files in {folder}: they count once they are on the base branch"),
            Self::WalkStopped { commits, commit, day } => write!(
                f,
                "the walk to the baselines stopped after {} at {commit} ({day}), and history goes on: sessions farther back are not found; `baselines.max_walk` in the config makes it longer",
                count(*commits, "commit", "commits")
            ),
            Self::ComparedOutside { path } => write!(f, "compared with {path} (--baseline), which lies outside this repository: no commit holds it"),
            Self::ComparedHere { path } => write!(f, "compared with {path} (--baseline) as this checkout has it, since no change is judged here (--base none)"),
            Self::ComparedAtBase { path, base } => write!(f, "compared with {path} (--baseline) as {base} has it"),
            Self::PushBaseGone { commit, base } => write!(f, "the commit before this push ({commit}) is not here, as after a forced push: the base is {base}"),
            Self::NoBaseBranch { looked_for } => write!(f, "no base branch found (looked for {}): HEAD is its own base; --base REF names one", looked_for.join(", ")),
            Self::MergeBaseUnknown { head, base } => write!(f, "the merge base of {head} and {base} is unknown, since that commit is not here and GitHub does not say it: sessions of the base's own commit count"),
            Self::AcceptancesUnread { why } => write!(f, "acceptances of the base cannot be read, so none counts: {why}"),
            Self::AcceptancesUnusable { file, why } => write!(f, "{file} cannot be used, so no acceptance counts: {why}"),
            Self::AcceptanceUnusable { workload, why } => write!(f, "an acceptance of {workload} does not count: {why}"),
            Self::AcceptanceBrought { entries } => write!(f, "this change brings an acceptance ({}) that counts only once it is on the base branch", entries.join(", ")),
            Self::FromRecord { created } => write!(f, "nothing was measured now: this judges the stored record of {created} (--from)"),
            Self::AttemptsFileUnusable { file, why } => write!(f, "{file} cannot be used, so earlier attempts in it are not known: {why}"),
            Self::AttemptsUnread { why } => write!(f, "attempts of earlier workflow runs at this commit could not be read from GitHub: {why}"),
            Self::AttemptsUnknown { attempt, why } => write!(f, "this is attempt {attempt} of the workflow run, and what an earlier one came to is not known, so that a PASS must be surer: {why}"),
            Self::AttemptsTogether { attempts } => write!(f, "judged together with {} at this commit: the numbers are of all of them", count(*attempts, "earlier attempt", "earlier attempts")),
            Self::VerdictStands { created, most: None } => write!(f, "nothing was measured: the attempt of {created} at this commit passed, and its verdict stands"),
            Self::VerdictStands { created, most: Some(most) } => write!(f, "nothing was measured: {most} attempts at this commit were made, and the verdict of the last one ({created}) stands; other code begins anew"),
            Self::BaseUnknown { why } => write!(f, "judged against what this job has checked out, since the pull request's base is unknown: {why}"),
            Self::NoRepository { pull } => write!(f, "judged by the config of this folder, which is no repository: the base of pull request {pull} cannot be read here"),
            Self::JudgedAgainst { pull, base } => write!(f, "judged against the base of pull request {pull}: {base}"),
            Self::BaseWithoutConfig { pull, base } => write!(f, "the base of pull request {pull}, {base}, has no config: this checkout's own policy counts"),
            Self::OwnChoice => f.write_str("this run was interleaved, and this repository's config is not: what it was compared with is the measuring job's own choice, and no committed baseline was looked at"),
            Self::NotConfigured => f.write_str("not in this repository's config: judged without limits and SLOs"),
            Self::WorkloadsGone { workloads } => write!(f, "in this repository's config and in none of the records: {}", workloads.join(", ")),
            Self::Repeated { repeated, rounds, checks } => {
                let were = if *repeated == 1 { "was" } else { "were" };
                write!(f, "{repeated} of {} {were} disturbed by the client's machine ({}) and measured again", count(*rounds, "round", "rounds"), checks.join(", "))
            }
            Self::Unsaved { why } => write!(f, "the measurement could not be saved: {why}"),
            Self::Unwritten { file, why } => write!(f, "{file} could not be written: {why}"),
        }
    }
}

impl fmt::Display for OwnPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoChange => f.write_str("no change is judged here (--base none)"),
            Self::ConfigOutside => {
                f.write_str("the config lies outside this repository, so the base has none of it")
            }
            Self::NoConfig(base) => write!(f, "{base} has no config"),
        }
    }
}

impl fmt::Display for TargetGap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoConfig(commit) => write!(f, "{commit} has no config"),
            Self::Unusable { config, why } => write!(f, "{config} cannot be used ({why})"),
            Self::StartsNone { config } => {
                write!(f, "{config} cannot be used (it does not say how a server is started)")
            }
        }
    }
}

impl fmt::Display for Unheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside => {
                f.write_str("lies outside this repository, so that no commit holds it")
            }
            Self::NotIn { base, why: None } => write!(f, "is no file of {base}"),
            Self::NotIn { base, why: Some(why) } => write!(f, "is no file of {base} ({why})"),
            Self::OtherInLfs { base } => write!(f, "is not the file that {base} has (in Git LFS)"),
        }
    }
}
