//! Is this round fit to be judged? Checks that need no GPU. Validity comes before statistics.
//!
//! An invalid round is never a pass: the run exits 3, says why, and what to do.

use serde::{Deserialize, Serialize};

use super::collect::Values;
use super::column::Column;
use super::columns::{Columns, Context, millis};
use super::seen::{CountSeen, Seen};
use super::stats;
use crate::metric::{Metric, Stat, Timing};
use crate::timeline::{CountDoubt, Hidden, OutcomeKind};

/// What the client says of itself over a round. Absent where another tool measured and does not
/// say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientHealth {
    /// How late the client's event loops came round, 99th percentile, milliseconds.
    pub loop_lag_p99_ms: Option<f64>,
    /// CPU time over elapsed time of the busiest worker thread, 0 to 1.
    pub busiest_worker_ratio: Option<f64>,
    /// CPU time of the client, milliseconds.
    pub cpu_ms: Option<f64>,
    /// Client's own part of the send lag, 99th percentile, milliseconds.
    pub own_lag_p99_ms: Option<f64>,
    pub connections_opened: Option<u64>,
    /// Requests that found an idle connection closed before they were written, and went on a fresh
    /// one.
    pub retries: Option<u64>,
    /// Connections closed since the server had sent more than its answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unasked: Option<u64>,
}

/// A finding on the measurement itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    pub severity: Severity,
    /// Stable word: `send_lag`, `client_cpu`, `loop_lag`, `offered_rate`, `saturated`, `no_success`,
    /// `output_tokens`, `failures`, `glued_tokens`, `hidden_tokens`, `zero_tokens`, `token_totals`,
    /// `few_tokens`, `no_usage`, `retries`, `unasked`, `open_files`, `standstill`, `other_gate`
    /// (docs/CI.md); `shard_missing`, `shard_ended`, `shard_start`, `shard_clock`, `shard_date`
    /// (docs/CLUSTER.md); `server_ended`; `server_restarted`, `other_client`, `server_metrics`
    /// (docs/SERVER-METRICS.md); of the GPU: `gpu_throttle`, `gpu_foreign_process`, `gpu_clock`,
    /// `gpu_ecc`, `gpu_lost`, `gpu_unwatched`; `imported`: what was refused of another tool's
    /// result, or could not be checked.
    pub check: String,
    /// What was seen, against which bound, and what to do.
    pub message: String,
    /// The message, typed; absent in older records, and where it is another's text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
}

impl Finding {
    pub fn new(severity: Severity, check: &str, seen: impl Into<Seen>) -> Self {
        let seen = seen.into();
        Self { severity, check: check.into(), message: seen.to_string(), seen: Some(seen) }
    }

    /// Of another's text.
    pub fn text(severity: Severity, check: &str, message: String) -> Self {
        Self { severity, check: check.into(), message, seen: None }
    }

    /// Says the same of another round, if with other numbers.
    pub fn is_alike(&self, other: &Self) -> bool {
        let kinds = self.typed().zip(other.typed());
        let alike = kinds.map_or(self.message == other.message, |(a, b)| a.is_alike(b));
        self.check == other.check && self.severity == other.severity && alike
    }

    /// What the message says, where it says that.
    pub fn typed(&self) -> Option<&Seen> {
        self.seen.as_ref().filter(|seen| seen.to_string() == self.message)
    }
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Note,
    /// What was measured is right, and is of a server that could not take the load: it may fail,
    /// and never passes.
    Saturated,
    Invalid,
}

/// What was asked of the server, as far as validity depends on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AskedLength {
    /// Mean over the completed requests.
    pub output_tokens: Option<f64>,
    /// The server accepted `ignore_eos` or `min_tokens`: the length must be what was asked.
    pub length_forced: bool,
}

