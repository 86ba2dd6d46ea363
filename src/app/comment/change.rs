//! Which pull request a measured commit belongs to, and what it is judged against: that pull
//! request's own base and merge base, whatever this job has checked out.
//!
//! Not here: reading records (`records`), judging and posting (`comment`).

use super::Comment;
use crate::app::{gate, publish};
use crate::baseline::base::{Change, Wanted};
use crate::baseline::lineage::{GitError, Repo};
use crate::config::Config;
use crate::github::event::{Ci, Pull, Slug};
use crate::github::{ApiError, Client, pulls};
use crate::lang::{Text, bilingual};
use crate::report::notice::Notice;
use crate::report::text;

/// Events that name the base of the commit that they are about, in a checkout of that commit.
const OF_A_CHANGE: [&str; 4] = ["pull_request", "pull_request_review", "merge_group", "push"];

/// How GitHub is asked.
pub struct GitHubAccess<'a> {
    pub ci: &'a Ci,
    pub repository: Option<&'a Slug>,
    pub token: Option<&'a str>,
    /// The commit under test.
    pub head: &'a str,
}

/// What GitHub says of the commit under test.
struct Told {
    pulls: Result<Vec<Pull>, Text>,
    /// Of the first of them.
    merge_base: Option<String>,
}

/// What a commit is judged against, and who is told.
pub struct Judged {
    pub config: Config,
    pub wanted: Wanted,
    /// What a reader should know before the verdict.
    pub notices: Vec<Notice>,
    /// Open pull requests with this head and this base; why there is none.
    pub pulls: Result<Vec<u64>, Text>,
    /// What was found and is not told.
    pub troubles: Vec<Text>,
}

/// `own` is this checkout's config. Errors: the base of the pull request cannot be read.
pub fn judged(what: &Comment<'_>, asked: &GitHubAccess<'_>, own: Config) -> anyhow::Result<Judged> {
    let repo = what.here.repo(&own);
    let here = repo.as_ref().is_ok_and(|repo| repo.has_commit(asked.head).unwrap_or(false));
    let told = told(what.pull, asked, here);
    let wanted = what.here.wanted(None);
    let (pull, pulls, troubles) = one_base(told.pulls);
    let mut judged = Judged { config: own, wanted, notices: Vec::new(), pulls, troubles };
    let of_this_run = asked.ci.head_sha.as_deref() == Some(asked.head)
        && OF_A_CHANGE.contains(&asked.ci.event.as_str());
    if of_this_run {
        return Ok(judged);
    }
    let Some(pull) = pull else {
        let why = judged.pulls.as_ref().err().map(ToString::to_string).unwrap_or_default();
        judged.notices.push(Notice::BaseUnknown { why });
        return Ok(judged);
    };
    let branch = pull.base.branch.iter().flat_map(|b| [format!("origin/{b}"), b.clone()]);
    let event: Vec<String> = pull.base.sha.iter().cloned().chain(branch).collect();
    let change = Change { head: asked.head.to_owned(), merge_base: told.merge_base };
    let wanted = Wanted { event, event_only: true, change: Some(change), ..judged.wanted.clone() };
    match repo {
        Err(GitError::None) => judged.notices.push(Notice::NoRepository { pull: pull.number }),
        Err(why) => return Err(why.into()),
        Ok(repo) => under(&repo, what, wanted, pull.number, &mut judged)?,
    }
    Ok(judged)
}

fn under(
    repo: &Repo,
    what: &Comment<'_>,
    wanted: Wanted,
    number: u64,
    judged: &mut Judged,
) -> anyhow::Result<()> {
    let base = repo.base(&wanted)?;
    let name = text::plain(&base.known_as());
    match gate::base_config(what.here, repo, &base, what.given)? {
        Some(config) => {
            judged.notices.push(Notice::JudgedAgainst { pull: number, base: name });
            judged.config = config;
        }
        None => judged.notices.push(Notice::BaseWithoutConfig { pull: number, base: name }),
    }
    judged.wanted = wanted;
    Ok(())
}

