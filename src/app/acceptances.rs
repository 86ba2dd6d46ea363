//! What a report found worse, written into `baselines/accepted.json` with reason, largest size and
//! last day, for a reviewer to see.
//!
//! Not here: what counts of it, where and how long (`accept`, `sessions::reviewed`).
#![expect(clippy::disallowed_methods, reason = "rim: reads and writes the acceptances")]

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::artefacts;
use super::gate::{self, Given};
use super::workspace::Workspace;
use crate::accept::{self, Acceptance, Of};
use crate::baseline::reviewed::ACCEPTED;
use crate::clock::today;
use crate::config::{parse_percent, parse_points, parse_quantity};
use crate::judge::Judgement;
use crate::judge::limits::LimitState;
use crate::metric::{Class, Metric, Orientation, Unit};
use crate::read;
use crate::report::{BoundSide, LimitReport, MetricReport, Report, WorkloadReport, text};
use crate::verdict::Verdict;

/// Long enough to merge and to measure the sessions that make it the baseline; short enough to be
/// looked at again.
pub const DAYS: i64 = 30;

/// What is to be accepted.
pub struct Request<'a> {
    pub here: &'a Workspace,
    pub reason: &'a str,
    /// The last day; [`DAYS`] from today where it is none.
    pub until: Option<&'a str>,
    /// Only these metrics; all that are worse where there are none.
    pub metrics: &'a [String],
    pub workload: Option<&'a str>,
    /// The largest change for the worse; of a limit the worst value.
    pub at_most: Option<&'a str>,
    /// Cover any change, not only what contains the commit that was measured.
    pub any_change: bool,
    pub report: &'a Path,
    pub given: &'a Given,
}

/// What was written.
pub struct Written {
    pub entries: Vec<Acceptance>,
    pub until: String,
    /// Relative to the repository's root.
    pub file: PathBuf,
}

/// Errors: nothing is worse, or it cannot be written.
pub fn write(request: &Request<'_>) -> anyhow::Result<Written> {
    if request.reason.trim().is_empty() {
        bail!("--reason is empty: say why this is accepted, for whoever reviews it");
    }
    let config = gate::config(request.here, request.given)?;
    let report = Report::parse(&artefacts::read(request.report)?)
        .map_err(|e| anyhow::anyhow!("cannot use {}: {e}", request.report.display()))?;
    if report.verdict == Some(Verdict::Invalid) {
        bail!(
            "{} is of an INVALID measurement: what it says can be neither judged nor accepted",
            request.report.display()
        );
    }
    let until = until(request)?;
    let entries = entries(request, &report, &until, &config.gate.under_test)?;
    let folder = request.here.baselines_folder(&config)?;
    let path = folder.join(ACCEPTED);
    let all = merged(stored(&path)?, entries.clone());
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    artefacts::write_atomic(&path, accept::to_text(&all).as_bytes())?;
    Ok(Written { entries, until, file: config.baselines_dir.join(ACCEPTED) })
}

fn until(request: &Request<'_>) -> anyhow::Result<String> {
    let today = today();
    let Some(day) = request.until else {
        let last =
            accept::day(&today).ok().and_then(|day| day.checked_add(time::Duration::days(DAYS)));
        return last
            .map(|day| day.to_string())
            .context("the clock of this machine shows no usable day: say --until YYYY-MM-DD");
    };
    accept::day(day).map_err(|why| anyhow::anyhow!("--until: {why}"))?;
    if day < today.as_str() {
        bail!("--until {day} has passed: today is {today}");
    }
    Ok(day.to_owned())
}

