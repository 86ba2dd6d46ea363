//! Which sessions count and why not the others, in words.

use std::fmt;

use super::{Begin, Reason, Selection, Why};
use crate::record::session::Session;

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Copy => "a copy of another session",
            Self::ThisRun => "this very run",
            Self::Incomparable { .. } => "of something else",
            Self::OtherSide => "on another side of an accepted change",
            Self::OtherLevel => "of a level before the newest",
            Self::Slower => "slower than the sessions before it, and nobody gave a reason",
            Self::TooOld => "only the last 20 count",
        })
    }
}

impl Selection<'_> {
    /// Where the sessions that count begin, and which slower ones were left out; none where nothing
    /// was left out for its level.
    pub fn levels(&self) -> Vec<Reason> {
        let older = self.count(Why::OtherLevel) as u64;
        let first = self.used.first().filter(|_| older > 0 && self.begin != Begin::First);
        let begin = first.map(|first| Reason::SessionsBegin {
            at: first.1.place(),
            begin: self.begin.clone(),
            left_out: older,
        });
        let slower = self.slower.iter().map(|(placed, moved)| Reason::SlowerSessionLeftOut {
            session: placed.1.session.clone(),
            at: placed.1.place(),
            moved: moved.clone(),
        });
        begin.into_iter().chain(slower).collect()
    }

    /// The segment that counts.
    pub fn segment(&self) -> Reason {
        let first = self.used.first().map(|(_, first)| (first.place(), self.begin.clone()));
        first.map_or(Reason::NoSessionCounts, |(since, begin)| Reason::SessionsCount {
            sessions: self.used.len() as u64,
            since,
            begin,
        })
    }

    /// Whether a session counts, and why not.
    pub fn why_not(&self, session: &Session) -> Option<Why> {
        self.left_out.iter().find(|((_, s), _)| std::ptr::eq(s, session)).map(|(_, why)| *why)
    }
}
