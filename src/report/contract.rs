//! Words of the machine contract as people read them: the word that programs know, and what it
//! means in the reader's language beside it. Not here: other labels (`labels`).

use super::say;
use crate::config::Lang;
use crate::judge::Judgement;
use crate::judge::limits::LimitState;
use crate::verdict::Verdict;

/// A word that tables show of what was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Verdict(Verdict),
    Judgement(Judgement),
    /// It has a value, and nothing was judged.
    Measured,
    NotJudged,
    Limit(LimitState),
    /// Worse, and accepted by somebody.
    Accepted,
}

impl Word {
    /// `not measured` for `not_measured`.
    pub const fn english(self) -> &'static str {
        match self {
            Self::Verdict(verdict) => verdict.word(),
            Self::Judgement(judgement) => judgement.word(),
            Self::Measured => "measured",
            Self::NotJudged => "not judged",
            Self::Limit(LimitState::NotMeasured) => "not measured",
            Self::Limit(state) => state.word(),
            Self::Accepted => "accepted",
        }
    }
}

/// `regressed, accepted`.
pub fn english(words: &[Word]) -> String {
    words.iter().map(|word| word.english()).collect::<Vec<_>>().join(", ")
}

/// In the reader's language alone.
pub fn meaning(lang: Lang, words: &[Word]) -> String {
    match lang {
        Lang::En => english(words),
        Lang::Ko => words
            .iter()
            .map(|word| say::ko::contract::meaning(*word))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

/// With their meaning in the reader's language beside them: `regressed, accepted (성능 저하, 수용됨)`.
pub fn beside(lang: Lang, words: &[Word]) -> String {
    match lang {
        Lang::En => english(words),
        Lang::Ko => format!("{} ({})", english(words), meaning(lang, words)),
    }
}
