//! `prompts`: what is asked, synthetic text, conversations or a file's requests. Wire form, layers,
//! check.
//!
//! Not here: the texts themselves (`plan/`), when they are sent (`arrival`).

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Checker;
use super::wire::{Number, merge};

/// Longest prompt, in tokens: no model reads more.
pub const MOST_INPUT_TOKENS: u32 = 20_000_000;

/// A body grows with each turn; longer conversations than this are a slip of the pen.
const MOST_TURNS: u32 = 256;

/// What is asked: synthetic text, alone or in conversations, or a file's requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PromptsFile {
    /// Text made from a corpus; each prompt is unique apart from the shared prefix.
    pub synthetic: Option<SyntheticFile>,
    /// That text in turns, for `arrival: {sessions: ...}`.
    pub conversation: Option<ConversationFile>,
    /// Requests from a file, instead of synthetic text.
    pub dataset: Option<DatasetFile>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConversationFile {
    /// Requests of a session: each brings all that was said before it.
    #[schemars(range(min = 1))]
    pub turns: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetFile {
    /// Path from the working folder.
    pub file: String,
    /// `sharegpt`, `jsonl`, or `auto`, by the file's first character.
    pub format: Option<DatasetFormat>,
    /// Keys of an entry that are passed over; any other that is neither sent nor a usual label is
    /// refused.
    pub ignore: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SyntheticFile {
    /// Nominal tokens per prompt, by the corpus's documented characters per token.
    #[schemars(range(min = 1))]
    pub input_tokens: Option<u32>,
    /// Share of each prompt, from its start, that all requests have in common; 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub shared_prefix: Option<Number>,
    /// Language of the text.
    pub corpus: Option<Corpus>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Prompts {
    pub corpus: Corpus,
    /// Nominal: by documented characters per token of the corpus.
    pub input_tokens: u32,
    /// Share of each prompt, from its start, that all requests have in common; 0 to 1. In a
    /// conversation of its first turn.
    pub shared_prefix: f64,
    pub kind: PromptKind,
}

/// What a request is made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum PromptKind {
    /// One text of the corpus, of `input_tokens`.
    #[default]
    Single,
    /// Texts of the corpus in turns of `input_tokens`, each sent with all that was said before it.
    Conversation { turns: u32 },
    /// Requests from a file; nothing of the corpus.
    Dataset { file: PathBuf, format: DatasetFormat, ignore: Vec<String> },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DatasetFormat {
    /// By its first character: `[` is `ShareGPT`.
    #[default]
    Auto,
    /// A JSON array of objects with `conversations` (`from`, `value`).
    ShareGpt,
    /// One object per line, with `messages`, `prompt` or `conversations`.
    Jsonl,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Corpus {
    En,
    Ko,
    Zh,
    Ja,
    Code,
}

impl PromptsFile {
    /// A file's requests leave nothing to make: what is said of text below them does not hold.
    pub fn over(self, base: Self) -> Self {
        let base = if self.dataset.is_some() { Self::default() } else { base };
        Self {
            synthetic: merge(self.synthetic, base.synthetic, SyntheticFile::over),
            conversation: self.conversation.or(base.conversation),
            dataset: self.dataset.or(base.dataset),
        }
    }
}

impl SyntheticFile {
    fn over(self, base: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.or(base.input_tokens),
            shared_prefix: self.shared_prefix.or(base.shared_prefix),
            corpus: self.corpus.or(base.corpus),
        }
    }
}

impl Corpus {
    pub const ALL: [Self; 5] = [Self::En, Self::Ko, Self::Zh, Self::Ja, Self::Code];

    pub const fn name(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ko => "ko",
            Self::Zh => "zh",
            Self::Ja => "ja",
            Self::Code => "code",
        }
    }
}

impl Checker {
    pub fn prompts(&mut self, path: &str, file: Option<&PromptsFile>) -> Option<Prompts> {
        let file = file?;
        if let Some(dataset) = &file.dataset {
            return self.dataset(path, file, dataset);
        }
        let text = file.synthetic.as_ref()?;
        let at = |key: &str| format!("{path}.prompts.synthetic.{key}");
        let input_tokens = self.bounded(&at("input_tokens"), text.input_tokens, MOST_INPUT_TOKENS);
        let shared_prefix = text.shared_prefix?.0;
        if !(0.0..=1.0).contains(&shared_prefix) {
            self.bad(
                &at("shared_prefix"),
                format!("must be from 0 to 1, not {shared_prefix}"),
                "it is a share: write 0.5 for half",
            );
        }
        let kind = match file.conversation.map(|conversation| conversation.turns) {
            None => PromptKind::Single,
            Some(turns) if (1..=MOST_TURNS).contains(&turns) => PromptKind::Conversation { turns },
            Some(turns) => {
                let what = format!("must be from 1 to {MOST_TURNS}, not {turns}");
                self.bad(
                    &format!("{path}.prompts.conversation.turns"),
                    what,
                    "each turn brings all that was said before it",
                );
                return None;
            }
        };
        Some(Prompts { corpus: text.corpus?, input_tokens: input_tokens?, shared_prefix, kind })
    }

    fn dataset(
        &mut self,
        path: &str,
        file: &PromptsFile,
        dataset: &DatasetFile,
    ) -> Option<Prompts> {
        let beside =
            file.synthetic.map(|_| "synthetic").or(file.conversation.map(|_| "conversation"));
        if let Some(other) = beside {
            let what = format!("both `dataset` and `{other}`");
            let hint = "the file says what is asked: keep one of them (--input-tokens, --shared-prefix and --corpus speak of synthetic text)";
            self.bad(&format!("{path}.prompts.{other}"), what, hint);
            return None;
        }
        if dataset.file.is_empty() {
            self.bad(
                &format!("{path}.prompts.dataset.file"),
                "is empty",
                "name a ShareGPT or JSONL file",
            );
            return None;
        }
        let (format, ignore) =
            (dataset.format.unwrap_or_default(), dataset.ignore.clone().unwrap_or_default());
        let kind = PromptKind::Dataset { file: PathBuf::from(&dataset.file), format, ignore };
        // Its texts are in any language; the corpus only says how tokens are guessed before the
        // server counts them.
        Some(Prompts { corpus: Corpus::En, input_tokens: 1, shared_prefix: 0.0, kind })
    }
}
