//! `init` and `run -i` as a newcomer meets them: what is found, asked, written and never
//! overwritten; `.env`; the older tools' configs.

mod asked;

use serde_json::json;

use crate::support::{Answer, Gate, Ran, Seen, Server, Setup};

/// A port of loopback that nobody listens on: 1 needs privileges that no test has.
const NOBODY: &str = "1";

fn port(server: &Server) -> String {
    server.url().rsplit(':').next().expect("a URL has a port").trim_end_matches("/v1").to_owned()
}

/// A server that lists these models.
fn listing(models: &[&str]) -> Server {
    let data: Vec<_> = models.iter().map(|m| json!({"id": m, "owned_by": "scripted"})).collect();
    let setup =
        Setup { models: Answer::json("200 OK", &json!({"data": data})), ..Setup::default() };
    Server::with(setup, Seen::good)
}

fn config(gate: &Gate) -> String {
    Ran::hidden(gate, &gate.text("goodput-gate.yaml"))
}

/// The config as written is one that a run can use.
fn assert_runs(gate: &Gate) -> String {
    let ran = gate.run(&["run", "--dry-run"]);
    assert_eq!(ran.code, Some(0), "{ran:?}\n{}", gate.text("goodput-gate.yaml"));
    ran.stdout
}

/// Whether this machine has a GPU decides the workload that is proposed.
fn without_workload(config: &str) -> String {
    let (head, rest) = config.split_once("workloads:\n").expect("there are workloads");
    let tail = rest.split_once("# Per request, and per run").expect("the gate follows").1;
    format!("{head}workloads: [...]\n# Per request, and per run{tail}")
}

#[test]
fn one_server_is_found_and_nothing_is_asked() {
    let (gate, server) = (Gate::new(), Server::good());
    let ran = gate.run(&["init", "--yes", "--ports", &port(&server)]);
    ran.assert_says(
        0,
        &[
            "server  http://127.0.0.1:",
            "(scripted 1.2.3): tiny",
            "git     no repository here",
            "next:   goodput-gate run",
        ],
    );
    assert_eq!(
        ran.stdout,
        "wrote   goodput-gate.yaml\nwrote   .github/workflows/goodput-gate.yml\n"
    );
    assert!(assert_runs(&gate).contains("chat: "));
    insta::assert_snapshot!("init_config", without_workload(&config(&gate)));
    insta::assert_snapshot!("init_workflow", gate.text(".github/workflows/goodput-gate.yml"));
    assert!(server.planned().is_empty(), "init sends no load");
}

#[test]
fn a_server_elsewhere_is_named() {
    let (gate, server) = (Gate::new(), Server::good());
    let url = server.url();
    gate.run(&["init", "--yes", "--base-url", &url, "--ports", NOBODY]).assert_says(
        0,
        &["server  http://127.0.0.1:", "(scripted 1.2.3): tiny", "next:   goodput-gate run"],
    );
    assert!(gate.text("goodput-gate.yaml").contains(&format!("base_url: {url}")));
    gate.run(&["init", "--yes", "--force", "--base-url", "http://127.0.0.1:1/v1"])
        .assert_says(0, &["http://127.0.0.1:1/v1 does not answer yet"]);
    assert!(gate.text("goodput-gate.yaml").contains("base_url: http://127.0.0.1:1/v1"));
    gate.run(&["init", "--yes", "--force", "--base-url", "8000"])
        .assert_says(2, &["--base-url takes a URL such as http://127.0.0.1:8000/v1"]);
}

#[test]
fn what_was_found_can_be_measured() {
    let (gate, server) = (Gate::new(), Server::good());
    gate.run(&["init", "--yes", "--ports", &port(&server)]).assert_says(0, &[]);
    let ran = gate.run(&[
        "run",
        "--rounds",
        "1",
        "--requests",
        "3",
        "--warmup",
        "1",
        "--output-tokens",
        "4",
        "--concurrency",
        "1",
    ]);
    gate.assert_measured(&ran);
    assert_eq!(gate.record()["workloads"][0]["name"], "chat");
}