/// Findings on a GPU (`evidence::gpu`) that pass as disturbances of the client's machine do.
pub const GPU_THROTTLE: &str = "gpu_throttle";
pub const GPU_FOREIGN_PROCESS: &str = "gpu_foreign_process";
pub const GPU_CLOCK: &str = "gpu_clock";

/// Findings of the client's machine alone: a round that has one, and nothing of the server's, is
/// measured again (`record::again`).
pub const CLIENT: [&str; 5] = ["send_lag", "loop_lag", "client_cpu", OFFERED_RATE, STANDSTILL];

/// Findings that a passing disturbance of the client's or the server's machine causes. A start is
/// reduced to the median of its rounds, so one such round of three is survived; from half of a
/// start's rounds on it is not.
pub const PASSING: [&str; 8] = [
    "send_lag",
    "loop_lag",
    "client_cpu",
    OFFERED_RATE,
    STANDSTILL,
    GPU_THROTTLE,
    GPU_FOREIGN_PROCESS,
    GPU_CLOCK,
];

/// Fewer requests per second were sent than planned.
pub const OFFERED_RATE: &str = "offered_rate";
/// The same, while the server had all that it was allowed and the client was idle.
pub const SATURATED: &str = "saturated";
/// The client stood still: stopped, or frozen with its machine.
pub const STANDSTILL: &str = "standstill";
/// Other gates measured on this machine at the same time.
pub const OTHER_GATE: &str = "other_gate";

/// The server that the gate had started ended by itself.
pub const SERVER_ENDED: &str = "server_ended";

/// Share of the median TTFT that the client's own send lag may reach; from a fifth of it on it is
/// noted.
const LAG_SHARE: f64 = 0.05;
const LAG_NOTE_SHARE: f64 = 0.01;
/// Below this the send lag says nothing, whatever the TTFT.
const LAG_FLOOR_MS: f64 = 2.0;
/// An event loop that comes round later than this (and than a tenth of the median TTFT) stamps
/// reads too late.
const LOOP_LAG_MS: f64 = 10.0;
const LOOP_LAG_SHARE: f64 = 0.10;
/// A worker thread busier than this has no time left to be punctual.
const BUSY: f64 = 0.90;
/// Of the lateness of all sends, so much at least was waiting for the server to free a slot where
/// the server is what was late.
const SLOT_SHARE: f64 = 0.9;
/// Sends may fall short of the offered rate by this.
const RATE_SHORTFALL: f64 = 0.01;
/// Failures beyond this share are noted, whatever else judges them.
const NOTED_FAILURES: f64 = 0.01;
/// More tokens per event than this (mean) are noted.
const GLUED_TOKENS: f64 = 2.0;
/// Mean output length may differ from the asked one by this where the server was told to keep it.
const LENGTH_TOLERANCE: f64 = 0.01;

/// All findings of a round, worst first.
pub fn findings(
    columns: &Columns,
    context: &Context,
    values: &Values,
    health: &ClientHealth,
    asked: AskedLength,
) -> Vec<Finding> {
    if columns.completed() == 0 {
        return vec![invalid("no_success", no_success(columns))];
    }
    let median_ms = values
        .get(&Metric::Timing(Timing::Ttft, Stat::P50))
        .or_else(|| values.get(&Metric::Timing(Timing::Ttft, Stat::Mean)))
        .or_else(|| values.get(&Metric::Timing(Timing::E2e, Stat::Mean)))
        .copied();
    let (late, busy) = (lag(health, median_ms), busy(health, median_ms));
    let fine =
        |found: &Option<Finding>| found.as_ref().is_none_or(|f| f.severity != Severity::Invalid);
    let idle = health.own_lag_p99_ms.is_some()
        && health.busiest_worker_ratio.is_some()
        && [&late, &busy].into_iter().all(fine);
    let mut all: Vec<Finding> = [
        late,
        busy,
        offered(columns, context, values, idle),
        lengths(columns, asked),
        usage(columns),
        failures(columns),
        glued(columns, context),
        hidden(columns),
        retries(health),
        unasked(health),
    ]
    .into_iter()
    .flatten()
    .collect();
    all.sort_by_key(|f| std::cmp::Reverse(f.severity));
    all
}

