//! What is known of a workload's measurement, with where it was seen: why it is unfit, and what
//! else a reader should know.
//!
//! `Display` is the English. Not here: what is found (`measure::seen`), other languages
//! (`report::say`).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::measure::seen::Seen;
use crate::measure::seen::gpu::Unwatched;
use crate::plan::dataset::LeftOut;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Note {
    NoRound,
    /// Answers of two models, told apart in a start and round (from 1).
    ModelChanged {
        start: u32,
        round: u32,
        before: String,
        after: String,
    },
    EntriesLeftOut(LeftOut),
    /// A finding in the words of an older record, another tool or a server.
    FoundInWords {
        #[serde(flatten)]
        place: Place,
        message: String,
    },
    #[serde(untagged)]
    Found(Found),
    /// Why there is no GPU data.
    #[serde(untagged)]
    Unwatched(Unwatched),
}

/// A finding, and how many rounds have it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    #[serde(flatten)]
    pub place: Place,
    #[serde(flatten)]
    pub seen: Seen,
}

/// The first start and round (from 1) of `rounds` out of `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub start: u32,
    pub round: u32,
    pub rounds: u32,
    #[serde(rename = "of_rounds")]
    pub of: u32,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRound => f.write_str("no round was finished: nothing was measured"),
            Self::ModelChanged { start, round, before, after } => write!(
                f,
                "start {start}, round {round}: answers are of model {after:?}, and before they were of {before:?}: what was measured is neither"
            ),
            Self::EntriesLeftOut(left_out) => write!(f, "{left_out}"),
            Self::Unwatched(why) => write!(f, "{why}"),
            Self::Found(Found { place, seen }) => write!(f, "{place}: {seen}"),
            Self::FoundInWords { place, message } => write!(f, "{place}: {message}"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { start, round, rounds, of } = self;
        match *rounds {
            1 => write!(f, "start {start}, round {round}"),
            all if all == *of => write!(f, "in all {of} rounds"),
            _ => write!(f, "in {rounds} of {of} rounds, first in start {start}, round {round}"),
        }
    }
}
