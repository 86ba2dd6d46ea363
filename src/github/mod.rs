//! GitHub: what the run is about (`event`), lines for its log and files (`actions`), and its REST
//! API through octocrab.
//!
//! Nothing here decides anything: every failure is an [`ApiError`] that says what is missing, and
//! the verdict stands. Not here: the texts (`report::comment`), or reading the environment
//! (`app::workspace`).

pub mod actions;
pub mod check;
pub mod client;
pub mod comment;
pub mod event;
pub mod ledger;
pub mod proposal;
pub mod pulls;
pub mod push;
pub mod status;

pub use client::{ApiError, Client};
