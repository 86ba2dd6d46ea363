//! A regression and a breached limit that somebody has accepted, and drift since the anchor.

use super::{limit_breach, regression};
use crate::report::{AnchorMetricReport, AnchorReport, Report};
use crate::verdict::Verdict;

const WORDS: &str = "until 2026-12-22: new sampler, better answers (by Ada <ada@example.com>)";

pub fn accepted() -> Report {
    let mut report = regression();
    let w = &mut report.workloads[0];
    for m in w.metrics.iter_mut().filter(|m| m.judgement.as_deref() == Some("regressed")) {
        m.accepted = Some(WORDS.into());
        w.accepted.push(format!("{} +8.2 %, {WORDS}", m.metric));
    }
    let mut limits = limit_breach().workloads.remove(0).limits;
    for l in limits.iter_mut().filter(|l| l.state == "breached") {
        l.accepted = Some(WORDS.into());
        w.accepted.push(format!("limit: {}, {WORDS}", l.reason));
    }
    w.limits = limits;
    w.anchor = Some(drift());
    w.warnings = vec![drift().words];
    (w.verdict, report.verdict, report.exit_code) = (Some(Verdict::Passed), Some(Verdict::Passed), 0);
    w.reasons = vec!["proven ttft_geomean less than 10 % worse".into()];
    report.headline = format!("PASS with 3 accepted regressions: {}; and 2 more", w.accepted[0]);
    report.notices =
        vec!["this change brings an acceptance (chat/tpot_geomean) that counts only once it is on the base branch".into()];
    report
}

fn drift() -> AnchorReport {
    let tpot = AnchorMetricReport {
        metric: "tpot_geomean".into(),
        unit: "ms".into(),
        change_ratio: Some(0.061),
        interval_low_ratio: Some(0.04),
        interval_high_ratio: Some(0.082),
        judgement: "regressed".into(),
    };
    AnchorReport {
        name: "v1.2".into(),
        commit: Some("3d1f0c7f1c0f9d1d5e8a7b6c5d4e3f2a1b0c9d8e".into()),
        distance_commits: Some(120),
        sessions: 12,
        state: "worse".into(),
        words: "since the anchor v1.2 (120 commits ago): tpot_geomean +6.1 % (+4.0 % to +8.2 %)".into(),
        metrics: vec![tpot],
    }
}
