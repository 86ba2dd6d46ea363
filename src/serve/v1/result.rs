//! A run's numbers in llm-loadtest's shape, from its record: one entry per level of concurrency.
//! What was not measured is null, never 0.
//!
//! Latencies are of the completed requests, exact but for gaps between chunks, which are a
//! histogram's. Not here: files of it (`export`), or several runs beside each other (`compare`).

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::status;
use crate::app::runs::found::Run;
use crate::app::runs::request::RunRequest;
use crate::measure::histogram::Gaps;
use crate::measure::stats;
use crate::measure::{Good, Round, SloMs, output_token_rate, request_rate, token_sum};
use crate::metric::{SloKind, Timing};
use crate::record::{Record, RecordError, WorkloadRecord};

/// Errors: the record holds values that cannot be.
pub fn result(run: &Run, record: &Record) -> Result<Value, RecordError> {
    let asked = status::asked(run);
    let asked = asked.as_ref();
    let levels = record.workloads.iter().map(level).collect::<Result<Vec<Value>, RecordError>>()?;
    let warnings: Vec<String> = record.workloads.iter().flat_map(warnings).collect();
    let summary = summary(&levels);
    Ok(json!({
        "run_id": run.id,
        "server_url": status::server_url(asked),
        "model": status::model(run, asked),
        "adapter": status::adapter(asked),
        "framework": status::framework(run),
        "config": asked.map_or(Value::Null, config),
        "results": levels,
        "started_at": run.started,
        "completed_at": run.ended,
        "duration_seconds": run.ended.as_deref().and_then(|end| seconds(&run.started, end)),
        "summary": summary,
        "server_infra": infra(record),
        "validation": null,
        "gpu_metrics": null,
        // Where there are any, the numbers are not to be trusted.
        "warnings": warnings,
    }))
}

/// As their clients send it, without the key, which nobody keeps.
fn config(asked: &RunRequest) -> Value {
    json!({
        "server_url": status::server_url(Some(asked)),
        "model": asked.model,
        "adapter": status::adapter(Some(asked)),
        "concurrency": asked.concurrency,
        "num_prompts": asked.requests,
        "input_len": asked.input_tokens,
        "output_len": asked.output_tokens,
        "stream": asked.stream.unwrap_or(true),
        "warmup": asked.warmup,
        "timeout": asked.timeout.as_deref().and_then(in_seconds),
        "duration_seconds": asked.duration.as_deref().and_then(in_seconds),
        "goodput_thresholds": asked.slo,
    })
}

fn in_seconds(span: &str) -> Option<f64> {
    Some(crate::config::parse_duration(span).ok()?.as_secs_f64())
}

fn infra(record: &Record) -> Value {
    let Some(workload) = record.workloads.first() else { return Value::Null };
    let fact = |name: &str| workload.fingerprint.0.get(name);
    json!({"server": fact("server"), "version": fact("server_version"), "gpu": fact("gpu")})
}

fn seconds(from: &str, to: &str) -> Option<f64> {
    let at = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
    Some((at(to)? - at(from)?).as_seconds_f64())
}

/// Requests in flight; None of an open loop.
pub fn concurrency(workload: &WorkloadRecord) -> Option<u32> {
    let words = workload.load.arrival.strip_prefix("closed loop, ")?;
    words.split(' ').next()?.parse().ok()
}

pub fn level(workload: &WorkloadRecord) -> Result<Value, RecordError> {
    let rounds = workload.method_rounds();
    let times = |timing| rounds.iter().flat_map(|round| round.times(timing)).collect::<Vec<f64>>();
    let (total, failed) = rounds
        .iter()
        .map(Round::counts)
        .fold((0, 0), |(total, failed), (t, f)| (total + t, failed + f));
    let columns = || workload.rounds().map(|(_, round)| &round.columns);
    let input = columns()
        .flat_map(|c| (0..c.len()).filter(|&i| c.ok(i)).map(move |i| c.input_tokens.at(i)));
    let output = rounds.iter().flat_map(Round::completed).map(|row| row.output_tokens);
    let tpot = times(Timing::Tpot);
    Ok(json!({
        "concurrency": concurrency(workload),
        "ttft": spread(&times(Timing::Ttft)),
        "tpot": (!tpot.is_empty()).then(|| spread(&tpot)),
        "itl": gaps(workload)?,
        "e2e_latency": spread(&times(Timing::E2e)),
        "throughput_tokens_per_sec": output_token_rate(&rounds),
        "request_rate_per_sec": request_rate(&rounds),
        "total_requests": total,
        "successful_requests": total - failed,
        "failed_requests": failed,
        "error_rate_percent": percent(failed as f64, total as f64),
        "total_input_tokens": token_sum(input),
        "total_output_tokens": token_sum(output),
        "duration_seconds": rounds.iter().map(|round| round.seconds).sum::<f64>(),
        "goodput": goodput(workload, &rounds),
        // Where there are any, the numbers are not to be trusted, and are the best of nothing.
        "warnings": warnings(workload),
    }))
}

fn warnings(workload: &WorkloadRecord) -> Vec<String> {
    let notes = workload.unfit().into_iter().chain(workload.saturated());
    notes.map(|note| format!("{}: {note}", workload.name)).collect()
}

/// Milliseconds.
fn spread(values: &[f64]) -> Value {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |q| stats::percentile_of_sorted(&sorted, q);
    json!({
        "min": sorted.first(), "max": sorted.last(), "mean": stats::mean(values),
        "p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "std": stats::sd(values),
    })
}

