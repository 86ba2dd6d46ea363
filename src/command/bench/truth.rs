//! The client's instants against the server's own log: error of TTFT and of chunk gaps.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::{Bed, closed, peak_mb, quantile, send};
use crate::cli::BenchTruthArgs;
use crate::command::output::{print, read};
use crate::load::{Client, Measured};
use crate::timeline::Timeline;

/// How far the client's instants are from the truth, in milliseconds, sorted.
#[derive(Debug, Default)]
pub struct Errors {
    pub ttft_ms: Vec<f64>,
    pub gap_ms: Vec<f64>,
}

#[derive(serde::Deserialize)]
struct Written {
    id: Option<String>,
    writes_ns: Vec<u64>,
}

pub fn run(args: &BenchTruthArgs) -> anyhow::Result<()> {
    if let Some(pairs) = args.scrape {
        return super::scraped::run(args, pairs);
    }
    let errors = measure(args.streams, args.token_rate, args.tokens)?;
    print(&format!("{} streams x {} tokens at {}/s each\n{}", args.streams, args.tokens, args.token_rate, describe(&errors)))
}

pub fn describe(errors: &Errors) -> String {
    let line = |name: &str, e: &[f64]| {
        format!(
            "{name:<16} p50 {:.3} ms   p99 {:.3} ms   max {:.3} ms   n {}",
            quantile(e, 0.5),
            quantile(e, 0.99),
            quantile(e, 1.0),
            e.len()
        )
    };
    let memory = peak_mb().map_or_else(String::new, |mb| format!("\npeak resident {mb:.1} MB"));
    format!("{}\n{}{memory}", line("TTFT error", &errors.ttft_ms), line("chunk gap error", &errors.gap_ms))
}

/// One burst of `streams` requests, all at once.
pub fn measure(streams: u32, token_rate: f64, tokens: u32) -> anyhow::Result<Errors> {
    watched(streams, token_rate, tokens, |_, send| send())
}

/// As [`measure`]; `around` sends the burst, with the server's base URL at hand.
pub fn watched(
    streams: u32,
    token_rate: f64,
    tokens: u32,
    around: impl FnOnce(&str, &dyn Fn() -> anyhow::Result<Measured>) -> anyhow::Result<Measured>,
) -> anyhow::Result<Errors> {
    let bed = Bed::new(tokens, Duration::from_secs_f64(1.0 / token_rate), true)?;
    let client = Client::new(&bed.site()?, 1)?;
    let measured = around(&bed.server.base_url, &|| send(&client, &closed(streams)))?;
    let log = bed.truth();
    let Bed { server, folder } = bed;
    // The server writes the rest of its log when it ends.
    drop(server);
    let errors = pair(&measured.timelines, &log);
    drop(folder);
    errors
}

fn pair(timelines: &[Timeline], log: &Path) -> anyhow::Result<Errors> {
    let mut written: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for line in read(log)?.lines() {
        let w: Written = serde_json::from_str(line).context("the server's log has a line that cannot be read")?;
        written.insert(w.id.unwrap_or_default(), w.writes_ns);
    }
    let mut errors = Errors::default();
    for t in timelines {
        let truth = written.get(&t.id).with_context(|| format!("the server's log lacks {}", t.id))?;
        if truth.len() != t.outputs.len() {
            bail!("{}: the server wrote {} output events, the client saw {}", t.id, truth.len(), t.outputs.len());
        }
        let late = |i: usize| t.outputs[i].at_ns as f64 / 1e6 - truth[i] as f64 / 1e6;
        errors.ttft_ms.push(late(0).abs());
        errors.gap_ms.extend((1..truth.len()).map(|i| (late(i) - late(i - 1)).abs()));
    }
    errors.ttft_ms.sort_by(f64::total_cmp);
    errors.gap_ms.sort_by(f64::total_cmp);
    Ok(errors)
}
