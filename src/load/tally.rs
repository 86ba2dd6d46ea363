//! What a live view shows of a round as it goes on: how long answers take, tokens, what fails. One
//! step per request that ends, and only where a program has asked for it.
//!
//! Not here: anything that is measured or judged, which is of timelines once the round has ended.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::measure::Row;
use crate::timeline::{Outcome, Timeline};

/// One hour, in microseconds: longer times are told as this.
const MAX_US: u64 = 3_600_000_000;
/// Significant digits: small enough to be read between two requests.
const DIGITS: u8 = 2;

/// Of the requests of a round that have ended.
#[derive(Default)]
pub struct Tally(Mutex<Ended>);

#[derive(Default)]
struct Ended {
    round: Answers,
    /// Since the last look.
    recent: Answers,
    /// Ended without being sent.
    unsent: u64,
    /// By how they ended. Never what a server said, which may hold a secret.
    failures: BTreeMap<String, u64>,
    last_look: Look,
}

#[derive(Clone, Copy, Default)]
struct Look {
    elapsed_s: f64,
    done: u64,
}

/// Of requests that completed.
#[derive(Default)]
struct Answers {
    ttft: Times,
    tpot: Times,
    e2e: Times,
    output_tokens: u64,
    /// Answers whose tokens nobody counted: then the sum is none.
    uncounted: u64,
}

struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, MAX_US, DIGITS).expect("these bounds are valid"))
    }
}

impl Times {
    fn add(&mut self, ms: Option<f64>) {
        if let Some(ms) = ms.filter(|ms| ms.is_finite()) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a float beyond the range becomes its end"
            )]
            self.0.saturating_record(((ms * 1000.0).round() as u64).max(1));
        }
    }

    /// The time, in milliseconds, that `share` of these are within; to 1 %. None of none.
    fn quantile_ms(&self, share: f64) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.value_at_quantile(share) as f64 / 1000.0)
    }
}

impl Answers {
    fn add(&mut self, row: &Row) {
        self.ttft.add(row.ttft_ms);
        self.tpot.add(row.tpot_ms());
        self.e2e.add(row.e2e_ms);
        match row.output_tokens {
            Some(tokens) => self.output_tokens += u64::from(tokens),
            None => self.uncounted += 1,
        }
    }

    fn tokens(&self) -> Option<u64> {
        (self.uncounted == 0).then_some(self.output_tokens)
    }
}

impl Tally {
    pub fn add(&self, timeline: &Timeline) {
        let mut ended = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ended.unsent += u64::from(timeline.sent_ns.is_none());
        if !timeline.completed() {
            *ended.failures.entry(name(&timeline.outcome)).or_default() += 1;
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
        ended.round.add(&row);
        ended.recent.add(&row);
    }

    /// `recent` is since the last look, what stands beside it is of the round. Times are to 1 %,
    /// milliseconds; absent where no request has one.
    pub fn look(&self, elapsed_s: f64, sent: u64, done: u64) -> Value {
        let mut ended = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = std::mem::take(&mut ended.recent);
        let last = std::mem::replace(&mut ended.last_look, Look { elapsed_s, done });
        let seconds = (elapsed_s - last.elapsed_s).max(0.001);
        let round = &ended.round;
        json!({
            "in_flight": (sent + ended.unsent).saturating_sub(done),
            "output_tokens": round.tokens(),
            "ttft_p50_ms": round.ttft.quantile_ms(0.5),
            "ttft_p95_ms": round.ttft.quantile_ms(0.95),
            "tpot_p50_ms": round.tpot.quantile_ms(0.5),
            "e2e_p50_ms": round.e2e.quantile_ms(0.5),
            "failures": ended.failures,
            "recent": {
                "seconds": seconds,
                "ttft_p50_ms": recent.ttft.quantile_ms(0.5),
                "tpot_p50_ms": recent.tpot.quantile_ms(0.5),
                "requests_per_s": done.saturating_sub(last.done) as f64 / seconds,
                "output_tokens_per_s": recent.tokens().map(|all| all as f64 / seconds),
            },
        })
    }
}

fn name(outcome: &Outcome) -> String {
    match outcome {
        Outcome::HttpStatus(status) => format!("{} {status}", outcome.name()),
        _ => outcome.name().to_owned(),
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
        let empty = tally.look(0.5, 2, 0);
        assert_eq!((&empty["in_flight"], &empty["ttft_p50_ms"]), (&json!(2), &Value::Null));
        for _ in 0..9 {
            tally.add(&answered(100, 20));
        }
        assert!(near(&tally.look(1.0, 10, 9)["ttft_p95_ms"], 100.0));
        tally.add(&answered(900, 40));
        let all = tally.look(3.0, 12, 10);
        assert!(near(&all["ttft_p50_ms"], 100.0) && near(&all["tpot_p50_ms"], 20.0), "{all}");
        let recent = &all["recent"];
        assert!(near(&recent["ttft_p50_ms"], 900.0), "{all}");
        assert_eq!(recent["requests_per_s"], 0.5);
        assert_eq!(recent["output_tokens_per_s"], 5.5);
        assert_eq!((&all["in_flight"], &all["output_tokens"]), (&json!(2), &json!(110)));
        tally.add(&Timeline { output_tokens: None, ..answered(100, 20) });
        let uncounted = tally.look(4.0, 12, 11);
        assert_eq!(uncounted["output_tokens"], Value::Null);
        assert_eq!(uncounted["recent"]["output_tokens_per_s"], Value::Null);
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
        let read = tally.look(1.0, 1, 2);
        assert_eq!(read["failures"], json!({"connect": 1, "http_status 503": 1}));
        assert_eq!(read["in_flight"], 0);
        assert!(!read.to_string().contains("secret"));
    }
}
