//! Why a verdict is what it is: the reasons of every room below, and those of the policy. `Display`
//! is the English.
//!
//! Not here: other languages (`report::say`), which reasons a verdict has (`verdict`).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::accept::{Excusable, Excused};
use crate::compare::reason::RunReason;
use crate::fingerprint::Difference;
use crate::judge::limits::LimitFinding;
use crate::judge::reason::Terms;
use crate::judge::text::joined;
use crate::record::note::Note;
use crate::{compare, judge};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Reason {
    OpenLimitFails,
    Incomparable {
        differences: Vec<Difference>,
    },
    Accepted {
        found: Excusable,
        terms: Terms,
    },
    /// An earlier attempt failed, and its records are not found, so that nothing lifts that.
    AttemptLost {
        created: String,
    },
    /// Of the baseline's side of an interleaved run.
    OfBaseline {
        why: Note,
    },
    #[serde(untagged)]
    Judge(judge::Reason),
    #[serde(untagged)]
    Compare(compare::Reason),
    #[serde(untagged)]
    Measurement(Note),
    /// As it is: of an older record, another tool or a server.
    #[serde(untagged)]
    Text(String),
}

impl From<judge::Reason> for Reason {
    fn from(reason: judge::Reason) -> Self {
        Self::Judge(reason)
    }
}

impl From<&LimitFinding> for Reason {
    fn from(finding: &LimitFinding) -> Self {
        Self::Judge(judge::Reason::Limit(finding.reason.clone()))
    }
}

impl From<compare::Reason> for Reason {
    fn from(reason: compare::Reason) -> Self {
        Self::Compare(reason)
    }
}

impl From<RunReason> for Reason {
    fn from(reason: RunReason) -> Self {
        Self::Compare(compare::Reason::Run(reason))
    }
}

impl From<Note> for Reason {
    fn from(note: Note) -> Self {
        Self::Measurement(note)
    }
}

impl From<&Excused> for Reason {
    fn from(excused: &Excused) -> Self {
        Self::Accepted { found: excused.found.clone(), terms: excused.terms.clone() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenLimitFails => f.write_str("a limit is not proven, and on_limit_open is fail"),
            Self::Incomparable { differences } => {
                write!(f, "baselines exist, but of something else: {}", joined(differences))
            }
            Self::Accepted { found, terms } => write!(f, "{found}, {terms}"),
            Self::AttemptLost { created } => write!(
                f,
                "an earlier attempt failed ({created}), and its records are not found: without them no other attempt lifts the FAIL; other \
                 code begins anew"
            ),
            Self::OfBaseline { why } => write!(f, "baseline: {why}"),
            Self::Judge(reason) => write!(f, "{reason}"),
            Self::Measurement(note) => write!(f, "{note}"),
            Self::Compare(reason) => write!(f, "{reason}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}
