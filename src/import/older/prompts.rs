//! The older tools' prompts: a type becomes a nominal length, a list of texts a dataset, where a
//! round does not need more of them than there are. Not here: the other keys of a workload
//! (`workloads`), or writing files.

use serde_json::{Value, json};

use super::fields::Item;
use super::workloads::count;
use crate::config::starter::{Line, scalar};

/// Nominal tokens of the older tools' types of prompts. Their documents give no length: `medium` is
/// what is usual here, the others lie a factor of four from it.
const LENGTHS: [(&str, u32, &str); 3] = [
    ("short", 64, "prompt_type: short, a nominal length"),
    ("medium", 256, "prompt_type: medium, a nominal length"),
    ("long", 1024, "prompt_type: long, a nominal length"),
];

/// What is usual where nothing is said of prompts.
const USUAL: u32 = 256;

/// Texts of `workloads.yaml` as a whole, by type, and the files that texts become.
#[derive(Debug, Default)]
pub struct Prompts {
    by_type: Vec<(String, Vec<String>)>,
    /// Name and JSONL text.
    pub files: Vec<(String, String)>,
}

impl Prompts {
    /// `prompts: {short: [...], long: [...]}` beside the workloads, or one list for all of them.
    pub fn read(beside: Option<&Value>) -> Self {
        let by_type = match beside {
            Some(Value::Object(map)) => {
                map.iter().map(|(kind, list)| (kind.clone(), texts(list))).collect()
            }
            Some(list) => vec![(String::new(), texts(list))],
            None => Vec::new(),
        };
        Self { by_type, files: Vec::new() }
    }

    /// The `prompts` of a workload. `sends` is how many requests a round has, where that is known
    /// before.
    pub fn line(
        &mut self,
        item: &mut Item,
        name: &str,
        sends: Option<u64>,
        notes: &mut Vec<String>,
    ) -> Option<Line> {
        let (place, kind_place) = (item.place("prompts"), item.place("prompt_type"));
        let kind = item.text(&["prompt_type"]);
        let length =
            kind.as_deref().and_then(|kind| LENGTHS.iter().find(|(known, ..)| *known == kind));
        let said = count(item, &["input_tokens", "input_len", "prompt_tokens"], notes);
        let own = item.take(&["prompts", "prompt"]).map(|value| texts(&value));
        let list = own.or_else(|| self.shared(kind.as_deref())).filter(|list| !list.is_empty());
        let tokens = said.or(length.map(|(_, tokens, _)| *tokens));
        match (list, sends) {
            (Some(list), Some(sends)) if sends <= list.len() as u64 => {
                let file = self.file(name, &list);
                notes.push(format!("{place}: {} of them, in {file}; a round sends each once at most", list.len()));
                return Some(Line::new("prompts", format!("{{dataset: {{file: {}}}}}", scalar(&file))));
            }
            (Some(list), sends) => {
                let sends = sends.map_or_else(|| "as many requests as its time allows".to_owned(), |n| format!("{n} requests"));
                notes.push(format!(
                    "{place}: {} of them, and a round sends {sends}: none is sent twice, since the server's cache would answer, so texts of {} \
                     tokens are made instead; to send yours, write enough of them into a JSONL file and name it in prompts.dataset",
                    list.len(),
                    tokens.unwrap_or(USUAL)
                ));
            }
            (None, _) => match (&kind, length, said) {
                (Some(_), Some((_, tokens, _)), None) => notes.push(format!(
                    "{kind_place}: texts of {tokens} nominal tokens are made here; write the length of your own into prompts.synthetic.input_tokens"
                )),
                (Some(_), None, None) => notes.push(format!(
                    "{kind_place}: texts are made here, unique ones of {USUAL} tokens unless prompts.synthetic.input_tokens says another length"
                )),
                _ => {}
            },
        }
        let value = format!("{{synthetic: {{input_tokens: {}}}}}", tokens?);
        let comment = length.filter(|_| said.is_none()).map(|(_, _, comment)| (*comment).into());
        Some(Line { key: "prompts", value, comment })
    }

    fn shared(&self, kind: Option<&str>) -> Option<Vec<String>> {
        let of = |wanted: &str| self.by_type.iter().find(|(known, _)| known == wanted);
        kind.and_then(of).or_else(|| of("")).map(|(_, list)| list.clone())
    }

    /// The same texts are one file.
    fn file(&mut self, workload: &str, list: &[String]) -> String {
        let lines: Vec<String> =
            list.iter().map(|prompt| json!({ "prompt": prompt }).to_string()).collect();
        let text = lines.join("\n") + "\n";
        if let Some((name, _)) = self.files.iter().find(|(_, known)| *known == text) {
            return name.clone();
        }
        let name = if self.files.is_empty() {
            "prompts.jsonl".to_owned()
        } else {
            format!("prompts-{workload}.jsonl")
        };
        self.files.push((name.clone(), text));
        name
    }
}

/// Texts alone, or mappings that hold one.
fn texts(value: &Value) -> Vec<String> {
    let one = |value: &Value| {
        let text = match value {
            Value::String(text) => Some(text.as_str()),
            Value::Object(map) => {
                ["prompt", "text", "content"].iter().find_map(|key| map.get(*key)?.as_str())
            }
            _ => None,
        };
        text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    match value {
        Value::Array(list) => list.iter().filter_map(one).collect(),
        other => one(other).into_iter().collect(),
    }
}
