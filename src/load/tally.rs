//! What a live view shows of a round as it goes on: how long answers take, tokens, what fails. One
//! step per request that ends, and only where a program has asked for it.
//!
//! Not here: anything that is measured or judged, which is of timelines once the round has ended.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::measure::Row;
use crate::timeline::{Outcome, Timeline};

/// The shortest time that is told from shorter ones, milliseconds, and how much longer each next
/// one is: up to eleven days.
const SHORTEST_MS: f64 = 0.01;
const STEP: f64 = 1.04;
const BUCKETS: usize = 640;

/// Of the requests of a round that have ended.
#[derive(Default)]
pub struct Tally {
    ttft: Times,
    tpot: Times,
    e2e: Times,
    output_tokens: AtomicU64,
    /// Ended without being sent.
    unsent: AtomicU64,
    /// By how they ended. Never what a server said, which may hold a secret.
    failures: Mutex<BTreeMap<String, u64>>,
}

/// Where each bucket ends, milliseconds.
static EDGES: LazyLock<Vec<f64>> = LazyLock::new(|| {
    std::iter::successors(Some(SHORTEST_MS), |edge| Some(edge * STEP)).take(BUCKETS).collect()
});

struct Times([AtomicU64; BUCKETS]);

impl Default for Times {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; BUCKETS])
    }
}

impl Times {
    fn add(&self, ms: Option<f64>) {
        let Some(ms) = ms.filter(|ms| ms.is_finite()) else { return };
        let at = EDGES.partition_point(|edge| *edge <= ms).min(BUCKETS - 1);
        self.0[at].fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> Vec<u64> {
        self.0.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }
}

/// The time, in milliseconds, that `share` of these are within; to 2 %.
fn quantile(counts: &[u64], share: f64) -> Option<f64> {
    let all: u64 = counts.iter().sum();
    let rank = (all as f64 * share).ceil().max(1.0);
    let mut below = 0;
    let at = counts.iter().position(|count| {
        below += count;
        all > 0 && below as f64 >= rank
    })?;
    Some(EDGES[at] / STEP.sqrt())
}

impl Tally {
    pub fn add(&self, timeline: &Timeline) {
        if timeline.sent_ns.is_none() {
            self.unsent.fetch_add(1, Ordering::Relaxed);
        }
        if !timeline.completed() {
            let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
            *failures.entry(name(&timeline.outcome)).or_default() += 1;
            return;
        }
        let ms = |ns: u64| ns as f64 / 1e6;
        let row = Row {
            ttft_ms: timeline.ttft_ns().map(ms),
            e2e_ms: timeline.e2e_ns().map(ms),
            output_tokens: timeline.output_tokens,
            hidden: timeline.counted.hidden,
            ok: true,
        };
        self.ttft.add(row.ttft_ms);
        self.tpot.add(row.tpot_ms());
        self.e2e.add(row.e2e_ms);
        let tokens = u64::from(row.output_tokens.unwrap_or_default());
        self.output_tokens.fetch_add(tokens, Ordering::Relaxed);
    }
}

fn name(outcome: &Outcome) -> String {
    match outcome {
        Outcome::HttpStatus(status) => format!("{} {status}", outcome.name()),
        _ => outcome.name().to_owned(),
    }
}

/// Reads a tally again and again: what came since the last time, and all of the round.
pub struct TallyReader<'a> {
    tally: &'a Tally,
    at_s: f64,
    done: u64,
    ttft: Vec<u64>,
    tpot: Vec<u64>,
    tokens: u64,
}

impl<'a> TallyReader<'a> {
    pub fn new(tally: &'a Tally) -> Self {
        let none = vec![0; BUCKETS];
        Self { tally, at_s: 0.0, done: 0, ttft: none.clone(), tpot: none, tokens: 0 }
    }