#[test]
fn no_server_is_said_and_the_config_waits_for_one() {
    let gate = Gate::new();
    gate.run(&["init", "--yes", "--ports", NOBODY]).assert_says(
        0,
        &[
            "server  none on 127.0.0.1, ports 1",
            "next:   start the server, then goodput-gate doctor",
        ],
    );
    assert!(config(&gate).contains("base_url: http://127.0.0.1:[PORT]/v1"));
    assert_runs(&gate);
}

#[test]
fn of_two_servers_and_models_the_chosen_ones_are_written() {
    let (gate, first, second) =
        (Gate::new(), Server::good(), listing(&["text-embed", "small", "large: v2"]));
    let ports = format!("{},{}", port(&first), port(&second));
    // An answer that fits nothing is asked again.
    let ran = gate.answering(&["init", "--ask", "--ports", &ports], "9\n2\n2\n");
    ran.assert_says(0, &["1 to 2, or Enter for 1", "model (number or name):", "> 1. small"]);
    let text = gate.text("goodput-gate.yaml");
    assert!(text.contains(&second.url()) && text.contains("model: \"large: v2\""), "{text}");
    assert_runs(&gate);
    let by_default = Gate::new();
    by_default.answering(&["init", "--ask", "--ports", &ports], "\n").assert_says(0, &[]);
    assert!(by_default.text("goodput-gate.yaml").contains(&first.url()));
}

#[test]
fn a_proxy_lists_its_models_on_a_path_of_its_own() {
    let gate = Gate::new();
    let info = json!({"data": [{"model_name": "chat-small"}, {"model_name": "openai/*"}, {"model_name": "chat-small"}]});
    let setup = Setup {
        models: Answer::json("200 OK", &json!({"data": []})),
        others: vec![("/model/info", Answer::json("200 OK", &info))],
        ..Setup::default()
    };
    let server = Server::with(setup, Seen::good);
    gate.run(&["init", "--yes", "--ports", &port(&server)])
        .assert_says(0, &["(LiteLLM 1.2.3): chat-small\n"]);
}

#[test]
fn a_name_does_not_steer_the_terminal() {
    let (gate, server) = (Gate::new(), listing(&["a\u{1b}[2Jb", "c"]));
    let ran = gate.answering(&["init", "--ask", "--ports", &port(&server)], "\n");
    assert!(
        ran.code == Some(0) && !ran.stderr.contains('\u{1b}') && !ran.stdout.contains('\u{1b}'),
        "{ran:?}"
    );
    assert!(!gate.text("goodput-gate.yaml").contains('\u{1b}'));
    assert_runs(&gate);
}

#[test]
fn an_answer_that_never_comes_writes_nothing() {
    let gate = Gate::new();
    gate.answering(&["init", "--ask", "--ports", NOBODY], "")
        .assert_says(2, &["standard input ended", "hint:"]);
    assert!(gate.files().is_empty());
}

#[test]
fn files_that_are_there_stay() {
    let (gate, server) = (Gate::new(), Server::good());
    gate.write("goodput-gate.yaml", "mine");
    let args = ["init", "--yes", "--ports", &port(&server)];
    gate.run(&args).assert_says(
        2,
        &["goodput-gate.yaml is there already, and nothing was written", "--force"],
    );
    assert_eq!((gate.text("goodput-gate.yaml").as_str(), gate.files().len()), ("mine", 1));
    gate.run(&[&args[..], &["--force"]].concat()).assert_says(0, &[]);
    assert_runs(&gate);
    // The workflow alone stays too, and does not stop the rest.
    std::fs::remove_file(gate.path("goodput-gate.yaml")).expect("it was written");
    std::fs::write(gate.path(".github/workflows/goodput-gate.yml"), "mine")
        .expect("it can be written");
    gate.run(&args).assert_says(0, &["kept    .github/workflows/goodput-gate.yml"]);
    assert_eq!(gate.text(".github/workflows/goodput-gate.yml"), "mine");
}

