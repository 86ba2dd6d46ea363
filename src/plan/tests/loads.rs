//! Plans of conversations, datasets and traces with block ids. Not here: how a file is read
//! (`dataset`, `trace`).

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use super::*;
use crate::config::{DatasetFormat, SessionBegin};

fn sessions(begin: SessionBegin, turns: u32, requests: u32) -> Plan {
    plan(|w| {
        w.arrival = Arrival::Sessions { begin, think_time: Duration::from_secs(2) };
        w.prompts.kind = PromptKind::Conversation { turns };
        (w.length, w.max_in_flight, w.warmup) =
            (Length::Requests(requests), None, Warmup::Requests(turns));
    })
}

fn closed(concurrency: u32) -> SessionBegin {
    SessionBegin::Closed { concurrency }
}

fn messages(request: &PlannedRequest) -> Vec<(String, String)> {
    let body: Value = serde_json::from_slice(&request.body).expect("JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    body["messages"]
        .as_array()
        .expect("messages")
        .iter()
        .map(|m| (text(&m["role"]), text(&m["content"])))
        .collect()
}

fn with_dataset(text: &str, change: impl FnOnce(&mut Workload)) -> Result<Plan, PlanError> {
    let mut workload = workload();
    workload.prompts.kind = PromptKind::Dataset {
        file: PathBuf::from("d.jsonl"),
        format: DatasetFormat::Auto,
        ignore: Vec::new(),
    };
    change(&mut workload);
    whole(&workload, &Input { file: Some(text), ..input() })
}

fn lines(count: usize) -> String {
    let line = |i: usize| format!("{{\"prompt\": \"question {i}\", \"output_tokens\": {}}}", i + 1);
    (0..count).map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_turn_brings_all_that_was_said_before_it() {
    let plan = sessions(closed(2), 3, 12);
    let round = &plan.rounds[1];
    assert_eq!(
        round.pace,
        Pace::Sessions { concurrency: Some(2), turns: 3, think: Duration::from_secs(2) }
    );
    for session in round.requests.chunks(3) {
        let all: Vec<_> = session.iter().map(messages).collect();
        assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [1, 3, 5]);
        assert_eq!((&all[2][..1], &all[2][..3]), (&all[0][..], &all[1][..]));
        let roles: Vec<&str> = all[2].iter().map(|(role, _)| role.as_str()).collect();
        assert_eq!(roles, ["user", "assistant", "user", "assistant", "user"]);
        // 64 tokens asked, 32 answered, of 4 characters each.
        assert!(
            all[2].iter().all(|(role, text)| text.len() == if role == "user" { 256 } else { 128 })
        );
        assert_eq!(session.iter().map(|r| r.input_tokens).collect::<Vec<_>>(), [64, 160, 256]);
    }
}

#[test]
fn sessions_have_nothing_in_common_unless_asked() {
    let plan = sessions(closed(2), 3, 12);
    let mut texts = BTreeSet::new();
    for round in std::iter::once(&plan.warmup).chain(&plan.rounds) {
        for session in round.requests.chunks(3) {
            let all = messages(&session[2]);
            assert!(all[0].1.starts_with("[000000000001-"), "the salt and the marker lead");
            texts.extend(all.into_iter().map(|(_, text)| text));
        }
    }
    assert_eq!(texts.len(), 9 * 5);
}

#[test]
fn a_turn_is_the_same_whatever_the_load() {
    let reference = sessions(closed(2), 3, 12);
    for other in [sessions(closed(1), 3, 30), sessions(SessionBegin::Poisson { rate: 9.0 }, 3, 13)]
    {
        for (a, b) in reference.rounds.iter().zip(&other.rounds) {
            assert!(
                a.requests
                    .iter()
                    .zip(&b.requests)
                    .all(|(x, y)| (&x.id, &x.body) == (&y.id, &y.body))
            );
        }
    }
}

#[test]
fn the_first_wave_of_sessions_is_left_out_whole() {
    let ramp = |n| sessions(closed(2), 3, n).rounds[0].ramp;
    assert_eq!((ramp(12), ramp(11)), (6, 0));
    assert_eq!(sessions(SessionBegin::Poisson { rate: 1.0 }, 3, 12).rounds[0].ramp, 0);
}

#[test]
fn sessions_of_an_open_loop_begin_at_their_own_offsets() {
    let plan = sessions(SessionBegin::Poisson { rate: 2.0 }, 4, 10);
    let round = &plan.rounds[0];
    assert_eq!(round.requests.len(), 10, "the last session is cut short");
    assert!(round.requests.chunks(4).all(|s| s.iter().all(|r| r.offset == s[0].offset)));
    assert!(round.requests[0].offset < round.requests[4].offset);
    assert_eq!(
        (0..5).map(|i| round.pace.is_closed(i)).collect::<Vec<_>>(),
        [false, true, true, true, false]
    );
}

#[test]
fn sessions_by_duration_plan_whole_sessions_with_their_thinking() {
    let plan = plan(|w| {
        w.arrival = Arrival::Sessions { begin: closed(3), think_time: Duration::from_secs(2) };
        w.prompts.kind = PromptKind::Conversation { turns: 4 };
        w.length = Length::Duration(Duration::from_secs(60));
    });
    assert_eq!(plan.rounds[0].stop_after, Some(Duration::from_secs(60)));
    // 60 s of turns that take 1.52 s at least, three at a time.
    assert_eq!(plan.rounds[0].requests.len(), 120);
}

#[test]
fn what_shapes_sessions_changes_the_digest() {
    let other = |turns, begin, think, output| {
        plan(|w| {
            w.arrival = Arrival::Sessions { begin, think_time: Duration::from_secs(think) };
            w.prompts.kind = PromptKind::Conversation { turns };
            w.output_tokens = output;
        })
        .digest
    };
    let digests = [
        plan(|_| ()).digest,
        other(3, closed(2), 2, 32),
        other(4, closed(2), 2, 32),
        other(3, closed(3), 2, 32),
        other(3, SessionBegin::Poisson { rate: 2.0 }, 2, 32),
        other(3, closed(2), 3, 32),
        other(3, closed(2), 2, 33),
    ];
    assert_eq!(digests.iter().collect::<BTreeSet<_>>().len(), digests.len());
}

#[test]
fn a_protocol_without_roles_gets_the_conversation_as_one_text() {
    let mut workload = workload();
    workload.arrival = Arrival::Sessions { begin: closed(1), think_time: Duration::ZERO };
    workload.prompts.kind = PromptKind::Conversation { turns: 2 };
    let plan =
        build(&workload, &Input { protocol: &ProtocolName::OpenAiCompletions.into(), ..input() })
            .expect("a plan");
    let text = |i: usize| {
        let body: Value = serde_json::from_slice(&plan.rounds[0].requests[i].body).expect("JSON");
        body["prompt"].as_str().expect("a prompt").to_owned()
    };
    assert!(text(1).starts_with(&text(0)) && text(1).len() == 256 + 2 + 128 + 2 + 256);
}

/// One that looks at the prompt alone would send a short question where a long conversation was
/// asked for, and nobody would notice.
#[test]
fn every_protocol_sends_what_was_said_before() {
    for protocol in ProtocolName::ALL.map(Protocol::from) {
        let mut workload = workload();
        workload.arrival = Arrival::Sessions { begin: closed(1), think_time: Duration::ZERO };
        workload.prompts.kind = PromptKind::Conversation { turns: 2 };
        let plan = build(&workload, &Input { protocol: &protocol, ..input() }).expect("a plan");
        let body = String::from_utf8(plan.rounds[0].requests[1].body.clone()).expect("text");
        assert!(body.contains("[000000000001-0-000000]"), "{}: {body}", protocol.name());
    }
}

#[test]
fn a_dataset_is_drawn_without_replacement_and_anew_for_each_round() {
    let plan = with_dataset(&lines(20), |_| ()).expect("a plan");
    let texts = |round: &RoundPlan| round.requests.iter().map(prompt).collect::<Vec<_>>();
    let questions = |round| {
        texts(round)
            .iter()
            .map(|t| t.split('\n').nth(1).expect("a question").to_owned())
            .collect::<Vec<_>>()
    };
    let (first, second) = (questions(&plan.rounds[0]), questions(&plan.rounds[1]));
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 12);
    assert_ne!(first, second);
    assert!(texts(&plan.rounds[1])[0].starts_with("[000000000001-1]\nquestion "));
    assert!(texts(&plan.warmup)[0].starts_with("[000000000001-w]\nquestion "));
    for (text, request) in first.iter().zip(&plan.rounds[0].requests) {
        assert_eq!(
            text.split(' ').nth(1).and_then(|n| n.parse::<u32>().ok()),
            Some(request.output_tokens - 1)
        );
    }
}

