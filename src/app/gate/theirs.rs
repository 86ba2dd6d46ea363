//! What other commits' configs say of a gate: the policy of the base, and what the baseline's side
//! of an interleaved run is started as. A change must choose neither.
//!
//! Not here: what the change's own config says (`load`), finding the base (`baseline::base`).
#![expect(
    clippy::disallowed_methods,
    reason = "rim: the environment, which configs name variables of"
)]

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::counterpart::baseline_commit;
use super::load::{Given, named};
use crate::app::workspace::Workspace;
use crate::app::workspace::place::{NAMES, inside, worded};
use crate::baseline::base::{Base, Wanted};
use crate::baseline::lineage::{GitError, Repo};
use crate::config::{self, Config, Counterpart, Endpoint, Flags, GateMode, Source, Target};
use crate::lang::{Text, bilingual};
use crate::report::notice::{Notice, OwnPolicy, TargetGap};

/// The base's config file.
pub struct BasePolicy {
    pub base: String,
    /// Of the base.
    pub tip: String,
    /// Relative to the root.
    pub path: PathBuf,
    pub text: String,
    /// The change has its config elsewhere.
    pub moved: bool,
}

/// Which config of a commit is meant.
#[derive(Clone, Copy)]
pub enum ConfigChoice<'a> {
    /// `--config`.
    Typed(&'a Path),
    /// What a run in the working folder of that commit would have found: what the checkout has is
    /// the change's.
    Here,
}

/// Whose policy counts.
pub enum Whose {
    Base(BasePolicy),
    /// This checkout's, and why, where a reader should know.
    Own(Option<Notice>),
}

/// `file`: the change's config. Errors (exit 2): the base cannot be read, so that nobody knows
/// whether this change loosens its policy.
pub fn policy(
    here: &Workspace,
    asked: ConfigChoice<'_>,
    file: &Path,
    wanted: &Wanted,
) -> anyhow::Result<Whose> {
    let own = |why| Ok(Whose::Own(Some(Notice::OwnPolicy { why })));
    if wanted.no_base() {
        return own(OwnPolicy::NoChange);
    }
    here.cwd()?;
    let repo = here.repo_with(Path::new("baselines")).map_err(|why| unreadable(&why.text()))?;
    let base = repo.base(wanted).map_err(|why| unreadable(&why.text()))?;
    if base.on_base {
        return Ok(Whose::Own(None));
    }
    let root = repo.root().ok_or_else(|| {
        unreadable(&bilingual!(
            "the repository is bare, and has no files of a change",
            "베어(bare) 저장소라 변경된 파일이 없음"
        ))
    })?;
    let Some(paths) = places(here, root, asked) else {
        return match asked {
            ConfigChoice::Typed(_) => own(OwnPolicy::ConfigOutside),
            ConfigChoice::Here => Err(unreadable(&bilingual!(
                "the working folder lies outside the repository's files",
                "작업 폴더가 저장소 밖에 있음"
            ))),
        };
    };
    let name = base.known_as();
    match config_at(&repo, &base.tip, &paths).map_err(|why| unreadable(&why.text()))? {
        Some((path, text)) => {
            let moved = worded(root, file).as_ref() != Some(&path);
            Ok(Whose::Base(BasePolicy { base: name, tip: base.tip, path, text, moved }))
        }
        None => own(OwnPolicy::NoConfig(name)),
    }
}

/// The config that a commit has where a run in this folder would have found one, and what it is
/// called. None where it has none, or where the config that was typed lies outside of the
/// repository.
pub fn config_at_base(
    here: &Workspace,
    repo: &Repo,
    base: &Base,
    asked: ConfigChoice<'_>,
) -> anyhow::Result<Option<(String, String)>> {
    let Some(paths) = repo.root().and_then(|root| places(here, root, asked)) else {
        return Ok(None);
    };
    let found = config_at(repo, &base.tip, &paths).map_err(|why| unreadable(&why.text()))?;
    Ok(found.map(|(path, text)| (format!("{}:{}", base.known_as(), path.display()), text)))
}

fn unreadable(why: &Text) -> anyhow::Error {
    let what = bilingual!(
        "the policy of the base cannot be read, and a change is not judged by its own: ",
        "base의 정책을 읽을 수 없음 (변경을 변경 자신의 정책으로 판정하지 않음): "
    );
    anyhow::anyhow!(what.then(why).then(&bilingual!(
        "\nhint: where this run judges no change, `--base none` says so: this checkout's own policy counts then, and every report says that",
        "\n힌트: 판정할 변경이 없는 실행이면 `--base none`을 쓰십시오. 그러면 체크아웃된 정책을 쓰며, 모든 리포트에 그렇게 표시됩니다"
    )))
}

/// Where the config of a commit may be, relative to the root. Where a typed one was may have
/// changed: then that which a run in the same folder of that commit would have found. None outside
/// the repository.
fn places(here: &Workspace, root: &Path, asked: ConfigChoice<'_>) -> Option<Vec<PathBuf>> {
    let (typed, folder) = match asked {
        ConfigChoice::Typed(file) => {
            let path = inside(root, file)?;
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            (Some(path), folder)
        }
        ConfigChoice::Here => {
            let cwd = here.cwd().ok()?.canonicalize().ok()?;
            (None, cwd.strip_prefix(root.canonicalize().ok()?).ok()?.to_owned())
        }
    };
    let found = folder.ancestors().flat_map(|dir| NAMES.iter().map(move |n| dir.join(n)));
    Some(typed.into_iter().chain(found).collect())
}

