//! Who is measured: one target, or the two of an interleaved run, each with the folder that its
//! commands run in and its place in git.
//!
//! Not here: starting or measuring them (`target`, `measure`).

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use super::gate;
use super::gate::counterpart::{baseline_commit, described};
use super::workspace::{Workspace, commit_facts};
use crate::baseline::lineage::{GitError, Repo};
use crate::baseline::worktree::Worktree;
use crate::config::{Config, Counterpart, Endpoint, GateMode, Target};
use crate::exit::Failure;
use crate::lang::{Because, bilingual};
use crate::plan::digest::hex;
use crate::print::note;
use crate::record::GitFacts;

/// What one record is about.
pub struct Side {
    /// What messages and log files call it: `server` where it is alone, else `baseline` or
    /// `candidate`.
    pub name: &'static str,
    pub target: Target,
    /// Commands run here: the repository's root, or the baseline's worktree.
    pub root: PathBuf,
    pub git: Option<GitFacts>,
    /// How long a question to its server may take.
    pub patience: Duration,
    /// Removed with the side.
    worktree: Option<Worktree>,
}

/// The two sides of an interleaved run, baseline first.
pub struct Pair {
    pub sides: [Side; 2],
    /// What the baseline is, for people: `3f2a91c0b1d2 (merge base with origin/main)`.
    pub baseline: String,
}

impl Side {
    /// The only side of a run.
    pub fn only(here: &Workspace, config: &Config, git: Option<GitFacts>) -> Self {
        Self::with_target(here, config.target.clone(), config, git)
    }

    /// One of several that are measured in turn.
    pub fn with_target(
        here: &Workspace,
        target: Target,
        config: &Config,
        git: Option<GitFacts>,
    ) -> Self {
        Self {
            name: "server",
            target,
            root: root(here, config),
            git,
            patience: patience(config),
            worktree: None,
        }
    }

    /// A commit's own checkout, started as `target` says. Errors: exit 3, it cannot be checked out.
    pub fn at_commit(
        repo: &Repo,
        config: &Config,
        commit: &str,
        target: Target,
        name: &'static str,
    ) -> anyhow::Result<Self> {
        let what = |why| match why {
            why @ GitError::Unread { .. } => anyhow::Error::new(Because::new(
                bilingual!(
                    "the {name}'s commit cannot be checked out",
                    "{name} 커밋을 체크아웃할 수 없음"
                ),
                why,
            )),
            why => Failure::measure(
                bilingual!("cannot check out the {name}'s commit: ", "{name} 커밋 체크아웃 실패: ")
                    .then(&why.text()),
            )
            .into(),
        };
        let worktree = repo.worktree(commit).map_err(what)?;
        Ok(Self {
            name,
            target,
            root: worktree.path().to_owned(),
            git: Some(commit_facts(repo, commit)?),
            patience: patience(config),
            worktree: Some(worktree),
        })
    }

    /// Every start is a new server process.
    pub fn restarts(&self) -> bool {
        !matches!(self.target.endpoint, Endpoint::Http(_))
    }
}

/// What a target is, without secrets, which headers and the values of variables may be.
pub fn started_as(target: &Target) -> String {
    let endpoint = match &target.endpoint {
        Endpoint::Http(url) => url.clone(),
        Endpoint::Sim(knobs) => knobs.settings().join(" "),
        Endpoint::Started(server) => format!(
            "{} {:?} {} {} {:?}",
            server.base_url,
            server.build,
            server.start,
            server.cwd.display(),
            server.env.keys()
        ),
    };
    format!("{endpoint} {} {:?}", target.protocol.name(), target.model)
}

/// Every target that a check of this config sends load to. `beside` is what the baseline's side is
/// started as, where another commit says it.
pub fn targets(
    here: &Workspace,
    config: &Config,
    beside: Option<&Target>,
) -> anyhow::Result<Vec<Target>> {
    let mut all = vec![config.target.clone()];
    if config.gate.mode == GateMode::Interleaved {
        all.extend(beside.cloned());
        match &config.gate.baseline {
            Counterpart::Target(name) => all.extend(config.targets.get(name).cloned()),
            Counterpart::Config(file) if beside.is_none() => {
                all.push(gate::named(here, file)?.target);
            }
            Counterpart::MergeBase | Counterpart::Ref(_) | Counterpart::Config(_) => {}
            Counterpart::Url(url) => {
                all.push(Target { endpoint: Endpoint::Http(url.clone()), ..config.target.clone() });
            }
        }
    }
    Ok(all)
}

impl Pair {
    /// Digests of what each side's server is started as, baseline first.
    pub fn target_digests(&self) -> [String; 2] {
        self.sides.each_ref().map(|side| hex(&Sha256::digest(started_as(&side.target))[..8]))
    }

