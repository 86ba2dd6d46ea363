//! One entry of an older file: its fields, taken one by one, so that what nobody took can be told.
//! Not here: what they mean.

use serde_json::{Map, Value};

pub struct Item {
    pub name: String,
    file: &'static str,
    rest: Map<String, Value>,
}

/// Longest foreign name in a note, in characters.
const LONGEST: usize = 60;

impl Item {
    /// An entry is a mapping, or a name alone. Anything else is told and left out.
    pub fn read(
        file: &'static str,
        index: usize,
        name: Option<&str>,
        value: &Value,
        notes: &mut Vec<String>,
    ) -> Option<Self> {
        let rest = match value {
            Value::Object(map) => map.clone(),
            Value::String(text) if name.is_none() => {
                Map::from_iter([("name".to_owned(), Value::from(text.as_str()))])
            }
            _ => {
                notes.push(format!("{file}, entry {}: it is no mapping", index + 1));
                return None;
            }
        };
        let mut item = Self { name: String::new(), file, rest };
        let own = item.text(&["name"]).or_else(|| name.map(str::to_owned));
        item.name =
            own.unwrap_or_else(|| format!("{}-{}", file.trim_end_matches("s.yaml"), index + 1));
        Some(item)
    }

    /// Takes the first of these keys that is there.
    pub fn take(&mut self, keys: &[&str]) -> Option<Value> {
        keys.iter().find_map(|key| self.rest.shift_remove(*key)).filter(|v| !v.is_null())
    }

    /// As [`Self::take`], as text that is not blank.
    pub fn text(&mut self, keys: &[&str]) -> Option<String> {
        text_of(&self.take(keys)?)
    }

    /// As [`Self::text`], and it stays.
    pub fn peek(&self, key: &str) -> Option<String> {
        text_of(self.rest.get(key)?)
    }

    /// `workloads.yaml, medium-load, rps`.
    pub fn place(&self, key: &str) -> String {
        format!("{}, {}, {key}", self.file, shown(&self.name))
    }

    /// What nobody took.
    pub fn left(&self) -> impl Iterator<Item = &String> {
        self.rest.keys()
    }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|t| !t.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A foreign name in a note.
pub fn shown(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect()
}

/// As a workload's name, which names a folder of baselines: as [`label`], in small letters.
pub fn slug(name: &str, taken: &[String]) -> String {
    label(&name.to_ascii_lowercase(), taken)
}

/// As a name of `targets`: letters, digits, `.`, `_`, `-`, at most 64 of them, not one of `taken`.
pub fn label(name: &str, taken: &[String]) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let mut text: String = name.chars().map(safe).take(56).collect();
    if text.trim_matches(['-', '.']).is_empty() {
        text = "unnamed".into();
    }
    let text = text.trim_start_matches('.').to_owned();
    let numbered = (2..).map(|n| format!("{text}-{n}"));
    std::iter::once(text.clone()).chain(numbered).find(|t| !taken.contains(t)).unwrap_or(text)
}
