//! The load, and how well the client kept up with it. Not here: what the server made of it.

use super::{count, duration, excerpt, outcome, plain, value};
use crate::config::{Lang, Tier};
use crate::record::{ErrorCount, LoadDetail};
use crate::report::WorkloadReport;
use crate::report::labels::labels;

/// How much load, in one line.
pub fn load(w: &WorkloadReport, lang: Lang) -> String {
    let load = &w.load;
    let (input, output) = (load.input_tokens, load.output_tokens);
    let (time, protocol) = (duration(w.duration_s), &load.protocol);
    let counted = w.counted.as_ref().map(|c| (plain(&c.by), c.input_tokens_mean));
    match lang {
        Lang::En => {
            let most =
                load.max_in_flight.map_or_else(String::new, |n| format!(", at most {n} in flight"));
            let counted = counted
                .map_or_else(String::new, |(by, mean)| format!("; the {by} counted {mean:.0}"));
            let each = load
                .requests_per_round
                .map_or_else(String::new, |n| format!("{n} requests each, "));
            let forced = if load.length_forced { " (forced)" } else { "" };
            let streaming = if load.streaming { "" } else { ", not streaming" };
            format!(
                "{}{most}{}; {} over {}, {each}{time}; {input} input (nominal{counted}), {output} output tokens{forced}; {protocol}{streaming}",
                load.arrival,
                detail(&load.detail, lang),
                count(u64::from(w.rounds), "round", "rounds"),
                count(u64::from(w.starts), "server start", "server starts"),
            )
        }
        Lang::Ko => {
            let most =
                load.max_in_flight.map_or_else(String::new, |n| format!(", 동시 요청 최대 {n}개"));
            let counted = counted.map_or_else(String::new, |(by, mean)| {
                let by = match by.as_str() {
                    "server" => "서버",
                    "tokenizer" => "토크나이저",
                    "tool" => "도구",
                    other => other,
                };
                format!("; {by} 집계 {mean:.0}")
            });
            let each = load
                .requests_per_round
                .map_or_else(String::new, |n| format!("라운드당 요청 {n}개, "));
            let forced = if load.length_forced { " (고정)" } else { "" };
            let streaming = if load.streaming { "" } else { ", 스트리밍 아님" };
            format!(
                "{}{most}{}; 서버 시작 {}회, 라운드 {}개, {each}{time}; 입력 {input}토큰 (공칭{counted}), 출력 {output}토큰{forced}; {protocol}{streaming}",
                arrival(&load.arrival, lang),
                detail(&load.detail, lang),
                w.starts,
                w.rounds,
            )
        }
    }
}

/// How requests arrive. Records hold it in English, in the forms of `record::facts::arrival`; other
/// tools' own words are as they are.
pub fn arrival(stored: &str, lang: Lang) -> String {
    if lang == Lang::En {
        return stored.to_owned();
    }
    let korean = || {
        let (first, last) = stored.split_once(", ").unwrap_or((stored, ""));
        let between = last.strip_suffix(" s between turns");
        if let Some(n) = last.strip_suffix(" in flight") {
            return Some(format!("{first}, 동시 요청 {n}개"));
        }
        if let Some(n) = last.strip_suffix(" times as fast") {
            return Some(format!("트레이스, {n}배속"));
        }
        if let Some(n) = first.strip_suffix(" sessions at a time") {
            return Some(format!("동시 대화 {n}개, 턴 사이 {} s", between?));
        }
        if let Some(rate) = first.strip_prefix("sessions at Poisson ") {
            return Some(format!("대화 시작 Poisson {rate}, 턴 사이 {} s", between?));
        }
        let (from, to) = stored.strip_prefix("ramp ")?.split_once(" to ")?;
        Some(format!("ramp {from} ~ {to}"))
    };
    korean().unwrap_or_else(|| stored.to_owned())
}

