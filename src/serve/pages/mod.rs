//! The web pages: rendered here, useful without a script, in English and Korean. Each is a struct
//! beside its template, which extends `frame.html`. Scripts and styles are files of ours (`assets`):
//! no page has any of its own in it.
//!
//! `frame` is what all have around them, `refused` a refusal as a page, `form` what a form sends, `row`
//! a run as a line, `trend` a workload over runs, `asked` what a form of a new run comes to, `chosen`
//! what is done with ticked runs; the others are a page each. Not here: what is shown, which `app` tells; the API (`stored`, `live`).

use std::sync::Arc;

use axum::Router;
use axum::extract::State as Shared;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use serde_json::json;

use super::answer::{self, Answer};
use super::state::State;

mod assets;
pub mod frame;
pub mod refused;
mod row;
mod trend;
mod home;
mod history;
mod chosen;
mod result;
mod form;
mod asked;
mod new_run;
mod live;
mod compare;
mod servers;
mod hypotheses;

use frame::Frame;

pub fn routes() -> Router<Arc<State>> {
    Router::new()
        .route("/", get(root))
        .route("/assets/{name}", get(assets::asset))
        .route("/demo", post(home::demo))
        .route("/history", get(history::page))
        .route("/chosen", get(chosen::chosen))
        .route("/delete", get(chosen::ask).post(chosen::delete))
        .route("/runs/{id}", get(result::page))
        .route("/runs/{id}/again", post(result::again))
        .route("/new", get(new_run::page).post(new_run::ask))
        .route("/api/v2/plan", get(new_run::plan))
        .route("/runs/{id}/live", get(live::page))
        .route("/runs/{id}/cancel", post(live::cancel))
        .route("/compare", get(compare::page))
        .route("/servers", get(servers::page))
        .route("/servers/{name}/start", post(servers::start))
        .route("/servers/{name}/stop", post(servers::stop))
        .route("/hypotheses", get(hypotheses::page))
}

/// A page for a browser, and what this service is for a program.
async fn root(frame: Frame, Shared(state): Shared<Arc<State>>, headers: HeaderMap) -> Answer {
    if frame::wants_page(&headers) {
        return home::page(frame, state).await;
    }
    let version = env!("CARGO_PKG_VERSION");
    answer::json(&json!({"service": "goodput-gate", "version": version}))
}