fn gaps(workload: &WorkloadRecord) -> Result<Value, RecordError> {
    let mut all = Gaps::default();
    for (_, round) in workload.rounds() {
        all.merge(&Gaps::decode(&round.chunk_gaps_hdr).map_err(RecordError::Shape)?);
    }
    let Some((min, max)) = all.min_max_ms() else { return Ok(Value::Null) };
    Ok(json!({
        "min": min, "max": max, "mean": all.mean_ms(), "p50": all.quantile_ms(0.5),
        "p95": all.quantile_ms(0.95), "p99": all.quantile_ms(0.99), "std": all.stddev_ms(),
    }))
}

/// Of the requests after the first wave, as our SLO attainment has it.
fn goodput(workload: &WorkloadRecord, rounds: &[Round]) -> Option<Value> {
    let slo = SloMs::from(workload.slo);
    let all = (!slo.is_empty()).then(|| Good::over(rounds, |row| row.meets(&slo)))?;
    let of_kind = |kind| {
        let has = slo.limit(kind).is_some();
        has.then(|| Good::over(rounds, |row| row.meets_kind(&slo, kind)).met)
    };
    Some(json!({
        "thresholds": {"ttft_ms": slo.ttft, "tpot_ms": slo.tpot, "e2e_ms": slo.e2e},
        "satisfied_requests": all.met,
        "total_requests": all.scheduled,
        "goodput_percent": all.share().map(|share| share * 100.0),
        "ttft_satisfied": of_kind(SloKind::Ttft),
        "tpot_satisfied": of_kind(SloKind::Tpot),
        "e2e_satisfied": of_kind(SloKind::E2e),
    }))
}

fn percent(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole * 100.0)
}

/// Throughput and TTFT are the best of any level.
pub fn summary(levels: &[Value]) -> Value {
    let best = best_throughput(levels);
    let total: f64 = levels.iter().filter_map(|l| l["total_requests"].as_f64()).sum();
    let failed: f64 = levels.iter().filter_map(|l| l["failed_requests"].as_f64()).sum();
    let good: Vec<f64> =
        levels.iter().filter_map(|l| l["goodput"]["goodput_percent"].as_f64()).collect();
    let mut summary = json!({
        "best_throughput": best.map(|l| l["throughput_tokens_per_sec"].clone()),
        "best_ttft_p50": best_ttft(levels).map(|l| l["ttft"]["p50"].clone()),
        "best_concurrency": best.map(|l| l["concurrency"].clone()),
        "total_requests": levels.iter().filter_map(|l| l["total_requests"].as_u64()).sum::<u64>(),
        "overall_error_rate": percent(failed, total),
    });
    if let Some(mean) = stats::mean(&good) {
        summary["avg_goodput_percent"] = mean.into();
    }
    summary
}

/// What was measured as it should be.
fn fit(levels: &[Value]) -> impl Iterator<Item = &Value> {
    levels.iter().filter(|level| level["warnings"].as_array().is_none_or(Vec::is_empty))
}

pub fn best_throughput(levels: &[Value]) -> Option<&Value> {
    let value = |level: &&Value| level["throughput_tokens_per_sec"].as_f64();
    fit(levels).filter(|l| value(l).is_some()).max_by(|a, b| order(value(a), value(b)))
}

pub fn best_ttft(levels: &[Value]) -> Option<&Value> {
    let value = |level: &&Value| level["ttft"]["p50"].as_f64();
    fit(levels).filter(|l| value(l).is_some()).min_by(|a, b| order(value(a), value(b)))
}

fn order(a: Option<f64>, b: Option<f64>) -> std::cmp::Ordering {
    a.unwrap_or(f64::NAN).total_cmp(&b.unwrap_or(f64::NAN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_is_null() {
        let nothing = spread(&[]);
        assert!(nothing.as_object().is_some_and(|all| all.values().all(Value::is_null)));
        assert_eq!(nothing.as_object().map(serde_json::Map::len), Some(7));
        let none = summary(&[]);
        assert_eq!(
            none,
            json!({"best_throughput": null, "best_ttft_p50": null, "best_concurrency": null,
                "total_requests": 0, "overall_error_rate": null})
        );
    }

    #[test]
    fn the_best_level_is_one_that_has_the_number() {
        let level = |concurrency, rate: Option<f64>, ttft: Option<f64>| {
            json!({"concurrency": concurrency, "throughput_tokens_per_sec": rate,
                "ttft": {"p50": ttft}, "total_requests": 10, "failed_requests": 1,
                "goodput": {"goodput_percent": 50.0}})
        };
        let levels = [
            level(1, Some(10.0), Some(5.0)),
            level(8, None, None),
            level(4, Some(30.0), Some(9.0)),
            json!({"throughput_tokens_per_sec": 99.0, "ttft": {"p50": 0.1}, "warnings": ["late"]}),
        ];
        assert_eq!(
            summary(&levels),
            json!({"best_throughput": 30.0, "best_ttft_p50": 5.0, "best_concurrency": 4,
                "total_requests": 30, "overall_error_rate": 10.0, "avg_goodput_percent": 50.0})
        );
    }

    #[test]
    fn spreads_are_exact() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        let all = spread(&values);
        assert_eq!(
            (&all["min"], &all["max"], &all["mean"]),
            (&json!(1.0), &json!(100.0), &json!(50.5))
        );
        assert_eq!((&all["p50"], &all["p95"]), (&json!(50.5), &json!(95.05)));
    }
}
