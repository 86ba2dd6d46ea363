//! The framework benchmark's results: the newest completed run of each server of the config that
//! was asked for here, workload by workload, and the config's hypotheses. What nobody measured is
//! null.
//!
//! Runs of terminals, and of servers by their address, are no results of a framework: they are
//! neither listed nor deleted here. Not here: how runs are made (`framework`).

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State as Shared};
use serde_json::{Map, Value, json};

use super::framework::framework;
use super::status::{self, Stage, asked};
use super::{result, runs};
use crate::app::runs::found::Run;
use crate::app::runs::remove::{self, Removed};
use crate::app::runs::select::Filter;
use crate::lang::Lang;
use crate::record::{Record, WorkloadRecord};
use crate::serve::answer::{self, Answer, Refusal};
use crate::serve::state::State;
use crate::serve::stored::reading;
use crate::serve::v2;

type Service = Shared<Arc<State>>;

/// Of the newest runs.
const NEWEST: u32 = 500;

/// Runs by their framework, newest first.
type ByFramework = BTreeMap<String, Vec<Run>>;

fn by_framework(runs: Vec<Run>) -> ByFramework {
    let mut all = ByFramework::new();
    for run in runs.into_iter().filter(|run| Stage::from_run(run) == Stage::Completed) {
        let Some(asked) = asked(&run).filter(|asked| asked.base_url.is_none()) else { continue };
        all.entry(framework(&run, Some(&asked))).or_default().push(run);
    }
    all
}

fn newest(state: &State) -> Result<ByFramework, Refusal> {
    let runs = state.index.page(&Filter::default(), NEWEST, 0)?.runs;
    Ok(by_framework(runs.into_iter().map(|run| runs::fresh(state, run)).collect()))
}

/// Ids, where theirs has names of files.
pub async fn files(Shared(state): Service) -> Answer {
    let all = reading(move || {
        let ids = |runs: &Vec<Run>| runs.iter().map(|run| run.id.clone()).collect::<Vec<_>>();
        Ok(newest(&state)?.iter().map(|(name, runs)| (name.clone(), json!(ids(runs)))).collect())
    });
    let all: Map<String, Value> = all.await?;
    answer::json(&all)
}

pub async fn all(Shared(state): Service) -> Answer {
    let all = reading(move || {
        let newest = newest(&state)?;
        let latest = newest.iter().filter_map(|(name, runs)| Some((name, runs.first()?)));
        let shown = latest.map(|(name, run)| Ok((name.clone(), shown(name, run)?)));
        Ok(shown.collect::<anyhow::Result<Map<String, Value>>>()?)
    });
    answer::json(&all.await?)
}

pub async fn framework_results(Shared(state): Service, Path(name): Path<String>) -> Answer {
    let found = reading(move || {
        let newest = newest(&state)?;
        let run = newest.get(&name).and_then(|runs| runs.first()).ok_or_else(|| absent(&name))?;
        Ok(shown(&name, run)?)
    });
    answer::json(&found.await?)
}

fn absent(name: &str) -> Refusal {
    Refusal::not_found("no_results", format!("No results for {name}"))
}

fn shown(name: &str, run: &Run) -> anyhow::Result<Value> {
    let record = runs::record(run)?;
    let asked = asked(run);
    let scenarios = record.workloads.iter().map(|w| scenario(name, &record, w));
    Ok(json!({
        "framework": name,
        "model_preset": asked.as_ref().and_then(|asked| asked.model.clone()),
        "model": status::model(run, asked.as_ref()),
        "timestamp": record.created,
        "gpu_info": {"memory_total_mb": memory_mb(&record)},
        "trials": record.policy.rounds,
        "results": scenarios.collect::<anyhow::Result<Vec<Value>>>()?,
    }))
}

/// Of the first GPU that was watched.
fn memory_mb(record: &Record) -> Option<f64> {
    let device = record.gpu.as_ref()?.devices.first()?;
    device.memory_total_bytes.map(|bytes| (bytes >> 20) as f64)
}

