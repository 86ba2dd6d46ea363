//! The arithmetic behind a metric's judgement, step by step, with METHOD's names: for whoever must
//! defend a red check.
//!
//! From the numbers that the judgement kept on its way (`Working`): nothing is computed a second
//! time. Not here: layout beyond lines.

#[cfg(test)]
mod tests;

use crate::judge::errors::ErrorsTest;
use crate::judge::estimate::Tested;
use crate::judge::gross::GrossTest;
use crate::judge::history::Variation;
use crate::judge::look::PairsTest;
use crate::judge::sessions::SessionsTest;
use crate::judge::{Check, Comparison, LookSeen, MetricComparison, Mode, Working, text};
use crate::measure::summary::to_change;
use crate::metric::{Class, Metric, Scale};

/// One line of arithmetic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// METHOD's letter, or a word.
    pub name: String,
    /// How it comes about.
    pub formula: String,
    pub value: String,
}

/// The steps to one metric's judgement in a comparison. Errors: why there is nothing to explain.
pub fn steps(comparison: &Comparison, metric: Metric) -> Result<Vec<Step>, String> {
    let Some(row) = comparison.metrics.iter().find(|m| m.metric == metric) else {
        let judged: Vec<String> = comparison.metrics.iter().map(|m| m.metric.name()).collect();
        return Err(if judged.is_empty() {
            format!("nothing was compared: {}", text::joined(&comparison.reasons))
        } else {
            format!("{metric} was not judged here; judged were: {}", judged.join(", "))
        });
    };
    let mut steps = vec![heading(comparison, row)];
    steps.extend(course(comparison, metric));
    steps.extend(match &row.working {
        Working::Nothing => vec![],
        Working::Pairs(test) => pairs(test, metric),
        Working::Sessions(test) => sessions(test, metric),
        Working::Errors(test) => errors(test),
    });
    steps.push(conclusion(row));
    steps.push(step(
        "decision",
        "of all metrics together",
        format!("{:?}", comparison.decision).to_uppercase(),
    ));
    Ok(steps)
}

/// `name = formula = value`, in columns that line up.
pub fn render(steps: &[Step]) -> String {
    let width = steps.iter().map(|s| s.name.chars().count()).max().unwrap_or(0);
    let line = |s: &Step| {
        let formula =
            if s.formula.is_empty() { String::new() } else { format!("{} = ", s.formula) };
        format!("  {:<width$}  {formula}{}\n", s.name, s.value)
    };
    steps.iter().map(line).collect()
}

fn step(name: impl Into<String>, formula: impl Into<String>, value: impl Into<String>) -> Step {
    Step { name: name.into(), formula: formula.into(), value: value.into() }
}

fn heading(comparison: &Comparison, row: &MetricComparison) -> Step {
    let class = match row.class {
        Class::Primary => "primary: a PASS must prove it fine",
        Class::Guard => "guard: it can fail a run or hold up a PASS",
        Class::Info => "info: shown, never decides",
    };
    let how = match comparison.mode {
        Mode::Interleaved => {
            format!(
                "interleaved, after {} of {} start pairs (docs/METHODOLOGY.md#interleaved-test)",
                comparison.looks, comparison.planned
            )
        }
        Mode::OtherDay | Mode::Drift => {
            let sessions = text::count(comparison.sessions as u64, "session", "sessions");
            format!(
                "another day, job {} against {sessions} (docs/METHODOLOGY.md#another-day)",
                comparison.looks
            )
        }
    };
    step(row.metric.name(), "", format!("{how}; {class}; positive differences are worse"))
}

/// The way to the last look: what the picture on the page shows.
fn course(comparison: &Comparison, metric: Metric) -> Option<Step> {
    let look = |look: &LookSeen| {
        let (_, at) = look.metrics.iter().find(|(seen, _)| *seen == metric)?;
        let (pair, t) = (look.pairs, short(at.t));
        Some(format!("pair {pair}: {t} (line {}, PASS below {})", short(at.line), short(at.fine)))
    };
    let looks: Vec<String> = comparison.course.iter().filter_map(look).collect();
    (!looks.is_empty()).then(|| step("course", "t after each pair", looks.join(", ")))
}

