//! What the product can do, as functions that return values: the only place, beside the verbs, that
//! joins core and rim.
//!
//! No module here knows a command line, prints to standard output or ends the process; lines on
//! standard error go through `print::say`. A module uses only those above it.

// What all use.
pub mod stop;
pub mod options;
pub mod error_text;
pub mod sentence;
pub mod artefacts;
pub mod format;
// Where it runs, by which config, against what.
pub mod workspace;
pub mod runs;
pub mod gate;
pub mod sessions;
// One run.
pub mod sides;
pub mod job;
pub mod measure;
pub mod dry_run;
// What is made of it, and who is told.
pub mod publish;
pub mod merge;
pub mod attempts;
pub mod stored;
pub mod check;
pub mod bisect;
pub mod comment;
pub mod ranking;
pub mod recommend;
pub mod comparison;
pub mod hypotheses;
// Stored sessions.
pub mod capture;
pub mod baselines;
pub mod acceptances;
pub mod calibrate;
pub mod import;
// Around a server and a machine.
pub mod around;
pub mod planned;
pub mod first_config;
pub mod by_hand;
pub mod servers;
pub mod targets;
pub mod gpus;
pub mod doctor;
pub mod cluster;