/// The first pull request, and those that go to the same base: one verdict cannot be that of two.
fn one_base(found: Result<Vec<Pull>, Text>) -> (Option<Pull>, Result<Vec<u64>, Text>, Vec<Text>) {
    let all = match found {
        Ok(all) => all,
        Err(why) => return (None, Err(why), Vec::new()),
    };
    let first = all.first().cloned();
    let same =
        |pull: &Pull| first.as_ref().is_some_and(|first| first.base.branch == pull.base.branch);
    let (told, others): (Vec<&Pull>, Vec<&Pull>) = all.iter().partition(|pull| same(pull));
    let left = |pull: &&Pull| {
        bilingual!(
            "pull request {number} has another base, and is not told: `--pr {number}` judges it",
            "풀 리퀘스트 {number}: base가 달라 알리지 않음. `--pr {number}`로 판정하십시오",
            number = pull.number
        )
    };
    let troubles = others.iter().map(left).collect();
    (first.clone(), Ok(told.iter().map(|pull| pull.number).collect()), troubles)
}

/// `here`: the commit is in this repository, so that nobody has to be asked for the merge base.
fn told(named: Option<u64>, asked: &GitHubAccess<'_>, here: bool) -> Told {
    let of_event: Vec<Pull> = asked
        .ci
        .run_pulls
        .iter()
        .filter(|_| asked.ci.head_sha.as_deref() == Some(asked.head))
        .cloned()
        .collect();
    let (Some(repository), Some(token)) = (asked.repository, asked.token) else {
        let known = if of_event.is_empty() {
            Err(bilingual!(
                "GitHub was not asked, without a repository and a token",
                "저장소와 토큰이 없어 GitHub에 묻지 않음"
            ))
        } else {
            Ok(of_event)
        };
        return Told { pulls: known, merge_base: None };
    };
    let answer = publish::with_client(asked.ci, repository, token, async |client| {
        let pulls = match find(client, named, asked.ci, asked.head).await {
            Err(_) if named.is_none() && !of_event.is_empty() => Ok(of_event),
            found => found,
        };
        let base = pulls.as_ref().ok().and_then(|all| {
            all.first()?.base.sha.clone().or_else(|| all.first()?.base.branch.clone())
        });
        let merge_base = match base.filter(|_| !here) {
            Some(base) => pulls::merge_base(client, &base, asked.head).await.ok().flatten(),
            None => None,
        };
        Told { pulls, merge_base }
    });
    answer.unwrap_or_else(|why| Told { pulls: Err(why), merge_base: None })
}

async fn find(client: &Client, named: Option<u64>, ci: &Ci, head: &str) -> Result<Vec<Pull>, Text> {
    let failed = |e: ApiError| {
        bilingual!("the pull request was not found: ", "풀 리퀘스트를 찾지 못함: ")
            .then(&e.explain("pull-requests: write"))
    };
    if let Some(number) = named.or(ci.pull.filter(|_| ci.head_sha.as_deref() == Some(head))) {
        return match pulls::with_head(client, number, head).await {
            Ok(Some(pull)) => Ok(vec![pull]),
            Ok(None) => Err(bilingual!(
                "no comment: {head} is not the head of pull request {number} (any more)",
                "코멘트 없음: {head}는 풀 리퀘스트 {number}의 head가 아님 (더 이상)"
            )),
            Err(e) => Err(failed(e)),
        };
    }
    // What the event says of a commit holds for that commit only.
    let mine = ci.head_sha.as_deref() == Some(head);
    let from = pulls::Head {
        repository: ci.head_repository.clone().filter(|_| mine),
        branch: ci.head_branch.clone().filter(|_| mine),
    };
    let found = pulls::by_sha(client, head, &from).await.map_err(failed)?;
    if found.is_empty() {
        Err(bilingual!(
            "no comment: no open pull request has {head} at its head",
            "코멘트 없음: head가 {head}인 열린 풀 리퀘스트가 없음"
        ))
    } else {
        Ok(found)
    }
}
