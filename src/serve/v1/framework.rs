//! The framework benchmark's jobs: a target of the config measured with its workloads, its status,
//! its log as it goes on. Not here: its servers (`servers`), or its results (`results`).

use std::sync::Arc;

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::input::Fields;
use super::servers;
use super::status::{Stage, asked};
use crate::app::runs::found::Run;
use crate::app::runs::request::{RunRequest, Verb};
use crate::exit::ExitStatus;
use crate::serve::answer::{self, Answer, Refusal};
use crate::serve::feeds::Topic;
use crate::serve::live::queued;
use crate::serve::socket::{self, Sign, Upgrade};
use crate::serve::state::State;
use crate::serve::stored::{self, reading};

type Service = Shared<Arc<State>>;

/// Every workload of the config.
const ALL: &str = "all";
/// Messages of a log that are kept for whoever comes later.
const LOG: usize = 100;

pub async fn start(state: Arc<State>, mut fields: Fields) -> Answer {
    let framework = fields.required("framework");
    let scenarios = fields.texts("scenarios").unwrap_or_default();
    let mut request = RunRequest::new(Verb::Run);
    request.model = fields.text("model");
    request.rounds = Some(fields.whole("trials", 1, 1));
    if let Some(invalid) = fields.invalid() {
        return Ok(invalid);
    }
    if !scenarios.iter().any(|name| name == ALL) {
        request.workloads = scenarios;
    }
    let own = Arc::clone(&state);
    request.target = reading(move || servers::target(&own, &framework)).await?;
    let id = queued(state, request).await?;
    answer::json(&json!({"job_id": id, "status": "running"}))
}

pub async fn status(Shared(state): Service, Path(id): Path<String>) -> Answer {
    let job = reading(move || {
        let run = job(&state, &id)?;
        let lines = state.queue.progress(&run.id).map_or(0, |progress| progress.line_count);
        Ok(shown(&run, lines))
    });
    answer::json(&job.await?)
}

fn job(state: &State, id: &str) -> Result<Run, Refusal> {
    stored::run(state, id).map_err(|why| match why.status {
        StatusCode::NOT_FOUND => Refusal::not_found("run_not_found", "Job not found"),
        _ => why,
    })
}

fn shown(run: &Run, lines: u64) -> Value {
    let asked = asked(run);
    let asked = asked.as_ref();
    let workloads = asked.map(|asked| asked.workloads.clone()).filter(|all| !all.is_empty());
    json!({
        "job_id": run.id,
        "status": word(run),
        "framework": framework(run, asked),
        "scenarios": workloads.unwrap_or_else(|| vec![ALL.into()]),
        "model": super::status::model(run, asked),
        "trials": asked.and_then(|asked| asked.rounds),
        "log_lines": lines,
    })
}

/// The name of the target, else what the server turned out to be.
pub fn framework(run: &Run, asked: Option<&RunRequest>) -> String {
    let target = asked.and_then(|asked| asked.target.clone());
    target.or_else(|| run.servers.first().cloned()).unwrap_or_default()
}

fn word(run: &Run) -> &'static str {
    match Stage::from_run(run) {
        Stage::Failed if run.exit_code == Some(ExitStatus::Interrupted.code()) => "cancelled",
        stage => stage.word(),
    }
}

pub async fn cancel(Shared(state): Service, Path(id): Path<String>) -> Answer {
    let cancelled = reading(move || {
        let run = job(&state, &id).ok().filter(Run::goes_on);
        let run = run
            .filter(|run| state.queue.cancel(&run.id))
            .ok_or_else(|| Refusal::bad_request("not_running", "Job not running or not found"))?;
        Ok(json!({"job_id": run.id, "status": "cancelled"}))
    });
    answer::json(&cancelled.await?)
}

/// What a run says, line by line, and how far it is.
pub async fn log(Shared(state): Service, Path(id): Path<String>, upgrade: Upgrade) -> Answer {
    let own = Arc::clone(&state);
    let Ok(id) = reading(move || Ok(job(&own, &id)?.id.to_string())).await else {
        let error = json!({"type": "error", "data": "Job not found"});
        return socket::open_for(upgrade, error.to_string());
    };
    let topic = Topic { kind: "log", id: Some(id.clone()) };
    let own = Arc::clone(&state);
    let listener = state.hub.listen(topic, LOG, |publisher| {
        let mut view = Log::default();
        socket::follow(own, id, publisher, move |_, goes_on, said| {
            let mut all = view.new_lines(said);
            if !goes_on {
                all.extend(said["error"].as_str().map(str::to_owned).filter(|_| !view.told));
            }
            let lines = all.into_iter().map(|line| json!({"type": "log", "data": line}));
            let done = (!goes_on).then(|| json!({"type": "done", "data": ""}));
            lines.chain(done).map(|message| message.to_string()).collect()
        })
    });
    socket::open(&state, upgrade, listener, Sign::Frame)
}

#[derive(Default)]
struct Log {
    /// Lines until now.
    count: u64,
    /// The last words of its progress.
    progress: String,
    told: bool,
}

impl Log {
    fn new_lines(&mut self, said: &Value) -> Vec<String> {
        let lines = said["lines"].as_array().map_or(&[][..], Vec::as_slice);
        let count = said["line_count"].as_u64().unwrap_or(self.count);
        let new = usize::try_from(count.saturating_sub(self.count)).unwrap_or(usize::MAX);
        self.count = count;
        let new = lines.iter().skip(lines.len().saturating_sub(new));
        let mut all: Vec<String> =
            new.filter_map(|line| line.as_str().map(str::to_owned)).collect();
        let round = &said["round"];
        if let (Some(label), Some(text)) = (round["label"].as_str(), round["text"].as_str()) {
            let progress = format!("{label}: {text}");
            if progress != self.progress {
                all.push(progress.clone());
                self.progress = progress;
            }
        }
        self.told |= !all.is_empty();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_told_once() {
        let mut log = Log::default();
        let mut new = |said: Value| log.new_lines(&said);
        assert_eq!(new(json!({"lines": ["a", "b"], "line_count": 2})), ["a", "b"]);
        assert!(new(json!({"lines": ["a", "b"], "line_count": 2})).is_empty());
        assert_eq!(new(json!({"lines": ["b", "b"], "line_count": 3})), ["b"]);
        let round =
            json!({"lines": [], "line_count": 3, "round": {"label": "chat", "text": "1/2 done"}});
        assert_eq!(new(round.clone()), ["chat: 1/2 done"]);
        assert!(new(round).is_empty());
        // Of a run that has ended there is nothing but the run.
        assert!(new(json!({"state": "ended"})).is_empty());
    }
}
