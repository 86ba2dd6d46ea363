//! Attempts before the one that is judged: their records are judged again in their order, and are
//! evidence of one sequence with this one (docs/METHODOLOGY.md#attempts). Pure.
//!
//! Not here: where they are kept and which belong together (`app::attempts`).

use std::collections::BTreeMap;

use super::{Baseline, Ruled, alone, paired};
use crate::accept::Excused;
use crate::judge::interleaved::{Attempt, MOST_ATTEMPTS};
use crate::judge::{Decision, Reason as Judged};
use crate::measure::Round;
use crate::record::{Record, WorkloadRecord};
use crate::verdict::{Reason, Ruling, StatusPolicy, Verdict, overall};

/// What one attempt measured.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The other side of an interleaved run.
    pub baseline: Option<Record>,
    pub candidate: Record,
}

/// What is known of an attempt before this one.
#[derive(Debug)]
pub enum Predecessor {
    /// `passed`: the gate said so then.
    Kept { records: Box<Kept>, passed: bool },
    /// It failed, and its records are not found.
    Lost(LostFail),
    /// It did not fail, or nobody knows whether it did, and its records are not found.
    Unseen,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostFail {
    pub created: String,
    /// Metrics and limits that failed then, `chat/ttft_geomean`; empty where it is not known.
    pub failed: Vec<String>,
}

/// The attempts that this one continues, oldest first.
#[derive(Debug, Default)]
pub struct Earlier {
    attempts: Vec<Replayed>,
    lost: Vec<LostFail>,
    unseen: usize,
}

#[derive(Debug)]
struct Replayed {
    kept: Kept,
    /// Of each workload that was fit to be judged.
    outcomes: BTreeMap<String, Outcome>,
}

/// What an attempt came to, of one workload.
#[derive(Clone, Copy, Debug)]
struct Outcome {
    /// Of the comparison, with what is accepted out of the way.
    decision: Decision,
    /// By the comparison or by a limit.
    failed: bool,
}

/// A workload of an earlier attempt, as it is judged together with this one's.
pub struct EarlierRounds {
    pub baseline: Vec<Round>,
    pub candidate: Vec<Round>,
    pub checks: Vec<Vec<Round>>,
    pub decision: Decision,
}

impl EarlierRounds {
    pub fn attempt(&self) -> Attempt<'_> {
        Attempt {
            baseline: &self.baseline,
            candidate: &self.candidate,
            checks: &self.checks,
            decision: Some(self.decision),
        }
    }
}

impl Kept {
    /// Judged together with those before it.
    pub fn ruled(
        &self,
        earlier: &Earlier,
        known: impl Fn(&WorkloadRecord) -> Baseline,
    ) -> anyhow::Result<Vec<Ruled<'_>>> {
        match &self.baseline {
            Some(baseline) => paired(baseline, &self.candidate, earlier, known),
            None => alone(&self.candidate, earlier, known),
        }
    }

    /// Servers that ran already are one start, however often they are asked.
    fn pools(&self) -> bool {
        self.candidate.pair.as_ref().is_none_or(|pair| pair.starts_sampled)
    }
}

impl Earlier {
    /// `all`: oldest first. A PASS ends a sequence: what comes after it begins a new one.
    pub fn replayed(
        all: impl IntoIterator<Item = Predecessor>,
        known: impl Fn(&WorkloadRecord) -> Baseline + Copy,
    ) -> anyhow::Result<Self> {
        let mut earlier = Self::default();
        for one in all {
            match one {
                Predecessor::Unseen => earlier.unseen += 1,
                Predecessor::Lost(fail) => earlier.lost.push(fail),
                Predecessor::Kept { records, passed } => {
                    let ruled = records.ruled(&earlier, known)?;
                    let rulings: Vec<Ruling> = ruled.iter().map(|(_, _, r)| r.clone()).collect();
                    if passed && overall(&rulings).0 == Verdict::Passed {
                        earlier = Self::default();
                        continue;
                    }
                    let outcomes = ruled.iter().filter_map(outcome).collect();
                    earlier.attempts.push(Replayed { kept: *records, outcomes });
                }
            }
        }
        Ok(earlier)
    }

    /// So many attempts were made that a further one does not count.
    pub fn is_spent(&self) -> bool {
        self.attempts.len() + self.lost.len() + self.unseen >= MOST_ATTEMPTS
    }

