//! Which sessions count, and why not the others.

use super::*;

fn session(id: &str) -> Session {
    let text = include_str!("../../tests/fixtures/lineage/session.json");
    Session { session: id.into(), ..Session::parse(text).expect("the fixture") }
}

/// Sessions of one place, in this order, whose every value is `by` times the fixture's.
fn levels(by: &[f64]) -> Vec<Placed> {
    let all = by.iter().enumerate().map(|(i, by)| {
        let mut session = session(&format!("{i:02}"));
        for start in &mut session.starts {
            let primary = ["ttft_geomean", "tpot_geomean", "e2e_geomean", "output_token_rate"];
            start
                .oriented
                .iter_mut()
                .filter(|(name, _)| primary.contains(&name.as_str()))
                .for_each(|(_, v)| *v += by.ln());
        }
        for (name, value) in &mut session.pooled {
            *value *= if name.ends_with("_ms") { *by } else { 1.0 / by };
        }
        (Some(0), session)
    });
    all.collect()
}

fn selected(sessions: &[Placed], run: Option<&str>) -> (Vec<String>, Vec<(String, Why)>) {
    let (accepted, one) = (Accepted::default(), session("x"));
    let sought =
        Sought { workload: &one.workload, fingerprint: &one.fingerprint, under_test: &[], run };
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
    let all: Vec<Placed> = [other, session("a"), session("a"), session("run"), elsewhere, newer]
        .map(|s| (Some(1), s))
        .into();
    let (used, left_out) = selected(&all, Some("run"));
    assert_eq!(used, ["a"]);
    let reason = |id: &str| {
        left_out.iter().filter(|(s, _)| s == id).map(|(_, why)| *why).collect::<Vec<_>>()
    };
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

#[test]
fn a_faster_session_begins_a_segment_and_a_slower_one_is_left_out_unless_somebody_answers_for_it() {
    let steady = [1.0, 1.01, 0.99, 1.0, 1.01, 0.99];
    let faster = levels(&[&steady[..], &[0.8]].concat());
    let (used, left_out) = selected(&faster, None);
    assert_eq!((used, left_out.len()), (vec!["06".to_owned()], 6));
    assert!(left_out.iter().all(|(_, why)| *why == Why::OtherLevel));
    let mut slower = levels(&[&steady[..], &[1.25, 1.0]].concat());
    let (used, left_out) = selected(&slower, None);
    assert_eq!(
        (used.len(), left_out),
        (7, vec![("06".to_owned(), Why::Slower)]),
        "those that follow join the old level"
    );
    slower[6].1.level_shift = Some("another compiler".into());
    let (used, _) = selected(&slower, None);
    assert_eq!(used, ["06", "07"]);
}

#[test]
fn below_six_sessions_only_a_gross_change_begins_or_breaks_a_segment() {
    assert_eq!(selected(&levels(&[1.0, 1.2, 1.0, 1.2]), None).0.len(), 4);
    assert_eq!(selected(&levels(&[1.0, 1.0, 1.0, 2.0]), None).1, [("03".to_owned(), Why::Slower)]);
    assert_eq!(selected(&levels(&[1.0, 1.0, 1.0, 0.5]), None).0, ["03"]);
}

#[test]
fn a_level_that_moved_for_good_begins_a_segment_whoever_answers_for_it() {
    let by: Vec<f64> = (0..9)
        .map(|i| 1.0 + 0.01 * f64::from(i % 3))
        .chain((0..7).map(|i| 1.2 + 0.01 * f64::from(i % 3)))
        .collect();
    let all = levels(&by);
    let (used, left_out) = selected(&all, None);
    assert_eq!((used.len(), used[0].as_str(), left_out.len()), (7, "09", 9));
    let (accepted, one) = (Accepted::default(), session("x"));
    let selection = History { sessions: &all, accepted: &accepted }.select_like(&one, &[]);
    assert!(
        matches!(selection.begin, Begin::ChangePoint { moved, .. } if moved.slower),
        "{:?}",
        selection.begin
    );
    let words: Vec<String> = selection.levels().iter().map(ToString::to_string).collect();
    assert!(
        words.len() == 1
            && words[0].contains("where the level moved for good (")
            && words[0].contains("9 sessions"),
        "{words:?}"
    );
    // Two slow sessions are no level: they are left out, and the old one counts.
    let few: Vec<f64> = by[..9].iter().copied().chain([1.25, 1.25]).collect();
    assert_eq!(selected(&levels(&few), None).0.len(), 9);
}
