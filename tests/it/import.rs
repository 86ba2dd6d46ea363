//! Import of files that the real tools wrote (tests/fixtures/import), through the command: what is
//! mapped, what is refused, and that two imports can be compared. Not here: made-up files
//! (`src/import/tests.rs`).

use std::io::Read as _;

use serde_json::{Value, json};

use crate::support::bed::Bed;

fn fixture(name: &str) -> String {
    let path = crate::support::fixture(&format!("import/{name}"));
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut text = String::new();
    if path.extension().is_some_and(|e| e == "gz") {
        flate2::read::GzDecoder::new(&*bytes).read_to_string(&mut text).expect("gzip of text");
    } else {
        text = String::from_utf8(bytes).expect("text");
    }
    text
}

/// The fixtures in a folder of their own, under the names that the import is given.
fn bed(names: &[&str]) -> Bed {
    let bed = Bed::new();
    for name in names {
        bed.write(name.trim_end_matches(".gz"), &fixture(name));
    }
    bed
}

/// What an import came to, without the columns.
fn summary(bed: &Bed, file: &str) -> Value {
    let record = bed.json(file);
    let workloads: Vec<Value> = array(&record["workloads"])
        .iter()
        .map(|w| {
            let rounds: Vec<Value> = array(&w["starts"]).iter().flat_map(|s| array(&s["rounds"]).iter().map(round)).collect();
            json!({"name": w["name"], "fingerprint": w["fingerprint"], "load": w["load"], "rounds": rounds})
        })
        .collect();
    json!({"host": record["host"], "workloads": workloads})
}

fn round(round: &Value) -> Value {
    let columns = &round["columns"];
    let unknown: Vec<&String> = columns
        .as_object()
        .expect("columns")
        .iter()
        .filter(|(_, c)| array(c).iter().all(Value::is_null))
        .map(|(name, _)| name)
        .collect();
    let shown = [
        "ttft_geomean_ms",
        "tpot_geomean_ms",
        "e2e_geomean_ms",
        "chunk_gap_p99_ms",
        "error_rate_ratio",
        "output_token_rate_tokens_per_s",
    ];
    let metrics: serde_json::Map<String, Value> = shown
        .iter()
        .filter_map(|k| Some(((*k).to_owned(), json!(rounded(round["metrics"].get(*k)?)))))
        .collect();
    json!({
        "requests": array(&columns["outcome"]).len(), "unknown": unknown, "metrics": metrics, "errors": round["errors"],
        "findings": round["findings"], "client": round["client"],
    })
}

