//! Lines on start values and session values: sizes that a team declares, starts that are slow only
//! sometimes, attempts, drift, bisect. Not here: the engine (`engine`, `days`).

use super::{FALSE_ALARMS, GOAL};
use crate::lab::selftest::asked::Asked;
use crate::lab::selftest::attempts::{Attempts, Counts, EvidenceOf};
use crate::lab::selftest::bound::Source::{Stated, Study};
use crate::lab::selftest::drift::{Drifting, Machines};
use crate::lab::selftest::played::Outcome::{Pass, Regression, Right, Unanswered, Wrong};
use crate::lab::selftest::row::{Play, Row, at_least, at_most, costs_at_most};
use crate::lab::selftest::search::{EndsFirst, Search};
use crate::lab::selftest::values::{Slower, Values};

pub fn rows() -> Vec<Row> {
    [sizes(), mixtures(), attempts(), drifts(), searches()].concat()
}

fn asked(detect: f64) -> Asked {
    Asked { detect, ..Asked::default() }
}

/// What the study counted for one declared size at one noise; per cent and minutes.
struct Declared {
    /// Standard deviation of a start.
    sd: f64,
    detect: f64,
    /// Unchanged: PASS, minutes.
    unchanged: (f64, f64),
    /// Slower by that size in every metric: REGRESSION, PASS, minutes.
    slower: (f64, f64, f64),
    /// In TPOT alone: REGRESSION.
    tpot: f64,
}

fn sizes() -> Vec<Row> {
    let at = |sd, detect, unchanged, slower, tpot| Declared { sd, detect, unchanged, slower, tpot };
    let table = [
        at(0.33, 0.05, (100.0, 5.8), (100.0, 0.0, 8.4), 100.0),
        at(0.33, 0.03, (100.0, 5.8), (99.9, 0.1, 8.5), 99.7),
        at(0.59, 0.05, (100.0, 5.8), (99.7, 0.4, 8.5), 99.4),
        at(0.59, 0.03, (100.0, 6.4), (98.5, 1.1, 10.0), 97.2),
        at(1.19, 0.05, (99.9, 7.0), (97.4, 1.8, 12.0), 96.4),
        at(1.19, 0.03, (99.7, 12.0), (96.3, 3.0, 24.0), 95.8),
        at(1.51, 0.05, (99.8, 8.7), (96.9, 2.5, 17.0), 95.8),
        at(1.51, 0.03, (99.3, 16.0), (93.3, 3.8, 32.0), 90.9),
        at(2.97, 0.05, (97.0, 21.0), (86.0, 4.5, 36.0), 81.0),
    ];
    table.iter().flat_map(Declared::rows).collect()
}

impl Declared {
    fn rows(&self) -> [Row; 3] {
        let Self { sd, detect, unchanged, slower, tpot } = *self;
        let row = |name, by, bounds: &[_]| {
            Row::new(name, Play::Values(Values::new(sd, by, asked(detect))), bounds)
        };
        let (aa, counted) = (Study(4000), Study(2000));
        let fine = [
            at_most(Regression, FALSE_ALARMS, GOAL),
            at_least(Pass, unchanged.0, aa),
            costs_at_most(unchanged.1, Stated),
        ];
        let found = [
            at_least(Regression, slower.0, counted),
            at_most(Pass, slower.1, counted),
            costs_at_most(slower.2, Stated),
        ];
        let names =
            if detect < 0.04 { ("3 % slower", "TPOT +3 %") } else { ("5 % slower", "TPOT +5 %") };
        [
            row("nothing (A/A)", Slower::All(0.0), &fine).often(1000),
            row(names.0, Slower::All(detect), &found).often(500),
            row(names.1, Slower::Tpot(detect), &[at_least(Regression, tpot, counted)]).often(500),
        ]
    }
}

/// A candidate that is 15 % slower in a share of its starts: PASS at most, REGRESSION at least, by the
/// starts that a PASS needs.
fn mixtures() -> Vec<Row> {
    let names = [
        "15 % slower in 20 % of starts",
        "15 % slower in 40 % of starts",
        "15 % slower in 60 % of starts",
        "15 % slower in 80 % of starts",
    ];
    let table = [
        (2, [(63.0, 6.0), (34.0, 36.0), (14.0, 79.0), (4.0, 95.5)]),
        (3, [(51.0, 7.0), (21.0, 40.0), (6.0, 85.0), (1.0, 98.0)]),
        (6, [(25.0, 7.0), (4.0, 42.0), (1.0, 87.0), (1.0, 98.0)]),
    ];
    let source = Study(2000);
    let values = |slow, known, min_starts| {
        let asked = Asked { min_starts, ..Asked::default() };
        Values { slow, known, ..Values::new(1.19, Slower::All(0.0), asked) }
    };
    let mixed = |(starts, shares): (usize, [(f64, f64); 4])| {
        (1..=4).zip(names.into_iter().zip(shares)).map(move |(fifths, (name, (pass, found)))| {
            let share = f64::from(fifths) / 5.0;
            let bounds = [at_most(Pass, pass, source), at_least(Regression, found, source)];
            Row::new(name, Play::Values(values((0.0, share), true, starts)), &bounds).often(500)
        })
    };
    let both = |known, most| {
        Row::new(
            "both builds slow in 40 % of starts",
            Play::Values(values((0.4, 0.4), known, 2)),
            &[at_most(Regression, most, source)],
        )
        .often(500)
    };
    table.into_iter().flat_map(mixed).chain([both(true, 0.4), both(false, 7.8)]).collect()
}

