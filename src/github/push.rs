//! New files onto a branch through GitHub's git-data API: no clone, no git credentials, and never
//! by force.
//!
//! Whoever else pushes meanwhile has won: the same files are committed again on the new tip. Not
//! here: which files, or what the commit says.
#![expect(clippy::disallowed_methods, reason = "rim: draws the jitter between two tries")]

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::check::encoded;
use super::client::{ApiError, Client};
use crate::lang::{Text, bilingual};

/// A file that is to be on the branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// From the repository's root, with slashes.
    pub path: String,
    pub text: String,
    /// Git's name of the text as a blob.
    pub blob: String,
}

/// What is committed, and where.
#[derive(Clone, Copy, Debug)]
pub struct Commit<'a> {
    /// Without `refs/heads/`.
    pub branch: &'a str,
    pub message: &'a str,
    pub files: &'a [File],
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// The new commit.
    Committed(String),
    /// All files are on the branch already, as they are.
    There,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushError {
    /// The branch is not there, or the token may not see it.
    NoBranch(String),
    /// The branch has this path with other content.
    Differs(String),
    /// The branch moves for nobody like us: GitHub's words.
    Protected(String),
    /// Others were faster, this often.
    Raced(u32),
    Api(ApiError),
    /// The files are on the branch, and it is its pull request that could not be opened or updated.
    Pull(ApiError),
}

/// Ten jobs of a matrix that end at once need nearly as many.
const TRIES: u32 = 8;
/// What may have been done, or not: what only reads or repeats itself has been tried several times
/// by then.
const TRIES_IN_TROUBLE: u32 = 3;
/// Before the second try; doubled before each later one. Jitter is drawn below it.
const BACKOFF: Duration = Duration::from_millis(100);

/// Commits what the branch lacks of the files on top of its tip.
pub async fn push(client: &Client, commit: &Commit<'_>) -> Result<Pushed, PushError> {
    let mut tried = 0;
    loop {
        tried += 1;
        match attempt(client, commit).await {
            Ok(Some(pushed)) => return Ok(pushed),
            Ok(None) if tried >= TRIES => return Err(PushError::Raced(tried)),
            Ok(None) => {}
            // Trees and commits that nobody refers to hurt nobody: the whole of it may be done
            // again.
            Err(PushError::Api(error)) if error.may_be_done() && tried < TRIES_IN_TROUBLE => {}
            Err(error) => return Err(error),
        }
        sleep(pause(tried)).await;
    }
}

/// The commit at a branch's tip; `None` where there is no such branch.
pub async fn tip(client: &Client, branch: &str) -> Result<Option<String>, ApiError> {
    match client.get(&format!("/git/ref/heads/{}", path(branch))).await {
        Ok(found) => hash(&found["object"]["sha"]).map(Some),
        Err(e) if e.status() == Some(404) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Those of the files that a commit lacks. Errors: it has one of them with other content.
pub async fn missing<'a>(
    client: &Client,
    files: &'a [File],
    commit: &str,
) -> Result<Vec<&'a File>, PushError> {
    let mut missing = Vec::new();
    for file in files {
        match client.get(&format!("/contents/{}?ref={commit}", path(&file.path))).await {
            Ok(there) if there["sha"].as_str() == Some(&file.blob) => {}
            Ok(_) => return Err(PushError::Differs(file.path.clone())),
            Err(e) if e.status() == Some(404) => missing.push(file),
            Err(e) => return Err(e.into()),
        }
    }
    Ok(missing)
}

