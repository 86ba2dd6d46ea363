//! What is left where the service, a run or the disk fails: every finished round, nothing twice, no
//! process. Not here: requests that mean harm (`serve_attack`).

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use crate::support::service::{Service, processes};
use crate::support::{Gate, Part, Seen, Server, wait_for};

const JSON: (&str, &str) = ("Content-Type", "application/json");
const ROUNDS: u32 = 12;

fn folder(server: &Server) -> Gate {
    let gate = Gate::new();
    let url = server.url();
    gate.write("goodput-gate.yaml", &format!(
        "version: 1\ntarget: {{base_url: \"{url}\"}}\nworkloads:\n  - {{name: chat, arrival: {{closed: {{concurrency: 1}}}}, requests: 3, warmup: 1, prompts: {{synthetic: {{input_tokens: 16}}}}, output_tokens: 4}}\ngate: {{starts: 1, rounds: {ROUNDS}}}\n"
    ));
    gate
}

fn asked(service: &Service) -> String {
    let reply = service.post("/api/v2/runs", &[JSON], r#"{"verb": "run"}"#);
    assert_eq!(reply.status, 202, "{reply:?}");
    reply.json()["id"].as_str().expect("an id").to_owned()
}

/// Rounds that its record has.
fn rounds(service: &Service, id: &str) -> Vec<Value> {
    let reply = service.get(&format!("/api/v2/runs/{id}/record"));
    if reply.status == 404 {
        return Vec::new();
    }
    let record = reply.json();
    record["workloads"][0]["starts"][0]["rounds"].as_array().cloned().unwrap_or_default()
}

/// Whom a moment's kill meets.
#[derive(Clone, Copy, Debug)]
enum Killed {
    Service,
    Run,
    Both,
}

#[test]
fn killed_at_any_moment_every_finished_round_is_there_once() {
    let server = Server::start(Seen::good);
    let gate = folder(&server);
    let mut ids = BTreeSet::new();
    for turn in 0..10 {
        let killed = [Killed::Service, Killed::Run, Killed::Both][turn % 3];
        let moment = Duration::from_millis(RandomState::new().hash_one(turn) % 2000);
        let seen_before = server.planned().len();
        let service = Service::start(&gate, &[]);
        let id = asked(&service);
        std::thread::sleep(moment);
        // What was asked of a round says that those before it had ended, and were saved.
        let planned = server.planned();
        let begun: BTreeSet<u32> = planned
            .iter()
            .skip(seen_before)
            .filter_map(|s| match s.part {
                Part::Round(round, _) => Some(round),
                _ => None,
            })
            .collect();
        let finished = begun.len().saturating_sub(1);
        if matches!(killed, Killed::Run | Killed::Both) {
            for process in processes(&id) {
                // It may have ended by itself meanwhile.
                let _ = kill_process(process, Signal::KILL);
            }
        }
        if matches!(killed, Killed::Service | Killed::Both) {
            service.signal(Signal::KILL);
            assert_eq!(service.end(), None);
        } else {
            drop(service);
        }
        let case = format!("{killed:?} after {moment:?}");
        assert!(wait_for(|| processes(&id).is_empty()), "{case}: a process is left");
        let service = Service::start(&gate, &[]);
        let run = service.json(&format!("/api/v2/runs/{id}"));
        assert!(run["state"] == "ended" || run["state"] == "cut_off", "{case}: {run}");
        let kept = rounds(&service, &id);
        // One that this machine spoilt is measured again, and is there once all the same.
        let again = |round: &Value| round["spoilt"].as_array().map_or(0, Vec::len);
        let measured = kept.iter().map(|round| 1 + again(round)).sum::<usize>();
        assert!(measured >= finished, "{case}: {measured} of {finished} rounds");
        let orders: BTreeSet<String> = kept.iter().map(|r| r["order"].to_string()).collect();
        assert_eq!(orders.len(), kept.len(), "{case}: a round is there twice");
        ids.insert(id);
        let listed = service.json("/api/v2/runs");
        let all = listed["runs"].as_array().expect("a list");
        let named: BTreeSet<String> =
            all.iter().map(|run| run["id"].as_str().expect("an id").to_owned()).collect();
        assert_eq!((named.len(), all.len()), (ids.len(), ids.len()), "{case}");
        assert_eq!(named, ids, "{case}");
    }
}

#[test]
fn of_two_deletes_at_once_one_deletes() {
    let server = Server::start(Seen::good);
    let gate = folder(&server);
    let service = Service::start(&gate, &[]);
    let id = asked(&service);
    let path = format!("/api/v2/runs/{id}");
    assert!(wait_for(|| service.json(&path)["state"] == "ended"));
    let replies: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> =
            (0..8).map(|_| scope.spawn(|| service.send("DELETE", &path, &[]))).collect();
        all.into_iter().map(|one| one.join().expect("it answers")).collect()
    });
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1, "{replies:?}");
    for other in replies.iter().filter(|reply| reply.status != 200) {
        other.assert_refused(404, "run_not_found");
    }
    assert_eq!(service.json("/api/v2/runs")["total"], 0);
    let left = std::fs::read_dir(gate.path("data/runs")).expect("it is there").count();
    assert_eq!(left, 0, "nothing of it is left");
}

#[test]
fn what_a_newer_version_wrote_is_named_and_harms_nothing_else() {
    let gate = Gate::new();
    let id = "11111111-1111-4111-8111-111111111111";
    let run = json!({"schema": "goodput-gate/run", "version": 99, "id": id, "news": {}});
    gate.write(&format!("data/runs/2026-11-30T120000Z-{id}/run.json"), &run.to_string());
    let service = Service::start(&gate, &[]);
    let run = service.json(&format!("/api/v2/runs/{id}"));
    assert_eq!(run["state"], "damaged");
    assert!(run["damage"].to_string().contains("use a newer goodput-gate"), "{run}");
    assert_eq!(service.json("/api/v2/runs")["total"], 1);
}

/// More than the service may hold of a file is passed on all the same.
#[test]
fn a_large_record_is_told_without_being_held() {
    const BYTES: u64 = 300 << 20;
    let gate = Gate::new();
    let id = "11111111-1111-4111-8111-111111111111";
    let folder = format!("data/runs/2026-11-30T120000Z-{id}");
    let run = json!({
        "schema": "goodput-gate/run", "version": 1, "tool_version": "0", "id": id, "verb": "run",
        "started": "2026-11-30T12:00:00Z", "branch": null,
        "ended": {"at": "2026-11-30T12:01:00Z", "exit_code": 0, "error": null, "files": {}},
    });
    gate.write(&format!("{folder}/run.json"), &run.to_string());
    gate.write(&format!("{folder}/report.json"), "{}");
    // Of nothing but zeros: it takes no room.
    let record = gate.write(&format!("{folder}/record.json"), "");
    let record = std::fs::File::options().write(true).open(record).expect("it is there");
    record.set_len(BYTES).expect("it can be long");
    let service = Service::start(&gate, &[]);
    let path = format!("/api/v2/runs/{id}/record");
    assert_eq!(service.get(&path).body.len() as u64, BYTES);
    assert!(service.peak_memory() < 150 << 20, "{}", service.peak_memory());
}
