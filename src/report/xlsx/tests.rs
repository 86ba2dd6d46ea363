//! The workbook read back from its parts: what a spreadsheet finds in the cells is what the JSON
//! says.

use std::collections::BTreeSet;

use rust_xlsxwriter::Workbook;
use serde_json::Value;

use super::sheet::{Cell, Column, Sheet, count};
use super::{render, requests};
use crate::evidence::gpu::{DeviceRound, RoundGpu, Series, Throttle};
use crate::evidence::server::{ServerRound, ServerSeries};
use crate::record::Record;
use crate::report::sweep::{SweepLevel, SweepReport};
use crate::report::{Report, samples};

mod workbook;

use workbook::{Book, part, read};

fn candidate() -> Record {
    Record::parse(include_str!("../../../tests/fixtures/records/candidate.json"))
        .expect("the fixture")
}

fn book(report: &Report, record: Option<&Record>) -> Book {
    read(&render(report, record).expect("it renders"))
}

/// The column under `title`, without its header.
fn column(rows: &[Vec<Cell>], title: &str) -> Vec<Cell> {
    let at = rows[0]
        .iter()
        .position(|c| *c == Cell::Text(title.into()))
        .unwrap_or_else(|| panic!("no column {title}"));
    rows[1..].iter().map(|cells| cells[at].clone()).collect()
}

fn cells(values: impl Iterator<Item = Option<f64>>) -> Vec<Cell> {
    values.map(|v| v.map_or(Cell::Absent, Cell::Number)).collect()
}

/// How the number under a JSON pointer becomes that of a cell: its column, and how many of the
/// JSON's units make one of the column's.
type Place = (&'static str, &'static str, f64);

const fn at(pointer: &'static str, title: &'static str) -> Place {
    (pointer, title, 1.0)
}

/// Every number below `value` that is no item of a list, by its pointer.
fn numbers(value: &Value, pointer: &str) -> BTreeSet<String> {
    match value {
        Value::Number(_) => [pointer.to_owned()].into(),
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(key, value)| numbers(value, &format!("{pointer}/{key}")))
            .collect(),
        _ => BTreeSet::new(),
    }
}

/// Row by row as the JSON's objects are, and no number of theirs without a column.
fn assert_whole(book: &Book, sheet: &str, rows: &[&Value], places: &[Place]) {
    let Some(cells) = book.get(sheet) else {
        assert!(rows.is_empty(), "{sheet} is missing");
        return;
    };
    for (pointer, title, per) in places {
        let said =
            rows.iter().map(|row| row.pointer(pointer).and_then(Value::as_f64).map(|n| n / per));
        assert_eq!(
            column(cells, title),
            said.map(|n| n.map_or(Cell::Absent, Cell::Number)).collect::<Vec<_>>(),
            "{sheet}: {title}"
        );
    }
    let known: BTreeSet<String> =
        places.iter().map(|(pointer, ..)| (*pointer).to_owned()).collect();
    let all: BTreeSet<String> = rows.iter().flat_map(|row| numbers(row, "")).collect();
    assert!(all.is_subset(&known), "{sheet} has no column for {:?}", all.difference(&known));
}

fn items<'a>(of: &[&'a Value], pointer: &str) -> Vec<&'a Value> {
    of.iter().filter_map(|value| value.pointer(pointer)?.as_array()).flatten().collect()
}

