//! Numbers and words that all formats share: units, significant digits, and foreign text made
//! harmless.
//!
//! Not here: a format's own escaping (Markdown in `markdown::escape`, XML in `junit`, cells in
//! `csv`), or which number is shown.

pub mod measured;
mod missing;
mod slo;
mod speed;
mod starts;
#[cfg(test)]
mod tests;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::config::{Lang, Tier};
use crate::judge::limits::LimitState;
use crate::judge::{self, Judgement, Mode};
use crate::measure::seen::gpu::Unwatched;
use crate::metric::Class;
use crate::record::{ErrorCount, LoadDetail};
use crate::verdict::{self, Verdict};
use crate::visible;

use super::codes::Sentence;
use super::contract::Word;
use super::labels::labels;
use super::{
    BaselineReport, BoundSide, ComparisonReport, DistributionReport, LimitReport, MetricReport,
    Report, WorkloadReport, say,
};

pub use crate::judge::text::count;
pub use missing::unmeasured;
pub use slo::{slo, slo_counts, slos};
pub use speed::{is_speed, speed};
pub use starts::server_start;

/// What stands where a number is absent. Never 0.
pub const ABSENT: &str = "-";

/// An interval that reaches farther (ten times as long) is shown without its end.
const BEYOND: f64 = 10.0;
/// Longest name or reason that a report repeats, in characters.
const LONGEST: usize = 1000;
/// Longest piece of what a server said: it may answer with a whole web page.
const LONGEST_EXCERPT: usize = 200;

/// A value in the unit of its metric (`ms`, `per_s`, `tokens_per_s`, `ratio`): `123.4 ms`,
/// `5.02/s`, `622 tok/s`, `95.30 %`.
pub fn value(unit: &str, value: Option<f64>) -> String {
    let Some(value) = value.filter(|v| v.is_finite()) else {
        return ABSENT.into();
    };
    match unit {
        "ms" => format!("{} ms", digits(value)),
        "per_s" => format!("{}/s", digits(value)),
        // No decimals from 100 on: the widest column of the widest table.
        "tokens_per_s" if value.abs() >= 100.0 => format!("{value:.0} tok/s"),
        "tokens_per_s" => format!("{} tok/s", digits(value)),
        "ratio" => format!("{:.2} %", value * 100.0),
        "j_per_token" => format!("{} J/token", digits(value)),
        "tokens_per_j" => format!("{} tok/J", digits(value)),
        "mib" => format!("{value:.0} MiB"),
        other => format!("{} {other}", digits(value)),
    }
}

/// A number without its unit, for tables that name it in their header.
pub fn number(value: Option<f64>) -> String {
    value.filter(|v| v.is_finite()).map_or_else(|| ABSENT.into(), digits)
}

/// Three to four significant digits.
fn digits(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        s if s >= 1000.0 => 0,
        s if s >= 100.0 => 1,
        s if s >= 1.0 => 2,
        s if s >= 0.1 => 3,
        s if s >= 0.001 => 4,
        _ => 5,
    };
    if size == 0.0 { "0".into() } else { format!("{value:.decimals$}") }
}

/// A change with its sign: `+5.3 %` of times and rates, `-2.10 pp` (percentage points) of shares.
pub fn change(unit: &str, change: Option<f64>) -> String {
    change
        .and_then(|c| signed(unit, c))
        .map_or_else(|| ABSENT.into(), |number| format!("{number} {}", change_unit(unit)))
}

/// Both ends of a change's interval: `+3.1 to +7.4 %`.
pub fn interval(metric: &MetricReport) -> String {
    // With two degrees of freedom an interval says nothing, and its end has ten digits.
    let end = |x: Option<f64>| {
        x.and_then(|x| if x > BEYOND { Some("over +1000".into()) } else { signed(&metric.unit, x) })
    };
    match (end(metric.interval_low_ratio), end(metric.interval_high_ratio)) {
        (Some(low), Some(high)) => format!("{low} to {high} {}", change_unit(&metric.unit)),
        _ => ABSENT.into(),
    }
}

/// A threshold or a visible size, without a sign: `5 %`, `0.2 pp`.
pub fn size(unit: &str, size: Option<f64>) -> String {
    size.filter(|s| s.is_finite()).map_or_else(
        || ABSENT.into(),
        |s| {
            let number = format!("{:.2}", s * 100.0);
            format!("{} {}", number.trim_end_matches('0').trim_end_matches('.'), change_unit(unit))
        },
    )
}

