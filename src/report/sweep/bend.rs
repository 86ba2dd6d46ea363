//! What a sweep comes to, typed: its best levels, and where its curve bends. Not here: the highest
//! load that meets the SLO (`highest`), the levels and how the bend is found (`sweep`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SweepLevel, SweepReport, best, highest};
use crate::config::{Axis, Lang};
use crate::metric::Orientation;
use crate::report::{say, text};

/// Whether a curve bends, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Bend {
    /// From one level to the next the curve goes from one value to the other. `tail`: the TTFT at
    /// the next as a multiple.
    Knee {
        near: f64,
        next: f64,
        from: f64,
        to: f64,
        tail: Option<Tail>,
    },
    NoKnee {
        up_to: f64,
    },
    CurveUnmeasured,
    TooFewLevels {
        needed: u64,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tail {
    /// `p95` or `p50`.
    pub statistic: String,
    pub times: f64,
}

/// Levels that are not fit to be judged, ascending.
pub fn invalid(sweep: &SweepReport) -> Vec<f64> {
    sweep.levels.iter().filter(|l| l.unfit.is_some()).map(|l| l.level).collect()
}

/// How a language says what a sweep comes to.
pub struct BendText {
    pub at: fn(Axis, f64) -> String,
    /// Title, value, level.
    pub most: fn(&str, &str, &str) -> String,
    pub least: fn(&str, &str, &str) -> String,
    /// Value, level.
    pub errors: fn(Option<&str>, &str) -> String,
    /// With the levels that are in no curve.
    pub bend: fn(&SweepReport, &Bend) -> String,
}

pub const fn bend_text(lang: Lang) -> &'static BendText {
    match lang {
        Lang::En => &EN,
        Lang::Ko => &say::ko::sweep::WORDS,
    }
}

const EN: BendText = BendText {
    at: level_name,
    most: |title, value, at| format!("most {title}: {value} at {at}"),
    least: |title, value, at| format!("shortest {title}: {value} at {at}"),
    errors: |share, at| {
        format!("errors: {} at {at}, the highest level", share.unwrap_or("not measured"))
    },
    bend: |sweep, bend| english(sweep.axis, &sweep.curve, bend) + &left_out(&invalid(sweep)),
};

/// What matters of it, and what its knee is. Levels that are not fit are no best ones.
pub fn matters(sweep: &SweepReport, lang: Lang) -> String {
    type Rate = fn(&SweepLevel) -> Option<f64>;
    let words = bend_text(lang);
    let at = |l: &SweepLevel| (words.at)(sweep.axis, l.level);
    let throughput: [(&str, &str, Rate); 2] = [
        ("output tokens/s", "tokens_per_s", |l| l.output_token_rate_tokens_per_s),
        ("requests/s", "per_s", |l| l.request_rate_per_s),
    ];
    let most = throughput.iter().find_map(|(title, unit, value)| {
        let (level, most) = best(sweep, *value, Orientation::HigherIsBetter)?;
        Some((words.most)(title, &text::value(unit, Some(most)), &at(level)))
    });
    let least = best(sweep, |l| l.ttft_p50_ms, Orientation::LowerIsBetter).map(|(level, least)| {
        (words.least)("TTFT p50", &text::value("ms", Some(least)), &at(level))
    });
    let errors = sweep.levels.last().map(|l| {
        let share = l.error_rate_ratio.map(|share| text::value("ratio", Some(share)));
        (words.errors)(share.as_deref(), &at(l))
    });
    let highest = highest(sweep).map(|highest| highest.say(lang));
    // An older report has its words only.
    let bend = sweep.bend.as_ref().map(|bend| (words.bend)(sweep, bend));
    let bend = bend.unwrap_or_else(|| text::plain(&sweep.words));
    let parts = [highest, most, least, errors, Some(bend)];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// `8 in flight`, `8/s`.
pub fn level_name(axis: Axis, level: f64) -> String {
    match axis {
        Axis::Concurrency => format!("{level} in flight"),
        Axis::Rate => format!("{level}/s"),
    }
}

pub fn english(axis: Axis, curve: &str, bend: &Bend) -> String {
    let curve = text::title(curve);
    match bend {
        Bend::Knee { near, next, from, to, tail } => {
            let tail = tail.as_ref().map_or_else(String::new, |Tail { statistic, times }| {
                format!(", and TTFT {statistic} {times:.1} times as long")
            });
            format!(
                "knee near {}: at {next} {curve} is {}{tail}",
                level_name(axis, *near),
                grown(*from, *to)
            )
        }
        Bend::NoKnee { up_to } => {
            format!("no knee up to {}: {curve} does not bend", level_name(axis, *up_to))
        }
        Bend::CurveUnmeasured => {
            format!("no knee to show: {curve} was not measured at every level")
        }
        Bend::TooFewLevels { needed } => format!("no knee to show: {needed} levels are needed"),
    }
}

pub fn left_out(levels: &[f64]) -> String {
    let all: Vec<String> = levels.iter().map(f64::to_string).collect();
    if all.is_empty() {
        String::new()
    } else {
        format!("; INVALID and in no curve: {}", all.join(", "))
    }
}

/// The change in per cent, where there is one.
pub fn growth(from: f64, to: f64) -> Option<f64> {
    (from > 0.0).then(|| (to / from - 1.0) * 100.0)
}

fn grown(from: f64, to: f64) -> String {
    match growth(from, to) {
        None => format!("{} instead of {}", text::number(Some(to)), text::number(Some(from))),
        Some(share) => {
            format!("{:.0} % {}", share.abs(), if share < 0.0 { "lower" } else { "higher" })
        }
    }
}
