//! Pages of one round to what happened in it: counters as differences, gauges as mean and maximum,
//! histograms as means. Pure.
//!
//! Not here: fetching pages (`watch::scrape`), what a change means for people (`why`).

use std::collections::BTreeMap;

use super::names::{Page, Part, Raw};
use super::{Fact, ServerRound, ServerSeries};
use crate::measure::seen::{Restart, ServerSeen};
use crate::measure::stats;
use crate::measure::validity::{Finding, Severity};

/// A page as it was at an instant of the monotonic clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub at_ns: u64,
    pub page: Page,
}

/// Everything that was fetched around one round, in order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watched {
    pub readings: Vec<Reading>,
    pub failed: u32,
    /// Why the last of those that failed did.
    pub problem: Option<String>,
    /// CPU time of fetching and reading, nanoseconds.
    pub cpu_ns: u64,
}

/// The round that the pages are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub began_ns: u64,
    pub ended_ns: u64,
    /// Requests that we sent in it.
    pub sent: u64,
}

/// How far the pages of a round are of one and the same process.
#[derive(Clone, Debug, PartialEq)]
enum Continuity {
    Whole,
    Restarted(Restart),
    /// Counters fell and rose again: several processes answer in turn, and differences mean
    /// nothing.
    Several,
}

/// The server restarted while it was measured.
pub const RESTARTED: &str = "server_restarted";
/// The server finished requests that we did not send.
pub const OTHER_CLIENT: &str = "other_client";
/// The metrics page failed.
pub const METRICS_PAGE: &str = "server_metrics";

const SECOND_NS: u64 = 1_000_000_000;
/// A day of seconds: longer series (a clock gone wrong) are cut.
const MOST_SECONDS: u64 = 24 * 3600;
/// A start time that moves less is rounding (a UNIX time as a float has a resolution of 0.2 us, and
/// some servers write whole seconds).
const SAME_START_S: f64 = 1.5;
/// Requests of others below this share of ours (and below two) may be health checks, or our own
/// warm-up that was counted late.
const OTHERS_SHARE: f64 = 0.02;

impl Watched {
    /// One more page, or why there is none. True where it was read.
    pub fn take(&mut self, read: Result<Reading, String>) -> bool {
        match read {
            Ok(reading) => self.readings.push(reading),
            Err(why) => {
                self.fail(why);
                return false;
            }
        }
        true
    }

    pub fn fail(&mut self, why: String) {
        self.failed += 1;
        self.problem = Some(why);
    }

    /// What the round's record keeps, and what of it speaks against the measurement.
    pub fn round(&self, window: Window) -> (ServerRound, Vec<Finding>) {
        let continuity = continuity(&self.readings);
        let mut values = self.gauges(window);
        if let [first, .., last] = &self.readings[..]
            && continuity == Continuity::Whole
        {
            values.extend(differences(&first.page, &last.page));
            // A count of a part of the round is no count of the round.
            if first.at_ns > window.began_ns || last.at_ns < window.ended_ns {
                values.retain(|fact, _| !matches!(fact, Fact::Finished | Fact::Preemptions));
            }
        }
        // No number of JSON: a record that held one could not be read again.
        values.retain(|_, value| value.is_finite());
        let found = [
            restarted(&continuity),
            others(values.get(&Fact::Finished).copied(), window.sent),
            self.incomplete(&continuity),
        ];
        let round = ServerRound {
            server: self.readings.last().and_then(|r| r.page.server).map(str::to_owned),
            samples: u32::try_from(self.readings.len()).unwrap_or(u32::MAX),
            failed: self.failed,
            problem: self.problem.clone(),
            cpu_ms: Some(self.cpu_ns as f64 / 1e6),
            values: values
                .into_iter()
                .map(|(fact, value)| (fact.key().to_owned(), value))
                .collect(),
            series: self.series(window),
        };
        (round, found.into_iter().flatten().collect())
    }

    /// Only of readings within the round: before and after it the server is idle.
    fn during(&self, window: Window) -> impl Iterator<Item = &Reading> {
        self.readings.iter().filter(move |r| (window.began_ns..=window.ended_ns).contains(&r.at_ns))
    }

    fn gauges(&self, window: Window) -> BTreeMap<Fact, f64> {
        let of = |raw: Raw| {
            self.during(window)
                .filter_map(|r| r.page.values.get(&raw).copied())
                .collect::<Vec<f64>>()
        };
        let mut values = BTreeMap::new();
        for (raw, mean, max) in [
            (Raw::Running, Fact::RunningMean, Some(Fact::RunningMax)),
            (Raw::Waiting, Fact::WaitingMean, Some(Fact::WaitingMax)),
            (Raw::KvUse, Fact::KvUseMean, Some(Fact::KvUseMax)),
            (Raw::PrefixHitRate, Fact::PrefixHits, None),
            (Raw::AcceptRate, Fact::SpecAccepted, None),
        ] {
            let seen = of(raw);
            // SGLang shows 0 where it does not speculate: a rate of exactly 0 in every reading is
            // none.
            if raw == Raw::AcceptRate && seen.iter().all(|x| *x == 0.0) {
                continue;
            }
            values.extend(stats::mean(&seen).map(|x| (mean, x)));
            values.extend(max.zip(seen.into_iter().max_by(f64::total_cmp)));
        }
        values
    }

