//! Baselines: one immutable, byte-stable JSON file per session, found by commit. `store` is the files, `lineage` is git.
//!
//! Not here: judging, or measuring.

pub mod lineage;
pub mod store;
