//! The truth log: when each output-bearing write was made, as JSONL. Written by a thread of its
//! own, off the hot path.
//!
//! Not here: what a client saw of it.
#![expect(clippy::disallowed_methods, reason = "rim: writes the log")]

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;

/// One finished request. Instants are nanoseconds of `CLOCK_MONOTONIC`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Truth {
    /// The request's `x-request-id`.
    pub id: Option<String>,
    /// When the whole request had been read.
    pub received_ns: u64,
    /// The instant right before each write that completes events with output; of a split event,
    /// before its last part.
    pub writes_ns: Vec<u64>,
    /// Output tokens in each of them.
    pub tokens: Vec<u32>,
}

/// Where finished requests go. The log is complete once all clones are dropped and
/// `LogFile::finish` has returned.
#[derive(Clone, Debug)]
pub struct TruthLog(Sender<Truth>);

#[derive(Debug)]
pub struct LogFile(JoinHandle<io::Result<()>>);

impl TruthLog {
    /// Creates the file. What is written reaches it within a second.
    pub fn create(path: &Path) -> io::Result<(Self, LogFile)> {
        let file = BufWriter::with_capacity(1 << 18, File::create(path)?);
        let (sender, receiver) = channel();
        let thread = std::thread::Builder::new()
            .name("truth".to_owned())
            .spawn(move || write_all(file, &receiver))?;
        Ok((Self(sender), LogFile(thread)))
    }

    pub fn put(&self, truth: Truth) {
        // A log that cannot be written says so at the end (`LogFile::finish`); the server goes on.
        let _ = self.0.send(truth);
    }
}

impl LogFile {
    /// Waits until all is written.
    pub fn finish(self) -> io::Result<()> {
        self.0.join().unwrap_or_else(|_| Err(io::Error::other("the truth log's thread panicked")))
    }
}

fn write_all(mut file: BufWriter<File>, receiver: &Receiver<Truth>) -> io::Result<()> {
    loop {
        match receiver.recv_timeout(Duration::from_secs(1)) {
            Ok(truth) => {
                serde_json::to_writer(&mut file, &truth)?;
                file.write_all(b"\n")?;
                // More may wait; a quiet moment flushes.
                while let Ok(more) = receiver.try_recv() {
                    serde_json::to_writer(&mut file, &more)?;
                    file.write_all(b"\n")?;
                }
                file.flush()?;
            }
            Err(RecvTimeoutError::Timeout) => file.flush()?,
            Err(RecvTimeoutError::Disconnected) => return file.flush(),
        }
    }
}
