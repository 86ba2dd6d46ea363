//! `check` and `run` with a server of the user's that the gate builds and starts: whatever ends the
//! run, nothing is left, and the files say why. Not here: the supervisor by itself (`lifecycle`),
//! two sides (`gate_interleaved`).

use rustix::process::Signal;
use serde_json::Value;

use crate::support::bed::{Ran, files, flat};
use crate::support::servers::{Servers, working};
use crate::support::supervisor::{alive, send, until};
use crate::support::{Act, Answer, Part, Seen, Server, Setup};

const LIMITS: &str = "gate: {mode: limits, starts: 2, rounds: 1}";

/// A server that only waits; the scripted one of the test answers in its place, on its port.
const STAND_IN: &str =
    r#"server.start=echo "$PORT" > "$PLACE/$$.pid"; echo standing in; exec sleep 1000"#;

/// The last lines of its log and why, wherever somebody may look. Returns the headline.
fn told_everywhere(servers: &Servers, ran: &Ran, words: &[&str]) -> String {
    ran.assert(3, words);
    let bed = &servers.bed;
    let report: Value = bed.json(".goodput-gate/report.json");
    assert_eq!(
        (&report["verdict"], &report["exit_code"]),
        (&"invalid".into(), &3.into()),
        "{report}"
    );
    let markdown =
        flat(&bed.read(".goodput-gate/report.md")).replace('\\', "").replace("&#36;", "$");
    let junit = bed.read(".goodput-gate/junit.xml");
    assert!(bed.troubles().iter().any(|t| t.element == "error"), "{junit}");
    for word in words {
        for (file, text) in
            [("report.json", &report.to_string()), ("report.md", &markdown), ("junit.xml", &junit)]
        {
            assert!(text.contains(word), "{word:?} is not in {file}:\n{text}");
        }
    }
    report["headline"].as_str().expect("a headline").to_owned()
}

#[test]
fn a_server_is_built_started_measured_and_stopped() {
    let servers = Servers::new(LIMITS);
    let build =
        ["--set", "server.build=echo compiled; touch \"$PLACE/built\"; [ -z \"$GITHUB_TOKEN\" ]"];
    servers
        .bed
        .measure(&[&["run"][..], &build].concat())
        .assert(0, &["nothing judged", "2 server starts"]);
    servers.left_nothing();
    let record = servers.bed.json(".goodput-gate/record.json");
    let starts = record["workloads"][0]["starts"].as_array().expect("starts");
    assert!(starts.iter().all(|s| s["setup_ms"].as_u64().is_some_and(|ms| ms > 0)), "{starts:?}");
    assert!(servers.servers().len() >= 2 && servers.place().join("built").exists());
    assert_eq!(servers.bed.read(".goodput-gate/logs/server-build.log"), "compiled\n");
    for log in ["server-start1.log", "server-start2.log"] {
        let text = servers.bed.read(&format!(".goodput-gate/logs/{log}"));
        assert_eq!(text.matches("serving with factor 1").count(), 1, "of this run alone: {text}");
    }
    let git = servers.bed.git(&["status", "--porcelain"]);
    assert_eq!(git, "", "a run does not make the tree dirty");
}

#[test]
fn a_signal_at_any_time_leaves_nothing() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        for (phase, set) in [
            ("build", "server.build=touch \"$PLACE/build\"; exec sleep 1000"),
            ("ready", "server.start=touch \"$PLACE/ready\"; exec sleep 1000"),
            ("-w-", "workloads.chat.warmup.requests=5000"),
            ("-r0-", "workloads.chat.requests=5000"),
        ] {
            let servers = Servers::new(LIMITS);
            let gate = servers.spawn(&["check", "--set", set]);
            servers.reaches(phase);
            gate.signal(signal);
            let ended = gate.end();
            if signal == Signal::QUIT {
                assert_eq!(ended.code, None, "it ends by that signal: {ended:?}");
            } else {
                ended.assert(130, &["interrupted"]);
            }
            servers.left_nothing();
            assert_eq!(servers.bed.json(".goodput-gate/report.json")["exit_code"], 130, "{phase}");
            assert_eq!(
                servers.bed.json(".goodput-gate/record.json")["interrupted"],
                true,
                "{phase}"
            );
        }
    }
}

