//! The digest of a plan: SHA-256 over everything that shapes the load, in one canonical order.
//!
//! Not in it: the salt and session (new each time), the model's name (a fingerprint field of its
//! own), the workload's name, limits.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::Pace;
use crate::config::Workload;
use crate::protocol::{ExtraBody, Extras};

/// Leads the serialisation: a change of it, of the corpora or of the drawing makes other plans,
/// which must not look alike.
const VERSION: &str = "plan-v1";

/// Takes the parts of a plan as they are made. Numbers are 64 bits, little-endian; texts are led by
/// their length.
pub struct Digest(Sha256);

impl Digest {
    pub fn new(protocol: &str, extras: Extras, workload: &Workload) -> Self {
        // Spelled out, so that a new field cannot be forgotten here.
        // What the length is called changes no load.
        let Extras { ignore_eos, min_tokens, stream_usage, length: _ } = extras;
        let mut digest = Self(Sha256::new());
        digest.text(VERSION);
        digest.text(protocol);
        for flag in [workload.stream, ignore_eos, min_tokens, stream_usage] {
            digest.number(u64::from(flag));
        }
        // Adding zero makes -0.0 the 0.0 that it means.
        digest.number((workload.temperature + 0.0).to_bits());
        digest.time(workload.timeout);
        digest.time(workload.stall_timeout);
        digest
    }

    /// What leads the requests of a round.
    pub fn round(
        &mut self,
        pace: Pace,
        max_in_flight: Option<u32>,
        stop_after: Option<Duration>,
        ramp: u32,
        requests: usize,
    ) {
        match pace {
            Pace::Open => self.number(0),
            Pace::Closed { concurrency } => {
                self.number(1);
                self.number(u64::from(concurrency));
            }
            Pace::Sessions { concurrency, turns, think } => {
                self.number(2);
                self.optional(concurrency.map(u64::from));
                self.number(u64::from(turns));
                self.time(think);
            }
        }
        self.optional(max_in_flight.map(u64::from));
        self.optional(stop_after.map(|_| 0));
        self.time(stop_after.unwrap_or_default());
        self.number(u64::from(ramp));
        self.number(requests as u64);
    }

    /// What is sent beside the gate's own fields, whatever the order of its keys. Nothing where
    /// there is none, so that plans without stay what they were.
    pub fn extra_body(&mut self, extra: &ExtraBody) {
        if !extra.is_empty() {
            let mut sorted = serde_json::Value::Object(extra.clone());
            sorted.sort_all_objects();
            self.text("extra_body");
            self.text(&sorted.to_string());
        }
    }

    /// The file that requests are chosen from, by its content.
    pub fn file(&mut self, text: &str) {
        self.text(text);
    }

    /// What leads a request of several messages: all but the last, the first without its salt.
    pub fn message(&mut self, role: &str, text: &str) {
        self.text(role);
        self.text(text);
    }

    /// `prompt` without its salt.
    pub fn request(&mut self, offset_us: u64, output_tokens: u32, prompt: &str) {
        self.number(offset_us);
        self.number(u64::from(output_tokens));
        self.text(prompt);
    }

    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.update(text.as_bytes());
    }

    fn time(&mut self, time: Duration) {
        self.number(time.as_secs());
        self.number(u64::from(time.subsec_nanos()));
    }

    fn optional(&mut self, value: Option<u64>) {
        self.number(u64::from(value.is_some()));
        self.number(value.unwrap_or_default());
    }

    fn number(&mut self, value: u64) {
        self.0.update(value.to_le_bytes());
    }
}
/// Two digits per byte, lower case.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        for half in [byte >> 4, byte & 15] {
            hex.extend(char::from_digit(u32::from(half), 16));
        }
        hex
    })
}