/// A probability, short.
pub fn probability(p: Option<f64>) -> String {
    match p.filter(|p| p.is_finite()) {
        None => ABSENT.into(),
        Some(p) if p < 0.0001 => "< 0.0001".into(),
        Some(p) => format!("{p:.4}"),
    }
}

/// Seconds as people say them.
pub fn duration(seconds: f64) -> String {
    if seconds >= 120.0 { format!("{:.1} min", seconds / 60.0) } else { format!("{seconds:.1} s") }
}

/// `improved`..., or why there is no judgement.
pub const fn judgement(workload: &WorkloadReport, metric: &MetricReport) -> Word {
    match metric.judgement {
        Some(judgement) => Word::Judgement(judgement),
        None if metric.candidate.is_none() => Word::Judgement(Judgement::Unmeasured),
        None if workload.verdict.is_none() => Word::Measured,
        None => Word::NotJudged,
    }
}

/// As tables show it: what is accepted stays what it is, and is said to be accepted.
pub fn judged(workload: &WorkloadReport, metric: &MetricReport) -> Vec<Word> {
    let accepted = metric.accepted.as_ref().map(|_| Word::Accepted);
    [judgement(workload, metric)].into_iter().chain(accepted).collect()
}

/// `ttft_p95 at most 500 ms`.
pub fn limit(limit: &LimitReport) -> String {
    let bound = if limit.bound == BoundSide::Max { "at most" } else { "at least" };
    format!("{} {bound} {}", limit.metric, value(&limit.unit, Some(limit.limit)))
}

pub fn limit_interval(limit: &LimitReport) -> String {
    match (limit.interval_low, limit.interval_high) {
        (Some(low), Some(high)) => {
            format!("{} to {}", value(&limit.unit, Some(low)), value(&limit.unit, Some(high)))
        }
        _ => ABSENT.into(),
    }
}

/// As tables show it.
pub fn state(limit: &LimitReport) -> Vec<Word> {
    let accepted = limit.accepted.as_ref().map(|_| Word::Accepted);
    [Word::Limit(limit.state)].into_iter().chain(accepted).collect()
}

/// Breached, and not accepted.
pub fn breached(limit: &LimitReport) -> bool {
    limit.state == LimitState::Breached && limit.accepted.is_none()
}

/// Whether anything regressed or breaches a limit that is not accepted already.
pub fn worse(report: &Report) -> bool {
    report.workloads.iter().any(|w| {
        w.limits.iter().any(breached)
            || w.metrics.iter().any(MetricReport::is_unaccepted_regression)
    })
}

/// How much load, in one line.
pub fn load(w: &WorkloadReport) -> String {
    let load = &w.load;
    let most = load.max_in_flight.map_or_else(String::new, |n| format!(", at most {n} in flight"));
    let counted = w.counted.as_ref().map_or_else(String::new, |c| {
        format!("; the {} counted {:.0}", plain(&c.by), c.input_tokens_mean)
    });
    let each = load.requests_per_round.map_or_else(String::new, |n| format!("{n} requests each, "));
    format!(
        "{}{most}{}; {} over {}, {each}{}; {} input (nominal{counted}), {} output tokens{}; {}{}",
        load.arrival,
        detail(&load.detail),
        count(u64::from(w.rounds), "round", "rounds"),
        count(u64::from(w.starts), "server start", "server starts"),
        duration(w.duration_s),
        load.input_tokens,
        load.output_tokens,
        if load.length_forced { " (forced)" } else { "" },
        load.protocol,
        if load.streaming { "" } else { ", not streaming" },
    )
}

/// What only some loads have, each led by a comma.
fn detail(detail: &LoadDetail) -> String {
    let tier = detail.tier.map(|tier| match (tier, detail.cache_reset) {
        (Tier::Cold, Some(true)) => "cold: unique prompts, prefix cache emptied before each round",
        (Tier::Cold, _) => "cold: unique prompts",
        (Tier::Warm, _) => "warm: the shared prefix is in the prefix cache",
    });
    let said = detail.prompts.iter().map(String::as_str).chain(tier);
    said.fold(String::new(), |all, one| all + ", " + one)
}

