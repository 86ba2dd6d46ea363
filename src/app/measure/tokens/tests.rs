//! What is counted, and what is left alone.

use std::time::Duration;

use super::*;
use crate::app::measure::raw::{self, Sent, Wall};
use crate::plan::{Pace, PlannedRequest};
use crate::protocol::{BodySpec, Extras, LengthField, ProtocolName, body};
use crate::timeline::{Counted, Outcome};

fn word_tokenizer() -> Tokenizer {
    let count = |text: &str| u32::try_from(text.split_whitespace().count()).ok();
    Tokenizer { count: Box::new(count), digest: String::new() }
}

fn plan(protocol: &Protocol) -> RoundPlan {
    let extras = Extras {
        ignore_eos: false,
        min_tokens: false,
        stream_usage: false,
        length: LengthField::MaxTokens,
    };
    let spec = BodySpec {
        model: "m",
        history: &[],
        prompt: "three words here",
        output_tokens: 2,
        stream: true,
        temperature: 0.0,
        extras,
        extra_body: None,
    };
    let request = PlannedRequest {
        index: 0,
        id: "r".into(),
        offset: Duration::ZERO,
        body: body(protocol, &spec),
        input_tokens: 3,
        output_tokens: 2,
    };
    RoundPlan {
        seed: 0,
        pace: Pace::Open,
        max_in_flight: None,
        stop_after: None,
        ramp: 0,
        requests: vec![request],
    }
}

fn timeline(text: Option<&str>) -> Timeline {
    Timeline {
        outcome: Outcome::Completed,
        text: text.map(str::to_owned),
        ..Timeline::planned(0, 0, false)
    }
}

fn counted(timeline: Timeline) -> (Counted, Option<u32>, Option<u32>) {
    let protocol = ProtocolName::Triton.into();
    let mut all = [timeline];
    word_tokenizer().count(&mut all, &plan(&protocol), &protocol);
    (all[0].counted, all[0].input_tokens, all[0].output_tokens)
}

#[test]
fn what_the_server_did_not_count_is_counted_here() {
    assert_eq!(
        counted(timeline(Some(" a b c"))),
        (Counted { input: true, output: true, ..Counted::default() }, Some(3), Some(3))
    );
}

#[test]
fn a_raw_line_says_who_counted() {
    let protocol = ProtocolName::Triton.into();
    let mut all = [
        timeline(Some(" a b c")),
        Timeline { output_tokens: Some(8), ..timeline(None) },
        timeline(None),
    ];
    word_tokenizer().count(&mut all, &plan(&protocol), &protocol);
    let of = Sent {
        plan: &plan(&protocol),
        workload: "chat",
        start: 0,
        round: 0,
        model: "m",
        wall: Wall::now(),
    };
    let said = all.map(|t| {
        let line: serde_json::Value = serde_json::from_str(&raw::line(&of, &t)).expect("JSON");
        [line["input_token_source"].clone(), line["token_source"].clone()]
    });
    let here = || "tokenizer".into();
    assert_eq!(
        said,
        [[here(), here()], [here(), "usage".into()], [here(), serde_json::Value::Null]]
    );
}

#[test]
fn the_servers_own_counts_stand() {
    let told = Timeline { input_tokens: Some(9), output_tokens: Some(8), ..timeline(Some("a")) };
    assert_eq!(counted(told), (Counted::default(), Some(9), Some(8)));
}

#[test]
fn a_text_that_was_not_kept_whole_has_no_count() {
    assert_eq!(
        counted(timeline(None)),
        (Counted { input: true, ..Counted::default() }, Some(3), None)
    );
    let failed = Timeline { outcome: Outcome::Truncated, ..timeline(Some("a")) };
    assert_eq!(counted(failed), (Counted::default(), None, None));
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
