//! What is accepted of a workload, and which sessions are of the same side of an accepted change as those they are averaged with. Pure.
//!
//! An acceptance never takes the baseline away: until the accepted change has sessions enough of its own, those before it count, and the
//! acceptance with them; from then on those before it are left out, and the acceptance is used up.

use std::cmp::Reverse;

use super::Part;
use crate::accept::{self, Known, Of};
use crate::judge::other_day::FEWEST_SESSIONS;
use crate::record::session::Session;
use crate::record::{GitFacts, Record, WorkloadRecord};
use crate::report::text;
use crate::verdict::Against;

/// The acceptances that count here, and the day that decides which of them have expired.
#[derive(Clone, Debug, Default)]
pub struct Accepted {
    pub known: Vec<Known>,
    /// `2026-12-31`, UTC.
    pub on: String,
}

/// Where the sessions that count lie.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Since {
    /// All of them are at least so many steps back; none where nothing was left out for being nearer.
    pub newest: Option<u32>,
    pub notice: Option<String>,
}

impl Accepted {
    /// Of this workload on this kind of machine and plan.
    fn of(&self, workload: &WorkloadRecord, under_test: &[String]) -> Vec<&Known> {
        let key = workload.fingerprint.key(under_test);
        self.known.iter().filter(|k| k.acceptance.workload == workload.name && k.acceptance.fingerprint == key).collect()
    }

    /// Keeps the sessions on one side of the accepted changes among them: those since the last one, where they are enough to judge
    /// (METHOD section 4), else the nearest side that has enough, else the largest.
    pub fn cut(&self, workload: &WorkloadRecord, under_test: &[String], sessions: &mut Vec<(Option<u32>, Session)>) -> Since {
        let mut landings: Vec<u32> =
            self.of(workload, under_test).iter().filter(|k| k.acceptance.of == Of::Regression).filter_map(|k| k.landed).collect();
        landings.sort_unstable();
        landings.dedup();
        // Without a distance nobody knows which side a session is on.
        if landings.is_empty() || sessions.iter().any(|(distance, _)| distance.is_none()) {
            return Since::default();
        }
        // A change that came in `n` steps back is in the sessions of that commit and of all nearer ones.
        let side = |distance: Option<u32>| landings.iter().filter(|landed| distance.is_some_and(|d| d > **landed)).count();
        let count = |wanted: usize| sessions.iter().filter(|(d, _)| side(*d) == wanted).count();
        let enough = |wanted: &usize| count(*wanted).min(FEWEST_SESSIONS);
        let Some(best) = (0..=landings.len()).max_by_key(|s| (enough(s), Reverse(*s))) else { return Since::default() };
        let (all, newer) = (sessions.len(), count(0));
        sessions.retain(|(distance, _)| side(*distance) == best);
        let newest = best.checked_sub(1).and_then(|before| landings.get(before)).map(|landed| landed + 1);
        let left = text::count((all - sessions.len()) as u64, "session", "sessions");
        let notice = (all > sessions.len()).then(|| match best {
            0 => format!("history begins after an accepted change: {left} before it left out"),
            _ => format!(
                "of the accepted change {newer} of {FEWEST_SESSIONS} sessions are there: until then it is compared with those before it, \
                 and the acceptance covers it; `goodput-gate baseline update` on the target branch adds one"
            ),
        });
        Since { newest, notice }
    }
}

impl Part {
    /// Takes out of the way what is accepted. `newest`: [`Since::newest`] of the sessions it was compared with; none where those are all
    /// that there are, or where the comparison was with the build at which the walk begins.
    pub(super) fn excuse(&mut self, accepted: &Accepted, record: &Record, workload: &WorkloadRecord, newest: Option<u32>) {
        let rows = match &self.evidence.against {
            Against::Compared(c) => &c.metrics[..],
            Against::LimitsOnly | Against::Missing(_) | Against::Incomparable(_) => &[],
        };
        let is_other = |k: &Known| {
            // A limit needs no baseline: its breach stays what was accepted.
            let change = k.acceptance.of == Of::Regression;
            let in_history = k.landed.is_some_and(|landed| newest.is_none_or(|newest| landed >= newest));
            match () {
                () if change && in_history => {
                    Some("the accepted change is in the baseline by now, so this is another one".to_owned())
                }
                () if !contained(k, record) => Some(format!(
                    "it is of {}, which is not in the code that was measured (accept it again after a rebase)",
                    k.acceptance.commit.as_deref().map(text::short).unwrap_or_default()
                )),
                () => None,
            }
        };
        let mine = accepted.of(workload, &record.policy.under_test);
        let (excused, warnings) = accept::excuse(&mine, &accepted.on, is_other, rows, &self.evidence.limits);
        self.evidence.excused = excused;
        self.evidence.warnings.extend(warnings);
    }
}

/// The accepted change is in what was measured: by git, or by the record's own commit or tree where the repository has neither.
fn contained(k: &Known, record: &Record) -> bool {
    let Some(commit) = &k.acceptance.commit else { return true };
    let same = |git: &GitFacts| git.commit == *commit || Some(&git.tree) == k.acceptance.tree.as_ref();
    k.landed.is_some() || k.contained || record.git.as_ref().is_some_and(same)
}

#[cfg(test)]
mod tests;
