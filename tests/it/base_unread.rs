//! A base that cannot be read is never one that is not there: in CI the change's own policy does
//! not count in its place, and a walk does not end at a commit that is lost.

use std::fs;
use std::os::unix::fs::chown;

use crate::support::bed::Bed;
use crate::support::lineage::{code, plant, sessions, walk, with_session};

const STRICT: &str = "\
version: 1
target: {sim: {noise: \"off\"}}
workloads:
  - name: chat
    arrival: {closed: {concurrency: 2}}
    requests: 24
    prompts: {synthetic: {input_tokens: 16}}
    output_tokens: 4
    limits: {ttft_p50: {max: 1ms}}
gate: {mode: limits, starts: 1, rounds: 1}
";
const CI: [(&str, &str); 1] = [("CI", "true")];
const DRY: [&str; 2] = ["check", "--dry-run"];
const NAMED: [&str; 4] = ["check", "--dry-run", "--config", "goodput-gate.yaml"];

/// A change that loosens the limit.
fn loosened() -> Bed {
    let bed = Bed::repository(STRICT);
    code(&bed, "some");
    bed.git(&["checkout", "-q", "-b", "feature"]);
    bed.write(
        "goodput-gate.yaml",
        &STRICT.replace("max: 1ms", "max: 9s").replace("requests: 24", "requests: 32"),
    );
    bed.commit("looser");
    bed.git(&["config", "uploadpack.allowFilter", "true"]);
    bed.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    bed
}

/// Exit 2 in CI, with and without `--config`; what the change says counts outside CI, or where the
/// job says that it judges no change.
fn refused(bed: &Bed, folder: &str, words: &[&str]) {
    let hint = [
        "the policy of the base cannot be read, and a change is not judged by its own",
        "`--base none` says so",
    ];
    for args in [&DRY[..], &NAMED] {
        bed.gate_with(folder, &CI, args).assert(2, &[&hint, words].concat());
    }
    bed.gate_with(folder, &CI, &["check"]).assert(2, words);
    assert!(!bed.path(folder).join(".goodput-gate/report.json").exists());
    let none = [&DRY[..], &["--base", "none", "--config", "goodput-gate.yaml"]].concat();
    let said = [
        "32 requests",
        "no change is judged here (--base none): this checkout's own policy counts",
    ];
    bed.gate_with(folder, &CI, &none).assert(0, &said);
}

/// The clone `clone` beside the repository.
fn cloned(bed: &Bed, how: &[&str]) {
    let url = format!("file://{}", bed.path("").display());
    bed.git(&["checkout", "-q", "main"]);
    bed.git_in("..", &[&["clone", "-q"], how, &["--branch", "feature", &url, "clone"]].concat());
}

#[test]
fn a_shallow_clone_judges_no_change_by_its_own_policy() {
    let bed = loosened();
    cloned(&bed, &["--depth", "1", "--no-single-branch"]);
    refused(&bed, "../clone", &["the clone is shallow", "fetch-depth: 0"]);
}

#[test]
fn sources_without_a_repository_judge_no_change_by_their_own_policy() {
    let bed = loosened();
    bed.gate_with("", &CI, &DRY).assert(0, &["24 requests"]);
    fs::rename(bed.path(".git"), bed.home().join("away")).expect("it moves");
    refused(&bed, "", &["no git repository"]);
    bed.gate(&DRY).assert(0, &["32 requests"]);
    // Nor is there "no baseline", where nobody can know.
    let flags = ["check", "--base-url", "http://127.0.0.1:9/v1", "--model", "m"];
    bed.gate_with("", &CI, &flags).assert(2, &["no git repository"]);
    bed.gate_with("", &CI, &[&flags[..], &["--base", "none"]].concat()).assert(3, &[]);
}

#[test]
fn a_checkout_of_somebody_else_judges_no_change_by_its_own_policy() {
    let bed = loosened();
    let theirs = |path: &str| chown(bed.path(path), Some(4242), None);
    // Only root can give files away.
    if theirs("").is_err() || theirs(".git").is_err() {
        return;
    }
    bed.gate_with("", &CI, &NAMED).assert(
        2,
        &["the policy of the base cannot be read", "belongs to another user", "safe.directory"],
    );
    bed.git(&[
        "config",
        "--global",
        "safe.directory",
        bed.path("").to_str().expect("text").trim_end_matches('/'),
    ]);
    bed.gate_with("", &CI, &DRY).assert(0, &["24 requests"]);
}

#[test]
fn a_partial_clone_names_the_object_and_how_to_fetch_it() {
    let bed = loosened();
    cloned(&bed, &["--filter=blob:none"]);
    let blob = bed.git(&["rev-parse", "main:goodput-gate.yaml"]);
    refused(
        &bed,
        "../clone",
        &[&blob, "goodput-gate.yaml", "git fetch --refetch --no-filter origin", "sparse-checkout"],
    );
    // The advice helps.
    bed.git_in("../clone", &["fetch", "-q", "--refetch", "--no-filter", "origin"]);
    bed.gate_with("../clone", &CI, &DRY).assert(0, &["24 requests"]);
}

#[test]
fn a_lost_commit_ends_no_walk() {
    let bed = with_session();
    let lost = code(&bed, "one");
    code(&bed, "two");
    bed.git(&["checkout", "-q", "-b", "feature"]);
    code(&bed, "three");
    assert_eq!(sessions(&walk(&bed)), [("aaaaaaaa".to_owned(), 2)]);
    let object = bed.path(&format!(".git/objects/{}/{}", &lost[..2], &lost[2..]));
    fs::rename(&object, bed.home().join("away")).expect("it moves");
    for env in [&CI[..], &[]] {
        let said = ["cannot read", &lost, "git fsck"];
        bed.gate_with("", env, &["baseline", "resolve"]).assert(2, &said);
        bed.gate_with("", env, &["check"]).assert(2, &said);
    }
    // A branch whose commit is lost is not passed over for another.
    fs::rename(bed.home().join("away"), &object).expect("it moves back");
    bed.git(&["branch", "-q", "-f", "main", &lost]);
    bed.git(&["update-ref", "refs/remotes/origin/main", &lost]);
    fs::rename(&object, bed.home().join("away")).expect("it moves");
    bed.gate_with("", &CI, &DRY).assert(2, &["origin/main", &lost]);
}

#[test]
fn a_lost_folder_is_no_missing_baseline() {
    let bed = with_session();
    bed.git(&["checkout", "-q", "-b", "feature"]);
    code(&bed, "one");
    let folder = bed.git(&["rev-parse", "main:baselines/chat"]);
    fs::remove_file(bed.path(&format!(".git/objects/{}/{}", &folder[..2], &folder[2..])))
        .expect("it is there");
    bed.gate(&["baseline", "resolve"]).assert(2, &["cannot read", &folder]);
}

#[test]
fn a_tag_is_not_taken_for_the_remotes_branch() {
    let bed = loosened();
    bed.git(&["update-ref", "refs/remotes/origin/main", "main"]);
    bed.git(&["tag", "origin/main", "feature"]);
    bed.gate_with("", &CI, &DRY).assert(0, &["24 requests", "origin/main ("]);
}

#[test]
fn every_system_of_ci_is_one() {
    let bed = loosened();
    for (name, value) in [
        ("GITHUB_ACTIONS", "true"),
        ("GITLAB_CI", "true"),
        ("TF_BUILD", "True"),
        ("JENKINS_URL", "http://jenkins/"),
        ("BUILDKITE", "true"),
        ("TEAMCITY_VERSION", "2024"),
        ("BITBUCKET_BUILD_NUMBER", "1"),
        ("CODEBUILD_BUILD_ID", "p:1"),
    ] {
        bed.gate_with("", &[(name, value), ("CI", "false")], &DRY)
            .assert(0, &["24 requests", "this change alters"]);
    }
    bed.gate_with("", &[("CI", "false")], &DRY).assert(0, &["32 requests"]);
}

#[test]
fn a_pull_request_whose_event_is_lost_has_no_other_base() {
    let bed = loosened();
    let env = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "pull_request"),
        ("GITHUB_EVENT_PATH", "/nowhere"),
    ];
    bed.gate_with("", &env, &DRY)
        .assert(2, &["the event says neither its commit nor its branch", "--base REF"]);
    bed.gate_with("", &[&env[..], &[("GITHUB_BASE_REF", "main")]].concat(), &DRY)
        .assert(0, &["24 requests"]);
}

