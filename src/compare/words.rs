//! Which sessions count and why not the others, in words.

use std::fmt;

use super::segment::changes;
use super::{Begin, Placed, Selection, Why};
use crate::judge::text::count;
use crate::record::session::Session;

/// Characters of a hash that people read.
const SHORT: usize = 12;

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Copy => "a copy of another session",
            Self::ThisRun => "this very run",
            Self::Incomparable { .. } => "of something else",
            Self::OtherSide => "on another side of an accepted change",
            Self::OtherLevel => "of a level before the newest",
            Self::Slower => "slower than the sessions that it would have joined, and nobody answers for it",
            Self::TooOld => "only the last 20 count",
        })
    }
}

impl Selection<'_> {
    /// `the sessions that count begin at 0123456789ab (2026-11-20), faster than the sessions before it (...): 6 sessions before it left out`;
    /// none where nothing was left out for its level.
    pub fn levels(&self) -> Vec<String> {
        let older = self.count(Why::OtherLevel) as u64;
        let begin = self.used.first().filter(|_| older > 0 && self.begin != Begin::First).map(|first| {
            let left = count(older, "session", "sessions");
            format!("the sessions that count begin at {}, {}: {left} of another level left out", place(first), self.begin)
        });
        let slower = self.slower.iter().map(|(placed, moved)| {
            format!(
                "session {} of {} left out, since it is slower than the sessions that it would have joined ({}) and nobody answers \
                 for it; if it is meant: `goodput-gate baseline update --level-shift REASON`",
                placed.1.session,
                place(placed),
                changes(moved)
            )
        });
        begin.into_iter().chain(slower).collect()
    }

    /// `8 sessions since 0123456789ab (2026-11-20), its first session`: the segment that counts.
    pub fn segment(&self) -> String {
        let Some(first) = self.used.first() else { return "no session counts".into() };
        format!("{} since {}: {}", count(self.used.len() as u64, "session counts", "sessions count"), place(first), self.begin)
    }

    /// Whether a session counts, and why not.
    pub fn why_not(&self, session: &Session) -> Option<Why> {
        self.left_out.iter().find(|((_, s), _)| std::ptr::eq(s, session)).map(|(_, why)| *why)
    }
}

fn place((_, session): &Placed) -> String {
    let commit: String = session.commit.chars().take(SHORT).collect();
    let day = session.measured.as_deref().unwrap_or(&session.commit_date);
    format!("{commit} ({})", day.split('T').next().unwrap_or_default())
}
