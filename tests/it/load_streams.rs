//! Responses of real servers, cut anywhere and paced oddly, over real sockets: what is read must
//! not depend on how it arrives.

use crate::support::{Act, Answer, Gate, Part, Seen, Server};

/// Streams of every engine: thinking pauses, comments, pings, characters of several bytes, usage,
/// none; and one that was cut.
const CAPTURES: [&str; 10] = [
    "vllm-stream_usage",
    "vllm-stream_utf8",
    "vllm-stream_usage_continuous",
    "vllm-close_header",
    "vllm-aborted",
    "sglang-stream_usage",
    "sglang-stream_utf8",
    "llama-cpp-stream_usage",
    "llama-cpp-stream_slow_prefill_ping_1s",
    "litellm-mock_stream_usage",
];

/// How a response is cut: bytes of each piece in turn, and a pause after every so many pieces.
const CUTS: [(&[usize], usize); 4] =
    [(&[usize::MAX], 1), (&[1, 2, 3, 5, 8, 13], 40), (&[7, 1500, 1, 1], 11), (&[333], 3)];

#[test]
fn how_a_response_is_cut_changes_nothing() {
    let seen: Vec<_> = CUTS.iter().map(|cut| run(*cut)).collect();
    for (cut, one) in CUTS.iter().zip(&seen) {
        for ((name, expected), found) in CAPTURES.iter().zip(&seen[0]).zip(one) {
            assert_eq!(found, expected, "{name}, cut {cut:?}");
        }
    }
    let of = |name: &str| {
        let at = CAPTURES.iter().position(|c| *c == name).expect("it is on the list");
        &seen[0][at]
    };
    assert_eq!(
        (of("vllm-stream_usage").outcome.as_str(), of("vllm-aborted").outcome.as_str()),
        ("completed", "truncated")
    );
    assert!(CAPTURES.iter().all(|c| of(c).events > 0), "{seen:?}");
}

/// The socket half of that: the stamp is taken per read, not per event.
#[test]
fn events_of_one_write_share_their_instant() {
    let server = Server::start(|seen| {
        let bytes = seen
            .good()
            .0
            .into_iter()
            .flat_map(|act| if let Act::Write(bytes) = act { bytes } else { Vec::new() });
        // Less than a kilobyte: one segment, so one read.
        Answer(vec![Act::Write(bytes.collect())])
    });
    let gate = Gate::new();
    gate.assert_measured(&gate.measure(&server.url(), &["--requests", "3"]));
    for line in gate.raw() {
        let instants = line["output_ns"].as_array().cloned().unwrap_or_default();
        assert_eq!(instants.len(), 4, "{line}");
        assert!(
            instants
                .iter()
                .chain([&line["first_byte_ns"], &line["end_ns"]])
                .all(|at| *at == instants[0]),
            "{line}"
        );
    }
}

/// Each answer is followed by another one that nobody asked for.
#[test]
fn a_second_answer_is_not_given_to_the_next_request() {
    let server = Server::start(|seen| {
        let mut answer = seen.good();
        if matches!(seen.part, Part::Round(..)) {
            answer.0.push(Act::Pause(1));
            answer.0.extend(Answer::error("500 Internal Server Error", "nobody asked").0);
        }
        answer
    });
    let gate = Gate::new();
    gate.assert_measured(
        &gate.measure(&server.url(), &["--requests", "4", "--rate", "5", "--arrival", "constant"]),
    );
    assert!(gate.raw().iter().all(|line| line["outcome"] == "completed"), "{:?}", gate.raw());
    let client = gate.round()["client"].clone();
    assert!(client["unasked"].as_u64().is_some_and(|n| n >= 3), "{client}");
    assert_eq!(client["retries"], 0, "{client}");
    assert!(gate.findings("note").contains(&"unasked".to_owned()), "{:?}", gate.findings("note"));
}

/// What must not depend on the cut.
#[derive(Debug, PartialEq)]
struct Read {
    outcome: String,
    error: Option<String>,
    finish_reason: Option<String>,
    events: usize,
    tokens: Option<u64>,
}

/// One request for each capture.
fn run(cut: (&'static [usize], usize)) -> Vec<Read> {
    let server = Server::start(move |seen: &Seen| match seen.part {
        Part::Round(_, index) => pieces(&capture(CAPTURES[index as usize]), cut),
        _ => seen.good(),
    });
    let gate = Gate::new();
    let requests = CAPTURES.len().to_string();
    let args = [
        "--requests",
        &requests,
        "--rate",
        "100",
        "--arrival",
        "constant",
        "--set",
        "workloads.0.ignore_eos=false",
    ];
    gate.assert_measured(&gate.measure(&server.url(), &args));
    let text = |line: &serde_json::Value, field: &str| line[field].as_str().map(str::to_owned);
    let read = gate.raw().into_iter().map(|line| Read {
        outcome: text(&line, "outcome").expect("a raw line has an outcome"),
        error: text(&line, "error"),
        finish_reason: text(&line, "finish_reason"),
        events: line["output_ns"].as_array().map_or(0, Vec::len),
        tokens: line["output_tokens"].as_u64(),
    });
    read.collect()
}

fn pieces(response: &[u8], (sizes, pause_every): (&[usize], usize)) -> Answer {
    let (mut acts, mut rest) = (Vec::new(), response);
    for (n, size) in (1..).zip(sizes.iter().cycle()) {
        let (piece, left) = rest.split_at((*size).min(rest.len()));
        acts.push(Act::Write(piece.to_vec()));
        if n % pause_every == 0 {
            acts.push(Act::Pause(1));
        }
        rest = left;
        if rest.is_empty() {
            break;
        }
    }
    Answer(acts).then(Act::Close)
}

fn capture(name: &str) -> Vec<u8> {
    let path = crate::support::fixture(&format!("captures/{name}.http"));
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
