//! Prompts: exact length, unique, as common as asked. Not here: that a plan uses them so
//! (`plan/tests.rs`).

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::config::{Corpus, PromptKind};

const SALT: &str = "123456789012";

fn prompts(corpus: Corpus, shared_prefix: f64) -> Prompts {
    Prompts { corpus, input_tokens: 256, shared_prefix, kind: PromptKind::Single }
}

fn prompt(prompts: &Prompts, part: Part, index: u32, tokens: u32) -> String {
    let mut out = String::from("left over");
    Writer::new(prompts, SALT, 42, tokens).write(9, part, index, tokens, &mut out);
    out
}

fn common_chars(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(x, y)| x == y).count()
}

#[test]
fn an_english_prompt_reads_like_this() {
    let text = prompt(&prompts(Corpus::En, 0.0), Part::Round(2), 17, 40);
    assert!(text.starts_with("[123456789012-2-000017]\n"), "{text}");
    assert!(text.ends_with("\n\nContinue this text at length."), "{text}");
    assert_eq!(text.chars().count(), 160);
}

#[test]
fn a_shared_prompt_leads_with_the_salt_and_marks_its_own_part() {
    let text = prompt(&prompts(Corpus::Ko, 0.5), Part::Warmup, 3, 200);
    let own = text.find("\n[w-000003]\n").expect("marker");
    assert!(text.starts_with("[123456789012]\n"), "{text}");
    assert_eq!(text[..own].chars().count(), 170);
    assert_eq!(text.chars().count(), 340);
}

#[test]
fn very_short_prompts_are_as_long_as_their_salt_and_marker_need() {
    assert_eq!(
        prompt(&prompts(Corpus::En, 0.0), Part::Round(0), 5, 1),
        "[123456789012-0-000005]\n"
    );
    assert_eq!(
        prompt(&prompts(Corpus::En, 1.0), Part::Round(0), 5, 1),
        "[123456789012]\n\n[0-000005]\n"
    );
}

#[test]
fn very_long_prompts_use_every_sentence_before_one_comes_again() {
    let text = prompt(&prompts(Corpus::En, 0.0), Part::Round(0), 0, 131_072);
    assert_eq!(text.len(), 524_288);
    let corpus = include_str!("../corpus/en.txt");
    let first_pass = &text[..corpus.len() + 24];
    assert!(corpus.lines().all(|sentence| first_pass.contains(sentence)));
}

#[test]
fn a_given_prompt_is_led_by_the_salt_of_its_round() {
    let settings = prompts(Corpus::En, 0.0);
    let mut out = String::new();
    Writer::new(&settings, SALT, 42, 1).given(Part::Round(3), "tell me", &mut out);
    assert_eq!(out, "[123456789012-3]\ntell me");
}

#[test]
fn salts_are_always_the_same_length() {
    for random in [0, 1, 999_999_999_999, 1_000_000_000_000, u64::MAX] {
        assert_eq!(salt(random).len(), SALT_CHARS);
    }
    assert_eq!(salt(1_000_000_000_007), "000000000007");
}

fn any_corpus() -> impl Strategy<Value = Corpus> {
    prop::sample::select(&Corpus::ALL[..])
}

proptest! {
    #[test]
    fn lengths_are_exact(corpus in any_corpus(), share in 0.0..=1.0, index in 0_u32..1_000_000, tokens in 24_u32..3000) {
        let text = prompt(&prompts(corpus, share), Part::Round(1), index, tokens);
        prop_assert_eq!(text.chars().count(), chars(corpus, tokens));
    }

    #[test]
    fn prompts_are_unique(corpus in any_corpus(), share in 0.0..=1.0, tokens in 1_u32..200) {
        let settings = prompts(corpus, share);
        let mut all = BTreeSet::new();
        for part in [Part::Warmup, Part::Round(0), Part::Round(1)] {
            all.extend((0..20).map(|index| prompt(&settings, part, index, tokens)));
        }
        prop_assert_eq!(all.len(), 60);
    }

    #[test]
    fn the_common_share_is_what_was_asked(corpus in any_corpus(), share in 0.05..=1.0, tokens in 400_u32..3000) {
        let settings = prompts(corpus, share);
        let (a, b) = (prompt(&settings, Part::Round(0), 1, tokens), prompt(&settings, Part::Warmup, 1, tokens));
        let common = common_chars(&a, &b) as f64 / chars(corpus, tokens) as f64;
        prop_assert!((common - share).abs() < 0.02, "{} instead of {}", common, share);
    }

    #[test]
    fn nothing_is_common_unless_asked(corpus in any_corpus(), tokens in 100_u32..1000) {
        let settings = prompts(corpus, 0.0);
        let all: Vec<String> = (0..20).map(|index| prompt(&settings, Part::Round(0), index, tokens)).collect();
        prop_assert!(all.windows(2).all(|pair| pair[0].find(']') < Some(24) && common_chars(&pair[0], &pair[1]) < 24));
        // Not the marker alone: the sentences differ too.
        prop_assert_eq!(all.iter().map(|text| &text[24..]).collect::<BTreeSet<_>>().len(), 20);
    }
}
