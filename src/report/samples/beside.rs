//! Both sides of a hand-made workload: where the time went, and every server start.

use crate::metric::Class;
use crate::report::WorkloadReport;
use crate::report::course::{CourseReport, LookMetricReport, LookReport, Stop};
use crate::report::sides::{SessionStarts, StartsReport, TimeParts, TimeReport};

pub fn time(baseline: bool) -> TimeReport {
    let parts = |first_token_ms, decoding_ms| TimeParts {
        unsent_ms: Some(0.08),
        first_token_ms,
        decoding_ms,
    };
    TimeReport { baseline: baseline.then(|| parts(166.9, 2812.0)), candidate: parts(160.0, 3042.0) }
}

/// Two of six pairs, of which nothing was known after the first; TPOT and E2E are beyond the line.
pub fn course() -> CourseReport {
    let line = |pairs: u32| 3.0 * (6.0 / f64::from(pairs)).sqrt().sqrt();
    let metric = |metric: &str, t, score, pass_below_score| LookMetricReport {
        metric: metric.into(),
        t,
        score,
        fail_from_score: line(2),
        pass_below_score,
    };
    let seen = vec![
        metric("ttft_geomean", -1.9, -1.4, 2.2),
        metric("tpot_geomean", 58.1, 5.6, -0.8),
        metric("e2e_geomean", 21.4, 4.5, 0.4),
        metric("output_token_rate", 0.7, 0.6, 1.9),
    ];
    CourseReport {
        planned_pairs: 6,
        line: (1..=6).map(line).collect(),
        looks: vec![
            LookReport { pairs: 1, metrics: vec![] },
            LookReport { pairs: 2, metrics: seen },
        ],
        stop: Stop::Line,
    }
}

/// With eight sessions of two starts each.
pub fn with_baseline(mut w: WorkloadReport) -> WorkloadReport {
    let around = |middle: f64, i: u32| middle * (1.0 + 0.004 * f64::from(i * 7 % 5));
    let session = |middle: f64, i: u32| SessionStarts {
        commit: Some(format!("{i:x}a1b2c3d4e5f")),
        values: vec![around(middle, i), around(middle, i + 2)],
    };
    let primary = w.metrics.iter().filter(|m| m.class == Class::Primary);
    let starts = primary.filter_map(|m| {
        let (was, now) = (m.baseline?, m.candidate?);
        Some(StartsReport {
            metric: m.metric.clone(),
            unit: m.unit.clone(),
            baseline: (0..8).map(|i| session(was, i)).collect(),
            candidate: vec![now, around(now, 3)],
        })
    });
    w.start_values = starts.collect();
    w.time = Some(time(true));
    w
}
