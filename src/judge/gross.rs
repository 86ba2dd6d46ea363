//! A change that no plausible spread of sessions explains: the gross rule
//! (docs/METHODOLOGY.md#gross-rule). It holds from the first session on and is never dropped, so
//! that more sessions, however uneven, never weaken the gate.
//!
//! Sessions of two levels inflate their own variance until nothing is significant (three at 1.0 and
//! three at 1.4: a server at 2.0 is not). So what is 65 % slower than their mean, and in every
//! start 28 % slower than the slowest of them, is gross whatever the variance. By simulation of
//! normal noise that adds no alarm up to a spread of 10 %, and 0.05 % of gates at 15 %.
//!
//! Not here: the rule of six sessions and more (`other_day`).

use crate::judge::estimate::Estimate;
use crate::judge::{Check, Policy, Thresholds, all_hold};
use crate::measure::stats::{mean, sd};

/// p up to which the rule convicts.
pub const ALPHA: f64 = 0.0005;
/// Smallest difference (log, or share) that it calls gross: 28 % slower.
pub const SMALLEST: f64 = 0.25;
/// What every start must be beyond the sessions' mean by.
const EACH_START: f64 = 0.12;
/// What is so far from the mean is gross without a test, where it is also this far beyond the
/// slowest session.
const FAR: f64 = 0.5;
const BEYOND_ALL: f64 = 0.25;
/// Standard deviation of a session that is assumed, and the degrees of freedom that the assumption
/// is worth.
const PRIOR_SD: f64 = 0.05;
const PRIOR_DF: f64 = 4.0;

/// The rule's numbers of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct GrossTest {
    /// v.
    pub variance: f64,
    pub estimate: Estimate,
    /// P(T > D / se).
    pub p: Option<f64>,
    pub checks: Vec<Check>,
    pub hit: bool,
}

/// `starts`: every start of the candidate's jobs, oriented. None without a session.
pub fn test(
    t: &Thresholds,
    history: &[f64],
    starts: &[f64],
    jobs: &[f64],
    policy: &Policy,
) -> Option<GrossTest> {
    let (base, candidate) = (mean(history)?, mean(jobs)?);
    let variance = variance(t, history);
    let estimate = estimate(candidate - base, variance, history.len(), jobs.len());
    let p = estimate.p();
    let slowest = history.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let each = |least: f64| starts.iter().all(|start| *start >= least);
    let significant = p.is_some_and(|p| p <= policy.level(ALPHA)) && each(base + EACH_START);
    let far = history.len() > 1 && estimate.difference >= FAR && each(slowest + BEYOND_ALL);
    let checks = vec![
        Check { formula: "the metric is primary", holds: t.is_primary() },
        Check {
            formula: "gross: D >= max(D_min, 0.25)",
            holds: estimate.difference >= t.d_min.max(SMALLEST),
        },
        Check {
            formula: "gross: p <= 0.0005 / workloads and each start - mean h >= 0.12; or D >= 0.5 and each start - slowest h >= 0.25",
            holds: significant || far,
        },
    ];
    let hit = all_hold(&checks) && !starts.is_empty();
    Some(GrossTest { variance, estimate, p, checks, hit })
}

/// v = (4 * 0.05^2 + (k - 1) s2) / (k + 3).
fn variance(t: &Thresholds, history: &[f64]) -> f64 {
    let free = history.len().saturating_sub(1) as f64;
    let own = sd(history).map_or(0.0, |sd| free * (sd.powi(2) + t.floor().powi(2)));
    (PRIOR_DF * PRIOR_SD.powi(2) + own) / (PRIOR_DF + free)
}

/// se = sqrt(v (1/q + 1/k)), df = k + 3.
fn estimate(difference: f64, variance: f64, sessions: usize, jobs: usize) -> Estimate {
    let (k, q) = (sessions as f64, jobs as f64);
    Estimate { difference, se: (variance * (1.0 / q + 1.0 / k)).sqrt(), df: PRIOR_DF + k - 1.0 }
}

/// What one job would be seen by, in 95 % of cases; none of a metric that the rule does not look
/// at, or without a session.
pub fn reach(t: &Thresholds, history: &[f64], policy: &Policy) -> Option<f64> {
    let known = t.is_primary() && !history.is_empty();
    let estimate = estimate(0.0, variance(t, history), history.len(), 1);
    known.then(|| estimate.detectable(policy.level(ALPHA), t.d_min.max(SMALLEST))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Mode;
    use crate::metric::Metric;

    fn hit(history: &[f64], starts: &[f64]) -> bool {
        let policy = Policy::default();
        let metric = Metric::parse("ttft_geomean").expect("a metric");
        let t = policy.thresholds(metric, Mode::OtherDay).expect("a metric of the method");
        test(&t, history, starts, &[mean(starts).expect("some")], &policy)
            .is_some_and(|found| found.hit)
    }

    const TWICE: f64 = std::f64::consts::LN_2;

    #[test]
    fn twice_as_slow_is_found_from_the_first_session_on_however_uneven_they_are() {
        // Six sessions that differ by 1.4 times, half of them slow.
        let uneven: Vec<f64> =
            (0..6).map(|i| if i % 2 == 0 { 0.0 } else { 1.4_f64.ln() }).collect();
        for k in 1..=6 {
            let base = mean(&uneven[..k]).expect("some");
            assert!(hit(&uneven[..k], &[base + TWICE; 2]), "{k} sessions");
        }
        assert!(hit(&uneven, &[TWICE; 2]), "of the faster level");
        let spread: Vec<f64> = (0..6).map(|i| 1.4_f64.ln() * f64::from(i) / 5.0).collect();
        assert!(
            hit(&spread, &[TWICE; 2])
                && !hit(&uneven, &[0.17 + 0.49; 2])
                && !hit(&uneven, &[0.58, 0.9])
        );
        assert!(!hit(&[], &[TWICE; 2]));
    }

    #[test]
    fn less_than_a_quarter_or_one_start_alone_is_not_gross() {
        assert!(!hit(&[0.0; 20], &[0.24; 2]) && hit(&[0.0; 20], &[0.26; 2]));
        assert!(!hit(&[0.0; 20], &[0.11, 0.60]) && hit(&[0.0; 20], &[0.13, 0.60]));
        assert!(
            !hit(&[0.0], &[0.60; 2]) && hit(&[0.0], &[0.62; 2]),
            "one session: t(0.0005; 4) is 8.61"
        );
    }
}
