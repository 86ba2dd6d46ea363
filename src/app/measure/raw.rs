//! `--raw`: every request as a line of JSON. Not here: writing it (`measure`).
#![expect(clippy::disallowed_methods, reason = "rim: reads the date")]

use time::format_description::well_known::Rfc3339;

use crate::clock::monotonic_ns;
use crate::plan::RoundPlan;
use crate::timeline::Timeline;

/// What `--raw` says of all requests of a round alike.
pub struct Sent<'a> {
    pub plan: &'a RoundPlan,
    pub workload: &'a str,
    pub start: u32,
    pub round: u32,
    pub model: &'a str,
    pub wall: Wall,
}

/// One instant by both clocks, to date others by.
#[derive(Clone, Copy)]
pub struct Wall {
    monotonic_ns: u64,
    date: time::OffsetDateTime,
}

impl Wall {
    pub fn now() -> Self {
        Self { monotonic_ns: monotonic_ns(), date: time::OffsetDateTime::now_utc() }
    }

    /// RFC 3339 in microseconds, UTC.
    fn date(self, instant_ns: u64) -> Option<String> {
        let before = i64::try_from(self.monotonic_ns).ok()? - i64::try_from(instant_ns).ok()?;
        let at = self.date.checked_sub(time::Duration::nanoseconds(before))?;
        // In whole seconds, since the format leaves zeros at the end out: rows of one width sort as
        // text.
        let seconds = at.replace_nanosecond(0).ok()?.format(&Rfc3339).ok()?;
        Some(format!("{}.{:06}Z", seconds.trim_end_matches('Z'), at.microsecond()))
    }
}

/// A token count that was made here, from the text.
pub const TOKENIZER: &str = "tokenizer";

/// One line of `--raw`: instants of the monotonic clock in nanoseconds, and the send as a date;
/// absent is null. `token_source` is that of the output tokens.
pub fn line(of: &Sent<'_>, t: &Timeline) -> String {
    let output: Vec<u64> = t.outputs.iter().map(|o| o.at_ns).collect();
    let source = |counted: bool| if counted { TOKENIZER } else { "usage" };
    serde_json::json!({
        "id": of.plan.requests.get(t.index as usize).map(|r| r.id.as_str()),
        "workload": of.workload,
        "start": of.start,
        "round": of.round,
        "model": of.model,
        "sent_at": t.sent_ns.and_then(|ns| of.wall.date(ns)),
        "intended_ns": t.intended_ns,
        "sent_ns": t.sent_ns,
        "first_byte_ns": t.first_byte_ns,
        "first_output_ns": output.first(),
        "output_ns": output,
        "end_ns": t.end_ns,
        "input_tokens": t.input_tokens,
        "output_tokens": t.output_tokens,
        "input_token_source": t.input_tokens.map(|_| source(t.counted.input)),
        "token_source": t.output_tokens.map(|_| source(t.counted.output)),
        "finish_reason": t.finish_reason,
        "outcome": t.outcome.name(),
        "error": t.error,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_dated_by_how_long_ago_it_was() {
        let wall = Wall {
            monotonic_ns: 5_000_000_000,
            date: time::OffsetDateTime::UNIX_EPOCH + time::Duration::days(1),
        };
        assert_eq!(wall.date(4_750_000_999).as_deref(), Some("1970-01-01T23:59:59.750000Z"));
        assert_eq!(wall.date(5_000_000_000).as_deref(), Some("1970-01-02T00:00:00.000000Z"));
    }
}
