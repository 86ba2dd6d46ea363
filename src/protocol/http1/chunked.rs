//! The chunked transfer coding of RFC 9112 section 7.1, decoded over slices that end anywhere.
//!
//! Not here: heads, other framings, what trailers say (`trailers`). Extensions are read and
//! dropped.

use super::HttpError;

/// Sixteen hexadecimal digits fill 64 bits.
const MAX_DIGITS: u8 = 16;
/// Extensions of one chunk, or all trailers: nobody sends more, and an endless line must end.
const MAX_EXTRAS: u32 = 64 * 1024;

/// Where in the coding the next byte is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Chunked {
    Size { size: u64, digits: u8 },
    Extension { size: u64, length: u32 },
    SizeLineFeed { size: u64 },
    Data { left: u64 },
    DataReturn,
    DataLineFeed,
    Trailers { length: u32, line_empty: bool },
}

impl Default for Chunked {
    fn default() -> Self {
        Self::Size { size: 0, digits: 0 }
    }
}

impl Chunked {
    /// Hands out the data in `bytes`. Returns what follows the end of the body, once that is
    /// reached.
    ///
    /// `trailers` gets what comes after the last chunk.
    pub(super) fn feed<'a>(
        &mut self,
        bytes: &'a [u8],
        data: &mut impl FnMut(&[u8]),
        trailers: &mut Vec<u8>,
    ) -> Result<Option<&'a [u8]>, HttpError> {
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            if let Self::Data { left } = *self {
                let (piece, later) =
                    rest.split_at(usize::try_from(left).map_or(rest.len(), |n| n.min(rest.len())));
                data(piece);
                rest = later;
                let left = left - piece.len() as u64;
                *self = if left == 0 { Self::DataReturn } else { Self::Data { left } };
                continue;
            }
            rest = after;
            if matches!(self, Self::Trailers { .. }) {
                trailers.push(byte);
            }
            if self.step(byte)? {
                return Ok(Some(rest));
            }
        }
        Ok(None)
    }

    /// Takes one byte outside chunk data; true at the end of the body.
    fn step(&mut self, byte: u8) -> Result<bool, HttpError> {
        *self = match *self {
            Self::Size { size, digits } => size_byte(size, digits, byte)?,
            Self::Extension { size, .. } if byte == b'\r' => Self::SizeLineFeed { size },
            Self::Extension { size, length } if length < MAX_EXTRAS => {
                Self::Extension { size, length: length + 1 }
            }
            Self::Extension { .. } => return Err(HttpError::Chunk("endless chunk extension")),
            Self::SizeLineFeed { size: 0 } if byte == b'\n' => {
                Self::Trailers { length: 0, line_empty: true }
            }
            Self::SizeLineFeed { size } if byte == b'\n' => Self::Data { left: size },
            Self::SizeLineFeed { .. } => {
                return Err(HttpError::Chunk("no line end after a chunk size"));
            }
            Self::DataReturn if byte == b'\r' => Self::DataLineFeed,
            Self::DataLineFeed if byte == b'\n' => Self::default(),
            Self::DataReturn | Self::DataLineFeed => {
                return Err(HttpError::Chunk("chunk longer than its size"));
            }
            Self::Trailers { line_empty: true, .. } if byte == b'\n' => return Ok(true),
            Self::Trailers { length, .. } if length >= MAX_EXTRAS => {
                return Err(HttpError::Chunk("endless trailers"));
            }
            Self::Trailers { length, line_empty } => {
                let line_empty = byte == b'\n' || (line_empty && byte == b'\r');
                Self::Trailers { length: length + 1, line_empty }
            }
            Self::Data { .. } => *self,
        };
        Ok(false)
    }
}

fn size_byte(size: u64, digits: u8, byte: u8) -> Result<Chunked, HttpError> {
    if let Some(digit) = char::from(byte).to_digit(16) {
        if digits == MAX_DIGITS {
            return Err(HttpError::Chunk("chunk size too long"));
        }
        return Ok(Chunked::Size { size: size << 4 | u64::from(digit), digits: digits + 1 });
    }
    match byte {
        _ if digits == 0 => Err(HttpError::Chunk("no chunk size")),
        b'\r' => Ok(Chunked::SizeLineFeed { size }),
        b';' | b' ' | b'\t' => Ok(Chunked::Extension { size, length: 0 }),
        _ => Err(HttpError::Chunk("chunk size is not a number")),
    }
}
