//! What a plan makes of flags and config before anything is sent, and what it refuses. Not here: how
//! requests are sent.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{Gate, Part, Seen, Server};

#[test]
fn what_cannot_be_planned_takes_nothing_of_an_earlier_run() {
    let server = Server::good();
    let gate = Gate::new();
    gate.assert_measured(&gate.measure(&server.url(), &["--requests", "3"]));
    let before = server.seen().len();
    for args in [
        vec!["--requests", "3", "--output-tokens", "4294967295"],
        vec!["--requests", "3", "--input-tokens", "4294967295"],
        vec!["--requests", "3", "--rate", "1e-300"],
        vec!["--requests", "3", "--rate", "1e300"],
        vec!["--requests", "3", "--rate", "1", "--arrival", "gamma:1e-300"],
        vec!["--requests", "3", "--rate", "1", "--arrival", "gamma:1e300"],
        vec!["--requests", "4294967295", "--rate", "1"],
        vec!["--requests", "30", "--concurrency", "4294967295"],
        vec!["--requests", "3", "--rounds", "4294967295"],
        vec!["--requests", "3", "--warmup", "4294967295"],
        vec!["--requests", "3", "--workers", "4294967295"],
    ] {
        let ran = gate.measure(&server.url(), &args);
        assert_eq!(ran.code, Some(2), "{args:?}: {ran:?}");
        assert!(gate.files().iter().any(|f| f.ends_with("record.json")), "{args:?}");
        assert_eq!(server.seen().len(), before, "{args:?}: nothing is sent");
    }
}

#[test]
fn a_dry_run_sends_nothing() {
    let server = Server::good();
    let gate = Gate::new();
    let ran = gate.run(&[
        "run",
        "--base-url",
        &server.url(),
        "--rate",
        "5",
        "--duration",
        "20s",
        "--dry-run",
    ]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.stdout.contains("nothing is sent") && ran.stdout.contains("Poisson 5/s"),
        "{}",
        ran.stdout
    );
    assert!(server.seen().is_empty());
    assert!(gate.files().is_empty(), "{:?}", gate.files());
}

#[test]
fn a_list_of_levels_makes_one_workload_each() {
    let server = Server::good();
    let gate = Gate::new();
    let ran = gate.measure(
        &server.url(),
        &["--concurrency", "1,2", "--requests", "4", "--set", "gate.rounds=1"],
    );
    gate.assert_measured(&ran);
    let record = gate.record();
    let workloads = record["workloads"].as_array().expect("a record has workloads");
    let loads: Vec<_> =
        workloads.iter().map(|w| w["load"]["arrival"].as_str().unwrap_or_default()).collect();
    assert_eq!(loads, ["closed loop, 1 in flight", "closed loop, 2 in flight"]);
    assert_eq!(gate.raw().len(), 8);
}

#[test]
fn set_reaches_the_workload_of_the_flags() {
    let server = Server::good();
    let gate = Gate::new();
    let ran =
        gate.measure(&server.url(), &["--requests", "2", "--set", "workloads.0.temperature=0.5"]);
    gate.assert_measured(&ran);
    assert!(server.planned().iter().all(|s| s.json()["temperature"] == 0.5));
}

#[test]
fn a_request_is_the_same_whatever_the_load() {
    let mut known: BTreeMap<Part, String> = BTreeMap::new();
    for load in [
        &["--concurrency", "1", "--workers", "1"][..],
        &["--concurrency", "4", "--workers", "3"],
        &["--rate", "200", "--workers", "2"],
        &["--rate", "400", "--arrival", "gamma:0.5", "--max-in-flight", "2"],
    ] {
        let server = Server::good();
        let gate = Gate::new();
        let ran = gate.measure(
            &server.url(),
            &[load, &["--requests", "8", "--rounds", "2", "--warmup", "2"]].concat(),
        );
        gate.assert_measured(&ran);
        let mut parts = BTreeSet::new();
        // On a busy machine a round is measured again, under other numbers.
        let planned = server.planned().into_iter().filter(|s| s.part < Part::Round(2, 0));
        for seen in planned {
            assert!(parts.insert(seen.part), "{:?} was sent twice", seen.part);
            let body = unsalted(&seen);
            assert_eq!(known.entry(seen.part).or_insert_with(|| body.clone()), &body, "{load:?}");
        }
        assert_eq!(parts.len(), 18, "{load:?}");
    }
    assert_eq!(known.values().collect::<BTreeSet<_>>().len(), 18, "no two requests are alike");
}

/// The body without the salt, which is another in each run.
fn unsalted(seen: &Seen) -> String {
    let prompt = seen.prompt();
    let salt = prompt.trim_start_matches('[').split('-').next().unwrap_or_default();
    assert_eq!(salt.len(), 12, "{prompt}");
    String::from_utf8_lossy(&seen.body).replace(salt, "SALT")
}
