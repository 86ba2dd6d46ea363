//! Tests of the event scanner.

use proptest::prelude::*;

use super::*;

/// What each event is, and its bytes.
type Events = Vec<(char, Vec<u8>)>;

fn owned(event: SseEvent<'_>) -> (char, Vec<u8>) {
    match event {
        SseEvent::Data(bytes) => ('d', bytes.to_vec()),
        SseEvent::Failure(bytes) => ('f', bytes.to_vec()),
        SseEvent::Stray(bytes) => ('s', bytes.to_vec()),
    }
}

fn scan<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Events {
    let mut scanner = Scanner::new();
    let mut events = Vec::new();
    let mut sink = |e: SseEvent<'_>| events.push(owned(e));
    for piece in pieces {
        scanner.feed(piece, &mut sink).expect("events are small");
    }
    scanner.finish(&mut sink).expect("events are small");
    events
}

fn data(bytes: &str) -> Vec<String> {
    let all = scan([bytes.as_bytes()]);
    assert!(all.iter().all(|(kind, _)| *kind == 'd'), "{all:?}");
    all.into_iter().map(|(_, data)| String::from_utf8(data).expect("UTF-8")).collect()
}

/// Each event as `d`, `f` or `s` before its text.
fn told(bytes: &str) -> Vec<String> {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    scan([bytes.as_bytes()])
        .into_iter()
        .map(|(kind, bytes)| format!("{kind} {}", text(bytes).trim_end()))
        .collect()
}