/// What only some loads have, each led by a comma.
fn detail(detail: &LoadDetail, lang: Lang) -> String {
    let prompts = match (lang, &detail.prompts, detail.turns) {
        (Lang::Ko, Some(_), Some(turns)) => Some(format!("{turns}턴 대화")),
        (Lang::Ko, Some(stored), None) if stored == "requests of a dataset" => {
            Some("데이터셋의 요청".to_owned())
        }
        (_, stored, _) => stored.clone(),
    };
    let tier = detail.tier.map(|tier| match (lang, tier, detail.cache_reset) {
        (Lang::En, Tier::Cold, Some(true)) => {
            "cold: unique prompts, prefix cache emptied before each round"
        }
        (Lang::En, Tier::Cold, _) => "cold: unique prompts",
        (Lang::En, Tier::Warm, _) => "warm: the shared prefix is in the prefix cache",
        (Lang::Ko, Tier::Cold, Some(true)) => {
            "cold: 모두 다른 프롬프트, 라운드마다 먼저 prefix 캐시를 비움"
        }
        (Lang::Ko, Tier::Cold, _) => "cold: 모두 다른 프롬프트",
        (Lang::Ko, Tier::Warm, _) => "warm: 공유 prefix가 prefix 캐시에 있음",
    });
    let parts = prompts.iter().map(String::as_str).chain(tier);
    parts.fold(String::new(), |all, part| all + ", " + part)
}

/// Completed of scheduled requests, and what the missing ones mean.
pub fn completed(w: &WorkloadReport, lang: Lang) -> String {
    let (done, all) = (w.completed, w.requests);
    let missing = all.saturating_sub(done);
    match (lang, missing) {
        (Lang::En, 0) => format!("{done} of {all} completed"),
        (Lang::En, _) => format!(
            "{done} of {all} completed; {missing} are missing from latencies and count against goodput, SLO attainment and error rate"
        ),
        (Lang::Ko, 0) => format!("{all}개 중 {done}개 완료"),
        (Lang::Ko, _) => format!(
            "{all}개 중 {done}개 완료; {missing}개는 지연 시간에서 제외되고 goodput, SLO 달성률, 오류율에서는 실패로 집계"
        ),
    }
}

/// Evidence that the client was not the bottleneck.
pub fn client(w: &WorkloadReport, lang: Lang) -> String {
    let c = &w.client;
    let absent = || labels(lang).unmeasured.to_owned();
    let shown = |x: Option<f64>| x.map_or_else(absent, |x| value("ms", Some(x)));
    let (send, event_loop) = (shown(c.own_lag_p99_ms), shown(c.loop_lag_p99_ms));
    let busy = c.busiest_worker_ratio.map_or_else(absent, |x| format!("{:.0} %", x * 100.0));
    let reuse = c.connections_opened.zip(c.retries);
    match lang {
        Lang::En => {
            let connections = reuse.map_or_else(String::new, |(opened, retries)| {
                format!(
                    "; {}, {}",
                    count(opened, "connection opened", "connections opened"),
                    count(retries, "retry", "retries")
                )
            });
            format!(
                "send lag p99 {send}, event-loop lag p99 {event_loop}, busiest worker {busy}{connections} (worst round)"
            )
        }
        Lang::Ko => {
            let connections = reuse.map_or_else(String::new, |(opened, retries)| {
                format!("; 연결 {opened}개 생성, 재시도 {retries}회")
            });
            format!(
                "전송 지연 p99 {send}, 이벤트 루프 지연 p99 {event_loop}, 가장 바쁜 워커 {busy}{connections} (최악의 라운드)"
            )
        }
    }
}

/// `http_status 429: 12 (rate limit exceeded)`.
pub fn error(error: &ErrorCount, lang: Lang) -> String {
    let example = error.example.as_ref().map(|e| excerpt(e)).filter(|e| !e.is_empty());
    let what = format!("{}: {}", outcome(&error.kind, lang), error.count);
    example.map_or_else(|| what.clone(), |example| format!("{what} ({example})"))
}