#[test]
fn the_repository_says_where_and_which_branch() {
    let (gate, server) = (Gate::new(), Server::good());
    let repo = git2::Repository::init(gate.path("")).expect("a repository can be made");
    repo.remote("origin", "https://me:s3cret@github.com/acme/serving.git")
        .expect("it takes a remote");
    repo.reference_symbolic("refs/remotes/origin/HEAD", "refs/remotes/origin/trunk", true, "")
        .expect("it takes a reference");
    std::fs::create_dir(gate.path("deep")).expect("the test's folder can be written");
    let ran = gate.run(&["init", "--yes", "--ports", &port(&server)]);
    ran.assert_says(0, &["git     github.com/acme/serving, default branch trunk"]);
    assert!(!ran.stderr.contains("s3cret"), "{ran:?}");
    assert!(gate.text(".github/workflows/goodput-gate.yml").contains("branches: [trunk]"));
}

#[test]
fn a_key_is_found_in_the_env_file_and_never_shown() {
    const KEY: &str = "sk-0123456789abcdef";
    let gate = Gate::new();
    let setup = Setup { models: Answer::error("401 Unauthorized", "no key"), ..Setup::default() };
    let server = Server::with(setup, Seen::good);
    gate.write(".env", &format!("# keys\nOTHER=1\nexport VLLM_API_KEY='{KEY}'\n"));
    let ran =
        gate.run(&["init", "--yes", "--ports", &port(&server), "--api-key-env", "VLLM_API_KEY"]);
    ran.assert_says(0, &["asks for an API key"]);
    assert!(gate.text("goodput-gate.yaml").contains("api_key_env: VLLM_API_KEY"));
    assert!(
        gate.text(".github/workflows/goodput-gate.yml")
            .contains("VLLM_API_KEY: ${{ secrets.VLLM_API_KEY }}")
    );
    let asked = server.seen();
    let keys: Vec<_> = asked.iter().map(|s| s.headers.get("authorization").cloned()).collect();
    assert_eq!(keys.first(), Some(&None), "a server that may not ask for a key is sent none");
    assert!(keys.contains(&Some(format!("Bearer {KEY}"))), "{keys:?}");
    let written: String = gate
        .files()
        .iter()
        .filter(|p| !p.ends_with(".env"))
        .map(|p| std::fs::read_to_string(p).expect("text"))
        .collect();
    assert!(!format!("{written}{ran:?}").contains("0123456789abcdef"));
}

#[test]
fn the_env_file_is_for_keys_that_the_environment_lacks() {
    let server = Server::good();
    let sent = |gate: &Gate| {
        let before = server.seen().len();
        let args = ["--requests", "2", "--api-key-env", "MY_KEY"];
        gate.assert_measured(&gate.measure(&server.url(), &args));
        server.seen()[before..].iter().find_map(|s| s.headers.get("authorization").cloned())
    };
    let gate = Gate::new();
    gate.write(".env", "MY_KEY=from-file\n");
    assert_eq!(sent(&gate).as_deref(), Some("Bearer from-file"));
    let gate = Gate::new().env("MY_KEY", "from-environment");
    gate.write(".env", "MY_KEY=from-file\n");
    assert_eq!(sent(&gate).as_deref(), Some("Bearer from-environment"));
    // What cannot be read may be a key.
    let gate = Gate::new();
    gate.write(".env", "MY_KEY='sk-0123456789abcdef\n");
    let ran = gate.measure(&server.url(), &["--requests", "2", "--api-key-env", "MY_KEY"]);
    ran.assert_says(2, &["cannot read .env, where MY_KEY was looked for", "hint:"]);
    assert!(!ran.stderr.contains("0123456789abcdef"), "{ran:?}");
}

