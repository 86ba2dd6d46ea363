//! How fast the virtual GPU is at each moment: seeded noise and the knobs that slow a start down.
//! Pure.
//!
//! Not here: what a step computes (`engine`). Each source of noise draws from its own stream, so
//! that one shifts no other.

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, Exp1, StandardNormal, StandardUniform};

use crate::config::sim::{Knobs, NoiseLevel};

/// Speed of one server start over time. All factors multiply times: above 1 is slower.
#[derive(Debug)]
pub struct Noise {
    level: NoiseLevel,
    seed: u64,
    drift_per_ms: f64,
    outlier: f64,
    outlier_from_ms: f64,
    outlier_to_ms: f64,
    warmup: f64,
    warmup_ms: f64,
    /// This start's offset, common to all it does.
    common: f64,
    prefill: f64,
    decode: f64,
    jitter: ChaCha8Rng,
    wander: Wander,
    stalls: [Stalls; 2],
}

/// Slow wander of speed: an Ornstein-Uhlenbeck process, exact for any gap between looks.
#[derive(Debug)]
struct Wander {
    rng: ChaCha8Rng,
    at_ms: f64,
    /// In standard deviations.
    value: f64,
}

/// A Poisson process of stalls.
#[derive(Debug)]
struct Stalls {
    rng: ChaCha8Rng,
    rate_per_ms: f64,
    length_ms: (f64, f64),
    next_ms: f64,
}

/// Streams of the start's seed. A new one goes to the end, so that it shifts no other.
#[derive(Clone, Copy)]
enum Purpose {
    Start = 1,
    Jitter,
    Wander,
    Stalls,
    FurtherStalls,
    Rounds,
    Gpu,
    Day,
    Faults,
}

impl Noise {
    pub fn new(knobs: &Knobs, seed: u64) -> Self {
        let level = knobs.noise.level();
        let mut start = stream(seed, Purpose::Start);
        let common = normal(&mut start) * level.start_common;
        let (prefill, decode) =
            (normal(&mut start) * level.start_apart, normal(&mut start) * level.start_apart);
        let slow =
            if uniform(&mut start) < level.slow_start_share { level.slow_start } else { 0.0 };
        let named = |seed: Option<u64>, purpose, sd: f64| {
            seed.map_or(0.0, |s| normal(&mut stream(s, purpose)) * sd)
        };
        let place = named(knobs.gpu_seed, Purpose::Gpu, level.gpu)
            + named(knobs.day_seed, Purpose::Day, level.day);
        Self {
            level,
            seed,
            drift_per_ms: knobs.drift_per_minute / 60_000.0,
            outlier: knobs.outlier,
            outlier_from_ms: knobs.outlier_from_ms,
            outlier_to_ms: knobs.outlier_from_ms + knobs.outlier_length_ms,
            warmup: knobs.warmup.unwrap_or(level.warmup),
            warmup_ms: knobs.warmup_ms,
            common: (common + place).exp() * (1.0 + slow) * (1.0 + knobs.start_offset),
            prefill: prefill.exp(),
            decode: decode.exp(),
            jitter: stream(seed, Purpose::Jitter),
            wander: Wander::new(seed),
            stalls: [
                Stalls::new(stream(seed, Purpose::Stalls), level.stall_rate_per_s, level.stall_ms),
                Stalls::new(
                    stream(seed, Purpose::FurtherStalls),
                    knobs.stall_rate_per_s,
                    (knobs.stall_ms, knobs.stall_ms),
                ),
            ],
        }
    }

