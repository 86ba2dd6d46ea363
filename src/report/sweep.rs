//! What a sweep over levels of load shows: throughput, goodput and latency at each, and where the
//! curve bends. Evidence, which never decides.
//!
//! Not here: how the bend is found (`measure::knee`), or tables of a format.

pub mod bend;
mod highest;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::build::Judged;
use super::labels::labels;
use super::text;
use crate::config::{Axis, Lang};
use crate::measure::collect::Values;
use crate::measure::knee::{LEAST_POINTS, knee};
use crate::metric::{Metric, Orientation, Stat, Timing};
use crate::record::{LevelRecord, WorkloadRecord};

use bend::{Bend, Tail};
pub use bend::{invalid, matters};
pub use highest::{Highest, highest};

/// Workloads that differ in one number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SweepReport {
    /// Name of all of them.
    pub family: String,
    pub axis: Axis,
    /// The metric whose curve against the levels bends, or does not: `output_token_rate`,
    /// `request_rate` or `goodput`.
    pub curve: String,
    /// Ascending.
    pub levels: Vec<SweepLevel>,
    /// Level at which it bends, by Kneedle (Satopaa et al. 2011).
    pub knee: Option<f64>,
    /// What that means.
    pub words: String,
    /// The same, typed, but for levels that are in no curve; absent in older reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bend: Option<Bend>,
}

/// Absent is unmeasured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SweepLevel {
    pub workload: String,
    /// In flight, or per second.
    pub level: f64,
    pub output_token_rate_tokens_per_s: Option<f64>,
    pub request_rate_per_s: Option<f64>,
    pub goodput_per_s: Option<f64>,
    /// Share of the requests that met every SLO; absent without SLOs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slo_attainment_ratio: Option<f64>,
    pub ttft_p50_ms: Option<f64>,
    pub ttft_p95_ms: Option<f64>,
    pub tpot_p50_ms: Option<f64>,
    pub e2e_p95_ms: Option<f64>,
    pub error_rate_ratio: Option<f64>,
    /// Why its measurement is not fit to be judged: it is in no curve. Absent where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfit: Option<String>,
    /// The server could not take this load, and the client was not the reason.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub saturated: bool,
}

/// Two levels are a comparison, and no curve.
pub const LEAST_LEVELS: usize = 3;

pub const COLUMNS: usize = 10;

/// The header of a table of levels; the first column is the level.
pub const fn header(lang: Lang) -> [&'static str; COLUMNS] {
    let l = labels(lang);
    [
        l.level,
        "output tok/s",
        "req/s",
        "goodput/s",
        l.slo_met,
        "TTFT p50 ms",
        "TTFT p95 ms",
        "TPOT p50 ms",
        "E2E p95 ms",
        l.errors,
    ]
}

/// What is drawn by level, and shown side by side: its title, its unit, its value.
pub type Curved = (&'static str, &'static str, fn(&SweepLevel) -> Option<f64>);

/// Two and two belong together: pages draw them side by side.
pub const BY_LEVEL: [Curved; 9] = [
    ("output tokens/s", "tokens_per_s", |l| l.output_token_rate_tokens_per_s),
    ("requests/s", "per_s", |l| l.request_rate_per_s),
    ("goodput/s", "per_s", |l| l.goodput_per_s),
    ("SLO met, %", "ratio", |l| l.slo_attainment_ratio),
    ("TTFT p50, ms", "ms", |l| l.ttft_p50_ms),
    ("TTFT p95, ms", "ms", |l| l.ttft_p95_ms),
    ("TPOT p50, ms", "ms", |l| l.tpot_p50_ms),
    ("E2E p95, ms", "ms", |l| l.e2e_p95_ms),
    ("errors, %", "ratio", |l| l.error_rate_ratio),
];

