//! The text as Prometheus reads it: its grammar, the numbers in base units, and that the dashboard
//! and the docs name what is written.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::Value;

use super::render;
use crate::report::{Report, samples};

const DASHBOARD: &str = include_str!("../../../docs/grafana/goodput-gate.json");
const FORMATS: &str = include_str!("../../../docs/FORMATS.md");

/// One line of the text: name, labels, value.
type Series = (String, BTreeMap<String, String>, f64);

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// A label's value up to its closing quote, unescaped, and what follows.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.strip_prefix('"').expect("opens").char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &text[at + 2..]),
            '\\' => value.push(match chars.next().expect("an escape").1 {
                'n' => '\n',
                c @ ('\\' | '"') => c,
                other => panic!("\\{other} is no escape"),
            }),
            c => value.push(c),
        }
    }
    panic!("{text} does not close");
}

fn series(line: &str) -> Series {
    let end = line.find(['{', ' ']).expect("a name ends");
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (key, value) = rest.split_once('=').expect("a label");
            assert!(is_name(key), "{line}");
            let (value, after) = quoted(value);
            assert_eq!(labels.insert(key.to_owned(), value), None, "{line}");
            let Some(more) = after.strip_prefix(',') else {
                rest = after.strip_prefix('}').expect("closes");
                break;
            };
            rest = more;
        }
    }
    let value =
        rest.strip_prefix(' ').expect("one space").parse().expect("a number and nothing else");
    (name.to_owned(), labels, value)
}

/// Checks grouping and grammar on the way.
fn parsed(text: &str) -> Vec<Series> {
    let mut all: Vec<Series> = Vec::new();
    let mut current = String::new();
    let mut seen = BTreeSet::new();
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').expect("HELP has a text");
            assert!(is_name(name) && !words.is_empty() && !words.contains('\\'), "{line}");
            assert!(seen.insert(name.to_owned()), "{name} has two groups");
            current = name.to_owned();
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            assert_eq!(kind, format!("{current} gauge"));
        } else {
            let found = series(line);
            assert_eq!(found.0, current, "{line}");
            assert!(
                found.2.is_finite() && all.iter().all(|s| (&s.0, &s.1) != (&found.0, &found.1)),
                "{line} is there twice"
            );
            all.push(found);
        }
    }
    assert!(text.ends_with('\n'));
    all
}

fn value(report: &Report, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let wanted: BTreeMap<String, String> =
        labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    parsed(&render(report))
        .into_iter()
        .find(|(n, l, _)| n == name && *l == wanted)
        .map(|(_, _, value)| value)
}

/// Every series of every sample.
fn written() -> Vec<Series> {
    let all = samples::all().into_iter().map(|(_, report)| report).chain([samples::watched()]);
    all.flat_map(|report| parsed(&render(&report))).collect()
}

fn names() -> BTreeSet<String> {
    written().into_iter().map(|(name, _, _)| name).collect()
}

/// Every word of ours in a text.
fn mentioned(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|w| w.starts_with("goodput_gate_")).map(str::to_owned).collect()
}

#[test]
fn every_sample_is_well_formed() {
    for (name, report) in samples::all() {
        assert!(parsed(&render(&report)).len() > 5, "{name}");
    }
}

#[test]
fn times_are_seconds_and_rates_keep_their_unit() {
    let report = samples::pass();
    let p95 = [("workload", "chat"), ("statistic", "p95")];
    let ms = report.workloads[0].distributions[0].p95_ms.expect("the sample has one");
    assert_eq!(value(&report, "goodput_gate_ttft_seconds", &p95), Some(ms / 1000.0));
    assert_eq!(value(&report, "goodput_gate_goodput_per_second", &p95[..1]), Some(4.75));
    assert_eq!(
        value(&report, "goodput_gate_output_token_rate_tokens_per_second", &p95[..1]),
        Some(622.1)
    );
    assert_eq!(value(&report, "goodput_gate_error_rate_ratio", &p95[..1]), Some(0.0033));
    assert_eq!(value(&report, "goodput_gate_run_timestamp_seconds", &[]), Some(1_795_167_000.0));
    let judged = [("workload", "chat"), ("metric", "ttft_geomean"), ("side", "candidate")];
    assert_eq!(value(&report, "goodput_gate_judged_seconds", &judged), Some(0.14231));
    let limit = [("workload", "chat"), ("metric", "ttft_p95"), ("bound", "max")];
    assert_eq!(value(&report, "goodput_gate_limit_seconds", &limit), Some(0.5));
}

