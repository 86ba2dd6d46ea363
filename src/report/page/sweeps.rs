//! A load at several levels as curves: of one run, or of several side by side. Not here: their
//! numbers or knees (`report::sweep`).

use super::plot::{Across, Curve, Kind, Pen, Plot, Point, plot};
use crate::config::{Axis, Lang};
use crate::report::sweep::{
    BY_LEVEL, COLUMNS, Curved, SweepLevel, SweepReport, axis_title, cells, curve_name, header,
    is_of, matters,
};
use crate::report::text;

/// One family of workloads.
pub struct Family {
    pub name: String,
    pub axis: String,
    pub plots: Vec<Plot>,
    /// Curves of which no level has a value.
    pub lacking: Vec<&'static str>,
    /// What is in no curve, and why.
    pub notes: Vec<String>,
    /// Some level is not fit to be judged, and drawn as a cross.
    pub crossed: bool,
    /// Some curve bends, and has a ring there.
    pub ringed: bool,
    /// Of the tables.
    pub header: [&'static str; COLUMNS],
    pub tables: Vec<Levels>,
}

/// Of one entrant.
pub struct Levels {
    /// Empty where there is only one.
    pub name: String,
    pub pen: Pen,
    /// What matters of it.
    pub words: String,
    pub rows: Vec<[String; COLUMNS]>,
}

/// Who was measured, and with what outcome; absent: at no level.
pub type Swept<'a> = (&'a str, Option<&'a SweepReport>);

/// `levels`: of any of them, ascending. Names may be empty where there is one.
pub fn family(
    name: &str,
    axis: Axis,
    levels: &[f64],
    all: &[Swept<'_>],
    notes: &[String],
    lang: Lang,
) -> Family {
    let title = axis_title(axis, lang);
    let (mut plots, mut lacking) = (Vec::new(), Vec::new());
    for curved in &BY_LEVEL {
        match by_level(axis, curved, levels, all, lang) {
            Some(plot) => plots.push(plot),
            None => lacking.push(curve_name(curved.0, lang)),
        }
    }
    match against_latency(levels, all, lang) {
        Some(plot) => plots.push(plot),
        None => lacking.push(match lang {
            Lang::En => "throughput against latency",
            Lang::Ko => "지연 시간 대비 처리량",
        }),
    }
    let known = || all.iter().filter_map(|(_, sweep)| *sweep);
    let table = |(i, (who, sweep)): (usize, &Swept<'_>)| {
        let sweep = (*sweep)?;
        let rows = sweep.levels.iter().map(cells).collect();
        Some(Levels {
            name: text::plain(who),
            pen: Pen::numbered(i),
            words: matters(sweep, lang),
            rows,
        })
    };
    Family {
        name: text::plain(name),
        axis: title.to_owned(),
        header: header(lang),
        plots,
        lacking,
        notes: notes.iter().map(|note| text::plain(note)).collect(),
        crossed: known().any(|s| s.levels.iter().any(|l| l.unfit.is_some())),
        ringed: known().any(|s| s.knee.is_some()),
        tables: all.iter().enumerate().filter_map(table).collect(),
    }
}

fn by_level(
    axis: Axis,
    (title, unit, value): &Curved,
    levels: &[f64],
    all: &[Swept<'_>],
    lang: Lang,
) -> Option<Plot> {
    let scale = if *unit == "ratio" { 100.0 } else { 1.0 };
    let curves = curves(levels, all, lang, |sweep, level| {
        let y = value(level)?;
        Some((level.level, y * scale, text::value(unit, Some(y)), is_of(sweep, title)))
    });
    let (axis, title) = (axis_title(axis, lang), curve_name(title, lang));
    let title = match lang {
        Lang::En => format!("{title} by {axis}"),
        Lang::Ko => format!("{title}: {axis}별"),
    };
    plot(title, axis.to_owned(), &Across::Levels, &curves, &[])
}

/// What the server delivers, against what its users wait: up and to the left is better.
fn against_latency(levels: &[f64], all: &[Swept<'_>], lang: Lang) -> Option<Plot> {
    let mut fit = all
        .iter()
        .filter_map(|(_, sweep)| *sweep)
        .flat_map(|s| &s.levels)
        .filter(|l| l.unfit.is_none());
    let tokens = fit.all(|l| l.output_token_rate_tokens_per_s.is_some());
    let (what, unit) =
        if tokens { ("output tokens/s", "tokens_per_s") } else { ("requests/s", "per_s") };
    let throughput = |l: &SweepLevel| {
        if tokens { l.output_token_rate_tokens_per_s } else { l.request_rate_per_s }
    };
    let curves = curves(levels, all, lang, |_, level| {
        let (x, y) = (level.e2e_p95_ms?, throughput(level)?);
        let (rate, e2e) = (text::value(unit, Some(y)), text::value("ms", Some(x)));
        Some((x, y, format!("{rate}, E2E p95 {e2e}"), true))
    });
    let what = curve_name(what, lang);
    let title = match lang {
        Lang::En => format!("{what} against E2E p95"),
        Lang::Ko => format!("{what}: E2E p95 대비"),
    };
    plot(title, "E2E p95, ms".into(), &Across::Numbers, &curves, &[])
}

/// One per entrant, in their order, also where there is nothing to draw: their pens are the same in
/// every plot. `point`: its x, its y, both in words, and whether a knee is shown there.
fn curves(
    levels: &[f64],
    all: &[Swept<'_>],
    lang: Lang,
    point: impl Fn(&SweepReport, &SweepLevel) -> Option<(f64, f64, String, bool)>,
) -> Vec<Curve> {
    let gap = || Point { x: f64::NAN, y: f64::NAN, ..Point::default() };
    let at = |who: &str, sweep: &SweepReport, level: f64| {
        let level = sweep.levels.iter().find(|l| (l.level - level).abs() <= 0.0)?;
        let (x, y, values, bends) = point(sweep, level)?;
        let kind = match (&level.unfit, sweep.knee == Some(level.level)) {
            (Some(_), _) => Kind::Unfit,
            (None, true) if bends => Kind::Knee,
            _ => Kind::Plain,
        };
        Some(Point { x, y, title: point_title(who, sweep, level, &values, lang), link: None, kind })
    };
    let curve = |(who, sweep): &Swept<'_>| {
        let points = sweep.iter().flat_map(|sweep| {
            levels.iter().map(|level| at(who, sweep, *level).unwrap_or_else(gap))
        });
        Curve { name: text::plain(who), points: points.collect() }
    };
    all.iter().map(curve).collect()
}

fn point_title(
    who: &str,
    sweep: &SweepReport,
    level: &SweepLevel,
    values: &str,
    lang: Lang,
) -> String {
    let who = if who.is_empty() { String::new() } else { format!("{}, ", text::plain(who)) };
    let what = match (&level.unfit, sweep.knee == Some(level.level)) {
        (Some(_), _) => " (INVALID)",
        (None, _) if level.saturated => " (SATURATED)",
        (None, true) => " (knee)",
        (None, false) => "",
    };
    format!("{who}{} {}{what}: {values}", axis_title(sweep.axis, lang), level.level)
}
