//! The self-test, scaled down; and that the engine in virtual time is the engine that is meant. Not
//! here: the real table (docs/SELFTEST.md).

use std::collections::BTreeMap;

use super::asked::Asked;
use super::attempts::{Attempts, Counts, EvidenceOf};
use super::bound::{Bound, Source};
use super::changes::{Change, Moment};
use super::day::{Day, History, Jobs};
use super::drift::{Drifting, Machines};
use super::gate::Gate;
use super::loads::Load;
use super::plant::{Place, Plant};
use super::played::Outcome::{Blind, Inconclusive, Pass, Regression, Right, Wrong};
use super::row::{at_least, at_most, costs_at_most};
use super::rows::engine::TRADE;
use super::search::{EndsFirst, Search};
use super::values::{Slower, Values};
use super::*;
use crate::config::sim::{Knobs, Noise};
use crate::measure::Round;
use crate::measure::summary::{oriented, summaries, to_display};
use crate::metric::{Metric, Stat, Timing};

const SCALE: Scale = Scale { seed: 1, gates: 40, threads: 2 };
const ALL: Bound = at_least(Regression, 100.0, Source::Goal);
const MOST: Bound = at_least(Regression, 95.0, Source::Goal);
const NONE: Bound = at_most(Regression, 0.0, Source::Goal);

fn row(change: Change, bounds: &[Bound], per_thousand: u32) -> Row {
    let asked = Asked { max_pairs: 6, ..Asked::default() };
    let gate = Gate { asked, ..Gate::new(LoadKind::Demo, change) };
    Row::new("a change", Play::Gate(gate), bounds).often(per_thousand)
}

fn quietly(scale: Scale, rows: &[Row]) -> Table {
    play(scale, rows, "", |_| {}).expect("it is played")
}

fn assert_holds(scale: Scale, rows: &[Row]) -> Table {
    let table = quietly(scale, rows);
    assert!(table.holds(), "{}", table.to_text());
    table
}

/// A/A gates and a few changes on the load of this repository's own gate.
#[test]
fn the_gate_tells_changes_from_none() {
    let rows = [
        row(Change::None, &[NONE, at_least(Pass, 90.0, Source::Goal)], 1000),
        row(Change::Decode(0.15), &[ALL], 250),
        row(Change::Prefill(0.10), &[MOST], 250),
        row(Change::Errors(0.02), &[MOST], 100),
        row(Change::Engine(-0.08), &[NONE], 250),
        row(Change::OutlierRound(0.30), &[NONE], 100),
        row(Change::BothFail(0.60), &[ALL], 50),
        row(Change::FreeLengths, &[NONE], 100),
        row(Change::SomeStarts { share: 0.8, by: 0.2 }, &[at_most(Pass, 30.0, Source::Goal)], 250),
        row(Change::OneStart { start: 0, by: 0.05 }, &[NONE], 100),
    ];
    let table = assert_holds(SCALE, &rows);
    let gates: Vec<u32> = table.lines.iter().map(|line| line.gates).collect();
    assert_eq!(gates, [40, 10, 10, 4, 10, 4, 2, 4, 10, 4]);
    assert!(table.lines.iter().all(|line| line.cost.is_some_and(|cost| cost.value > 4.0)));
}

/// A PASS needs a second start, which costs less than a pair.
#[test]
fn an_unchanged_build_takes_a_pair_and_a_check_start() {
    let quiet = Gate { noise: Noise::Quiet, ..Gate::new(LoadKind::Demo, Change::None) };
    let row = Row::new("nothing", Play::Gate(quiet), &[at_least(Pass, 100.0, Source::Goal)]);
    let table = assert_holds(Scale { gates: 100, ..SCALE }, &[row]);
    let least = table.lines[0].cost.expect("it costs").value;
    assert!((6.1..7.5).contains(&least), "4.6 minutes and 94 seconds, not {least}");
}

