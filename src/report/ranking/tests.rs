//! A load at several levels by several entrants, in every form: what is in a curve, what is not,
//! and that it is said.

use super::build::{Entrant, EntrantWorkload, ranking};
use super::{PlaceReport, RankingReport, csv, markdown, page, terminal};
use crate::config::{Axis, Lang};
use crate::measure::validity::{Finding, Severity};
use crate::metric::Metric;
use crate::record::{LevelRecord, Record, WorkloadRecord};

/// A record of one load at these levels.
fn swept(levels: &[f64]) -> Record {
    let mut record = Record::parse(include_str!("../../../tests/fixtures/records/candidate.json"))
        .expect("the fixture");
    let one = record.workloads.remove(0);
    let at = |&value: &f64| {
        let mut w = WorkloadRecord { name: format!("chat-r{value}"), ..one.clone() };
        w.load.arrival = format!("Poisson {value}/s");
        w.load.detail.level = Some(LevelRecord { family: "chat".into(), axis: Axis::Rate, value });
        w
    };
    record.workloads = levels.iter().map(at).collect();
    record
}

fn measured(w: &WorkloadRecord) -> EntrantWorkload<'_> {
    EntrantWorkload {
        workload: w,
        unfit: w.invalid(),
        starts: w.start_values().expect("whole columns"),
        pooled: w.pooled_values().expect("whole columns"),
    }
}

fn ranked(named: &[(&str, Record)]) -> RankingReport {
    let entrants: Vec<Entrant<'_>> = named
        .iter()
        .map(|(name, record)| Entrant {
            name: (*name).to_owned(),
            record,
            workloads: record.workloads.iter().map(measured).collect(),
        })
        .collect();
    ranking(&entrants, "0.1.0")
}

/// Four entrants of which only the first has everything.
fn odd() -> RankingReport {
    let (mut late, mut other, all) =
        (swept(&[5.0, 10.0, 20.0]), swept(&[5.0, 10.0, 20.0]), [5.0, 10.0, 20.0]);
    for round in late.workloads[2].starts.iter_mut().flat_map(|s| &mut s.rounds) {
        let busy = crate::measure::seen::Seen::ClientBusy { busy: 0.95, bound: 0.9 };
        round.findings.push(Finding::new(Severity::Invalid, "client_cpu", busy));
    }
    other.workloads[0].load.arrival = "Poisson 6/s".into();
    ranked(&[("whole", swept(&all)), ("late", late), ("other", other), ("few", swept(&[10.0]))])
}

#[test]
fn only_the_same_load_is_in_a_curve_and_the_rest_is_said() {
    let report = odd();
    let [family] = &report.families[..] else { panic!("one family: {:?}", report.families) };
    assert_eq!(
        (family.family.as_str(), family.axis, &family.levels[..]),
        ("chat", Axis::Rate, &[5.0, 10.0, 20.0][..])
    );
    let levels: Vec<Vec<f64>> = family
        .curves
        .iter()
        .map(|c| c.iter().flat_map(|c| &c.levels).map(|l| l.level).collect())
        .collect();
    assert_eq!(
        levels,
        [vec![5.0, 10.0, 20.0], vec![5.0, 10.0, 20.0], vec![10.0, 20.0], vec![10.0]]
    );
    let late = family.curves[1].as_ref().expect("it was measured");
    assert!(
        late.levels[2].unfit.is_some() && late.words.ends_with("; INVALID and in no curve: 20"),
        "{}",
        late.words
    );
    assert_eq!(
        family.notes,
        [
            "other at 5: was measured with another load (Poisson 6/s) than the first (Poisson 5/s)",
            "few: was not measured at 5, 20"
        ]
    );
}

#[test]
fn the_headline_names_who_wins_and_by_how_much_or_that_nobody_does() {
    let mut slow = swept(&[5.0]);
    for round in slow.workloads[0].starts.iter_mut().flat_map(|s| &mut s.rounds) {
        round.columns.e2e_us.fill(Some(9_000_000));
    }
    let equal = ranked(&[("a", swept(&[5.0])), ("b", swept(&[5.0]))]);
    assert_eq!(equal.headline, "chat-r5: no winner (no difference is proven)");
    let apart = ranked(&[("slow", slow), ("quick", swept(&[5.0]))]);
    assert!(apart.headline.starts_with("chat-r5: quick wins ("), "{}", apart.headline);
    assert!(apart.headline.ends_with(" % better than slow)"), "{}", apart.headline);
    let shown = terminal(&apart, 100, Lang::En);
    assert_eq!(shown.lines().last(), Some(apart.headline.as_str()));
    assert!(terminal(&apart, 100, Lang::Ko).contains("quick 우세"));
    let odd = odd().headline;
    assert!(
        odd.contains("chat-r20: no winner (no difference is proven); not ranked: late, few"),
        "{odd}"
    );
}

