//! Runs that are kept: a folder for each below a data directory, with what the run has written and a
//! `run.json` that says whose it is. The files are the truth about a run.
//!
//! `file` is the shape of `run.json`, `store` says where folders lie, `keep` fills one while a verb
//! measures, `older` from the database of an older tool, `take_up` from an output folder, `found` reads them, `select` chooses, `remove` deletes, `table` shows,
//! `index` finds them at once, `levels` where a series of them moved, `request` is what a service
//! may be asked, `course` how far a run is, `queue` runs it. A module uses only those before
//! it. Not here: what is in a record (`record`), or what a person sees (`command::runs`).

pub mod file;
pub mod store;
pub mod keep;
pub mod older;
pub mod take_up;
pub mod found;
pub mod select;
pub mod remove;
pub mod table;
pub mod index;
pub mod levels;
pub mod request;
pub mod course;
pub mod queue;
