//! The action around the binary: its inputs are the flags, its script passes them on unharmed, and
//! the documents' workflows use what there is.

mod workflow;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::{program, read, root};

/// Inputs that are no flag: which command, whose binary, where, as whom, and what `comment` takes
/// without a flag.
const OWN: [&str; 6] = ["command", "binary", "version", "token", "working-directory", "records"];

/// Flags that need a person at a terminal, or none.
const NOT_IN_CI: [&str; 6] = ["help", "interactive", "demo", "shard", "rendezvous", "shard-wait"];

const COMMANDS: [&[&str]; 4] = [&["check"], &["run"], &["baseline", "update"], &["comment"]];

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn keys(map: &Value) -> BTreeSet<String> {
    map.as_object().expect("a map").keys().cloned().collect()
}

fn inputs() -> BTreeSet<String> {
    keys(&yaml(&read("action.yml"))["inputs"])
}

fn flags(command: &[&str]) -> BTreeSet<String> {
    let help = program(root(), root()).args(command).arg("--help").output().expect("it starts");
    let help = String::from_utf8(help.stdout).expect("text");
    let flag = |line: &str| {
        let (_, after) = line
            .trim_start()
            .split_once("--")
            .filter(|(before, _)| before.is_empty() || before.ends_with(", "))?;
        Some(after.split([' ', '=', '[']).next()?.to_owned())
    };
    help.lines().filter_map(flag).filter(|f| !NOT_IN_CI.contains(&f.as_str())).collect()
}

#[test]
fn the_actions_inputs_are_the_flags() {
    let all: BTreeSet<String> =
        COMMANDS.iter().flat_map(|c| flags(c)).chain(OWN.map(str::to_owned)).collect();
    assert!(all.contains("baseline-url") && all.contains("from"), "{all:?}");
    assert_eq!(inputs(), all);
}

#[test]
fn every_input_reaches_the_script() {
    let action = yaml(&read("action.yml"));
    let steps = action["runs"]["steps"].as_array().expect("steps");
    let runs: Vec<&Value> = steps.iter().filter(|step| step["run"].is_string()).collect();
    assert_eq!(runs.len(), 1, "a second one would hide the exit code");
    assert_eq!(runs[0]["run"], "exec \"$GG_ACTION_PATH/action/main.sh\"");
    let env = runs[0]["env"].as_object().expect("env");
    for input in inputs() {
        let name = match input.as_str() {
            "token" => "GITHUB_TOKEN".to_owned(),
            "name" => "GOODPUT_GATE_NAME".to_owned(),
            other => format!("GG_{}", other.to_uppercase().replace('-', "_")),
        };
        assert_eq!(
            env.get(&name),
            Some(&Value::from(format!("${{{{ inputs.{input} }}}}"))),
            "{input}"
        );
    }
}

/// Attempts are restored before the gate runs, and saved after it whatever it said, under a name
/// that no other attempt has.
#[test]
fn attempts_are_carried_from_one_run_to_the_next() {
    let action = yaml(&read("action.yml"));
    let steps = action["runs"]["steps"].as_array().expect("steps");
    let text = |step: &Value, key: &str| step[key].as_str().unwrap_or_default().to_owned();
    let [restore, gate, save] = &steps[..] else { panic!("{steps:?}") };
    assert!(text(restore, "uses").starts_with("actions/cache/restore@"));
    assert!(text(gate, "run").ends_with("main.sh\""));
    assert!(text(save, "uses").starts_with("actions/cache/save@"));
    assert!(text(save, "if").starts_with("always() && "));
    let (key, prefix) = (text(&save["with"], "key"), text(&restore["with"], "restore-keys"));
    assert_eq!(key, format!("{prefix}${{{{ github.run_id }}}}-${{{{ github.run_attempt }}}}"));
    assert_eq!(restore["with"]["key"], save["with"]["key"]);
    assert_eq!(restore["with"]["path"], save["with"]["path"]);
}

/// The script with a stand-in for the binary, which writes its arguments one per line and ends with
/// `code`.
fn script(folder: &Path, code: i32, env: &[(&str, &str)]) -> (Output, BTreeMap<String, String>) {
    let binary = folder.join("stand-in");
    fs::write(
        &binary,
        format!("#!/bin/sh\nprintf '%s\\n' \"$@\" >arguments\necho verdict=passed >>\"$GITHUB_OUTPUT\"\nexit {code}\n"),
    )
    .expect("written");
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).expect("executable");
    let outputs = folder.join("outputs");
    fs::write(&outputs, "").expect("written");
    let output = Command::new("bash")
        .arg(root().join("action/main.sh"))
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("RUNNER_TEMP", folder)
        .env("GITHUB_OUTPUT", &outputs)
        .env("GG_BINARY", "./stand-in")
        .envs(env.iter().copied())
        .output()
        .expect("bash starts");
    let written = fs::read_to_string(&outputs).expect("outputs");
    let pairs = written.lines().filter_map(|l| l.split_once('='));
    (output, pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
}

