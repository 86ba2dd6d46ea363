//! The web pages: rendered here, useful without a script, in English and Korean. Each is a struct
//! beside its template, which extends `frame.html`. Scripts and styles are files of ours (`assets`):
//! no page has any of its own in it.
//!
//! Not here: what is shown, which `app` tells; the API (`stored`, `live`).

use std::sync::Arc;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;
use serde_json::json;

use super::answer::{self, Answer};
use super::state::State;

mod assets;
pub mod frame;
pub mod refused;
mod home;

use frame::Frame;

pub fn routes() -> Router<Arc<State>> {
    Router::new().route("/", get(root)).route("/assets/{name}", get(assets::asset))
}

/// A page for a browser, and what this service is for a program.
async fn root(frame: Frame, headers: HeaderMap) -> Answer {
    if frame::wants_page(&headers) {
        return home::page(&frame);
    }
    let version = env!("CARGO_PKG_VERSION");
    answer::json(&json!({"service": "goodput-gate", "version": version}))
}
