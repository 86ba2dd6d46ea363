//! What made a comparison with earlier sessions blind, and the cheapest way out of it. Pure. Not
//! here: when it is blind (`judge`).

use std::collections::BTreeSet;

use crate::judge::reason::{Place, SpreadReason};
use crate::judge::sessions::{reach_with, session_value};
use crate::judge::{Blind, Reason};
use crate::measure::stats::mean;
use crate::measure::summary::to_change;
use crate::metric::Metric;
use crate::record::session::Session;

/// Parts that explain so much of what sessions differ by are what they differ by.
const MOST: f64 = 0.5;
/// More sessions than that never count.
const MOST_SESSIONS: usize = crate::compare::KEPT_SESSIONS;

/// `sessions`: those that count, oldest first. Nothing of an interleaved run, which has none.
pub fn explained(blind: &Blind, d_min: f64, sessions: &[&Session]) -> Vec<Reason> {
    let values: Vec<(&Session, f64)> = sessions
        .iter()
        .filter_map(|s| Some((*s, session_value(&s.to_method(), blind.metric)?)))
        .collect();
    let enough = |k: &usize| {
        blind
            .noise
            .and_then(|sd| reach_with(sd, *k, d_min))
            .is_some_and(|x| x <= 2.0 * blind.wanted)
    };
    let more =
        (sessions.len() + 1..=MOST_SESSIONS).find(enough).map(|k| (k - sessions.len()) as u64);
    let way_out = more.map_or(SpreadReason::NoSessionsHelp, |sessions| {
        SpreadReason::MoreSessionsHelp { sessions }
    });
    differ(blind.metric, &values).into_iter().chain([way_out]).map(Reason::Spread).collect()
}

fn differ(metric: Metric, values: &[(&Session, f64)]) -> Option<SpreadReason> {
    let all: Vec<f64> = values.iter().map(|(_, v)| *v).collect();
    let total = squares(&all)?;
    let step =
        (1..all.len()).filter_map(|at| Some((at, squares(&all[..at])? + squares(&all[at..])?)));
    let step =
        step.min_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, rest)| *rest <= (1.0 - MOST) * total);
    let runners: BTreeSet<&str> = values.iter().filter_map(|(s, _)| s.runner.as_deref()).collect();
    let machine = runners.iter().filter(|_| runners.len() > 1).filter_map(|runner| {
        let (own, others): (Vec<_>, Vec<_>) =
            values.iter().partition(|(s, _)| s.runner.as_deref() == Some(*runner));
        let of = |part: &[&(&Session, f64)]| part.iter().map(|(_, v)| *v).collect::<Vec<f64>>();
        let (own, others) = (of(&own), of(&others));
        Some((*runner, mean(&own)? - mean(&others)?, squares(&own)? + squares(&others)?))
    });
    let machine = machine
        .min_by(|a, b| a.2.total_cmp(&b.2))
        .filter(|(.., rest)| *rest <= (1.0 - MOST) * total);
    let step_rest = step.map_or(f64::INFINITY, |(_, rest)| rest);
    if let Some((runner, difference, _)) = machine.filter(|(.., rest)| *rest < step_rest) {
        let change = to_change(metric, difference);
        return Some(SpreadReason::MachineDiffers { metric, runner: runner.to_owned(), change });
    }
    if let Some((at, _)) = step {
        let Place { commit, day } = values[at].0.place();
        let change = to_change(metric, mean(&all[at..])? - mean(&all[..at])?);
        let (newer, older) = ((all.len() - at) as u64, at as u64);
        return Some(SpreadReason::SessionsMoved { metric, newer, commit, day, change, older });
    }
    let low = values.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let high = values.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let change = to_change(metric, high.1 - low.1);
    Some(SpreadReason::SessionsScatter { metric, low: low.0.place(), high: high.0.place(), change })
}

/// Sum of squares around the mean.
fn squares(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    Some(values.iter().map(|v| (v - mean).powi(2)).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Mode;

    const TTFT: &str = "ttft_geomean";

    fn session(value: f64, runner: &str) -> Session {
        let text = include_str!("../../tests/fixtures/lineage/session.json");
        let mut session =
            Session { runner: Some(runner.into()), ..Session::parse(text).expect("the fixture") };
        for start in &mut session.starts {
            start.oriented.insert(TTFT.into(), value);
        }
        session
    }

    fn lines(values: &[(f64, &str)]) -> Vec<String> {
        let sessions: Vec<Session> = values.iter().map(|(v, r)| session(*v, r)).collect();
        let metric = Metric::parse(TTFT).expect("a metric");
        let blind = Blind {
            metric,
            detectable: Some(0.5),
            wanted: 0.1,
            noise: Some(0.15),
            mode: Mode::OtherDay,
        };
        explained(&blind, 0.03, &sessions.iter().collect::<Vec<_>>())
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn what_made_it_blind_is_named() {
        let step =
            lines(&[(3.0, "a"), (3.01, "a"), (2.99, "b"), (3.3, "a"), (3.31, "b"), (3.29, "a")]);
        assert_eq!(
            step[0],
            "3 sessions since f55a8469b1ac (2026-11-22): TTFT +35.0 % against the 3 before"
        );
        assert!(step[1].starts_with("way out: measure both builds in one job"), "{step:?}");
        let machine =
            lines(&[(3.0, "a"), (3.3, "b"), (3.0, "a"), (3.3, "b"), (3.01, "a"), (3.31, "b")]);
        assert!(machine[0].starts_with("the sessions of "), "{machine:?}");
        let scattered =
            lines(&[(3.0, "a"), (3.3, "a"), (3.0, "a"), (3.3, "a"), (3.0, "a"), (3.3, "a")]);
        assert!(
            scattered[0].starts_with("the sessions differ without a clear step: TTFT of "),
            "{scattered:?}"
        );
    }
}