    /// Factor of all times at `now_ms` since the start, after `busy_ms` of work.
    pub fn common(&mut self, now_ms: f64, busy_ms: f64) -> f64 {
        let level = &self.level;
        let wander = 1.0 + level.wander * self.wander.at(now_ms, level.wander_ms);
        let thermal = 1.0 + level.thermal * (1.0 - (-now_ms / level.thermal_ms).exp());
        let warmup = 1.0 + self.warmup * (-busy_ms / self.warmup_ms).exp();
        let drift = 1.0 + self.drift_per_ms * now_ms;
        let in_outlier = (self.outlier_from_ms..self.outlier_to_ms).contains(&now_ms);
        let outlier = if in_outlier { 1.0 + self.outlier } else { 1.0 };
        self.common * wander * thermal * warmup * drift * outlier * self.round(now_ms)
    }

    pub const fn prefill(&self) -> f64 {
        self.prefill
    }

    pub const fn decode(&self) -> f64 {
        self.decode
    }

    /// Log-normal jitter of one step, with mean 1.
    pub fn jitter(&mut self) -> f64 {
        let sigma = self.level.step;
        (sigma * normal(&mut self.jitter) - sigma * sigma / 2.0).exp()
    }

    /// Length of the stalls that begin before `to_ms` in a step from `from_ms`. Stalls of an idle
    /// engine harm nobody.
    pub fn stall(&mut self, from_ms: f64, to_ms: f64) -> f64 {
        self.stalls.iter_mut().map(|s| s.within(from_ms, to_ms)).sum()
    }

    /// Now and then a whole round is slower: a window of time, by its own draw.
    fn round(&self, now_ms: f64) -> f64 {
        if self.level.outlier_share <= 0.0 {
            return 1.0;
        }
        let mut rng = stream(self.seed, Purpose::Rounds);
        // One block of the generator (16 words) for each window.
        rng.set_word_pos(u128::from(whole(now_ms / self.level.round_ms)) * 16);
        if uniform(&mut rng) >= self.level.outlier_share {
            return 1.0;
        }
        let (low, high) = self.level.outlier;
        1.0 + low + (high - low) * uniform(&mut rng)
    }
}

impl Wander {
    fn new(seed: u64) -> Self {
        let mut rng = stream(seed, Purpose::Wander);
        let value = normal(&mut rng);
        Self { rng, at_ms: 0.0, value }
    }

    fn at(&mut self, now_ms: f64, correlation_ms: f64) -> f64 {
        let kept = (-(now_ms - self.at_ms).max(0.0) / correlation_ms).exp();
        self.value = self.value * kept + (1.0 - kept * kept).sqrt() * normal(&mut self.rng);
        self.at_ms = self.at_ms.max(now_ms);
        self.value
    }
}

impl Stalls {
    fn new(rng: ChaCha8Rng, rate_per_s: f64, length_ms: (f64, f64)) -> Self {
        let mut stalls = Self { rng, rate_per_ms: rate_per_s / 1000.0, length_ms, next_ms: 0.0 };
        stalls.draw(0.0);
        stalls
    }

    fn draw(&mut self, after_ms: f64) {
        let gap: f64 = Exp1.sample(&mut self.rng);
        self.next_ms =
            if self.rate_per_ms > 0.0 { after_ms + gap / self.rate_per_ms } else { f64::INFINITY };
    }

    fn within(&mut self, from_ms: f64, to_ms: f64) -> f64 {
        let mut total = 0.0;
        while self.next_ms < to_ms {
            let (low, high) = self.length_ms;
            let length = low + (high - low) * uniform(&mut self.rng);
            if self.next_ms >= from_ms {
                total += length;
            }
            self.draw(self.next_ms);
        }
        total
    }
}

/// What befalls single requests draws from here, in [0, 1): the same for request `i` whatever the
/// others do.
pub fn request_draws(seed: u64, request: u64) -> impl FnMut() -> f64 {
    let mut rng = stream(seed, Purpose::Faults);
    rng.set_word_pos(u128::from(request) * 16);
    move || uniform(&mut rng)
}

fn stream(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(purpose as u64);
    rng
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// In [0, 1).
fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    StandardUniform.sample(rng)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and times are not negative"
)]
const fn whole(x: f64) -> u64 {
    x as u64
}