fn pairs(test: &PairsTest, metric: Metric) -> Vec<Step> {
    let start = "seed-centred start values";
    let mut steps = vec![
        step(
            "b_s",
            format!("{start} of the baseline"),
            list(&test.baseline, |v| signed(metric, v)),
        ),
        step(
            "c_s",
            format!("{start} of the candidate"),
            list(&test.candidate, |v| signed(metric, v)),
        ),
        step("D_s", "c_s - b_s", list(&test.differences, |d| signed(metric, d))),
        variation("SSn, dfn", "sum (b_s - mean b)^2 + sum (c_s - mean c)^2, 2 (L - 1)", test.now),
        variation(
            "SSh, dfh",
            "the same within each side of earlier runs, at most 12 df",
            test.history,
        ),
    ];
    if let Some(noise) = test.noise {
        steps.push(step("df", "dfh + dfn", number(noise.df)));
        let formula = "(SSn/dfn) / (SSh/dfh), noisier than usual from F_cdf > 0.90 on";
        let f = match noise.ratio {
            Some((ratio, cdf)) => {
                let at = cdf.map_or_else(|| "undefined".to_owned(), |p| format!("{p:.4}"));
                let so = if noise.noisier {
                    "noisier: this run counts alone where it is larger"
                } else {
                    "pooled"
                };
                format!("{}, F_cdf {at}: {so}", number(ratio))
            }
            None => "not asked: it takes two degrees of freedom on each side".into(),
        };
        steps.push(step("F", formula, f));
        let formula =
            if noise.noisier { "max((SSh + SSn) / df, SSn / dfn)" } else { "(SSh + SSn) / df" };
        steps.push(step(
            "v",
            formula,
            format!(
                "{}, sd of a start {}",
                number(noise.variance),
                size(metric, noise.variance.sqrt())
            ),
        ));
    }
    if let Some(tested) = &test.tested {
        steps.extend(tests(
            tested,
            "sqrt(2 (v + floor^2) / L)",
            "Phi(-C max(1, K/L)^(1/4)), C 3.0 primary, 3.5 guard",
        ));
    }
    steps.extend(checks(&test.checks));
    steps.extend(test.gross.iter().flat_map(|found| gross(found, metric)));
    steps
}

fn sessions(test: &SessionsTest, metric: Metric) -> Vec<Step> {
    let mut steps = vec![
        step("h_j", "means of the start values of each session", list(&test.history, number)),
        step("c_q", "the same of each job of the candidate", list(&test.units, number)),
        step("k, q", "sessions, jobs", format!("{}, {}", test.history.len(), test.units.len())),
    ];
    if let Some(variance) = test.variance {
        let value =
            format!("{}, sd of a session {}", number(variance), size(metric, variance.sqrt()));
        steps.push(step("v", "sample variance of h + floor^2", value));
    }
    if let Some(tested) = &test.tested {
        let level = "Phi(-C max(1, K/q)^(1/4)), C 3.0 primary, 3.5 guard, 4.0 a guard alone";
        steps.extend(tests(tested, "sqrt(v (1/q + 1/k)), df = k - 1", level));
    }
    steps.extend(checks(&test.checks));
    steps.extend(test.gross.iter().flat_map(|found| gross(found, metric)));
    steps
}

/// The rule that is never dropped (docs/METHODOLOGY.md#gross-rule).
fn gross(test: &GrossTest, metric: Metric) -> Vec<Step> {
    let e = &test.estimate;
    let (formula, sd) =
        ("(4 * 0.05^2 + (k - 1) v) / (k + 3), df = k + 3", size(metric, test.variance.sqrt()));
    let mut steps = vec![
        step("gross: v", formula, format!("{}, sd of a session {sd}", number(test.variance))),
        step(
            "gross: D",
            "mean of the candidate - mean of the baseline",
            signed(metric, e.difference),
        ),
        step("gross: se", "sqrt(v (1/q + 1/k))", number(e.se)),
        step("gross: p", "P(T_df > D / se)", probability(test.p)),
    ];
    steps.extend(checks(&test.checks));
    if test.hit {
        steps.push(step("gross", "", "hit"));
    }
    steps
}

