//! The addresses of two older tools, so that their clients go on: llm-loadtest (`runs`, `follow`)
//! and the framework benchmark (`framework`, `servers`). The shapes and the status codes are
//! theirs, and so is nothing else: every run is one of the queue, every number one of its record.
//!
//! `input` reads their bodies, `asking` makes them a run, `status`, `result`, `compare`, `export`
//! and `results` tell of it. A module uses only those before it. Not here: our own addresses.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use super::state::State;

mod input;
mod status;
mod asking;
mod result;
mod compare;
mod export;
mod servers;
mod framework;
mod runs;
mod results;
mod follow;

const BENCHMARK: &str = "/api/v1/benchmark";

pub fn routes() -> Router<Arc<State>> {
    let benchmark = Router::new()
        .route("/health", get(runs::health))
        .route("/run", post(runs::start))
        .route("/run/{id}", get(runs::show).delete(runs::delete))
        .route("/run/{id}/stop", post(runs::stop))
        .route("/result/{id}", get(runs::show_result))
        .route("/result/{id}/export", get(runs::export))
        .route("/result/{id}/analysis", get(runs::not_yet))
        .route("/history", get(runs::history))
        .route("/compare", post(runs::compare_runs))
        .route("/recommend", post(runs::not_yet))
        .route("/recommend/{id}", get(runs::not_yet).delete(runs::not_yet))
        .route("/recommend/{id}/result", get(runs::not_yet))
        .route("/ws/run/{id}", get(follow::run))
        .route("/ws/stats", get(follow::stats))
        .route("/status/{id}", get(framework::status))
        .route("/cancel/{id}", post(framework::cancel));
    Router::new()
        .route("/health", get(runs::plain_health))
        .route("/ws/benchmark/{id}", get(framework::log))
        .route("/ws/gpu", get(servers::gpu_socket))
        .route("/ws/server/logs", get(servers::log_socket))
        .route("/api/v1/server/health", get(servers::health))
        .route("/api/v1/server/gpu", get(servers::gpu))
        .route("/api/v1/server/managed", get(servers::managed))
        .route("/api/v1/server/start", post(servers::start))
        .route("/api/v1/server/stop", post(servers::stop))
        .route("/api/v1/results/", get(results::files))
        .route("/api/v1/results/all", get(results::all).delete(results::delete_all))
        .route(
            "/api/v1/results/{framework}",
            get(results::framework_results).delete(results::delete_one),
        )
        .route("/api/v1/analysis/hypotheses", get(results::hypotheses))
        .route("/api/v1/analysis/report", get(results::report))
        .nest(BENCHMARK, benchmark)
}
