//! Where a config is looked for that nobody named, and whose is believed.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, lchown, symlink};
use std::path::Path;

use crate::support::bed::Bed;

const CONFIG: &str = "\
version: 1
target: {sim: {noise: \"off\"}}
workloads: [{name: chat, requests: 4}]
";
const DRY: [&str; 2] = ["check", "--dry-run"];
/// Somebody else on this machine.
const OTHER: u32 = 4242;

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
}

#[test]
fn the_search_for_a_config_ends_at_the_repositorys_root() {
    let bed = Bed::new();
    bed.git(&["init", "-q", "."]);
    fs::create_dir_all(bed.path("deep/er")).expect("folders");
    let above = bed.home().join("goodput-gate.yaml");
    fs::write(&above, CONFIG).expect("a config above");
    for folder in ["", "deep", "deep/er"] {
        bed.gate_in(folder, &DRY).assert(2, &["no config found", "hint: name one with --config"]);
    }
    bed.gate_in("deep/er", &DRY).assert(2, &["up to", "(the repository's root)"]);
    bed.gate_in("deep", &["check", "--dry-run", "--config", "../../goodput-gate.yaml"])
        .assert(0, &["4 requests"]);
    bed.write("goodput-gate.yaml", &CONFIG.replace("requests: 4", "requests: 5"));
    for folder in ["", "deep", "deep/er"] {
        bed.gate_in(folder, &DRY).assert(0, &["5 requests"]);
    }
    // A worktree and a submodule have a file of that name.
    fs::write(bed.path("deep/.git"), "gitdir: elsewhere").expect("a file");
    bed.gate_in("deep/er", &DRY).assert(2, &["no config found"]);
}

#[test]
fn outside_a_repository_only_the_working_folder_counts() {
    let bed = Bed::new();
    fs::create_dir(bed.path("deep")).expect("a folder");
    bed.write("goodput-gate.yaml", CONFIG);
    bed.gate(&DRY).assert(0, &["4 requests"]);
    bed.gate_in("deep", &DRY)
        .assert(2, &["no config found", "nothing above it is of the same repository"]);
}

#[test]
fn a_ceiling_stops_the_search() {
    let bed = Bed::repository(CONFIG);
    fs::create_dir(bed.path("deep")).expect("a folder");
    let root = bed.path("").canonicalize().expect("it is there").display().to_string();
    bed.gate_in("deep", &DRY).assert(0, &["4 requests"]);
    for name in ["GOODPUT_GATE_CEILING", "GIT_CEILING_DIRECTORIES"] {
        let list = format!("/nowhere:{root}");
        bed.gate_with("deep", &[(name, &list)], &DRY).assert(2, &["no config found"]);
        bed.gate_with("", &[(name, &list)], &DRY).assert(0, &["4 requests"]);
        bed.gate_with(
            "deep",
            &[(name, &list)],
            &["baseline", "resolve", "--config", "../goodput-gate.yaml"],
        )
        .assert(2, &["no git repository"]);
    }
}

#[test]
fn a_config_that_everybody_can_write_is_not_read_unasked() {
    let bed = Bed::repository(CONFIG);
    let (file, root, github) = (bed.path("goodput-gate.yaml"), bed.path(""), bed.path(".github"));
    let refused = |what: &str| {
        let hint = "hint: look at it, then name it with `--config";
        bed.gate(&DRY)
            .assert(2, &["is not read unasked: everybody on this machine can write", what, hint]);
        bed.gate(&["check", "--dry-run", "--config", "goodput-gate.yaml"])
            .assert(0, &["4 requests"]);
    };
    mode(&file, 0o666);
    refused("goodput-gate.yaml");
    mode(&file, 0o664);
    bed.gate(&DRY).assert(0, &["4 requests"]);
    mode(&root, 0o777);
    refused("repo");
    // As /tmp is: nobody can replace what is ours.
    mode(&root, 0o1777);
    bed.gate(&DRY).assert(0, &["4 requests"]);
    mode(&root, 0o775);
    fs::create_dir(&github).expect("a folder");
    bed.write(".github/goodput-gate.yaml", &CONFIG.replace("requests: 4", "requests: 5"));
    bed.gate(&DRY).assert(0, &["5 requests"]);
    mode(&github, 0o777);
    refused(".github");
    mode(&github, 0o755);
    // What a link leads to counts, with the folder that it lies in.
    let open = bed.home().join("open");
    fs::create_dir(&open).expect("a folder");
    fs::write(open.join("gate.yaml"), CONFIG).expect("a config");
    mode(&open, 0o777);
    fs::remove_file(bed.path(".github/goodput-gate.yaml")).expect("a file");
    symlink(open.join("gate.yaml"), bed.path(".github/goodput-gate.yaml")).expect("a link");
    refused("open");
}

#[test]
fn a_config_of_somebody_else_is_not_read_unasked() {
    let bed = Bed::repository(CONFIG);
    let (file, root) = (bed.path("goodput-gate.yaml"), bed.path(""));
    // Only root can give files away.
    if chown(&file, Some(OTHER), None).is_err() {
        return;
    }
    let refused = |said: &str| {
        bed.gate(&DRY).assert(2, &["is not read unasked:", said, "(uid 4242)", "safe.directory"]);
        bed.gate(&["check", "--dry-run", "--config", "goodput-gate.yaml"])
            .assert(0, &["4 requests"]);
    };
    refused("goodput-gate.yaml belongs to another user");
    chown(&file, Some(0), None).expect("ours again");
    bed.gate(&DRY).assert(0, &["4 requests"]);
    chown(&root, Some(OTHER), None).expect("theirs");
    refused("belongs to another user");
    // By sudo, the files of the user that called it are ours.
    bed.gate_with("", &[("SUDO_UID", "4242")], &DRY).assert(0, &["4 requests"]);
    // As git has it: who says that the repository is safe may work in it.
    chown(&file, Some(OTHER), None).expect("theirs");
    bed.git(&[
        "config",
        "--global",
        "safe.directory",
        root.to_str().expect("text").trim_end_matches('/'),
    ]);
    bed.gate(&DRY).assert(0, &["4 requests"]);
    chown(&file, Some(OTHER + 1), None).expect("a third one's");
    bed.gate(&DRY).assert(2, &["(uid 4243)"]);
    // A link is its owner's, whatever it leads to.
    chown(&root, Some(0), None).expect("ours again");
    fs::rename(&file, bed.path("mine.yaml")).expect("renamed");
    chown(bed.path("mine.yaml"), Some(0), None).expect("ours");
    symlink("mine.yaml", &file).expect("a link");
    bed.gate(&DRY).assert(0, &["4 requests"]);
    lchown(&file, Some(OTHER), None).expect("theirs");
    bed.gate(&DRY).assert(2, &["(uid 4242)"]);
}

#[test]
fn a_key_is_not_taken_from_a_file_that_everybody_can_write() {
    let bed = Bed::new();
    bed.write(".env", "KEY=abcdefgh\n");
    mode(&bed.path(".env"), 0o666);
    let args = ["run", "--base-url", "http://127.0.0.1:9/v1", "--api-key-env", "KEY"];
    bed.gate(&args)
        .assert(2, &["KEY is not read from .env, since everybody on this machine can write .env"]);
}
