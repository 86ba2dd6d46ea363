//! A pull request with new files: one branch per base, one open request, more files later in the
//! same one.
//!
//! Not here: how files get onto a branch (`push`), what the request says.

use serde_json::{Value, json};

use super::check::encoded;
use super::client::{ApiError, Client};
use super::push::{self, Commit, PushError};

/// What is proposed.
#[derive(Clone, Copy, Debug)]
pub struct Proposal<'a> {
    /// Where it is to be merged.
    pub base: &'a str,
    /// Its branch and its files.
    pub commit: Commit<'a>,
    pub title: &'a str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proposed {
    /// Address of the new pull request.
    Opened(String),
    /// Address of the one that was open.
    Updated(String),
    /// The base has all files already, as they are.
    There,
}

/// A POST that may have been carried out is looked for, and sent once more only where it was not.
const TIMES: u32 = 2;

/// `body` makes the request's text; of the open one's text, where there is one.
pub async fn propose(
    client: &Client,
    proposal: &Proposal<'_>,
    body: impl Fn(Option<&str>) -> String,
) -> Result<Proposed, PushError> {
    let base = proposal.base;
    let base_tip =
        push::tip(client, base).await?.ok_or_else(|| PushError::NoBranch(base.to_owned()))?;
    if push::missing(client, proposal.commit.files, &base_tip).await?.is_empty() {
        return Ok(Proposed::There);
    }
    let open = find(client, proposal).await.map_err(PushError::Pull)?;
    branch(client, proposal, &base_tip, open.is_some()).await?;
    push::push(client, &proposal.commit).await?;
    match open {
        Some(pull) => update(client, &pull, body).await,
        None => create(client, proposal, body).await,
    }
    .map_err(PushError::Pull)
}

/// Makes the branch where there is none. One that was merged is brought up to its base: as well as
/// can be, since it does no harm to go on from where it stands, and a workflow's token may not
/// merge changes of workflows.
async fn branch(
    client: &Client,
    proposal: &Proposal<'_>,
    base_tip: &str,
    open: bool,
) -> Result<(), ApiError> {
    let name = proposal.commit.branch;
    if push::tip(client, name).await?.is_none() {
        let body = json!({"ref": format!("refs/heads/{name}"), "sha": base_tip});
        twice(
            async || client.post("/git/refs", &body).await.map(drop),
            async || Ok(push::tip(client, name).await?.map(drop)),
        )
        .await
    } else {
        if !open {
            let _ = client.post("/merges", &json!({"base": name, "head": proposal.base})).await;
        }
        Ok(())
    }
}

async fn create(
    client: &Client,
    proposal: &Proposal<'_>,
    body: impl Fn(Option<&str>) -> String,
) -> Result<Proposed, ApiError> {
    let new = json!({"title": proposal.title, "head": proposal.commit.branch, "base": proposal.base, "body": body(None)});
    let opened = async || Ok(Proposed::Opened(address(&client.post("/pulls", &new).await?)));
    // Another job of the same matrix may have opened it a moment ago.
    let other = async || match find(client, proposal).await? {
        Some(pull) => update(client, &pull, &body).await.map(Some),
        None => Ok(None),
    };
    twice(opened, other).await
}

async fn update(
    client: &Client,
    pull: &Value,
    body: impl Fn(Option<&str>) -> String,
) -> Result<Proposed, ApiError> {
    let number = pull["number"]
        .as_u64()
        .ok_or_else(|| ApiError::Odd("a pull request has no number".into()))?;
    // Read again: others may have written since.
    let now = client.get(&format!("/pulls/{number}")).await?;
    let was = now["body"].as_str().unwrap_or_default();
    let wanted = body(Some(was));
    if wanted != was {
        client.patch(&format!("/pulls/{number}"), &json!({"body": wanted})).await?;
    }
    Ok(Proposed::Updated(address(&now)))
}

/// The open one from our branch into the base. A fork's branch of the same name is another owner's.
async fn find(client: &Client, proposal: &Proposal<'_>) -> Result<Option<Value>, ApiError> {
    let head = format!("{}:{}", client.repository().owner, proposal.commit.branch);
    let route =
        format!("/pulls?state=open&head={}&base={}", encoded(&head), encoded(proposal.base));
    let ours = |pull: &Value| {
        pull["state"] == "open"
            && pull["head"]["ref"] == proposal.commit.branch
            && pull["base"]["ref"] == proposal.base
    };
    Ok(client.all(&route).await?.into_iter().find(ours))
}

fn address(pull: &Value) -> String {
    pull["html_url"].as_str().unwrap_or_default().to_owned()
}

async fn twice<T>(
    send: impl AsyncFn() -> Result<T, ApiError>,
    look: impl AsyncFn() -> Result<Option<T>, ApiError>,
) -> Result<T, ApiError> {
    let mut times = 0;
    loop {
        times += 1;
        let error = match send().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        // 422: it is there already, says GitHub, or something else is wrong with it.
        let there =
            if error.may_be_done() || error.status() == Some(422) { look().await? } else { None };
        match there {
            Some(found) => return Ok(found),
            None if error.may_be_done() && times < TIMES => {}
            None => return Err(error),
        }
    }
}
