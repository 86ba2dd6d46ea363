//! Lines against sessions of other days. Not here: interleaved gates (`engine`).

use super::{AT_THE_KNEE, FALSE_ALARMS, FOUND, GOAL, TWO_NOISY_JOBS};
use crate::config::sim::Noise;
use crate::lab::selftest::bound::Source::{Rounded, Stated};
use crate::lab::selftest::changes::Change;
use crate::lab::selftest::day::{Day, History, Jobs};
use crate::lab::selftest::loads::LoadKind::{Chat, Closed, Knee};
use crate::lab::selftest::played::Outcome::{Blind, Pass, Regression};
use crate::lab::selftest::row::{Play, Row, at_least, at_most};

pub fn rows() -> Vec<Row> {
    [studied(), knee(), bad_histories()].concat()
}

fn row(name: &'static str, day: Day, bounds: &[crate::lab::selftest::bound::Bound]) -> Row {
    Row::new(name, Play::Day(day), bounds)
}

fn sessions(count: usize, change: Change) -> Day {
    Day::new(Chat, History::Sessions(count), change)
}

/// Chat: alarms at most, PASS of an unchanged build, and found at 10 and at 15 %.
fn studied() -> Vec<Row> {
    use Noise::{Noisy, Typical};
    let table = [
        (Typical, 8, Jobs::One, FALSE_ALARMS, 94.0, 60.0, 95.0),
        (Typical, 20, Jobs::One, FALSE_ALARMS, 96.0, 89.0, 100.0),
        (Typical, 8, Jobs::Two, FALSE_ALARMS, 98.0, 90.0, 100.0),
        (Typical, 20, Jobs::Two, FALSE_ALARMS, 100.0, 100.0, 100.0),
        (Noisy, 8, Jobs::One, FALSE_ALARMS, 53.0, 16.0, 40.0),
        (Noisy, 20, Jobs::One, FALSE_ALARMS, 59.0, 30.0, 68.0),
        (Noisy, 8, Jobs::Two, TWO_NOISY_JOBS, 63.0, 34.0, 72.0),
        (Noisy, 20, Jobs::Two, TWO_NOISY_JOBS, 76.0, 63.0, 96.0),
    ];
    let rows = |(noise, count, jobs, alarms, pass, ten, fifteen)| {
        let day = |change| Day { noise, jobs, ..sessions(count, change) };
        let fine = [at_most(Regression, alarms, GOAL), at_least(Pass, pass, Rounded(6000))];
        let found = |share| [at_least(Regression, share, Rounded(800))];
        [
            row("nothing (A/A)", day(Change::None), &fine).often(750),
            row("engine +10 %", day(Change::Engine(0.10)), &found(ten)),
            row("engine +15 %", day(Change::Engine(0.15)), &found(fifteen)),
        ]
    };
    table.into_iter().flat_map(rows).collect()
}

/// Where a small change moves TTFT by much; and another load.
fn knee() -> Vec<Row> {
    let quiet = |load, count, most| {
        let day = Day::new(load, History::Sessions(count), Change::None);
        row("nothing (A/A)", day, &[at_most(Regression, most, GOAL)]).often(250)
    };
    vec![quiet(Knee, 8, AT_THE_KNEE), quiet(Knee, 20, AT_THE_KNEE), quiet(Closed, 8, FALSE_ALARMS)]
}

/// Few sessions, and sessions that are uneven, poisoned or outdated: none of them makes a slower
/// server pass.
fn bad_histories() -> Vec<Row> {
    let again = |history, change| Day { jobs: Jobs::Again, ..Day::new(Chat, history, change) };
    let all = |source| [at_least(Regression, 100.0, source)];
    let most = [at_least(Regression, FOUND, GOAL)];
    let quiet = [at_most(Regression, FALSE_ALARMS, GOAL)];
    let twice = Change::Engine(1.0);
    vec![
        row("nothing (A/A)", sessions(1, Change::None), &quiet).often(250),
        row("twice as slow", sessions(1, twice), &all(Stated)).often(50),
        row("nothing (A/A)", sessions(6, Change::None), &quiet).often(250),
        row("twice as slow", sessions(6, twice), &all(Stated)).often(50),
        row("1.5 times as slow", sessions(6, Change::Engine(0.5)), &all(Stated)).often(50),
        row("stalls 1/s (guards only)", sessions(20, Change::Stalls(1.0)), &most).often(50),
        row(
            "nothing (A/A)",
            again(History::Uneven(6), Change::None),
            &[at_least(Blind, FOUND, GOAL)],
        )
        .often(50),
        row("twice as slow", again(History::Uneven(6), twice), &all(GOAL)).often(50),
        row("engine +25 %", again(History::Poisoned(8), Change::Engine(0.25)), &most).often(50),
        row("20 % faster, and lost", again(History::Lost(8), Change::None), &most).often(50),
    ]
}
