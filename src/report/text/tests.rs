//! Numbers as people read them, and foreign text made harmless.

use super::*;

#[test]
fn numbers_have_three_to_four_digits_and_a_unit() {
    assert_eq!(value("ms", Some(1234.5)), "1234 ms");
    assert_eq!(value("ms", Some(123.45)), "123.5 ms");
    assert_eq!(value("ms", Some(1.234)), "1.23 ms");
    assert_eq!(value("ms", Some(0.0421)), "0.0421 ms");
    assert_eq!(value("ratio", Some(0.953)), "95.30 %");
    assert_eq!(value("per_s", Some(5.0)), "5.00/s");
    assert_eq!(value("tokens_per_s", Some(0.0)), "0 tok/s");
}

#[test]
fn absent_and_unreal_numbers_are_not_zero() {
    assert_eq!(value("ms", None), "-");
    assert_eq!(value("ms", Some(f64::NAN)), "-");
    assert_eq!(change("ms", None), "-");
    assert_eq!(change("ms", Some(f64::INFINITY)), "-");
    assert_eq!(size("ratio", None), "-");
    assert_eq!(probability(None), "-");
}

#[test]
fn changes_have_a_sign_and_no_negative_zero() {
    assert_eq!(change("ms", Some(0.0534)), "+5.3 %");
    assert_eq!(change("ratio", Some(-0.021)), "-2.10 pp");
    assert_eq!(change("ms", Some(-0.000_01)), "+0.0 %");
    assert_eq!(size("ms", Some(0.05)), "5 %");
    assert_eq!(size("ratio", Some(0.002)), "0.2 pp");
}

#[test]
fn foreign_text_is_one_harmless_line() {
    assert_eq!(plain("\u{1b}[1;31mred\u{1b}[0m\r\n\tnext\0"), "red next");
    assert_eq!(plain("\u{1b}]8;;http://evil\u{1b}\\link\u{1b}]8;;\u{7}"), "link");
    assert_eq!(plain("a\u{202e}b\u{200b}c\u{1b}"), "abc");
    assert_eq!(plain("한국어 中文"), "한국어 中文");
    assert_eq!(plain(&"x".repeat(5000)).len(), 1003);
}
