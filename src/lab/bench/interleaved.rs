//! Time to judge an interleaved comparison of 12 starts of 3 rounds of 10,000 requests on each side.
//!
//! Not here: measuring; the times of the requests are made up.

use crate::clock::process_cpu_ns;
use crate::judge::Policy;
use crate::judge::interleaved::{self, Attempt, Interleaved, Rules, Sampling};
use crate::lab::print;
use crate::measure::summary::Shape;
use crate::measure::{Round, Row, SloMs};

const STARTS: u32 = 12;
const ROUNDS: u32 = 3;
const REQUESTS: u32 = 10_000;

pub fn run() -> anyhow::Result<()> {
    let (baseline, candidate) = (side(false), side(true));
    let (slo, policy) =
        (SloMs { ttft: Some(500.0), tpot: Some(50.0), e2e: None }, Policy::default());
    let before = process_cpu_ns();
    let found = interleaved::judge(&Interleaved {
        earlier: &[],
        now: Attempt { baseline: &baseline, candidate: &candidate, ..Attempt::default() },
        slo,
        differing: &[],
        rules: Rules {
            history: &[],
            shape: Shape { streaming: true, output_tokens: 128, has_slo: true },
            planned: STARTS as usize,
            sampling: Sampling::Pairs,
            unseen: 0,
            policy: &policy,
        },
    });
    let judged = process_cpu_ns();
    print(&format!(
        "interleaved, {STARTS} starts of {ROUNDS} rounds of {REQUESTS} requests on each side, {} looks' starts: judging {:.0} ms (CPU)",
        found.looks,
        (judged - before) as f64 / 1e6,
    ))
}

fn side(candidate: bool) -> Vec<Round> {
    (0..STARTS)
        .flat_map(|start| (0..ROUNDS).map(move |round| played(start, round, candidate)))
        .collect()
}

/// Starts differ by more than the sides do, so that every look stays open and the next is judged,
/// too.
fn played(start: u32, round: u32, candidate: bool) -> Round {
    let place = start * ROUNDS + round;
    let side = u32::from(candidate);
    let speed = 1.0 + f64::from((start * 7 + side * 3) % 5) * 0.02 + f64::from(side) * 0.02;
    let vary = |i: u32, scale: u32| f64::from((i * 7919 + place * 104_729) % scale) / 1000.0;
    let row = |i: u32| {
        let ttft = speed * (80.0 + vary(i, 60_000));
        Row {
            ttft_ms: Some(ttft),
            e2e_ms: Some(ttft + speed * (2500.0 + vary(i, 300_000))),
            output_tokens: Some(128),
            ok: true,
            ..Row::default()
        }
    };
    Round {
        start,
        seed: u64::from(round),
        order: place * 2 + u32::from(candidate == place.is_multiple_of(2)),
        seconds: speed * 100.0,
        chunk_gap_p99_ms: Some(speed * 25.0),
        open_loop: true,
        rows: (0..REQUESTS).map(row).collect(),
        ..Round::default()
    }
}
