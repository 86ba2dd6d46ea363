//! What a workload did over the last runs: each primary metric as a small drawing, with its
//! baselines and where its level moved. Shows; judges nothing.
//!
//! Only runs of one series are in one line (`RunWorkload::series`). Not here: how the drawing looks
//! (`trend.html`, `style.css`).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::frame::Frame;
use super::row::Named;
use crate::app::runs::found::{Run, RunMetric, RunWorkload};
use crate::app::runs::levels::Levels;
use crate::lang::bilingual;
use crate::report::text::{self, change, value};
use crate::verdict::Verdict;

/// Runs of one line.
const MOST_RUNS: usize = 30;
/// Workloads of one page; the others are in the history.
const MOST_WORKLOADS: usize = 12;

/// In the drawing's own units.
const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 44.0;
const EDGE: f64 = 6.0;
/// Of the middle: noise that does not matter makes no mountains.
const LEAST_HALF: f64 = 0.02;

pub struct Trend {
    pub name: String,
    /// All runs of the workload.
    pub history: String,
    /// The newest run of it.
    pub run: String,
    pub verdict: Option<Named>,
    pub when: String,
    /// `8 runs`, and what is not in the line.
    pub about: String,
    pub metrics: Vec<MetricTrend>,
}

pub struct MetricTrend {
    pub key: String,
    /// As people call it.
    pub name: String,
    pub value: String,
    pub baseline: String,
    pub change: String,
    pub line: Line,
    /// What the drawing shows, in words.
    pub words: String,
    /// Where the level moved: text and the run from which on.
    pub moves: Vec<(String, String)>,
}

pub struct Line {
    pub width: f64,
    pub height: f64,
    pub path: String,
    /// Short strokes: the baseline of each run.
    pub baselines: String,
    pub dots: Vec<Dot>,
    pub moved: Vec<f64>,
}

