//! A file of requests: a JSON array (`ShareGPT`) or JSONL to what each entry asks, with the fields
//! that it adds to its request.
//!
//! Not here: reading the file, or choosing among its requests (`build`). Recorded answers are not
//! used: what the server says is its own.

mod entry;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::PlanError;
use super::fields::Fields;
use crate::config::DatasetFormat;
use crate::protocol::{ExtraBody, Protocol, Role};

/// One request of a dataset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item {
    /// At least one; the last is the user's.
    pub messages: Vec<(Role, String)>,
    pub output_tokens: Option<u32>,
    /// Sent beside them, over what the config adds to every request.
    pub extra_body: ExtraBody,
}

/// The requests of a file, in its order.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    pub items: Vec<Item>,
    pub left_out: Vec<LeftOut>,
}

/// Entries of an array that are no request, by the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    pub why: Why,
    pub count: u64,
    /// The first of them, counted from 1.
    pub first: u64,
    /// Of so many entries.
    pub of: u64,
}

/// Why an entry is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// No message of a user.
    NoQuestion,
    /// A message up to the question has no text.
    NoText,
    /// Someone else than system, user and assistant speaks up to the question.
    OtherRole,
}

/// How a file is read.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    pub format: DatasetFormat,
    pub protocol: &'a Protocol,
    /// Keys that are passed over.
    pub ignore: &'a [String],
}

/// Why an entry gives no item.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Problem {
    /// It holds nothing that could be asked: an entry of an array is left out, and counted.
    LeftOut(Why, String),
    /// It asks something that would not be sent.
    Refused(String),
}

/// All requests of a file. Entries of an array in which nothing can be asked are left out and
/// counted, since the published ones have some; a line of JSONL that asks nothing is an error. Only
/// what is sent is checked.
///
/// # Errors
/// Text that is not of the format; a key that would not be sent, with its line or entry; a file
/// without requests.
pub fn parse(text: &str, reading: &Reading<'_>) -> Result<Dataset, PlanError> {
    let array = match reading.format {
        DatasetFormat::Auto => text.trim_start().starts_with('['),
        DatasetFormat::ShareGpt => true,
        DatasetFormat::Jsonl => false,
    };
    let dataset = if array { entries(text, reading)? } else { lines(text, reading)? };
    if dataset.items.is_empty() {
        Err(PlanError::DatasetEmpty { left_out: sentences(&dataset.left_out) })
    } else {
        Ok(dataset)
    }
}

fn entries(text: &str, reading: &Reading<'_>) -> Result<Dataset, PlanError> {
    let all: Vec<Fields> =
        serde_json::from_str(text).map_err(|e| PlanError::DatasetShape(e.to_string()))?;
    let of = all.len() as u64;
    let (mut items, mut left_out) = (Vec::new(), Vec::<LeftOut>::new());
    for (number, fields) in (1..).zip(all) {
        match entry::item(fields, reading) {
            Ok(item) => items.push(item),
            Err(Problem::LeftOut(why, _)) => {
                match left_out.iter_mut().find(|other| other.why == why) {
                    Some(same) => same.count += 1,
                    None => left_out.push(LeftOut { why, count: 1, first: number, of }),
                }
            }
            Err(Problem::Refused(what)) => return Err(PlanError::DatasetEntry { number, what }),
        }
    }
    Ok(Dataset { items, left_out })
}

fn lines(text: &str, reading: &Reading<'_>) -> Result<Dataset, PlanError> {
    let lines = text
        .lines()
        .enumerate()
        .map(|(i, line)| (i + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty());
    let item = |(number, line)| {
        let item = Fields::read(line)
            .map_err(Problem::Refused)
            .and_then(|fields| entry::item(fields, reading));
        item.map_err(|(Problem::LeftOut(_, what) | Problem::Refused(what))| {
            PlanError::DatasetLine { number, what }
        })
    };
    Ok(Dataset { items: lines.map(item).collect::<Result<_, _>>()?, left_out: Vec::new() })
}

/// Empty where nothing was left out.
pub fn sentences(left_out: &[LeftOut]) -> String {
    left_out.iter().fold(String::new(), |all, one| format!("{all} ({one})"))
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { why, count, first, of } = self;
        let why = match why {
            Why::NoQuestion => "no message of a user",
            Why::NoText => "a message without text up to the question",
            Why::OtherRole => "a role other than system, user and assistant up to the question",
        };
        write!(
            f,
            "{count} of {of} entries of the dataset are left out: {why} (the first is entry {first})"
        )
    }
}

#[cfg(test)]
mod tests;
