//! The start-to-start variance that earlier runs tell (docs/METHODOLOGY.md#interleaved-test).
//!
//! Not here: which runs are comparable; the caller discards those of another driver, machine class,
//! engine or workload.

use crate::judge::seeds::{SeedMeans, has_rounds};
use crate::judge::{PastRun, Session};
use crate::measure::stats::squared_deviations;
use crate::measure::summary::StartSummary;
use crate::metric::Metric;

/// Most degrees of freedom that are read from history, latest first.
const MOST_RAW_DF: usize = 24;
/// Starts of one side that history takes at once: with more it is left out whole.
pub const MOST_OF_A_SIDE: usize = MOST_RAW_DF + 1;
/// Most that history weighs against the run at hand.
const MOST_DF: f64 = 12.0;

/// Within-side sum of squares and its degrees of freedom.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Variation {
    pub ss: f64,
    pub df: f64,
}

impl Variation {
    /// Around the mean of one side's starts.
    pub fn within(values: &[f64]) -> Self {
        squared_deviations(values)
            .map_or_else(Self::default, |ss| Self { ss, df: (values.len() - 1) as f64 })
    }

    pub fn plus(self, other: Self) -> Self {
        Self { ss: self.ss + other.ss, df: self.df + other.df }
    }

    pub fn mean_square(self) -> Option<f64> {
        (self.df > 0.0).then(|| self.ss / self.df)
    }
}

/// Sessions of one build as runs of the past, each seed-centred within itself (docs/METHODOLOGY.md#start-values);
/// and how many were left out, since they keep no rounds and values of the two kinds must not be
/// mixed.
pub fn centred(sessions: &[Session]) -> (Vec<PastRun>, usize) {
    let run = |session: &Session| {
        let whole = !session.starts.is_empty() && session.starts.iter().all(has_rounds);
        whole.then(|| {
            let means = SeedMeans::over(&session.starts);
            let side = session.starts.iter().map(|start| means.centred(start)).collect();
            PastRun { sides: vec![side], passed: true }
        })
    };
    let runs: Vec<PastRun> = sessions.iter().filter_map(run).collect();
    let left_out = sessions.len() - runs.len();
    (runs, left_out)
}

/// One metric's values over the starts that have it.
pub fn values_of(starts: &[StartSummary], metric: Metric) -> Vec<f64> {
    starts.iter().filter_map(|s| s.values.get(&metric).copied()).collect()
}

/// Variation of a metric over the latest runs (`history` is oldest first), scaled down to at most
/// 12 degrees of freedom. A session's shift cancels within a side, so different machines of one
/// class may be pooled.
pub fn variation(history: &[PastRun], metric: Metric) -> Variation {
    let mut total = Variation::default();
    for run in history.iter().rev() {
        let sides = run.sides.iter().map(|side| Variation::within(&values_of(side, metric)));
        let with = sides.fold(total, Variation::plus);
        if with.df > MOST_RAW_DF as f64 {
            break;
        }
        total = with;
    }
    let scale = if total.df > MOST_DF { MOST_DF / total.df } else { 1.0 };
    Variation { ss: total.ss * scale, df: total.df * scale }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(values: &[f64]) -> Vec<StartSummary> {
        let start = |v: &f64| StartSummary {
            values: [(Metric::OutputTokenRate, *v)].into(),
            n: 1,
            ..StartSummary::default()
        };
        values.iter().map(start).collect()
    }

    #[test]
    fn the_latest_24_degrees_of_freedom_weigh_at_most_twelve() {
        let quiet =
            PastRun { sides: vec![side(&[0.0, 0.0, 0.0]), side(&[1.0, 1.0, 1.0])], passed: true };
        let loud = PastRun { sides: vec![side(&[0.0, 9.0, 0.0]), side(&[1.0])], passed: true };
        assert_eq!(variation(&[], Metric::OutputTokenRate), Variation::default());
        let one = variation(std::slice::from_ref(&loud), Metric::OutputTokenRate);
        assert_eq!((one.ss, one.df), (54.0, 2.0));
        let mut runs = vec![loud];
        runs.extend(vec![quiet; 6]);
        assert_eq!(variation(&runs, Metric::OutputTokenRate), Variation { ss: 0.0, df: 12.0 });
        assert_eq!(variation(&runs, Metric::ErrorRate), Variation::default());
    }
}
