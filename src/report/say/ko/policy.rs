//! Korean for whose policy counted, and for what to do after a local check. Not here: the verdict
//! itself, labels and loads (`ko`).

use crate::report::say::Sentence;

pub const SENTENCES: &[Sentence] = &[
    // Whose policy it was.
    (
        "this change alters files in {b}: they count once they are on the base branch",
        "이 변경이 {b}의 파일을 바꿈: base 브랜치에 들어간 뒤부터 반영",
    ),
    (
        "this change alters {a} in {b}: what {C} says is what counts here",
        "이 변경이 {b}의 {a} 설정을 바꿈: 여기서는 {C}의 내용이 적용됨",
    ),
    (
        "this change alters {a} of {w}: what {C} says is what counts",
        "이 변경이 {w}의 {a} 설정을 바꿈: {C}의 내용이 적용됨",
    ),
    (
        "each side is built and started as its own config says, and they differ in {L}: what that makes slower or faster is in the comparison",
        "양쪽을 각자의 설정대로 빌드하고 시작하며 {L} 설정이 서로 다름: 그 때문에 느려지거나 빨라진 것도 비교에 나타남",
    ),
    (
        "{A}, so both sides are built and started as this checkout says: what that makes slower or faster is not in the comparison",
        "{A}; 양쪽 모두 이 체크아웃의 설정대로 빌드하고 시작함: 그 때문에 느려지거나 빨라진 것은 비교에 나타나지 않음",
    ),
    (
        "this change alters {a} (gate.baseline.config): what {C} says is what counts here",
        "이 변경이 바꾼 설정 파일: {a} (gate.baseline.config); 여기서는 {C}의 내용이 적용됨",
    ),
    (
        "{a} (gate.baseline.config) lies outside this repository: it counts as it is there",
        "{a} (gate.baseline.config): 이 저장소 밖에 있어 거기 있는 그대로 적용",
    ),
    ("{a} cannot be used ({B})", "{a} 사용 불가 ({B})"),
    ("it does not say how a server is started", "서버를 어떻게 시작하는지 적혀 있지 않음"),
    (
        "this run was interleaved, and this repository's config is not: what it was compared with is the measuring job's own choice, and no committed baseline was looked at",
        "교차 측정한 실행이나 이 저장소의 설정은 아님: 비교 상대는 측정한 작업이 고른 것이며, 커밋된 기준선은 보지 않음",
    ),
    (
        "this change's config is {a}: what {C} says is what counts here",
        "이 변경의 설정은 {a}: 여기서는 {C}의 내용이 적용됨",
    ),
    (
        "the config lies outside this repository, so the base has none of it",
        "설정이 이 저장소 밖에 있어 base에는 그 설정이 없음",
    ),
    (
        "the base of pull request {n}, {a}, has no config: this checkout's own policy counts",
        "풀 리퀘스트 {n}의 base({a})에 설정 없음: 이 체크아웃 자체의 정책을 적용",
    ),
    ("no change is judged here (--base none)", "여기서는 변경을 판정하지 않음 (--base none)"),
    ("{A} has no config", "{A}에 설정 없음"),
    ("{A}: this checkout's own policy counts", "{A}: 이 체크아웃 자체의 정책을 적용"),
    ("the base {w}", "base {w}"),
    ("the base", "base"),
    (
        "{n} session[s] in {b} that no commit holds yet {_}, since HEAD is on the base branch and this is no CI",
        "{b}의 커밋되지 않은 세션 {n}개도 반영: HEAD가 base 브랜치에 있고 CI가 아님",
    ),
    (
        "earlier sessions are not used, though their noise would let fewer starts decide: {a}",
        "이전 세션을 쓰지 않음, 쓰면 더 적은 시작으로 판정 가능: {a}",
    ),
    // What it was compared with.
    (
        "compared with {a} (--baseline), which lies outside this repository: no commit holds it",
        "비교 대상: {a} (--baseline); 이 저장소 밖에 있어 어느 커밋에도 들어 있지 않음",
    ),
    (
        "compared with {a} (--baseline) as this checkout has it, since no change is judged here (--base none)",
        "비교 대상: 이 체크아웃에 있는 그대로의 {a} (--baseline); 여기서는 변경을 판정하지 않음 (--base none)",
    ),
    (
        "compared with {a} (--baseline) as {b} has it",
        "비교 대상: {b}에 있는 그대로의 {a} (--baseline)",
    ),
    (
        "the walk to the baselines stopped after {n} commit[s] at {w} ({a}), and history goes on: sessions farther back are not found; `baselines.max_walk` in the config makes it longer",
        "기준선 탐색이 커밋 {n}개를 지나 {w} ({a})에서 멈춤, 기록은 더 있음: 더 오래된 세션은 찾지 못함; 설정의 `baselines.max_walk`로 늘릴 수 있음",
    ),
    (
        "judged against the base of pull request {n}: {a}",
        "풀 리퀘스트 {n}의 base를 기준으로 판정: {a}",
    ),
    (
        "judged by the config of this folder, which is no repository: the base of pull request {n} cannot be read here",
        "저장소가 아닌 이 폴더의 설정으로 판정: 풀 리퀘스트 {n}의 base를 여기서 읽을 수 없음",
    ),
    (
        "judged against what this job has checked out, since the pull request's base is unknown: {a}",
        "풀 리퀘스트의 base를 알 수 없어 이 작업이 체크아웃한 것을 기준으로 판정: {a}",
    ),
    (
        "the merge base of {a} and {b} is unknown, since that commit is not here and GitHub does not say it: sessions of the base's own commit count",
        "{a}와(과) {b}의 merge base를 알 수 없음(그 커밋이 여기 없고 GitHub도 알려 주지 않음): base 자체 커밋의 세션을 반영",
    ),
    // What to do after a local check.
    ("next: {A}", "다음: {A}"),
    (
        "evidence is missing or contradicts itself: do what the reason above says; measuring the same again changes nothing",
        "증거가 없거나 서로 모순됨: 위의 이유가 말하는 대로 조치; 같은 것을 다시 측정해도 달라지지 않음",
    ),
    (
        "a limit is breached: make it faster, or change `limits` if it was never meant to hold here",
        "한도 위반: 더 빠르게 만들거나, 여기서 지킬 한도가 아니었다면 `limits`를 수정",
    ),
    (
        "the change is the cause: both builds ran in this job. Find what makes it slower",
        "원인은 이 변경: 두 빌드가 같은 작업에서 실행됨. 느려진 부분을 찾아야 함",
    ),
    (
        "check the base branch here too (`git stash` or another worktree): if it passes, the change is the cause; `goodput-gate compare baselines {a} --explain {w}` shows the arithmetic",
        "base 브랜치도 여기서 check (`git stash` 또는 다른 worktree): 통과하면 원인은 이 변경; 계산 과정은 `goodput-gate compare baselines {a} --explain {w}`",
    ),
    (
        "nothing is proven yet; {n} more of the base branch let the gate see more: `goodput-gate baseline update` there, on different days",
        "아직 입증된 것 없음; base 브랜치의 세션이 {n}개 더 있으면 더 작은 변화도 감지: 거기서 날을 나눠 `goodput-gate baseline update`",
    ),
    (
        "nothing is proven: a quieter machine, more starts (`--starts`, `gate.starts`) or more requests per round see more (`goodput-gate calibrate` says what is visible)",
        "입증된 것 없음: 더 조용한 장비, 더 많은 시작(`--starts`, `gate.starts`) 또는 라운드당 더 많은 요청이면 더 작은 변화도 감지 (감지 가능한 변화는 `goodput-gate calibrate`로 확인)",
    ),
    (
        "nothing is proven: measure more in one attempt (`--starts`, `gate.starts`, or `--interleaved`); or commit, and on another machine `goodput-gate check --with {a}` (this record) judges both jobs together",
        "입증된 것 없음: 한 번의 시도에서 더 많이 측정 (`--starts`, `gate.starts` 또는 `--interleaved`); 또는 커밋한 뒤 다른 장비에서 `goodput-gate check --with {a}` (이 레코드)로 두 작업을 함께 판정",
    ),
    (
        "this is attempt {n} of the workflow run, and what the earlier ones came to is not known, so that it is judged by itself: {a}",
        "워크플로 실행의 시도 {n}이며 이전 시도의 결과를 알 수 없어 이번 시도만으로 판정: {a}",
    ),
    (
        "{a} cannot be used, so earlier attempts in it are not known: {b}",
        "{a}: 사용할 수 없어 그 안의 이전 시도를 알 수 없음: {b}",
    ),
    (
        "no limit is breached, and not all are proven: more rounds (`gate.rounds`) or requests prove them",
        "위반한 한도는 없으나 일부가 입증되지 않음: 라운드(`gate.rounds`)나 요청을 늘리면 입증 가능",
    ),
    (
        "there is nothing to compare with yet: on the base branch `goodput-gate baseline update`, then commit `baselines/`",
        "아직 비교할 대상 없음: base 브랜치에서 `goodput-gate baseline update` 후 `baselines/`를 커밋",
    ),
    (
        "the baselines are of something else: undo the difference that is named above, or `goodput-gate baseline update` on the base branch",
        "기준선이 다른 조건의 것: 위에 적힌 차이를 되돌리거나 base 브랜치에서 `goodput-gate baseline update`",
    ),
    (
        "this measurement says nothing: do what the reason above says, or ask `goodput-gate doctor`",
        "이 측정으로는 아무것도 말할 수 없음: 위 이유대로 조치하거나 `goodput-gate doctor`로 확인",
    ),
];