/// `None` where somebody else was faster.
async fn attempt(client: &Client, commit: &Commit<'_>) -> Result<Option<Pushed>, PushError> {
    let branch = commit.branch;
    let tip = tip(client, branch).await?.ok_or_else(|| PushError::NoBranch(branch.to_owned()))?;
    let missing = missing(client, commit.files, &tip).await?;
    if missing.is_empty() {
        return Ok(Some(Pushed::There));
    }
    let below = hash(&client.get(&format!("/git/commits/{tip}")).await?["tree"]["sha"])?;
    let entries = missing
        .iter()
        .map(|f| json!({"path": f.path, "mode": "100644", "type": "blob", "content": f.text}));
    let tree = client
        .post("/git/trees", &json!({"base_tree": below, "tree": entries.collect::<Vec<_>>()}))
        .await?;
    // Without an author of ours it is the token's, and GitHub signs what a bot commits so.
    let body = json!({"message": commit.message, "tree": hash(&tree["sha"])?, "parents": [tip]});
    let made = hash(&client.post("/git/commits", &body).await?["sha"])?;
    match client
        .patch(&format!("/git/refs/heads/{}", path(branch)), &json!({"sha": made, "force": false}))
        .await
    {
        Ok(_) => Ok(Some(Pushed::Committed(made))),
        Err(error) => stays(client, branch, &tip, error).await.map(|()| None),
    }
}

/// Why the branch did not move. Errors: it was not because somebody else had moved it.
async fn stays(client: &Client, branch: &str, was: &str, error: ApiError) -> Result<(), PushError> {
    let ApiError::Refused { status: 409 | 422, message } = &error else { return Err(error.into()) };
    // The new tip may not be seen everywhere yet.
    let said = message.to_ascii_lowercase().contains("fast forward");
    if said || tip(client, branch).await?.is_some_and(|now| now != was) {
        return Ok(());
    }
    Err(PushError::Protected(message.clone()))
}

/// Anything up to the backoff: those who met once shall not meet again.
fn pause(tried: u32) -> Duration {
    let most = BACKOFF * 2_u32.saturating_pow(tried.saturating_sub(1));
    let drawn = getrandom::u64().map_or(1.0, |x| x as f64 / u64::MAX as f64);
    most.mul_f64(drawn)
}

/// For a URL: each part by itself, so that a slash stays one.
fn path(text: &str) -> String {
    text.split('/').map(encoded).collect::<Vec<_>>().join("/")
}

fn hash(value: &Value) -> Result<String, ApiError> {
    let found = value.as_str().and_then(super::event::sha);
    found.ok_or_else(|| ApiError::Odd("an object's hash was expected".into()))
}

impl From<ApiError> for PushError {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl PushError {
    /// Something is wrong that measuring first would not mend.
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Api(error) => matches!(error, ApiError::Refused { .. } | ApiError::Odd(_)),
            Self::NoBranch(_)
            | Self::Differs(_)
            | Self::Protected(_)
            | Self::Raced(_)
            | Self::Pull(_) => true,
        }
    }

    /// What happened, and what to do.
    pub fn text(&self) -> Text {
        let what = match self {
            Self::NoBranch(branch) => bilingual!(
                "no branch {branch:?} on GitHub, or the token may not see it",
                "GitHub에 브랜치 {branch:?}가 없거나 토큰으로 볼 수 없음"
            ),
            Self::Differs(path) => bilingual!(
                "the branch has {path} with other content",
                "브랜치의 {path} 내용이 다름"
            ),
            Self::Protected(words) => {
                bilingual!("the branch is protected: {words}", "보호된 브랜치: {words}")
            }
            Self::Raced(tries) => bilingual!(
                "others pushed to the branch {tries} times while this was committed",
                "커밋하는 동안 다른 푸시가 {tries}번 먼저 들어감"
            ),
            Self::Api(error) => error.text(),
            Self::Pull(error) => bilingual!(
                "the files are on their branch, but there is no pull request that says so: ",
                "파일은 브랜치에 올라갔으나 풀 리퀘스트를 열지 못함: "
            )
            .then(&error.text()),
        };
        match self.hint() {
            Some(hint) => what.then(&bilingual!("\nhint: ", "\n힌트: ")).then(&hint),
            None => what,
        }
    }

    /// What to do.
    fn hint(&self) -> Option<Text> {
        let (error, pull) = match self {
            Self::NoBranch(_) => {
                return Some(bilingual!(
                    "name a branch that is there; the token needs `permissions: contents: write`",
                    "있는 브랜치를 지정하십시오. 토큰에는 `permissions: contents: write`가 필요합니다"
                ));
            }
            Self::Differs(_) => {
                return Some(bilingual!(
                    "a session's file is never written over: see who wrote that one",
                    "세션 파일은 덮어쓰지 않습니다: 누가 쓴 파일인지 확인하십시오"
                ));
            }
            Self::Protected(_) => return Some(through_a_pull_request()),
            Self::Raced(_) => return Some(later()),
            Self::Api(error) => (error, false),
            Self::Pull(error) => (error, true),
        };
        Some(match (error.status(), pull) {
            _ if matches!(error, ApiError::Limited { .. }) => later(),
            (Some(401), _) => bilingual!(
                "the token is not accepted: hand a valid one over in GITHUB_TOKEN or GOODPUT_GATE_TOKEN",
                "받아들여지지 않는 토큰: 유효한 토큰을 GITHUB_TOKEN 또는 GOODPUT_GATE_TOKEN으로 넘기십시오"
            ),
            (Some(403 | 404), false) => bilingual!(
                "give the job `permissions: contents: write`; the token of a pull request from a fork never writes",
                "작업에 `permissions: contents: write` 권한을 주십시오. 포크에서 온 풀 리퀘스트의 토큰은 쓸 수 없습니다"
            ),
            (Some(403), true) if error.to_string().contains("not permitted") => bilingual!(
                "Settings, Actions, General: \"Allow GitHub Actions to create and approve pull requests\"; or the token of an app",
                "Settings, Actions, General에서 \"Allow GitHub Actions to create and approve pull requests\"를 켜거나 앱의 토큰을 쓰십시오"
            ),
            (Some(403 | 404), true) => bilingual!(
                "give the job `permissions: pull-requests: write`",
                "작업에 `permissions: pull-requests: write` 권한을 주십시오"
            ),
            _ if error.may_be_done() => later(),
            _ => return None,
        })
    }
}

