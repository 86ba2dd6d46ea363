//! `--set path.to.key=value`: one value put over the file's, checked against the schema of the wire
//! types.
//!
//! Not here: the flags that have a name of their own (`layers`).

use serde_json::{Map, Value};

use super::error::{
    ConfigError, Issue, Place, Unknown, did_you_mean, expected_type, forms, is_secret, unknown,
};
use super::file::{self, File};
use super::position::{Origins, join};
use super::units::UnitError;
use crate::lang::{Text, bilingual};

/// Keys of which one mapping can hold only one: setting one removes the others.
const EITHER_OR: [&[&str]; 6] = [
    &["base_url", "sim"],
    &["requests", "duration"],
    &["poisson", "constant", "gamma", "closed", "ramp", "trace", "sessions"],
    &["synthetic", "dataset"],
    &["conversation", "dataset"],
    &["ref", "target", "config", "base_url"],
];

/// Puts each override over the file, in order; a later one wins.
pub fn apply(file: File, overrides: &[String], origins: &mut Origins) -> Result<File, ConfigError> {
    let schema = file::schema();
    let mut file = file;
    for text in overrides {
        file = apply_one(&schema, &file, text, origins)
            .map_err(|issue| Issue { place: Place::Flag(shown(text)), ..*issue })?;
    }
    Ok(file)
}

fn apply_one(
    schema: &Value,
    file: &File,
    text: &str,
    origins: &mut Origins,
) -> Result<File, Box<Issue>> {
    let (path, value) = text.split_once('=').ok_or_else(|| {
        wrong("", "no `=` in it", "write --set path.to.key=value, such as --set gate.starts=1")
    })?;
    let mut tree = serde_json::to_value(file)
        .map_err(|error| wrong(path, error.to_string(), "report this as a bug"))?;
    strip_nulls(&mut tree);
    let mut walk = Walk { schema, nodes: alternatives(schema, schema), path: String::new() };
    let slot = walk.descend(&mut tree, path)?;
    *slot = walk.parse(value)?;
    strip_nulls(&mut tree);
    let changed: File = serde_json::from_value(tree).map_err(|error| {
        let message = error.to_string();
        if let Some(UnitError { what, hint }) = UnitError::read_back(&message) {
            return wrong(&walk.path, what, hint);
        }
        let typed = message
            .strip_prefix("invalid type: ")
            .and_then(|rest| rest.split_once(", expected "))
            .map(|(found, expected)| expected_type(expected, Some(found)));
        let what = typed.unwrap_or_else(|| message.as_str().into());
        wrong(&walk.path, what, forms())
    })?;
    origins.override_by(&walk.path, &shown(text));
    Ok(changed)
}

fn wrong(path: &str, what: impl Into<Text>, hint: impl Into<Text>) -> Box<Issue> {
    Box::new(Issue::new(path, what, hint))
}

/// The flag as messages name it.
fn shown(text: &str) -> String {
    let path = text.split('=').next().unwrap_or(text);
    if is_secret(path) { format!("--set {path}=...") } else { format!("--set {text}") }
}

/// Absent and null are the same in a config; nulls would otherwise look like said values.
fn strip_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, v| !v.is_null());
            // There null is a value, which is sent.
            map.iter_mut()
                .filter(|(key, _)| *key != "extra_body")
                .for_each(|(_, v)| strip_nulls(v));
        }
        Value::Array(items) => items.iter_mut().for_each(strip_nulls),
        _ => {}
    }
}

/// A way down the tree of values and, in step, down the schema.
struct Walk<'s> {
    schema: &'s Value,
    /// What the schema allows here, references resolved.
    nodes: Vec<&'s Value>,
    path: String,
}