/// Answers of a minute; the second signal does not wait for them.
#[test]
fn a_second_signal_leaves_nothing() {
    let servers = Servers::new(LIMITS);
    let long =
        ["--set", "workloads.chat.output_tokens=4000", "--set", "workloads.chat.warmup.requests=0"];
    let gate = servers.spawn(&[&["check"][..], &long].concat());
    servers.answered("null");
    until("a round is under way", || servers.servers().iter().any(|(_, port)| working(*port)));
    gate.signal(Signal::INT);
    gate.says("once more to cancel them");
    gate.signal(Signal::INT);
    gate.end().assert(130, &["interrupted"]);
    servers.left_nothing();
    let round =
        &servers.bed.json(".goodput-gate/record.json")["workloads"][0]["starts"][0]["rounds"][0];
    assert_eq!(round["cut_short"], true);
}

#[test]
fn a_killed_gate_leaves_no_process() {
    for (phase, set) in [
        ("build", "server.build=touch \"$PLACE/build\"; trap '' HUP; sleep 1000"),
        ("-r0-", "workloads.chat.requests=5000"),
    ] {
        let servers = Servers::new(LIMITS);
        let gate = servers.spawn(&["check", "--set", set]);
        servers.reaches(phase);
        gate.signal(Signal::KILL);
        assert_eq!(gate.end().code, None);
        servers.soon_leaves_no_process();
    }
}

#[test]
fn a_server_that_dies_under_load_makes_the_run_invalid() {
    for (phase, set) in
        [("-w-", "workloads.chat.warmup.requests=5000"), ("-r0-", "workloads.chat.requests=5000")]
    {
        let servers = Servers::new(LIMITS);
        let gate = servers.spawn(&["check", "--set", set]);
        servers.answered(phase);
        let (pid, _) = servers.servers()[0];
        send(pid, Signal::KILL);
        let ran = gate.end();
        let words = [
            "the server ended by itself",
            "signal 9",
            "serving with factor 1",
            "server-start1.log",
        ];
        told_everywhere(&servers, &ran, &words);
        assert_eq!(servers.servers().len(), 1, "there is no second start");
        servers.left_nothing();
    }
}

/// A server whose connections close a moment before its process ends: the end is still the reason.
fn dies_at(fatal: Part) -> (Servers, Ran) {
    let servers = Servers::new(LIMITS);
    let gate = servers.spawn(&[
        "check",
        "--set",
        STAND_IN,
        "--set",
        "server.ready.path=null",
        "--set",
        "gate.starts=1",
    ]);
    until("a server was started", || !servers.servers().is_empty());
    let (pid, port) = servers.servers()[0];
    let script = move |seen: &Seen| {
        if seen.part != fatal {
            return seen.good();
        }
        std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(300));
            send(pid, Signal::KILL);
        });
        Answer(vec![Act::Gone])
    };
    let answering = Server::on(port, Setup::default(), script);
    let ran = gate.end();
    drop(answering);
    servers.left_nothing();
    (servers, ran)
}

#[test]
fn a_server_that_dies_at_its_first_request_is_the_reason() {
    let (servers, ran) = dies_at(Part::Probe);
    told_everywhere(&servers, &ran, &["the server ended by itself", "signal 9", "standing in"]);
}

#[test]
fn a_server_that_dies_in_the_warm_up_is_the_reason() {
    let (servers, ran) = dies_at(Part::Warmup(0));
    told_everywhere(&servers, &ran, &["the server ended by itself", "signal 9", "standing in"]);
}

#[test]
fn a_server_that_dies_in_the_last_round_is_the_reason() {
    let (servers, ran) = dies_at(Part::Round(0, 9));
    told_everywhere(&servers, &ran, &["the server ended by itself", "signal 9", "standing in"]);
}

#[test]
fn a_server_that_ignores_the_request_to_end_is_killed() {
    let servers = Servers::new(LIMITS);
    let deaf = r#"server.start=trap '' TERM; echo $$ > "$PLACE/deaf"; sh serve.sh; while :; do sleep 1; done"#;
    servers
        .bed
        .measure(&["run", "--set", deaf, "--set", "server.grace=200ms", "--set", "gate.starts=1"])
        .assert(0, &[]);
    let pid = servers.bed.read("../place/deaf").trim().parse().expect("a process id");
    assert!(!alive(pid));
    servers.left_nothing();
}

