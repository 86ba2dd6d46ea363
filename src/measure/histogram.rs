//! Chunk gaps as an `HdrHistogram`: 3 significant digits, V2 deflate in base64. For storing,
//! merging and drawing, never for judging.

use std::io::Read as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};

/// One hour, in microseconds: longer gaps are recorded as this.
const MAX_US: u64 = 3_600_000_000;

/// First bytes of the two V2 forms: as they are, and deflated.
const PLAIN: [u8; 4] = [0x1c, 0x84, 0x93, 0x13];
const DEFLATED: [u8; 4] = [0x1c, 0x84, 0x93, 0x14];
/// Bytes before the counts.
const HEADER: usize = 40;
/// Above what a histogram of these bounds can take unpacked: nine bytes for each of its 24,576
/// counts.
const MOST_BYTES: u64 = 256 << 10;

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

    /// As [`Self::record_us`], so many times.
    pub fn record_many_us(&mut self, us: u64, times: u64) {
        self.0.saturating_record_n(us.max(1), times);
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
        let sum: f64 = self
            .0
            .iter_recorded()
            .map(|v| (v.value_iterated_to() as f64).ln() * v.count_at_value() as f64)
            .sum();
        Some((sum / self.0.len() as f64).exp() / 1000.0)
    }

    pub fn encode(&self) -> String {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(&self.0, &mut bytes)
            .expect("writing to memory does not fail");
        STANDARD.encode(bytes)
    }

    /// Errors: it is no histogram, or of other bounds. What it says of its own size is not
    /// believed.
    pub fn decode(text: &str) -> Result<Self, String> {
        let bytes = STANDARD.decode(text).map_err(|e| format!("histogram is not base64: {e}"))?;
        let bytes = unpacked(&bytes)?;
        check_header(&bytes)?;
        let histogram: Histogram<u64> = Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .map_err(|e| format!("histogram cannot be read: {e:?}"))?;
        Ok(Self(histogram))
    }
}

/// The plain form. Errors: more than any histogram of ours unpacks to.
fn unpacked(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let Some(deflated) = bytes.strip_prefix(&DEFLATED).and_then(|rest| rest.get(4..)) else {
        return Ok(bytes.to_vec());
    };
    let mut plain = Vec::new();
    let read = ZlibDecoder::new(deflated).take(MOST_BYTES + 1).read_to_end(&mut plain);
    read.map_err(|e| format!("histogram cannot be unpacked: {e}"))?;
    if plain.len() as u64 > MOST_BYTES {
        return Err(format!(
            "histogram unpacks to more than {} KiB, which none of ours does",
            MOST_BYTES >> 10
        ));
    }
    Ok(plain)
}

/// Errors: the sizes that it declares are not those of its bytes, or its bounds are not ours, so
/// that it cannot be merged.
fn check_header(plain: &[u8]) -> Result<(), String> {
    let field =
        |at: usize| plain.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_be_bytes);
    let wide = |at: usize| Some(u64::from(field(at)?) << 32 | u64::from(field(at + 4)?));
    if !plain.starts_with(&PLAIN) || plain.len() < HEADER {
        return Err("histogram cannot be read: it does not begin as one".into());
    }
    if (field(12), wide(16), wide(24)) != (Some(3), Some(1), Some(MAX_US)) {
        return Err(
            "histogram has other bounds than 1 us to 1 h with 3 digits: it cannot be merged".into(),
        );
    }
    if field(4).map(u64::from) != Some((plain.len() - HEADER) as u64) {
        return Err("histogram cannot be read: it declares another length than it has".into());
    }
    Ok(())
}

/// 0 for what is no time.
fn whole_us(ms: f64) -> u64 {
    Duration::try_from_secs_f64(ms / 1000.0)
        .map_or(0, |time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
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

    fn deflated(plain: &[u8]) -> String {
        use std::io::Write as _;
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(plain).expect("memory takes it");
        let packed = packed.finish().expect("memory takes it");
        let length = u32::try_from(packed.len()).expect("small").to_be_bytes();
        STANDARD.encode([DEFLATED.as_slice(), &length, &packed].concat())
    }

    /// A header with these fields and so many bytes of counts.
    fn plain(declared: u32, digits: u32, high: u64, counts: usize) -> Vec<u8> {
        let numbers =
            [PLAIN, declared.to_be_bytes(), 0_u32.to_be_bytes(), digits.to_be_bytes()].concat();
        [
            numbers,
            1_u64.to_be_bytes().to_vec(),
            high.to_be_bytes().to_vec(),
            1_f64.to_be_bytes().to_vec(),
            vec![0; counts],
        ]
        .concat()
    }

    #[test]
    fn the_size_that_a_histogram_declares_is_not_believed() {
        let refused = |text: &str| Gaps::decode(text).expect_err("refused");
        assert_eq!(Gaps::decode(&deflated(&plain(0, 3, MAX_US, 0))), Ok(Gaps::default()));
        for declared in [1, 1 << 30, u32::MAX] {
            let text = deflated(&plain(declared, 3, MAX_US, 0));
            assert!(refused(&text).contains("another length"), "{}", refused(&text));
            assert!(
                refused(&STANDARD.encode(plain(declared, 3, MAX_US, 0))).contains("another length")
            );
        }
        assert!(
            refused(&deflated(&plain(64 << 20, 3, MAX_US, 64 << 20))).contains("more than 256 KiB")
        );
        // Bounds decide how much memory the counts take.
        assert!(refused(&deflated(&plain(0, 5, u64::MAX, 0))).contains("other bounds"));
        assert!(refused(&STANDARD.encode(b"")).contains("begin"));
    }

    #[test]
    fn an_empty_histogram_has_no_quantile() {
        assert_eq!(Gaps::default().quantile_ms(0.99), None);
        assert_eq!(Gaps::default().geomean_ms(), None);
    }
}