fn scenario(framework: &str, record: &Record, workload: &WorkloadRecord) -> anyhow::Result<Value> {
    let level = result::level(workload)?;
    let (ttft, e2e) = (&level["ttft"], &level["e2e_latency"]);
    let (total, good) = (level["total_requests"].as_f64(), level["successful_requests"].as_f64());
    let share = total.zip(good).filter(|(total, _)| *total > 0.0).map(|(total, good)| good / total);
    Ok(json!({
        "scenario": workload.name,
        "framework": framework,
        "concurrency": level["concurrency"],
        "input_tokens": workload.load.input_tokens,
        "output_tokens": workload.load.output_tokens,
        "num_requests": level["total_requests"],
        "warnings": level["warnings"],
        "avg_ttft_ms": ttft["mean"],
        "p50_ttft_ms": ttft["p50"],
        "p95_ttft_ms": ttft["p95"],
        "p99_ttft_ms": ttft["p99"],
        "avg_latency_ms": e2e["mean"],
        "p50_latency_ms": e2e["p50"],
        "p95_latency_ms": e2e["p95"],
        "p99_latency_ms": e2e["p99"],
        "total_token_throughput": level["throughput_tokens_per_sec"],
        "request_throughput": level["request_rate_per_sec"],
        "success_rate": share.map(|share| share * 100.0),
        "total_time_sec": level["duration_seconds"],
        "peak_memory_mb": null,
        "avg_memory_mb": null,
        "avg_gpu_util_pct": null,
        "first_5_avg_ttft_ms": null,
        "later_avg_ttft_ms": null,
        "cache_speedup_ratio": null,
        "gpu_memory_mb": memory_mb(record),
    }))
}

pub async fn delete_all(Shared(state): Service) -> Answer {
    let deleted = reading(move || {
        let all = by_framework(runs::every(&state)?);
        let each = all.iter().map(|(name, runs)| Ok((name.clone(), removed(&state, runs)?.into())));
        let each = each.collect::<anyhow::Result<Map<String, Value>>>();
        state.index.refresh();
        Ok(each?)
    });
    answer::json(&json!({"deleted": deleted.await?}))
}

pub async fn delete_one(Shared(state): Service, Path(name): Path<String>) -> Answer {
    let deleted = reading(move || {
        let all = by_framework(runs::every(&state)?);
        let runs = all.get(&name).ok_or_else(|| absent(&name))?;
        let removed = removed(&state, runs);
        state.index.refresh();
        Ok(json!({"framework": name, "deleted_files": removed?}))
    });
    answer::json(&deleted.await?)
}

/// How many.
fn removed(state: &State, runs: &[Run]) -> anyhow::Result<u64> {
    let mut count = 0;
    for run in runs {
        count += u64::from(remove::remove(&state.store, run)? == Removed::Now);
    }
    Ok(count)
}

/// The newest run of each framework beside the others, by workload.
pub async fn report(Shared(state): Service) -> Answer {
    let report = reading(move || {
        let newest = newest(&state)?;
        let mut scenarios: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
        for (name, runs) in &newest {
            let Some(run) = runs.first() else { continue };
            let record = runs::record(run)?;
            for workload in &record.workloads {
                let row = json!([scenario(name, &record, workload)?]);
                scenarios.entry(workload.name.clone()).or_default().insert(name.clone(), row);
            }
        }
        let frameworks: Vec<&String> = newest.keys().collect();
        Ok(json!({"frameworks": frameworks, "scenarios": scenarios}))
    });
    answer::json(&report.await?)
}

pub async fn hypotheses(Shared(state): Service) -> Answer {
    let all = reading(move || v2::hypotheses::standing(&state, Lang::En)).await?;
    let shown = |standing: &crate::app::hypotheses::Standing| {
        let claimed = &standing.claimed;
        json!({
            "id": claimed.name,
            "title": claimed.says.as_ref().unwrap_or(&claimed.claim),
            "description": format!("{}: {} ({})", claimed.workload, claimed.claim, claimed.metric),
            "verdict": verdict(&standing.outcome),
            "evidence": standing.evidence,
        })
    };
    answer::json(&all.iter().map(shown).collect::<Vec<Value>>())
}

fn verdict(outcome: &str) -> &'static str {
    match outcome {
        "confirmed" => "SUPPORTED",
        "refuted" => "NOT SUPPORTED",
        "undecided" => "INCONCLUSIVE",
        _ => "NO DATA",
    }
}
