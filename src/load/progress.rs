//! The live line: elapsed, sent, done, failed, rate, goodput so far, ETA. On a terminal it is redrawn; elsewhere a plain line each 10 s.
//!
//! Writes to standard error only. Not here: anything that is measured.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Counters;
use crate::clock::monotonic_ns;

/// Redrawn this often on a terminal.
const REDRAW: Duration = Duration::from_millis(250);
/// A plain line this often elsewhere.
const PLAIN_SECS: u64 = 10;

/// A running live line; ends when dropped.
pub struct Live {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Text,
    Json,
}

impl Live {
    /// `planned` is `None` where the number of requests is not known before (closed loop by duration).
    pub fn start(label: String, planned: Option<u64>, counters: Arc<Counters>, style: Style) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let run = move || match style {
            Style::Text if std::io::stderr().is_terminal() => redraw(&label, planned, &counters, &flag),
            _ => plain(&label, planned, &counters, &flag, style),
        };
        let thread = std::thread::Builder::new().name("progress".into()).spawn(run).ok();
        Self { stop, thread }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

fn redraw(label: &str, planned: Option<u64>, counters: &Counters, stop: &AtomicBool) {
    let bar = ProgressBar::with_draw_target(planned, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{prefix} {elapsed} {bar:12} {wide_msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(label.to_owned());
    let began = monotonic_ns();
    while !stop.load(Ordering::Relaxed) {
        bar.set_position(counters.done.load(Ordering::Relaxed));
        bar.set_message(line(planned, counters, began));
        std::thread::park_timeout(REDRAW);
    }
    bar.finish_and_clear();
}

fn plain(label: &str, planned: Option<u64>, counters: &Counters, stop: &AtomicBool, style: Style) {
    let began = monotonic_ns();
    loop {
        std::thread::park_timeout(Duration::from_secs(PLAIN_SECS));
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let text = line(planned, counters, began);
        let text = match style {
            Style::Json => serde_json::json!({"level": "info", "event": "progress", "label": label, "text": text}).to_string(),
            Style::Text => format!("{label}: {text}"),
        };
        let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{text}\n").as_bytes());
    }
}

fn line(planned: Option<u64>, counters: &Counters, began_ns: u64) -> String {
    let get = |a: &std::sync::atomic::AtomicU64| a.load(Ordering::Relaxed);
    let (sent, done, failed, good) = (get(&counters.sent), get(&counters.done), get(&counters.failed), get(&counters.good));
    let elapsed = (monotonic_ns().saturating_sub(began_ns)) as f64 / 1e9;
    let rate = done as f64 / elapsed.max(0.001);
    let eta = planned.filter(|_| done > 0).map(|n| format!(", {:.0} s left", n.saturating_sub(done) as f64 / rate));
    format!(
        "sent {sent}{}, done {done}, failed {failed}, {rate:.1} req/s, goodput {:.1} req/s{}",
        planned.map_or_else(String::new, |n| format!(" of {n}")),
        good as f64 / elapsed.max(0.001),
        eta.unwrap_or_default(),
    )
}
