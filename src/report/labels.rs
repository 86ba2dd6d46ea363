//! Labels and headings of the reports, once in each language: words beside a number or above a
//! table, and fixed lines without a number.
//!
//! A line below has a word in every language, so that none can lack one. Not here: sentences with
//! numbers (`say`), words of the machine contract (`contract`), the template of the HTML page
//! (`page::words`).

use crate::config::Lang;

/// The labels of a language.
pub const fn labels(lang: Lang) -> &'static Labels {
    match lang {
        Lang::En => &EN,
        Lang::Ko => &KO,
    }
}

macro_rules! labels {
    ($($name:ident: $english:literal, $korean:literal;)*) => {
        #[derive(Debug)]
        pub struct Labels {
            $(pub $name: &'static str,)*
        }

        const EN: Labels = Labels { $($name: $english,)* };
        const KO: Labels = Labels { $($name: $korean,)* };
    };
}

#[rustfmt::skip]
labels! {
    // Columns.
    metric: "metric", "지표";
    baseline: "baseline", "기준선";
    change: "change", "변화";
    interval: "interval", "신뢰구간";
    judgement: "judgement", "판정";
    limit: "limit", "한도";
    measured: "measured", "측정값";
    state: "state", "상태";
    class: "class", "구분";
    minimum_relevant: "minimum relevant", "최소 유의미 변화";
    smallest_detectable: "smallest detectable", "최소 감지 변화";
    rate_or_share: "rate or share", "비율·처리량";
    what: "what", "항목";
    value: "value", "값";
    told_by_server: "what the server said of itself", "서버가 스스로 알린 값";
    workload: "workload", "워크로드";
    verdict: "verdict", "판정";
    completed: "completed", "완료";
    slo_met: "SLO met", "SLO 달성";
    level: "level", "수준";
    name: "name", "이름";
    attempt: "attempt", "시도";
    by_itself: "by itself", "단독";
    together: "with those before", "앞선 시도와 함께";
    time: "time", "시각";
    machine: "machine", "장비";
    run: "run", "run";
    says: "says", "내용";
    claim: "claim", "주장";
    outcome: "outcome", "결과";

    // Facts, each beside its label.
    why: "why", "이유";
    proves: "proves", "입증";
    accepted: "accepted", "수용됨";
    warning: "warning", "경고";
    anchor: "anchor", "앵커";
    latest: "latest", "최근";
    note: "note", "참고";
    meanwhile: "meanwhile", "그동안";
    advice: "advice", "조언";
    load: "load", "부하";
    requests: "requests", "요청";
    judged: "judged", "판정 방법";
    under_test: "under test", "시험 대상";
    speed: "speed", "속도";
    rates: "rates", "처리량";
    starts: "starts", "시작";
    server_starts: "server starts", "서버 시작";
    slo: "SLO", "SLO";
    no_evidence: "no evidence: INVALID", "증거 아님: INVALID";
    slo_attainment: "all SLOs together", "모든 SLO 동시 만족";
    limits: "limits", "한도";
    others: "others", "그 밖에";
    unmeasured: "unmeasured", "측정 안 됨";
    errors: "errors", "오류";
    error: "error", "오류";
    detectable: "detectable", "감지 한계";
    client: "client", "클라이언트";
    server: "server", "서버";
    gpu: "GPU", "GPU";
    report: "report", "리포트";

    // Where it comes from.
    session: "session", "세션";
    created: "created", "측정 시각";
    commit: "commit", "커밋";
    commit_date: "commit date", "커밋 시각";
    tree: "tree without baselines", "tree (기준선 제외)";
    uncommitted: "uncommitted changes", "커밋되지 않은 변경";
    no_repository: "not in a git repository", "git 저장소 아님";
    differs: "differs from the baseline", "기준선과 다른 점";
    host: "host", "호스트";
    connections_to: "connections to", "연결 대상";
    exit_code: "exit code", "종료 코드";
    yes: "yes", "예";
    no: "no", "아니오";

    // What became of a metric, as people say it at a glance.
    worse: "WORSE", "나빠짐";
    better: "better", "좋아짐";
    ok: "ok", "이상 없음";
    unclear: "unclear", "불확실";
    not_measured: "not measured", "측정 안 됨";

    // Lines of the page's charts.
    failed: "failed", "실패";
    completed_per_s: "completed/s", "완료/s";
    failed_per_s: "failed/s", "실패/s";
    events_per_s: "output events/s", "출력 이벤트/s";
    in_flight: "in flight", "처리 중";
    running: "running", "실행 중";
    waiting: "waiting", "대기 중";
    kv_cache_use: "KV-cache use", "KV 캐시 사용률";

    server_requests: "server: requests", "서버: 요청";
    server_kv_cache: "server: KV-cache use", "서버: KV 캐시 사용률";
    gpu_utilisation: "GPU: utilisation", "GPU: 사용률";
    gpu_power: "GPU: power", "GPU: 전력";
    gpu_clock: "GPU: SM clock", "GPU: SM 클럭";
    gpu_temperature: "GPU: temperature", "GPU: 온도";
    gpu_memory: "GPU: memory", "GPU: 메모리";

    // Headings and fixed lines.
    interrupted: "interrupted: this is what was measured until then", "중단됨: 그때까지 측정한 결과";
    nothing_measured: "nothing was measured", "측정된 것이 없음";
    nothing_judged: "nothing judged", "판정 없음";
    untrusted_job: "measured by an untrusted job", "신뢰할 수 없는 작업에서 측정";
    untrusted:
        "Measured by an untrusted job: the change under test could have altered these numbers. The verdict was computed again from the record, under this repository's own config and baselines.",
        "신뢰할 수 없는 작업에서 측정: 시험 대상 변경이 이 수치를 바꿨을 수 있습니다. 판정은 이 저장소의 설정과 기준선으로 레코드에서 다시 계산했습니다.";
    cut:
        "Cut to what fits here: all numbers are in the report files of the run.",
        "길이 제한에 맞춰 줄였습니다. 모든 수치는 실행의 리포트 파일에 있습니다.";
    accepted_regression: "Accepted regression", "수용된 성능 저하";
    proven: "A PASS proves", "PASS가 입증하는 것";
    intervals: "Intervals", "신뢰구간";
    not_judged_why: "Inconclusive or unmeasured, and why:", "판단 보류 또는 측정 안 됨, 그 이유:";
    meanwhile_no_proof: "Meanwhile (an explanation, no proof):", "그동안 (설명일 뿐, 증명은 아님):";
    attempts: "All attempts at this commit:", "이 커밋의 모든 시도:";
    all_metrics: "All metrics", "전체 지표";
    server_evidence: "Server evidence", "서버 증거";
    load_and_client: "Load and client", "부하와 클라이언트";
    provenance: "Provenance", "출처";
    hypotheses: "Hypotheses", "가설";
    by_level: "By level", "수준별";
    not_ranked: "not ranked", "순위 없음";
    not_in_a_curve: "not in a curve", "곡선에 없음";

    // How to judge again, and how to accept.
    reproduce_and_accept: "How to reproduce, how to accept", "재현 방법, 받아들이는 방법";
    files_beside:
        "From the files that the gate has written beside this one:",
        "이 파일과 함께 저장된 파일로:";
    other_formats: "or md, junit, json, csv", "또는 md, junit, json, csv";
    judges_again:
        "judges the stored measurement again, without a server",
        "저장된 측정을 서버 없이 다시 판정";
    measures_again: "measures again", "다시 측정";
    what_a_baseline_is:
        "BASELINE is a record (baseline.json, where both builds were measured here), a baseline file, or a folder of baseline files.",
        "BASELINE은 레코드(두 빌드를 함께 측정했으면 baseline.json), 기준선 파일, 또는 기준선 파일이 있는 폴더입니다.";
    accept_worse:
        "To accept what is worse here, for a reason, until a day: beside this report",
        "나빠진 것을 이유와 기한을 정해 받아들이려면 이 리포트가 있는 폴더에서 실행합니다.";
    accepting:
        "writes baselines/accepted.json, which counts once it is on the base branch (its own pull request), up to the size that was seen here.",
        "baselines/accepted.json이 만들어지고, 별도의 풀 리퀘스트로 base 브랜치에 들어간 뒤부터 여기서 본 크기까지만 반영됩니다.";
    change_the_limit:
        "A limit that was never meant to hold is changed in the config.",
        "애초에 지킬 한도가 아니었다면 설정에서 한도를 바꾸십시오.";
    new_normal:
        "If this is how it should be from now on: merge, then add sessions to the baseline on the target branch and commit them.",
        "앞으로 이 성능이 기준이라면: 병합한 뒤 대상 브랜치에서 기준선에 세션을 추가하고 커밋하십시오.";
    // The comment, before its fold.
    this_change: "this change", "이 변경";
    job: "job", "작업";
    measured_commit: "measured", "측정 커밋";
    html_report: "HTML report (artifact)", "HTML 리포트 (아티팩트)";
    time_per_request: "Time", "시간";
    time_spent: "time", "시간";
    share: "share", "비율";
    per_s: "events/s", "이벤트/s";
    more_rows: "More rows are in the fold.", "나머지 행은 아래 접힌 부분에 있습니다.";
    more_lines: "More is in the fold.", "나머지는 아래 접힌 부분에 있습니다.";
    rest: "All numbers, evidence, how to reproduce", "전체 수치, 근거, 재현 방법";
    unintended:
        "**Not intended?** Mend it and push: the gate runs again. `goodput-gate check` measures on your machine.",
        "**의도하지 않은 변화라면** 고친 뒤 푸시합니다. 게이트가 다시 실행됩니다. `goodput-gate check`로 직접 측정할 수 있습니다.";
    intended:
        "**Intended?** `goodput-gate accept --reason \"...\"`, beside this run's report, accepts it until a day (its own pull request). If this is the speed from now on: merge, then `goodput-gate baseline update` on the target branch.",
        "**의도한 변화라면** 이 실행의 리포트가 있는 폴더에서 `goodput-gate accept --reason \"...\"`로 기한을 정해 수용합니다(별도의 풀 리퀘스트). 앞으로 이 성능이 기준이라면 병합한 뒤 대상 브랜치에서 `goodput-gate baseline update`를 실행합니다.";
}

/// As it begins a line: `Warning` of `warning`.
pub fn capitalised(label: &str) -> String {
    let mut letters = label.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
