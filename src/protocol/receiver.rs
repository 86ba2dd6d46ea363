//! One response from first byte to outcome: reads and their instants in, an `Answer` out. Joins
//! `http1`, `sse`, `lines` and the protocols.
//!
//! Not here: sockets, clocks, limits of time. The caller stamps each read before it is looked at;
//! all events of one read share that instant. A response that is cut anywhere else gives the same
//! answer, down to the last field, but for instants.

mod counts;
mod events;
mod framing;
mod growth;
mod intake;
#[cfg(test)]
mod captures;
#[cfg(test)]
mod cost;
#[cfg(test)]
mod another_dialect;
#[cfg(test)]
mod field;
#[cfg(test)]
mod native;
#[cfg(test)]
mod tests;

use super::Protocol;
use super::dialect::Dialect;
use super::error_text;
use super::event::Usage;
use super::http1::{HttpError, Progress, ResponseReader};
use crate::timeline::{CountDoubt, Hidden, Outcome, OutputEvent};
use intake::Intake;

/// What to do after a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Read on.
    Continue,
    /// The response is over. `reusable`: the connection may carry the next request; otherwise close
    /// it.
    Complete { reusable: bool },
}

/// Receives one response. Make a new one for each request.
#[derive(Debug)]
pub struct Receiver<D = Protocol> {
    http: ResponseReader,
    intake: Intake<D>,
    first_byte_ns: Option<u64>,
    end: Option<End>,
}

/// How the bytes ended.
#[derive(Clone, Debug)]
struct End {
    at_ns: u64,
    error: Option<HttpError>,
}

/// What a response was, as far as its bytes say. Instants are those of the reads, in nanoseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// `Completed`, `HttpStatus`, `Malformed`, `Truncated`, or `Connect` where no byte came.
    pub outcome: Outcome,
    /// What went wrong, in the server's words where it gave any.
    pub error: Option<String>,
    pub status: Option<u16>,
    pub first_byte_ns: Option<u64>,
    /// First content, text or tool call.
    pub first_answer_ns: Option<u64>,
    pub reasoning_seen: bool,
    /// One for each event with output; an answer that is not streamed has one, at its end.
    pub outputs: Vec<OutputEvent>,
    /// The read that brought the end of the response, or the close.
    pub end_ns: Option<u64>,
    /// The last counts that the server gave, without those that cannot be true.
    pub usage: Usage,
    /// Output tokens that are counted and were never sent.
    pub hidden: Hidden,
    /// What is wrong with the counts.
    pub doubt: Option<CountDoubt>,
    pub finish_reason: Option<String>,
    /// Which model it said it is of: none, one, or the first and another.
    pub models: Vec<String>,
    /// All output, where it was to be kept and could be.
    pub text: Option<String>,
}

impl<D: Dialect> Receiver<D> {
    /// `stream`: whether the request asked for a stream. `tokens`: room for so many output events,
    /// so that none allocates.
    pub fn with_capacity(dialect: &D, stream: bool, tokens: usize) -> Self {
        Self {
            http: ResponseReader::new(),
            intake: Intake::new(dialect, stream, tokens),
            first_byte_ns: None,
            end: None,
        }
    }

    /// Also keeps the text, so that its tokens can be counted once the round has ended.
    #[must_use]
    pub fn keeping_text(mut self, keep: bool) -> Self {
        self.intake.keep_text(keep);
        self
    }

