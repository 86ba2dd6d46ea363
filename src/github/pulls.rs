//! Open pull requests by the commit at their head: never by a number that an untrusted job names.

use serde_json::Value;

use super::check::encoded;
use super::client::{ApiError, Client};
use super::event::{Pull, Slug, sha as commit};

/// Where a commit comes from, as the trusted event names it.
#[derive(Clone, Debug, Default)]
pub struct Head {
    pub repository: Option<Slug>,
    pub branch: Option<String>,
}

/// The open pull requests whose head is `sha`, by ascending number.
///
/// GitHub knows a commit's pull requests, but not reliably those from forks: then the open ones are
/// searched.
pub async fn by_sha(client: &Client, sha: &str, head: &Head) -> Result<Vec<Pull>, ApiError> {
    let direct = match client.all(&format!("/commits/{sha}/pulls")).await {
        // A fork's commit may be unknown here.
        Err(e) if matches!(e.status(), Some(404 | 422)) => Vec::new(),
        other => other?,
    };
    let pulls = matching(&direct, client.repository(), sha, head);
    if !pulls.is_empty() {
        return Ok(pulls);
    }
    let narrowed = match (&head.repository, &head.branch) {
        (Some(slug), Some(branch)) => {
            format!("&head={}", encoded(&format!("{}:{branch}", slug.owner)))
        }
        _ => String::new(),
    };
    let open = client.all(&format!("/pulls?state=open{narrowed}")).await?;
    Ok(matching(&open, client.repository(), sha, head))
}

/// Pull request `number`, where its head is `sha`.
pub async fn with_head(client: &Client, number: u64, sha: &str) -> Result<Option<Pull>, ApiError> {
    let pull = client.get(&format!("/pulls/{number}")).await?;
    Ok(Pull::parse(&pull).filter(|_| pull["head"]["sha"].as_str() == Some(sha)))
}

/// The merge base of two commits, of which one may be a fork's. None where GitHub names none.
pub async fn merge_base(
    client: &Client,
    base: &str,
    head: &str,
) -> Result<Option<String>, ApiError> {
    let compared = client.get(&format!("/compare/{base}...{head}?per_page=1")).await?;
    Ok(compared["merge_base_commit"]["sha"].as_str().and_then(commit))
}

fn matching(pulls: &[Value], here: &Slug, sha: &str, head: &Head) -> Vec<Pull> {
    let name = |side: &Value| side["repo"]["full_name"].as_str().and_then(Slug::parse);
    let fits = |p: &&Value| {
        p["state"].as_str() == Some("open")
            && p["head"]["sha"].as_str() == Some(sha)
            // The same commit may be the head of somebody else's request.
            && same(name(&p["base"]).as_ref(), here)
            && head.repository.as_ref().is_none_or(|from| name(&p["head"]).is_none_or(|theirs| same(Some(&theirs), from)))
    };
    let mut found: Vec<Pull> = pulls.iter().filter(fits).filter_map(Pull::parse).collect();
    found.sort_by_key(|pull| pull.number);
    found.dedup_by_key(|pull| pull.number);
    found
}

/// GitHub's names differ in letters' case only for people.
fn same(a: Option<&Slug>, b: &Slug) -> bool {
    a.is_some_and(|a| {
        a.owner.eq_ignore_ascii_case(&b.owner) && a.name.eq_ignore_ascii_case(&b.name)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_an_open_request_of_this_repository_with_this_very_head() {
        let pull = |number: u64, state: &str, sha: &str, base: &str, head: &str| json!({"number": number, "state": state, "head": {"sha": sha, "repo": {"full_name": head}}, "base": {"repo": {"full_name": base}}});
        let pulls = [
            pull(9, "open", "a", "acme/serve", "eve/serve"),
            pull(3, "open", "a", "Acme/Serve", "eve/serve"),
            pull(1, "closed", "a", "acme/serve", "eve/serve"),
            pull(2, "open", "b", "acme/serve", "eve/serve"),
            pull(4, "open", "a", "eve/serve", "eve/serve"),
            pull(5, "open", "a", "acme/serve", "mallory/serve"),
        ];
        let here = Slug::parse("acme/serve").expect("a slug");
        let head = Head { repository: Slug::parse("eve/serve"), branch: None };
        let numbers = |head: &Head| {
            matching(&pulls, &here, "a", head).iter().map(|pull| pull.number).collect::<Vec<_>>()
        };
        assert_eq!(numbers(&head), [3, 9]);
        assert_eq!(numbers(&Head::default()), [3, 5, 9]);
    }
}
