//! What the service says of each request: a line of JSON on standard error, with the fields of the
//! older tools. Queries and bodies are not in it. Not here: what commands say (`print`).

use std::net::IpAddr;

use serde_json::json;

use super::settings::Level;
use crate::clock::now;
use crate::print::say;

/// One request and its answer.
pub struct Entry<'a> {
    pub request_id: &'a str,
    pub method: &'a str,
    /// Without the query.
    pub path: &'a str,
    pub client: IpAddr,
    pub status: u16,
    pub duration_ns: u64,
    /// The code of a refusal.
    pub code: Option<&'static str>,
}

pub fn request(level: Level, entry: &Entry<'_>) {
    let own = match entry.status {
        500.. => Level::Error,
        400.. => Level::Warning,
        _ => Level::Info,
    };
    if own < level {
        return;
    }
    let word = match own {
        Level::Info => "info",
        Level::Warning => "warning",
        Level::Error => "error",
    };
    let mut line = json!({
        "timestamp": now(), "level": word, "event": "request", "request_id": entry.request_id,
        "method": entry.method, "path": entry.path, "status": entry.status,
        "duration_ms": (entry.duration_ns / 1000) as f64 / 1000.0,
        "client_ip": entry.client.to_canonical().to_string(),
    });
    if let Some(code) = entry.code {
        line["code"] = code.into();
    }
    say(&line.to_string());
}