    /// Takes the bytes of one socket read that returned at `now_ns`. Bytes after the end make the
    /// connection unusable, no more.
    pub fn read(&mut self, bytes: &[u8], now_ns: u64) -> Step {
        if bytes.is_empty() {
            return Step::Continue;
        }
        self.first_byte_ns.get_or_insert(now_ns);
        if self.end.as_ref().is_some_and(|end| end.error.is_some()) {
            return Step::Complete { reusable: false };
        }
        let intake = &mut self.intake;
        match self.http.feed(bytes, &mut |head, piece| intake.take(head, piece, now_ns)) {
            Ok(Progress::More) if self.intake.gave_up() => {
                self.end.get_or_insert(End { at_ns: now_ns, error: None });
                Step::Complete { reusable: false }
            }
            Ok(Progress::More) => Step::Continue,
            Ok(Progress::Complete { reusable }) => {
                self.end_well(now_ns);
                Step::Complete { reusable: reusable && !self.intake.gave_up() }
            }
            Err(error) => {
                self.end.get_or_insert(End { at_ns: now_ns, error: Some(error) });
                Step::Complete { reusable: false }
            }
        }
    }

    /// The server closed the connection, or it broke.
    pub fn eof(&mut self, now_ns: u64) {
        if self.end.is_some() {
            return;
        }
        match self.http.finish_on_close() {
            Ok(()) => self.end_well(now_ns),
            Err(error) => self.end = Some(End { at_ns: now_ns, error: Some(error) }),
        }
    }

    /// The stream's end mark has come. What is left is the end of the HTTP body, which only reuse
    /// of the connection needs: a caller may stop here and close.
    pub fn done(&self) -> bool {
        self.intake.done()
    }

    /// Bytes have come beyond the end of the response.
    pub fn excess(&self) -> bool {
        self.http.excess()
    }

    /// Some byte of a response has come.
    pub fn begun(&self) -> bool {
        self.first_byte_ns.is_some()
    }

    /// The answer as it is now. A caller that stopped before the end (timeout, stall) overrides the
    /// outcome.
    pub fn into_result(self) -> Answer {
        let (outcome, error) = self.outcome();
        let received = self.intake.into_received();
        let (usage, doubt) = counts::believable(&received);
        Answer {
            outcome,
            // This and the reason are foreign, and of any length.
            error: error.map(|text| error_text::one_line(&text)),
            status: self.http.head().map(|head| head.status),
            first_byte_ns: self.first_byte_ns,
            first_answer_ns: received.first_answer_ns,
            reasoning_seen: received.reasoning_events > 0,
            hidden: counts::hidden(&usage, &received),
            doubt,
            outputs: received.outputs,
            end_ns: self.end.map(|end| end.at_ns).or(received.done_ns),
            usage,
            finish_reason: received.finish_reason.as_deref().map(error_text::one_word),
            models: received.models.into_names(),
            text: received.text,
        }
    }

    fn end_well(&mut self, now_ns: u64) {
        if self.end.is_none() {
            if let Some(head) = self.http.head() {
                self.intake.finish(head, now_ns);
            }
            self.end = Some(End { at_ns: now_ns, error: None });
        }
    }

    fn outcome(&self) -> (Outcome, Option<String>) {
        let cut = match &self.end {
            None => Some("response not read to its end".to_owned()),
            Some(End { error, .. }) => error.as_ref().map(ToString::to_string),
        };
        let broken = matches!(&self.end, Some(End { error: Some(e), .. }) if !matches!(e, HttpError::Truncated(_)));
        if self.first_byte_ns.is_none() {
            return (
                Outcome::Connect,
                Some("connection closed before any byte of an answer".into()),
            );
        }
        match self.http.head() {
            None if broken => (Outcome::Malformed, cut),
            None => (Outcome::Truncated, cut),
            Some(head) if head.status != 200 => {
                (Outcome::HttpStatus(head.status), Some(self.intake.body_text()))
            }
            Some(head) => match (
                self.intake.failure(head, cut.as_deref(), broken),
                self.http.failure_at_end(),
            ) {
                (Some((Outcome::Malformed, error)), _) => (Outcome::Malformed, Some(error)),
                // What was streamed before it may look whole.
                (_, Some(words)) => (
                    Outcome::Malformed,
                    Some(format!("error in the trailers of a 200 response: {words}")),
                ),
                (Some((outcome, error)), None) => (outcome, Some(error)),
                (None, None) => (Outcome::Completed, None),
            },
        }
    }
}