#[test]
fn two_levels_are_no_curve_and_a_level_of_another_config_is_no_other_load() {
    assert_eq!(ranked(&[("a", swept(&[5.0, 10.0])), ("b", swept(&[5.0, 10.0]))]).families, []);
    let mut alone = swept(&[5.0]);
    alone.workloads[0].load.detail.level = None;
    let report = ranked(&[("alone", alone), ("swept", swept(&[5.0, 10.0, 20.0]))]);
    assert_eq!(report.workloads[0].unfit, [None, None]);
    assert_eq!(report.families[0].notes, ["alone: was not measured at 10, 20"]);
}

#[test]
fn a_stored_ranking_is_the_same_in_every_form() {
    let report = odd();
    let read = RankingReport::parse(&report.to_json()).expect("its own form");
    assert_eq!(read, report);
    assert_eq!(page(&read, Lang::En), page(&report, Lang::En));
    let before = report.to_json().replace("\"families\"", "\"unknown\"");
    assert!(RankingReport::parse(&before).is_err_and(|e| e.contains("unknown")));
    let newer = report.to_json().replacen("\"version\": 1", "\"version\": 2", 1);
    assert!(RankingReport::parse(&newer).is_err_and(|e| e.contains("reads up to 1")));
    let mut short = report;
    short.families[0].curves.pop();
    assert!(
        RankingReport::parse(&short.to_json())
            .is_err_and(|e| e.contains("one value for each entrant"))
    );
}

#[test]
fn curves_are_tables_at_the_terminal_and_in_markdown() {
    let report = odd();
    insta::assert_snapshot!("ranking_by_load_terminal", terminal(&report, 100, Lang::En));
    insta::assert_snapshot!("ranking_by_load_markdown", markdown(&report, Lang::En));
    insta::assert_snapshot!("ranking_by_load_korean", terminal(&report, 100, Lang::Ko));
}

#[test]
fn no_line_is_wider_than_the_terminal_that_could_be_narrower() {
    let long = "a".repeat(100);
    let named: Vec<(&str, Record)> = ["one", "two", "three", "four", "five", "six", &long]
        .into_iter()
        .map(|name| (name, swept(&[5.0, 10.0, 20.0])))
        .collect();
    let report = ranked(&named);
    let shown = terminal(&report, 100, Lang::En);
    let tables = shown.split("server").next().expect("before the provenance");
    assert!(
        tables.lines().filter(|l| !l.contains(": ")).all(|l| l.chars().count() <= 100),
        "{shown}"
    );
    assert!(named.iter().take(6).all(|(name, _)| shown.contains(name)));
}

#[test]
fn a_page_draws_a_line_for_each_with_a_pen_of_its_own() {
    let called = ["one", "two", "three", "four", "five", "six", "<script>seven"];
    let named: Vec<(&str, Record)> =
        called.into_iter().map(|name| (name, swept(&[5.0, 10.0, 20.0]))).collect();
    let html = page(&ranked(&named), Lang::En);
    let figure = html.split("<figure class=\"plot\">").nth(1).expect("a plot");
    let legend = figure
        .split("<ul class=\"legend\">")
        .nth(1)
        .and_then(|l| l.split("</ul>").next())
        .expect("a legend");
    let signs: std::collections::BTreeSet<&str> =
        legend.split("<li ").skip(1).filter_map(|l| l.split("</svg>").next()).collect();
    assert_eq!(signs.len(), 7, "{legend}");
    assert!(figure.contains("These lines cover each other: one, two"), "{figure}");
    assert!(!html.contains("<script>seven") && html.contains("data-family=\"chat\""));
    let odd = page(&odd(), Lang::En);
    assert!(
        odd.contains("class=\"mark unfit\"")
            && odd.contains("A cross: an INVALID measurement")
            && !odd.contains("A ring")
    );
    assert!(odd.contains("few: was not measured at 5, 20"));
}

