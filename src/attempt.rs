//! Attempts: runs of the gate at one commit, baseline, plan and policy. One row of their ledger,
//! and ledgers put together. Pure.
//!
//! Not here: where earlier attempts are looked for (`app::attempts`), what their records make of a
//! verdict (`evaluate::attempts`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exit::ExitStatus;
use crate::verdict::Verdict;

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
    /// What it was compared with: another baseline is another sequence. Absent in rows of earlier
    /// versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
    /// Of the record; empty where nothing was measured.
    #[serde(default)]
    pub session: String,
    /// Of this attempt by itself.
    pub verdict: Verdict,
    /// Of this attempt together with those before it, which is what the gate said. Absent in rows
    /// of earlier versions, and where nothing was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub together: Option<Verdict>,
    /// What the run ended with.
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
    /// SHA-256 of its records, which are found by it. Absent where none were kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<String>,
    /// Digest of all that was known of the run before its first request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
}

/// A ledger is data in a comment: more rows than these are left out, the oldest that did not fail
/// first.
const MOST_ROWS: usize = 30;

impl Attempt {
    /// One of which no more is known than that it failed. `run`: workflow run and attempt of it.
    pub fn failed_once(key: String, created: &str, run: Option<(u64, u64)>) -> Self {
        Self {
            key,
            baseline: None,
            session: String::new(),
            verdict: Verdict::Failed,
            together: None,
            exit_code: ExitStatus::GateFailed.code(),
            created: created.to_owned(),
            machine: None,
            run: run.map(|r| r.0),
            run_attempt: run.map(|r| r.1),
            url: None,
            failed: Vec::new(),
            records: None,
            asked: None,
        }
    }

    /// Whether an attempt of this key and baseline continues this one. What is not known of a row
    /// may be the same.
    pub fn precedes(&self, key: &str, baseline: &str) -> bool {
        (self.key == key || self.key.is_empty())
            && self.baseline.as_ref().is_none_or(|own| own == baseline)
    }

    /// By itself, or with those before it.
    pub fn has_failed(&self) -> bool {
        self.verdict == Verdict::Failed || self.together == Some(Verdict::Failed)
    }

    /// The gate said so of all attempts up to this one.
    pub fn has_passed(&self) -> bool {
        self.together == Some(Verdict::Passed)
    }

    /// It is no evidence, good or bad.
    pub fn adds_nothing(&self) -> bool {
        use Verdict::{Incomparable, Invalid, NoBaseline};
        !self.has_failed() && matches!(self.verdict, Invalid | NoBaseline | Incomparable)
    }
}

/// Ledgers as one: in the order of time, each attempt once. Of two rows of one attempt the first
/// counts, unless only the other one knows its records, or that it failed.
pub fn merged(rows: impl IntoIterator<Item = Attempt>) -> Vec<Attempt> {
    let mut all: Vec<Attempt> = Vec::new();
    for row in rows {
        let same = |a: &&mut Attempt| {
            a.key == row.key
                && a.session == row.session
                && (!row.session.is_empty() || a.created == row.created)
        };
        let Some(known) = all.iter_mut().find(same) else {
            all.push(row);
            continue;
        };
        let better = row.has_failed() && !known.has_failed()
            || row.has_failed() == known.has_failed()
                && row.records.is_some()
                && known.records.is_none();
        if better {
            *known = row;
        }
    }
    // Stable, and RFC 3339 in UTC sorts by its text.
    all.sort_by(|a, b| a.created.cmp(&b.created));
    while all.len() > MOST_ROWS {
        let passing = all.iter().position(|a| !a.has_failed());
        all.remove(passing.unwrap_or(1));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(session: &str, verdict: Verdict) -> Attempt {
        let created = format!("2026-11-20T09:30:0{session}Z");
        Attempt {
            session: session.into(),
            verdict,
            ..Attempt::failed_once("k".into(), &created, None)
        }
    }

    #[test]
    fn a_row_continues_what_it_may_be_of() {
        let row = Attempt { baseline: Some("b".into()), ..attempt("1", Verdict::Failed) };
        assert!(row.precedes("k", "b") && !row.precedes("k", "c") && !row.precedes("j", "b"));
        let old = attempt("1", Verdict::Failed);
        assert!(old.precedes("k", "b") && !old.precedes("j", "b"));
        let unknown = Attempt { key: String::new(), ..old };
        assert!(unknown.precedes("j", "b"));
    }

    #[test]
    fn what_failed_together_has_failed_and_what_passed_alone_has_not_passed() {
        let held = Attempt { together: Some(Verdict::Failed), ..attempt("2", Verdict::Passed) };
        assert!(held.has_failed() && !held.has_passed() && !held.adds_nothing());
        assert!(!attempt("2", Verdict::Passed).has_passed(), "of an earlier version: by itself");
        assert!(attempt("2", Verdict::Invalid).adds_nothing());
        assert!(!attempt("2", Verdict::Inconclusive).adds_nothing());
    }

    #[test]
    fn a_ledger_has_each_attempt_once_and_keeps_the_failed_ones() {
        let (one, two) = (attempt("1", Verdict::Failed), attempt("2", Verdict::Passed));
        assert_eq!(merged([two.clone(), one.clone(), two.clone()]), [one.clone(), two]);
        let edited = Attempt { verdict: Verdict::Passed, ..one.clone() };
        assert_eq!(
            merged([edited.clone(), one.clone()]),
            std::slice::from_ref(&one),
            "one of them says FAIL"
        );
        let kept = Attempt { records: Some("d".into()), ..one.clone() };
        assert_eq!(merged([one, kept.clone()]), [kept]);
        let many = (0..100).map(|i| Attempt {
            session: i.to_string(),
            created: format!("2026-11-20T09:30:{i:03}Z"),
            verdict: if i == 3 { Verdict::Failed } else { Verdict::Passed },
            ..attempt("1", Verdict::Passed)
        });
        let kept = merged(many);
        assert_eq!((kept.len(), kept[0].verdict), (MOST_ROWS, Verdict::Failed));
    }
}
