//! What a team may set about comparisons, and what follows for each metric (docs/METHODOLOGY.md#sizes).
//!
//! Not here: how a config says it, or the method's own table (`metric`).

use std::collections::{BTreeMap, BTreeSet};

use crate::judge::Mode;
use crate::judge::level::{Line, Rule};
use crate::metric::{Class, METHOD, Metric, Scale};

/// The table of `metric` is for this size.
const TABLE: f64 = 0.05;
/// `D_min` of what must be found: a smaller estimate is not worth failing for.
const WORTH_FAILING: f64 = 0.6;

/// What a team may set about comparisons. METHOD's values where it says nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The slowdown that must be found, interleaved and against an anchor: a fraction.
    pub detect: f64,
    /// The same, against sessions of other days.
    pub detect_other_day: f64,
    /// What must be found of one metric, in every mode, where it is not `detect`: a fraction (0.05
    /// = 5 % or 5 points).
    pub sizes: BTreeMap<Metric, f64>,
    /// What a metric may do to the verdict, where METHOD's class is not wanted. An error rate is
    /// never primary, since counts prove no margin: it stays a guard.
    pub classes: BTreeMap<Metric, Class>,
    /// Gating workloads of the run; they share its false alarms. At least 1.
    pub workloads: u32,
    /// Candidate starts that a PASS needs.
    pub min_starts: usize,
    /// Start pairs that the plan takes at most.
    pub max_pairs: usize,
}

/// A metric's row of the method (docs/METHODOLOGY.md#metrics), under the team's policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    pub metric: Metric,
    pub class: Class,
    pub scale: Scale,
    /// Smallest estimate worth failing for.
    pub d_min: f64,
    /// M: what a PASS proves the change to be below; primary metrics only.
    pub margin: Option<f64>,
    /// `D_min` of a guard that convicts alone in one job (docs/METHODOLOGY.md#guard-alone).
    pub alone: f64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            detect: 0.05,
            detect_other_day: 0.10,
            sizes: BTreeMap::new(),
            classes: BTreeMap::new(),
            workloads: 1,
            min_starts: 2,
            max_pairs: 6,
        }
    }
}

impl Policy {
    /// Divides a significance level among the gating workloads, where it is on no line.
    pub(super) fn level(&self, alpha: f64) -> f64 {
        alpha / f64::from(self.workloads.max(1))
    }

    /// The line that a metric of this class is held against.
    pub(super) fn line(&self, class: Class, planned: usize) -> Line {
        Line::new(Rule::for_class(class), planned, self.workloads)
    }

    pub fn thresholds(&self, metric: Metric, mode: Mode) -> Option<Thresholds> {
        let row = metric.method()?;
        let size = self.sizes.get(&metric).copied();
        let detect = match mode {
            Mode::Interleaved | Mode::Drift => self.detect,
            Mode::OtherDay => self.detect_other_day,
        };
        let class = match self.classes.get(&metric) {
            Some(Class::Primary) if metric == Metric::ErrorRate => Class::Guard,
            Some(&class) => class,
            None => row.class,
        };
        // Sizes that the method has for a primary metric go along with what must be found; those of
        // guards are the noise of tails, and never fall below the table's.
        let times = size.map_or(detect, |size| size) / TABLE;
        let d_min = match (size, row.margin) {
            // Counts prove no margin, so that nothing smaller than the size is found either.
            (Some(size), None) if metric == Metric::ErrorRate => size,
            (None, None) if metric == Metric::ErrorRate => row.d_min,
            (Some(size), _) => WORTH_FAILING * size,
            (None, Some(_)) => WORTH_FAILING * detect,
            (None, None) => row.d_min * times.max(1.0),
        };
        let margin = match (row.margin, size, mode) {
            // What the team wrote is what a PASS proves.
            (Some(_), Some(size), _) => size,
            (Some(margin), None, Mode::Interleaved) => margin * times,
            (Some(_), None, Mode::OtherDay | Mode::Drift) => detect,
            // A guard that the team made primary: what must be found of it.
            (None, ..) => d_min / WORTH_FAILING,
        };
        let alone = size.map_or(row.d_min, |_| d_min);
        let margin = (class == Class::Primary).then_some(margin);
        Some(Thresholds { metric, class, scale: row.scale, d_min, margin, alone })
    }

    /// Metrics that the team wants judged and METHOD does not judge: they forbid a PASS, since
    /// nothing looks at them. A config can not say that; a record from elsewhere can.
    pub(super) fn unjudged(&self) -> Vec<Metric> {
        let said = self.sizes.keys().chain(self.classes.keys());
        said.copied().filter(|m| !METHOD.contains(m)).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

impl Thresholds {
    /// METHOD's floor of the noise, so that a silent series proves nothing beyond it.
    pub(super) fn floor(&self) -> f64 {
        match self.scale {
            Scale::Log => 0.002,
            Scale::Absolute => 0.003,
        }
    }

    pub(super) fn is_primary(&self) -> bool {
        self.class == Class::Primary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(policy: &Policy, name: &str, mode: Mode) -> (f64, Option<f64>) {
        let metric = Metric::parse(name).expect("a metric");
        let t = policy.thresholds(metric, mode).expect("a metric of the method");
        let round = |x: f64| (x * 1e9).round() / 1e9;
        (round(t.d_min), t.margin.map(round))
    }

    #[test]
    fn every_size_follows_from_what_must_be_found() {
        let five = Policy::default();
        let three = Policy { detect: 0.03, ..Policy::default() };
        let ten = Policy { detect: 0.10, ..Policy::default() };
        let now = |policy, name| sizes(policy, name, Mode::Interleaved);
        assert_eq!(now(&five, "tpot_geomean"), (0.03, Some(0.05)));
        assert_eq!(now(&five, "ttft_geomean"), (0.03, Some(0.075)));
        assert_eq!(now(&three, "tpot_geomean"), (0.018, Some(0.03)));
        assert_eq!(now(&three, "ttft_geomean"), (0.018, Some(0.045)));
        assert_eq!(now(&three, "ttft_p95"), (0.10, None), "tails keep the table's");
        assert_eq!(now(&ten, "ttft_p95"), (0.20, None));
        assert_eq!(now(&ten, "error_rate"), (0.002, None));
        assert_eq!(sizes(&five, "ttft_geomean", Mode::OtherDay), (0.06, Some(0.10)));
        assert_eq!(sizes(&five, "ttft_geomean", Mode::Drift), (0.03, Some(0.05)));
    }

    #[test]
    fn a_size_of_its_own_is_that_metrics_alone() {
        let metric = |name| Metric::parse(name).expect("a metric");
        let policy = Policy {
            sizes: [
                (metric("tpot_geomean"), 0.10),
                (metric("ttft_p95"), 0.25),
                (metric("ttft_geomean"), 0.05),
            ]
            .into(),
            classes: [(metric("ttft_p95"), Class::Primary)].into(),
            ..Policy::default()
        };
        assert_eq!(sizes(&policy, "tpot_geomean", Mode::Interleaved), (0.06, Some(0.10)));
        assert_eq!(sizes(&policy, "tpot_geomean", Mode::OtherDay), (0.06, Some(0.10)));
        assert_eq!(sizes(&policy, "ttft_p95", Mode::Interleaved), (0.15, Some(0.25)));
        assert_eq!(sizes(&policy, "e2e_geomean", Mode::Interleaved), (0.03, Some(0.05)));
        assert_eq!(sizes(&policy, "ttft_geomean", Mode::Interleaved), (0.03, Some(0.05)));
    }
}
