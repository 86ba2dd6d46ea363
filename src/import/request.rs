//! One request of a foreign file in this program's definitions, and many of them as the columns of
//! a round.
//!
//! Not here: what each tool's fields mean (one file per tool), or whether the round is fit to judge
//! (`measure::validity`).

use crate::measure::columns::{Columns, micros};
use crate::timeline::OutcomeKind;

/// Instants in nanoseconds of the tool's own clock, durations in nanoseconds from `start_ns`'s
/// instant. Absent is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// Open loop: the intended arrival, where the file says it; else the send.
    pub start_ns: Option<u64>,
    /// Wait for a slot of the client, included in the latencies.
    pub queue_ns: Option<u64>,
    pub send_lag_ns: Option<u64>,
    /// The client's own part of it.
    pub own_lag_ns: Option<u64>,
    pub ttft_ns: Option<u64>,
    /// Only where reasoning was seen.
    pub ttfa_ns: Option<u64>,
    pub e2e_ns: Option<u64>,
    /// When it was over, failed or not.
    pub end_ns: Option<u64>,
    /// Between output events, in their order; absent where the tool keeps none.
    pub gaps_ns: Option<Vec<u64>>,
    /// Output events.
    pub events: u32,
    pub input_tokens: Option<u32>,
    pub output_tokens: Option<u32>,
    pub cached_tokens: Option<u32>,
    pub outcome: Ending,
}

/// How a request ended, in the words of records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    #[default]
    Completed,
    Failed {
        outcome: OutcomeKind,
        example: String,
    },
}

/// An example in a record is a line, not a traceback.
const EXAMPLE_CHARS: usize = 200;

impl Ending {
    pub fn failed(outcome: OutcomeKind, example: &str) -> Self {
        Self::Failed { outcome, example: super::value::short(example, EXAMPLE_CHARS) }
    }

    /// From the words of a Python client: its last line is the exception, or the reason of a
    /// refusing status.
    pub fn from_words(words: &str) -> Self {
        let last = words
            .lines()
            .map(str::trim)
            .rfind(|l| !l.is_empty())
            .unwrap_or("failed without a word");
        let has = |any: &[&str]| any.iter().any(|w| words.contains(w));
        let outcome = if has(&["imeout", "imed out"]) {
            OutcomeKind::Timeout
        } else if has(&[
            "ConnectorError",
            "ConnectError",
            "Connection refused",
            "Cannot connect",
            "getaddrinfo",
        ]) {
            OutcomeKind::Connect
        } else if has(&[
            "PayloadError",
            "ServerDisconnected",
            "IncompleteRead",
            "RemoteProtocolError",
            "Connection reset",
        ]) {
            OutcomeKind::Truncated
        } else if has(&["Cancelled", "cancelled"]) {
            OutcomeKind::Cancelled
        } else if has(&["Traceback", "Never received", "Error(", "Exception("])
            && !has(&["HTTPStatusError"])
        {
            OutcomeKind::Malformed
        } else {
            OutcomeKind::HttpStatus
        };
        Self::failed(outcome, last)
    }

    pub fn kind(&self) -> OutcomeKind {
        match self {
            Self::Completed => OutcomeKind::Completed,
            Self::Failed { outcome, .. } => *outcome,
        }
    }
}

impl Request {
    /// A failure has no latency, whatever the tool wrote in its place (most write 0).
    pub fn failed(self, ending: Ending) -> Self {
        Self {
            ttft_ns: None,
            ttfa_ns: None,
            e2e_ns: None,
            gaps_ns: None,
            output_tokens: self.output_tokens.filter(|n| *n > 0),
            outcome: ending,
            ..self
        }
    }

    /// Completed only with what a completed request must have: a first token after more than no
    /// time, an end that is not before it, and not zero tokens.
    pub fn checked(self) -> Self {
        let why = match (self.ttft_ns, self.e2e_ns) {
            _ if self.outcome != Ending::Completed => return self.failed_already(),
            (None | Some(0), _) => "no time to first token, and no error: it brought no output",
            (_, None | Some(0)) => "no end",
            (Some(first), Some(last)) if first > last => "ended before its first output",
            _ if self.output_tokens == Some(0) => "completed without a token",
            _ => return self,
        };
        self.failed(Ending::failed(OutcomeKind::Malformed, why))
    }

    fn failed_already(self) -> Self {
        let ending = self.outcome.clone();
        self.failed(ending)
    }

    pub fn completed(&self) -> bool {
        self.outcome == Ending::Completed
    }

    /// When it was over, as far as that is known.
    pub fn end(&self) -> Option<u64> {
        self.end_ns.or_else(|| Some(self.start_ns? + self.e2e_ns?))
    }
}

/// A server that sends usage sends it at the end of each answer: one without it, among others with
/// it, was cut off.
pub fn cut_off_without_usage(requests: &mut [Request]) {
    if !requests.iter().any(|r| r.completed() && r.output_tokens.is_some()) {
        return;
    }
    for r in requests.iter_mut().filter(|r| r.completed() && r.output_tokens.is_none()) {
        *r = std::mem::take(r).failed(Ending::failed(
            OutcomeKind::Truncated,
            "no usage, which other answers have: it ended before its end",
        ));
    }
}

/// Instants from `began_ns` on.
pub fn columns(requests: &[Request], began_ns: u64) -> Columns {
    let mut c = Columns::with_capacity(requests.len());
    for r in requests {
        let us = |ns: Option<u64>| ns.map(micros);
        c.start_us.push(us(r.start_ns.map(|ns| ns.saturating_sub(began_ns))));
        c.queue_us.push(us(r.queue_ns));
        c.connect_us.push(None);
        c.send_lag_us.push(us(r.send_lag_ns));
        c.own_lag_us.push(us(r.own_lag_ns));
        c.ttft_us.push(us(r.ttft_ns));
        c.ttfa_us.push(us(r.ttfa_ns));
        // At least a microsecond: what came at once did not come in no time.
        c.e2e_us.push(us(r.e2e_ns).map(|us| us.max(1)));
        c.max_gap_us.push(us(r.gaps_ns.as_ref().and_then(|g| g.iter().copied().max())));
        c.events.push(r.events);
        c.input_tokens.push(r.input_tokens);
        c.output_tokens.push(r.output_tokens);
        c.cached_tokens.push(r.cached_tokens);
        c.outcome.push(r.outcome.kind());
    }
    c
}

/// Most requests in flight at once, from the send to the end; `None` where an instant of a
/// completed request is missing.
pub fn peak_in_flight(requests: &[Request]) -> Option<u32> {
    let mut changes: Vec<(u64, i32)> = Vec::new();
    for r in requests.iter().filter(|r| r.completed() || r.end_ns.is_some()) {
        let sent = r.start_ns? + r.queue_ns.or(r.send_lag_ns).unwrap_or(0);
        changes.extend([(sent, 1), (r.end()?.max(sent), -1)]);
    }
    // Ends before begins at the same instant: a slot is handed on.
    changes.sort_unstable();
    let (mut now, mut most) = (0_i32, 0_i32);
    for (_, change) in changes {
        now += change;
        most = most.max(now);
    }
    u32::try_from(most).ok()
}