/// A curve's title in the reader's language.
pub fn curve_name(title: &'static str, lang: Lang) -> &'static str {
    match (lang, title) {
        (Lang::Ko, "output tokens/s") => "출력 토큰/s",
        (Lang::Ko, "requests/s") => "요청/s",
        (Lang::Ko, "SLO met, %") => "SLO 달성, %",
        (Lang::Ko, "errors, %") => "오류, %",
        _ => title,
    }
}

/// A knee is marked in the curve that it is of.
pub fn is_of(sweep: &SweepReport, title: &str) -> bool {
    let of = match sweep.curve.as_str() {
        "output_token_rate" => "output tokens/s",
        "request_rate" => "requests/s",
        _ => "goodput/s",
    };
    of == title
}

/// Every sweep of a run, in the order of its workloads.
pub fn sweeps(judged: &[Judged<'_>]) -> Vec<SweepReport> {
    let mut families: Vec<(&str, Axis, Vec<SweepLevel>)> = Vec::new();
    for one in judged {
        let Some(LevelRecord { family, axis, value }) = &one.workload.load.detail.level else {
            continue;
        };
        let level = level(
            one.workload,
            &one.pooled,
            *value,
            one.workload.invalid().first().map(ToString::to_string),
        );
        match families.iter_mut().find(|(name, of, _)| name == family && of == axis) {
            Some((_, _, levels)) => levels.push(level),
            None => families.push((family, *axis, vec![level])),
        }
    }
    families.retain(|(_, _, levels)| levels.len() >= LEAST_LEVELS);
    families.into_iter().map(|(family, axis, levels)| sweep(family, axis, levels)).collect()
}

/// `pooled`: over all rounds. `unfit`: why it is not fit to be judged.
pub fn level(
    workload: &WorkloadRecord,
    pooled: &Values,
    level: f64,
    unfit: Option<String>,
) -> SweepLevel {
    let of = |metric| pooled.get(&metric).copied();
    SweepLevel {
        workload: workload.name.clone(),
        level,
        output_token_rate_tokens_per_s: of(Metric::OutputTokenRate),
        request_rate_per_s: of(Metric::RequestRate),
        goodput_per_s: of(Metric::Goodput),
        // Without an SLO all that completed has met it, which says nothing.
        slo_attainment_ratio: workload.shape().has_slo.then(|| of(Metric::SloAttainment)).flatten(),
        ttft_p50_ms: of(Metric::Timing(Timing::Ttft, Stat::P50)),
        ttft_p95_ms: of(Metric::Timing(Timing::Ttft, Stat::P95)),
        tpot_p50_ms: of(Metric::Timing(Timing::Tpot, Stat::P50)),
        e2e_p95_ms: of(Metric::Timing(Timing::E2e, Stat::P95)),
        error_rate_ratio: of(Metric::ErrorRate),
        unfit,
        saturated: !workload.saturated().is_empty(),
    }
}

/// Levels in any order. What is not fit to be judged is kept, and bends no curve.
pub fn sweep(family: &str, axis: Axis, mut levels: Vec<SweepLevel>) -> SweepReport {
    levels.sort_by(|a, b| a.level.total_cmp(&b.level));
    let (fit, unfit): (Vec<&SweepLevel>, Vec<&SweepLevel>) =
        levels.iter().partition(|l| l.unfit.is_none());
    let (curve, value) = curve(axis, &fit);
    let points: Option<Vec<(f64, f64)>> = fit.iter().map(|l| Some((l.level, value(l)?))).collect();
    let at = points.as_deref().and_then(knee);
    let bend = match (&points, at) {
        (None, _) => Bend::CurveUnmeasured,
        (Some(points), _) if points.len() < LEAST_POINTS => {
            Bend::TooFewLevels { needed: LEAST_POINTS as u64 }
        }
        (Some(points), Some(at)) => bent(points, &fit, at),
        (Some(points), None) => Bend::NoKnee { up_to: points.last().map_or(0.0, |p| p.0) },
    };
    let unfit: Vec<f64> = unfit.iter().map(|l| l.level).collect();
    let curve = curve.name();
    let words = bend::english(axis, &curve, &bend) + &bend::left_out(&unfit);
    SweepReport {
        family: family.to_owned(),
        axis,
        curve,
        knee: at.map(|at| fit[at].level),
        levels,
        words,
        bend: Some(bend),
    }
}

/// The best level and its value; the lowest of several that are as good. None where no fit level
/// has one.
pub fn best(
    sweep: &SweepReport,
    value: impl Fn(&SweepLevel) -> Option<f64>,
    orientation: Orientation,
) -> Option<(&SweepLevel, f64)> {
    let known =
        sweep.levels.iter().filter(|l| l.unfit.is_none()).filter_map(|l| Some((l, value(l)?)));
    known.reduce(|best, next| {
        let better = match orientation {
            Orientation::LowerIsBetter => next.1 < best.1,
            Orientation::HigherIsBetter => next.1 > best.1,
        };
        if better { next } else { best }
    })
}

type Value = fn(&SweepLevel) -> Option<f64>;

/// Goodput against rate, throughput against concurrency, each where it is measured; else requests
/// per second.
fn curve(axis: Axis, levels: &[&SweepLevel]) -> (Metric, Value) {
    let choices: [(Metric, Value); 2] = match axis {
        Axis::Rate => [
            (Metric::Goodput, |l| l.goodput_per_s),
            (Metric::RequestRate, |l| l.request_rate_per_s),
        ],
        Axis::Concurrency => [
            (Metric::OutputTokenRate, |l| l.output_token_rate_tokens_per_s),
            (Metric::RequestRate, |l| l.request_rate_per_s),
        ],
    };
    let measured = |value: Value| levels.iter().all(|level| value(level).is_some());
    choices.into_iter().find(|(_, value)| measured(*value)).unwrap_or(choices[0])
}

fn bent(points: &[(f64, f64)], levels: &[&SweepLevel], at: usize) -> Bend {
    let beyond = at + 1;
    let ((near, from), (next, to)) = (points[at], points[beyond]);
    let both = |of: Value| of(levels[at]).zip(of(levels[beyond])).filter(|(here, _)| *here > 0.0);
    let tail = both(|l| l.ttft_p95_ms)
        .map(|pair| ("p95", pair))
        .or_else(|| both(|l| l.ttft_p50_ms).map(|pair| ("p50", pair)));
    let tail = tail.map(|(statistic, (here, there))| Tail {
        statistic: statistic.to_owned(),
        times: there / here,
    });
    Bend::Knee { near, next, from, to, tail }
}

/// What its levels are.
pub const fn axis_name(axis: Axis) -> &'static str {
    match axis {
        Axis::Concurrency => "concurrency",
        Axis::Rate => "rate",
    }
}

/// The same in the reader's language.
pub const fn axis_title(axis: Axis, lang: Lang) -> &'static str {
    match (axis, lang) {
        (_, Lang::En) => axis_name(axis),
        (Axis::Concurrency, Lang::Ko) => "동시 요청 수",
        (Axis::Rate, Lang::Ko) => "요청률",
    }
}

