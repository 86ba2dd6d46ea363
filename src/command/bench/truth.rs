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
use crate::watch::gpu::Gpus;

/// The config's default.
const INTERVAL: Duration = Duration::from_millis(100);

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
    if let Some(pairs) = args.gpu {
        return sampled(args, pairs);
    }
    let errors = measure(args.streams, args.token_rate, args.tokens)?;
    print(&format!("{} streams x {} tokens at {}/s each\n{}", args.streams, args.tokens, args.token_rate, describe(&errors)))
}

/// The same with and without a sampler beside it, in turn, so that what else the machine does meets both.
fn sampled(args: &BenchTruthArgs, pairs: u32) -> anyhow::Result<()> {
    let gpus = Gpus::open().map_err(anyhow::Error::msg)?;
    let sampler = gpus.sampler(&gpus.all(), INTERVAL).map_err(anyhow::Error::msg)?;
    let (mut alone, mut beside, mut shares) = (Errors::default(), Errors::default(), Vec::new());
    let once = || measure(args.streams, args.token_rate, args.tokens);
    for pair in 0..pairs {
        for with in [pair % 2 == 1, pair % 2 == 0] {
            if with {
                sampler.begin();
            }
            let errors = once()?;
            let taken = if with { sampler.end() } else { None };
            shares.extend(taken.map(|t| t.cpu_ns as f64 / t.elapsed_ns.max(1) as f64));
            (if with { &mut beside } else { &mut alone }).extend(errors);
        }
    }
    let share = shares.iter().copied().fold(f64::NAN, f64::max) * 100.0;
    print(&format!(
        "without a sampler\n{}\nsampling {} GPU(s) each {} ms, at most {share:.3} % of one core\n{}",
        describe(&alone),
        gpus.all().len(),
        INTERVAL.as_millis(),
        describe(&beside)
    ))
}

impl Errors {
    fn extend(&mut self, other: Self) {
        for (all, more) in [(&mut self.ttft_ms, other.ttft_ms), (&mut self.gap_ms, other.gap_ms)] {
            all.extend(more);
            all.sort_by(f64::total_cmp);
        }
    }
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
