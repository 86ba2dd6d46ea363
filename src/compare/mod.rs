//! Which earlier sessions count for a workload, and why the others do not. Pure, and the only place
//! that decides it: what is judged, drawn, shown and reckoned as noise is the same.
//!
//! Not here: finding the files and their place in the lineage (`app::sessions`), judging (`judge`).

use std::collections::BTreeSet;

use crate::fingerprint::Fingerprint;
use crate::judge;
use crate::judge::shift::Moved;
use crate::measure::summary::to_oriented;
use crate::record::session::Session;

mod accepted;
pub mod reason;
mod segment;
#[cfg(test)]
mod tests;
mod words;

pub use accepted::{Accepted, Since};
pub use reason::{Reason, changes};
pub use segment::{Begin, Segment, newest as newest_segment};

/// METHOD keeps the last 20 sessions.
pub const KEPT_SESSIONS: usize = 20;
/// Older ones have no say in where the newest segment begins.
const MOST_LOOKED_AT: usize = 60;

/// A session, and how many first-parent steps back its code lies, where git knows that.
pub type Placed = (Option<u32>, Session);

/// Sessions that may count, oldest first, and what people have accepted between them.
#[derive(Clone, Copy, Debug)]
pub struct History<'a> {
    pub sessions: &'a [Placed],
    pub accepted: &'a Accepted,
}

/// What a history is wanted for.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    pub workload: &'a str,
    pub fingerprint: &'a Fingerprint,
    /// Fingerprint fields that may differ.
    pub under_test: &'a [String],
    /// The session under test: a run is no evidence about itself where there is other evidence.
    pub run: Option<&'a str>,
}

/// The sessions that count, oldest first, and all others of the workload.
#[derive(Clone, Debug, Default)]
pub struct Selection<'a> {
    pub used: Vec<&'a Placed>,
    pub left_out: Vec<(&'a Placed, Why)>,
    /// Where the accepted changes put the sessions that count.
    pub since: Since,
    /// Why the segment of the sessions that count begins where it does.
    pub begin: Begin,
    /// Slower than the segment that they would have joined, by this, and nobody answers for it.
    pub slower: Vec<(&'a Placed, Vec<Moved>)>,
}

/// Why a session does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Of a session that counts, or is left out for another reason.
    Copy,
    /// The run under test itself.
    ThisRun,
    /// Of something else. `nearest`: no session that is comparable is newer.
    Incomparable { nearest: bool },
    /// On another side of an accepted change.
    OtherSide,
    /// Of a level before the newest.
    OtherLevel,
    /// Slower than the segment that it would have joined, and nobody answers for it.
    Slower,
    /// Only the last 20 count.
    TooOld,
}

impl<'a> History<'a> {
    /// As a run of the newest session's kind would have them. None without a session of the
    /// workload.
    pub fn select_newest(&self, workload: &str, under_test: &[String]) -> Option<Selection<'a>> {
        let (_, newest) = self.sessions.iter().rev().find(|(_, s)| s.workload == workload)?;
        Some(self.select(&Sought {
            workload,
            fingerprint: &newest.fingerprint,
            under_test,
            run: None,
        }))
    }

    /// As a run of this session's kind would have them.
    pub fn select_like(&self, session: &Session, under_test: &[String]) -> Selection<'a> {
        self.select(&Sought {
            workload: &session.workload,
            fingerprint: &session.fingerprint,
            under_test,
            run: None,
        })
    }

    pub fn select(&self, sought: &Sought<'_>) -> Selection<'a> {
        let mut left_out = Vec::new();
        let mut seen = BTreeSet::new();
        let mut used: Vec<&Placed> =
            self.sessions.iter().filter(|(_, s)| s.workload == sought.workload).collect();
        leave(&mut used, &mut left_out, Why::Copy, |(_, s)| seen.insert(s.session.clone()));
        if used.len() > 1 {
            leave(&mut used, &mut left_out, Why::ThisRun, |(_, s)| {
                Some(s.session.as_str()) != sought.run
            });
        }
        let alike = |(_, s): &Placed| {
            Fingerprint::conflicts(&s.fingerprint, sought.fingerprint, sought.under_test).is_empty()
        };
        let newest = used.iter().rposition(|placed| alike(placed));
        let places: Vec<&Placed> = used.clone();
        for (at, placed) in places.into_iter().enumerate().filter(|(_, placed)| !alike(placed)) {
            left_out.push((
                placed,
                Why::Incomparable { nearest: newest.is_none_or(|newest| at > newest) },
            ));
        }
        used.retain(|placed| alike(placed));
        let landings =
            self.accepted.landings(sought.workload, sought.fingerprint, sought.under_test);
        let since =
            accepted::cut(&landings, &mut used, |placed| left_out.push((placed, Why::OtherSide)));
        let excess = used.len().saturating_sub(MOST_LOOKED_AT);
        left_out.extend(used.drain(..excess).map(|placed| (placed, Why::TooOld)));
        let (begin, slower) = newest_level(&mut used, &mut left_out);
        let excess = used.len().saturating_sub(KEPT_SESSIONS);
        left_out.extend(used.drain(..excess).map(|placed| (placed, Why::TooOld)));
        Selection { used, left_out, since, begin, slower }
    }
}

impl Selection<'_> {
    pub fn sessions(&self) -> impl DoubleEndedIterator<Item = &Session> {
        self.used.iter().map(|(_, s)| s)
    }

    /// How many were left out for this reason.
    pub fn count(&self, why: Why) -> usize {
        self.left_out.iter().filter(|(_, w)| *w == why).count()
    }
}

/// Keeps the newest segment.
fn newest_level<'a>(
    used: &mut Vec<&'a Placed>,
    left_out: &mut Vec<(&'a Placed, Why)>,
) -> (Begin, Vec<(&'a Placed, Vec<Moved>)>) {
    let all = std::mem::take(used);
    let values: Vec<judge::Session> = all.iter().map(|(_, s)| s.to_method()).collect();
    let Segment { used: counting, begin, refused } = segment::newest(
        &values,
        |at| all[at].1.level_shift.as_deref(),
        |at, metric| to_oriented(metric, *all[at].1.pooled.get(&metric.key())?),
    );
    let slower: Vec<_> = refused.into_iter().map(|(at, moved)| (at, all[at], moved)).collect();
    for (at, placed) in all.into_iter().enumerate() {
        match counting.contains(&at) {
            true => used.push(placed),
            false if slower.iter().any(|(refused, ..)| *refused == at) => {
                left_out.push((placed, Why::Slower));
            }
            false => left_out.push((placed, Why::OtherLevel)),
        }
    }
    (begin, slower.into_iter().map(|(_, placed, moved)| (placed, moved)).collect())
}

/// Moves out what does not `stay`.
fn leave<'a>(
    used: &mut Vec<&'a Placed>,
    left_out: &mut Vec<(&'a Placed, Why)>,
    why: Why,
    mut stays: impl FnMut(&Placed) -> bool,
) {
    let (stay, go) = std::mem::take(used).into_iter().partition(|placed| stays(placed));
    *used = stay;
    let go: Vec<&Placed> = go;
    left_out.extend(go.into_iter().map(|placed| (placed, why)));
}
