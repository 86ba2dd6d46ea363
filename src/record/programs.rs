//! What ran as the server of a side, and what two sides have in common of it. Paths and digests
//! only: arguments may hold secrets.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Absolute, links followed; relative to the side's own checkout where it lies in it. Of an
    /// interpreter the script, else itself.
    pub path: String,
    /// Absent where it is no plain file, or larger than 256 MiB. Of a container the id of its
    /// image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// What the programs of the two sides of an interleaved run are to each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
pub enum Builds {
    Different,
    /// Each at its own side's path, with equal content.
    Identical,
    /// One and the same file outside both checkouts, called in the same way.
    Same {
        path: String,
    },
    /// One and the same file outside both checkouts, called in two ways or with each side's own
    /// files.
    OtherArguments {
        path: String,
    },
    /// An interpreter that looks for the code itself.
    Unknown {
        path: String,
    },
}

impl fmt::Display for Builds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Different => f.write_str("the builds of both sides differ"),
            Self::Identical => f.write_str(
                "both builds are identical: no change of the program is there to be found",
            ),
            Self::Same { path } => write!(
                f,
                "both sides ran the same program, {path}, in the same way: nothing was compared; server.build and server.start \
                 have to stay in their own checkout (or set gate.same_build: allow)"
            ),
            Self::OtherArguments { path } => {
                write!(
                    f,
                    "both sides ran the same program, {path}: only what their arguments and files change was compared"
                )
            }
            Self::Unknown { path } => {
                write!(
                    f,
                    "both sides ran {path} in the same way: whether they loaded the same code cannot be told"
                )
            }
        }
    }
}
