//! The rows read back: every number of the JSON, absent as empty, and no text that is a formula.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::report::samples;

fn parsed(text: &str) -> Vec<Vec<String>> {
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    reader.records().map(|r| r.expect("rectangular").iter().map(str::to_owned).collect()).collect()
}

#[test]
fn one_row_holds_one_number_and_absent_is_empty() {
    let report = samples::inconclusive();
    let rows = parsed(&render(&report).expect("renders"));
    let p99: Vec<_> = rows.iter().filter(|r| r[2] == "metric" && r[3] == "ttft_p99").collect();
    assert_eq!((p99[0][6].as_str(), p99[0][7].is_empty()), ("baseline", false));
    assert_eq!(
        (p99[1][6].as_str(), p99[1][7].as_str(), p99[1][11].as_str()),
        ("candidate", "", "unmeasured")
    );
}

#[test]
fn a_run_has_no_baseline_rows() {
    let rows = parsed(&render(&samples::run_only()).expect("renders"));
    assert!(rows.iter().all(|r| r[6] == "candidate" && r[1].is_empty()));
}

/// Kind, metric, unit, statistic, side and numbers of what the JSON says, in the order of the rows.
fn json_rows(json: &Value) -> Vec<(String, [Option<f64>; 4])> {
    let list = |of: &Value, pointer: &str| {
        of.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let row = |kind: &str, m: &Value, named: &str, side: &str, values: [&str; 4]| {
        let word = |key: &str| m[key].as_str().expect("a word").to_owned();
        let key = [kind, &word(named), &word("unit"), "value", side].join(" ");
        (key, values.map(|key| m[key].as_f64()))
    };
    let mut all = Vec::new();
    for w in list(json, "/workloads") {
        for m in list(&w, "/metrics") {
            let changed =
                ["candidate", "change_ratio", "interval_low_ratio", "interval_high_ratio"];
            let compared = !m["judgement"].is_null() || !m["baseline"].is_null();
            all.extend(
                compared.then(|| row("metric", &m, "metric", "baseline", ["baseline", "", "", ""])),
            );
            all.push(row("metric", &m, "metric", "candidate", changed));
        }
        for l in list(&w, "/limits") {
            let (key, values) = row("limit", &l, "metric", "limit", ["limit", "", "", ""]);
            all.push((
                key.replace(" value ", &format!(" {} ", l["bound"].as_str().expect("a bound"))),
                values,
            ));
            let (key, [value, low, high, _]) = row(
                "limit",
                &l,
                "metric",
                "candidate",
                ["value", "interval_low", "interval_high", ""],
            );
            all.push((key, [value, None, low, high]));
        }
        for m in list(&w, "/anchor/metrics") {
            let changed = ["", "change_ratio", "interval_low_ratio", "interval_high_ratio"];
            all.push(row("anchor", &m, "metric", "candidate", changed));
        }
        for d in list(&w, "/distributions") {
            for statistic in
                ["geomean", "mean", "sd", "min", "p50", "p90", "p95", "p99", "p99.9", "max"]
            {
                let key = format!("{}_ms", statistic.replace('.', "").replace("sd", "stddev"));
                let name = format!(
                    "distribution {} ms {statistic} candidate",
                    d["timing"].as_str().expect("a timing")
                );
                all.push((name, [d[key].as_f64(), None, None, None]));
            }
        }
        all.extend(
            list(&w, "/rates")
                .iter()
                .map(|r| row("rate", r, "metric", "candidate", ["value", "", "", ""])),
        );
        for f in list(&w, "/server/facts") {
            let told = !f["baseline"].is_null();
            all.extend(
                told.then(|| row("server", &f, "fact", "baseline", ["baseline", "", "", ""])),
            );
            all.push(row("server", &f, "fact", "candidate", ["candidate", "", "", ""]));
        }
    }
    for s in list(json, "/sweeps") {
        let text = |field: &str| s[field].as_str().expect("a word");
        let named = |kind: &str, metric: &str, value: Option<f64>| {
            (format!("{kind} {}  {} ", text(metric), text("family")), [value, None, None, None])
        };
        all.extend(list(&s, "/levels").iter().map(|l| named("level", "axis", l["level"].as_f64())));
        all.extend(s["knee"].as_f64().map(|knee| named("knee", "curve", Some(knee))));
    }
    all
}

#[test]
fn every_number_reads_back_equal() {
    for report in samples::all().into_iter().map(|(_, report)| report).chain([samples::watched()]) {
        let rows = parsed(&render(&report).expect("renders"));
        let of_table = |r: &&Vec<String>| !["note", "gpu"].contains(&r[2].as_str());
        let number =
            |text: &str| (!text.is_empty()).then(|| text.parse::<f64>().expect("a number"));
        let unit = |r: &[String]| {
            if r[2] == "server" && r[4] != "count" { format!("_{}", r[4]) } else { String::new() }
        };
        let key = |r: &[String]| {
            [&r[2], &(r[3].clone() + &unit(r)), &r[4], &r[5], &r[6]].map(String::as_str).join(" ")
        };
        let read =
            |r: &Vec<String>| (key(r), [&r[7], &r[8], &r[9], &r[10]].map(|text| number(text)));
        let found: Vec<_> = rows.iter().filter(of_table).map(read).collect();
        assert_eq!(found, json_rows(&serde_json::to_value(&report).expect("plain data")));
    }
}

#[test]
fn each_gpu_has_its_rows_and_its_uuid() {
    let rows = parsed(&render(&samples::watched()).expect("renders"));
    let of = |uuid: &str| -> Vec<String> {
        let mine = rows.iter().filter(|r| r[2] == "gpu" && r[13] == uuid && !r[7].is_empty());
        mine.map(|r| [&r[12], &r[3], &r[4], &r[5], &r[7]].map(String::as_str).join(" ")).collect()
    };
    assert_eq!(of("GPU-2"), ["1 memory mib max 512"]);
    let first = of("GPU-1");
    for row in [
        "0 memory mib max 61234",
        "0 sm_clock mhz p50 1755",
        "0 energy j sum 63210",
        "0 throttle_power_cap ratio mean 0.8",
    ] {
        assert!(first.iter().any(|found| found == row), "{row} is not in {first:?}");
    }
    assert!(rows.iter().filter(|r| r[2] != "gpu").all(|r| r[12].is_empty() && r[13].is_empty()));
}

proptest! {
    #[test]
    fn any_name_reads_back_and_is_no_formula(name in any::<String>(), sign in "[=+@-]?") {
        let name = sign + &name;
        let rows = parsed(&render(&samples::foreign(&name)).expect("renders"));
        prop_assert!(rows.iter().all(|r| !r[0].starts_with(['=', '+', '-', '@'])));
        prop_assert!(rows.iter().all(|r| r[0].trim_start_matches('\'') == text::plain(&name).trim_start_matches('\'')));
    }
}
