//! A candidate against sessions of other days, where the baseline's build can not be run now
//! (docs/METHODOLOGY.md#another-day, with the gross rule and guards). Each attempt is one job.
//!
//! Not here: finding the sessions, or whether they are comparable.

use crate::judge::decide::conclude;
use crate::judge::interleaved::MOST_ATTEMPTS;
use crate::judge::level::pass_tail;
use crate::judge::reason::PairingReason;
use crate::judge::seeds::{SeedMeans, has_rounds};
use crate::judge::sessions::{self, Compared, FEWEST_SESSIONS, Rule};
use crate::judge::{
    Comparison, Decision, MetricReason, Mode, Policy, Reason, Session, Standing, StartsSeen,
};
use crate::measure::summary::Shape;
use crate::metric::Metric;

/// From so many sessions of the candidate's own machine on, the others are left out.
const ENOUGH_OF_ONE_RUNNER: usize = 8;

/// Everything that an other-day comparison looks at.
#[derive(Clone, Copy, Debug)]
pub struct OtherDay<'a> {
    /// Sessions of unchanged code, oldest first.
    pub history: &'a [Session],
    /// The candidate's jobs in the order of their running, with what the earlier ones were judged
    /// to be: the attempts of one commit, those that were INVALID left out.
    pub jobs: &'a [Session],
    /// Of the jobs before the last, where they are known; else they are judged again.
    pub decisions: &'a [Decision],
    /// Attempts that the CI counts and whose records are not found.
    pub unseen: usize,
    /// K: jobs that one attempt takes; 1.
    pub planned: usize,
    pub shape: Shape,
    /// Fingerprint fields that must match and do not.
    pub differing: &'a [String],
    pub policy: &'a Policy,
}

/// Sessions of both sides: as they are compared, and as they are shown.
struct Sides {
    history: Vec<Session>,
    jobs: Vec<Session>,
    plain: Vec<Session>,
    /// Sessions that keep no rounds, where enough of the others do.
    left_out: usize,
}

/// Judges after each job, all jobs so far together, until one passes.
pub fn judge(input: &OtherDay<'_>) -> Comparison {
    let undecided = |reason| undecided(input, input.history.len(), vec![reason]);
    if !input.differing.is_empty() {
        return undecided(Reason::Pairing(PairingReason::FieldsDiffer {
            fields: input.differing.to_vec(),
        }))
        .incomplete();
    }
    if input.jobs.is_empty() {
        return undecided(Reason::CandidateNotMeasured).incomplete();
    }
    if input.history.is_empty() {
        let none = undecided(Reason::NoSessions);
        return Comparison { sessions_needed: Some(FEWEST_SESSIONS), ..none };
    }
    let attempts = input.jobs.len().div_ceil(input.planned.max(1));
    let (mut last, mut standing) = (undecided(Reason::CandidateNotMeasured), false);
    for jobs in 1..=input.jobs.len().min(MOST_ATTEMPTS * input.planned.max(1)) {
        last = judge_jobs(input, &input.jobs[..jobs], standing);
        // Jobs of one attempt, and not attempts: what decides ends it.
        if !last.decision.is_open() && input.planned > 1 {
            break;
        }
        let decision = input.decisions.get(jobs - 1).copied().unwrap_or(last.decision);
        let before = jobs < input.jobs.len();
        if before && decision == Decision::Pass {
            return Comparison { decision, ..undecided(Reason::PassStands) };
        }
        standing |= decision == Decision::Regression;
    }
    if attempts > MOST_ATTEMPTS {
        let decision = if standing { Decision::Regression } else { Decision::Inconclusive };
        let most = MOST_ATTEMPTS as u64;
        return Comparison { decision, ..undecided(Reason::AttemptsSpent { most }) };
    }
    last
}

fn undecided(input: &OtherDay<'_>, sessions: usize, reasons: Vec<Reason>) -> Comparison {
    Comparison::undecided(Mode::OtherDay, sessions, input.planned, reasons)
}

