//! The monotonic clock, in nanoseconds, and the date: the only place outside `load/` and `sim/`
//! that reads time.
//!
//! `CLOCK_MONOTONIC`, so that instants of two processes on one machine (client and simulated
//! server) can be compared.
#![expect(clippy::disallowed_methods, reason = "rim: reads the date")]

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds of `CLOCK_MONOTONIC`.
pub fn monotonic_ns() -> u64 {
    to_ns(clock_gettime(ClockId::Monotonic))
}

/// CPU time of this process so far, all threads, in nanoseconds.
pub fn process_cpu_ns() -> u64 {
    to_ns(clock_gettime(ClockId::ProcessCPUTime))
}

/// CPU time of the calling thread so far, in nanoseconds.
pub fn thread_cpu_ns() -> u64 {
    to_ns(clock_gettime(ClockId::ThreadCPUTime))
}

/// The date and the time now, RFC 3339 in whole seconds, UTC.
pub fn now() -> String {
    date(time::OffsetDateTime::now_utc())
}

/// Today's date, UTC: `2026-12-31`.
pub fn today() -> String {
    now().chars().take(10).collect()
}

/// RFC 3339 in whole seconds.
pub fn date(at: time::OffsetDateTime) -> String {
    let whole = at.replace_nanosecond(0).unwrap_or(at);
    whole.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}

fn to_ns(t: rustix::time::Timespec) -> u64 {
    let secs = u64::try_from(t.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(t.tv_nsec).unwrap_or(0);
    secs * 1_000_000_000 + nanos
}
