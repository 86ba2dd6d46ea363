//! The first page: what runs, what came of the last runs, and how each workload went; on an empty
//! store, a demo. Not here: what programs get at the same address (`mod`).

use std::sync::Arc;

use askama::Template;
use axum::extract::State as Shared;
use axum::response::Response;

use super::frame::Frame;
use super::row::Row;
use super::trend::{self, Trend, trends};
use crate::app::runs::request::{RunRequest, Verb};
use crate::app::runs::select::Filter;
use crate::lang::bilingual;
use crate::serve::answer::{Answer, Refusal};
use crate::serve::live;
use crate::serve::state::State;
use crate::serve::stored::reading;

/// Runs that are looked at: those of many workloads, in one short read.
const NEWEST: u32 = 200;
const LAST: usize = 8;

#[derive(Template)]
#[template(path = "pages/home.html")]
struct Home<'a> {
    frame: &'a Frame,
    total: u64,
    data: String,
    going_on: Vec<Row>,
    last: Vec<Row>,
    history_link: String,
    trends: Vec<Trend>,
}

pub async fn page(frame: Frame, state: Arc<State>) -> Answer {
    reading(move || {
        let page = state.index.page(&Filter::default(), NEWEST, 0)?;
        let rows = |goes_on: bool| {
            let some = page.runs.iter().filter(move |run| run.goes_on() == goes_on);
            some.map(|run| Row::new(&frame, run))
        };
        let total = page.total;
        let all = match total {
            1 => bilingual!("The run in the history", "이력의 실행 1개"),
            _ => bilingual!("All {total} runs", "전체 실행 {total}개"),
        };
        let home = Home {
            frame: &frame,
            total,
            data: state.store.data().display().to_string(),
            going_on: rows(true).collect(),
            last: rows(false).take(LAST).collect(),
            history_link: frame.sentence(&all).to_owned(),
            trends: trends(&frame, &page.runs, &state.levels),
        };
        frame.page(&home)
    })
    .await
}

/// Asks for the gate that needs nothing, as `check --demo`.
pub async fn demo(frame: Frame, Shared(state): Shared<Arc<State>>) -> Result<Response, Refusal> {
    let id = live::queued(state, RunRequest::new(Verb::Demo)).await?;
    Ok(frame.lead_to(&format!("/runs/{id}/live")))
}
