//! The framework benchmark's servers: a framework is a server of the config. One of them at a time
//! is the one that is managed: what was started last, or is up. Not here: how a server is started
//! (`app::servers`).

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State as Shared;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::input::Fields;
use crate::app::around;
use crate::app::servers::{self, Kind, Server, Verb};
use crate::app::workspace::Workspace;
use crate::serve::answer::{self, Answer, Refusal};
use crate::serve::feeds::{Publisher, Topic};
use crate::serve::socket::{self, Sign, Upgrade};
use crate::serve::state::State;
use crate::serve::stored::reading;
use crate::serve::v2;

type Service = Shared<Arc<State>>;

/// Lines of a log that are looked at.
const LINES: usize = 200;
/// Between two looks at GPUs, and at a log.
const GPU: Duration = Duration::from_secs(2);
const LOG: Duration = Duration::from_secs(1);

/// What `--target` has to say for a framework. Errors: the config has no such server.
pub fn target(state: &State, framework: &str) -> Result<Option<String>, Refusal> {
    let all = v2::servers::all(state)?;
    if all.iter().any(|server| server.name == framework) {
        return Ok(servers::flags(&Workspace::here(), framework)?.target);
    }
    let names: Vec<&str> = all.iter().map(|server| &*server.name).collect();
    let detail = format!("Unknown framework: it is none of {}", names.join(", "));
    Err(Refusal::bad_request("unknown_framework", detail))
}

/// Whether each server answers. While something is measured nobody is asked: what is up counts.
pub async fn health(Shared(state): Service) -> Answer {
    let all = reading(move || {
        let (all, busy) = (v2::servers::all(&state)?, state.is_measuring()?);
        // Null while something is measured: nobody asks then.
        let healthy = |server: &Server| match (server.kind, &server.base_url) {
            _ if busy => None,
            (Kind::Elsewhere, Some(url)) => Some(matches!(around::server(url, None), Ok(Some(_)))),
            _ => Some(server.state == Some("ready")),
        };
        let shown = |server: &Server| {
            json!({"framework": server.name, "label": server.name, "healthy": healthy(server),
                "base_url": server.base_url.as_deref().unwrap_or_default()})
        };
        Ok(all.iter().map(shown).collect::<Vec<Value>>())
    });
    answer::json(&all.await?)
}

pub async fn managed(Shared(state): Service) -> Answer {
    let status = reading(move || Ok(status(chosen(&v2::servers::all(&state)?))));
    answer::json(&status.await?)
}

/// The one that something is done with, or that is up, or was tried last.
fn chosen(all: &[Server]) -> Option<&Server> {
    let coming = |s: &&Server| s.command.as_ref().is_some_and(|c| c.exit_code.is_none());
    let up = |s: &&Server| s.kind == Kind::Started && !matches!(s.state, Some("down") | None);
    let failed = |s: &&Server| word(s) == "failed";
    all.iter().find(coming).or_else(|| all.iter().find(up)).or_else(|| all.iter().find(failed))
}

fn word(server: &Server) -> &'static str {
    let command = server.command.as_ref();
    let under_way = command.filter(|c| c.exit_code.is_none()).map(|c| c.verb);
    let failed =
        command.is_some_and(|c| c.verb == Verb::Up && !matches!(c.exit_code, Some(0) | None));
    match (under_way, server.state) {
        (Some(Verb::Up), _) | (None, Some("starting")) => "starting",
        (Some(Verb::Down), _) => "stopping",
        (None, Some("ready" | "unready" | "up")) => "running",
        (None, Some("dead")) => "failed",
        (None, _) if failed => "failed",
        (None, _) => "stopped",
    }
}

fn status(server: Option<&Server>) -> Value {
    let lines = |server: &Server| {
        servers::logs(&Workspace::here(), &server.name, LINES).map_or(0, |lines| lines.len())
    };
    match server.filter(|server| word(server) != "stopped") {
        None => json!({"framework": null, "model": null, "status": "stopped", "managed": true,
            "pid": null, "uptime_sec": null, "log_lines": 0}),
        Some(server) => json!({"framework": server.name, "model": server.model,
            "status": word(server), "managed": true, "pid": null,
            "uptime_sec": server.up_s, "log_lines": lines(server)}),
    }
}

/// Returns before the server is ready, as theirs. What else is up stays up.
pub async fn start(Shared(state): Service, body: Body) -> Answer {
    let mut fields = Fields::read(body).await?;
    let framework = fields.required("framework");
    if let Some(invalid) = fields.invalid() {
        return Ok(invalid);
    }
    let started = reading(move || {
        target(&state, &framework)?;
        v2::servers::act(&state, &framework, Verb::Up)?;
        let all = v2::servers::all(&state)?;
        Ok(status(all.iter().find(|server| server.name == framework)))
    });
    answer::json(&started.await?)
}

