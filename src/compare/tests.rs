//! Which sessions count, and why not the others.

use super::*;

fn session(id: &str) -> Session {
    let text = include_str!("../../tests/fixtures/lineage/session.json");
    Session { session: id.into(), ..Session::parse(text).expect("the fixture") }
}

fn selected(sessions: &[Placed], run: Option<&str>) -> (Vec<String>, Vec<(String, Why)>) {
    let (accepted, one) = (Accepted::default(), session("x"));
    let sought = Sought { workload: &one.workload, fingerprint: &one.fingerprint, under_test: &[], run };
    let selection = History { sessions, accepted: &accepted }.select(&sought);
    let left_out = selection.left_out.iter().map(|((_, s), why)| (s.session.clone(), *why));
    (selection.sessions().map(|s| s.session.clone()).collect(), left_out.collect())
}

#[test]
fn each_session_that_does_not_count_has_its_reason() {
    let mut other = session("other");
    other.fingerprint.set("gpu", "another");
    let elsewhere = Session { workload: "another".into(), ..session("elsewhere") };
    let newer = Session { session: "newer".into(), ..other.clone() };
    let all: Vec<Placed> = [other, session("a"), session("a"), session("run"), elsewhere, newer].map(|s| (Some(1), s)).into();
    let (used, left_out) = selected(&all, Some("run"));
    assert_eq!(used, ["a"]);
    let reason = |id: &str| left_out.iter().filter(|(s, _)| s == id).map(|(_, why)| *why).collect::<Vec<_>>();
    assert_eq!(reason("a"), [Why::Copy]);
    assert_eq!(reason("run"), [Why::ThisRun]);
    assert_eq!(reason("other"), [Why::Incomparable { nearest: false }]);
    assert_eq!(reason("newer"), [Why::Incomparable { nearest: true }]);
    assert_eq!(left_out.len(), 4, "another workload's sessions are none of its history");
}

#[test]
fn only_the_last_twenty_count_and_a_run_alone_is_its_own_baseline() {
    let all: Vec<Placed> = (0..23).map(|i| (Some(23 - i), session(&format!("{i:02}")))).collect();
    let (used, left_out) = selected(&all, None);
    assert_eq!((used.len(), used[0].as_str()), (KEPT_SESSIONS, "03"));
    assert_eq!(left_out, ["00", "01", "02"].map(|id| (id.to_owned(), Why::TooOld)));
    assert_eq!(selected(&all[..1], Some("00")), (vec!["00".to_owned()], vec![]));
}