#[test]
fn every_number_of_the_report_is_in_its_cell() {
    for report in samples::all().into_iter().map(|(_, report)| report).chain([samples::watched()]) {
        let book = book(&report, None);
        let json = serde_json::to_value(&report).expect("a report is plain data");
        let workloads = items(&[&json], "/workloads");
        let changed = [
            at("/change_ratio", "change (ratio)"),
            at("/interval_low_ratio", "interval low (ratio)"),
            at("/interval_high_ratio", "interval high (ratio)"),
        ];
        let judged = [
            at("/baseline", "baseline"),
            at("/candidate", "this change"),
            at("/p", "p"),
            at("/minimum_relevant_change_ratio", "minimum relevant change (ratio)"),
            at("/pass_margin_ratio", "pass margin (ratio)"),
            at("/noise_ratio", "noise (ratio)"),
            at("/smallest_visible_change_ratio", "smallest visible change (ratio)"),
        ];
        assert_whole(
            &book,
            "metrics",
            &items(&workloads, "/metrics"),
            &[&changed[..], &judged].concat(),
        );
        assert_whole(&book, "anchor", &items(&workloads, "/anchor/metrics"), &changed);
        let limits = [
            ("/limit", "limit"),
            ("/value", "value"),
            ("/interval_low", "interval low"),
            ("/interval_high", "interval high"),
        ];
        assert_whole(
            &book,
            "limits",
            &items(&workloads, "/limits"),
            &limits.map(|(pointer, title)| at(pointer, title)),
        );
        let statistics = [
            ("/geomean_ms", "geomean (ms)"),
            ("/mean_ms", "mean (ms)"),
            ("/stddev_ms", "sd (ms)"),
            ("/min_ms", "min (ms)"),
            ("/p50_ms", "p50 (ms)"),
            ("/p90_ms", "p90 (ms)"),
            ("/p95_ms", "p95 (ms)"),
            ("/p99_ms", "p99 (ms)"),
            ("/p999_ms", "p99.9 (ms)"),
            ("/max_ms", "max (ms)"),
        ];
        let statistics = statistics.map(|(pointer, title)| at(pointer, title));
        assert_whole(&book, "distributions", &items(&workloads, "/distributions"), &statistics);
        assert_whole(&book, "rates", &items(&workloads, "/rates"), &[at("/value", "value")]);
        let sides = [at("/baseline", "baseline"), at("/candidate", "this change")];
        assert_whole(&book, "server", &items(&workloads, "/server/facts"), &sides);
    }
}

#[test]
fn every_number_of_a_gpu_is_in_the_totals() {
    let report = samples::watched();
    let gpu = serde_json::to_value(&report.workloads[0].gpu).expect("plain data");
    let devices = items(&[&gpu], "/devices");
    let found: Vec<Cell> = column(&book(&report, None)["gpu totals"], "value");
    let said: usize = devices.iter().map(|d| numbers(d, "").len() - 1).sum();
    assert_eq!(found.iter().filter(|c| **c != Cell::Absent).count(), said, "all but the index");
    let of_first = [
        61234.0, 60980.4, 81559.0, 0.87, 1410.0, 1755.0, 1980.0, 512.4, 63_210.0, 71.0, 2.0, 0.0,
        0.0, 0.8,
    ];
    assert_eq!(found[..of_first.len()], cells(of_first.into_iter().map(Some)));
}

#[test]
fn every_request_of_the_record_is_in_its_row() {
    let record = candidate();
    let book = book(&samples::run_only(), Some(&record));
    let json = serde_json::to_value(&record).expect("a record is plain data");
    let starts = items(&items(&[&json], "/workloads"), "/starts");
    let rounds = items(&starts, "/rounds");
    let places = [
        ("start_us", "start (ms)"),
        ("ttft_us", "ttft (ms)"),
        ("ttfa_us", "ttfa (ms)"),
        ("e2e_us", "e2e (ms)"),
        ("max_gap_us", "largest chunk gap (ms)"),
        ("queue_us", "queue (ms)"),
        ("connect_us", "connect (ms)"),
        ("send_lag_us", "send lag (ms)"),
        ("own_lag_us", "own send lag (ms)"),
        ("events", "output events"),
        ("input_tokens", "input tokens"),
        ("output_tokens", "output tokens"),
        ("cached_tokens", "cached tokens"),
    ];
    for (key, title) in places {
        let per = if key.ends_with("_us") { 1000.0 } else { 1.0 };
        let said = items(&rounds, &format!("/columns/{key}"))
            .into_iter()
            .map(|n| n.as_f64().map(|n| n / per));
        assert_eq!(column(&book["requests"], title), cells(said), "{title}");
    }
    let known: BTreeSet<&str> = places.iter().map(|(key, _)| *key).chain(["outcome"]).collect();
    let stored =
        rounds[0]["columns"].as_object().expect("columns").keys().map(String::as_str).collect();
    assert_eq!(known, stored, "each stored column has one of the sheet");
    let outcomes: Vec<Cell> = items(&rounds, "/columns/outcome")
        .into_iter()
        .map(|o| Cell::text(o.as_str().expect("a word")))
        .collect();
    assert_eq!(column(&book["requests"], "outcome"), outcomes);
}

