//! Lines of interleaved gates on the engine model. Not here: start values (`values`), other days
//! (`days`).

use super::{AA, FALSE_ALARMS, FOUND, GOAL, SLOWER};
use crate::config::sim::Noise;
use crate::lab::selftest::asked::Asked;
use crate::lab::selftest::bound::Source::{Rounded, Stated, Study};
use crate::lab::selftest::changes::Change;
use crate::lab::selftest::gate::Gate;
use crate::lab::selftest::loads::LoadKind::{
    self, Bursty, Chat, Closed, Demo, Knee, KvBound, Prefix,
};
use crate::lab::selftest::played::Outcome::{Pass, Regression};
use crate::lab::selftest::row::{Play, Row, at_least, at_most};

/// Pull requests take six pairs at most.
const REQUEST: Asked = Asked { detect: 0.05, max_pairs: 6, min_starts: 2 };
/// Gates of 8,000: as many of a slower build as the study played.
const FEWER: u32 = 190;

/// TTFT 3 % better and TPOT 5 % worse. Prefill shares its steps with decoding, so that a prefill 10 %
/// faster takes 2 points off TPOT: decoding is slower by 7 %.
pub const TRADE: Change = Change::Apart { prefill: -0.10, decode: 0.07 };

pub fn rows() -> Vec<Row> {
    [loads(), noisy(), changes(), disturbed(), own_gate()].concat()
}

fn unchanged(gate: Gate, pass: f64) -> Row {
    let bounds = [at_most(Regression, FALSE_ALARMS, GOAL), at_least(Pass, pass, AA)];
    Row::new("nothing (A/A)", Play::Gate(gate), &bounds).often(1000)
}

fn slower(gate: Gate, found: f64) -> Row {
    let gate = Gate { change: Change::Engine(0.05), ..gate };
    Row::new("engine +5 %", Play::Gate(gate), &[at_least(Regression, found, SLOWER)]).often(FEWER)
}

/// The six loads, typical noise.
fn loads() -> Vec<Row> {
    let rows = [
        (Chat, 99.8, 99.5),
        (Closed, 100.0, 97.5),
        (KvBound, 100.0, 97.7),
        (Bursty, 99.7, 99.8),
        (Prefix, 99.3, 99.7),
        (Knee, 83.6, 99.9),
    ];
    rows.into_iter()
        .flat_map(|(load, pass, found)| {
            let gate = Gate::new(load, Change::None);
            [unchanged(gate, pass), slower(gate, found)]
        })
        .collect()
}

/// Other noise, other histories, fewer pairs.
fn noisy() -> Vec<Row> {
    let loud = |load| Gate { noise: Noise::Noisy, ..Gate::new(load, Change::None) };
    let request = |gate| Gate { asked: REQUEST, ..gate };
    let (aa, found) = (Study(4000), Study(600));
    let few = |gate, pass, source| {
        let bounds = [at_most(Regression, FALSE_ALARMS, GOAL), at_least(Pass, pass, source)];
        Row::new("nothing (A/A)", Play::Gate(gate), &bounds).often(250)
    };
    let five = |gate, share| {
        let gate = Gate { change: Change::Engine(0.05), ..gate };
        Row::new("engine +5 %", Play::Gate(gate), &[at_least(Regression, share, found)]).often(75)
    };
    let captured = Gate { past_runs: 1, ..Gate::new(Chat, Change::None) };
    let outdated = Gate { now: Some(Noise::Noisy), ..Gate::new(Chat, Change::None) };
    vec![
        few(loud(Chat), 95.5, aa),
        five(loud(Chat), 89.0),
        few(loud(Closed), 95.5, aa),
        five(loud(Closed), 89.0),
        few(request(Gate::new(Knee, Change::None)), 54.0, AA),
        few(request(loud(Chat)), 74.0, aa),
        five(request(loud(Chat)), 55.0),
        few(captured, 99.2, Stated),
        Row::new("nothing (A/A)", Play::Gate(outdated), &[at_most(Regression, 2.1, Study(4000))])
            .often(250)
            .noted("a history that says quiet while the machine is loud alarms more often, until three runs have refreshed it"),
    ]
}