/// Statistics of a distribution by name, as every table orders them.
pub fn statistics(d: &DistributionReport) -> [(&'static str, Option<f64>); 10] {
    [
        ("geomean", d.geomean_ms),
        ("mean", d.mean_ms),
        ("sd", d.stddev_ms),
        ("min", d.min_ms),
        ("p50", d.p50_ms),
        ("p90", d.p90_ms),
        ("p95", d.p95_ms),
        ("p99", d.p99_ms),
        ("p99.9", d.p999_ms),
        ("max", d.max_ms),
    ]
}

/// The number, and where a policy let something other than a PASS through, which one: `0
/// (INCONCLUSIVE is let through by gate.on_inconclusive: warn)`. `reports` are those that it stands
/// for.
pub fn exit_code(code: u8, reports: &[Report]) -> String {
    let passed = let_through(code, reports);
    let texts: Vec<String> = passed
        .iter()
        .map(|(verdict, key)| format!("{} is let through by gate.{key}: warn", verdict.word()))
        .collect();
    if texts.is_empty() { code.to_string() } else { format!("{code} ({})", texts.join("; ")) }
}

/// Verdicts other than a PASS that end in exit code 0, each once, with the key of the policy that
/// lets it through.
pub fn let_through(code: u8, reports: &[Report]) -> Vec<(Verdict, &'static str)> {
    let verdicts = reports.iter().flat_map(|r| {
        let own = r.verdict.filter(|_| r.workloads.is_empty());
        own.into_iter().chain(r.workloads.iter().filter_map(|w| w.verdict))
    });
    let mut passed = Vec::new();
    for verdict in verdicts.filter(|_| code == 0) {
        let key = match verdict {
            Verdict::Inconclusive => "on_inconclusive",
            Verdict::Blind => "on_blind",
            Verdict::NoBaseline => "on_missing_baseline",
            Verdict::Incomparable => "on_incomparable",
            Verdict::Passed | Verdict::Failed | Verdict::Invalid | Verdict::Incomplete => continue,
        };
        if !passed.contains(&(verdict, key)) {
            passed.push((verdict, key));
        }
    }
    passed
}

/// At which level a workload's intervals are, and that a PASS's bound is at another
/// (docs/METHODOLOGY.md#levels); none without an interval.
pub fn levels(w: &WorkloadReport) -> Option<String> {
    let change =
        w.comparison.as_ref().filter(|_| w.metrics.iter().any(|m| m.interval_low_ratio.is_some()));
    let change = change.map(|c| {
        let bound = match (c.mode, c.looks) {
            (Mode::Interleaved, _) => "98 %",
            (_, 0 | 1) => "95 %",
            _ => "97.5 %",
        };
        format!(
            "of a change two-sided at the level that a FAIL needs, 99.6 % or more (a PASS's bound is one-sided at {bound}, so it may lie within)"
        )
    });
    let limit =
        w.limits.iter().any(|l| l.interval_low.is_some()).then(|| "of a limit at 95 %".to_owned());
    let all: Vec<String> = change.into_iter().chain(limit).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// Completed of scheduled requests; what is missing is said.
pub fn completed(w: &WorkloadReport) -> String {
    let missing = w.requests.saturating_sub(w.completed);
    let of = format!("{} of {} completed", w.completed, w.requests);
    if missing == 0 {
        of
    } else {
        format!(
            "{of}; {missing} are missing from latencies and count against goodput, SLO attainment and error rate"
        )
    }
}

/// How the comparison was made, and what it cost.
pub fn comparison(c: &ComparisonReport) -> String {
    let most = u64::from(c.most_looks);
    let how = match (&c.beside, c.mode) {
        (Some(beside), _) => {
            let looks = count(u64::from(c.looks), "start pair", "start pairs");
            format!(
                "interleaved with {} in this job; {looks} of at most {most} judged",
                plain(beside)
            )
        }
        (None, Mode::Interleaved) => format!(
            "interleaved; {} judged",
            count(u64::from(c.looks), "start pair", "start pairs")
        ),
        _ => format!(
            "against sessions of other days; {} of at most {most} judged",
            count(u64::from(c.looks), "job", "jobs")
        ),
    };
    let noise = match c.history_sessions {
        0 => "noise from this run alone".to_owned(),
        n => format!("noise from {}", count(u64::from(n), "earlier session", "earlier sessions")),
    };
    let budget = format!("false-alarm budget {}", size("ms", Some(c.false_alarm_budget_ratio)));
    format!("{how}; {noise}; {budget}; {}", duration(c.minutes * 60.0))
}

/// What the candidate was compared with.
/// `created`: when the candidate was measured; the age is reckoned from it, never from a clock.
pub fn baseline(baseline: &BaselineReport, created: &str) -> String {
    let nearest = baseline.commit.as_ref().map(|commit| format!(", nearest {}", short(commit)));
    let dated = baseline.commit_date.as_ref().map(|date| {
        let day = plain(date).split('T').next().unwrap_or_default().to_owned();
        let age =
            age_days(date, created).map(|days| format!(", {} old", count(days, "day", "days")));
        format!(" of {day}{}", age.unwrap_or_default())
    });
    let from = baseline.found_from.as_deref().map(plain);
    let distance = baseline.distance_commits.map(|steps| match (steps, from) {
        (0, None) => " (this commit)".to_owned(),
        (0, Some(from)) => format!(" ({from})"),
        (_, None) => format!(" ({} back)", count(u64::from(steps), "commit", "commits")),
        (_, Some(from)) => {
            format!(" ({} before the {from})", count(u64::from(steps), "commit", "commits"))
        }
    });
    let sessions = count(u64::from(baseline.sessions), "session", "sessions");
    let skipped =
        baseline.skipped.iter().map(|why| format!("; nearer, but left out: {}", plain(why)));
    [Some(sessions), nearest, dated, distance].into_iter().flatten().chain(skipped).collect()
}

/// Whole days between two instants.
pub fn age_days(from: &str, to: &str) -> Option<u64> {
    let instant = |text| OffsetDateTime::parse(text, &Rfc3339).ok();
    u64::try_from((instant(to)? - instant(from)?).whole_days()).ok()
}

/// `3 more baseline sessions are needed for a full judgement`.
/// Absent where a reason says so already.
pub fn sessions_needed(w: &WorkloadReport) -> Option<String> {
    let needed = w.baseline.as_ref()?.sessions_needed.filter(|n| *n > 0)?;
    if w.reasons.iter().any(|r| r.contains("more baseline session")) {
        return None;
    }
    let are = if needed == 1 { "session is" } else { "sessions are" };
    Some(format!("{needed} more baseline {are} needed for a full judgement"))
}

/// Smallest change that this run would have seen in 95 % of cases, by primary metric.
pub fn visible(w: &WorkloadReport) -> Option<String> {
    let of = |m: &MetricReport| {
        Some(format!("{} {}", m.metric, size(&m.unit, Some(m.smallest_visible_change_ratio?))))
    };
    let all: Vec<String> =
        w.metrics.iter().filter(|m| m.class == Class::Primary).filter_map(of).collect();
    (!all.is_empty()).then(|| format!("smallest detectable change: {}", all.join(", ")))
}

/// Evidence that the client was not the bottleneck.
pub fn client(w: &WorkloadReport) -> String {
    let c = &w.client;
    let lag = |x: Option<f64>| x.map_or_else(|| "unmeasured".into(), |x| value("ms", Some(x)));
    let busy = c
        .busiest_worker_ratio
        .map_or_else(|| "unmeasured".into(), |x| format!("{:.0} %", x * 100.0));
    let counts =
        c.connections_opened.zip(c.retries).map_or_else(String::new, |(opened, retries)| {
            format!(
                "; {}, {}",
                count(opened, "connection opened", "connections opened"),
                count(retries, "retry", "retries")
            )
        });
    format!(
        "send lag p99 {}, event-loop lag p99 {}, busiest worker {busy}{counts} (worst round)",
        lag(c.own_lag_p99_ms),
        lag(c.loop_lag_p99_ms),
    )
}

/// `http_status 429: 12 (rate limit exceeded)`.
pub fn error(error: &ErrorCount) -> String {
    let example = error.example.as_ref().map(|e| excerpt(e)).filter(|e| !e.is_empty());
    let what = format!("{}: {}", plain(&error.kind), error.count);
    example.map_or_else(|| what.clone(), |example| format!("{what} ({example})"))
}

/// What got no clear judgement, by reason. Where nothing at all was compared, the verdict's own
/// reason stands for all; a limit that a reason or a warning names already is not repeated. In the
/// reader's language.
pub fn not_judged(w: &WorkloadReport, lang: Lang) -> Vec<(String, Vec<String>)> {
    let compared = w.metrics.iter().any(|m| m.judgement.is_some());
    let open = |m: &&MetricReport| {
        compared
            && matches!(m.judgement, None | Some(Judgement::Inconclusive | Judgement::Unmeasured))
    };
    let metrics = w
        .metrics
        .iter()
        .filter(open)
        .map(|m| (m.metric.clone(), m.reason.as_deref().unwrap_or(judgement(w, m).english())));
    let said =
        |l: &LimitReport| w.reasons.iter().chain(&w.warnings).any(|r| r.ends_with(&l.reason));
    let limits = w
        .limits
        .iter()
        .filter(|l| matches!(l.state, LimitState::Open | LimitState::NotMeasured) && !said(l));
    let mut by_reason: Vec<(String, Vec<String>)> = Vec::new();
    for (what, why) in metrics.chain(
        limits.map(|l| (format!("limit {} {}", l.metric, l.bound.word()), l.reason.as_str())),
    ) {
        let (what, why) = (say(lang, &what), plain(&w.codes.say(lang, why)));
        match by_reason.iter_mut().find(|(seen, _)| *seen == why) {
            Some((_, all)) => all.push(what),
            None => by_reason.push((why, vec![what])),
        }
    }
    by_reason
}

/// What a line of a workload tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Why,
    Proves,
    Accepted,
    Warning,
    Anchor,
    Note,
}

impl Role {
    pub const fn label(self, lang: Lang) -> &'static str {
        let labels = labels(lang);
        match self {
            Self::Why => labels.why,
            Self::Proves => labels.proves,
            Self::Accepted => labels.accepted,
            Self::Warning => labels.warning,
            Self::Anchor => labels.anchor,
            Self::Note => labels.note,
        }
    }
}

