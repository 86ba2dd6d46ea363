//! What is found of a measurement, typed, with its numbers: was the client punctual, did the server
//! do what was asked, was anybody else there?
//!
//! `Display` is the English. Not here: when it is found (`validity`, `evidence::server`), other
//! languages (`report::say`).

pub mod gpu;
pub mod shard;

use std::fmt;
use std::mem::discriminant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use gpu::GpuSeen;
use shard::ShardSeen;

/// Times in milliseconds, shares from 0 to 1, rates per second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Seen {
    /// `empty`: ended well, and count 0 output tokens.
    NoneCompleted {
        requests: u64,
        empty: u64,
    },
    ClientLate {
        p99_ms: f64,
        bound_ms: f64,
    },
    ClientNearlyLate {
        p99_ms: f64,
    },
    ClientBusy {
        busy: f64,
        bound: f64,
    },
    LoopLate {
        p99_ms: f64,
        bound_ms: f64,
    },
    RateMissed {
        asked: f64,
        sent: f64,
    },
    /// Requests per second: asked for, sent as slots came free, and completed.
    Saturated {
        asked: f64,
        sent: f64,
        reached: f64,
    },
    LengthMissed {
        asked: f64,
        got: f64,
    },
    RequestsFailed {
        failed: u64,
        requests: u64,
    },
    ConnectionsReopened {
        requests: u64,
    },
    BytesBeyondAnswers {
        connections: u64,
    },
    TooManyConnections {
        requests: u64,
        most: u64,
    },
    ClientStoodStill,
    /// A round after so many seconds of idling, against the others of its start: a share.
    SlowAfterIdling {
        idle_s: f64,
        slower: f64,
    },
    OtherGates {
        gates: Vec<String>,
    },
    #[serde(untagged)]
    Counts(CountSeen),
    #[serde(untagged)]
    Server(ServerSeen),
    #[serde(untagged)]
    Gpu(GpuSeen),
    #[serde(untagged)]
    Shard(ShardSeen),
}

/// Of the token counts that the server reports; `answers` is how many.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum CountSeen {
    NoTokenCounts {
        answers: u64,
    },
    /// Means per request.
    TokensInBursts {
        tokens: f64,
        events: f64,
    },
    HiddenTokens {
        answers: u64,
    },
    ZeroTokens {
        answers: u64,
    },
    TotalsDiffer {
        answers: u64,
    },
    FewerTokensThanEvents {
        answers: u64,
    },
}

/// Of the server's own metrics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ServerSeen {
    ServerRestarted { how: Restart },
    OtherClient { finished: f64, ours: u64 },
    MetricsFailed { failed: u64, of: u64, why: String },
    SeveralServers,
    NoMetrics { why: String },
}

/// By what a restart shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Restart {
    StartTimeMoved { seconds: f64 },
    CountersFell { from: f64, to: f64 },
}

impl Seen {
    /// The same kind, if with other numbers.
    pub fn is_alike(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Counts(a), Self::Counts(b)) => discriminant(a) == discriminant(b),
            (Self::Server(a), Self::Server(b)) => discriminant(a) == discriminant(b),
            (Self::Gpu(a), Self::Gpu(b)) => a.is_alike(b),
            (Self::Shard(a), Self::Shard(b)) => a.is_alike(b),
            _ => discriminant(self) == discriminant(other),
        }
    }
}

impl From<CountSeen> for Seen {
    fn from(seen: CountSeen) -> Self {
        Self::Counts(seen)
    }
}

impl From<ServerSeen> for Seen {
    fn from(seen: ServerSeen) -> Self {
        Self::Server(seen)
    }
}

