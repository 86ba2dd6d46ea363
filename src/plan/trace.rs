//! A recorded trace: JSONL text to lines with offsets, lengths and, where it has them, prompts.
//!
//! Not here: reading the file, or filling in what a line leaves out (`build`). Mooncake's published traces
//! (`timestamp`, `input_length`, `output_length`, `hash_ids`) are read as they are; keys that are not used are passed over.

use serde::Deserialize;

use super::PlanError;

/// One arrival of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Microseconds from the trace's first arrival.
    pub offset_us: u64,
    pub prompt: Option<String>,
    pub input_tokens: Option<u32>,
    pub output_tokens: Option<u32>,
    /// One id per block of 512 input tokens, from the start: equal ids are equal text.
    pub blocks: Vec<u64>,
}

/// Milliseconds, as both spellings have it.
#[derive(Deserialize)]
struct Wire {
    #[serde(alias = "timestamp")]
    offset_ms: f64,
    prompt: Option<String>,
    #[serde(alias = "input_length")]
    input_tokens: Option<u32>,
    #[serde(alias = "output_length")]
    output_tokens: Option<u32>,
    #[serde(default)]
    hash_ids: Vec<u64>,
}

/// The latest offset that is believed, in milliseconds: beyond it doubles no longer hold microseconds, and no timestamp comes near.
const LATEST_MS: f64 = 9e12;

/// All lines, sorted by offset (lines of equal offset keep their order) and counted from the first, so that traces with wall-clock
/// timestamps work as well; then divided by `speedup`. Blank lines are passed over.
///
/// # Errors
/// A line that is not such an object, with its number; a trace without lines.
pub fn parse(text: &str, speedup: f64) -> Result<Vec<Line>, PlanError> {
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate().map(|(i, line)| (i + 1, line.trim())) {
        if !line.is_empty() {
            lines.push(read(line).map_err(|what| PlanError::TraceLine { number, what })?);
        }
    }
    lines.sort_by_key(|line| line.offset_us);
    let first = lines.first().ok_or(PlanError::TraceEmpty)?.offset_us;
    for line in &mut lines {
        line.offset_us = faster(line.offset_us - first, speedup);
    }
    Ok(lines)
}

fn read(line: &str) -> Result<Line, String> {
    let wire: Wire = serde_json::from_str(line).map_err(|e| {
        let text = e.to_string();
        // The parser sees one line only: its own "at line 1" would contradict the number that the error carries.
        format!("{} (column {})", text.split(" at line ").next().unwrap_or(&text), e.column())
    })?;
    if !(0.0..=LATEST_MS).contains(&wire.offset_ms) {
        return Err(format!("offset_ms is {}: it must be between 0 and {LATEST_MS}", wire.offset_ms));
    }
    for (key, value) in [("input_tokens", wire.input_tokens), ("output_tokens", wire.output_tokens)] {
        if value == Some(0) {
            return Err(format!("{key} is 0: it must be at least 1, or left out"));
        }
    }
    if wire.prompt.is_some() && !wire.hash_ids.is_empty() {
        return Err("both prompt and hash_ids: keep the one that says what the text is".into());
    }
    if !wire.hash_ids.is_empty() && wire.input_tokens.is_none() {
        return Err("hash_ids without input_length: the last block would have no end".into());
    }
    if wire.prompt.as_deref() == Some("") {
        return Err("prompt is empty: leave it out to have one made from input_tokens".into());
    }
    Ok(Line {
        offset_us: micros(wire.offset_ms),
        prompt: wire.prompt,
        input_tokens: wire.input_tokens,
        output_tokens: wire.output_tokens,
        blocks: wire.hash_ids,
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "never negative, and saturating is what is wanted")]
fn faster(offset_us: u64, speedup: f64) -> u64 {
    (offset_us as f64 / speedup).round() as u64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to lie between 0 and LATEST_MS")]
fn micros(ms: f64) -> u64 {
    (ms * 1000.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(text, 1.0).expect_err("should be refused").to_string()
    }

    #[test]
    fn both_spellings_are_read_sorted_and_counted_from_the_first() {
        let text = concat!(
            "{\"timestamp\": 3000.5, \"input_length\": 10, \"output_length\": 20, \"hash_ids\": [1, 2]}\n",
            "\n",
            "{\"offset_ms\": 1000, \"prompt\": \"hello\", \"output_tokens\": 5}\r\n",
        );
        let lines = parse(text, 1.0).expect("reads");
        assert_eq!(
            lines,
            [
                Line {
                    offset_us: 0,
                    prompt: Some("hello".into()),
                    input_tokens: None,
                    output_tokens: Some(5),
                    blocks: Vec::new()
                },
                Line { offset_us: 2_000_500, prompt: None, input_tokens: Some(10), output_tokens: Some(20), blocks: vec![1, 2] },
            ]
        );
        let faster = parse(text, 4.0).expect("reads");
        assert_eq!((faster[0].offset_us, faster[1].offset_us), (0, 500_125));
    }

    #[test]
    fn errors_name_the_line_of_the_file() {
        assert_eq!(
            error("{\"offset_ms\": 0}\n\n{\"input_tokens\": 4}"),
            "line 3 of the trace: missing field `offset_ms` (column 19): correct the line; it needs offset_ms (or timestamp)"
        );
        assert!(error("{\"offset_ms\": 0, \"output_tokens\": 0}").starts_with("line 1 of the trace: output_tokens is 0"));
        assert!(error("{\"offset_ms\": -1}").contains("must be between"));
        assert!(error("{\"offset_ms\": 1, \"timestamp\": 1}").contains("duplicate field"));
        assert!(error("{\"offset_ms\": 1, \"hash_ids\": [1]}").contains("without input_length"));
        assert!(error("{\"offset_ms\": 1, \"prompt\": \"a\", \"hash_ids\": [1]}").contains("both prompt and hash_ids"));
        assert!(error("nonsense").contains("line 1"));
        assert!(error(" \n").contains("no lines"));
    }
}
