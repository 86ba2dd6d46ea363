//! What a report found worse, written into `baselines/accepted.json` with reason, largest size and
//! last day, for a reviewer to see.
//!
//! Not here: what counts of it, where and how long (`accept`, `sessions::reviewed`).
#![expect(clippy::disallowed_methods, reason = "rim: reads and writes the acceptances")]

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::artefacts;
use super::gate::{self, Given};
use super::workspace::Workspace;
use crate::accept::{self, Acceptance, AcceptedKind};
use crate::baseline::reviewed::ACCEPTED;
use crate::clock::today;
use crate::config::{Lang, parse_percent, parse_points, parse_quantity};
use crate::judge::Judgement;
use crate::judge::limits::LimitState;
use crate::lang::{Explained as _, Text, bilingual};
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
        bail!(bilingual!(
            "--reason is empty: say why this is accepted, for whoever reviews it",
            "--reason이 비어 있음: 검토하는 사람이 알 수 있게 수용하는 이유를 쓰십시오"
        ));
    }
    let config = gate::config(request.here, request.given)?;
    let report = Report::parse(&artefacts::read(request.report)?)
        .map_err(|e| anyhow::anyhow!(unusable(request.report, &e)))?;
    if report.verdict == Some(Verdict::Invalid) {
        bail!(bilingual!(
            "{report} is of an INVALID measurement: what it says can be neither judged nor accepted",
            "{report}: 측정이 INVALID라 판정도 수용도 할 수 없음",
            report = request.report.display()
        ));
    }
    let until = until(request)?;
    let entries = entries(request, &report, &until, &config.gate.under_test)?;
    let folder = request.here.baselines_folder(&config)?;
    let path = folder.join(ACCEPTED);
    let all = merged(stored(&path)?, entries.clone());
    std::fs::create_dir_all(&folder).explained(|| artefacts::uncreatable(&folder))?;
    artefacts::write_atomic(&path, accept::to_text(&all).as_bytes())?;
    Ok(Written { entries, until, file: config.baselines_dir.join(ACCEPTED) })
}

fn until(request: &Request<'_>) -> anyhow::Result<String> {
    let today = today();
    let Some(day) = request.until else {
        let last =
            accept::day(&today).ok().and_then(|day| day.checked_add(time::Duration::days(DAYS)));
        return last.map(|day| day.to_string()).ok_or_else(|| {
            anyhow::anyhow!(bilingual!(
                "the clock of this machine shows no usable day: say --until YYYY-MM-DD",
                "이 머신의 시계가 올바른 날짜를 보이지 않음: --until YYYY-MM-DD로 지정하십시오"
            ))
        });
    };
    accept::day(day).map_err(|why| anyhow::anyhow!("--until: {why}"))?;
    if day < today.as_str() {
        bail!(bilingual!(
            "--until {day} has passed: today is {today}",
            "--until {day}: 이미 지난 날짜 (오늘은 {today})"
        ));
    }
    Ok(day.to_owned())
}

fn unusable(path: &Path, why: &dyn std::fmt::Display) -> Text {
    let path = path.display();
    bilingual!("cannot use {path}: {why}", "{path} 사용 불가: {why}")
}

