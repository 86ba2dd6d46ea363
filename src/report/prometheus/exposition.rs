//! Prometheus' text format 0.0.4: series grouped by name under one `HELP` and `TYPE`, labels
//! escaped, values in full.
//!
//! Source: <https://prometheus.io/docs/instrumenting/exposition_formats/>. Not here: which numbers.

use std::fmt::Write as _;

use crate::report::text::plain;

const PREFIX: &str = "goodput_gate";

/// In the order of first mention.
#[derive(Default)]
pub struct Exposition(Vec<Family>);

struct Family {
    name: String,
    help: String,
    /// Labels as they are written, and the value.
    series: Vec<(String, f64)>,
}

impl Exposition {
    /// One number; nothing where it is absent. `name` is without the tool's prefix.
    pub fn gauge(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: Option<f64>) {
        let Some(value) = value.filter(|v| v.is_finite()) else { return };
        let at = self.0.iter().position(|f| f.name == name).unwrap_or_else(|| {
            self.0.push(Family {
                name: name.to_owned(),
                help: help.to_owned(),
                series: Vec::new(),
            });
            self.0.len() - 1
        });
        let (series, labels) = (&mut self.0[at].series, braces(labels));
        // A reader refuses the whole file for a series that is in it twice; only a report that was
        // written by hand has one.
        if series.iter().all(|(seen, _)| *seen != labels) {
            series.push((labels, value));
        }
    }

    /// One series for each of `states`, 1 for the one that it is; all are 0 where it is none of
    /// them.
    pub fn states(
        &mut self,
        name: &str,
        help: &str,
        labels: &[(&str, &str)],
        (key, states): (&str, &[&str]),
        is: &str,
    ) {
        for state in states {
            let all: Vec<(&str, &str)> = labels.iter().copied().chain([(key, *state)]).collect();
            self.gauge(name, help, &all, Some(f64::from(u8::from(*state == is))));
        }
    }

    pub fn text(&self) -> String {
        let mut out = String::new();
        for Family { name, help, series } in &self.0 {
            let _ = writeln!(out, "# HELP {PREFIX}_{name} {help}\n# TYPE {PREFIX}_{name} gauge");
            for (labels, value) in series {
                let _ = writeln!(out, "{PREFIX}_{name}{labels} {value}");
            }
        }
        out
    }
}

fn braces(labels: &[(&str, &str)]) -> String {
    let each = |(key, value): &(&str, &str)| format!("{key}=\"{}\"", escape(&plain(value)));
    let all: Vec<String> = labels.iter().map(each).collect();
    if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) }
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
