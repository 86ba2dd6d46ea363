//! What llm-loadtest's clients are told over a WebSocket while a run goes on. Messages about single
//! requests (`request_log`) and of a validation are never sent: nobody here knows them.
//!
//! Not here: the socket (`socket`).

use std::sync::Arc;

use axum::extract::{Path, State as Shared};
use serde_json::{Value, json};

use super::status::{Stage, asked, why_failed};
use super::{result, runs};
use crate::clock::now;
use crate::serve::answer::{self, Answer};
use crate::serve::feeds::Topic;
use crate::serve::socket::{self, Sign, Upgrade};
use crate::serve::state::State;
use crate::serve::stored::{self, reading};

const KIND: &str = "progress";

pub async fn run(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<String>,
    upgrade: Upgrade,
) -> Answer {
    let own = Arc::clone(&state);
    let (id, levels) = reading(move || {
        let run = stored::run(&own, &id)?;
        let levels = asked(&run).map(|asked| asked.concurrency).unwrap_or_default();
        Ok((run.id.to_string(), levels))
    })
    .await?;
    let topic = Topic { kind: KIND, id: Some(id.clone()) };
    let own = Arc::clone(&state);
    let listener = state.hub.listen(topic, 1, |publisher| {
        let mut view = View { id: id.clone(), levels, sequence: None, snapshot: 0.0, overall: 0.0 };
        socket::follow(own, id, publisher, move |state, goes_on, said| {
            view.messages(state, goes_on, said).map(|m| m.to_string()).into_iter().collect()
        })
    });
    socket::open(&state, upgrade, listener, Sign::Text)
}

pub async fn stats(Shared(state): Shared<Arc<State>>) -> Answer {
    let connections = state.hub.counts(KIND);
    let total: usize = connections.values().sum();
    answer::json(&json!({"connections": connections, "total": total}))
}

struct View {
    id: String,
    levels: Vec<u32>,
    /// Of what was told last.
    sequence: Option<u64>,
    /// Requests that were done at the last snapshot.
    snapshot: f64,
    /// Percent. A round that is measured again does not take it back.
    overall: f64,
}

impl View {
    fn messages(&mut self, state: &State, goes_on: bool, said: &Value) -> Option<Value> {
        if !goes_on {
            return Some(self.ended(state));
        }
        let sequence = said["sequence"].as_u64();
        let round = Some(&said["round"]).filter(|round| !round["place"]["round"].is_null())?;
        if std::mem::replace(&mut self.sequence, sequence) == sequence {
            return None;
        }
        Some(self.progress(round, said["overall"]["share"].as_f64()))
    }

    fn progress(&mut self, round: &Value, whole: Option<f64>) -> Value {
        let place = &round["place"];
        let (number, all) = (&place["workload_number"], &place["workloads"]);
        let done = round["done"].as_f64().unwrap_or_default();
        let (requests, seconds) = (round["requests"].as_f64(), round["seconds"].as_f64());
        let by_time = || Some(round["elapsed_s"].as_f64()? / seconds.filter(|s| *s > 0.0)?);
        let share = requests.filter(|all| *all > 0.0).map(|all| done / all).or_else(by_time);
        let share = share.unwrap_or_default().min(1.0);
        let level = level(place["workload"].as_str().unwrap_or_default(), &self.levels);
        self.overall = self.overall.max(tenths(whole.unwrap_or_default() * 100.0));
        let mut message = json!({
            "type": "progress",
            "run_id": self.id,
            "status": "running",
            "progress": {"current": round["done"], "total": round["requests"], "percent": tenths(share * 100.0)},
            "concurrency": {"level": level, "index": number.as_u64().unwrap_or(1) - 1, "total": all},
            "overall_percent": self.overall,
        });
        // As often as theirs: each ten requests, or each twentieth part.
        let step = (requests.unwrap_or_default() / 20.0).max(10.0);
        if done < self.snapshot {
            self.snapshot = 0.0;
        }
        if done - self.snapshot >= step || share >= 1.0 {
            self.snapshot = done;
            message["metrics"] = metrics(round, level);
        }
        message
    }

    fn ended(&self, state: &State) -> Value {
        let Ok(run) = stored::run(state, &self.id) else {
            return json!({"type": "failed", "run_id": self.id, "status": "failed",
                "error": "it was deleted"});
        };
        let summary = || {
            let levels: Result<Vec<Value>, _> =
                runs::record(&run).ok()?.workloads.iter().map(result::level).collect();
            Some(result::summary(&levels.ok()?))
        };
        match Stage::from_run(&run) {
            Stage::Completed => json!({"type": "completed", "run_id": self.id,
                "status": "completed", "summary": summary()}),
            _ => json!({"type": "failed", "run_id": self.id, "status": "failed",
                "error": why_failed(&run)}),
        }
    }
}

/// Requests in flight: at the end of the workload's name where there are several levels.
fn level(workload: &str, levels: &[u32]) -> Option<u32> {
    let named = || workload.rsplit_once("-c")?.1.parse().ok();
    match levels {
        [only] => Some(*only),
        _ => named(),
    }
}

/// Means are not known while a round goes on.
fn metrics(round: &Value, level: Option<u32>) -> Value {
    let (live, done) = (&round["live"], round["done"].as_u64().unwrap_or_default());
    let failed = round["failed"].as_u64().unwrap_or_default();
    json!({
        "concurrency": level,
        "completed": done,
        "success_count": done.saturating_sub(failed),
        "error_count": failed,
        "ttft_avg": null,
        "ttft_p50": live["ttft_p50_ms"],
        "e2e_avg": null,
        "throughput_current": live["recent"]["output_tokens_per_s"],
        "timestamp": now(),
    })
}

fn tenths(percent: f64) -> f64 {
    (percent * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> View {
        View { id: "r".into(), levels: vec![1, 8], sequence: None, snapshot: 0.0, overall: 0.0 }
    }

    fn round(done: u64) -> Value {
        json!({"done": done, "failed": 1, "requests": 40, "elapsed_s": 2.0,
            "place": {"workload": "adhoc-c8", "workload_number": 2, "workloads": 2, "round": 1},
            "live": {"ttft_p50_ms": 12.5, "recent": {"output_tokens_per_s": 99.0}}})
    }

    #[test]
    fn progress_is_of_the_level_and_of_all() {
        let message = view().progress(&round(10), Some(0.4));
        assert_eq!(message["progress"], json!({"current": 10, "total": 40, "percent": 25.0}));
        assert_eq!(message["concurrency"], json!({"level": 8, "index": 1, "total": 2}));
        assert_eq!(message["overall_percent"], 40.0);
        assert_eq!(message["metrics"]["success_count"], 9);
        assert_eq!(message["metrics"]["ttft_p50"], 12.5);
        assert_eq!(message["metrics"]["ttft_avg"], Value::Null);
    }

    #[test]
    fn metrics_come_each_ten_requests_and_at_the_end() {
        let mut view = view();
        let has: Vec<bool> = [4, 10, 15, 21, 40]
            .map(|done| view.progress(&round(done), None).get("metrics").is_some())
            .to_vec();
        assert_eq!(has, [false, true, false, true, true]);
    }

    #[test]
    fn a_round_by_time_is_told_by_the_clock() {
        let mut by_time = round(30);
        by_time["requests"] = Value::Null;
        by_time["seconds"] = json!(8.0);
        let message = view().progress(&by_time, None);
        assert_eq!(message["progress"], json!({"current": 30, "total": null, "percent": 25.0}));
    }
}
