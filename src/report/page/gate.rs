//! The picture of an interleaved gate, without a script: for each primary metric the evidence after
//! each start pair, the line beyond which it fails and the range in which it passes.
//!
//! Not here: the numbers (`report::course`), the colours (`page.css`).

use std::fmt::Write as _;

use super::plot::{nice, short, tenth};
use super::words::PageText;
use crate::config::Lang;
use crate::report::course::{CourseReport, LookMetricReport};
use crate::report::{WorkloadReport, text};

/// All metrics of a workload.
pub struct Gate {
    /// Where it stopped, and why.
    pub words: String,
    pub plots: Vec<GatePlot>,
}

/// One metric, in the SVG's own units.
pub struct GatePlot {
    pub metric: String,
    pub title: String,
    /// The picture in words.
    pub label: String,
    pub width: f64,
    pub height: f64,
    pub left: f64,
    pub right: f64,
    pub bottom: f64,
    pub x_ticks: Vec<(f64, u32)>,
    pub y_ticks: Vec<(f64, String)>,
    /// Width of a pair's column.
    pub column: f64,
    /// Of each pair that can fail, from its column's left: where the range begins, and whether the
    /// gate came so far.
    pub fails: Vec<Range>,
    pub passes: Vec<Range>,
    /// The line, and the evidence.
    pub line: String,
    pub path: String,
    pub dots: Vec<Dot>,
}

/// A column of the picture, in which a dot decides something.
pub struct Range {
    pub x: f64,
    pub y: f64,
    pub height: f64,
    pub reached: bool,
}

pub struct Dot {
    pub x: f64,
    pub y: f64,
    pub title: String,
    /// The gate stopped here.
    pub last: bool,
}

const WIDTH: f64 = 540.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 40.0;
const RIGHT: f64 = 530.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 156.0;
/// Scores beyond these are drawn at the edge: they decide nothing more.
const LOWEST: f64 = -4.0;
const HIGHEST: f64 = 8.0;
const COLUMN: f64 = 0.7;
const WIDEST: f64 = 56.0;
/// Pairs that have a number along the axis.
const MOST_TICKS: usize = 12;
/// The first pair that can fail.
const FIRST_FAIL: usize = 2;

pub fn gate(w: &WorkloadReport, t: &'static PageText, lang: Lang) -> Option<Gate> {
    let course = w.course.as_ref()?;
    let mut metrics: Vec<&str> = Vec::new();
    for seen in course.looks.iter().flat_map(|look| &look.metrics) {
        if !metrics.contains(&seen.metric.as_str()) {
            metrics.push(&seen.metric);
        }
    }
    let plots = metrics.into_iter().map(|metric| plot(course, metric, t)).collect();
    Some(Gate { words: course.summary(w, lang), plots })
}

/// Places in the picture.
struct Scale {
    pairs: usize,
    bottom: f64,
    top: f64,
}

impl Scale {
    fn x(&self, pair: usize) -> f64 {
        let step = (RIGHT - LEFT) / self.pairs as f64;
        tenth(LEFT + step * (pair as f64 - 0.5))
    }

    fn y(&self, score: f64) -> f64 {
        let share = (score - self.bottom) / (self.top - self.bottom);
        tenth(BOTTOM - share.clamp(0.0, 1.0) * (BOTTOM - TOP))
    }
}

/// After so many pairs, what was seen of the metric.
fn looks<'a>(course: &'a CourseReport, metric: &str) -> Vec<(usize, &'a LookMetricReport)> {
    let of = |metrics: &'a [LookMetricReport]| metrics.iter().find(|seen| seen.metric == metric);
    let looks = course.looks.iter();
    looks.filter_map(|look| Some((look.pairs as usize, of(&look.metrics)?))).collect()
}

fn plot(course: &CourseReport, metric: &str, t: &PageText) -> GatePlot {
    let looks = looks(course, metric);
    let line: Vec<(usize, f64)> =
        (1..).zip(course.line.iter().copied()).filter(|(pair, _)| *pair >= FIRST_FAIL).collect();
    let ends = looks.iter().flat_map(|(_, at)| [at.score, at.pass_below_score]);
    let all = ends.chain(line.iter().map(|(_, y)| *y)).map(|y| y.clamp(LOWEST, HIGHEST));
    let (low, high) = all.fold((0.0_f64, 0.0_f64), |(low, high), y| (low.min(y), high.max(y)));
    let (y_steps, (bottom, top)) = nice(low - 0.5, high + 0.5);
    let scale = Scale { pairs: course.line.len().max(1), bottom, top };
    let column = ((RIGHT - LEFT) / scale.pairs as f64 * COLUMN).min(WIDEST);
    let range = |pair: usize, from: f64, to: f64, reached| Range {
        x: tenth(scale.x(pair) - column / 2.0),
        y: from,
        height: tenth((to - from).max(0.0)),
        reached,
    };
    let last = course.last() as usize;
    let seen = |pair: usize| looks.iter().find(|(at, _)| *at == pair).map(|(_, seen)| *seen);
    let fail = |&(pair, line): &(usize, f64)| {
        let from = seen(pair).map_or(line, |at| at.fail_from_score);
        range(pair, TOP, scale.y(from), pair <= last)
    };
    // What fails does not pass, however small the slowdown is proven to be.
    let pass = |&(pair, at): &(usize, &LookMetricReport)| {
        let below = if pair < FIRST_FAIL { f64::INFINITY } else { at.fail_from_score };
        range(pair, scale.y(at.pass_below_score.min(below)), BOTTOM, true)
    };
    let dot = |&(pair, at): &(usize, &LookMetricReport)| Dot {
        x: scale.x(pair),
        y: scale.y(at.score),
        title: told(pair, at, t),
        last: pair == last,
    };
    let dots: Vec<Dot> = looks.iter().map(dot).collect();
    let each: Vec<&str> = dots.iter().map(|dot| dot.title.as_str()).collect();
    let every = scale.pairs.div_ceil(MOST_TICKS);
    GatePlot {
        metric: metric.to_owned(),
        title: text::title(metric),
        label: each.join("; "),
        width: WIDTH,
        height: HEIGHT,
        left: LEFT,
        right: RIGHT,
        bottom: BOTTOM,
        x_ticks: (1..=scale.pairs)
            .step_by(every)
            .map(|pair| (scale.x(pair), u32::try_from(pair).unwrap_or(u32::MAX)))
            .collect(),
        y_ticks: y_steps.iter().map(|y| (scale.y(*y), short(*y))).collect(),
        column: tenth(column),
        fails: line.iter().map(fail).collect(),
        passes: looks.iter().map(pass).collect(),
        line: path(line.iter().map(|(pair, y)| (scale.x(*pair), scale.y(*y)))),
        path: path(dots.iter().map(|dot| (dot.x, dot.y))),
        dots,
    }
}

/// `pair 3: +5.0 (t +58.1); FAIL ≥ 3.6, PASS < 1.2`
fn told(pair: usize, at: &LookMetricReport, t: &PageText) -> String {
    let from = Some(at.fail_from_score).filter(|_| pair >= FIRST_FAIL);
    let fail = from.map(|from| format!("FAIL ≥ {from:.1}, ")).unwrap_or_default();
    let (score, t_value, pass) = (at.score, at.t, at.pass_below_score);
    format!("{} {pair}: {score:+.1} (t {t_value:+.1}); {fail}PASS < {pass:.1}", t.pair)
}

fn path(points: impl Iterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (x, y) in points {
        let _ = write!(path, "{}{x} {y}", if path.is_empty() { 'M' } else { 'L' });
    }
    path
}