/// Why the verdict is what it is, what is accepted, what a PASS proves, and warnings, in the
/// reader's language. The headline of a report with one workload has said its first reason already.
pub fn why<'a>(
    report: &'a Report,
    w: &'a WorkloadReport,
    lang: Lang,
) -> impl Iterator<Item = (Role, String)> + 'a {
    let said =
        |text: &String| report.workloads.len() == 1 && report.headline.contains(text.as_str());
    let reasons =
        w.reasons.iter().filter(|r| Some(*r) != w.proves.as_ref()).map(|r| (Role::Why, r));
    let proves = w.proves.iter().map(|p| (Role::Proves, p));
    let accepted = w.accepted.iter().map(|a| (Role::Accepted, a));
    let warnings = w.warnings.iter().map(|x| (Role::Warning, x));
    let drift = w
        .anchor
        .iter()
        .map(|a| (Role::Anchor, &a.words))
        .filter(|(_, words)| !w.warnings.contains(words) && !w.reasons.contains(words));
    reasons
        .chain(proves)
        .filter(move |(_, r)| !said(r))
        .chain(accepted)
        .chain(warnings)
        .chain(drift)
        .map(move |(role, text)| (role, plain(&w.codes.say(lang, text))))
}

/// As [`why`], without what the table of metrics and limits shows already.
pub fn beside_the_table<'a>(
    report: &'a Report,
    w: &'a WorkloadReport,
    lang: Lang,
) -> impl Iterator<Item = (Role, String)> + 'a {
    let shown: Vec<String> = w
        .reasons
        .iter()
        .filter(|reason| in_table(w, reason))
        .map(|reason| plain(&w.codes.say(lang, reason)))
        .collect();
    why(report, w, lang).filter(move |(role, text)| *role != Role::Why || !shown.contains(text))
}

