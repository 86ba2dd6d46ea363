//! The commit status: what stands in where the token may not make check runs. Not here: when it does.

use serde_json::json;

use super::check::Conclusion;
use super::client::{ApiError, Client};

/// GitHub refuses longer ones.
const DESCRIPTION_CHARS: usize = 140;

/// A status knows no neutral: what the policy lets through is a success whose description says what it is. The caller keeps
/// untrusted ones away from here unless they fail.
pub async fn publish(
    client: &Client,
    sha: &str,
    context: &str,
    conclusion: Conclusion,
    description: &str,
    target_url: Option<&str>,
) -> Result<(), ApiError> {
    let state = match conclusion {
        Conclusion::Success | Conclusion::Neutral => "success",
        Conclusion::Failure => "failure",
        Conclusion::ActionRequired => "error",
    };
    let mut body = json!({"state": state, "context": context, "description": short(description)});
    if let Some(url) = target_url {
        body["target_url"] = json!(url);
    }
    client.post(&format!("/statuses/{sha}"), &body).await.map(drop)
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
