//! Signals of a command that measures. Ctrl-C, SIGTERM and SIGHUP: the first drains, the second (or
//! ten seconds) aborts, the third ends the program at once. SIGQUIT aborts, tidies up and then ends
//! the program as that signal does. SIGCONT says that the program stood still.
//!
//! A SIGHUP that was ignored at the start (`nohup`) stays ignored. Not here: what a drained run
//! saves.
#![expect(
    clippy::disallowed_methods,
    clippy::exit,
    reason = "rim: ends the process where it is asked to three times, or by SIGQUIT"
)]

use std::os::unix::process::CommandExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::stop::{GLANCE, Stop};
use crate::exit::ExitStatus;
use crate::lang::bilingual;
use crate::print::speak;
use crate::server::is_ignored;

/// Requests in flight get this long to finish after the first signal.
const GRACE: Duration = Duration::from_secs(10);
/// A thread that only looks at the clock is woken later than this where the whole program (or the
/// machine) stood still.
const STANDSTILL: Duration = Duration::from_secs(1);

/// What a service's run asks the system for, should the service end: it drains once, however often
/// it is told.
pub const ORPHANED: rustix::process::Signal = rustix::process::Signal::USR2;

/// The program is to end by SIGQUIT, once it has tidied up.
static QUIT: AtomicBool = AtomicBool::new(false);

/// Watches signals, and the time limit once it has begun, on a thread of its own, for the rest of
/// the process.
pub fn watch(limit: Option<Duration>) -> anyhow::Result<Stop> {
    let stop = Stop::default();
    let watched = stop.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the signal watch")?;
    // Registered here and not on the thread: from the first request on, a signal must find its
    // handler.
    let signals = {
        let _context = runtime.enter();
        Signals::register().context("cannot watch for signals")?
    };
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || runtime.block_on(serve(watched, limit, signals)))
        .context("cannot start the signal watch")?;
    Ok(stop)
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// The terminal, or the connection to it, is gone. `None` where it was ignored at the start: no
    /// handler, so that what we start ignores it, too.
    hangup: Option<Signal>,
    quit: Signal,
    resume: Signal,
    orphaned: Signal,
}

enum Event {
    Stop,
    /// The service that the run is of has ended.
    Orphaned,
    Quit,
    Continued,
}

impl Signals {
    fn register() -> std::io::Result<Self> {
        let ignored = is_ignored(rustix::process::Signal::HUP);
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: if ignored { None } else { Some(signal(SignalKind::hangup())?) },
            quit: signal(SignalKind::quit())?,
            resume: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
            orphaned: signal(SignalKind::from_raw(ORPHANED.as_raw()))?,
        })
    }

    async fn next(&mut self) -> Event {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Event::Stop,
            _ = self.terminate.recv() => Event::Stop,
            _ = hangup => Event::Stop,
            _ = self.quit.recv() => Event::Quit,
            _ = self.resume.recv() => Event::Continued,
            _ = self.orphaned.recv() => Event::Orphaned,
        }
    }
}

async fn serve(stop: Stop, limit: Option<Duration>, mut signals: Signals) {
    let time_limit = async {
        stop.limit_started().await;
        match limit {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(time_limit);
    let mut over = false;
    let mut grace_ends: Option<tokio::time::Instant> = None;
    let mut asked = 0;
    loop {
        let woken_at = Instant::now() + GLANCE;
        let grace = async {
            match grace_ends {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = signals.next() => match event {
                Event::Stop => {
                    asked += 1;
                    interrupt(&stop, asked);
                    grace_ends = grace_ends.or_else(|| Some(tokio::time::Instant::now() + GRACE));
                }
                // The system says it for each thread of the service, one after the other.
                Event::Orphaned if asked > 0 => {}
                Event::Orphaned => {
                    asked += 1;
                    interrupt(&stop, asked);
                    grace_ends = Some(tokio::time::Instant::now() + GRACE);
                }
                Event::Quit => quit(&stop),
                Event::Continued => {
                    stop.note_standstill();
                }
            },
            () = &mut time_limit, if !over => {
                over = true;
                stop.control.drain();
                grace_ends = grace_ends.or_else(|| Some(tokio::time::Instant::now() + GRACE));
            }
            () = grace => {
                grace_ends = None;
                stop.control.abort();
            }
            () = tokio::time::sleep(GLANCE) => {
                if woken_at.elapsed() > STANDSTILL {
                    stop.note_standstill();
                }
            }
        }
    }
}

/// `asked`: how often, with this time.
fn interrupt(stop: &Stop, asked: u32) {
    stop.signal();
    match asked {
        1 => {
            stop.control.drain();
            speak(&if stop.is_measuring() {
                bilingual!(
                    "interrupted: waiting up to 10 s for requests in flight; once more to cancel them",
                    "중단: 처리 중인 요청을 최대 10초 기다립니다. 한 번 더 누르면 취소합니다"
                )
            } else {
                bilingual!("interrupted", "중단됨")
            });
        }
        2 => {
            stop.control.abort();
            speak(&bilingual!(
                "interrupted again: tidying up; once more to end at once",
                "다시 중단: 정리 중입니다. 한 번 더 누르면 바로 끝냅니다"
            ));
        }
        // What it started ends with it, since their pipes close; a checkout that it made is removed
        // by the next run.
        _ => std::process::exit(ExitStatus::Interrupted.code().into()),
    }
}

fn quit(stop: &Stop) {
    QUIT.store(true, Ordering::Relaxed);
    stop.signal();
    stop.control.abort();
    speak(&bilingual!("quit: tidying up first", "종료(quit): 먼저 정리합니다"));
}

/// SIGQUIT asked for the end.
pub fn quits() -> bool {
    QUIT.load(Ordering::Relaxed)
}

/// Where SIGQUIT asked for it, ends the process by that signal, as whoever waits for it expects.
/// Else returns.
pub fn end_by_quit() {
    if !quits() {
        return;
    }
    // There is no safe call that gives a signal its usual meaning back, but a new program has it.
    // The shell's core would tell nobody anything.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = std::process::Command::new("/bin/sh").args(["-c", "kill -QUIT $$"]).exec();
}