fn judge_jobs(input: &OtherDay<'_>, jobs: &[Session], standing: bool) -> Comparison {
    let history = same_runner(input.history, jobs);
    let sides = Sides::new(history, jobs);
    let missing = FEWEST_SESSIONS.saturating_sub(sides.history.len());
    let rule = Rule {
        mode: Mode::OtherDay,
        planned: input.planned,
        pass_tail: tail(input, jobs.len()),
        shape: input.shape,
        policy: input.policy,
    };
    let compared =
        Compared { history: &sides.history, units: &sides.jobs, plain: (&sides.plain, jobs) };
    let mut known = undecided(input, sides.history.len(), Vec::new());
    if sides.left_out > 0 {
        known.warnings.push(Reason::SessionsWithoutRounds { sessions: sides.left_out as u64 });
    }
    if input.unseen > 0 {
        known.warnings.push(Reason::AttemptsUnseen { unseen: input.unseen as u64 });
    }
    known.starts = StartsSeen { seen: jobs.iter().map(|j| j.starts.len()).sum(), needed: 0 };
    known.standing = standing.then_some(Standing::Regression { complete: true });
    known.sessions_needed = Some(missing).filter(|n| *n > 0);
    let comparison = conclude(&known, sessions::findings(&rule, &compared), jobs.len());
    advised(comparison, sides.history.len(), missing, jobs.len())
}

/// beta: attempts share it, those too that nobody finds.
fn tail(input: &OtherDay<'_>, jobs: usize) -> f64 {
    let attempts = jobs.div_ceil(input.planned.max(1)) + input.unseen;
    pass_tail(input.planned) / attempts as f64
}

/// With what would help, where it stays open.
fn advised(mut comparison: Comparison, present: usize, missing: usize, jobs: usize) -> Comparison {
    // What one side lacks, no further job brings.
    let noise = comparison.decision == Decision::Inconclusive;
    if !noise && (missing == 0 || comparison.decision != Decision::Incomplete) {
        return comparison;
    }
    let advice = match (missing, jobs) {
        (0, 1) => Reason::SecondJobHelps,
        (0, _) => Reason::InterleavingHelps,
        _ => Reason::SessionsNeeded {
            missing: missing as u64,
            present: present as u64,
            needed: FEWEST_SESSIONS as u64,
        },
    };
    if missing > 0 {
        let too_few = |r: &Reason| {
            matches!(r, Reason::NotProvenFine { why: Some(MetricReason::TooFewSessions), .. })
        };
        comparison.reasons.retain(|r| !too_few(r));
        let at = if noise { 0 } else { comparison.reasons.len() };
        comparison.reasons.insert(at, advice);
    } else {
        comparison.reasons.push(advice);
    }
    comparison
}

/// Only the candidate's machine, where there are enough sessions of it and all its jobs ran there.
fn same_runner(history: &[Session], jobs: &[Session]) -> Vec<Session> {
    let runner = jobs
        .first()
        .and_then(|j| j.runner.as_ref())
        .filter(|r| jobs.iter().all(|j| j.runner.as_ref() == Some(r)));
    let own: Vec<Session> = history
        .iter()
        .filter(|s| runner.is_some() && s.runner.as_ref() == runner)
        .cloned()
        .collect();
    if own.len() >= ENOUGH_OF_ONE_RUNNER { own } else { history.to_vec() }
}

impl Sides {
    /// Seed by seed where the jobs keep their rounds, and so many of the sessions that no judgement
    /// is lost by it; else as they are. Values of both kinds are never mixed.
    fn new(history: Vec<Session>, jobs: &[Session]) -> Self {
        let keeps = |s: &Session| !s.starts.is_empty() && s.starts.iter().all(has_rounds);
        let kept: Vec<Session> = history.iter().filter(|s| keeps(s)).cloned().collect();
        if !jobs.iter().all(keeps) || kept.len() < history.len().min(FEWEST_SESSIONS) {
            let plain = history.clone();
            return Self { history, jobs: jobs.to_vec(), plain, left_out: 0 };
        }
        let left_out = history.len() - kept.len();
        Self { history: centred(&kept, &kept), jobs: centred(&kept, jobs), plain: kept, left_out }
    }
}

