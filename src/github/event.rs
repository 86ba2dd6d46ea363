//! What a workflow run is about: the event file and the `GITHUB_*` variables to a commit, a base, a
//! pull request. Pure.
//!
//! On pull requests `GITHUB_SHA` is a merge that exists nowhere else, so commits come from the
//! event. Not here: reading file or environment.

use std::path::PathBuf;

use serde_json::Value;

/// A repository as GitHub names it. Both parts are safe in a URL's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slug {
    pub owner: String,
    pub name: String,
}

/// What a change is measured against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base {
    /// Branch, without `refs/heads/`.
    pub branch: Option<String>,
    pub sha: Option<String>,
}

/// A pull request, by what GitHub itself says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pull {
    pub number: u64,
    pub base: Base,
}

impl Pull {
    /// Of an object of the API or of an event. None without a number.
    pub fn parse(pull: &Value) -> Option<Self> {
        let number = pull["number"].as_u64().filter(|n| *n > 0)?;
        let base = Base {
            branch: text(&pull["base"]["ref"]),
            sha: text(&pull["base"]["sha"]).as_deref().and_then(sha),
        };
        Some(Self { number, base })
    }
}

/// Which measurement is newer: run id, then attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunId {
    pub run: u64,
    pub attempt: u64,
}

/// The workflow run around this process. What the run does not say is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ci {
    /// `pull_request`, `push`...
    pub event: String,
    pub repository: Option<Slug>,
    /// The commit under test: of a pull request its head, of `workflow_run` what that run measured.
    pub head_sha: Option<String>,
    /// What is checked out by default (`GITHUB_SHA`): of a pull request the merge with its base.
    pub checkout_sha: Option<String>,
    pub base: Base,
    /// Of the repository, without `refs/heads/`.
    pub default_branch: Option<String>,
    pub pull: Option<u64>,
    /// Of `workflow_run` the pull requests of this repository whose head was measured; GitHub names
    /// none of forks.
    pub run_pulls: Vec<Pull>,
    /// The commit under test comes from another repository, so its measurement is not to be
    /// trusted.
    pub fork: bool,
    /// Owner, and branch, of the commit under test, where the event names them.
    pub head_repository: Option<Slug>,
    pub head_branch: Option<String>,
    /// Of `workflow_run` the run that measured.
    pub run: Option<RunId>,
    pub api_url: String,
    pub graphql_url: String,
    pub server_url: String,
    pub output: Option<PathBuf>,
    pub step_summary: Option<PathBuf>,
}

const API: &str = "https://api.github.com";
const SERVER: &str = "https://github.com";
/// GitHub's own limits: 39 characters for an owner, 100 for a repository.
const LONGEST_NAME: usize = 100;

impl Ci {
    /// `None` outside of GitHub Actions. `event_file` is the text of `GITHUB_EVENT_PATH`.
    ///
    /// Errors: the event file is not JSON. Its fields are taken one by one: one that is absent or
    /// odd is `None`.
    pub fn parse(
        env: impl Fn(&str) -> Option<String>,
        event_file: Option<&str>,
    ) -> Result<Option<Self>, String> {
        let env = |name: &str| env(name).filter(|v| !v.is_empty());
        let no = |value: &str| matches!(value.to_ascii_lowercase().as_str(), "false" | "0");
        if env("GITHUB_ACTIONS").is_none_or(|value| no(&value)) {
            return Ok(None);
        }
        let event: Value = match event_file {
            Some(text) => serde_json::from_str(text)
                .map_err(|e| format!("the event file is not JSON: {e}"))?,
            None => Value::Null,
        };
        let name = env("GITHUB_EVENT_NAME").unwrap_or_default();
        let api_url =
            env("GITHUB_API_URL").unwrap_or_else(|| API.into()).trim_end_matches('/').to_owned();
        let number = |key: &str| env(key).and_then(|v| v.parse().ok());
        let mut ci = Self {
            repository: env("GITHUB_REPOSITORY").as_deref().and_then(Slug::parse),
            checkout_sha: env("GITHUB_SHA").as_deref().and_then(sha),
            run: number("GITHUB_RUN_ID")
                .map(|run| RunId { run, attempt: number("GITHUB_RUN_ATTEMPT").unwrap_or(1) }),
            graphql_url: env("GITHUB_GRAPHQL_URL").unwrap_or_else(|| graphql(&api_url)),
            api_url,
            server_url: env("GITHUB_SERVER_URL")
                .unwrap_or_else(|| SERVER.into())
                .trim_end_matches('/')
                .to_owned(),
            output: env("GITHUB_OUTPUT").map(PathBuf::from),
            step_summary: env("GITHUB_STEP_SUMMARY").map(PathBuf::from),
            head_branch: env("GITHUB_REF").and_then(|r| branch(&r)),
            ..Self::bare(name)
        };
        ci.read(&event);
        // Of a pull request, also where its event file cannot be read.
        ci.base.branch = ci.base.branch.or_else(|| env("GITHUB_BASE_REF"));
        Ok(Some(ci))
    }

    /// Outside of a workflow run: GitHub's public API, nothing known.
    pub fn outside(env: impl Fn(&str) -> Option<String>) -> Self {
        let mut ci = Self::bare(String::new());
        if let Some(url) = env("GITHUB_API_URL").filter(|v| !v.is_empty()) {
            url.trim_end_matches('/').clone_into(&mut ci.api_url);
        }
        ci.graphql_url = graphql(&ci.api_url);
        ci.repository = env("GITHUB_REPOSITORY").as_deref().and_then(Slug::parse);
        ci
    }

