//! Where each value of a config was said: line and column in the file, or a flag.
//!
//! Not here: what the values mean. Reads the YAML a second time, for its places only.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::{Location, Spanned};

use super::address::is_showable;
use super::error::{Issue, Place, Position, is_secret};

/// The places of a file's keys and values, and of what flags put over them, by path.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    name: String,
    lines: Vec<String>,
    keys: BTreeMap<String, Position>,
    values: BTreeMap<String, Position>,
    flags: BTreeMap<String, String>,
    /// Of another file, which says what is below these keys.
    beside: Option<(Box<Self>, &'static [&'static str])>,
}

impl Origins {
    /// The places in a text; none where the YAML cannot be read, and then why.
    pub fn of_text(name: &str, text: &str) -> (Self, Option<serde_saphyr::Error>) {
        let mut origins = Self {
            name: name.to_owned(),
            lines: text.lines().map(str::to_owned).collect(),
            ..Self::default()
        };
        match serde_saphyr::from_str::<Option<Spanned<Tree>>>(text) {
            Ok(Some(root)) => origins.walk("", &root),
            Ok(None) => {}
            Err(error) => return (origins, Some(error)),
        }
        (origins, None)
    }

    fn walk(&mut self, path: &str, node: &Spanned<Tree>) {
        self.values.insert(path.to_owned(), to_position(node.referenced));
        match &node.value {
            Tree::Leaf => {}
            Tree::Seq(items) => {
                for (i, item) in items.iter().enumerate() {
                    self.walk(&format!("{path}[{i}]"), item);
                }
            }
            Tree::Map(entries) => {
                for (key, value) in entries {
                    let below = join(path, &key.value);
                    self.keys.insert(below.clone(), to_position(key.referenced));
                    self.walk(&below, value);
                }
            }
        }
    }

    /// `other` says what is below `keys`.
    pub fn beside(mut self, other: Self, keys: &'static [&'static str]) -> Self {
        self.beside = Some((Box::new(other), keys));
        self
    }

    /// From now on a flag says what is at `path` and below.
    pub fn override_by(&mut self, path: &str, flag: &str) {
        self.flags.retain(|known, _| !is_at_or_below(known, path));
        self.flags.insert(path.to_owned(), flag.to_owned());
    }

    /// The longest path whose key or value is at this place of the file.
    pub fn path_at(&self, location: Location) -> String {
        let at = to_position(location);
        let found = self
            .keys
            .iter()
            .chain(&self.values)
            .filter(|(_, position)| **position == at)
            .map(|(path, _)| path);
        found.max_by_key(|path| path.len()).cloned().unwrap_or_default()
    }

    /// Place by location of the file itself.
    pub fn place_at(&self, location: Location) -> Place {
        self.file_place(to_position(location))
    }

    /// The issue with its place: that of its path, or of the nearest path above it that was said
    /// anywhere.
    pub fn locate(&self, mut issue: Issue) -> Issue {
        if issue.place == Place::Unknown {
            issue.place = self.place_of(&issue.path, issue.on_key);
        }
        if let Place::File { line, .. } = &mut issue.place {
            let hidden = is_secret(&issue.path) || issue.what.en.starts_with("holds ");
            *line = line.take().filter(|text| !hidden && is_showable(text));
        }
        issue
    }

    fn place_of(&self, path: &str, key_is_wrong: bool) -> Place {
        let by_flag = self.flags.keys().any(|said| is_at_or_below(path, said));
        if let Some((other, keys)) = &self.beside
            && !by_flag
            && keys.iter().any(|key| is_at_or_below(path, key))
        {
            return other.place_of(path, key_is_wrong);
        }
        let mut at = path;
        loop {
            if let Some(flag) = self.flags.get(at) {
                return Place::Flag(flag.clone());
            }
            let key = self.keys.get(at).filter(|_| key_is_wrong && at == path);
            if let Some(position) =
                key.or_else(|| self.values.get(at)).filter(|_| !self.lines.is_empty())
            {
                return self.file_place(*position);
            }
            if at.is_empty() {
                return Place::Unknown;
            }
            at = &at[..at.rfind(['.', '[']).unwrap_or(0)];
        }
    }

    fn file_place(&self, at: Position) -> Place {
        let line = self.lines.get(at.line.saturating_sub(1)).cloned();
        Place::File { name: self.name.clone(), at, line }
    }
}

/// A key below a path.
pub fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn is_at_or_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn to_position(location: Location) -> Position {
    let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    Position { line: number(location.line()), column: number(location.column()) }
}

enum Tree {
    Leaf,
    Seq(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<String>, Spanned<Self>)>),
}

struct TreeVisitor;

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_str<E>(self, _: &str) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(Self)
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Tree::Leaf)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Tree::Seq(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Tree::Map(entries))
    }
}