/// Main is stricter than the branch that the change goes into, or the other way round: which one
/// counts is the system's word.
#[test]
fn a_change_on_another_system_goes_into_the_branch_that_it_names() {
    let bed = loosened();
    bed.git(&["checkout", "-q", "-b", "release/2", "main"]);
    bed.write("goodput-gate.yaml", &STRICT.replace("requests: 24", "requests: 28"));
    bed.commit("another policy");
    bed.git(&["checkout", "-q", "feature"]);
    for target in [
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "release/2"),
        ("SYSTEM_PULLREQUEST_TARGETBRANCH", "refs/heads/release/2"),
        ("BITBUCKET_PR_DESTINATION_BRANCH", "release/2"),
        ("CHANGE_TARGET", "release/2"),
    ] {
        bed.gate_with("", &[CI[0], target], &DRY).assert(0, &["28 requests", "this change alters"]);
        let lost = (target.0, "release/3");
        bed.gate_with("", &[CI[0], lost], &DRY)
            .assert(2, &["no commit, branch or tag \"origin/release/3\" here", "fetch it"]);
        bed.gate_with("", &[target], &DRY).assert(0, &["32 requests"]);
    }
    let torn = [CI[0], ("CHANGE_TARGET", "main"), ("CI_COMMIT_TARGET_BRANCH", "release/2")];
    bed.gate_with("", &torn, &DRY).assert(2, &["neither its commit nor its branch", "--base REF"]);
    bed.gate_with("", &torn, &[&DRY[..], &["--base", "main"]].concat()).assert(0, &["24 requests"]);
}

