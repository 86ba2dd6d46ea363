//! What changed on the server's side together with a metric that regressed. It explains and never
//! proves: it decides nothing. `Display` is the English.
//!
//! Not here: which metric regressed (`judge`), how sides are pooled (the parent module).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Fact, Values};

/// What the server's own metrics say about a regression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// The most telling facts that changed for the worse, and where the time likely went.
    Changed {
        facts: Vec<FactChange>,
        place: Place,
    },
    /// The server's own value of the same latency is what it was.
    StoodStill {
        fact: Fact,
        value: f64,
    },
    NothingChanged,
}

/// A fact before and after, in its own unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FactChange {
    pub fact: Fact,
    pub before: f64,
    pub after: f64,
}

/// Where the time is likely lost, or what likely made it so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Prompts are computed again that the prefix cache used to hold.
    PrefixCache,
    FewerDraftsAccepted,
    /// Requests are interrupted and computed again.
    SmallKvCache,
    Gateway,
    Upstream,
    /// Before a KV cache that is nearly full.
    QueueBeforeFullCache,
    Queue,
    Prefill,
    PrefillAndDecode,
    Decode,
    FullerKvCache,
    MoreRequests,
}

/// Which part of a request a metric is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concern {
    FirstToken,
    LaterTokens,
    Both,
}

/// A fact that changed for the worse, beyond what may be chance.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Change {
    fact: Fact,
    before: f64,
    after: f64,
    /// Change for the worse as a share of the value before.
    growth: f64,
}

/// When a change of a fact is worth a word. Not a test: rounds are few, and nothing is decided by
/// it.
struct Bar {
    fact: Fact,
    rises: bool,
    /// Change in the fact's own unit that must be exceeded, and share of the value before.
    least: f64,
    share: f64,
}

const fn bar(fact: Fact, rises: bool, least: f64, share: f64) -> Bar {
    Bar { fact, rises, least, share }
}

/// Whatever the metric: sequences share the steps of a batch, so that slow prompts make later
/// tokens slow, too. The first few are causes by themselves; what follows them (longer prefill, a
/// longer queue) does not need another reason.
const BARS: [Bar; 13] = [
    bar(Fact::PrefixHits, false, 0.05, 0.10),
    bar(Fact::SpecAccepted, false, 0.05, 0.10),
    bar(Fact::Preemptions, true, 0.9, 0.25),
    bar(Fact::Gateway, true, 1.0, 0.10),
    bar(Fact::Upstream, true, 1.0, 0.10),
    bar(Fact::Queue, true, 1.0, 0.10),
    bar(Fact::WaitingMean, true, 0.3, 0.25),
    bar(Fact::Prefill, true, 1.0, 0.05),
    bar(Fact::PrefillToken, true, 0.01, 0.05),
    bar(Fact::TokenGap, true, 0.05, 0.05),
    bar(Fact::Decode, true, 1.0, 0.05),
    bar(Fact::KvUseMean, true, 0.10, 0.10),
    bar(Fact::RunningMean, true, 1.0, 0.15),
];
/// Causes by themselves.
const CAUSES: [Fact; 5] =
    [Fact::PrefixHits, Fact::SpecAccepted, Fact::Preemptions, Fact::Gateway, Fact::Upstream];
/// More numbers than these in one sentence are a table.
const MOST: usize = 3;
/// The server's own view of a latency stands still if it moved less than this share.
const STILL: f64 = 0.03;
/// A server's own latency below this share of the client's is of something else: Triton's ends at
/// the hand-over to a model that streams.
const SAME_THING: f64 = 0.1;
/// Two kinds of work that grew by shares this near to one another are both named. Of the simulated
/// server, with both twice as slow, the shares are equal; with one of them, the other grows by 0.1
/// to 0.6 of its share, since they wait for each other in the steps of a batch.
const ALIKE: f64 = 0.75;
/// A KV cache that was as full as this may be what requests wait for: vLLM keeps a hundredth free,
/// and a prompt needs room at once.
const FULL: f64 = 0.85;

/// What a regression of that part of a request goes with. None where the server told nothing on one
/// of the sides.
///
/// `client_ms`: the client's own mean of that part of a request, on the baseline's side.
pub fn why(
    concern: Concern,
    client_ms: Option<f64>,
    baseline: &Values,
    candidate: &Values,
) -> Option<Because> {
    Fact::ALL.iter().find(|f| baseline.contains_key(f.key()) && candidate.contains_key(f.key()))?;
    let mut changes: Vec<Change> =
        BARS.iter().filter_map(|bar| bar.exceeded(baseline, candidate)).collect();
    changes.sort_by(|a, b| b.is_cause().cmp(&a.is_cause()).then(b.growth.total_cmp(&a.growth)));
    let full = candidate.get(Fact::KvUseMax.key()).is_some_and(|use_| *use_ >= FULL);
    let Some(place) = place(&changes, full) else {
        return Some(unexplained(concern, client_ms, baseline, candidate));
    };
    // The same thing twice: decode is the gaps between tokens, taken together.
    let gap = changes.iter().any(|c| c.fact == Fact::TokenGap);
    changes.retain(|c| c.fact != Fact::Decode || !gap);
    let facts = changes.iter().take(MOST);
    let facts = facts.map(|Change { fact, before, after, .. }| FactChange {
        fact: *fact,
        before: *before,
        after: *after,
    });
    Some(Because::Changed { facts: facts.collect(), place })
}

impl Bar {
    fn exceeded(&self, baseline: &Values, candidate: &Values) -> Option<Change> {
        let (before, after) = (*baseline.get(self.fact.key())?, *candidate.get(self.fact.key())?);
        let worse = if self.rises { after - before } else { before - after };
        let growth = worse / before.abs().max(self.least);
        (worse > self.least && worse > self.share * before.abs()).then_some(Change {
            fact: self.fact,
            before,
            after,
            growth,
        })
    }
}

