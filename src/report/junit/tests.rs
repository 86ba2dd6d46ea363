//! Well-formed whatever the names are, and the counts that readers will find.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::render;
use crate::judge::Judgement;
use crate::report::{Report, samples};

#[derive(Debug, Default)]
struct Read {
    suites: Vec<BTreeMap<String, String>>,
    /// Class and name.
    cases: Vec<(String, String)>,
    /// Element name, `@type`, `@message`, content.
    results: Vec<(String, String, String, String)>,
}

fn attributes(e: &BytesStart<'_>) -> BTreeMap<String, String> {
    e.attributes()
        .map(|a| {
            let a = a.expect("attributes are well-formed");
            let value = a
                .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                .expect("attributes unescape")
                .into_owned();
            (String::from_utf8_lossy(a.key.as_ref()).into_owned(), value)
        })
        .collect()
}

/// Reads as strictly as quick-xml can; a character outside XML 1.0 or an end tag too many panics.
fn read(xml: &str) -> Read {
    assert!(xml.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)));
    let mut reader = Reader::from_str(xml);
    reader.config_mut().enable_all_checks(true);
    let mut read = Read::default();
    let mut depth = 0_i32;
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(e) => {
                depth += 1;
                read.element(&e);
            }
            Event::Empty(e) => read.element(&e),
            Event::End(_) => depth -= 1,
            Event::CData(c) => {
                if let Some(last) = read.results.last_mut() {
                    last.3 += &String::from_utf8_lossy(&c);
                }
            }
            Event::Text(t) => {
                assert!(t.iter().all(u8::is_ascii_whitespace), "text outside CDATA: {t:?}");
            }
            Event::Eof => break,
            Event::Decl(_) => {}
            other => panic!("unexpected {other:?}"),
        }
    }
    assert_eq!(depth, 0);
    read
}

impl Read {
    fn element(&mut self, e: &BytesStart<'_>) {
        let a = attributes(e);
        let of = |key: &str| a.get(key).cloned().unwrap_or_default();
        match e.name().as_ref() {
            b"testsuite" => self.suites.push(a),
            b"testcase" => self.cases.push((of("classname"), of("name"))),
            b"system-out" => self.results.push((
                "system-out".into(),
                String::new(),
                String::new(),
                String::new(),
            )),
            kind @ (b"failure" | b"error" | b"skipped") => {
                self.results.push((
                    String::from_utf8_lossy(kind).into_owned(),
                    of("type"),
                    of("message"),
                    String::new(),
                ));
            }
            b"testsuites" | b"properties" | b"property" => {}
            other => panic!("unexpected element {}", String::from_utf8_lossy(other)),
        }
    }

    fn count(&self, kind: &str) -> usize {
        self.results.iter().filter(|r| r.0 == kind).count()
    }
}

fn check(xml: &str) -> Read {
    let read = read(xml);
    let unique: BTreeSet<_> = read.cases.iter().collect();
    assert_eq!(unique.len(), read.cases.len(), "the same class and name twice");
    for (attribute, found) in [
        ("tests", read.cases.len()),
        ("failures", read.count("failure")),
        ("errors", read.count("error")),
        ("skipped", read.count("skipped")),
    ] {
        let said: usize =
            read.suites.iter().map(|s| s[attribute].parse::<usize>().expect("a count")).sum();
        assert_eq!(said, found, "{attribute}");
    }
    for (kind, _, message, content) in &read.results {
        assert!(
            kind == "system-out" || content.starts_with(message.as_str()),
            "the message is in the content too: {message}"
        );
    }
    read
}

fn checked(report: &Report) -> Read {
    check(&render(report).expect("renders"))
}

#[test]
fn every_sample_is_well_formed_and_counts_right() {
    for (_, report) in samples::all() {
        checked(&report);
    }
}

#[test]
fn a_pass_has_no_failure_and_no_error() {
    let read = checked(&samples::pass());
    assert_eq!(
        (read.cases.len(), read.count("failure"), read.count("error"), read.count("skipped")),
        (14, 0, 0, 0)
    );
}

#[test]
fn regressed_is_a_failure_and_inconclusive_is_skipped_with_numbers() {
    let read = checked(&samples::regression());
    assert_eq!((read.count("failure"), read.count("error"), read.count("skipped")), (2, 0, 1));
    let failure = read.results.iter().find(|r| r.0 == "failure").expect("there is one");
    assert_eq!(failure.1, "regression");
    for part in
        ["tpot_geomean", "baseline", "+8.2 %", "+7.0 to +9.4 %", "minimum relevant change 3 %"]
    {
        assert!(failure.2.contains(part), "{part} in {}", failure.2);
    }
}

#[test]
fn breached_is_a_failure_open_is_skipped_and_what_was_not_compared_too() {
    let read = checked(&samples::limit_breach());
    assert_eq!((read.count("failure"), read.count("error"), read.count("skipped")), (1, 0, 13));
    assert!(read.cases.contains(&("goodput-gate.chat".into(), "limit ttft_p95 max".into())));
    let failure = read.results.iter().find(|r| r.0 == "failure").expect("there is one");
    assert!(
        failure.1 == "limit"
            && failure.2.contains("over its limit of 500.0 ms")
            && failure.2.contains("588.0 ms to 640.1 ms")
    );
}