    pub const fn is_empty(&self) -> bool {
        self.attempts.is_empty() && self.lost.is_empty() && self.unseen == 0
    }

    /// Attempts whose evidence this one is judged together with.
    pub fn pooled(&self) -> usize {
        self.attempts.iter().filter(|a| a.kept.pools() && !a.outcomes.is_empty()).count()
    }

    /// Attempts that nothing is pooled of, and that are no reason to fail by themselves.
    pub fn unseen(&self) -> usize {
        self.unseen + self.attempts.iter().filter(|a| !a.kept.pools()).count()
    }

    /// K, as the first attempt planned it.
    pub fn planned(&self) -> Option<usize> {
        let first = self.attempts.iter().find(|a| a.kept.pools())?;
        let pair = first.kept.candidate.pair.as_ref()?;
        Some(pair.planned_pairs.unwrap_or(pair.most_starts) as usize)
    }

    /// Records of the candidate in which the workload is fit to be judged, each with what its
    /// comparison came to.
    pub fn of_workload<'a>(
        &'a self,
        name: &'a str,
    ) -> impl Iterator<Item = (&'a Record, &'a WorkloadRecord, Decision)> + 'a {
        self.fit(name).filter_map(move |(kept, decision)| {
            Some((&kept.candidate, workload(&kept.candidate, name)?, decision))
        })
    }

    /// Both sides of the workload in each earlier interleaved attempt.
    pub fn rounds(&self, name: &str) -> Vec<EarlierRounds> {
        let sides = self.fit(name).filter_map(|(kept, decision)| {
            let now = workload(&kept.candidate, name)?;
            let base = workload(kept.baseline.as_ref()?, name)?;
            Some(EarlierRounds {
                baseline: base.method_rounds(),
                candidate: now.method_rounds(),
                checks: now.method_checks(),
                decision,
            })
        });
        sides.collect()
    }

    fn fit<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a Kept, Decision)> + 'a {
        let pooled = self.attempts.iter().filter(|a| a.kept.pools());
        pooled.filter_map(move |a| Some((&a.kept, a.outcomes.get(name)?.decision)))
    }

    /// What failed once is lifted only by a PASS of evidence that it is part of; after the last
    /// attempt nothing passes any more.
    pub fn hold(
        &self,
        workload: &str,
        excused: &[Excused],
        policy: StatusPolicy,
        ruling: &mut Ruling,
    ) {
        if matches!(ruling.verdict, Verdict::Failed | Verdict::Invalid) {
            return;
        }
        let lost = self.lost.iter().find(|fail| fail.concerns(workload, excused));
        let failed = |a: &&Replayed| a.outcomes.get(workload).is_some_and(|o| o.failed);
        let failed: Vec<&Replayed> = self.attempts.iter().filter(failed).collect();
        let lifted = ruling.verdict == Verdict::Passed
            && !self.is_spent()
            && failed.iter().all(|a| a.kept.pools());
        let why = match lost {
            Some(fail) => Reason::AttemptLost { created: fail.created.clone() },
            None if !failed.is_empty() && !lifted => Judged::NotLifted { complete: true }.into(),
            None if self.is_spent() => {
                let spent = Judged::AttemptsSpent { most: MOST_ATTEMPTS as u64 };
                return ruling.leave_open(policy, spent.into());
            }
            None => return,
        };
        ruling.fail(why);
    }
}

impl LostFail {
    fn concerns(&self, workload: &str, excused: &[Excused]) -> bool {
        let mine: Vec<&str> = self
            .failed
            .iter()
            .filter_map(|what| what.rsplit_once('/'))
            .filter(|(name, _)| *name == workload)
            .map(|(_, metric)| metric)
            .collect();
        let accepted = |metric: &&str| excused.iter().any(|e| e.metric.name() == **metric);
        self.failed.is_empty() || !mine.iter().all(accepted)
    }
}

fn workload<'a>(record: &'a Record, name: &str) -> Option<&'a WorkloadRecord> {
    record.workloads.iter().find(|w| w.name == name)
}

