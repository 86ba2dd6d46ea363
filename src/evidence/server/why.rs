//! What changed on the server's side together with a metric that regressed, in words. It explains
//! and never proves: it decides nothing.
//!
//! Not here: which metric regressed (`judge`), how sides are pooled (the parent module).

use super::{Fact, Values};

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

/// One sentence or two about `said`, such as `TTFT is 35 % longer`. None where the server told
/// nothing on one of the sides.
///
/// `client_ms`: the client's own mean of that part of a request, on the baseline's side.
pub fn why(
    said: &str,
    concern: Concern,
    client_ms: Option<f64>,
    baseline: &Values,
    candidate: &Values,
) -> Option<String> {
    Fact::ALL.iter().find(|f| baseline.contains_key(f.key()) && candidate.contains_key(f.key()))?;
    let mut changes: Vec<Change> =
        BARS.iter().filter_map(|bar| bar.exceeded(baseline, candidate)).collect();
    changes.sort_by(|a, b| b.is_cause().cmp(&a.is_cause()).then(b.growth.total_cmp(&a.growth)));
    let full = candidate.get(Fact::KvUseMax.key()).is_some_and(|use_| *use_ >= FULL);
    let Some(place) = place(&changes, full) else {
        return Some(format!("{said}, {}", unexplained(concern, client_ms, baseline, candidate)));
    };
    // The same thing twice: decode is the gaps between tokens, taken together.
    let gap = changes.iter().any(|c| c.fact == Fact::TokenGap);
    changes.retain(|c| c.fact != Fact::Decode || !gap);
    let shown: Vec<String> = changes.iter().take(MOST).map(|c| c.words()).collect();
    Some(format!("{said}; at the same time {}: {place}", listed(&shown)))
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

    fn words(self) -> String {
        let verb = if self.after > self.before { "rose" } else { "fell" };
        let mean = if matches!(self.fact, Fact::WaitingMean | Fact::RunningMean) {
            " on average"
        } else {
            ""
        };
        let (before, after) = (value(self.fact, self.before), value(self.fact, self.after));
        format!("{} {verb} from {before} to {after}{mean}", self.fact.words())
    }
}

/// Where the time is likely to have gone: a cause, if one is known; the queue, if it grew by more
/// milliseconds than the work did; else the kind of work that grew by the larger share, or both.
fn place(changes: &[Change], full: bool) -> Option<&'static str> {
    let first = changes.first()?;
    let of = |facts: &[Fact]| changes.iter().find(|c| facts.contains(&c.fact));
    let ms = |fact| of(&[fact]).map_or(0.0, |c| c.after - c.before);
    let (prefill, decode) =
        (of(&[Fact::Prefill, Fact::PrefillToken]), of(&[Fact::TokenGap, Fact::Decode]));
    let growth = |c: Option<&Change>| c.map_or(0.0, |c| c.growth);
    let waits = of(&[Fact::Queue, Fact::WaitingMean]).is_some();
    let works = prefill.is_some() || decode.is_some();
    Some(match first.fact {
        Fact::PrefixHits => {
            "it is likely that prompts are computed again that the prefix cache used to hold"
        }
        Fact::SpecAccepted => {
            "it is likely that each step yields fewer tokens, since fewer of the drafted ones are accepted"
        }
        Fact::Preemptions => {
            "it is likely that the KV cache is too small, so that requests are interrupted and computed again"
        }
        Fact::Gateway => "the time is likely lost in the gateway",
        Fact::Upstream => "the time is likely lost in the model or server behind",
        _ if waits && (!works || ms(Fact::Queue) > ms(Fact::Prefill) + ms(Fact::Decode)) => {
            if full {
                "the time is likely lost in the queue, before a KV cache that is nearly full"
            } else {
                "the time is likely lost in the queue"
            }
        }
        _ if works => match (growth(prefill), growth(decode)) {
            (one, two) if one.min(two) >= ALIKE * one.max(two) => {
                "the time is likely lost in prefill and in decode"
            }
            (one, two) if one > two => "the time is likely lost in prefill",
            _ => "the time is likely lost in decode",
        },
        Fact::KvUseMean => "the KV cache is fuller, which may hold requests back",
        _ => "more requests share the server at once",
    })
}

/// Nothing changed for the worse: either the server does not see the loss, or it does not say where
/// it is.
fn unexplained(
    concern: Concern,
    client_ms: Option<f64>,
    baseline: &Values,
    candidate: &Values,
) -> String {
    let own = match concern {
        Concern::FirstToken => Fact::FirstToken,
        Concern::LaterTokens => Fact::TokenGap,
        Concern::Both => Fact::Whole,
    };
    let same_thing =
        |before: f64| before > 0.0 && client_ms.is_some_and(|ms| before >= SAME_THING * ms);
    match baseline.get(own.key()).zip(candidate.get(own.key())) {
        Some((before, after)) if same_thing(*before) && (after / before - 1.0).abs() < STILL => {
            format!(
                "and {} stayed at {}: the time is likely lost between client and server",
                own.words(),
                value(own, *after)
            )
        }
        _ => "and nothing else that the server tells of itself changed with it".into(),
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
