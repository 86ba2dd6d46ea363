//! Tests of the HTTP/1.1 response reader.

use proptest::prelude::*;

use super::*;

/// What a reader made of a response: head, body, last progress or error.
#[derive(Debug, PartialEq)]
struct Read {
    head: Option<Head>,
    body: Vec<u8>,
    end: Result<Progress, HttpError>,
}

fn read_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (ResponseReader, Read) {
    let mut reader = ResponseReader::new();
    let mut body = Vec::new();
    let mut end = Ok(Progress::More);
    for piece in pieces {
        end = reader.feed(piece, &mut |_, bytes| body.extend_from_slice(bytes));
        if end.is_err() {
            break;
        }
    }
    let head = reader.head().cloned();
    (reader, Read { head, body, end })
}

fn read(bytes: &[u8]) -> Read {
    read_pieces([bytes]).1
}

const COMPLETE: Result<Progress, HttpError> = Ok(Progress::Complete { reusable: true });
const LAST: Result<Progress, HttpError> = Ok(Progress::Complete { reusable: false });

#[test]
fn content_length_ends_the_body_and_keeps_the_connection() {
    let got = read(b"HTTP/1.1 200 OK\r\nContent-Type: Application/JSON; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(got.body, b"hello");
    assert_eq!(got.end, COMPLETE);
    let head = got.head.expect("the head is whole");
    assert_eq!(
        (head.status, head.content_type.as_deref(), head.keep_alive),
        (200, Some("application/json"), true)
    );
}

#[test]
fn chunks_extensions_and_trailers_are_decoded() {
    let got = read(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=b\r\nabc\r\n00A \r\n0123456789\r\n0\r\nX: y\r\nZ: w\r\n\r\n",
    );
    assert_eq!(got.body, b"abc0123456789");
    assert_eq!(got.end, COMPLETE);
}

#[test]
fn connection_close_and_http_1_0_are_not_reusable() {
    assert_eq!(
        read(b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n").end,
        LAST
    );
    assert_eq!(read(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").end, LAST);
    assert_eq!(
        read(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n").end,
        COMPLETE
    );
}

#[test]
fn a_body_without_length_lasts_until_close() {
    let (mut reader, got) = read_pieces([&b"HTTP/1.1 200 OK\r\n\r\nabc"[..], b"def"]);
    assert_eq!((got.body.as_slice(), got.end), (&b"abcdef"[..], Ok(Progress::More)));
    assert_eq!(reader.finish_on_close(), Ok(()));
}

#[test]
fn no_content_ends_with_its_head() {
    for status in ["204 No Content", "304 Not Modified"] {
        let got =
            read(format!("HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n\r\n").as_bytes());
        assert_eq!((got.body.len(), got.end), (0, COMPLETE));
    }
}

#[test]
fn interim_heads_are_skipped() {
    let bytes = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok";
    let whole = read(bytes);
    assert_eq!(
        (whole.head.as_ref().map(|h| h.status), whole.body.as_slice()),
        (Some(201), &b"ok"[..])
    );
    assert_eq!(read_pieces(bytes.chunks(1)).1, whole);
}

#[test]
fn bytes_after_the_end_make_the_connection_unusable() {
    assert_eq!(read(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP").end, LAST);
    let (mut reader, got) =
        read_pieces([&b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"[..]]);
    assert_eq!(got.end, COMPLETE);
    assert_eq!(reader.feed(b"x", &mut |_, _| {}), LAST);
}

#[test]
fn closing_too_early_is_truncation() {
    for bytes in [
        &b"HTTP/1.1 200 OK\r\nContent-Le"[..],
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
    ] {
        let (mut reader, _) = read_pieces([bytes]);
        assert!(matches!(reader.finish_on_close(), Err(HttpError::Truncated(_))));
    }
}

#[test]
fn broken_framing_is_an_error() {
    let chunked = |body: &str| {
        read(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}").as_bytes()).end
    };
    for body in
        ["\r\n", "xyz\r\n", "3\r\nabcd\r\n", "3\nabc\r\n", "11111111111111111\r\n", "-3\r\nabc"]
    {
        assert!(matches!(chunked(body), Err(HttpError::Chunk(_))), "{body:?}");
    }
    let head = |headers: &str| read(format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\n").as_bytes()).end;
    assert!(matches!(head("Content-Length: 3\r\nContent-Length: 4"), Err(HttpError::Length(_))));
    assert!(matches!(head("Content-Length: +3"), Err(HttpError::Length(_))));
    assert!(matches!(head("Content-Encoding: gzip"), Err(HttpError::Coding(..))));
    assert!(matches!(head("Transfer-Encoding: gzip, chunked"), Err(HttpError::Coding(..))));
    assert!(matches!(head("Transfer-Encoding: chunked, x-own"), Err(HttpError::Framing(_))));
    assert!(matches!(read(b"\x15\x03\x01\x00\x02\x02").end, Err(HttpError::Head(_))));
    assert!(matches!(
        read(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").end,
        Err(HttpError::Switched)
    ));
}

#[test]
fn an_endless_head_is_an_error() {
    let mut bytes = b"HTTP/1.1 200 OK\r\nX: ".to_vec();
    bytes.resize(MAX_HEAD + 1, b'a');
    assert_eq!(read(&bytes).end, Err(HttpError::HeadTooLarge));
}

#[test]
fn both_framings_at_once_are_read_but_not_reused() {
    let got = read(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n");
    assert_eq!((got.body.as_slice(), got.end), (&b"a"[..], LAST));
}

#[derive(Clone, Debug)]
enum Framing {
    Sized,
    UntilClose,
    Chunked(Vec<usize>),
}

fn response(body: &[u8], framing: &Framing) -> Vec<u8> {
    let mut out = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nServer: test\r\n".to_vec();
    match framing {
        Framing::Sized => out.extend(format!("Content-Length: {}\r\n\r\n", body.len()).bytes()),
        Framing::UntilClose => out.extend(b"\r\n"),
        Framing::Chunked(sizes) => {
            out.extend(b"Transfer-Encoding: chunked\r\n\r\n");
            let mut rest = body;
            for size in sizes.iter().copied().chain([usize::MAX]) {
                let (piece, later) = rest.split_at(size.min(rest.len()));
                if !piece.is_empty() {
                    out.extend(format!("{:x};n=\"v\"\r\n", piece.len()).bytes());
                    out.extend_from_slice(piece);
                    out.extend(b"\r\n");
                }
                rest = later;
            }
            out.extend(b"0\r\nT: x\r\n\r\n");
            return out;
        }
    }
    out.extend_from_slice(body);
    out
}

fn framing() -> impl Strategy<Value = Framing> {
    prop_oneof![
        Just(Framing::Sized),
        Just(Framing::UntilClose),
        prop::collection::vec(1_usize..40, 0..6).prop_map(Framing::Chunked)
    ]
}

proptest! {
    #[test]
    fn any_split_gives_the_same_body(
        body in prop::collection::vec(any::<u8>(), 0..200),
        framing in framing(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let bytes = response(&body, &framing);
        let mut at: Vec<usize> = cuts.iter().map(|c| c.index(bytes.len())).chain([0, bytes.len()]).collect();
        at.sort_unstable();
        let (mut reader, split) = read_pieces(at.windows(2).map(|w| &bytes[w[0]..w[1]]).filter(|p| !p.is_empty()));
        prop_assert_eq!(&split.body, &body);
        prop_assert_eq!(&split, &read(&bytes));
        prop_assert_eq!(&split, &read_pieces(bytes.chunks(1)).1);
        prop_assert_eq!(reader.finish_on_close(), Ok(()));
    }
}
