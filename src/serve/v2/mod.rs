//! What the service tells beside runs, below `/api/v2`: comparison, history, baselines, servers,
//! GPUs and hypotheses. Each file answers one of them. Not here: runs (`stored`, `live`), pages.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State as Shared};
use axum::routing::{get, post};

use super::answer::Refusal;
use super::state::State;

pub mod compare;
pub mod gpus;
mod history;
pub mod hypotheses;
pub mod servers;

type Service = Shared<Arc<State>>;
type Wanted<T> = Result<Query<T>, QueryRejection>;

pub fn routes() -> Router<Arc<State>> {
    Router::new()
        .route("/api/v2/compare", get(compare::answer))
        .route("/api/v2/history", get(history::answer))
        .route("/api/v2/baselines", get(history::baselines))
        .route("/api/v2/servers", get(servers::list))
        .route("/api/v2/servers/{name}/logs", get(servers::logs))
        .route("/api/v2/servers/{name}/start", post(servers::start))
        .route("/api/v2/servers/{name}/stop", post(servers::stop))
        .route("/api/v2/gpus", get(gpus::answer))
        .route("/api/v2/hypotheses", get(hypotheses::answer))
}

/// The config of this folder cannot be used.
fn no_config(why: &anyhow::Error) -> Refusal {
    let detail = crate::app::error_text::text(why);
    Refusal::new(axum::http::StatusCode::CONFLICT, "no_config", detail)
}
