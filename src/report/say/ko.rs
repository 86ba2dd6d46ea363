//! Korean. The first sentence that fits a text is taken: particular ones stand before general ones.
//! Notes end in nouns, as Korean tools write them, so that no particle has to agree with a name.

mod accepted;
pub mod advice;
mod compare;
pub mod contract;
mod evidence;
pub mod gpu;
mod judge;
mod measure;
mod judged;
mod policy;
pub mod ranking;
pub mod server;
pub mod sweep;
mod several;
mod verdict;

use super::Sentence;
use crate::fingerprint::Difference;
use crate::judge::text::joined;
use crate::report::codes;

/// A sentence that has a code.
pub fn sentence(sentence: &codes::Sentence) -> String {
    match sentence {
        codes::Sentence::Headline(headline) => verdict::headline(headline),
        codes::Sentence::Metric(reason) => judge::metric(reason),
        codes::Sentence::Meanwhile(meanwhile) => server::meanwhile(meanwhile),
        codes::Sentence::Ranking(note) => ranking::note(note),
        codes::Sentence::Reason(reason) => verdict::reason(reason),
    }
}

/// Names and values, which are no sentences.
fn differences(all: &[Difference]) -> String {
    joined(all)
}

/// In the order in which they are tried: what is accepted has a sentence of its own in it, and
/// general forms come last.
pub const SENTENCES: [&[Sentence]; 7] = [
    accepted::SENTENCES,
    several::SENTENCES,
    VERDICT,
    judged::SENTENCES,
    policy::SENTENCES,
    evidence::SENTENCES,
    GENERAL,
];

