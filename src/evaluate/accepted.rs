//! What is accepted of a workload is taken out of the way of its verdict. Pure.

use super::Part;
use crate::accept::{self, AcceptedKind, KnownAcceptance, NotCovered, Uncovered};
use crate::compare::{self, Accepted};
use crate::record::{GitFacts, Record, WorkloadRecord};
use crate::report::text;
use crate::verdict::Against;

impl Part {
    /// Takes out of the way what is accepted. `newest`: [`Since::newest`] of the sessions it was
    /// compared with; none where those are all that there are, or where the comparison was with the
    /// build at which the walk begins.
    pub(super) fn excuse(
        &mut self,
        accepted: &Accepted,
        record: &Record,
        workload: &WorkloadRecord,
        newest: Option<u32>,
    ) {
        let rows = match &self.evidence.against {
            Against::Compared(c) => &c.metrics[..],
            Against::LimitsOnly | Against::Missing(_) | Against::Incomparable(_) => &[],
        };
        let is_other = |k: &KnownAcceptance| {
            // A limit needs no baseline: its breach stays what was accepted.
            let change = k.acceptance.of == AcceptedKind::Regression;
            let in_history =
                k.landed.is_some_and(|landed| newest.is_none_or(|newest| landed >= newest));
            match () {
                () if change && in_history => Some(NotCovered::InBaseline),
                () if !contained(k, record) => {
                    let commit =
                        k.acceptance.commit.as_deref().map(text::short).unwrap_or_default();
                    Some(NotCovered::NotContained { commit })
                }
                () => None,
            }
        };
        let mine =
            accepted.of_kind(&workload.name, &workload.fingerprint, &record.policy.under_test);
        let (excused, uncovered) =
            accept::excuse(&mine, &accepted.on, is_other, rows, &self.evidence.limits);
        self.evidence.excused = excused;
        let said = |Uncovered { metric, terms, why }| {
            compare::Reason::AcceptanceDoesNotCount { metric, terms, why }.into()
        };
        self.evidence.warnings.extend(uncovered.into_iter().map(said));
    }
}

/// The accepted change is in what was measured: by git, or by the record's own commit or tree where
/// the repository has neither.
fn contained(k: &KnownAcceptance, record: &Record) -> bool {
    let Some(commit) = &k.acceptance.commit else { return true };
    let same =
        |git: &GitFacts| git.commit == *commit || Some(&git.tree) == k.acceptance.tree.as_ref();
    k.landed.is_some() || k.contained || record.git.as_ref().is_some_and(same)
}
