//! The commit status: what stands in where the token may not make check runs. Not here: when it
//! does.

use serde_json::{Value, json};

use super::check::Conclusion;
use super::client::{ApiError, Client};
use crate::attempt::Attempt;

/// Before an attempt's key, behind the page of the run.
const KEY: &str = "#attempt-";
/// GitHub refuses longer ones.
const DESCRIPTION_CHARS: usize = 140;

/// A status knows no neutral: what the policy lets through is a success
/// whose description says what it is. The caller keeps untrusted ones away from here unless they
/// fail.
pub async fn publish(
    client: &Client,
    sha: &str,
    context: &str,
    conclusion: Conclusion,
    description: &str,
    target_url: Option<&str>,
    attempt: Option<&Attempt>,
) -> Result<(), ApiError> {
    let state = match conclusion {
        Conclusion::Success | Conclusion::Neutral => "success",
        Conclusion::Failure => "failure",
        Conclusion::ActionRequired => "error",
    };
    let mut body = json!({"state": state, "context": context, "description": short(description)});
    if let Some(url) = target_url {
        body["target_url"] =
            json!(attempt.map_or_else(|| url.to_owned(), |a| format!("{url}{}", mark(a))));
    }
    client.post(&format!("/statuses/{sha}"), &body).await.map(drop)
}

/// Commits keep every status that they were given: the failed ones of ours are attempts.
pub async fn attempts(client: &Client, sha: &str, context: &str) -> Result<Vec<Attempt>, ApiError> {
    let all = client.get(&format!("/commits/{sha}/statuses?per_page=100")).await?;
    let failed = |s: &&Value| {
        s["context"].as_str() == Some(context) && s["state"].as_str() == Some("failure")
    };
    let attempt = |s: &Value| {
        let mark = s["target_url"].as_str().and_then(|url| url.split_once(KEY));
        // Earlier versions named no session.
        let mark = mark.map_or("", |(_, mark)| mark);
        let (key, session) = mark.split_once('-').unwrap_or((mark, ""));
        let created = s["created_at"].as_str().unwrap_or_default();
        Attempt {
            session: session.to_owned(),
            ..Attempt::failed_once(key.to_owned(), created, None)
        }
    };
    Ok(all.as_array().into_iter().flatten().filter(failed).map(attempt).collect())
}

/// Which attempt it is, for the end of an address.
fn mark(attempt: &Attempt) -> String {
    format!("{KEY}{}-{}", attempt.key, attempt.session)
}

fn short(text: &str) -> String {
    if text.chars().count() <= DESCRIPTION_CHARS {
        return text.to_owned();
    }
    text.chars().take(DESCRIPTION_CHARS - 3).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_description_is_cut_where_github_would_refuse_it() {
        assert_eq!(super::short("short"), "short");
        let cut = super::short(&"ü".repeat(200));
        assert!(cut.chars().count() == 140 && cut.ends_with("ü..."), "{cut}");
    }
}
