//! Drift (docs/METHODOLOGY.md#another-day): the latest sessions of main against those at an anchor, once a week.
//! A moving history never catches one per cent a week: the baseline creeps along.
//!
//! Not here: which sessions are at the anchor, or when a week is over.

use crate::judge::decide::conclude;
use crate::judge::level::pass_tail;
use crate::judge::other_day::centred;
use crate::judge::reason::Side;
use crate::judge::seeds::has_rounds;
use crate::judge::sessions::{self, Compared, FEWEST_SESSIONS, Rule};
use crate::judge::{Comparison, Mode, Policy, Reason, Session};
use crate::measure::summary::Shape;

/// Latest sessions, as one group.
pub const LATEST: usize = 5;
/// Sessions at or before the anchor, at most.
pub const ANCHORED: usize = 20;

#[derive(Clone, Copy, Debug)]
pub struct Drift<'a> {
    /// At or before the anchor, oldest first; the newest 20 count.
    pub anchor: &'a [Session],
    /// Of main since, oldest first; the newest 5 count.
    pub recent: &'a [Session],
    pub shape: Shape,
    /// Its `detect` is what must be found.
    pub policy: &'a Policy,
}

/// One look, K = 1: a hit is a drift, and a PASS that there is none of `detect`.
pub fn judge(input: &Drift<'_>) -> Comparison {
    let anchor = latest(input.anchor, ANCHORED);
    let recent = latest(input.recent, LATEST);
    let undecided = |reasons| Comparison::undecided(Mode::Drift, anchor.len(), 1, reasons);
    let sides =
        [(Side::Baseline, anchor.len(), FEWEST_SESSIONS), (Side::Candidate, recent.len(), LATEST)];
    let few = sides.iter().filter(|(_, present, needed)| present < needed);
    if let Some(missing) = few.clone().map(|(_, present, needed)| needed - present).max() {
        let reasons = few.map(|&(side, present, needed)| Reason::DriftSessionsNeeded {
            side,
            present: present as u64,
            needed: needed as u64,
        });
        return Comparison { sessions_needed: Some(missing), ..undecided(reasons.collect()) };
    }
    let keeps = |s: &Session| s.starts.iter().all(has_rounds);
    let by_seed = anchor.iter().chain(recent).all(keeps);
    let of = |sessions: &[Session]| {
        if by_seed { centred(anchor, sessions) } else { sessions.to_vec() }
    };
    let (history, units) = (of(anchor), of(recent));
    let rule = Rule {
        mode: Mode::Drift,
        planned: 1,
        pass_tail: pass_tail(1),
        shape: input.shape,
        policy: input.policy,
    };
    let compared = Compared { history: &history, units: &units, plain: (anchor, recent) };
    conclude(&undecided(Vec::new()), sessions::findings(&rule, &compared), 1)
}

fn latest(sessions: &[Session], most: usize) -> &[Session] {
    &sessions[sessions.len().saturating_sub(most)..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Decision;
    use crate::measure::summary::StartSummary;
    use crate::metric::{METHOD, Metric};

    fn sessions(values: &[f64]) -> Vec<Session> {
        let start = |v: f64| StartSummary {
            values: METHOD.iter().filter(|m| **m != Metric::ErrorRate).map(|m| (*m, v)).collect(),
            n: 300,
            ..StartSummary::default()
        };
        let session = |v: &f64| Session { starts: vec![start(*v); 2], ..Session::default() };
        values.iter().map(session).collect()
    }

    fn judged(anchor: &[f64], recent: &[f64]) -> Comparison {
        let shape = Shape { streaming: true, output_tokens: 8, has_slo: false };
        let (anchor, recent) = (sessions(anchor), sessions(recent));
        let policy = Policy::default();
        judge(&Drift { anchor: &anchor, recent: &recent, shape, policy: &policy })
    }

    #[test]
    fn a_creeping_baseline_is_seen_from_its_anchor() {
        let level: Vec<f64> = (0..20).map(|i| if i % 2 == 0 { 0.01 } else { -0.01 }).collect();
        let recent = |at: f64| [at, at + 0.01, at - 0.01, at + 0.005, at - 0.005];
        assert_eq!(judged(&level, &recent(0.0)).decision, Decision::Pass);
        assert_eq!(judged(&level, &recent(0.05)).decision, Decision::Regression);
        let loud: Vec<f64> = level.iter().map(|v| 3.0 * v).collect();
        assert_eq!(judged(&loud, &recent(0.03)).decision, Decision::Inconclusive);
        assert_eq!(judged(&level, &recent(-0.05)).decision, Decision::Pass);
    }

    #[test]
    fn few_sessions_say_nothing() {
        assert_eq!(judged(&[0.0; 5], &[0.1; 5]).sessions_needed, Some(1));
        assert_eq!(judged(&[0.0; 6], &[0.1; 3]).sessions_needed, Some(2));
    }
}
