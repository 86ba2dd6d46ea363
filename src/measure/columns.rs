//! A round as columns of integers, one entry per scheduled request: what records store, and what
//! every metric is computed from.
//!
//! Whole microseconds, so that a stored round gives the same numbers as the live one. Not here:
//! statistics.

use serde::{Deserialize, Serialize};

use super::column::Column;
use super::{Round, Row};
use crate::timeline::{Hidden, OutcomeKind, Timeline};

/// Times in microseconds; instants from the round's begin, durations from the request's start.
/// Absent is null.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    /// Start of the request: intended arrival in open loop, actual send in closed loop.
    pub start_us: Column<u64>,
    /// Intended send time to a free slot.
    pub queue_us: Column<u64>,
    /// Opening a connection, where this request had to.
    pub connect_us: Column<u64>,
    /// Actual minus intended send time.
    pub send_lag_us: Column<u64>,
    /// The part of the send lag that is the client's own.
    pub own_lag_us: Column<u64>,
    /// Start to first output event.
    pub ttft_us: Column<u64>,
    /// Start to first non-reasoning content, where reasoning was seen.
    pub ttfa_us: Column<u64>,
    /// Start to last output event.
    pub e2e_us: Column<u64>,
    /// Largest gap between two output events.
    pub max_gap_us: Column<u64>,
    /// Output-bearing events.
    pub events: Vec<u32>,
    /// The server's count.
    pub input_tokens: Column<u32>,
    /// The server's count.
    pub output_tokens: Column<u32>,
    /// The server's count of prompt tokens found in its prefix cache.
    pub cached_tokens: Column<u32>,
    /// Of the output tokens, those that were counted and never sent (hidden reasoning); null where
    /// nobody knows how many. Empty where nothing was hidden.
    #[serde(default, skip_serializing_if = "Column::is_empty")]
    pub hidden_tokens: Column<u32>,
    /// One of: completed, `http_status`, timeout, connect, dropped, malformed, truncated, stalled,
    /// cancelled.
    #[schemars(with = "Vec<String>")]
    pub outcome: Vec<OutcomeKind>,
}

/// What else a round needs to become metrics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Context {
    pub start: u32,
    pub seed: u64,
    pub order: u32,
    pub ramp: usize,
    pub open_loop: bool,
    /// A whole answer at once: its end is its first and last output.
    pub streaming: bool,
    pub duration_us: u64,
    pub chunk_gap_p99_ms: Option<f64>,
}

impl Context {
    pub fn seconds(&self) -> f64 {
        self.duration_us as f64 / 1e6
    }
}

impl Columns {
    /// `began_ns` is the round's zero. Only completed requests have latencies.
    pub fn from_timelines(timelines: &[Timeline], began_ns: u64) -> Self {
        let mut c = Self::with_capacity(timelines.len());
        let hides = timelines.iter().any(|t| t.counted.hidden != Hidden::Nothing);
        for t in timelines {
            let done = t.completed();
            let timing = |ns: Option<u64>| ns.filter(|_| done).map(micros);
            c.start_us.push(t.start_ns().map(|ns| micros(ns.saturating_sub(began_ns))));
            c.queue_us.push(t.queue_ns().map(micros));
            c.connect_us.push(t.connect_ns.map(micros));
            c.send_lag_us.push(t.send_lag_ns().map(micros));
            c.own_lag_us.push(t.own_lag_ns().map(micros));
            c.ttft_us.push(timing(t.ttft_ns()));
            c.ttfa_us.push(timing(t.ttfa_ns()));
            c.e2e_us.push(timing(t.e2e_ns()));
            c.max_gap_us.push(timing(t.chunk_gaps_ns().max()));
            c.events.push(u32::try_from(t.outputs.len()).unwrap_or(u32::MAX));
            c.input_tokens.push(t.input_tokens);
            c.output_tokens.push(t.output_tokens);
            c.cached_tokens.push(t.cached_tokens);
            if hides {
                c.hidden_tokens.push(match t.counted.hidden {
                    Hidden::Nothing => Some(0),
                    Hidden::Tokens(hidden) => Some(hidden),
                    Hidden::Unknown => None,
                });
            }
            c.outcome.push(t.outcome.kind());
        }
        c
    }

