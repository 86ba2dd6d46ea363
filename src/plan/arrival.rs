//! When requests are to be sent: whole microseconds from the start of the round, by index.
//!
//! Not here: traces (`trace`), and what is sent (`prompts`). Offsets are computed from the index or
//! from a sum of gaps of mean one that is divided by the rate once, so that no error accumulates,
//! and rounded to microseconds, so that a last bit by which platforms' logarithms differ does not
//! change a plan's digest.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1, Gamma};

use super::PlanError;
use crate::config::{Arrival, Length};

/// A year, in microseconds: instants stay far from the end of every clock.
const LONGEST_US: f64 = 365.0 * 24.0 * 3600.0 * 1e6;

/// The fastest answer that a closed loop's slot is planned for; see [`closed_count`].
const FASTEST_ANSWER: Duration = Duration::from_millis(20);

/// Most requests that a closed loop by duration plans per round.
const CLOSED_MOST: u32 = 100_000;

/// Offsets in microseconds, ascending, of an open-loop process. By count: exactly that many. By
/// duration: all that arrive before it ends.
///
/// # Errors
/// A rate or burstiness that is not a positive number, or more than `most` arrivals.
pub fn open(
    arrival: &Arrival,
    length: Length,
    rng: &mut ChaCha8Rng,
    most: u32,
) -> Result<Vec<u64>, PlanError> {
    match *arrival {
        Arrival::Constant { rate } => {
            let rate = positive("rate", rate)?;
            collect((0_u32..).map(|i| f64::from(i) * 1e6 / rate), length, most)
        }
        Arrival::Poisson { rate } => {
            collect(gaps(Exp1, rng, positive("rate", rate)?), length, most)
        }
        Arrival::Gamma { rate, burstiness } => {
            let shape = positive("burstiness", burstiness)?;
            let unit = Gamma::new(shape, 1.0 / shape)
                .map_err(|_| PlanError::Rate { what: "burstiness", value: burstiness })?;
            collect(gaps(unit, rng, positive("rate", rate)?), length, most)
        }
        Arrival::Ramp { from, to } => collect(ramp(from, to, length)?, length, most),
        Arrival::Closed { .. } | Arrival::Trace { .. } | Arrival::Sessions { .. } => Ok(Vec::new()),
    }
}

/// How many requests a closed loop plans. By duration nobody knows how many will be needed, so it
/// is enough for answers that take 20 ms on average (`concurrency * duration / 20 ms`), at most
/// 100,000 and at most `affordable`, but no fewer than two waves. The round ends early where even
/// that runs out.
pub fn closed_count(concurrency: u32, length: Length, affordable: u32) -> u32 {
    match length {
        Length::Requests(n) => n,
        Length::Duration(time) => {
            let waves = time.as_micros().div_ceil(FASTEST_ANSWER.as_micros());
            let wanted =
                u32::try_from(waves.saturating_mul(u128::from(concurrency))).unwrap_or(u32::MAX);
            wanted.min(CLOSED_MOST).min(affordable).max(concurrency.saturating_mul(2))
        }
    }
}

/// How many requests sessions of a closed loop plan: as [`closed_count`], where a turn also takes
/// its share of the thinking.
pub fn sessions_count(
    concurrency: u32,
    turns: u32,
    think: Duration,
    length: Length,
    affordable: u32,
) -> u32 {
    match length {
        Length::Requests(n) => n,
        Length::Duration(time) => {
            let turn = FASTEST_ANSWER + think * (turns - 1) / turns;
            let waves = time.as_micros().div_ceil(turn.as_micros());
            let wanted =
                u32::try_from(waves.saturating_mul(u128::from(concurrency))).unwrap_or(u32::MAX);
            let least = concurrency.saturating_mul(turns).saturating_mul(2);
            wanted.min(CLOSED_MOST).min(affordable).max(least)
        }
    }
}

fn positive(what: &'static str, value: f64) -> Result<f64, PlanError> {
    if value.is_finite() && value > 0.0 { Ok(value) } else { Err(PlanError::Rate { what, value }) }
}

/// Sums of gaps whose mean is 1/rate. The first arrival comes after the first gap, as in a process
/// that has always been running.
fn gaps<'r>(
    unit: impl Distribution<f64> + 'r,
    rng: &'r mut ChaCha8Rng,
    rate: f64,
) -> impl Iterator<Item = f64> + 'r {
    let mut sum = 0.0;
    std::iter::repeat_with(move || {
        sum += unit.sample(rng);
        sum * 1e6 / rate
    })
}

/// Arrival i is where the accumulated rate `from t + (to - from) t^2 / 2T` reaches i. With `n =
/// (from + to) / 2 * T` arrivals in all, the root in its form without cancellation is `t = 2 i /
/// (from + sqrt(from^2 + (to^2 - from^2) i / n))`.
fn ramp(from: f64, to: f64, length: Length) -> Result<impl Iterator<Item = f64>, PlanError> {
    for (what, value) in [("ramp's first rate", from), ("ramp's last rate", to)] {
        if !(value.is_finite() && value >= 0.0) {
            return Err(PlanError::Rate { what, value });
        }
    }
    let sum = positive("sum of the ramp's rates", from + to)?;
    let n = match length {
        Length::Requests(n) => f64::from(n),
        Length::Duration(time) => sum / 2.0 * time.as_secs_f64(),
    };
    Ok((0_u32..).map(move |i| {
        let i = f64::from(i);
        if i == 0.0 {
            return 0.0;
        }
        let root = (from * from + (to * to - from * from) * (i / n)).max(0.0).sqrt();
        2.0 * i * 1e6 / (from + root)
    }))
}

fn collect(
    micros: impl Iterator<Item = f64>,
    length: Length,
    most: u32,
) -> Result<Vec<u64>, PlanError> {
    match length {
        Length::Requests(n) if n > most => Err(PlanError::TooManyRequests),
        Length::Requests(n) => {
            micros.take(n as usize).map(|at| whole(at).ok_or(PlanError::TooLong)).collect()
        }
        Length::Duration(time) => {
            let end = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
            let most = most as usize;
            let before = |at: &Result<u64, PlanError>| at.as_ref().is_ok_and(|at| *at < end);
            let all = micros.map(|at| whole(at).ok_or(PlanError::TooLong));
            let offsets: Vec<u64> =
                all.take_while(before).take(most + 1).collect::<Result<_, _>>()?;
            if offsets.len() > most { Err(PlanError::TooManyRequests) } else { Ok(offsets) }
        }
    }
}

/// None where it is no instant within [`LONGEST_US`].
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to lie within the bounds"
)]
fn whole(micros: f64) -> Option<u64> {
    (0.0..=LONGEST_US).contains(&micros).then(|| micros.round() as u64)
}

#[cfg(test)]
mod tests;
