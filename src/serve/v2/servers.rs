//! `/api/v2/servers`: those that the config names, up, down and their logs. Not here: how a server
//! is started (`app::servers`), or which others there are.

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::super::answer::{self, Answer, Refusal};
use super::super::state::State;
use super::super::stored::{reading, wrong_query};
use super::{Service, Wanted, no_config};
use crate::app::error_text;
use crate::app::servers::{self, Ask, Refused, Server, Verb};
use crate::app::workspace::Workspace;

/// Lines of a log where nothing else is asked for, and at most.
const LINES: usize = 50;
const MOST_LINES: usize = 1000;

pub async fn list(Shared(state): Service) -> Answer {
    let servers = reading(move || all(&state)).await?;
    answer::json(&json!({"servers": servers}))
}

/// Those that run are asked how they are, unless something is measured.
pub fn all(state: &State) -> Result<Vec<Server>, Refusal> {
    let ask = if state.is_measuring()? { Ask::No } else { Ask::Yes };
    servers::all(&Workspace::here(), &state.commands, ask).map_err(|why| no_config(&why))
}

#[derive(Deserialize)]
pub struct Asked {
    lines: Option<usize>,
}

pub async fn logs(Path(name): Path<String>, query: Wanted<Asked>) -> Answer {
    let lines = query.map_err(wrong_query)?.0.lines.unwrap_or(LINES).clamp(1, MOST_LINES);
    let lines = reading(move || {
        servers::logs(&Workspace::here(), &name, lines).map_err(|why| match why {
            Refused::Failed(why) => Refusal::not_found("no_log", error_text::text(&why)),
            other => refusal(other),
        })
    });
    answer::json(&json!({"lines": lines.await?}))
}

pub async fn start(state: Service, name: Path<String>) -> Answer {
    begun(state, name, Verb::Up).await
}

pub async fn stop(state: Service, name: Path<String>) -> Answer {
    begun(state, name, Verb::Down).await
}

async fn begun(Shared(state): Service, Path(name): Path<String>, verb: Verb) -> Answer {
    let named = name.clone();
    reading(move || act(&state, &named, verb)).await?;
    let word = if verb == Verb::Up { "starting" } else { "stopping" };
    let mut answer = answer::json(&json!({"server": name, "state": word}))?;
    *answer.status_mut() = StatusCode::ACCEPTED;
    Ok(answer)
}

/// Begins to start or stop a server. Not while something is measured: it may be measured itself.
pub fn act(state: &State, name: &str, verb: Verb) -> Result<(), Refusal> {
    if state.is_measuring()? {
        let detail = "a run goes on: servers are neither started nor stopped until it has ended";
        return Err(Refusal::new(StatusCode::CONFLICT, "running", detail));
    }
    state.commands.begin(&Workspace::here(), name, verb).map_err(refusal)
}

pub fn refusal(why: Refused) -> Refusal {
    match why {
        Refused::Unknown => {
            Refusal::not_found("server_not_found", "the config names no such server")
        }
        Refused::NotOurs(why) => Refusal::new(StatusCode::CONFLICT, "not_startable", why),
        Refused::Busy => Refusal::new(
            StatusCode::CONFLICT,
            "busy",
            "the server is being started or stopped already",
        ),
        Refused::Failed(why) => no_config(&why),
    }
}
