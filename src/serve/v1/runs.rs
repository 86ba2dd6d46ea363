//! llm-loadtest's benchmark: start, status, result, files, history, comparison, delete. Not here:
//! the shapes (`status`, `result`), or what goes on meanwhile (`follow`).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Query, State as Shared};
use axum::http::header::{CONTENT_DISPOSITION, HeaderValue};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::input::{Fields, coded, wrong_query};
use super::status::{Stage, shown, why_failed};
use super::{asking, compare, export, framework, result};
use crate::app::artefacts::{self, RECORD};
use crate::app::comparison::{FEWEST, MOST};
use crate::app::runs::found::Run;
use crate::app::runs::select::Filter;
use crate::clock::now;
use crate::record::Record;
use crate::serve::answer::{self, Answer, Refusal};
use crate::serve::live::queued;
use crate::serve::state::State;
use crate::serve::stored::{self, reading};

type Service = Shared<Arc<State>>;

/// A run that is deleted has stopped by then.
const STOPPED: Duration = Duration::from_secs(20);
const LARGEST_PAGE: u32 = 500;

pub async fn health() -> Answer {
    let version = env!("CARGO_PKG_VERSION");
    answer::json(&json!({"status": "healthy", "version": version, "timestamp": now()}))
}

pub async fn plain_health() -> Answer {
    answer::json(&json!({"status": "healthy"}))
}

/// Both tools have this address: theirs is told by its fields.
pub async fn start(Shared(state): Service, body: Body) -> Answer {
    let mut fields = Fields::read(body).await?;
    if fields.has("framework") && fields.has("scenarios") && !fields.has("server_url") {
        return framework::start(state, fields).await;
    }
    let request = asking::request(&mut fields);
    if let Some(invalid) = fields.invalid() {
        return Ok(invalid);
    }
    let id = queued(state, request).await?;
    answer::json(&json!({"run_id": id, "status": "started"}))
}

pub async fn show(Shared(state): Service, Path(id): Path<String>) -> Answer {
    let run = reading(move || Ok(shown(&stored::run(&state, &id)?)));
    answer::json(&run.await?)
}

/// A result, or what is answered where there is none yet.
enum Found {
    Result(Value),
    Other(Response<Body>),
}

async fn found(state: Arc<State>, id: String) -> Result<Found, Refusal> {
    let run = move || {
        let run = stored::run(&state, &id)?;
        Ok(match Stage::from_run(&run) {
            Stage::Pending | Stage::Running => Found::Other(coded(
                StatusCode::ACCEPTED,
                "running",
                &json!({"detail": "Benchmark still running", "code": "running"}),
            )),
            Stage::Failed => Found::Other(coded(
                StatusCode::INTERNAL_SERVER_ERROR,
                "benchmark_failed",
                &json!({"detail": "Benchmark failed", "code": "benchmark_failed", "error": why_failed(&run)}),
            )),
            Stage::Completed => Found::Result(read_result(&run)?),
        })
    };
    reading(run).await
}

/// Errors: it has no record, or one that cannot be read.
pub fn read_result(run: &Run) -> anyhow::Result<Value> {
    Ok(result::result(run, &record(run)?)?)
}

pub fn record(run: &Run) -> anyhow::Result<Record> {
    let path: PathBuf = run.folder.join(RECORD);
    Ok(Record::parse(&artefacts::read(&path)?)?)
}

pub async fn show_result(Shared(state): Service, Path(id): Path<String>) -> Answer {
    match found(state, id).await? {
        Found::Result(result) => answer::json(&result),
        Found::Other(answer) => Ok(answer),
    }
}

pub async fn export(
    Shared(state): Service,
    Path(id): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let format = query.get("format").map_or("csv", String::as_str).to_owned();
    if format != "csv" && format != "xlsx" {
        return Ok(wrong_query("format", "Input should be 'csv' or 'xlsx'"));
    }
    let result = match found(state, id).await? {
        Found::Result(result) => result,
        Found::Other(answer) => return Ok(answer),
    };
    let short: String = result["run_id"].as_str().unwrap_or_default().chars().take(8).collect();
    let name = format!("attachment; filename=\"{short}_benchmark.{format}\"");
    let file = reading(move || {
        Ok(match &*format {
            "csv" => answer::bytes("text/csv; charset=utf-8", export::csv(&result)?),
            _ => answer::bytes(XLSX, export::xlsx(&result).map_err(anyhow::Error::from)?),
        })
    });
    let mut file = file.await?;
    if let Ok(name) = HeaderValue::from_str(&name) {
        file.headers_mut().insert(CONTENT_DISPOSITION, name);
    }
    Ok(file)
}

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

