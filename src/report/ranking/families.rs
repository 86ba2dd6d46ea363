//! Which of several records' workloads are levels of one load, and each record's curve over them.
//! Not here: where a curve bends (`report::sweep`), or pictures (`report::page`).

use super::FamilyRanking;
use super::build::{Entrant, other_load};
use super::note::RankingNote;
use crate::config::Axis;
use crate::record::{LevelRecord, WorkloadRecord};
use crate::report::sweep::{Curved, LEAST_LEVELS, SweepLevel, SweepReport, is_of, level, sweep};
use crate::report::{Codes, text};

/// A workload and its level, as the first record says that has it.
struct Member<'a> {
    value: f64,
    first: &'a WorkloadRecord,
}

/// `names`: every workload of any of them.
pub fn families(names: &[&str], entrants: &[Entrant<'_>], codes: &mut Codes) -> Vec<FamilyRanking> {
    let mut all: Vec<(&str, Axis, Vec<Member<'_>>)> = Vec::new();
    for name in names {
        let known = || entrants.iter().filter_map(|e| e.workload(name)).map(|m| m.workload);
        let Some(LevelRecord { family, axis, value }) =
            known().find_map(|w| w.load.detail.level.as_ref())
        else {
            continue;
        };
        let Some(first) = known().next() else { continue };
        let member = Member { value: *value, first };
        match all.iter_mut().find(|(of, by, _)| of == family && by == axis) {
            Some((_, _, members)) => members.push(member),
            None => all.push((family, *axis, vec![member])),
        }
    }
    all.retain(|(_, _, members)| members.len() >= LEAST_LEVELS);
    all.into_iter()
        .map(|(name, axis, members)| family(name, axis, members, entrants, codes))
        .collect()
}

fn family(
    name: &str,
    axis: Axis,
    mut members: Vec<Member<'_>>,
    entrants: &[Entrant<'_>],
    codes: &mut Codes,
) -> FamilyRanking {
    members.sort_by(|a, b| a.value.total_cmp(&b.value));
    let (mut curves, mut notes) = (Vec::new(), Vec::new());
    for entrant in entrants {
        let mut levels: Vec<SweepLevel> = Vec::new();
        let mut lacking: Vec<f64> = Vec::new();
        for Member { value, first } in &members {
            let Some(mine) = entrant.workload(&first.name) else {
                lacking.push(*value);
                continue;
            };
            if let Some(why) = other_load(mine.workload, first) {
                notes.push(RankingNote::OtherLoadAt {
                    entrant: entrant.name.clone(),
                    level: *value,
                    why: Box::new(why),
                });
                continue;
            }
            let unfit = mine.unfit.first().map(ToString::to_string);
            levels.push(level(mine.workload, &mine.pooled, *value, unfit));
        }
        if !lacking.is_empty() {
            let at_none = lacking.len() == members.len();
            notes.push(RankingNote::NotMeasuredAt {
                entrant: entrant.name.clone(),
                levels: if at_none { Vec::new() } else { lacking },
            });
        }
        curves.push((!levels.is_empty()).then(|| sweep(name, axis, levels)));
    }
    let levels = members.iter().map(|m| m.value).collect();
    let notes = codes.texts(&notes);
    FamilyRanking { family: name.to_owned(), axis, levels, curves, notes }
}

/// A metric of all entrants as a table: the level, then a cell for each. None where no level has a
/// value.
pub fn rows(f: &FamilyRanking, curved: &Curved) -> Option<Vec<Vec<String>>> {
    let mut known = f.curves.iter().flatten().flat_map(|s| &s.levels);
    known.any(|l| curved.2(l).is_some()).then(|| {
        let row = |&at: &f64| {
            let cells = f.curves.iter().map(|curve| {
                curve.as_ref().map_or_else(|| text::number(None), |s| cell(s, at, curved))
            });
            std::iter::once(at.to_string()).chain(cells).collect()
        };
        f.levels.iter().map(row).collect()
    })
}

/// `476.0`, `knee 476.0`, `INVALID`, or nothing known.
fn cell(sweep: &SweepReport, at: f64, (title, unit, value): &Curved) -> String {
    let Some(level) = sweep.levels.iter().find(|l| (l.level - at).abs() <= 0.0) else {
        return text::number(None);
    };
    if level.unfit.is_some() {
        return "INVALID".into();
    }
    let scale = if *unit == "ratio" { 100.0 } else { 1.0 };
    let number = text::number(value(level).map(|y| y * scale));
    if sweep.knee == Some(at) && is_of(sweep, title) { format!("knee {number}") } else { number }
}
