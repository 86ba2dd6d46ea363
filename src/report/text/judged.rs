//! What was judged, metric by metric and limit by limit, as every format shows it. Not here: why
//! (`reasons`).

use super::{ABSENT, plain, size, title, value};
use crate::config::Lang;
use crate::judge::limits::LimitState;
use crate::judge::{Judgement, Mode};
use crate::metric::Class;
use crate::report::contract::Word;
use crate::report::labels::labels;
use crate::report::{BoundSide, LimitReport, MetricReport, Report, WorkloadReport};
use crate::verdict::Verdict;

/// `improved`..., or why there is no judgement.
pub const fn judgement(workload: &WorkloadReport, metric: &MetricReport) -> Word {
    match metric.judgement {
        Some(judgement) => Word::Judgement(judgement),
        None if metric.candidate.is_none() => Word::Judgement(Judgement::Unmeasured),
        None if workload.verdict.is_none() => Word::Measured,
        None => Word::NotJudged,
    }
}

/// As tables show it: what is accepted stays what it is, and is said to be accepted.
pub fn judged(workload: &WorkloadReport, metric: &MetricReport) -> Vec<Word> {
    let accepted = metric.accepted.as_ref().map(|_| Word::Accepted);
    [judgement(workload, metric)].into_iter().chain(accepted).collect()
}

/// It has a value that says nothing, such as an INVALID measurement's.
pub fn unjudged(limit: &LimitReport) -> bool {
    limit.state == LimitState::NotMeasured && limit.value.is_some()
}

/// `p95 TTFT at most 500 ms`.
pub fn limit(limit: &LimitReport, lang: Lang) -> String {
    let (metric, edge) = (title(&limit.metric), value(&limit.unit, Some(limit.limit)));
    match (lang, limit.bound) {
        (Lang::En, BoundSide::Max) => format!("{metric} at most {edge}"),
        (Lang::En, BoundSide::Min) => format!("{metric} at least {edge}"),
        (Lang::Ko, BoundSide::Max) => format!("{metric} {edge} 이하"),
        (Lang::Ko, BoundSide::Min) => format!("{metric} {edge} 이상"),
    }
}

pub fn limit_interval(limit: &LimitReport, lang: Lang) -> String {
    let Some((low, high)) = limit.interval_low.zip(limit.interval_high) else {
        return ABSENT.into();
    };
    let to = if lang == Lang::En { "to" } else { "~" };
    format!("{} {to} {}", value(&limit.unit, Some(low)), value(&limit.unit, Some(high)))
}

/// As tables show it.
pub fn state(limit: &LimitReport) -> Vec<Word> {
    let accepted = limit.accepted.as_ref().map(|_| Word::Accepted);
    let state = if unjudged(limit) { Word::NotJudged } else { Word::Limit(limit.state) };
    [state].into_iter().chain(accepted).collect()
}

/// Breached, and not accepted.
pub fn breached(limit: &LimitReport) -> bool {
    limit.state == LimitState::Breached && limit.accepted.is_none()
}

/// Whether anything regressed or breaches a limit that is not accepted already.
pub fn worse(report: &Report) -> bool {
    report.workloads.iter().any(|w| {
        w.limits.iter().any(breached)
            || w.metrics.iter().any(MetricReport::is_unaccepted_regression)
    })
}

/// Whether it was measured well enough to become the new normal.
pub const fn could_be_normal(report: &Report) -> bool {
    match report.verdict {
        Some(Verdict::Invalid | Verdict::Incomplete | Verdict::Blind) | None => false,
        Some(_) => true,
    }
}

/// At which two-sided levels a workload's intervals are
/// (docs/METHODOLOGY.md#levels); none without an interval.
pub fn levels(w: &WorkloadReport, lang: Lang) -> Option<String> {
    let change =
        w.comparison.as_ref().filter(|_| w.metrics.iter().any(|m| m.interval_low_ratio.is_some()));
    let change = change.map(|c| {
        let shares = if c.mode == Mode::Interleaved { c.most_looks } else { c.looks };
        let bound = match shares {
            0 | 1 => "90 %",
            2 => "95 %",
            3 => "96.7 %",
            _ => "97.5 %",
        };
        match lang {
            Lang::En => format!(
                "of a change at the level that a FAIL needs, 99.7 % or more; of an unchanged primary metric at {bound}, and its worse end is what a PASS proves"
            ),
            Lang::Ko => format!(
                "변화는 FAIL에 필요한 수준(99.7 % 이상); 변화 없음으로 판정된 주요 지표는 {bound}, 나쁜 쪽 끝이 PASS가 입증하는 경계"
            ),
        }
    });
    let limit = w.limits.iter().any(|l| l.interval_low.is_some()).then(|| match lang {
        Lang::En => "of a limit at 95 %".to_owned(),
        Lang::Ko => "한도는 95 %".to_owned(),
    });
    let all: Vec<String> = change.into_iter().chain(limit).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// Smallest change that this run would have seen in 95 % of cases, by primary metric.
pub fn detectable(w: &WorkloadReport, lang: Lang) -> Option<String> {
    let of = |m: &MetricReport| {
        Some(format!(
            "{} {}",
            title(&m.metric),
            size(&m.unit, Some(m.smallest_visible_change_ratio?))
        ))
    };
    let all: Vec<String> =
        w.metrics.iter().filter(|m| m.class == Class::Primary).filter_map(of).collect();
    let label = match lang {
        Lang::En => "smallest detectable change",
        Lang::Ko => "최소 감지 변화",
    };
    (!all.is_empty()).then(|| format!("{label}: {}", all.join(", ")))
}

/// What got no clear judgement, by reason. Where nothing at all was compared, the verdict's own
/// reason stands for all; a limit that a reason or a warning names already is not repeated. In the
/// reader's language.
pub fn not_judged(w: &WorkloadReport, lang: Lang) -> Vec<(String, Vec<String>)> {
    let compared = w.metrics.iter().any(|m| m.judgement.is_some());
    let open = |m: &&MetricReport| {
        compared
            && matches!(m.judgement, None | Some(Judgement::Inconclusive | Judgement::Unmeasured))
    };
    let metrics = w
        .metrics
        .iter()
        .filter(open)
        .map(|m| (title(&m.metric), m.reason.as_deref().unwrap_or(judgement(w, m).english())));
    let said =
        |l: &LimitReport| w.reasons.iter().chain(&w.warnings).any(|r| r.ends_with(&l.reason));
    let limits = w
        .limits
        .iter()
        .filter(|l| matches!(l.state, LimitState::Open | LimitState::NotMeasured) && !said(l));
    let mut by_reason: Vec<(String, Vec<String>)> = Vec::new();
    for (what, why) in metrics.chain(
        limits.map(|l| (format!("{} {}", labels(lang).limit, limit(l, lang)), l.reason.as_str())),
    ) {
        let why = plain(&w.codes.say(lang, why));
        match by_reason.iter_mut().find(|(seen, _)| *seen == why) {
            Some((_, all)) => all.push(what),
            None => by_reason.push((why, vec![what])),
        }
    }
    by_reason
}
