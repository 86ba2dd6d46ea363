//! Offered against achieved rate, and the send lag, in open loop at a constant rate.

use std::sync::Arc;
use std::time::Duration;

use super::{Bed, quantile, request, send};
use crate::lab::print;
use crate::load::Client;
use crate::plan::{Pace, RoundPlan};

/// `rate` in requests per second.
pub fn run(rate: f64, seconds: f64) -> anyhow::Result<()> {
    let bed = Bed::new(4, Duration::from_millis(5), false)?;
    let client = Client::new(&bed.site()?, 1)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of requests, bounded by what was typed"
    )]
    let n = (rate * seconds).clamp(2.0, 1e6) as u32;
    let requests =
        (0..n).map(|i| request(i, Duration::from_secs_f64(f64::from(i) / rate))).collect();
    let plan = RoundPlan {
        seed: 0,
        pace: Pace::Open,
        max_in_flight: None,
        stop_after: None,
        ramp: 0,
        requests,
    };
    let measured = send(&client, &Arc::new(plan))?;
    let sent: Vec<u64> = measured.timelines.iter().filter_map(|t| t.sent_ns).collect();
    let span = |v: &[u64]| {
        v.iter().max().zip(v.iter().min()).map_or(f64::NAN, |(max, min)| (max - min) as f64 / 1e9)
    };
    let achieved = f64::from(n.saturating_sub(1)) / span(&sent);
    let mut lags: Vec<f64> =
        measured.timelines.iter().filter_map(|t| Some(t.send_lag_ns()? as f64 / 1e6)).collect();
    lags.sort_by(f64::total_cmp);
    print(&format!(
        "asked for {:.1} arrivals/s over {:.0} s, sent {achieved:.2}/s ({:+.3} %)\nsend lag p50 {:.3} ms   p99 {:.3} ms   max {:.3} ms",
        rate,
        seconds,
        (achieved / rate - 1.0) * 100.0,
        quantile(&lags, 0.5),
        quantile(&lags, 0.99),
        quantile(&lags, 1.0),
    ))
}
