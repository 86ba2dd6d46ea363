//! Waiting for an instant of the monotonic clock, to within the kernel's timer: Tokio's own timer
//! has a grain of 1 ms.
//!
//! Not here: what happens then.

use std::io;
use std::os::fd::OwnedFd;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;

use crate::clock::monotonic_ns;

#[derive(Debug)]
pub struct Pacer(AsyncFd<OwnedFd>);

impl Pacer {
    /// Needs a Tokio runtime with I/O.
    pub fn new() -> io::Result<Self> {
        let fd = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        #[expect(
            deprecated,
            reason = "sound for an OwnedFd, whose descriptor never changes; the new name is an unsafe fn"
        )]
        AsyncFd::new(fd).map(Self)
    }

    /// Returns at `at_ns` of `clock::monotonic_ns`, or at once if that has passed.
    pub async fn until(&self, at_ns: u64) -> io::Result<()> {
        if at_ns <= monotonic_ns() {
            return Ok(());
        }
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let at = Timespec {
            tv_sec: i64::try_from(at_ns / 1_000_000_000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(at_ns % 1_000_000_000).unwrap_or(0),
        };
        timerfd_settime(
            self.0.get_ref(),
            TimerfdTimerFlags::ABSTIME,
            &Itimerspec { it_interval: zero, it_value: at },
        )?;
        loop {
            let mut ready = self.0.readable().await?;
            let mut count = [0; 8];
            match rustix::io::read(self.0.get_ref(), &mut count) {
                // An expiry of an earlier, abandoned wait may still be there to read.
                Ok(_) if monotonic_ns() >= at_ns => return Ok(()),
                Ok(_) => {}
                Err(rustix::io::Errno::AGAIN) => ready.clear_ready(),
                Err(e) => return Err(e.into()),
            }
        }
    }
}
