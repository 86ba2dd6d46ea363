//! The languages that people are spoken to in, and a sentence in each of them. Not here: which one
//! a reader wants (`command::language`), the sentences of reports (`report::say`).

use std::error::Error;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Language of what people read. What machines read is English.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    #[default]
    En,
    Ko,
}

/// The same said in every language, with its numbers filled in. Its `Display` is the English one,
/// which stored files and searches get.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    pub en: String,
    pub ko: String,
}

/// A [`Text`]: its English and its Korean form, then the arguments that both name. The compiler
/// refuses one that lacks a language, or a language that leaves an argument out.
macro_rules! bilingual {
    ($en:literal, $ko:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::lang::Text {
            en: format!($en $(, $name = $value)*),
            ko: format!($ko $(, $name = $value)*),
        }
    };
}
pub(crate) use bilingual;

impl Text {
    pub fn in_language(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en,
            Lang::Ko => &self.ko,
        }
    }

    /// Both, one after the other, in each language.
    pub fn then(self, next: &Self) -> Self {
        Self { en: self.en + &next.en, ko: self.ko + &next.ko }
    }

    /// All of them in each language, with `between` between them.
    pub fn joined(all: &[Self], between: &str) -> Self {
        let each = |lang| {
            all.iter().map(|text: &Self| text.in_language(lang)).collect::<Vec<_>>().join(between)
        };
        Self { en: each(Lang::En), ko: each(Lang::Ko) }
    }
}

/// Foreign text, names, and details that people search for: the same in every language.
impl From<String> for Text {
    fn from(text: String) -> Self {
        Self { en: text.clone(), ko: text }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en)
    }
}

impl Error for Text {}

/// What failed, above the error that says why.
#[derive(Debug)]
pub struct Because {
    pub what: Text,
    cause: anyhow::Error,
}

impl Because {
    pub fn new(what: Text, cause: impl Into<anyhow::Error>) -> Self {
        Self { what, cause: cause.into() }
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.what.fmt(f)
    }
}

impl Error for Because {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.cause.as_ref())
    }
}

/// As `anyhow::Context`, in every language.
pub trait Explained<T> {
    /// Errors: those of `self`, below what failed.
    fn explained(self, what: impl FnOnce() -> Text) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> Explained<T> for Result<T, E> {
    fn explained(self, what: impl FnOnce() -> Text) -> anyhow::Result<T> {
        self.map_err(|cause| Because::new(what(), cause).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_said_in_each_language_with_its_numbers() {
        let text = bilingual!("{n} of {all} left", "{all}개 중 {n}개 남음", n = 1, all = 3);
        assert_eq!(
            (text.in_language(Lang::En), text.in_language(Lang::Ko)),
            ("1 of 3 left", "3개 중 1개 남음")
        );
        assert_eq!(text.to_string(), "1 of 3 left");
    }

    #[test]
    fn what_failed_stands_above_why() {
        let failed: Result<(), _> = Err(std::io::Error::other("disk full"));
        let error =
            failed.explained(|| bilingual!("cannot write", "쓸 수 없음")).expect_err("it is");
        assert_eq!(format!("{error:#}"), "cannot write: disk full");
        assert_eq!(error.root_cause().to_string(), "disk full");
    }
}