/// Changes of a kind, on chat.
fn changes() -> Vec<Row> {
    let row = |name, load, change, bound| {
        Row::new(name, Play::Gate(Gate::new(load, change)), &[bound]).often(FEWER)
    };
    let found = |share, source| at_least(Regression, share, source);
    let sometimes = Change::SomeStarts { share: 0.6, by: 0.15 };
    let faster = [at_most(Regression, FALSE_ALARMS, GOAL), at_least(Pass, 100.0, SLOWER)];
    let unstable = [at_most(Pass, 14.0, Study(2000)), at_least(Regression, 79.0, Study(2000))];
    vec![
        row("prefill +10 %", Chat, Change::Prefill(0.10), found(96.7, SLOWER)),
        row("decode +5 %", Chat, Change::Decode(0.05), found(96.3, SLOWER)),
        row("decode +10 %", Chat, Change::Decode(0.10), found(99.9, SLOWER)),
        row("engine +10 %", Chat, Change::Engine(0.10), found(100.0, SLOWER)),
        row("engine +10 %", Knee, Change::Engine(0.10), found(99.9, SLOWER)).often(50),
        row("engine +50 %", Chat, Change::Engine(0.50), found(100.0, GOAL)).often(50),
        row("stalls 0.1/s", Chat, Change::Stalls(0.1), found(69.0, SLOWER)),
        row("stalls 0.3/s", Chat, Change::Stalls(0.3), found(FOUND, GOAL)),
        row("errors 2 %", Chat, Change::Errors(0.02), found(100.0, SLOWER)),
        row("TTFT better, TPOT +5 %", Chat, TRADE, found(96.6, SLOWER)),
        row("prefix cache broken", Prefix, Change::PrefixCacheOff, found(100.0, Stated)).often(50),
        row("KV capacity -10 %", KvBound, Change::KvCap(12_600), found(100.0, Stated)).often(50),
        Row {
            bounds: faster.to_vec(),
            ..row("8 % faster", Chat, Change::Engine(-0.08), faster[0])
        },
        Row {
            bounds: unstable.to_vec(),
            ..row("15 % slower in 60 % of starts", Chat, sometimes, unstable[0])
        },
    ]
}

/// An unchanged build under a disturbance.
fn disturbed() -> Vec<Row> {
    let row = |name, change, alarms, pass: Option<f64>| {
        let bounds: Vec<_> = std::iter::once(at_most(Regression, alarms, Study(4000)))
            .chain(pass.map(|pass| at_least(Pass, pass, Rounded(4000))))
            .collect();
        Row::new(name, Play::Gate(Gate::new(Chat, change)), &bounds).often(500)
    };
    let start = |start, by| Change::OneStart { start, by };
    vec![
        row("one round +30 %", Change::OutlierRound(0.30), 0.2, Some(99.0)),
        row("the first start +8 %", start(0, 0.08), 0.1, None),
        row("the second start +5 %", start(1, 0.05), 0.6, Some(91.0)),
        Row {
            bounds: vec![at_most(Regression, FALSE_ALARMS, GOAL)],
            ..row("drift 1 %/min", Change::Drift(0.01), FALSE_ALARMS, None)
        }
        .often(FEWER),
    ]
}

/// This repository's own gate; and what no green may hide.
fn own_gate() -> Vec<Row> {
    let own = |load: LoadKind, change| Gate { asked: REQUEST, ..Gate::new(load, change) };
    let row =
        |name, change, bound| Row::new(name, Play::Gate(own(Demo, change)), &[bound]).often(100);
    let found = |share| at_least(Regression, share, GOAL);
    let quiet = || at_most(Regression, FALSE_ALARMS, GOAL);
    vec![
        row("nothing (A/A)", Change::None, quiet()).often(250),
        row("decode +10 %", Change::Decode(0.10), found(FOUND)),
        row("10 % dropped", Change::Errors(0.10), found(100.0)).often(50),
        row("60 % fail on both sides", Change::BothFail(0.60), found(100.0)).often(50),
        row("nothing, free lengths (A/A)", Change::FreeLengths, quiet()),
    ]
}