impl From<GpuSeen> for Seen {
    fn from(seen: GpuSeen) -> Self {
        Self::Gpu(seen)
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoneCompleted { requests, empty: 0 } => {
                write!(f, "none of {requests} requests completed: see the errors, and try one request by hand")
            }
            Self::NoneCompleted { requests, empty } => {
                write!(f, "none of {requests} requests completed: {empty} of them ended well and count 0 output tokens")
            }
            Self::ClientLate { p99_ms, bound_ms } => write!(
                f,
                "the client was late: p99 send lag {p99_ms:.2} ms, bound {bound_ms:.2} ms; lower the rate, give it idle cores, or run it on \
                 another machine than the server"
            ),
            Self::ClientNearlyLate { p99_ms } => write!(f, "p99 send lag {p99_ms:.2} ms is over 1 % of the median TTFT"),
            Self::ClientBusy { busy, bound } => write!(
                f,
                "a client thread was busy {:.0} % of the round, bound {:.0} %: raise --workers or lower the load",
                busy * 100.0,
                bound * 100.0
            ),
            Self::LoopLate { p99_ms, bound_ms } => write!(
                f,
                "the client's event loop came round {p99_ms:.1} ms late (p99), bound {bound_ms:.1} ms: the machine is overloaded, so \
                 instants cannot be trusted"
            ),
            Self::RateMissed { asked, sent } => {
                write!(f, "the client sent {sent:.1} of {asked:.1} requests/s: raise max_in_flight, or lower the rate")
            }
            Self::Saturated { asked, sent, reached } => write!(
                f,
                "SATURATED: with max_in_flight requests in flight and the client idle, the server took {sent:.1} of {asked:.1} requests/s, \
                 and completed {reached:.1}/s: a lower rate can be judged, and a higher max_in_flight shows how its queue grows"
            ),
            Self::LengthMissed { asked, got } => write!(
                f,
                "{got:.1} output tokens per request, and {asked:.1} were asked for: the server does not keep the length; set ignore_eos: \
                 false, so that lengths are compared with the baseline's instead"
            ),
            Self::RequestsFailed { failed, requests } => write!(f, "{failed} of {requests} requests failed: see the errors"),
            Self::ConnectionsReopened { requests } => write!(
                f,
                "{requests} requests went on a new connection: the server had closed the idle one before they were written"
            ),
            Self::BytesBeyondAnswers { connections } => write!(
                f,
                "{connections} connections were closed, since bytes came on them beyond the answer: check the server and the proxies in \
                 front of it: they must send one answer per request"
            ),
            Self::TooManyConnections { requests, most } => write!(
                f,
                "{requests} requests found no connection: this process may have {most} open at once (ulimit -n); raise the limit, or lower \
                 the load"
            ),
            Self::ClientStoodStill => f.write_str(
                "this program stood still during the round (stopped by Ctrl-Z or SIGSTOP, or frozen with its machine): what the server sent \
                 meanwhile was read late; measure again",
            ),
            Self::SlowAfterIdling { idle_s, slower } => write!(
                f,
                "the first round after {idle_s:.0} s of idling is {:.0} % slower than the others of its start",
                slower * 100.0
            ),
            Self::OtherGates { gates } => write!(
                f,
                "other gates measured on this machine meanwhile, with servers of their own: {}",
                gates.join(", ")
            ),
            Self::Counts(counts) => write!(f, "{counts}"),
            Self::Server(server) => write!(f, "{server}"),
            Self::Gpu(gpu) => write!(f, "{gpu}"),
            Self::Shard(shard) => write!(f, "{shard}"),
        }
    }
}

impl fmt::Display for CountSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTokenCounts { answers } => write!(
                f,
                "{answers} answers came without token counts (usage): TPOT and token rates are unmeasured, and nothing that needs them can \
                 pass"
            ),
            Self::TokensInBursts { tokens, events } => write!(
                f,
                "{tokens:.1} output tokens came in {events:.1} events per request: gaps between events are not gaps between tokens"
            ),
            Self::HiddenTokens { answers } => write!(
                f,
                "{answers} answers count reasoning tokens that were never sent: TPOT is over the tokens that came, and absent where their \
                 number is not known"
            ),
            Self::ZeroTokens { answers } => {
                write!(
                    f,
                    "{answers} answers count 0 output tokens beside output (usage): that is no count"
                )
            }
            Self::TotalsDiffer { answers } => write!(
                f,
                "{answers} answers have a total of tokens that its parts do not add up to (usage): ask what this server counts before its \
                 token rates are compared"
            ),
            Self::FewerTokensThanEvents { answers } => write!(
                f,
                "{answers} answers count fewer output tokens than events with output came (usage): TPOT and token rates may be wrong"
            ),
        }
    }
}

impl fmt::Display for ServerSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServerRestarted { how } => {
                write!(f, "the server restarted mid-round ({how}): see its log for the reason, and measure again")
            }
            Self::OtherClient { finished, ours } => write!(
                f,
                "the server finished {finished:.0} requests in this round and {ours} of them were ours: somebody else uses this server; \
                 leave it alone while it is measured"
            ),
            Self::MetricsFailed { failed, of, why } => {
                write!(f, "the server's metrics page failed {failed} of {of} times ({why}): its evidence is partial")
            }
            Self::SeveralServers => f.write_str(
                "counters on the metrics page fall and rise again: several servers answer in turn, so only gauges of it are used; name the \
                 page of one in target.metrics",
            ),
            Self::NoMetrics { why } => {
                write!(f, "no server evidence: the metrics page cannot be read ({why}); see target.metrics")
            }
        }
    }
}

impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StartTimeMoved { seconds } => {
                write!(f, "its process start time moved by {seconds:.0} s")
            }
            Self::CountersFell { from, to } => {
                write!(f, "its counters fell, one from {from} to {to}")
            }
        }
    }
}