fn in_table(w: &WorkloadReport, reason: &str) -> bool {
    let Some(Sentence::Reason(verdict::Reason::Judge(reason))) = w.codes.sentence(reason) else {
        return false;
    };
    matches!(
        reason,
        judge::Reason::Worse(_) | judge::Reason::Limit(_) | judge::Reason::Proof { .. }
    )
}

/// What is worth knowing of the measurement, in the reader's language.
pub fn notes(w: &WorkloadReport, lang: Lang) -> impl Iterator<Item = String> + '_ {
    w.notes.iter().map(move |note| plain(&w.codes.say(lang, note)))
}

/// On one line, in the reader's language.
pub fn headline(report: &Report, lang: Lang) -> String {
    plain(&report.codes.say(lang, &report.headline))
}

/// What stands before everything else but the verdict.
pub fn notices(report: &Report, lang: Lang) -> impl Iterator<Item = String> + '_ {
    report.notices.iter().map(move |notice| plain(&report.codes.say(lang, notice)))
}

/// Where it comes from: session, commit, fingerprints, host. In the reader's language; names and
/// values are as they are.
pub fn provenance(report: &Report, lang: Lang) -> Vec<(String, String)> {
    let l = labels(lang);
    let mut facts = vec![
        (l.session.to_owned(), report.session.clone()),
        (l.created.into(), report.created.clone()),
    ];
    match &report.git {
        Some(git) => {
            facts.push((l.commit.into(), git.commit.clone()));
            facts.push((l.commit_date.into(), git.commit_date.clone()));
            facts.push((l.tree.into(), git.tree.clone()));
            facts.push((l.uncommitted.into(), if git.dirty { l.yes } else { l.no }.into()));
        }
        None => facts.push((l.commit.into(), l.no_repository.into())),
    }
    for w in &report.workloads {
        let of = |what: &str| {
            if report.workloads.len() > 1 { format!("{}: {what}", w.name) } else { what.to_owned() }
        };
        facts.extend(w.fingerprint.0.iter().map(|(field, value)| (of(field), value.clone())));
        facts.extend(w.connections.iter().map(|(address, n)| {
            (of(&format!("{} {}", l.connections_to, plain(address))), n.to_string())
        }));
        facts.extend(w.differences.iter().map(|d| (of(l.differs), d.to_string())));
    }
    facts.extend(report.host.iter().map(|(name, value)| {
        let value = if name == "gpu" { gpu(lang, value) } else { value.clone() };
        (format!("{} {name}", l.host), value)
    }));
    facts
}

