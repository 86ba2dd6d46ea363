//! Runs that were ticked: led on to be compared, or to be deleted, which asks first. Not here: the
//! table of all (`history`).

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{RawQuery, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;

use super::form::Form;
use super::frame::Frame;
use super::row::Row;
use crate::app::comparison::{FEWEST, MOST};
use crate::app::runs::file::Id;
use crate::lang::bilingual;
use crate::serve::answer::{Answer, Refusal};
use crate::serve::state::State;
use crate::serve::stored::{self, reading};

/// Deleted at once: those of a page.
const DELETED: usize = 50;

#[derive(Template)]
#[template(path = "pages/delete.html")]
struct Delete<'a> {
    frame: &'a Frame,
    rows: Vec<Row>,
    /// Runs that are not deleted: which, and why.
    refused: Vec<(String, String)>,
}

/// The ticked runs of a form, each once.
fn ids(form: &Form) -> Vec<Id> {
    let mut ids: Vec<Id> = Vec::new();
    for id in form.all("run").filter_map(Id::parse) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

/// Errors: fewer or more than can be compared.
pub async fn chosen(frame: Frame, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let form = Form::parse(&query.unwrap_or_default());
    let ids = ids(&form);
    if form.text("do") == Some("delete") {
        let runs: Vec<String> = ids.iter().map(|id| format!("run={id}")).collect();
        return Ok(frame.lead_to(&format!("/delete?{}", runs.join("&"))));
    }
    if !(FEWEST..=MOST).contains(&ids.len()) {
        let why = bilingual!("tick two to five runs", "실행을 2~5개 선택하십시오");
        return Err(Refusal::bad_request("bad_query", why));
    }
    let runs: Vec<&str> = ids.iter().map(Id::as_str).collect();
    Ok(frame.lead_to(&format!("/compare?runs={}", runs.join(","))))
}

/// Asks whether it is meant.
pub async fn ask(
    frame: Frame,
    Shared(state): Shared<Arc<State>>,
    RawQuery(query): RawQuery,
) -> Answer {
    let ids = wanted(&Form::parse(&query.unwrap_or_default()))?;
    reading(move || {
        let runs: Result<Vec<_>, _> =
            ids.iter().map(|id| stored::run(&state, id.as_str())).collect();
        let rows = runs?.iter().map(|run| Row::new(&frame, run)).collect();
        frame.page(&Delete { frame: &frame, rows, refused: Vec::new() })
    })
    .await
}

/// Deletes them. One that goes on is told, and stays; one that is gone is deleted already.
pub async fn delete(
    frame: Frame,
    Shared(state): Shared<Arc<State>>,
    body: Body,
) -> Result<Response, Refusal> {
    let ids = wanted(&Form::read(body).await?)?;
    reading(move || {
        let mut refused = Vec::new();
        for id in &ids {
            match stored::removed(&state, id.as_str()) {
                Err(why) if why.status != StatusCode::NOT_FOUND => {
                    let why = frame.sentence(&why.detail).to_owned();
                    refused.push((id.short().to_owned(), why));
                }
                _ => {}
            }
        }
        state.index.refresh();
        if refused.is_empty() {
            return Ok(frame.lead_to(&format!("/history?deleted={}", ids.len())));
        }
        let mut answer = frame.page(&Delete { frame: &frame, rows: Vec::new(), refused })?;
        *answer.status_mut() = StatusCode::CONFLICT;
        Ok(answer)
    })
    .await
}

/// Errors: none, or too many.
fn wanted(form: &Form) -> Result<Vec<Id>, Refusal> {
    let ids = ids(form);
    if ids.is_empty() || ids.len() > DELETED {
        let why = bilingual!("tick one to {DELETED} runs", "실행을 1~{DELETED}개 선택하십시오");
        return Err(Refusal::bad_request("bad_query", why));
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_id_is_not_chosen() {
        let id = "0b9f3c1e-7c1e-4a5e-9d0f-3c6a1f0e2b11";
        let form = format!("run={id}&run=..%2f..&run={id}&other={id}&run=&do=delete");
        assert_eq!(ids(&Form::parse(&form)).iter().map(Id::as_str).collect::<Vec<_>>(), [id]);
        assert!(wanted(&Form::parse("run=1")).is_err() && wanted(&Form::default()).is_err());
    }
}