#[test]
fn another_server_is_never_measured() {
    let servers = Servers::new(LIMITS);
    let other = Server::good();
    let url = format!("target={{base_url: \"{}\"}}", other.url());
    let ran = servers.bed.gate(&["check", "--set", &url]);
    let words = ["is taken", "another would be measured", "write ${PORT} in base_url"];
    told_everywhere(&servers, &ran, &words);
    assert!(other.seen().is_empty() && servers.servers().is_empty());
    servers.left_nothing();

    // Drawn by the gate, and stolen before the server could listen: it ends, and says why.
    let gate = servers.spawn(&[
        "check",
        "--set",
        r#"server.start=echo "$PORT" > "$PLACE/$$.pid"; until [ -e "$PLACE/stolen" ]; do sleep 0.05; done; exec sh serve.sh"#,
        "--set",
        "server.ready.path=null",
    ]);
    until("a server was started", || !servers.servers().is_empty());
    let busy =
        Setup { models: Answer::error("503 Service Unavailable", "not yet"), ..Setup::default() };
    let thief = Server::on(servers.servers()[0].1, busy, Seen::good);
    std::fs::write(servers.place().join("stolen"), "").expect("a file");
    let ran = gate.end();
    told_everywhere(&servers, &ran, &["the server ended by itself", "in use"]);
    drop(thief);
    servers.left_nothing();
}

#[test]
fn a_server_that_is_never_ready_says_what_it_printed_last() {
    let servers = Servers::new(LIMITS);
    let never = [
        "--set",
        "server.start=echo loading weights; exec sleep 1000",
        "--set",
        "server.ready.timeout=1s",
    ];
    let ran = servers.bed.gate(&[&["check"][..], &never].concat());
    told_everywhere(
        &servers,
        &ran,
        &["not ready after 1 s", "/health", "loading weights", "server.ready.timeout"],
    );
    servers.left_nothing();
    // What an earlier run printed is not taken for this one's.
    let ran = servers.bed.gate(&[
        "check",
        "--set",
        "server.start=exec sleep 1000",
        "--set",
        "server.ready.timeout=1s",
    ]);
    assert!(
        !told_everywhere(&servers, &ran, &["not ready", "printed nothing"])
            .contains("loading weights")
    );
    servers.left_nothing();
}

#[test]
fn who_is_not_there_is_told_from_who_answers_something_else() {
    let servers = Servers::new(LIMITS);
    let ready = |path: &str, start: &str| {
        // A path alone is short for the map.
        let config =
            servers.bed.read("goodput-gate.yaml").replace("{path: /health, timeout: 60s}", path);
        servers.bed.write("short.yaml", &config);
        let start = format!("server.start={start}");
        let ran = servers.bed.gate(&[
            "run",
            "--config",
            "short.yaml",
            "--set",
            "server.ready.timeout=2s",
            "--set",
            &start,
        ]);
        servers.left_nothing();
        ran
    };
    ready("/health", "exec sleep 1000")
        .assert(3, &["/health gives no answer", "Connection refused"]);
    ready("/nosuch", "exec sh serve.sh")
        .assert(3, &["(the last time: GET http://127.0.0.1:", "/nosuch answered 404)"]);
    ready("[/health]", "exec sleep 1000").assert(2, &["server.ready", "a path such as /health"]);
}