impl Change {
    fn is_cause(&self) -> bool {
        CAUSES.contains(&self.fact)
    }
}

/// Where the time is likely to have gone: a cause, if one is known; the queue, if it grew by more
/// milliseconds than the work did; else the kind of work that grew by the larger share, or both.
fn place(changes: &[Change], full: bool) -> Option<Place> {
    let first = changes.first()?;
    let of = |facts: &[Fact]| changes.iter().find(|c| facts.contains(&c.fact));
    let ms = |fact| of(&[fact]).map_or(0.0, |c| c.after - c.before);
    let (prefill, decode) =
        (of(&[Fact::Prefill, Fact::PrefillToken]), of(&[Fact::TokenGap, Fact::Decode]));
    let growth = |c: Option<&Change>| c.map_or(0.0, |c| c.growth);
    let waits = of(&[Fact::Queue, Fact::WaitingMean]).is_some();
    let works = prefill.is_some() || decode.is_some();
    Some(match first.fact {
        Fact::PrefixHits => Place::PrefixCache,
        Fact::SpecAccepted => Place::FewerDraftsAccepted,
        Fact::Preemptions => Place::SmallKvCache,
        Fact::Gateway => Place::Gateway,
        Fact::Upstream => Place::Upstream,
        _ if waits && (!works || ms(Fact::Queue) > ms(Fact::Prefill) + ms(Fact::Decode)) => {
            if full { Place::QueueBeforeFullCache } else { Place::Queue }
        }
        _ if works => match (growth(prefill), growth(decode)) {
            (one, two) if one.min(two) >= ALIKE * one.max(two) => Place::PrefillAndDecode,
            (one, two) if one > two => Place::Prefill,
            _ => Place::Decode,
        },
        Fact::KvUseMean => Place::FullerKvCache,
        _ => Place::MoreRequests,
    })
}

/// Nothing changed for the worse: either the server does not see the loss, or it does not say where
/// it is.
fn unexplained(
    concern: Concern,
    client_ms: Option<f64>,
    baseline: &Values,
    candidate: &Values,
) -> Because {
    let own = match concern {
        Concern::FirstToken => Fact::FirstToken,
        Concern::LaterTokens => Fact::TokenGap,
        Concern::Both => Fact::Whole,
    };
    let same_thing =
        |before: f64| before > 0.0 && client_ms.is_some_and(|ms| before >= SAME_THING * ms);
    match baseline.get(own.key()).zip(candidate.get(own.key())) {
        Some((before, after)) if same_thing(*before) && (after / before - 1.0).abs() < STILL => {
            Because::StoodStill { fact: own, value: *after }
        }
        _ => Because::NothingChanged,
    }
}

impl FactChange {
    /// The values of a mean over time.
    pub const fn is_average(&self) -> bool {
        matches!(self.fact, Fact::WaitingMean | Fact::RunningMean)
    }

    pub fn rose(&self) -> bool {
        self.after > self.before
    }
}

/// It goes on after the change of the metric: `TTFT is 35 % longer`.
impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { facts, place } => {
                let facts: Vec<String> = facts.iter().map(ToString::to_string).collect();
                write!(f, "; at the same time {}: {place}", listed(&facts))
            }
            Self::StoodStill { fact, value: at } => write!(
                f,
                ", and {} stayed at {}: the time is likely lost between client and server",
                fact.title(),
                value(*fact, *at)
            ),
            Self::NothingChanged => {
                f.write_str(", and none of the server's own metrics changed with it")
            }
        }
    }
}

impl fmt::Display for FactChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fact, before, after } = *self;
        let verb = if self.rose() { "rose" } else { "fell" };
        let mean = if self.is_average() { " on average" } else { "" };
        let (before, after) = (value(fact, before), value(fact, after));
        write!(f, "{} {verb} from {before} to {after}{mean}", fact.title())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PrefixCache => {
                "prompts that the prefix cache used to hold are likely computed again"
            }
            Self::FewerDraftsAccepted => {
                "fewer draft tokens are accepted, so each step likely yields fewer tokens"
            }
            Self::SmallKvCache => {
                "the KV cache is likely too small, so requests are interrupted and computed again"
            }
            Self::Gateway => "the time is likely lost in the gateway",
            Self::Upstream => "the time is likely lost in the model or server behind",
            Self::QueueBeforeFullCache => {
                "the time is likely lost in the queue, before a KV cache that is nearly full"
            }
            Self::Queue => "the time is likely lost in the queue",
            Self::Prefill => "the time is likely lost in prefill",
            Self::PrefillAndDecode => "the time is likely lost in prefill and in decode",
            Self::Decode => "the time is likely lost in decode",
            Self::FullerKvCache => "the KV cache is fuller, which may hold requests back",
            Self::MoreRequests => "more requests share the server at once",
        })
    }
}

/// A fact's value as it stands in a sentence: `61 %`, `12.3 ms`, `3.1`.
pub fn value(fact: Fact, x: f64) -> String {
    match fact.unit() {
        "ratio" => format!("{:.0} %", x * 100.0),
        "ms" if x.abs() < 1.0 => format!("{x:.3} ms"),
        "ms" if x.abs() < 100.0 => format!("{x:.1} ms"),
        "ms" => format!("{x:.0} ms"),
        _ if x.abs() < 100.0 => format!("{x:.1}"),
        _ => format!("{x:.0}"),
    }
}

fn listed(all: &[String]) -> String {
    match all {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests;
