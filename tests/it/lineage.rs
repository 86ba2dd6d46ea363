//! Which sessions are found, in real repositories of every shape. Nothing is measured here.
//!
//! Not here: which event means which base (`lineage_events`).

use crate::support::bed::Bed;
use crate::support::lineage::{
    CONFIG, code, found, notices, plant, sessions, walk, walk_in, with_session,
};

#[test]
fn a_branch_walks_from_its_merge_base() {
    let bed = with_session();
    code(&bed, "later.txt");
    let base = bed.git(&["rev-parse", "HEAD"]);
    bed.git(&["checkout", "-q", "-b", "feature"]);
    code(&bed, "feature.txt");
    bed.git(&["checkout", "-q", "main"]);
    code(&bed, "main-goes-on.txt");
    plant(&bed, "HEAD", "bbbbbbbb");
    plant(&bed, &base, "cccccccc");
    bed.commit("later baselines");
    bed.git(&["checkout", "-q", "feature"]);
    let walk = walk(&bed);
    assert_eq!(
        (&walk["merge_base"], &walk["start"], &walk["on_base"]),
        (&base.clone().into(), &base.into(), &false.into())
    );
    // Read from the base's tip, where a session of the merge base may have come later; that of a
    // later commit is no baseline of this.
    assert_eq!(sessions(&walk), found(&[("cccccccc", 0), ("aaaaaaaa", 1), ("bbbbbbbb", -1)]));
    bed.gate(&["baseline", "resolve"])
        .assert(0, &["merge base", "1 commit back", "left out", "the tree of"]);
}

#[test]
fn a_branch_cannot_bring_its_own_baselines() {
    let bed = with_session();
    bed.git(&["checkout", "-q", "-b", "feature"]);
    code(&bed, "slow.txt");
    plant(&bed, "HEAD", "eeeeeeee");
    plant(&bed, "main", "ffffffff");
    bed.commit("a baseline that suits the change");
    plant(&bed, "HEAD", "99999999");
    assert_eq!(sessions(&walk(&bed)), found(&[("aaaaaaaa", 0)]));
    // Nor one that it breaks.
    bed.write("baselines/broken.json", "{");
    bed.commit("broken");
    assert_eq!(sessions(&walk(&bed)), found(&[("aaaaaaaa", 0)]));
    bed.git(&["rm", "-rqf", "baselines"]);
    bed.commit("none at all");
    assert_eq!(sessions(&walk(&bed)), found(&[("aaaaaaaa", 0)]));
}

#[test]
fn what_nobody_committed_counts_on_the_base_branch_outside_ci_only() {
    let bed = with_session();
    plant(&bed, "HEAD", "bbbbbbbb");
    let here = walk(&bed);
    assert_eq!(sessions(&here), found(&[("aaaaaaaa", 0), ("bbbbbbbb", 0)]));
    assert!(
        notices(&here).contains("1 session in baselines that no commit holds yet counts"),
        "{here}"
    );
    let ci = walk_in(&bed, "", &[("CI", "true")], &[]);
    assert_eq!((sessions(&ci), notices(&ci)), (found(&[("aaaaaaaa", 0)]), "[]".into()));
}

