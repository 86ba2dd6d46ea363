//! A difference with its standard error, tested; and what that finds of a metric.
//!
//! Not here: where the standard error comes from (`look`, `sessions`), or what all findings
//! together decide (`decide`).

use crate::judge::level::Line;
use crate::judge::reason::Measured;
use crate::judge::{
    Bearing, Judgement, MetricComparison, MetricReason, Reason, Thresholds, Working, dist,
};
use crate::measure::summary::{to_change, to_display};
use crate::metric::{Class, Metric, Scale};

/// p below which a difference of a relevant size keeps a run from passing.
const WORRY: f64 = 0.02;

/// An oriented difference (positive is worse) and the t distribution that it is judged by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub difference: f64,
    pub se: f64,
    pub df: f64,
}

/// The levels of a look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    /// p at or below which it convicts now.
    pub level: f64,
    /// The same at the last planned look.
    pub last: f64,
    /// beta: the tail of the bound that a PASS needs.
    pub pass_tail: f64,
}

/// All numbers of one test, as the judgement used them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tested {
    pub thresholds: Thresholds,
    pub estimate: Estimate,
    pub levels: Levels,
    /// P(T > D / se).
    pub p: Option<f64>,
    /// D -+ t(level) se.
    pub interval: Option<(f64, f64)>,
    /// U = D + t(beta) se, of metrics that have something to prove.
    pub upper: Option<f64>,
    /// At the last planned look.
    pub detectable: Option<f64>,
    pub worries: bool,
    pub proven: bool,
    pub improved: bool,
}

/// One metric, and what it does to the decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub row: MetricComparison,
    /// Proven worse.
    pub hit: bool,
    /// Looks worse, unproven: no PASS.
    pub worry: bool,
    /// No PASS for another reason.
    pub blocks: Option<Block>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// Not proven fine.
    Unproven,
    /// Missing on a side, or judged by nothing: no noise.
    Missing,
}

/// Which values stand behind an estimate, oriented.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sides {
    pub baseline: Option<f64>,
    pub candidate: Option<f64>,
}

impl Estimate {
    /// An estimate of nothing but its own precision.
    pub const fn unknown(se: f64, df: f64) -> Self {
        Self { difference: 0.0, se, df }
    }

    /// P(T > D / se): small where the difference is beyond chance.
    pub fn p(&self) -> Option<f64> {
        dist::t_upper_tail(self.difference / self.se, self.df)
    }

    /// The same precision about another difference.
    pub const fn at(self, difference: f64) -> Self {
        Self { difference, ..self }
    }

    /// Upper bound of the difference that is exceeded with probability `tail`.
    pub fn upper(&self, tail: f64) -> Option<f64> {
        Some(self.difference + dist::t_upper_quantile(tail, self.df)? * self.se)
    }

    fn interval(&self, level: f64) -> Option<(f64, f64)> {
        let half = dist::t_upper_quantile(level, self.df)? * self.se;
        Some((self.difference - half, self.difference + half))
    }

    /// max(t(level) se, `D_min`) + t(0.05) se: found in 95 % of such runs.
    pub fn detectable(&self, level: f64, d_min: f64) -> Option<f64> {
        let threshold = d_min.max(dist::t_upper_quantile(level, self.df)? * self.se);
        Some(threshold + dist::t_upper_quantile(0.05, self.df)? * self.se)
    }
}

impl Levels {
    pub fn at(line: Line, look: usize, pass_tail: f64) -> Self {
        Self { level: line.level(look), last: line.last(), pass_tail }
    }
}

impl Tested {
    /// Worry: p < 0.02, and of a relevant size. A primary metric's bound for PASS is below its
    /// margin; guards have none to prove. Improved: the whole interval is below 0.
    pub fn test(thresholds: &Thresholds, estimate: &Estimate, levels: Levels) -> Self {
        let t = thresholds;
        let p = estimate.p();
        let interval = estimate.interval(levels.level);
        let upper = t.margin.and_then(|_| estimate.upper(levels.pass_tail));
        Self {
            thresholds: *t,
            estimate: *estimate,
            levels,
            p,
            interval,
            upper,
            detectable: estimate.detectable(levels.last, t.d_min),
            worries: p.is_some_and(|p| p < WORRY) && estimate.difference >= t.d_min,
            proven: t.margin.is_none_or(|margin| upper.is_some_and(|upper| upper < margin)),
            improved: interval.is_some_and(|(_, upper)| upper < 0.0),
        }
    }

    /// The test says worse: p <= level.
    pub fn significant(&self) -> bool {
        self.p.is_some_and(|p| p <= self.levels.level)
    }

    /// The difference is worth failing for.
    pub fn relevant(&self) -> bool {
        self.estimate.difference >= self.thresholds.d_min
    }

    /// To be called unchanged: proven, or, where there is no margin to prove, no change that
    /// matters is in the interval.
    fn settled(&self) -> bool {
        let within = || {
            self.interval.is_some_and(|(low, high)| {
                -self.thresholds.d_min < low && high < self.thresholds.d_min
            })
        };
        self.proven && (self.thresholds.margin.is_some() || within())
    }

    /// Why it looks worse and is no hit.
    fn worrying(&self) -> MetricReason {
        if self.significant() {
            MetricReason::NotThroughout
        } else {
            MetricReason::PerhapsNoise { p: self.p, alpha: self.levels.level }
        }
    }
}

