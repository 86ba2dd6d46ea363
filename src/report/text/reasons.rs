//! Sentences of a report in the reader's language, each with what it tells. Not here: the sentences
//! (`codes`, `say`).

use super::plain;
use crate::config::Lang;
use crate::judge;
use crate::report::codes::Sentence;
use crate::report::labels::labels;
use crate::report::{Report, WorkloadReport};
use crate::verdict;

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
