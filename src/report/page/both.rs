//! Both sides as the page draws them without a script: server starts, this change on the baseline's
//! history, where a request's time went. Not here: the numbers (`sides`), the template.

use super::plot::{Across, Curve, Plot, Point, plot};
use super::words::PageText;
use crate::config::Lang;
use crate::report::WorkloadReport;
use crate::report::sides::{SessionStarts, StartsReport, TimeParts, signed_ms};
use crate::report::text;
use crate::verdict::Verdict;

/// One metric's server starts on an axis of their own.
pub struct StartsRow {
    pub metric: String,
    pub title: String,
    pub low: String,
    pub high: String,
    /// Places along the axis in percent, each with its value.
    pub baseline: Vec<(f64, String)>,
    pub candidate: Vec<(f64, String)>,
    /// This change after the baseline's sessions; none where there are fewer than two.
    pub history: Option<Plot>,
}

/// Where the mean time of a request went, a bar for each side.
pub struct TimeBars {
    pub bars: Vec<Bar>,
    pub rows: Vec<PartRow>,
    pub words: Option<String>,
}

pub struct Bar {
    pub name: &'static str,
    pub total: String,
    /// Its part, its width in percent, and both in words.
    pub parts: Vec<(usize, f64, String)>,
}

pub struct PartRow {
    pub part: usize,
    pub name: &'static str,
    /// As the bars, then their difference.
    pub ms: Vec<String>,
}

/// Of the middle: an axis reaches at least so far to either side.
const LEAST_HALF: f64 = 0.05;
/// Sessions of which a history is.
const LEAST_SESSIONS: usize = 2;

pub fn starts(values: &StartsReport, t: &'static PageText) -> Option<StartsRow> {
    let before: Vec<f64> = values.baseline.iter().flat_map(|s| &s.values).copied().collect();
    let all = || before.iter().chain(&values.candidate).copied();
    let (low, high) = (all().reduce(f64::min)?, all().reduce(f64::max)?);
    let shown = |x: f64| text::value(&values.unit, Some(x));
    // A spread that does not matter must not look like one that does.
    let (middle, half) = (f64::midpoint(low, high), (high - low) / 2.0);
    let half = half.max(LEAST_HALF * middle.abs());
    let (low, high) = (middle - half, middle + half);
    // Away from the ends, so that no dot is cut.
    let place = |x: &f64| {
        let share = if high > low { (x - low) / (high - low) } else { 0.5 };
        ((20.0 + share * 960.0).round() / 10.0, shown(*x))
    };
    let unit = values.unit.replace("tokens_per_s", "tokens/s").replace("per_s", "/s");
    let title = format!("{}, {}", text::title(&values.metric), text::plain(&unit));
    Some(StartsRow {
        metric: values.metric.clone(),
        low: shown(low),
        high: shown(high),
        baseline: before.iter().map(place).collect(),
        candidate: values.candidate.iter().map(place).collect(),
        history: history(values, &title, t),
        title,
    })
}

fn history(values: &StartsReport, title: &str, t: &'static PageText) -> Option<Plot> {
    let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len() as f64;
    let sessions: Vec<&SessionStarts> =
        values.baseline.iter().filter(|s| !s.values.is_empty()).collect();
    if sessions.len() < LEAST_SESSIONS || values.candidate.is_empty() {
        return None;
    }
    let point = |x: usize, name: &str, y: f64| Point {
        x: x as f64,
        y,
        title: format!("{name}: {}", text::value(&values.unit, Some(y))),
        ..Point::default()
    };
    let commit = |s: &SessionStarts| s.commit.as_deref().map(text::short).unwrap_or_default();
    let short = |s: &SessionStarts| commit(s).chars().take(7).collect::<String>();
    let past = sessions.iter().enumerate().map(|(i, s)| point(i, &commit(s), mean(&s.values)));
    let now = point(sessions.len(), t.this_change, mean(&values.candidate));
    let names = sessions.iter().map(|s| short(s)).chain([t.this_change.to_owned()]);
    let curves = [
        Curve { name: t.this_change.into(), points: vec![now] },
        Curve { name: t.sessions_of_baseline.into(), points: past.collect() },
    ];
    let title = format!("{}: {title}", t.on_history);
    plot(title, t.commit.into(), &Across::Names(names.collect()), &curves, &[])
}

/// None of a measurement that is not fit to be looked at.
pub fn time(w: &WorkloadReport, t: &'static PageText, lang: Lang) -> Option<TimeBars> {
    let time = w.time.as_ref().filter(|_| w.verdict != Some(Verdict::Invalid))?;
    let sides: Vec<(&'static str, TimeParts)> = time
        .baseline
        .map(|parts| (t.baseline, parts))
        .into_iter()
        .chain([(t.this_change, time.candidate)])
        .collect();
    let total = |p: &TimeParts| parts(p).into_iter().flatten().sum::<f64>();
    let longest = sides.iter().map(|(_, p)| total(p)).reduce(f64::max).filter(|ms| *ms > 0.0)?;
    let names = [t.unsent, t.first_token, t.decoding];
    let shown = |ms: f64| text::value("ms", Some(ms));
    let bar = |(name, side): &(&'static str, TimeParts)| Bar {
        name,
        total: shown(total(side)),
        parts: (0..)
            .zip(parts(side))
            .filter_map(|(i, ms)| Some((i, ms?)))
            .map(|(i, ms)| {
                let width = (ms / longest * 1000.0).round() / 10.0;
                (i, width, format!("{}: {}", names[i], shown(ms)))
            })
            .collect(),
    };
    let row = |i: usize| {
        let each: Vec<f64> = sides.iter().filter_map(|(_, p)| parts(p)[i]).collect();
        let difference = match each[..] {
            [was, now] => Some(signed_ms(now - was)),
            _ => None,
        };
        let ms = each.iter().map(|ms| shown(*ms)).chain(difference).collect();
        (each.len() == sides.len()).then(|| PartRow { part: i, name: names[i], ms })
    };
    Some(TimeBars {
        bars: sides.iter().map(bar).collect(),
        rows: (0..names.len()).filter_map(row).collect(),
        words: w.comparison.as_ref().and_then(|_| time.difference(lang)),
    })
}

const fn parts(p: &TimeParts) -> [Option<f64>; 3] {
    [p.unsent_ms, Some(p.first_token_ms), Some(p.decoding_ms)]
}
