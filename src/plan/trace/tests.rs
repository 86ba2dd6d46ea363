//! What is read of a trace, and what is refused. Not here: what a round sends of it (`plan/tests`).

use super::*;

fn lines(text: &str) -> Result<Vec<Line>, PlanError> {
    parse(text, 1.0, &TraceFormat::default())
}

fn error(text: &str) -> String {
    lines(text).expect_err("should be refused").to_string()
}

#[test]
fn both_spellings_are_read_sorted_and_counted_from_the_first() {
    let text = concat!(
        "{\"timestamp\": 3000, \"input_length\": 1000, \"output_length\": 20, \"hash_ids\": [1, 2]}\n",
        "\n",
        "{\"offset_ms\": 999.5, \"prompt\": \"hello\", \"output_tokens\": 5}\r\n",
    );
    let lines = lines(text).expect("reads");
    let (prompt, none) = (Some("hello".into()), Vec::new());
    let first =
        Line { offset_us: 0, prompt, input_tokens: None, output_tokens: Some(5), blocks: none };
    let blocks = vec![1, 2];
    let second = Line {
        offset_us: 2_000_500,
        prompt: None,
        input_tokens: Some(1000),
        output_tokens: Some(20),
        blocks,
    };
    assert_eq!(lines, [first, second]);
    let faster = parse(text, 4.0, &TraceFormat::default()).expect("reads");
    assert_eq!((faster[0].offset_us, faster[1].offset_us), (0, 500_125));
}

#[test]
fn errors_name_the_line_of_the_file() {
    assert_eq!(
        error("{\"offset_ms\": 0}\n\n{\"input_tokens\": 4}"),
        "line 3 of the trace: missing field `offset_ms`: correct the line; it needs offset_ms (or timestamp)"
    );
    assert!(
        error("{\"offset_ms\": 0, \"output_tokens\": 0}")
            .starts_with("line 1 of the trace: output_tokens is 0")
    );
    assert!(error("{\"offset_ms\": -1}").contains("must be between"));
    assert!(error("{\"offset_ms\": 1, \"timestamp\": 1}").contains("duplicate field"));
    assert!(error("{\"offset_ms\": 1, \"offset_ms\": 1}").contains("duplicate field"));
    assert!(error("{\"offset_ms\": 1, \"hash_ids\": [1]}").contains("without input_length"));
    assert!(
        error("{\"offset_ms\": 1, \"prompt\": \"a\", \"hash_ids\": [1]}")
            .contains("both prompt and hash_ids")
    );
    assert!(error("{\"timestamp\": \"soon\"}").contains("a number was expected"));
    assert!(error("nonsense").contains("line 1"));
    assert!(error(" \n").contains("no lines"));
}

/// Field case 21: the text of a line is its prompt, whatever it is called.
#[test]
fn a_text_input_is_the_prompt() {
    let text = include_str!("../../../tests/fixtures/field/mooncake-text-input.jsonl");
    let prompts: Vec<_> = lines(text)
        .expect("reads")
        .into_iter()
        .map(|line| line.prompt.expect("a prompt"))
        .collect();
    assert_eq!(prompts, ["Say hello.", "Say goodbye."]);
    let sessions = include_str!("../../../tests/fixtures/field/mooncake-sessions.jsonl");
    assert!(error(sessions).starts_with("line 2 of the trace: missing field `offset_ms`"));
}

#[test]
fn a_key_that_may_shape_a_request_is_refused_and_a_label_is_not() {
    let shaping = [
        "delay",
        "messages",
        "tools",
        "images",
        "image",
        "system",
        "text",
        "texts",
        "priority",
        "temperature",
        "audio",
    ];
    for key in shaping {
        let line = format!("{{\"offset_ms\": 0}}\n{{\"offset_ms\": 1, \"{key}\": [\"x\"]}}");
        assert!(
            error(&line).starts_with(&format!("line 2 of the trace: `{key}` is not sent")),
            "{key}: {}",
            error(&line)
        );
        let format = TraceFormat { ignore: vec![key.into()], ..TraceFormat::default() };
        assert!(
            parse(&line, 1.0, &format).is_ok(),
            "{key} is passed over where the config says so"
        );
        assert!(lines(&line.replace("[\"x\"]", "null")).is_ok(), "{key}: null says nothing");
    }
    assert!(lines("{\"offset_ms\": 0, \"session_id\": \"a\", \"chat_id\": 1, \"turn\": 1, \"type\": \"text\"}").is_ok());
    assert!(error("{\"offset_ms\": 0, \"type\": \"image\"}").contains("only text is sent"));
}

/// Field case 17: seconds and blocks of 16 tokens.
#[test]
fn another_unit_and_other_blocks_are_refused_until_they_are_said() {
    let text = include_str!("../../../tests/fixtures/field/bailian-trace.jsonl");
    let why = error(text);
    assert!(
        why.contains("line 1 of the trace: 33 hash_ids for 521 input tokens are no blocks of 512"),
        "{why}"
    );
    assert!(why.contains("arrival.trace.block_tokens, such as 16"), "{why}");
    let blocks = TraceFormat { block_tokens: Some(16), ..TraceFormat::default() };
    let why = parse(text, 1.0, &blocks).expect_err("seconds").to_string();
    assert!(
        why.contains("timestamp 61.114 has a fraction") && why.contains("arrival.trace.unit"),
        "{why}"
    );
    let said = parse(text, 1.0, &TraceFormat { unit: Some(TimeUnit::S), ..blocks }).expect("reads");
    assert_eq!(
        said.iter().map(|line| line.offset_us).collect::<Vec<_>>(),
        [0, 486_000, 1_186_000, 1_886_000]
    );
    let ms =
        TraceFormat { unit: Some(TimeUnit::Ms), block_tokens: Some(16), ..TraceFormat::default() };
    assert_eq!(parse(text, 1.0, &ms).expect("as it was said")[3].offset_us, 1886);
}

#[test]
fn whole_seconds_and_dates_are_no_milliseconds() {
    let of = |times: &[u64]| {
        times.iter().fold(String::new(), |all, t| format!("{all}{{\"timestamp\": {t}}}\n"))
    };
    assert!(error(&of(&[0, 0, 0, 1, 1, 1, 2])).contains("7 requests would arrive within 2 ms"));
    assert!(error(&of(&[1_700_000_000, 1_700_000_009])).contains("is a date in seconds"));
    assert!(error(&of(&[1_700_000_000_000_000])).contains("arrival.trace.unit"));
    let micros = TraceFormat { unit: Some(TimeUnit::Us), ..TraceFormat::default() };
    let read = parse(&of(&[1_700_000_000_000_000, 1_700_000_000_250_000]), 1.0, &micros)
        .expect("microseconds");
    assert_eq!(read[1].offset_us, 250_000);
    for good in [&[0, 0, 0, 0][..], &[1_700_000_000_000, 1_700_000_009_000], &[0, 27_482], &[5]] {
        assert!(lines(&of(good)).is_ok(), "{good:?}");
    }
}

#[test]
fn ids_fit_the_length_in_both_directions() {
    let of = |tokens: u32, ids: usize| {
        format!(
            "{{\"offset_ms\": 0, \"input_length\": {tokens}, \"hash_ids\": {:?}}}",
            vec![1; ids]
        )
    };
    for (tokens, ids, fits) in [
        (6755, 14, true),
        (6755, 13, true),
        (6755, 12, false),
        (6755, 15, false),
        (512, 1, true),
        (10, 2, false),
    ] {
        assert_eq!(lines(&of(tokens, ids)).is_ok(), fits, "{ids} ids of {tokens}");
    }
}
