//! The report as GitHub-flavoured Markdown: step summary and pull-request comment. Verdict sentence first, evidence folded.
//!
//! Every text that is not a constant of this file goes through `escape`. Not here: GitHub's size limits and the hidden marker.

pub(super) mod escape;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use super::{MetricReport, Report, WorkloadReport, beside, say, text};
use crate::config::Lang;
use escape::{code, escape};

pub fn render(report: &Report, lang: Lang) -> String {
    let mut out = headline(report, lang);
    for w in &report.workloads {
        out += &workload(report, w, lang);
    }
    out += &origin(report, lang);
    let last = format!("goodput-gate {}, exit code {}", text::plain(&report.tool_version), text::exit_code(report));
    let _ = write!(out, "\n{}\n", escape(&say(lang, &last)));
    out
}

/// Where it comes from and what to do with it, folded.
pub(super) fn origin(report: &Report, lang: Lang) -> String {
    let mut out = folded("Provenance", &provenance(report, lang), lang);
    // Nothing measured is nothing to judge again or to accept.
    if !report.workloads.is_empty() {
        out += &folded("How to reproduce, how to accept", &instructions(report, lang), lang);
    }
    out
}

pub(super) fn headline(report: &Report, lang: Lang) -> String {
    let line = say(lang, &text::plain(&report.headline));
    let word = report.verdict.map_or("", |v| v.word());
    let mut out = match line.strip_prefix(word).filter(|_| !word.is_empty()) {
        Some(rest) => format!("**{word}**{}{}\n", if rest.is_empty() { "" } else { ": " }, escape(rest.trim_start_matches(':'))),
        None => format!("{}\n", escape(&line)),
    };
    if report.interrupted {
        let _ = write!(out, "\n{}\n", say(lang, "Interrupted: this is what was measured until then."));
    }
    for notice in text::notices(report) {
        let _ = write!(out, "\n> {}\n", escape(&say(lang, &format!("Note: {notice}"))));
    }
    out
}

fn workload(report: &Report, w: &WorkloadReport, lang: Lang) -> String {
    reasons(report, w, lang) + &decided(report, w, lang) + &evidence(report, w, lang)
}

/// What of a workload stays when room is short.
pub(super) fn reasons(report: &Report, w: &WorkloadReport, lang: Lang) -> String {
    let verdict = w.verdict.map_or_else(String::new, |v| format!(": {}", beside(lang, v.word())));
    let mut out = format!("\n### {}{verdict}\n", code(&w.name));
    let said = text::why(report, w).map(|(label, why)| match label {
        "proves" => format!("A PASS proves: {why}"),
        "warning" => format!("Warning: {why}"),
        _ => why,
    });
    out += &bullets(said.chain(text::sessions_needed(w)).map(|line| escape(&say(lang, &line))));
    out
}

/// The numbers that decide.
pub(super) fn decided(report: &Report, w: &WorkloadReport, lang: Lang) -> String {
    decisive(w, lang) + &limits(w, lang) + &not_judged(report, w, lang)
}

/// The other numbers, folded.
pub(super) fn evidence(report: &Report, w: &WorkloadReport, lang: Lang) -> String {
    folded("All metrics", &everything(w, lang), lang) + &folded("Load and client", &client(report, w, lang), lang)
}