fn places<'a>(report: &'a RankingReport, metric: &str) -> &'a [PlaceReport] {
    let found = report.workloads[0].metrics.iter().find(|m| m.metric == metric);
    &found.unwrap_or_else(|| panic!("no {metric}: {:?}", report.workloads[0].unmeasured)).places
}

#[test]
fn a_goodput_of_zero_is_a_value_without_a_rank() {
    let (good, mut never, mut once) = (swept(&[5.0]), swept(&[5.0]), swept(&[5.0]));
    never.workloads[0].slo.ttft_ms = Some(0.001);
    // Of two starts one has nothing good: its mean over both is not that of the other.
    let late = &mut once.workloads[0].starts[0].rounds[0].columns;
    late.ttft_us.fill(Some(9_000_000));
    late.e2e_us.fill(Some(9_900_000));
    let report = ranked(&[("good", good), ("never", never), ("once", once)]);
    let [_, never, once] = places(&report, "goodput") else { panic!("three") };
    assert_eq!((never.value, never.best_rank, never.interval_low), (Some(0.0), None, None));
    let whole = places(&report, "goodput")[0].value.expect("measured");
    assert!(
        once.value.is_some_and(|x| x > 0.0 && x < whole) && once.best_rank.is_none(),
        "{once:?} {whole}"
    );
    assert!(
        report.workloads[0]
            .warnings
            .iter()
            .any(|w| w.starts_with("never: goodput is shown without a rank"))
    );
    let rows = csv(&report).expect("it renders");
    assert!(rows.contains("goodput,per_s,higher,never,2,0,,,,"), "{rows}");
    assert!(
        terminal(&report, 200, Lang::En)
            .lines()
            .any(|l| l.starts_with("goodput") && l.contains(" 0/s"))
    );
}

#[test]
fn another_load_shows_its_values_and_no_rank() {
    let (first, mut other) = (swept(&[5.0]), swept(&[5.0]));
    other.workloads[0].load.arrival = "Poisson 6/s".into();
    let mut longer = swept(&[5.0]);
    longer.workloads[0].load.requests_per_round = Some(12_345);
    let report = ranked(&[("first", first), ("other", other), ("longer", longer)]);
    let why = report.workloads[0].unfit[2].as_deref().expect("another load");
    assert!(
        why.contains("12345 requests per round"),
        "says what differs, where the arrivals do not: {why}"
    );
    let [first, other, _] = places(&report, "tpot_geomean") else { panic!("three") };
    assert_eq!(
        (first.value, first.interval_low),
        (other.value, other.interval_low),
        "the same numbers of their own noise"
    );
    assert_eq!((first.best_rank, other.best_rank), (None, None), "the first has nobody beside it");
    assert!(
        report.workloads[0].unfit[1].is_some()
            && report.exit() == crate::exit::ExitStatus::CouldNotMeasure
    );
}

#[test]
fn metrics_of_gpus_are_shown_where_any_has_them_and_place_nobody() {
    let (a, b) = (swept(&[5.0]), swept(&[5.0]));
    let entrant = |name: &str, record, watched: bool| {
        let record: &Record = record;
        let mut workloads: Vec<EntrantWorkload<'_>> =
            record.workloads.iter().map(measured).collect();
        if watched {
            workloads[0].pooled.insert(Metric::GpuMemoryPeak, 61746.0);
        }
        Entrant { name: name.to_owned(), record, workloads }
    };
    let mut report = ranking(&[entrant("a", &a, true), entrant("b", &b, false)], "0.1.0");
    let [watched, not] = places(&report, "gpu_memory_peak") else { panic!("two") };
    assert_eq!((watched.value, watched.best_rank, not.value), (Some(61746.0), None, None));
    assert!(!report.workloads[0].metrics.iter().any(|m| m.metric == "energy_per_token"));
    assert!(report.workloads[0].warnings.iter().any(|w| w.starts_with("metrics of GPUs")));
    // What a GPU did is no measurement of the load.
    report.workloads[0].metrics.retain(|m| m.metric == "gpu_memory_peak");
    assert_eq!(report.exit(), crate::exit::ExitStatus::CouldNotMeasure);
}