fn older(gate: &Gate) -> String {
    let from = crate::support::fixture("older-configs");
    let to = gate.path("configs");
    std::fs::create_dir(&to).expect("the test's folder can be written");
    for name in ["targets.yaml", "models.yaml", "workloads.yaml"] {
        std::fs::copy(from.join(name), to.join(name)).expect("the fixture is there");
    }
    "configs".into()
}

#[test]
fn older_configs_become_one() {
    let gate = Gate::new();
    let ran = gate.run(&["init", "--yes", "--from", &older(&gate)]);
    ran.assert_says(0, &["SPARK_TEST_API_KEY", "sweep", "context_length"]);
    insta::assert_snapshot!(
        "init_from_older",
        format!("{}\n---\n{}", ran.redacted(&gate), gate.text("goodput-gate.yaml"))
    );
    assert!(!format!("{ran:?}{}", gate.text("goodput-gate.yaml")).contains("sk-live"));
    // Rounds of their own length have tens of thousands of requests, and are made for every dry
    // run.
    let short = ["run", "--dry-run", "--duration", "500ms"];
    let plan = gate.run(&short).stdout;
    assert!(
        ["medium-load: ", "high-load-5min: ", "stress-test: ", "sweep-c50: "]
            .iter()
            .all(|w| plan.contains(w)),
        "{plan}"
    );
    // Every server, and the further model, by name.
    let full = |short: &str| {
        if short.starts_with("llama") {
            "meta-llama/Meta-Llama-3.1-8B-Instruct"
        } else {
            "Qwen/Qwen3-Coder-30B-A3B-Instruct"
        }
    };
    for target in ["vllm-local", "spark-test", "litellm"] {
        for model in ["llama-3.1-8b-instruct", "qwen3-coder-30b"] {
            let ran = gate.run(
                &[&short[..], &["--target", target, "--model", model, "--workload", "medium-load"]]
                    .concat(),
            );
            ran.assert_says(0, &[]);
            assert!(
                ran.stdout.contains(&format!("model {} at http://", full(model))),
                "{target}: {ran:?}"
            );
        }
    }
    gate.run(&[&short[..], &["--target", "qwen3-coder-30b"]].concat()).assert_says(0, &[]);
}

#[test]
fn older_prompts_are_sent_from_a_file_of_their_own() {
    let (gate, server) = (Gate::new(), Server::good());
    gate.write("targets.yaml", &format!("targets: [{{name: a, base_url: '{}'}}]", server.url()));
    gate.write("workloads.yaml", "workloads: [{name: w, concurrency: 1, requests: 2, warmup: 1, max_tokens: 4, prompts: [first question, second question]}]");
    let init = ["init", "--yes", "--from", "."];
    gate.write("prompts.jsonl", "mine");
    gate.run(&init)
        .assert_says(2, &["prompts.jsonl is there already, and nothing was written", "--force"]);
    assert!(!gate.path("goodput-gate.yaml").exists());
    gate.run(&[&init[..], &["--force"]].concat())
        .assert_says(0, &["w, prompts: 2 of them, in prompts.jsonl"]);
    let ran = gate.run(&["run", "--target", "a", "--rounds", "1"]);
    gate.assert_measured(&ran);
    let sent: String =
        server.seen().iter().map(|seen| String::from_utf8_lossy(&seen.body).into_owned()).collect();
    assert!(sent.contains("first question") && sent.contains("second question"), "{ran:?} {sent}");
}

#[test]
fn older_configs_that_name_no_server_are_refused() {
    let gate = Gate::new();
    gate.run(&["init", "--yes", "--from", "."]).assert_says(2, &["no targets.yaml in .", "hint:"]);
    gate.write("targets.yaml", "targets: []");
    gate.run(&["init", "--yes", "--from", "."]).assert_says(2, &["names no server", "hint:"]);
    assert_eq!(gate.files().len(), 1);
}
