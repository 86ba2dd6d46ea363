//! Whether this process is a job of a CI system: the one place that knows. When in doubt it is one, since there a change must not choose
//! what it is judged by.
//!
//! Not here: what a run of GitHub's is about (`github::event`), what CI changes (`setup`, `base`).
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

/// Of this process.
pub fn is_ci() -> bool {
    says_ci(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
}

/// `CI=false` says only that this one variable is none: some people set it against a build tool's warnings, in jobs all the same.
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
