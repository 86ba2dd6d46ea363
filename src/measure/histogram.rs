//! Chunk gaps as an `HdrHistogram`: 3 significant digits, V2 deflate in base64. For storing, merging and drawing, never for judging.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};

/// One hour, in microseconds: longer gaps are recorded as this.
const MAX_US: u64 = 3_600_000_000;

/// Gaps between consecutive output events, microseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Gaps(Histogram<u64>);

impl Default for Gaps {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, MAX_US, 3).expect("these bounds are valid"))
    }
}

impl Gaps {
    /// Gaps below 1 us (several events in one read) count as 1 us, above an hour as an hour.
    pub fn record_us(&mut self, us: u64) {
        self.0.saturating_record(us.max(1));
    }

    pub fn record_ms(&mut self, ms: f64) {
        self.record_us(whole_us(ms));
    }

    pub fn merge(&mut self, other: &Self) {
        self.0.add(&other.0).expect("both have the same bounds");
    }

    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// `None` when empty: the histogram itself would answer 0.
    pub fn quantile_ms(&self, q: f64) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.value_at_quantile(q) as f64 / 1000.0)
    }

    /// Share of the values that are at most `ms`, 0 to 1; to the histogram's three digits.
    pub fn share_up_to_ms(&self, ms: f64) -> f64 {
        // A value below the first is below all.
        match whole_us(ms) {
            0 => 0.0,
            us => self.0.quantile_below(us),
        }
    }

    pub fn mean_ms(&self) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.mean() / 1000.0)
    }

    pub fn stddev_ms(&self) -> Option<f64> {
        (self.0.len() >= 2).then(|| self.0.stdev() / 1000.0)
    }

    pub fn min_max_ms(&self) -> Option<(f64, f64)> {
        (!self.0.is_empty()).then(|| (self.0.min() as f64 / 1000.0, self.0.max() as f64 / 1000.0))
    }

    /// Mean of the logs, from the histogram's own buckets.
    pub fn geomean_ms(&self) -> Option<f64> {
        if self.0.is_empty() {
            return None;
        }
        let sum: f64 = self.0.iter_recorded().map(|v| (v.value_iterated_to() as f64).ln() * v.count_at_value() as f64).sum();
        Some((sum / self.0.len() as f64).exp() / 1000.0)
    }

    pub fn encode(&self) -> String {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&self.0, &mut bytes).expect("writing to memory does not fail");
        STANDARD.encode(bytes)
    }

    pub fn decode(text: &str) -> Result<Self, String> {
        let bytes = STANDARD.decode(text).map_err(|e| format!("histogram is not base64: {e}"))?;
        let histogram: Histogram<u64> =
            Deserializer::new().deserialize(&mut bytes.as_slice()).map_err(|e| format!("histogram cannot be read: {e:?}"))?;
        let bounds = |h: &Histogram<u64>| (h.low(), h.high(), h.sigfig());
        if bounds(&histogram) != bounds(&Self::default().0) {
            return Err("histogram has other bounds than 1 us to 1 h with 3 digits: it cannot be merged".into());
        }
        Ok(Self(histogram))
    }
}

/// 0 for what is no time.
fn whole_us(ms: f64) -> u64 {
    Duration::try_from_secs_f64(ms / 1000.0).map_or(0, |time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_histogram_reads_back_and_begins_as_every_reader_expects() {
        let mut gaps = Gaps::default();
        for us in [0, 20_000, 20_100, 5_000_000_000] {
            gaps.record_us(us);
        }
        let text = gaps.encode();
        assert!(text.starts_with("HISTFAAA"), "{text}");
        assert_eq!(Gaps::decode(&text).as_ref(), Ok(&gaps));
    }

    #[test]
    fn other_bounds_are_refused_since_they_cannot_be_merged() {
        let mut wide = Gaps(Histogram::new_with_bounds(1, MAX_US * 1000, 3).expect("valid"));
        wide.0.record(MAX_US * 100).expect("within");
        assert!(Gaps::decode(&wide.encode()).is_err_and(|e| e.contains("other bounds")));
    }

    #[test]
    fn an_empty_histogram_has_no_quantile() {
        assert_eq!(Gaps::default().quantile_ms(0.99), None);
        assert_eq!(Gaps::default().geomean_ms(), None);
    }
}
