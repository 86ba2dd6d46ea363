//! What makes two runs of the gate attempts at one thing: the code, the plans, the policy, the
//! baseline.
//!
//! On GitHub the code is the head of the change; elsewhere it is the tree with what is changed in
//! it, so that edited code is a new sequence. Not here: what attempts mean for a verdict.

use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

use crate::app::measure::read_file;
use crate::app::options::RunOptions;
use crate::app::sides::started_as;
use crate::app::workspace::Workspace;
use crate::config::{Config, Endpoint};
use crate::evaluate::Baseline;
use crate::evaluate::attempts::Kept;
use crate::record::{GitFacts, Record, RecordedPolicy, WorkloadRecord};

/// What is measured here. None where nothing tells one code from another: no repository, or, outside
/// of a workflow run, a server that runs already.
pub fn code(here: &Workspace, config: &Config, options: &RunOptions) -> Option<String> {
    let head = here.workflow_run().and_then(|ci| ci.head_sha.clone());
    head.or_else(|| {
        let target = target(config)?;
        Some(format!("{}\n{target}", working_tree(here, config, options)?))
    })
}

/// Code, plans and policy. How much was measured is not in it: more of it is another attempt.
pub fn key(code: &str, record: &Record) -> String {
    let policy = RecordedPolicy {
        mode: String::new(),
        starts: 0,
        rounds: 0,
        // Both follow the event: a re-run by hand is an attempt at the same thing.
        min_starts: None,
        on_unstable: None,
        on_anchor_drift: None,
        on_attempt: None,
        ..record.policy.clone()
    };
    // The digest of a plan is of all its rounds; the load says the rest of it.
    let mut besides: Vec<String> =
        policy.under_test.iter().cloned().chain(["plan".to_owned()]).collect();
    // Both sides ran on one machine: another one is no way out of a FAIL.
    if record.pair.is_some() {
        besides.extend(["host_cpu", "gpu_driver"].map(str::to_owned));
    }
    let workload = |w: &WorkloadRecord| {
        // A matrix measures several models or GPUs at one commit: none is an attempt at another.
        serde_json::json!([
            w.name,
            w.fingerprint.key(&besides),
            w.load,
            w.slo,
            w.limits,
            w.regressions
        ])
    };
    let workloads: Vec<serde_json::Value> = record.workloads.iter().map(workload).collect();
    let target = record.pair.as_ref().and_then(|pair| pair.candidate_target.as_ref());
    digest(&serde_json::json!([code, policy, workloads, record.target, target]).to_string())
}

/// What it is compared with: the baseline's commit, or the sessions that count.
pub fn baseline(kept: &Kept, known: impl Fn(&WorkloadRecord) -> Baseline) -> String {
    let record = &kept.candidate;
    if let Some(base) = &kept.baseline {
        let pair = base.pair.as_ref();
        let words = pair.map_or("", |pair| &pair.baseline);
        let target = pair.and_then(|pair| pair.baseline_target.as_deref());
        return beside(base.git.as_ref(), record.git.as_ref(), words, target);
    }
    let sessions = record.workloads.iter().map(|workload| {
        let baseline = known(workload);
        let under_test = &record.policy.under_test;
        let selection = baseline.select(workload, under_test, Some(&record.session));
        selection.sessions().map(|s| s.session.clone()).collect::<Vec<_>>()
    });
    digest(&serde_json::json!([record.policy.mode, sessions.collect::<Vec<_>>()]).to_string())
}

/// Of an interleaved run: the commit of the baseline's side, or, where it is the candidate's own,
/// what else it is; and what its server is started as (`target`), which a config says and no commit.
pub fn beside(
    baseline: Option<&GitFacts>,
    candidate: Option<&GitFacts>,
    words: &str,
    target: Option<&str>,
) -> String {
    let commit = baseline
        .map(|git| git.commit.as_str())
        .filter(|&commit| candidate.is_none_or(|own| own.commit != *commit));
    digest(&[commit.unwrap_or(words), target.unwrap_or_default()].join("\n"))
}

/// All that is known of an interleaved run before its first request, with the machine. None where
/// the answer may be another one although nothing of this is: a server that runs already.
pub fn asked(code: &str, config: &Config, baseline: &str) -> Option<String> {
    let target = target(config)?;
    let files: Option<Vec<String>> = config
        .workloads
        .iter()
        .map(|w| Some(read_file(w).ok()?.map_or_else(String::new, |text| digest(&text))))
        .collect();
    let (version, machine) = (env!("CARGO_PKG_VERSION"), crate::probe::host::runner());
    let what = format!("{:?} {:?} {:?}", config.gate, config.workloads, files?);
    Some(digest(&[code, baseline, &target, version, &machine, &what].join("\n")))
}

fn digest(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let key = digest.iter().take(8).fold(0_u64, |n, byte| (n << 8) | u64::from(*byte));
    format!("{key:016x}")
}

/// The tree of HEAD, and what is changed in the working folder; without what this run itself
/// writes.
fn working_tree(here: &Workspace, config: &Config, options: &RunOptions) -> Option<String> {
    let repo = here.repo(config).ok()?;
    let own: Vec<PathBuf> = [Some(&options.out), options.record.as_ref(), options.raw.as_ref()]
        .into_iter()
        .flatten()
        .filter_map(|path| std::path::absolute(path).ok())
        .collect();
    let head = repo.head().ok()?;
    Some(format!("{} {}", head.link.tree, repo.changes(&own).ok()?))
}

/// Where two targets are measured at one commit, none is an attempt at the other. None of a server
/// that runs already: the tree is not its code.
fn target(config: &Config) -> Option<String> {
    let Config { target, gate, .. } = config;
    let runs_already = matches!(target.endpoint, Endpoint::Http(_));
    (!runs_already).then(|| format!("{} {:?}", started_as(target), gate.baseline))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_for_two_servers_is_two_baselines() {
        let of_target = |target| beside(None, None, "config stable.yaml", target);
        assert_ne!(of_target(Some("a")), of_target(Some("b")));
        assert_ne!(of_target(Some("a")), of_target(None));
        assert_eq!(of_target(Some("a")), of_target(Some("a")));
    }
}
