//! Tests of the line splitter: any split gives the same lines.

use proptest::prelude::*;

use super::*;

fn lines<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let mut splitter = Lines::default();
    for piece in pieces {
        splitter.feed(piece, &mut |line| all.push(line.to_vec())).expect("short lines");
    }
    splitter.finish(&mut |line| all.push(line.to_vec()));
    all
}

#[test]
fn empty_lines_are_none_and_the_last_needs_no_end() {
    let got = lines([&b"{\"a\":1}\r\n\n \n{\"b\":2}"[..]]);
    assert_eq!(got, [b"{\"a\":1}".to_vec(), b"{\"b\":2}".to_vec()]);
    assert_eq!(lines([&b""[..]]), Vec::<Vec<u8>>::new());
}

#[test]
fn a_line_without_end_is_refused() {
    let mut splitter = Lines::default();
    assert_eq!(splitter.feed(&vec![b'x'; MAX_LINE], &mut |_| panic!("no line")), Ok(()));
    assert_eq!(splitter.feed(b"x", &mut |_| panic!("no line")), Err(LineTooLong));
    let mut splitter = Lines::default();
    splitter.feed(&vec![b'x'; MAX_LINE], &mut |_| panic!("no line")).expect("not yet too long");
    assert_eq!(splitter.feed(b"x\n", &mut |_| panic!("no line")), Err(LineTooLong));
}

proptest! {
    #[test]
    fn any_split_gives_the_same_lines(text in "[a\u{e9}\r\n ]{0,60}", size in 1_usize..9) {
        let bytes = text.as_bytes();
        prop_assert_eq!(lines(bytes.chunks(size)), lines([bytes]));
        let expected: Vec<Vec<u8>> = bytes.split(|b| *b == b'\n').map(|l| l.trim_ascii().to_vec()).filter(|l| !l.is_empty()).collect();
        prop_assert_eq!(lines([bytes]), expected);
    }
}
