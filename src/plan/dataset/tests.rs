//! What is read of a dataset, and what is refused. Not here: which of its requests a round sends (`plan/tests.rs`).

use super::*;

fn items(text: &str) -> Vec<Item> {
    parse(text, DatasetFormat::Auto).expect("a dataset")
}

fn error(text: &str) -> String {
    parse(text, DatasetFormat::Auto).expect_err("should be refused").to_string()
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
    assert_eq!(all[0], Item { messages: vec![user("hello")], output_tokens: None });
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
    assert_eq!(all[0], Item { messages: vec![user("one")], output_tokens: Some(7) });
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
        error("{\"prompt\": \"a\"}\n\n{\"text\": \"b\"}"),
        "line 3 of the dataset: neither prompt nor messages: correct the line; it needs prompt (a text) or messages (role and content)"
    );
    assert!(error("{\"prompt\": \"\"}").starts_with("line 1 of the dataset: a message is empty"));
    assert!(error("{\"prompt\": \"a\", \"output_tokens\": 0}").contains("output_tokens is 0"));
    assert!(error("{\"messages\": [{\"role\": \"tool\", \"content\": \"a\"}]}").contains("unknown role `tool`"));
    assert!(error("{\"messages\": [{\"role\": \"assistant\", \"content\": \"a\"}]}").contains("no message of a user"));
    assert!(
        error("{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image_url\"}]}]}")
            .contains("a part that is no text")
    );
    assert!(error("{\"prompt\": 5}").starts_with("line 1 of the dataset: invalid type"));
    assert!(error("[\n{\"conversations\": [{\"from\": \"human\"}]}]").contains("line 2"));
    assert!(error("[{\"prompt\": \"a\"}]").contains("entry 1 has no conversations"));
    for nothing in ["", "\n", "[]", "[{\"conversations\": []}]"] {
        assert!(error(nothing).contains("has no request"), "{nothing}");
    }
}

#[test]
fn the_format_can_be_said() {
    assert!(parse("{\"prompt\": \"a\"}", DatasetFormat::ShareGpt).is_err());
    assert!(parse("[]", DatasetFormat::Jsonl).is_err());
}
