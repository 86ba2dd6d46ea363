//! What reading the server's metrics page costs, and whether it moves the client's instants: bursts
//! with and without it, in turn.
//!
//! Not here: the bursts themselves (`truth`).

use std::time::Duration;

use anyhow::Context as _;

use super::truth::{Burst, Errors, measure, watched};
use super::{median, quantile};
use crate::clock::monotonic_ns;
use crate::evidence::server::window::Watched;
use crate::lab::print;
use crate::probe::server::{Access, Probe};
use crate::protocol::Family;
use crate::watch::scrape::Source;

/// As often as a config may ask for.
const EVERY: Duration = Duration::from_millis(500);

pub fn run(burst: &Burst, pairs: u32) -> anyhow::Result<()> {
    let (mut without, mut with, mut shares) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..pairs.max(1) {
        without.push(measure(burst)?);
        let (errors, seen, elapsed_ns) = scraped(burst)?;
        shares.push(seen.cpu_ns as f64 / elapsed_ns.max(1) as f64);
        print(&format!(
            "{} pages read, {} failed, {:.2} % of one processor",
            seen.readings.len(),
            seen.failed,
            shares[shares.len() - 1] * 100.0
        ))?;
        with.push(errors);
    }
    print(&format!(
        "{} streams x {} tokens at {}/s each, {pairs} bursts of each kind (medians over bursts)\n{}\n{}\nreading the page each {} ms took {:.2} % of one processor",
        burst.streams,
        burst.tokens,
        burst.token_rate,
        line("without", &without),
        line("with", &with),
        EVERY.as_millis(),
        median(shares) * 100.0,
    ))
}

fn line(name: &str, bursts: &[Errors]) -> String {
    let of = |pick: fn(&Errors) -> &Vec<f64>, q: f64| {
        median(bursts.iter().map(|e| quantile(pick(e), q)).collect())
    };
    format!(
        "{name:<8} TTFT error p50 {:.3} ms, p99 {:.3} ms; chunk gap error p50 {:.3} ms, p99 {:.3} ms",
        of(|e| &e.ttft_ms, 0.5),
        of(|e| &e.ttft_ms, 0.99),
        of(|e| &e.gap_ms, 0.5),
        of(|e| &e.gap_ms, 0.99)
    )
}

fn scraped(burst: &Burst) -> anyhow::Result<(Errors, Watched, u64)> {
    let (mut seen, mut elapsed_ns) = (Watched::default(), 0);
    let errors = watched(burst, |base_url, send| {
        let probe = Probe::new(&Access {
            base_url,
            api_key: None,
            headers: &[],
            ca_pem: None,
            family: Family::OpenAi,
            patience: crate::probe::server::PATIENCE,
        })?;
        let url = format!("{}/metrics", crate::probe::server::root(base_url));
        let began_ns = monotonic_ns();
        let watch = Source::new(probe.http(), url, EVERY)
            .watch()
            .context("cannot start the thread that reads the page")?;
        let measured = send();
        seen = watch.finish();
        elapsed_ns = monotonic_ns() - began_ns;
        measured
    })?;
    Ok((errors, seen, elapsed_ns))
}
