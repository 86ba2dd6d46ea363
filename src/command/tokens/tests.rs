//! What is counted, and what is left alone.

use std::time::Duration;

use super::*;
use crate::config::ProtocolName;
use crate::plan::{Pace, PlannedRequest};
use crate::protocol::{BodySpec, Extras, body};
use crate::timeline::Outcome;

fn words() -> Tokenizer {
    let count = |text: &str| u32::try_from(text.split_whitespace().count()).ok();
    Tokenizer { count: Box::new(count), digest: String::new() }
}

fn plan(protocol: &Protocol) -> RoundPlan {
    let extras = Extras { ignore_eos: false, min_tokens: false, stream_usage: false };
    let spec = BodySpec {
        model: "m",
        history: &[],
        prompt: "three words here",
        output_tokens: 2,
        stream: true,
        temperature: 0.0,
        extras,
    };
    let request = PlannedRequest {
        index: 0,
        id: "r".into(),
        offset: Duration::ZERO,
        body: body(protocol, &spec),
        input_tokens: 3,
        output_tokens: 2,
    };
    RoundPlan { seed: 0, pace: Pace::Open, max_in_flight: None, stop_after: None, ramp: 0, requests: vec![request] }
}

fn timeline(text: Option<&str>) -> Timeline {
    Timeline {
        id: "r".into(),
        index: 0,
        intended_ns: 0,
        handed_ns: None,
        slot_ns: None,
        sent_ns: None,
        connect_ns: None,
        first_byte_ns: None,
        first_answer_ns: None,
        reasoning_seen: false,
        outputs: Vec::new(),
        end_ns: None,
        input_tokens: None,
        output_tokens: None,
        cached_tokens: None,
        finish_reason: None,
        outcome: Outcome::Completed,
        error: None,
        retried: false,
        closed_loop: false,
        text: text.map(str::to_owned),
    }
}

fn counted(timeline: Timeline) -> (bool, Option<u32>, Option<u32>) {
    let protocol = ProtocolName::Triton.into();
    let mut all = [timeline];
    let used = words().count(&mut all, &plan(&protocol), &protocol);
    (used, all[0].input_tokens, all[0].output_tokens)
}

#[test]
fn what_the_server_did_not_count_is_counted_here() {
    assert_eq!(counted(timeline(Some(" a b c"))), (true, Some(3), Some(3)));
}

#[test]
fn the_servers_own_counts_stand() {
    let told = Timeline { input_tokens: Some(9), output_tokens: Some(8), ..timeline(Some("a")) };
    assert_eq!(counted(told), (false, Some(9), Some(8)));
}

#[test]
fn a_text_that_was_not_kept_whole_has_no_count() {
    assert_eq!(counted(timeline(None)), (true, Some(3), None));
    let failed = Timeline { outcome: Outcome::Truncated, ..timeline(Some("a")) };
    assert_eq!(counted(failed), (false, None, None));
}

#[cfg(feature = "tokenizer")]
#[test]
fn a_tokenizer_file_counts_its_tokens() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizer/words.json");
    let tokenizer = Tokenizer::open(&path).expect("it is a tokenizer");
    assert_eq!((tokenizer.count)(" token0 token1, hi"), Some(4));
    assert_eq!((tokenizer.count)(""), Some(0));
    assert_eq!(tokenizer.digest.len(), 12);
    let broken = Tokenizer::open(&path.with_file_name("README.md")).err().expect("it is none");
    assert!(format!("{broken:#}").contains("is no tokenizer\nhint: "), "{broken:#}");
}
