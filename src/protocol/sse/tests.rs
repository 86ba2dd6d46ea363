//! Tests of the event scanner.

use proptest::prelude::*;

use super::*;

type Events = Vec<(Vec<u8>, bool)>;

fn scan<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Events {
    let mut scanner = Scanner::new();
    let mut events = Vec::new();
    let mut sink = |e: SseEvent<'_>| events.push((e.data.to_vec(), e.error));
    for piece in pieces {
        scanner.feed(piece, &mut sink).expect("events are small");
    }
    scanner.finish(&mut sink).expect("events are small");
    events
}

fn data(bytes: &str) -> Vec<String> {
    scan([bytes.as_bytes()]).into_iter().map(|(data, _)| String::from_utf8(data).expect("UTF-8")).collect()
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
    let mut error = false;
    for line in text.split(|&b| b == b'\n').chain([&b""[..]]) {
        if line.is_empty() {
            if !lines.is_empty() {
                events.push((lines.join(&b'\n'), error));
            }
            (lines, error) = (Vec::new(), false);
        } else if line == b"data" {
            lines.push(Vec::new());
        } else if let Some(value) = line.strip_prefix(b"data:") {
            lines.push(value.strip_prefix(b" ").unwrap_or(value).to_vec());
        } else if let Some(value) = line.strip_prefix(b"event:") {
            error = value.strip_prefix(b" ").unwrap_or(value) == b"error";
        } else if line == b"event" {
            error = false;
        }
    }
    events
}

#[test]
fn line_ends_of_every_kind() {
    for end in ["\n", "\r\n", "\r"] {
        let text = ["data: a", "", "data:b", "", ": comment", "", "data: c", "data: d", "", ""].join(end);
        assert_eq!(data(&text), ["a", "b", "c\nd"], "{end:?}");
    }
}

#[test]
fn comments_and_other_fields_are_no_events() {
    assert_eq!(data(":\n\n: ping\n\nid: 7\nretry: 10\nevent: message\n\ndata: x\n\nevent\n\n"), ["x"]);
}

#[test]
fn event_error_is_kept_as_a_hint_for_its_own_event_only() {
    let got = scan([&b"event: error\ndata: boom\n\ndata: fine\n\n"[..]]);
    assert_eq!(got, [(b"boom".to_vec(), true), (b"fine".to_vec(), false)]);
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
    Scanner::new().feed(bytes, &mut |e| borrowed.push(range.contains(&e.data.as_ptr()))).expect("events are small");
    // Of the first line nobody knows yet whether a byte order mark leads it.
    assert_eq!(borrowed, [false, true, true]);
}

#[test]
fn an_endless_event_is_an_error() {
    let mut scanner = Scanner::new();
    let piece = vec![b'x'; 1024 * 1024];
    let fed: Result<(), EventTooLarge> = (0..17).try_for_each(|_| scanner.feed(&piece, &mut |_| {}));
    assert_eq!(fed, Err(EventTooLarge));
    let mut scanner = Scanner::new();
    let line = [b"data: ".to_vec(), piece, b"\n".to_vec()].concat();
    let fed: Result<(), EventTooLarge> = (0..17).try_for_each(|_| scanner.feed(&line, &mut |_| {}));
    assert_eq!(fed, Err(EventTooLarge));
}

fn fragment() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "data: ",
        "data:",
        "data",
        "{\"a\":\"b\"}",
        "é🦊",
        "\n",
        "\n\n",
        "\r",
        "\r\n",
        "\r\n\r\n",
        ":",
        ": ping\n\n",
        "event: error\n",
        "event: x",
        "id: 1\n",
        " ",
        "\u{feff}",
        "[DONE]",
        "x",
    ])
}

proptest! {
    #[test]
    fn any_split_gives_the_reference_events(
        fragments in prop::collection::vec(fragment(), 0..30),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let text = fragments.concat();
        let bytes = text.as_bytes();
        let mut at: Vec<usize> = cuts.iter().map(|c| c.index(bytes.len() + 1)).chain([0, bytes.len()]).collect();
        at.sort_unstable();
        let expected = reference(bytes);
        prop_assert_eq!(&scan([bytes]), &expected);
        prop_assert_eq!(&scan(at.windows(2).map(|w| &bytes[w[0]..w[1]])), &expected);
        prop_assert_eq!(&scan(bytes.chunks(1)), &expected);
    }
}
