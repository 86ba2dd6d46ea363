//! The pull-request comment: one per gate, found by marker and author over all pages, updated in
//! place, doubles removed.
//!
//! A newer run's comment is never overwritten. Not here: what the comment says (`report::comment`).

use serde_json::{Value, json};

use super::client::{ApiError, Client};
use crate::attempt::Attempt;
use crate::report::comment::Marker;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    Created,
    Updated,
    /// It says the same already.
    Unchanged,
    /// It is of a newer run, and stays.
    Newer,
}

/// Whose comments are ours.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Author {
    Known(String),
    /// The token does not say who it is: then only what a bot has written, since anybody can paste
    /// a marker.
    AnyBot,
}

/// A comment with our marker.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    id: u64,
    login: String,
    marker: Marker,
}

/// Another job may write between our looking and our writing: looked at again at most this often.
const LOOKS: u32 = 4;

/// Writes `body`, which carries `marker`, below pull request `pull`.
pub async fn publish(
    client: &Client,
    pull: u64,
    marker: &Marker,
    body: &str,
) -> Result<Done, ApiError> {
    let author = client.viewer().await.map_or(Author::AnyBot, Author::Known);
    let mut done = None;
    let mut trouble = None;
    for _ in 0..LOOKS {
        let all = ours(&client.all(&format!("/issues/{pull}/comments")).await?, &author, marker);
        if all.iter().any(|c| marker.is_older_than(&c.marker)) {
            return Ok(Done::Newer);
        }
        let Some(kept) = all.first() else {
            // Written, and not in the list yet, or by a person's token that does not say whose it
            // is.
            if let Some(created) = done {
                return Ok(created);
            }
            if let Some(error) = trouble {
                // It failed, it was looked for again, and it is not there: once more, and then no
                // more.
                return create(client, pull, body).await.map(|()| Done::Created).map_err(|_| error);
            }
            match create(client, pull, body).await {
                Ok(()) => done = Some(Done::Created),
                Err(error) if error.may_be_done() => trouble = Some(error),
                Err(error) => return Err(error),
            }
            // Once more, for a double that another job has made at the same time.
            continue;
        };
        if let Some(said) = update(client, kept, marker, body).await? {
            remove(client, kept, &all[1..]).await;
            return Ok(match (done, said) {
                (Some(created), Done::Unchanged) => created,
                (_, said) => said,
            });
        }
    }
    done.ok_or_else(|| {
        trouble
            .unwrap_or_else(|| ApiError::Odd("the comment changes whenever it is looked at".into()))
    })
}

/// What our comment says of attempts at this commit.
pub async fn attempts(
    client: &Client,
    pull: u64,
    sha: &str,
    gate: &str,
) -> Result<Vec<Attempt>, ApiError> {
    let author = client.viewer().await.map_or(Author::AnyBot, Author::Known);
    let wanted =
        Marker { gate: gate.into(), head: None, run: None, attempt: 1, attempts: Vec::new() };
    let all = ours(&client.all(&format!("/issues/{pull}/comments")).await?, &author, &wanted);
    let of_commit = all.into_iter().filter(|c| c.marker.head.as_deref() == Some(sha));
    Ok(of_commit.flat_map(|c| c.marker.attempts).collect())
}

async fn create(client: &Client, pull: u64, body: &str) -> Result<(), ApiError> {
    client.post(&format!("/issues/{pull}/comments"), &json!({"body": body})).await.map(drop)
}

