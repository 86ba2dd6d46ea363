//! A load of the internet's size in virtual time: what each of many shards would have to hold, and
//! what clocks that are as wrong as is allowed do to the arrivals. Nothing is sent.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, Exp1};

use crate::plan::shard::Shard;
use crate::print::print;

/// Requests per second of all shards together.
const RATE: f64 = 100_000.0;
/// Seconds that an answer takes: so many times the rate are open.
const ANSWER_S: f64 = 10.0;
const TOKENS_PER_S: f64 = 30.0;
/// docs/BENCHMARKS.md: CPU per event, and memory per open stream.
const EVENT_US: f64 = 6.4;
const STREAM_KB: f64 = 7.8;
/// Virtual seconds that are looked at once all is in flight.
const SECONDS: f64 = 2.0;
/// As wrong as a clock may be before the round is INVALID, seconds.
const CLOCK_S: f64 = 0.005;
/// In which arrivals are counted, seconds: an engine's shortest step.
const STEP_S: f64 = 0.01;

pub fn run() -> anyhow::Result<()> {
    print(
        "shards  streams each  events/s each  cores each  MB each  open at once  steps off by (median, worst)",
    )?;
    let planned = arrivals();
    for count in [100, 200, 500, 1000] {
        let sent = bent(&planned, count);
        let (ours, theirs) = (counts(&planned), counts(&sent));
        let mut off: Vec<f64> =
            ours.iter().zip(&theirs).map(|(a, b)| (b / a - 1.0).abs() * 100.0).collect();
        off.sort_by(f64::total_cmp);
        let each = |all: f64| all / f64::from(count);
        let open = RATE * ANSWER_S;
        let events = each(open * TOKENS_PER_S);
        print(&format!(
            "{count:6}  {:12.0}  {events:13.0}  {:10.2}  {:7.0}  {:12}  {:.1} %, {:.1} %",
            each(open),
            events * EVENT_US / 1e6,
            each(open) * STREAM_KB / 1e3,
            most_open(&sent),
            super::quantile(&off, 0.5),
            super::quantile(&off, 1.0)
        ))?;
    }
    Ok(())
}

/// Poisson, seconds, from when all is in flight.
fn arrivals() -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(16);
    let mut at = 0.0;
    let next = std::iter::from_fn(|| {
        let gap: f64 = Exp1.sample(&mut rng);
        at += gap / RATE;
        (at < ANSWER_S + SECONDS).then_some(at)
    });
    next.collect()
}

/// The same as they go from shards whose clocks are wrong.
fn bent(planned: &[f64], count: u32) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(17);
    let wrong: Vec<f64> = (0..count).map(|_| rng.random_range(-CLOCK_S..=CLOCK_S)).collect();
    let of = |index: u32| {
        let shard = (0..count).find(|k| Shard { index: *k, count }.has(index, 1));
        wrong[shard.unwrap_or(0) as usize]
    };
    // Dealing repeats itself.
    let wrong: Vec<f64> = (0..count).map(of).collect();
    let mut sent: Vec<f64> =
        planned.iter().zip(wrong.iter().cycle()).map(|(at, wrong)| at + wrong).collect();
    sent.sort_by(f64::total_cmp);
    sent
}

/// Arrivals in each step of the last seconds but one at both ends.
fn counts(sent: &[f64]) -> Vec<f64> {
    let (from, to) = (ANSWER_S + 0.1, ANSWER_S + SECONDS - 0.1);
    let mut at = from;
    let mut counts = Vec::new();
    while at + STEP_S < to {
        let before = |t: f64| sent.partition_point(|s| *s < t) as f64;
        counts.push(before(at + STEP_S) - before(at));
        at += STEP_S;
    }
    counts
}

fn most_open(sent: &[f64]) -> usize {
    let mut begun = 0;
    let open = sent.iter().enumerate().map(|(i, at)| {
        while sent[begun] + ANSWER_S < *at {
            begun += 1;
        }
        i + 1 - begun
    });
    open.max().unwrap_or(0)
}