/// The standard's rules over the whole text at once, written as plainly as possible.
fn reference(bytes: &[u8]) -> Events {
    let mut text = Vec::new();
    for (i, &b) in bytes.iter().enumerate() {
        match b {
            b'\r' => text.push(b'\n'),
            b'\n' if i > 0 && bytes[i - 1] == b'\r' => {}
            _ => text.push(b),
        }
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    let mut events = Vec::new();
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for line in text.split(|&b| b == b'\n').chain([&b""[..]]) {
        if line.is_empty() {
            if !lines.is_empty() {
                events.push(('d', lines.join(&b'\n')));
            }
            lines = Vec::new();
        } else if line == b"data" {
            lines.push(Vec::new());
        } else if let Some(value) = line.strip_prefix(b"data:") {
            lines.push(value.strip_prefix(b" ").unwrap_or(value).to_vec());
        }
    }
    events
}

#[test]
fn line_ends_of_every_kind() {
    for end in ["\n", "\r\n", "\r"] {
        let text =
            ["data: a", "", "data:b", "", ": comment", "", "data: c", "data: d", "", ""].join(end);
        assert_eq!(data(&text), ["a", "b", "c\nd"], "{end:?}");
    }
}

#[test]
fn comments_and_other_fields_are_no_events() {
    assert_eq!(
        data(":\n\n: ping\n\nid: 7\nretry: 10\nevent: message\n\ndata: x\n\nevent\n\n"),
        ["x"]
    );
}

#[test]
fn event_error_is_of_its_own_event_only() {
    assert_eq!(told("event: error\ndata: boom\n\ndata: fine\n\n"), ["f boom", "d fine"]);
    assert_eq!(told("event: error\nevent: message\ndata: fine\n\n"), ["d fine"]);
}

#[test]
fn a_failure_is_heard_wherever_a_server_puts_it() {
    for (text, expected) in [
        ("event: error\n: worker lost\n\n", "f worker lost"),
        (": worker lost\nevent: error\n\n", "f worker lost"),
        ("event: error\n\n", "f error"),
        ("event: response.failed\ndata: {}\n\n", "f response.failed"),
        ("data: x\nevent: error\n\n", "f x"),
        (": Exception: engine core died\n\n", "f Exception: engine core died"),
        (": RuntimeError\n", "f RuntimeError"),
        ("error: {\"message\":\"boom\"}\n\n", "f {\"message\":\"boom\"}"),
        ("error: boom\n", "f boom"),
        ("exception: boom", "f boom"),
        (
            "upstream connect error or disconnect: reset\n",
            "f upstream connect error or disconnect: reset",
        ),
        ("Internal Server Error\n", "f Internal Server Error"),
        ("{\"error\": \"Decode service timeout\"}", "s {\"error\": \"Decode service timeout\"}"),
        (
            "{\n \"error\": {\n  \"message\": \"x\"\n }\n}\n",
            "s {\n \"error\": {\n  \"message\": \"x\"\n }\n}",
        ),
        ("[{\"error\": 1}]\n", "s [{\"error\": 1}]"),
        ("<html>\n<title>502</title>\n", "s <html>\n<title>502</title>"),
        (" data: {\"choices\":[]}\n", "s  data: {\"choices\":[]}"),
    ] {
        assert_eq!(told(text), [expected], "{text:?}");
        assert_eq!(
            told(&format!("data: a\n\n{text}\n\ndata: [DONE]\n\n")),
            ["d a", expected, "d [DONE]"],
            "{text:?}"
        );
    }
    assert_eq!(told(": error x\ndata: [DONE]\n\n"), ["f error x", "d [DONE]"]);
    assert_eq!(told("{\"error\":1}\ndata: [DONE]\n\n"), ["s {\"error\":1}", "d [DONE]"]);
    assert_eq!(told("data: {\"a\":1}\nevent: error\n\n"), ["d {\"a\":1}", "f error"]);
    for nothing in [
        "error:\n",
        "error: null\n",
        "errors: 0\n",
        "meta: 5\n",
        ": 0 errors\n",
        "event: done\n\n",
        "[INFO] ready\n",
        "x",
    ] {
        assert_eq!(told(nothing), [""; 0], "{nothing}");
    }
}

#[test]
fn single_line_feeds_part_events_of_json() {
    for end in ["\n", "\r\n", "\r"] {
        let text =
            ["data: {\"a\":1}", "data: {\"b\":2}", "id: 4", "data: {\"c\":3}", "data: [DONE]", ""]
                .join(end);
        assert_eq!(data(&text), ["{\"a\":1}", "{\"b\":2}", "{\"c\":3}", "[DONE]"], "{end:?}");
    }
    // What is not whole yet goes on, as the standard has it.
    assert_eq!(data("data: {\"a\":\ndata: {}}\n\n"), ["{\"a\":\n{}}"]);
    assert_eq!(data("data: {}}\ndata: x\n\n"), ["{}}\nx"]);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_line() {
    assert_eq!(data("\u{feff}data: a\n\ndata: b\n\n"), ["a", "b"]);
    assert_eq!(data("data: a\n\n\u{feff}data: b\n\n"), ["a"]);
}

#[test]
fn the_last_event_needs_no_blank_line() {
    assert_eq!(data("data: a\n\ndata: b"), ["a", "b"]);
    assert_eq!(data("data: a\n\ndata: b\r"), ["a", "b"]);
}

#[test]
fn data_without_a_value_is_an_event() {
    assert_eq!(data("data\n\ndata:\n\ndata: \n\n\n\n"), ["", "", ""]);
}

#[test]
fn payloads_of_whole_events_are_slices_of_the_input() {
    let bytes = b"data: first\n\ndata: second\n\ndata: third\r\n\r\n";
    let range = bytes.as_ptr_range();
    let mut borrowed = Vec::new();
    Scanner::new()
        .feed(bytes, &mut |e| {
            borrowed.push(matches!(e, SseEvent::Data(data) if range.contains(&data.as_ptr())));
        })
        .expect("events are small");
    // Of the first line nobody knows yet whether a byte order mark leads it.
    assert_eq!(borrowed, [false, true, true]);
}

#[test]
fn an_endless_event_is_an_error() {
    let mut scanner = Scanner::new();
    let piece = vec![b'x'; 1024 * 1024];
    let fed: Result<(), EventTooLarge> =
        (0..17).try_for_each(|_| scanner.feed(&piece, &mut |_| {}));
    assert_eq!(fed, Err(EventTooLarge));
    let mut scanner = Scanner::new();
    let line = [b"data: ".to_vec(), piece, b"\n".to_vec()].concat();
    let fed: Result<(), EventTooLarge> = (0..17).try_for_each(|_| scanner.feed(&line, &mut |_| {}));
    assert_eq!(fed, Err(EventTooLarge));
}

/// Of these only the standard's own rules make events.
const PLAIN: [&str; 17] = [
    "data: ",
    "data:",
    "data",
    "a",
    "é🦊",
    "\n",
    "\n\n",
    "\r",
    "\r\n",
    "\r\n\r\n",
    ":",
    ": ping\n\n",
    "event: x",
    "id: 1\n",
    " ",
    "\u{feff}",
    "[DONE]",
];
const ASIDE: [&str; 10] = [
    "{\"a\":\"b\"}",
    "data: {\"a\":1}\n",
    "event: error\n",
    ": error\n",
    "error: x\n",
    "{",
    "}",
    "\"a\":1",
    "<html>",
    "failed",
];

fn pieces<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> =
        cuts.iter().map(|c| c.index(bytes.len() + 1)).chain([0, bytes.len()]).collect();
    at.sort_unstable();
    at.windows(2).map(|w| &bytes[w[0]..w[1]]).collect()
}

proptest! {
    #[test]
    fn any_split_gives_the_reference_events(
        fragments in prop::collection::vec(prop::sample::select(PLAIN.to_vec()), 0..30),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let text = fragments.concat();
        let bytes = text.as_bytes();
        let expected = reference(bytes);
        prop_assert_eq!(&scan([bytes]), &expected);
        prop_assert_eq!(&scan(pieces(bytes, &cuts)), &expected);
        prop_assert_eq!(&scan(bytes.chunks(1)), &expected);
    }

    #[test]
    fn any_split_hears_the_same_failures(
        fragments in prop::collection::vec(prop::sample::select([&PLAIN[..], &ASIDE[..]].concat()), 0..30),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let text = fragments.concat();
        let bytes = text.as_bytes();
        let expected = scan([bytes]);
        prop_assert_eq!(&scan(pieces(bytes, &cuts)), &expected);
        prop_assert_eq!(&scan(bytes.chunks(1)), &expected);
    }
}
