//! The verdict in one sentence, as a person would say it. Exact names, intervals and p of every metric are in the tables.

use super::build::Judged;
use crate::judge::limits::LimitState;
use crate::judge::{Bearing, Comparison, Decision, MetricComparison, text};
use crate::metric::{Class, Metric, Orientation, Stat, Timing, Unit};
use crate::verdict::Verdict;

/// `FAIL: TPOT is 23.3 % longer than the baseline's (18.7 to 28.0 %, p < 0.0001), and E2E latency 20.6 % longer`.
pub fn headline(judged: &[Judged<'_>], verdict: Option<Verdict>) -> String {
    let Some(verdict) = verdict else {
        let requests: usize = judged.iter().flat_map(|j| j.workload.rounds()).map(|(_, r)| r.columns.len()).sum();
        let measured = format!("measured {requests} requests, nothing judged");
        let unfit = judged.iter().find_map(|j| Some(named(judged, j, j.workload.unfit().first()?)));
        return unfit.map_or(measured.clone(), |why| format!("{}: {why}; {measured}", Verdict::Invalid.word()));
    };
    let accepted: Vec<&String> = judged.iter().filter_map(|j| j.ruling.as_ref()).flat_map(|(_, r)| &r.accepted).collect();
    if let (Verdict::Passed, [first, rest @ ..]) = (verdict, &accepted[..]) {
        let more = if rest.is_empty() { String::new() } else { format!("; and {} more", rest.len()) };
        let what = super::text::count(accepted.len() as u64, "accepted regression", "accepted regressions");
        return format!("{} with {what}: {first}{more}", verdict.word());
    }
    let decisive = judged.iter().find(|j| j.ruling.as_ref().is_some_and(|(_, r)| r.verdict == verdict));
    let why = decisive.and_then(|j| Some(named(judged, j, &sentence(j, verdict)?)));
    why.map_or_else(|| verdict.word().to_owned(), |why| format!("{}: {why}", verdict.word()))
}

/// With the workload, where there are several.
fn named(all: &[Judged<'_>], judged: &Judged<'_>, text: &str) -> String {
    if all.len() > 1 { format!("{}: {text}", judged.workload.name) } else { text.to_owned() }
}

fn sentence(judged: &Judged<'_>, verdict: Verdict) -> Option<String> {
    let (evidence, ruling) = judged.ruling.as_ref()?;
    let accepted = |l| evidence.excused.iter().any(|e| e.concerns(l));
    let breached = evidence.limits.iter().any(|l| l.state == LimitState::Breached && !accepted(l));
    let told = match (evidence.decisive().as_deref(), verdict) {
        (Some(c), Verdict::Passed) => fine(c),
        (Some(c), Verdict::Failed) if !breached && c.decision == Decision::Regression => worse(c),
        _ => None,
    };
    told.or_else(|| ruling.reasons.first().cloned())
}

/// The proof of a PASS: metrics with one bound are named together.
fn fine(c: &Comparison) -> Option<String> {
    let mut bounds: Vec<(String, Vec<String>)> = Vec::new();
    for m in c.metrics.iter().filter(|m| m.class == Class::Primary) {
        let bound = text::size(m.metric, m.margin?);
        match bounds.iter_mut().find(|(b, _)| *b == bound) {
            Some((_, names)) => names.push(name(m.metric)),
            None => bounds.push((bound, vec![name(m.metric)])),
        }
    }
    let parts: Vec<String> = bounds
        .iter()
        .map(|(bound, names)| {
            let each = if names.len() > 1 { " each" } else { "" };
            let verb = if names.len() > 1 { "are" } else { "is" };
            format!("{} {verb}{each} less than {bound} worse than the baseline's, proven", listed(names))
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The most telling regression with its interval, the others by size.
fn worse(c: &Comparison) -> Option<String> {
    let mut worse: Vec<&MetricComparison> = c.metrics.iter().filter(|m| m.bearing == Bearing::Convicts).collect();
    worse.sort_by(|a, b| a.p.unwrap_or(1.0).total_cmp(&b.p.unwrap_or(1.0)));
    let (first, rest) = worse.split_first()?;
    let range = first.interval.map(|(low, high)| {
        let (near, far) = if low.abs() <= high.abs() { (low, high) } else { (high, low) };
        // An interval of a change for the worse: both ends without their common sign.
        let crosses = near * far < 0.0;
        let ends = if crosses { [signed(first, low), signed(first, high)] } else { [bare(first, near), size(first, far)] };
        ends.join(" to ")
    });
    let p = first.p.map(text::probability);
    let proof: Vec<String> = range.into_iter().chain(p).collect();
    let proof = if proof.is_empty() { String::new() } else { format!(" ({})", proof.join(", ")) };
    let head =
        format!("{} is {} {} than the baseline's{proof}", name(first.metric), size(first, first.change?), direction(first)?);
    if rest.is_empty() {
        return Some(head);
    }
    let others: Vec<String> = rest.iter().filter_map(|m| Some(format!("{} by {}", name(m.metric), size(m, m.change?)))).collect();
    Some(format!("{head}; also worse: {}", listed(&others)))
}

/// `TTFT is 35 % longer`, of a metric that changed for the worse.
pub fn said(m: &MetricComparison) -> Option<String> {
    Some(format!("{} is {} {}", name(m.metric), size(m, m.change?), direction(m)?))
}

/// As people say it.
fn name(metric: Metric) -> String {
    let timing = |t: Timing| match t {
        Timing::Ttft => "TTFT",
        Timing::Ttfa => "TTFA",
        Timing::Tpot => "TPOT",
        Timing::ChunkGap => "chunk gap",
        Timing::E2e => "E2E latency",
        Timing::Queue => "client queue",
        Timing::Connect => "connect time",
        Timing::SendLag => "send lag",
    };
    match metric {
        Metric::Timing(t, Stat::Geomean) => timing(t).to_owned(),
        Metric::Timing(t, stat) => format!("{} {}", stat.name(), timing(t)),
        Metric::SloAttainment => "SLO attainment".into(),
        other => other.name().replace('_', " "),
    }
}

/// Of a change for the worse.
fn direction(m: &MetricComparison) -> Option<&'static str> {
    let rises = m.change? >= 0.0;
    Some(match (m.metric.orientation(), m.metric.unit(), rises) {
        (Orientation::LowerIsBetter, Unit::Milliseconds, true) => "longer",
        (Orientation::LowerIsBetter, Unit::Milliseconds, false) => "shorter",
        (_, _, true) => "higher",
        (_, _, false) => "lower",
    })
}

fn size(m: &MetricComparison, change: f64) -> String {
    unsigned(&text::change(m.metric, change))
}

/// Without its unit, where the other end has it.
fn bare(m: &MetricComparison, change: f64) -> String {
    size(m, change).split(' ').next().unwrap_or_default().to_owned()
}

fn signed(m: &MetricComparison, change: f64) -> String {
    text::change(m.metric, change)
}

fn unsigned(text: &str) -> String {
    text.trim_start_matches(['+', '-']).to_owned()
}

/// `a, b and c`.
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Judgement;

    fn row(metric: Metric, change: f64, interval: (f64, f64), judgement: Judgement) -> MetricComparison {
        let method = metric.method().expect("a metric of the method");
        MetricComparison {
            metric,
            class: method.class,
            baseline: Some(1.0),
            candidate: Some(1.0),
            change: Some(change),
            interval: Some(interval),
            p: Some(0.001 * change.abs()),
            d_min: method.d_min,
            margin: method.margin,
            mde: None,
            detectable: None,
            noise: None,
            noisier_than_usual: false,
            gaps: false,
            judgement,
            bearing: if judgement == Judgement::Regressed { Bearing::Convicts } else { Bearing::Free },
            reason: None,
            working: crate::judge::Working::Nothing,
        }
    }

    fn comparison(metrics: Vec<MetricComparison>) -> Comparison {
        Comparison {
            mode: crate::judge::Mode::Interleaved,
            metrics,
            decision: Decision::Regression,
            reasons: vec![],
            warnings: vec![],
            looks: 2,
            sessions: 0,
            sessions_needed: None,
            proves: None,
            budget: 0.02,
        }
    }

    const TPOT: Metric = Metric::Timing(Timing::Tpot, Stat::Geomean);

    #[test]
    fn a_regression_is_told_with_its_size_and_interval() {
        let tpot = row(TPOT, 0.0823, (0.0701, 0.0938), Judgement::Regressed);
        assert_eq!(
            worse(&comparison(vec![tpot.clone()])).as_deref(),
            Some("TPOT is 8.2 % longer than the baseline's (7.0 to 9.4 %, p < 0.0001)")
        );
        let rate = row(Metric::OutputTokenRate, -0.12, (-0.2, -0.04), Judgement::Regressed);
        let gap = row(Metric::Timing(Timing::ChunkGap, Stat::P99), 0.3, (-0.01, 0.7), Judgement::Regressed);
        assert_eq!(
            worse(&comparison(vec![gap, rate, tpot])).as_deref(),
            Some(
                "TPOT is 8.2 % longer than the baseline's (7.0 to 9.4 %, p < 0.0001); also worse: output token rate by 12.0 % and p99 chunk gap by 30.0 %"
            )
        );
        let share = row(Metric::SloAttainment, -0.05, (-0.07, 0.01), Judgement::Regressed);
        assert_eq!(
            worse(&comparison(vec![share])).as_deref(),
            Some("SLO attainment is 5.00 points lower than the baseline's (-7.00 points to +1.00 points, p < 0.0001)")
        );
    }

    #[test]
    fn a_pass_names_what_it_proves() {
        let ttft = row(Metric::Timing(Timing::Ttft, Stat::Geomean), 0.0, (0.0, 0.0), Judgement::Unchanged);
        let tpot = row(TPOT, 0.0, (0.0, 0.0), Judgement::Unchanged);
        let e2e = row(Metric::Timing(Timing::E2e, Stat::Geomean), 0.0, (0.0, 0.0), Judgement::Unchanged);
        assert_eq!(
            fine(&comparison(vec![ttft, tpot, e2e])).as_deref(),
            Some(
                "TTFT is less than 7.5 % worse than the baseline's, proven; TPOT and E2E latency are each less than 5 % worse than the baseline's, proven"
            )
        );
    }
}
