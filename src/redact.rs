//! Secrets out of a server's words: some servers repeat the key in their refusal, in their version,
//! or in another spelling.
//!
//! Found are the secret and its parts of eight characters or more: plain, in either case, in hex,
//! base64 (of any alignment), percent signs, JSON's and HTML's escapes, and with blanks or signs
//! between the characters. Not here: which texts are foreign.

mod spelling;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use spelling::{Sign, signs, stages};

/// What is shown instead.
pub const HIDDEN: &str = "***";
/// Shorter words are no secrets, and would be found within innocent ones.
const MIN_CHARS: usize = 4;
/// Parts of a secret from this length on are found, too. A header's value that is shorter is a
/// team's name or a flag.
const RUN: usize = 8;
/// Characters of base64 that eight bytes decide alone, whatever stands before and after them.
const BASE64_RUN: usize = 9;
/// Words that the documents of engines give for "no key": they are no secrets, and a server's own
/// name is one of them.
const PLACEHOLDERS: [&str; 4] =
    ["lm-studio", "not-needed", "no-key-required", "sk-no-key-required"];
/// Headers of these names carry no secrets, or names that a server says for good reason, such as a
/// model's.
const OPEN_HEADERS: [&str; 14] = [
    "accept",
    "content-",
    "user-agent",
    "traceparent",
    "request-id",
    "model",
    "route",
    "team",
    "project",
    "organization",
    "tenant",
    "region",
    "version",
    "environment",
];

/// How much of a secret is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// Each run of [`RUN`] characters.
    Runs,
    /// Only all of it: parts are common words.
    Whole,
}

/// What must not be shown, prepared once for many texts.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    words: Vec<String>,
    /// What is looked for, by its length in characters; in lower case.
    needles: BTreeMap<usize, Needles>,
}

/// Texts of one length.
#[derive(Clone, Debug, Default)]
struct Needles {
    all: BTreeSet<Vec<char>>,
    /// How they begin: nearly every place of a text begins otherwise.
    beginnings: BTreeSet<[char; 3]>,
    /// The first characters, as bits of their lowest seven.
    first: u128,
}

/// What must not be shown: the key, and what extra headers carry (`Bearer TOKEN`: the token).
pub fn secrets(api_key: Option<&str>, headers: &[(String, String)]) -> Secrets {
    let mut all = Secrets::default();
    if let Some(key) = api_key {
        all.add(key, Extent::Runs);
    }
    for (name, value) in headers {
        let extent = if is_open(name) { Extent::Whole } else { Extent::Runs };
        for word in value.split_whitespace().filter(|word| word.chars().count() >= RUN) {
            all.add(word, extent);
            all.login(word);
        }
    }
    all
}

/// As [`secrets`], without the headers that say a model's or a team's name: of those a server may
/// say the same for good reason.
pub fn keys(api_key: Option<&str>, headers: &[(String, String)]) -> Secrets {
    let closed: Vec<(String, String)> =
        headers.iter().filter(|(name, _)| !is_open(name)).cloned().collect();
    secrets(api_key, &closed)
}

fn is_open(header: &str) -> bool {
    let header = header.to_ascii_lowercase();
    OPEN_HEADERS.iter().any(|open| header.contains(open))
}

/// The text without the secrets. One that a cut (`...`) has left in part goes, too.
pub fn redact(text: String, secrets: &Secrets) -> String {
    secrets.redact(text)
}

impl Secrets {
    /// With one that is a secret as a whole, such as a value of the environment; of a URL, its
    /// password.
    #[must_use]
    pub fn with(mut self, value: &str) -> Self {
        self.add(value, Extent::Whole);
        if let Some((_, password)) = login_of(value) {
            self.add(password, Extent::Runs);
        }
        self
    }

    /// With one whose parts are secrets, too.
    #[must_use]
    pub fn with_key(mut self, value: &str) -> Self {
        self.add(value, Extent::Runs);
        self
    }

    /// As [`redact`].
    pub fn redact(&self, text: String) -> String {
        if self.words.is_empty() || text.len() < MIN_CHARS {
            return text;
        }
        let mut text = self.without(text);
        for word in &self.words {
            if let Some(start) = text.strip_suffix("...").and_then(|cut| partial(cut, word)) {
                text.truncate(start);
                text.push_str(HIDDEN);
            }
        }
        text
    }

    /// Whether the text holds a secret, or a part of one.
    pub fn are_in(&self, text: &str) -> bool {
        !self.hits(text).is_empty()
    }

