//! One request as it happened: when it was meant to go, when it went, when output came, how it
//! ended.
//!
//! Instants are nanoseconds of the monotonic clock. Metrics of one request (ttft, tpot, e2e...) are
//! functions of a `Timeline`; distributions over many are `measure`'s.

use serde::{Deserialize, Serialize};

/// How a request ended. The words are those of records and of `--raw`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The stream ended as its protocol promises, with output.
    Completed,
    /// The server answered with a status other than 200.
    HttpStatus(u16),
    /// The request's time limit passed before its end.
    Timeout,
    /// No connection (refused, DNS, TLS), or it was closed before a byte of the request was
    /// written.
    Connect,
    /// The request was written, and the connection was closed or reset before any byte of an
    /// answer.
    Dropped,
    /// The answer is not what the protocol promises: unparsable, an error object in a 200 stream,
    /// or complete without output.
    Malformed,
    /// The stream ended before the end that its protocol promises.
    Truncated,
    /// No byte arrived for longer than the stall limit.
    Stalled,
    /// Interrupted by us, or never sent.
    Cancelled,
}

/// An outcome without its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    Completed,
    HttpStatus,
    Timeout,
    Connect,
    Dropped,
    Malformed,
    Truncated,
    Stalled,
    Cancelled,
}

/// An event that brought output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputEvent {
    pub at_ns: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// Index in the round's plan, which has its id and its body.
    pub index: u32,
    /// Open loop: the planned instant. Closed loop: the instant at which its slot became free.
    pub intended_ns: u64,
    /// The worker took it up: what came before is the dispatcher's lateness.
    pub handed_ns: Option<u64>,
    /// A slot (`max_in_flight`) was free: what came before is the client's own queue.
    pub slot_ns: Option<u64>,
    pub sent_ns: Option<u64>,
    /// Time spent opening a connection for this request, where one had to be opened.
    pub connect_ns: Option<u64>,
    /// First byte of the response head.
    pub first_byte_ns: Option<u64>,
    /// First non-reasoning content, where reasoning was seen.
    pub first_answer_ns: Option<u64>,
    pub reasoning_seen: bool,
    /// Every output-bearing event; several in one read share an instant.
    pub outputs: Vec<OutputEvent>,
    pub end_ns: Option<u64>,
    pub input_tokens: Option<u32>,
    pub output_tokens: Option<u32>,
    pub cached_tokens: Option<u32>,
    pub finish_reason: Option<String>,
    /// Which model the answer said it is of: none, one, or the first and another.
    pub models: Vec<String>,
    pub outcome: Outcome,
    /// What went wrong, in the server's or the client's words; never a header or a key.
    pub error: Option<String>,
    /// Sent on a fresh connection, since an idle one was found closed before the request was
    /// written.
    pub retried: bool,
    /// Closed loop: `start` is the actual send.
    pub closed_loop: bool,
    /// All output, where its tokens are to be counted here.
    pub text: Option<String>,
    pub counted: Counted,
}

/// What is to be known of the token counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// The count is not the server's, but made here from the text.
    pub input: bool,
    /// The same of the output.
    pub output: bool,
    pub hidden: Hidden,
    pub doubt: Option<CountDoubt>,
}

/// Output tokens that the server counts and never sent: reasoning that it keeps to itself. They
/// took time before the first output, and none between outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hidden {
    #[default]
    Nothing,
    Tokens(u32),
    /// Some were not sent, and how many is not to be told.
    Unknown,
}

/// Why the server's counts of one answer are not to be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountDoubt {
    /// It counted no output token beside output. The count is left out.
    ZeroBesideOutput,
    /// Its total is not what its parts add up to.
    TotalDiffers,
    /// More events with output came than it counted output tokens. A count of less than half of
    /// them is left out.
    FewerThanEvents,
}

impl Hidden {
    /// Of so many output tokens, those that were sent. `None` where that is not known.
    pub fn sent_of(self, tokens: u32) -> Option<u32> {
        match self {
            Self::Nothing => Some(tokens),
            Self::Tokens(hidden) => tokens.checked_sub(hidden),
            Self::Unknown => None,
        }
    }
}

impl Outcome {
    pub const fn kind(&self) -> OutcomeKind {
        match self {
            Self::Completed => OutcomeKind::Completed,
            Self::HttpStatus(_) => OutcomeKind::HttpStatus,
            Self::Timeout => OutcomeKind::Timeout,
            Self::Connect => OutcomeKind::Connect,
            Self::Dropped => OutcomeKind::Dropped,
            Self::Malformed => OutcomeKind::Malformed,
            Self::Truncated => OutcomeKind::Truncated,
            Self::Stalled => OutcomeKind::Stalled,
            Self::Cancelled => OutcomeKind::Cancelled,
        }
    }