/// 5 % must be found; a developer runs the gate again until it passes.
fn attempts() -> Vec<Row> {
    use EvidenceOf::{All, Itself};
    let row = |name, by, (most, evidence, counts), bounds: &[_]| {
        let values = Values::new(1.19, Slower::All(by), Asked::default());
        Row::new(name, Play::Attempts(Attempts { values, most, evidence, counts }), bounds)
            .often(250)
    };
    let green = |most, evidence| (most, evidence, Counts::Green);
    let passes = |share| at_most(Pass, share, Study(800));
    let mut rows = vec![
        row("nothing (A/A)", 0.0, green(1, All), &[at_least(Pass, 99.9, Study(2000))]),
        row("nothing (A/A)", 0.0, green(5, All), &[at_least(Pass, 100.0, Study(2000))]),
        row(
            "nothing (A/A)",
            0.0,
            (5, All, Counts::Alarm),
            &[at_most(Regression, FALSE_ALARMS, GOAL)],
        )
        .often(1000),
    ];
    let table = [
        ("2.5 % slower", 0.025, 69.0, 84.0, 96.0),
        ("3 % slower", 0.03, 46.0, 61.0, 74.0),
        ("4 % slower", 0.04, 16.0, 17.0, 17.0),
        ("5 % slower", 0.05, 3.1, 3.1, 3.1),
        ("6 % slower", 0.06, 0.1, 0.1, 0.1),
    ];
    for (name, by, one, two, five) in table {
        rows.extend([
            row(name, by, green(1, All), &[passes(one)]),
            row(name, by, green(2, All), &[passes(two)]),
            row(name, by, green(5, All), &[passes(five)]),
            // For comparison: nothing is asked of it.
            row(name, by, green(5, Itself), &[]),
        ]);
    }
    rows
}

fn drifts() -> Vec<Row> {
    let row = |name, weekly, weeks, machines, bounds: &[_]| {
        Row::new(name, Play::Drift(Drifting { weekly, weeks, machines }), bounds).often(500)
    };
    vec![
        row(
            "+1 % a week, to +5 %",
            0.01,
            5,
            Machines::Fleet,
            &[at_least(Regression, 90.0, Stated)],
        ),
        row("+1 % a week, to +5 %", 0.01, 5, Machines::One, &[at_least(Regression, 100.0, Stated)]),
        row("nothing, ten weeks", 0.0, 10, Machines::Fleet, &[at_most(Regression, 1.8, Stated)]),
        row("nothing, ten weeks", 0.0, 10, Machines::One, &[at_most(Regression, 1.8, Stated)]),
    ]
}

/// Start noise 1.4 %: the named commit is the right one, the wrong one, fresh starts.
fn searches() -> Vec<Row> {
    let row = |name, commits, step, ends, bounds: &[_]| {
        let search = Search { commits, sd: 0.014, step, ends };
        Row::new(name, Play::Search(search), bounds).often(500)
    };
    let given = |pairs| EndsFirst::Given(pairs);
    let figures = |right, wrong, starts| {
        [
            at_least(Right, right, Stated),
            at_most(Wrong, wrong, Stated),
            costs_at_most(starts, Stated),
        ]
    };
    let gate = EndsFirst::Gate { planned: 12, detect: 0.03 };
    let loud = Search { commits: 32, sd: 0.03, step: 0.03, ends: gate };
    vec![
        row("one commit +10 %", 32, 0.10, given(2), &figures(99.0, 1.0, 5.0)),
        row("one commit +10 %", 256, 0.10, given(2), &figures(99.0, 1.0, 8.0)),
        row("one commit +5 %", 32, 0.05, given(3), &figures(98.0, 1.0, 7.0)),
        row("one commit +5 %", 256, 0.05, given(3), &figures(98.0, 1.0, 10.0)),
        row("one commit +3 %", 32, 0.03, given(6), &figures(93.0, 2.0, 17.0)),
        row("one commit +3 %", 256, 0.03, given(6), &figures(93.0, 2.0, 23.0)),
        row("no commit", 32, 0.0, gate, &[at_most(Wrong, FALSE_ALARMS, GOAL)]),
        Row::new(
            "one commit +3 %",
            Play::Search(loud),
            &[at_most(Wrong, 2.0, Stated), at_least(Unanswered, 50.0, Stated)],
        )
        .often(500),
    ]
}
