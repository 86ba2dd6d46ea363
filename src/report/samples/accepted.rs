//! A regression and a breached limit that somebody has accepted, and drift since the anchor.

use super::{breach, limit_breach, margins, metric_named, regression, report, slower};
use crate::accept::Excusable;
use crate::compare;
use crate::compare::reason::SinceAnchor;
use crate::judge::limits::LimitState;
use crate::judge::reason::{Measured, Terms};
use crate::judge::{Judgement, MetricReason};
use crate::report::headline::Headline;
use crate::report::notice::Notice;
use crate::report::{AnchorMetricReport, AnchorReport, AnchorState, Report, WorkloadReport};
use crate::verdict::{Reason, Verdict};

fn terms() -> Terms {
    let by = Some("Ada <ada@example.com>".into());
    Terms { until: "2026-12-22".into(), reason: "new sampler, better answers".into(), by }
}

pub fn accepted() -> Report {
    let mut w = WorkloadReport {
        metrics: regression().workloads.remove(0).metrics,
        ..limit_breach().workloads.remove(0)
    };
    let changes = slower().map(|m| Excusable::Change(Measured { interval: None, p: None, ..m }));
    let found = changes.into_iter().chain([Excusable::Limit(breach())]);
    let accepted: Vec<Reason> =
        found.map(|found| Reason::Accepted { found, terms: terms() }).collect();
    w.accepted = w.codes.texts(&accepted);
    for m in w.metrics.iter_mut().filter(|m| m.is_regression()) {
        m.accepted = Some(terms().to_string());
    }
    for l in w.limits.iter_mut().filter(|l| l.state == LimitState::Breached) {
        l.accepted = Some(terms().to_string());
    }
    let before = regression().workloads.remove(0);
    // Its metrics come with the reason of the one that is open.
    w.codes.text(&MetricReason::MarginNotProven {
        metric: metric_named("output_token_rate"),
        margin: 0.1,
    });
    (w.baseline, w.comparison) = (before.baseline, before.comparison);
    let (drift, since) = drift();
    w.anchor = Some(drift);
    w.warnings = w.codes.texts(&[since]);
    w.reasons = w.codes.texts(&[Reason::from(crate::judge::Reason::Proof {
        margins: margins(),
        detectable: vec![],
        starts: 2,
        unseen_share: Some(0.7764),
    })]);
    w.codes.text(&super::unproven());
    w.verdict = Some(Verdict::Passed);
    let mut report = report(
        &Headline::PassedWithAccepted { accepted: 3, first: accepted[0].clone() },
        0,
        vec![w],
    );
    let entries = vec!["chat/tpot_geomean".into()];
    report.notice(&[Notice::AcceptanceBrought { entries }]);
    report
}

fn drift() -> (AnchorReport, Reason) {
    let tpot = AnchorMetricReport {
        metric: "tpot_geomean".into(),
        unit: "ms".into(),
        change_ratio: Some(0.061),
        interval_low_ratio: Some(0.04),
        interval_high_ratio: Some(0.082),
        judgement: Judgement::Regressed,
    };
    let worse = Measured {
        metric: metric_named("tpot_geomean"),
        change: Some(0.061),
        interval: Some((0.04, 0.082)),
        p: None,
    };
    let found = SinceAnchor::Worse(vec![worse]);
    let since: Reason =
        compare::Reason::Anchor { name: "v1.2".into(), commits: Some(120), found }.into();
    let report = AnchorReport {
        name: "v1.2".into(),
        commit: Some("3d1f0c7f1c0f9d1d5e8a7b6c5d4e3f2a1b0c9d8e".into()),
        distance_commits: Some(120),
        sessions: 12,
        state: AnchorState::Worse,
        words: since.to_string(),
        metrics: vec![tpot],
    };
    (report, since)
}
