//! Repositories whose baseline is the fixture's six sessions, and records that are of their
//! commits. Not here: what must hold.

use serde_json::Value;

use super::bed::Bed;
use super::lineage::{CONFIG, facts, plant_value};
use super::program::fixture;

/// Main with the six sessions of the fixture at its first commit.
pub fn repository() -> Bed {
    let bed = Bed::repository(CONFIG);
    plant(&bed, "HEAD", &sessions(1.0), "a");
    bed.commit("a baseline");
    bed
}

/// The fixture's sessions, as they were had decoding taken so many times as long: TPOT by the
/// factor, E2E by its share of it.
pub fn sessions(decode: f64) -> Vec<Value> {
    let entries = std::fs::read_dir(fixture("records/baselines")).expect("the fixture");
    let mut paths: Vec<_> = entries.map(|e| e.expect("an entry").path()).collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| std::fs::read_to_string(path).expect("text");
    paths.iter().map(|p| slower(serde_json::from_str(&read(p)).expect("JSON"), decode)).collect()
}

fn slower(mut session: Value, decode: f64) -> Value {
    // 98 of 272 ms are decoding.
    let e2e = 1.0 + (decode - 1.0) * 98.0 / 272.0;
    for start in session["starts"].as_array_mut().expect("starts") {
        let mut all = vec![start["oriented"].take()];
        all.extend(start["rounds"].as_array().expect("rounds").iter().cloned());
        for values in &mut all {
            for (name, factor) in [
                ("tpot_geomean", decode),
                ("tpot_p95", decode),
                ("chunk_gap_p99", decode),
                ("e2e_geomean", e2e),
                ("e2e_p95", e2e),
            ] {
                if let Some(x) = values[name].as_f64() {
                    values[name] = (x + factor.ln()).into();
                }
            }
        }
        start["oriented"] = all.remove(0);
        start["rounds"] = all.into();
    }
    session
}

/// Sessions of a commit, as files of the working tree; `mark` keeps their names apart.
pub fn plant(bed: &Bed, commit: &str, sessions: &[Value], mark: &str) {
    let facts = facts(bed, commit);
    for (i, session) in sessions.iter().enumerate() {
        plant_value(bed, &facts, &format!("{mark}{i:07x}"), session.clone());
    }
}

/// A record that was measured at a commit.
pub fn at(bed: &Bed, commit: &str, mut record: Value) -> Value {
    let (hash, tree) = facts(bed, commit);
    record["git"]["commit"] = hash.into();
    record["git"]["tree"] = tree.into();
    record
}
