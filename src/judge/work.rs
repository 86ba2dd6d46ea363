//! Did both sides do the same work? A difference of mean token counts against its standard error,
//! and against a size that matters.
//!
//! Not here: where the counts come from (`fitness`, or whoever has stored ones), or what to do
//! where the work differs.

use crate::judge::dist;
use crate::measure::stats::{mean, sd};

/// Mean counts that differ by less are the same work.
const RELEVANT: f64 = 0.01;
/// Two-sided, for each way in which the noise of a difference is known: lengths that are drawn anew
/// differ by chance.
const ALPHA: f64 = 0.002;
/// From so many means on their own spread tells how much a mean varies.
const FEWEST_MEANS: usize = 6;

/// Token counts of one run, over its completed requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Count {
    pub mean: f64,
    /// Standard deviation of one request; none where it was not kept.
    pub sd: Option<f64>,
    pub requests: u64,
}

/// Mean counts of two sides, with every estimate of how much their difference varies by chance.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    pub then: f64,
    pub now: f64,
    /// Standard errors of the difference, each with its degrees of freedom. Without one any
    /// difference of a relevant size counts.
    noise: Vec<(f64, f64)>,
}

impl Count {
    /// None without requests.
    pub fn measure(counts: &[f64]) -> Option<Self> {
        Some(Self { mean: mean(counts)?, sd: sd(counts), requests: counts.len() as u64 })
    }

    /// Of several runs: each counts alike. None without any.
    pub fn together(runs: &[Self]) -> Option<Self> {
        let means: Vec<f64> = runs.iter().map(|run| run.mean).collect();
        let variances: Option<Vec<f64>> = runs.iter().map(|run| Some(run.sd?.powi(2))).collect();
        let sd = variances.and_then(|all| mean(&all)).map(f64::sqrt);
        Some(Self { mean: mean(&means)?, sd, requests: runs.iter().map(|run| run.requests).sum() })
    }
}

impl Work {
    /// Of the same requests on both sides (baseline, candidate): what a prompt makes long is long
    /// on both. None without any.
    pub fn paired(pairs: &[(f64, f64)]) -> Option<Self> {
        let (then, now): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
        let differences: Vec<f64> = pairs.iter().map(|(then, now)| now - then).collect();
        let n = pairs.len() as f64;
        let noise = sd(&differences).map(|sd| (sd / n.sqrt(), n - 1.0));
        Some(Self { then: mean(&then)?, now: mean(&now)?, noise: noise.into_iter().collect() })
    }

    /// Of a run against earlier ones. A run that kept no spread is taken to have the spread of the
    /// one that is judged. None without any.
    pub fn against(runs: &[Count], now: Count) -> Option<Self> {
        let means: Vec<f64> = runs.iter().map(|run| run.mean).collect();
        let (then, k) = (mean(&means)?, means.len() as f64);
        let variance = |sd: f64, run: &Count| sd * sd / run.requests.max(1) as f64;
        let within = now.sd.map(|own| {
            let earlier: f64 = runs.iter().map(|run| variance(run.sd.unwrap_or(own), run)).sum();
            let requests: u64 = runs.iter().map(|run| run.requests).sum::<u64>() + now.requests;
            ((variance(own, &now) + earlier / (k * k)).sqrt(), (requests as f64 - 2.0).max(1.0))
        });
        let between = sd(&means).filter(|_| means.len() >= FEWEST_MEANS);
        let between = between.map(|spread| (spread * (1.0 + 1.0 / k).sqrt(), k - 1.0));
        Some(Self { then, now: now.mean, noise: within.into_iter().chain(between).collect() })
    }

    /// More than chance explains, by one estimate of it, and enough to matter.
    pub fn differs(&self) -> bool {
        let difference = (self.now - self.then).abs();
        let by_chance = |&(se, df): &(f64, f64)| {
            se > 0.0
                && dist::t_upper_tail(difference / se, df).is_some_and(|tail| tail * 2.0 > ALPHA)
        };
        let relevant = self.then > 0.0 && difference / self.then > RELEVANT;
        relevant && (self.noise.is_empty() || !self.noise.iter().all(by_chance))
    }

    /// 0.1 is ten percent more than the baseline.
    pub fn change(&self) -> f64 {
        self.now / self.then - 1.0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution as _, LogNormal};

    use super::*;

    const REQUESTS: usize = 600;
    const DRAWS: u32 = 1000;

