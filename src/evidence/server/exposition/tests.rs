//! The text format as servers write it, and as nobody should.

use proptest::prelude::*;

use super::{Sample, samples};

/// Name, labels, value.
type Line = (String, Vec<(String, String)>, f64);

fn read(text: &str) -> Vec<Line> {
    let plain = |s: Sample<'_>| {
        let labels = s.labels.into_iter().map(|(k, v)| (k.to_owned(), v.into_owned()));
        (s.name.to_owned(), labels.collect(), s.value)
    };
    samples(text, |_| true).map(plain).collect()
}

fn read_one(line: &str) -> Option<Line> {
    let mut all = read(line);
    assert!(all.len() <= 1, "{line}");
    all.pop()
}

fn labels(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

#[test]
fn what_servers_write_is_read() {
    for (line, name, expected, value) in [
        ("a 1", "a", labels(&[]), 1.0),
        (
            "vllm:running{engine=\"0\",model_name=\"m\"} 2.0",
            "vllm:running",
            labels(&[("engine", "0"), ("model_name", "m")]),
            2.0,
        ),
        ("a{} 3", "a", labels(&[]), 3.0),
        ("a{b=\"1\",} 3e+06", "a", labels(&[("b", "1")]), 3e6),
        (
            "  a { b = \"1\" , c=\"\" }  -0.5  1700000000123",
            "a",
            labels(&[("b", "1"), ("c", "")]),
            -0.5,
        ),
        ("a{b=\"x } y, \\\"z\\\" \\\\ \\n\"} 1", "a", labels(&[("b", "x } y, \"z\" \\ \n")]), 1.0),
        (
            "a_bucket{le=\"+Inf\"} 17 # {trace_id=\"k\"} 0.3 1.5",
            "a_bucket",
            labels(&[("le", "+Inf")]),
            17.0,
        ),
        ("a 17 1.5 # {trace_id=\"k\"} 0.3", "a", labels(&[]), 17.0),
        ("a +Inf", "a", labels(&[]), f64::INFINITY),
    ] {
        assert_eq!(read_one(line), Some((name.to_owned(), expected, value)), "{line}");
    }
    assert!(read_one("a NaN").is_some_and(|(_, _, v)| v.is_nan()));
}

#[test]
fn what_is_no_sample_is_left_out() {
    for line in [
        "",
        "# HELP a text",
        "# TYPE a counter",
        "a",
        "a{",
        "a{b=\"1\" 2",
        "a{b=1} 2",
        "a{b=\"1\"c=\"2\"} 3",
        "1a 2",
        "a x",
        "a 1 2 3",
        "a 1 x",
        "{\"utf8.name\"} 1",
        "<html>",
        "a{b=\"1\\\"} 2",
    ] {
        assert_eq!(read_one(line), None, "{line}");
    }
}

#[test]
fn openmetrics_ends_at_its_mark_and_crlf_is_no_value() {
    assert_eq!(read("a 1\r\nb 2\r\n# EOF\r\nc 3\n").len(), 2);
    assert_eq!(read("a_total 1\na_created 1.7e9\n# EOF\n").len(), 2);
}

#[test]
fn a_line_without_end_and_labels_without_number_are_not_kept() {
    assert_eq!(read_one(&format!("a{{b=\"{}\"}} 1", "x".repeat(20_000))), None);
    let many = "l=\"\",".repeat(100);
    assert_eq!(read_one(&format!("a{{{many}}} 1")), None);
}

#[test]
fn only_what_is_wanted_is_read() {
    let names: Vec<&str> = samples("a 1\nb{ 2\nc 3", |n| n != "a").map(|s| s.name).collect();
    assert_eq!(names, ["c"]);
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

proptest! {
    #[test]
    fn whatever_is_written_comes_back(
        name in "[a-zA-Z_:][a-zA-Z0-9_:]{0,20}",
        pairs in proptest::collection::vec(("[a-z_][a-z0-9_]{0,8}", "[^\r]{0,12}"), 0..5),
        value in proptest::num::f64::NORMAL,
        stamp in proptest::option::of(0_u64..4_000_000_000),
    ) {
        let inside: Vec<String> = pairs.iter().map(|(k, v)| format!("{k}=\"{}\"", escaped(v))).collect();
        let stamp = stamp.map_or_else(String::new, |s| format!(" {s}"));
        let line = format!("{name}{{{}}} {value:?}{stamp}", inside.join(","));
        prop_assert_eq!(read_one(&line), Some((name, pairs, value)));
    }

    #[test]
    fn no_text_ends_the_program(text in "\\PC{0,400}", noise in "[a{}=\"\\\\#, \n0-9.]{0,400}") {
        read(&text);
        read(&noise);
    }
}
