//! What the table holds, of which workloads. Not here: how a format draws it (the snapshots of
//! `two_workloads` and `swept`).

use super::{Overview, RowSubject, overview};
use crate::config::{Axis, Lang};
use crate::report::sweep::{SweepReport, sweep};
use crate::report::{Report, samples};
use crate::verdict::Verdict;

fn column<'a>(all: &'a Overview, title: &str) -> Vec<&'a str> {
    let at = all.header.iter().position(|h| *h == title).unwrap_or_else(|| panic!("no {title}"))
        - all.numbers;
    all.rows.iter().map(|row| row.values[at].as_str()).collect()
}

#[test]
fn one_workload_needs_no_table_and_two_have_a_row_each() {
    assert_eq!(overview(&samples::pass(), Lang::En), None);
    let all = overview(&samples::two_workloads(), Lang::En).expect("two");
    assert_eq!(
        all.rows.iter().map(|r| r.of).collect::<Vec<_>>(),
        [RowSubject::Workload(0), RowSubject::Workload(1)]
    );
    assert_eq!(
        all.rows.iter().map(|r| r.verdict.as_ref().map(|v| v.0)).collect::<Vec<_>>(),
        [Some(Verdict::Passed), Some(Verdict::Failed)]
    );
    assert_eq!(column(&all, "completed"), ["598/600", "598/600"]);
    assert_eq!(
        (column(&all, "goodput/s"), column(&all, "errors")),
        (vec!["4.75", "4.75"], vec!["0.33 %", "0.33 %"])
    );
    assert_eq!(all.rows[0].load, "poisson 5/s; 256 in, 128 out");
}

#[test]
fn what_was_not_measured_is_a_dash_and_no_slo_is_no_column() {
    let mut report = samples::two_workloads();
    report.workloads[1].distributions.clear();
    report.workloads[1].rates.clear();
    report.workloads[0].verdict = None;
    let all = overview(&report, Lang::En).expect("two");
    assert!(all.rows[1].values[1..].iter().all(|v| v == "-"), "{:?}", all.rows[1]);
    assert_eq!(all.cells(&all.rows[0])[0], "-");
    for w in &mut report.workloads {
        (w.slo_requests, w.verdict) = (None, None);
    }
    let all = overview(&report, Lang::En).expect("two");
    assert!(
        !all.header.iter().any(|h| ["goodput/s", "SLO met", "verdict"].contains(h)),
        "{:?}",
        all.header
    );
}

/// `chat` at three levels, the last INVALID.
fn swept(report: &mut Report) -> SweepReport {
    let one = report.workloads[0].clone();
    report.workloads = [1, 2, 4]
        .map(|n| crate::report::WorkloadReport { name: format!("chat-c{n}"), ..one.clone() })
        .to_vec();
    let mut family = samples::swept().sweeps.remove(0);
    family.levels.truncate(3);
    family.levels[2].unfit = Some("a client thread was busy".into());
    family.levels[2].error_rate_ratio = Some(0.25);
    sweep("chat", Axis::Concurrency, family.levels)
}

#[test]
fn a_family_is_one_row_of_its_best_and_of_its_worst() {
    let mut report = samples::pass();
    let other = report.workloads[0].clone();
    let family = swept(&mut report);
    report.sweeps = vec![family];
    report.workloads[1].verdict = Some(Verdict::Failed);
    let alone = overview(&report, Lang::En).expect("judged, so that the verdicts are seen");
    assert_eq!(alone.rows.len(), 1);
    assert_eq!(alone.rows[0].verdict, Some((Verdict::Failed, "(1 of 3)".into())));
    assert_eq!(
        (alone.rows[0].name.as_str(), alone.rows[0].load.as_str()),
        ("chat (best of 3 levels)", "concurrency 1 to 4")
    );
    assert_eq!(alone.cells(&alone.rows[0])[0], "FAIL (1 of 3)");
    assert_eq!(column(&alone, "output tok/s"), ["200.0"], "the INVALID level is not the best");
    assert_eq!(
        (column(&alone, "errors"), column(&alone, "completed")),
        (vec!["0.25 to 25.00 %"], vec!["1794/1800"])
    );
    for w in &mut report.workloads {
        w.verdict = None;
    }
    assert_eq!(overview(&report, Lang::En), None, "the table of levels says it all");
    report.workloads.push(other);
    let both = overview(&report, Lang::En).expect("a family and one more");
    assert_eq!(
        both.rows.iter().map(|r| r.of).collect::<Vec<_>>(),
        [RowSubject::Family(0), RowSubject::Workload(3)]
    );
}
