//! The pages in a browser: what a reader sees, switches and zooms, and what a hostile name cannot
//! do. Needs Chromium: run by name, with `--ignored`; `CHROMIUM` names the program. Not here: the
//! pages as text (`report::page::tests`).

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::bed::Bed;
use crate::support::candidate::{candidate, sessions, with_decode, workload};

/// Appended to a copy of the page. It answers in an element, which is in the dumped document.
const DRIVER: &str = r##"<script>
(() => {
  const charts = () => window.goodputGate ? window.goodputGate.charts() : [];
  const timed = () => charts().filter((c) => c.root.parentElement.dataset.cdf === undefined);
  const range = (c) => [c.scales.x.min, c.scales.x.max];
  const text = (s) => document.querySelector(s)?.textContent.trim() ?? null;
  const answer = { verdict: document.querySelector("#verdict")?.dataset.verdict, heading: text("h1"), charts: charts().length,
    rows: [...document.querySelectorAll("tr[data-metric]")].map((r) => [r.dataset.metric, ...[...r.querySelectorAll("td")].map((c) => c.textContent.trim())]) };
  const ground = () => getComputedStyle(document.body).backgroundColor;
  const before = ground();
  document.getElementById("theme").click();
  answer.themes = [before, ground()];
  setTimeout(() => {
    const whole = timed().map(range);
    document.querySelector("[data-zoom=in]")?.click();
    setTimeout(() => {
      answer.whole = whole; answer.zoomed = timed().map(range); answer.redrawn = charts().length;
      answer.width = document.documentElement.scrollWidth; answer.room = window.innerWidth;
      answer.owned = window.owned === true; answer.errors = window.pageErrors;
      const out = document.createElement("pre"); out.id = "answer"; out.textContent = JSON.stringify(answer);
      document.body.append(out);
    }, 300);
  }, 300);
})();
</script></body>"##;

/// Before anything of the page: what goes wrong is kept.
const WATCH: &str = r#"<head><script>window.pageErrors = []; addEventListener("error", (e) => pageErrors.push(String(e.message)));
for (const kind of ["error", "warn"]) console[kind] = (...all) => pageErrors.push(all.join(" "));</script>"#;

fn chromium() -> String {
    std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".into())
}

/// What the driver found in the page.
fn opened(bed: &Bed, page: &str) -> Value {
    let text = bed.read(page).replacen("<head>", WATCH, 1).replacen("</body>", DRIVER, 1);
    bed.write("driven.html", &text);
    let dom = dumped(&bed.path("driven.html"), &bed.path("profile"));
    let from = dom
        .find("<pre id=\"answer\">")
        .unwrap_or_else(|| panic!("the driver gave no answer:\n{}", &dom[..dom.len().min(2000)]));
    let rest = &dom[from + "<pre id=\"answer\">".len()..];
    let answer = &rest[..rest.find("</pre>").expect("it ends")];
    serde_json::from_str(
        &answer
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&nbsp;", " ")
            .replace("&amp;", "&"),
    )
    .expect("JSON")
}