#[test]
fn a_datasets_requests_are_the_same_whatever_the_arrivals() {
    let text = lines(20);
    let reference = with_dataset(&text, |_| ()).expect("a plan");
    let others = [
        with_dataset(&text, |w| w.arrival = Arrival::Closed { concurrency: 3 }),
        with_dataset(&text, |w| w.length = Length::Requests(20)),
        with_dataset(&text, |w| {
            (w.arrival, w.length) =
                (Arrival::Closed { concurrency: 3 }, Length::Duration(Duration::from_secs(5)));
        }),
    ];
    for other in others {
        let other = other.expect("a plan");
        assert!(
            reference.rounds[1]
                .requests
                .iter()
                .zip(&other.rounds[1].requests)
                .all(|(a, b)| a.body == b.body)
        );
    }
}

#[test]
fn a_dataset_has_as_many_requests_as_it_has() {
    assert_eq!(
        with_dataset(&lines(11), |_| ()),
        Err(PlanError::DatasetShort { has: 11, asked: 12, left_out: String::new() })
    );
    let short = with_dataset(&lines(12), |w| w.warmup = Warmup::Requests(50)).expect("a plan");
    assert_eq!(short.warmup.requests.len(), 12);
    let timed = |w: &mut Workload| {
        (w.arrival, w.length) =
            (Arrival::Closed { concurrency: 1 }, Length::Duration(Duration::from_secs(60)));
    };
    assert_eq!(with_dataset(&lines(12), timed).expect("a plan").rounds[0].requests.len(), 12);
    assert_eq!(
        refusal(|w, _| w.prompts.kind = PromptKind::Dataset {
            file: PathBuf::new(),
            format: DatasetFormat::Auto,
            ignore: Vec::new()
        }),
        PlanError::DatasetMissing
    );
}

