//! Korean for several records side by side, and for the history of a branch. Not here: the verdict
//! on one (`ko`).

use crate::report::say::Sentence;

pub const SENTENCES: &[Sentence] = &[
    // A ranking.
    ("{n} record[s] side by side", "레코드 {n}개 나란히 비교"),
    ("lower is better", "낮을수록 좋음"),
    ("higher is better", "높을수록 좋음"),
    ("{q} ({n} to {m})", "{q} ({n} ~ {m})"),
    ("{a}: was not measured at any level", "{a}: 어느 수준에서도 측정하지 않음"),
    ("{a}: was not measured at {b}", "{a}: {b}에서 측정하지 않음"),
    ("was not measured with this workload", "이 워크로드로 측정하지 않음"),
    (
        "{a} at {n}: was measured with another load ({A}) than the first ({B})",
        "{a}, {n}: 첫 레코드({B})와 다른 부하({A})로 측정함",
    ),
    (
        "was measured with another load ({A}) than the first ({B})",
        "첫 레코드({B})와 다른 부하({A})로 측정함",
    ),
    (
        "{a}: goodput is shown without a rank: in some round no request met the SLOs",
        "{a}: SLO를 만족한 요청이 없는 라운드가 있어 goodput을 순위 없이 표시",
    ),
    (
        "metrics of GPUs are shown without ranks: they explain the others",
        "GPU 지표는 순위 없이 표시: 다른 지표를 설명하는 값",
    ),
    (
        "was measured with another load than the first: its seed, its prompts or another part of the plan differs",
        "첫 레코드와 다른 부하로 측정함: 시드, 프롬프트 등 계획이 다름",
    ),
    ("{n} requests per round", "라운드당 요청 {n}개"),
    ("{n} input (nominal) and {m} output tokens", "입력 {n}토큰 (공칭), 출력 {m}토큰"),
    ("{n} metric is shown without ranks: {A}", "지표 {n}개는 순위 없이 표시: {A}"),
    ("{n} metrics are shown without ranks: {A}", "지표 {n}개는 순위 없이 표시: {A}"),
    (
        "the noise of so few server starts is not known: at least 3 of each are needed",
        "서버 시작이 적어 노이즈를 알 수 없음: 각각 3회 이상 필요",
    ),
    (
        "unequal work: {a} gives {n} output tokens per request and {b} {m}; what depends on the length (E2E, rates) says little: have it forced (ignore_eos) or compare TTFT and TPOT",
        "작업량이 다름: 요청당 출력 토큰 {a} {n}개, {b} {m}개; 길이에 따라 달라지는 값(E2E, 처리량)은 의미가 적음: 길이를 고정하거나(ignore_eos) TTFT와 TPOT를 비교",
    ),
    (
        "the records are of different machines: what differs may be the machine",
        "레코드가 서로 다른 장비의 것: 차이가 장비 때문일 수 있음",
    ),
    // A knee: before what is said of a metric that is higher or lower than the baseline's.
    (
        "knee near {A}: at {n} {v} is {B}, and ttft {w} {m} times as long",
        "knee: {A} 부근; {n}에서 {v} {B}, ttft {w} {m}배",
    ),
    ("knee near {A}: at {n} {v} is {B}", "knee: {A} 부근; {n}에서 {v} {B}"),
    // Hypotheses.
    ("confirmed: {A}", "confirmed (확인됨): {A}"),
    ("refuted: {A}", "refuted (기각됨): {A}"),
    ("undecided: {A}", "undecided (미결정): {A}"),
    ("unmeasured: {A}", "unmeasured (측정 안 됨): {A}"),
    ("{q} against {r}, {s} to {t}", "{q} 대 {r}, {s} ~ {t}"),
    ("{q} against {r}: {A}", "{q} 대 {r}: {A}"),
    ("{q} against {r}", "{q} 대 {r}"),
    ("this version knows no metric {a}", "이 버전에 없는 지표: {a}"),
    ("workload {a} was not measured", "워크로드 {a} 측정 안 됨"),
];
