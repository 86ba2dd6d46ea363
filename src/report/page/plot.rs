//! Few points in lines, as an SVG that needs no script: where each mark and tick stands. Not here:
//! which curves (`sweeps`, `history`), or the colours (`page.css`).

use std::fmt::Write as _;

use crate::report::text;

/// What is to be drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    pub name: String,
    pub points: Vec<Point>,
}

/// One without numbers is a gap in the line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
    /// Said where it is pointed at.
    pub title: String,
    pub link: Option<String>,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Plain,
    /// The curve bends here.
    Knee,
    /// Seen, and in no line: its measurement is not fit to be judged.
    Unfit,
}

/// How x becomes a place.
#[derive(Clone, Debug, PartialEq)]
pub enum Across {
    /// Levels that were chosen: a tick at each, on a log axis where they double.
    Levels,
    Numbers,
    /// One after the other, x is the index of the name.
    Names(Vec<String>),
}

/// In the SVG's own units.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    pub title: String,
    pub x_label: String,
    pub width: f64,
    pub height: f64,
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
    pub x_ticks: Vec<(f64, String)>,
    pub y_ticks: Vec<(f64, String)>,
    /// Where the level moved.
    pub moved: Vec<f64>,
    pub lines: Vec<Drawn>,
    /// Names of lines that cover each other: only the last can be seen.
    pub covered: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    pub name: String,
    pub pen: Pen,
    pub path: String,
    pub marks: Vec<Mark>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    pub x: f64,
    pub y: f64,
    pub path: String,
    pub title: String,
    pub link: Option<String>,
    /// Its measurement is fit to be judged.
    pub fit: bool,
    /// Radius of a knee's ring: wider than those that it would lie on.
    pub ring: Option<f64>,
}

/// What a line is drawn with. No two of the first 35 have colour, dashes and shape of their marks
/// all in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pen {
    /// Of the style sheet: colour and dashes.
    pub class: String,
    /// Its mark, for the legend.
    pub sign: String,
}

impl Pen {
    pub fn numbered(index: usize) -> Self {
        let dashes = (index + index / HUES) % HUES;
        Self { class: format!("s{} d{dashes}", index % HUES), sign: sign(index, 0.0, 0.0) }
    }
}

const WIDTH: f64 = 540.0;
const HEIGHT: f64 = 270.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 524.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 222.0;
const HUES: usize = 5;
const SHAPES: usize = 7;
/// Marks that are nearer than this cover each other: half of one.
const NEAR: f64 = 4.0;
/// Of a knee that stands alone, and what the next one around the same place has more.
const RING: f64 = 9.0;
const RING_STEP: f64 = 3.5;
/// Levels that are farther apart than this are drawn on a log axis.
const WIDE: f64 = 6.0;
/// Of the middle: the axis of a history reaches at least so far to either side.
const LEAST_HALF: f64 = 0.02;
/// Names along the axis that do not overlap.
const MOST_NAMES: usize = 5;
/// Levels along the axis that do not overlap.
const MOST_LEVELS: usize = 12;