/// Primary metrics, and any other that regressed.
fn decisive(w: &WorkloadReport, lang: Lang) -> String {
    let shown: Vec<&MetricReport> =
        w.metrics.iter().filter(|m| m.class == "primary" || m.judgement.as_deref() == Some("regressed")).collect();
    let judged = |m: &MetricReport| {
        let judgement = text::judgement(w, m);
        let said = escape(&beside(lang, judgement));
        if judgement == "regressed" { format!("**{said}**") } else { said }
    };
    if w.metrics.iter().all(|m| m.judgement.is_none()) {
        let rows = shown.iter().map(|m| vec![code(&m.metric), cell(&text::value(&m.unit, m.candidate)), judged(m)]);
        return titled(lang, &["metric", "measured", "judgement"], 1..2, rows);
    }
    let rows = shown.iter().map(|m| {
        let numbers = [
            text::value(&m.unit, m.baseline),
            text::value(&m.unit, m.candidate),
            text::change(&m.unit, m.change_ratio),
            say(lang, &text::interval(m)),
        ];
        std::iter::once(code(&m.metric)).chain(numbers.iter().map(|n| cell(n))).chain([judged(m)]).collect()
    });
    titled(lang, &["metric", "baseline", "candidate", "change", "interval", "judgement"], 1..5, rows)
}

fn limits(w: &WorkloadReport, lang: Lang) -> String {
    let state = |l| {
        let state = text::state(l);
        let said = escape(&beside(lang, &state));
        if state == "breached" { format!("**{said}**") } else { said }
    };
    let rows = w.limits.iter().map(|l| {
        let interval = cell(&say(lang, &text::limit_interval(l)));
        vec![escape(&say(lang, &text::limit(l))), cell(&text::value(&l.unit, l.value)), interval, state(l)]
    });
    let mut out = titled(lang, &["limit", "measured", "interval", "state"], 1..3, rows);
    if let Some(slo) = text::slo(w) {
        let _ = write!(out, "\nSLO: {}\n", escape(&say(lang, &slo)));
    }
    out
}

fn not_judged(report: &Report, w: &WorkloadReport, lang: Lang) -> String {
    let line =
        |(why, what): (String, Vec<String>)| format!("{}: {}", escape(&say(lang, &what.join(", "))), escape(&say(lang, &why)));
    let rows: Vec<String> = text::not_judged(w).into_iter().map(line).collect();
    if report.verdict.is_none() || rows.is_empty() {
        return String::new();
    }
    format!("\n{}\n{}", say(lang, "Inconclusive or unmeasured, and why:"), bullets(rows.into_iter()))
}

fn everything(w: &WorkloadReport, lang: Lang) -> String {
    let rows = w.metrics.iter().map(|m| {
        let numbers = [
            text::value(&m.unit, m.baseline),
            text::value(&m.unit, m.candidate),
            text::change(&m.unit, m.change_ratio),
            say(lang, &text::interval(m)),
            text::probability(m.p),
            text::size(&m.unit, Some(m.minimum_relevant_change_ratio)),
            text::size(&m.unit, m.smallest_visible_change_ratio),
        ];
        let named = [code(&m.metric), escape(&m.class)].into_iter();
        named.chain(numbers.iter().map(|n| cell(n))).chain([escape(&beside(lang, text::judgement(w, m)))]).collect()
    });
    let header = [
        "metric",
        "class",
        "baseline",
        "candidate",
        "change",
        "interval",
        "p",
        "minimum relevant",
        "smallest visible",
        "judgement",
    ];
    let mut out = titled(lang, &header, 2..9, rows);
    out += &distributions(w, lang);
    let rates = w.rates.iter().map(|r| vec![code(&r.metric), cell(&text::value(&r.unit, r.value))]);
    out += &titled(lang, &["rate or share", "value"], 1..2, rates);
    out
}

fn distributions(w: &WorkloadReport, lang: Lang) -> String {
    let rows = w.distributions.iter().map(|d| {
        let numbers = text::statistics(d).map(|(_, x)| cell(&text::number(x)));
        std::iter::once(code(&d.timing)).chain(numbers).collect()
    });
    let names = w.distributions.first().map(|d| text::statistics(d).map(|(name, _)| name)).unwrap_or_default();
    let header: Vec<&str> = std::iter::once("ms").chain(names).collect();
    titled(lang, &header, 1..header.len(), rows)
}

