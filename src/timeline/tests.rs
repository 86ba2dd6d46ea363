//! From which instant each latency counts, and what is absent.

use super::*;

/// Meant to go at 100, sent at 250 after 100 of waiting for a slot and 30 of connecting; output at
/// 400, 500 and 900.
fn timeline(closed_loop: bool) -> Timeline {
    Timeline {
        handed_ns: Some(110),
        slot_ns: Some(200),
        sent_ns: Some(250),
        connect_ns: Some(30),
        first_byte_ns: Some(390),
        first_answer_ns: Some(500),
        outputs: [400, 500, 900].map(|at_ns| OutputEvent { at_ns }).to_vec(),
        end_ns: Some(950),
        input_tokens: Some(5),
        output_tokens: Some(3),
        outcome: Outcome::Completed,
        ..Timeline::planned(0, 100, closed_loop)
    }
}

#[test]
fn an_open_loop_counts_from_the_intended_instant() {
    let t = timeline(false);
    assert_eq!((t.start_ns(), t.ttft_ns(), t.e2e_ns()), (Some(100), Some(300), Some(800)));
    let stalled = Timeline { sent_ns: Some(390), ..timeline(false) };
    assert_eq!(
        (stalled.ttft_ns(), stalled.e2e_ns()),
        (t.ttft_ns(), t.e2e_ns()),
        "sent late is waited for all the same"
    );
}

#[test]
fn a_closed_loop_counts_from_the_send() {
    let t = timeline(true);
    assert_eq!((t.start_ns(), t.ttft_ns(), t.e2e_ns()), (Some(250), Some(150), Some(650)));
    assert_eq!(Timeline { sent_ns: None, ..t }.ttft_ns(), None);
}

#[test]
fn the_end_is_the_last_output_and_not_what_follows_it() {
    let t = Timeline { end_ns: Some(5000), ..timeline(false) };
    assert_eq!(t.e2e_ns(), Some(800));
}

#[test]
fn without_output_there_is_no_latency() {
    let t = Timeline { outputs: vec![], ..timeline(false) };
    assert_eq!((t.ttft_ns(), t.e2e_ns(), t.chunk_gaps_ns().count()), (None, None, 0));
}

#[test]
fn ttfa_is_only_where_reasoning_was_seen() {
    assert_eq!(timeline(false).ttfa_ns(), None);
    assert_eq!(Timeline { reasoning_seen: true, ..timeline(false) }.ttfa_ns(), Some(400));
}

#[test]
fn waiting_for_a_slot_is_lag_and_not_the_clients_fault() {
    let t = timeline(false);
    assert_eq!((t.send_lag_ns(), t.queue_ns()), (Some(150), Some(100)));
    assert_eq!(
        t.own_lag_ns(),
        Some(10 + 20),
        "late to take it up, late to write it; not the slot, not the connection"
    );
    assert_eq!(t.chunk_gaps_ns().collect::<Vec<_>>(), [100, 400]);
}

#[test]
fn an_unsent_request_has_no_lag() {
    let t = Timeline { handed_ns: None, slot_ns: None, sent_ns: None, ..timeline(false) };
    assert_eq!((t.send_lag_ns(), t.queue_ns(), t.own_lag_ns()), (None, None, None));
}

#[test]
fn an_answer_without_a_reason_is_cut_where_the_server_gives_reasons() {
    let reason = || Timeline { finish_reason: Some("stop".into()), ..timeline(false) };
    let failed = |mut all: Vec<Timeline>, before| {
        let given = fail_without_reason(&mut all, before);
        (all.iter().map(Timeline::completed).collect::<Vec<_>>(), given)
    };
    assert_eq!(
        failed(vec![timeline(false), timeline(false)], false),
        (vec![true, true], false),
        "it may never give any"
    );
    assert_eq!(failed(vec![timeline(false), reason()], false), (vec![false, true], true));
    assert_eq!(failed(vec![timeline(false)], true), (vec![false], true));
    let lost = Timeline { outcome: Outcome::Timeout, ..reason() };
    assert_eq!(
        failed(vec![timeline(false), lost], false),
        (vec![true, false], false),
        "what failed tells nothing"
    );
}

#[test]
fn tokens_that_were_sent_are_those_that_were_not_hidden() {
    let sent = [Hidden::Nothing, Hidden::Tokens(3), Hidden::Tokens(9), Hidden::Unknown]
        .map(|hidden| hidden.sent_of(8));
    assert_eq!(sent, [Some(8), Some(5), None, None]);
}