#[test]
fn a_named_baseline_is_the_bases_in_ci() {
    let bed = with_session();
    let named = |env: &[(&str, &str)], path: &str| {
        let quick = ["--starts", "1", "--rounds", "1", "--warmup", "1"];
        bed.gate_with("", env, &[&["check", "--baseline", path], &quick[..]].concat())
    };
    let notices = || bed.json(".goodput-gate/report.json")["notices"].to_string();
    bed.git(&["mv", "baselines", "perf"]);
    bed.commit("elsewhere");
    bed.git(&["checkout", "-q", "-b", "feature"]);
    let file = bed.git(&["ls-files", "perf"]);
    bed.write(&file, "what the change would rather be compared with");
    bed.commit("another baseline");
    named(&[], "perf").assert(2, &["cannot be used"]);
    // Of another plan, which is what these sessions are of.
    for path in ["perf", &file, "./perf/../perf", bed.path("perf").to_str().expect("text")] {
        let ran = named(&CI, path);
        assert!(matches!(ran.code, Some(3 | 4)), "{ran:?}");
        assert!(notices().contains("(--baseline) as main ("), "{}", notices());
    }
    bed.write("perf/new.json", "{}");
    bed.commit("one that the base does not have");
    for path in ["perf/new.json", "untracked.json", ".git/config"] {
        named(&CI, path).assert(
            2,
            &[
                "main (",
                "(--baseline), and a change does not choose",
                "hint: commit it on the base branch",
            ],
        );
    }
    // A link is the change's, whichever way it leads.
    let outside = bed.home().join("outside");
    fs::create_dir(&outside).expect("a folder");
    std::os::unix::fs::symlink(bed.path("perf"), outside.join("link")).expect("a link");
    std::os::unix::fs::symlink(&outside, bed.path("linked")).expect("a link");
    named(&CI, outside.join("link/new.json").to_str().expect("text"))
        .assert(2, &["a change does not choose"]);
    named(&CI, "linked").assert(2, &["a change does not choose"]);
    // Outside of the repository it is named in every report.
    let elsewhere = bed.home().join("elsewhere");
    fs::create_dir(&elsewhere).expect("a folder");
    let ran = named(&CI, elsewhere.to_str().expect("text"));
    assert!(matches!(ran.code, Some(0 | 3)), "{ran:?}");
    assert!(
        notices().contains("which lies outside this repository: no commit holds it"),
        "{}",
        notices()
    );
    for report in ["report.md", "junit.xml", "report.html"] {
        assert!(
            bed.read(&format!(".goodput-gate/{report}")).contains("outside this repository"),
            "{report}"
        );
    }
}

#[test]
fn a_walk_says_where_it_stopped_and_can_go_on() {
    let bed = with_session();
    for name in ["one", "two", "three"] {
        code(&bed, name);
    }
    let resolve = |more: &[&str]| bed.gate(&[&["baseline", "resolve"], more].concat());
    let stopped = resolve(&["--set", "baselines.max_walk=2"]);
    stopped.assert(
        0,
        &[
            "the walk to the baselines stopped after 2 commits",
            "history goes on",
            "`baselines.max_walk`",
            "left out",
        ],
    );
    let on = resolve(&["--set", "baselines.max_walk=9"]);
    on.assert(0, &["3 commits back"]);
    assert!(!on.stdout.contains("stopped"), "{}", on.stdout);
    resolve(&["--set", "baselines.max_walk=0"]).assert(2, &["no commit would be looked at"]);
    plant(&bed, "HEAD", "bbbbbbbb");
}
