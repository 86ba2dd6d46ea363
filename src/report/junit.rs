//! The report as `JUnit` XML: one suite per workload, one case per metric and per limit, and one
//! for the measurement itself.
//!
//! Regressed, breached or refused by policy is a failure (skipped with its reason where somebody
//! has accepted it: never a silent pass), unmeasured, INCOMPLETE, INVALID, or much worse without a
//! proof an error, which readers show and no policy refuses; anything else without a judgement is
//! skipped with its reason. Not here: file and line, which no metric has.

#[cfg(test)]
mod tests;
mod totals;

use std::collections::BTreeSet;

use junit_report::{Duration, OffsetDateTime, TestCase, TestResult, TestSuite};
use time::format_description::well_known::Rfc3339;

use super::contract::{Word, english};
use super::{LimitReport, MetricReport, Report, WorkloadReport, text};
use crate::config::Lang;
use crate::exit::ExitStatus;
use crate::judge::Judgement;
use crate::judge::limits::LimitState;
use crate::metric::{Class, Orientation};
use crate::report::codes::Sentence;
use crate::verdict::Verdict;

/// What a reader of `JUnit` is told of one case.
struct Case {
    name: String,
    seconds: f64,
    outcome: Outcome,
    /// One line; also the first of the content, since some readers show only one of the two.
    message: String,
    details: Vec<String>,
}

