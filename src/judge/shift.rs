//! Whether a session lies outside the sessions that it would join (docs/ARITHMETIC.md#segments):
//! the rule of another day, two-sided; the gross rule too, and alone below six sessions. By
//! METHOD's own primary metrics and thresholds, whatever a team calls relevant: the level of a
//! baseline is a fact.
//!
//! Not here: what a shift does to a history (`compare::segment`).

use serde::{Deserialize, Serialize};

use crate::judge::sessions::{FEWEST_SESSIONS, session_value, spread};
use crate::judge::{Mode, Policy, Session, Thresholds, gross};
use crate::measure::stats::mean;
use crate::measure::summary::to_change;
use crate::metric::{METHOD, Metric};

/// Two-sided p at or below which a session is outside.
const LEVEL: f64 = 0.001;

/// A metric in which a session is outside.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    pub metric: Metric,
    /// In the metric's own direction, relative: +0.2 of a time is 20 % slower, of a rate 20 %
    /// faster.
    pub change: f64,
    pub slower: bool,
}

/// The primary metrics in which `next` is outside, slower ones first.
pub fn moved(segment: &[&Session], next: &Session) -> Vec<Moved> {
    let mut all: Vec<Moved> = primary().filter_map(|t| moved_in(&t, segment, next)).collect();
    all.sort_by_key(|m| !m.slower);
    all
}

/// METHOD's primary metrics, with its own thresholds.
pub fn primary() -> impl Iterator<Item = Thresholds> {
    let policy = Policy::default();
    METHOD
        .into_iter()
        .filter_map(move |m| policy.thresholds(m, Mode::Drift))
        .filter(Thresholds::is_primary)
}

fn moved_in(t: &Thresholds, segment: &[&Session], next: &Session) -> Option<Moved> {
    let history: Vec<f64> = segment.iter().filter_map(|s| session_value(s, t.metric)).collect();
    let (base, value) = (mean(&history)?, session_value(next, t.metric)?);
    let difference = value - base;
    let estimate = spread(t, &history, 1).filter(|_| history.len() >= FEWEST_SESSIONS);
    let tail = estimate.and_then(|e| e.at(difference.abs()).p());
    let outside = difference.abs() >= t.d_min && tail.is_some_and(|p| 2.0 * p <= LEVEL);
    (outside || is_gross(t, &history, next, difference < 0.0)).then(|| Moved {
        metric: t.metric,
        change: to_change(t.metric, difference),
        slower: difference > 0.0,
    })
}

/// `mirrored`: as much faster.
fn is_gross(t: &Thresholds, history: &[f64], next: &Session, mirrored: bool) -> bool {
    let sign = if mirrored { -1.0 } else { 1.0 };
    let history: Vec<f64> = history.iter().map(|x| sign * x).collect();
    let starts: Vec<f64> =
        next.starts.iter().filter_map(|s| s.values.get(&t.metric)).map(|x| sign * x).collect();
    let Some(value) = mean(&starts) else { return false };
    gross::test(t, &history, &starts, &[value], &Policy::default()).is_some_and(|found| found.hit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::summary::StartSummary;
    use crate::metric::{Stat, Timing};

    const TPOT: Metric = Metric::Timing(Timing::Tpot, Stat::Geomean);

    fn session(value: f64) -> Session {
        let start =
            StartSummary { values: [(TPOT, value)].into(), n: 100, ..StartSummary::default() };
        Session { starts: vec![start; 2], ..Session::default() }
    }

    fn slower(history: &[f64], next: f64) -> Option<bool> {
        let all: Vec<Session> = history.iter().map(|v| session(*v)).collect();
        let found = moved(&all.iter().collect::<Vec<_>>(), &session(next));
        assert!(
            found.len() <= 1
                && found.iter().all(|m| m.metric == TPOT && (m.change > 0.0) == m.slower)
        );
        found.first().map(|m| m.slower)
    }

    #[test]
    fn a_session_outside_is_seen_in_both_directions() {
        let known = [0.01, -0.01, 0.01, -0.01, 0.01, -0.01];
        // se = sqrt(0.00012 + 0.000004) sqrt(7/6) = 0.01203; t(0.0005; 5) = 6.87.
        for sign in [1.0, -1.0] {
            assert_eq!(slower(&known, sign * 0.08), None);
            assert_eq!(slower(&known, sign * 0.09), Some(sign > 0.0));
        }
        assert_eq!(slower(&[0.0; 6], 0.029), None, "less than what matters");
        assert_eq!(slower(&[], 1.0), None);
    }

    #[test]
    fn below_six_sessions_and_among_uneven_ones_only_what_is_gross_is_outside() {
        assert_eq!(slower(&[0.0; 5], 0.2), None);
        assert_eq!(slower(&[0.0; 5], 0.3), Some(true));
        assert_eq!(slower(&[0.0; 5], -0.3), Some(false));
        let uneven = [0.0, 0.34, 0.0, 0.34, 0.0, 0.34];
        assert_eq!(slower(&uneven, 0.17 + 0.7), Some(true));
        assert_eq!(slower(&uneven, 0.17 + 0.4), None);
    }
}
