//! Deletes a run, with all that it has written. Not here: asking whether it is meant
//! (`command::runs`).

use super::found::Run;
use super::store::{Alive, Place, Store};
use crate::lang::bilingual;

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    Now,
    /// Somebody else was faster.
    Before,
}

/// Errors: it still runs, or its folder cannot be removed.
pub fn remove(store: &Store, run: &Run) -> anyhow::Result<Removed> {
    let place = Place { id: run.id.clone(), stamp: String::new(), folder: run.folder.clone() };
    if place.alive() == Alive::Yes {
        anyhow::bail!(bilingual!(
            "the run {id} goes on\nhint: stop it first (Ctrl-C in its terminal); what it has measured is kept",
            "실행 {id}이(가) 진행 중\n힌트: 먼저 멈추십시오(그 터미널에서 Ctrl-C). 측정한 것은 보관됩니다",
            id = run.id.short()
        ));
    }
    Ok(if store.remove(&place)? { Removed::Now } else { Removed::Before })
}