#[test]
fn what_gpus_did_is_in_base_units() {
    let all = samples::all();
    let (_, report) = all
        .iter()
        .find(|(_, r)| r.workloads.iter().any(|w| w.gpu.is_some()))
        .expect("a sample was watched");
    let name = report.workloads[0].name.as_str();
    let first = [("workload", name), ("gpu", "0"), ("uuid", "GPU-1")];
    assert_eq!(value(report, "goodput_gate_gpu_device_energy_joules", &first), Some(63_210.0));
    assert_eq!(value(report, "goodput_gate_gpu_device_sm_clock_hertz", &first), Some(1.755e9));
    assert_eq!(
        value(report, "goodput_gate_gpu_device_memory_peak_bytes", &first),
        Some(61234.0 * 1_048_576.0)
    );
    assert_eq!(value(report, "goodput_gate_tokens_per_joule", &first[..1]), Some(1.1876));
    let with = |key, label| [first[0], first[1], first[2], (key, label)];
    assert_eq!(
        value(report, "goodput_gate_gpu_device_throttle_ratio", &with("reason", "power_cap")),
        Some(0.8)
    );
    assert_eq!(
        value(report, "goodput_gate_gpu_device_ecc_errors", &with("kind", "corrected")),
        Some(2.0)
    );
    let second = [("workload", name), ("gpu", "1"), ("uuid", "GPU-2")];
    assert_eq!(
        value(report, "goodput_gate_gpu_device_energy_joules", &second),
        None,
        "it does not tell"
    );
}

#[test]
fn every_fact_of_the_server_is_in_base_units_on_both_sides() {
    let report = samples::watched();
    let facts = &report.workloads[0].server.as_ref().expect("its server was watched").facts;
    for f in facts {
        let (name, per) = match f.unit.as_str() {
            "ms" => (format!("{}_seconds", f.name()), 1000.0),
            "count" if f.fact.starts_with("running_") || f.fact.starts_with("waiting_") => {
                (format!("{}_requests", f.fact), 1.0)
            }
            _ => (f.fact.clone(), 1.0),
        };
        for (side, said) in [("baseline", f.baseline), ("candidate", f.candidate)] {
            let found = value(
                &report,
                &format!("goodput_gate_server_{name}"),
                &[("workload", "chat"), ("side", side)],
            );
            assert_eq!(found, said.map(|v| v / per), "{name} of the {side}");
        }
    }
    assert_eq!(facts.len(), 19);
    let mut foreign = samples::watched();
    foreign.workloads[0].server.as_mut().expect("as before").facts[0].fact = "up{} 1\n".into();
    assert!(
        parsed(&render(&foreign))
            .iter()
            .all(|(name, ..)| name != "goodput_gate_server_running_mean_requests"),
        "no foreign name"
    );
}

#[test]
fn drift_since_the_anchor_has_its_interval() {
    let tpot = [("workload", "chat"), ("metric", "tpot_geomean")];
    let of = |name| value(&samples::watched(), name, &tpot);
    assert_eq!(of("goodput_gate_anchor_change_ratio"), Some(0.061));
    assert_eq!(
        (of("goodput_gate_anchor_change_low_ratio"), of("goodput_gate_anchor_change_high_ratio")),
        (Some(0.04), Some(0.082))
    );
}

#[test]
fn what_is_absent_has_no_series() {
    let p999 = [("workload", "chat"), ("statistic", "p99.9")];
    assert_eq!(value(&samples::pass(), "goodput_gate_ttft_seconds", &p999), None);
    assert!(!render(&samples::run_only()).contains("verdict"), "nothing was judged");
    assert!(!render(&samples::invalid()).contains("goodput_gate_goodput_per_second"));
}

#[test]
fn exactly_one_state_is_on() {
    for (name, report) in samples::all() {
        let mut on: BTreeMap<String, f64> = BTreeMap::new();
        for (family, mut labels, value) in parsed(&render(&report)) {
            let key = if family.ends_with("verdict") {
                "verdict"
            } else if family.ends_with("judgement") {
                "judgement"
            } else {
                "state"
            };
            if labels.remove(key).is_some() {
                *on.entry(format!("{family}{labels:?}")).or_default() += value;
            }
        }
        assert!(on.values().all(|sum| (sum - 1.0).abs() < f64::EPSILON), "{name}: {on:?}");
    }
    let failed = |verdict| {
        value(&samples::regression(), "goodput_gate_run_verdict", &[("verdict", verdict)])
    };
    assert_eq!((failed("failed"), failed("passed")), (Some(1.0), Some(0.0)));
}

#[test]
fn the_verdicts_are_those_of_the_json() {
    for (name, report) in samples::all() {
        let json: Value = serde_json::from_str(&report.to_json()).expect("JSON");
        let Some(verdict) = json["verdict"].as_str() else { continue };
        assert_eq!(
            value(&report, "goodput_gate_run_verdict", &[("verdict", verdict)]),
            Some(1.0),
            "{name}"
        );
    }
}

#[test]
fn a_series_is_never_there_twice() {
    let mut report = samples::two_workloads();
    report.workloads[1].name = report.workloads[0].name.clone();
    parsed(&render(&report));
}