    fn add(&mut self, secret: &str, extent: Extent) {
        let count = secret.chars().count();
        if count < MIN_CHARS || PLACEHOLDERS.contains(&secret) {
            return;
        }
        self.words.push(secret.to_owned());
        self.need(&lower(secret), if extent == Extent::Runs { RUN } else { count }.min(count), 1);
        let variants: BTreeSet<String> =
            [secret.to_owned(), secret.to_lowercase(), secret.to_uppercase()].into();
        for bytes in variants.iter().map(String::as_bytes) {
            let hex: Vec<char> =
                bytes.iter().flat_map(|b| format!("{b:02x}").chars().collect::<Vec<_>>()).collect();
            let run = if extent == Extent::Runs { 2 * RUN } else { hex.len() };
            self.need(&hex, run.min(hex.len()), 2);
            for aligned in
                (0..3).map(|before| encoded(bytes, before)).filter(|e| e.len() >= BASE64_RUN)
            {
                let run = if extent == Extent::Runs { BASE64_RUN } else { aligned.len() };
                let url: String = aligned.replace('+', "-").replace('/', "_");
                for text in [aligned, url] {
                    self.need(&lower(&text), run, 1);
                }
            }
        }
    }

    /// Of `Basic BASE64`: the password.
    fn login(&mut self, word: &str) {
        let decoded =
            BASE64_STANDARD.decode(word).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        if let Some((_, password)) = decoded.as_deref().and_then(|text| text.split_once(':')) {
            self.add(password, Extent::Runs);
        }
    }

    /// Every `run` characters of it, beginning at each `step`th.
    fn need(&mut self, text: &[char], run: usize, step: usize) {
        let needles = self.needles.entry(run).or_default();
        for needle in text.windows(run).step_by(step) {
            needles.first |= 1 << (u32::from(needle[0]) & 127);
            needles.beginnings.extend(beginning(needle));
            needles.all.insert(needle.to_vec());
        }
    }

    fn without(&self, text: String) -> String {
        let hits = self.hits(&text);
        if hits.is_empty() {
            return text;
        }
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for (start, end) in hits {
            if start >= from {
                out.push_str(&text[from..start]);
                out.push_str(HIDDEN);
            }
            from = from.max(end);
        }
        out.push_str(&text[from..]);
        out
    }

    /// Ranges of bytes that hold secrets, in order; those that touch are one.
    fn hits(&self, text: &str) -> Vec<(usize, usize)> {
        if self.needles.is_empty() {
            return Vec::new();
        }
        let mut found: Vec<(usize, usize)> =
            stages(signs(text)).iter().flat_map(|signs| self.found(signs)).collect();
        found.sort_unstable();
        found.dedup_by(|next, last| {
            let touch = next.0 <= last.1;
            last.1 = if touch { last.1.max(next.1) } else { last.1 };
            touch
        });
        found
    }

    fn found(&self, signs: &[Sign]) -> Vec<(usize, usize)> {
        let chars: Vec<char> = signs.iter().map(|s| s.shown.to_ascii_lowercase()).collect();
        let mut found = Vec::new();
        for (&length, needles) in &self.needles {
            for (at, window) in chars.windows(length).enumerate() {
                if needles.contain(window) {
                    found.push((signs[at].start, signs[at + length - 1].end));
                }
            }
        }
        found
    }
}

impl Needles {
    fn contain(&self, window: &[char]) -> bool {
        self.first & (1 << (u32::from(window[0]) & 127)) != 0
            && beginning(window).is_some_and(|start| self.beginnings.contains(&start))
            && self.all.contains(window)
    }
}

fn beginning(text: &[char]) -> Option<[char; 3]> {
    text.first_chunk().copied()
}

/// The characters of base64 that `bytes` decide alone where `before` bytes stand before them.
fn encoded(bytes: &[u8], before: usize) -> String {
    let all = BASE64_STANDARD.encode([vec![0; before], bytes.to_vec()].concat());
    let (start, end) = ((before * 8).div_ceil(6), (before + bytes.len()) * 8 / 6);
    all[start..end].to_owned()
}

fn lower(text: &str) -> Vec<char> {
    text.chars().map(|c| c.to_ascii_lowercase()).collect()
}

/// User and password of a URL.
pub fn login_of(url: &str) -> Option<(&str, &str)> {
    let authority = url.split_once("://")?.1.split(['/', '?', '#']).next()?;
    let (login, _) = authority.rsplit_once('@')?;
    Some(login.split_once(':').unwrap_or(("", login)))
}

/// Where the longest beginning of the secret starts that the text ends with.
fn partial(text: &str, secret: &str) -> Option<usize> {
    let beginnings = secret.char_indices().map(|(at, _)| &secret[..at]).rev();
    beginnings
        .take_while(|b| b.len() >= MIN_CHARS)
        .find(|b| text.ends_with(b))
        .map(|b| text.len() - b.len())
}

#[cfg(test)]
mod tests;
