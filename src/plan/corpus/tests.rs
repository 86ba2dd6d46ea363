//! The corpora: what their README promises, and that they do not run out. Not here: whole prompts
//! (`prompts/tests.rs`).

use std::collections::BTreeSet;

use super::*;

fn text(corpus: Corpus, seed: u64, chars: usize) -> String {
    let mut out = String::new();
    Sentences::new(corpus).write(&mut seed::stream(seed, "test", &[]), chars, &mut out);
    out
}

#[test]
fn the_plain_corpora_are_what_their_readme_says() {
    for (corpus, least) in [(Corpus::En, 350), (Corpus::Ko, 300)] {
        let text = facts(corpus).text;
        let lines: BTreeSet<&str> = text.lines().collect();
        assert_eq!(lines.len(), text.lines().count(), "{corpus:?} repeats a sentence");
        assert!(lines.len() >= least, "{corpus:?} has {}", lines.len());
        assert!(
            !text.contains(['"', '\\', '\r', '\t', '$'])
                && lines.iter().all(|l| l.ends_with('.') && l.trim() == *l)
        );
    }
    assert!(facts(Corpus::En).text.is_ascii() && facts(Corpus::Code).text.is_ascii());
}

#[test]
fn the_composed_corpora_are_what_their_readme_says() {
    for (corpus, least) in [(Corpus::Zh, 40), (Corpus::Ja, 40), (Corpus::Code, 24)] {
        let all = Sentences::new(corpus);
        assert!(
            all.templates.len() >= least && !all.lists.is_empty(),
            "{corpus:?} has {}",
            all.templates.len()
        );
        for list in &all.lists {
            assert_eq!(
                list.words.iter().collect::<BTreeSet<_>>().len(),
                list.words.len(),
                "{corpus:?}, {}",
                list.name
            );
            assert!(
                list.words.iter().all(|word| !word.is_empty() && word.trim() == *word),
                "{corpus:?}, {}",
                list.name
            );
        }
        // A hole left open, or a word that no template uses.
        let used: BTreeSet<usize> =
            all.templates.iter().flatten().filter_map(Piece::list).collect();
        assert_eq!(used.len(), all.lists.len(), "{corpus:?} has a list that nothing uses");
        assert!(
            !text(corpus, 1, 100_000).contains(['$', '@', '|', '\r']) || corpus == Corpus::Code
        );
    }
    for corpus in [Corpus::Zh, Corpus::Ja] {
        assert!(!text(corpus, 1, 100_000).contains(['"', '\\', ' ']), "{corpus:?}");
    }
}

impl Piece {
    fn list(&self) -> Option<usize> {
        match self {
            Self::Text(_) => None,
            Self::Hole { list, .. } => Some(*list),
        }
    }
}

#[test]
fn equal_holes_of_a_template_hold_the_same_word() {
    let (lists, rest) = lists("@noun order|packet|sensor|ticket\n$noun$ of $noun$, not $noun1$");
    let mut all =
        Sentences { templates: vec![template(rest, &lists)], lists, ..Sentences::new(Corpus::En) };
    let mut others = 0;
    for seed in 0..20 {
        all.compose(0, &mut seed::stream(seed, "test", &[]));
        let words: Vec<&str> = all.sentence.split([' ', ',']).collect();
        assert_eq!(words[0], words[2]);
        others += usize::from(words[0] != words[5]);
    }
    assert!(others > 5);
}

/// 128k nominal tokens: a composed text repeats next to nothing, so that neither a cache of blocks
/// in the middle nor a speculative decoder finds what a user's text would not have.
#[test]
fn the_longest_prompts_of_a_composed_corpus_hardly_repeat_a_sentence() {
    for (corpus, end) in [(Corpus::Zh, "。"), (Corpus::Ja, "。"), (Corpus::Code, "\n\n")] {
        let text = text(corpus, 7, chars(corpus, 131_072));
        let all: Vec<&str> = text.split(end).filter(|s| s.chars().count() > 12).collect();
        let distinct = all.iter().collect::<BTreeSet<_>>().len();
        assert!(
            all.len() > 1000 && distinct * 100 > all.len() * 90,
            "{corpus:?}: {distinct} of {}",
            all.len()
        );
    }
}

#[test]
fn lengths_in_tokens_and_characters_agree() {
    for corpus in Corpus::ALL {
        for tokens in [1, 2, 7, 256, 131_072] {
            let text = "가".repeat(chars(corpus, tokens));
            assert!(nominal_tokens(corpus, &text).abs_diff(tokens) <= 1);
        }
    }
}
