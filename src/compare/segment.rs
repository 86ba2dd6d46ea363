//! A history in segments: sessions of one level (docs/ARITHMETIC.md#segments). Only those of the
//! newest are mean and noise of a comparison.
//!
//! A session outside of the segment that it would join begins another one, if it is faster, or if
//! somebody has said why it may be slower; a slower one that nobody answers for is left out, as
//! `baseline update` would have refused it. Where the level has moved for good (three sessions or
//! more, by the change points that `baseline history` shows) the segment begins there, whoever
//! answers for it.

use serde::{Deserialize, Serialize};

use crate::judge::Session;
use crate::judge::shift::{Moved, moved, primary};
use crate::measure::change_points::change_points;
use crate::measure::stats::mean;
use crate::measure::summary::to_change;
use crate::metric::Metric;

/// Sessions of a level, at least; so many must lie on its side of the shift.
const SHORTEST: usize = 3;

/// The newest segment of a history, by places in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Segment {
    /// Ascending; never empty where there are sessions.
    pub used: Vec<usize>,
    pub begin: Begin,
    /// Slower than the segment that they would have joined, and nobody answers for it.
    pub refused: Vec<(usize, Vec<Moved>)>,
}

/// Why a segment begins where it does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Begin {
    /// There is nothing before it.
    #[default]
    First,
    /// Its first session is faster than those before it.
    Faster(Vec<Moved>),
    /// Somebody said so, with the reason.
    Stated(String),
    /// The level moved for good.
    ChangePoint { moved: Moved, p: f64 },
}

/// The newest segment. `stated`: why a session may begin another level, where somebody said so.
/// `level`: a session's value of a metric, oriented, as history shows it.
pub fn newest<'a>(
    sessions: &[Session],
    stated: impl Fn(usize) -> Option<&'a str>,
    level: impl Fn(usize, Metric) -> Option<f64>,
) -> Segment {
    let (from, begin) = last_level(sessions.len(), level);
    let mut segment = Segment { begin, ..Segment::default() };
    for (at, session) in sessions.iter().enumerate().skip(from) {
        if segment.used.is_empty() {
            segment.used.push(at);
            continue;
        }
        if let Some(why) = stated(at) {
            (segment.used, segment.begin) = (vec![at], Begin::Stated(why.to_owned()));
            continue;
        }
        let before: Vec<&Session> = segment.used.iter().map(|i| &sessions[*i]).collect();
        let shift = moved(&before, session);
        match shift.first() {
            None => segment.used.push(at),
            Some(first) if first.slower => segment.refused.push((at, shift)),
            Some(_) => (segment.used, segment.begin) = (vec![at], Begin::Faster(shift)),
        }
    }
    segment
}

/// The newest change point of a primary metric that is worth it, of so many sessions.
fn last_level(sessions: usize, level: impl Fn(usize, Metric) -> Option<f64>) -> (usize, Begin) {
    let found = primary().filter_map(|t| {
        let values: Vec<(usize, f64)> =
            (0..sessions).filter_map(|at| Some((at, level(at, t.metric)?))).collect();
        let plain: Vec<f64> = values.iter().map(|(_, v)| *v).collect();
        let shifts = change_points(&plain);
        let mut each = shifts.iter().enumerate().filter_map(|(i, change)| {
            let from = i
                .checked_sub(1)
                .and_then(|before| shifts.get(before))
                .map_or(0, |before| before.at);
            let to = shifts.get(i + 1).map_or(plain.len(), |next| next.at);
            let (base, new) = (mean(&plain[from..change.at])?, &plain[change.at..to]);
            let difference = mean(new)? - base;
            // An outlier within a level that did not move is no level of its own.
            let moved =
                new.iter().filter(|v| (**v - base) * difference.signum() >= t.d_min / 2.0).count();
            (difference.abs() >= t.d_min && moved >= SHORTEST).then(|| {
                let moved = Moved {
                    metric: t.metric,
                    change: to_change(t.metric, difference),
                    slower: difference > 0.0,
                };
                (values[change.at].0, Begin::ChangePoint { moved, p: change.p })
            })
        });
        each.next_back()
    });
    found.max_by_key(|(at, _)| *at).unwrap_or_default()
}