impl Walk<'_> {
    /// The place of `path`, made where it was not there yet.
    fn descend<'v>(
        &mut self,
        mut value: &'v mut Value,
        path: &str,
    ) -> Result<&'v mut Value, Box<Issue>> {
        let normal = path.replace('[', ".").replace(']', "");
        let mut rest = normal.as_str();
        while !rest.is_empty() {
            let taken;
            (value, taken) =
                if value.is_array() { self.item(value, rest)? } else { self.key(value, rest)? };
            rest = rest[taken..].strip_prefix('.').unwrap_or(&rest[taken..]);
        }
        if self.path.is_empty() {
            return Err(wrong("", "no key before the `=`", "write --set path.to.key=value"));
        }
        Ok(value)
    }

    fn key<'v>(
        &mut self,
        value: &'v mut Value,
        rest: &str,
    ) -> Result<(&'v mut Value, usize), Box<Issue>> {
        let key = rest.split('.').next().unwrap_or(rest);
        let below: Vec<&Value> =
            self.nodes.iter().flat_map(|node| child(self.schema, node, key)).collect();
        let parent = std::mem::take(&mut self.path);
        self.path = join(&parent, key);
        if below.is_empty() {
            let valid = self.nodes.iter().flat_map(|node| property_names(node)).collect::<Vec<_>>();
            let (what, hint) = unknown(Unknown::Key, &parent, key, &valid);
            return Err(wrong(&self.path, what, hint));
        }
        self.nodes = below;
        if !value.is_object() {
            *value = Value::Object(Map::new());
        }
        let Value::Object(map) = value else {
            return Err(wrong(&self.path, "not a mapping", "report this as a bug"));
        };
        let excluded = |other: &str| {
            EITHER_OR.iter().any(|group| group.contains(&key) && group.contains(&other))
        };
        map.retain(|other, _| other == key || !excluded(other));
        Ok((map.entry(key).or_insert(Value::Null), key.len()))
    }

    /// An item by index, or a workload by name; names may hold dots, so that the longest that fits
    /// is meant.
    fn item<'v>(
        &mut self,
        value: &'v mut Value,
        rest: &str,
    ) -> Result<(&'v mut Value, usize), Box<Issue>> {
        let items = value.as_array_mut().map(Vec::as_mut_slice).unwrap_or_default();
        let names: Vec<String> = items.iter().map(|item| name_of(item).to_owned()).collect();
        let fits = |name: &str| {
            rest.strip_prefix(name).is_some_and(|r| r.is_empty() || r.starts_with('.'))
        };
        let by_name = names
            .iter()
            .enumerate()
            .filter(|(_, name)| !name.is_empty() && fits(name))
            .max_by_key(|(_, n)| n.len());
        let first = rest.split('.').next().unwrap_or(rest);
        let (index, taken) = match by_name {
            Some((index, name)) => (Some(index), name.len()),
            None => (first.parse().ok().filter(|i| *i < items.len()), first.len()),
        };
        let Some(index) = index else {
            let valid: Vec<&str> =
                names.iter().map(String::as_str).filter(|n| !n.is_empty()).collect();
            return Err(wrong(
                &self.path,
                format!("nothing named `{first}` here"),
                did_you_mean(first, &valid),
            ));
        };
        self.nodes = self
            .nodes
            .iter()
            .filter_map(|n| n.get("items"))
            .flat_map(|n| alternatives(self.schema, n))
            .collect();
        self.path = format!("{}[{index}]", self.path);
        Ok((&mut items[index], taken))
    }

    /// As YAML, except where only text fits: `1.10` stays a model's name.
    fn parse(&self, text: &str) -> Result<Value, Box<Issue>> {
        let types: Vec<&str> =
            self.nodes.iter().flat_map(|node| type_names(node)).filter(|t| *t != "null").collect();
        let parsed = if !types.is_empty() && types.iter().all(|t| *t == "string") {
            serde_saphyr::from_str::<Option<String>>(text)
                .map(|s| s.map_or(Value::Null, Value::String))
        } else {
            serde_saphyr::from_str(text)
        };
        parsed.map_err(|error| {
            let (what, hint) = super::error::describe(&error, "");
            let value = if is_secret(&self.path) {
                bilingual!("the value: ", "값: ")
            } else {
                bilingual!("value `{text}`: ", "값 `{text}`: ")
            };
            wrong(&self.path, value.then(&what), hint)
        })
    }
}

/// A workload without a name of its own goes by its preset's.
fn name_of(item: &Value) -> &str {
    item.get("name").or_else(|| item.get("preset")).and_then(Value::as_str).unwrap_or("")
}

/// The schemas that may hold at a node: references and alternatives resolved.
fn alternatives<'s>(root: &'s Value, node: &'s Value) -> Vec<&'s Value> {
    if let Some(reference) = node.get("$ref").and_then(Value::as_str) {
        let target = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        return target.map(|target| alternatives(root, target)).unwrap_or_default();
    }
    let several =
        ["anyOf", "oneOf", "allOf"].iter().find_map(|key| node.get(key)).and_then(Value::as_array);
    several.map_or_else(
        || vec![node],
        |nodes| nodes.iter().flat_map(|n| alternatives(root, n)).collect(),
    )
}

fn child<'s>(root: &'s Value, node: &'s Value, key: &str) -> Vec<&'s Value> {
    let named = node.get("properties").and_then(|properties| properties.get(key));
    let anything = |schema: &&Value| **schema == Value::Bool(true);
    let more = node.get("additionalProperties").filter(|more| more.is_object() || anything(more));
    let below = named.or(more).or(Some(node).filter(anything));
    below.map(|below| alternatives(root, below)).unwrap_or_default()
}

fn property_names(node: &Value) -> Vec<&str> {
    node.get("properties")
        .and_then(Value::as_object)
        .map(|p| p.keys().map(String::as_str).collect())
        .unwrap_or_default()
}

fn type_names(node: &Value) -> Vec<&str> {
    match node.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        // Enumerations of text have no type of their own in some forms.
        _ if node.get("enum").is_some() || node.get("const").is_some() => vec!["string"],
        _ => vec![],
    }
}
