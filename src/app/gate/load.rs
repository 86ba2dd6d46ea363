//! From what was typed to a validated config: finds the file, reads it, layers flags over it.
//! Nothing is sent before this succeeds.
//!
//! Not here: whose policy counts (`theirs`), what a config means (`config`).
#![expect(
    clippy::disallowed_methods,
    reason = "rim: the environment, which configs name variables of"
)]

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::app::workspace::Workspace;
use crate::app::workspace::place::{NAMES, Refused, find, searched};
use crate::config::{self, Config, ConfigError, Flags, Source};
use crate::lang::{Explained as _, Lang, Text, bilingual};
use crate::print::note;
use crate::read;

/// What somebody typed of a config.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// `--set`, in order.
    pub set: Vec<String>,
    pub flags: Flags,
}

impl Given {
    /// The config of this file, with nothing over it; of this folder where it is none.
    pub fn file(file: Option<PathBuf>) -> Self {
        Self { file, ..Self::default() }
    }
}

/// The config that is meant.
pub fn config(here: &Workspace, given: &Given) -> anyhow::Result<Config> {
    let cwd = here.cwd()?;
    let path = path(here, given)?;
    if let Some(passed) = find(cwd).ok().flatten().filter(|_| path.is_none()) {
        let name = shown(&passed, cwd);
        note(&bilingual!(
            "{name} is not read: beside --base-url the flags alone say what is sent; `--config {name}` reads it, too",
            "{name} 파일은 읽지 않음: --base-url이 있으면 보낼 내용은 플래그로만 정함. 함께 읽으려면 `--config {name}`"
        ));
    }
    let text = path.as_ref().map(|p| read_config(p)).transpose()?;
    let name = path.as_ref().map(|p| shown(p, cwd));
    let source = name.as_deref().zip(text.as_deref()).map(|(name, text)| Source { name, text });
    let env = |name: &str| std::env::var(name).ok();
    config::load(source, &given.set, &given.flags, &env).map_err(|e| match e {
        ConfigError::NoTarget => no_target(cwd),
        invalid @ ConfigError::Invalid(_) => anyhow::Error::new(invalid),
    })
}

/// The language that it asks for, where it can be read. Not of a pipe, which gives its text once.
pub fn lang(here: &Workspace, given: &Given) -> Option<Lang> {
    let path = path(here, given).ok().flatten().filter(|path| path.is_file());
    let text = path.and_then(|path| read_config(&path).ok());
    config::lang(text.as_deref(), &given.set)
}

/// With a base URL the command line says all; a file is used only when it is named. Errors: the one
/// that is there is not to be believed.
pub fn path(here: &Workspace, given: &Given) -> anyhow::Result<Option<PathBuf>> {
    let cwd = here.cwd()?;
    match (&given.file, &given.flags.base_url) {
        (Some(path), _) => Ok(Some(path.clone())),
        (None, Some(_)) => Ok(None),
        (None, None) => find(cwd).map_err(|refused| unasked(&refused, cwd)),
    }
}

fn unasked(refused: &Refused, cwd: &Path) -> anyhow::Error {
    let name = shown(Path::new(&refused.file), cwd);
    let (file, why) = (&refused.file, &refused.why);
    anyhow::anyhow!(bilingual!(
        "{file} is not read unasked: {why}\nhint: look at it, then name it with `--config {name}`; or make it and its folder yours alone (chown, chmod o-w), or \
         tell git that this repository is safe (`git config --global --add safe.directory DIR`)",
        "{file}: 지정하지 않으면 읽지 않음: {why}\n힌트: 내용을 확인하고 `--config {name}`로 지정하십시오. 또는 파일과 폴더의 소유자와 권한을 자신만 쓸 수 있게 바꾸거나(chown, chmod o-w), \
         이 저장소가 안전하다고 git에 알리십시오 (`git config --global --add safe.directory DIR`)"
    ))
}

/// The config of a file that another config names, with nothing over it.
pub fn named(here: &Workspace, file: &Path) -> anyhow::Result<Config> {
    config(here, &Given::file(Some(file.to_owned())))
        .with_context(|| format!("gate.baseline.config: {}", file.display()))
}

pub fn read_config(path: &Path) -> anyhow::Result<String> {
    read::text(path, read::WRITTEN).explained(|| {
        let path = path.display();
        bilingual!("cannot read the config {path}", "설정 파일 {path} 읽기 실패")
    })
}

pub fn shown(path: &Path, cwd: &Path) -> String {
    path.strip_prefix(cwd).unwrap_or(path).display().to_string()
}

fn no_target(cwd: &Path) -> anyhow::Error {
    let names = NAMES.join(" or ");
    let places = searched(cwd);
    anyhow::anyhow!(Text {
        en: format!(
            "nothing to measure: no config found; looked for {names} in {}\nhint: name one with --config FILE, or a server with --base-url URL; \
             `goodput-gate init` looks for servers and writes a config; `goodput-gate check --demo` shows a gate without either",
            places.en
        ),
        ko: format!(
            "측정할 대상 없음: {}에 설정 파일({})이 없음\n힌트: 설정은 --config FILE로, 서버는 --base-url URL로 지정합니다. \
             `goodput-gate init`은 서버를 찾아 설정을 만들고, `goodput-gate check --demo`는 둘 다 없이 게이트를 보여 줍니다",
            places.ko,
            NAMES.join(" 또는 ")
        ),
    })
}