/// Sessions with what the seeds do to these sessions taken off.
pub(super) fn centred(by: &[Session], sessions: &[Session]) -> Vec<Session> {
    let means = SeedMeans::over(by.iter().flat_map(|s| &s.starts));
    let start = |s: &Session| s.starts.iter().map(|start| means.centred(start)).collect();
    sessions.iter().map(|s| Session { starts: start(s), ..s.clone() }).collect()
}

/// What one job of so many starts finds in 95 % against these sessions of unchanged code, by
/// metric; fractions.
pub fn reach(
    history: &[Session],
    starts: usize,
    shape: Shape,
    policy: &Policy,
) -> Vec<(Metric, f64)> {
    let rule = Rule { mode: Mode::OtherDay, planned: 1, pass_tail: 0.05, shape, policy };
    sessions::reach(&rule, history, starts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Working;
    use crate::measure::summary::{RoundSummary, StartSummary};
    use crate::metric::METHOD;

    const SHAPE: Shape = Shape { streaming: true, output_tokens: 8, has_slo: false };
    const VECTOR: [f64; 8] = [0.0, 0.01, -0.01, 0.005, -0.005, 0.01, -0.01, 0.0];

    fn session(starts: &[f64]) -> Session {
        let start = |v: &f64| StartSummary {
            values: METHOD.iter().filter(|m| **m != Metric::ErrorRate).map(|m| (*m, *v)).collect(),
            n: 300,
            ..StartSummary::default()
        };
        Session { starts: starts.iter().map(start).collect(), ..Session::default() }
    }

    fn judged(jobs: &[Session], planned: usize) -> Comparison {
        let history: Vec<Session> = VECTOR.map(|v| session(&[v, v])).into();
        judged_against(&history, jobs, planned, 0)
    }

    fn judged_against(
        history: &[Session],
        jobs: &[Session],
        planned: usize,
        unseen: usize,
    ) -> Comparison {
        judge(&OtherDay {
            history,
            jobs,
            decisions: &[],
            unseen,
            planned,
            shape: SHAPE,
            differing: &[],
            policy: &Policy::default(),
        })
    }

    fn tested(found: &Comparison) -> crate::judge::estimate::Tested {
        let tpot = Metric::parse("tpot_geomean");
        let row = found.metrics.iter().find(|m| Some(m.metric) == tpot).expect("judged");
        let Working::Sessions(test) = &row.working else { panic!("{row:?}") };
        test.tested.expect("tested")
    }

    /// Of the method.
    #[test]
    fn methods_test_vectors() {
        let near = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-3, "{a} is not {b}");
        let one = judged(&[session(&[0.08, 0.08])], 1);
        near(tested(&one).estimate.se, 0.008_764_78);
        near(tested(&one).p.expect("defined"), 1.946e-5);
        assert_eq!(one.decision, Decision::Regression);
        let two = judged(&[session(&[0.045; 2]), session(&[0.05; 2])], 2);
        near(tested(&two).p.expect("defined"), 6.737e-4);
        near(tested(&two).upper.expect("primary"), 0.065_725_42);
        near(tested(&two).levels.level, 1.8012e-4);
        assert_eq!((two.decision, two.looks), (Decision::Pass, 1));
    }

    #[test]
    fn attempts_are_judged_together_and_a_regression_is_lifted_by_a_pass_alone() {
        let slow = || session(&[0.08, 0.08]);
        let of = |jobs: &[Session]| judged(jobs, 1);
        assert_eq!(of(&[slow(), session(&[0.06; 2])]).decision, Decision::Regression);
        let held = of(&[slow(), session(&[0.05; 2])]);
        assert_eq!(held.decision, Decision::Regression, "together 6.5 %: significant");
        let lifted = of(&[slow(), session(&[-0.02; 2])]);
        assert_eq!(lifted.decision, Decision::Pass, "{:?}", lifted.reasons);
        let stands = of(&[session(&[0.0; 2]), slow()]);
        assert_eq!((stands.decision, stands.reasons), (Decision::Pass, vec![Reason::PassStands]));
        let six: Vec<Session> = (0..6).map(|_| session(&[0.07, 0.07])).collect();
        assert_eq!(of(&six).reasons, [Reason::AttemptsSpent { most: 5 }]);
    }

    #[test]
    fn a_pass_after_lost_attempts_must_be_surer() {
        let history: Vec<Session> = VECTOR.map(|v| session(&[2.0 * v; 2])).into();
        let of = |unseen| judged_against(&history, &[session(&[0.059, 0.059])], 1, unseen);
        assert_eq!(of(0).decision, Decision::Pass, "{:?}", of(0).reasons);
        assert!(of(0).proves.is_some());
        let later = of(4);
        assert_eq!(later.decision, Decision::Inconclusive);
        assert!(later.warnings.contains(&Reason::AttemptsUnseen { unseen: 4 }));
    }

    fn with_rounds(shift: f64, plans: &[f64]) -> Session {
        let round = |(seed, plan): (usize, &f64)| RoundSummary {
            seed: seed as u64,
            values: METHOD
                .iter()
                .filter(|m| **m != Metric::ErrorRate)
                .map(|m| (*m, plan + shift))
                .collect(),
            n: 100,
            ..RoundSummary::default()
        };
        let start = StartSummary::from_rounds(plans.iter().enumerate().map(round).collect());
        Session { starts: vec![start; 2], ..Session::default() }
    }

    #[test]
    fn sessions_are_compared_seed_by_seed_where_they_keep_rounds() {
        let plans = [0.0, 0.3, 0.6];
        let mut history: Vec<Session> = VECTOR.map(|v| with_rounds(v, &plans)).into();
        history.push(session(&[9.0, 9.0]));
        // One round of the middle plan is lost: plainly, the median would be 15 % lower.
        let mut job = with_rounds(0.02, &plans);
        for start in &mut job.starts {
            *start =
                StartSummary::from_rounds(vec![start.rounds[0].clone(), start.rounds[1].clone()]);
        }
        let found = judged_against(&history, &[job], 1, 0);
        assert!((tested(&found).estimate.difference - 0.02).abs() < 1e-9);
        assert_eq!(found.warnings, [Reason::SessionsWithoutRounds { sessions: 1 }]);
        assert_eq!(found.decision, Decision::Pass, "{:?}", found.reasons);
    }

    #[test]
    fn young_histories_pass_nothing_and_convict_of_what_is_gross() {
        let history: Vec<Session> = VECTOR[..5].iter().map(|v| session(&[*v; 2])).collect();
        let of = |value: f64| judged_against(&history, &[session(&[value; 2])], 1, 0);
        assert_eq!((of(0.0).decision, of(0.0).sessions_needed), (Decision::Inconclusive, Some(1)));
        assert_eq!(of(0.0).blind(), None);
        assert_eq!(of(0.7).decision, Decision::Regression);
    }

    #[test]
    fn sessions_that_differ_too_much_are_blind_and_never_hide_a_doubling() {
        let uneven = |i: usize| session(&[if i.is_multiple_of(2) { 0.0 } else { 1.4_f64.ln() }; 2]);
        let history: Vec<Session> = (0..6).map(uneven).collect();
        let of = |value: f64| judged_against(&history, &[session(&[value; 2])], 1, 0);
        assert_eq!(of(std::f64::consts::LN_2).decision, Decision::Regression);
        let open = of(0.3);
        assert_eq!(open.decision, Decision::Inconclusive);
        assert!(open.blind().is_some_and(|b| b.detectable.is_some_and(|d| d > 0.5)));
        let seen = reach(&history, 2, SHAPE, &Policy::default());
        assert!(seen.iter().any(|(m, d)| Some(*m) == Metric::parse("tpot_geomean") && *d > 0.5));
    }
}
