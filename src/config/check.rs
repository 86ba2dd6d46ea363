//! Wire types in, validated types out: what collects all problems before giving up, and the ranges
//! that many keys have.
//!
//! Not here: any section (a file each adds its own to `Checker`), where a value was written
//! (`position`).

use std::time::Duration;

use super::error::Issue;
use super::wire::Span;
use crate::lang::Text;
use crate::redact::Secrets;

/// Requests per second: plans are in microseconds, and a round of two such requests takes a year.
pub const FASTEST: f64 = 1e6;
pub const SLOWEST: f64 = 1e-7;

/// Problems so far.
#[derive(Debug, Default)]
pub struct Checker {
    pub issues: Vec<Issue>,
    /// Of the target that is looked at: what no address may hold.
    pub secrets: Secrets,
}

impl Checker {
    pub fn bad(&mut self, path: &str, what: impl Into<Text>, hint: impl Into<Text>) {
        self.issues.push(Issue::new(path, what, hint));
    }

    /// The key itself is wrong, whatever its value.
    pub fn bad_key(&mut self, path: &str, what: impl Into<Text>, hint: impl Into<Text>) {
        self.issues.push(Issue { on_key: true, ..Issue::new(path, what, hint) });
    }

    pub fn version(&mut self, version: Option<u32>) {
        match version {
            Some(1) => {}
            Some(other) => self.bad(
                "version",
                format!("version {other} is not known"),
                "this program reads version 1",
            ),
            None => self.bad("", "`version` is missing", "add `version: 1`"),
        }
    }

    pub fn positive_span(&mut self, path: &str, span: Option<Span>) -> Option<Duration> {
        let duration = span?.0;
        if duration.is_zero() {
            self.bad(path, "must be above 0", "write a duration such as 10s");
            return None;
        }
        Some(duration)
    }

    pub fn positive(&mut self, path: &str, value: f64) -> Option<f64> {
        if value.is_finite() && value > 0.0 {
            return Some(value);
        }
        self.bad(
            path,
            format!("must be a number above 0, not {value}"),
            "rates are in requests per second",
        );
        None
    }

    /// 1 or more, and no more than any run has use for: what sizes something must not take all
    /// memory by a slip of the keyboard.
    pub fn bounded(&mut self, path: &str, value: Option<u32>, most: u32) -> Option<u32> {
        let value = self.at_least_one(path, value)?;
        if value > most {
            self.bad(
                path,
                format!("must be at most {most}, not {value}"),
                "is it a slip of the keyboard?",
            );
            return None;
        }
        Some(value)
    }

    /// Requests per second.
    pub fn rate(&mut self, path: &str, value: f64) -> Option<f64> {
        let rate = self.positive(path, value)?;
        if (SLOWEST..=FASTEST).contains(&rate) {
            return Some(rate);
        }
        let what = format!("must be from {SLOWEST} to {FASTEST}, not {rate}");
        self.bad(path, what, "rates are in requests per second: 0.001 is about four an hour");
        None
    }

    pub fn at_least_one(&mut self, path: &str, value: Option<u32>) -> Option<u32> {
        if value == Some(0) {
            self.bad(path, "must be 1 or more, not 0", "leave it out for the default");
            return None;
        }
        value
    }
}
