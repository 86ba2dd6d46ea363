//! Repositories with sessions planted at commits, and what `baseline resolve` says of them. Not
//! here: what must hold (`lineage*.rs`).

use serde_json::Value;

use super::bed::Bed;
use super::program::fixture;

pub const CONFIG: &str = "\
version: 1
target: {sim: {noise: \"off\"}}
workloads: [{name: chat, requests: 4, output_tokens: 4, prompts: {synthetic: {input_tokens: 16}}}]
";

/// Main with one commit that has a session, and one that holds the session's file.
pub fn with_session() -> Bed {
    let bed = Bed::repository(CONFIG);
    plant(&bed, "HEAD", "aaaaaaaa");
    bed.commit("a baseline");
    bed
}

/// A session of a commit, as a file of the working tree.
pub fn plant(bed: &Bed, commit: &str, session: &str) {
    plant_with(bed, commit, session, &[]);
}

/// As [`plant`], with other pooled values.
pub fn plant_with(bed: &Bed, commit: &str, session: &str, pooled: &[(&str, f64)]) {
    let text = std::fs::read_to_string(fixture("lineage/session.json")).expect("it is there");
    let mut value: Value = serde_json::from_str(&text).expect("JSON");
    for (name, number) in pooled {
        value["pooled"][*name] = (*number).into();
    }
    plant_value(bed, &facts(bed, commit), session, value);
}

/// The commit's hash and its tree without the baselines folder.
pub fn facts(bed: &Bed, commit: &str) -> (String, String) {
    let hash = bed.git(&["rev-parse", commit]);
    let bare = format!("alias.bare=!git ls-tree {hash} | grep -v '\tbaselines$' | git mktree");
    let tree = bed.git(&["-c", &bare, "bare"]);
    (hash, tree)
}

/// Any session as one of the commit that these are the facts of.
pub fn plant_value(bed: &Bed, (hash, tree): &(String, String), session: &str, mut value: Value) {
    let folder = bed.path("baselines/chat/0123456789ab");
    std::fs::create_dir_all(&folder).expect("a folder");
    for (name, text) in [("commit", hash.as_str()), ("tree", tree), ("session", session)] {
        value[name] = text.into();
    }
    let file = folder.join(format!("{}-{session}.json", &hash[..12]));
    std::fs::write(file, value.to_string()).expect("it can be written");
}

/// A commit that changes the code; its hash.
pub fn code(bed: &Bed, name: &str) -> String {
    bed.write(name, name);
    bed.commit(name);
    bed.git(&["rev-parse", "HEAD"])
}

/// `baseline resolve --json` in a folder.
pub fn walk_in(bed: &Bed, folder: &str, env: &[(&str, &str)], args: &[&str]) -> Value {
    let ran = bed.gate_with(folder, env, &[&["baseline", "resolve", "--json"], args].concat());
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.stdout, ran.stderr);
    serde_json::from_str(&ran.stdout).expect("JSON")
}

pub fn walk(bed: &Bed) -> Value {
    walk_in(bed, "", &[], &[])
}

/// Sessions with their distance, nearest first; -1 is not on the lineage.
pub fn sessions(walk: &Value) -> Vec<(String, i64)> {
    let all = walk["sessions"].as_array().expect("a list").iter();
    all.map(|s| {
        (
            s["session"].as_str().expect("an id").to_owned(),
            s["distance_commits"].as_i64().unwrap_or(-1),
        )
    })
    .collect()
}

/// As [`sessions`] gives them.
pub fn found(expected: &[(&str, i64)]) -> Vec<(String, i64)> {
    expected.iter().map(|(session, distance)| ((*session).to_owned(), *distance)).collect()
}

pub fn notices(walk: &Value) -> String {
    walk["notices"].to_string()
}