fn config_at(
    repo: &Repo,
    commit: &str,
    paths: &[PathBuf],
) -> Result<Option<(PathBuf, String)>, GitError> {
    for path in paths {
        if let Some(text) = repo.file_at(commit, path)? {
            return Ok(Some((path.clone(), text)));
        }
    }
    Ok(None)
}

fn short(commit: &str) -> String {
    commit.chars().take(12).collect()
}

/// What the baseline's side is started as, where that is not for the checkout to say, and what a
/// reader should know of it.
#[derive(Default)]
pub struct Beside {
    pub target: Option<Target>,
    pub notice: Option<Notice>,
}

impl Beside {
    fn noticed(notice: Notice) -> Self {
        Self { target: None, notice: Some(notice) }
    }
}

/// Of an interleaved gate. `asked` is the config here; `policy` is where the base's counts; `base`
/// is the branch that was named. Errors: what should say it cannot be read.
pub fn beside(
    here: &Workspace,
    config: &Config,
    asked: Option<ConfigChoice<'_>>,
    policy: Option<&BasePolicy>,
    given: &Given,
    base: Option<&str>,
) -> anyhow::Result<Beside> {
    match (&config.gate.baseline, asked, policy) {
        _ if config.gate.mode != GateMode::Interleaved => Ok(Beside::default()),
        (Counterpart::MergeBase | Counterpart::Ref(_), Some(asked), _) => {
            commits_own(here, config, asked, given, base)
        }
        (Counterpart::Config(named), _, Some(policy)) => bases_own(here, config, named, policy),
        _ => Ok(Beside::default()),
    }
}

/// Each commit is built and started as it says itself. Where there is none to compare with,
/// `Pair::open` says so.
fn commits_own(
    here: &Workspace,
    config: &Config,
    asked: ConfigChoice<'_>,
    given: &Given,
    base: Option<&str>,
) -> anyhow::Result<Beside> {
    let Ok(repo) = here.repo(config) else { return Ok(Beside::default()) };
    let Ok((commit, _)) = baseline_commit(here, &repo, config, base) else {
        return Ok(Beside::default());
    };
    Ok(match commit_target(here, &repo, &commit, asked, given)? {
        Ok(target) => {
            let differ = target.differences(&config.target);
            let notice = (!differ.is_empty()).then(|| Notice::SidesDiffer {
                keys: differ.iter().map(ToString::to_string).collect(),
            });
            Beside { target: Some(target), notice }
        }
        Err(why) => Beside::noticed(Notice::SidesAsThisCheckout { why }),
    })
}

/// What a commit's own config starts. The inner error: why it says nothing that can be started.
pub fn commit_target(
    here: &Workspace,
    repo: &Repo,
    commit: &str,
    asked: ConfigChoice<'_>,
    given: &Given,
) -> Result<Result<Target, TargetGap>, GitError> {
    let short = short(commit);
    let found = match repo.root().and_then(|root| places(here, root, asked)) {
        Some(paths) => config_at(repo, commit, &paths)?,
        None => None,
    };
    Ok(match found {
        Some((path, text)) => started_target(&format!("{short}:{}", path.display()), &text, given),
        None => Err(TargetGap::NoConfig(short)),
    })
}

fn started_target(name: &str, text: &str, given: &Given) -> Result<Target, TargetGap> {
    let env = |name: &str| std::env::var(name).ok();
    let target = config::load_target(Source { name, text }, &given.set, &given.flags, &env)
        .map_err(|e| TargetGap::Unusable { config: name.to_owned(), why: e.to_string() })?;
    if matches!(target.endpoint, Endpoint::Started(_)) {
        return Ok(target);
    }
    Err(TargetGap::StartsNone { config: name.to_owned() })
}

/// The file that `gate.baseline.config` names, as the base has it. Errors: the base has none that
/// can be used, so that this change would choose what it is compared with.
fn bases_own(
    here: &Workspace,
    config: &Config,
    file: &Path,
    policy: &BasePolicy,
) -> anyhow::Result<Beside> {
    let shown = file.display();
    let repo = here.repo(config)?;
    let Some(path) = repo.root().and_then(|root| inside(root, file)) else {
        return Ok(Beside::noticed(Notice::BaselineConfigOutside { file: shown.to_string() }));
    };
    let Some(text) = repo.file_at(&policy.tip, &path)? else {
        bail!(bilingual!(
            "{base} has no {path} (gate.baseline.config), and a change does not choose what it is compared with\n\
             hint: put it on the base branch first, or name another base with --base REF",
            "{base}에 {path} 파일(gate.baseline.config)이 없음 (비교 대상을 변경 자신이 고를 수 없음)\n\
             힌트: 먼저 base 브랜치에 넣거나, --base REF로 다른 base를 지정하십시오",
            base = policy.base,
            path = path.display()
        ));
    };
    let name = format!("{}:{}", policy.base, path.display());
    let env = |name: &str| std::env::var(name).ok();
    let theirs =
        config::load(Some(Source { name: &name, text: &text }), &[], &Flags::default(), &env)
            .map_err(|why| {
                anyhow::anyhow!(bilingual!(
                    "{name} (gate.baseline.config) cannot be used: {why}",
                    "{name}(gate.baseline.config)을 쓸 수 없음: {why}"
                ))
            })?;
    let altered = named(here, file).map_or(true, |own| own.target != theirs.target);
    let notice =
        Notice::BaselineConfigAltered { file: shown.to_string(), base: policy.base.clone() };
    Ok(Beside { target: Some(theirs.target), notice: altered.then_some(notice) })
}
