//! Korean for what was compared with what, why a judgement is what it is, limits, and whether a measurement is fit. Not here: the verdict itself, labels and loads (`ko`).

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
    ("{n} more baseline session[s] {_} needed for a full judgement", "완전한 판정까지 기준선 세션 {n}개 더 필요"),
    (
        "{n} more baseline session[s] {_} needed: {m} of {k} are there, and until then only changes far beyond any plausible noise are judged",
        "기준선 세션 {n}개 더 필요: {k}개 중 {m}개 있음, 그때까지는 노이즈로 볼 수 없을 만큼 큰 변화만 판정",
    ),
    (
        "no baseline for {w}: {A}; `goodput-gate baseline update` on the target branch adds a session, six are needed to judge",
        "{w}의 기준선 없음: {A}; 대상 브랜치에서 `goodput-gate baseline update`로 세션 추가, 판정에는 여섯 개 필요",
    ),
    (
        "no baseline session within {n} commits: make one with `goodput-gate baseline update` on the target branch",
        "{n}커밋 안에 기준선 세션 없음: 대상 브랜치에서 `goodput-gate baseline update`로 추가",
    ),
    ("none was captured on this lineage", "이 계보에서 측정된 것이 없음"),
    ("{a} has none", "{a}에 없음"),
    ("baselines exist, but of something else: {a}", "기준선이 있으나 다른 조건의 것: {a}"),
    ("{n} baseline file[s] left out: copies of another session", "기준선 파일 {n}개 제외: 다른 세션의 사본"),
    ("{n} baseline file[s] left out: this very run", "기준선 파일 {n}개 제외: 바로 이 실행"),
    // Why a judgement is what it is.
    ("noisier than usual: {b}", "평소보다 노이즈가 큼: {b}"),
    ("of the others a change would have been found from: {A}", "나머지 지표에서 감지 가능한 최소 변화: {A}"),
    (
        "proven {A}; of the others a change would have been found from: {B}",
        "입증: {A}; 나머지 지표에서 감지 가능한 최소 변화: {B}",
    ),
    ("proven {A}", "입증: {A}"),
    ("{w} less than {q} worse", "{w} 저하 {q} 미만"),
    (
        "this config lets {q} of the requests fail (`limits.error_rate`): the default is {r}",
        "이 설정은 요청의 {q}까지 실패를 허용함 (`limits.error_rate`): 기본값은 {r}",
    ),
    (
        "this config lets all requests fail (`limits.error_rate`): the default limit of {q} is removed",
        "이 설정은 모든 요청의 실패를 허용함 (`limits.error_rate`): 기본 한도 {q} 없음",
    ),
    (
        "nothing to judge: gate.mode is limits, and this workload sets none",
        "판정할 것이 없음: gate.mode가 limits인데 이 workload에 한도가 없음",
    ),
    ("both builds are identical: no change of the program is there to be found", "두 빌드가 동일함: 찾아낼 프로그램 변경이 없음"),
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
        "{w}: {v} is {n} times as good as the baseline's: before this is believed, rule out answers from a cache, cut or empty answers, and another model",
        "{w}: 기준선보다 {n}배 좋음({v}): 믿기 전에 캐시된 응답, 잘리거나 빈 응답, 다른 모델이 아닌지 확인할 것",
    ),
    (
        "answers are of model {a}, and before they were of {b}: what was measured is neither",
        "응답의 모델이 {a}인데 그전에는 {b}였음: 측정된 것은 어느 쪽도 아님",
    ),
    ("missing on the baseline's side", "기준선 쪽에 값 없음"),
    ("missing on the candidate's side", "후보 쪽에 값 없음"),
    ("not measured on either side", "양쪽 모두 측정 안 됨"),
    ("missing in some starts of one side", "한쪽의 일부 시작에 값 없음"),
    (
        "the {A} tells its {L} tokens and the {B} does not: whether the work is the same is not known, so this is no PASS",
        "{A} 쪽은 {L} 토큰 수를 알리고 {B} 쪽은 알리지 않음: 작업량이 같은지 알 수 없어 PASS가 아님",
    ),
    ("input", "입력"),
    ("output", "출력"),
    ("not decided: the minimum relevant change is within the noise", "판정 안 함: 최소 유의미 변화가 노이즈보다 작음"),
    ("looks worse, not proven", "나빠 보이나 입증되지 않음"),
    (
        "looks worse, not proven: a job of one start cannot convict by this metric; measure two starts or more (gate.starts)",
        "나빠 보이나 입증되지 않음: 시작이 한 번뿐인 작업은 이 지표로 불합격시킬 수 없음; 시작을 두 번 이상 측정 (gate.starts)",
    ),
    (
        "looks worse, not proven: one job convicts by this metric from {q} on; measure a second job (--with)",
        "나빠 보이나 입증되지 않음: 작업 하나로는 이 지표가 {q} 이상 나빠져야 불합격; 두 번째 작업 측정 (--with)",
    ),
    (
        "looks worse, not proven: not every start is worse by {q}; measure a second job (--with)",
        "나빠 보이나 입증되지 않음: 모든 시작이 {q} 이상 나쁘지는 않음; 두 번째 작업 측정 (--with)",
    ),
    (
        "looks worse, not proven: the baseline's sessions differ too much for one job to convict by this metric; measure a second job (--with)",
        "나빠 보이나 입증되지 않음: 기준선 세션 간 차이가 커서 작업 하나로는 이 지표로 불합격시킬 수 없음; 두 번째 작업 측정 (--with)",
    ),
    (
        "this run could see only what is {q} worse or more in {w}, and {r} must be found, since {_} of unchanged code differ by {s} (standard deviation)",
        "이 실행은 {w}에서 {q} 이상의 저하만 감지할 수 있었으나 {r}를 찾아야 함: 변경 없는 코드의 측정값이 {s}씩 다름 (표준편차)",
    ),
    (
        "this run could see only what is {q} worse or more in {w}, and {r} must be found",
        "이 실행은 {w}에서 {q} 이상의 저하만 감지할 수 있었으나 {r}를 찾아야 함",
    ),
    ("{n} session[s] since {w} ({v}): {u} {q} against the {m} before", "{w} ({v})부터의 세션 {n}개: 그 앞의 {m}개 대비 {u} {q}"),
    ("the sessions of {a}: {w} {q} against those of other machines", "{a}의 세션: 다른 머신의 세션 대비 {w} {q}"),
    (
        "the sessions differ without a step: {w} of {u} ({a}) {q} against {v} ({b})",
        "세션 간 차이에 뚜렷한 전환점 없음: {u} ({a})의 {w}이 {v} ({b}) 대비 {q}",
    ),
    (
        "way out: {n} more session[s] of the base branch (`goodput-gate baseline update`) would be enough, if they vary as these do; `goodput-gate check --interleaved` needs none",
        "해결: 지금 정도의 차이라면 기준 브랜치 세션 {n}개 더로 충분 (`goodput-gate baseline update`); `goodput-gate check --interleaved`에는 세션이 필요 없음",
    ),
    (
        "way out: measure both builds in one job (`goodput-gate check --interleaved`), which needs none of these sessions; or measure disturbed sessions again (`goodput-gate baseline history METRIC` shows them, `baseline update` adds others)",
        "해결: 두 빌드를 한 작업에서 측정 (`goodput-gate check --interleaved`), 이 세션들이 필요 없음; 또는 흔들린 세션을 다시 측정 (`goodput-gate baseline history METRIC`으로 확인, `baseline update`로 추가)",
    ),
    // Which sessions count.
    (
        "the sessions that count begin at {w} ({v}), {A}: {n} session[s] of another level left out",
        "판정에 쓰는 세션은 {w} ({v})부터, {A}: 다른 수준의 세션 {n}개 제외",
    ),
    ("its first session", "첫 세션"),
    ("faster than the sessions before it ({a})", "그 앞의 세션보다 빠름 ({a})"),
    ("a stated shift of level: {a}", "밝힌 수준 변화: {a}"),
    ("its level moved for good ({a}, p {n})", "수준이 완전히 바뀜 ({a}, p {n})"),
    (
        "session {u} of {w} ({v}) left out, since it is slower than the sessions that it would have joined ({a}) and nobody answers for it; if it is meant: `goodput-gate baseline update --level-shift REASON`",
        "{w} ({v})의 세션 {u} 제외: 합류할 세션보다 느리고 ({a}) 그 이유를 밝힌 사람이 없음; 의도한 것이면 `goodput-gate baseline update --level-shift REASON`",
    ),
    ("no session counts", "판정에 쓰는 세션 없음"),
    ("{n} session counts since {w} ({v}): {A}", "판정에 쓰는 세션 {n}개, {w} ({v})부터: {A}"),
    ("{n} sessions count since {w} ({v}): {A}", "판정에 쓰는 세션 {n}개, {w} ({v})부터: {A}"),
    ("this run could see nothing in {w}, and {q} must be found", "이 실행은 {w}에서 아무것도 감지할 수 없었으나 {q}를 찾아야 함"),
    ("worse beyond the noise; shown only, as `class: info` asks", "노이즈를 넘어 나빠짐; `class: info` 설정으로 표시만 함"),
    ("neither proven to be within {q} nor proven worse", "저하가 {q} 이내라는 것도, 나빠졌다는 것도 입증되지 않음"),
    (
        "start-to-start noise unknown: needs another start or a history",
        "시작 간 노이즈를 알 수 없음: 시작을 한 번 더 측정하거나 이력이 필요",
    ),
    ("too few sessions to know the noise", "세션이 적어 노이즈를 알 수 없음"),
    ("the candidate was not measured", "후보가 측정되지 않음"),
    ("no baseline session to compare with", "비교할 기준선 세션 없음"),
    ("no job was judged", "판정한 작업 없음"),
    ("no start was measured on both sides", "양쪽 모두 측정된 시작 없음"),
    ("nothing to judge: no baseline and no limits", "판정할 것 없음: 기준선도 한도도 없음"),
    (
        "no primary metric is left, so nothing could be proven: take `class` out of `regressions`",
        "주요 지표가 남지 않아 아무것도 입증할 수 없음: `regressions`에서 `class`를 제거",
    ),
    (
        "changes of this metric are not judged in this version; take it out of `regressions`",
        "이 버전은 이 지표의 변화를 판정하지 않음; `regressions`에서 제거",
    ),
    (
        "measure a second job on another machine, or run interleaved against the baseline build",
        "다른 장비에서 두 번째 작업을 측정하거나, 기준선 빌드와 교차 측정(--interleaved)",
    ),
    ("run interleaved against the baseline build", "기준선 빌드와 교차 측정(--interleaved)"),
    (
        "start-to-start variance was not sampled: the gate did not start these servers, so each side is one start, however many rounds it has; a restart alone may shift TPOT by 1 to 2.5 %, so only a history of restarted servers, or a change far beyond that, can decide",
        "시작 간 변동을 측정하지 못함: 게이트가 서버를 띄우지 않아 라운드 수와 관계없이 양쪽 모두 시작이 한 번뿐임; 재시작만으로도 TPOT가 1 ~ 2.5 % 달라질 수 있으므로, 재시작한 서버의 이력이 있거나 변화가 그보다 훨씬 커야 판정 가능",
    ),
    ("not comparable: {a} differ between baseline and candidate", "비교 불가: 기준선과 후보의 {a} 값이 다름"),
    (
        "not comparable: only {n} of {m} rounds have a partner with the same start and seed; measure both sides with the same plan",
        "비교 불가: 라운드 {m}개 중 {n}개만 시작과 시드가 같은 짝이 있음; 양쪽을 같은 계획으로 측정",
    ),
    (
        "not comparable: the candidate answered the same requests with {q} output tokens, so the work is not the same",
        "비교 불가: 같은 요청에 대한 후보의 출력 토큰이 {q} 달라 작업량이 같지 않음",
    ),
    (
        "{n} of {m} rounds of the baseline failed completely: see its server's log, then measure again",
        "기준선 라운드 {m}개 중 {n}개가 모두 실패: 서버 로그를 확인하고 다시 측정",
    ),
    (
        "{n} round[s] of the baseline failed completely: dropped, with the partners",
        "모두 실패한 기준선 라운드 {n}개를 짝과 함께 제외",
    ),
    ("left out: {n} round[s] without a partner on the other side", "반대쪽에 짝이 없는 라운드 {n}개 제외"),
    (
        "not interleaved yet: in the only start pair the {A} went first throughout, so drift of the machine can not be told from a change; it takes another start pair, in the other order",
        "아직 교차되지 않음: 하나뿐인 시작 쌍에서 {A} 쪽이 계속 먼저 실행되어 장비의 드리프트와 변화를 구분할 수 없음; 반대 순서의 시작 쌍이 하나 더 필요",
    ),
    (
        "not interleaved: the candidate went first in {q} of the pairs, so drift of the machine can not be told from a change",
        "교차되지 않음: 쌍의 {q}에서 후보가 먼저 실행되어 장비의 드리프트와 변화를 구분할 수 없음",
    ),
    // Limits.
    ("limit: {A}", "한도: {A}"),
    ("a limit is not proven, and on_limit_open is fail", "입증되지 않은 한도가 있고 on_limit_open이 fail"),
    ("{A} is within, but not proven to be within, the limit: {B}", "{A}: 한도 안이나 입증되지 않음 ({B})"),
    ("{A} is beyond, but not proven to be beyond, the limit: {B}", "{A}: 한도를 벗어났으나 입증되지 않음 ({B})"),
    ("{A} is beyond the limit: {B}", "{A}: 한도를 벗어남 ({B})"),
    ("{A} is within the limit: {B}", "{A}: 한도 안 ({B})"),
    (
        "failed requests, rounds without a value or a queue near saturation stand in the way",
        "실패한 요청, 값이 없는 라운드, 포화에 가까운 대기열 때문에 확정할 수 없음",
    ),
    (
        "in some round no GPU was watched, or one does not tell it",
        "어느 라운드에서 관찰한 GPU가 없거나 그 값을 알리지 않는 GPU가 있음",
    ),
    ("one start proves nothing: two that agree do", "시작 한 번은 아무것도 입증하지 못함: 일치하는 두 번이 필요"),
    (
        "the rounds disagree: one more start with the same seeds tells the plan from noise",
        "라운드끼리 결과가 다름: 같은 시드로 시작을 한 번 더 측정하면 계획의 차이와 노이즈를 구분 가능",
    ),
    ("{w} is not measured: {A}", "{w} 측정 안 됨: {A}"),
    ("the measurement is INVALID", "측정이 INVALID"),
    ("no requests were sent", "보낸 요청 없음"),
    ("the gate did not start the server", "게이트가 서버를 띄우지 않음"),
    ("this workload does not define it", "이 워크로드에는 정의되지 않음"),
    ("a limit on its good side is not judged", "좋은 쪽 방향의 한도는 판정하지 않음"),
    ("limits on {w} are not judged in this version", "이 버전은 {w} 한도를 판정하지 않음"),
    ("an SLO on TTFT or TPOT needs streaming", "TTFT, TPOT의 SLO에는 스트리밍 필요"),
    ("one token per answer has no TPOT to hold to the SLO", "응답이 한 토큰이면 SLO에 맞출 TPOT가 없음"),
    ("no requests after the ramp, or no time passed", "램프 이후 요청이 없거나 시간이 흐르지 않음"),
    ("its interval can not be computed", "신뢰구간을 계산할 수 없음"),
    ("nothing succeeded, or it was not recorded", "성공한 요청이 없거나 기록되지 않음"),
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
        "p99 send lag {q}, bound {r}: the client was late: lower the rate, give it idle cores, or run it on another machine than the server",
        "p99 전송 지연 {q}, 한계 {r}: 클라이언트가 늦음: 요청률을 낮추거나, 유휴 코어를 주거나, 서버와 다른 장비에서 실행",
    ),
    ("p99 send lag {q} is over 1 % of the median TTFT", "p99 전송 지연 {q}: TTFT 중앙값의 1 % 초과"),
    (
        "a client thread was busy {q} of the round, bound {r}: raise --workers or lower the load",
        "클라이언트 스레드가 라운드의 {q} 동안 바쁨, 한계 {r}: --workers를 늘리거나 부하를 낮출 것",
    ),
    (
        "the client's event loop came round {q} late (p99), bound {r}: the machine is overloaded, so instants are not to be trusted",
        "클라이언트 이벤트 루프가 {q} 늦음 (p99), 한계 {r}: 장비가 과부하라 시각을 믿을 수 없음",
    ),
    (
        "asked for {n} requests/s and sent {m}: raise max_in_flight, or lower the rate",
        "목표 {n} requests/s, 실제 전송 {m}: max_in_flight를 늘리거나 요청률을 낮출 것",
    ),
    (
        "asked for {n} output tokens per request and got {m}: the server does not keep the length: set ignore_eos: false, so that lengths are compared with the baseline's instead",
        "요청당 출력 토큰 {n}개를 요구했으나 {m}개를 받음: 서버가 길이를 지키지 않음: ignore_eos: false로 두면 기준선의 길이와 비교",
    ),
    (
        "{n} answers came without token counts (usage): TPOT and token rates are unmeasured, and nothing that needs them can pass",
        "응답 {n}개에 토큰 수(usage)가 없음: TPOT와 토큰 처리량을 측정할 수 없고, 이를 쓰는 판정은 통과할 수 없음",
    ),
    ("{n} of {m} requests failed: see the errors", "요청 {m}개 중 {n}개 실패: 오류를 확인할 것"),
    (
        "{n} output tokens came in {m} events per request: gaps between events are not gaps between tokens",
        "요청당 출력 토큰 {n}개가 이벤트 {m}개로 옴: 이벤트 간격은 토큰 간격이 아님",
    ),
    (
        "none of {n} requests completed: {m} of them ended well and count 0 output tokens",
        "요청 {n}개 중 완료된 것이 없음: 그중 {m}개는 정상으로 끝났지만 출력 토큰을 0개로 셈",
    ),
    (
        "{n} answers count reasoning tokens that were never sent: TPOT is over the tokens that came, and absent where their number is not known",
        "응답 {n}개가 보내지 않은 추론 토큰까지 셈: TPOT는 실제로 온 토큰으로 계산하고, 그 수를 알 수 없으면 비워 둠",
    ),
    (
        "{n} answers count 0 output tokens beside output (usage): that is no count",
        "응답 {n}개가 출력이 있는데도 출력 토큰을 0개로 셈(usage): 집계로 치지 않음",
    ),
    (
        "{n} answers have a total of tokens that its parts do not add up to (usage): ask what this server counts before its token rates are compared",
        "응답 {n}개의 토큰 합계가 항목의 합과 다름(usage): 토큰 처리율을 비교하기 전에 이 서버가 무엇을 세는지 확인할 것",
    ),
    (
        "{n} answers count fewer output tokens than events with output came (usage): TPOT and token rates may be wrong",
        "응답 {n}개가 센 출력 토큰이 출력 이벤트보다 적음(usage): TPOT와 토큰 처리율이 틀릴 수 있음",
    ),
    (
        "{n} requests found no connection: this process may have {m} open at once (ulimit -n); raise the limit, or lower the load",
        "요청 {n}개의 연결을 열지 못함: 이 프로세스가 동시에 열 수 있는 연결은 {m}개(ulimit -n). 한도를 올리거나 부하를 낮추세요",
    ),
    (
        "{n} requests went on a new connection: the server had closed the idle one before they were written",
        "요청 {n}개를 새 연결로 보냄: 쓰기 전에 서버가 유휴 연결을 닫음",
    ),
    (
        "{n} connections were closed, since bytes came on them beyond the answer: check the server and the proxies in front of it: they must send one answer per request",
        "응답 뒤에 남은 바이트가 와서 연결 {n}개를 닫음: 서버와 그 앞의 프록시를 확인할 것: 요청마다 응답을 하나만 보내야 함",
    ),
    (
        "only {n} of {m} planned starts have most of their {k} round[s]: measure all of them for a PASS",
        "계획한 시작 {m}회 중 {n}회만 라운드 {k}개의 과반이 있음: PASS에는 모두 측정해야 함",
    ),
    (
        "{n} of the starts that were judged lack most of their {m} round[s]: measure all of them for a PASS",
        "판정한 시작 중 {n}회는 라운드 {m}개의 과반이 없음: PASS에는 모두 측정해야 함",
    ),
    ("stopped after {n} of at most {m} start pairs, before it was decided", "결론 전에 시작 쌍 {n}개에서 중단 (최대 {m}개)"),
    (
        "{w} tokens per request are {n} and were {m} in the baseline: the work is not the same, so times cannot be compared",
        "요청당 {w} 토큰이 {n}개, 기준선에서는 {m}개: 작업량이 달라 시간을 비교할 수 없음",
    ),
    (
        "the baseline has SLOs and this run has none: SLO attainment is not judged",
        "기준선에는 SLO가 있으나 이 실행에는 없음: SLO 달성률은 판정하지 않음",
    ),
    (
        "this config loosens the method's own rules (`regressions`): {A}",
        "이 설정은 방법의 기본 규칙보다 느슨함 (`regressions`): {A}",
    ),
    ("{w} is no primary metric, so nothing is proven of it", "{w}: 주요 지표가 아니므로 입증되는 것이 없음"),
    ("{w} is only shown", "{w}: 표시만 함"),
    ("{w} may be {q} worse", "{w}: {q}까지 나빠져도 허용"),
    (
        "not measured in this run, although the baseline has sessions of it: {b}; nothing is said of it",
        "기준선에는 세션이 있으나 이 실행에서 측정하지 않음: {b}; 이에 대한 판정 없음",
    ),
    ("the candidate's side has no workload {w}", "후보 쪽에 워크로드 {w} 없음"),
    ("the baseline's side has no workload {w}", "기준선 쪽에 워크로드 {w} 없음"),
    ("not in this repository's config: judged without limits and SLOs", "이 저장소의 설정에 없음: 한도와 SLO 없이 판정"),
    ("in this repository's config and in none of the records: {b}", "이 저장소의 설정에는 있으나 어느 레코드에도 없음: {b}"),
    (
        "both jobs ran on {a}: how fast this machine is today counts twice, where the method wants another machine",
        "두 작업 모두 {a}에서 실행: 이 장비의 오늘 속도가 두 번 반영됨; 원칙은 다른 장비에서 측정",
    ),
];