const VERDICT: &[Sentence] = &[
    // The verdict, and what it comes to.
    ("PASS: {A}", "PASS: {A}"),
    ("FAIL: {A}", "FAIL: {A}"),
    ("INCONCLUSIVE: {A}", "INCONCLUSIVE: {A}"),
    ("INCOMPLETE: {A}", "INCOMPLETE: {A}"),
    ("BLIND: {A}", "BLIND: {A}"),
    ("INCOMPARABLE: {A}", "INCOMPARABLE: {A}"),
    ("NO BASELINE: {A}", "NO BASELINE: {A}"),
    ("INVALID: {A}", "INVALID: {A}"),
    ("could not measure: {a}", "측정하지 못함: {a}"),
    ("measured {n} requests, nothing judged", "요청 {n}개 측정, 판정 없음"),
    ("worst of {n} records", "레코드 {n}개 중 최악"),
    (
        "{L} is less than {q} worse than the baseline's, proven",
        "{L}: 기준선 대비 저하가 {q} 미만임을 입증",
    ),
    ("{A}; also worse: {L}", "{A}; 함께 나빠짐: {L}"),
    ("{a} is {q} longer than the baseline's ({C})", "{a}: 기준선보다 {q} 길어짐 ({C})"),
    ("{a} is {q} shorter than the baseline's ({C})", "{a}: 기준선보다 {q} 짧아짐 ({C})"),
    ("{a} is {q} lower than the baseline's ({C})", "{a}: 기준선보다 {q} 낮아짐 ({C})"),
    ("{a} is {q} longer than the baseline's", "{a}: 기준선보다 {q} 길어짐"),
    ("{a} is {q} shorter than the baseline's", "{a}: 기준선보다 {q} 짧아짐"),
    ("{a} is {q} lower than the baseline's", "{a}: 기준선보다 {q} 낮아짐"),
    // Numbers.
    ("over {q}", "{q} 초과"),
    ("{q} to {r}", "{q} ~ {r}"),
    ("at most {q}", "{q} 이하"),
    ("at least {q}", "{q} 이상"),
    ("{w} at most {q}", "{w} {q} 이하"),
    ("{w} at least {q}", "{w} {q} 이상"),
    ("limit {w} max", "한도 {w} max"),
    ("limit {w} min", "한도 {w} min"),
    // Judgements and states of limits.
    // Labels and headings.
    ("{a} (output tokens of each request by its E2E)", "{a} (요청별 출력 토큰 수 / E2E)"),
    (
        "of a change two-sided at the level that a FAIL needs, 99.6 % or more (a PASS's bound is one-sided at {q}, so it may lie within)",
        "변화는 FAIL에 필요한 수준(양측 99.6 % 이상); PASS의 경계는 단측 {q} 기준이므로 이 구간 안에 들 수 있음",
    ),
    ("of a limit at {q}", "한도는 {q}"),
    ("{a} is {q} longer", "{a} {q} 길어짐"),
    ("{a} is {q} shorter", "{a} {q} 짧아짐"),
    ("{a} is {q} higher", "{a} {q} 높아짐"),
    ("{a} is {q} lower", "{a} {q} 낮아짐"),
    ("{w} with uncommitted changes", "{w}, 커밋되지 않은 변경 있음"),
    // A comment on several records.
    ("is the worst of {n} records.", "레코드 {n}개 중 최악의 판정입니다."),
    ("Record {n} of {m}", "레코드 {n}/{m}"),
    ("{n} record[s] more are not shown.", "나머지 레코드 {n}개는 생략했습니다."),
    // Load, requests, client.
    ("closed loop", "closed loop"),
    ("{n} in flight", "동시 요청 {n}개"),
    ("at most {n} in flight", "동시 요청 최대 {n}개"),
    ("ramp {q} to {r}", "ramp {q} ~ {r}"),
    ("{n} round[s] over {m} server start[s]", "서버 시작 {m}회, 라운드 {n}개"),
    ("{n} requests each", "라운드당 요청 {n}개"),
    ("{n} input (nominal)", "입력 {n}토큰 (공칭)"),
    (
        "{A}; {n} input (nominal; the server counted {m}), {B}",
        "{A}; 입력 {n}토큰 (공칭; 서버 집계 {m}), {B}",
    ),
    (
        "{A}; {n} input (nominal; the tokenizer counted {m}), {B}",
        "{A}; 입력 {n}토큰 (공칭; 토크나이저 집계 {m}), {B}",
    ),
    (
        "{A}; {n} input (nominal; the tool counted {m}), {B}",
        "{A}; 입력 {n}토큰 (공칭; 도구 집계 {m}), {B}",
    ),
    ("{n} output tokens (forced)", "출력 {n}토큰 (고정)"),
    ("{n} output tokens", "출력 {n}토큰"),
    ("not streaming", "스트리밍 아님"),
    ("conversations of {n} turns", "{n}턴 대화"),
    ("requests of a dataset", "데이터셋의 요청"),
    ("trace, {n} times as fast", "트레이스, {n}배속"),
    ("{n} sessions at a time, {m} s between turns", "동시 대화 {n}개, 턴 사이 {m} s"),
    ("sessions at Poisson {w}, {n} s between turns", "대화 시작 Poisson {w}, 턴 사이 {n} s"),
    ("cold: unique prompts", "cold: 모두 다른 프롬프트"),
    ("prefix cache emptied before each round", "라운드마다 먼저 prefix 캐시를 비움"),
    ("warm: the shared prefix is in the prefix cache", "warm: 공유 prefix가 prefix 캐시에 있음"),
    ("ready after {a} (spread {q})", "준비까지 {a} (편차 {q})"),
    ("ready after {a}", "준비까지 {a}"),
    ("{n} of {m} completed", "{m}개 중 {n}개 완료"),
    (
        "{n} are missing from latencies and count against goodput, SLO attainment and error rate",
        "{n}개는 지연 시간에서 제외되고 goodput, SLO 달성률, 오류율에서는 실패로 집계",
    ),
    ("unmeasured", "측정 안 됨"),
    ("{A} (worst round)", "{A} (최악의 라운드)"),
    ("send lag p99 {A}", "전송 지연 p99 {A}"),
    ("event-loop lag p99 {A}", "이벤트 루프 지연 p99 {A}"),
    ("busiest worker {A}", "가장 바쁜 워커 {A}"),
    ("{n} connection[s] opened", "연결 {n}개 생성"),
    ("{n} retry", "재시도 {n}회"),
    ("{n} retries", "재시도 {n}회"),
    (
        "{L} need[s] {n} completed requests per round after the ramp",
        "{L}: 램프 이후 라운드당 완료 요청 {n}개 필요",
    ),
    ("{L} need[s] {n} completed requests after the ramp", "{L}: 램프 이후 완료 요청 {n}개 필요"),
    ("{L} need[s] {n}", "{L}: {n}개 필요"),
    ("smallest detectable change: {A}", "최소 감지 변화: {A}"),
    (
        "{n} (INCONCLUSIVE is let through by gate.{w}: warn)",
        "{n} (gate.{w}: warn 설정으로 INCONCLUSIVE 허용)",
    ),
    ("{n} (BLIND is let through by gate.{w}: warn)", "{n} (gate.{w}: warn 설정으로 BLIND 허용)"),
    ("{n} ({A})", "{n} ({A})"),
    ("{b} is let through by gate.{w}: warn", "gate.{w}: warn 설정으로 {b} 허용"),
];

const GENERAL: &[Sentence] = &[
    ("{a} was not measured", "{a} 측정 안 됨"),
    ("{w} {q} ({r} to {s}): {A}", "{w} {q} ({r} ~ {s}): {A}"),
    ("{w} {q} ({r} to {s})", "{w} {q} ({r} ~ {s})"),
    ("{w} {q}: {A}", "{w} {q}: {A}"),
    ("{w}: {A}", "{w}: {A}"),
    ("{a} by {q}", "{a} {q}"),
    ("{w} {n} points", "{w} {n} pp"),
];
