//! Output that is told twice: the whole text again at the end, deltas that grow. Not here: other quirks.

use super::*;

#[test]
fn a_repeat_of_the_whole_text_is_no_output() {
    let answer = read(field!("perplexity-message-beside-delta"));
    assert_eq!(
        (told(&answer), answer.outputs.len(), answer.usage.completion_tokens),
        ((Completed, ""), 8, Some(8))
    );
    let message = |text: &str| {
        format!("data: {{\"choices\":[{{\"message\":{{\"content\":\"{text}\"}}}}]}}\n\n")
    };
    let instead = streamed(&[&message("one"), &message(" two"), STOP, DONE].concat());
    assert_eq!(
        (told(&instead), instead.outputs.len()),
        ((Completed, ""), 2),
        "where there are no deltas it is all there is"
    );
    let last = ONE.replace(" one", " one two three").replace("null", "\"stop\"");
    let ended = streamed(&[ONE, TWO, &TWO.replace("two", "three"), &last, DONE].concat());
    assert_eq!(
        (told(&ended), ended.outputs.len()),
        ((Completed, ""), 3),
        "the last event has it all once more"
    );
    let after = streamed(&[ONE, TWO, &message(" one two"), STOP, DONE].concat());
    assert_eq!((told(&after), after.outputs.len()), ((Completed, ""), 2));
}

#[test]
fn cumulative_deltas_are_refused_by_that_word() {
    let event = |field: &str, text: &str| {
        format!("data: {{\"choices\":[{{\"delta\":{{\"{field}\":\"{text}\"}}}}]}}\n\n")
    };
    let texts = ["a", "a b", "a b c", "a b c d", "a b c d e"];
    for field in ["content", "reasoning_content"] {
        for n in [3, 5] {
            let events: String = texts[..n].iter().map(|text| event(field, text)).collect();
            let answer = streamed(&[&events, STOP, DONE].concat());
            assert!(
                answer.outcome == Malformed && told(&answer).1.starts_with("cumulative deltas"),
                "{answer:?}"
            );
        }
    }
    let beside: String = texts
        .iter()
        .map(|text| {
            event("content", text)
                .replace("\"delta\"", &format!("\"message\":{{\"content\":\"{text}\"}},\"delta\""))
        })
        .collect();
    assert!(told(&streamed(&[&beside, STOP, DONE].concat())).1.starts_with("cumulative deltas"));
    let each = |event: fn(&str) -> String| texts.map(event).concat();
    let lines = each(|text| format!("{{\"response\":\"{text}\",\"done\":false}}\n"));
    let ollama = read_as(
        ProtocolName::OllamaGenerate,
        &labelled("application/x-ndjson", &(lines + "{\"done\":true}\n")),
    );
    assert!(told(&ollama).1.starts_with("cumulative deltas"), "{ollama:?}");
    let triton = each(|text| format!("data: {{\"text_output\":\"{text}\"}}\n\n"));
    let triton = read_as(ProtocolName::Triton, &labelled("text/event-stream", &triton));
    assert!(told(&triton).1.starts_with("cumulative deltas"), "{triton:?}");
    let thought = "data: {\"choices\":[{\"delta\":{\"reasoning\":\"hm\"}}]}\n\n".repeat(3);
    let after: String = texts.iter().map(|text| event("content", text)).collect();
    assert!(
        told(&streamed(&[&thought, &after, STOP, DONE].concat()))
            .1
            .starts_with("cumulative deltas"),
        "after reasoning"
    );
    let same = streamed(&[ONE, ONE, ONE, ONE, STOP, DONE].concat());
    assert_eq!(
        (told(&same), same.outputs.len()),
        ((Completed, ""), 4),
        "one token again and again is an answer"
    );
}

#[test]
fn cumulative_arguments_of_tool_calls_are_refused_by_that_word() {
    let event = |delta: &str| {
        format!("data: {{\"choices\":[{{\"delta\":{delta},\"finish_reason\":null}}]}}\n\n")
    };
    let function = |arguments: &str| {
        format!("{{\"name\":\"f\",\"arguments\":{}}}", serde_json::Value::from(arguments))
    };
    let call = |arguments: &str| {
        event(&format!("{{\"tool_calls\":[{{\"index\":0,\"function\":{}}}]}}", function(arguments)))
    };
    let older = |arguments: &str| event(&format!("{{\"function_call\":{}}}", function(arguments)));
    let growing = ["", "{\"city\"", "{\"city\": \"Se", "{\"city\": \"Seoul\"}"];
    let parts = ["", "{\"city\"", ": \"Se", "oul\"}"];
    let text = event("{\"content\":\"one\"}")
        + &event("{\"content\":\" two\"}")
        + &event("{\"content\":\" three\"}");
    for before in ["", &text] {
        let all = |each: &dyn Fn(&str) -> String, parts: [&str; 4]| {
            streamed(&[before, &parts.map(each).concat(), STOP, DONE].concat())
        };
        for each in [&call as &dyn Fn(&str) -> String, &older] {
            let grown = all(each, growing);
            assert!(
                grown.outcome == Malformed && told(&grown).1.starts_with("cumulative deltas"),
                "{grown:?}"
            );
            let sound = all(each, parts);
            assert_eq!(
                (told(&sound), sound.outputs.len()),
                ((Completed, ""), 4 + if before.is_empty() { 0 } else { 3 })
            );
        }
    }
}