/// Not more than a snapshot needs.
fn rounded(value: &Value) -> String {
    format!("{:.4}", value.as_f64().expect("a number"))
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn files_of_the_real_tools_are_imported() {
    for (name, files) in [
        ("vllm_open", &["vllm-bench-0.32.0-open-1.json", "vllm-bench-0.32.0-open-2.json"][..]),
        ("vllm_closed", &["vllm-bench-0.32.0-closed-1.json"]),
        ("vllm_faults", &["vllm-bench-0.32.0-faults.json"]),
        ("sglang", &["sglang-bench-0.5.23-1.jsonl", "sglang-bench-0.5.23-2.jsonl"]),
        ("sglang_faults", &["sglang-bench-0.5.23-faults.jsonl"]),
        ("guidellm", &["guidellm-0.8.1-1.json.gz"]),
        ("guidellm_faults", &["guidellm-0.8.1-faults.json.gz"]),
        ("aiperf", &["aiperf-0.13.0-1.jsonl"]),
        ("aiperf_faults", &["aiperf-0.13.0-faults.jsonl"]),
    ] {
        let bed = bed(files);
        for file in files
            .iter()
            .filter_map(|f| f.strip_suffix(".jsonl"))
            .filter(|f| f.starts_with("aiperf"))
        {
            let beside = format!("{file}_aiperf.json");
            bed.write(&beside, &fixture(&beside));
        }
        let names: Vec<&str> = files.iter().map(|f| f.trim_end_matches(".gz")).collect();
        let ran = bed.gate(&[&["import", "-o", "r.json"], &names[..]].concat());
        assert!(ran.code == Some(0), "{name}: {ran:?}");
        insta::assert_json_snapshot!(name, summary(&bed, "r.json"));
    }
}

/// The late sends of this run are in the file, so it is INVALID as a run of this program's would
/// be.
#[test]
fn a_late_client_of_another_tool_is_found() {
    let bed = bed(&["guidellm-0.8.1-2.json.gz"]);
    let ran = bed.gate(&["import", "-o", "r.json", "guidellm-0.8.1-2.json"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stdout.contains("the client was late"), "{ran:?}");
}

#[test]
fn two_imports_are_compared() {
    let files = [
        "vllm-bench-0.32.0-open-1.json",
        "vllm-bench-0.32.0-open-2.json",
        "vllm-bench-0.32.0-closed-1.json",
    ];
    let bed = bed(&files);
    for (file, record) in files.iter().zip(["a.json", "b.json", "c.json"]) {
        let ran = bed.gate(&[
            "import",
            file,
            "-o",
            record,
            "--workload",
            "chat",
            "--slo",
            "ttft=500ms,tpot=100ms",
        ]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    let ran = bed.gate(&["compare", "a.json", "b.json"]);
    assert!(
        ran.code == Some(0)
            && ran.stdout.contains("INCONCLUSIVE")
            && ran.stdout.contains("more baseline session"),
        "{ran:?}"
    );
    assert!(
        ran.stdout.contains("slo_attainment")
            && ran.stdout.contains("whether the client kept up was not checked"),
        "{ran:?}"
    );
    // Another load is another thing, and the fields that differ are named.
    let ran = bed.gate(&["compare", "a.json", "c.json"]);
    assert!(
        ran.code == Some(4)
            && ran.stdout.contains("INCOMPARABLE")
            && ran.stdout.contains("request_rate"),
        "{ran:?}"
    );
}

/// Seven sessions of unchanged code, made of one file with its times stretched a little, and one
/// that is a half slower.
#[test]
fn a_slower_import_fails_against_imported_sessions() {
    let bed = Bed::new();
    let sessions: Vec<String> = (0..7)
        .map(|i| import_stretched(&bed, &format!("s{i}"), 1.0 + f64::from(i) / 1000.0))
        .collect();
    std::fs::create_dir(bed.path("sessions")).expect("a folder");
    bed.git(&["init", "-q", "-b", "main", "."]);
    bed.write(
        "goodput-gate.yaml",
        "version: 1\ntarget: {sim: {}}\nworkloads: [{name: chat, arrival: {poisson: {rate: 1}}}]\n",
    );
    bed.commit("all");
    for session in &sessions {
        // Imported again, now that there is a commit to be of.
        let ran =
            bed.gate(&["import", &format!("{session}.raw"), "-o", session, "--workload", "chat"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let ran = bed.gate(&["baseline", "update", "--from", session, "--force"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    assert_eq!(bed.baselines().len(), 7);
    let slow = import_stretched(&bed, "slow", 1.5);
    let ran = bed.gate(&["compare", "baselines", &slow]);
    assert!(
        ran.code == Some(1) && ran.stdout.contains("FAIL") && ran.stdout.contains("ttft_geomean"),
        "{ran:?}"
    );
}

/// The record's name; the file that it was made of is beside it.
fn import_stretched(bed: &Bed, name: &str, factor: f64) -> String {
    let mut run: Value =
        serde_json::from_str(&fixture("vllm-bench-0.32.0-open-1.json")).expect("JSON");
    let stretch = |v: &mut Value| *v = json!(v.as_f64().expect("a time") * factor);
    run["ttfts"].as_array_mut().expect("a list").iter_mut().for_each(stretch);
    for gaps in run["itls"].as_array_mut().expect("a list") {
        gaps.as_array_mut().expect("a list").iter_mut().for_each(stretch);
    }
    let record = format!("{name}.json");
    bed.write(&format!("{record}.raw"), &run.to_string());
    let ran = bed.gate(&["import", &format!("{record}.raw"), "-o", &record, "--workload", "chat"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    record
}

#[test]
fn what_cannot_be_imported_is_exit_2_and_said() {
    let bed = bed(&[
        "vllm-bench-0.32.0-open-1.json",
        "vllm-bench-0.32.0-closed-1.json",
        "aiperf-0.13.0-1.jsonl",
    ]);
    let whole = fixture("vllm-bench-0.32.0-open-1.json");
    bed.write("cut.json", &whole[..whole.len() / 2]);
    bed.write("empty.json", "");
    bed.write("foreign.json", "{\"a\": 1}");
    bed.write("copy.json", &whole);
    std::fs::write(bed.path("bytes.json"), [0xff, 0xfe, 0x00]).expect("written");
    let open = "vllm-bench-0.32.0-open-1.json";
    for (args, words) in [
        (&["cut.json"][..], "not JSON"),
        (&["empty.json"], "empty"),
        (&["foreign.json"], "no result of a tool that can be imported"),
        (&["bytes.json"], "cannot read bytes.json"),
        (&["none.json"], "cannot read none.json"),
        (&["aiperf-0.13.0-1.jsonl"], "is not beside it"),
        (&[open, "copy.json"], "are the same"),
        (&[open, "vllm-bench-0.32.0-closed-1.json"], "of another load"),
        (&[open, "--format", "guidellm"], "looks like a result of vllm-bench"),
        (&[open, "--workload", "../up"], "cannot be a workload's name"),
        (&[open, "--slo", "ttft=soon"], "--slo"),
        (&[open, "--config", "none.yaml"], "none.yaml"),
        (&[open, "-o", "no/such/folder.json"], "no/such/folder.json"),
    ] {
        let ran = bed.gate(&[&["import"], args].concat());
        assert!(ran.code == Some(2) && ran.stderr.contains(words), "{args:?}: {ran:?}");
    }
    assert!(!bed.path(".goodput-gate/record.json").exists());
}

#[test]
fn the_config_says_what_the_file_cannot() {
    let bed = bed(&["vllm-bench-0.32.0-open-1.json"]);
    bed.write(
        "gate.yaml",
        "version: 1\ntarget: {base_url: 'http://127.0.0.1:1/v1'}\ngate: {on_inconclusive: fail}\nworkloads:\n  - {name: chat, arrival: {poisson: {rate: 1}}, slo: {ttft: 500ms}, limits: {error_rate: {max: 1%}}}\n  - {name: other, arrival: {poisson: {rate: 2}}}\n",
    );
    let args = ["import", "vllm-bench-0.32.0-open-1.json", "-o", "r.json", "--config", "gate.yaml"];
    let ran = bed.gate(&args);
    assert!(
        ran.code == Some(2)
            && ran.stderr.contains("name the imported one with --workload: chat, other"),
        "{ran:?}"
    );
    let ran = bed.gate(&[&args[..], &["--workload", "chat"]].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let record = bed.json("r.json");
    assert_eq!(record["policy"]["on_inconclusive"], "fail");
    assert_eq!(record["workloads"][0]["slo"]["ttft_ms"], 500.0);
    assert_eq!(record["workloads"][0]["limits"][0]["metric"], "error_rate");
}
