//! The stored candidate, ways to change it, and its judging, with all formats held against each
//! other.
//!
//! Not here: what the verdict has to be.

use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::support::bed::{Bed, Ran, Trouble, flat};
use crate::support::{agreed, fixture};

/// A judged candidate.
pub struct Judged {
    pub bed: Bed,
    pub ran: Ran,
    pub report: Value,
    pub troubles: Vec<Trouble>,
}

impl Judged {
    pub fn assert(&self, code: i32, verdict: &str, words: &[&str]) {
        self.ran.assert(code, words);
        assert_eq!(self.report["verdict"], verdict, "{}", self.ran.stdout);
        let (headline, markdown) = (
            flat(self.report["headline"].as_str().expect("text")),
            self.bed.read(".goodput-gate/report.md"),
        );
        assert!(headline.starts_with(word(verdict)), "{headline}");
        assert!(markdown.contains(word(verdict)), "{markdown}");
    }

    pub fn workload(&self) -> &Value {
        &self.report["workloads"][0]
    }

    pub fn metric(&self, name: &str) -> &Value {
        find(&self.workload()["metrics"], name)
    }

    pub fn limit(&self, name: &str) -> &Value {
        find(&self.workload()["limits"], name)
    }

    pub fn trouble(&self, case: &str) -> Option<(&str, &str)> {
        self.troubles.iter().find(|t| t.case == case).map(|t| (t.element.as_str(), t.kind.as_str()))
    }

    /// The metric is named, with its judgement, in every format.
    pub fn assert_named(&self, metric: &str, judgement: &str) {
        let line = |text: &str| text.lines().any(|l| l.contains(metric) && l.contains(judgement));
        assert!(line(&self.ran.stdout), "{}", self.ran.stdout);
        let markdown = self.bed.read(".goodput-gate/report.md").replace('\\', "");
        assert!(line(&markdown), "{markdown}");
        assert_eq!(self.metric(metric)["judgement"], judgement);
    }
}

fn find<'a>(list: &'a Value, metric: &str) -> &'a Value {
    let found = list.as_array().expect("a list").iter().find(|m| m["metric"] == metric);
    found.unwrap_or_else(|| panic!("{metric} is not in {list}"))
}

fn word(verdict: &str) -> &'static str {
    match verdict {
        "passed" => "PASS",
        "failed" => "FAIL",
        "inconclusive" => "INCONCLUSIVE",
        "incomplete" => "INCOMPLETE",
        "incomparable" => "INCOMPARABLE",
        "no_baseline" => "NO BASELINE",
        "invalid" => "INVALID",
        other => panic!("no such verdict: {other}"),
    }
}

pub fn candidate() -> Value {
    let text = std::fs::read_to_string(fixture("records/candidate.json")).expect("the fixture");
    serde_json::from_str(&text).expect("JSON")
}

/// The first so many of the fixture's six sessions, in a folder.
pub fn sessions(bed: &Bed, n: usize) {
    std::fs::create_dir(bed.path("sessions")).expect("a folder");
    let mut all: Vec<_> = std::fs::read_dir(fixture("records/baselines"))
        .expect("the fixture")
        .map(|e| e.expect("an entry").path())
        .collect();
    all.sort();
    assert_eq!(all.len(), 6);
    for path in &all[..n] {
        std::fs::copy(path, bed.path("sessions").join(path.file_name().expect("a name")))
            .expect("a copy");
    }
}

pub fn judge(record: &Value) -> Judged {
    judge_against(record, 6)
}

pub fn judge_against(record: &Value, n: usize) -> Judged {
    let bed = Bed::new();
    sessions(&bed, n);
    let record = &agreed(record);
    bed.write("record.json", &record.to_string());
    let ran = bed.gate(&["compare", "sessions", "record.json"]);
    let report = bed.json(".goodput-gate/report.json");
    assert_eq!(
        report["exit_code"].as_i64(),
        ran.code.map(i64::from),
        "{}\n{}",
        ran.stdout,
        ran.stderr
    );
    assert_valid("report", &report);
    assert_valid("record", record);
    for (format, file) in [("md", "report.md"), ("junit", "junit.xml"), ("json", "report.json")] {
        let again = bed.gate(&["report", ".goodput-gate/report.json", "--format", format]);
        assert_eq!(
            again.stdout.trim_end(),
            bed.read(&format!(".goodput-gate/{file}")).trim_end(),
            "{format}"
        );
    }
    let troubles = bed.troubles();
    Judged { bed, ran, report, troubles }
}

/// Against `goodput-gate schema`, as somebody else would.
fn assert_valid(kind: &str, document: &Value) {
    static SCHEMAS: OnceLock<[jsonschema::Validator; 2]> = OnceLock::new();
    let [report, record] = SCHEMAS.get_or_init(|| {
        ["report", "record"].map(|kind| {
            let schema = serde_json::from_str(&Bed::new().gate(&["schema", kind]).stdout)
                .expect("a schema is JSON");
            jsonschema::validator_for(&schema).expect("a valid schema")
        })
    });
    let validator = if kind == "report" { report } else { record };
    let errors: Vec<String> =
        validator.iter_errors(document).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{kind}: {errors:#?}");
}

pub fn workload(record: &mut Value) -> &mut Value {
    &mut record["workloads"][0]
}

pub fn rounds(record: &mut Value) -> impl Iterator<Item = &mut Value> {
    let starts = record["workloads"][0]["starts"].as_array_mut().expect("starts");
    starts.iter_mut().flat_map(|s| s["rounds"].as_array_mut().expect("rounds"))
}

pub fn column<'a>(round: &'a mut Value, name: &str) -> &'a mut Vec<Value> {
    round["columns"][name].as_array_mut().expect("a column")
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "microseconds of a short round"
)]
fn scaled(us: u64, factor: f64) -> u64 {
    (us as f64 * factor).round() as u64
}

/// Every decode takes `factor` times as long; what comes before the first token does not.
pub fn with_decode(factor: f64) -> Value {
    let mut record = candidate();
    for round in rounds(&mut record) {
        let gap = round["chunk_gap_p99_ms"].as_f64().expect("a p99");
        round["chunk_gap_p99_ms"] = json!(gap * factor);
        for gap in column(round, "max_gap_us") {
            *gap = json!(scaled(gap.as_u64().expect("completed"), factor));
        }
        let first = column(round, "ttft_us").clone();
        for (e2e, ttft) in column(round, "e2e_us").iter_mut().zip(&first) {
            let (end, begin) =
                (e2e.as_u64().expect("completed"), ttft.as_u64().expect("completed"));
            *e2e = json!(begin + scaled(end - begin, factor));
        }
    }
    agreed(&record)
}

/// Another limit than the fixture's.
pub fn with_limit(metric: &str, max: Option<f64>, min: Option<f64>) -> Value {
    let mut record = candidate();
    workload(&mut record)["limits"] = json!([{"metric": metric, "max": max, "min": min}]);
    record
}

pub fn with_policy(mut record: Value, key: &str, word: &str) -> Value {
    record["policy"][key] = json!(word);
    record
}

/// The first `n` requests of each round failed.
pub fn with_failures(n: usize) -> Value {
    let mut record = candidate();
    for round in rounds(&mut record) {
        for name in ["ttft_us", "e2e_us", "max_gap_us", "output_tokens"] {
            column(round, name)[..n].fill(Value::Null);
        }
        column(round, "outcome")[..n].fill(json!("http_status"));
    }
    agreed(&record)
}