/// None where no curve has a point. `moved`: values of x before which something changed.
pub fn plot(
    title: String,
    x_label: String,
    across: &Across,
    curves: &[Curve],
    moved: &[f64],
) -> Option<Plot> {
    let points =
        || curves.iter().flat_map(|c| &c.points).filter(|p| p.x.is_finite() && p.y.is_finite());
    let (x_low, x_high) = ends(points().map(|p| p.x))?;
    let (y_low, y_high) = ends(points().map(|p| p.y))?;
    let log = *across == Across::Levels && x_low > 0.0 && x_high / x_low > WIDE;
    let scaled = |x: f64| if log { x.ln() } else { x };
    let (from, to) = match across {
        Across::Numbers => nice(0.0, x_high).1,
        _ => (scaled(x_low), scaled(x_high)),
    };
    // From 0, so that a small difference does not look like a large one; histories show where a
    // level moved.
    let near = matches!(across, Across::Names(_)) && y_high > y_low;
    // Of noise that does not matter no mountains.
    let (y_low, y_high) = if near {
        let (middle, half) = (f64::midpoint(y_low, y_high), (y_high - y_low) / 2.0);
        let half = half.max(LEAST_HALF * middle.abs());
        (middle - half, middle + half)
    } else {
        (y_low, y_high)
    };
    let least = if near { y_low - (y_high - y_low) * 0.5 } else { 0.0 };
    let (y_steps, (bottom, top)) =
        nice(if y_low >= 0.0 { least.max(0.0) } else { least.min(y_low) }, y_high);
    let x_at = |x: f64| {
        tenth(if to > from {
            LEFT + 12.0 + (scaled(x) - from) / (to - from) * (RIGHT - LEFT - 24.0)
        } else {
            f64::midpoint(LEFT, RIGHT)
        })
    };
    let y_at = |y: f64| tenth(BOTTOM - (y - bottom) / (top - bottom) * (BOTTOM - TOP));
    let levels = points().map(|p| p.x).collect();
    let mut lines: Vec<Drawn> =
        curves.iter().enumerate().map(|(i, c)| drawn(i, c, x_at, y_at)).collect();
    widen(&mut lines);
    Some(Plot {
        title,
        x_label,
        width: WIDTH,
        height: HEIGHT,
        left: LEFT,
        right: RIGHT,
        top: TOP,
        bottom: BOTTOM,
        x_ticks: x_ticks(across, levels, x_high, x_at),
        y_ticks: y_steps.iter().map(|y| (y_at(*y), short(*y))).collect(),
        moved: moved.iter().map(|x| x_at(x - 0.5)).collect(),
        covered: covered(&lines),
        lines,
    })
}

/// Where along the axis a name, level or number stands. `levels`: the x of all points, `highest` of
/// them.
fn x_ticks(
    across: &Across,
    mut levels: Vec<f64>,
    highest: f64,
    x_at: impl Fn(f64) -> f64,
) -> Vec<(f64, String)> {
    match across {
        Across::Levels => {
            levels.sort_by(f64::total_cmp);
            levels.dedup();
            spread(&levels, MOST_LEVELS).map(|x| (x_at(*x), x.to_string())).collect()
        }
        Across::Numbers => nice(0.0, highest).0.iter().map(|x| (x_at(*x), short(*x))).collect(),
        Across::Names(names) => {
            let indices: Vec<usize> = (0..names.len()).collect();
            spread(&indices, MOST_NAMES).map(|i| (x_at(*i as f64), names[*i].clone())).collect()
        }
    }
}

fn drawn(
    index: usize,
    curve: &Curve,
    x_at: impl Fn(f64) -> f64,
    y_at: impl Fn(f64) -> f64,
) -> Drawn {
    let (mut path, mut marks, mut down) = (String::new(), Vec::new(), false);
    for p in &curve.points {
        if !(p.x.is_finite() && p.y.is_finite()) {
            down = false;
            continue;
        }
        let (x, y) = (x_at(p.x), y_at(p.y));
        let fit = p.kind != Kind::Unfit;
        if fit {
            let _ = write!(path, "{}{x} {y}", if down { 'L' } else { 'M' });
        }
        down = fit;
        let shape = if fit { sign(index, x, y) } else { format!("M{x} {y}{CROSS}") };
        let ring = (p.kind == Kind::Knee).then_some(RING);
        marks.push(Mark {
            x,
            y,
            path: shape,
            title: p.title.clone(),
            link: p.link.clone(),
            fit,
            ring,
        });
    }
    Drawn { name: curve.name.clone(), pen: Pen::numbered(index), path, marks }
}

fn near(a: &Mark, b: &Mark) -> bool {
    (a.x - b.x).abs() < NEAR && (a.y - b.y).abs() < NEAR
}

/// Rings around the same place become one inside the other.
fn widen(lines: &mut [Drawn]) {
    let mut ringed: Vec<Mark> = Vec::new();
    for mark in lines.iter_mut().flat_map(|l| &mut l.marks).filter(|m| m.ring.is_some()) {
        let inside = ringed.iter().filter(|other| near(other, mark)).count();
        mark.ring = Some(RING + RING_STEP * inside as f64);
        ringed.push(mark.clone());
    }
}

