//! What is wrong with a config: what, where, and what to do. Also: how the YAML reader's errors are
//! put in our words.
//!
//! Not here: the checks themselves (`check`, `overrides`).

use std::fmt;

use serde_saphyr::Error as YamlError;

use super::units::UnitError;
use crate::lang::{Lang, Text, bilingual};
use crate::visible::one_line;

/// Counted from 1, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// Why there is no config. Nothing has been sent yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// Neither a config file nor a base URL: the caller says where it looked.
    NoTarget,
    /// At least one; in the order of the checks.
    Invalid(Vec<Issue>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Such as `workloads[0].arrival.poisson.rate`; empty for the whole config.
    pub path: String,
    /// A lower-case fragment.
    pub what: Text,
    /// What to do about it.
    pub hint: Option<Text>,
    pub place: Place,
    /// The key is wrong, rather than its value.
    pub on_key: bool,
}

/// Where the value was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Place {
    #[default]
    Unknown,
    File {
        name: String,
        at: Position,
        /// The text of that line, unless it may hold a secret.
        line: Option<String>,
    },
    /// A flag, such as `--rate` or `--set gate.starts=0`.
    Flag(String),
}

/// What the design has and this version has not: `(path without indices, unless empty, key or
/// value, what to do)`.
const LATER: [(&str, &str, &str); 2] = [
    (
        "target.protocol",
        "sim",
        "for the simulated server write `target: {sim: {}}`; it speaks openai-chat",
    ),
    ("baselines", "ref", "baselines are read from the base branch"),
];

/// Keys that stand deeper, or had another name in the older tools: `(parent without indices, key,
/// where it is said)`.
const ELSEWHERE: [(&str, &str, &str); 9] = [
    ("workloads", "input_tokens", "prompts: {synthetic: {input_tokens: 256}}"),
    ("workloads", "shared_prefix", "prompts: {synthetic: {shared_prefix: 0.5}}"),
    ("workloads", "corpus", "prompts: {synthetic: {corpus: ko}}"),
    ("workloads", "dataset", "prompts: {dataset: {file: prompts.jsonl}}"),
    ("workloads", "prompt_type", "prompts: {synthetic: {input_tokens: 256}}"),
    ("workloads", "concurrency", "arrival: {closed: {concurrency: 8}}"),
    ("workloads", "rate", "arrival: {poisson: {rate: 5}}"),
    ("workloads", "rps", "arrival: {constant: {rate: 5}}"),
    ("workloads", "max_tokens", "output_tokens: 128"),
];

impl Issue {
    pub fn new(path: impl Into<String>, what: impl Into<Text>, hint: impl Into<Text>) -> Self {
        Self {
            path: path.into(),
            what: what.into(),
            hint: Some(hint.into()),
            place: Place::Unknown,
            on_key: false,
        }
    }
}

impl From<Issue> for ConfigError {
    fn from(issue: Issue) -> Self {
        Self::Invalid(vec![issue])
    }
}

/// What is not known: a key, or a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    Key,
    Value,
}

/// An unknown key or value at `parent`: not yet there, said elsewhere, or a slip of the pen.
pub fn unknown(kind: Unknown, parent: &str, word: &str, valid: &[&str]) -> (Text, Text) {
    let parent = without_indices(parent);
    if let Some((_, _, hint)) =
        LATER.iter().find(|(path, name, _)| *path == parent && *name == word)
    {
        let what = bilingual!(
            "`{word}` is not supported in this version",
            "`{word}`: 이 버전에서 지원하지 않음"
        );
        return (what, (*hint).into());
    }
    let deeper = ELSEWHERE.iter().find(|(path, key, _)| *path == parent && *key == word);
    let hint = deeper.map_or_else(
        || did_you_mean(word, valid),
        |(_, _, there)| bilingual!("write `{there}`", "`{there}` 형태로 쓰십시오"),
    );
    let what = match kind {
        Unknown::Key => bilingual!("unknown key `{word}`", "알 수 없는 키 `{word}`"),
        Unknown::Value => bilingual!("unknown value `{word}`", "알 수 없는 값 `{word}`"),
    };
    (what, hint)
}

/// The nearest valid word, or all of them where none is near.
pub fn did_you_mean(word: &str, valid: &[&str]) -> Text {
    match nearest_word(word, valid) {
        Some(near) => near,
        None if valid.is_empty() => bilingual!("remove it", "지우십시오"),
        None => bilingual!("one of: {all}", "가능한 값: {all}", all = valid.join(", ")),
    }
}

/// The nearest valid word, asked back; none where none is near.
pub fn nearest_word(word: &str, valid: &[&str]) -> Option<Text> {
    nearest(word, valid).map(|near| bilingual!("did you mean `{near}`?", "혹시 `{near}`입니까?"))
}

fn nearest<'a>(word: &str, valid: &[&'a str]) -> Option<&'a str> {
    // Jaro-Winkler, since slips are mostly after a right beginning; 0.8 keeps words apart that only
    // share letters.
    let scored = valid
        .iter()
        .map(|v| (strsim::jaro_winkler(&word.to_lowercase(), v), *v))
        .filter(|(score, _)| *score >= 0.8);
    scored.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, v)| v)
}

fn without_indices(path: &str) -> String {
    path.split('.')
        .map(|segment| segment.split('[').next().unwrap_or(segment))
        .collect::<Vec<_>>()
        .join(".")
}

/// Whether what is said at this path may be a secret, so that neither it nor its line is shown.
pub fn is_secret(path: &str) -> bool {
    [".headers", ".api_key_env", "server.env", ".args"].iter().any(|secret| path.contains(secret))
}

