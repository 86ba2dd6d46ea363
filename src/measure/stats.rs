//! Descriptive statistics of plain numbers: percentiles, means, spread, autocorrelation.
//!
//! Not here: distributions of test statistics (`judge::dist`), or what a number means. Empty in,
//! `None` out.

/// Times are clamped here before logs, in milliseconds: 1 us (docs/METHODOLOGY.md#metrics).
pub const SHORTEST_MS: f64 = 0.001;

/// Quantile `q` (0 to 1) by linear interpolation at h = (m - 1) q. Infinite values are allowed, NaN
/// is not.
pub fn percentile(values: &[f64], q: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    percentile_of_sorted(&sorted, q)
}

/// `percentile` of values that are in ascending order.
pub fn percentile_of_sorted(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let h = last as f64 * q.clamp(0.0, 1.0);
    let below = index_of(h.floor()).min(last);
    let (low, high) = (*sorted.get(below)?, *sorted.get((below + 1).min(last))?);
    let part = h - below as f64;
    // Without this, two infinite neighbours would give NaN.
    if part <= 0.0 || low >= high { Some(low) } else { Some(low + part * (high - low)) }
}

pub fn median(values: &[f64]) -> Option<f64> {
    percentile(values, 0.5)
}

pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Sum of squared deviations from the mean.
pub fn squared_deviations(values: &[f64]) -> Option<f64> {
    let centre = mean(values)?;
    Some(values.iter().map(|v| (v - centre).powi(2)).sum())
}

/// Sample standard deviation (n - 1); none below two values.
pub fn sd(values: &[f64]) -> Option<f64> {
    (values.len() >= 2)
        .then(|| squared_deviations(values).map(|ss| (ss / (values.len() - 1) as f64).sqrt()))
        .flatten()
}

/// Mean of natural logs of times in milliseconds, clamped at 1 us.
pub fn mean_log(times_ms: &[f64]) -> Option<f64> {
    mean(&times_ms.iter().map(|t| t.max(SHORTEST_MS).ln()).collect::<Vec<_>>())
}

/// Geometric mean of times in milliseconds.
pub fn geomean(times_ms: &[f64]) -> Option<f64> {
    mean_log(times_ms).map(f64::exp)
}

/// Autocorrelation at lag 1, about the mean of the series; none where the series does not vary.
pub fn lag1_autocorrelation(values: &[f64]) -> Option<f64> {
    let centre = mean(values)?;
    let total: f64 = values.iter().map(|v| (v - centre).powi(2)).sum();
    let lagged: f64 = values.windows(2).map(|w| (w[0] - centre) * (w[1] - centre)).sum();
    (total > 0.0).then(|| lagged / total)
}

/// Integrated autocorrelation time of "slower than the pooled p95", in send order, of the rounds of
/// one start (docs/ARITHMETIC.md#limit-intervals).
///
/// 1 + 2 sum of `rho_k` over lags k = 1, 2, ... while `rho_k` > 0.05 and k < n/2; autocovariances
/// are summed over the rounds and centred on the mean of all of them, so that one slow round counts
/// as what it is: one event. 1 below 20 values.
pub fn tail_autocorrelation_time(rounds: &[Vec<f64>]) -> f64 {
    let mut sorted = rounds.concat();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    if n < 20 {
        return 1.0;
    }
    // Order statistic ceil(0.95 n), counted from one, in whole numbers: 0.95 is not exact in
    // binary.
    let Some(&bar) = sorted.get((n * 95).div_ceil(100) - 1) else { return 1.0 };
    let share = sorted.iter().filter(|&&v| v > bar).count() as f64 / n as f64;
    let centred: Vec<Vec<f64>> = rounds
        .iter()
        .map(|r| r.iter().map(|&v| f64::from(u8::from(v > bar)) - share).collect())
        .collect();
    let covariance = |lag: usize| -> f64 {
        centred
            .iter()
            .map(|r| r.iter().zip(r.iter().skip(lag)).map(|(a, b)| a * b).sum::<f64>())
            .sum()
    };
    let total = covariance(0);
    if total <= 0.0 {
        return 1.0;
    }
    let correlated =
        (1..n.div_ceil(2)).map(|lag| covariance(lag) / total).take_while(|&rho| rho > 0.05);
    1.0 + 2.0 * correlated.sum::<f64>()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "callers pass a floored, non-negative rank"
)]
const fn index_of(rank: f64) -> usize {
    rank as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: Option<f64>, b: f64) -> bool {
        a.is_some_and(|a| (a - b).abs() < 1e-12)
    }

    #[test]
    fn nothing_in_nothing_out() {
        assert_eq!(percentile(&[], 0.5), None);
        assert_eq!(mean(&[]), None);
        assert_eq!(sd(&[1.0]), None);
        assert_eq!(mean_log(&[]), None);
        assert_eq!(lag1_autocorrelation(&[2.0, 2.0]), None);
    }

    #[test]
    fn percentiles_interpolate_linearly_and_carry_infinity() {
        assert!(close(percentile(&[4.0, 1.0, 3.0, 2.0], 0.5), 2.5));
        assert!(close(percentile(&[1.0, 2.0, 3.0], 0.95), 2.9));
        assert_eq!(percentile(&[1.0, f64::INFINITY, f64::INFINITY], 0.75), Some(f64::INFINITY));
        assert_eq!(percentile(&[1.0, f64::INFINITY], 0.0), Some(1.0));
    }

    #[test]
    fn logs_are_clamped_at_a_microsecond() {
        assert!(close(geomean(&[0.0]), 0.001));
        assert!(close(geomean(&[1.0, 100.0]), 10.0));
    }

    #[test]
    fn tail_autocorrelation_time_is_methods_vector() {
        let mut round = vec![10.0; 95];
        round.extend([100.0; 5]);
        assert!((tail_autocorrelation_time(&[round]) - 4.989_473_68).abs() < 1e-8);
        assert!((tail_autocorrelation_time(&[vec![1.0; 19]]) - 1.0).abs() < 1e-15);
    }
}