#[test]
fn the_digest_of_a_dataset_is_of_its_content() {
    let digest = |text: &str, name: &str| {
        let kind = PromptKind::Dataset {
            file: PathBuf::from(name),
            format: DatasetFormat::Auto,
            ignore: Vec::new(),
        };
        with_dataset(text, |w| w.prompts.kind = kind).expect("a plan").digest
    };
    assert_eq!(digest(&lines(20), "a"), digest(&lines(20), "b"));
    assert_ne!(digest(&lines(20), "a"), digest(&lines(21), "a"));
    // The same requests of another file are of another file.
    let one = "{\"prompt\": \"a\"}\n".repeat(12);
    assert_ne!(digest(&one, "a"), digest(&format!("{one}\n"), "a"));
}

#[test]
fn messages_of_a_dataset_are_sent_with_their_roles_and_led_by_the_salt() {
    let line = "{\"messages\": [{\"role\": \"system\", \"content\": \"be brief\"}, {\"role\": \"user\", \"content\": \"why\"}]}\n";
    let plan = with_dataset(&line.repeat(12), |_| ()).expect("a plan");
    let all = messages(&plan.rounds[0].requests[3]);
    assert_eq!(
        all,
        [
            ("system".to_owned(), "[000000000001-0]\nbe brief".to_owned()),
            ("user".to_owned(), "why".to_owned())
        ]
    );
    let other = |salt| {
        let mut workload = workload();
        workload.prompts.kind = PromptKind::Dataset {
            file: PathBuf::new(),
            format: DatasetFormat::Auto,
            ignore: Vec::new(),
        };
        build(&workload, &Input { salt, file: Some(&line.repeat(12)), ..input() })
            .expect("a plan")
            .digest
    };
    assert_eq!(other("zzzzzzzzzzzz"), plan.digest, "the salt is not in the digest");
}

#[test]
fn equal_block_ids_are_equal_text_within_a_round() {
    let trace = concat!(
        "{\"timestamp\": 0, \"input_length\": 1500, \"output_length\": 5, \"hash_ids\": [7, 8, 9]}\n",
        "{\"timestamp\": 1, \"input_length\": 1200, \"output_length\": 6, \"hash_ids\": [7, 8, 10]}\n",
        "{\"timestamp\": 2, \"input_length\": 1500, \"output_length\": 7, \"hash_ids\": [7, 8, 9]}\n",
    );
    let plan = with_trace(trace, |w| w.length = Length::Requests(3)).expect("a plan");
    let texts = prompts(&plan.rounds[0]);
    assert_eq!(texts.iter().map(String::len).collect::<Vec<_>>(), [6000, 4800, 6000]);
    let common = |a: &str, b: &str| a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    let lead = "[000000000001-0]\n".len();
    assert_eq!(texts[0][..lead + 4096], texts[1][..lead + 4096], "two blocks of 512 tokens");
    assert!((lead + 4096..lead + 4160).contains(&common(&texts[0], &texts[1])));
    assert!(
        common(&texts[0], &texts[2]) > 5900 && texts[0] != texts[2],
        "the same ids, and yet no prompt twice"
    );
    let elsewhere = [prompts(&plan.rounds[1]), prompts(&plan.warmup)];
    assert!(
        elsewhere.iter().all(|other| common(&other[0], &texts[0]) < lead),
        "nothing is known from another round"
    );
}

#[test]
fn a_trace_can_be_played_faster() {
    let trace =
        "{\"timestamp\": 0, \"input_length\": 10}\n{\"timestamp\": 3000, \"input_length\": 10}\n";
    let at = |speedup| {
        let change = |w: &mut Workload| {
            (w.arrival, w.length) = (
                Arrival::Trace { file: PathBuf::new(), speedup, format: TraceFormat::default() },
                Length::Requests(2),
            );
        };
        with_trace(trace, change).expect("a plan")
    };
    assert_eq!(at(4.0).rounds[0].requests[1].offset, Duration::from_millis(750));
    assert_ne!(at(4.0).digest, at(1.0).digest);
}
