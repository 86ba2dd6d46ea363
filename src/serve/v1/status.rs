//! A run as llm-loadtest's clients know it: pending, running, completed or failed, with the server
//! and the model that were asked for. Not here: its numbers (`result`).

use serde_json::{Value, json};

use crate::app::runs::found::{Run, State};
use crate::app::runs::request::{self, RunRequest};
use crate::exit::ExitStatus;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Pending,
    Running,
    /// It has numbers, and nobody broke it off.
    Completed,
    Failed,
}

impl Stage {
    const ALL: [Self; 4] = [Self::Pending, Self::Running, Self::Completed, Self::Failed];

    pub fn from_run(run: &Run) -> Self {
        let broken = run.exit_code == Some(ExitStatus::Interrupted.code());
        match run.state {
            State::Queued => Self::Pending,
            State::Running => Self::Running,
            State::Ended if !run.workloads.is_empty() && !broken && !run.is_imported() => {
                Self::Completed
            }
            State::Ended | State::CutOff | State::Damaged => Self::Failed,
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.word() == word)
    }

    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

/// What was asked of a run, where it was asked for here.
pub fn asked(run: &Run) -> Option<RunRequest> {
    request::asked(&run.folder)
}

/// The address as it was asked for, or the name of the config's target; empty where nobody asked.
pub fn server_url(asked: Option<&RunRequest>) -> String {
    let named = asked.and_then(|a| a.base_url.clone().or_else(|| a.target.clone()));
    named.unwrap_or_default()
}

/// As it was asked for, else as the server calls it.
pub fn model(run: &Run, asked: Option<&RunRequest>) -> String {
    let model = asked.and_then(|asked| asked.model.clone());
    model.or_else(|| run.models.first().cloned()).unwrap_or_default()
}

pub fn adapter(asked: Option<&RunRequest>) -> &str {
    match asked.and_then(|asked| asked.protocol.as_deref()) {
        Some("ollama" | "ollama-generate") => "ollama",
        Some("triton") => "triton",
        _ => "openai",
    }
}

/// What the server turned out to be, of those that their clients know.
pub fn framework(run: &Run) -> &'static str {
    let server = run.servers.first().map(|name| name.to_ascii_lowercase()).unwrap_or_default();
    ["sglang", "ollama", "triton"].into_iter().find(|one| server.contains(one)).unwrap_or("vllm")
}

pub fn shown(run: &Run) -> Value {
    let (asked, stage) = (asked(run), Stage::from_run(run));
    let asked = asked.as_ref();
    json!({
        "run_id": run.id,
        "status": stage.word(),
        "server_url": server_url(asked),
        "model": model(run, asked),
        "adapter": adapter(asked),
        "framework": framework(run),
        "started_at": (stage != Stage::Pending).then_some(&run.started),
        "completed_at": run.ended,
        "created_at": run.started,
        "error": why_failed(run),
    })
}

/// One sentence; None of what has not failed.
pub fn why_failed(run: &Run) -> Option<String> {
    if Stage::from_run(run) != Stage::Failed {
        return None;
    }
    if run.is_imported() {
        return Some(format!("it was imported: GET /api/v2/runs/{}/imported", run.id));
    }
    let damage = (!run.damage.is_empty()).then(|| run.damage.join("; "));
    let cut_off = || (run.state == State::CutOff).then(|| "it was cut off".to_owned());
    let interrupted = || Some("it was interrupted".to_owned());
    run.error.clone().or(damage).or_else(cut_off).or_else(interrupted)
}
