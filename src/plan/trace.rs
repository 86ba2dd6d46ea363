//! A recorded trace: JSONL text to lines with offsets, lengths and, where it has them, prompts.
//!
//! Not here: reading the file, or filling in what a line leaves out (`build`). Mooncake's published
//! traces (`timestamp`, `input_length`, `output_length`, `hash_ids`) are read as they are; of
//! others the unit and the size of a block are to be said where the numbers speak against
//! Mooncake's.

use serde_json::Value;

use super::PlanError;
use super::fields::{Fields, shown};
use crate::config::{TimeUnit, TraceFormat};

/// One arrival of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Microseconds from the trace's first arrival.
    pub offset_us: u64,
    pub prompt: Option<String>,
    pub input_tokens: Option<u32>,
    pub output_tokens: Option<u32>,
    /// One id per block of input tokens, from the start: equal ids are equal text.
    pub blocks: Vec<u64>,
}

/// The latest offset that is believed, in milliseconds: beyond it doubles no longer hold
/// microseconds, and no timestamp comes near.
const LATEST_MS: f64 = 9e12;
/// Tokens of a block of `hash_ids`, as Mooncake publishes them.
pub const BLOCK_TOKENS: u32 = 512;
/// Seconds since 1970 in the years 2001 to 2096: as milliseconds they would be days into January
/// 1970.
const EPOCH_SECONDS: std::ops::Range<f64> = 1e9..4e9;
const SETTING: &str = "arrival.trace.ignore";
/// What a line's `type` may say of a request of text.
const TEXT_TYPES: [&str; 5] = ["text", "chat", "search", "completion", "conversation"];

/// When a line arrives, as the file says it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    /// `offset_ms`, whose name is its unit.
    Offset(f64),
    Timestamp(f64),
}

/// A year, in microseconds: as in `arrival`.
const LONGEST_US: u64 = 365 * 24 * 3600 * 1_000_000;

/// All lines, sorted by offset (lines of equal offset keep their order) and counted from the first,
/// so that traces with wall-clock timestamps work as well; then divided by `speedup`. Blank lines
/// are passed over.
///
/// # Errors
/// A line that is not such an object, holds a key that would not be sent, or contradicts the unit
/// or the blocks, with its number; a trace without lines.
pub fn parse(text: &str, speedup: f64, format: &TraceFormat) -> Result<Vec<Line>, PlanError> {
    let mut times = Vec::new();
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate().map(|(i, line)| (i + 1, line.trim())) {
        if !line.is_empty() {
            let (at, line) =
                read(line, format).map_err(|what| PlanError::TraceLine { number, what })?;
            times.push(at);
            lines.push(line);
        }
    }
    if format.unit.is_none() {
        believable(&times)?;
    }
    lines.sort_by_key(|line| line.offset_us);
    let first = lines.first().ok_or(PlanError::TraceEmpty)?.offset_us;
    for line in &mut lines {
        line.offset_us = faster(line.offset_us - first, speedup);
    }
    if lines.last().is_some_and(|line| line.offset_us > LONGEST_US) {
        return Err(PlanError::TooLong);
    }
    Ok(lines)
}

/// Errors: timestamps that are no milliseconds, as far as numbers can tell. An `offset_ms` says its
/// unit itself.
fn believable(times: &[At]) -> Result<(), PlanError> {
    let stamps: Vec<f64> = times
        .iter()
        .filter_map(|at| if let At::Timestamp(t) = at { Some(*t) } else { None })
        .collect();
    let (first, last) =
        stamps.iter().fold((f64::INFINITY, 0.0_f64), |(a, b), t| (a.min(*t), b.max(*t)));
    let span = last - first;
    let gaps = stamps.len().saturating_sub(1) as f64;
    let what = if let Some(t) = stamps.iter().find(|t| t.fract() != 0.0) {
        format!("timestamp {t} has a fraction, as seconds have")
    } else if EPOCH_SECONDS.contains(&first) {
        format!("timestamp {first} is a date in seconds")
    } else if span > 0.0 && gaps > span {
        format!("{} requests would arrive within {span} ms", stamps.len())
    } else {
        return Ok(());
    };
    Err(PlanError::TraceUnit { what })
}

