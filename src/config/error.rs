//! What is wrong with a config: what, where, and what to do. Also: how the YAML reader's errors are
//! put in our words.
//!
//! Not here: the checks themselves (`check`, `overrides`).

use std::fmt;

use serde_saphyr::Error as YamlError;

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
    pub what: String,
    /// What to do about it.
    pub hint: Option<String>,
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
    pub fn new(path: impl Into<String>, what: impl Into<String>, hint: impl Into<String>) -> Self {
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

/// An unknown key or value at `parent`: not yet there, said elsewhere, or a slip of the pen.
pub fn unknown(kind: &str, parent: &str, word: &str, valid: &[&str]) -> (String, String) {
    let parent = without_indices(parent);
    if let Some((_, _, hint)) =
        LATER.iter().find(|(path, name, _)| *path == parent && *name == word)
    {
        return (format!("`{word}` is not supported in this version"), (*hint).to_owned());
    }
    let deeper = ELSEWHERE.iter().find(|(path, key, _)| *path == parent && *key == word);
    let hint = deeper
        .map_or_else(|| did_you_mean(word, valid), |(_, _, there)| format!("write `{there}`"));
    (format!("unknown {kind} `{word}`"), hint)
}

/// The nearest valid word, or all of them where none is near.
pub fn did_you_mean(word: &str, valid: &[&str]) -> String {
    match nearest(word, valid) {
        Some(near) => format!("did you mean `{near}`?"),
        None if valid.is_empty() => "remove it".into(),
        None => format!("one of: {}", valid.join(", ")),
    }
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
pub fn describe(error: &YamlError, path: &str) -> (String, Option<String>) {
    let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
    match error.without_snippet() {
        YamlError::SerdeUnknownField { field, expected, .. } => {
            let (what, hint) = unknown("key", parent, field, expected);
            (what, Some(hint))
        }
        YamlError::SerdeUnknownVariant { variant, expected, .. } => {
            let path = if path.ends_with(&format!(".{variant}")) { parent } else { path };
            let (what, hint) = unknown("value", path, variant, expected);
            (what, Some(hint))
        }
        YamlError::SerdeMissingField { field, .. } => {
            (format!("`{field}` is missing"), Some(format!("add `{field}`")))
        }
        YamlError::SerdeInvalidType { unexpected, expected, .. }
        | YamlError::SerdeInvalidValue { unexpected, expected, .. } => {
            let what = format!("expected {}, found {unexpected}", plain_type(expected));
            (what, Some("docs/CONFIG.md shows the form of each key".into()))
        }
        YamlError::InvalidScalar { ty, .. } => (
            format!("expected {}", plain_type(ty)),
            Some("docs/CONFIG.md shows the form of each key".into()),
        ),
        YamlError::ExpectedMappingEndAfterEnumVariantValue { .. } => {
            ("only one can stand here".into(), Some("keep one of them".into()))
        }
        YamlError::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("?");
            (format!("key `{key}` is there twice"), Some("keep one of them".into()))
        }
        YamlError::Message { msg, .. } => match msg.split_once('\n') {
            Some((what, hint)) => (what.to_owned(), Some(hint.to_owned())),
            None => (msg.clone(), Some("docs/CONFIG.md shows the form of each key".into())),
        },
        other => {
            let hint = "the YAML cannot be read here: look for brackets, quotes, and tabs (indent with spaces)";
            (without_location(&other.to_string()), Some(hint.into()))
        }
    }
}

/// The YAML reader's name of a Rust type, in words.
pub fn plain_type(ty: &str) -> &str {
    match ty {
        "u32" | "u64" => "a whole number, 0 or more",
        "f32" | "f64" | "floating point" | "float" => "a number",
        "bool" | "boolean" => "true or false",
        other => other,
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
        match self {
            Self::NoTarget => f.write_str("no target: neither a config file nor --base-url"),
            Self::Invalid(issues) => {
                for (i, issue) in issues.iter().enumerate() {
                    let end = if i + 1 < issues.len() { "\n" } else { "" };
                    write!(f, "{issue}{end}")?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Unknown => {}
            Place::File { name, at, .. } => {
                write!(f, "{}:{}:{}: ", one_line(name), at.line, at.column)?
            }
            Place::Flag(flag) => write!(f, "{}: ", one_line(flag))?,
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", one_line(&self.path))?;
        }
        f.write_str(&one_line(&self.what))?;
        if let Place::File { at, line: Some(line), .. } = &self.place {
            write_snippet(f, *at, line)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {}", one_line(hint))?;
        }
        Ok(())
    }
}

fn write_snippet(f: &mut fmt::Formatter<'_>, at: Position, line: &str) -> fmt::Result {
    let before = " ".repeat(line.chars().take(at.column.saturating_sub(1)).count());
    let gutter = at.line.to_string();
    let blank = " ".repeat(gutter.len());
    write!(f, "\n  {gutter} | {}\n  {blank} | {before}^", one_line(line))
}

/// A flag is wrong.
pub fn flag_issue(flag: &str, what: &str, hint: &str) -> Issue {
    Issue { place: Place::Flag(flag.to_owned()), ..Issue::new("", what, hint) }
}
