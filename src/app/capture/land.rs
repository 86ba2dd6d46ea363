//! `--push BRANCH` and `--pull-request` of `baseline update` and `promote`: new session files onto
//! GitHub, after they are in the working tree.
//!
//! Asked for before anything is measured, so that a branch that is not there costs no hour of a
//! GPU. Not here: the API (`github`), the texts (`report::sessions`).

use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::app::publish;
use crate::app::workspace::Workspace;
use crate::app::workspace::runner::{outside, token};
use crate::baseline::store;
use crate::exit::Failure;
use crate::github::actions::{self, Level};
use crate::github::event::{Ci, Slug};
use crate::github::proposal::{self, Proposal, Proposed};
use crate::github::push::{self, Commit, File, PushError, Pushed};
use crate::github::{ApiError, Client};
use crate::lang::{Explained as _, Text, bilingual};
use crate::print::{self, note};
use crate::record::session::Session;
use crate::report::sessions as text;
use crate::report::text::count;

/// Of one base: a later update goes on in the pull request that is open.
const BRANCHES: &str = "goodput-gate/baseline-";

/// A session file of the working tree.
#[derive(Clone, Debug)]
pub struct Added {
    pub path: PathBuf,
    pub session: Session,
}

/// Where new sessions go besides the working tree.
#[derive(Clone, Debug)]
pub enum Land {
    /// Onto this branch of GitHub's.
    Push(String),
    /// Into a pull request for this branch; for the run's own where it is none.
    PullRequest(Option<String>),
}

/// Where new sessions go, once it is known to be there.
pub struct Landing {
    ci: Ci,
    repository: Slug,
    token: String,
    /// A branch of GitHub's.
    branch: String,
    how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Push,
    PullRequest,
}

impl Landing {
    /// Errors: this is not GitHub, no such branch, a token that is refused.
    pub fn open(here: &Workspace, land: &Land, baselines: &Path) -> anyhow::Result<Self> {
        let (how, named) = match land.clone() {
            Land::Push(branch) => (How::Push, Some(branch)),
            Land::PullRequest(base) => (How::PullRequest, base),
        };
        let ci = here.workflow_run().cloned().unwrap_or_else(outside);
        let (Some(repository), Some(token)) = (ci.repository.clone(), token()) else {
            bail!(elsewhere(&ci, how, named.as_deref(), baselines));
        };
        // The branch of a `workflow_run` is that of what was measured, maybe a fork's.
        let own = ci.head_branch.clone().filter(|_| ci.event != "workflow_run");
        let named =
            named.or_else(|| ci.base.branch.clone()).or(own).or_else(|| ci.default_branch.clone());
        let asked = publish::with_client(&ci, &repository, &token, async |client| {
            there(client, named).await
        });
        let branch = asked?.map_err(|e| {
            bilingual!("nothing was done, since ", "아무것도 하지 않음: ").then(&e.text())
        })?;
        Ok(Self { ci, repository, token, branch, how })
    }

    /// What came of it, in words. Errors: exit 3, with what to do; the files stay where they are.
    pub fn land(&self, added: &[Added], root: &Path) -> anyhow::Result<Text> {
        let files: Vec<File> = added.iter().map(|a| file(a, root)).collect::<Result<_, _>>()?;
        let sessions: Vec<Session> = added.iter().map(|a| a.session.clone()).collect();
        let n = files.len();
        let what =
            Text { en: count(n as u64, "session", "sessions"), ko: format!("세션 {n}개") };
        let told = publish::with_client(&self.ci, &self.repository, &self.token, async |client| {
            self.sent(client, &files, &sessions, &what).await.map_err(|e| e.text())
        });
        let why = match told {
            Ok(Ok(line)) => return Ok(line),
            Ok(Err(why)) | Err(why) => why,
        };
        if !self.ci.event.is_empty() {
            print::tell_runner(&actions::command(
                Level::Error,
                "goodput-gate",
                &format!("{what} not on GitHub: {why}"),
            ));
        }
        let files: Vec<String> = added.iter().map(|a| a.path.display().to_string()).collect();
        let lost =
            bilingual!(" measured and not on GitHub: ", "를 측정했으나 GitHub에 올리지 못함: ");
        let kept = bilingual!(
            "\nnote: nothing is lost, the files are in the working tree ({files}); keep them and the record as an artifact, or commit them with git",
            "\n참고: 잃은 것은 없음. 파일은 작업 트리에 있으니({files}) 레코드와 함께 아티팩트로 보관하거나 git으로 커밋하십시오",
            files = files.join(", ")
        );
        bail!(Failure::measure(what.then(&lost).then(&why).then(&kept)))
    }