/// None of what was not fit to be judged: it adds nothing.
fn outcome((workload, part, ruling): &Ruled<'_>) -> Option<(String, Outcome)> {
    if !part.evidence.invalid.is_empty() {
        return None;
    }
    let convicted = part.evidence.decisive().is_some_and(|c| c.decision == Decision::Regression);
    let decision = if convicted { Decision::Regression } else { Decision::Inconclusive };
    let failed = ruling.verdict == Verdict::Failed;
    Some((workload.name.clone(), Outcome { decision, failed }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::OnOpen;
    use crate::exit::ExitStatus;

    const POLICY: StatusPolicy = StatusPolicy {
        on_inconclusive: OnOpen::Warn,
        on_blind: OnOpen::Fail,
        on_missing_baseline: OnOpen::Warn,
        on_incomparable: OnOpen::Fail,
        on_limit_open: OnOpen::Warn,
        on_unstable: OnOpen::Warn,
    };

    fn record() -> Record {
        Record::parse(include_str!("../../tests/fixtures/records/candidate.json")).unwrap()
    }

    /// One attempt, and whether it failed.
    fn after(failed: bool) -> Earlier {
        let outcome = Outcome { decision: Decision::Inconclusive, failed };
        let outcomes = [("chat".to_owned(), outcome)].into();
        let kept = Kept { baseline: None, candidate: record() };
        Earlier { attempts: vec![Replayed { kept, outcomes }], ..Earlier::default() }
    }

    fn lost(failed: &[&str]) -> Earlier {
        let failed = failed.iter().map(|what| (*what).to_owned()).collect();
        let fail = LostFail { created: "2026-11-20T09:31:00Z".into(), failed };
        Earlier { lost: vec![fail], ..Earlier::default() }
    }

    fn held(earlier: &Earlier, verdict: Verdict, exit: ExitStatus) -> (Verdict, ExitStatus) {
        let (reasons, warnings, accepted) = (vec![], vec![], vec![]);
        let mut ruling = Ruling { verdict, exit, reasons, warnings, accepted };
        earlier.hold("chat", &[], POLICY, &mut ruling);
        assert_eq!(ruling.reasons.is_empty(), ruling.verdict == verdict, "{:?}", ruling.reasons);
        (ruling.verdict, ruling.exit)
    }

    #[test]
    fn what_failed_once_is_lifted_only_by_a_pass_of_all() {
        use ExitStatus::{CouldNotMeasure, GateFailed, Pass};
        use Verdict::{Failed, Incomplete, Inconclusive, Invalid, NoBaseline, Passed};
        for (alone, exit, expected) in [
            (Passed, Pass, (Passed, Pass)),
            (Inconclusive, Pass, (Failed, GateFailed)),
            (NoBaseline, Pass, (Failed, GateFailed)),
            (Incomplete, CouldNotMeasure, (Failed, GateFailed)),
            (Invalid, CouldNotMeasure, (Invalid, CouldNotMeasure)),
            (Failed, GateFailed, (Failed, GateFailed)),
        ] {
            assert_eq!(held(&after(true), alone, exit), expected, "{alone:?}");
            assert_eq!(held(&after(false), alone, exit), (alone, exit), "nothing failed");
        }
        assert_eq!(held(&lost(&[]), Passed, Pass), (Failed, GateFailed));
        assert_eq!(held(&lost(&["chat/ttft_p95"]), Passed, Pass), (Failed, GateFailed));
        assert_eq!(held(&lost(&["rag/ttft_p95"]), Passed, Pass), (Passed, Pass));
    }

    #[test]
    fn a_sixth_attempt_may_fail_and_never_passes() {
        let spent = Earlier { unseen: MOST_ATTEMPTS, ..Earlier::default() };
        let found = held(&spent, Verdict::Passed, ExitStatus::Pass);
        assert_eq!(found, (Verdict::Inconclusive, ExitStatus::Pass));
        let found = held(&spent, Verdict::Failed, ExitStatus::GateFailed);
        assert_eq!(found, (Verdict::Failed, ExitStatus::GateFailed));
    }

    #[test]
    fn only_a_pass_that_is_one_ends_a_sequence() {
        let none = |_: &WorkloadRecord| Baseline::default();
        // The row says so, and the records do not: there is no baseline.
        let forged = Predecessor::Kept {
            records: Box::new(Kept { baseline: None, candidate: record() }),
            passed: true,
        };
        let all = Earlier::replayed([Predecessor::Unseen, forged], none).unwrap();
        assert_eq!((all.pooled(), all.unseen(), all.is_empty()), (1, 1, false));
    }
}