/// From the difference to the bound, in the order in which METHOD asks.
fn tests(tested: &Tested, se: &str, level: &str) -> Vec<Step> {
    let (t, e, levels) = (&tested.thresholds, &tested.estimate, tested.levels);
    let metric = t.metric;
    let floor = if t.scale == Scale::Log { "0.002" } else { "0.003" };
    let mut steps = vec![
        step("D", "mean of the candidate - mean of the baseline", signed(metric, e.difference)),
        step("se", format!("{se}, floor {floor}"), number(e.se)),
        step("t", "D / se", number(e.difference / e.se)),
        step("p", "P(T_df > D / se)", probability(tested.p)),
        step("level", level, number(levels.level)),
        step("D_min", "smallest change worth failing for", size(metric, t.d_min)),
    ];
    let both = tested
        .interval
        .map(|(low, high)| format!("{} to {}", signed(metric, low), signed(metric, high)));
    steps.push(step("CI", "D -+ t(level; df) se", both.unwrap_or_else(|| "undefined".into())));
    if let Some(margin) = t.margin {
        let upper = tested.upper.map_or_else(|| "undefined".into(), |u| signed(metric, u));
        let so =
            if tested.proven { "below M: proven fine" } else { "not below M: not proven fine" };
        let tail = number(levels.pass_tail);
        steps.push(step(
            "U",
            format!("D + t({tail}; df) se"),
            format!("{upper}, M {}: {so}", size(metric, margin)),
        ));
    }
    let worry = if tested.worries { "yes: no PASS" } else { "no" };
    steps.push(step("worry", "p < 0.02 and D >= D_min", worry));
    let found = tested.detectable.map_or_else(|| "undefined".into(), |d| size(metric, d));
    steps.push(step("detectable", "max(D_min, t(level of the last look) se) + t(0.05) se", found));
    steps
}

fn errors(test: &ErrorsTest) -> Vec<Step> {
    let share = |counts: crate::judge::errors::Counts| {
        let share = counts.share().map(|s| format!(" ({:.3} %)", s * 100.0)).unwrap_or_default();
        format!("{} of {}{share}", counts.bad, counts.n)
    };
    let mut steps = vec![
        step(
            "x_b, n_b",
            "failed of scheduled: the baseline, history included",
            share(test.baseline),
        ),
        step("x_c, n_c", "failed of scheduled: the candidate", share(test.candidate)),
        step("pe", "P(Binomial(x_b + x_c, n_c / (n_c + n_b)) >= x_c)", probability(Some(test.p))),
        step("alpha", "0.0005 / workloads", number(test.alpha)),
        step("excess", "x_c / n_c - x_b / n_b", format!("{:+.3} points", test.excess * 100.0)),
        step("D_min", "minimum relevant change", size(Metric::ErrorRate, test.d_min)),
    ];
    steps.extend(checks(&test.checks));
    steps.push(step(
        "worry",
        "pe < 0.01 and x_c / n_c > D_min",
        if test.worry { "yes: no PASS" } else { "no" },
    ));
    steps
}

fn checks(checks: &[Check]) -> Vec<Step> {
    let line =
        |c: &Check| step("hit needs", c.formula, if c.holds { "holds" } else { "does not hold" });
    checks.iter().map(line).collect()
}

fn conclusion(row: &MetricComparison) -> Step {
    let reason = row.reason.as_ref().map(|r| format!(": {r}")).unwrap_or_default();
    step("judgement", "", format!("{}{reason}", format!("{:?}", row.judgement).to_lowercase()))
}

fn variation(name: &str, formula: &str, found: Variation) -> Step {
    step(name, formula, format!("{}, {}", number(found.ss), number(found.df)))
}

fn list(values: &[f64], each: impl Fn(f64) -> String) -> String {
    values.iter().map(|&v| each(v)).collect::<Vec<_>>().join(", ")
}

/// Oriented, and as people say it.
fn signed(metric: Metric, difference: f64) -> String {
    format!("{difference:+.5} ({})", text::change(metric, to_change(metric, difference)))
}

fn size(metric: Metric, fraction: f64) -> String {
    format!("{fraction:.5} ({})", text::size(metric, fraction))
}

/// A t in two decimals, as people read it.
fn short(t: f64) -> String {
    format!("{t:+.2}")
}

fn probability(p: Option<f64>) -> String {
    p.map_or_else(|| "undefined".into(), number)
}

/// Four digits that count, whatever the size.
fn number(value: f64) -> String {
    match value.abs() {
        v if v == 0.0 || (0.001..1000.0).contains(&v) => {
            let text = format!("{value:.6}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => format!("{value:.3e}"),
    }
}
