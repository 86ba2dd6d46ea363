//! Baselines: one immutable, byte-stable JSON file per session, found by commit. `store` is the
//! files, `lineage` is git, `base` what a change is judged against, `tree` what a commit holds,
//! `reviewed` the files beside the sessions, `releases` tags of versions, `worktree` a commit checked out, `ceiling` how far
//! upwards anything is looked for.
//!
//! Not here: judging, or measuring.

pub mod base;
mod changes;
pub mod ceiling;
mod error;
pub mod lineage;
pub mod range;
mod releases;
pub mod reviewed;
mod status;
pub mod store;
pub mod tree;
pub mod worktree;