/// 99th percentile of the client's own send lag.
pub fn own_lag_p99_ms(columns: &Columns) -> Option<f64> {
    let mut lags: Vec<f64> = columns.own_lag_us.iter().flatten().map(millis).collect();
    lags.sort_unstable_by(f64::total_cmp);
    stats::percentile_of_sorted(&lags, 0.99)
}

fn no_success(columns: &Columns) -> Seen {
    let n = columns.len();
    let empty = (0..n)
        .filter(|&i| {
            columns.outcome[i] == OutcomeKind::Completed && columns.output_tokens.at(i) == Some(0)
        })
        .count();
    Seen::NoneCompleted { requests: n as u64, empty: empty as u64 }
}

fn lag(health: &ClientHealth, median_ms: Option<f64>) -> Option<Finding> {
    let p99 = health.own_lag_p99_ms?;
    // Where most requests failed there is no median: then only the floor excuses a lag.
    let median_ms = median_ms.unwrap_or(0.0);
    let bound = LAG_FLOOR_MS.max(LAG_SHARE * median_ms);
    if p99 > bound {
        return Some(invalid("send_lag", Seen::ClientLate { p99_ms: p99, bound_ms: bound }));
    }
    (p99 > LAG_NOTE_SHARE * median_ms && p99 > LAG_FLOOR_MS / 2.0)
        .then(|| note("send_lag", Seen::ClientNearlyLate { p99_ms: p99 }))
}

fn busy(health: &ClientHealth, median_ms: Option<f64>) -> Option<Finding> {
    if let Some(ratio) = health.busiest_worker_ratio.filter(|ratio| *ratio > BUSY) {
        return Some(invalid("client_cpu", Seen::ClientBusy { busy: ratio, bound: BUSY }));
    }
    let bound = LOOP_LAG_MS.max(LOOP_LAG_SHARE * median_ms.unwrap_or(0.0));
    let late = health.loop_lag_p99_ms.filter(|lag| *lag > bound);
    late.map(|p99_ms| invalid("loop_lag", Seen::LoopLate { p99_ms, bound_ms: bound }))
}

/// `idle`: the client is known to have been in time.
fn offered(columns: &Columns, context: &Context, values: &Values, idle: bool) -> Option<Finding> {
    let (&asked, &sent) = (values.get(&Metric::OfferedRate)?, values.get(&Metric::AchievedRate)?);
    if !context.open_loop || sent >= asked * (1.0 - RATE_SHORTFALL) {
        return None;
    }
    Some(match values.get(&Metric::RequestRate) {
        Some(&reached) if idle && waited_for_slots(columns) => {
            Finding::new(Severity::Saturated, SATURATED, Seen::Saturated { asked, sent, reached })
        }
        _ => invalid(OFFERED_RATE, Seen::RateMissed { asked, sent }),
    })
}

/// Whether requests were late since the server kept all slots of `max_in_flight`, and not since the
/// client handed them out late or connections took long.
fn waited_for_slots(columns: &Columns) -> bool {
    let sum = |column: &Column<u64>| column.iter().flatten().map(millis).sum::<f64>();
    let own = sum(&columns.own_lag_us);
    sum(&columns.queue_us) - own >= SLOT_SHARE * sum(&columns.send_lag_us)
}

fn lengths(columns: &Columns, asked: AskedLength) -> Option<Finding> {
    if !asked.length_forced {
        return None;
    }
    let (mean, wanted) =
        (mean_tokens(columns, |i| columns.output_tokens.at(i))?, asked.output_tokens?);
    let off = (mean / wanted - 1.0).abs();
    (off > LENGTH_TOLERANCE)
        .then(|| invalid("output_tokens", Seen::LengthMissed { asked: wanted, got: mean }))
}

