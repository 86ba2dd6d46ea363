//! Runs as they are stored: listed, told in full, deleted. Not here: what a run is (`app::runs`), or
//! how it goes on (`live`).

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State as Shared};
use axum::http::StatusCode;
use axum::http::header::{
    CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, HeaderValue, X_FRAME_OPTIONS,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answer::{self, Answer, REPORT_POLICY, Refusal};
use super::state::State;
use crate::app::format::{self, Format};
use crate::app::runs::file::Id;
use crate::app::runs::found::{self, Loaded, Run};
use crate::app::runs::older;
use crate::app::runs::remove::{self, Removed};
use crate::app::runs::select::{self, Filter};
use crate::app::{artefacts, error_text};
use crate::lang::{Lang, bilingual};
use crate::read::Parts;

type Service = Shared<Arc<State>>;

/// Runs of one answer where nothing else is asked for, and at most.
const PAGE: u32 = 50;
const LARGEST_PAGE: u32 = 500;

#[derive(Deserialize)]
pub struct ListQuery {
    workload: Option<String>,
    verdict: Option<String>,
    branch: Option<String>,
    model: Option<String>,
    server: Option<String>,
    commit: Option<String>,
    limit: Option<u32>,
    offset: Option<u32>,
}

#[derive(Serialize)]
struct Listed {
    runs: Vec<Value>,
    /// Of all that fit.
    total: u64,
    limit: u32,
    offset: u32,
}

pub async fn list(
    Shared(state): Service,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Answer {
    let Query(asked) = query.map_err(wrong_query)?;
    let verdict = asked.verdict.as_deref().map(select::verdict).transpose();
    let verdict =
        verdict.map_err(|e| Refusal::bad_request("unknown_verdict", error_text::text(&e).en))?;
    let ListQuery { workload, branch, model, server, commit, .. } = asked;
    let filter = Filter { workload, verdict, branch, model, server, commit };
    let (limit, offset) =
        (asked.limit.unwrap_or(PAGE).clamp(1, LARGEST_PAGE), asked.offset.unwrap_or(0));
    let page = reading(move || Ok(state.index.page(&filter, limit, offset)?)).await?;
    let runs = page.runs.iter().map(shown).collect();
    answer::json(&Listed { runs, total: page.total, limit, offset })
}

pub async fn show(Shared(state): Service, Path(id): Path<String>) -> Answer {
    let run = reading(move || run(&state, &id)).await?;
    answer::json(&shown(&run))
}

pub async fn delete(Shared(state): Service, Path(id): Path<String>) -> Answer {
    let deleted = reading(move || {
        let removed = removed(&state, &id);
        state.index.refresh();
        removed
    });
    answer::json(&json!({"deleted": deleted.await?}))
}

/// Deletes a run; the index learns of it by itself, or when it is refreshed.
pub fn removed(state: &State, id: &str) -> Result<Id, Refusal> {
    let run = run(state, id)?;
    if run.goes_on() {
        let detail =
            bilingual!("the run goes on: stop it first", "실행이 진행 중: 먼저 멈추십시오");
        return Err(Refusal::new(StatusCode::CONFLICT, "running", detail));
    }
    match remove::remove(&state.store, &run)? {
        Removed::Now => Ok(run.id),
        Removed::Before => Err(absent()),
    }
}

pub async fn record(Shared(state): Service, Path(id): Path<String>) -> Answer {
    let parts = reading(move || {
        let run = run(&state, &id)?;
        match Parts::open(&run.folder.join(artefacts::RECORD)) {
            Ok(parts) => Ok(parts),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                Err(Refusal::not_found("no_record", "the run has no record"))
            }
            Err(e) => Err(anyhow::Error::new(e).context(artefacts::RECORD).into()),
        }
    });
    Ok(answer::file("application/json", parts.await?))
}

/// What an older tool measured, as it told it.
pub async fn imported(Shared(state): Service, Path(id): Path<String>) -> Answer {
    let row = reading(move || {
        let run = run(&state, &id)?;
        let absent = || Refusal::not_found("not_imported", "the run is of no older tool");
        older::row(&run.folder)?.ok_or_else(absent)
    });
    answer::json(&row.await?)
}

#[derive(Deserialize)]
pub struct ReportQuery {
    format: Option<String>,
    lang: Option<Lang>,
}

pub async fn report(
    Shared(state): Service,
    Path(id): Path<String>,
    query: Result<Query<ReportQuery>, QueryRejection>,
) -> Answer {
    let Query(asked) = query.map_err(wrong_query)?;
    let name = asked.format.unwrap_or_else(|| "json".into());
    let format = Format::parse(&name).ok_or_else(|| {
        let all = Format::ALL.map(Format::name).join(", ");
        Refusal::bad_request("unknown_format", format!("no format {name:?}: one of {all}"))
    })?;
    let lang = asked.lang.unwrap_or_default();
    let (id, text) = reading(move || {
        let run = run(&state, &id)?;
        let for_people = matches!(format, Format::Html | Format::Md | Format::Terminal);
        if !run.damage.is_empty() && !for_people {
            let why = bilingual!(
                "files of the run are gone or damaged: no program is told a verdict of it",
                "실행의 파일이 없거나 손상됨: 프로그램에는 판정을 알리지 않음"
            );
            return Err(Refusal::new(StatusCode::CONFLICT, "damaged", why));
        }
        let Some(Loaded { report, record }) = found::load(&run)? else {
            return Err(Refusal::not_found("no_report", "the run has no report"));
        };
        Ok((run.id, format::rendered(&report, record.as_ref(), format, lang)?))
    })
    .await?;
    let mut answer = answer::bytes(format.content_type(), text);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(REPORT_POLICY));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    let place = if format.is_shown() { "inline" } else { "attachment" };
    let file = format!("{place}; filename=\"{}-report.{}\"", id.short(), format.ending());
    if let Ok(file) = HeaderValue::from_str(&file) {
        headers.insert(CONTENT_DISPOSITION, file);
    }
    Ok(answer)
}

/// By its whole id, as its folder tells it now.
pub fn run(state: &State, id: &str) -> Result<Run, Refusal> {
    let id = Id::parse(id).ok_or_else(absent)?;
    select::by_id(&state.store, &id)?.ok_or_else(absent)
}

/// Where its folder lies on this machine is nobody's business elsewhere.
pub fn shown(run: &Run) -> Value {
    let mut run = serde_json::to_value(run).unwrap_or_default();
    run.as_object_mut().map(|fields| fields.shift_remove("folder"));
    run
}

fn absent() -> Refusal {
    let detail = bilingual!("Run not found", "실행을 찾을 수 없음");
    Refusal::not_found("run_not_found", detail)
}

#[expect(clippy::needless_pass_by_value, reason = "made for map_err")]
pub fn wrong_query(why: QueryRejection) -> Refusal {
    Refusal::bad_request("bad_query", why.body_text())
}

/// Off the threads that answer: it reads files.
pub async fn reading<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(read).await {
        Ok(done) => done,
        Err(e) => Err(anyhow::Error::new(e).into()),
    }
}
