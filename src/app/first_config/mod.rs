//! A first config and its workflow as files: where they go, whether they hold. Not here: what is
//! asked before (`command::init`).
#![expect(
    clippy::disallowed_methods,
    reason = "rim: reads the older configs and the environment, writes files"
)]

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::artefacts::{uncreatable, unreadable, write_atomic};
use super::workspace::place::NAMES;
use crate::config::{self, Flags, Source};
use crate::import::older;
use crate::lang::{Explained as _, Lang, Text, bilingual};
use crate::print;
use crate::read;
use crate::visible::one_line;

pub mod workflow;

/// Where the config goes. Errors: one is there already.
pub fn place(dir: &Path, force: bool) -> anyhow::Result<PathBuf> {
    if !dir.is_dir() {
        bail!(bilingual!(
            "{dir} is no folder\nhint: create it, or name another with --dir",
            "{dir}: 폴더가 아님\n힌트: 폴더를 만들거나 --dir로 다른 폴더를 지정하십시오",
            dir = dir.display()
        ));
    }
    let there = NAMES.iter().map(|name| dir.join(name)).find(|path| path.exists());
    match there {
        Some(path) if !force => bail!(bilingual!(
            "{path} is there already, and nothing was written\nhint: --force replaces it; `goodput-gate doctor` says what works with it",
            "{path} 파일이 이미 있어 아무것도 쓰지 않음\n힌트: --force로 덮어씁니다. 이 설정의 상태는 `goodput-gate doctor`로 확인합니다",
            path = path.display()
        )),
        Some(path) => Ok(path),
        None => Ok(dir.join("goodput-gate.yaml")),
    }
}

/// Writes a file, and the folder that it is in.
pub fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).explained(|| uncreatable(folder))?;
    }
    write_atomic(path, text.as_bytes())
}

/// What the older tools' configs in this folder become; what of it needs a person is said.
pub fn older_configs(folder: &Path) -> anyhow::Result<older::Carried> {
    let read = |name: &str| {
        let path = folder.join(name);
        if !path.exists() {
            return Ok(None);
        }
        read::text(&path, read::WRITTEN).map(Some).explained(|| unreadable(&path))
    };
    let (targets, models, workloads) =
        (read("targets.yaml")?, read("models.yaml")?, read("workloads.yaml")?);
    if targets.is_none() {
        bail!(bilingual!(
            "no targets.yaml in {folder}\nhint: --from names the folder of the older tool's configs, usually configs/",
            "{folder}에 targets.yaml 없음\n힌트: --from에는 이전 도구의 설정 폴더(보통 configs/)를 지정합니다",
            folder = folder.display()
        ));
    }
    let files = older::Files {
        targets: targets.as_deref(),
        models: models.as_deref(),
        workloads: workloads.as_deref(),
    };
    let carried = older::carry(files).map_err(anyhow::Error::msg)?;
    for note in &carried.notes {
        print::note(&one_line(note).into());
    }
    Ok(carried)
}

/// Loads what is about to be written. A variable in a URL need not be set here.
pub fn check(text: &str) -> anyhow::Result<()> {
    let in_address =
        |name: &str| text.contains(&format!("${{{name}}}")).then(|| "127.0.0.1".to_owned());
    let env = |name: &str| std::env::var(name).ok().or_else(|| in_address(name));
    let source = Source { name: "the new config", text };
    match config::load(Some(source), &[], &Flags::default(), &env) {
        Ok(_) => Ok(()),
        Err(e) => bail!(Text {
            en: format!("what was found makes no valid config, and nothing was written\n{e}"),
            ko: format!(
                "찾은 내용으로 올바른 설정을 만들 수 없어 아무것도 쓰지 않음\n{}",
                e.in_language(Lang::Ko)
            ),
        }),
    }
}
