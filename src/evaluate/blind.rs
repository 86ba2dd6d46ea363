//! What made a comparison with earlier sessions blind, and the cheapest way out of it. Pure. Not here: when it is blind (`judge`).

use std::collections::BTreeSet;
use std::fmt;

use crate::judge::detectable::with_sessions;
use crate::judge::other_day::session_value;
use crate::judge::{Blind, text};
use crate::measure::stats::mean;
use crate::measure::summary::to_change;
use crate::metric::Metric;
use crate::record::session::Session;
use crate::report::text::short;

/// Parts that explain so much of what sessions differ by are what they differ by.
const MOST: f64 = 0.5;
/// More sessions than that never count.
const MOST_SESSIONS: usize = crate::compare::KEPT_SESSIONS;

/// Which sessions differ from which.
#[derive(Clone, Debug, PartialEq)]
enum Differ {
    /// Those from one on from those before it.
    Since { metric: Metric, newer: u64, commit: String, day: String, change: f64, older: u64 },
    /// Those of one machine from those of the others.
    Machine { metric: Metric, runner: String, change: f64 },
    /// No step and no machine tells them apart.
    Scattered { metric: Metric, low: Place, high: Place, change: f64 },
}

#[derive(Clone, Debug, PartialEq)]
struct Place {
    commit: String,
    day: String,
}

/// What helps at the least cost.
#[derive(Clone, Copy, Debug, PartialEq)]
enum WayOut {
    /// So many sessions are enough, if they vary as these do.
    More(usize),
    /// No number of sessions is.
    Interleave,
}

/// `sessions`: those that count, oldest first. Nothing of an interleaved run, which has none.
pub fn explained(blind: &Blind, d_min: f64, sessions: &[&Session]) -> Vec<String> {
    let values: Vec<(&Session, f64)> =
        sessions.iter().filter_map(|s| Some((*s, session_value(&s.to_method(), blind.metric)?))).collect();
    let enough = |k: &usize| blind.noise.and_then(|sd| with_sessions(sd, *k, d_min)).is_some_and(|x| x <= 2.0 * blind.wanted);
    let more = (sessions.len() + 1..=MOST_SESSIONS).find(enough).map(|k| WayOut::More(k - sessions.len()));
    differ(blind.metric, &values)
        .map(|found| found.to_string())
        .into_iter()
        .chain([more.unwrap_or(WayOut::Interleave).to_string()])
        .collect()
}

fn differ(metric: Metric, values: &[(&Session, f64)]) -> Option<Differ> {
    let all: Vec<f64> = values.iter().map(|(_, v)| *v).collect();
    let total = squares(&all)?;
    let step = (1..all.len()).filter_map(|at| Some((at, squares(&all[..at])? + squares(&all[at..])?)));
    let step = step.min_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, rest)| *rest <= (1.0 - MOST) * total);
    let runners: BTreeSet<&str> = values.iter().filter_map(|(s, _)| s.runner.as_deref()).collect();
    let machine = runners.iter().filter(|_| runners.len() > 1).filter_map(|runner| {
        let (own, others): (Vec<_>, Vec<_>) = values.iter().partition(|(s, _)| s.runner.as_deref() == Some(*runner));
        let of = |part: &[&(&Session, f64)]| part.iter().map(|(_, v)| *v).collect::<Vec<f64>>();
        let (own, others) = (of(&own), of(&others));
        Some((*runner, mean(&own)? - mean(&others)?, squares(&own)? + squares(&others)?))
    });
    let machine = machine.min_by(|a, b| a.2.total_cmp(&b.2)).filter(|(.., rest)| *rest <= (1.0 - MOST) * total);
    let step_rest = step.map_or(f64::INFINITY, |(_, rest)| rest);
    if let Some((runner, difference, _)) = machine.filter(|(.., rest)| *rest < step_rest) {
        return Some(Differ::Machine { metric, runner: runner.to_owned(), change: to_change(metric, difference) });
    }
    if let Some((at, _)) = step {
        let (commit, day) = named(values[at].0);
        let change = to_change(metric, mean(&all[at..])? - mean(&all[..at])?);
        let (newer, older) = ((all.len() - at) as u64, at as u64);
        return Some(Differ::Since { metric, newer, commit, day, change, older });
    }
    let place = |(s, _): &(&Session, f64)| {
        let (commit, day) = named(s);
        Place { commit, day }
    };
    let low = values.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let high = values.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(Differ::Scattered { metric, low: place(low), high: place(high), change: to_change(metric, high.1 - low.1) })
}

