//! The client's instants against the server's own log: error of TTFT and of chunk gaps.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::{Bed, closed, id, peak_mb, quantile, send};
use crate::app::artefacts::read;
use crate::lab::print;
use crate::lang::{Text, bilingual};
use crate::load::{Client, RoundResult};
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

/// Requests that are sent all at once.
#[derive(Clone, Copy, Debug)]
pub struct Burst {
    pub streams: u32,
    /// Tokens per second of each stream.
    pub token_rate: f64,
    /// Of each stream.
    pub tokens: u32,
}

pub fn run(burst: &Burst) -> anyhow::Result<()> {
    let errors = measure(burst)?;
    let Burst { streams, token_rate, tokens } = burst;
    print(&format!(
        "{streams} streams x {tokens} tokens at {token_rate}/s each\n{}",
        describe(&errors)
    ))
}

/// The same with and without a sampler beside it, in turn, so that what else the machine does meets
/// both.
pub fn sampled(burst: &Burst, pairs: u32) -> anyhow::Result<()> {
    let gpus = Gpus::open().map_err(|why| why.text())?;
    let sampler = gpus.sampler(&gpus.all(), INTERVAL).map_err(anyhow::Error::msg)?;
    let (mut alone, mut beside, mut shares) = (Errors::default(), Errors::default(), Vec::new());
    let once = || measure(burst);
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

pub fn describe(errors: &Errors) -> Text {
    let line = |e: &[f64]| {
        format!(
            "p50 {:.3} ms   p99 {:.3} ms   max {:.3} ms   n {}",
            quantile(e, 0.5),
            quantile(e, 0.99),
            quantile(e, 1.0),
            e.len()
        )
    };
    let memory = peak_mb().map_or_else(Text::default, |mb| {
        bilingual!("\npeak resident {mb:.1} MB", "\n최대 상주 메모리 {mb:.1} MB")
    });
    bilingual!(
        "TTFT error       {ttft}\nchunk gap error  {gap}",
        "TTFT 오차       {ttft}\n청크 간격 오차  {gap}",
        ttft = line(&errors.ttft_ms),
        gap = line(&errors.gap_ms)
    )
    .then(&memory)
}

pub fn measure(burst: &Burst) -> anyhow::Result<Errors> {
    watched(burst, |_, send| send())
}

/// As [`measure`]; `around` sends the burst, with the server's base URL at hand.
pub fn watched(
    burst: &Burst,
    around: impl FnOnce(&str, &dyn Fn() -> anyhow::Result<RoundResult>) -> anyhow::Result<RoundResult>,
) -> anyhow::Result<Errors> {
    let bed = Bed::new(burst.tokens, Duration::from_secs_f64(1.0 / burst.token_rate), true)?;
    let client = Client::new(&bed.site()?, 1)?;
    let measured = around(&bed.server.base_url, &|| send(&client, &closed(burst.streams)))?;
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
        let w: Written = serde_json::from_str(line)
            .context("the server's log has a line that cannot be read")?;
        written.insert(w.id.unwrap_or_default(), w.writes_ns);
    }
    let mut errors = Errors::default();
    for t in timelines {
        let id = id(t.index);
        let truth = written.get(&id).with_context(|| format!("the server's log lacks {id}"))?;
        if truth.len() != t.outputs.len() {
            bail!(
                "{id}: the server wrote {} output events, the client saw {}",
                truth.len(),
                t.outputs.len()
            );
        }
        let late = |i: usize| t.outputs[i].at_ns as f64 / 1e6 - truth[i] as f64 / 1e6;
        errors.ttft_ms.push(late(0).abs());
        errors.gap_ms.extend((1..truth.len()).map(|i| (late(i) - late(i - 1)).abs()));
    }
    errors.ttft_ms.sort_by(f64::total_cmp);
    errors.gap_ms.sort_by(f64::total_cmp);
    Ok(errors)
}
