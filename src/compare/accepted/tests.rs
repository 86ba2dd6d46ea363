//! Which side of an accepted change counts, and when its acceptance is used up.

use super::*;
use crate::accept::Acceptance;
use crate::record::session::Session;
use crate::record::{Record, WorkloadRecord};

fn session(id: usize) -> Session {
    let text = include_str!("../../../tests/fixtures/lineage/session.json");
    Session { session: format!("{id:08}"), ..Session::parse(text).expect("the fixture") }
}

/// So many sessions at each distance, farthest first.
fn at(counts: &[(u32, usize)]) -> Vec<(Option<u32>, Session)> {
    let all =
        counts.iter().flat_map(|(distance, n)| (0..*n).map(move |i| (Some(*distance), session(i))));
    all.collect()
}

fn workload() -> WorkloadRecord {
    let text = include_str!("../../../tests/fixtures/records/candidate.json");
    Record::parse(text).expect("the fixture").workloads.remove(0)
}

fn accepted(landed: &[Option<u32>]) -> Accepted {
    let workload = workload();
    let known = landed.iter().map(|landed| KnownAcceptance {
        by: None,
        landed: *landed,
        contained: true,
        acceptance: Acceptance {
            workload: workload.name.clone(),
            fingerprint: workload.fingerprint.key(&[]),
            metric: "tpot_geomean".into(),
            of: AcceptedKind::Regression,
            worse_at_most_ratio: Some(0.1),
            worst_value: 30.0,
            unit: "ms".into(),
            until: "2026-12-31".into(),
            reason: "new sampler".into(),
            found: String::new(),
            session: "aaaaaaaa".into(),
            commit: None,
            tree: None,
        },
    });
    Accepted { known: known.collect(), on: "2026-12-01".into() }
}

/// Distances that are left, and what was cut.
fn cut(landed: &[Option<u32>], sessions: &[(u32, usize)]) -> (Vec<u32>, Since) {
    cut_of(landed, &at(sessions), &[])
}

fn cut_of(landed: &[Option<u32>], all: &[Placed], under_test: &[String]) -> (Vec<u32>, Since) {
    let workload = workload();
    let landings = accepted(landed).landings(&workload.name, &workload.fingerprint, under_test);
    let (mut left, mut gone) = (all.iter().collect(), 0);
    let since = super::cut(&landings, &mut left, |_| gone += 1);
    assert_eq!(left.len() + gone, all.len());
    (left.iter().filter_map(|(d, _)| *d).collect(), since)
}

#[test]
fn history_begins_after_the_accepted_change_once_it_has_sessions_enough() {
    let (left, since) = cut(&[Some(4)], &[(9, 6), (4, 2), (1, 4)]);
    assert_eq!((left.len(), left.iter().max(), since.newest), (6, Some(&4), None));
    assert!(since.notice == Some(Reason::SessionsBeforeAcceptedLeftOut { sessions: 6 }));
}

#[test]
fn until_then_those_before_it_count_and_the_acceptance_with_them() {
    let (left, since) = cut(&[Some(4)], &[(9, 6), (4, 2), (1, 3)]);
    assert_eq!((left, since.newest), (vec![9; 6], Some(5)));
    assert!(since.notice == Some(Reason::AcceptedChangeIsYoung { sessions: 5, needed: 6 }));
    // Nothing of either side is enough: the larger one, never both together.
    assert_eq!(cut(&[Some(4)], &[(9, 2), (3, 3)]).0, [3; 3]);
    assert_eq!(cut(&[Some(4)], &[(9, 3), (3, 3)]).0, [3; 3]);
    assert_eq!(cut(&[Some(4)], &[(9, 4), (3, 3)]).0, [9; 4]);
}

#[test]
fn of_several_accepted_changes_the_nearest_side_with_enough_counts() {
    let (left, since) = cut(&[Some(2), Some(6), None], &[(9, 8), (5, 6), (1, 2)]);
    assert_eq!((left, since.newest), (vec![5; 6], Some(3)));
}

#[test]
fn a_change_that_is_not_in_the_lineage_cuts_nothing() {
    let (left, since) = cut(&[None], &[(9, 6), (1, 3)]);
    assert_eq!((left.len(), since), (9, Since::default()));
    let unknown: Vec<_> = at(&[(9, 2)]).into_iter().map(|(_, s)| (None, s)).collect();
    assert_eq!(cut_of(&[Some(4)], &unknown, &[]).1, Since::default());
    // Another machine's acceptance is none of this one's.
    assert_eq!(cut_of(&[Some(4)], &at(&[(9, 6), (1, 6)]), &["model".to_owned()]).0.len(), 12);
}
