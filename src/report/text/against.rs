//! What a candidate was compared with, and how. Not here: which sessions count (`compare`).

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{count, duration, plain, short};
use crate::config::Lang;
use crate::judge::Mode;
use crate::report::{BaselineReport, ComparisonReport, WorkloadReport};

/// How the comparison was made, and what it cost.
pub fn comparison(c: &ComparisonReport, lang: Lang) -> String {
    let (looks, most) = (u64::from(c.looks.saturating_sub(c.earlier_looks)), c.most_looks);
    let beside = c.beside.as_deref().map(|beside| side(&plain(beside), lang));
    let how = match (lang, beside, c.mode) {
        (Lang::En, Some(beside), _) => format!(
            "interleaved with {beside} in this job; {} of at most {most} judged",
            count(looks, "start pair", "start pairs")
        ),
        (Lang::En, None, Mode::Interleaved) => {
            format!("interleaved; {} judged", count(looks, "start pair", "start pairs"))
        }
        (Lang::En, None, _) => format!(
            "against sessions of other days; {} of at most {most} judged",
            count(looks, "job", "jobs")
        ),
        (Lang::Ko, Some(beside), _) => {
            format!(
                "이 작업에서 교차 측정한 상대: {beside}; 시작 쌍 {looks}개로 판정 (최대 {most}개)"
            )
        }
        (Lang::Ko, None, Mode::Interleaved) => format!("교차 측정; 시작 쌍 {looks}개로 판정"),
        (Lang::Ko, None, _) => {
            format!("다른 날의 세션과 비교; 작업 {looks}개로 판정 (최대 {most}개)")
        }
    };
    let noise = match (lang, c.history_sessions) {
        (Lang::En, 0) => "noise from this run alone".to_owned(),
        (Lang::En, n) => {
            format!("noise from {}", count(u64::from(n), "earlier session", "earlier sessions"))
        }
        (Lang::Ko, 0) => "노이즈는 이 실행만으로 추정".to_owned(),
        (Lang::Ko, n) => format!("노이즈는 이전 세션 {n}개로 추정"),
    };
    let earlier = match (lang, c.earlier_looks) {
        (_, 0) => String::new(),
        (Lang::En, n) => format!(", with {n} of earlier attempts"),
        (Lang::Ko, n) => format!(", 앞선 시도의 {n}개와 함께"),
    };
    format!("{how}{earlier}; {noise}; {}", duration(c.minutes * 60.0))
}

/// What the baseline is, as records hold it: `merge base with origin/main`. Names are as they are.
fn side(stored: &str, lang: Lang) -> String {
    let korean = || {
        if let Some(whose) = stored.strip_prefix("the target of ") {
            return Some(format!("{whose}의 target"));
        }
        if let Some(name) = stored.strip_prefix("merge base with ") {
            return Some(format!("{name}와의 merge base"));
        }
        let (commit, rest) = stored.strip_suffix(')')?.split_once(" (")?;
        Some(format!("{commit} ({})", side(rest, lang)))
    };
    let translated = if lang == Lang::Ko { korean() } else { None };
    translated.unwrap_or_else(|| stored.to_owned())
}

/// What the candidate was compared with.
/// `created`: when the candidate was measured; the age is reckoned from it, never from a clock.
pub fn baseline(baseline: &BaselineReport, created: &str, lang: Lang) -> String {
    let nearest = baseline.commit.as_ref().map(|commit| match lang {
        Lang::En => format!(", nearest {}", short(commit)),
        Lang::Ko => format!(", 가장 가까운 것 {}", short(commit)),
    });
    let dated = baseline.commit_date.as_ref().map(|date| {
        let day = plain(date).split('T').next().unwrap_or_default().to_owned();
        let age = age_days(date, created);
        match lang {
            Lang::En => {
                let age = age.map(|days| format!(", {} old", count(days, "day", "days")));
                format!(" of {day}{}", age.unwrap_or_default())
            }
            Lang::Ko => {
                format!(" ({day}{})", age.map(|days| format!(", {days}일 전")).unwrap_or_default())
            }
        }
    });
    let from = baseline.found_from.as_deref().map(|from| side(&plain(from), lang));
    let distance = baseline.distance_commits.map(|steps| match (lang, steps, from) {
        (Lang::En, 0, None) => " (this commit)".to_owned(),
        (Lang::Ko, 0, None) => " (이 커밋)".to_owned(),
        (_, 0, Some(from)) => format!(" ({from})"),
        (Lang::En, _, None) => {
            format!(" ({} back)", count(u64::from(steps), "commit", "commits"))
        }
        (Lang::En, _, Some(from)) => {
            format!(" ({} before the {from})", count(u64::from(steps), "commit", "commits"))
        }
        (Lang::Ko, _, None) => format!(" ({steps}커밋 이전)"),
        (Lang::Ko, _, Some(from)) => format!(" ({from} 기준 {steps}커밋 이전)"),
    });
    let sessions = match lang {
        Lang::En => count(u64::from(baseline.sessions), "session", "sessions"),
        Lang::Ko => format!("세션 {}개", baseline.sessions),
    };
    let skipped = baseline.skipped.iter().map(|why| match lang {
        Lang::En => format!("; nearer, but left out: {}", plain(why)),
        Lang::Ko => format!("; 더 가깝지만 제외: {}", plain(why)),
    });
    [Some(sessions), nearest, dated, distance].into_iter().flatten().chain(skipped).collect()
}

/// Whole days between two instants.
pub fn age_days(from: &str, to: &str) -> Option<u64> {
    let instant = |text| OffsetDateTime::parse(text, &Rfc3339).ok();
    u64::try_from((instant(to)? - instant(from)?).whole_days()).ok()
}

/// `3 more baseline sessions are needed for a full judgement`.
/// Absent where a reason says so already.
pub fn sessions_needed(w: &WorkloadReport, lang: Lang) -> Option<String> {
    let needed = w.baseline.as_ref()?.sessions_needed.filter(|n| *n > 0)?;
    if w.reasons.iter().any(|r| r.contains("more baseline session")) {
        return None;
    }
    Some(match (lang, needed) {
        (Lang::En, 1) => "1 more baseline session is needed for a full judgement".to_owned(),
        (Lang::En, n) => format!("{n} more baseline sessions are needed for a full judgement"),
        (Lang::Ko, n) => format!("완전한 판정까지 기준선 세션 {n}개 더 필요"),
    })
}