    /// Without requests, and with room for `n`.
    pub fn with_capacity(n: usize) -> Self {
        let times = || Column::with_capacity(n);
        let counts = || Column::with_capacity(n);
        Self {
            start_us: times(),
            queue_us: times(),
            connect_us: times(),
            send_lag_us: times(),
            own_lag_us: times(),
            ttft_us: times(),
            ttfa_us: times(),
            e2e_us: times(),
            max_gap_us: times(),
            events: Vec::with_capacity(n),
            input_tokens: counts(),
            output_tokens: counts(),
            cached_tokens: counts(),
            hidden_tokens: Column::default(),
            outcome: Vec::with_capacity(n),
        }
    }

    pub fn len(&self) -> usize {
        self.outcome.len()
    }

    /// Completed as the protocol promises, with output. An answer of no tokens is a failure,
    /// whatever else came (docs/METRICS.md#one-request); so is one without times, which only a
    /// record from outside can hold.
    pub fn ok(&self, i: usize) -> bool {
        let timed = self.ttft_us.at(i).is_some() && self.e2e_us.at(i).is_some();
        self.outcome[i] == OutcomeKind::Completed && timed && self.output_tokens.at(i) != Some(0)
    }

    pub fn completed(&self) -> usize {
        (0..self.len()).filter(|&i| self.ok(i)).count()
    }

    /// Output tokens of request `i` that the server counts and never sent.
    pub fn hidden(&self, i: usize) -> Hidden {
        if self.hidden_tokens.is_empty() {
            return Hidden::Nothing;
        }
        match self.hidden_tokens.at(i) {
            Some(0) => Hidden::Nothing,
            Some(hidden) => Hidden::Tokens(hidden),
            None => Hidden::Unknown,
        }
    }

    /// Output tokens of request `i` that came: those that TPOT is over.
    pub fn sent_tokens(&self, i: usize) -> Option<u32> {
        self.hidden(i).sent_of(self.output_tokens.at(i)?)
    }

    /// Every column has one entry per request. A record from outside may lie about that.
    pub fn is_rectangular(&self) -> bool {
        let n = self.len();
        let counts = [&self.input_tokens, &self.output_tokens, &self.cached_tokens];
        self.times().iter().all(|c| c.len() == n)
            && counts.iter().all(|c| c.len() == n)
            && (self.hidden_tokens.is_empty() || self.hidden_tokens.len() == n)
            && self.events.len() == n
    }

    /// Every column of instants or durations.
    pub fn times(&self) -> [&Column<u64>; 9] {
        [
            &self.start_us,
            &self.queue_us,
            &self.connect_us,
            &self.send_lag_us,
            &self.own_lag_us,
            &self.ttft_us,
            &self.ttfa_us,
            &self.e2e_us,
            &self.max_gap_us,
        ]
    }

    /// What metrics need of request `i`. An answer that is not streamed has no TTFT of its own.
    pub fn row(&self, i: usize, streaming: bool) -> Row {
        Row {
            ttft_ms: self.ttft_us.at(i).filter(|_| streaming).map(millis),
            e2e_ms: self.e2e_us.at(i).map(millis),
            output_tokens: self.output_tokens.at(i),
            hidden: self.hidden(i),
            ok: self.ok(i),
        }
    }

    /// The round that metrics and judged values are computed from.
    pub fn to_round(&self, context: &Context) -> Round {
        Round {
            start: context.start,
            seed: context.seed,
            order: context.order,
            seconds: context.seconds(),
            ramp: context.ramp,
            chunk_gap_p99_ms: context.chunk_gap_p99_ms,
            open_loop: context.open_loop,
            rows: (0..self.len()).map(|i| self.row(i, context.streaming)).collect(),
        }
    }
}

pub const fn micros(ns: u64) -> u64 {
    // Rounded, not cut: a cut shifts every mean by half a microsecond.
    (ns + 500) / 1000
}

pub fn millis(us: u64) -> f64 {
    us as f64 / 1000.0
}