    /// `base` names the branch for the merge base; `beside` is what the baseline's side is started
    /// as, where another commit says it. Errors: exit 2, nothing has been sent; a worktree is made
    /// and checked out.
    pub fn open(
        here: &Workspace,
        config: &Config,
        git: Option<&GitFacts>,
        base: Option<&str>,
        beside: Option<Target>,
    ) -> anyhow::Result<Self> {
        let root = root(here, config);
        let git = git.cloned();
        let candidate = Side {
            name: "candidate",
            target: config.target.clone(),
            root: root.clone(),
            git: git.clone(),
            patience: patience(config),
            worktree: None,
        };
        let this_tree = |target: Target, root: PathBuf| Side {
            name: "baseline",
            target,
            root,
            git: git.clone(),
            patience: patience(config),
            worktree: None,
        };
        let side = match &config.gate.baseline {
            Counterpart::MergeBase | Counterpart::Ref(_) => commit(here, config, base, beside)?,
            Counterpart::Target(name) => this_tree(
                config.targets.get(name).cloned().with_context(|| format!("no target `{name}`"))?,
                root,
            ),
            Counterpart::Config(file) => this_tree(
                beside.map_or_else(|| gate::named(here, file).map(|other| other.target), Ok)?,
                root,
            ),
            Counterpart::Url(url) => {
                let metrics = config.target.metrics.elsewhere();
                this_tree(
                    Target {
                        endpoint: Endpoint::Http(url.clone()),
                        metrics,
                        ..config.target.clone()
                    },
                    root,
                )
            }
        };
        let pair = Self { sides: [side, candidate], baseline: described(here, config, base)? };
        pair.differ()?;
        Ok(pair)
    }

    /// Errors: both sides are the same server, of which a PASS would say nothing.
    fn differ(&self) -> anyhow::Result<()> {
        let [baseline, candidate] = &self.sides;
        let same =
            baseline.worktree.is_none() && baseline.target.endpoint == candidate.target.endpoint;
        match (&candidate.target.endpoint, same) {
            (Endpoint::Http(url), true) => {
                anyhow::bail!(bilingual!(
                    "both sides are {url}: there is nothing to compare\nhint: --baseline-url names the server to compare with",
                    "양쪽이 모두 {url}: 비교할 대상 없음\n힌트: 비교할 서버를 --baseline-url로 지정하십시오"
                ))
            }
            (_, true) => {
                note(&bilingual!(
                    "both sides are the same server, started by the same commands: nothing is changed that could be found",
                    "양쪽이 같은 명령으로 시작하는 같은 서버: 찾아낼 변경이 없음"
                ));
            }
            _ => {}
        }
        Ok(())
    }

    /// Every start of both sides is a new server process: else start-to-start variance is not in
    /// the data.
    pub fn restarts(&self) -> bool {
        self.sides.iter().all(Side::restarts)
    }
}

/// As long as the most patient request may take.
fn patience(config: &Config) -> Duration {
    config.workloads.iter().map(|w| w.timeout).max().unwrap_or(Duration::MAX)
}

/// Another commit's build, started as that commit says; where it says nothing, as the candidate's.
fn commit(
    here: &Workspace,
    config: &Config,
    base: Option<&str>,
    beside: Option<Target>,
) -> anyhow::Result<Side> {
    let repo = here.repo(config)?;
    let (commit, _) = baseline_commit(here, &repo, config, base)?;
    let ci = here.wanted(base).ci;
    // A file that git does not know is no change of the code; in CI the commit is under test,
    // whatever a build has written over.
    if repo.is_head(&commit)? && (ci || !repo.changed()?) {
        anyhow::bail!(bilingual!(
            "the baseline is the commit under test itself, and no file that git knows is changed: there is nothing to compare\nhint: name another commit in gate.baseline.ref, or another base with --base REF",
            "기준선이 시험 대상 커밋 자신이고 git이 아는 파일 중 바뀐 것도 없음: 비교할 대상 없음\n힌트: gate.baseline.ref에 다른 커밋을 쓰거나, --base REF로 다른 base를 지정하십시오"
        ));
    }
    let target = beside.unwrap_or_else(|| config.target.clone());
    Side::at_commit(&repo, config, &commit, target, "baseline")
}

/// The repository's root; without a repository the working folder.
fn root(here: &Workspace, config: &Config) -> PathBuf {
    let repo = here.repo(config).ok().and_then(|r| r.root().map(Path::to_owned));
    repo.or_else(|| here.cwd().ok().map(Path::to_owned)).unwrap_or_default()
}
