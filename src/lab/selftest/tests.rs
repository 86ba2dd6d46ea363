//! The self-test, scaled down; and that the engine in virtual time is the engine that is meant. Not
//! here: the real table (docs/SELFTEST.md).

use std::collections::BTreeMap;

use super::changes::{Change, Expect, Mode};
use super::plant::{Place, Plant};
use super::*;
use crate::config::sim::Knobs;
use crate::measure::summary::{oriented, to_display};
use crate::metric::Metric;

const SCALE: Scale = Scale { seed: 1, gates: 40, threads: 2 };

fn row(change: Change, expect: Expect, per_thousand: u32) -> Row {
    Row {
        name: "a change",
        load: LoadKind::Demo,
        mode: Mode::Interleaved,
        change,
        expect,
        per_thousand,
    }
}

fn quietly(scale: Scale, rows: &[Row]) -> Table {
    play(scale, rows, "", |_| {}).expect("it is played")
}

/// A/A gates and a few changes on the load of this repository's own gate.
#[test]
fn the_gate_tells_changes_from_none() {
    let rows = [
        row(Change::None, Expect::Quiet(0.01), 1000),
        // One of the baseline's starts may be as slow as the candidate's: that leaves it open.
        row(Change::Decode(0.15), Expect::FoundAbout(0.97), 250),
        row(Change::Prefill(0.10), Expect::Found(0.95), 250),
        row(Change::Errors(0.02), Expect::Found(0.95), 100),
        row(Change::Engine(-0.08), Expect::Quiet(0.01), 250),
        row(Change::OutlierRound(0.30), Expect::Quiet(0.02), 100),
        row(Change::BothFail(0.60), Expect::Found(0.95), 50),
        row(Change::FreeLengths, Expect::Quiet(0.01), 100),
    ];
    let table = quietly(SCALE, &rows);
    assert!(table.holds(), "{}", table.to_text());
    assert_eq!(
        table.lines.iter().map(|l| l.gates).collect::<Vec<_>>(),
        [40, 10, 10, 4, 10, 4, 2, 4]
    );
}

/// A test that cannot fail says nothing: where the gate is asked for what it cannot do, the table
/// says so.
#[test]
fn a_row_that_is_not_as_it_should_be_is_a_miss() {
    let rows = [
        row(Change::None, Expect::Found(0.95), 50),
        row(Change::Decode(0.5), Expect::Quiet(0.01), 50),
    ];
    let table = quietly(SCALE, &rows);
    assert!(!table.holds() && table.lines.iter().all(|l| !l.holds()), "{}", table.to_text());
    assert!(table.to_text().contains("2 of 2 rows are not as they should be"));
}

#[test]
fn the_same_table_whatever_the_threads_and_another_by_another_seed() {
    let rows = [
        row(Change::None, Expect::Quiet(0.01), 1000),
        row(Change::Decode(0.04), Expect::Found(0.95), 1000),
    ];
    let small = Scale { gates: 3, ..SCALE };
    let json = |scale: Scale| quietly(scale, &rows).to_json();
    let alone = json(Scale { threads: 1, ..small });
    assert_eq!(alone, json(Scale { threads: 3, ..small }));
    assert_ne!(alone, json(Scale { seed: 2, ..small }));
}

#[test]
fn earlier_sessions_convict_what_is_much_slower_and_nothing_else() {
    let day =
        |change, expect| Row { mode: Mode::OtherDay { sessions: 20 }, ..row(change, expect, 100) };
    let rows =
        [day(Change::None, Expect::Quiet(0.01)), day(Change::Engine(0.15), Expect::Found(0.95))];
    let table = quietly(SCALE, &rows);
    assert!(table.holds(), "{}", table.to_text());
}

/// Sessions that are uneven, poisoned or outdated: none of them makes a slower server pass.
#[test]
fn a_bad_history_hides_nothing() {
    let day = |mode, change, expect| Row { mode, ..row(change, expect, 100) };
    let rows = [
        day(Mode::Uneven { sessions: 6 }, Change::None, Expect::Blind(0.95)),
        day(Mode::Uneven { sessions: 6 }, Change::Engine(1.0), Expect::Found(0.95)),
        day(Mode::Poisoned { sessions: 8 }, Change::Engine(0.25), Expect::Found(0.95)),
        day(Mode::Lost { sessions: 8 }, Change::None, Expect::Found(0.95)),
        day(Mode::OtherDay { sessions: 20 }, Change::Stalls(1.0), Expect::Found(0.95)),
    ];
    let table = quietly(SCALE, &rows);
    assert!(table.holds(), "{}", table.to_text());
}

/// One request alone, without noise: every number follows from the engine's formula.
#[test]
fn a_lonely_request_takes_what_the_engines_formula_says() {
    let load = Load::build(LoadKind::Demo, 1, 0).expect("it is planned");
    let mut prepared = load.rounds[0].clone();
    prepared.plan.requests.truncate(1);
    prepared.calls.truncate(1);
    let noise = crate::config::sim::Noise::Off;
    let mut plant = Plant::start(Knobs { noise, ..load.knobs.clone() }, 7);
    let played = plant.play(&prepared, 0.0);
    let (round, unfit) = played.measured(&load, &prepared, Place { start: 0, index: 0, order: 0 });
    assert_eq!(unfit, Vec::<String>::new());
    let tokens = f64::from(prepared.calls[0].prompt_tokens);
    let e = load.knobs.engine();
    let ttft = e.request_overhead_ms
        + e.step_ms
        + e.prefill_token_ms * tokens
        + e.prefill_context_ms * tokens * tokens / 2.0;
    let seen = round.rows[0].ttft_ms.expect("it has a first token");
    assert!((seen - ttft).abs() < 0.01, "TTFT {seen}, not {ttft}");
    assert_eq!(round.rows[0].output_tokens, Some(32));
}

/// What METHOD asks of a load: so many requests, most of them good, no saturation; and noise of the
/// size that it was studied with.
#[test]
fn loads_are_as_the_method_asks() {
    for kind in
        [LoadKind::Chat, LoadKind::Closed, LoadKind::Prefix, LoadKind::KvBound, LoadKind::Demo]
    {
        let load = Load::build(kind, 1, 0).expect("it is planned");
        let mut plant = Plant::start(load.knobs.clone(), 7);
        let warm = plant.play(&load.warmup, 0.0).end_ms;
        let prepared = &load.rounds[0];
        let (round, unfit) = plant.play(prepared, warm).measured(
            &load,
            prepared,
            Place { start: 0, index: 0, order: 0 },
        );
        let shown: BTreeMap<String, f64> = oriented(&round, &load.slo)
            .into_iter()
            .map(|(m, v)| (m.name(), to_display(m, v)))
            .collect();
        assert_eq!(unfit, Vec::<String>::new(), "{}", kind.name());
        assert!(shown.len() == 12, "{}: every metric is measured, not {shown:?}", kind.name());
        let attainment = shown[&Metric::SloAttainment.name()];
        assert!((0.9..=1.0).contains(&attainment), "{}: {attainment}", kind.name());
    }
}
