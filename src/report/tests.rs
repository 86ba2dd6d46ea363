//! Every format of every sample, side by side: what people and machines will see.

use super::{Report, csv, junit, markdown, samples, terminal};
use crate::config::Lang;

fn formats(report: &Report) -> [(&'static str, String); 5] {
    [
        ("terminal", terminal::render(report, 100, false, Lang::En)),
        ("markdown", markdown::render(report, Lang::En)),
        ("junit", junit::render(report).expect("a sample renders")),
        ("csv", csv::render(report).expect("a sample renders")),
        ("json", report.to_json()),
    ]
}

#[test]
fn every_format_of_every_sample_is_as_accepted() {
    for (name, report) in samples::all() {
        for (format, text) in formats(&report) {
            insta::assert_snapshot!(format!("{name}_{format}"), text);
        }
    }
}

#[test]
fn the_verdict_and_the_metric_are_in_every_format() {
    for (name, report) in samples::all() {
        let Some(verdict) = report.verdict else { continue };
        for (format, text) in formats(&report) {
            let word = if format == "json" {
                format!("\"exit_code\": {}", report.exit_code)
            } else {
                verdict.word().to_owned()
            };
            assert!(text.contains(&word), "{name} {format} does not say {word}");
            for metric in
                report.workloads.iter().flat_map(|w| &w.metrics).filter(|m| m.is_regression())
            {
                assert!(
                    text.contains(&metric.metric),
                    "{name} {format} does not name {}",
                    metric.metric
                );
            }
        }
    }
}

#[test]
fn colour_adds_sequences_and_nothing_else() {
    for (_, report) in samples::all() {
        let bare = terminal::render(&report, 100, false, Lang::En);
        let coloured = terminal::render(&report, 100, true, Lang::En);
        assert!(!bare.contains('\u{1b}'));
        assert_eq!(coloured.contains('\u{1b}'), report.verdict.is_some());
        let stripped: String = coloured
            .split('\u{1b}')
            .enumerate()
            .map(|(i, s)| if i == 0 { s } else { s.split_once('m').expect("ends").1 })
            .collect();
        assert_eq!(stripped, bare);
    }
}

#[test]
fn no_foreign_text_steers_the_terminal() {
    let text = terminal::render(
        &samples::foreign("\u{1b}]0;title\u{7}\u{1b}[2Jx\r\u{8}\u{9b}31m\u{202e}"),
        100,
        false,
        Lang::En,
    );
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()) && !text.contains('\u{202e}'));
}

#[test]
fn tables_fit_eighty_columns() {
    for (name, report) in samples::all() {
        let widest =
            terminal::render(&report, 80, false, Lang::En).lines().map(|l| l.chars().count()).max();
        assert!(widest <= Some(80), "{name}: {widest:?}");
    }
}