fn through_a_pull_request() -> Text {
    bilingual!(
        "the branch takes changes through pull requests or from some people only: use --pull-request, or the token of an app that its rules let past (GOODPUT_GATE_TOKEN)",
        "풀 리퀘스트나 일부 사람만 바꿀 수 있는 브랜치: --pull-request를 쓰거나, 규칙이 허용하는 앱의 토큰(GOODPUT_GATE_TOKEN)을 쓰십시오"
    )
}

fn later() -> Text {
    bilingual!(
        "try again later: `goodput-gate baseline promote` does this step alone, from the stored record",
        "나중에 다시 하십시오: `goodput-gate baseline promote`로 저장된 레코드에서 이 단계만 할 수 있습니다"
    )
}

impl std::fmt::Display for PushError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.text().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_stay_and_nothing_else_that_means_something_in_a_url() {
        assert_eq!(path("release/1.x"), "release/1.x");
        assert_eq!(path("baselines/chat #1?/a b.json"), "baselines/chat%20%231%3F/a%20b.json");
    }

    #[test]
    fn a_pause_is_never_longer_than_its_bound_and_not_always_the_same() {
        assert!((1..TRIES).all(|tried| pause(tried) <= BACKOFF * 2_u32.pow(tried - 1)));
        let drawn: std::collections::BTreeSet<Duration> = (0..16).map(|_| pause(7)).collect();
        assert!(drawn.len() > 1, "{drawn:?}");
    }

    #[test]
    fn an_error_says_what_to_do() {
        let refused = |status, message: &str| ApiError::Refused { status, message: message.into() };
        let said = |e: PushError| e.to_string();
        assert!(
            said(PushError::Api(refused(403, "no"))).contains("`permissions: contents: write`")
        );
        assert!(
            said(PushError::Pull(refused(403, "no")))
                .contains("`permissions: pull-requests: write`")
        );
        let setting =
            refused(403, "GitHub Actions is not permitted to create or approve pull requests.");
        assert!(said(PushError::Pull(setting)).contains("Allow GitHub Actions to create"));
        assert!(said(PushError::Protected("no".into())).contains("--pull-request"));
        assert!(
            said(PushError::Api(ApiError::Limited { status: 403, wait_s: Some(9) }))
                .contains("later")
        );
        assert!(!said(PushError::Api(refused(422, "no"))).contains("hint"));
    }
}