/// `chat: by concurrency`.
pub fn heading(family: &str, axis: Axis, lang: Lang) -> String {
    match lang {
        Lang::En => format!("{family}: by {}", axis_name(axis)),
        Lang::Ko => format!("{family}: {}별", axis_title(axis, lang)),
    }
}

/// The cells of a level, under [`header`].
pub fn cells(level: &SweepLevel) -> [String; COLUMNS] {
    [
        match () {
            () if level.unfit.is_some() => format!("INVALID {}", level.level),
            () if level.saturated => format!("SATURATED {}", level.level),
            () => level.level.to_string(),
        },
        text::number(level.output_token_rate_tokens_per_s),
        text::number(level.request_rate_per_s),
        text::number(level.goodput_per_s),
        text::value("ratio", level.slo_attainment_ratio),
        text::number(level.ttft_p50_ms),
        text::number(level.ttft_p95_ms),
        text::number(level.tpot_p50_ms),
        text::number(level.e2e_p95_ms),
        text::value("ratio", level.error_rate_ratio),
    ]
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// One that bends, one that does not, one that is too short.
    pub fn samples() -> Vec<SweepReport> {
        let straight = (1..6).map(|n| at(f64::from(n), Some(f64::from(n) * 10.0), 50.0)).collect();
        let few = levels().into_iter().take(3).collect();
        let mut unfit = levels();
        unfit[5].unfit = Some("start 1, round 1: a client thread was busy".into());
        [levels(), straight, few, unfit].map(|all| sweep("w", Axis::Concurrency, all)).to_vec()
    }

    fn at(level: f64, tokens: Option<f64>, ttft: f64) -> SweepLevel {
        SweepLevel {
            workload: format!("w-c{level}"),
            level,
            output_token_rate_tokens_per_s: tokens,
            request_rate_per_s: Some(level),
            goodput_per_s: None,
            slo_attainment_ratio: None,
            ttft_p50_ms: Some(ttft / 2.0),
            ttft_p95_ms: Some(ttft),
            tpot_p50_ms: None,
            e2e_p95_ms: None,
            error_rate_ratio: Some(0.0),
            unfit: None,
            saturated: false,
        }
    }

    fn levels() -> Vec<SweepLevel> {
        [
            (16.0, 820.0, 900.0),
            (1.0, 100.0, 50.0),
            (2.0, 200.0, 50.0),
            (4.0, 400.0, 60.0),
            (8.0, 800.0, 100.0),
            (32.0, 830.0, 3000.0),
        ]
        .map(|(level, tokens, ttft)| at(level, Some(tokens), ttft))
        .to_vec()
    }

    #[test]
    fn a_knee_is_named_with_what_lies_beyond_it() {
        let found = sweep("w", Axis::Concurrency, levels());
        assert_eq!((found.knee, found.curve.as_str()), (Some(8.0), "output_token_rate"));
        assert_eq!(
            found.words,
            "knee near 8 in flight: at 16 output token rate is 2 % higher, and TTFT p95 9.0 times as long"
        );
        assert_eq!(found.levels[0].workload, "w-c1");
    }

    #[test]
    fn what_matters_is_of_fit_levels_and_errors_are_of_the_highest() {
        let mut some = levels();
        some[5].unfit = Some("a client thread was busy".into());
        some[5].error_rate_ratio = Some(0.5);
        let said = matters(&sweep("w", Axis::Concurrency, some), Lang::En);
        let expected = "most output tokens/s: 820 tok/s at 16 in flight; shortest TTFT p50: 25.00 ms at 1 in flight; \
                        errors: 50.00 % at 32 in flight, the highest level; ";
        assert!(said.starts_with(expected), "{said}");
        let mut nothing = levels();
        for level in &mut nothing {
            (level.output_token_rate_tokens_per_s, level.ttft_p50_ms, level.error_rate_ratio) =
                (None, None, None);
        }
        let said = matters(&sweep("w", Axis::Rate, nothing), Lang::En);
        assert!(
            said.starts_with(
                "most requests/s: 32.00/s at 32/s; errors: not measured at 32/s, the highest level; "
            ),
            "{said}"
        );
    }

    #[test]
    fn a_curve_that_does_not_bend_says_so() {
        let straight = (1..6).map(|n| at(f64::from(n), Some(f64::from(n) * 10.0), 50.0)).collect();
        assert_eq!(
            sweep("w", Axis::Concurrency, straight).words,
            "no knee up to 5 in flight: output token rate does not bend"
        );
        let few = levels().into_iter().take(3).collect();
        assert_eq!(
            sweep("w", Axis::Concurrency, few).words,
            "no knee to show: 4 levels are needed"
        );
    }

    #[test]
    fn an_unmeasured_level_is_no_zero() {
        let mut some = levels();
        some[2].output_token_rate_tokens_per_s = None;
        let found = sweep("w", Axis::Concurrency, some.clone());
        assert_eq!((found.curve.as_str(), found.knee), ("request_rate", None));
        some[2].request_rate_per_s = None;
        let found = sweep("w", Axis::Concurrency, some);
        assert_eq!(
            found.words,
            "no knee to show: output token rate was not measured at every level"
        );
    }

    #[test]
    fn an_unfit_level_is_kept_and_bends_nothing() {
        let mut some = levels();
        some.push(SweepLevel {
            unfit: Some("a client thread was busy".into()),
            ..at(64.0, Some(1.0), 9.0)
        });
        some.push(SweepLevel { unfit: Some("no round".into()), ..at(128.0, None, 9.0) });
        let (with, without) =
            (sweep("w", Axis::Concurrency, some), sweep("w", Axis::Concurrency, levels()));
        assert_eq!((with.knee, with.levels.len()), (without.knee, without.levels.len() + 2));
        assert_eq!(with.words, format!("{}; INVALID and in no curve: 64, 128", without.words));
        assert_eq!(cells(&with.levels[6])[0], "INVALID 64");
    }

    #[test]
    fn a_rate_is_judged_by_its_goodput_where_there_is_one() {
        let mut all = levels();
        for (level, good) in all.iter_mut().zip([1.0, 1.0, 2.0, 4.0, 7.9, 0.0]) {
            level.goodput_per_s = Some(good);
        }
        let found = sweep("w", Axis::Rate, all);
        assert_eq!((found.curve.as_str(), found.knee), ("goodput", Some(8.0)));
        assert!(
            found.words.starts_with("knee near 8/s: at 16 goodput is 87 % lower"),
            "{}",
            found.words
        );
    }
}
