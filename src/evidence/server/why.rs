//! What changed on the server's side together with a metric that regressed, in words. It explains and never proves: it decides nothing.
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
}

/// When a change of a fact is worth a word. Not a test: rounds are few, and nothing is decided by it.
struct Bar {
    fact: Fact,
    rises: bool,
    /// Change in the fact's own unit that must be exceeded, and share of the value before.
    least: f64,
    share: f64,
    concern: Concern,
}

const fn bar(fact: Fact, rises: bool, least: f64, share: f64, concern: Concern) -> Bar {
    Bar { fact, rises, least, share, concern }
}

/// Causes before effects: a lost prefix cache makes prefill longer, and slow work makes the queue longer. The first that changed gives the
/// place.
const BARS: [Bar; 13] = [
    bar(Fact::PrefixHits, false, 0.05, 0.10, Concern::FirstToken),
    bar(Fact::SpecAccepted, false, 0.05, 0.10, Concern::LaterTokens),
    bar(Fact::Preemptions, true, 0.9, 0.25, Concern::Both),
    bar(Fact::Gateway, true, 1.0, 0.10, Concern::Both),
    bar(Fact::Upstream, true, 1.0, 0.10, Concern::Both),
    bar(Fact::TokenGap, true, 0.05, 0.05, Concern::LaterTokens),
    bar(Fact::Decode, true, 1.0, 0.05, Concern::LaterTokens),
    bar(Fact::Prefill, true, 1.0, 0.05, Concern::FirstToken),
    bar(Fact::PrefillToken, true, 0.01, 0.05, Concern::FirstToken),
    bar(Fact::Queue, true, 1.0, 0.10, Concern::FirstToken),
    bar(Fact::WaitingMean, true, 0.3, 0.25, Concern::FirstToken),
    bar(Fact::KvUseMean, true, 0.10, 0.10, Concern::Both),
    bar(Fact::RunningMean, true, 1.0, 0.15, Concern::LaterTokens),
];
/// More numbers than these in one sentence are a table.
const MOST: usize = 3;
/// The server's own view of a latency stands still if it moved less than this share.
const STILL: f64 = 0.03;

/// One sentence or two about `said`, such as `TTFT is 35 % longer`. None where the server told nothing on one of the sides.
pub fn why(said: &str, concern: Concern, baseline: &Values, candidate: &Values) -> Option<String> {
    let known = Fact::ALL.iter().filter(|f| baseline.contains_key(f.key()) && candidate.contains_key(f.key())).count();
    if known == 0 {
        return None;
    }
    let changes: Vec<Change> = BARS.iter().filter_map(|bar| bar.exceeded(concern, baseline, candidate)).collect();
    let Some(place) = place(&changes) else {
        return Some(format!("{said}, {}", unexplained(concern, baseline, candidate)));
    };
    let shown: Vec<String> = changes.iter().take(MOST).map(|c| c.words()).collect();
    Some(format!("{said}; at the same time {}: {place}", listed(&shown)))
}

impl Bar {
    fn exceeded(&self, concern: Concern, baseline: &Values, candidate: &Values) -> Option<Change> {
        let (before, after) = (*baseline.get(self.fact.key())?, *candidate.get(self.fact.key())?);
        let worse = if self.rises { after - before } else { before - after };
        let relevant = self.concern == Concern::Both || concern == Concern::Both || self.concern == concern;
        let beyond = worse > self.least && worse > self.share * before.abs();
        (relevant && beyond).then_some(Change { fact: self.fact, before, after })
    }
}

impl Change {
    fn words(self) -> String {
        let verb = if self.after > self.before { "rose" } else { "fell" };
        let mean = if matches!(self.fact, Fact::WaitingMean | Fact::RunningMean) { " on average" } else { "" };
        let (before, after) = (value(self.fact, self.before), value(self.fact, self.after));
        format!("{} {verb} from {before} to {after}{mean}", self.fact.words())
    }
}

/// Where the time is likely to have gone. Waiting is named only where nothing slower is known that would explain it.
fn place(changes: &[Change]) -> Option<&'static str> {
    let first = changes.first()?;
    // Prefill and queue are both milliseconds of the first token: the larger change has the word.
    let grown = |fact| changes.iter().find(|c| c.fact == fact).map_or(0.0, |c| c.after - c.before);
    let queued = grown(Fact::Queue) > grown(Fact::Prefill).max(grown(Fact::Decode));
    Some(match first.fact {
        Fact::PrefixHits => "it is likely that prompts are computed again that the prefix cache used to hold",
        Fact::SpecAccepted => "it is likely that each step yields fewer tokens, since fewer of the drafted ones are accepted",
        Fact::Preemptions => "it is likely that the KV cache is too small, so that requests are interrupted and computed again",
        Fact::KvUseMean => "the KV cache is fuller, which may hold requests back",
        Fact::Gateway => "the time is likely lost in the gateway",
        Fact::Upstream => "the time is likely lost in the server behind",
        _ if queued => "the time is likely lost in the queue",
        Fact::TokenGap | Fact::Decode => "the time is likely lost in decode",
        Fact::Prefill | Fact::PrefillToken => "the time is likely lost in prefill",
        Fact::Queue | Fact::WaitingMean => "the time is likely lost in the queue",
        _ => "more requests share the server at once",
    })
}

/// Nothing changed for the worse: either the server does not see the loss, or it does not say where it is.
fn unexplained(concern: Concern, baseline: &Values, candidate: &Values) -> String {
    let own = match concern {
        Concern::FirstToken => Fact::FirstToken,
        Concern::LaterTokens => Fact::TokenGap,
        Concern::Both => Fact::Whole,
    };
    match baseline.get(own.key()).zip(candidate.get(own.key())) {
        Some((before, after)) if *before > 0.0 && (after / before - 1.0).abs() < STILL => {
            format!("and {} stayed at {}: the time is likely lost between client and server", own.words(), value(own, *after))
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