fn arguments(env: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let (output, _) = script(folder.path(), 0, env);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    fs::read_to_string(folder.path().join("arguments"))
        .expect("it ran")
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_flag_is_passed_on_by_its_name() {
    for input in inputs().into_iter().filter(|i| !OWN.contains(&i.as_str()) && i != "name") {
        let name = format!("GG_{}", input.to_uppercase().replace('-', "_"));
        let passed = arguments(&[(&name, "true")]);
        assert_eq!(passed[0], "check");
        let passed = &passed[1];
        assert!(
            *passed == format!("--{input}") || *passed == format!("--{input}=true"),
            "{passed}"
        );
    }
}

#[test]
fn values_stay_values() {
    let hostile = "a b; $(touch gone) `touch gone` \"'*";
    let env = [
        ("GG_CONFIG", hostile),
        ("GG_SET", "  a.b=1\n\nc.d=x y  \n"),
        ("GG_INTERLEAVED", "true"),
        ("GG_NO_STREAM", "false"),
    ];
    let config = format!("--config={hostile}");
    assert_eq!(
        arguments(&env),
        ["check", &config, "--interleaved", "--set=a.b=1", "--set=c.d=x y"]
    );
    let env =
        [("GG_COMMAND", "comment"), ("GG_RECORDS", "one/record.json\n--dry-run"), ("GG_PR", "7")];
    assert_eq!(arguments(&env), ["comment", "--pr=7", "--", "one/record.json", "--dry-run"]);
    let update =
        |name, value| arguments(&[("GG_COMMAND", "baseline update"), (name, value)])[2..].join(" ");
    assert_eq!(update("GG_SESSIONS", "2"), "--sessions=2");
    assert_eq!(
        (update("GG_PULL_REQUEST", "true"), update("GG_PULL_REQUEST", "dev")),
        ("--pull-request".into(), "--pull-request=dev".into())
    );
    assert_eq!(
        (update("GG_PULL_REQUEST", "false"), update("GG_PUSH", "dev")),
        (String::new(), "--push=dev".into())
    );
}

#[test]
fn the_exit_code_is_the_binarys() {
    let folder = tempfile::tempdir().expect("a folder");
    for code in [0, 1, 2, 3, 4, 5, 70, 130] {
        let (output, outputs) = script(folder.path(), code, &[]);
        assert_eq!(output.status.code(), Some(code));
        assert_eq!(outputs["process_exit_code"], code.to_string());
        assert_eq!(outputs["verdict"], "passed", "what the binary wrote is kept");
        assert!(
            outputs["binary"].ends_with("/stand-in") && outputs["binary"].starts_with('/'),
            "{outputs:?}"
        );
    }
}

/// The runner signals the shell alone, and a measurement that is not told loses what it has.
#[test]
fn a_cancelled_job_reaches_the_binary_and_waits_for_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let binary = folder.path().join("stand-in");
    fs::write(&binary, "#!/bin/sh\ntrap 'echo saved >saved; exit 130' TERM\n: >started\nwhile :; do sleep 0.05; done\n")
        .expect("written");
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).expect("executable");
    let mut shell = Command::new("bash")
        .arg(root().join("action/main.sh"))
        .current_dir(folder.path())
        .env("RUNNER_TEMP", folder.path())
        .env("GITHUB_OUTPUT", folder.path().join("outputs"))
        .env("GG_BINARY", "./stand-in")
        .spawn()
        .expect("bash starts");
    while !folder.path().join("started").exists() {
        assert!(shell.try_wait().expect("it can be asked").is_none(), "it ended before its time");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(
        Command::new("kill")
            .args(["-INT", &shell.id().to_string()])
            .status()
            .expect("kill starts")
            .success()
    );
    assert_eq!(shell.wait().expect("it ends").code(), Some(130));
    assert!(folder.path().join("saved").exists());
    let outputs = fs::read_to_string(folder.path().join("outputs")).expect("written");
    assert!(outputs.contains("process_exit_code=130"), "{outputs}");
}

#[test]
fn what_cannot_run_says_so_and_has_an_exit_code() {
    let folder = tempfile::tempdir().expect("a folder");
    for (env, code) in [
        (("GG_COMMAND", "check; ls"), 2),
        (("GG_INTERLEAVED", "yes"), 2),
        (("GG_WORKING_DIRECTORY", "nowhere"), 2),
        (("GG_BINARY", "./not-there"), 3),
        (("GG_BINARY", "no-such-goodput-gate"), 3),
        (("GG_VERSION", "v1.0.0"), 0), // the binary that is given wins
    ] {
        let (output, outputs) = script(folder.path(), 0, &[env]);
        assert_eq!(output.status.code(), Some(code), "{env:?}");
        assert_eq!(outputs["process_exit_code"], code.to_string(), "{env:?}");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).contains("::error"),
            code != 0,
            "{env:?}"
        );
    }
}