fn stored(path: &Path) -> anyhow::Result<Vec<Acceptance>> {
    match read::text(path, read::WRITTEN) {
        Ok(text) => accept::parse(&text)
            .map_err(|why| anyhow::anyhow!("{} cannot be used: {why}", path.display())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(e).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// What is accepted again of the same run or of the same commit replaces what was; all else stays,
/// since history begins there.
fn merged(stored: Vec<Acceptance>, new: Vec<Acceptance>) -> Vec<Acceptance> {
    let what = |a: &Acceptance| (a.workload.clone(), a.fingerprint.clone(), a.metric.clone(), a.of);
    let again = |old: &Acceptance| {
        let run = |n: &Acceptance| {
            n.session == old.session || (n.commit.is_some() && n.commit == old.commit)
        };
        new.iter().any(|n| what(n) == what(old) && run(n))
    };
    let kept: Vec<Acceptance> = stored.into_iter().filter(|old| !again(old)).collect();
    kept.into_iter().chain(new).collect()
}

fn entries(
    request: &Request<'_>,
    report: &Report,
    until: &str,
    under_test: &[String],
) -> anyhow::Result<Vec<Acceptance>> {
    // What is accepted already is accepted anew, say for longer, only where it is named.
    let wanted = |metric: &str, accepted: &Option<String>| match request.metrics {
        [] => accepted.is_none(),
        named => named.iter().any(|m| m == metric),
    };
    let mut all = Vec::new();
    for w in report.workloads.iter().filter(|w| request.workload.is_none_or(|name| name == w.name))
    {
        let about = About { request, report, w, until, key: w.fingerprint.key(under_test) };
        for m in worse(w).filter(|m| wanted(&m.metric, &m.accepted)) {
            all.push(about.regression(m)?);
        }
        for l in w
            .limits
            .iter()
            .filter(|l| l.state == LimitState::Breached && wanted(&l.metric, &l.accepted))
        {
            all.push(about.breach(l)?);
        }
    }
    if let Some(missed) = request.metrics.iter().find(|name| all.iter().all(|a| a.metric != **name))
    {
        bail!(
            "{missed} is not worse in {}: there is nothing to accept\nhint: without --metric all that is worse is accepted",
            request.report.display()
        );
    }
    if all.is_empty() {
        bail!(
            "nothing in {} regressed or breaches a limit that is not accepted already: there is nothing to accept",
            request.report.display()
        );
    }
    Ok(all)
}

/// What regressed, and what goes with it: a metric that looks as bad, and is not proven so, would
/// be in the way of a PASS.
fn worse(w: &WorkloadReport) -> impl Iterator<Item = &MetricReport> {
    let regressed = MetricReport::is_regression;
    let any = w.metrics.iter().any(regressed);
    let relevant = |m: &MetricReport| {
        let worse = Metric::parse(&m.metric)
            .zip(m.change_ratio)
            .map(|(metric, change)| accept::worse(metric, change));
        worse.is_some_and(|worse| worse >= m.minimum_relevant_change_ratio)
    };
    let open =
        move |m: &MetricReport| any && m.judgement == Some(Judgement::Inconclusive) && relevant(m);
    w.metrics.iter().filter(move |m| m.class != Class::Info && (regressed(m) || open(m)))
}

/// What all entries of one workload have in common.
struct About<'a> {
    request: &'a Request<'a>,
    report: &'a Report,
    w: &'a WorkloadReport,
    until: &'a str,
    key: String,
}

impl About<'_> {
    fn regression(&self, m: &MetricReport) -> anyhow::Result<Acceptance> {
        let metric = parsed_metric(&m.metric)?;
        let change =
            m.change_ratio.with_context(|| format!("{metric} has no change in this report"))?;
        let value = m.candidate.with_context(|| format!("{metric} has no value in this report"))?;
        let (seen, far) = (
            accept::worse(metric, change),
            far_end(metric, m.interval_low_ratio.zip(m.interval_high_ratio)),
        );
        let most = match self.request.at_most {
            Some(said) => size(metric, said)?,
            None => far.with_context(|| self.unbounded(metric, "8%"))?,
        };
        if most <= 0.0 || most < seen {
            let (most, seen) = (text::size(&m.unit, Some(most)), text::size(&m.unit, Some(seen)));
            bail!(
                "--at-most {most} is less than what was found of {metric}, {seen}: it would not be covered"
            );
        }
        let worst = m.baseline.map_or(value, |baseline| accept::worsened(metric, baseline, most));
        let found =
            format!("{metric} {} ({})", text::change(&m.unit, m.change_ratio), text::interval(m));
        let worst = inward(metric, worst);
        Ok(Acceptance {
            worse_at_most_ratio: Some(most),
            ..self.entry(metric, Of::Regression, worst, found)
        })
    }

    fn breach(&self, l: &LimitReport) -> anyhow::Result<Acceptance> {
        let metric = parsed_metric(&l.metric)?;
        let value = l.value.with_context(|| format!("{metric} has no value in this report"))?;
        let (of, far) = if l.bound == BoundSide::Max {
            (Of::LimitMax, l.interval_high)
        } else {
            (Of::LimitMin, l.interval_low)
        };
        let worst = match self.request.at_most {
            Some(said) => parse_quantity(said, metric.unit())
                .map_err(|e| anyhow::anyhow!("--at-most, for the limit of {metric}: {e}"))?,
            None => far.with_context(|| self.unbounded(metric, "650ms"))?,
        };
        if if of == Of::LimitMax { value > worst } else { value < worst } {
            let (worst, value) =
                (text::value(&l.unit, Some(worst)), text::value(&l.unit, Some(value)));
            bail!(
                "--at-most {worst} is better than what was found of {metric}, {value}: it would not be covered"
            );
        }
        Ok(self.entry(metric, of, worst, l.reason.clone()))
    }

    fn entry(&self, metric: Metric, of: Of, worst_value: f64, found: String) -> Acceptance {
        let git = self.report.git.as_ref().filter(|git| !git.dirty && !self.request.any_change);
        Acceptance {
            workload: self.w.name.clone(),
            fingerprint: self.key.clone(),
            metric: metric.name(),
            of,
            worse_at_most_ratio: None,
            worst_value,
            unit: metric.unit().suffix().into(),
            until: self.until.into(),
            reason: text::plain(self.request.reason),
            found,
            session: self.report.session.clone(),
            commit: git.map(|git| git.commit.clone()),
            tree: git.map(|git| git.tree.clone()),
        }
    }

    fn unbounded(&self, metric: Metric, example: &str) -> String {
        format!(
            "the report bounds the change of {metric} ({}) by no interval, so nobody knows how much is accepted\nhint: say it: --metric {metric} --at-most {example}",
            self.w.name
        )
    }
}

fn size(metric: Metric, said: &str) -> anyhow::Result<f64> {
    let parsed =
        if metric.unit() == Unit::Share { parse_points(said) } else { parse_percent(said) };
    parsed.map_err(|e| anyhow::anyhow!("--at-most, for {metric}: {e}"))
}

fn parsed_metric(name: &str) -> anyhow::Result<Metric> {
    Metric::parse(name).with_context(|| {
        format!("the report names a metric that this version does not know: {name:?}")
    })
}

/// Of a change for the worse; none where the interval says nothing.
fn far_end(metric: Metric, interval: Option<(f64, f64)>) -> Option<f64> {
    const BEYOND: f64 = 10.0;
    let (low, high) = interval?;
    let far = if metric.orientation() == Orientation::LowerIsBetter { high } else { -low };
    // For the eyes of a reviewer, and never wider than it was.
    let short = (far * 1e4).floor() / 1e4;
    Some(short).filter(|far| *far > 0.0 && *far <= BEYOND)
}

/// Few digits for the eyes of a reviewer, never on the worse side.
fn inward(metric: Metric, value: f64) -> f64 {
    let scaled = value * 1e6;
    (if metric.orientation() == Orientation::LowerIsBetter {
        scaled.floor()
    } else {
        scaled.ceil()
    }) / 1e6
}

/// An acceptance in words.
pub fn in_words(a: &Acceptance) -> anyhow::Result<String> {
    let metric = parsed_metric(&a.metric)?;
    let worst = text::value(&a.unit, Some(a.worst_value));
    let most = match a.worse_at_most_ratio {
        Some(most) => {
            format!("up to {} worse and {worst}", text::size(metric.unit().suffix(), Some(most)))
        }
        None => format!("up to {worst}"),
    };
    Ok(format!(
        "accepted for {}: {}; {most}; until {}: {}",
        text::plain(&a.workload),
        text::plain(&a.found),
        a.until,
        a.reason
    ))
}
