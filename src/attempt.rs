//! Attempts: runs of the gate at one commit, plan and policy. A FAIL is not turned green by another
//! one, and every one is in the ledger. Pure.
//!
//! Not here: where earlier attempts are looked for (`app::attempts`), evidence of several attempts
//! judged together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exit::ExitStatus;
use crate::verdict::{Reason, Ruling, Verdict};

/// One row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(
    clippy::struct_field_names,
    reason = "a workflow run has attempts of its own, and GitHub calls them so"
)]
pub struct Attempt {
    /// Digest of what was measured and by which rules: commit, plan, policy, target. Empty where it
    /// is not known.
    #[serde(default)]
    pub key: String,
    /// Of the record; empty where nothing was measured.
    #[serde(default)]
    pub session: String,
    /// Of this attempt by itself.
    pub verdict: Verdict,
    pub exit_code: u8,
    /// RFC 3339, UTC.
    pub created: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// Workflow run, and the attempt of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_attempt: Option<u64>,
    /// Page of that run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What regressed, and which limits were breached: `chat/ttft_geomean`. Empty where it is not
    /// known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<String>,
}

/// Why a verdict is not what this attempt alone would have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierFail {
    /// Its row, from 1.
    number: usize,
    created: String,
    machine: Option<String>,
    /// Of this attempt by itself.
    alone: Verdict,
    /// Metrics and limits that failed then.
    failed: Vec<String>,
}

/// A ledger is data in a comment: more rows than these are left out, the oldest that did not fail
/// first.
const MOST_ROWS: usize = 30;

/// The earlier attempt that failed, if one did and what failed is not accepted by now. `accepted`
/// is as [`Attempt::failed`].
pub fn earlier_fail(earlier: &[Attempt], key: &str, accepted: &[String]) -> Option<EarlierFail> {
    let same = |a: &&Attempt| a.key == key || a.key.is_empty();
    let (index, found) = earlier.iter().filter(same).enumerate().find(|(_, a)| {
        let settled = !a.failed.is_empty() && a.failed.iter().all(|what| accepted.contains(what));
        a.verdict == Verdict::Failed && !settled
    })?;
    let failed = found.failed.iter().filter(|what| !accepted.contains(what)).cloned().collect();
    Some(EarlierFail {
        number: index + 1,
        created: found.created.clone(),
        machine: found.machine.clone(),
        alone: Verdict::Passed,
        failed,
    })
}

impl Attempt {
    /// One of which no more is known than that it failed. `run`: workflow run and attempt of it.
    pub fn failed_once(key: String, created: &str, run: Option<(u64, u64)>) -> Self {
        Self {
            key,
            session: String::new(),
            verdict: Verdict::Failed,
            exit_code: ExitStatus::GateFailed.code(),
            created: created.to_owned(),
            machine: None,
            run: run.map(|r| r.0),
            run_attempt: run.map(|r| r.1),
            url: None,
            failed: Vec::new(),
        }
    }
}

impl EarlierFail {
    /// A ruling that lets the change through becomes INCONCLUSIVE, exit 5; one that does not stays
    /// as it is. `workloads` are all of this run.
    pub fn hold(&self, workload: &str, workloads: &[&str], ruling: &mut Ruling) {
        let concerns = |name: &str| {
            self.failed.iter().any(|what| what.rsplit_once('/').is_some_and(|(of, _)| of == name))
        };
        let concerned = concerns(workload) || !workloads.iter().any(|name| concerns(name));
        if !concerned || ![ExitStatus::Pass, ExitStatus::Inconclusive].contains(&ruling.exit) {
            return;
        }
        let why = Self { alone: ruling.verdict, ..self.clone() };
        (ruling.verdict, ruling.exit) = (Verdict::Inconclusive, ExitStatus::Inconclusive);
        ruling.reasons.insert(0, why.into());
    }
}

impl From<EarlierFail> for Reason {
    fn from(EarlierFail { number, created, machine, alone, .. }: EarlierFail) -> Self {
        Self::AttemptFailed { number: number as u64, created, machine, alone }
    }
}