/// Mean token count over completed requests; `None` where one of them has none.
pub fn mean_tokens(columns: &Columns, count: impl Fn(usize) -> Option<u32>) -> Option<f64> {
    let done: Option<Vec<f64>> =
        (0..columns.len()).filter(|&i| columns.ok(i)).map(|i| count(i).map(f64::from)).collect();
    stats::mean(&done?)
}

fn usage(columns: &Columns) -> Option<Finding> {
    let missing = (0..columns.len())
        .filter(|&i| columns.ok(i) && columns.output_tokens.at(i).is_none())
        .count();
    (missing > 0).then(|| note("no_usage", CountSeen::NoTokenCounts { answers: missing as u64 }))
}

/// `run` judges no limit: there this is what says so.
fn failures(columns: &Columns) -> Option<Finding> {
    let (all, failed) = (columns.len(), columns.len() - columns.completed());
    (failed as f64 > NOTED_FAILURES * all as f64).then(|| {
        note("failures", Seen::RequestsFailed { failed: failed as u64, requests: all as u64 })
    })
}

/// Many tokens in each event: TPOT averages over them, and a chunk gap is not a token's gap.
fn glued(columns: &Columns, context: &Context) -> Option<Finding> {
    let tokens = mean_tokens(columns, |i| columns.sent_tokens(i)).filter(|_| context.streaming)?;
    let counts: Vec<f64> = (0..columns.len())
        .filter(|&i| columns.ok(i))
        .map(|i| f64::from(columns.events[i]))
        .collect();
    let events = stats::mean(&counts)?;
    (tokens > events * GLUED_TOKENS)
        .then(|| note("glued_tokens", CountSeen::TokensInBursts { tokens, events }))
}

/// Reasoning that a server keeps to itself.
fn hidden(columns: &Columns) -> Option<Finding> {
    let hide = (0..columns.len())
        .filter(|&i| columns.ok(i) && columns.hidden(i) != Hidden::Nothing)
        .count();
    (hide > 0).then(|| note("hidden_tokens", CountSeen::HiddenTokens { answers: hide as u64 }))
}

/// What is wrong with the server's counts, each with the number of completed answers.
pub fn count_doubts(doubts: &[CountDoubt]) -> Vec<Finding> {
    let all = [CountDoubt::ZeroBesideOutput, CountDoubt::TotalDiffers, CountDoubt::FewerThanEvents];
    let counted = all.map(|doubt| (doubt, doubts.iter().filter(|d| **d == doubt).count()));
    let finding = |(doubt, n): (CountDoubt, usize)| {
        let answers = n as u64;
        match doubt {
            CountDoubt::ZeroBesideOutput => note("zero_tokens", CountSeen::ZeroTokens { answers }),
            CountDoubt::TotalDiffers => note("token_totals", CountSeen::TotalsDiffer { answers }),
            CountDoubt::FewerThanEvents => {
                note("few_tokens", CountSeen::FewerTokensThanEvents { answers })
            }
        }
    };
    counted.into_iter().filter(|(_, n)| *n > 0).map(finding).collect()
}

fn retries(health: &ClientHealth) -> Option<Finding> {
    health
        .retries
        .filter(|n| *n > 0)
        .map(|requests| note("retries", Seen::ConnectionsReopened { requests }))
}

fn unasked(health: &ClientHealth) -> Option<Finding> {
    health
        .unasked
        .filter(|n| *n > 0)
        .map(|connections| note("unasked", Seen::BytesBeyondAnswers { connections }))
}

fn invalid(check: &str, seen: impl Into<Seen>) -> Finding {
    Finding::new(Severity::Invalid, check, seen)
}

fn note(check: &str, seen: impl Into<Seen>) -> Finding {
    Finding::new(Severity::Note, check, seen)
}

#[cfg(test)]
mod tests;
