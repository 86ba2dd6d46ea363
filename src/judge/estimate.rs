//! A difference with its standard error, tested; and what a metric's finding is for the decision of
//! the run.
//!
//! Not here: where the standard error comes from (`interleaved`, `other_day`).

use crate::judge::reason::{Margin, Measured};
use crate::judge::{
    Bearing, Comparison, Decision, Judgement, MetricComparison, MetricReason, Reason, Thresholds,
    Working, dist,
};
use crate::measure::summary::{to_change, to_display};
use crate::metric::{Class, Metric, Scale};

/// An oriented difference (positive is worse) and the t distribution that it is judged by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub difference: f64,
    pub se: f64,
    pub df: f64,
}

/// The levels of a rule: significance, and the tail of the bound that a PASS needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    pub alpha: f64,
    pub pass_tail: f64,
}

/// All numbers of one test, as the judgement used them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tested {
    pub thresholds: Thresholds,
    pub estimate: Estimate,
    pub levels: Levels,
    /// P(T > (D - `D_neg`) / se).
    pub p: Option<f64>,
    /// P(T > D / se).
    pub p0: Option<f64>,
    /// D -+ t(1 - alpha) se.
    pub interval: Option<(f64, f64)>,
    /// D + t(1 - `pass_tail`) se, of metrics that have something to prove.
    pub upper: Option<f64>,
    pub mde: Option<f64>,
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
    /// P(T > (D - null) / se): small where the difference is beyond `null`.
    pub fn p_beyond(&self, null: f64) -> Option<f64> {
        dist::t_upper_tail((self.difference - null) / self.se, self.df)
    }

    /// The same precision about another difference.
    pub const fn at(self, difference: f64) -> Self {
        Self { difference, ..self }
    }

    /// Upper bound of the difference that is exceeded with probability `tail`.
    pub fn upper(&self, tail: f64) -> Option<f64> {
        Some(self.difference + dist::t_upper_quantile(tail, self.df)? * self.se)
    }

    fn interval(&self, alpha: f64) -> Option<(f64, f64)> {
        let half = dist::t_upper_quantile(alpha, self.df)? * self.se;
        Some((self.difference - half, self.difference + half))
    }

    /// max(`D_min`, `D_neg` + t(1 - alpha) se) + t(0.95) se.
    pub fn mde(&self, alpha: f64, d_min: f64, d_neg: f64) -> Option<f64> {
        let threshold = d_min.max(d_neg + dist::t_upper_quantile(alpha, self.df)? * self.se);
        Some(threshold + dist::t_upper_quantile(0.05, self.df)? * self.se)
    }
}

impl Tested {
    /// METHOD's worry: P(T > D / se) < 0.02, and of a relevant size. A primary metric's bound for
    /// PASS is below its margin; guards have none to prove. Improved: the interval's upper end is
    /// below -`D_neg`.
    pub fn test(thresholds: &Thresholds, estimate: &Estimate, levels: Levels) -> Self {
        let t = thresholds;
        let p0 = estimate.p_beyond(0.0);
        let interval = estimate.interval(levels.alpha);
        let upper = t.margin.and_then(|_| estimate.upper(levels.pass_tail));
        Self {
            thresholds: *t,
            estimate: *estimate,
            levels,
            p: estimate.p_beyond(t.d_neg),
            p0,
            interval,
            upper,
            mde: estimate.mde(levels.alpha, t.d_min, t.d_neg),
            worries: p0.is_some_and(|p0| p0 < 0.02) && estimate.difference >= t.d_min,
            proven: t.margin.is_none_or(|margin| upper.is_some_and(|upper| upper < margin)),
            improved: interval.is_some_and(|(_, upper)| upper < -t.d_neg),
        }
    }

