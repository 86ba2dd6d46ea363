//! Sessions and their place on a lineage. Not here: walking it (`baseline::lineage`).

use crate::baseline::lineage::Link;
use crate::compare::Placed;
use crate::record::session::Session;

/// Sessions whose commit, or whose tree without the baselines folder, is on the lineage: farthest
/// first, so oldest first; those of one place in the order in which they were measured, as far as
/// they know it.
pub fn on_lineage(sessions: Vec<Session>, links: &[Link]) -> Vec<Placed> {
    let mut found: Vec<Placed> =
        sessions.into_iter().filter_map(|s| Some((Some(distance(links, &s)?), s))).collect();
    found.sort_by_cached_key(|(distance, s): &Placed| {
        (std::cmp::Reverse(*distance), s.measured.clone())
    });
    found
}

/// First-parent steps from where the walk begins; none where the session is not on it.
pub fn distance(links: &[Link], session: &Session) -> Option<u32> {
    let step = links.iter().position(|l| l.commit == session.commit || l.tree == session.tree)?;
    u32::try_from(step).ok()
}
