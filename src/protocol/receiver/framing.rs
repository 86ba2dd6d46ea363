//! How the body of a stream is cut into events: its first bytes say, whatever its content type
//! says. Not here: what an event means.

use serde::de::IgnoredAny;

use crate::protocol::lines::Lines;
use crate::protocol::sse::{Scanner, SseEvent};

/// Of a body that is no stream, so much is kept: enough for its message.
const MAX_WHOLE: usize = 64 * 1024;
/// A first line longer than this is no line of a stream.
const MAX_FIRST_LINE: usize = 16 * 1024 * 1024;

/// A byte order mark.
const MARK: &[u8] = "\u{feff}".as_bytes();

#[derive(Debug)]
pub(super) enum Framing {
    /// What has come so far does not tell: white space, or JSON whose line has not ended.
    Open(Vec<u8>),
    Events(Scanner),
    /// One JSON object per line.
    Lines {
        lines: Lines,
        seen: u64,
    },
    /// A page, one JSON value over several lines, or compressed: kept for its message.
    Whole(Vec<u8>),
}

/// What a body begins like.
enum Kind {
    Open,
    Events,
    Lines,
    Whole,
}

impl Default for Framing {
    fn default() -> Self {
        Self::Open(Vec::new())
    }
}

impl Framing {
    /// Takes a piece of the body. Errors: an event or a line beyond all bounds; nothing further can
    /// be read.
    pub(super) fn feed(
        &mut self,
        piece: &[u8],
        sink: &mut impl FnMut(SseEvent<'_>),
    ) -> Result<(), String> {
        match self {
            Self::Open(start) => {
                // Nearly always the first piece tells, and nothing is copied.
                let joined;
                let bytes = if start.is_empty() {
                    piece
                } else {
                    start.extend_from_slice(piece);
                    joined = std::mem::take(start);
                    &joined
                };
                *self = match kind(bytes) {
                    Kind::Open => Self::Open(bytes.to_vec()),
                    Kind::Events => Self::Events(Scanner::new()),
                    Kind::Lines => Self::Lines { lines: Lines::default(), seen: 0 },
                    Kind::Whole => Self::Whole(Vec::new()),
                };
                match self {
                    Self::Open(_) => Ok(()),
                    Self::Lines { .. } => {
                        self.feed(bytes.strip_prefix(MARK).unwrap_or(bytes), sink)
                    }
                    _ => self.feed(bytes, sink),
                }
            }
            Self::Events(sse) => sse.feed(piece, sink).map_err(|e| e.to_string()),
            Self::Lines { lines, seen } => {
                let mut counted = |line: &[u8]| {
                    *seen += 1;
                    sink(SseEvent::Data(line));
                };
                lines.feed(piece, &mut counted).map_err(|e| e.to_string())
            }
            Self::Whole(body) => {
                body.extend_from_slice(
                    &piece[..piece.len().min(MAX_WHOLE.saturating_sub(body.len()))],
                );
                Ok(())
            }
        }
    }

    /// The body has ended: hands out an event that nothing ended.
    pub(super) fn finish(&mut self, sink: &mut impl FnMut(SseEvent<'_>)) -> Result<(), String> {
        match self {
            Self::Open(start) => {
                *self = Self::Whole(std::mem::take(start));
                Ok(())
            }
            Self::Events(sse) => sse.finish(sink).map_err(|e| e.to_string()),
            Self::Lines { lines, seen } => {
                lines.finish(&mut |line| {
                    *seen += 1;
                    sink(SseEvent::Data(line));
                });
                Ok(())
            }
            Self::Whole(_) => Ok(()),
        }
    }

    /// The body where it is no stream.
    pub(super) fn whole(&self) -> Option<&[u8]> {
        match self {
            Self::Whole(body) => Some(body),
            _ => None,
        }
    }

    /// The stream was one JSON object and no more.
    pub(super) const fn one_line(&self) -> bool {
        matches!(self, Self::Lines { seen: 1, .. })
    }

    /// The last line of an event stream that is of no event; empty where there was none.
    pub(super) fn strange(&self) -> &[u8] {
        match self {
            Self::Events(sse) => sse.strange(),
            _ => &[],
        }
    }
}

/// Looks at nothing but the first line.
fn kind(bytes: &[u8]) -> Kind {
    if bytes.len() < MARK.len() && MARK.starts_with(bytes) {
        return Kind::Open;
    }
    let start = bytes.strip_prefix(MARK).unwrap_or(bytes).trim_ascii_start();
    match start.first() {
        None => Kind::Open,
        Some(b'{' | b'[') => match memchr::memchr(b'\n', start) {
            Some(end)
                if serde_json::from_slice::<IgnoredAny>(start[..end].trim_ascii()).is_ok() =>
            {
                Kind::Lines
            }
            None if start.len() < MAX_FIRST_LINE => Kind::Open,
            _ => Kind::Whole,
        },
        // A page, or what gzip makes of anything.
        Some(b'<' | 0x1f) => Kind::Whole,
        Some(_) => Kind::Events,
    }
}