    async fn sent(
        &self,
        client: &Client,
        files: &[File],
        sessions: &[Session],
        what: &Text,
    ) -> Result<Text, PushError> {
        let message = text::commit_message(sessions, self.ci.run_url().as_deref());
        let base = &self.branch;
        if self.how == How::Push {
            return Ok(
                match push::push(client, &Commit { branch: base, message: &message, files }).await?
                {
                    Pushed::Committed(sha) => {
                        let url =
                            format!("{}/{}/commit/{sha}", self.ci.server_url, self.repository);
                        Text {
                            en: format!("pushed {} to {base}: {url}", what.en),
                            ko: format!("{base}에 {} 푸시: {url}", what.ko),
                        }
                    }
                    Pushed::There => there_already(what, base),
                },
            );
        }
        let (branch, title) = (format!("{BRANCHES}{base}"), text::title(base));
        let proposal = Proposal {
            base,
            commit: Commit { branch: &branch, message: &message, files },
            title: &title,
        };
        let proposed =
            proposal::propose(client, &proposal, |open| text::body(sessions, open)).await?;
        Ok(match proposed {
            Proposed::Opened(url) => Text {
                en: format!("opened a pull request with {}: {url}", what.en),
                ko: format!("{}로 풀 리퀘스트를 엶: {url}", what.ko),
            },
            Proposed::Updated(url) => Text {
                en: format!("added {} to the open pull request: {url}", what.en),
                ko: format!("열린 풀 리퀘스트에 {} 추가: {url}", what.ko),
            },
            Proposed::There => there_already(what, base),
        })
    }
}

fn there_already(what: &Text, base: &str) -> Text {
    Text {
        en: format!("{} on {base} already", what.en),
        ko: format!("{base}에 이미 {} 있음", what.ko),
    }
}

/// The branch, which must be there; without a name the repository's default branch. GitHub being in
/// trouble is no reason to measure nothing.
async fn there(client: &Client, named: Option<String>) -> Result<String, PushError> {
    let branch = if let Some(name) = named {
        name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned()
    } else {
        let default = client.get("").await?["default_branch"].as_str().map(str::to_owned);
        default.ok_or_else(|| ApiError::Odd("the repository has no default branch".into()))?
    };
    match push::tip(client, &branch).await {
        Ok(None) => Err(PushError::NoBranch(branch)),
        Err(e) if PushError::Api(e.clone()).is_final() => Err(e.into()),
        Ok(Some(_)) => Ok(branch),
        Err(e) => {
            let what = bilingual!(
                "whether {branch} is there could not be asked now: ",
                "{branch} 브랜치가 있는지 지금은 확인하지 못함: "
            );
            note(&what.then(&e.text()));
            Ok(branch)
        }
    }
}

fn file(added: &Added, root: &Path) -> anyhow::Result<File> {
    let below = added.path.strip_prefix(root).explained(|| {
        bilingual!(
            "{path} is not in the repository",
            "{path}: 저장소 밖에 있음",
            path = added.path.display()
        )
    })?;
    let parts: Vec<String> =
        below.components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect();
    let text = added.session.to_text();
    Ok(File { path: parts.join("/"), blob: store::blob(&text)?, text })
}

/// What somebody does who is not on GitHub.
fn elsewhere(ci: &Ci, how: How, branch: Option<&str>, baselines: &Path) -> Text {
    let lacks = match (&ci.repository, token()) {
        (None, None) => bilingual!(
            "GITHUB_REPOSITORY and GITHUB_TOKEN are not set",
            "GITHUB_REPOSITORY와 GITHUB_TOKEN이 설정되지 않음"
        ),
        (None, Some(_)) => bilingual!(
            "GITHUB_REPOSITORY is not set (OWNER/NAME)",
            "GITHUB_REPOSITORY가 설정되지 않음 (OWNER/NAME)"
        ),
        (Some(_), _) => bilingual!(
            "GITHUB_TOKEN is not in the environment (a step: `env: {{GITHUB_TOKEN: \"${{{{ github.token }}}}\"}}`)",
            "환경 변수 GITHUB_TOKEN 없음 (step: `env: {{GITHUB_TOKEN: \"${{{{ github.token }}}}\"}}`)"
        ),
    };
    let (flag, to) = match how {
        How::Push => ("--push", branch.unwrap_or("BRANCH").to_owned()),
        How::PullRequest => ("--pull-request", format!("{BRANCHES}{}", branch.unwrap_or("main"))),
    };
    let commands = format!(
        "git add {} && git commit -m \"Add a baseline session\" && git push origin HEAD:{to}",
        baselines.display()
    );
    bilingual!("{flag} commits through GitHub's API, and ", "{flag} 옵션은 GitHub API로 커밋함. ")
        .then(&lacks)
        .then(&bilingual!(
            "\nhint: elsewhere leave it out, and after the update: {commands}",
            "\n힌트: GitHub이 아니면 이 옵션을 빼고, update 뒤에: {commands}"
        ))
}
