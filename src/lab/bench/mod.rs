//! The client measured against a server that knows the truth. Prints figures, asserts nothing.
//!
//! The server is `sim --replay` in a process of its own: bytes rendered once, so that the client is
//! the limit. With two processors the client keeps to one and the server to the other.
#![expect(
    clippy::disallowed_methods,
    reason = "rim: starts the server and writes the stream it replays"
)]

pub mod arrivals;
mod bare;
pub mod events;
mod interleaved;
pub mod judging;
pub mod meeting;
pub mod merging;
pub mod scale;
pub mod scraped;
pub mod truth;

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use crate::load::{Client, Control, Counters, Reading, RoundResult, Site, SiteSpec};
use crate::plan::{Pace, PlannedRequest, RoundPlan};
use crate::protocol::ProtocolName;
use crate::server::SimServer;

/// A replaying server, with its folder.
struct Bed {
    server: SimServer,
    folder: tempfile::TempDir,
}

impl Bed {
    /// `events` tokens per stream, one each `interval` (zero: as fast as possible).
    fn new(events: u32, interval: Duration, truth: bool) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let replay = folder.path().join("stream.sse");
        std::fs::write(&replay, stream(events)).context("cannot write the stream to replay")?;
        let program = std::env::current_exe().context("cannot tell where this program is")?;
        pin(0);
        let mut command = Command::new(program);
        command
            .args(["sim", "--listen", "127.0.0.1:0", "--stop-with-stdin", "--replay"])
            .arg(&replay);
        command.arg("--replay-interval").arg(format!("{}us", interval.as_micros()));
        if truth {
            command.arg("--truth").arg(folder.path().join("truth.jsonl"));
        }
        let server = SimServer::spawn(command)?;
        pin(1);
        Ok(Self { server, folder })
    }

    fn truth(&self) -> PathBuf {
        self.folder.path().join("truth.jsonl")
    }

    fn site(&self) -> anyhow::Result<Arc<Site>> {
        let spec =
            SiteSpec { base_url: &self.server.base_url, api_key: None, headers: &[], ca_pem: None };
        Ok(Arc::new(Site::resolve(&spec)?))
    }
}

/// vLLM's shape: a role event, `events` tokens, a finish, a usage event, `[DONE]`.
fn stream(events: u32) -> String {
    let event = |delta: &str, finish: &str| {
        format!(
            "data: {{\"id\":\"chatcmpl-0a1b2c3d4e5f\",\"object\":\"chat.completion.chunk\",\"created\":1795301209,\"model\":\"sim-8b\",\
             \"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish},\"token_ids\":null}}]}}\n\n"
        )
    };
    let mut text = event("{\"role\":\"assistant\",\"content\":\"\"}", "null");
    for i in 0..events {
        text.push_str(&event(
            &format!("{{\"content\":\" word{i}\"}}"),
            if i + 1 == events { "\"length\"" } else { "null" },
        ));
    }
    let usage = format!(
        "data: {{\"id\":\"chatcmpl-0a1b2c3d4e5f\",\"object\":\"chat.completion.chunk\",\"choices\":[],\
         \"usage\":{{\"prompt_tokens\":16,\"completion_tokens\":{events},\"total_tokens\":{}}}}}\n\ndata: [DONE]\n\n",
        16 + events
    );
    text + &usage
}

/// Keeps this thread, and what it starts from now on, to one processor, where there are two.
fn pin(processor: usize) {
    let mut set = rustix::thread::CpuSet::new();
    set.set(processor);
    if std::thread::available_parallelism().is_ok_and(|n| n.get() >= 2) || processor == 1 {
        // A machine that refuses is measured unpinned: the figures then say less, not something
        // wrong.
        let _ = rustix::thread::sched_setaffinity(None, &set);
    }
}

fn id(index: u32) -> String {
    format!("bench-{index}")
}

fn request(index: u32, offset: Duration) -> PlannedRequest {
    let body =
        br#"{"model":"sim-8b","messages":[{"role":"user","content":"go"}],"stream":true}"#.to_vec();
    PlannedRequest { index, id: id(index), offset, body, input_tokens: 1, output_tokens: 320 }
}

fn closed(streams: u32) -> Arc<RoundPlan> {
    let requests = (0..streams).map(|i| request(i, Duration::ZERO)).collect();
    let pace = Pace::Closed { concurrency: streams };
    Arc::new(RoundPlan { seed: 0, pace, max_in_flight: None, stop_after: None, ramp: 0, requests })
}

fn send(client: &Client, plan: &Arc<RoundPlan>) -> anyhow::Result<RoundResult> {
    let reading = Reading {
        protocol: ProtocolName::OpenAiChat.into(),
        path: "/chat/completions".into(),
        stream: true,
        timeout: Duration::from_secs(300),
        stall_timeout: Duration::from_secs(60),
        keep_text: false,
    };
    let counters = Arc::new(Counters::new(None));
    let measured = client
        .round(plan, reading, &Arc::new(Control::default()), &counters)
        .map_err(anyhow::Error::msg)?;
    let failed = measured.timelines.iter().find(|t| !t.completed());
    match failed {
        Some(t) => anyhow::bail!(
            "a request of the benchmark failed: {}: {}",
            t.outcome.name(),
            t.error.as_deref().unwrap_or("")
        ),
        None => Ok(measured),
    }
}

/// Largest resident set of this process so far, in MB.
fn peak_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib: f64 = status
        .lines()
        .find(|l| l.starts_with("VmHWM:"))?
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()?;
    Some(kib * 1024.0 / 1e6)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn quantile(sorted: &[f64], q: f64) -> f64 {
    crate::measure::stats::percentile_of_sorted(sorted, q).unwrap_or(f64::NAN)
}