impl MetricComparison {
    /// A row of which nothing is known but its thresholds.
    pub(super) fn unmeasured(t: &Thresholds, sides: Sides, reason: Option<MetricReason>) -> Self {
        Self {
            metric: t.metric,
            class: t.class,
            baseline: sides.baseline.map(|v| to_display(t.metric, v)),
            candidate: sides.candidate.map(|v| to_display(t.metric, v)),
            change: None,
            interval: None,
            p: None,
            d_min: t.d_min,
            margin: t.margin,
            detectable: None,
            noise: None,
            noisier_than_usual: false,
            gaps: false,
            judgement: Judgement::Unmeasured,
            bearing: Bearing::Free,
            reason,
            working: Working::Nothing,
        }
    }

    pub(super) fn describe(&self) -> Reason {
        let Self { metric, change, interval, p, .. } = *self;
        match self.bearing {
            Bearing::Convicts => Reason::Worse(Measured { metric, change, interval, p }),
            Bearing::Lacks | Bearing::Worries | Bearing::Blocks | Bearing::Free => {
                Reason::NotProvenFine { metric, change, interval, why: self.reason.clone() }
            }
        }
    }
}

impl Finding {
    /// Nothing to judge. A primary metric, or one that only one side has, forbids a PASS.
    pub fn missing(t: &Thresholds, sides: Sides) -> Self {
        let reason = match (sides.baseline, sides.candidate) {
            (None, Some(_)) => MetricReason::NoBaselineValue,
            (Some(_), None) => MetricReason::NoCandidateValue,
            _ => MetricReason::NoValue,
        };
        let one_sided = sides.baseline.is_some() != sides.candidate.is_some();
        let row = MetricComparison::unmeasured(t, sides, Some(reason));
        Self {
            row,
            hit: false,
            worry: false,
            blocks: (one_sided || t.is_primary()).then_some(Block::Missing),
        }
    }

    /// A change that the team wants judged and METHOD does not judge.
    pub fn unjudged(metric: Metric) -> Self {
        let none = Sides { baseline: None, candidate: None };
        let t = Thresholds {
            metric,
            class: Class::Guard,
            scale: Scale::Log,
            d_min: 0.0,
            margin: None,
            alone: 0.0,
        };
        let row = MetricComparison::unmeasured(&t, none, Some(MetricReason::ChangeNotJudged));
        Self { row, hit: false, worry: false, blocks: Some(Block::Missing) }
    }

    /// A difference whose noise is not known well enough to judge: no PASS.
    pub fn open(t: &Thresholds, sides: Sides, difference: f64, reason: MetricReason) -> Self {
        let mut row = MetricComparison::unmeasured(t, sides, Some(reason));
        row.change = Some(to_change(t.metric, difference));
        row.judgement = Judgement::Inconclusive;
        Self { row, hit: false, worry: false, blocks: Some(Block::Unproven) }
    }

    /// A tested difference; `hit` is decided by the mode's own rule.
    pub fn tested(sides: Sides, tested: &Tested, hit: bool) -> Self {
        let t = &tested.thresholds;
        let (judgement, reason) = match () {
            () if hit => (Judgement::Regressed, None),
            () if tested.improved => (Judgement::Improved, None),
            () if tested.worries => (Judgement::Inconclusive, Some(tested.worrying())),
            () if tested.settled() => (Judgement::Unchanged, None),
            () => (Judgement::Inconclusive, Some(unproven(t))),
        };
        let mut row = MetricComparison::unmeasured(t, sides, None);
        row.change = Some(to_change(t.metric, tested.estimate.difference));
        // Who reads "ok" sees the bound that proves it, not the wider one of a regression.
        let shown = match judgement {
            Judgement::Unchanged if t.margin.is_some() => {
                tested.estimate.interval(tested.levels.pass_tail)
            }
            _ => tested.interval,
        };
        row.interval = shown.map(|(a, b)| ordered(to_change(t.metric, a), to_change(t.metric, b)));
        row.p = tested.p;
        row.detectable = tested.detectable;
        row.judgement = judgement;
        row.reason = reason;
        Self {
            row,
            hit,
            worry: tested.worries,
            blocks: (!tested.proven).then_some(Block::Unproven),
        }
    }

    pub fn worked(mut self, working: Working) -> Self {
        self.row.working = working;
        self
    }

    /// What a start without this metric, on one side only, does to an otherwise judged metric.
    pub fn with_gap(mut self) -> Self {
        self.blocks = Some(Block::Missing);
        self.row.gaps = true;
        if !self.hit {
            self.row.judgement = Judgement::Inconclusive;
            self.row.reason = Some(MetricReason::SomeStartsWithoutValue);
        }
        self
    }

    /// A metric that the team only wants shown: it never decides, and is not called a regression by
    /// any report.
    pub(super) fn shown_only(mut self) -> Self {
        if self.hit {
            self.row.judgement = Judgement::Inconclusive;
            self.row.reason = Some(MetricReason::OnlyShown);
        }
        Self { hit: false, worry: false, blocks: None, ..self }
    }

    /// With its bearing written into it.
    pub(super) fn into_row(self) -> MetricComparison {
        let bearing = match () {
            () if self.hit => Bearing::Convicts,
            () if self.blocks == Some(Block::Missing) => Bearing::Lacks,
            () if self.worry => Bearing::Worries,
            () if self.blocks.is_some() => Bearing::Blocks,
            () => Bearing::Free,
        };
        MetricComparison { bearing, ..self.row }
    }
}

fn unproven(t: &Thresholds) -> MetricReason {
    match t.margin {
        Some(margin) => MetricReason::MarginNotProven { metric: t.metric, margin },
        None => MetricReason::TooNoisy { metric: t.metric, least: t.d_min },
    }
}

fn ordered(a: f64, b: f64) -> (f64, f64) {
    if a <= b { (a, b) } else { (b, a) }
}
