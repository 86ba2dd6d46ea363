//! What programs may ask for, as a document for them (`/openapi.json`, `OpenAPI` 3.1) and as a page
//! (`/docs`). A test holds it against the routes. Not here: pages, which are for people; what is
//! answered.

use std::sync::Arc;

use askama::Template;
use axum::extract::State as Shared;
use serde_json::{Map, Value, json};

use super::answer::{self, Answer};
use super::pages::frame::Frame;
use super::state::State;

/// One address and what it does.
pub struct Address {
    pub method: &'static str,
    pub path: &'static str,
    /// What it tells or does.
    pub tells: &'static str,
    query: &'static [&'static str],
    asks: Asks,
}

/// What a request brings.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    Nothing,
    /// A JSON object.
    Json,
    /// It becomes a WebSocket.
    Socket,
}

pub struct Group {
    pub name: &'static str,
    pub about: &'static str,
    pub addresses: &'static [Address],
}

const fn get(path: &'static str, query: &'static [&'static str], tells: &'static str) -> Address {
    Address { method: "get", path, tells, query, asks: Asks::Nothing }
}

const fn post(path: &'static str, asks: Asks, tells: &'static str) -> Address {
    Address { method: "post", path, tells, query: &[], asks }
}

const fn delete(path: &'static str, tells: &'static str) -> Address {
    Address { method: "delete", path, tells, query: &[], asks: Asks::Nothing }
}

const fn socket(path: &'static str, tells: &'static str) -> Address {
    Address { method: "get", path, tells, query: &[], asks: Asks::Socket }
}

const CHOSEN: &[&str] =
    &["workload", "verdict", "branch", "model", "server", "commit", "limit", "offset"];

pub const GROUPS: [Group; 5] = [
    Group {
        name: "runs",
        about: "Runs that are kept, and those that go on.",
        addresses: &[
            get("/api/v2/runs", CHOSEN, "Runs, newest first, and how many fit in all"),
            post("/api/v2/runs", Asks::Json, "Asks for a run; what is absent is the config's"),
            get("/api/v2/runs/{id}", &[], "One run"),
            delete("/api/v2/runs/{id}", "Deletes it with all its files; 409 while it runs"),
            get("/api/v2/runs/{id}/record", &[], "Its record, byte by byte"),
            get("/api/v2/runs/{id}/report", &["format", "lang"], "Its report, in ten formats"),
            get("/api/v2/runs/{id}/imported", &[], "What an older tool measured, as it told it"),
            get("/api/v2/runs/{id}/progress", &[], "How far it is"),
            get("/api/v2/runs/{id}/course", &[], "Each level and round of it so far"),
            get("/api/v2/runs/{id}/events", &[], "The same as server-sent events, to its end"),
            socket("/api/v2/runs/{id}/socket", "The same over a WebSocket"),
            post("/api/v2/runs/{id}/cancel", Asks::Nothing, "Drains it and keeps what it has"),
            get("/api/v2/plan", &[], "The command line that a request would come to"),
        ],
    },
    Group {
        name: "beside runs",
        about: "What runs are compared with, and what they are of.",
        addresses: &[
            get("/api/v2/compare", &["runs"], "Two to five runs beside each other"),
            get("/api/v2/history", &["workload", "metric", "limit"], "A workload over runs"),
            get("/api/v2/baselines", &["commit"], "Sessions of the baseline"),
            get("/api/v2/servers", &[], "The config's servers, and those found here"),
            get("/api/v2/servers/{name}/logs", &["lines"], "What a server said last"),
            post("/api/v2/servers/{name}/start", Asks::Nothing, "Starts it, as the config says"),
            post("/api/v2/servers/{name}/stop", Asks::Nothing, "Stops it"),
            get("/api/v2/gpus", &[], "The GPUs of this machine now"),
            get("/api/v2/hypotheses", &[], "The config's claims, and what became of each"),
        ],
    },
    Group {
        name: "the service",
        about: "Its health and its numbers.",
        addresses: &[
            get("/healthz", &[], "Whether it is there; needs no key"),
            get("/metrics", &[], "The last runs and its own numbers, as Prometheus reads them"),
        ],
    },
    Group {
        name: "llm-loadtest",
        about: "The addresses of an older tool, for its clients.",
        addresses: &[
            get("/health", &[], "Whether it is there"),
            get("/api/v1/benchmark/health", &[], "The same, with version and time"),
            post(
                "/api/v1/benchmark/run",
                Asks::Json,
                "Asks for a run, in either older tool's form",
            ),
            get("/api/v1/benchmark/run/{id}", &[], "Where a run stands"),
            delete("/api/v1/benchmark/run/{id}", "Deletes a run; cancels one that goes on"),
            post("/api/v1/benchmark/run/{id}/stop", Asks::Nothing, "Cancels a run"),
            get("/api/v1/benchmark/result/{id}", &[], "Its result; 202 while it runs"),
            get("/api/v1/benchmark/result/{id}/export", &["format"], "As csv or xlsx"),
            get("/api/v1/benchmark/result/{id}/analysis", &[], "Not there yet"),
            get("/api/v1/benchmark/history", &["limit", "offset", "status"], "Runs"),
            post("/api/v1/benchmark/compare", Asks::Json, "Two to five runs"),
            post("/api/v1/benchmark/recommend", Asks::Json, "Not there yet"),
            get("/api/v1/benchmark/recommend/{id}", &[], "Not there yet"),
            delete("/api/v1/benchmark/recommend/{id}", "Not there yet"),
            get("/api/v1/benchmark/recommend/{id}/result", &[], "Not there yet"),
            socket("/api/v1/benchmark/ws/run/{id}", "A run as it goes on"),
            get("/api/v1/benchmark/ws/stats", &[], "Open WebSockets of each run"),
        ],
    },
    Group {
        name: "framework benchmark",
        about: "The addresses of another older tool.",
        addresses: &[
            get("/api/v1/benchmark/status/{id}", &[], "Where a job stands"),
            post("/api/v1/benchmark/cancel/{id}", Asks::Nothing, "Cancels a job"),
            socket("/ws/benchmark/{id}", "What a job says"),
            socket("/ws/gpu", "GPUs, every two seconds"),
            socket("/ws/server/logs", "What a server says"),
            get("/api/v1/server/health", &[], "Whether a server is up"),
            get("/api/v1/server/gpu", &[], "Memory and use of the GPU"),
            get("/api/v1/server/managed", &[], "Servers that the service has started"),
            post("/api/v1/server/start", Asks::Json, "Starts one"),
            post("/api/v1/server/stop", Asks::Json, "Stops one; 409 while a run goes on"),
            get("/api/v1/results/", &[], "Results by framework"),
            get("/api/v1/results/all", &[], "All results"),
            delete("/api/v1/results/all", "Deletes all results"),
            get("/api/v1/results/{framework}", &[], "Results of a framework"),
            delete("/api/v1/results/{framework}", "Deletes them"),
            get("/api/v1/analysis/hypotheses", &[], "Claims, and what became of each"),
            get("/api/v1/analysis/report", &[], "The report of the last comparison"),
        ],
    },
];

pub async fn document(Shared(state): Shared<Arc<State>>) -> Answer {
    let mut paths = Map::new();
    for (group, address) in GROUPS.iter().flat_map(|g| g.addresses.iter().map(move |a| (g, a))) {
        let methods = paths.entry(address.path).or_insert_with(|| json!({}));
        methods[address.method] = operation(group.name, address);
    }
    let tags: Vec<Value> =
        GROUPS.iter().map(|g| json!({"name": g.name, "description": g.about})).collect();
    answer::json(&json!({
        "openapi": "3.1.0",
        "info": {"title": "goodput-gate", "version": env!("CARGO_PKG_VERSION")},
        "servers": [{"url": state.link("/").trim_end_matches('/')}],
        "tags": tags,
        "security": [{"key": []}, {"bearer": []}, {}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
            "schemas": {"Refusal": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "detail": {"description": "For people"},
                    "code": {"type": "string", "description": "For programs: it stays"},
                },
            }},
        },
    }))
}

fn operation(group: &str, address: &Address) -> Value {
    let parameter = |place: &str, name: &str| json!({"name": name, "in": place, "required": place == "path", "schema": {"type": "string"}});
    let parameters: Vec<Value> = placeholders(address.path)
        .map(|name| parameter("path", name))
        .chain(address.query.iter().map(|name| parameter("query", name)))
        .collect();
    let refusal = json!({"description": "Why not", "content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}},
    }});
    let done = match address.asks {
        Asks::Socket => json!({"101": {"description": "A WebSocket"}, "default": refusal}),
        _ => json!({"2XX": {"description": address.tells}, "default": refusal}),
    };
    let mut operation = json!({
        "tags": [group], "summary": address.tells, "parameters": parameters, "responses": done,
    });
    if address.asks == Asks::Json {
        let body = json!({"application/json": {"schema": {"type": "object"}}});
        operation["requestBody"] = json!({"required": true, "content": body});
    }
    operation
}

/// `id` of `/runs/{id}`.
fn placeholders(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

#[derive(Template)]
#[template(path = "docs.html")]
struct Docs<'a> {
    frame: &'a Frame,
}

pub async fn docs(frame: Frame) -> Answer {
    frame.page(&Docs { frame: &frame })
}