    /// The test says worse: p <= alpha.
    pub fn significant(&self) -> bool {
        self.p.is_some_and(|p| p <= self.levels.alpha)
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
            MetricReason::PerhapsNoise { p: self.p, alpha: self.levels.alpha }
        }
    }

    /// The difference is worth failing for.
    pub fn relevant(&self) -> bool {
        self.estimate.difference >= self.thresholds.d_min
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
            mde: None,
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

    fn describe(&self) -> Reason {
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
            d_neg: 0.0,
            margin: None,
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
        row.interval =
            tested.interval.map(|(a, b)| ordered(to_change(t.metric, a), to_change(t.metric, b)));
        row.p = tested.p;
        row.mde = tested.mde;
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
    fn shown_only(mut self) -> Self {
        if self.hit {
            self.row.judgement = Judgement::Inconclusive;
            self.row.reason = Some(MetricReason::OnlyShown);
        }
        Self { hit: false, worry: false, blocks: None, ..self }
    }

    /// With its bearing written into it.
    fn into_row(self) -> MetricComparison {
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

/// The findings of one look to a comparison. `known` is the comparison so far.
pub fn conclude(known: &Comparison, findings: Vec<Finding>, looks: usize) -> Comparison {
    let shown = |f: Finding| if f.row.class == Class::Info { f.shown_only() } else { f };
    let metrics: Vec<MetricComparison> =
        findings.into_iter().map(|f| shown(f).into_row()).collect();
    let noisy = metrics
        .iter()
        .filter(|row| row.noisier_than_usual)
        .map(|row| row.metric)
        .collect::<Vec<_>>();
    let warnings =
        if noisy.is_empty() { vec![] } else { vec![Reason::NoisierThanUsual { metrics: noisy }] };
    let mut comparison = Comparison { metrics, warnings, looks, ..known.clone() };
    decide(&mut comparison);
    comparison
}

/// By the bearing of each metric: any conviction is a regression, nothing in the way is a PASS;
/// else what is missing is said before what is noisy.
pub fn decide(comparison: &mut Comparison) {
    let of = |bearing: Bearing| comparison.metrics.iter().filter(move |row| row.bearing == bearing);
    let mut convicting: Vec<&MetricComparison> = of(Bearing::Convicts).collect();
    convicting.sort_by(|a, b| a.p.unwrap_or(1.0).total_cmp(&b.p.unwrap_or(1.0)));
    let mut lacking: Vec<Reason> = of(Bearing::Lacks).map(MetricComparison::describe).collect();
    let open: Vec<Reason> =
        of(Bearing::Worries).chain(of(Bearing::Blocks)).map(MetricComparison::describe).collect();
    if !comparison.metrics.iter().any(|row| row.class == Class::Primary) {
        lacking.push(Reason::NoPrimaryMetric);
    }
    let (decision, reasons) = if !convicting.is_empty() {
        (Decision::Regression, convicting.into_iter().map(MetricComparison::describe).collect())
    } else if !lacking.is_empty() {
        (Decision::Incomplete, lacking.into_iter().chain(open).collect())
    } else if open.is_empty() {
        (Decision::Pass, vec![proof(&comparison.metrics)])
    } else {
        (Decision::Inconclusive, open)
    };
    comparison.proves = reasons.first().filter(|_| decision == Decision::Pass).cloned();
    (comparison.decision, comparison.reasons) = (decision, reasons);
}

/// A PASS says what it proves, and what of the others it would have seen
/// (docs/METHODOLOGY.md#pass-proves).
fn proof(metrics: &[MetricComparison]) -> Reason {
    let detectable = metrics
        .iter()
        .filter(|row| row.class == Class::Guard)
        .filter_map(|row| Some((row.metric, row.mde?)));
    Reason::Proof { margins: margins(metrics), detectable: detectable.collect() }
}

/// What a PASS proves of primary metrics: those with one margin together.
pub fn margins(metrics: &[MetricComparison]) -> Vec<Margin> {
    let mut all: Vec<Margin> = Vec::new();
    for (metric, ratio) in metrics.iter().filter_map(|row| Some((row.metric, row.margin?))) {
        match all.iter_mut().find(|margin| margin.alike(metric, ratio)) {
            Some(margin) => margin.metrics.push(metric),
            None => all.push(Margin { ratio, metrics: vec![metric] }),
        }
    }
    all
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_margin_only_an_interval_within_what_matters_is_unchanged() {
        let of = |difference: f64, se: f64, margin: Option<f64>| {
            let metric = Metric::parse("ttft_p95").expect("a metric");
            let (class, scale) = (Class::Guard, Scale::Log);
            let thresholds = Thresholds { metric, class, scale, d_min: 0.1, d_neg: 0.01, margin };
            let tested = Tested::test(
                &thresholds,
                &Estimate { difference, se, df: 12.0 },
                Levels { alpha: 0.0005, pass_tail: 0.02 },
            );
            let finding = Finding::tested(
                Sides { baseline: Some(0.0), candidate: Some(difference) },
                &tested,
                false,
            );
            assert_eq!(
                finding.worry || finding.blocks.is_some(),
                !tested.proven,
                "the word changes nothing of the decision"
            );
            finding.row.judgement
        };
        // t(0.9995; 12) is 4.3.
        assert_eq!(of(0.0, 0.02, None), Judgement::Unchanged);
        assert_eq!(of(0.0, 0.03, None), Judgement::Inconclusive);
        assert_eq!(of(0.04, 0.02, None), Judgement::Inconclusive);
        assert_eq!(of(-0.05, 0.02, None), Judgement::Inconclusive);
        assert_eq!(of(-0.1, 0.02, None), Judgement::Improved);
        assert_eq!(of(0.0, 0.03, Some(0.15)), Judgement::Unchanged);
    }
}
