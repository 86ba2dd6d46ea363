//! The sentences of a report that have a code: by their English text, so that each can be said in
//! another language, and be found by a program.
//!
//! Not here: the sentences in any language (`say`, and `Display` of each kind).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::headline::Headline;
use super::notice::Notice;
use super::ranking::note::RankingNote;
use super::say;
use super::server::Meanwhile;
use crate::config::Lang;
use crate::judge::MetricReason;
use crate::verdict::Reason;

/// Every kind of sentence, each with a `code` of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Sentence {
    Headline(Headline),
    Metric(MetricReason),
    Meanwhile(Meanwhile),
    Notice(Notice),
    Reason(Reason),
    Ranking(RankingNote),
}

/// By its English text: what a sentence of this object says, as a stable code with the numbers and
/// names in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Codes(BTreeMap<String, Coded>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Coded {
    /// Stable: it never means something else.
    code: String,
    #[serde(flatten)]
    values: BTreeMap<String, Value>,
}

impl Sentence {
    /// In the reader's language.
    pub fn say(&self, lang: Lang) -> String {
        match (lang, self) {
            (Lang::Ko, _) => say::ko::sentence(self),
            (Lang::En, Self::Headline(headline)) => headline.to_string(),
            (Lang::En, Self::Metric(reason)) => reason.to_string(),
            (Lang::En, Self::Ranking(note)) => note.to_string(),
            (Lang::En, Self::Meanwhile(meanwhile)) => meanwhile.to_string(),
            (Lang::En, Self::Notice(notice)) => notice.to_string(),
            (Lang::En, Self::Reason(reason)) => reason.to_string(),
        }
    }
}

impl Codes {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The English of a sentence, whose code is kept.
    pub fn text<S: Clone + ToString + Into<Sentence>>(&mut self, sentence: &S) -> String {
        let text = sentence.to_string();
        let value = serde_json::to_value(sentence.clone().into()).ok();
        // Foreign text is a string, and has no code.
        if let Some(coded) = value.and_then(|value| serde_json::from_value(value).ok()) {
            self.0.insert(text.clone(), coded);
        }
        text
    }

    pub fn texts<'a, S: Clone + ToString + Into<Sentence> + 'a>(
        &mut self,
        all: impl IntoIterator<Item = &'a S>,
    ) -> Vec<String> {
        all.into_iter().map(|sentence| self.text(sentence)).collect()
    }

    /// What a text says; none of foreign text, of an older report, and of a code that this version
    /// does not know.
    pub fn sentence(&self, text: &str) -> Option<Sentence> {
        serde_json::to_value(self.0.get(text)?).and_then(serde_json::from_value).ok()
    }

    /// A text in the reader's language.
    pub fn say(&self, lang: Lang, text: &str) -> String {
        match (lang, self.sentence(text)) {
            (Lang::Ko, Some(sentence)) => say::ko::sentence(&sentence),
            _ => text.to_owned(),
        }
    }
}

impl From<Headline> for Sentence {
    fn from(headline: Headline) -> Self {
        Self::Headline(headline)
    }
}

impl From<MetricReason> for Sentence {
    fn from(reason: MetricReason) -> Self {
        Self::Metric(reason)
    }
}

impl From<Meanwhile> for Sentence {
    fn from(meanwhile: Meanwhile) -> Self {
        Self::Meanwhile(meanwhile)
    }
}

impl From<RankingNote> for Sentence {
    fn from(note: RankingNote) -> Self {
        Self::Ranking(note)
    }
}

impl From<Notice> for Sentence {
    fn from(notice: Notice) -> Self {
        Self::Notice(notice)
    }
}

impl From<Reason> for Sentence {
    fn from(reason: Reason) -> Self {
        Self::Reason(reason)
    }
}
