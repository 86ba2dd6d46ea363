//! Korean. The first sentence that fits a text is taken: particular ones stand before general ones.
//! Notes end in nouns, as Korean tools write them, so that no particle has to agree with a name.

mod accepted;
pub mod advice;
mod compare;
mod evidence;
mod judge;
mod measure;
mod judged;
mod policy;
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
    ("PASS", "통과"),
    ("FAIL", "실패"),
    ("INCONCLUSIVE", "판단 보류"),
    ("INCOMPLETE", "증거 부족"),
    ("BLIND", "감지 불가"),
    ("INCOMPARABLE", "비교 불가"),
    ("NO BASELINE", "기준선 없음"),
    ("INVALID", "측정 무효"),
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
    ("nothing was measured", "측정된 것이 없음"),
    ("worst of {n} records", "레코드 {n}개 중 최악"),
    ("measured by an untrusted job", "신뢰할 수 없는 작업에서 측정"),
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
    ("improved", "개선"),
    ("unchanged", "변화 없음"),
    ("regressed", "성능 저하"),
    ("inconclusive", "판단 보류"),
    ("unmeasured", "측정 안 됨"),
    ("measured", "측정값"),
    ("not judged", "판정 안 함"),
    ("breached", "위반"),
    ("met", "충족"),
    ("open", "미확정"),
    ("not measured", "측정 안 됨"),
    // Labels and headings.
    ("metric", "지표"),
    ("baseline", "기준선"),
    ("candidate", "후보"),
    ("change", "변화"),
    ("interval", "신뢰구간"),
    ("judgement", "판정"),
    ("limit", "한도"),
    ("state", "상태"),
    ("class", "구분"),
    ("minimum relevant", "최소 유의미 변화"),
    ("smallest visible", "최소 감지 변화"),
    ("rate or share", "비율·처리량"),
    ("what", "항목"),
    ("value", "값"),
    ("why", "이유"),
    ("proves", "입증"),
    ("warning", "경고"),
    ("load", "부하"),
    ("requests", "요청"),
    ("judged", "판정 방법"),
    ("under test", "시험 대상"),
    ("speed", "속도"),
    ("{a} (output tokens of each request by its E2E)", "{a} (요청별 출력 토큰 수 / E2E)"),
    ("rates", "처리량"),
    ("errors", "오류"),
    ("error", "오류"),
    ("visible", "감지 한계"),
    ("failed", "실패"),
    ("completed/s", "완료/s"),
    ("failed/s", "실패/s"),
    ("output events/s", "출력 이벤트/s"),
    ("in flight", "처리 중"),
    ("running", "실행 중"),
    ("waiting", "대기 중"),
    ("server: requests", "서버: 요청"),
    ("server: KV-cache use", "서버: KV 캐시 사용률"),
    ("GPU: utilisation", "GPU: 사용률"),
    ("GPU: power", "GPU: 전력"),
    ("GPU: SM clock", "GPU: SM 클럭"),
    ("GPU: temperature", "GPU: 온도"),
    ("GPU: memory", "GPU: 메모리"),
    ("starts", "시작"),
    ("server", "서버"),
    ("meanwhile", "그동안"),
    ("Meanwhile (an explanation, no proof):", "그동안 (설명일 뿐, 증명은 아님):"),
    ("advice", "조언"),
    ("Advice", "조언"),
    ("Server evidence", "서버 증거"),
    ("what the server said of itself", "서버가 스스로 알린 값"),
    ("not in a git repository", "git 저장소 아님"),
    ("yes", "예"),
    ("no", "아니오"),
    ("Intervals: {A}.", "신뢰구간: {A}."),
    (
        "of a change two-sided at the level that a FAIL needs, 99.6 % or more (a PASS's bound is one-sided at {q}, so it may lie within)",
        "변화는 FAIL에 필요한 수준(양측 99.6 % 이상); PASS의 경계는 단측 {q} 기준이므로 이 구간 안에 들 수 있음",
    ),
    ("of a limit at {q}", "한도는 {q}"),
    ("{a} is {q} longer", "{a} {q} 길어짐"),
    ("{a} is {q} shorter", "{a} {q} 짧아짐"),
    ("{a} is {q} higher", "{a} {q} 높아짐"),
    ("{a} is {q} lower", "{a} {q} 낮아짐"),
    ("note", "참고"),
    ("client", "클라이언트"),
    ("session", "세션"),
    ("exit code", "종료 코드"),
    ("created", "측정 시각"),
    ("commit", "커밋"),
    ("commit date", "커밋 시각"),
    ("tree without baselines", "tree (기준선 제외)"),
    ("uncommitted changes", "커밋되지 않은 변경"),
    ("differs from the baseline", "기준선과 다른 점"),
    ("{a}: differs from the baseline", "{a}: 기준선과 다른 점"),
    ("host {a}", "호스트 {a}"),
    ("{w} with uncommitted changes", "{w}, 커밋되지 않은 변경 있음"),
    ("interrupted: this is what was measured until then", "중단됨: 그때까지 측정한 결과"),
    ("Interrupted: this is what was measured until then.", "중단됨: 그때까지 측정한 결과입니다."),
    ("Note", "참고"),
    ("Warning", "경고"),
    ("A PASS proves", "PASS가 입증하는 것"),
    ("Provenance", "출처"),
    ("How to reproduce, how to accept", "재현 방법, 받아들이는 방법"),
    ("All metrics", "전체 지표"),
    ("Load and client", "부하와 클라이언트"),
    ("Inconclusive or unmeasured, and why:", "판단 보류 또는 측정 안 됨, 그 이유:"),
    ("From the files that the gate has written beside this one:", "이 파일과 함께 저장된 파일로:"),
    ("or md, junit, json, csv", "또는 md, junit, json, csv"),
    ("judges the stored measurement again, without a server", "저장된 측정을 서버 없이 다시 판정"),
    ("measures again", "다시 측정"),
    (
        "BASELINE is a record, a baseline file, or a folder of baseline files.",
        "BASELINE은 레코드, 기준선 파일, 또는 기준선 파일이 있는 폴더입니다.",
    ),
    (
        "If this is how it should be from now on: merge, then add sessions to the baseline on the target branch and commit them.",
        "앞으로 이 성능이 기준이라면: 병합한 뒤 대상 브랜치에서 기준선에 세션을 추가하고 커밋하십시오.",
    ),
    ("{a}, exit code {A}", "{a}, 종료 코드 {A}"),
    // A comment on several records.
    ("nothing judged", "판정 없음"),
    ("is the worst of {n} records.", "레코드 {n}개 중 최악의 판정입니다."),
    ("Record {n} of {m}", "레코드 {n}/{m}"),
    ("{n} record[s] more are not shown.", "나머지 레코드 {n}개는 생략했습니다."),
    ("exit code {A}", "종료 코드 {A}"),
    (
        "Cut to what fits here: all numbers are in the report files of the run.",
        "길이 제한에 맞춰 줄였습니다. 모든 수치는 실행의 리포트 파일에 있습니다.",
    ),
    (
        "Measured by an untrusted job: the change under test could have altered these numbers. The verdict was computed again from the record, under this repository's own config and baselines.",
        "신뢰할 수 없는 작업에서 측정: 시험 대상 변경이 이 수치를 바꿨을 수 있습니다. 판정은 이 저장소의 설정과 기준선으로 레코드에서 다시 계산했습니다.",
    ),
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
    ("all SLOs together", "모든 SLO 동시 만족"),
    ("{L} (all SLOs together)", "{L} (요청마다 모두 만족해야 함)"),
    (
        "{L} (all SLOs together): met by {n} of {m}",
        "{L} (요청마다 모두 만족해야 함): {m}개 중 {n}개 만족",
    ),
    (
        "{L} (all SLOs together): met by {n} of {m} after the ramp",
        "{L} (요청마다 모두 만족해야 함): 램프 이후 {m}개 중 {n}개 만족",
    ),
    ("{q} ({n} of {m})", "{q} ({m}개 중 {n}개)"),
    ("{q} ({n} of {m} after the ramp)", "{q} (램프 이후 {m}개 중 {n}개)"),
    ("SLO: {A}", "SLO: {A}"),
    ("{n} of {m} completed", "{m}개 중 {n}개 완료"),
    (
        "{n} are missing from latencies and count against goodput, SLO attainment and error rate",
        "{n}개는 지연 시간에서 제외되고 goodput, SLO 달성률, 오류율에서는 실패로 집계",
    ),
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