fn read(line: &str, format: &TraceFormat) -> Result<(At, Line), String> {
    let mut fields = Fields::read(line)?;
    let (at, offset_us) = arrival(&mut fields, format.unit)?;
    let prompt = fields.text(&["prompt", "text_input"])?;
    let input_tokens = fields.count(&["input_tokens", "input_length"])?;
    let output_tokens = fields.count(&["output_tokens", "output_length", "max_tokens"])?;
    let blocks = ids(&mut fields)?;
    if let Some(kind) = fields.text(&["type"])?.filter(|kind| !TEXT_TYPES.contains(&kind.as_str()))
    {
        return Err(format!(
            "it is a request of type `{}`, and only text is sent",
            super::fields::short(&kind)
        ));
    }
    fields.only_labels(&format.ignore, SETTING)?;
    if prompt.is_some() && !blocks.is_empty() {
        return Err("both prompt and hash_ids: keep the one that says what the text is".into());
    }
    if prompt.as_deref() == Some("") {
        return Err("prompt is empty: leave it out to have one made from input_tokens".into());
    }
    if !blocks.is_empty() {
        let tokens = input_tokens
            .ok_or("hash_ids without input_length: the last block would have no end")?;
        fitting(&blocks, tokens, format.block_tokens)?;
    }
    Ok((at, Line { offset_us, prompt, input_tokens, output_tokens, blocks }))
}

fn arrival(fields: &mut Fields, unit: Option<TimeUnit>) -> Result<(At, u64), String> {
    let number = |value: Value, name: &str| {
        value.as_f64().ok_or_else(|| format!("{name} is {}: a number was expected", shown(&value)))
    };
    let (offset, stamp) = (fields.take(&["offset_ms"])?, fields.take(&["timestamp"])?);
    let (at, name, ms) = match (offset, stamp) {
        (Some(value), None) => {
            let ms = number(value, "offset_ms")?;
            (At::Offset(ms), "offset_ms", ms)
        }
        (None, Some(value)) => {
            let t = number(value, "timestamp")?;
            let ms = match unit.unwrap_or(TimeUnit::Ms) {
                TimeUnit::S => t * 1000.0,
                TimeUnit::Ms => t,
                TimeUnit::Us => t / 1000.0,
            };
            (At::Timestamp(t), "timestamp", ms)
        }
        (Some(_), Some(_)) => {
            return Err("duplicate field: both offset_ms and timestamp: keep one of them".into());
        }
        (None, None) => return Err("missing field `offset_ms`".into()),
    };
    if (0.0..=LATEST_MS).contains(&ms) {
        return Ok((at, micros(ms)));
    }
    Err(format!(
        "{name} is {ms} ms: it must be between 0 and {LATEST_MS}; say its unit in arrival.trace.unit"
    ))
}

fn ids(fields: &mut Fields) -> Result<Vec<u64>, String> {
    let all = fields.list("hash_ids")?.unwrap_or_default();
    all.iter()
        .map(|id| {
            id.as_u64()
                .ok_or_else(|| format!("hash_ids holds {}: whole numbers were expected", shown(id)))
        })
        .collect()
}

/// As many ids as there are blocks in the input; a last block that is not full may have one or not.
fn fitting(ids: &[u64], tokens: u32, said: Option<u32>) -> Result<(), String> {
    let size = said.unwrap_or(BLOCK_TOKENS);
    let (least, most) = ((tokens / size) as usize, tokens.div_ceil(size) as usize);
    if (least..=most).contains(&ids.len()) {
        return Ok(());
    }
    let guess = (1..=12)
        .map(|power| 1_u32 << power)
        .find(|size| tokens.div_ceil(*size) as usize == ids.len());
    let hint = guess.map(|size| format!(", such as {size}")).unwrap_or_default();
    Err(format!(
        "{} hash_ids for {tokens} input tokens are no blocks of {size}; say how many tokens a block has in arrival.trace.block_tokens{hint}",
        ids.len()
    ))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "never negative, and saturating is what is wanted"
)]
fn faster(offset_us: u64, speedup: f64) -> u64 {
    (offset_us as f64 / speedup).round() as u64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to lie between 0 and LATEST_MS"
)]
fn micros(ms: f64) -> u64 {
    (ms * 1000.0).round() as u64
}

#[cfg(test)]
mod tests;
