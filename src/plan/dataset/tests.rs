//! What is read of a dataset, and what is refused. Not here: which of its requests a round sends
//! (`plan/tests.rs`).

use super::*;
use crate::protocol::{OpenAi, ProtocolName};

const CHAT: Reading<'static> = Reading {
    format: DatasetFormat::Auto,
    protocol: &Protocol::OpenAiChat(OpenAi::CHAT),
    ignore: &[],
};

fn items(text: &str) -> Vec<Item> {
    parse(text, &CHAT).expect("a dataset").items
}

fn error(text: &str) -> String {
    parse(text, &CHAT).expect_err("should be refused").to_string()
}

fn user(text: &str) -> (Role, String) {
    (Role::User, text.to_owned())
}

#[test]
fn sharegpt_asks_what_a_user_asks_first() {
    let text = r#"[
        {"id": "a", "conversations": [{"from": "human", "value": "hello"}, {"from": "gpt", "value": "hi"}, {"from": "human", "value": "more"}]},
        {"id": "b", "conversations": [{"from": "gpt", "value": "I begin"}]},
        {"id": "c", "conversations": [{"from": "system", "value": "be brief"}, {"from": "user", "value": "why"}]},
        {"id": "d", "conversations": []}
    ]"#;
    let all = items(text);
    assert_eq!(all.len(), 2, "what asks nothing is passed over");
    assert_eq!(all[0], Item { messages: vec![user("hello")], ..Item::default() });
    assert_eq!(all[1].messages, [(Role::System, "be brief".to_owned()), user("why")]);
}

#[test]
fn jsonl_takes_prompts_and_messages() {
    let text = concat!(
        "{\"prompt\": \"one\", \"max_tokens\": 7}\n",
        "\n",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"two\"}, {\"role\": \"assistant\", \"content\": \"2\"}, ",
        "{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"and\"}, {\"type\": \"text\", \"text\": \"three\"}]}, ",
        "{\"role\": \"assistant\", \"content\": \"3\"}], \"output_tokens\": 9}\r\n",
        "{\"conversations\": [{\"from\": \"human\", \"value\": \"four\"}]}",
    );
    let all = items(text);
    assert_eq!(
        all[0],
        Item { messages: vec![user("one")], output_tokens: Some(7), ..Item::default() }
    );
    assert_eq!(
        all[1].messages,
        [user("two"), (Role::Assistant, "2".to_owned()), user("and\nthree")],
        "the answer is the server's"
    );
    assert_eq!((all[1].output_tokens, all[2].messages.as_slice()), (Some(9), &[user("four")][..]));
}

#[test]
fn errors_name_the_line_of_the_file() {
    assert_eq!(
        error("{\"prompt\": \"a\"}\n\n{\"id\": \"b\"}"),
        "line 3 of the dataset: neither prompt nor messages: correct the line; it needs prompt (a text) or messages (role and content)"
    );
    assert!(error("{\"prompt\": \"\"}").starts_with("line 1 of the dataset: a message is empty"));
    assert!(error("{\"prompt\": \"a\", \"output_tokens\": 0}").contains("output_tokens is 0"));
    let tool = "{\"role\": \"tool\", \"content\": \"a\"}, {\"role\": \"user\", \"content\": \"b\"}";
    assert!(error(&format!("{{\"messages\": [{tool}]}}")).contains("unknown role `tool`"));
    assert!(
        error("{\"messages\": [{\"role\": \"assistant\", \"content\": \"a\"}]}")
            .contains("no message of a user")
    );
    assert!(
        error("{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image_url\"}]}]}")
            .contains("a part that is no text")
    );
    assert!(
        error("{\"prompt\": 5}")
            .starts_with("line 1 of the dataset: prompt is 5: a text was expected")
    );
    assert!(error("[\n{\"conversations\"}]").contains("line 2"));
    assert!(
        error("[{\"prompt\": \"a\"}, {\"prompt\": 5}]")
            .starts_with("entry 2 of the dataset: prompt is 5")
    );
    assert!(error("[5]").contains("is no ShareGPT file"));
    for nothing in ["", "\n", "[]", "[{\"conversations\": []}]"] {
        assert!(error(nothing).contains("has no request"), "{nothing}");
    }
}

#[test]
fn the_format_can_be_said() {
    assert!(
        parse("{\"prompt\": \"a\"}", &Reading { format: DatasetFormat::ShareGpt, ..CHAT }).is_err()
    );
    assert!(parse("[]", &Reading { format: DatasetFormat::Jsonl, ..CHAT }).is_err());
}

/// Field case 23: only what is sent is checked, and what is left out is counted.
#[test]
fn entries_that_ask_nothing_are_counted_by_the_reason() {
    let mixed = parse(include_str!("../../../tests/fixtures/field/sharegpt-mixed.json"), &CHAT)
        .expect("a dataset");
    assert_eq!(
        (mixed.items.len(), mixed.left_out),
        (12, Vec::new()),
        "turns after the question are not sent"
    );
    let uppercase = items(include_str!("../../../tests/fixtures/field/sharegpt-uppercase.json"));
    assert_eq!(uppercase[0].messages, [user("I checked it")]);
    let array = items(include_str!("../../../tests/fixtures/field/sharegpt-messages-array.json"));
    assert_eq!(array[0].messages, [user("hi")]);
    let null = parse(include_str!("../../../tests/fixtures/field/sharegpt-null-value.json"), &CHAT)
        .expect("a dataset");
    assert_eq!(null.left_out, [LeftOut { why: Why::NoText, count: 1, first: 2, of: 2 }]);
    let some = r#"[{"conversations": [{"from": "gpt", "value": "I begin"}]}, {"id": "d", "conversations": []},
        {"conversations": [{"from": "observation", "value": "42"}, {"from": "human", "value": "why"}]},
        {"conversations": [{"from": "human", "value": "why"}]}]"#;
    let some = parse(some, &CHAT).expect("a dataset");
    assert_eq!(
        some.left_out.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "2 of 4 entries of the dataset are left out: no message of a user (the first is entry 1)",
            "1 of 4 entries of the dataset are left out: a role other than system, user and assistant up to the question (the first is entry 3)",
        ]
    );
    assert!(
        error(r#"[{"conversations": [{"from": "tool", "value": "1"}, {"from": "human", "value": "2"}]}]"#)
            .contains("a role other than")
    );
}

