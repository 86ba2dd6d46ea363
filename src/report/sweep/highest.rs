//! The highest load of a sweep that meets its SLO. Not here: whether a level passes its gate.

use serde::{Deserialize, Serialize};

use super::bend::level_name;
use super::{SweepLevel, SweepReport};
use crate::config::{Axis, Lang};
use crate::report::text;

/// Share of the requests from which on people say that a load meets its SLO.
const MEETS: f64 = 0.99;

/// The highest level that meets the SLO, and the next one, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Highest {
    axis: Axis,
    meets: Option<(f64, f64)>,
    beyond: Option<(f64, f64)>,
}

/// None where there is no SLO. Levels that are not fit to be judged meet nothing.
pub fn highest(sweep: &SweepReport) -> Option<Highest> {
    let share = |l: &SweepLevel| Some((l.level, l.slo_attainment_ratio?));
    let fit: Vec<(f64, f64)> =
        sweep.levels.iter().filter(|l| l.unfit.is_none()).filter_map(share).collect();
    let at = fit.iter().rposition(|(_, share)| *share >= MEETS);
    let beyond = at.map_or(0, |at| at + 1);
    (!fit.is_empty()).then(|| Highest {
        axis: sweep.axis,
        meets: at.map(|at| fit[at]),
        beyond: fit.get(beyond).copied(),
    })
}

impl Highest {
    pub fn say(&self, lang: Lang) -> String {
        let share = |x: f64| text::value("ratio", Some(x));
        let least = format!("{:.0} %", MEETS * 100.0);
        let level = |x: f64| match (lang, self.axis) {
            (Lang::Ko, Axis::Concurrency) => format!("동시 요청 {x}개"),
            (Lang::Ko, Axis::Rate) => format!("{x}/s"),
            (Lang::En, axis) => level_name(axis, x),
        };
        match (lang, self.meets, self.beyond) {
            (Lang::En, Some((at, met)), None) => {
                format!(
                    "highest load that meets the SLO: {} ({} of the requests), the highest measured",
                    level(at),
                    share(met)
                )
            }
            (Lang::En, Some((at, met)), Some((next, missed))) => {
                format!(
                    "highest load that meets the SLO: {} ({} of the requests; {} at {})",
                    level(at),
                    share(met),
                    share(missed),
                    level(next)
                )
            }
            (Lang::En, None, beyond) => {
                let least_load = beyond.map_or_else(String::new, |(at, met)| {
                    format!(" ({} at {}, the lowest)", share(met), level(at))
                });
                format!("no load meets the SLO for {least} of the requests{least_load}")
            }
            (Lang::Ko, Some((at, met)), None) => {
                format!(
                    "SLO를 충족하는 최대 부하: {} (요청의 {}), 측정한 최대 부하",
                    level(at),
                    share(met)
                )
            }
            (Lang::Ko, Some((at, met)), Some((next, missed))) => {
                format!(
                    "SLO를 충족하는 최대 부하: {} (요청의 {}; {}에서는 {})",
                    level(at),
                    share(met),
                    level(next),
                    share(missed)
                )
            }
            (Lang::Ko, None, beyond) => {
                let least_load = beyond.map_or_else(String::new, |(at, met)| {
                    format!(" (가장 낮은 부하 {}에서 {})", level(at), share(met))
                });
                format!("요청의 {least}가 SLO를 충족하는 부하 없음{least_load}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn the_highest_load_is_named_with_the_next_one() {
        let mut sweep = samples::swept().sweeps.remove(0);
        let shares = |sweep: &mut SweepReport, all: &[f64]| {
            for (level, share) in sweep.levels.iter_mut().zip(all) {
                (level.slo_attainment_ratio, level.unfit) = (Some(*share), None);
            }
            sweep.levels.truncate(all.len());
        };
        shares(&mut sweep, &[1.0, 0.995, 0.4]);
        let (at, next) = (sweep.levels[1].level, sweep.levels[2].level);
        let found = highest(&sweep).expect("shares");
        assert_eq!((found.meets, found.beyond), (Some((at, 0.995)), Some((next, 0.4))));
        sweep.levels[1].unfit = Some("late".into());
        assert_eq!(highest(&sweep).and_then(|h| h.meets).map(|m| m.1), Some(1.0), "unfit is none");
        shares(&mut sweep, &[0.5, 0.4]);
        assert!(highest(&sweep).is_some_and(|h| h.say(Lang::En).starts_with("no load meets")));
        sweep.levels.iter_mut().for_each(|l| l.slo_attainment_ratio = None);
        assert_eq!(highest(&sweep), None);
    }
}
