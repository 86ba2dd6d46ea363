//! What a comment says before its fold: what decides in one table, where the time went, SLOs, and
//! what to do. Not here: the verdict's line, the fold, how much there is room for (`comment`).

use std::fmt::Write as _;

use crate::config::Lang;
use crate::judge::limits::LimitState;
use crate::metric::Class;
use crate::report::contract::beside;
use crate::report::labels::{capitalised, labels};
use crate::report::markdown::escape::{escape, sentence};
use crate::report::markdown::{self, cell};
use crate::report::text::Role;
use crate::report::{LimitReport, MetricReport, Report, WorkloadReport, text};
use crate::verdict::Verdict;

/// More rows and lines of one kind are in the fold.
const MOST_ROWS: usize = 10;
const MOST_LINES: usize = 3;

/// Why, warnings and what is accepted, as far as no number of the table says it.
pub fn remarks(report: &Report, lang: Lang) -> String {
    let (mut lines, mut more, t) = (Vec::new(), false, labels(lang));
    let several = report.workloads.len() > 1;
    for w in &report.workloads {
        let told =
            text::beside_the_table(report, w, lang).filter(|(role, _)| *role != Role::Proves);
        let mut seen: Vec<Role> = Vec::new();
        for (role, line) in told {
            if seen.iter().filter(|s| **s == role).count() >= MOST_LINES {
                more = true;
                continue;
            }
            seen.push(role);
            let lead = match role {
                Role::Warning => format!("{}: ", capitalised(t.warning)),
                Role::Accepted => format!("**{}**: ", t.accepted_regression),
                _ => String::new(),
            };
            let name = if several { format!("{}: ", text::plain(&w.name)) } else { String::new() };
            lines.push(format!("- {lead}{}\n", sentence(&format!("{name}{line}"))));
        }
    }
    if more {
        lines.push(format!("- {}\n", t.more_lines));
    }
    if lines.is_empty() { String::new() } else { format!("\n{}", lines.concat()) }
}

/// The rest of what stands before the fold; nothing of a PASS.
pub fn numbers(report: &Report, lang: Lang) -> String {
    if report.verdict == Some(Verdict::Passed) {
        return String::new();
    }
    let several = report.workloads.len() > 1;
    let shown = || report.workloads.iter().filter(|w| w.verdict != Some(Verdict::Passed));
    let t = labels(lang);
    let mut out = table(&shown().collect::<Vec<_>>(), several, lang);
    let mut lines: Vec<String> = Vec::new();
    for w in shown().take(MOST_LINES) {
        let name = if several { format!("{}: ", text::plain(&w.name)) } else { String::new() };
        let compared = w.comparison.as_ref().and(w.time.as_ref());
        if let Some(split) = compared.and_then(|time| time.difference(lang)) {
            lines.push(escape(&format!("{}: {name}{split}", t.time_per_request)));
        }
        if let Some(slo) = text::slo(w, lang).filter(|_| w.verdict != Some(Verdict::Invalid)) {
            lines.push(escape(&format!("SLO: {name}{slo}")));
        }
    }
    if text::worse(report) {
        lines.extend([t.unintended.to_owned(), t.intended.to_owned()]);
    }
    for line in lines {
        let _ = write!(out, "\n{line}\n");
    }
    out
}

/// Primary metrics, any other that is worse, and limits that are not met.
fn table(workloads: &[&WorkloadReport], several: bool, lang: Lang) -> String {
    let decides = |m: &&MetricReport| {
        m.judgement.is_some() && (m.class == Class::Primary || m.is_regression())
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    for w in workloads {
        let limits = w.limits.iter().filter(|l| l.state != LimitState::Met);
        let metrics = w.metrics.iter().filter(decides).map(|m| metric(w, m, lang));
        for row in metrics.chain(limits.map(|l| limit(l, lang))) {
            let name = several.then(|| escape(&text::plain(&w.name)));
            rows.push(name.into_iter().chain(row).collect());
        }
    }
    let more = rows.len() > MOST_ROWS;
    rows.truncate(MOST_ROWS);
    let l = labels(lang);
    let header = [l.workload, l.metric, l.baseline, l.this_change, l.change, l.judgement];
    let mut header = header[usize::from(!several)..].to_vec();
    let (baseline, change) = (header.len() - 4, header.len() - 2);
    // Limits alone have neither.
    if rows.iter().all(|row| row[baseline] == text::ABSENT && row[change] == text::ABSENT) {
        for column in [change, baseline] {
            header.remove(column);
            for row in &mut rows {
                row.remove(column);
            }
        }
    }
    let table = markdown::table(&header, baseline..header.len() - 1, rows.into_iter());
    if more { format!("{table}\n{}\n", l.more_rows) } else { table }
}

fn metric(w: &WorkloadReport, m: &MetricReport, lang: Lang) -> Vec<String> {
    let change = match text::interval(m, lang) {
        absent if absent == text::ABSENT => text::change(&m.unit, m.change_ratio),
        interval => {
            format!("{} ({interval})", text::change(&m.unit, m.change_ratio))
        }
    };
    let judged = escape(&beside(lang, &text::judged(w, m)));
    vec![
        escape(&text::title(&m.metric)),
        cell(&text::value(&m.unit, m.baseline)),
        cell(&text::value(&m.unit, m.candidate)),
        cell(&change),
        if m.is_regression() { format!("**{judged}**") } else { judged },
    ]
}

fn limit(l: &LimitReport, lang: Lang) -> Vec<String> {
    let state = escape(&beside(lang, &text::state(l)));
    vec![
        escape(&text::limit(l, lang)),
        text::ABSENT.to_owned(),
        cell(&text::value(&l.unit, l.value)),
        text::ABSENT.to_owned(),
        if l.state == LimitState::Breached { format!("**{state}**") } else { state },
    ]
}
