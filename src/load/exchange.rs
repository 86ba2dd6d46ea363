//! One request on one connection: checkout, write, read to the end, with an instant per socket read
//! taken before any parsing.
//!
//! Nothing is tokenised, logged or locked per token, and nothing is allocated beyond the output
//! instants. Not here: parsing (`protocol`).

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf};
use tokio::sync::Semaphore;

use super::Reading;
use super::conn::{Idle, Stream};
use super::flight::{Flight, GivenUp};
use super::worker::Shared;
use crate::clock::monotonic_ns;
use crate::plan::PlannedRequest;
use crate::protocol::{Answer, Receiver, Step};
use crate::timeline::{Counted, Outcome, Timeline};

/// One read takes at most this much: enough for the largest burst that a socket buffer holds by
/// default.
const READ_BYTES: usize = 64 * 1024;
/// Room for so many output events is made before a request is sent: what is asked for may be a slip
/// of the keyboard.
const MOST_ROOM: usize = 16_384;
/// After `[DONE]` only the end of the HTTP body is missing; a server that never sends it loses the
/// connection, not the answer.
const LINGER: Duration = Duration::from_millis(100);

thread_local! {
    /// A worker's tasks take turns, so they share one buffer: ten thousand streams need no buffer
    /// each.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into_boxed_slice());
}

/// A request on its way.
pub struct Sending<'a> {
    pub request: &'a PlannedRequest,
    pub reading: &'a Reading,
    pub intended_ns: u64,
    pub closed_loop: bool,
    pub slots: Option<&'a Semaphore>,
    pub sent: &'a AtomicU64,
}

/// What is known so far; outlives a request that is given up.
struct Trace {
    receiver: Receiver,
    handed_ns: u64,
    slot_ns: Option<u64>,
    sent_ns: Option<u64>,
    connect_ns: Option<u64>,
    end_ns: Option<u64>,
    retried: bool,
}

/// How reading stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    Complete {
        reusable: bool,
    },
    /// The end mark came; the end of the HTTP body did not yet.
    Done,
    Closed,
}

/// Why the connection gave no full answer.
enum Broken {
    Connect(io::Error),
    /// Closed before a byte of the request was written.
    Unwritten(io::Error),
    /// Lost while writing or reading.
    Lost(io::Error),
}

/// Sends one request and follows it to its end, whatever the end is.
pub async fn exchange(shared: &Shared, sending: &Sending<'_>, flight: &Flight) -> Timeline {
    let mut trace = Trace {
        receiver: receiver(sending),
        handed_ns: monotonic_ns(),
        slot_ns: None,
        sent_ns: None,
        connect_ns: None,
        end_ns: None,
        retried: false,
    };
    let ended = flight.guard(pin!(attempt(shared, sending, flight, &mut trace))).await;
    timeline(sending, trace, ended)
}

fn receiver(sending: &Sending<'_>) -> Receiver {
    let reading = sending.reading;
    let room = (sending.request.output_tokens as usize).min(MOST_ROOM);
    Receiver::with_capacity(&reading.protocol, reading.stream, room).keeping_text(reading.keep_text)
}

async fn attempt(
    shared: &Shared,
    sending: &Sending<'_>,
    flight: &Flight,
    trace: &mut Trace,
) -> Result<(), Broken> {
    let _slot = match sending.slots {
        // The semaphore is never closed: an error cannot happen, and would only mean no waiting.
        Some(slots) => slots.acquire().await.ok(),
        None => None,
    };
    let bytes =
        shared.site.request(&sending.reading.path, &sending.request.id, &sending.request.body);
    trace.slot_ns = Some(monotonic_ns());
    while let Some(mut idle) = shared.take_idle() {
        match idle.state(shared.habit()).await {
            Idle::Silent => {}
            Idle::Closed => {
                trace.retried = true;
                continue;
            }
            Idle::Bytes => {
                shared.count_unasked();
                continue;
            }
        }
        let answered_ns = idle.answered_ns();
        match converse(shared, idle.stream, &bytes, sending, flight, trace).await {
            // The server had closed it before: it has no byte of the request.
            Err(Broken::Unwritten(_)) => trace.retried = true,
            Err(Broken::Lost(e)) => {
                shared.lost(answered_ns);
                return Err(Broken::Lost(e));
            }
            other => return other,
        }
    }
    let before = monotonic_ns();
    let stream = shared.site.connect().await.map_err(|e| {
        shared.count_no_room(&e);
        Broken::Connect(e)
    })?;
    trace.connect_ns = Some(monotonic_ns().saturating_sub(before));
    shared.count_open();
    converse(shared, stream, &bytes, sending, flight, trace).await
}

/// Writes the request and reads its answer; gives the connection back where it can be used again.
async fn converse(
    shared: &Shared,
    mut stream: Stream,
    bytes: &[u8],
    sending: &Sending<'_>,
    flight: &Flight,
    trace: &mut Trace,
) -> Result<(), Broken> {
    if trace.sent_ns.is_none() {
        trace.sent_ns = Some(monotonic_ns());
        sending.sent.fetch_add(1, Ordering::Relaxed);
    }
    if let Err(broken) = write(&mut stream, bytes).await {
        // A server may answer and close before it has read all (413, 401): what it said counts more
        // than the broken pipe.
        let _ = read(&mut stream, flight, trace).await;
        return if trace.receiver.begun() { Ok(()) } else { Err(broken) };
    }
    let mut ended = read(&mut stream, flight, trace).await.map_err(Broken::Lost)?;
    if ended == Read::Done {
        let rest = tokio::time::timeout(LINGER, read(&mut stream, flight, trace)).await;
        ended = rest.ok().and_then(Result::ok).unwrap_or(Read::Closed);
    }
    if trace.receiver.excess() {
        shared.count_unasked();
    }
    if ended == (Read::Complete { reusable: true }) {
        shared.give_back(stream);
    }
    Ok(())
}

