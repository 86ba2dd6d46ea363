//! The verdict and its reasons in Korean. Not here: what they hold (`verdict::reason`,
//! `report::headline`).

use super::judge::{limit, measured, terms};
use super::{compare, differences, judge, measure, server, sweep};
use crate::accept::Excusable;
use crate::config::Lang;
use crate::metric::Metric;
use crate::report::headline::{
    ALSO, Direction, Headline, SweptFamily, Why, bound, bounds, direction, proof, size,
};
use crate::verdict::{Reason, Verdict};

pub fn headline(headline: &Headline) -> String {
    match headline {
        Headline::Measured { requests } => format!("요청 {requests}개 측정, 판정 없음"),
        Headline::Unfit { requests, workload, why } => {
            let workload = workload.as_ref().map_or_else(String::new, |name| format!("{name}: "));
            format!(
                "{}: {workload}{}; 요청 {requests}개 측정, 판정 없음",
                Verdict::Invalid.word(),
                measure::note(why)
            )
        }
        Headline::Saturated { requests, workload, why } => {
            let workload = workload.as_ref().map_or_else(String::new, |name| format!("{name}: "));
            format!("요청 {requests}개 측정, 판정 없음; {workload}{}", measure::note(why))
        }
        Headline::Found { capacity, because } => {
            let because = because.as_ref().map_or_else(String::new, server::because);
            super::capacity::capacity(capacity) + &because
        }
        Headline::CouldNotMeasure { why } => {
            format!("{}: 측정하지 못함: {why}", Verdict::Invalid.word())
        }
        Headline::Swept { requests, sweeps } => {
            let invalid = sweeps.iter().any(|s| !s.invalid.is_empty());
            let word =
                if invalid { format!("{}: ", Verdict::Invalid.word()) } else { String::new() };
            let measured = format!("요청 {requests}개 측정, 판정 없음");
            let parts: Vec<String> = sweeps.iter().filter_map(swept).chain([measured]).collect();
            format!("{word}{}", parts.join("; "))
        }
        Headline::PassedWithAccepted { accepted, first } => {
            let more =
                if *accepted > 1 { format!("; 외 {}건", accepted - 1) } else { String::new() };
            format!(
                "{} (수용된 성능 저하 {accepted}건): {}{more}",
                Verdict::Passed.word(),
                reason(first)
            )
        }
        Headline::Verdict { verdict, workload, why } => {
            let workload = workload.as_ref().map_or_else(String::new, |name| format!(": {name}"));
            let why = why.as_ref().map_or_else(String::new, |why| format!(": {}", self::why(why)));
            format!("{}{workload}{why}", verdict.word())
        }
    }
}

fn swept(sweep: &SweptFamily) -> Option<String> {
    let SweptFamily { family, axis, invalid, highest } = sweep;
    let invalid = (!invalid.is_empty()).then(|| sweep::invalid_levels(invalid, *axis));
    let highest = highest.map(|highest| highest.say(Lang::Ko));
    let parts: Vec<String> = invalid.into_iter().chain(highest).collect();
    (!parts.is_empty()).then(|| format!("{family}: {}", parts.join(", ")))
}

fn why(why: &Why) -> String {
    match why {
        Why::NoSlowdown(margins) => match &margins[..] {
            [one] => format!("성능 저하 없음 (입증: {} 미만)", bound(one)),
            _ => format!(
                "성능 저하 없음 (입증: {})",
                bounds(margins, |names, bound| format!("{names} {bound} 미만")).join("; ")
            ),
        },
        Why::Slower(first, also) => {
            let change = first.change.unwrap_or(f64::NAN);
            let how = match direction(first.metric, change) {
                Direction::Longer => "길어짐",
                Direction::Shorter => "짧아짐",
                Direction::Higher => "높아짐",
                Direction::Lower => "낮아짐",
            };
            let size = size(first.metric, change);
            format!(
                "{}: 기준선보다 {size} {how}{}{}",
                first.metric.title(),
                proof(first, " ~ ").replace("over +1000 %", "+1000 % 초과"),
                also_worse(also)
            )
        }
        Why::Breached(breach, also) => format!("{}{}", limit(breach), also_worse(also)),
        Why::Reason(reason) => self::reason(reason),
    }
}

fn also_worse(also: &[(Metric, f64)]) -> String {
    let (first, rest) = also.split_at(also.len().min(ALSO));
    let named: Vec<String> = first
        .iter()
        .map(|(metric, change)| format!("{} {}", metric.title(), size(*metric, *change)))
        .collect();
    let more = if rest.is_empty() { String::new() } else { format!(" 외 {}개", rest.len()) };
    if named.is_empty() {
        String::new()
    } else {
        format!("; 함께 나빠짐: {}{more}", named.join(", "))
    }
}

pub fn reason(reason: &Reason) -> String {
    match reason {
        Reason::OpenLimitFails => "입증되지 않은 한도가 있고 on_limit_open이 fail".into(),
        Reason::Incomparable { differences: all } => {
            format!("기준선이 있으나 다른 조건의 것: {}", differences(all))
        }
        Reason::Accepted { found, terms: until } => {
            let found = match found {
                Excusable::Limit(breach) => limit(breach),
                Excusable::Change(change) => measured(change),
            };
            format!("{found}; {}", terms(until))
        }
        Reason::AttemptLost { created } => format!(
            "앞선 시도가 불합격했으나({created}) 그 측정 기록을 찾을 수 없음: 기록 없이는 다른 시도로 FAIL을 뒤집을 수 없음; 코드가 바뀌면 새로 시작"
        ),
        Reason::OfBaseline { why } => format!("기준선: {}", measure::note(why)),
        Reason::Judge(reason) => judge::reason(reason),
        Reason::Measurement(note) => measure::note(note),
        Reason::Compare(reason) => compare::reason(reason),
        Reason::Text(text) => text.clone(),
    }
}