/// By force also while something is measured, which then says that its server has ended.
pub async fn stop(Shared(state): Service, body: Body) -> Answer {
    let mut fields = Fields::read(body).await?;
    let force = fields.flag("force", false);
    if let Some(invalid) = fields.invalid() {
        return Ok(invalid);
    }
    let stopped = reading(move || {
        let all = v2::servers::all(&state)?;
        match chosen(&all).filter(|server| word(server) != "stopped") {
            Some(server) if force => state
                .commands
                .begin(&Workspace::here(), &server.name, Verb::Down)
                .map_err(v2::servers::refusal)?,
            Some(server) => v2::servers::act(&state, &server.name, Verb::Down)?,
            None => {}
        }
        Ok(status(chosen(&v2::servers::all(&state)?)))
    });
    answer::json(&stopped.await?)
}

fn gpu_now(state: &State) -> Value {
    let all = v2::gpus::now(state).ok();
    let first = all.as_ref().and_then(|all| all.gpus.first());
    let mib = |bytes: u64| (bytes >> 20) as f64;
    json!({
        "memory_used_mb": first.and_then(|gpu| gpu.memory_used_bytes).map(mib),
        "memory_total_mb": first.and_then(|gpu| gpu.device.memory_total_bytes).map(mib),
        "gpu_utilization_pct": first.and_then(|gpu| gpu.utilisation_ratio).map(|r| r * 100.0),
    })
}

/// The first GPU; null where there is none.
pub async fn gpu(Shared(state): Service) -> Answer {
    answer::json(&reading(move || Ok(gpu_now(&state))).await?)
}

pub async fn gpu_socket(Shared(state): Service, upgrade: Upgrade) -> Answer {
    let own = Arc::clone(&state);
    let listener = state.hub.listen(Topic { kind: "gpu", id: None }, 1, |publisher| async move {
        while publisher.is_wanted() {
            let asked = Arc::clone(&own);
            let Ok(now) = reading(move || Ok(gpu_now(&asked))).await else { return };
            publisher.send(now.to_string());
            sleep(GPU).await;
        }
    });
    socket::open(&state, upgrade, listener, Sign::Frame)
}

/// The log of the managed server: its last lines, and what comes.
pub async fn log_socket(Shared(state): Service, upgrade: Upgrade) -> Answer {
    let asked = Arc::clone(&state);
    let name = reading(move || Ok(chosen(&v2::servers::all(&asked)?).map(|s| s.name.clone())));
    let Some(name) = name.await? else {
        let error = json!({"type": "error", "data": "No server running"});
        return socket::open_for(upgrade, error.to_string());
    };
    let topic = Topic { kind: "server", id: Some(name.clone()) };
    let own = Arc::clone(&state);
    let listener = state.hub.listen(topic, LINES, |publisher| follow(own, name, publisher));
    socket::open(&state, upgrade, listener, Sign::Frame)
}

async fn follow(state: Arc<State>, name: String, publisher: Publisher) {
    let mut before: Vec<String> = Vec::new();
    while publisher.is_wanted() {
        let (asked, called) = (Arc::clone(&state), name.clone());
        let looked = reading(move || {
            let all = v2::servers::all(&asked)?;
            let server = all.iter().find(|server| server.name == called);
            let over = server.is_none_or(|s| matches!(word(s), "stopped" | "failed"));
            Ok((servers::logs(&Workspace::here(), &called, LINES).unwrap_or_default(), over))
        });
        let Ok((now, over)) = looked.await else { return };
        for line in newer(&before, &now) {
            publisher.send(json!({"type": "log", "data": line}).to_string());
        }
        before = now;
        if over {
            publisher.send(json!({"type": "done", "data": ""}).to_string());
            return;
        }
        sleep(LOG).await;
    }
}

/// The lines after those that were there before.
fn newer<'a>(before: &[String], now: &'a [String]) -> &'a [String] {
    let same = (0..=before.len().min(now.len())).rev().find(|n| before.ends_with(&now[..*n]));
    &now[same.unwrap_or(0)..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_were_told_are_not_told_again() {
        let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(newer(&[], &lines("a b")), lines("a b"));
        assert_eq!(newer(&lines("a b"), &lines("a b c")), lines("c"));
        assert_eq!(newer(&lines("a b c"), &lines("b c d")), lines("d"));
        assert!(newer(&lines("a b"), &lines("a b")).is_empty());
        assert_eq!(newer(&lines("a b"), &lines("x")), lines("x"), "a new log");
    }
}
