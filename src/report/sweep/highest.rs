//! The highest load of a sweep that meets its SLO. Not here: whether a level passes its gate.

use serde::{Deserialize, Serialize};

use super::bend::level_name;
use super::{SweepLevel, SweepReport};
use crate::config::{Axis, Lang};
use crate::report::text;

/// Share of the requests from which on people say that a load meets its SLO.
const MEETS: f64 = 0.99;

/// The highest level up to which every level that can be judged meets the SLO.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Highest {
    axis: Axis,
    meets: Option<(f64, f64)>,
    /// The first level that does not meet it.
    beyond: Option<(f64, f64)>,
    /// The first level above `meets` that cannot be judged, where it lies below `beyond`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unjudged: Option<f64>,
}

/// None where no level has an SLO that can be judged. Levels come lowest first.
pub fn highest(sweep: &SweepReport) -> Option<Highest> {
    let share = |l: &SweepLevel| l.slo_attainment_ratio.filter(|_| l.unfit.is_none());
    let levels: Vec<(f64, Option<f64>)> =
        sweep.levels.iter().map(|l| (l.level, share(l))).collect();
    let fit: Vec<(f64, f64)> = levels.iter().filter_map(|(at, s)| Some((*at, (*s)?))).collect();
    let met = fit.iter().take_while(|(_, share)| *share >= MEETS).count();
    let (meets, beyond) = (met.checked_sub(1).map(|last| fit[last]), fit.get(met).copied());
    let between =
        |at: f64| meets.is_none_or(|(low, _)| at > low) && beyond.is_none_or(|(high, _)| at < high);
    let unjudged = levels.iter().find(|(at, s)| s.is_none() && between(*at)).map(|(at, _)| *at);
    (!fit.is_empty()).then_some(Highest { axis: sweep.axis, meets, beyond, unjudged })
}

impl Highest {
    pub fn say(&self, lang: Lang) -> String {
        match lang {
            Lang::En => self.english(),
            Lang::Ko => self.korean(),
        }
    }

    fn english(&self) -> String {
        let level = |x| level_name(self.axis, x);
        let unjudged = self.unjudged.map(|at| format!("{} could not be judged", level(at)));
        let Some((at, met)) = self.meets else {
            let lowest = self.beyond.map(|(at, met)| format!("{} at {}", share(met), level(at)));
            let why = listed(lowest.into_iter().chain(unjudged));
            return format!("no load meets the SLO for {} of the requests{why}", least());
        };
        let next = self.beyond.map(|(at, missed)| format!("{} at {}", share(missed), level(at)));
        let top = (self.beyond.is_none() && self.unjudged.is_none())
            .then(|| "the highest measured".to_owned());
        let of = format!("{} of the requests", share(met));
        let facts = listed([of].into_iter().chain(next).chain(unjudged).chain(top));
        format!("highest load that meets the SLO: {}{facts}", level(at))
    }

    fn korean(&self) -> String {
        let level = |x: f64| match self.axis {
            Axis::Concurrency => format!("동시 요청 {x}개"),
            Axis::Rate => format!("{x}/s"),
        };
        let unjudged = self.unjudged.map(|at| format!("{} 판정 불가", level(at)));
        let beyond = self.beyond.map(|(at, met)| format!("{}에서 {}", level(at), share(met)));
        let Some((at, met)) = self.meets else {
            let why = listed(beyond.into_iter().chain(unjudged));
            return format!("요청의 {}가 SLO를 충족하는 부하 없음{why}", least());
        };
        let top = (beyond.is_none() && unjudged.is_none()).then(|| "측정한 최대 부하".to_owned());
        let of = format!("요청의 {}", share(met));
        let facts = listed([of].into_iter().chain(beyond).chain(unjudged).chain(top));
        format!("SLO를 충족하는 최대 부하: {}{facts}", level(at))
    }
}

fn share(ratio: f64) -> String {
    text::value("ratio", Some(ratio))
}

fn least() -> String {
    format!("{:.0} %", MEETS * 100.0)
}

/// In brackets, where there are any.
fn listed(facts: impl Iterator<Item = String>) -> String {
    let facts: Vec<String> = facts.collect();
    if facts.is_empty() { String::new() } else { format!(" ({})", facts.join("; ")) }
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
        let found = highest(&sweep).expect("shares");
        assert_eq!((found.meets.map(|m| m.1), found.unjudged), (Some(1.0), Some(at)));
        shares(&mut sweep, &[1.0, 0.995]);
        assert!(highest(&sweep).is_some_and(|h| h.say(Lang::En).contains("the highest measured")));
        sweep.levels[1].unfit = Some("late".into());
        let said = highest(&sweep).expect("shares").say(Lang::En);
        assert!(
            said.contains("could not be judged") && !said.contains("highest measured"),
            "{said}"
        );
        shares(&mut sweep, &[0.5, 1.0]);
        assert_eq!(highest(&sweep).and_then(|h| h.meets), None, "a lower load misses it");
        shares(&mut sweep, &[0.5, 0.4]);
        assert!(highest(&sweep).is_some_and(|h| h.say(Lang::En).starts_with("no load meets")));
        sweep.levels.iter_mut().for_each(|l| l.slo_attainment_ratio = None);
        assert_eq!(highest(&sweep), None);
    }
}
