//! The page as text: what a reader and a script find in it. Not here: how it looks, or that its
//! script runs (`tests/it/page.rs`).

use std::sync::LazyLock;

use proptest::prelude::*;

use super::charts::{Charts, charts, of_workload};
use crate::config::Lang;
use crate::measure::column::Column;
use crate::record::Record;
use crate::record::session::Session;
use crate::report::sides::Before;
use crate::report::{Report, WorkloadReport, samples};
use crate::timeline::OutcomeKind;

fn render(report: &Report, charts: &[Charts]) -> String {
    super::render(report, charts, Lang::En)
}

fn candidate() -> Record {
    Record::parse(include_str!("../../../tests/fixtures/records/candidate.json"))
        .expect("the fixture")
}

fn elements<'a>(page: &'a str, open: &str) -> Vec<&'a str> {
    page.match_indices(open).map(|(at, _)| &page[at..]).collect()
}

#[test]
fn the_verdict_and_every_metric_are_in_the_page() {
    for (name, report) in samples::all() {
        let page = render(&report, &[]);
        let word = report.verdict.map_or("", crate::verdict::Verdict::word);
        assert!(page.contains(&format!("data-verdict=\"{word}\"")), "{name}");
        for metric in report.workloads.iter().flat_map(|w| &w.metrics) {
            assert!(
                page.contains(&format!("data-metric=\"{}\"", metric.metric)),
                "{name} lacks {}",
                metric.metric
            );
        }
        assert!(page.len() < 2_000_000 && !page.contains("{{"), "{name}");
    }
}

#[test]
fn a_run_opens_with_what_was_measured_and_a_gate_with_what_decides() {
    for (name, report) in samples::all() {
        let page = render(&report, &[]);
        let (measured, decides) =
            (page.contains("<h3>What was measured</h3>"), page.contains("<h3>What decides</h3>"));
        let compared = |w: &WorkloadReport| w.metrics.iter().any(|m| m.change_ratio.is_some());
        let some = |wanted: bool| report.workloads.iter().any(|w| compared(w) == wanted);
        assert_eq!((measured, decides), (some(false), some(true)), "{name}");
    }
    let page = render(&samples::run_only(), &[]);
    let ttft = elements(&page, "<tr><th scope=\"row\">TTFT</th>")[0];
    assert!(
        ttft.starts_with(
            "<tr><th scope=\"row\">TTFT</th><td class=\"n\">160.1</td><td class=\"n\">138.9</td>"
        ),
        "{ttft:.200}"
    );
}

#[test]
fn nothing_is_loaded_from_anywhere() {
    let page = render(&samples::regression(), &[]);
    for reference in ["src=", "<link", "@import", "url(", "fetch(", "XMLHttpRequest"] {
        assert!(!page.contains(reference), "{reference}");
    }
}

#[test]
fn commands_are_set_as_code_and_a_breached_limit_stands_first() {
    let page = render(&samples::no_baseline(), &[]);
    assert!(page.contains("; <code>goodput-gate baseline update</code> on the target branch"));
    let page = render(&samples::limit_breach(), &[]);
    let at = |what: &str| page.find(what).unwrap_or_else(|| panic!("no {what}"));
    assert!(at("<h3>Limits</h3>") < at("<h3>What was measured</h3>"));
    let invalid = render(&samples::invalid(), &[]);
    assert!(invalid.contains("<dt>error</dt><dd>http_status 503: 598"), "errors are in view");
    assert!(!invalid.contains("tag bad"), "nothing is known of the server, so nothing is bad");
}

#[test]
fn a_strip_shows_where_the_interval_lies() {
    let page = render(&samples::regression(), &[]);
    let row = elements(&page, "<tr data-metric=\"tpot_geomean\">")[0];
    let row = &row[..row.find("</tr>").expect("a row ends")];
    assert!(row.contains("<svg class=\"bad\"") && row.contains("regressed"), "{row}");
}

/// Also on a page that is made again from `report.json`; an older one has no picture.
#[test]
fn the_picture_of_a_gate_has_what_its_course_says() {
    let report = samples::interleaved();
    let course = report.workloads[0].course.as_ref().expect("it was interleaved");
    let stored = Report::parse(&report.to_json()).expect("its own form");
    let page = render(&stored, &[]);
    assert!(
        page.contains("Stopped after pair 2 of at most 6: beyond the line: TPOT, E2E latency.")
    );
    for seen in &course.looks[1].metrics {
        let figure = elements(&page, &format!("data-gate=\"{}\"", seen.metric))[0];
        let figure = &figure[..figure.find("</figure>").expect("it ends")];
        let told = format!(
            "<title>pair 2: {:+.1} (t {:+.1}); FAIL ≥ {:.1}, PASS &#60; {:.1}</title>",
            seen.score, seen.t, seen.fail_from_score, seen.pass_below_score
        );
        assert!(figure.contains(&told), "{told} is not in {figure}");
        let count = |what: &str| figure.matches(what).count();
        let ahead = count("class=\"bad ahead\"");
        assert_eq!((count("<title>"), count("class=\"knee\""), ahead), (1, 1, 4), "{figure}");
    }
    let mut older = report;
    older.workloads[0].course = None;
    let older = older.to_json();
    assert!(!older.contains("course"));
    assert!(!render(&Report::parse(&older).expect("an older form"), &[]).contains("data-gate"));
}

