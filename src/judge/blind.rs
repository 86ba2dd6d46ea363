//! A comparison that could not have seen what it is for (docs/METHODOLOGY.md#blind): its detectable
//! change is beyond twice what must be found.
//!
//! Not here: what that means for the exit code (`verdict`), or which sessions are to blame
//! (`evaluate`).

use crate::judge::reason::NoiseUnit;
use crate::judge::{Class, Comparison, Decision, MetricComparison, Mode, Reason};
use crate::metric::Metric;

/// A run is blind from so many times what must be found on.
const TIMES: f64 = 2.0;

/// The primary metric that saw least, and what it could have seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Blind {
    pub metric: Metric,
    /// Smallest change that would have been found in 95 % of such runs; none where the noise is not
    /// known at all.
    pub detectable: Option<f64>,
    /// What must be found: the metric's margin.
    pub wanted: f64,
    /// Standard deviation of a start or a session.
    pub noise: Option<f64>,
    pub mode: Mode,
}

impl Comparison {
    /// Where it is open for noise, and could have seen nothing smaller than twice the margin of
    /// some primary metric. Below six sessions it is young and not blind; unstable starts are seen,
    /// and make the noise themselves.
    pub fn blind(&self) -> Option<Blind> {
        let unstable = self.slow.as_ref().is_some_and(|slow| slow.worry);
        let open = self.decision == Decision::Inconclusive
            && self.sessions_needed.is_none()
            && self.wants.is_none()
            && !unstable;
        let primary = self.metrics.iter().filter(|row| open && row.class == Class::Primary);
        let found = primary.filter_map(|row| self.blind_in(row));
        found.max_by(|a, b| beyond(a).total_cmp(&beyond(b)))
    }

    fn blind_in(&self, row: &MetricComparison) -> Option<Blind> {
        let wanted = row.margin?;
        let found = Blind {
            metric: row.metric,
            detectable: row.detectable,
            wanted,
            noise: row.noise,
            mode: self.mode,
        };
        match row.detectable {
            Some(detectable) => detectable > TIMES * wanted,
            // The noise of sessions is known from six of them on; of one start alone it never is.
            None => self.mode == Mode::Interleaved && row.change.is_some(),
        }
        .then_some(found)
    }
}

fn beyond(blind: &Blind) -> f64 {
    blind.detectable.map_or(f64::INFINITY, |detectable| detectable / blind.wanted)
}

impl From<&Blind> for Reason {
    fn from(blind: &Blind) -> Self {
        let Blind { metric, detectable, wanted, noise, mode } = *blind;
        let unit = match mode {
            Mode::Interleaved => NoiseUnit::Starts,
            Mode::OtherDay | Mode::Drift => NoiseUnit::Sessions,
        };
        Self::Blind { metric, detectable, wanted, noise, unit }
    }
}
