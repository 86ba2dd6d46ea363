//! What a workload expects of its answers: SLOs and limits, checked against the metric table.
//!
//! Not here: how changes are judged (`regression`), ranges of the load itself (`check`), or any judging.

use crate::metric::{Metric, Orientation, SloKind, Timing};

use super::check::Checker;
use super::error::did_you_mean;
use super::file::{SloFile, Span, WorkloadFile};
use super::units::{UnitError, parse_quantity};
use super::{Bound, Limit, Slo};

impl Checker {
    pub fn slo(&mut self, path: &str, file: &WorkloadFile) -> Slo {
        let SloFile { ttft, tpot, e2e } = file.slo.unwrap_or_default();
        let mut kind = |timing: Timing, span: Option<Span>| {
            let at = format!("{path}.slo.{}", timing.name());
            if let Some((what, hint)) = span.and_then(|_| undefined_timing(timing, file)) {
                self.bad(&at, what, hint);
            }
            self.positive_span(&at, span)
        };
        Slo { ttft: kind(Timing::Ttft, ttft), tpot: kind(Timing::Tpot, tpot), e2e: kind(Timing::E2e, e2e) }
    }

    /// In the order of the metric table.
    pub fn limits(&mut self, path: &str, file: &WorkloadFile) -> Vec<Limit> {
        let mut limits = Vec::new();
        for (name, bounds) in file.limits.iter().flatten() {
            let at = format!("{path}.limits.{name}");
            let Some(metric) = self.metric(&at, name, Metric::all().collect(), file) else { continue };
            let (right, wrong) = match metric.orientation() {
                Orientation::LowerIsBetter => (("max", &bounds.max), ("min", &bounds.min)),
                Orientation::HigherIsBetter => (("min", &bounds.min), ("max", &bounds.max)),
            };
            if wrong.1.is_some() {
                let better = if right.0 == "max" { "lower" } else { "higher" };
                let what = format!("`{}` would fail what is good: {name} is better when {better}", wrong.0);
                self.bad(&format!("{at}.{}", wrong.0), what, format!("write `{}`", right.0));
            }
            let parsed = |text: &str| match (metric, text) {
                // No share of failures is beyond it: the default limit is gone.
                (Metric::ErrorRate, "none") => Ok(1.0),
                _ => parse_quantity(text, metric.unit()),
            };
            match right.1.as_deref().map(parsed) {
                Some(Ok(value)) => {
                    let bound = if right.0 == "max" { Bound::Max(value) } else { Bound::Min(value) };
                    limits.push(Limit { metric, bound });
                }
                Some(Err(error)) => self.unit(&format!("{at}.{}", right.0), error),
                None if wrong.1.is_none() => self.bad(&at, "no bound", format!("write {{{}: VALUE}}", right.0)),
                None => {}
            }
        }
        limits.sort_by_key(|limit| limit.metric);
        limits
    }

    /// The metric of that name, where `valid` has it and the workload defines it.
    pub fn metric(&mut self, at: &str, name: &str, valid: Vec<Metric>, file: &WorkloadFile) -> Option<Metric> {
        let Some(metric) = Metric::parse(name).filter(|metric| valid.contains(metric)) else {
            let names: Vec<String> = valid.into_iter().map(Metric::name).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            if Metric::parse(name).is_some() {
                let what = format!("{name} is shown only: no change of it is judged");
                let near = did_you_mean(name, &names);
                let near = if near.starts_with("did you") { format!("{near} ") } else { String::new() };
                self.bad_key(at, what, format!("{near}judged are: {}", names.join(", ")));
            } else {
                let hint = if names.len() > 20 { nearest_or_shape(name, &names) } else { did_you_mean(name, &names) };
                self.bad_key(at, format!("unknown metric `{name}`"), hint);
            }
            return None;
        };
        if let Some((what, hint)) = undefined(metric, file) {
            self.bad_key(at, what, hint);
            return None;
        }
        Some(metric)
    }

    pub fn unit(&mut self, at: &str, error: UnitError) {
        self.bad(at, error.what, error.hint);
    }
}

/// A hundred names are no help: their pattern is.
fn nearest_or_shape(name: &str, names: &[&str]) -> String {
    let hint = did_you_mean(name, names);
    if hint.starts_with("did you") {
        hint
    } else {
        "such as ttft_p95, tpot_geomean, e2e_p99, slo_attainment, goodput, error_rate".into()
    }
}

/// Why a workload like this never has such a metric, and what to do.
pub fn undefined(metric: Metric, file: &WorkloadFile) -> Option<(String, String)> {
    let slo = file.slo.unwrap_or_default();
    let add = |what: &str| Some((format!("{metric} is undefined: {what}"), "add `slo: {ttft: 500ms}`".to_owned()));
    match metric {
        Metric::Timing(timing, _) => undefined_timing(timing, file),
        Metric::SloAttainment | Metric::Goodput if slo == SloFile::default() => add("the workload has no `slo`"),
        Metric::SloAttainmentOf(kind) => {
            let missing = match kind {
                SloKind::Ttft => slo.ttft,
                SloKind::Tpot => slo.tpot,
                SloKind::E2e => slo.e2e,
            };
            let what = format!("{metric} is undefined: the workload has no such SLO");
            missing.is_none().then(|| (what, format!("add {} to `slo`", kind.name())))
        }
        _ => None,
    }
}

fn undefined_timing(timing: Timing, file: &WorkloadFile) -> Option<(String, String)> {
    let name = timing.name();
    let of_stream = matches!(timing, Timing::Ttft | Timing::Ttfa | Timing::Tpot | Timing::ChunkGap);
    if of_stream && file.stream == Some(false) {
        return Some((format!("{name} is undefined without streaming"), "use e2e, or remove `stream: false`".into()));
    }
    if matches!(timing, Timing::Tpot | Timing::ChunkGap) && file.output_tokens == Some(1) {
        return Some((
            format!("{name} is undefined for one output token"),
            "use ttft or e2e, or ask for 2 `output_tokens` or more".into(),
        ));
    }
    None
}
