//! CPU time and memory of merging the records of many shards. Prints figures, asserts nothing.

use anyhow::Context as _;

use super::{judging, peak_mb};
use crate::app::merge::merged;
use crate::app::{artefacts, measure};
use crate::clock::process_cpu_ns;
use crate::measure::gap_counts::GapCounts;
use crate::measure::histogram::Gaps;
use crate::print::print;
use crate::record::shard::{ShardClock, ShardFacts, ShardRound};

/// Gaps per request: 128 tokens.
const GAPS: u64 = 127;
/// Different lengths of gaps, microseconds: a round of real ones has as many.
const LENGTHS: u64 = 20_000;

/// `shards` records of `requests` requests each, written and merged.
pub fn run(shards: u32, requests: u64) -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut paths = Vec::new();
    for index in 0..shards {
        let path = folder.path().join(format!("{index}.json"));
        artefacts::write_record(&path, &shard(index, shards, requests))?;
        paths.push(path);
    }
    let began_ns = process_cpu_ns();
    let before = peak_mb();
    let record = merged(&paths)?;
    let merged_ns = process_cpu_ns();
    artefacts::save_record(folder.path(), measure::RECORD, &record)?;
    let saved_ns = process_cpu_ns();
    let all = record.workloads[0].starts[0].rounds[0].columns.len();
    let seconds = |ns: u64| ns as f64 / 1e9;
    print(&format!(
        "{shards} shards, {all} requests: merged in {:.2} s of CPU, saved in {:.2} s; peak {:.0} MB (before {:.0} MB)",
        seconds(merged_ns - began_ns),
        seconds(saved_ns - merged_ns),
        peak_mb().unwrap_or(f64::NAN),
        before.unwrap_or(f64::NAN)
    ))?;
    Ok(())
}

fn shard(index: u32, count: u32, requests: u64) -> crate::record::Record {
    let mut record = judging::record_of(requests, 1);
    let workload = &mut record.workloads[0];
    workload.load.requests_per_round = Some(requests * u64::from(count));
    let lengths = (0..LENGTHS).map(|us| us + 5_000).collect();
    let each = requests * GAPS / LENGTHS;
    let chunk_gaps =
        GapCounts { us: lengths, count: vec![each; usize::try_from(LENGTHS).unwrap_or(0)] };
    let round = &mut workload.starts[0].rounds[0];
    let mut gaps = Gaps::default();
    chunk_gaps.us.iter().for_each(|us| gaps.record_many_us(*us, each));
    round.chunk_gaps_hdr = gaps.encode();
    round.chunk_gap_p99_ms = gaps.quantile_ms(0.99);
    let clock = ShardClock {
        began: record.created.clone(),
        late_us: 0,
        date_ahead_us: 0,
        uncertainty_us: 100,
        drift_us: Some(0),
    };
    round.shard = Some(ShardRound { clock, ramp: 0, chunk_gaps });
    record.shard = Some(ShardFacts { index, count, rendezvous: "http".into(), gave_up: None });
    record
}