/// Two GPUs and a server over the first three seconds of the first start's second round.
fn sampled() -> Record {
    let mut record = candidate();
    let whole = Series {
        memory_bytes: vec![Some(1_048_576.0), None, Some(3_145_728.0)],
        utilisation_ratio: vec![Some(0.5), None, Some(0.87)],
        sm_clock_mhz: vec![Some(1410.0), None, Some(1755.0)],
        memory_clock_mhz: vec![Some(2619.0), None, None],
        power_w: vec![Some(312.5), None, Some(512.25)],
        temperature_c: vec![Some(60.0), None, Some(61.0)],
    };
    let little = Series { power_w: vec![None, Some(99.5)], ..Series::default() };
    let device = |index, series| DeviceRound {
        index,
        uuid: format!("GPU-{index}"),
        series,
        ..DeviceRound::default()
    };
    let round = &mut record.workloads[0].starts[0].rounds[1];
    round.gpu = Some(RoundGpu {
        devices: vec![device(0, whole), device(1, little)],
        ..RoundGpu::default()
    });
    let series = ServerSeries {
        running: vec![Some(2.0), None, Some(0.0)],
        waiting: vec![Some(0.0)],
        kv_use_ratio: vec![None, None, Some(0.25)],
    };
    round.server = Some(ServerRound { series, ..ServerRound::default() });
    record
}

#[test]
fn each_second_in_which_something_was_told_has_its_row() {
    let book = book(&samples::run_only(), Some(&sampled()));
    let gpu = |title| column(&book["gpu samples"], title);
    assert_eq!(gpu("round"), cells([Some(2.0); 3].into_iter()));
    assert_eq!(
        gpu("since the round began (s)"),
        cells([0.0, 2.0, 1.0].map(Some).into_iter()),
        "its first GPU told nothing in second 1"
    );
    assert_eq!(gpu("gpu"), cells([0.0, 0.0, 1.0].map(Some).into_iter()));
    assert_eq!(gpu("memory (MiB)"), cells([Some(1.0), Some(3.0), None].into_iter()));
    assert_eq!(gpu("utilisation (ratio)"), cells([Some(0.5), Some(0.87), None].into_iter()));
    assert_eq!(gpu("SM clock (MHz)"), cells([Some(1410.0), Some(1755.0), None].into_iter()));
    assert_eq!(gpu("memory clock (MHz)"), cells([Some(2619.0), None, None].into_iter()));
    assert_eq!(gpu("power (W)"), cells([312.5, 512.25, 99.5].map(Some).into_iter()));
    assert_eq!(gpu("temperature (C)"), cells([Some(60.0), Some(61.0), None].into_iter()));
    let server = |title| column(&book["server samples"], title);
    assert_eq!(server("since the round began (s)"), cells([0.0, 2.0].map(Some).into_iter()));
    assert_eq!(server("running (requests)"), cells([2.0, 0.0].map(Some).into_iter()));
    assert_eq!(server("waiting (requests)"), cells([Some(0.0), None].into_iter()));
    assert_eq!(server("KV-cache use (ratio)"), cells([None, Some(0.25)].into_iter()));
}

#[test]
fn what_does_not_count_is_marked() {
    let mut record = candidate();
    let rounds = &mut record.workloads[0].starts[0].rounds;
    (rounds[0].ramp, rounds[1].cut_short) = (1, true);
    let n = rounds[0].columns.len();
    let book = book(&samples::run_only(), Some(&record));
    let counted = column(&book["requests"], "counted");
    let said = |i: usize| counted[i].clone();
    assert_eq!(
        [said(0), said(1), said(n)],
        ["ramp", "yes", "cut short"].map(|s| Cell::Text(s.into()))
    );
}

#[test]
fn each_gpu_of_each_watched_round_has_its_row() {
    let mut record = candidate();
    let device = DeviceRound {
        uuid: "GPU-1".into(),
        memory_peak_bytes: Some(3 << 20),
        energy_j: Some(63.5),
        throttle_ratio: Some([(Throttle::PowerCap, 0.25)].into()),
        ..DeviceRound::default()
    };
    let told_little = DeviceRound { index: 1, uuid: "GPU-2".into(), ..DeviceRound::default() };
    record.workloads[0].starts[1].rounds[0].gpu =
        Some(RoundGpu { devices: vec![device, told_little], ..RoundGpu::default() });
    let book = book(&samples::run_only(), Some(&record));
    let of = |title| column(&book["gpu"], title);
    assert_eq!(of("server start"), cells([Some(2.0); 2].into_iter()));
    assert_eq!(of("memory peak (MiB)"), cells([Some(3.0), None].into_iter()));
    assert_eq!(of("energy (J)"), cells([Some(63.5), None].into_iter()));
    assert_eq!(of("power limit (ratio)"), cells([Some(0.25), None].into_iter()));
    assert_eq!(
        of("hardware slowdown (ratio)"),
        cells([Some(0.0), None].into_iter()),
        "told, and not seen"
    );
}