/// `a, b` where every mark of b lies on one of a's.
fn covered(lines: &[Drawn]) -> Vec<String> {
    let same = |a: &Drawn, b: &Drawn| {
        a.marks.len() == b.marks.len() && a.marks.iter().zip(&b.marks).all(|(a, b)| near(a, b))
    };
    let mut groups: Vec<Vec<&Drawn>> = Vec::new();
    for line in lines.iter().filter(|l| !l.marks.is_empty()) {
        match groups.iter_mut().find(|group| same(group[0], line)) {
            Some(group) => group.push(line),
            None => groups.push(vec![line]),
        }
    }
    let names =
        |group: Vec<&Drawn>| group.iter().map(|l| l.name.as_str()).collect::<Vec<_>>().join(", ");
    groups.into_iter().filter(|group| group.len() > 1).map(names).collect()
}

/// What is not fit to be judged, whoever's it is.
const CROSS: &str = "m-4.5 -4.5l9 9m0 -9l-9 9";

/// Dot, square, diamond, triangle, bar, triangle on its tip, hourglass: told apart without their
/// colour.
fn sign(index: usize, x: f64, y: f64) -> String {
    let shape = match index % SHAPES {
        0 => "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
        1 => "m-4 -4h8v8h-8z",
        2 => "m0 -5.5l5.5 5.5l-5.5 5.5l-5.5 -5.5z",
        3 => "m0 -5l5 9h-10z",
        4 => "m-2 -6h4v12h-4z",
        5 => "m0 5l5 -9h-10z",
        _ => "m-4.5 -5h9l-9 10h9z",
    };
    format!("M{x} {y}{shape}")
}

fn ends(values: impl Iterator<Item = f64> + Clone) -> Option<(f64, f64)> {
    Some((values.clone().reduce(f64::min)?, values.reduce(f64::max)?))
}

/// Round steps and the ends of an axis that holds both values: P. Heckbert, "Nice numbers for graph
/// labels", Graphics Gems, 1990.
pub(super) fn nice(low: f64, high: f64) -> (Vec<f64>, (f64, f64)) {
    let high = if high > low { high } else { low + low.abs().max(1.0) };
    let rough = (high - low) / 4.0;
    let magnitude = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|s| s * magnitude)
        .find(|s| *s >= rough)
        .unwrap_or(rough);
    let (first, last) = ((low / step).floor(), (high / step - 1e-9).ceil());
    let steps = std::iter::successors(Some(first), |i| Some(i + 1.0)).take_while(|i| *i <= last);
    (steps.map(|i| i * step).collect(), (first * step, last * step))
}

/// As many as there is room for, the first and the last among them.
fn spread<T>(all: &[T], most: usize) -> impl Iterator<Item = &T> {
    let last = all.len().saturating_sub(1);
    let kept = all.len().min(most);
    (0..kept).map(move |i| &all[if kept > 1 { i * last / (kept - 1) } else { 0 }])
}

pub(super) fn short(x: f64) -> String {
    let number = text::number(Some(x));
    if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        number
    }
}

