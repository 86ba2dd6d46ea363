//! How an interleaved gate went: the evidence after each start pair against the line, and where it
//! stopped.
//!
//! Shown only: nothing of it decides. Not here: drawing (`page::gate`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Lang;
use crate::judge::{Bearing, Comparison, Decision, LookPoint, LookSeen};
use crate::metric::{Class, Metric};

use super::{MetricReport, WorkloadReport, text};

/// On the scale of standard normal scores, on which all metrics share one line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CourseReport {
    /// K: the most start pairs, as planned beforehand.
    pub planned_pairs: u32,
    /// After each pair, the score from which a primary metric is proven worse: 3 (K/L)^(1/4) for
    /// one workload. A FAIL takes two pairs, whatever the first shows.
    pub line: Vec<f64>,
    pub looks: Vec<LookReport>,
    pub stop: Stop,
}

/// What was known after so many pairs, those of earlier attempts included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LookReport {
    pub pairs: u32,
    /// Primary metrics whose noise was known by then.
    pub metrics: Vec<LookMetricReport>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LookMetricReport {
    pub metric: String,
    /// Mean difference of the pairs over its standard error; positive is worse.
    pub t: f64,
    /// The same as a score.
    pub score: f64,
    /// From it on the metric fails: the line, or more where the noise is so small that a difference
    /// beyond the line is not worth failing for.
    pub fail_from_score: f64,
    /// Below it the slowdown that must be found is excluded.
    pub pass_below_score: f64,
}

/// Why no further pair was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// A primary metric is beyond the line.
    Line,
    /// Something else is proven worse: a guard, slow starts, an earlier attempt.
    Other,
    /// All primary metrics are proven fine, and nothing else is in the way.
    Fine,
    /// All planned pairs were used, or the run ended earlier.
    Undecided,
}

/// None where no look had anything to show.
pub fn course(comparison: &Comparison) -> Option<CourseReport> {
    let line = comparison.line?;
    let looks: Vec<LookReport> =
        comparison.course.iter().map(|seen| look(seen, line.score(seen.pairs))).collect();
    let last = comparison.course.last()?.pairs.max(comparison.planned);
    looks.iter().any(|look| !look.metrics.is_empty()).then(|| CourseReport {
        planned_pairs: count(comparison.planned),
        line: (1..=last).map(|pairs| line.score(pairs)).collect(),
        looks,
        stop: stop(comparison),
    })
}

fn look(look: &LookSeen, line: f64) -> LookReport {
    let point = |(metric, at): &(Metric, LookPoint)| LookMetricReport {
        metric: metric.name(),
        t: at.t,
        score: at.score(at.t),
        fail_from_score: at.score(at.least).max(line),
        pass_below_score: at.score(at.fine),
    };
    // JSON has no other numbers.
    let drawable =
        |(_, at): &&(Metric, LookPoint)| [at.t, at.least, at.fine].iter().all(|t| t.is_finite());
    let metrics = look.metrics.iter().filter(drawable).map(point).collect();
    LookReport { pairs: count(look.pairs), metrics }
}

