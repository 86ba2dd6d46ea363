//! CPU per event of our client, of a loop that only reads, and of reqwest, in turn in one run.

use std::time::Duration;

use super::{Bed, bare, closed, median, send};
use crate::clock::process_cpu_ns;
use crate::lab::print;
use crate::load::Client;

const ROUNDS: usize = 3;

/// What is sent.
pub struct Streams {
    pub count: u32,
    /// Tokens per second of each stream; 0 is as fast as possible.
    pub token_rate: f64,
    pub events: u32,
}

pub fn run(what: &Streams) -> anyhow::Result<()> {
    let interval = if what.token_rate > 0.0 {
        Duration::from_secs_f64(1.0 / what.token_rate)
    } else {
        Duration::ZERO
    };
    let bed = Bed::new(what.events, interval, false)?;
    let total = f64::from(what.count) * f64::from(what.events + 3);
    let client = Client::new(&bed.site()?, 1)?;
    let (mut ours, mut reads, mut through_reqwest) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        reads.push(per_event(total, || bare::read_only(&bed.server.base_url, what.count))?);
        ours.push(per_event(total, || send(&client, &closed(what.count)).map(drop))?);
        through_reqwest.push(per_event(total, || bare::reqwest(&bed.server.base_url, what.count))?);
    }
    let (ours, reads, through_reqwest) = (median(ours), median(reads), median(through_reqwest));
    print(&format!(
        "{} streams x {} events, {}: median of {ROUNDS} rounds in turn, client CPU per event\n\
         goodput-gate   {ours:8.2} us\nonly reading   {reads:8.2} us\nreqwest        {through_reqwest:8.2} us\n\
         ratio goodput-gate / only reading {:.2}",
        what.count,
        what.events,
        if interval.is_zero() {
            "as fast as possible".to_owned()
        } else {
            format!("{}/s each", what.token_rate)
        },
        ours / reads,
    ))
}

fn per_event(events: f64, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let before = process_cpu_ns();
    work()?;
    Ok((process_cpu_ns() - before) as f64 / 1000.0 / events)
}
