//! What the latest sessions of main are against those at an anchor: the view model with every number
//! chosen, its published JSON (version 1), and its text for a terminal and for a job's summary.
//!
//! Not here: judging (`judge::drift`), which sessions these are (`evaluate`).

use std::fmt::Write as _;

use serde::Serialize;

use super::contract::{Word, beside};
use super::labels::{capitalised, labels};
use super::markdown::escape::{code, escape};
use super::text::{self, Role};
use super::{Codes, MetricReport, build, markdown, terminal};
use crate::config::Lang;
use crate::judge::Judgement;
use crate::record::session::Session;
use crate::verdict::{Against, Evidence, Reason, Ruling, Verdict};

pub const SCHEMA: &str = "goodput-gate/drift";
pub const VERSION: u32 = 1;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DriftReport {
    /// Always `goodput-gate/drift`.
    pub schema: &'static str,
    pub version: u32,
    pub tool_version: String,
    /// RFC 3339, UTC.
    pub created: String,
    /// Whose sessions these are.
    pub branch: String,
    pub verdict: Verdict,
    pub exit_code: u8,
    pub workloads: Vec<DriftWorkload>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DriftWorkload {
    pub name: String,
    pub verdict: Verdict,
    /// The whole in one sentence.
    pub headline: String,
    pub anchor: AnchorPoint,
    /// At or before the anchor, oldest first.
    pub anchor_sessions: Vec<SessionPlace>,
    /// Since then, oldest first.
    pub latest_sessions: Vec<SessionPlace>,
    pub reasons: Vec<String>,
    pub warnings: Vec<String>,
    pub accepted: Vec<String>,
    /// `baseline` is the value at the anchor, `candidate` that of the latest sessions.
    pub metrics: Vec<MetricReport>,
    /// Of all sentences in it.
    pub codes: Codes,
}

/// A point of the past.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AnchorPoint {
    /// As it was named: `v1.2`.
    pub name: String,
    pub found: AnchorFound,
    pub commit: Option<String>,
    /// First-parent steps back from where main is now; absent where it is not on them.
    pub distance_commits: Option<u32>,
}

/// How an anchor was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AnchorFound {
    /// `--anchor` names it.
    Named,
    /// By the file of `baseline anchor`.
    Pinned,
    /// The last release that has sessions enough since.
    Release,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionPlace {
    pub session: String,
    pub commit: String,
    /// On which it was measured: `2026-12-31`.
    pub day: String,
}

/// The sessions of both sides, oldest first.
#[derive(Clone, Copy, Debug)]
pub struct Compared<'a> {
    pub anchor: &'a [&'a Session],
    pub latest: &'a [&'a Session],
}

impl DriftWorkload {
    pub fn new(
        name: &str,
        anchor: &AnchorPoint,
        compared: Compared<'_>,
        headline: Option<&Reason>,
        (evidence, ruling): (&Evidence, &Ruling),
    ) -> Self {
        let mut codes = Codes::default();
        let places =
            |sessions: &[&Session]| sessions.iter().map(|s| SessionPlace::new(s)).collect();
        let judged = match &evidence.against {
            Against::Compared(c) if ruling.verdict != Verdict::Invalid => &c.metrics[..],
            _ => &[],
        };
        Self {
            name: name.to_owned(),
            verdict: ruling.verdict,
            headline: headline.map(|reason| codes.text(reason)).unwrap_or_default(),
            anchor: anchor.clone(),
            anchor_sessions: places(compared.anchor),
            latest_sessions: places(compared.latest),
            metrics: judged
                .iter()
                .map(|m| build::metric(m.metric, None, Some(m), &mut codes))
                .collect(),
            reasons: codes.texts(&ruling.reasons),
            warnings: codes.texts(&ruling.warnings),
            accepted: codes.texts(&ruling.accepted),
            codes,
        }
    }

    /// What is not in the headline and in the table, in the reader's language.
    fn facts(&self, lang: Lang) -> Vec<(Role, String)> {
        let worse = self.verdict == Verdict::Failed;
        let why = if self.verdict == Verdict::Passed { Role::Proves } else { Role::Why };
        let reasons = self.reasons.iter().filter(|r| !worse && **r != self.headline);
        reasons
            .map(|r| (why, r))
            .chain(self.accepted.iter().map(|a| (Role::Accepted, a)))
            .chain(self.warnings.iter().map(|w| (Role::Warning, w)))
            .map(|(role, line)| (role, text::plain(&self.codes.say(lang, line))))
            .collect()
    }

    /// Metrics whose change is known: primary ones, and any other that is worse.
    fn shown(&self) -> impl Iterator<Item = &MetricReport> {
        self.metrics.iter().filter(|m| {
            m.change_ratio.is_some() && (m.pass_margin_ratio.is_some() || m.is_regression())
        })
    }

    fn headline(&self, lang: Lang) -> String {
        text::plain(&self.codes.say(lang, &self.headline))
    }
}