/// A test that cannot fail says nothing: where the gate is asked for what it cannot do, the table
/// says so.
#[test]
fn a_row_that_is_not_as_it_should_be_is_a_miss() {
    let dear = costs_at_most(1.0, Source::Goal);
    let rows = [
        row(Change::None, &[MOST], 50),
        row(Change::Decode(0.5), &[NONE], 50),
        row(Change::None, &[NONE, dear], 250),
    ];
    let table = quietly(SCALE, &rows);
    assert!(!table.holds() && table.lines.iter().all(|line| !line.holds()), "{}", table.to_text());
    assert!(table.to_text().contains("3 of 3 rows are not as they should be"));
}

#[test]
fn a_note_is_said_below_the_table() {
    let small = Scale { gates: 2, ..SCALE };
    let rows = [row(Change::None, &[], 1000).noted("why it is so"), row(Change::None, &[], 1000)];
    let text = quietly(small, &rows).to_text();
    assert!(text.contains("(nothing asked) [1]") && text.contains("[1] why it is so"), "{text}");
    assert_eq!(text.matches("why it is so").count(), 1);
}

#[test]
fn the_same_table_whatever_the_threads_and_another_by_another_seed() {
    let values = Values::new(1.2, Slower::All(0.03), Asked::default());
    let rows = [
        row(Change::None, &[NONE], 1000),
        row(Change::Decode(0.04), &[MOST], 1000),
        Row::new("values", Play::Values(values), &[MOST]).often(1000),
    ];
    let small = Scale { gates: 3, ..SCALE };
    let json = |scale: Scale| quietly(scale, &rows).to_json();
    let alone = json(Scale { threads: 1, ..small });
    assert_eq!(alone, json(Scale { threads: 3, ..small }));
    assert_ne!(alone, json(Scale { seed: 2, ..small }));
}

fn day(day: Day, bound: Bound) -> Row {
    Row::new("a change", Play::Day(day), &[bound])
}

fn demo(history: History, change: Change) -> Day {
    Day { jobs: Jobs::Again, ..Day::new(LoadKind::Demo, history, change) }
}

#[test]
fn earlier_sessions_convict_what_is_much_slower_and_nothing_else() {
    let two = Day { jobs: Jobs::Two, ..demo(History::Sessions(20), Change::None) };
    let rows = [
        day(demo(History::Sessions(20), Change::None), NONE),
        day(demo(History::Sessions(20), Change::Engine(0.15)), MOST),
        day(two, NONE),
        day(demo(History::Sessions(1), Change::Engine(1.0)), ALL),
    ];
    assert_holds(SCALE, &rows);
}

/// Sessions that are uneven, poisoned or outdated: none of them makes a slower server pass.
#[test]
fn a_bad_history_hides_nothing() {
    let blind = at_least(Blind, 95.0, Source::Goal);
    let rows = [
        day(demo(History::Uneven(6), Change::None), blind),
        day(demo(History::Uneven(6), Change::Engine(1.0)), ALL),
        day(demo(History::Poisoned(8), Change::Engine(0.25)), MOST),
        day(demo(History::Lost(8), Change::None), MOST),
        day(demo(History::Sessions(20), Change::Stalls(1.0)), MOST),
    ];
    assert_holds(SCALE, &rows);
}

/// On start values: as the engine says it, in many more gates.
#[test]
fn start_values_are_judged_as_gates_are() {
    let scale = Scale { gates: 1000, ..SCALE };
    let values = |slower, min_starts, slow| {
        let asked = Asked { min_starts, ..Asked::default() };
        Play::Values(Values { slow, ..Values::new(1.19, slower, asked) })
    };
    let none = (0.0, 0.0);
    let rows = [
        Row::new("a", values(Slower::All(0.0), 2, none), &[at_least(Pass, 99.0, Source::Goal)]),
        Row::new("b", values(Slower::All(0.05), 2, none), &[MOST]),
        Row::new("c", values(Slower::All(0.0), 6, (0.0, 0.6)), &[at_most(Pass, 3.0, Source::Goal)]),
    ];
    assert_holds(scale, &rows);
}

