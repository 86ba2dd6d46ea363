//! Earlier attempts at a commit, as we have written them to GitHub: in the check run's text, the
//! pull request's comment, the commit's statuses.
//!
//! All of it is read with the token that writes. Not here: what they mean (`attempt`).

use super::client::{ApiError, Client};
use super::{check, comment, status};
use crate::attempt::Attempt;

/// What was found, and what could not be read.
#[derive(Debug, Default)]
pub struct Found {
    pub attempts: Vec<Attempt>,
    pub unread: Vec<String>,
}

/// Of the gate `name` at commit `sha`; `pull` is the pull request whose comment is looked at.
pub async fn earlier(client: &Client, sha: &str, name: &str, pull: Option<u64>) -> Found {
    let mut found = Found::default();
    found.take("check runs", "checks: read", check::attempts(client, sha, name).await);
    if !found.attempts.is_empty() {
        return found;
    }
    // Where the token may not make check runs, these stand in.
    found.take("commit statuses", "statuses: read", status::attempts(client, sha, name).await);
    if let Some(pull) = pull {
        found.take(
            "the comment",
            "pull-requests: read",
            comment::attempts(client, pull, sha, name).await,
        );
    }
    found
}

impl Found {
    fn take(&mut self, what: &str, permission: &str, read: Result<Vec<Attempt>, ApiError>) {
        match read {
            Ok(attempts) => self.attempts.extend(attempts),
            Err(e) => self.unread.push(format!("{what}: {}", e.explain(permission).en)),
        }
    }
}
