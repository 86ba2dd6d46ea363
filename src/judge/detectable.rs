//! The smallest change that a measurement will see, before it is made: METHOD's MDE95 with the
//! noise that the history tells.
//!
//! By the rules and formulas of the modes themselves. Not here: what a finished measurement could
//! have seen (`MetricComparison::mde`).

use crate::judge::errors::{self, Counts};
use crate::judge::estimate::Estimate;
use crate::judge::history::variation;
use crate::judge::{Mode, PastRun, Policy, Session, Thresholds, interleaved, other_day};
use crate::measure::summary::{Shape, StartSummary};
use crate::metric::Metric;

/// What one job of `starts` starts sees against these sessions of unchanged code, by metric;
/// fractions (0.05 = 5 % or 5 points).
///
/// From six sessions on as the judgement reports it (docs/METHODOLOGY.md#another-day, first job);
/// below, only the gross rule sees anything, and of primary metrics alone. A metric without a
/// number is absent.
pub fn other_day(
    history: &[Session],
    starts: usize,
    shape: Shape,
    policy: &Policy,
) -> Vec<(Metric, f64)> {
    let sessions: Vec<&Session> = history.iter().collect();
    let measured = history.iter().flat_map(|s| &s.starts);
    of_each(shape, policy, Mode::OtherDay, |t| match t.metric {
        Metric::ErrorRate => {
            let baseline = Counts::sum(measured.clone());
            errors::smallest_hit(t, baseline, requests(measured.clone(), starts), policy)
        }
        _ => other_day::reach(t, &sessions, starts, policy),
    })
}

/// What `starts` starts per side see in one job, by metric; fractions. One start sees only what is
/// obvious. From two on the start-to-start noise must be known from at least two degrees of freedom
/// of history (docs/METHODOLOGY.md#interleaved-test): else it is absent.
pub fn interleaved(
    history: &[PastRun],
    starts: usize,
    shape: Shape,
    policy: &Policy,
) -> Vec<(Metric, f64)> {
    let measured = history.iter().filter_map(|run| run.sides.first()).flatten();
    of_each(shape, policy, Mode::Interleaved, |t| match t.metric {
        Metric::ErrorRate => {
            let (past, n) = (Counts::sum(measured.clone()), requests(measured.clone(), starts));
            // The baseline's side of the run fails as often as it did.
            let again = Counts { n, bad: (past.bad * n).checked_div(past.n)? };
            errors::smallest_hit(t, past.plus(again), n, policy)
        }
        _ => interleaved::reach(t, variation(history, t.metric), starts, policy),
    })
}

/// Phi(-3.0): the level of a primary metric at the last planned look (docs/METHODOLOGY.md#blind).
const LAST_LOOK: f64 = 1.349_898e-3;

/// max(t(level; df) se, `D_min`) + t(0.05; df) se.
pub(super) fn at_last(t: &Thresholds, precision: &Estimate, policy: &Policy) -> Option<f64> {
    precision.mde(policy.level(LAST_LOOK), t.d_min, 0.0)
}

/// What one job sees against so many sessions that vary by `sd`; a fraction.
pub fn with_sessions(sd: f64, sessions: usize, d_min: f64) -> Option<f64> {
    let k = sessions as f64;
    Estimate::unknown(sd * (1.0 + 1.0 / k).sqrt(), k - 1.0).mde(LAST_LOOK, d_min, 0.0)
}

fn of_each(
    shape: Shape,
    policy: &Policy,
    mode: Mode,
    detectable: impl Fn(&Thresholds) -> Option<f64>,
) -> Vec<(Metric, f64)> {
    let defined = shape.defined().into_iter().filter_map(|m| policy.thresholds(m, mode));
    defined.filter_map(|t| Some((t.metric, detectable(&t)?))).collect()
}

/// Of so many starts, if each sends as many as the known ones did.
fn requests<'a>(known: impl Iterator<Item = &'a StartSummary> + Clone, starts: usize) -> u64 {
    let count = known.clone().count() as u64;
    (Counts::sum(known).n * starts as u64).checked_div(count).unwrap_or(0)
}

