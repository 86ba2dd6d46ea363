//! Sweeps over levels of load as curves: of one run, or of several side by side. Not here: their numbers or knees (`report::sweep`).

use super::plot::{Across, Curve, Plot, Point, plot};
use crate::config::Lang;
use crate::report::sweep::{SweepLevel, SweepReport, axis, cells};
use crate::report::{say, text};

/// One family of workloads.
pub struct Family {
    pub name: String,
    pub axis: String,
    pub plots: Vec<Plot>,
    /// Curves of which no level has a value.
    pub lacking: Vec<&'static str>,
    pub tables: Vec<Levels>,
}

impl Family {
    /// In the reader's language; units and metrics are as they are.
    pub fn said(mut self, lang: Lang) -> Self {
        self.axis = say(lang, &self.axis);
        for plot in &mut self.plots {
            plot.title = say(lang, &plot.title);
        }
        for table in &mut self.tables {
            table.words = say(lang, &table.words);
        }
        self
    }
}

/// Of one entrant.
pub struct Levels {
    /// Empty where there is only one.
    pub name: String,
    /// What its knee means.
    pub words: String,
    pub rows: Vec<[String; 8]>,
}

/// What is drawn: its title, its unit, its value.
type Curved = (&'static str, &'static str, fn(&SweepLevel) -> Option<f64>);

const BY_LEVEL: [Curved; 5] = [
    ("output tokens/s", "tokens_per_s", |l| l.output_token_rate_tokens_per_s),
    ("requests/s", "per_s", |l| l.request_rate_per_s),
    ("goodput/s", "per_s", |l| l.goodput_per_s),
    ("errors, %", "ratio", |l| l.error_rate_ratio),
    ("TTFT p95, ms", "ms", |l| l.ttft_p95_ms.or(l.ttft_p50_ms)),
];

/// Every family of any of them, in the order in which they are met. Names may be empty where there is one.
pub fn families(named: &[(&str, &[SweepReport])]) -> Vec<Family> {
    let mut known: Vec<(&str, &'static str)> = Vec::new();
    for sweep in named.iter().flat_map(|(_, sweeps)| *sweeps) {
        let one = (sweep.family.as_str(), axis(sweep));
        if !known.contains(&one) {
            known.push(one);
        }
    }
    known.into_iter().map(|(name, axis)| family(name, axis, named)).collect()
}

fn family(name: &str, of_axis: &'static str, named: &[(&str, &[SweepReport])]) -> Family {
    let mine = |sweeps: &'_ [SweepReport]| sweeps.iter().position(|s| s.family == name && axis(s) == of_axis);
    let all: Vec<(&str, &SweepReport)> = named.iter().filter_map(|(who, sweeps)| Some((*who, &sweeps[mine(sweeps)?]))).collect();
    let (mut plots, mut lacking) = (Vec::new(), Vec::new());
    for curved in &BY_LEVEL {
        match by_level(of_axis, curved, &all) {
            Some(plot) => plots.push(plot),
            None => lacking.push(curved.0),
        }
    }
    match against_latency(&all) {
        Some(plot) => plots.push(plot),
        None => lacking.push("throughput against latency"),
    }
    let tables = all.iter().map(|(who, sweep)| Levels {
        name: text::plain(who),
        words: text::plain(&sweep.words),
        rows: sweep.levels.iter().map(cells).collect(),
    });
    Family { name: text::plain(name), axis: of_axis.to_owned(), plots, lacking, tables: tables.collect() }
}

fn by_level(axis: &str, (title, unit, value): &Curved, all: &[(&str, &SweepReport)]) -> Option<Plot> {
    let curve = |(who, sweep): &(&str, &SweepReport)| {
        let point = |level: &SweepLevel| {
            let y = value(level)?;
            let scale = if *unit == "ratio" { 100.0 } else { 1.0 };
            Some(Point {
                x: level.level,
                y: y * scale,
                title: said(who, sweep, level, &text::value(unit, Some(y))),
                link: None,
                knee: bends(sweep, level) && bent(sweep, title),
            })
        };
        Curve { name: text::plain(who), points: sweep.levels.iter().filter_map(point).collect() }
    };
    let curves: Vec<Curve> = all.iter().map(curve).collect();
    plot(format!("{title} by {axis}"), axis.to_owned(), &Across::Levels, &curves, &[])
}

/// What the server delivers, against what its users wait: up and to the left is better.
fn against_latency(all: &[(&str, &SweepReport)]) -> Option<Plot> {
    let tokens = all.iter().all(|(_, s)| s.levels.iter().all(|l| l.output_token_rate_tokens_per_s.is_some()));
    let (what, unit) = if tokens { ("output tokens/s", "tokens_per_s") } else { ("requests/s", "per_s") };
    let throughput = |l: &SweepLevel| if tokens { l.output_token_rate_tokens_per_s } else { l.request_rate_per_s };
    let curve = |(who, sweep): &(&str, &SweepReport)| {
        let point = |level: &SweepLevel| {
            let (x, y) = (level.e2e_p95_ms?, throughput(level)?);
            let values = format!("{} at E2E p95 {}", text::value(unit, Some(y)), text::value("ms", Some(x)));
            Some(Point { x, y, title: said(who, sweep, level, &values), link: None, knee: bends(sweep, level) })
        };
        Curve { name: text::plain(who), points: sweep.levels.iter().filter_map(point).collect() }
    };
    let curves: Vec<Curve> = all.iter().map(curve).collect();
    plot(format!("{what} against E2E p95"), "E2E p95, ms".into(), &Across::Numbers, &curves, &[])
}

fn bends(sweep: &SweepReport, level: &SweepLevel) -> bool {
    sweep.knee == Some(level.level)
}

/// The knee is marked in the curve that it is of.
fn bent(sweep: &SweepReport, title: &str) -> bool {
    let of = match sweep.curve.as_str() {
        "output_token_rate" => "output tokens/s",
        "request_rate" => "requests/s",
        _ => "goodput/s",
    };
    of == title
}

fn said(who: &str, sweep: &SweepReport, level: &SweepLevel, values: &str) -> String {
    let who = if who.is_empty() { String::new() } else { format!("{}, ", text::plain(who)) };
    let knee = if bends(sweep, level) { " (knee)" } else { "" };
    format!("{who}{} {}{knee}: {values}", axis(sweep), level.level)
}