#[test]
fn levels_of_a_sweep_have_their_rows() {
    let level = |level: f64, goodput_per_s| SweepLevel {
        workload: format!("chat-{level}"),
        level,
        output_token_rate_tokens_per_s: Some(level * 10.5),
        request_rate_per_s: Some(level),
        goodput_per_s,
        slo_attainment_ratio: None,
        ttft_p50_ms: None,
        ttft_p95_ms: None,
        tpot_p50_ms: None,
        e2e_p95_ms: None,
        error_rate_ratio: Some(0.0),
        unfit: None,
        saturated: false,
    };
    let mut report = samples::run_only();
    report.sweeps = vec![SweepReport {
        family: "chat".into(),
        axis: crate::config::Axis::Concurrency,
        curve: "goodput".into(),
        levels: vec![level(1.0, Some(0.5)), level(2.0, None)],
        knee: Some(2.0),
        words: String::new(),
        bend: None,
    }];
    let book = book(&report, None);
    let of = |title| column(&book["sweeps"], title);
    assert_eq!(of("goodput (per s)"), cells([Some(0.5), None].into_iter()));
    assert_eq!(of("knee"), [Cell::Absent, Cell::Text("knee".into())]);
    assert_eq!(of("output tokens (per s)"), cells([Some(10.5), Some(21.0)].into_iter()));
}

#[test]
fn without_a_record_the_workbook_says_that_it_has_no_requests() {
    let book = book(&samples::pass(), None);
    assert!(
        ["requests", "gpu", "gpu samples", "server samples", "sweeps"]
            .iter()
            .all(|name| !book.contains_key(*name)),
        "{:?}",
        book.keys()
    );
    assert!(column(&book["summary"], "what").contains(&Cell::Text("requests".into())));
    assert!(
        book["summary"]
            .iter()
            .flatten()
            .any(|c| matches!(c, Cell::Text(t) if t.contains("record was not beside it")))
    );
}

#[test]
fn foreign_text_is_text_and_never_a_formula() {
    for nasty in [
        "=1+1",
        "+A1",
        "-A1",
        "@SUM(A1)",
        "=HYPERLINK(\"http://x\",\"y\")",
        "<v>1</v> & ]]>",
        "http://example.com",
    ] {
        let bytes = render(&samples::foreign(nasty), None).expect("it renders");
        let names = column(&read(&bytes)["metrics"], "workload");
        assert!(names.iter().all(|c| *c == Cell::Text(nasty.into())), "{nasty}: {names:?}");
        let xml = part(&bytes, "xl/worksheets/sheet1.xml");
        assert!(!xml.contains("<f>") && !xml.contains("hyperlink"), "{nasty}");
        assert_eq!(
            part(&bytes, "xl/styles.xml").contains("quotePrefix"),
            nasty.starts_with(['=', '+', '-', '@']),
            "{nasty}"
        );
    }
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    let mut report = samples::two_workloads();
    assert_eq!(render(&report, None), render(&report, None));
    report.created = "0001-01-01T00:00:00Z".into();
    assert!(render(&report, None).is_ok(), "Excel knows no time before 1900");
}

#[test]
fn rows_that_do_not_fit_go_on_in_another_sheet() {
    let sheet = Sheet { name: "numbers", columns: [Column("n", 8)], frozen_columns: 0 };
    let mut written = Workbook::new();
    sheet.write_in_parts_of(2, &mut written, (0..5).map(|n| [count(n)])).expect("it writes");
    let book = read(&written.save_to_buffer().expect("it is written"));
    let all: Vec<Cell> = ["numbers", "numbers 2", "numbers 3"]
        .iter()
        .flat_map(|name| column(&book[*name], "n"))
        .collect();
    assert_eq!(all, cells((0..5).map(|n| Some(f64::from(n)))));
}

#[test]
fn headers_stay_in_view_and_no_round_is_lost() {
    let record = candidate();
    let bytes = render(&samples::run_only(), Some(&record)).expect("it renders");
    for sheet in 1..=6 {
        let xml = part(&bytes, &format!("xl/worksheets/sheet{sheet}.xml"));
        assert!(
            xml.contains("state=\"frozen\"")
                && xml.contains("<cols>")
                && xml.contains("<autoFilter"),
            "sheet {sheet}"
        );
    }
    let rounds = record.workloads.iter().flat_map(|w| &w.starts).flat_map(|s| &s.rounds);
    assert_eq!(requests::rows(&record).count(), rounds.map(|r| r.columns.len()).sum::<usize>());
}