impl Estimate {
    /// An estimate of nothing but its own precision.
    pub const fn unknown(se: f64, df: f64) -> Self {
        Self { difference: 0.0, se, df }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::dist;
    use crate::metric::{METHOD, Stat, Timing};

    const SHAPE: Shape = Shape { streaming: true, output_tokens: 11, has_slo: false };
    const TPOT: Metric = Metric::Timing(Timing::Tpot, Stat::Geomean);

    /// Starts that differ by `sd` around the same mean, in pairs.
    fn starts(sd: f64, n: usize) -> Vec<StartSummary> {
        let half = sd / 2f64.sqrt();
        let at = |i: usize| if i.is_multiple_of(2) { half } else { -half };
        (0..n)
            .map(|i| StartSummary {
                values: METHOD.map(|m| (m, at(i))).into(),
                n: 300,
                bad: 0,
                rounds: Vec::new(),
            })
            .collect()
    }

    fn found_for(found: &[(Metric, f64)], metric: Metric) -> Option<f64> {
        found.iter().find(|(m, _)| *m == metric).map(|(_, d)| *d)
    }

    fn t(tail: f64, df: f64) -> f64 {
        dist::t_upper_quantile(tail, df).expect("in the domain")
    }

    /// By the method TPOT 5.4 % after three starts at typical noise, which its simulator put at 1.1
    /// to 1.2 %.
    #[test]
    fn three_starts_see_what_the_formula_says() {
        let history = vec![PastRun { sides: vec![starts(0.011, 2); 12] }];
        let found = interleaved(&history, 3, SHAPE, &Policy::default());
        let se = (2.0 * 0.011f64.powi(2) / 3.0 + 2.0 * 0.002f64.powi(2) / 3.0).sqrt();
        let expected = 0.005 + t(0.0015, 16.0) * se + t(0.05, 16.0) * se;
        assert!(found_for(&found, TPOT).is_some_and(|d| (d - expected).abs() < 1e-9), "{found:?}");
        assert!((0.050..0.056).contains(&expected), "{expected}");
        assert_eq!(found.len(), SHAPE.defined().len());
        assert!(
            found_for(&found, Metric::ErrorRate).is_some_and(|d| (0.002..0.02).contains(&d)),
            "{found:?}"
        );
        assert!(interleaved(&[], 3, SHAPE, &Policy::default()).is_empty(), "nothing is known");
    }

    #[test]
    fn one_start_sees_the_obvious_and_more_starts_see_more() {
        let history = vec![PastRun { sides: vec![starts(0.011, 2); 12] }];
        let at = |n| interleaved(&history, n, SHAPE, &Policy::default());
        let ttft = Metric::Timing(Timing::Ttft, Stat::Geomean);
        assert_eq!(found_for(&at(1), ttft), None);
        assert!(found_for(&at(1), TPOT).is_some_and(|d| d > 0.15));
        assert!(
            found_for(&at(2), TPOT) > found_for(&at(3), TPOT)
                && found_for(&at(3), TPOT) > found_for(&at(6), TPOT)
        );
        let unknown = interleaved(&[], 1, SHAPE, &Policy::default());
        assert!(found_for(&unknown, TPOT).is_some_and(|d| d > 0.47), "{unknown:?}");
    }

    #[test]
    fn another_day_needs_six_sessions_to_see_more_than_the_absurd() {
        let day =
            |i: usize| Session { starts: starts(0.0, 2), id: i.to_string(), ..Session::default() };
        let sessions = |n: usize| -> Vec<Session> {
            let mut all: Vec<Session> = (0..n).map(day).collect();
            for (i, start) in all
                .iter_mut()
                .enumerate()
                .flat_map(|(i, s)| s.starts.iter_mut().map(move |st| (i, st)))
            {
                start.values.insert(TPOT, if i % 2 == 0 { 0.01 } else { -0.01 });
            }
            all
        };
        let at = |n: usize| {
            found_for(&other_day(&sessions(n), 2, SHAPE, &Policy::default()), TPOT).expect("seen")
        };
        let se = ((0.0002 * 6.0 / 2.0 / 5.0 * 1.0 + 0.002f64.powi(2)) * (1.0 + 1.0 / 6.0)).sqrt();
        assert!(
            (at(6) - (0.005 + t(0.00045, 5.0) * se + t(0.05, 5.0) * se)).abs() < 1e-9,
            "{}",
            at(6)
        );
        assert!(at(5) > 0.2 && at(1) > at(5) && at(20) < at(6));
        assert_eq!(
            other_day(&sessions(5), 2, SHAPE, &Policy::default()).len(),
            5,
            "the primary metrics and errors"
        );
        let one_start = other_day(&sessions(6), 1, SHAPE, &Policy::default());
        assert_eq!(one_start.len(), 5, "a job of one start convicts by no guard");
        assert!(other_day(&[], 2, SHAPE, &Policy::default()).is_empty());
    }
}
