//! The datasets and traces of workloads that the base says: their files are the base's too, as far
//! as it has them, since a change must not choose what it is measured with.
//!
//! Not here: whose workloads count (`theirs`), how a file becomes requests (`plan`).

use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use sha2::{Digest as _, Sha256};

use super::theirs::BasePolicy;
use crate::app::workspace::Workspace;
use crate::app::workspace::place::inside;
use crate::baseline::lineage::{GitError, Repo};
use crate::config::{Config, Workload};
use crate::lang::bilingual;
use crate::read;
use crate::report::notice::{Notice, Unheld};

/// First line of what git has in the place of a large file.
const LFS_POINTER: &str = "version https://git-lfs.github.com/spec/v1";

/// Gives each workload the text that the base has of its file. What a reader should know before the
/// verdict.
///
/// Errors (exit 2): what the base has cannot be read.
pub fn take_from_base(
    here: &Workspace,
    config: &mut Config,
    policy: &BasePolicy,
) -> anyhow::Result<Vec<Notice>> {
    if config.workloads.iter().all(|w| w.file().is_none()) {
        return Ok(Vec::new());
    }
    let repo = here.repo(config)?;
    let mut notices = Vec::new();
    for workload in &mut config.workloads {
        notices.extend(workload_file(workload, &repo, policy)?);
    }
    // Levels of a sweep name one file.
    notices.dedup();
    Ok(notices)
}

fn workload_file(
    workload: &mut Workload,
    repo: &Repo,
    policy: &BasePolicy,
) -> anyhow::Result<Option<Notice>> {
    let Some(file) = workload.file().map(Path::to_owned) else { return Ok(None) };
    let (shown, base) = (file.display().to_string(), &policy.base);
    let unheld = |why| Ok(Some(Notice::FileUnheld { file: shown.clone(), why }));
    let Some(path) = repo.root().and_then(|root| inside(root, &file)) else {
        return unheld(Unheld::Outside);
    };
    let theirs = match repo.file_at(&policy.tip, &path) {
        Ok(Some(theirs)) => theirs,
        Ok(None) => return unheld(Unheld::NotIn { base: base.clone(), why: None }),
        Err(why @ (GitError::InSubmodule(_) | GitError::LedOut(_))) => {
            return unheld(Unheld::NotIn { base: base.clone(), why: Some(why.to_string()) });
        }
        Err(why) => bail!(bilingual!(
            "what {base} sends cannot be read, and a change does not choose what it is measured with: {why}",
            "{base}가 보내는 요청을 읽을 수 없음 (변경 자신이 측정 조건을 고를 수 없음): {why}"
        )),
    };
    let own = read::bytes(&file, read::DATA).ok();
    if let Some(large) = theirs.strip_prefix(LFS_POINTER) {
        let same = own
            .is_some_and(|own| large.contains(&format!("oid sha256:{:x}", Sha256::digest(&own))));
        return if same { Ok(None) } else { unheld(Unheld::OtherInLfs { base: base.clone() }) };
    }
    let altered = own.as_deref() != Some(theirs.as_bytes());
    workload.text = Some(Arc::from(theirs));
    Ok(altered.then(|| Notice::FileAltered { file: shown.clone(), base: base.clone() }))
}