    fn series(&self, window: Window) -> ServerSeries {
        let second = |ns: u64| (ns.saturating_sub(window.began_ns) / SECOND_NS).min(MOST_SECONDS);
        let slots = usize::try_from(second(window.ended_ns) + 1).unwrap_or(1);
        let of = |raw: Raw| {
            let mut slots = vec![None; slots];
            for reading in self.during(window) {
                let slot =
                    usize::try_from(second(reading.at_ns)).ok().and_then(|i| slots.get_mut(i));
                if let Some((slot, value)) = slot.zip(reading.page.values.get(&raw)) {
                    *slot = Some(*value);
                }
            }
            if slots.iter().all(Option::is_none) { Vec::new() } else { slots }
        };
        ServerSeries {
            running: of(Raw::Running),
            waiting: of(Raw::Waiting),
            kv_use_ratio: of(Raw::KvUse),
        }
    }

    fn incomplete(&self, continuity: &Continuity) -> Option<Finding> {
        if *continuity == Continuity::Several {
            return Some(note(METRICS_PAGE, ServerSeen::SeveralServers));
        }
        let why = self.problem.as_deref().unwrap_or("no reason known").to_owned();
        let (failed, of) =
            (u64::from(self.failed), u64::from(self.failed) + self.readings.len() as u64);
        (failed > 0).then(|| note(METRICS_PAGE, ServerSeen::MetricsFailed { failed, of, why }))
    }
}

/// Means and shares of what counters rose by. A counter that one of the pages lacks says nothing.
fn differences(first: &Page, last: &Page) -> BTreeMap<Fact, f64> {
    if first.server != last.server {
        return BTreeMap::new();
    }
    let rise = |raw: Raw| Some(last.values.get(&raw)? - first.values.get(&raw)?);
    let share = |part: Raw, whole: Option<f64>| {
        Some((rise(part)? / whole.filter(|n| *n > 0.0)?).clamp(0.0, 1.0))
    };
    let looked_up = rise(Raw::PrefixQueried)
        .or_else(|| Some(rise(Raw::PrefixFound)? + rise(Raw::PrefixMissed)?));
    let mean_ms = |part: Part| {
        let count = rise(Raw::Count(part)).filter(|n| *n > 0.0)?;
        Some(rise(Raw::Seconds(part))? * 1000.0 / count)
    };
    let all = [
        (Fact::PrefixHits, share(Raw::PrefixFound, looked_up)),
        (Fact::Preemptions, rise(Raw::Preemptions)),
        (Fact::SpecAccepted, share(Raw::Accepted, rise(Raw::Drafted))),
        (Fact::Finished, rise(Raw::Finished)),
        (Fact::Queue, mean_ms(Part::Queue)),
        (Fact::Prefill, mean_ms(Part::Prefill)),
        (Fact::Decode, mean_ms(Part::Decode)),
        (Fact::FirstToken, mean_ms(Part::FirstToken)),
        (Fact::TokenGap, mean_ms(Part::TokenGap)),
        (Fact::Whole, mean_ms(Part::Whole)),
        (Fact::PrefillToken, mean_ms(Part::PrefillToken)),
        (Fact::Gateway, mean_ms(Part::Gateway)),
        (Fact::Upstream, mean_ms(Part::Upstream)),
    ];
    all.into_iter()
        .filter_map(|(fact, value)| Some((fact, value.filter(|v| v.is_finite())?)))
        .collect()
}

/// One fall is a restart; more are a page that several processes answer.
fn continuity(readings: &[Reading]) -> Continuity {
    let falls: Vec<Restart> =
        readings.windows(2).filter_map(|two| fall(&two[0].page, &two[1].page)).collect();
    match &falls[..] {
        [] => Continuity::Whole,
        [fall] => Continuity::Restarted(fall.clone()),
        _ => Continuity::Several,
    }
}

fn fall(before: &Page, after: &Page) -> Option<Restart> {
    let starts = before.process_start_s.zip(after.process_start_s);
    if let Some((a, b)) = starts.filter(|(a, b)| (a - b).abs() > SAME_START_S) {
        return Some(Restart::StartTimeMoved { seconds: b - a });
    }
    // Where it is told that the process is the same, a smaller sum is a series that is gone (a
    // worker, an adapter).
    if starts.is_some() || before.server != after.server {
        return None;
    }
    before.values.iter().filter(|(raw, _)| raw.is_counter()).find_map(|(raw, a)| {
        let b = after.values.get(raw).filter(|b| *b < a)?;
        Some(Restart::CountersFell { from: *a, to: *b })
    })
}

fn restarted(continuity: &Continuity) -> Option<Finding> {
    let Continuity::Restarted(how) = continuity else { return None };
    Some(Finding::new(
        Severity::Invalid,
        RESTARTED,
        ServerSeen::ServerRestarted { how: how.clone() },
    ))
}

fn others(finished: Option<f64>, sent: u64) -> Option<Finding> {
    let (finished, ours) = (finished?, sent as f64);
    let excess = finished - ours;
    let others = excess >= 2.0 && excess > OTHERS_SHARE * ours;
    others.then(|| note(OTHER_CLIENT, ServerSeen::OtherClient { finished, ours: sent }))
}

fn note(check: &str, seen: ServerSeen) -> Finding {
    Finding::new(Severity::Note, check, seen)
}

#[cfg(test)]
mod tests;