#[test]
fn a_merge_has_its_first_parents_only_and_a_squash_has_its_tree() {
    let bed = with_session();
    bed.git(&["checkout", "-q", "-b", "side"]);
    code(&bed, "side.txt");
    plant(&bed, "HEAD", "bbbbbbbb");
    bed.commit("baseline of the side");
    bed.git(&["checkout", "-q", "-b", "merged", "main"]);
    code(&bed, "main.txt");
    bed.git(&["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    bed.git(&["branch", "-f", "main", "merged"]);
    bed.git(&["checkout", "-q", "main"]);
    assert_eq!(sessions(&walk(&bed)), found(&[("aaaaaaaa", 2), ("bbbbbbbb", -1)]));

    bed.git(&["reset", "-q", "--hard", "HEAD~2"]);
    bed.git(&["merge", "-q", "--squash", "side"]);
    bed.commit("squashed");
    assert_eq!(sessions(&walk(&bed)), found(&[("bbbbbbbb", 0), ("aaaaaaaa", 1)]));
}

#[test]
fn a_rebase_keeps_a_session_where_it_keeps_the_tree() {
    let bed = with_session();
    let old = code(&bed, "work.txt");
    plant(&bed, "HEAD", "bbbbbbbb");
    bed.commit("baseline");
    bed.git(&["rebase", "-q", "--force-rebase", "HEAD~2"]);
    bed.git(&["commit", "-q", "--amend", "-m", "another message"]);
    assert!(bed.git(&["merge-base", "HEAD", &old]).len() == 40);
    assert_eq!(sessions(&walk(&bed)), found(&[("bbbbbbbb", 0), ("aaaaaaaa", 2)]));

    // Onto code that is not the same, it is of other code.
    bed.git(&["checkout", "-q", "-b", "moved", "HEAD~2"]);
    code(&bed, "first.txt");
    bed.git(&["cherry-pick", "main~1", "main"]);
    bed.git(&["branch", "-f", "main", "moved"]);
    bed.git(&["checkout", "-q", "main"]);
    assert_eq!(sessions(&walk(&bed)), found(&[("aaaaaaaa", 3), ("bbbbbbbb", -1)]));
}

#[test]
fn a_shallow_clone_of_any_depth_is_an_error_in_its_worktrees_too() {
    let bed = with_session();
    code(&bed, "more.txt");
    let url = format!("file://{}", bed.path("").display());
    for depth in ["1", "2"] {
        let name = format!("shallow{depth}");
        bed.git_in("..", &["clone", "-q", "--depth", depth, &url, &name]);
        let folder = format!("../{name}");
        bed.gate_in(&folder, &["baseline", "resolve"]).assert(2, &["shallow", "fetch-depth: 0"]);
        bed.git_in(&folder, &["worktree", "add", "-q", &format!("../wt{depth}"), "-b", "other"]);
        bed.gate_in(&format!("../wt{depth}"), &["baseline", "resolve"])
            .assert(2, &["shallow", "fetch-depth: 0"]);
    }
}

#[test]
fn a_fork_names_the_upstream() {
    let bed = with_session();
    bed.git_in("..", &["clone", "-q", "repo", "fork"]);
    code(&bed, "upstream.txt");
    plant(&bed, "HEAD", "bbbbbbbb");
    bed.commit("baseline");
    bed.git_in("../fork", &["remote", "add", "upstream", "../repo"]);
    bed.git_in("../fork", &["fetch", "-q", "upstream"]);
    bed.git_in("../fork", &["checkout", "-q", "-b", "feature", "--no-track", "upstream/main"]);
    std::fs::write(bed.home().join("fork/mine.txt"), "mine").expect("it can be written");
    bed.git_in("../fork", &["add", "-A"]);
    bed.git_in("../fork", &["commit", "-q", "-m", "mine"]);
    // The fork's own main is behind, and its merge base with it.
    assert_eq!(sessions(&walk_in(&bed, "../fork", &[], &[])), found(&[("aaaaaaaa", 0)]));
    let walk = walk_in(&bed, "../fork", &[], &["--base", "upstream/main"]);
    assert_eq!(sessions(&walk), found(&[("bbbbbbbb", 0), ("aaaaaaaa", 2)]));
    bed.gate_in("../fork", &["baseline", "resolve", "--base", "nowhere"])
        .assert(2, &["no commit, branch or tag", "nowhere"]);
}

#[test]
fn a_worktree_and_a_detached_head_are_as_the_branch() {
    let bed = with_session();
    bed.git(&["branch", "feature"]);
    bed.git(&["worktree", "add", "-q", "../wt", "feature"]);
    std::fs::write(bed.home().join("wt/new.txt"), "new").expect("it can be written");
    bed.git_in("../wt", &["add", "-A"]);
    bed.git_in("../wt", &["commit", "-q", "-m", "new"]);
    let there = walk_in(&bed, "../wt", &[], &[]);
    assert_eq!((sessions(&there), &there["on_base"]), (found(&[("aaaaaaaa", 0)]), &false.into()));
    bed.git_in("../wt", &["checkout", "-q", "--detach"]);
    assert_eq!(walk_in(&bed, "../wt", &[], &[]), there);
}

#[test]
fn a_bare_repository_has_sessions_too() {
    let bed = with_session();
    bed.git_in("..", &["clone", "-q", "--bare", "repo", "bare.git"]);
    let walk = walk_in(&bed, "../bare.git", &[], &["--config", "../repo/goodput-gate.yaml"]);
    assert_eq!(sessions(&walk), found(&[("aaaaaaaa", 0)]));
}

#[test]
fn a_renamed_branch_is_found_by_the_remote_or_is_its_own_base() {
    let bed = with_session();
    bed.git(&["branch", "-m", "main", "trunk"]);
    let alone = walk(&bed);
    assert_eq!(sessions(&alone), found(&[("aaaaaaaa", 0)]));
    assert!(
        notices(&alone).contains("no base branch found") && notices(&alone).contains("--base REF"),
        "{alone}"
    );
    // Where a pull request is gated, nothing is taken for the base that is not.
    bed.gate_with("", &[("CI", "true")], &["baseline", "resolve"])
        .assert(2, &["no base branch found", "--base REF"]);
    bed.git_in("..", &["clone", "-q", "repo", "clone"]);
    bed.git_in("../clone", &["checkout", "-q", "-b", "feature"]);
    let walk = walk_in(&bed, "../clone", &[("CI", "true")], &[]);
    assert_eq!(
        (&walk["base"], sessions(&walk)),
        (&"origin/HEAD".into(), found(&[("aaaaaaaa", 0)]))
    );
}

#[test]
fn unrelated_history_is_an_error() {
    let bed = with_session();
    bed.git(&["checkout", "-q", "--orphan", "other"]);
    bed.commit("another beginning");
    bed.gate(&["baseline", "resolve"]).assert(2, &["no commit in common", "--base REF"]);
    bed.gate(&["check"]).assert(2, &["no commit in common"]);
}

#[test]
fn another_branch_may_hold_the_baselines() {
    let bed = Bed::repository(&format!("{CONFIG}baselines: {{ref: perf}}\n"));
    bed.gate(&["baseline", "resolve"])
        .assert(2, &["no commit, branch or tag", "perf", "baselines.ref"]);
    bed.git(&["checkout", "-q", "-b", "perf"]);
    plant(&bed, "main", "aaaaaaaa");
    bed.commit("its baseline");
    bed.git(&["checkout", "-q", "main"]);
    plant(&bed, "main", "bbbbbbbb");
    assert_eq!(sessions(&walk(&bed)), found(&[("aaaaaaaa", 0)]));
}

#[test]
fn what_libgit2_cannot_read_names_the_way_out() {
    for format in ["--object-format=sha256", "--ref-format=reftable"] {
        let bed = Bed::new();
        bed.write("goodput-gate.yaml", CONFIG);
        bed.git(&["init", "-q", "-b", "main", format, "."]);
        bed.commit("first");
        bed.gate(&["check"]).assert(2, &["libgit2 does not know", "--baseline PATH"]);
    }
}

/// Only root may give files away; elsewhere there is nothing to see.
#[test]
fn somebody_elses_repository_names_safe_directory() {
    let bed = with_session();
    let mut folders = vec![bed.path("")];
    while let Some(folder) = folders.pop() {
        if let Err(e) = std::os::unix::fs::chown(&folder, Some(12_345), None) {
            assert_eq!(e.kind(), std::io::ErrorKind::PermissionDenied, "{e}");
            eprintln!("skipped: only root can make a repository of somebody else's");
            return;
        }
        let entries = std::fs::read_dir(&folder)
            .expect("it can be read")
            .map(|e| e.expect("an entry").path());
        folders.extend(entries.filter(|p| p.is_dir() && !p.is_symlink()));
    }
    bed.gate(&["baseline", "resolve"]).assert(2, &["belongs to another user", "safe.directory"]);
    bed.git_in(
        "..",
        &[
            "config",
            "--global",
            "--add",
            "safe.directory",
            bed.path("").display().to_string().trim_end_matches('/'),
        ],
    );
    assert_eq!(sessions(&walk(&bed)), found(&[("aaaaaaaa", 0)]));
}

#[test]
fn a_baseline_file_needs_no_repository() {
    let bed = with_session();
    let (path, _) = bed.baselines().remove(0);
    let plain = Bed::new();
    plain.write("goodput-gate.yaml", CONFIG);
    let flag = path.display().to_string();
    // Past the baselines: what fails is the server, which nobody started.
    let dead = ["check", "--baseline", &flag, "--base-url", "http://127.0.0.1:9/v1"];
    plain.gate(&dead).assert(3, &["127.0.0.1:9"]);
    plain.gate(&["check", "--baseline", "nowhere.json"]).assert(2, &["no such file or folder"]);
}
