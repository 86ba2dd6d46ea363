//! What the program says outside of reports, in Korean: overview, errors and hints, questions,
//! `doctor`, `init`, baseline verbs; and that what files hold stays English. Not here: reports
//! (`lang`).

use crate::support::{Gate, Ran, Server, is_korean};

/// A port of loopback that nobody listens on: 1 needs privileges that no test has.
const NOBODY: &str = "http://127.0.0.1:1/v1";

fn korean() -> Gate {
    Gate::new().env("GOODPUT_GATE_LANG", "ko")
}

fn assert_english(ran: &Ran) {
    assert!(!is_korean(&ran.stdout) && !is_korean(&ran.stderr), "{ran:?}");
}

fn port(server: &Server) -> String {
    server.url().rsplit(':').next().expect("a URL has a port").trim_end_matches("/v1").to_owned()
}

#[test]
fn the_overview_speaks_the_readers_language() {
    let none: [&str; 0] = [];
    korean()
        .run(&none)
        .assert_says(2, &["check --demo      게이트 체험", "goodput-gate VERB --help"]);
    // The locale of a job or of a pipe is nobody's.
    let english = Gate::new().env("LANG", "ko_KR.UTF-8").run(&none);
    english.assert_says(2, &["check --demo      see a gate at work"]);
    assert_english(&english);
}

#[test]
fn a_slip_in_a_korean_config_is_told_in_korean_with_its_hint() {
    let gate = Gate::new();
    let config = "version: 1\nlang: ko\ntarget: {sim: {}}\nworkload: [{preset: quick}]\n";
    gate.write("goodput-gate.yaml", config);
    gate.run(&["check", "--dry-run"]).assert_says(
        2,
        &[
            "오류: goodput-gate.yaml:4:1: workload: 알 수 없는 키 `workload`",
            "  힌트: 혹시 `workloads`입니까?",
        ],
    );
    let english = gate.run(&["check", "--dry-run", "--lang", "en"]);
    english
        .assert_says(2, &["error: goodput-gate.yaml:4:1: ", "  hint: did you mean `workloads`?"]);
    assert_english(&english);
}

#[test]
fn where_nothing_is_configured_a_hint_says_what_to_do() {
    korean().run(&["check"]).assert_says(
        2,
        &["오류: 측정할 대상 없음: ", "\n힌트: 설정은 --config FILE로", "goodput-gate init"],
    );
}

#[test]
fn a_server_that_is_not_there_is_told_in_korean_and_stored_in_english() {
    let gate = korean();
    let ran = gate.run(&["check", "--base-url", NOBODY, "--model", "m", "--base", "none"]);
    ran.assert_says(
        3,
        &["오류: http://127.0.0.1:1/v1", "연결 실패: ", "\n힌트: 서버가 실행 중이고"],
    );
    let report = gate.text(".goodput-gate/report.json");
    assert!(report.contains("cannot reach") && !is_korean(&report), "{report}");
}

#[test]
fn the_doctors_table_is_korean() {
    let (gate, server) = (Gate::new(), Server::good());
    let url = server.url();
    let config =
        format!("version: 1\nlang: ko\ntarget: {{base_url: '{url}'}}\nworkloads: [{{name: a}}]\n");
    gate.write("goodput-gate.yaml", &config);
    let ran = gate.run(&["doctor"]);
    for line in [
        "정상  설정       ",
        ", 워크로드 1개",
        "정상  서버       응답 확인: tiny",
        "참고  git        여기에도 상위 폴더에도 git 저장소 없음",
    ] {
        assert!(ran.stdout.contains(line), "{line}: {}", ran.stdout);
    }
}

#[test]
fn init_asks_in_korean_and_writes_the_language_down() {
    let (gate, first, second) = (korean(), Server::good(), Server::good());
    let ports = format!("{},{}", port(&first), port(&second));
    let ran = gate.answering(&["init", "--ask", "--ports", &ports], "9\n2\n");
    ran.assert_says(
        0,
        &["서버 (번호 또는 URL):", "1에서 2 사이의 번호. Enter는 1", "다음:   goodput-gate run"],
    );
    assert!(ran.stdout.starts_with("작성    goodput-gate.yaml\n"), "{ran:?}");
    let config = gate.text("goodput-gate.yaml");
    assert!(config.contains("\nlang: ko ") && config.contains("# 모든 응답의 길이"), "{config}");
    // From now on without the variable.
    let plan = Gate::new();
    plan.write("goodput-gate.yaml", &config);
    let ran = plan.run(&["run", "--dry-run"]);
    assert!(
        ran.stdout.contains("아무것도 보내지 않음") && ran.stdout.contains("예상: "),
        "{ran:?}"
    );

    let english = Gate::new();
    let ran = english.run(&["init", "--yes", "--ports", &port(&first)]);
    assert_english(&ran);
    let config = english.text("goodput-gate.yaml");
    assert!(ran.code == Some(0) && !config.contains("lang") && !is_korean(&config), "{config}");
}

#[test]
fn baseline_verbs_speak_korean() {
    let gate = korean();
    gate.git(&["init", "-q", "-b", "main"]);
    gate.write("goodput-gate.yaml", "version: 1\ntarget: {sim: {}}\nworkloads: [{name: a}]\n");
    gate.git(&["add", "."]);
    gate.git(&["commit", "-q", "-m", "c"]);
    for (args, said) in [
        (&["baseline", "list"][..], "기준선 세션이 아직 없습니다"),
        (&["baseline", "history", "ttft_p50"], "이 계보에 아직 기준선 세션이 없습니다"),
        (&["baseline", "resolve"], "세션 없음: base 브랜치에서"),
        (&["baseline", "prune"], "삭제할 것 없음"),
        (&["baseline", "anchor"], "앵커 없음"),
    ] {
        let ran = gate.run(args);
        assert!(ran.code == Some(0) && ran.stdout.contains(said), "{args:?}: {ran:?}");
    }
    gate.run(&["baseline", "show", "abcdef"])
        .assert_says(2, &["오류: 기준선에 \"abcdef\"라는 세션이나 커밋 없음", "힌트: "]);
}
