//! Acceptances as they count for one judgement, and which sessions are of the same side of an
//! accepted change as those they are averaged with.
//!
//! An acceptance never takes the baseline away: until the accepted change has sessions enough of
//! its own, those before it count, and the acceptance with them; from then on those before it are
//! left out, and the acceptance is used up.

use std::cmp::Reverse;

use super::{Placed, Reason};
use crate::accept::{AcceptedKind, KnownAcceptance};
use crate::fingerprint::Fingerprint;
use crate::judge::sessions::FEWEST_SESSIONS;

/// The acceptances that count here, and the day that decides which of them have expired.
#[derive(Clone, Debug, Default)]
pub struct Accepted {
    pub known: Vec<KnownAcceptance>,
    /// `2026-12-31`, UTC.
    pub on: String,
}

/// Where the sessions that count lie.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Since {
    /// All of them are at least so many steps back; none where nothing was left out for being
    /// nearer.
    pub newest: Option<u32>,
    pub notice: Option<Reason>,
}

impl Accepted {
    /// Of one workload on one kind of machine and plan.
    pub fn of_kind(
        &self,
        workload: &str,
        fingerprint: &Fingerprint,
        under_test: &[String],
    ) -> Vec<&KnownAcceptance> {
        let key = fingerprint.key(under_test);
        self.known
            .iter()
            .filter(|k| k.acceptance.workload == workload && k.acceptance.fingerprint == key)
            .collect()
    }

    /// Steps back of the accepted changes of one kind that are in the lineage, nearest first.
    pub(super) fn landings(
        &self,
        workload: &str,
        fingerprint: &Fingerprint,
        under_test: &[String],
    ) -> Vec<u32> {
        let mine = self.of_kind(workload, fingerprint, under_test).into_iter();
        let mut landings: Vec<u32> = mine
            .filter(|k| k.acceptance.of == AcceptedKind::Regression)
            .filter_map(|k| k.landed)
            .collect();
        landings.sort_unstable();
        landings.dedup();
        landings
    }
}

/// Keeps the sessions on one side of the accepted changes (`landings`) among them: those since the
/// last one, where they are enough to judge (docs/ARITHMETIC.md#accepted), else the nearest side
/// that has enough, else the largest.
pub(super) fn cut<'a>(
    landings: &[u32],
    sessions: &mut Vec<&'a Placed>,
    leave: impl FnMut(&'a Placed),
) -> Since {
    // Without a distance nobody knows which side a session is on.
    if landings.is_empty() || sessions.iter().any(|(distance, _)| distance.is_none()) {
        return Since::default();
    }
    // A change that came in `n` steps back is in the sessions of that commit and of all nearer
    // ones.
    let side = |distance: Option<u32>| {
        landings.iter().filter(|landed| distance.is_some_and(|d| d > **landed)).count()
    };
    let count = |wanted: usize| sessions.iter().filter(|(d, _)| side(*d) == wanted).count();
    let enough = |wanted: &usize| count(*wanted).min(FEWEST_SESSIONS);
    let Some(best) = (0..=landings.len()).max_by_key(|s| (enough(s), Reverse(*s))) else {
        return Since::default();
    };
    let (all, newer) = (sessions.len(), count(0));
    let (stay, go): (Vec<&Placed>, _) =
        std::mem::take(sessions).into_iter().partition(|(distance, _)| side(*distance) == best);
    *sessions = stay;
    go.into_iter().for_each(leave);
    let newest =
        best.checked_sub(1).and_then(|before| landings.get(before)).map(|landed| landed + 1);
    let left = (all - sessions.len()) as u64;
    let notice = (all > sessions.len()).then_some(match best {
        0 => Reason::SessionsBeforeAcceptedLeftOut { sessions: left },
        _ => {
            Reason::AcceptedChangeIsYoung { sessions: newer as u64, needed: FEWEST_SESSIONS as u64 }
        }
    });
    Since { newest, notice }
}

#[cfg(test)]
mod tests;
