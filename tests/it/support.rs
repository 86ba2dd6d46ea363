//! A clean environment for every test: no CI variables, no network beyond loopback, a folder of its
//! own.
//!
//! `Gate` runs the command, `Server` is the scripted server that it is pointed at, `Answer` what
//! that server says.

pub mod accepted;
mod agreed;
mod answer;
pub mod bed;
pub mod browser;
pub mod candidate;
mod gate;
pub mod github;
pub mod gpus;
mod http;
pub mod lineage;
mod program;
mod server;
pub mod service;
pub mod servers;
pub mod supervisor;

pub use agreed::agreed;
pub use answer::{Act, Answer, chunk, delta};
pub use gate::Gate;
pub use program::{
    PATIENCE, Ran, check_together, fixture, git, is_korean, program, read, root, wait_for,
};
pub use server::{Part, Seen, Server, Setup};
