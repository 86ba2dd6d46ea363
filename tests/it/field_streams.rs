//! Responses that public reports describe (`tests/fixtures/field`), over real sockets: what a run
//! makes of them, in `--raw` and in the record.

use serde_json::{Value, json};

use crate::support::{Act, Answer, Gate, Part, Seen, Server, Setup};

/// Fixture, outcome, words of the error, events with output, output tokens.
const CASES: [(&str, &str, &str, usize, Option<u64>); 9] = [
    ("dynamo-comment-error", "malformed", "worker instance disconnected mid-stream", 4, None),
    ("dynamo-comment-error-with-done", "malformed", "Exception: engine core died", 4, None),
    ("bare-json-error-in-stream-mid", "malformed", "Decode service timeout", 4, None),
    ("sse-labelled-json", "completed", "", 8, Some(8)),
    ("perplexity-message-beside-delta", "completed", "", 8, Some(8)),
    ("mistral-thinking-parts", "completed", "", 8, Some(8)),
    ("localai-usage-zero", "completed", "", 8, None),
    ("transfer-encoding-twice", "completed", "", 8, Some(8)),
    ("hidden-reasoning-tokens", "completed", "", 8, Some(68)),
];

fn fixture(name: &str) -> Answer {
    let path = crate::support::fixture(&format!("field/{name}.http"));
    Answer(vec![Act::Write(
        std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())),
    )])
}

/// A run whose requests are answered by these, in turn.
fn run(answers: Vec<Answer>, more: &[&str]) -> Gate {
    let requests = answers.len().to_string();
    let server = Server::start(move |seen| match seen.part {
        Part::Round(_, index) => answers[index as usize].clone(),
        _ => seen.good(),
    });
    let gate = Gate::new();
    let args =
        ["--requests", &requests, "--concurrency", "1", "--set", "workloads.0.ignore_eos=false"];
    gate.assert_measured(&gate.measure(&server.url(), &[&args, more].concat()));
    gate
}

#[test]
fn each_response_is_what_it_is() {
    let gate = run(CASES.iter().map(|case| fixture(case.0)).collect(), &[]);
    for ((name, outcome, words, events, tokens), line) in CASES.iter().zip(gate.raw()) {
        assert_eq!(line["outcome"], *outcome, "{name}: {line}");
        assert!(line["error"].as_str().unwrap_or_default().contains(words), "{name}: {line}");
        assert_eq!(line["output_ns"].as_array().map(Vec::len), Some(*events), "{name}: {line}");
        assert_eq!(line["output_tokens"].as_u64(), *tokens, "{name}: {line}");
    }
    let columns = gate.round()["columns"].clone();
    assert_eq!(columns["hidden_tokens"], json!([0, 0, 0, 0, 0, 0, 0, 0, 60]));
    let notes = gate.findings("note");
    for note in ["hidden_tokens", "zero_tokens", "no_usage", "failures"] {
        assert!(notes.contains(&note.to_owned()), "{note} is not in {notes:?}");
    }
}

/// `[DONE]` comes after half of the tokens, and no finish reason.
#[test]
fn an_end_mark_without_a_reason_is_no_end_where_the_server_gives_reasons() {
    let cut = || {
        Answer::open(2).then(Act::Write(
            [crate::support::chunk(b"data: [DONE]\n\n"), b"0\r\n\r\n".to_vec()].concat(),
        ))
    };
    let gate = run(vec![Answer::stream(4), cut(), Answer::stream(4)], &[]);
    let outcomes: Vec<Value> = gate.raw().iter().map(|line| line["outcome"].clone()).collect();
    assert_eq!(outcomes, ["completed", "truncated", "completed"]);
    assert!(
        gate.raw()[1]["error"].as_str().is_some_and(|e| e.contains("without a finish reason")),
        "{}",
        gate.raw()[1]
    );
    assert_eq!(gate.round()["errors"][0]["kind"], "truncated");
    // What the warm-up showed is known in the round.
    let alone =
        Server::start(
            move |seen| if matches!(seen.part, Part::Round(..)) { cut() } else { seen.good() },
        );
    let gate = Gate::new();
    let ran = gate.measure(
        &alone.url(),
        &["--requests", "2", "--concurrency", "1", "--set", "workloads.0.ignore_eos=false"],
    );
    assert_eq!(ran.code, Some(3), "{ran:?}");
    // A server that never gives one is as it is.
    let silent = Server::start(move |_| cut());
    let gate = Gate::new();
    gate.assert_measured(
        &gate.measure(&silent.url(), &["--requests", "2", "--set", "workloads.0.ignore_eos=false"]),
    );
    assert!(gate.raw().iter().all(|line| line["outcome"] == "completed"), "{:?}", gate.raw());
}

/// The probe looks at the body too.
#[test]
fn a_stream_under_any_label_is_measured_and_an_error_under_any_is_told() {
    let labelled = |seen: &Seen| {
        let Answer(mut acts) = seen.good();
        let Some(Act::Write(head)) = acts.first_mut() else {
            panic!("an answer begins with its head")
        };
        *head =
            String::from_utf8_lossy(head).replace("text/event-stream", "text/html").into_bytes();
        Answer(acts)
    };
    let server = Server::with(Setup::default(), labelled);
    let gate = Gate::new();
    gate.assert_measured(&gate.measure(&server.url(), &["--requests", "2"]));
    assert!(gate.raw().iter().all(|line| line["outcome"] == "completed"), "{:?}", gate.raw());
    let dead = Server::start(|_| {
        Answer::whole("200 OK", "text/html", "{\"error\": \"Decode service timeout\"}")
    });
    let gate = Gate::new();
    gate.measure(&dead.url(), &["--requests", "2"])
        .assert_says(3, &["answers 200 with an error: Decode service timeout"]);
}

/// A server that never ends its answer costs neither time nor memory.
#[test]
fn an_endless_stream_is_ended() {
    let flood = |seen: &Seen| match seen.part {
        Part::Round(..) => {
            let events = crate::support::delta("x", None).repeat(2000);
            Answer::open(0).then(Act::Write(events)).then(Act::Hang)
        }
        _ => seen.good(),
    };
    let server = Server::start(flood);
    let gate = Gate::new();
    let ran = gate.measure(&server.url(), &["--requests", "2", "--timeout", "30s"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    for line in gate.raw() {
        assert_eq!(line["outcome"], "malformed", "{line}");
        assert!(
            line["error"].as_str().is_some_and(|e| e.starts_with("ended by goodput-gate")),
            "{line}"
        );
    }
}