fn stored(path: &Path) -> anyhow::Result<Vec<Acceptance>> {
    match read::text(path, read::WRITTEN) {
        Ok(text) => accept::parse(&text).map_err(|why| anyhow::anyhow!(unusable(path, &why))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(e).explained(|| artefacts::unreadable(path)),
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
        bail!(bilingual!(
            "{missed} is not worse in {report}: there is nothing to accept\nhint: without --metric all that is worse is accepted",
            "{report}에서 {missed}: 나빠지지 않아 수용할 것이 없음\n힌트: --metric을 빼면 나빠진 것을 모두 수용합니다",
            report = request.report.display()
        ));
    }
    if all.is_empty() {
        bail!(bilingual!(
            "nothing in {report} regressed or breaches a limit that is not accepted already: there is nothing to accept",
            "{report}: 이미 수용한 것 말고는 성능 저하도 한도 위반도 없어 수용할 것이 없음",
            report = request.report.display()
        ));
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
        let change = m.change_ratio.ok_or_else(|| {
            anyhow::anyhow!(bilingual!(
                "{metric} has no change in this report",
                "이 리포트에 {metric}의 변화가 없음"
            ))
        })?;
        let value = valued(metric, m.candidate)?;
        let (seen, far) = (
            accept::worse(metric, change),
            far_end(metric, m.interval_low_ratio.zip(m.interval_high_ratio)),
        );
        let most = match self.request.at_most {
            Some(said) => size(metric, said)?,
            None => far.ok_or_else(|| self.unbounded(metric, "8%"))?,
        };
        if most <= 0.0 || most < seen {
            let (most, seen) = (text::size(&m.unit, Some(most)), text::size(&m.unit, Some(seen)));
            bail!(bilingual!(
                "--at-most {most} is less than what was found of {metric}, {seen}: it would not be covered",
                "--at-most {most}: 측정된 {metric} 변화 {seen}보다 작아 수용되지 않음"
            ));
        }
        let worst = m.baseline.map_or(value, |baseline| accept::worsened(metric, baseline, most));
        let found = format!(
            "{metric} {} ({})",
            text::change(&m.unit, m.change_ratio),
            text::interval(m, Lang::En)
        );
        let worst = inward(metric, worst);
        Ok(Acceptance {
            worse_at_most_ratio: Some(most),
            ..self.entry(metric, AcceptedKind::Regression, worst, found)
        })
    }

    fn breach(&self, l: &LimitReport) -> anyhow::Result<Acceptance> {
        let metric = parsed_metric(&l.metric)?;
        let value = valued(metric, l.value)?;
        let (of, far) = if l.bound == BoundSide::Max {
            (AcceptedKind::LimitMax, l.interval_high)
        } else {
            (AcceptedKind::LimitMin, l.interval_low)
        };
        let worst = match self.request.at_most {
            Some(said) => {
                parse_quantity(said, metric.unit()).map_err(anyhow::Error::msg).explained(|| {
                    bilingual!("--at-most, for the limit of {metric}", "{metric} 한도의 --at-most")
                })?
            }
            None => far.ok_or_else(|| self.unbounded(metric, "650ms"))?,
        };
        if if of == AcceptedKind::LimitMax { value > worst } else { value < worst } {
            let (worst, value) =
                (text::value(&l.unit, Some(worst)), text::value(&l.unit, Some(value)));
            bail!(bilingual!(
                "--at-most {worst} is better than what was found of {metric}, {value}: it would not be covered",
                "--at-most {worst}: 측정된 {metric} 값 {value}보다 좋아 수용되지 않음"
            ));
        }
        Ok(self.entry(metric, of, worst, l.reason.clone()))
    }

    fn entry(
        &self,
        metric: Metric,
        of: AcceptedKind,
        worst_value: f64,
        found: String,
    ) -> Acceptance {
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

    fn unbounded(&self, metric: Metric, example: &str) -> Text {
        bilingual!(
            "the report bounds the change of {metric} ({name}) by no interval, so nobody knows how much is accepted\nhint: say it: --metric {metric} --at-most {example}",
            "리포트에 {metric}({name}) 변화의 신뢰구간이 없어 얼마나 수용하는지 알 수 없음\n힌트: 크기를 쓰십시오: --metric {metric} --at-most {example}",
            name = self.w.name
        )
    }
}

fn size(metric: Metric, said: &str) -> anyhow::Result<f64> {
    let parsed =
        if metric.unit() == Unit::Share { parse_points(said) } else { parse_percent(said) };
    let parsed = parsed.map_err(anyhow::Error::msg);
    parsed.explained(|| bilingual!("--at-most, for {metric}", "{metric}의 --at-most"))
}

fn valued(metric: Metric, value: Option<f64>) -> anyhow::Result<f64> {
    value.ok_or_else(|| {
        anyhow::anyhow!(bilingual!(
            "{metric} has no value in this report",
            "이 리포트에 {metric}의 값이 없음"
        ))
    })
}

fn parsed_metric(name: &str) -> anyhow::Result<Metric> {
    Metric::parse(name).ok_or_else(|| {
        anyhow::anyhow!(bilingual!(
            "the report names a metric that this version does not know: {name:?}",
            "리포트에 이 버전이 모르는 지표가 있음: {name:?}"
        ))
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
pub fn in_words(a: &Acceptance) -> anyhow::Result<Text> {
    let metric = parsed_metric(&a.metric)?;
    let worst = text::value(&a.unit, Some(a.worst_value));
    let most = match a.worse_at_most_ratio {
        Some(most) => bilingual!(
            "up to {size} worse and {worst}",
            "최대 {size} 나빠짐, {worst}까지",
            size = text::size(metric.unit().suffix(), Some(most))
        ),
        None => bilingual!("up to {worst}", "{worst}까지"),
    };
    let (name, found) = (text::plain(&a.workload), text::plain(&a.found));
    let (until, reason) = (&a.until, &a.reason);
    Ok(bilingual!("accepted for {name}: {found}; ", "{name} 수용: {found}; ")
        .then(&most)
        .then(&bilingual!("; until {until}: {reason}", "; 기한 {until}: {reason}")))
}
