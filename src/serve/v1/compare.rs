//! Completed runs beside each other, in llm-loadtest's shape. Not here: whether a difference is one
//! (`judge`): these are the best numbers, and nothing more.

use serde_json::{Value, json};

use super::result::{best_throughput, best_ttft};
use crate::app::runs::file::Id;

/// Of each run its levels. None of less than two.
pub fn comparison(runs: &[(Id, Vec<Value>)]) -> Option<Value> {
    if runs.len() < 2 {
        return None;
    }
    let marked: Vec<Value> =
        runs.iter().flat_map(|(id, levels)| levels.iter().map(|l| mark(id, l))).collect();
    let best = |level: Option<&Value>, value: fn(&Value) -> &Value| {
        level.map_or(Value::Null, |level| {
            json!({"run_id": level["run_id"], "value": value(level), "concurrency": level["concurrency"]})
        })
    };
    let mut by_concurrency = serde_json::Map::new();
    for level in &marked {
        let Some(concurrency) = level["concurrency"].as_u64() else { continue };
        let same = by_concurrency.entry(concurrency.to_string()).or_insert_with(|| json!([]));
        if let Some(same) = same.as_array_mut() {
            same.push(json!({
                "run_id": level["run_id"],
                "throughput": level["throughput_tokens_per_sec"],
                "ttft_p50": level["ttft"]["p50"],
                "ttft_p99": level["ttft"]["p99"],
                "error_rate": level["error_rate_percent"],
                "warnings": level["warnings"],
            }));
        }
    }
    Some(json!({
        "run_count": runs.len(),
        "best_throughput": best(best_throughput(&marked), |l| &l["throughput_tokens_per_sec"]),
        "best_ttft": best(best_ttft(&marked), |l| &l["ttft"]["p50"]),
        "by_concurrency": by_concurrency,
    }))
}

fn mark(id: &Id, level: &Value) -> Value {
    let mut level = level.clone();
    level["run_id"] = json!(id);
    level
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_all_runs_is_named() {
        let level = |concurrency: u32, rate: f64, ttft: f64| {
            json!({"concurrency": concurrency, "throughput_tokens_per_sec": rate,
                "ttft": {"p50": ttft, "p99": ttft}, "error_rate_percent": 0.0})
        };
        let id =
            |n: u32| Id::parse(&format!("00000000-0000-4000-8000-00000000000{n}")).expect("one");
        let runs = [
            (id(1), vec![level(1, 10.0, 5.0)]),
            (id(2), vec![level(1, 20.0, 6.0), level(8, 90.0, 40.0)]),
        ];
        let all = comparison(&runs).expect("two");
        assert_eq!(all["run_count"], 2);
        assert_eq!(
            all["best_throughput"],
            json!({"run_id": id(2), "value": 90.0, "concurrency": 8})
        );
        assert_eq!(all["best_ttft"], json!({"run_id": id(1), "value": 5.0, "concurrency": 1}));
        assert_eq!(all["by_concurrency"]["1"].as_array().map(Vec::len), Some(2));
        assert_eq!(comparison(&runs[..1]), None);
    }
}