/// Both ledgers as one: in the order of time, each attempt once.
pub fn merged(rows: impl IntoIterator<Item = Attempt>) -> Vec<Attempt> {
    let mut all: Vec<Attempt> = Vec::new();
    for row in rows {
        let same = |a: &Attempt| {
            a.key == row.key
                && a.session == row.session
                && (!row.session.is_empty() || a.created == row.created)
        };
        if !all.iter().any(same) {
            all.push(row);
        }
    }
    // Stable, and RFC 3339 in UTC sorts by its text.
    all.sort_by(|a, b| a.created.cmp(&b.created));
    while all.len() > MOST_ROWS {
        let passing = all.iter().position(|a| a.verdict != Verdict::Failed);
        all.remove(passing.unwrap_or(1));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(session: &str, verdict: Verdict, failed: &[&str]) -> Attempt {
        let failed = failed.iter().map(|f| (*f).to_owned()).collect();
        let created = format!("2026-11-20T09:30:0{session}Z");
        Attempt {
            session: session.into(),
            verdict,
            failed,
            ..Attempt::failed_once("k".into(), &created, None)
        }
    }

    fn ruling(verdict: Verdict, exit: ExitStatus) -> Ruling {
        Ruling {
            verdict,
            exit,
            reasons: vec![Reason::Text("why".into())],
            warnings: vec![],
            accepted: vec![],
        }
    }

    #[test]
    fn a_fail_keeps_every_later_attempt_from_exit_0() {
        use Verdict::{Failed, Inconclusive, Invalid, NoBaseline, Passed};
        let before = [attempt("1", Failed, &["chat/ttft_geomean"]), attempt("2", Passed, &[])];
        let fail = earlier_fail(&before, "k", &[]).unwrap();
        for (alone, exit, expected) in [
            (Passed, ExitStatus::Pass, (Inconclusive, ExitStatus::Inconclusive)),
            (Inconclusive, ExitStatus::Pass, (Inconclusive, ExitStatus::Inconclusive)),
            (NoBaseline, ExitStatus::Pass, (Inconclusive, ExitStatus::Inconclusive)),
            (Inconclusive, ExitStatus::Inconclusive, (Inconclusive, ExitStatus::Inconclusive)),
            (NoBaseline, ExitStatus::NoBaseline, (NoBaseline, ExitStatus::NoBaseline)),
            (Invalid, ExitStatus::CouldNotMeasure, (Invalid, ExitStatus::CouldNotMeasure)),
            (Failed, ExitStatus::GateFailed, (Failed, ExitStatus::GateFailed)),
        ] {
            let mut ruling = ruling(alone, exit);
            fail.hold("chat", &["chat", "rag"], &mut ruling);
            assert_eq!((ruling.verdict, ruling.exit), expected, "{alone:?}");
            let said = ruling.reasons[0]
                .to_string()
                .starts_with("attempt 1 failed (2026-11-20T09:30:01Z), and this one alone is ");
            assert_eq!(said, expected.1 == ExitStatus::Inconclusive, "{:?}", ruling.reasons);
        }
        let mut other = ruling(Passed, ExitStatus::Pass);
        fail.hold("rag", &["chat", "rag"], &mut other);
        assert_eq!(other.verdict, Passed, "it did not fail");
        fail.hold("rag", &["rag"], &mut other);
        assert_eq!(other.verdict, Inconclusive, "what failed is not measured any more");
    }

    #[test]
    fn what_did_not_fail_holds_nothing() {
        use Verdict::{Incomplete, Inconclusive, Invalid, Passed};
        let before: Vec<Attempt> = [Inconclusive, Invalid, Incomplete, Passed]
            .iter()
            .map(|v| attempt("1", *v, &[]))
            .collect();
        assert_eq!(earlier_fail(&before, "k", &[]), None);
        assert_eq!(
            earlier_fail(&[attempt("1", Verdict::Failed, &[])], "other", &[]),
            None,
            "of other code or policy"
        );
        let unknown = Attempt { key: String::new(), ..attempt("1", Verdict::Failed, &[]) };
        assert!(earlier_fail(&[unknown], "k", &[]).is_some(), "of what nobody knows");
    }

    #[test]
    fn what_failed_holds_until_it_is_accepted() {
        let before = [attempt("1", Verdict::Failed, &["chat/a", "chat/b"])];
        let accepted = ["chat/a".to_owned(), "chat/b".to_owned()];
        assert!(earlier_fail(&before, "k", &accepted[..1]).is_some());
        assert_eq!(earlier_fail(&before, "k", &accepted), None);
    }

    #[test]
    fn a_ledger_has_each_attempt_once_and_keeps_the_failed_ones() {
        let (one, two) = (attempt("1", Verdict::Failed, &[]), attempt("2", Verdict::Passed, &[]));
        assert_eq!(merged([two.clone(), one.clone(), two.clone()]), [one, two]);
        let many = (0..100).map(|i| Attempt {
            session: i.to_string(),
            created: format!("2026-11-20T09:30:{i:03}Z"),
            verdict: if i == 3 { Verdict::Failed } else { Verdict::Passed },
            ..attempt("1", Verdict::Passed, &[])
        });
        let kept = merged(many);
        assert_eq!((kept.len(), kept[0].verdict), (MOST_ROWS, Verdict::Failed));
    }
}