enum Outcome {
    Passed,
    Failure(&'static str),
    Error(&'static str),
    Skipped(&'static str),
}

/// Errors where the XML writer does.
pub fn render(report: &Report) -> Result<String, String> {
    let created = OffsetDateTime::parse(&report.created, &Rfc3339)
        .ok()
        .and_then(|t| t.replace_nanosecond(0).ok());
    let mut names = BTreeSet::new();
    let suites: Vec<TestSuite> = report
        .workloads
        .iter()
        .enumerate()
        .map(|(i, w)| {
            let name = unique(&mut names, text::plain(&w.name));
            let suite =
                suite(&name, cases(report, w), created.unwrap_or(OffsetDateTime::UNIX_EPOCH));
            // They are about the run: once, in its first suite.
            if i == 0 { noted(suite, report) } else { suite }
        })
        .collect();
    let suites = if suites.is_empty() { vec![nothing(report, created)] } else { suites };
    let mut written = junit_report::Report::new();
    written.add_testsuites(suites.iter().cloned());
    let mut bytes = Vec::new();
    written
        .write_xml(&mut bytes)
        .map_err(|e| format!("the JUnit report could not be written: {e}"))?;
    let plain =
        String::from_utf8(bytes).map_err(|e| format!("the JUnit report is not UTF-8: {e}"))?;
    totals::add(&plain, &suites, report, created.is_some())
}

/// A file without a case reads as a pass to some: a run without workloads is one error.
fn nothing(report: &Report, created: Option<OffsetDateTime>) -> TestSuite {
    let case = Case {
        name: "measurement".into(),
        seconds: 0.0,
        outcome: Outcome::Error("invalid"),
        message: report.headline.clone(),
        details: Vec::new(),
    };
    noted(suite("goodput-gate", vec![case], created.unwrap_or(OffsetDateTime::UNIX_EPOCH)), report)
}

fn noted(mut suite: TestSuite, report: &Report) -> TestSuite {
    let notices: Vec<String> =
        text::notices(report, Lang::En).map(|notice| format!("note: {notice}")).collect();
    suite.system_out = (!notices.is_empty()).then(|| cdata(&notices.join("\n")));
    suite
}

/// Never from the constructors of `junit_report`: they read the clock.
fn suite(name: &str, cases: Vec<Case>, timestamp: OffsetDateTime) -> TestSuite {
    let classname = format!("goodput-gate.{name}");
    let mut names = BTreeSet::new();
    let testcases = cases
        .into_iter()
        .map(|c| {
            Case { name: unique(&mut names, text::plain(&c.name)), ..c }.into_junit(&classname)
        })
        .collect();
    TestSuite {
        name: name.into(),
        package: "goodput-gate".into(),
        timestamp,
        hostname: "localhost".into(),
        testcases,
        system_out: None,
        system_err: None,
    }
}

impl Case {
    fn into_junit(self, classname: &str) -> TestCase {
        let message = text::plain(&self.message);
        let details = self.details.iter().map(|d| text::plain(d)).filter(|d| !d.is_empty());
        let content =
            cdata(&std::iter::once(message.clone()).chain(details).collect::<Vec<_>>().join("\n"));
        let passed = matches!(self.outcome, Outcome::Passed);
        let (system_out, cause) =
            if passed { (Some(content), None) } else { (None, Some(content)) };
        TestCase {
            name: self.name,
            // Whole milliseconds: the Jenkins schema allows three digits.
            time: Duration::checked_seconds_f64((self.seconds * 1000.0).round() / 1000.0)
                .unwrap_or(Duration::ZERO),
            result: match self.outcome {
                Outcome::Passed => TestResult::Success,
                Outcome::Failure(kind) => {
                    TestResult::Failure { type_: kind.into(), message, cause }
                }
                Outcome::Error(kind) => TestResult::Error { type_: kind.into(), message, cause },
                Outcome::Skipped(kind) => {
                    TestResult::SkippedWithCause { type_: kind.into(), message, cause }
                }
            },
            classname: Some(classname.into()),
            filepath: None,
            system_out,
            system_err: None,
        }
    }
}

fn cases(report: &Report, w: &WorkloadReport) -> Vec<Case> {
    let metrics = w.metrics.iter().map(|m| metric(w, m));
    let limits = w.limits.iter().map(|l| limit(w, l));
    let judged: Vec<Case> = metrics.chain(limits).collect();
    let mut first = measurement(report, w);
    let red = |c: &Case| matches!(c.outcome, Outcome::Failure(_) | Outcome::Error(_));
    if w.verdict == Some(Verdict::Failed) && !judged.iter().any(red) {
        // No metric by itself: some of the starts are slow.
        let why = w.reasons.first().map_or("see the report", String::as_str);
        first.outcome = Outcome::Failure("regression");
        first.message = format!("{}: {why}", Verdict::Failed.word());
    }
    std::iter::once(first).chain(judged).collect()
}

/// The gate failed for want of a proof, and of nothing else.
fn demanded(report: &Report) -> bool {
    [ExitStatus::NoBaseline, ExitStatus::Inconclusive]
        .iter()
        .any(|status| status.code() == report.exit_code)
}

/// Whether the measurement is fit to be judged, and what it came to is let through; carries the
/// time and the verdict in words.
fn measurement(report: &Report, w: &WorkloadReport) -> Case {
    let interrupted = report.interrupted && report.exit_code == ExitStatus::Interrupted.code();
    let (outcome, message) = match w.verdict {
        Some(Verdict::Invalid) => (Outcome::Error("invalid"), invalid(w)),
        _ if interrupted => {
            (Outcome::Error("interrupted"), "interrupted: measured only in part".into())
        }
        Some(Verdict::Incomplete) => {
            let why = w.reasons.first().map_or("evidence is missing", String::as_str);
            (Outcome::Error("incomplete"), format!("{}: {why}", Verdict::Incomplete.word()))
        }
        None if !w.reasons.is_empty() => (Outcome::Error("invalid"), invalid(w)),
        None if w.completed == 0 => {
            (Outcome::Error("invalid"), "INVALID: no request completed".into())
        }
        // Else a gate that failed would have no case that did.
        Some(verdict) if demanded(report) && w.verdict == report.verdict => {
            let code = report.exit_code;
            (
                Outcome::Failure("policy"),
                format!(
                    "{}: the policy does not let it through (exit code {code})",
                    verdict.word()
                ),
            )
        }
        Some(verdict) => (Outcome::Passed, verdict.word().into()),
        None => (Outcome::Passed, "measured, nothing judged".into()),
    };
    let mut details =
        vec![if report.headline == message { String::new() } else { report.headline.clone() }];
    details.extend(
        text::why(report, w, Lang::En)
            .map(|(role, why)| format!("{}: {why}", role.label(Lang::En))),
    );
    details.push(format!("load: {}", text::load(w, Lang::En)));
    details.push(format!("requests: {}", text::completed(w, Lang::En)));
    details.extend(
        w.baseline
            .iter()
            .map(|b| format!("baseline: {}", text::baseline(b, &report.created, Lang::En))),
    );
    details.extend(text::sessions_needed(w, Lang::En));
    details
        .extend(w.comparison.iter().map(|c| format!("judged: {}", text::comparison(c, Lang::En))));
    details.extend(w.errors.iter().map(|e| format!("error: {}", text::error(e, Lang::En))));
    details.extend(w.notes.iter().map(|n| format!("note: {n}")));
    details.push(format!("client: {}", text::client(w, Lang::En)));
    Case { name: "measurement".into(), seconds: w.duration_s, outcome, message, details }
}

fn metric(w: &WorkloadReport, m: &MetricReport) -> Case {
    let judgement = text::judgement(w, m);
    let why = m.reason.clone().unwrap_or_default();
    let (outcome, message) = match judgement {
        _ if w.verdict == Some(Verdict::Invalid) => {
            (Outcome::Error("invalid"), format!("{}: not judged: {}", m.metric, invalid(w)))
        }
        _ if m.accepted.is_some() => {
            let until = m.accepted.as_deref().unwrap_or_default();
            (
                Outcome::Skipped("accepted"),
                format!("{} {}, accepted {until}: {}", m.metric, judgement.english(), numbers(m)),
            )
        }
        Word::Judgement(Judgement::Regressed) => {
            (Outcome::Failure("regression"), format!("{} regressed: {}", m.metric, numbers(m)))
        }
        Word::Judgement(Judgement::Improved | Judgement::Unchanged) | Word::Measured => {
            (Outcome::Passed, format!("{} {}: {}", m.metric, judgement.english(), numbers(m)))
        }
        Word::Judgement(Judgement::Unmeasured) if may_be_absent(m) => (
            Outcome::Skipped("unmeasured"),
            format!("{} unmeasured: {}", m.metric, reason(&why, TOO_FEW)),
        ),
        Word::Judgement(Judgement::Unmeasured) => (
            Outcome::Error("unmeasured"),
            format!("{} unmeasured: {}", m.metric, reason(&why, "no value")),
        ),
        Word::Judgement(Judgement::Inconclusive) if looks_worse(w, m) => (
            Outcome::Error("looks worse"),
            if why.starts_with("worse") {
                format!("{} {why}: {}", m.metric, numbers(m))
            } else {
                format!("{} looks worse: {}: {}", m.metric, reason(&why, "open"), numbers(m))
            },
        ),
        Word::Judgement(Judgement::Inconclusive) => (
            Outcome::Skipped("inconclusive"),
            format!("{} inconclusive: {}: {}", m.metric, reason(&why, "not proven"), numbers(m)),
        ),
        Word::Verdict(_) | Word::NotJudged | Word::Limit(_) | Word::Accepted => (
            Outcome::Skipped("not judged"),
            format!("{} not judged: {}", m.metric, without_comparison(w)),
        ),
    };
    let details = metric_details(m, why);
    Case { name: m.metric.clone(), seconds: 0.0, outcome, message, details }
}

fn metric_details(m: &MetricReport, why: String) -> Vec<String> {
    vec![
        format!("this change: {}", text::value(&m.unit, m.candidate)),
        format!("baseline: {}", text::value(&m.unit, m.baseline)),
        format!(
            "change: {}, interval {}",
            text::change(&m.unit, m.change_ratio),
            text::interval(m, Lang::En)
        ),
        format!("p: {}", text::probability(m.p)),
        format!(
            "minimum relevant change: {}",
            text::size(&m.unit, Some(m.minimum_relevant_change_ratio))
        ),
        format!(
            "smallest visible change: {}",
            text::size(&m.unit, m.smallest_visible_change_ratio)
        ),
        format!("class: {}, {} is better", m.class.word(), m.better.word()),
        why,
    ]
}

/// Worse by a quarter (or 25 points), or beyond the noise, and by more than is irrelevant: no
/// reader may take it for harmless.
const A_LOT: f64 = 0.25;

fn looks_worse(w: &WorkloadReport, m: &MetricReport) -> bool {
    if m.class == Class::Info {
        return false;
    }
    let worse = m
        .change_ratio
        .map(|change| if m.better == Orientation::LowerIsBetter { change } else { -change });
    let a_lot =
        worse.is_some_and(|worse| worse >= A_LOT.max(2.0 * m.minimum_relevant_change_ratio));
    let unproven = |why: &str| match w.codes.sentence(why) {
        Some(Sentence::Metric(reason)) => reason.looks_worse(),
        // Of an earlier version.
        _ => why.starts_with("looks worse, not proven"),
    };
    a_lot || m.reason.as_deref().is_some_and(unproven)
}

const TOO_FEW: &str = "neither side has enough values for it";

/// What neither side has (too few requests for its percentile) forbids a PASS only of a primary
/// metric, so else it is no error.
fn may_be_absent(m: &MetricReport) -> bool {
    m.class != Class::Primary && m.candidate.is_none() && m.baseline.is_none()
}

fn numbers(m: &MetricReport) -> String {
    let candidate = text::value(&m.unit, m.candidate);
    let minimum = text::size(&m.unit, Some(m.minimum_relevant_change_ratio));
    match m.baseline {
        Some(_) => format!(
            "{candidate}, baseline {}, change {} (interval {}), minimum relevant change {minimum}",
            text::value(&m.unit, m.baseline),
            text::change(&m.unit, m.change_ratio),
            text::interval(m, Lang::En),
        ),
        None => candidate,
    }
}

fn limit(w: &WorkloadReport, l: &LimitReport) -> Case {
    let (outcome, word) = match l.state {
        _ if w.verdict == Some(Verdict::Invalid) => {
            (Outcome::Error("invalid"), "not judged".into())
        }
        LimitState::Breached if l.accepted.is_some() => (
            Outcome::Skipped("accepted"),
            format!("{} {}", english(&text::state(l)), l.accepted.as_deref().unwrap_or_default()),
        ),
        LimitState::Breached => (Outcome::Failure("limit"), english(&text::state(l))),
        LimitState::Met => (Outcome::Passed, english(&text::state(l))),
        LimitState::Open => (Outcome::Skipped("open"), english(&text::state(l))),
        LimitState::NotMeasured => (Outcome::Error("unmeasured"), english(&text::state(l))),
    };
    let name = format!("limit {} {}", l.metric, l.bound.word());
    let details = vec![
        format!("limit: {}", text::limit(l, Lang::En)),
        format!("measured: {}", text::value(&l.unit, l.value)),
        format!("interval: {}", text::limit_interval(l, Lang::En)),
    ];
    Case { message: format!("{name} {word}: {}", l.reason), name, seconds: 0.0, outcome, details }
}

fn invalid(w: &WorkloadReport) -> String {
    format!(
        "INVALID: {}",
        w.reasons.first().map_or("the measurement is not fit to be judged", String::as_str)
    )
}

/// Why nothing was compared.
fn without_comparison(w: &WorkloadReport) -> String {
    let said = w.reasons.first().map_or("no comparison", String::as_str);
    match w.verdict {
        Some(Verdict::Passed | Verdict::Failed) | None => "only limits were judged".into(),
        Some(verdict) => format!("{}: {said}", verdict.word()),
    }
}

fn reason<'a>(why: &'a str, otherwise: &'a str) -> &'a str {
    if why.is_empty() { otherwise } else { why }
}

/// Readers take the same class and name twice for a retry, or drop the second.
fn unique(taken: &mut BTreeSet<String>, name: String) -> String {
    let candidates =
        std::iter::once(name.clone()).chain((2_u32..).map(|n| format!("{name} ({n})")));
    let free = candidates.into_iter().find(|c| !taken.contains(c)).unwrap_or(name);
    taken.insert(free.clone());
    free
}

/// The end mark of a CDATA section, which the writer does not split.
fn cdata(content: &str) -> String {
    content.replace("]]>", "]]]]><![CDATA[>")
}