proptest! {
    #[test]
    fn any_name_reads_back(name in any::<String>()) {
        let all = parsed(&render(&samples::foreign(&name)));
        let plain = crate::report::text::plain(&name);
        prop_assert!(all.iter().filter_map(|(_, labels, _)| labels.get("workload")).all(|w| *w == plain));
    }
}

#[test]
fn the_dashboard_asks_for_what_is_written() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let asked = mentioned(DASHBOARD);
    assert!(
        asked.len() > 8 && asked.is_subset(&names()),
        "{:?}",
        asked.difference(&names()).collect::<Vec<_>>()
    );
    assert!(
        dashboard["schemaVersion"].as_u64().is_some_and(|v| v >= 36),
        "older ones name a data source by a bare text"
    );
    assert_eq!(
        (&dashboard["id"], &dashboard["templating"]["list"][0]["type"]),
        (&Value::Null, &"datasource".into())
    );
    let panels = dashboard["panels"].as_array().expect("panels");
    let ids: BTreeSet<u64> = panels.iter().filter_map(|p| p["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len(), "every panel has an id of its own");
    let mut taken = BTreeSet::new();
    for panel in panels {
        let at = |key: &str| {
            panel["gridPos"][key].as_u64().unwrap_or_else(|| panic!("{panel} has a place"))
        };
        assert!(at("x") + at("w") <= 24, "{panel}");
        let cells = (at("x")..at("x") + at("w"))
            .flat_map(|x| (at("y")..at("y") + at("h")).map(move |y| (x, y)));
        cells.for_each(|cell| assert!(taken.insert(cell), "{} overlaps", panel["title"]));
        let targets = panel["targets"].as_array().map_or(&[][..], Vec::as_slice);
        assert!(panel["type"] == "row" || !targets.is_empty(), "{panel} asks nothing");
        for target in targets {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{target}");
            assert!(
                target["expr"].as_str().is_some_and(|e| e.contains("goodput_gate_")),
                "{target}"
            );
        }
    }
}

/// `name{label="value"}` in an expression: its name, its labels, each with what it may be. None:
/// what somebody chose in the dashboard.
type Selector<'a> = (&'a str, Vec<(&'a str, Option<Vec<&'a str>>)>);

fn selectors(expression: &str) -> Vec<Selector<'_>> {
    let ours = expression.match_indices("goodput_gate_").map(|(at, _)| &expression[at..]);
    ours.map(|text| {
        let end =
            text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
        let inside = text[end..]
            .strip_prefix('{')
            .map_or("", |rest| rest.split('}').next().expect("closes"));
        let each = inside.split(", ").filter(|one| !one.is_empty()).map(|one| {
            let (key, value) = one.split_once('=').expect("a label");
            let value = value.trim_start_matches('~').trim_matches('"');
            (key, (!value.starts_with('$')).then(|| value.split('|').collect()))
        });
        (&text[..end], each.collect())
    })
    .collect()
}

#[test]
fn what_the_dashboard_chooses_by_is_written() {
    let written = written();
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let targets = dashboard["panels"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|p| p["targets"].as_array())
        .flatten();
    let mut seen = 0;
    for target in targets {
        let text = |key: &str| target[key].as_str().expect("a text");
        for (name, labels) in selectors(text("expr")) {
            let series: Vec<&BTreeMap<String, String>> =
                written.iter().filter(|(n, ..)| n == name).map(|(_, l, _)| l).collect();
            for (key, values) in &labels {
                let has =
                    |value: &&str| series.iter().any(|l| l.get(*key).is_some_and(|v| v == value));
                let absent: Vec<&&str> =
                    values.iter().flatten().filter(|value| !has(value)).collect();
                assert!(
                    series.iter().all(|l| l.contains_key(*key)) && absent.is_empty(),
                    "{name} has no {key} of {absent:?}"
                );
            }
            let legend = text("legendFormat")
                .split("{{")
                .skip(1)
                .map(|rest| rest.split("}}").next().expect("closes"));
            for label in legend {
                assert!(
                    series.iter().all(|l| l.contains_key(label)),
                    "{name} has no {label} to show"
                );
            }
            seen += 1;
        }
    }
    for variable in dashboard["templating"]["list"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|v| v["type"] == "query")
    {
        let query = variable["query"]["query"].as_str().expect("a query");
        let (name, label) = query
            .trim_start_matches("label_values(")
            .trim_end_matches(')')
            .split_once(", ")
            .expect("two");
        assert!(
            written.iter().any(|(n, labels, _)| n == name && labels.contains_key(label)),
            "{query}"
        );
    }
    assert!(seen > 40, "{seen}");
}

#[test]
fn every_name_that_is_written_is_documented() {
    let documented = mentioned(FORMATS);
    let missing: Vec<String> = names().difference(&documented).cloned().collect();
    assert!(missing.is_empty(), "{missing:?}");
}
