//! Baselines: one immutable, byte-stable JSON file per session, found by commit. `store` is the files, `lineage` is git,
//! `worktree` a commit checked out.
//!
//! Not here: judging, or measuring.

pub mod lineage;
pub mod store;
pub mod worktree;
