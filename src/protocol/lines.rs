//! Newline-delimited JSON over body slices that end anywhere: lines out.
//!
//! Not here: what a line means. An empty line is none. In the common case (a whole line within the
//! slice) it is a slice of the input and nothing is copied.

#[cfg(test)]
mod tests;

use memchr::memchr;
use thiserror::Error;

/// Far above any real line, but for an answer that is not streamed; memory must not grow with what
/// a server sends.
const MAX_LINE: usize = 16 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("line exceeds 16 MiB; check that the server streams one JSON object per line")]
pub struct LineTooLong;

/// Splits a stream into lines. Make a new one for each response.
#[derive(Debug, Default)]
pub struct Lines {
    /// A line whose end has not arrived.
    carry: Vec<u8>,
}

impl Lines {
    /// Takes a slice of the body. After an error the stream cannot be read further.
    pub fn feed(&mut self, bytes: &[u8], sink: &mut impl FnMut(&[u8])) -> Result<(), LineTooLong> {
        let mut rest = bytes;
        while let Some(end) = memchr(b'\n', rest) {
            let (line, after) = (&rest[..end], &rest[end + 1..]);
            if self.carry.len() + line.len() > MAX_LINE {
                return Err(LineTooLong);
            }
            if self.carry.is_empty() {
                hand_out(line, sink);
            } else {
                self.carry.extend_from_slice(line);
                hand_out(&self.carry, sink);
                self.carry.clear();
            }
            rest = after;
        }
        if self.carry.len() + rest.len() > MAX_LINE {
            return Err(LineTooLong);
        }
        self.carry.extend_from_slice(rest);
        Ok(())
    }

    /// The body has ended: hands out a line that nothing ended.
    pub fn finish(&mut self, sink: &mut impl FnMut(&[u8])) {
        hand_out(&std::mem::take(&mut self.carry), sink);
    }
}

fn hand_out(line: &[u8], sink: &mut impl FnMut(&[u8])) {
    let line = line.trim_ascii();
    if !line.is_empty() {
        sink(line);
    }
}