/// Sum of squares around the mean.
fn squares(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    Some(values.iter().map(|v| (v - mean).powi(2)).sum())
}

fn named(session: &Session) -> (String, String) {
    let at = session.measured.as_deref().unwrap_or(&session.commit_date);
    (short(&session.commit), crate::report::text::plain(at).split('T').next().unwrap_or_default().to_owned())
}

impl fmt::Display for Differ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Since { metric, newer, commit, day, change, older } => {
                let (newer, change) = (text::count(*newer, "session", "sessions"), text::change(*metric, *change));
                write!(f, "{newer} since {commit} ({day}): {metric} {change} against the {older} before")
            }
            Self::Machine { metric, runner, change } => {
                let runner = crate::report::text::plain(runner);
                write!(f, "the sessions of {runner}: {metric} {} against those of other machines", text::change(*metric, *change))
            }
            Self::Scattered { metric, low, high, change } => write!(
                f,
                "the sessions differ without a step: {metric} of {} ({}) {} against {} ({})",
                high.commit,
                high.day,
                text::change(*metric, *change),
                low.commit,
                low.day
            ),
        }
    }
}

impl fmt::Display for WayOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::More(n) => write!(
                f,
                "way out: {} of the base branch (`goodput-gate baseline update`) would be enough, if they vary as these do; \
                 `goodput-gate check --interleaved` needs none",
                text::count(*n as u64, "more session", "more sessions")
            ),
            Self::Interleave => f.write_str(
                "way out: measure both builds in one job (`goodput-gate check --interleaved`), which needs none of these sessions; or \
                 measure disturbed sessions again (`goodput-gate baseline history METRIC` shows them, `baseline update` adds others)",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Mode;

    const TTFT: &str = "ttft_geomean";

    fn session(value: f64, runner: &str) -> Session {
        let text = include_str!("../../tests/fixtures/lineage/session.json");
        let mut session = Session { runner: Some(runner.into()), ..Session::parse(text).expect("the fixture") };
        for start in &mut session.starts {
            start.oriented.insert(TTFT.into(), value);
        }
        session
    }

    fn lines(values: &[(f64, &str)]) -> Vec<String> {
        let sessions: Vec<Session> = values.iter().map(|(v, r)| session(*v, r)).collect();
        let metric = Metric::parse(TTFT).expect("a metric");
        let blind = Blind { metric, detectable: Some(0.5), wanted: 0.1, noise: Some(0.15), mode: Mode::OtherDay };
        explained(&blind, 0.03, &sessions.iter().collect::<Vec<_>>())
    }

    #[test]
    fn what_made_it_blind_is_named() {
        let step = lines(&[(3.0, "a"), (3.01, "a"), (2.99, "b"), (3.3, "a"), (3.31, "b"), (3.29, "a")]);
        assert_eq!(step[0], "3 sessions since f55a8469b1ac (2026-11-22): ttft_geomean +35.0 % against the 3 before");
        assert!(step[1].starts_with("way out: measure both builds in one job"), "{step:?}");
        let machine = lines(&[(3.0, "a"), (3.3, "b"), (3.0, "a"), (3.3, "b"), (3.01, "a"), (3.31, "b")]);
        assert!(machine[0].starts_with("the sessions of "), "{machine:?}");
        let scattered = lines(&[(3.0, "a"), (3.3, "a"), (3.0, "a"), (3.3, "a"), (3.0, "a"), (3.3, "a")]);
        assert!(scattered[0].starts_with("the sessions differ without a step: ttft_geomean of "), "{scattered:?}");
    }
}