    pub const fn name(&self) -> &'static str {
        self.kind().name()
    }
}

impl OutcomeKind {
    pub const ALL: [Self; 9] = [
        Self::Completed,
        Self::HttpStatus,
        Self::Timeout,
        Self::Connect,
        Self::Dropped,
        Self::Malformed,
        Self::Truncated,
        Self::Stalled,
        Self::Cancelled,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::HttpStatus => "http_status",
            Self::Timeout => "timeout",
            Self::Connect => "connect",
            Self::Dropped => "dropped",
            Self::Malformed => "malformed",
            Self::Truncated => "truncated",
            Self::Stalled => "stalled",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Timeline {
    /// Of a request of which nothing has happened yet. Cancelled, until something else is known.
    pub const fn planned(index: u32, intended_ns: u64, closed_loop: bool) -> Self {
        Self {
            index,
            intended_ns,
            handed_ns: None,
            slot_ns: None,
            sent_ns: None,
            connect_ns: None,
            first_byte_ns: None,
            first_answer_ns: None,
            reasoning_seen: false,
            outputs: Vec::new(),
            end_ns: None,
            input_tokens: None,
            output_tokens: None,
            cached_tokens: None,
            finish_reason: None,
            models: Vec::new(),
            outcome: Outcome::Cancelled,
            error: None,
            retried: false,
            closed_loop,
            text: None,
            counted: Counted { input: false, output: false, hidden: Hidden::Nothing, doubt: None },
        }
    }

    pub fn completed(&self) -> bool {
        self.outcome == Outcome::Completed
    }

    /// The instant from which latency counts: intended arrival in open loop, actual send in closed
    /// loop.
    pub fn start_ns(&self) -> Option<u64> {
        if self.closed_loop { self.sent_ns } else { Some(self.intended_ns) }
    }

    pub fn ttft_ns(&self) -> Option<u64> {
        Some(self.outputs.first()?.at_ns.saturating_sub(self.start_ns()?))
    }

    /// Only where reasoning was seen: elsewhere it would be TTFT under another name.
    pub fn ttfa_ns(&self) -> Option<u64> {
        if !self.reasoning_seen {
            return None;
        }
        Some(self.first_answer_ns?.saturating_sub(self.start_ns()?))
    }

    pub fn e2e_ns(&self) -> Option<u64> {
        Some(self.outputs.last()?.at_ns.saturating_sub(self.start_ns()?))
    }

    pub fn send_lag_ns(&self) -> Option<u64> {
        Some(self.sent_ns?.saturating_sub(self.intended_ns))
    }

    /// From the intended send time until a slot was free: the client's own queue, which latency
    /// includes.
    pub fn queue_ns(&self) -> Option<u64> {
        Some(self.slot_ns?.saturating_sub(self.intended_ns))
    }

    /// The part of the send lag that is the client's fault: not waiting for a slot (asked for), not
    /// connecting (the server's).
    pub fn own_lag_ns(&self) -> Option<u64> {
        let dispatch = self.handed_ns?.saturating_sub(self.intended_ns);
        let send = self
            .sent_ns?
            .saturating_sub(self.slot_ns?)
            .saturating_sub(self.connect_ns.unwrap_or(0));
        Some(dispatch + send)
    }

    /// Gaps between consecutive output-bearing events.
    pub fn chunk_gaps_ns(&self) -> impl Iterator<Item = u64> + '_ {
        self.outputs.windows(2).map(|w| w[1].at_ns.saturating_sub(w[0].at_ns))
    }
}

/// Fails the answers that ended without a finish reason where the server gives reasons: those were
/// cut, whatever else ended them. `gives_reasons`: it gave some before. Returns whether it gives
/// reasons.
pub fn fail_without_reason(timelines: &mut [Timeline], gives_reasons: bool) -> bool {
    let given =
        gives_reasons || timelines.iter().any(|t| t.completed() && t.finish_reason.is_some());
    for t in timelines.iter_mut().filter(|t| given && t.completed() && t.finish_reason.is_none()) {
        t.outcome = Outcome::Truncated;
        t.error =
            Some("ended without a finish reason, which other answers of this server have".into());
    }
    given
}

#[cfg(test)]
mod tests;
