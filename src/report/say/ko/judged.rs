//! Korean for what was compared with what, why a judgement is what it is, limits, and whether a
//! measurement is fit. Not here: the verdict itself, labels and loads (`ko`).

use crate::report::say::Sentence;

pub const SENTENCES: &[Sentence] = &[
    // Against what.
    ("{A}; nearer, but left out: {a}", "{A}; 더 가깝지만 제외: {a}"),
    ("{n} session[s]", "세션 {n}개"),
    ("{n} earlier session[s]", "이전 세션 {n}개"),
    ("nearest {v} of {w}", "가장 가까운 것 {v} ({w})"),
    ("nearest {v} of {w} ({A})", "가장 가까운 것 {v} ({w}, {A})"),
    ("nearest {v} ({A})", "가장 가까운 것 {v} ({A})"),
    ("nearest {v}", "가장 가까운 것 {v}"),
    ("{n} day[s] old ({A})", "{n}일 전 ({A})"),
    ("{n} day[s] old", "{n}일 전"),
    ("this commit", "이 커밋"),
    ("{n} commit[s] back", "{n}커밋 이전"),
    ("{n} commit[s] before the {A}", "{A} 기준 {n}커밋 이전"),
    ("{w} (merge base with {a})", "{w} ({a}와의 merge base)"),
    ("merge base with {a}", "{a}와의 merge base"),
    ("interleaved with {A} in this job", "이 작업에서 교차 측정한 상대: {A}"),
    ("interleaved", "교차 측정"),
    ("against sessions of other days", "다른 날의 세션과 비교"),
    ("{n} start pair[s] of at most {m} judged", "시작 쌍 {n}개로 판정 (최대 {m}개)"),
    ("{n} start pair[s] judged", "시작 쌍 {n}개로 판정"),
    ("{n} job[s] of at most {m} judged", "작업 {n}개로 판정 (최대 {m}개)"),
    ("noise from this run alone", "노이즈는 이 실행만으로 추정"),
    ("noise from {n} earlier session[s]", "노이즈는 이전 세션 {n}개로 추정"),
    ("false-alarm budget {q}", "오경보 허용치 {q}"),
    ("target {w}", "target {w}"),
    ("the target of {a}", "{a}의 target"),
    (
        "{n} more baseline session[s] {_} needed for a full judgement",
        "완전한 판정까지 기준선 세션 {n}개 더 필요",
    ),
    (
        "no baseline session within {n} commits: make one with `goodput-gate baseline update` on the target branch",
        "{n}커밋 안에 기준선 세션 없음: 대상 브랜치에서 `goodput-gate baseline update`로 추가",
    ),
    ("{a} has none", "{a}에 없음"),
    ("baselines exist, but of something else: {a}", "기준선이 있으나 다른 조건의 것: {a}"),
    ("{n} baseline file[s] left out: this very run", "기준선 파일 {n}개 제외: 바로 이 실행"),
    // Why a judgement is what it is.
    ("proven {A}", "입증: {A}"),
    ("{w} less than {q} worse", "{w} 저하 {q} 미만"),
    (
        "this config lets {q} of the requests fail (`limits.error_rate`): the default is {r}",
        "이 설정은 요청의 {q}까지 실패를 허용함 (`limits.error_rate`): 기본값은 {r}",
    ),
    (
        "both builds are identical: no change of the program is there to be found",
        "두 빌드가 동일함: 찾아낼 프로그램 변경이 없음",
    ),
    (
        "both sides ran the same program, {a}, in the same way: nothing was compared; server.build and server.start have to stay in their own checkout (or set gate.same_build: allow)",
        "양쪽이 같은 프로그램을 같은 방식으로 실행함({a}): 비교된 것이 없음; server.build와 server.start는 각자의 체크아웃 안에 있어야 함 (또는 gate.same_build: allow)",
    ),
    (
        "both sides ran the same program, {a}, in the same way, as gate.same_build allows",
        "양쪽이 같은 프로그램을 같은 방식으로 실행함({a}): gate.same_build가 허용함",
    ),
    (
        "both sides ran the same program, {a}: only what their arguments and files change was compared",
        "양쪽이 같은 프로그램을 실행함({a}): 인자와 파일이 바꾸는 것만 비교됨",
    ),
    (
        "both sides ran {a} in the same way: whether they loaded the same code cannot be told",
        "양쪽의 실행 방식이 같음({a}): 같은 코드를 불러왔는지 알 수 없음",
    ),
    (
        "answers are of model {a}, and before they were of {b}: what was measured is neither",
        "응답의 모델이 {a}인데 그전에는 {b}였음: 측정된 것은 어느 쪽도 아님",
    ),
    ("missing on the baseline's side", "기준선 쪽에 값 없음"),
    ("not measured on either side", "양쪽 모두 측정 안 됨"),
    ("input", "입력"),
    ("output", "출력"),
    ("looks worse, not proven", "나빠 보이나 입증되지 않음"),
    (
        "this run could see only what is {q} worse or more in {w}, and {r} must be found, since {_} of unchanged code differ by {s} (standard deviation)",
        "이 실행은 {w}에서 {q} 이상의 저하만 감지할 수 있었으나 {r}를 찾아야 함: 변경 없는 코드의 측정값이 {s}씩 다름 (표준편차)",
    ),
    (
        "this run could see only what is {q} worse or more in {w}, and {r} must be found",
        "이 실행은 {w}에서 {q} 이상의 저하만 감지할 수 있었으나 {r}를 찾아야 함",
    ),
    (
        "{n} session[s] since {w} ({v}): {u} {q} against the {m} before",
        "{w} ({v})부터의 세션 {n}개: 그 앞의 {m}개 대비 {u} {q}",
    ),
    // Which sessions count.
    (
        "the sessions that count begin at {w} ({v}), {A}: {n} session[s] of another level left out",
        "판정에 쓰는 세션은 {w} ({v})부터, {A}: 다른 수준의 세션 {n}개 제외",
    ),
    ("its first session", "첫 세션"),
    ("faster than the sessions before it ({a})", "그 앞의 세션보다 빠름 ({a})"),
    ("its level moved for good ({a}, p {n})", "수준이 완전히 바뀜 ({a}, p {n})"),
    ("no session counts", "판정에 쓰는 세션 없음"),
    ("{n} sessions count since {w} ({v}): {A}", "판정에 쓰는 세션 {n}개, {w} ({v})부터: {A}"),
    (
        "this run could see nothing in {w}, and {q} must be found",
        "이 실행은 {w}에서 아무것도 감지할 수 없었으나 {q}를 찾아야 함",
    ),
    (
        "worse beyond the noise; shown only, as `class: info` asks",
        "노이즈를 넘어 나빠짐; `class: info` 설정으로 표시만 함",
    ),
    ("the candidate was not measured", "후보가 측정되지 않음"),
    ("no baseline session to compare with", "비교할 기준선 세션 없음"),
    // Limits.
    ("limit: {A}", "한도: {A}"),
    ("{A} is beyond the limit: {B}", "{A}: 한도를 벗어남 ({B})"),
    ("{A} is within the limit: {B}", "{A}: 한도 안 ({B})"),
    (
        "in some round no GPU was watched, or one does not tell it",
        "어느 라운드에서 관찰한 GPU가 없거나 그 값을 알리지 않는 GPU가 있음",
    ),
    ("{w} is not measured: {A}", "{w} 측정 안 됨: {A}"),
    ("the measurement is INVALID", "측정이 INVALID"),
    ("no requests were sent", "보낸 요청 없음"),
    ("the gate did not start the server", "게이트가 서버를 띄우지 않음"),
    ("no requests after the ramp, or no time passed", "램프 이후 요청이 없거나 시간이 흐르지 않음"),
    (
        "{n} of {m} rounds have fewer than {k} completed requests with a {w}",
        "라운드 {m}개 중 {n}개에서 {w} 값이 있는 완료 요청이 {k}개 미만",
    ),
    // Whether the measurement is fit.
    ("start {n}, round {m}: {A}", "시작 {n}, 라운드 {m}: {A}"),
    ("baseline: {A}", "기준선: {A}"),
    (
        "none of {n} requests completed: see the errors, and try one request by hand",
        "요청 {n}개 중 완료된 것이 없음: 오류를 확인하고 요청 하나를 직접 보내 볼 것",
    ),
    ("none of {n} requests completed", "요청 {n}개 중 완료된 것이 없음"),
    ("no round was finished: nothing was measured", "끝난 라운드가 없음: 측정된 것이 없음"),
    (
        "asked for {n} requests/s and sent {m}: raise max_in_flight, or lower the rate",
        "목표 {n} requests/s, 실제 전송 {m}: max_in_flight를 늘리거나 요청률을 낮출 것",
    ),
    ("{n} of {m} requests failed: see the errors", "요청 {m}개 중 {n}개 실패: 오류를 확인할 것"),
    (
        "stopped after {n} of at most {m} start pairs, before it was decided",
        "결론 전에 시작 쌍 {n}개에서 중단 (최대 {m}개)",
    ),
    ("{w} is only shown", "{w}: 표시만 함"),
    ("{w} may be {q} worse", "{w}: {q}까지 나빠져도 허용"),
    (
        "not in this repository's config: judged without limits and SLOs",
        "이 저장소의 설정에 없음: 한도와 SLO 없이 판정",
    ),
    (
        "in this repository's config and in none of the records: {b}",
        "이 저장소의 설정에는 있으나 어느 레코드에도 없음: {b}",
    ),
];
