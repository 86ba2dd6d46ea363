//! The routes, and those of no run: health and the service's numbers. Not here: what is answered of
//! runs (`stored`, `live`), the pages, the guard.

use std::sync::Arc;

use axum::Router;
use axum::extract::State as Shared;
use axum::http::{StatusCode, Uri};
use axum::routing::{get, post};
use serde_json::json;

use super::answer::{self, Answer, Refusal};
use super::state::State;
use super::stored::reading;
use super::{live, metrics, openapi, pages, sign_in, socket, stored, v1, v2};

pub fn routes(state: Arc<State>) -> Router {
    Router::new()
        .route("/healthz", get(health))
        .route("/metrics", get(exposition))
        .route("/openapi.json", get(openapi::document))
        .route("/docs", get(openapi::docs))
        .route("/sign-in", get(sign_in::page).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/api/v2/runs", get(stored::list).post(live::start))
        .route("/api/v2/runs/{id}", get(stored::show).delete(stored::delete))
        .route("/api/v2/runs/{id}/record", get(stored::record))
        .route("/api/v2/runs/{id}/report", get(stored::report))
        .route("/api/v2/runs/{id}/imported", get(stored::imported))
        .route("/api/v2/runs/{id}/progress", get(live::progress))
        .route("/api/v2/runs/{id}/course", get(live::course))
        .route("/api/v2/runs/{id}/events", get(live::events))
        .route("/api/v2/runs/{id}/cancel", post(live::cancel))
        .merge(v2::routes())
        .route("/api/v2/runs/{id}/socket", get(socket::events))
        .merge(v1::routes())
        .merge(pages::routes())
        .fallback(nothing)
        .method_not_allowed_fallback(other_method)
        .with_state(state)
}

async fn health() -> Answer {
    answer::json(&json!({"status": "healthy", "version": env!("CARGO_PKG_VERSION")}))
}

async fn exposition(Shared(state): Shared<Arc<State>>) -> Answer {
    let text = reading(move || Ok(metrics::text(&state)?)).await?;
    Ok(answer::bytes("text/plain; version=0.0.4; charset=utf-8", text.into_bytes()))
}

async fn nothing(uri: Uri) -> Answer {
    Err(absent(uri.path()))
}

pub fn absent(path: &str) -> Refusal {
    Refusal::not_found("not_found", format!("there is nothing at {path}"))
}

async fn other_method() -> Answer {
    let detail = "this address has no such method";
    Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail))
}