/// `None` where the comment has gone meanwhile. Read again just before writing: the list may be old
/// by the time its last page is here.
async fn update(
    client: &Client,
    kept: &Found,
    marker: &Marker,
    body: &str,
) -> Result<Option<Done>, ApiError> {
    let route = format!("/issues/comments/{}", kept.id);
    let now = match client.get(&route).await {
        Ok(now) => now["body"].as_str().unwrap_or_default().to_owned(),
        Err(e) if gone(&e) => return Ok(None),
        Err(e) => return Err(e),
    };
    if Marker::parse(&now).is_some_and(|theirs| marker.is_older_than(&theirs)) {
        return Ok(Some(Done::Newer));
    }
    if same(&now, body) {
        return Ok(Some(Done::Unchanged));
    }
    match client.patch(&route, &json!({"body": body})).await {
        Ok(_) => Ok(Some(Done::Updated)),
        Err(e) if gone(&e) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Doubles of the same author only. That one stays where it cannot be removed hurts nobody: the
/// next run tries again.
async fn remove(client: &Client, kept: &Found, others: &[Found]) {
    for double in others.iter().filter(|c| c.login == kept.login) {
        let _ = client.delete(&format!("/issues/comments/{}", double.id)).await;
    }
}

fn gone(error: &ApiError) -> bool {
    matches!(error.status(), Some(404 | 410))
}

/// GitHub may give lines back with other ends.
fn same(theirs: &str, ours: &str) -> bool {
    theirs.replace("\r\n", "\n").trim_end() == ours.trim_end()
}

/// Ours, oldest first.
fn ours(comments: &[Value], author: &Author, marker: &Marker) -> Vec<Found> {
    let mut found: Vec<Found> = comments
        .iter()
        .filter(|c| wrote(c, author))
        .filter_map(found)
        .filter(|c| c.marker.gate == marker.gate)
        .collect();
    found.sort_by_key(|c| c.id);
    found
}

fn wrote(comment: &Value, author: &Author) -> bool {
    // The same app is `name[bot]` to one API and `name` to the other; only a bot's login has
    // brackets.
    let bare = |login: &str| login.trim_end_matches("[bot]").to_ascii_lowercase();
    let bot = comment["user"]["type"].as_str() == Some("Bot");
    match (author, comment["user"]["login"].as_str()) {
        (Author::Known(me), Some(login)) => {
            bare(me) == bare(login) && (bot || !me.ends_with("[bot]"))
        }
        (Author::AnyBot, Some(_)) => bot,
        (_, None) => false,
    }
}

fn found(comment: &Value) -> Option<Found> {
    let body = comment["body"].as_str()?;
    Some(Found {
        id: comment["id"].as_u64()?,
        login: comment["user"]["login"].as_str()?.to_owned(),
        marker: Marker::parse(body)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comment(id: u64, login: &str, kind: &str, gate: &str) -> Value {
        let marker =
            Marker { gate: gate.into(), head: None, run: Some(1), attempt: 1, attempts: vec![] };
        json!({"id": id, "user": {"login": login, "type": kind}, "body": format!("{}\nx", marker.line())})
    }

    fn ids(author: &Author, comments: &[Value]) -> Vec<u64> {
        let marker =
            Marker { gate: "a".into(), head: None, run: Some(2), attempt: 1, attempts: vec![] };
        ours(comments, author, &marker).iter().map(|c| c.id).collect()
    }

    #[test]
    fn a_pasted_marker_is_not_ours() {
        let all = || {
            [
                comment(9, "github-actions[bot]", "Bot", "a"),
                comment(1, "eve", "User", "a"),
                comment(5, "github-actions[bot]", "Bot", "a"),
                comment(6, "github-actions[bot]", "Bot", "b"),
                comment(7, "github-actions", "User", "a"),
                json!({"id": 8, "user": null, "body": "x"}),
            ]
        };
        assert_eq!(ids(&Author::Known("github-actions[bot]".into()), &all()), [5, 9]);
        assert_eq!(ids(&Author::AnyBot, &all()), [5, 9]);
        assert_eq!(ids(&Author::Known("eve".into()), &all()), [1]);
    }

    #[test]
    fn other_line_ends_are_the_same_words() {
        assert!(same("a\r\nb\r\n", "a\nb\n") && !same("a\nb", "a\nc"));
    }
}
