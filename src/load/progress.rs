//! The live line: elapsed, time left, sent, done, failed, rate, goodput so far. On a terminal it is
//! redrawn; elsewhere a plain line each 10 s.
//!
//! Writes to standard error only. Not here: anything that is measured.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use serde_json::json;

use super::Counters;
use crate::clock::monotonic_ns;
use crate::lang::{Text, bilingual};
use crate::print;

/// Redrawn this often on a terminal.
const REDRAW: Duration = Duration::from_millis(250);
/// Length of the bar.
const PARTS: u64 = 100;
/// A plain line this often elsewhere.
const PLAIN: Duration = Duration::from_secs(10);
const EACH_SECOND: Duration = Duration::from_secs(1);

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
    /// As [`Style::Json`], each second and once at the end: a program shows it.
    EachSecond,
}

/// What ends a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    Requests(u64),
    /// A closed loop by duration: how many requests there will be is not known before.
    Time(Duration),
}

impl Style {
    /// A program reads the lines.
    pub const fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::EachSecond)
    }
}

/// Which round of a run it is, for programs. All numbers count from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoundPlace {
    pub workload: String,
    pub workload_number: usize,
    pub workloads: usize,
    /// What is measured beside each other: two of an interleaved run.
    pub sides: usize,
    pub start: u32,
    pub starts: u32,
    /// Absent of a warm-up.
    pub round: Option<u32>,
    pub rounds: u32,
}