pub(super) fn tenth(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: &[(f64, f64)]) -> Curve {
        let points = points.iter().map(|&(x, y)| Point { x, y, ..Point::default() }).collect();
        Curve { name: "one".into(), points }
    }

    fn drawn(across: &Across, points: &[(f64, f64)]) -> Option<Plot> {
        plot("t".into(), "x".into(), across, &[curve(points)], &[])
    }

    #[test]
    fn nothing_is_no_plot() {
        assert_eq!(drawn(&Across::Levels, &[]), None);
        assert_eq!(drawn(&Across::Numbers, &[(f64::NAN, 1.0)]), None);
    }

    #[test]
    fn every_mark_and_tick_is_inside() {
        for points in [
            vec![(1.0, 0.0)],
            vec![(1.0, 5.0), (64.0, 1e7)],
            vec![(2.0, 0.001), (3.0, 0.002)],
            vec![(1.0, -3.0), (2.0, 4.0)],
        ] {
            for across in [
                Across::Levels,
                Across::Numbers,
                Across::Names((0..99).map(|i| i.to_string()).collect()),
            ] {
                let p = drawn(&across, &points).expect("points are drawn");
                let marks = p.lines[0].marks.iter().map(|m| (m.x, m.y));
                assert!(
                    marks
                        .clone()
                        .all(|(x, y)| (LEFT..=RIGHT).contains(&x) && (TOP..=BOTTOM).contains(&y)),
                    "{p:?}"
                );
                assert!(
                    p.y_ticks.iter().all(|(y, _)| (TOP..=BOTTOM).contains(y))
                        && p.y_ticks.len() < 9,
                    "{p:?}"
                );
                assert!(!p.x_ticks.is_empty(), "{p:?}");
            }
        }
    }

    #[test]
    fn what_is_not_fit_and_what_is_absent_breaks_the_line() {
        let mut broken =
            curve(&[(1.0, 1.0), (2.0, 2.0), (4.0, f64::NAN), (8.0, 4.0), (16.0, 5.0), (32.0, 6.0)]);
        broken.points[4].kind = Kind::Unfit;
        let p = plot("t".into(), "x".into(), &Across::Levels, &[broken], &[])
            .expect("points are drawn");
        let line = &p.lines[0];
        assert_eq!(
            (line.path.matches('M').count(), line.path.matches('L').count(), line.marks.len()),
            (3, 1, 5)
        );
        assert!(
            line.marks[3].path.contains(CROSS) && !line.path.contains(&line.marks[3].x.to_string()),
            "{line:?}"
        );
    }

    #[test]
    fn lines_that_cover_each_other_are_named_and_their_knees_are_seen() {
        let mut all = [
            curve(&[(1.0, 100.0), (2.0, 200.0)]),
            curve(&[(1.0, 100.2), (2.0, 200.1)]),
            curve(&[(1.0, 50.0), (2.0, 90.0)]),
        ];
        for (one, name) in all.iter_mut().zip(["a", "b", "c"]) {
            (one.name, one.points[1].kind) = (name.into(), Kind::Knee);
        }
        let p = plot("t".into(), "x".into(), &Across::Levels, &all, &[]).expect("points are drawn");
        assert_eq!(p.covered, ["a, b"]);
        let rings: Vec<Option<f64>> = p.lines.iter().map(|l| l.marks[1].ring).collect();
        assert_eq!(rings, [Some(RING), Some(RING + RING_STEP), Some(RING)]);
    }

    #[test]
    fn many_lines_have_pens_of_their_own() {
        let pens: Vec<Pen> = (0..35).map(Pen::numbered).collect();
        assert!((0..35).all(|i| !pens[..i].contains(&pens[i])));
        assert!((1..5).all(|i| pens[i].class != pens[0].class && pens[i].sign != pens[0].sign));
    }

    #[test]
    fn levels_that_double_are_evenly_spaced() {
        let p = drawn(&Across::Levels, &[(1.0, 1.0), (4.0, 2.0), (16.0, 3.0)])
            .expect("points are drawn");
        let at: Vec<f64> = p.x_ticks.iter().map(|(x, _)| *x).collect();
        assert!((at[1] - at[0] - (at[2] - at[1])).abs() < 0.2, "{at:?}");
        assert_eq!(
            p.y_ticks.iter().map(|(_, l)| l.as_str()).collect::<Vec<_>>(),
            ["0", "1", "2", "3"]
        );
    }

    #[test]
    fn few_names_are_written() {
        let all: Vec<usize> = (0..100).collect();
        assert_eq!(spread(&all, 5).copied().collect::<Vec<_>>(), [0, 24, 49, 74, 99]);
        assert_eq!(spread(&all[..2], 5).copied().collect::<Vec<_>>(), [0, 1]);
        assert_eq!(spread(&all[..0], 5).count(), 0);
    }
}