#[test]
fn charts_are_of_the_record_and_bounded() {
    let mut record = candidate();
    let first = of_workload(&record.workloads[0], None).expect("charts");
    assert_eq!(
        first.cdfs.iter().map(|c| c.timing).collect::<Vec<_>>(),
        ["ttft", "tpot", "e2e", "chunk_gap"]
    );
    for cdf in &first.cdfs {
        assert!(
            cdf.candidate.is_sorted() && cdf.ms.is_sorted() && cdf.candidate.last() == Some(&1.0),
            "{cdf:?}"
        );
        assert_eq!(cdf.baseline, None);
    }
    assert_eq!(first.requests.at_s.len(), first.requests.of, "few requests are all shown");
    assert!(first.rounds.windows(2).all(|pair| (pair[0].to_s - pair[1].from_s).abs() < 1e-9));
    // A hundred thousand requests, with one stall in the middle that has to be seen.
    let round = &mut record.workloads[0].starts[0].rounds[0];
    let (n, columns) = (100_000_u64, &mut round.columns);
    let each = |value: u64| Column::from(vec![Some(value); 100_000]);
    columns.start_us = (0..n).map(|i| Some(i * 1000)).collect();
    (columns.ttft_us, columns.e2e_us, columns.max_gap_us) =
        (each(20_000), each(90_000), each(9000));
    (columns.queue_us, columns.connect_us, columns.send_lag_us) = (each(0), each(0), each(0));
    (columns.own_lag_us, columns.ttfa_us) = (each(0), vec![None; 100_000].into());
    columns.events = vec![8; 100_000];
    (columns.input_tokens, columns.output_tokens) =
        (vec![Some(64); 100_000].into(), vec![Some(8); 100_000].into());
    (columns.cached_tokens, columns.outcome) =
        (vec![None; 100_000].into(), vec![OutcomeKind::Completed; 100_000]);
    columns.ttft_us.set(51_234, Some(2_000_000));
    columns.e2e_us.set(51_234, Some(2_500_000));
    let many = of_workload(&record.workloads[0], None).expect("charts");
    assert!(
        many.requests.of > 100_000 && many.requests.at_s.len() < 6000,
        "{}",
        many.requests.at_s.len()
    );
    assert!(
        many.requests.ttft_ms.contains(&Some(2000.0))
            && many.requests.e2e_ms.contains(&Some(2500.0))
    );
    assert!(render(&samples::pass(), &[many]).len() < 2_000_000);
}

#[test]
fn the_baseline_is_drawn_beside_also_from_a_stored_report() {
    let record = candidate();
    let session = Session::from_record(&record, &record.workloads[0]).expect("a commit");
    let mut report = samples::pass();
    report.workloads[0].name.clone_from(&record.workloads[0].name);
    let before = Before::of_sessions(&[&session, &session]).expect("histograms");
    report.workloads[0].baseline_timings_hdr = before.encoded_timings();
    let read = Report::parse(&report.to_json()).expect("its own form");
    let drawn = charts(&record, &read).expect("charts");
    assert!(!drawn[0].lacks_a_baseline(), "{:?}", read.workloads[0].baseline_timings_hdr.keys());
    assert_eq!(drawn, charts(&record, &report).expect("charts"));
}

static CHARTS: LazyLock<Charts> =
    LazyLock::new(|| of_workload(&candidate().workloads[0], None).expect("charts"));

/// A report that shows a foreign text wherever one may stand, and charts that carry it.
fn page_of(foreign: &str) -> (Report, String) {
    let report = samples::foreign(foreign);
    let mut charts = CHARTS.clone();
    charts.workload = report.workloads[0].name.clone();
    let page = render(&report, &[charts]);
    (report, page)
}

#[test]
fn foreign_text_is_text() {
    let plain = page_of("chat").1;
    for foreign in [
        "</script><script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "<!--",
        "]]>",
        "{{7*7}}",
    ] {
        let (_, page) = page_of(foreign);
        for tag in ["<script", "</script", "<img", "<!--"] {
            assert_eq!(page.matches(tag).count(), plain.matches(tag).count(), "{tag} of {foreign}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_text_adds_an_element(foreign in any::<String>()) {
        // What a page of harmless text has, whatever the text: but for code, which a text may set.
        let count = |page: &str| page.replace("<code>", "").replace("</code>", "").matches('<').count();
        prop_assert_eq!(count(&page_of(&foreign).1), count(&page_of("chat").1));
    }
}