#[test]
fn nothing_passes_of_an_invalid_measurement() {
    let read = checked(&samples::invalid());
    assert_eq!(read.count("error"), read.cases.len());
    assert!(read.results.iter().all(|r| r.2.contains("none of 100 requests completed")));
}

#[test]
fn no_baseline_is_skipped_with_the_reason_and_a_failure_where_the_policy_demands_one() {
    let read = checked(&samples::no_baseline());
    assert!(
        read.results.iter().filter(|r| r.0 == "skipped").all(|r| r
            .2
            .contains("NO BASELINE: no baseline for chat: none in this branch's history"))
    );
    assert_eq!((read.count("error"), read.count("skipped")), (0, 12));
    // Exit code 4: the gate failed, so a case does.
    let failure = read.results.iter().find(|r| r.0 == "failure").expect("there is one");
    assert!(
        failure.1 == "policy"
            && failure.2.contains("NO BASELINE: the policy does not let it through"),
        "{failure:?}"
    );
    let let_through = Report { exit_code: 0, ..samples::no_baseline() };
    assert_eq!(checked(&let_through).count("failure"), 0);
}

#[test]
fn a_primary_metric_without_a_value_is_an_error_and_a_guard_that_nobody_has_is_not() {
    let read = checked(&samples::run_only());
    assert_eq!((read.count("failure"), read.count("error"), read.count("skipped")), (0, 1, 1));
    let read = checked(&samples::inconclusive());
    assert_eq!(
        (read.count("error"), read.count("skipped")),
        (1, 11),
        "the baseline has ttft_p99, so its absence is an error"
    );
}

#[test]
fn a_run_that_is_unfit_is_an_error() {
    let mut report = samples::run_only();
    report.workloads[0].reasons =
        vec!["start 1, round 1: p99 send lag 9.00 ms, bound 7.10 ms".into()];
    let read = checked(&report);
    assert!(
        read.results
            .iter()
            .any(|r| r.0 == "error" && r.1 == "invalid" && r.2.contains("p99 send lag"))
    );
}

#[test]
fn interrupted_is_no_pass() {
    let mut report = samples::run_only();
    (report.interrupted, report.exit_code) = (true, 130);
    assert!(checked(&report).results.iter().any(|r| r.0 == "error" && r.1 == "interrupted"));
}

#[test]
fn timestamps_are_whole_seconds_or_absent() {
    let mut report = samples::pass();
    assert_eq!(checked(&report).suites[0]["timestamp"], "2026-11-20T09:30:00Z");
    report.created = "yesterday".into();
    assert!(!checked(&report).suites[0].contains_key("timestamp"));
}

#[test]
fn equal_names_are_kept_apart() {
    let mut report = samples::two_workloads();
    report.workloads[0].name = "same\u{0}".into();
    report.workloads[1].name = "same".into();
    assert_eq!(checked(&report).suites[1]["name"], "same (2)");
}

#[test]
fn a_run_without_workloads_is_one_error() {
    let mut report = samples::pass();
    report.workloads.clear();
    let read = checked(&report);
    assert_eq!((read.suites.len(), read.results.len()), (1, 1));
    assert_eq!(read.results[0].0, "error");
}

#[test]
fn the_traps_of_the_writer_are_avoided() {
    let nasty =
        "]]> \u{1b}[31mred\u{1b}[0m \0\u{8}\u{fffe}\u{ffff} <a b=\"c\" d='e'>&amp;</a>\r\n]]]]>";
    let read = checked(&samples::foreign(nasty));
    assert_eq!(read.suites[0]["name"], "]]> red <a b=\"c\" d='e'>&amp;</a> ]]]]>");
    assert!(read.results[0].3.contains("]]> red <a b=\"c\" d='e'>&amp;</a> ]]]]>"));
}

proptest! {
    #[test]
    fn any_text_gives_well_formed_xml(nasty in any::<String>(), more in "[\\]>\\[<&\"'\u{1b}\u{0}\u{fffe}\r\n a]{0,20}") {
        checked(&samples::foreign(&format!("{nasty}{more}")));
    }
}

/// A build that is slow in some of its starts fails by no metric: its file has a red case all the
/// same.
#[test]
fn a_fail_by_no_metric_is_red() {
    let mut report = samples::regression();
    for workload in &mut report.workloads {
        for metric in &mut workload.metrics {
            (metric.judgement, metric.reason) = (Some(Judgement::Unchanged), None);
            metric.change_ratio = Some(0.0);
        }
        workload.limits.clear();
        workload.reasons = vec!["unstable starts: 4 of 6 candidate starts".into()];
    }
    let found = read(&render(&report).expect("rendered"));
    let red: Vec<_> = found.results.iter().filter(|(name, ..)| name == "failure").collect();
    assert!(
        red.len() == 1 && red[0].2 == "FAIL: unstable starts: 4 of 6 candidate starts",
        "{:?}",
        found.results
    );
}