pub struct Dot {
    pub x: f64,
    pub y: f64,
    pub title: String,
    pub kind: DotKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum DotKind {
    Fit,
    /// Of a measurement that is not fit to be judged, and in no line.
    Unfit,
    Newest,
}

/// A run and what it measured of the workload.
type Measured<'a> = (&'a Run, &'a RunWorkload);

/// `runs`: newest first.
pub fn trends(frame: &Frame, runs: &[Run], levels: &Levels) -> Vec<Trend> {
    let mut names: Vec<&str> = Vec::new();
    let mut by_name: BTreeMap<&str, Vec<Measured<'_>>> = BTreeMap::new();
    for run in runs.iter().filter(|run| !run.goes_on()) {
        for workload in run.workloads.iter().filter(|w| !w.metrics.is_empty()) {
            let all = by_name.entry(&workload.name).or_default();
            if all.is_empty() {
                names.push(&workload.name);
            }
            all.push((run, workload));
        }
    }
    names.truncate(MOST_WORKLOADS);
    names.iter().filter_map(|name| trend(frame, by_name.get(name)?, levels)).collect()
}

fn trend(frame: &Frame, all: &[Measured<'_>], levels: &Levels) -> Option<Trend> {
    let (newest, workload) = all.first()?;
    let alike = all.iter().filter(|(_, other)| other.series == workload.series);
    let mut line: Vec<Measured<'_>> = alike.take(MOST_RUNS).copied().collect();
    let others = all.iter().filter(|(_, other)| other.series != workload.series).count();
    line.reverse();
    let runs = line.len();
    let mut about = match runs {
        1 => bilingual!("1 run", "실행 1개"),
        _ => bilingual!("{runs} runs", "실행 {runs}개"),
    };
    if others > 0 {
        about = about.then(&bilingual!(
            "; {others} of another load, model, server or machine are not in the line",
            ". 부하·모델·서버·장비가 다른 {others}개는 선에서 제외"
        ));
    }
    let name = text::plain(&workload.name);
    Some(Trend {
        history: frame.link_with("/history", &[("workload", &workload.name)]),
        run: frame.link(&format!("/runs/{}", newest.id)),
        verdict: newest.standing_verdict_of(workload).map(Named::verdict),
        when: text::minute(&newest.started),
        about: frame.sentence(&about).to_owned(),
        metrics: workload.metrics.iter().map(|m| metric(frame, &line, m, levels)).collect(),
        name,
    })
}

fn metric(
    frame: &Frame,
    line: &[Measured<'_>],
    newest: &RunMetric,
    levels: &Levels,
) -> MetricTrend {
    let of_run = |(run, workload): &Measured<'_>| {
        let metric = workload.metrics.iter().find(|m| m.metric == newest.metric)?;
        let fit = run.is_sound() && workload.verdict != Some(Verdict::Invalid);
        Some(Point {
            id: run.id.to_string(),
            title: title(run, workload, metric),
            value: metric.value,
            baseline: metric.baseline,
            fit,
        })
    };
    let points: Vec<Point> = line.iter().filter_map(of_run).collect();
    let fit: Vec<&Point> = points.iter().filter(|p| p.fit).collect();
    let values: Vec<f64> = fit.iter().map(|p| p.value).collect();
    let at: Vec<usize> = levels.moved(&values).iter().map(|change| change.at).collect();
    let shown = |x: f64| value(&newest.unit, Some(x));
    let moves = at.iter().enumerate().map(|(i, from)| {
        let before = if i == 0 { 0 } else { at[i - 1] };
        let after = at.get(i + 1).copied().unwrap_or(values.len());
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
        let (old, new) = (mean(&values[before..*from]), mean(&values[*from..after]));
        let by = change("", Some(new / old - 1.0));
        let run = frame.link(&format!("/runs/{}", fit[*from].id));
        (format!("{} → {} ({by})", shown(old), shown(new)), run)
    });
    let moved_ids: Vec<&str> = at.iter().map(|at| &*fit[*at].id).collect();
    MetricTrend {
        key: newest.metric.clone(),
        name: text::title(&newest.metric),
        value: shown(newest.value),
        baseline: value(&newest.unit, newest.baseline),
        change: change(&newest.unit, newest.change_ratio),
        words: range_in_words(frame, &newest.unit, &points),
        line: drawn(&points, &moved_ids),
        moves: moves.collect(),
    }
}

struct Point {
    id: String,
    title: String,
    value: f64,
    baseline: Option<f64>,
    fit: bool,
}

/// `2026-11-30 12:50, 0123456789ab, FAIL: 81.5 ms`
fn title(run: &Run, workload: &RunWorkload, metric: &RunMetric) -> String {
    let commit = run.commit.as_deref().map(text::short);
    let verdict = workload.verdict.map(|verdict| verdict.word().to_owned());
    let head: Vec<String> =
        [Some(text::minute(&run.started)), commit, verdict].into_iter().flatten().collect();
    format!("{}: {}", head.join(", "), value(&metric.unit, Some(metric.value)))
}

fn range_in_words(frame: &Frame, unit: &str, points: &[Point]) -> String {
    let ends = |pick: fn(f64, f64) -> f64| points.iter().map(|p| p.value).reduce(pick);
    let (low, high) = (value(unit, ends(f64::min)), value(unit, ends(f64::max)));
    let (first, last) = (points.first(), points.last());
    let (first, last) = (value(unit, first.map(|p| p.value)), value(unit, last.map(|p| p.value)));
    let text = bilingual!(
        "from {first} to {last}, lowest {low}, highest {high}",
        "{first}에서 {last}까지, 최저 {low}, 최고 {high}"
    );
    frame.sentence(&text).to_owned()
}

fn drawn(points: &[Point], moved: &[&str]) -> Line {
    let all = || points.iter().flat_map(|p| [Some(p.value), p.baseline]).flatten();
    let (low, high) =
        (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    let (middle, half) = (f64::midpoint(low, high), (high - low) / 2.0);
    let half = half.max(LEAST_HALF * middle.abs()).max(f64::MIN_POSITIVE);
    let tenth = |x: f64| (x * 10.0).round() / 10.0;
    let step = (WIDTH - 2.0 * EDGE) / (points.len().max(2) - 1) as f64;
    let x_at = |i: usize| tenth(EDGE + i as f64 * step);
    let y_at = |y: f64| tenth(HEIGHT / 2.0 - (y - middle) / half * (HEIGHT / 2.0 - EDGE));
    let (mut path, mut baselines) = (String::new(), String::new());
    let (mut dots, mut marks) = (Vec::new(), Vec::new());
    for (i, point) in points.iter().enumerate() {
        let (x, y) = (x_at(i), y_at(point.value));
        if point.fit {
            let _ = write!(path, "{}{x} {y}", if path.is_empty() { 'M' } else { 'L' });
        }
        if let Some(baseline) = point.baseline {
            let _ = write!(baselines, "M{} {}h8", tenth(x - 4.0), y_at(baseline));
        }
        if moved.contains(&&*point.id) {
            marks.push(tenth(x - step / 2.0));
        }
        let kind = match point.fit {
            false => DotKind::Unfit,
            true if i + 1 == points.len() => DotKind::Newest,
            true => DotKind::Fit,
        };
        dots.push(Dot { x, y, title: point.title.clone(), kind });
    }
    Line { width: WIDTH, height: HEIGHT, path, baselines, dots, moved: marks }
}