#[test]
fn a_dry_run_names_the_side_beside_and_a_wrong_base_is_told_once() {
    let servers = Servers::new("gate: {mode: interleaved, max_pairs: 3, rounds: 1}");
    servers.bed.commit("second");
    let first = servers.bed.git(&["rev-parse", "HEAD~1"]);
    let words =
        format!("interleaved: the baseline's side is {} (the commit before HEAD", &first[..12]);
    servers
        .bed
        .gate(&["check", "--dry-run"])
        .assert(0, &["3 start pairs at most, 1 round each", "12 requests per round", &words]);
    std::fs::write(servers.bed.home().join("alone.yaml"), servers.bed.read("goodput-gate.yaml"))
        .expect("written");
    // A run or a session of one side is not the check's pairs.
    servers.bed.gate(&["run", "--dry-run"]).assert(0, &["2 starts, 1 round each"]);
    servers
        .bed
        .gate(&["check", "--dry-run", "--starts", "2"])
        .assert(2, &["--starts says nothing of start pairs", "gate.max_pairs"]);
    let alone = servers.bed.gate_in("..", &["check", "--dry-run", "--config", "alone.yaml"]);
    alone.assert(0, &["the baseline's side is unknown here (no git repository"]);
    for args in [&["check", "--base", "nosuch"][..], &["check", "--base", "nosuch", "--dry-run"]] {
        let ran = servers.bed.gate(args);
        ran.assert(2, &["no commit, branch or tag \"nosuch\" here"]);
        assert_eq!(ran.stderr.matches("fetch it").count(), 1, "{}", ran.stderr);
    }
}

#[test]
fn what_cannot_be_built_or_started_says_why() {
    let servers = Servers::new(LIMITS);
    let refused = |set: &str, words: &[&str]| {
        let ran = servers.bed.gate(&["check", "--set", set]);
        told_everywhere(&servers, &ran, words);
        servers.left_nothing();
        assert!(servers.servers().is_empty(), "{set}");
    };
    let build = "server.build=echo compiling; echo E0425 not found >&2; exit 101";
    refused(
        build,
        &[
            "building the server failed",
            "exit status 101",
            "compiling",
            "E0425 not found",
            "server-build.log",
        ],
    );
    refused("server.cwd=nowhere", &["working folder", "nowhere", "correct its cwd"]);
    refused(
        "server.start=no-such-server --port 1",
        &["exit status 127 (command not found)", "no-such-server"],
    );
    refused(
        "server.start=echo out of memory; exit 3",
        &["exit status 3", "out of memory", "stay in the foreground"],
    );
}

/// Keys of the user's: in the server's own log if it prints them, and nowhere else.
#[test]
fn a_key_is_in_no_file_of_ours_and_not_on_the_terminal() {
    let mut servers = Servers::new(LIMITS);
    let (ours, theirs) = ("sk-key-of-the-gate-71f3", "hf-key-of-the-server-90ab");
    servers.bed.set("LLM_KEY", ours);
    servers.bed.set("HF_KEY", theirs);
    let prints = r#"echo "token $HF_TOKEN, sent $LLM_KEY" >&2"#;
    let set = |more: &str| {
        let start = format!("server.start={prints}; {more}");
        [
            "target={api_key_env: LLM_KEY, model: sim-8b}",
            "server.env.HF_TOKEN=${HF_KEY}",
            start.as_str(),
        ]
        .into_iter()
        .flat_map(|s| ["--set".to_owned(), s.to_owned()])
        .collect::<Vec<_>>()
    };
    for (more, code) in
        [("exec sh serve.sh", 0), ("exit 3", 3), ("exec sh serve.sh --broken; exit 4", 0)]
    {
        let set = set(more);
        let args: Vec<&str> = ["run", "--raw", "raw.jsonl", "--set", "gate.starts=1"]
            .into_iter()
            .chain(set.iter().map(String::as_str))
            .collect();
        let ran = servers.bed.measure(&args);
        ran.assert(code, &[]);
        let log = servers.bed.read(".goodput-gate/logs/server-start1.log");
        assert!(log.contains(theirs), "the server prints what it likes: {log}");
        let kept = files(&servers.bed.path(".goodput-gate"))
            .into_iter()
            .filter(|(path, _)| !path.ends_with("logs/server-start1.log"));
        let said = [
            ("stdout", ran.stdout),
            ("stderr", ran.stderr),
            ("raw", servers.bed.read("raw.jsonl")),
        ];
        for (name, text) in kept
            .map(|(path, text)| (path.display().to_string(), text))
            .chain(said.map(|(n, t)| (n.to_owned(), t)))
        {
            assert!(!text.contains(ours) && !text.contains(theirs), "{name}: {text}");
        }
        servers.left_nothing();
    }
}