/// What a YAML error says, and the hint; `path` is that of the place it points at.
pub fn describe(error: &YamlError, path: &str) -> (Text, Text) {
    let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
    let keep_one = || bilingual!("keep one of them", "하나만 남기십시오");
    match error.without_snippet() {
        YamlError::SerdeUnknownField { field, expected, .. } => {
            unknown(Unknown::Key, parent, field, expected)
        }
        YamlError::SerdeUnknownVariant { variant, expected, .. } => {
            let path = if path.ends_with(&format!(".{variant}")) { parent } else { path };
            unknown(Unknown::Value, path, variant, expected)
        }
        YamlError::SerdeMissingField { field, .. } => (
            bilingual!("`{field}` is missing", "`{field}` 없음"),
            bilingual!("add `{field}`", "`{field}` 키를 추가하십시오"),
        ),
        YamlError::SerdeInvalidType { unexpected, expected, .. }
        | YamlError::SerdeInvalidValue { unexpected, expected, .. } => {
            (expected_type(expected, Some(unexpected)), forms())
        }
        YamlError::InvalidScalar { ty, .. } => (expected_type(ty, None), forms()),
        YamlError::ExpectedMappingEndAfterEnumVariantValue { .. } => {
            (bilingual!("only one can stand here", "여기에는 하나만 쓸 수 있음"), keep_one())
        }
        YamlError::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("?");
            (bilingual!("key `{key}` is there twice", "키 `{key}` 중복"), keep_one())
        }
        YamlError::Message { msg, .. } => match UnitError::read_back(msg) {
            Some(UnitError { what, hint }) => (what, hint),
            None => (msg.as_str().into(), forms()),
        },
        other => (
            without_location(&other.to_string()).into(),
            bilingual!(
                "the YAML cannot be read here: look for brackets, quotes, and tabs (indent with spaces)",
                "여기서 YAML을 읽을 수 없음: 괄호, 따옴표, 탭을 확인하십시오 (들여쓰기는 공백으로)"
            ),
        ),
    }
}

/// Where the form of a value is documented.
pub fn forms() -> Text {
    bilingual!(
        "docs/CONFIG.md shows the form of each key",
        "키마다의 형식은 docs/CONFIG.md에 있습니다"
    )
}

/// A value of another type than the key takes.
pub fn expected_type(ty: &str, found: Option<&str>) -> Text {
    let ty = plain_type(ty);
    match found {
        Some(found) => Text {
            en: format!("expected {}, found {found}", ty.en),
            ko: format!("{} 값이어야 하는데 {found}", ty.ko),
        },
        None => {
            Text { en: format!("expected {}", ty.en), ko: format!("{} 값이어야 함", ty.ko) }
        }
    }
}

/// The YAML reader's name of a Rust type, in words.
fn plain_type(ty: &str) -> Text {
    match ty {
        "u32" | "u64" => bilingual!("a whole number, 0 or more", "0 이상의 정수"),
        "f32" | "f64" | "floating point" | "float" => bilingual!("a number", "숫자"),
        "bool" | "boolean" => bilingual!("true or false", "true 또는 false"),
        other => other.into(),
    }
}

/// We say where ourselves, and only the first line: the rest repeats the source.
fn without_location(message: &str) -> String {
    let first = message.lines().next().unwrap_or(message);
    first.split(" at line ").next().unwrap_or(first).trim_start_matches("error: ").to_owned()
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_language(Lang::En))
    }
}

impl ConfigError {
    /// Every problem, each with its place and its hint.
    pub fn in_language(&self, lang: Lang) -> String {
        match self {
            Self::NoTarget => bilingual!(
                "no target: neither a config file nor --base-url",
                "측정 대상 없음: 설정 파일도 --base-url도 없음"
            )
            .in_language(lang)
            .to_owned(),
            Self::Invalid(issues) => {
                issues.iter().map(|issue| issue.in_language(lang)).collect::<Vec<_>>().join("\n")
            }
        }
    }
}

impl Issue {
    fn in_language(&self, lang: Lang) -> String {
        let mut out = match &self.place {
            Place::Unknown => String::new(),
            Place::File { name, at, .. } => {
                format!("{}:{}:{}: ", one_line(name), at.line, at.column)
            }
            Place::Flag(flag) => format!("{}: ", one_line(flag)),
        };
        if !self.path.is_empty() {
            out.extend([&*one_line(&self.path), ": "]);
        }
        out += &one_line(self.what.in_language(lang));
        if let Place::File { at, line: Some(line), .. } = &self.place {
            out += &snippet(*at, line);
        }
        if let Some(hint) = &self.hint {
            let (label, hint) = (hint_label(), one_line(hint.in_language(lang)));
            out.extend(["\n  ", label.in_language(lang), hint.as_str()]);
        }
        out
    }
}

/// Before what to do.
pub fn hint_label() -> Text {
    bilingual!("hint: ", "힌트: ")
}

fn snippet(at: Position, line: &str) -> String {
    let before = " ".repeat(line.chars().take(at.column.saturating_sub(1)).count());
    let gutter = at.line.to_string();
    let blank = " ".repeat(gutter.len());
    format!("\n  {gutter} | {}\n  {blank} | {before}^", one_line(line))
}

/// A flag is wrong.
pub fn flag_issue(flag: &str, what: impl Into<Text>, hint: impl Into<Text>) -> Issue {
    Issue { place: Place::Flag(flag.to_owned()), ..Issue::new("", what, hint) }
}