fn client(report: &Report, w: &WorkloadReport, lang: Lang) -> String {
    let mut facts = vec![("load", text::load(w)), ("requests", text::completed(w)), ("client", text::client(w))];
    facts.extend(w.baseline.iter().map(|b| ("baseline", text::baseline(b, &report.created))));
    facts.extend(w.comparison.iter().map(|c| ("judged", text::comparison(c))));
    facts.extend(text::visible(w).map(|v| ("visible", v)));
    facts.extend(w.errors.iter().map(|e| ("error", text::error(e))));
    facts.extend(w.notes.iter().map(|n| ("note", n.clone())));
    pairs(facts.iter().map(|(label, fact)| (escape(&say(lang, label)), escape(&say(lang, &text::plain(fact))))), lang)
}

fn provenance(report: &Report, lang: Lang) -> String {
    let facts = text::provenance(report);
    pairs(facts.iter().map(|(label, fact)| (escape(&say(lang, &text::plain(label))), code(fact))), lang)
}

fn instructions(report: &Report, lang: Lang) -> String {
    let t = |english| say(lang, english);
    let mut out = format!(
        "\n{}\n\n\
         ```sh\n\
         goodput-gate report report.json --format terminal   # {}\n\
         goodput-gate compare BASELINE record.json           # {}\n\
         goodput-gate check                                  # {}\n\
         ```\n\n\
         {}\n",
        t("From the files that the gate has written beside this one:"),
        t("or md, junit, json, csv"),
        t("judges the stored measurement again, without a server"),
        t("measures again"),
        t("BASELINE is a record, a baseline file, or a folder of baseline files."),
    );
    if report.workloads.iter().flat_map(|w| &w.limits).any(|l| l.state == "breached") {
        let _ = write!(out, "\n{}\n", t("A breached limit is accepted only by changing the limit in the config."));
    }
    if report.verdict.is_some() {
        let how = "If this is how it should be from now on: merge, then add sessions to the baseline on the target branch and commit them.";
        let _ = write!(out, "\n{}\n\n```sh\ngoodput-gate baseline update\n```\n", t(how));
    }
    out
}

/// A table with its header in the reader's language.
fn titled(lang: Lang, header: &[&str], numbers: std::ops::Range<usize>, rows: impl Iterator<Item = Vec<String>>) -> String {
    let header: Vec<String> = header.iter().map(|h| say(lang, h)).collect();
    table(&header.iter().map(String::as_str).collect::<Vec<_>>(), numbers, rows)
}

/// Cells are escaped already. `numbers`: the columns that are set flush right.
pub(super) fn table(header: &[&str], numbers: std::ops::Range<usize>, rows: impl Iterator<Item = Vec<String>>) -> String {
    let rows: Vec<String> = rows.map(|cells| format!("| {} |\n", cells.join(" | "))).collect();
    if rows.is_empty() {
        return String::new();
    }
    let rule = |i| if numbers.contains(&i) { "---:" } else { "---" };
    let rules: Vec<&str> = (0..header.len()).map(rule).collect();
    format!("\n| {} |\n| {} |\n{}", header.join(" | "), rules.join(" | "), rows.concat())
}

fn pairs(facts: impl Iterator<Item = (String, String)>, lang: Lang) -> String {
    titled(lang, &["what", "value"], 0..0, facts.map(|(label, fact)| vec![label, fact]))
}

/// A number in a table, where a dash begins no list.
fn cell(number: &str) -> String {
    if number == text::ABSENT { number.into() } else { escape(number) }
}

fn bullets(lines: impl Iterator<Item = String>) -> String {
    let all: String = lines.map(|line| "- ".to_owned() + &line + "\n").collect();
    if all.is_empty() { all } else { format!("\n{all}") }
}

/// Blank lines all around: without them, GitHub shows tables inside as text.
fn folded(title: &str, body: &str, lang: Lang) -> String {
    if body.is_empty() {
        return String::new();
    }
    format!("\n<details>\n<summary>{}</summary>\n{body}\n</details>\n", say(lang, title))
}
