//! What a check is judged by: the config, and of it what is the base's to say and not the change's.
//!
//! Not here: which commit the base is (`baseline::base`), what a config means (`config`).
#![expect(
    clippy::disallowed_methods,
    reason = "rim: the environment, which configs name variables of"
)]

use std::path::Path;

use anyhow::bail;

use super::workspace::Workspace;
use crate::baseline::base::Base;
use crate::baseline::lineage::Repo;
use crate::config::{self, Config, Flags, Source, Target, Under};
use crate::lang::{Lang, Text, bilingual};
use crate::report::notice::Notice;

pub mod counterpart;
mod data;
mod load;
mod theirs;

use load::read_config;
pub use load::{Given, config, lang, named, path, shown};
use theirs::{BasePolicy, Beside, ConfigChoice, Whose};

/// What a check is to do.
pub struct Gate {
    pub config: Config,
    /// What the baseline's side of an interleaved run is started as, where that is not the config's
    /// to say.
    pub beside: Option<Target>,
    /// What a reader should know before the verdict.
    pub notices: Vec<Notice>,
}

/// The config of a check, whose own flags speak of the gate.
///
/// In CI, and where `--base` names a branch, the policy is the base's: a change must not loosen the
/// gate that judges it, nor choose what it is compared with.
///
/// `base`: the branch that was named.
pub fn gate(here: &Workspace, given: &Given, base: Option<&str>) -> anyhow::Result<Gate> {
    let own = config(here, given)?;
    let path = path(here, given)?;
    let wanted = here.wanted(base);
    let asked = path
        .as_ref()
        .map(|_| given.file.as_deref().map_or(ConfigChoice::Here, ConfigChoice::Typed));
    let trusted = asked.zip(path.as_deref()).filter(|_| wanted.base_counts());
    let whose =
        trusted.map(|(asked, file)| theirs::policy(here, asked, file, &wanted)).transpose()?;
    let (policy, mut notices) = match whose {
        None => (None, Vec::new()),
        Some(Whose::Base(policy)) => (Some(policy), Vec::new()),
        Some(Whose::Own(why)) => (None, why.into_iter().collect()),
    };
    let config = match path.as_ref().zip(policy.as_ref()) {
        Some((path, policy)) => {
            let mut config = under(here, path, policy, given, &mut notices)?;
            notices.extend(data::take_from_base(here, &mut config, policy)?);
            config
        }
        None => own,
    };
    let Beside { target: beside, notice } =
        theirs::beside(here, &config, asked, policy.as_ref(), given, base)?;
    notices.extend(notice);
    Ok(Gate { config, beside, notices })
}

/// The gate of `check --demo`: of no repository and no change, so that no base has a say.
pub fn demo(given: &Given) -> anyhow::Result<Gate> {
    let config = config::load(Some(config::DEMO), &given.set, &given.flags, &|name| {
        std::env::var(name).ok()
    })?;
    let notices = vec![Notice::Demo];
    Ok(Gate { config, beside: None, notices })
}

/// The change's config under the base's policy. Errors: either of them, or both together, cannot be
/// used.
fn under(
    here: &Workspace,
    path: &Path,
    policy: &BasePolicy,
    given: &Given,
    notices: &mut Vec<Notice>,
) -> anyhow::Result<Config> {
    let (name, text, shown) = (
        format!("{}:{}", policy.base, policy.path.display()),
        read_config(path)?,
        shown(path, here.cwd()?),
    );
    let env = |name: &str| std::env::var(name).ok();
    let (head, base) =
        (Source { name: &shown, text: &text }, Source { name: &name, text: &policy.text });
    if policy.moved {
        notices.push(Notice::ConfigMoved { file: shown.clone(), counts: name.clone() });
    }
    match config::load_under(head, base, &given.set, &given.flags, &env) {
        Ok(Under { config, changed }) => {
            if !changed.is_empty() {
                let keys = changed.iter().map(ToString::to_string).collect();
                let (file, base) = (shown.clone(), policy.base.clone());
                notices.push(Notice::PolicyAltered { keys, file, base });
            }
            Ok(config)
        }
        Err(Ok(broken)) => bail!(Text {
            en: format!(
                "the policy of the base cannot be used, and a change is not judged by its own: {broken}\nhint: mend it on the base \
                 branch (a person who may merges over this), or name a commit whose config is sound with --base REF"
            ),
            ko: format!(
                "base의 정책을 쓸 수 없음 (변경을 변경 자신의 정책으로 판정하지 않음): {}\n힌트: base 브랜치에서 고치거나(권한이 있는 사람은 이 실패를 넘겨 병합할 수 있음), \
                 설정이 올바른 커밋을 --base REF로 지정하십시오",
                broken.in_language(Lang::Ko)
            ),
        }),
        Err(Err(wrong)) => Err(anyhow::Error::new(wrong)),
    }
}

/// What the server of a commit is started as: by that commit's own config, or, where it says nothing
/// that can be started, by this one's. Errors: the commit's files cannot be read.
pub fn target_of(
    here: &Workspace,
    repo: &Repo,
    config: &Config,
    given: &Given,
    commit: &str,
) -> anyhow::Result<Target> {
    let asked = given.file.as_deref().map_or(ConfigChoice::Here, ConfigChoice::Typed);
    let own = theirs::commit_target(here, repo, commit, asked, given)?;
    Ok(own.unwrap_or_else(|_| config.target.clone()))
}

/// As [`config`], of a base that is not checked out, with what it is called. None where it has
/// none. Errors: it cannot be read or used.
pub fn base_config(
    here: &Workspace,
    repo: &Repo,
    base: &Base,
    given: &Given,
) -> anyhow::Result<Option<Config>> {
    let asked = given.file.as_deref().map_or(ConfigChoice::Here, ConfigChoice::Typed);
    let Some((name, text)) = theirs::config_at_base(here, repo, base, asked)? else {
        return Ok(None);
    };
    let env = |name: &str| std::env::var(name).ok();
    let found = config::load(
        Some(Source { name: &name, text: &text }),
        &given.set,
        &Flags::default(),
        &env,
    );
    found.map(Some).map_err(|why| {
        anyhow::anyhow!(bilingual!(
            "the config of the pull request's base cannot be used: {why}",
            "pull request base의 설정을 쓸 수 없음: {why}"
        ))
    })
}