#[test]
fn a_release_counts_only_with_its_checksum() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    // A curl that serves from a folder, so that nothing leaves this machine.
    fs::create_dir_all(path.join("bin")).expect("made");
    fs::write(
        path.join("bin/curl"),
        "#!/bin/sh\nwhile [ $# -gt 1 ]; do [ \"$1\" = -o ] && to=$2; shift; done\ncp \"$SERVED/${1##*/}\" \"$to\"\n",
    )
    .expect("written");
    fs::set_permissions(path.join("bin/curl"), fs::Permissions::from_mode(0o755))
        .expect("executable");
    let served = path.join("served");
    fs::create_dir_all(&served).expect("made");
    let asset = format!("goodput-gate-{}-unknown-linux-gnu", std::env::consts::ARCH);
    fs::write(served.join(&asset), "#!/bin/sh\nexit 1\n").expect("written");
    let install = |sums: String| {
        fs::write(served.join("SHA256SUMS"), sums).expect("written");
        let old = std::env::var("PATH").unwrap_or_default();
        Command::new("bash")
            .arg(root().join("action/install.sh"))
            .env_clear()
            .env("PATH", format!("{}:{old}", path.join("bin").display()))
            .env("RUNNER_TEMP", path)
            .env("SERVED", &served)
            .env("GG_ACTION_REPOSITORY", "owner/goodput-gate")
            .env("GG_VERSION", "v1.0.0")
            .output()
            .expect("bash starts")
    };
    // sha256 of the file above, by sha256sum
    let right = "275239824e00e61b0a220e61a41791c7e9b4bd726f8b0c27077a338f8131c9dc";
    let wrong = install(format!("{}  {asset}\n", "0".repeat(64)));
    assert_eq!(wrong.status.code(), Some(1));
    assert!(
        wrong.stdout.is_empty() && String::from_utf8_lossy(&wrong.stderr).contains("checksum of")
    );
    assert!(
        !install(format!("{right}  another-file\n")).status.success(),
        "no checksum is none that fits"
    );
    let good = install(format!("{right}  {asset}\n"));
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
    assert!(String::from_utf8_lossy(&good.stdout).trim().ends_with(&asset));
}

#[test]
fn scripts_are_shell() {
    for script in ["action/main.sh", "action/install.sh", ".ci/run", ".ci/release-build"] {
        let output =
            Command::new("bash").arg("-n").arg(root().join(script)).output().expect("bash starts");
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        let mode = fs::metadata(root().join(script)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{script} is executable");
    }
}

/// The fenced YAML blocks of a document.
fn blocks(document: &str) -> Vec<String> {
    let text = read(document);
    let mut blocks = Vec::new();
    let mut parts = text.split("\n```yaml\n");
    parts.next();
    blocks.extend(parts.filter_map(|p| p.split("\n```").next()).map(str::to_owned));
    blocks
}

/// Every step of a workflow that uses this project's action.
fn steps_with_our_action(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Object(map) => {
            if map
                .get("uses")
                .and_then(Value::as_str)
                .is_some_and(|u| u == "./" || u.starts_with("OWNER/goodput-gate@"))
            {
                found.push(value.clone());
            }
            map.values().for_each(|v| steps_with_our_action(v, found));
        }
        Value::Array(list) => list.iter().for_each(|v| steps_with_our_action(v, found)),
        _ => {}
    }
}

#[test]
fn workflows_give_the_action_only_what_it_takes() {
    let inputs = inputs();
    let mut texts: Vec<String> =
        [".github/workflows/gate.yml", ".github/workflows/ci.yml", ".github/workflows/release.yml"]
            .map(read)
            .into();
    texts.extend(["docs/GITHUB.md", "docs/CI.md"].into_iter().flat_map(blocks));
    let mut steps = Vec::new();
    for text in &texts {
        steps_with_our_action(&yaml(text), &mut steps);
    }
    assert!(steps.len() >= 7, "{}", steps.len());
    for step in steps {
        let Some(with) = step.get("with") else { continue };
        let unknown: Vec<String> = keys(with).difference(&inputs).cloned().collect();
        assert!(unknown.is_empty(), "{unknown:?} in {step}");
    }
}

#[test]
fn actions_of_others_are_pinned_by_commit() {
    for path in [
        ".github/workflows/gate.yml",
        ".github/workflows/ci.yml",
        ".github/workflows/release.yml",
        "action.yml",
    ] {
        for line in read(path)
            .lines()
            .filter_map(|l| l.split_once("uses: "))
            .map(|(_, u)| u)
            .filter(|u| *u != "./")
        {
            let pin =
                line.split_once('@').and_then(|(_, pin)| pin.split(' ').next()).unwrap_or_default();
            assert!(
                pin.len() == 40 && pin.bytes().all(|b| b.is_ascii_hexdigit()),
                "{path}: {line}"
            );
        }
    }
}