pub async fn history(
    Shared(state): Service,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let number = |name: &str, usual: u32| {
        query.get(name).map_or(Some(usual), |text| text.parse::<u32>().ok())
    };
    let (limit, offset) = (number("limit", 50), number("offset", 0));
    let (Some(limit), Some(offset)) = (limit.map(|n| n.min(LARGEST_PAGE)), offset) else {
        let name = if limit.is_none() { "limit" } else { "offset" };
        return Ok(wrong_query(name, "Input should be a whole number from 0 on"));
    };
    // What is no stage has no runs, as theirs.
    let wanted = query.get("status").map(|word| Stage::parse(word));
    let page = reading(move || {
        let (runs, total) = match wanted {
            None => {
                let page = state.index.page(&Filter::default(), limit, offset)?;
                (page.runs.into_iter().map(|run| fresh(&state, run)).collect(), page.total)
            }
            Some(None) => (Vec::new(), 0),
            Some(Some(wanted)) => staged(&state, wanted, limit, offset)?,
        };
        let runs: Vec<Value> = runs.iter().map(shown).collect();
        Ok(json!({"runs": runs, "total": total, "limit": limit, "offset": offset}))
    });
    answer::json(&page.await?)
}

/// The runs of a stage, and how many there are.
fn staged(
    state: &State,
    wanted: Stage,
    limit: u32,
    offset: u32,
) -> anyhow::Result<(Vec<Run>, u64)> {
    let mut all = every(state)?;
    all.retain(|run| Stage::from_run(run) == wanted);
    let total = all.len() as u64;
    Ok((all.into_iter().skip(offset as usize).take(limit as usize).collect(), total))
}

/// Of all there are, newest first.
pub fn every(state: &State) -> anyhow::Result<Vec<Run>> {
    let all = state.index.page(&Filter::default(), u32::MAX, 0)?.runs;
    Ok(all.into_iter().map(|run| fresh(state, run)).collect())
}

/// The index hears of the end of a run a little later than whoever waits for it.
pub fn fresh(state: &State, run: Run) -> Run {
    let again = run.goes_on().then(|| stored::run(state, run.id.as_str()).ok()).flatten();
    again.unwrap_or(run)
}

pub async fn compare_runs(Shared(state): Service, body: Body) -> Answer {
    let mut fields = Fields::read(body).await?;
    let ids = fields.texts("run_ids");
    match ids.as_deref().map(<[String]>::len) {
        None if fields.invalid().is_none() => fields.refuse("run_ids", "Field required"),
        Some(n) if !(FEWEST..=MOST).contains(&n) => {
            fields.refuse("run_ids", "List should have 2 to 5 items");
        }
        _ => {}
    }
    if let Some(invalid) = fields.invalid() {
        return Ok(invalid);
    }
    let compared = reading(move || {
        let mut runs = Vec::new();
        for id in ids.unwrap_or_default() {
            // One that is gone, or has no numbers, is compared with nothing.
            let Ok(run) = stored::run(&state, &id) else { continue };
            if Stage::from_run(&run) == Stage::Completed {
                let levels =
                    record(&run)?.workloads.iter().map(result::level).collect::<Result<_, _>>();
                runs.push((run.id, levels.map_err(anyhow::Error::from)?));
            }
        }
        Ok(compare::comparison(&runs))
    });
    answer::json(
        &compared
            .await?
            .unwrap_or_else(|| json!({"error": "Need at least 2 completed runs to compare"})),
    )
}

pub async fn stop(Shared(state): Service, Path(id): Path<String>) -> Answer {
    let stopped = reading(move || {
        let run = stored::run(&state, &id)?;
        if !run.goes_on() || !state.queue.cancel(&run.id) {
            let detail = "Benchmark is not running";
            return Err(Refusal::new(StatusCode::CONFLICT, "not_running", detail));
        }
        Ok(json!({"run_id": run.id, "status": "stopping"}))
    });
    answer::json(&stopped.await?)
}

/// What goes on is stopped first, at once.
pub async fn delete(Shared(state): Service, Path(id): Path<String>) -> Answer {
    let (asked, name) = (Arc::clone(&state), id.clone());
    let mut news = state.queue.news();
    let goes_on = reading(move || {
        let run = stored::run(&asked, &name)?;
        // The second time it does not wait for what is in flight.
        Ok(run.goes_on() && asked.queue.cancel(&run.id) && asked.queue.cancel(&run.id))
    });
    if goes_on.await? {
        let ended = async {
            loop {
                let (asked, name) = (Arc::clone(&state), id.clone());
                let over = reading(move || Ok(!stored::run(&asked, &name)?.goes_on())).await;
                if over.unwrap_or(true) || news.changed().await.is_err() {
                    return;
                }
            }
        };
        let _ = timeout(STOPPED, ended).await;
    }
    let deleted = reading(move || {
        let id = stored::removed(&state, &id);
        state.index.refresh();
        Ok(json!({"deleted": id?}))
    });
    answer::json(&deleted.await?)
}

/// What a later part of goodput-gate is to answer.
pub async fn not_yet() -> Answer {
    let detail = "this goodput-gate does not do this yet";
    Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, "not_implemented", detail))
}