    /// `recent` is since the last time, what stands beside it is of the round. Medians are to 2 %,
    /// milliseconds; absent where no request has one.
    pub fn read(&mut self, elapsed_s: f64, sent: u64, done: u64) -> Value {
        let tally = self.tally;
        let (ttft, tpot, e2e) = (tally.ttft.read(), tally.tpot.read(), tally.e2e.read());
        let tokens = tally.output_tokens.load(Ordering::Relaxed);
        let unsent = tally.unsent.load(Ordering::Relaxed);
        let failures = tally.failures.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let newer = |now: &[u64], before: &[u64]| -> Vec<u64> {
            now.iter().zip(before).map(|(now, before)| now.saturating_sub(*before)).collect()
        };
        let seconds = (elapsed_s - self.at_s).max(0.001);
        let read = json!({
            "in_flight": (sent + unsent).saturating_sub(done),
            "output_tokens": tokens,
            "ttft_p50_ms": quantile(&ttft, 0.5),
            "ttft_p95_ms": quantile(&ttft, 0.95),
            "tpot_p50_ms": quantile(&tpot, 0.5),
            "e2e_p50_ms": quantile(&e2e, 0.5),
            "failures": failures,
            "recent": {
                "seconds": seconds,
                "ttft_p50_ms": quantile(&newer(&ttft, &self.ttft), 0.5),
                "tpot_p50_ms": quantile(&newer(&tpot, &self.tpot), 0.5),
                "requests_per_s": done.saturating_sub(self.done) as f64 / seconds,
                "output_tokens_per_s": tokens.saturating_sub(self.tokens) as f64 / seconds,
            },
        });
        (self.at_s, self.done, self.tokens) = (elapsed_s, done, tokens);
        (self.ttft, self.tpot) = (ttft, tpot);
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::OutputEvent;

    fn answered(ttft_ms: u64, tpot_ms: u64) -> Timeline {
        let at = |ms: u64| OutputEvent { at_ns: ms * 1_000_000 };
        Timeline {
            sent_ns: Some(0),
            outputs: vec![at(ttft_ms), at(ttft_ms + 10 * tpot_ms)],
            output_tokens: Some(11),
            outcome: Outcome::Completed,
            ..Timeline::planned(0, 0, false)
        }
    }

    fn near(value: &Value, wanted: f64) -> bool {
        value.as_f64().is_some_and(|value| (value / wanted - 1.0).abs() < 0.03)
    }

    #[test]
    fn it_tells_the_whole_round_and_what_is_new() {
        let tally = Tally::default();
        let mut reader = TallyReader::new(&tally);
        let empty = reader.read(0.5, 2, 0);
        assert_eq!((&empty["in_flight"], &empty["ttft_p50_ms"]), (&json!(2), &Value::Null));
        for _ in 0..9 {
            tally.add(&answered(100, 20));
        }
        assert!(near(&reader.read(1.0, 10, 9)["ttft_p95_ms"], 100.0));
        tally.add(&answered(900, 40));
        let all = reader.read(3.0, 12, 10);
        assert!(near(&all["ttft_p50_ms"], 100.0) && near(&all["tpot_p50_ms"], 20.0), "{all}");
        let recent = &all["recent"];
        assert!(near(&recent["ttft_p50_ms"], 900.0), "{all}");
        assert_eq!(recent["requests_per_s"], 0.5);
        assert_eq!(recent["output_tokens_per_s"], 5.5);
        assert_eq!((&all["in_flight"], &all["output_tokens"]), (&json!(2), &json!(110)));
    }

    #[test]
    fn a_failure_is_told_by_its_kind_and_never_by_what_a_server_said() {
        let tally = Tally::default();
        let refused = Timeline {
            sent_ns: Some(1),
            outcome: Outcome::HttpStatus(503),
            error: Some("key sk-secret is wrong".into()),
            ..Timeline::planned(0, 0, false)
        };
        tally.add(&refused);
        tally.add(&Timeline { outcome: Outcome::Connect, ..Timeline::planned(1, 0, false) });
        let read = TallyReader::new(&tally).read(1.0, 1, 2);
        assert_eq!(read["failures"], json!({"connect": 1, "http_status 503": 1}));
        assert_eq!(read["in_flight"], 0);
        assert!(!read.to_string().contains("secret"));
    }
}