/// The GPUs by name, or why there is no data of any.
fn gpu(lang: Lang, fact: &str) -> String {
    let why = [Unwatched::NoGpuVisible, Unwatched::NoNvml]
        .into_iter()
        .find(|why| lang == Lang::Ko && why.to_string() == fact);
    why.map_or_else(|| fact.to_owned(), |why| say::ko::gpu::unwatched(&why))
}

/// The code's commit, with what is not committed.
pub fn commit(report: &Report) -> Option<String> {
    let git = report.git.as_ref()?;
    Some(format!(
        "{}{}",
        short(&git.commit),
        if git.dirty { " with uncommitted changes" } else { "" }
    ))
}

/// A commit hash as people write it.
pub fn short(commit: &str) -> String {
    plain(commit).chars().take(12).collect()
}

/// Foreign text on one line: no terminal sequences, no control or direction-changing characters, of
/// bounded length.
pub fn plain(text: &str) -> String {
    one_line(text, LONGEST)
}

/// As `plain`, shorter: for what servers say.
pub fn excerpt(text: &str) -> String {
    one_line(text, LONGEST_EXCERPT)
}

fn one_line(text: &str, longest: usize) -> String {
    let clean = visible::without_sequences(text);
    let visible = clean
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !visible::misleads(*c));
    let mut line = String::new();
    for c in visible {
        if !(c == ' ' && (line.is_empty() || line.ends_with(' '))) {
            line.push(c);
        }
    }
    let line = line.trim_end();
    match line.char_indices().nth(longest) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    }
}

fn signed(unit: &str, ratio: f64) -> Option<String> {
    let decimals = if unit == "ratio" { 2 } else { 1 };
    // Rounded first, so that no -0.0 is shown.
    let scale = 10_f64.powi(decimals);
    let rounded = (ratio * 100.0 * scale).round() / scale + 0.0;
    rounded.is_finite().then(|| format!("{rounded:+.*}", decimals.unsigned_abs() as usize))
}

fn change_unit(unit: &str) -> &'static str {
    if unit == "ratio" { "pp" } else { "%" }
}
