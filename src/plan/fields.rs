//! One object of a user's file, key by key: what is taken is used, and what is left over must be a
//! label. A key that nobody knows is refused, since it may shape the request.
//!
//! Not here: what the keys mean (`dataset`, `trace`).

use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::config::MOST_INPUT_TOKENS;

/// An object without what says nothing: null, `[]`, `{}`. No key is in it twice.
#[derive(Clone, Debug, Default)]
pub struct Fields(Map<String, Value>);

/// What published files say of their entries without asking anything by it: names, origins,
/// gradings, recorded answers.
const LABELS: [&str; 120] = [
    "_id",
    "answer",
    "answers",
    "author",
    "avatarUrl",
    "benchmark",
    "canonical_solution",
    "categories",
    "category",
    "chat_id",
    "chosen",
    "cluster",
    "comment",
    "completion",
    "completion_tokens",
    "conversation_hash",
    "conversation_id",
    "conversationId",
    "country",
    "created",
    "created_at",
    "data_source",
    "dataset",
    "dataset_name",
    "date",
    "detoxify_moderation",
    "difficulty",
    "domain",
    "entry_point",
    "expected",
    "expected_output",
    "explanation",
    "finish_reason",
    "gold",
    "ground_truth",
    "ground_truths",
    "group",
    "hash",
    "hashed_ip",
    "hashed_user_id",
    "header",
    "html",
    "id",
    "idx",
    "index",
    "instruction_id",
    "is_correct",
    "judge",
    "kind",
    "label",
    "labels",
    "lang",
    "language",
    "level",
    "license",
    "markdown",
    "meta",
    "metadata",
    "model",
    "name",
    "note",
    "notes",
    "num_tokens",
    "num_turns",
    "openai_moderation",
    "original_id",
    "output",
    "parent_chat_id",
    "possible_answer",
    "possible_answers",
    "prompt_id",
    "prompt_tokens",
    "quality",
    "question_id",
    "rating",
    "rationale",
    "redacted",
    "reference",
    "rejected",
    "request_id",
    "response",
    "responses",
    "sample_id",
    "score",
    "session_id",
    "solution",
    "solutions",
    "source",
    "split",
    "stars",
    "state",
    "subject",
    "subset",
    "tag",
    "tagline",
    "tags",
    "task",
    "task_id",
    "test",
    "tests",
    "timestamp",
    "title",
    "topic",
    "total_tokens",
    "toxic",
    "tstamp",
    "turn",
    "turn_identifier",
    "type",
    "uid",
    "updated_at",
    "upvotes",
    "url",
    "usage",
    "user_id",
    "uuid",
    "version",
    "views",
    "weight",
    "year",
];

impl Fields {
    /// Errors: no object, or a key twice, with the column.
    pub fn read(line: &str) -> Result<Self, String> {
        serde_json::from_str(line).map_err(|e| {
            let text = e.to_string();
            // The parser sees one line only: its own "at line 1" would contradict the number that
            // the error carries.
            format!("{} (column {})", text.split(" at line ").next().unwrap_or(&text), e.column())
        })
    }

    /// Of a value within an entry. Errors: no object.
    pub fn inner(value: Value, what: &str) -> Result<Self, String> {
        match value {
            Value::Object(map) => {
                Ok(Self(map.into_iter().filter(|(_, value)| says_something(value)).collect()))
            }
            other => Err(format!("{what} is {}: an object was expected", shown(&other))),
        }
    }

    /// Takes a value by any of its names. Errors: it has two of them.
    pub fn take(&mut self, names: &[&str]) -> Result<Option<Value>, String> {
        let mut there = names.iter().filter_map(|name| Some((*name, self.0.shift_remove(*name)?)));
        match (there.next(), there.next()) {
            (Some((one, _)), Some((two, _))) => {
                Err(format!("duplicate field: both {one} and {two}: keep one of them"))
            }
            (found, _) => Ok(found.map(|(_, value)| value)),
        }
    }

    /// Errors: no text.
    pub fn text(&mut self, names: &[&str]) -> Result<Option<String>, String> {
        match self.take(names)? {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(format!("{} is {}: a text was expected", names[0], shown(&other))),
        }
    }

    /// Errors: no whole number from 1 on.
    pub fn count(&mut self, names: &[&str]) -> Result<Option<u32>, String> {
        let Some(value) = self.take(names)? else { return Ok(None) };
        match value.as_u64().and_then(|n| u32::try_from(n).ok()) {
            Some(0) => Err(format!("{} is 0: it must be at least 1, or left out", names[0])),
            Some(n) if n > MOST_INPUT_TOKENS => {
                Err(format!("{} is {n}: it must be at most {MOST_INPUT_TOKENS}", names[0]))
            }
            Some(n) => Ok(Some(n)),
            None => Err(format!("{} is {}: a whole number was expected", names[0], shown(&value))),
        }
    }

    /// Errors: no list.
    pub fn list(&mut self, name: &str) -> Result<Option<Vec<Value>>, String> {
        match self.take(&[name])? {
            None => Ok(None),
            Some(Value::Array(all)) => Ok(Some(all)),
            Some(other) => Err(format!("{name} is {}: a list was expected", shown(&other))),
        }
    }

    /// Nothing but labels, and keys that the user lets be passed over, is left. Errors: a key that
    /// may shape the request. `setting` is the config's key that lets it be passed over.
    pub fn only_labels(&self, ignore: &[String], setting: &str) -> Result<(), String> {
        let known = |key: &str| LABELS.contains(&key) || ignore.iter().any(|other| other == key);
        match self.0.keys().find(|key| !known(key)) {
            None => Ok(()),
            Some(key) => {
                let key = short(key);
                Err(format!(
                    "`{key}` is not sent, and may be part of what is asked; remove it, or add it to {setting}"
                ))
            }
        }
    }
}

/// As much of a foreign value as a message needs.
pub fn shown(value: &Value) -> String {
    short(&value.to_string())
}

pub fn short(text: &str) -> String {
    const MOST: usize = 40;
    if text.chars().count() <= MOST {
        text.to_owned()
    } else {
        text.chars().take(MOST).chain("...".chars()).collect()
    }
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(all) => !all.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut all = Map::new();
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    if all.contains_key(&key) {
                        return Err(A::Error::custom(format!("duplicate field `{}`", short(&key))));
                    }
                    all.insert(key, value);
                }
                all.retain(|_, value| says_something(value));
                Ok(Fields(all))
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}