/// Writes a request. Errors: `Unwritten` where no byte of it left this process.
async fn write(stream: &mut Stream, bytes: &[u8]) -> Result<(), Broken> {
    let whole = stream.writes_whole();
    let written = stream
        .write(bytes)
        .await
        .map_err(|e| if whole { Broken::Unwritten(e) } else { Broken::Lost(e) })?;
    stream.write_all(&bytes[written..]).await.map_err(Broken::Lost)?;
    stream.flush().await.map_err(Broken::Lost)
}

/// Reads until the answer ends or, the first time, until it is `Done`.
async fn read(stream: &mut Stream, flight: &Flight, trace: &mut Trace) -> io::Result<Read> {
    let was_done = trace.receiver.done();
    poll_fn(|cx| {
        BUFFER.with_borrow_mut(|buffer| {
            loop {
                let mut chunk = ReadBuf::new(buffer);
                match Pin::new(&mut *stream).poll_read(cx, &mut chunk) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
                    Poll::Ready(Ok(())) => {}
                }
                let now = monotonic_ns();
                flight.read_at(now);
                trace.end_ns = Some(now);
                if chunk.filled().is_empty() {
                    return Poll::Ready(end_of_stream(trace, now));
                }
                if let Step::Complete { reusable } = trace.receiver.read(chunk.filled(), now) {
                    return Poll::Ready(Ok(Read::Complete { reusable }));
                }
                if !was_done && trace.receiver.done() {
                    return Poll::Ready(Ok(Read::Done));
                }
            }
        })
    })
    .await
}

fn end_of_stream(trace: &mut Trace, now: u64) -> io::Result<Read> {
    if !trace.receiver.begun() {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "connection closed before any answer",
        ));
    }
    trace.receiver.eof(now);
    Ok(Read::Closed)
}

fn timeline(
    sending: &Sending<'_>,
    trace: Trace,
    ended: Result<Result<(), Broken>, GivenUp>,
) -> Timeline {
    let (sent, answered, done) =
        (trace.sent_ns.is_some(), trace.receiver.begun(), trace.receiver.done());
    let answer = trace.receiver.into_result();
    let (outcome, error) = match ended {
        Ok(Ok(())) => (answer.outcome.clone(), answer.error.clone()),
        // Every token and the end mark came: what failed after them is not the user's loss.
        _ if done => (answer.outcome.clone(), answer.error.clone()),
        Ok(Err(broken)) => broken_outcome(&broken, &answer, answered),
        Err(why) => given_up_outcome(why, sent, answered, sending.reading),
    };
    Timeline {
        index: sending.request.index,
        intended_ns: sending.intended_ns,
        handed_ns: Some(trace.handed_ns),
        slot_ns: trace.slot_ns,
        sent_ns: trace.sent_ns,
        connect_ns: trace.connect_ns,
        first_byte_ns: answer.first_byte_ns,
        first_answer_ns: answer.first_answer_ns,
        reasoning_seen: answer.reasoning_seen,
        outputs: answer.outputs,
        end_ns: Some(trace.end_ns.unwrap_or_else(monotonic_ns)),
        input_tokens: answer.usage.prompt_tokens,
        output_tokens: answer.usage.completion_tokens,
        cached_tokens: answer.usage.cached_tokens,
        finish_reason: answer.finish_reason,
        models: answer.models,
        outcome,
        error,
        retried: trace.retried,
        closed_loop: sending.closed_loop,
        text: answer.text,
        counted: Counted { hidden: answer.hidden, doubt: answer.doubt, ..Counted::default() },
    }
}

fn broken_outcome(broken: &Broken, answer: &Answer, answered: bool) -> (Outcome, Option<String>) {
    match broken {
        Broken::Connect(e) => (Outcome::Connect, Some(format!("cannot connect: {e}"))),
        Broken::Unwritten(e) => (
            Outcome::Connect,
            Some(format!("connection closed before the request was written: {e}")),
        ),
        Broken::Lost(e) if !answered => (
            Outcome::Dropped,
            Some(format!("connection lost after the request was written, before any answer: {e}")),
        ),
        Broken::Lost(_)
            if answer.outcome != Outcome::Completed && answer.outcome != Outcome::Truncated =>
        {
            (answer.outcome.clone(), answer.error.clone())
        }
        Broken::Lost(e) => {
            (Outcome::Truncated, Some(format!("connection lost in the middle of the answer: {e}")))
        }
    }
}

fn given_up_outcome(
    why: GivenUp,
    sent: bool,
    answered: bool,
    reading: &Reading,
) -> (Outcome, Option<String>) {
    let phase = match (sent, answered) {
        (false, _) => "before it could be sent",
        (true, false) => "before any answer",
        (true, true) => "in the middle of the answer",
    };
    match why {
        GivenUp::Timeout => {
            (Outcome::Timeout, Some(format!("time limit of {:?} passed {phase}", reading.timeout)))
        }
        GivenUp::Stalled => {
            (Outcome::Stalled, Some(format!("no byte for {:?}, {phase}", reading.stall_timeout)))
        }
        GivenUp::Cancelled => (Outcome::Cancelled, Some(format!("interrupted {phase}"))),
    }
}