fn stop(comparison: &Comparison) -> Stop {
    let beyond = |row: &crate::judge::MetricComparison| {
        row.class == Class::Primary && row.bearing == Bearing::Convicts
    };
    match comparison.decision {
        Decision::Regression if comparison.metrics.iter().any(beyond) => Stop::Line,
        Decision::Regression => Stop::Other,
        Decision::Pass => Stop::Fine,
        Decision::Inconclusive | Decision::Incomplete => Stop::Undecided,
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl CourseReport {
    /// Pairs after which it stopped.
    pub fn last(&self) -> u32 {
        self.looks.last().map_or(0, |look| look.pairs)
    }

    /// `Stopped after pair 3 of at most 6: TPOT and E2E latency are beyond the line.`
    pub fn summary(&self, w: &WorkloadReport, lang: Lang) -> String {
        let (last, most) = (self.last(), self.planned_pairs);
        let beyond = |m: &&MetricReport| m.class == Class::Primary && m.is_regression();
        let names: Vec<String> =
            w.metrics.iter().filter(beyond).map(|m| text::title(&m.metric)).collect();
        let names = names.join(", ");
        let why = match (lang, self.stop) {
            (Lang::En, Stop::Line) => format!("beyond the line: {names}"),
            (Lang::Ko, Stop::Line) => format!("선을 넘은 지표: {names}"),
            (Lang::En, Stop::Other) => {
                "something else is proven worse; the reasons are above".into()
            }
            (Lang::Ko, Stop::Other) => "다른 항목의 저하가 입증됨(이유는 위 참조)".into(),
            (Lang::En, Stop::Fine) => "every metric is in its green range".into(),
            (Lang::Ko, Stop::Fine) => "모든 지표가 초록 범위 안에 있음".into(),
            (Lang::En, Stop::Undecided) => "undecided; the reasons are above".into(),
            (Lang::Ko, Stop::Undecided) => "결론 없음(이유는 위 참조)".into(),
        };
        match lang {
            Lang::En => format!("Stopped after pair {last} of at most {most}: {why}."),
            Lang::Ko => format!("시작 쌍 {last}개에서 멈춤(최대 {most}개): {why}."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Mode;
    use crate::judge::level::{Line, Rule};
    use crate::metric::{Stat, Timing};

    const TPOT: Metric = Metric::Timing(Timing::Tpot, Stat::Geomean);

    fn played(points: &[Option<LookPoint>]) -> Comparison {
        let look = |(pairs, point): (usize, &Option<LookPoint>)| LookSeen {
            pairs,
            metrics: point.iter().map(|at| (TPOT, *at)).collect(),
        };
        Comparison {
            line: Some(Line::new(Rule::Primary, 6, 1)),
            course: (1..).zip(points).map(look).collect(),
            ..Comparison::undecided(Mode::Interleaved, 0, 6, vec![])
        }
    }

    /// A t on its own line is a score on the line of all: whatever the degrees of freedom.
    #[test]
    fn a_metric_meets_the_shared_line_where_its_t_meets_its_own() {
        let line = Line::new(Rule::Primary, 6, 1);
        let t = crate::judge::dist::t_upper_quantile(line.level(2), 4.0).expect("defined");
        let at = |t: f64, fine: f64| Some(LookPoint { t, line: t, least: 0.0, fine, df: 4.0 });
        let found = course(&played(&[None, at(t, -t), at(0.0, 1.0)])).expect("looks");
        assert_eq!((found.planned_pairs, found.line.len(), found.last()), (6, 6, 3));
        assert!((found.line[5] - 3.0).abs() < 1e-12 && found.line.is_sorted_by(|a, b| a > b));
        let point = &found.looks[1].metrics[0];
        assert!((point.score - found.line[1]).abs() < 1e-6, "{point:?}");
        assert!((point.pass_below_score + point.score).abs() < 1e-9, "{point:?}");
        assert!((point.fail_from_score - found.line[1]).abs() < 1e-12, "{point:?}");
        assert!(found.looks[0].metrics.is_empty() && found.looks[2].metrics[0].score == 0.0);
    }

    #[test]
    fn what_lies_beyond_every_scale_stays_a_number() {
        let at = |t| Some(LookPoint { t, line: 3.0, least: 1e9, fine: 1.0, df: 80.0 });
        let found = course(&played(&[at(1e9), at(f64::INFINITY)])).expect("looks");
        let at = &found.looks[0].metrics[0];
        assert!((at.score - 10.0).abs() < 1e-12, "{found:?}");
        // A difference that is not worth failing for fails nowhere on the line.
        assert!((at.fail_from_score - 10.0).abs() < 1e-12, "{found:?}");
        assert!(found.looks[1].metrics.is_empty(), "{found:?}");
        assert_eq!(course(&played(&[None, None])), None);
    }
}
