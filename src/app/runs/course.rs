//! How far a run is, from the lines that it says of itself: in all, at each level, and its numbers
//! over time. Not here: the process that says them (`queue`), or what is measured (its record).

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

/// Of half an hour, at one a second; older ones are dropped.
const POINTS: usize = 1800;
/// A smaller share of the whole tells nothing of the time left.
const TELLING: f64 = 0.02;

/// What a line says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LineSaid {
    elapsed_s: f64,
    done: u64,
    failed: u64,
    requests: Option<u64>,
    seconds: Option<f64>,
    place: Option<RoundSaid>,
    /// None before there is anything to tell.
    live: Option<LiveSaid>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct RoundSaid {
    workload: String,
    workloads: u64,
    sides: u64,
    start: u64,
    starts: u64,
    round: Option<u64>,
    rounds: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LiveSaid {
    in_flight: u64,
    failures: BTreeMap<String, u64>,
    recent: RecentSaid,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RecentSaid {
    ttft_p50_ms: Option<f64>,
    tpot_p50_ms: Option<f64>,
    requests_per_s: f64,
    output_tokens_per_s: Option<f64>,
}

/// The whole of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overall {
    /// 0 to 1. Of an interleaved run, of what it may take at most.
    pub share: f64,
    pub rounds_done: u64,
    pub rounds: u64,
    /// As fast as until now; absent while that cannot be told.
    pub left_s: Option<f64>,
}

/// A workload, which is one level of a load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Level {
    pub workload: String,
    pub rounds_done: u64,
    pub rounds: u64,
}

/// One second of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Since the run said something first.
    pub at_s: f64,
    pub ttft_ms: Option<f64>,
    pub tpot_ms: Option<f64>,
    pub requests_per_s: f64,
    pub output_tokens_per_s: Option<f64>,
    pub in_flight: u64,
    /// Of the round.
    pub failed: u64,
}

#[derive(Debug, Default)]
pub struct Course {
    began_ns: Option<u64>,
    at_s: f64,
    now: Option<RoundSaid>,
    /// Of the round that goes on, 0 to 1.
    share: f64,
    levels: Vec<Level>,
    points: VecDeque<Point>,
    /// Of the rounds before, and with those of the one that goes on.
    earlier: BTreeMap<String, u64>,
    failures: BTreeMap<String, u64>,
}

impl Course {
    /// Takes a line of progress, at an instant of the monotonic clock.
    pub fn hear(&mut self, line: &serde_json::Value, now_ns: u64) {
        let Ok(said) = LineSaid::deserialize(line) else { return };
        let began_ns = *self.began_ns.get_or_insert(now_ns);
        self.at_s = now_ns.saturating_sub(began_ns) as f64 / 1e9;
        if said.place != self.now {
            self.next(said.place.clone());
        }
        self.share = match (said.requests, said.seconds) {
            (Some(all), _) if all > 0 => said.done as f64 / all as f64,
            (_, Some(all)) if all > 0.0 => said.elapsed_s / all,
            _ => 0.0,
        }
        .clamp(0.0, 1.0);
        self.failures = self.earlier.clone();
        let Some(seen) = said.live else { return };
        for (kind, count) in seen.failures {
            *self.failures.entry(kind).or_default() += count;
        }
        let recent = seen.recent;
        self.points.push_back(Point {
            at_s: self.at_s,
            ttft_ms: recent.ttft_p50_ms,
            tpot_ms: recent.tpot_p50_ms,
            requests_per_s: recent.requests_per_s,
            output_tokens_per_s: recent.output_tokens_per_s,
            in_flight: seen.in_flight,
            failed: said.failed,
        });
        if self.points.len() > POINTS {
            self.points.pop_front();
        }
    }

    /// Another round, or a warm-up, begins: a round before it has ended.
    fn next(&mut self, place: Option<RoundSaid>) {
        self.earlier.clone_from(&self.failures);
        if let Some(done) = self.now.take().filter(|place| place.round.is_some())
            && let Some(level) = self.levels.iter_mut().find(|l| l.workload == done.workload)
        {
            level.rounds_done += 1;
        }
        if let Some(place) = &place {
            let rounds = place.starts * place.rounds;
            match self.levels.iter_mut().find(|l| l.workload == place.workload) {
                Some(level) => level.rounds = rounds,
                None => self.levels.push(Level {
                    workload: place.workload.clone(),
                    rounds_done: 0,
                    rounds,
                }),
            }
        }
        self.now = place;
    }

    /// None before the run has said where it is.
    pub fn overall(&self) -> Option<Overall> {
        let now = self.now.as_ref()?;
        let rounds = now.starts * now.rounds * now.workloads * now.sides.max(1);
        let rounds_done: u64 = self.levels.iter().map(|level| level.rounds_done).sum();
        let current = if now.round.is_some() { self.share } else { 0.0 };
        let share = ((rounds_done as f64 + current) / rounds.max(1) as f64).clamp(0.0, 1.0);
        let left_s = (share > TELLING).then(|| self.at_s * (1.0 - share) / share);
        Some(Overall { share, rounds_done, rounds, left_s })
    }

    /// Those that have begun, in their order.
    pub fn levels(&self) -> &[Level] {
        &self.levels
    }

    pub fn points(&self) -> impl Iterator<Item = &Point> {
        self.points.iter()
    }

    /// Requests that failed so far, warm-ups included, by kind.
    pub fn failures(&self) -> &BTreeMap<String, u64> {
        &self.failures
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(workload: &str, start: u64, round: Option<u64>, done: u64) -> serde_json::Value {
        json!({"event": "progress", "elapsed_s": 1.0, "done": done, "failed": 1, "requests": 10,
            "place": {"workload": workload, "workload_number": 1, "workloads": 2, "sides": 1, "start": start,
                "starts": 2, "round": round, "rounds": 2},
            "live": {"in_flight": 3, "failures": {"timeout": 1},
                "recent": {"ttft_p50_ms": 20.0, "requests_per_s": 5.0}}})
    }

    #[test]
    fn rounds_that_have_ended_and_the_share_of_the_next_make_the_whole() {
        let mut course = Course::default();
        assert_eq!(course.overall(), None);
        let second = 1_000_000_000;
        for (at, line) in [
            line("chat-c1", 1, None, 2),
            line("chat-c1", 1, Some(1), 5),
            line("chat-c1", 1, Some(1), 10),
            line("chat-c1", 1, Some(2), 5),
        ]
        .iter()
        .enumerate()
        {
            course.hear(line, at as u64 * second);
        }
        let overall = course.overall().expect("it has begun");
        assert_eq!((overall.rounds_done, overall.rounds), (1, 8));
        assert!((overall.share - 1.5 / 8.0).abs() < 1e-9, "{overall:?}");
        assert!(overall.left_s.is_some_and(|left| (left - 13.0).abs() < 1e-9), "{overall:?}");
        course.hear(&line("chat-c4", 1, None, 0), 4 * second);
        let level = |workload: &str, rounds_done| Level {
            workload: workload.into(),
            rounds_done,
            rounds: 4,
        };
        assert_eq!(course.levels(), [level("chat-c1", 2), level("chat-c4", 0)]);
        // Each round's own, once, with the one that goes on.
        assert_eq!(course.failures()["timeout"], 4);
        assert_eq!(course.points().count(), 5);
    }

    #[test]
    fn what_a_line_lacks_is_not_made_up() {
        let mut course = Course::default();
        course.hear(&json!({"event": "progress", "done": 3}), 0);
        course.hear(&json!("text"), 0);
        assert_eq!((course.overall(), course.points().count()), (None, 0));
    }
}
