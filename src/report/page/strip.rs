//! A change with its interval as a strip: one axis for all metrics of a workload, places along it
//! from 0 to 100. Not here: drawing it.

use crate::metric::Class;
use crate::report::MetricReport;

/// Symmetric about no change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// What either end stands for, a fraction.
    end: f64,
}

/// Places along the axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    pub low: f64,
    pub high: f64,
    pub at: f64,
    /// The band in which a change is not relevant.
    pub band_low: f64,
    pub band_width: f64,
    /// The interval goes on beyond the axis.
    pub cut_low: bool,
    pub cut_high: bool,
}

/// An interval beyond this is cut.
const FARTHEST: f64 = 2.0;
const ENDS: [f64; 8] = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, FARTHEST];

impl Axis {
    /// Wide enough for what decides, and for three quarters of all that is to be drawn, as one
    /// metric's tail must not flatten all others; none where nothing was compared.
    pub fn around(metrics: &[MetricReport]) -> Option<Self> {
        let known = || metrics.iter().filter(|m| m.judgement.is_some());
        let ends = |m: &MetricReport| {
            let all = [m.interval_low_ratio, m.interval_high_ratio, m.change_ratio];
            all.into_iter().flatten().map(f64::abs).filter(|end| end.is_finite())
        };
        let mut all: Vec<f64> = known().flat_map(ends).collect();
        all.sort_by(f64::total_cmp);
        let most = *all.get((all.len() * 3 / 4).min(all.len().checked_sub(1)?))?;
        let decides = |m: &&MetricReport| m.class == Class::Primary || m.is_regression();
        let wanted = known().filter(decides).flat_map(ends).fold(most, f64::max);
        Some(Self { end: ENDS.into_iter().find(|end| *end >= wanted).unwrap_or(FARTHEST) })
    }

    /// `20 %`
    pub fn label(self) -> String {
        format!("{} %", (self.end * 100.0).round())
    }

    pub fn change(self, m: &MetricReport) -> Option<Change> {
        let at = m.change_ratio.filter(|c| c.is_finite())?;
        let (low, high) = (m.interval_low_ratio.unwrap_or(at), m.interval_high_ratio.unwrap_or(at));
        let band = m.minimum_relevant_change_ratio;
        Some(Change {
            low: self.place(low),
            high: self.place(high),
            at: self.place(at),
            band_low: self.place(-band),
            band_width: self.place(band) - self.place(-band),
            cut_low: low < -self.end,
            cut_high: high > self.end,
        })
    }

    fn place(self, change: f64) -> f64 {
        let share = (change / self.end).clamp(-1.0, 1.0);
        ((share + 1.0) * 500.0).round() / 10.0
    }
}
