//! The findings of a look to one decision: what convicts, what is missing, what is open, and what
//! an earlier attempt leaves standing.
//!
//! Not here: how a metric is tested (`estimate`, `errors`, `slow`).

use crate::judge::estimate::Finding;
use crate::judge::reason::Margin;
use crate::judge::{Bearing, Comparison, Decision, MetricComparison, Reason, Standing};
use crate::metric::{Class, Metric};

/// The findings of one look to a comparison. `known` is the comparison so far.
pub fn conclude(known: &Comparison, findings: Vec<Finding>, looks: usize) -> Comparison {
    let shown = |f: Finding| if f.row.class == Class::Info { f.shown_only() } else { f };
    let metrics: Vec<MetricComparison> =
        findings.into_iter().map(|f| shown(f).into_row()).collect();
    let mut warnings = known.warnings.clone();
    let noisy = metrics.iter().filter(|row| row.noisier_than_usual).map(|row| row.metric);
    let noisy: Vec<Metric> = noisy.collect();
    if !noisy.is_empty() {
        warnings.push(Reason::NoisierThanUsual { metrics: noisy });
    }
    let mut comparison = Comparison { metrics, warnings, looks, ..known.clone() };
    decide(&mut comparison);
    comparison
}

/// By the bearing of each metric and the starts: any conviction is a regression, nothing in the way
/// is a PASS; else what is missing is said before what is noisy. A REGRESSION that stands is lifted
/// by nothing but the PASS of a complete attempt.
pub fn decide(comparison: &mut Comparison) {
    let of = |bearing: Bearing| comparison.metrics.iter().filter(move |row| row.bearing == bearing);
    let mut convicting: Vec<&MetricComparison> = of(Bearing::Convicts).collect();
    convicting.sort_by(|a, b| a.before(b));
    let mut bad: Vec<Reason> = convicting.into_iter().map(MetricComparison::describe).collect();
    let slow = comparison.slow.as_ref();
    bad.extend(slow.filter(|found| found.hit).map(|found| Reason::UnstableStarts(found.clone())));
    let mut lacking: Vec<Reason> = of(Bearing::Lacks).map(MetricComparison::describe).collect();
    let unstable = slow.filter(|found| found.worry && !found.hit);
    let starts = comparison.starts;
    let open: Vec<Reason> = unstable
        .map(|found| Reason::UnstableStarts(found.clone()))
        .into_iter()
        .chain(of(Bearing::Worries).chain(of(Bearing::Blocks)).map(MetricComparison::describe))
        .chain((starts.missing() > 0).then_some(Reason::StartsUnseen {
            seen: starts.seen as u64,
            needed: starts.needed as u64,
        }))
        .collect();
    if !comparison.metrics.iter().any(|row| row.class == Class::Primary) {
        lacking.push(Reason::NoPrimaryMetric);
    }
    let (decision, reasons) = if !bad.is_empty() {
        (Decision::Regression, bad)
    } else if !lacking.is_empty() {
        (Decision::Incomplete, lacking.into_iter().chain(open).collect())
    } else if open.is_empty() {
        (Decision::Pass, vec![proof(comparison)])
    } else {
        (Decision::Inconclusive, open)
    };
    (comparison.decision, comparison.reasons) = standing(comparison, decision, reasons);
    let proves = comparison.reasons.first().filter(|_| comparison.decision == Decision::Pass);
    comparison.proves = proves.cloned();
}

/// What an earlier REGRESSION makes of this decision.
fn standing(
    comparison: &Comparison,
    decision: Decision,
    mut reasons: Vec<Reason>,
) -> (Decision, Vec<Reason>) {
    let Some(Standing::Regression { complete }) = comparison.standing else {
        return (decision, reasons);
    };
    match decision {
        Decision::Pass if complete => (decision, reasons),
        Decision::Regression => (decision, reasons),
        _ => {
            reasons.insert(0, Reason::NotLifted { complete });
            (Decision::Regression, reasons)
        }
    }
}

/// A PASS says what it proves, what of the others it would have seen, and what could have gone
/// unseen (docs/METHODOLOGY.md#slow-starts).
fn proof(comparison: &Comparison) -> Reason {
    let guards = comparison.metrics.iter().filter(|row| row.class == Class::Guard);
    Reason::Proof {
        margins: margins(&comparison.metrics),
        detectable: guards.filter_map(|row| Some((row.metric, row.detectable?))).collect(),
        starts: comparison.starts.seen as u64,
        unseen_share: comparison.starts.unseen_share(),
    }
}

/// What a PASS proves of primary metrics: those with one margin together.
pub fn margins(metrics: &[MetricComparison]) -> Vec<Margin> {
    let mut all: Vec<Margin> = Vec::new();
    for (metric, ratio) in metrics.iter().filter_map(|row| Some((row.metric, row.margin?))) {
        match all.iter_mut().find(|margin| margin.alike(metric, ratio)) {
            Some(margin) => margin.metrics.push(metric),
            None => all.push(Margin { ratio, metrics: vec![metric] }),
        }
    }
    all
}