    /// Page of the run that measured.
    pub fn run_url(&self) -> Option<String> {
        let (repository, run) = (self.repository.as_ref()?, self.run?);
        Some(format!(
            "{}/{}/actions/runs/{}/attempts/{}",
            self.server_url, repository, run.run, run.attempt
        ))
    }

    fn bare(event: String) -> Self {
        Self {
            event,
            repository: None,
            head_sha: None,
            checkout_sha: None,
            base: Base::default(),
            default_branch: None,
            pull: None,
            run_pulls: Vec::new(),
            fork: false,
            head_repository: None,
            head_branch: None,
            run: None,
            api_url: API.into(),
            graphql_url: graphql(API),
            server_url: SERVER.into(),
            output: None,
            step_summary: None,
        }
    }

    fn read(&mut self, event: &Value) {
        self.default_branch = text(&event["repository"]["default_branch"]);
        match self.event.as_str() {
            "pull_request" | "pull_request_target" | "pull_request_review" => {
                self.pull_request(&event["pull_request"]);
            }
            "merge_group" => {
                let group = &event["merge_group"];
                self.head_sha = text(&group["head_sha"]).as_deref().and_then(sha);
                self.base = Base {
                    branch: text(&group["base_ref"]).and_then(|r| branch(&r)),
                    sha: text(&group["base_sha"]).as_deref().and_then(sha),
                };
            }
            "push" => {
                self.head_sha = text(&event["after"])
                    .as_deref()
                    .and_then(sha)
                    .or_else(|| self.checkout_sha.clone());
                // Zeros where the push made the branch.
                self.base = Base {
                    branch: self.head_branch.clone(),
                    sha: text(&event["before"]).as_deref().and_then(sha),
                };
            }
            "workflow_run" => self.workflow_run(event),
            _ => self.head_sha.clone_from(&self.checkout_sha),
        }
    }

    fn pull_request(&mut self, pull: &Value) {
        self.head_sha = text(&pull["head"]["sha"]).as_deref().and_then(sha);
        self.base = Base {
            branch: text(&pull["base"]["ref"]),
            sha: text(&pull["base"]["sha"]).as_deref().and_then(sha),
        };
        self.pull = pull["number"].as_u64().filter(|n| *n > 0);
        self.head_repository = full_name(&pull["head"]["repo"]);
        self.head_branch = text(&pull["head"]["ref"]);
        let base = full_name(&pull["base"]["repo"]).or_else(|| self.repository.clone());
        // A fork that was deleted has no repository any more, and is a fork all the same.
        self.fork = self.head_repository.is_none() || self.head_repository != base;
    }

    /// The list of pull requests is GitHub's own: empty for forks, and with those of other
    /// repositories that have the same branch.
    fn workflow_run(&mut self, event: &Value) {
        let run = &event["workflow_run"];
        self.head_sha = text(&run["head_sha"]).as_deref().and_then(sha);
        self.head_branch = text(&run["head_branch"]);
        self.head_repository = full_name(&run["head_repository"]);
        let here = full_name(&event["repository"]).or_else(|| self.repository.clone());
        self.fork = self.head_repository.is_none() || self.head_repository != here;
        let measured = run["id"]
            .as_u64()
            .map(|id| RunId { run: id, attempt: run["run_attempt"].as_u64().unwrap_or(1) });
        self.run = measured.or(self.run);
        let (head, repository) = (&run["head_sha"], &event["repository"]["id"]);
        let mine = |pull: &&Value| {
            pull["head"]["sha"] == *head && pull["base"]["repo"]["id"] == *repository
        };
        self.run_pulls = run["pull_requests"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(mine)
            .filter_map(Pull::parse)
            .collect();
    }
}

impl Slug {
    /// `OWNER/NAME`, of the characters that GitHub allows.
    pub fn parse(text: &str) -> Option<Self> {
        let (owner, name) = text.split_once('/')?;
        let safe = |s: &str| {
            (1..=LONGEST_NAME).contains(&s.len())
                && s.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
                && !s.chars().all(|c| c == '.')
        };
        (safe(owner) && safe(name)).then(|| Self { owner: owner.into(), name: name.into() })
    }
}

impl std::fmt::Display for Slug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

/// A commit's full hash (SHA-1 or SHA-256), never the zeros that stand for none.
pub fn sha(text: &str) -> Option<String> {
    let hex = [40, 64].contains(&text.len()) && text.chars().all(|c| c.is_ascii_hexdigit());
    (hex && text.chars().any(|c| c != '0')).then(|| text.to_ascii_lowercase())
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|s| !s.is_empty()).map(str::to_owned)
}

fn full_name(repository: &Value) -> Option<Slug> {
    Slug::parse(repository["full_name"].as_str()?)
}

fn branch(reference: &str) -> Option<String> {
    reference.strip_prefix("refs/heads/").map(str::to_owned)
}

/// A GHES has its REST API at `/api/v3` and GraphQL at `/api/graphql`.
fn graphql(api_url: &str) -> String {
    format!("{}/graphql", api_url.strip_suffix("/v3").unwrap_or(api_url))
}

#[cfg(test)]
mod tests;