impl Live {
    pub fn start(
        label: Text,
        place: RoundPlace,
        extent: Extent,
        counters: Arc<Counters>,
        style: Style,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let run = move || match style {
            Style::Text if std::io::stderr().is_terminal() => {
                redraw(&label, extent, &counters, &flag);
            }
            _ => plain((&label, &place), extent, &counters, &flag, style),
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

fn redraw(label: &Text, extent: Extent, counters: &Counters, stop: &AtomicBool) {
    let bar = ProgressBar::with_draw_target(Some(PARTS), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{prefix} {elapsed} {bar:8} {wide_msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(print::label(label.in_language(print::language())));
    let began = monotonic_ns();
    while !stop.load(Ordering::Relaxed) {
        let now = Now::read(counters, began);
        bar.set_position(now.parts(extent));
        bar.set_message(now.line(extent).in_language(print::language()).to_owned());
        std::thread::park_timeout(REDRAW);
    }
    bar.finish_and_clear();
}

fn plain(
    (label, place): (&Text, &RoundPlace),
    extent: Extent,
    counters: &Counters,
    stop: &AtomicBool,
    style: Style,
) {
    let began = monotonic_ns();
    let each = if style == Style::EachSecond { EACH_SECOND } else { PLAIN };
    loop {
        std::thread::park_timeout(each);
        let last = stop.load(Ordering::Relaxed);
        if last && style != Style::EachSecond {
            return;
        }
        let now = Now::read(counters, began);
        let text = match style {
            Style::Json | Style::EachSecond => {
                let mut line = now.json(label, extent);
                line["place"] = json!(place);
                if let Some(tally) = &counters.tally {
                    line["live"] = tally.look(now.elapsed, now.sent, now.done);
                }
                line.to_string()
            }
            Style::Text => {
                let (lang, line) = (print::language(), now.line(extent));
                format!("{}: {}", label.in_language(lang), line.in_language(lang))
            }
        };
        print::say(&text);
        if last {
            return;
        }
    }
}

/// How far a round is.
struct Now {
    elapsed: f64,
    sent: u64,
    done: u64,
    failed: u64,
    /// None where there are no SLOs to be good by.
    good: Option<u64>,
}

impl Now {
    fn read(counters: &Counters, began_ns: u64) -> Self {
        let get = |a: &std::sync::atomic::AtomicU64| a.load(Ordering::Relaxed);
        Self {
            elapsed: (monotonic_ns().saturating_sub(began_ns)) as f64 / 1e9,
            sent: get(&counters.sent),
            done: get(&counters.done),
            failed: get(&counters.failed),
            good: counters.is_good.is_some().then(|| get(&counters.good)),
        }
    }

    /// For programs. `requests` or `seconds` is what ends the round.
    fn json(&self, label: &Text, extent: Extent) -> serde_json::Value {
        let mut line = json!({
            "level": "info", "event": "progress", "label": label.en, "text": self.line(extent).en,
            "elapsed_s": self.elapsed, "sent": self.sent, "done": self.done, "failed": self.failed,
        });
        if let Some(good) = self.good {
            line["good"] = good.into();
        }
        match extent {
            Extent::Requests(all) => line["requests"] = all.into(),
            Extent::Time(all) => line["seconds"] = all.as_secs_f64().into(),
        }
        line
    }

    /// Of [`PARTS`].
    fn parts(&self, extent: Extent) -> u64 {
        let share = match extent {
            Extent::Requests(all) => self.done as f64 / all.max(1) as f64,
            Extent::Time(all) => self.elapsed / all.as_secs_f64().max(0.001),
        };
        (0..=PARTS).rev().find(|part| *part as f64 <= share * PARTS as f64).unwrap_or(0)
    }

    /// Time left, answers and failures first: the end of the line is cut off where the terminal is
    /// narrow.
    fn line(&self, extent: Extent) -> Text {
        let elapsed = self.elapsed.max(0.001);
        let rate = self.done as f64 / elapsed;
        let Self { sent, done, failed, .. } = self;
        let (done, left) = match extent {
            Extent::Requests(all) => (
                bilingual!("{done}/{all} done", "완료 {done}/{all}"),
                (*done > 0).then(|| all.saturating_sub(*done) as f64 / rate),
            ),
            Extent::Time(all) => (
                bilingual!("{done} done", "완료 {done}"),
                Some((all.as_secs_f64() - self.elapsed).max(0.0)),
            ),
        };
        let left = left.map_or_else(Text::default, |seconds| match seconds / 60.0 {
            minutes if minutes > 2.0 => {
                bilingual!("{minutes:.0} min left, ", "{minutes:.0}분 남음, ")
            }
            _ => bilingual!("{seconds:.0} s left, ", "{seconds:.0}초 남음, "),
        });
        let good = self.good.map_or_else(Text::default, |good| {
            let good = good as f64 / elapsed;
            bilingual!(", goodput {good:.1} req/s", ", goodput {good:.1} req/s")
        });
        let rest = bilingual!(
            ", {failed} failed, {sent} sent, {rate:.1} req/s",
            ", 실패 {failed}, 전송 {sent}, {rate:.1} req/s"
        );
        left.then(&done).then(&rest).then(&good)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Now = Now { elapsed: 20.0, sent: 45, done: 40, failed: 1, good: Some(30) };

    #[test]
    fn what_is_left_comes_first_and_is_cut_off_nowhere() {
        let line = NOW.line(Extent::Requests(100)).en;
        assert_eq!(line, "30 s left, 40/100 done, 1 failed, 45 sent, 2.0 req/s, goodput 1.5 req/s");
        assert_eq!(
            NOW.line(Extent::Requests(100)).ko,
            "30초 남음, 완료 40/100, 실패 1, 전송 45, 2.0 req/s, goodput 1.5 req/s"
        );
        assert_eq!(NOW.parts(Extent::Requests(100)), 40);
        // Before the first answer nobody knows.
        assert_eq!(
            Now { done: 0, ..NOW }.line(Extent::Requests(100)).en.split(',').next(),
            Some("0/100 done")
        );
    }

    #[test]
    fn a_closed_loop_by_duration_ends_by_the_clock() {
        let minute = Extent::Time(Duration::from_secs(60));
        assert_eq!(
            NOW.line(minute).en,
            "40 s left, 40 done, 1 failed, 45 sent, 2.0 req/s, goodput 1.5 req/s"
        );
        assert_eq!(NOW.parts(minute), 33);
        let late = Now { elapsed: 61.0, ..NOW };
        assert!(late.line(minute).en.starts_with("0 s left, ") && late.parts(minute) == PARTS);
    }

    #[test]
    fn without_slos_there_is_no_goodput() {
        assert!(!Now { good: None, ..NOW }.line(Extent::Requests(100)).en.contains("goodput"));
    }
}
