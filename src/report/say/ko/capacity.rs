//! The highest load that meets the SLOs, in Korean. Not here: what it is (`report::capacity`).

use crate::config::Axis;
use crate::judge::capacity::{Limit, Refusal};
use crate::report::capacity::{Breaks, Broken, Capacity, level, round};

pub fn capacity(capacity: &Capacity) -> String {
    let name = |load: f64| match (capacity.axis, level(capacity.axis, load)) {
        (Axis::Concurrency, load) => format!("동시 요청 {load}개"),
        (Axis::Rate, load) => format!("{load}/s"),
    };
    let goal = format!("요청의 {} %가 SLO 충족", round(capacity.goal_ratio * 100.0));
    let rounds = capacity.rounds;
    let found = match (&capacity.limit, &capacity.refusal) {
        (Some(Limit { at, low, high }), refusal) => {
            let (low, high) = (level(capacity.axis, *low), level(capacity.axis, *high));
            let open = refusal.as_ref().map_or_else(String::new, |_| {
                let within = round(capacity.within_ratio * 100.0);
                format!(", 라운드 {rounds}개로는 {within} % 이내로 정하지 못함")
            });
            format!("{goal} 기준 한계 {} ({low}~{high}){open}", name(*at))
        }
        (None, Some(Refusal::NoneMeets { lowest, share })) => format!(
            "{goal}: 이를 만족하는 부하 없음, 가장 낮은 {}에서 {:.1} %",
            name(*lowest),
            share * 100.0
        ),
        (None, Some(Refusal::AllMeet { highest })) => {
            format!("한계를 찾지 못함: {}까지 모든 부하에서 {goal}", name(*highest))
        }
        (None, _) => format!("한계를 찾지 못함: 라운드 {rounds}개로는 {goal} 한계를 정할 수 없음"),
    };
    let breaks = capacity.breaks.as_ref().map(|Breaks { what, missed_ratio, at }| {
        let (missed, at) = (missed_ratio * 100.0, name(*at));
        match what {
            Broken::Failures => format!("; 그 위에서는 실패가 먼저: {at}에서 {missed:.1} %"),
            what => format!("; 그 위에서는 {}가 먼저 초과: {at}에서 {missed:.1} %", what.name()),
        }
    });
    found + &breaks.unwrap_or_default()
}