    /// Answers of about 200 tokens, half as many to twice as many in most cases: log-normal,
    /// coefficient of variation 0.5. They are drawn once, and each run takes its own piece.
    static ANSWERS: LazyLock<Vec<f64>> = LazyLock::new(|| {
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        let log_normal = LogNormal::new(200_f64.ln(), 0.47).expect("a distribution");
        (0..400 * REQUESTS).map(|_| log_normal.sample(&mut rng)).collect()
    });

    fn lengths(rng: &mut ChaCha8Rng, scale: f64) -> Vec<f64> {
        let first = rng.random_range(0..ANSWERS.len() - REQUESTS);
        let piece = &ANSWERS[first..first + REQUESTS];
        piece.iter().map(|tokens| (scale * tokens).round().max(1.0)).collect()
    }

    fn share(of: impl Fn(&mut ChaCha8Rng) -> Work) -> f64 {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let found = (0..DRAWS).filter(|_| of(&mut rng).differs()).count();
        found as f64 / f64::from(DRAWS)
    }

    fn against(rng: &mut ChaCha8Rng, sessions: usize, keeps_sd: bool, scale: f64) -> Work {
        let count = |lengths: Vec<f64>| Count::measure(&lengths).expect("requests");
        let earlier: Vec<Count> = (0..sessions)
            .map(|_| count(lengths(rng, 1.0)))
            .map(|c| Count { sd: c.sd.filter(|_| keeps_sd), ..c })
            .collect();
        Work::against(&earlier, count(lengths(rng, scale))).expect("sessions")
    }

    fn pairs(rng: &mut ChaCha8Rng, scale: f64) -> Work {
        let both: Vec<(f64, f64)> =
            lengths(rng, 1.0).into_iter().zip(lengths(rng, scale)).collect();
        Work::paired(&both).expect("requests")
    }

    #[test]
    fn free_lengths_of_one_build_are_the_same_work() {
        for (sessions, keeps_sd) in [(1, true), (6, true), (6, false), (20, true)] {
            let alarms = share(|rng| against(rng, sessions, keeps_sd, 1.0));
            assert!(alarms < 0.01, "{alarms} of checks against {sessions} sessions");
        }
        let alarms = share(|rng| pairs(rng, 1.0));
        assert!(alarms < 0.01, "{alarms} of interleaved checks");
    }

    #[test]
    fn answers_a_tenth_shorter_are_other_work() {
        let found = share(|rng| against(rng, 6, true, 0.9));
        assert!(found > 0.9, "{found} against six sessions");
        let found = share(|rng| against(rng, 6, false, 0.9));
        assert!(found > 0.9, "{found} against six sessions of an earlier version");
        let found = share(|rng| pairs(rng, 0.85));
        assert!(found > 0.9, "{found} interleaved");
    }

    #[test]
    fn a_fixed_length_has_no_noise_and_one_percent_is_the_same_work() {
        let fixed = |mean: f64| Count { mean, sd: Some(0.0), requests: 100 };
        let work = |now| Work::against(&[fixed(128.0)], fixed(now)).expect("a session");
        assert!(
            !work(128.0).differs()
                && !work(129.0).differs()
                && work(130.0).differs()
                && work(126.0).differs()
        );
        let known = |now: f64| Work::paired(&[(128.0, now), (128.0, now)]).expect("requests");
        assert!(!known(127.0).differs() && known(126.0).differs());
        let untold = Count { sd: None, ..fixed(130.0) };
        assert!(
            Work::against(&[fixed(128.0)], untold).is_some_and(|w| w.differs()),
            "no noise is known, so none excuses it"
        );
    }

    #[test]
    fn what_the_prompts_make_long_is_no_noise_between_runs() {
        // Prompts of very different length, and the same in each run: their spread hides nothing.
        let earlier: Vec<Count> = (0..6)
            .map(|i| Count { mean: 200.0 + f64::from(i) * 0.1, sd: Some(400.0), requests: 100 })
            .collect();
        let now = |mean| {
            Work::against(&earlier, Count { mean, sd: Some(400.0), requests: 100 })
                .expect("sessions")
        };
        assert!(!now(201.0).differs() && now(190.0).differs());
        let both: Vec<(f64, f64)> =
            (1..100).map(|i| f64::from(i * i)).map(|n| (n, n * 0.9)).collect();
        assert!(Work::paired(&both).is_some_and(|w| w.differs()));
    }
}
