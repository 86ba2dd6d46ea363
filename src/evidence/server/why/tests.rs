//! The words for changes that people meet.

use super::{Concern, Values, why};

fn values(pairs: &[(&str, f64)]) -> Values {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect()
}

const TTFT: &str = "TTFT is 35 % longer";

fn ttft(before: &[(&str, f64)], after: &[(&str, f64)]) -> Option<String> {
    let because = why(Concern::FirstToken, Some(120.0), &values(before), &values(after))?;
    Some(format!("{TTFT}{because}"))
}

#[test]
fn a_lost_prefix_cache_is_named_before_the_queue_that_follows_from_it() {
    let text = ttft(
        &[("waiting_mean", 0.2), ("prefix_hit_ratio", 0.61), ("prefill_ms", 20.0)],
        &[("waiting_mean", 3.1), ("prefix_hit_ratio", 0.12), ("prefill_ms", 48.0)],
    );
    assert_eq!(
        text.as_deref(),
        Some(
            "TTFT is 35 % longer; at the same time prefix-cache hits fell from 61 % to 12 %, waiting requests rose from 0.2 to 3.1 on \
             average and prefill time rose from 20.0 ms to 48.0 ms: prompts that the prefix cache used to hold are likely computed again"
        )
    );
}

#[test]
fn queue_and_prefill_are_told_apart_by_what_grew_more() {
    let before = [("queue_ms", 1.0), ("prefill_ms", 20.0)];
    let queue = ttft(&before, &[("queue_ms", 90.0), ("prefill_ms", 25.0)]).expect("a sentence");
    assert!(queue.ends_with("the time is likely lost in the queue"), "{queue}");
    let prefill = ttft(&before, &[("queue_ms", 9.0), ("prefill_ms", 45.0)]).expect("a sentence");
    assert!(prefill.ends_with("the time is likely lost in prefill"), "{prefill}");
}

#[test]
fn preemptions_decode_and_acceptance_have_their_words() {
    let later = |before: &[(&str, f64)], after: &[(&str, f64)]| {
        why(Concern::LaterTokens, None, &values(before), &values(after))
            .expect("a sentence")
            .to_string()
    };
    let decode = later(&[("token_gap_ms", 20.0)], &[("token_gap_ms", 24.0)]);
    assert_eq!(
        decode,
        "; at the same time the server's own time between tokens rose from 20.0 ms to 24.0 ms: the time is likely \
         lost in decode"
    );
    assert!(
        later(&[("preemptions", 0.0)], &[("preemptions", 12.0)])
            .contains("KV cache is likely too small")
    );
    assert!(
        later(&[("spec_accepted_ratio", 0.7)], &[("spec_accepted_ratio", 0.4)])
            .contains("fewer draft tokens are accepted")
    );
}

/// Figures of the simulated server, whose knobs are the truth.
#[test]
fn of_slow_work_the_kind_that_grew_more_is_named() {
    let before = values(&[
        ("queue_ms", 12.5),
        ("prefill_ms", 95.6),
        ("decode_ms", 701.0),
        ("token_gap_ms", 22.6),
    ]);
    let says = |after: &[(&str, f64)], end: &str| {
        let text = why(Concern::Both, None, &before, &values(after)).expect("a sentence");
        let text = text.to_string();
        assert!(text.ends_with(end), "{text}");
    };
    says(
        &[("queue_ms", 64.1), ("prefill_ms", 189.3), ("decode_ms", 1128.0), ("token_gap_ms", 36.4)],
        "lost in prefill",
    );
    says(
        &[("queue_ms", 18.7), ("prefill_ms", 103.7), ("decode_ms", 958.2), ("token_gap_ms", 30.9)],
        "lost in decode",
    );
    says(
        &[("queue_ms", 1579.0), ("prefill_ms", 93.5), ("decode_ms", 523.0), ("token_gap_ms", 16.9)],
        "lost in the queue",
    );
}

/// Figures of the simulated server again, at half of its capacity.
#[test]
fn where_all_work_grew_both_kinds_are_named() {
    let before = values(&[
        ("queue_ms", 15.97),
        ("prefill_ms", 119.3),
        ("decode_ms", 218.9),
        ("token_gap_ms", 14.6),
    ]);
    let says = |after: &[(&str, f64)], end: &str| {
        let text = why(Concern::LaterTokens, None, &before, &values(after)).expect("a sentence");
        let text = text.to_string();
        assert!(text.ends_with(end), "{text}");
    };
    says(
        &[("queue_ms", 29.7), ("prefill_ms", 238.6), ("decode_ms", 437.9), ("token_gap_ms", 29.2)],
        "in prefill and in decode",
    );
    says(
        &[("queue_ms", 29.0), ("prefill_ms", 225.5), ("decode_ms", 237.1), ("token_gap_ms", 15.8)],
        "lost in prefill",
    );
    says(
        &[("queue_ms", 15.7), ("prefill_ms", 132.4), ("decode_ms", 424.1), ("token_gap_ms", 28.3)],
        "lost in decode",
    );
}

#[test]
fn a_queue_before_a_full_kv_cache_says_so() {
    let before = [("queue_ms", 12.6), ("kv_use_mean_ratio", 0.24), ("kv_use_max_ratio", 0.36)];
    let text = ttft(
        &before,
        &[("queue_ms", 1579.0), ("kv_use_mean_ratio", 0.83), ("kv_use_max_ratio", 0.9)],
    )
    .expect("a sentence");
    assert!(text.ends_with("lost in the queue, before a KV cache that is nearly full"), "{text}");
}

#[test]
fn a_loss_that_the_server_does_not_see_is_outside_of_it() {
    let text =
        ttft(&[("ttft_ms", 100.0), ("queue_ms", 1.0)], &[("ttft_ms", 101.0), ("queue_ms", 1.1)])
            .expect("a sentence");
    assert_eq!(
        text,
        "TTFT is 35 % longer, and the server's own TTFT stayed at 101 ms: the time is likely lost between client and server"
    );
}

/// Triton 2.51 and a model that streams: 670 ms, of which the server counts the hand-over.
#[test]
fn what_the_server_counts_of_something_else_says_nothing_of_where_the_time_went() {
    let (before, after) = (values(&[("e2e_ms", 0.453)]), values(&[("e2e_ms", 0.456)]));
    for (client_ms, unseen) in [(Some(670.0), true), (None, true), (Some(0.6), false)] {
        let text = why(Concern::Both, client_ms, &before, &after).expect("a sentence");
        let text = text.to_string();
        assert_eq!(text.contains("none of the server's own metrics"), unseen, "{text}");
        assert_eq!(text.contains("between client and server"), !unseen, "{text}");
    }
}

#[test]
fn small_changes_and_improvements_are_not_blamed() {
    let text = ttft(
        &[("queue_ms", 10.0), ("prefix_hit_ratio", 0.5)],
        &[("queue_ms", 10.5), ("prefix_hit_ratio", 0.9)],
    );
    assert!(text.expect("a sentence").contains("none of the server's own metrics"));
}

#[test]
fn nothing_known_is_nothing_said() {
    assert_eq!(ttft(&[("queue_ms", 1.0)], &[("prefill_ms", 1.0)]), None);
    assert_eq!(ttft(&[], &[("queue_ms", 1.0)]), None);
}

#[test]
fn no_sentence_claims_a_proof() {
    for words in ["prove", "because", "caused"] {
        assert!(
            !include_str!("../why.rs")
                .lines()
                .filter(|l| l.contains("=> \""))
                .any(|l| l.contains(words)),
            "{words}"
        );
    }
}
