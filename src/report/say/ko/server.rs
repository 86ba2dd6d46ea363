//! What the server's own metrics say in Korean. Not here: what counts as a change
//! (`evidence::server::why`), its numbers (`report::server`).

use crate::evidence::server::Fact;
use crate::evidence::server::why::{Because, FactChange, Place, value};
use crate::metric::Metric;
use crate::report::headline::{Direction, direction, size};
use crate::report::server::{Meanwhile, Part, ServerReport};
use crate::report::text;

pub fn meanwhile(meanwhile: &Meanwhile) -> String {
    match meanwhile {
        Meanwhile::Explained { metric, change, because } => {
            format!("{}; {}", changed(*metric, *change), self::because(because))
        }
        Meanwhile::TimePerRequest { unsent, first_token, decoding } => {
            let shown = |part: &Part| part.shown("이전");
            let unsent = unsent
                .as_ref()
                .map_or_else(String::new, |part| format!("전송 전 {}, ", shown(part)));
            format!(
                "요청당 평균 시간: {unsent}첫 토큰 {}, 디코딩 {}",
                shown(first_token),
                shown(decoding)
            )
        }
    }
}

/// `TTFT 35 % 길어짐`.
fn changed(metric: Metric, change: f64) -> String {
    let how = match direction(metric, change) {
        Direction::Longer => "길어짐",
        Direction::Shorter => "짧아짐",
        Direction::Higher => "높아짐",
        Direction::Lower => "낮아짐",
    };
    format!("{} {} {how}", metric.title(), size(metric, change))
}

pub fn because(because: &Because) -> String {
    match because {
        Because::Changed { facts, place } => {
            let facts: Vec<String> = facts.iter().map(fact_change).collect();
            format!("동시에 {}: {}", facts.join(", "), self::place(*place))
        }
        Because::StoodStill { fact: own, value: at } => format!(
            "{} {} 그대로: 클라이언트와 서버 사이에서 시간이 더 걸린 것으로 보임",
            fact(*own),
            value(*own, *at)
        ),
        Because::NothingChanged => "서버가 알리는 다른 값은 함께 달라지지 않음".into(),
    }
}

fn fact_change(change: &FactChange) -> String {
    let verb = if change.rose() { "증가" } else { "감소" };
    let mean = if change.is_average() { "(평균)" } else { "" };
    let FactChange { fact, before, after } = *change;
    format!("{} {verb}{mean} {} → {}", self::fact(fact), value(fact, before), value(fact, after))
}

const fn place(place: Place) -> &'static str {
    match place {
        Place::PrefixCache => "prefix 캐시에 있던 프롬프트를 다시 계산하는 것으로 보임",
        Place::FewerDraftsAccepted => {
            "수락되는 draft 토큰이 줄어 스텝마다 나오는 토큰이 적어진 것으로 보임"
        }
        Place::SmallKvCache => "KV 캐시가 모자라 요청이 선점되어 다시 계산되는 것으로 보임",
        Place::Gateway => "게이트웨이에서 시간이 더 걸린 것으로 보임",
        Place::Upstream => "뒤쪽 모델·서버에서 시간이 더 걸린 것으로 보임",
        Place::QueueBeforeFullCache => {
            "KV 캐시가 거의 가득 차 대기열에서 시간이 더 걸린 것으로 보임"
        }
        Place::Queue => "대기열에서 시간이 더 걸린 것으로 보임",
        Place::Prefill => "prefill에서 시간이 더 걸린 것으로 보임",
        Place::PrefillAndDecode => "prefill과 decode 모두에서 시간이 더 걸린 것으로 보임",
        Place::Decode => "decode에서 시간이 더 걸린 것으로 보임",
        Place::FullerKvCache => "KV 캐시가 더 차서 요청이 밀릴 수 있음",
        Place::MoreRequests => "더 많은 요청이 동시에 서버를 나눠 씀",
    }
}

pub const fn fact(fact: Fact) -> &'static str {
    match fact {
        Fact::RunningMean => "실행 중인 요청",
        Fact::RunningMax => "실행 중인 요청, 최대",
        Fact::WaitingMean => "대기 중인 요청",
        Fact::WaitingMax => "대기 중인 요청, 최대",
        Fact::KvUseMean => "KV 캐시 사용률",
        Fact::KvUseMax => "KV 캐시 사용률, 최대",
        Fact::PrefixHits => "prefix 캐시 적중률",
        Fact::Preemptions => "라운드당 선점(preemption)",
        Fact::SpecAccepted => "수락된 draft 토큰",
        Fact::Queue => "대기열 시간",
        Fact::Prefill => "prefill 시간",
        Fact::Decode => "decode 시간",
        Fact::FirstToken => "서버가 잰 TTFT",
        Fact::TokenGap => "서버가 잰 토큰 간 시간",
        Fact::Whole => "서버가 잰 E2E latency",
        Fact::PrefillToken => "토큰당 prefill 시간",
        Fact::Gateway => "게이트웨이 자체 시간",
        Fact::Upstream => "뒤쪽 모델·서버에서의 시간",
        Fact::Finished => "라운드당 서버가 끝낸 요청",
    }
}

pub fn how(server: &ServerReport) -> String {
    let names = server
        .names
        .as_deref()
        .map_or_else(String::new, |names| format!(", {} 형식의 이름", text::plain(names)));
    let failed = if server.failed > 0 {
        format!(", {}회는 읽지 못함", server.failed)
    } else {
        String::new()
    };
    let cpu = server.cpu_ratio.map_or_else(String::new, |share| {
        format!("; 읽는 데 프로세서 하나의 {:.2} % 사용", share * 100.0)
    });
    format!("메트릭 페이지 {}회 읽음{names}{failed}{cpu}", server.samples)
}