/// Field case 19: most of such a prompt are its tools.
#[test]
fn fields_of_a_request_are_sent() {
    let bfcl = items(include_str!("../../../tests/fixtures/field/tools-bfcl.jsonl"));
    assert!(bfcl.iter().all(|item| item.extra_body["tools"][0]["function"]["name"].is_string()));
    let one = |line: &str| items(line).remove(0);
    let all = one(
        r#"{"prompt": "a", "top_p": 0.5, "response_format": {"type": "json_object"}, "extra_body": {"min_p": 0.1}, "id": 3}"#,
    );
    let expected =
        serde_json::json!({"top_p": 0.5, "response_format": {"type": "json_object"}, "min_p": 0.1});
    assert_eq!(serde_json::Value::Object(all.extra_body), expected);
    let wrapped = serde_json::json!([{"type": "function", "function": {"name": "f"}}]);
    for tools in [
        r#"[{"name": "f"}]"#,
        r#""[{\"name\": \"f\"}]""#,
        r#"[{"type": "function", "function": {"name": "f"}}]"#,
    ] {
        assert_eq!(
            one(&format!("{{\"prompt\": \"a\", \"tools\": {tools}}}")).extra_body["tools"],
            wrapped,
            "{tools}"
        );
    }
    assert!(one(r#"{"prompt": "a", "tools": "[]"}"#).extra_body.is_empty());
    assert!(
        error(r#"{"prompt": "a", "tools": "nonsense"}"#)
            .contains("a list of functions was expected")
    );
    let system = one(r#"{"system": "be brief", "prompt": "why"}"#);
    assert_eq!(system.messages, [(Role::System, "be brief".to_owned()), user("why")]);
    assert!(
        error(r#"{"system": "a", "messages": [{"role": "system", "content": "b"}, {"role": "user", "content": "c"}]}"#)
            .contains("keep one")
    );
}

#[test]
fn what_would_not_be_sent_is_refused_with_its_line() {
    let keys = [
        "text_input",
        "images",
        "image",
        "audio",
        "videos",
        "input",
        "instruction",
        "context",
        "turns",
        "temperature",
        "stream",
        "n",
        "x",
    ];
    for key in keys {
        let text = format!("{{\"prompt\": \"a\"}}\n{{\"prompt\": \"b\", \"{key}\": [\"c\"]}}");
        let why = error(&text);
        assert!(
            why.starts_with(&format!("line 2 of the dataset: `{key}` is not sent")),
            "{key}: {why}"
        );
        let ignore = [key.to_owned()];
        assert_eq!(
            parse(&text, &Reading { ignore: &ignore, ..CHAT }).expect("passed over").items.len(),
            2
        );
    }
    assert!(
        error(r#"[{"conversations": [{"from": "human", "value": "a"}], "image": "a.png"}]"#)
            .starts_with("entry 1")
    );
    let turns = include_str!("../../../tests/fixtures/field/tool-turns.jsonl");
    assert!(
        error(turns).starts_with("line 1 of the dataset: message 2: `tool_calls` is not sent"),
        "{}",
        error(turns)
    );
    assert!(
        error(r#"{"messages": [{"role": "user", "content": "a", "name": "b"}]}"#)
            .contains("`name` is not sent")
    );
    assert!(
        error(r#"{"messages": [{"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {}}]}]}"#)
            .contains("more than text")
    );
    for (key, value) in [
        ("max_tokens", "1"),
        ("stream", "true"),
        ("n", "2"),
        ("temperature", "1"),
        ("messages", "[1]"),
    ] {
        let text = format!("{{\"prompt\": \"a\", \"extra_body\": {{\"{key}\": {value}}}}}");
        assert!(error(&text).contains(&format!("the gate sets `{key}` itself")), "{key}");
    }
    let tools = r#"{"prompt": "a", "tools": [{"name": "f"}]}"#;
    for protocol in [ProtocolName::OpenAiCompletions, ProtocolName::Triton].map(Protocol::from) {
        let why = parse(tools, &Reading { protocol: &protocol, ..CHAT })
            .expect_err("it has no tools")
            .to_string();
        assert!(why.contains("`tools` is not sent over"), "{why}");
    }
    let own = r#"{"prompt": "a", "extra_body": {"bad_words": "x"}}"#;
    assert_eq!(
        parse(own, &Reading { protocol: &ProtocolName::Triton.into(), ..CHAT })
            .expect("as it is")
            .items[0]
            .extra_body["bad_words"],
        "x"
    );
}

#[test]
fn a_key_twice_is_refused_and_what_says_nothing_is_no_key() {
    assert!(error(r#"{"prompt": "a", "prompt": "b"}"#).contains("duplicate field"));
    assert!(
        error(r#"{"prompt": "a", "max_tokens": 1, "output_tokens": 2}"#)
            .contains("duplicate field")
    );
    assert_eq!(items(r#"{"prompt": "a", "images": [], "tools": null, "audio": null}"#).len(), 1);
    assert_eq!(
        items(r#"{"messages": [{"role": "user", "content": "a", "tool_calls": null}]}"#).len(),
        1
    );
}