impl AnchorPoint {
    /// `v1.2 (1a2b3c4d5e6f, the last release)`.
    fn say(&self, lang: Lang) -> String {
        let Some(commit) = self.commit.as_deref().map(text::short) else {
            return text::plain(&self.name);
        };
        let how = match (lang, self.found) {
            (_, AnchorFound::Named) => "--anchor",
            (Lang::En, AnchorFound::Pinned) => "pinned",
            (Lang::En, AnchorFound::Release) => "the last release with sessions enough since",
            (Lang::Ko, AnchorFound::Pinned) => "고정됨",
            (Lang::Ko, AnchorFound::Release) => "이후 세션이 충분한 마지막 릴리스",
        };
        format!("{} ({commit}, {how})", text::plain(&self.name))
    }
}

impl SessionPlace {
    fn new(session: &Session) -> Self {
        let day = session.place().day;
        Self { session: session.session.clone(), commit: session.commit.clone(), day }
    }
}

impl DriftReport {
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a report is plain data") + "\n"
    }

    /// The commit that the worst workload is held against.
    pub fn anchor(&self) -> Option<&str> {
        let worst = self.workloads.iter().find(|w| w.verdict == self.verdict)?;
        worst.anchor.commit.as_deref().and_then(|commit| commit.get(..12))
    }

    /// The worst workload's, with its verdict's word before it.
    pub fn headline(&self, lang: Lang) -> String {
        let worst = self.workloads.iter().find(|w| w.verdict == self.verdict);
        let word = self.verdict.word();
        worst.map_or_else(
            || word.to_owned(),
            |w| format!("{word}: {}: {}", text::plain(&w.name), w.headline(lang)),
        )
    }
}

/// `6 sessions, 2026-06-01 to 2026-06-20`.
fn days(sessions: &[SessionPlace], lang: Lang) -> String {
    let n = sessions.len() as u64;
    let count = match lang {
        Lang::En => text::count(n, "session", "sessions"),
        Lang::Ko => format!("세션 {n}개"),
    };
    let Some((first, last)) = sessions.first().zip(sessions.last()) else { return count };
    let (first, last) = (text::plain(&first.day), text::plain(&last.day));
    match lang {
        _ if first == last => format!("{count}, {first}"),
        Lang::En => format!("{count}, {first} to {last}"),
        Lang::Ko => format!("{count}, {first} ~ {last}"),
    }
}

fn header(lang: Lang) -> [&'static str; 7] {
    let l = labels(lang);
    [l.metric, l.anchor, l.latest, l.change, l.interval, l.smallest_detectable, l.judgement]
}

fn row(m: &MetricReport, lang: Lang) -> Vec<String> {
    let judgement = m.judgement.unwrap_or(Judgement::Unmeasured);
    vec![
        text::title(&m.metric),
        text::value(&m.unit, m.baseline),
        text::value(&m.unit, m.candidate),
        text::change(&m.unit, m.change_ratio),
        text::interval(m, lang),
        text::size(&m.unit, m.smallest_visible_change_ratio),
        beside(lang, &[Word::Judgement(judgement)]),
    ]
}

/// For a terminal of so many columns.
pub fn terminal(report: &DriftReport, width: u16, lang: Lang) -> String {
    let l = labels(lang);
    let workloads = report.workloads.iter().map(|w| {
        let head = format!("{}: {}: {}", w.verdict.word(), text::plain(&w.name), w.headline(lang));
        let mut facts = vec![
            (l.anchor, format!("{}: {}", w.anchor.say(lang), days(&w.anchor_sessions, lang))),
            (l.latest, days(&w.latest_sessions, lang)),
        ];
        facts.extend(w.facts(lang).into_iter().map(|(role, line)| (role.label(lang), line)));
        let rows: Vec<_> = w.shown().map(|m| row(m, lang)).collect();
        let table = terminal::parted(&header(lang), &rows, 1..6, width);
        let table = if rows.is_empty() { table } else { format!("\n{table}") };
        format!("{head}\n{}{table}", terminal::facts(&facts, width))
    });
    workloads.collect::<Vec<_>>().join("\n")
}

/// For a job's summary.
pub fn markdown(report: &DriftReport, lang: Lang) -> String {
    let l = labels(lang);
    let mut out = String::new();
    for w in &report.workloads {
        let (word, name) = (w.verdict.word(), code(&w.name));
        let _ = write!(out, "\n**{word}** {name}: {}\n", escape(&w.headline(lang)));
        let anchor = format!("{}: {}", w.anchor.say(lang), days(&w.anchor_sessions, lang));
        let facts = w.facts(lang).into_iter().map(|(role, line)| (role.label(lang), line));
        let sides = [(l.anchor, anchor), (l.latest, days(&w.latest_sessions, lang))];
        out.push('\n');
        for (label, line) in sides.into_iter().chain(facts) {
            let _ = writeln!(out, "- {}: {}", capitalised(label), escape(&line));
        }
        let cells = |m| row(m, lang).iter().map(|cell| markdown::cell(cell)).collect();
        out += &markdown::table(&header(lang), 1..6, w.shown().map(cells));
    }
    out
}
