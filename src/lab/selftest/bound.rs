//! What the counts of a row must be: bounds with where they come from, held against what was counted
//! by its 95 % interval.
//!
//! Not here: which row has which bounds (`rows`), or how a row is shown (`table`).

use super::played::Outcome;
use crate::judge::dist::beta_quantile;

/// What must hold of one share, or of the mean cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    pub what: What,
    pub limit: Limit,
    pub source: Source,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Share of gates that end so.
    Share(Outcome),
    /// Mean over the gates that have one, in the unit of the row.
    Cost,
}

/// Shares are fractions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

/// Where a bound comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// What the gate promises.
    Goal,
    /// Counted in so many gates of the study (docs/METHODOLOGY.md#measured): its own 95 % interval is
    /// allowed for.
    Study(u32),
    /// The same, told in whole per cent: up to half a point is the rounding's.
    Rounded(u32),
    /// A figure of the study that comes without a number of gates.
    Stated,
}

/// What was counted, with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counted {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// The study's minutes and starts are rounded to whole ones where they are large.
const ROUNDED: f64 = 0.5;
/// And so are some of its shares, in per cent.
const ROUNDED_SHARE: f64 = 0.005;

impl Bound {
    /// The counted interval reaches what is allowed.
    pub fn holds(&self, counted: &Counted) -> bool {
        match self.limit {
            Limit::AtMost(_) => counted.low <= self.allowed(),
            Limit::AtLeast(_) => counted.high >= self.allowed(),
        }
    }

    /// The bound itself, the far end of the study's own interval, or what the study rounded.
    fn allowed(&self) -> f64 {
        let (Limit::AtMost(value) | Limit::AtLeast(value)) = self.limit;
        let (gates, rounded) = match (self.source, self.what) {
            (Source::Stated, What::Cost) => return value + ROUNDED,
            (Source::Study(gates), What::Share(_)) => (gates, 0.0),
            (Source::Rounded(gates), What::Share(_)) => (gates, ROUNDED_SHARE),
            _ => return value,
        };
        let study = |value: f64| Counted::share((value * f64::from(gates)).round(), gates);
        match self.limit {
            Limit::AtMost(_) => study((value + rounded).min(1.0)).high,
            Limit::AtLeast(_) => study((value - rounded).max(0.0)).low,
        }
    }
}

impl Counted {
    /// A share of so many gates, exactly (Clopper and Pearson 1934).
    pub fn share(found: f64, gates: u32) -> Self {
        let n = f64::from(gates);
        let low = (found > 0.0).then(|| beta_quantile(0.025, found, n - found + 1.0));
        let high = (found < n).then(|| beta_quantile(0.975, found + 1.0, n - found));
        // Outside the domain nothing is known of the share.
        Self {
            value: found / n,
            low: low.map_or(0.0, |low| low.unwrap_or(0.0)),
            high: high.map_or(1.0, |high| high.unwrap_or(1.0)),
        }
    }

    /// A mean, by the normal approximation; none without a value.
    pub fn mean(values: &[f64]) -> Option<Self> {
        let value = crate::measure::stats::mean(values)?;
        let half = crate::measure::stats::sd(values)
            .map_or(0.0, |sd| 1.96 * sd / (values.len() as f64).sqrt());
        Some(Self { value, low: value - half, high: value + half })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(limit: Limit, source: Source) -> Bound {
        Bound { what: What::Share(Outcome::Regression), limit, source }
    }

    #[test]
    fn a_share_has_its_exact_interval() {
        // R's binom.test(2, 1000) and binom.test(0, 100).
        let few = Counted::share(2.0, 1000);
        assert!((few.low - 0.000_242_3).abs() < 1e-6 && (few.high - 0.007_205_8).abs() < 1e-6);
        let none = Counted::share(0.0, 100);
        assert!(none.low <= 0.0 && (none.high - 0.036_216_7).abs() < 1e-6);
        assert!((Counted::share(100.0, 100).high - 1.0).abs() < 1e-12);
        let all = Counted::mean(&[1.0, 2.0, 3.0]).expect("values");
        assert!((all.value - 2.0).abs() < 1e-12 && (all.high - 3.1316).abs() < 1e-4);
        assert_eq!(Counted::mean(&[]), None);
    }

    #[test]
    fn a_bound_misses_where_the_interval_excludes_it() {
        let most = bound(Limit::AtMost(0.005), Source::Goal);
        assert!(
            most.holds(&Counted::share(10.0, 1000)) && !most.holds(&Counted::share(11.0, 1000))
        );
        let least = bound(Limit::AtLeast(0.95), Source::Goal);
        assert!(
            least.holds(&Counted::share(91.0, 100)) && !least.holds(&Counted::share(89.0, 100))
        );
        assert!(!least.holds(&Counted::share(0.0, 2)), "two gates can miss, too");
    }

    #[test]
    fn all_and_none_allow_no_gate() {
        let all = bound(Limit::AtLeast(1.0), Source::Goal);
        assert!(all.holds(&Counted::share(1.0, 1)) && !all.holds(&Counted::share(999.0, 1000)));
        let none = bound(Limit::AtMost(0.0), Source::Goal);
        assert!(none.holds(&Counted::share(0.0, 1)) && !none.holds(&Counted::share(1.0, 1000)));
    }

    #[test]
    fn what_the_study_counted_has_an_interval_of_its_own() {
        let study = bound(Limit::AtLeast(0.998), Source::Study(1500));
        assert!(study.holds(&Counted::share(196.0, 200)));
        let goal = bound(Limit::AtLeast(0.998), Source::Goal);
        assert!(!goal.holds(&Counted::share(196.0, 200)));
    }

    /// "100 %" beside "0.17 % REGRESSION" is no count of all gates.
    #[test]
    fn whole_per_cent_are_as_wide_as_they_were_rounded() {
        let counted = bound(Limit::AtLeast(1.0), Source::Study(6000));
        let rounded = bound(Limit::AtLeast(1.0), Source::Rounded(6000));
        let (near, far) = (Counted::share(1990.0, 2000), Counted::share(1970.0, 2000));
        assert!(!counted.holds(&near) && rounded.holds(&near) && !rounded.holds(&far));
        let most = bound(Limit::AtMost(0.01), Source::Rounded(6000));
        assert!(
            most.holds(&Counted::share(30.0, 2000)) && !most.holds(&Counted::share(60.0, 2000))
        );
    }
}
