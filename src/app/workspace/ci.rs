//! Whether this process is a job of a CI system: the one place that knows. When in doubt it is one,
//! since there a change must not choose what it is judged by.
//!
//! Not here: what a run of GitHub's is about (`github::event`), what CI changes (`app::gate`,
//! `event`).
#![expect(clippy::disallowed_methods, reason = "rim: reads the environment")]

/// Variables that say yes or no.
const SWITCHES: [&str; 20] = [
    "APPVEYOR",
    "BUDDY",
    "BUILDKITE",
    "CI",
    "CIRCLECI",
    "CIRRUS_CI",
    "CONTINUOUS_INTEGRATION",
    "DRONE",
    "FORGEJO_ACTIONS",
    "GITEA_ACTIONS",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "NETLIFY",
    "NOW_BUILDER",
    "SEMAPHORE",
    "TF_BUILD",
    "TRAVIS",
    "VERCEL",
    "WOODPECKER",
    "WOODPECKER_CI",
];
/// Variables that are there in a job, with whatever value.
const MARKS: [&str; 25] = [
    "BITBUCKET_BUILD_NUMBER",
    "BITBUCKET_COMMIT",
    "BITRISE_BUILD_NUMBER",
    "BUILDKITE_BUILD_ID",
    "BUILD_BUILDID",
    "BUILD_ID",
    "BUILD_NUMBER",
    "CI_BUILD_ID",
    "CI_COMMIT_SHA",
    "CI_JOB_ID",
    "CI_NAME",
    "CI_PIPELINE_ID",
    "CI_PIPELINE_NUMBER",
    "CI_SYSTEM_NAME",
    "CODEBUILD_BUILD_ARN",
    "CODEBUILD_BUILD_ID",
    "DRONE_BUILD_NUMBER",
    "GITHUB_RUN_ID",
    "GO_PIPELINE_NAME",
    "HUDSON_URL",
    "JENKINS_HOME",
    "JENKINS_URL",
    "PROW_JOB_ID",
    "TEAMCITY_VERSION",
    "bamboo_buildKey",
];

/// Where a system other than GitHub names the branch that a change goes into; and what says that
/// there is a change, where the first has a value without one too: the branch that was pushed,
/// which is what would then judge itself.
const TARGETS: [(&str, Option<&str>); 7] = [
    ("BITBUCKET_PR_DESTINATION_BRANCH", None),
    ("BUILDKITE_PULL_REQUEST_BASE_BRANCH", None),
    // Jenkins, of a multibranch job.
    ("CHANGE_TARGET", None),
    // Woodpecker.
    ("CI_COMMIT_TARGET_BRANCH", None),
    ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", None),
    ("DRONE_TARGET_BRANCH", Some("DRONE_PULL_REQUEST")),
    ("SYSTEM_PULLREQUEST_TARGETBRANCH", None),
];

/// The branches that this job's change goes into, as CI systems other than GitHub name them: none,
/// one, or, where variables contradict each other, several.
pub fn target_branches() -> Vec<String> {
    targets(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
}

fn targets(env: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let set = |name: &str| {
        env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    let named = TARGETS.iter().filter(|(_, change)| change.is_none_or(|name| set(name).is_some()));
    let branches = named.filter_map(|(name, _)| set(name));
    let mut branches: Vec<String> =
        branches.map(|b| b.strip_prefix("refs/heads/").unwrap_or(&b).to_owned()).collect();
    branches.sort_unstable();
    branches.dedup();
    branches
}

/// Of this process.
pub fn is_ci() -> bool {
    says_ci(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
}

/// `CI=false` says only that this one variable is none: some people set it against a build tool's
/// warnings, in jobs all the same.
fn says_ci(env: impl Fn(&str) -> Option<String>) -> bool {
    let is_set = |name: &&str| env(name).is_some_and(|value| !value.trim().is_empty());
    let is_on = |name: &&str| env(name).is_some_and(|value| is_on(&value));
    SWITCHES.iter().any(is_on) || MARKS.iter().any(is_set)
}

fn is_on(value: &str) -> bool {
    !matches!(value.trim().to_ascii_lowercase().as_str(), "" | "0" | "false" | "no" | "off")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_branch_that_a_change_goes_into_is_known_by_what_each_system_sets() {
        let branches = |set: &[(&str, &str)]| {
            targets(|name| set.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
        };
        for (name, change) in TARGETS {
            let both = [(name, "refs/heads/release/2"), (change.unwrap_or("OTHER"), "7")];
            assert_eq!(branches(&both), ["release/2"], "{name}");
            assert!(branches(&[(name, " ")]).is_empty(), "{name}");
        }
        assert!(branches(&[("DRONE_TARGET_BRANCH", "feature")]).is_empty(), "a push to a branch");
        assert_eq!(
            branches(&[
                ("CHANGE_TARGET", "main"),
                ("SYSTEM_PULLREQUEST_TARGETBRANCH", "refs/heads/main")
            ]),
            ["main"]
        );
        assert_eq!(
            branches(&[("CHANGE_TARGET", "main"), ("CI_COMMIT_TARGET_BRANCH", "other")]),
            ["main", "other"]
        );
    }

    fn ci(set: &[(&str, &str)]) -> bool {
        says_ci(|name| set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn every_usual_system_is_known_by_what_it_sets() {
        for (system, name, value) in [
            ("GitHub", "GITHUB_ACTIONS", "true"),
            ("GitLab", "GITLAB_CI", "true"),
            ("Azure", "TF_BUILD", "True"),
            ("Jenkins", "JENKINS_URL", "http://jenkins/"),
            ("Jenkins", "BUILD_ID", "17"),
            ("Buildkite", "BUILDKITE", "true"),
            ("CircleCI", "CIRCLECI", "true"),
            ("TeamCity", "TEAMCITY_VERSION", "2024.12"),
            ("Bitbucket", "BITBUCKET_BUILD_NUMBER", "3"),
            ("Drone", "DRONE", "true"),
            ("Woodpecker", "CI", "woodpecker"),
            ("Woodpecker", "CI_SYSTEM_NAME", "woodpecker"),
            ("CodeBuild", "CODEBUILD_BUILD_ID", "project:1"),
            ("any", "CI", "true"),
            ("any", "CI", "1"),
            ("any", "CI", "yes please"),
        ] {
            assert!(ci(&[(name, value)]), "{system}: {name}={value}");
        }
        assert!(!ci(&[]));
    }

    #[test]
    fn a_no_holds_for_its_own_variable_only() {
        for value in ["", "0", "false", "FALSE", "no", "off", " "] {
            assert!(!ci(&[("CI", value)]), "{value:?}");
            assert!(ci(&[("CI", value), ("GITHUB_ACTIONS", "true")]), "{value:?}");
            assert!(ci(&[("CI", value), ("JENKINS_URL", "http://jenkins/")]), "{value:?}");
        }
        assert!(!ci(&[("BUILD_ID", "")]));
    }
}
