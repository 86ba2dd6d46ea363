//! Every format of every sample, side by side: what people and machines will see.

use super::{Report, csv, junit, markdown, samples, terminal};

fn formats(report: &Report) -> [(&'static str, String); 5] {
    [
        ("terminal", terminal::render(report, 100, false)),
        ("markdown", markdown::render(report)),
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