fn dumped(page: &Path, profile: &Path) -> String {
    let ran = Command::new(chromium())
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-sync",
        ])
        .args([
            "--disable-component-update",
            "--window-size=1200,900",
            "--virtual-time-budget=10000",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("Chromium starts");
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

fn compared(record: &Value) -> Bed {
    let bed = Bed::new();
    sessions(&bed, 6);
    bed.write("record.json", &record.to_string());
    bed.gate(&["compare", "sessions", "record.json"]);
    bed
}

fn assert_sound(answer: &Value) {
    assert_eq!(answer["errors"], json!([]), "{answer}");
    assert_eq!(answer["owned"], json!(false), "a foreign script ran");
    assert!(
        answer["width"].as_f64() <= answer["room"].as_f64(),
        "wider than the window: {} of {}",
        answer["width"],
        answer["room"]
    );
    assert_ne!(answer["themes"][0], answer["themes"][1], "the switch changes nothing");
}

#[test]
#[ignore = "needs Chromium"]
fn a_reader_finds_the_verdict_switches_the_theme_and_zooms() {
    let bed = compared(&with_decode(1.3));
    let answer = opened(&bed, ".goodput-gate/report.html");
    assert_sound(&answer);
    assert_eq!(answer["verdict"], "FAIL");
    let report = bed.json(".goodput-gate/report.json");
    let rows = answer["rows"].as_array().expect("rows");
    let of = |name: &str| {
        rows.iter().find(|r| r[0] == name).unwrap_or_else(|| panic!("{name} is not in {rows:?}"))
    };
    let metrics = report["workloads"][0]["metrics"].as_array().expect("metrics");
    for metric in metrics {
        let row = of(metric["metric"].as_str().expect("a name")).as_array().expect("cells");
        assert!(
            row.iter().any(
                |cell| Some(cell.as_str().unwrap_or("").trim()) == metric["judgement"].as_str()
            ),
            "{row:?}"
        );
    }
    let (whole, zoomed) =
        (answer["whole"].as_array().expect("ranges"), answer["zoomed"].as_array().expect("ranges"));
    assert!(whole.len() >= 3 && answer["charts"] == answer["redrawn"], "{answer}");
    assert!(zoomed.iter().all(|range| *range == zoomed[0]), "every chart follows: {zoomed:?}");
    let width =
        |range: &Value| range[1].as_f64().expect("an end") - range[0].as_f64().expect("a begin");
    assert!((width(&zoomed[0]) * 2.0 - width(&whole[0])).abs() < 0.01, "{whole:?} {zoomed:?}");
}

#[test]
#[ignore = "needs Chromium"]
fn a_hostile_name_runs_nothing_and_keeps_the_layout() {
    let script =
        "</script><script>window.owned = true</script><img src=x onerror='window.owned = true'>";
    let long = "a".repeat(10_000);
    let turned = "\u{202e}\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{645}\u{631}\u{62d}\u{628}\u{627}";
    for name in [script, &long, turned, "\"onmouseover=\"window.owned=true"] {
        let mut record = candidate();
        workload(&mut record)["load"]["arrival"] = json!(name);
        let bed = compared(&record);
        // A stored report may hold any text anywhere; a record's names are refused.
        let mut report = bed.json(".goodput-gate/report.json");
        report["headline"] = json!(format!("FAIL: {name}"));
        report["session"] = json!(name);
        let shown = &mut report["workloads"][0];
        for list in ["reasons", "warnings", "notes", "why"] {
            shown[list] = json!([name]);
        }
        shown["name"] = json!(name);
        bed.write(".goodput-gate/report.json", &report.to_string());
        bed.gate(&[
            "report",
            ".goodput-gate/report.json",
            "--format",
            "html",
            "--output",
            "hostile.html",
        ])
        .assert(0, &[]);
        assert_sound(&opened(&bed, "hostile.html"));
        bed.write("second.json", &record.to_string());
        bed.gate(&["compare", "--rank", "record.json", "second.json"]);
        assert_sound(&opened(&bed, ".goodput-gate/ranking.html"));
    }
}

#[test]
#[ignore = "needs Chromium"]
fn seven_records_by_load_keep_the_layout() {
    let bed = Bed::new();
    let names = [
        "one",
        "two",
        "three",
        "four",
        "five",
        "a-server-with-a-very-long-name-that-was-given-in-a-hurry",
        "<img src=x>",
    ];
    let mut args = vec!["compare".to_owned()];
    for (i, name) in names.into_iter().enumerate() {
        let mut record = candidate();
        record["target"] = json!(name);
        let one = workload(&mut record).clone();
        let level = |n: u32| {
            let mut w = one.clone();
            w["name"] = json!(format!("chat-{n}"));
            w["load"]["detail"] =
                json!({"level": {"family": "chat", "axis": "rate", "value": f64::from(n)}});
            w
        };
        record["workloads"] = json!([level(1), level(2), level(3)]);
        args.push(bed.write(&format!("{i}.json"), &record.to_string()));
    }
    bed.gate(&args.iter().map(String::as_str).collect::<Vec<_>>());
    let answer = opened(&bed, ".goodput-gate/ranking.html");
    assert_sound(&answer);
    assert_eq!(answer["heading"], "7 records side by side");
}