/// Red until green: pooled evidence gives the last attempt no more chances than the first.
#[test]
fn attempts_afresh_pass_more_than_attempts_pooled() {
    let scale = Scale { gates: 800, ..SCALE };
    let values = Values::new(1.19, Slower::All(0.03), Asked::default());
    let passed = |most, evidence| {
        let counts = Counts::Green;
        let play = Play::Attempts(Attempts { values, most, evidence, counts });
        let table = quietly(scale, &[Row::new("slower", play, &[])]);
        (table.lines[0].count(Pass), table.lines[0].gates)
    };
    let (once, gates) = passed(1, EvidenceOf::All);
    let ((afresh, _), (pooled, _)) = (passed(5, EvidenceOf::Itself), passed(5, EvidenceOf::All));
    assert!(once < pooled && pooled + gates / 20 < afresh, "{once} {pooled} {afresh} of {gates}");
}

#[test]
fn a_creeping_branch_is_caught_and_a_standing_one_is_not() {
    let drift = |weekly| Play::Drift(Drifting { weekly, weeks: 5, machines: Machines::One });
    let rows = [
        Row::new("creeps", drift(0.01), &[ALL, costs_at_most(5.0, Source::Goal)]),
        Row::new("stands", drift(0.0), &[at_most(Regression, 5.0, Source::Goal)]),
    ];
    let table = assert_holds(Scale { gates: 400, ..SCALE }, &rows);
    assert_eq!(table.lines[1].cost, None, "nothing was caught");
}

#[test]
fn a_search_names_the_commit_or_refuses() {
    let search = |sd, step, ends| Play::Search(Search { commits: 32, sd, step, ends });
    let gate = EndsFirst::Gate { planned: 12, detect: 0.03 };
    let right = at_least(Right, 97.0, Source::Goal);
    let rows = [
        Row::new("quiet", search(0.014, 0.10, EndsFirst::Given(2)), &[right]),
        Row::new("loud", search(0.03, 0.03, gate), &[at_most(Wrong, 5.0, Source::Goal)]),
        Row::new("none", search(0.014, 0.0, gate), &[at_most(Wrong, 2.0, Source::Goal)]),
    ];
    let table = assert_holds(Scale { gates: 400, ..SCALE }, &rows);
    assert_eq!(table.lines[0].count(Inconclusive), 0);
}

/// One request alone, without noise: every number follows from the engine's formula.
#[test]
fn a_lonely_request_takes_what_the_engines_formula_says() {
    let load = Load::build(LoadKind::Demo, 1, 0).expect("it is planned");
    let mut prepared = load.rounds[0].clone();
    prepared.plan.requests.truncate(1);
    prepared.calls.truncate(1);
    let noise = Noise::Off;
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

/// What the row is called is what is planted: without noise, over the whole plan.
#[test]
fn the_trade_is_what_its_name_says() {
    let load = Load::build(LoadKind::Chat, 1, 0).expect("it is planned");
    let start = |change: Change| {
        let mut knobs = Knobs { noise: Noise::Off, ..load.knobs.clone() };
        change.candidate(&mut knobs, Moment { start: 0, window: (0.0, 0.0), draw: 0.0 });
        let mut plant = Plant::start(knobs, 7);
        let rounds = load.rounds.iter().map(|prepared| {
            let place = Place { start: 0, index: 0, order: 0 };
            plant.play(prepared, 0.0).measured(&load, prepared, place).0
        });
        let rounds: Vec<Round> = rounds.collect();
        summaries(&rounds, &load.slo).into_values().next().expect("one start").values
    };
    let (before, after) = (start(Change::None), start(TRADE));
    let shift = |timing| {
        let metric = Metric::Timing(timing, Stat::Geomean);
        (after[&metric] - before[&metric]).exp() - 1.0
    };
    let (ttft, tpot) = (shift(Timing::Ttft), shift(Timing::Tpot));
    assert!(ttft < -0.02, "TTFT {ttft:+.4}");
    assert!((0.048..0.056).contains(&tpot), "TPOT {tpot:+.4}");
}

/// What METHOD asks of a load: so many requests, most of them good, no saturation; and noise of the
/// size that it was studied with.
#[test]
fn loads_are_as_the_method_asks() {
    use LoadKind::{Bursty, Chat, Closed, Demo, Knee, KvBound, Prefix};
    for kind in [Chat, Closed, Prefix, KvBound, Bursty, Knee, Demo] {
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
