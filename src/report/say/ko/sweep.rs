//! What a sweep comes to in Korean. Not here: what it holds (`report::sweep::bend`).

use crate::config::Axis;
use crate::report::sweep::SweepReport;
use crate::report::sweep::bend::{Bend, BendText, Tail, growth, invalid};
use crate::report::text;

pub const WORDS: BendText = BendText {
    at,
    most: |title, value, at| format!("{title}: 최대 {value} ({at})"),
    least: |title, value, at| format!("{title}: 최소 {value} ({at})"),
    errors: |share, at| format!("오류: {} (가장 높은 수준, {at})", share.unwrap_or("측정 안 됨")),
    bend,
};

fn at(axis: Axis, level: f64) -> String {
    match axis {
        Axis::Concurrency => format!("동시 요청 {level}개"),
        Axis::Rate => format!("{level}/s"),
    }
}

fn bend(sweep: &SweepReport, bend: &Bend) -> String {
    let (axis, curve) = (sweep.axis, text::title(&sweep.curve));
    let bend = match bend {
        Bend::Knee { near, next, from, to, tail } => {
            let tail = tail.as_ref().map_or_else(String::new, |Tail { statistic, times }| {
                format!(", TTFT {statistic} {times:.1}배")
            });
            format!(
                "knee: {} 부근; {next}에서 {curve} {}{tail}",
                at(axis, *near),
                grown(*from, *to)
            )
        }
        Bend::NoKnee { up_to } => {
            format!("{}까지 knee 없음: {curve} 곡선이 꺾이지 않음", at(axis, *up_to))
        }
        Bend::CurveUnmeasured => format!("knee 없음: {curve} 값이 없는 수준이 있음"),
        Bend::TooFewLevels { needed } => format!("knee 없음: 수준 {needed}개 필요"),
    };
    bend + &left_out(&invalid(sweep))
}

fn left_out(levels: &[f64]) -> String {
    let all: Vec<String> = levels.iter().map(f64::to_string).collect();
    if all.is_empty() {
        String::new()
    } else {
        format!("; INVALID라서 곡선에서 제외: {}", all.join(", "))
    }
}

fn grown(from: f64, to: f64) -> String {
    match growth(from, to) {
        None => format!("{} 대신 {}", text::number(Some(from)), text::number(Some(to))),
        Some(share) => {
            format!("{:.0} % {}", share.abs(), if share < 0.0 { "낮음" } else { "높음" })
        }
    }
}

/// The levels that are INVALID, for a headline.
pub fn invalid_levels(levels: &[f64], axis: Axis) -> String {
    let all: Vec<String> = levels.iter().map(f64::to_string).collect();
    match axis {
        Axis::Concurrency => format!("동시 요청 {}개에서 INVALID", all.join(", ")),
        Axis::Rate => format!("{}/s에서 INVALID", all.join(", ")),
    }
}
