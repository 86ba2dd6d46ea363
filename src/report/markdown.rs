//! The report as GitHub-flavoured Markdown: step summary and pull-request comment. Verdict sentence
//! first, evidence folded.
//!
//! Every text that is not a constant of this file goes through `escape`. Not here: GitHub's size
//! limits and the hidden marker.

pub(super) mod escape;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use super::attempts::table as table_of_attempts;
use super::contract::{Word, beside};
use super::labels::{capitalised, labels};
use super::overview::{Overview, overview, side_by_side};
use super::sweep::{self, SweepReport};
use super::text::Role;
use super::{LimitReport, MetricReport, Report, WorkloadReport, advice, server, text};
use crate::attempt::Attempt;
use crate::config::Lang;
use crate::judge::limits::LimitState;
use crate::metric::Class;
use escape::{code, escape, sentence};

pub fn render(report: &Report, lang: Lang) -> String {
    let mut out = headline(report, lang) + &at_a_glance(report, lang) + &sweeps(report, lang);
    for w in &report.workloads {
        out += &workload(report, w, lang);
    }
    out += &attempts(&report.attempts, lang);
    out += &origin(report, lang);
    let exit = text::exit_code(report.exit_code, std::slice::from_ref(report), lang);
    let (version, label) = (text::plain(&report.tool_version), labels(lang).exit_code);
    let last = format!("goodput-gate {version}, {label} {exit}");
    let _ = write!(out, "\n{}\n", escape(&last));
    out
}

/// Several reports, each with what it is called: all workloads in one table, then what each report
/// says first.
pub fn several(reports: &[(&str, &Report)], lang: Lang) -> String {
    let table = glance(&side_by_side(reports, lang));
    let said = reports.iter().map(|(name, report)| {
        let origin =
            format!("{}, {}, goodput-gate {}", report.session, report.created, report.tool_version);
        format!(
            "\n### {}\n\n{}\n{}\n",
            code(name),
            headline(report, lang),
            escape(&text::plain(&origin))
        )
    });
    table.trim_start().to_owned() + &said.collect::<String>()
}

/// Every workload in one table, where there are several.
pub(super) fn at_a_glance(report: &Report, lang: Lang) -> String {
    overview(report, lang).map_or_else(String::new, |all| glance(&all))
}

fn glance(all: &Overview) -> String {
    let rows = all.rows.iter().map(|row| {
        let cells = all.cells(row);
        std::iter::once(code(&row.name)).chain(cells.iter().map(|c| cell(c))).collect()
    });
    table(&all.header, all.numbers..all.header.len(), rows)
}

/// Shown only: what the levels of a load say of the server.
pub(super) fn sweeps(report: &Report, lang: Lang) -> String {
    let one = |s: &SweepReport| {
        let rows =
            s.levels.iter().map(|level| sweep::cells(level).iter().map(|c| cell(c)).collect());
        let title = escape(&sweep::heading(&text::plain(&s.family), s.axis, lang));
        let matters = escape(&sweep::matters(s, lang));
        format!(
            "\n### {title}\n\n{matters}\n{}",
            table(&sweep::header(lang), 0..sweep::COLUMNS, rows)
        )
    };
    report.sweeps.iter().map(one).collect()
}

/// Nothing where there is but one.
pub(super) fn attempts(all: &[Attempt], lang: Lang) -> String {
    let table = table_of_attempts(all, lang);
    if table.is_empty() { table } else { format!("\n{}\n{table}", labels(lang).attempts) }
}

/// Where it comes from and what to do with it, folded.
pub(super) fn origin(report: &Report, lang: Lang) -> String {
    let l = labels(lang);
    let mut out = folded(l.provenance, &provenance(report, lang));
    // Nothing measured is nothing to judge again or to accept.
    if !report.workloads.is_empty() {
        out += &folded(l.reproduce_and_accept, &instructions(report, lang));
    }
    out
}

pub(super) fn headline(report: &Report, lang: Lang) -> String {
    let line = text::headline(report, lang);
    let word = report.verdict.map_or("", |v| v.word());
    let mut out = match line.strip_prefix(word).filter(|_| !word.is_empty()) {
        // `PASS with 1 accepted regression: ...` is no PASS with a colon.
        Some(rest) => match rest.strip_prefix(':') {
            Some(why) => format!("**{word}**: {}\n", sentence(why.trim_start())),
            None if rest.is_empty() => format!("**{word}**\n"),
            None => format!("**{word}** {}\n", sentence(rest.trim_start())),
        },
        None => format!("{}\n", sentence(&line)),
    };
    if report.interrupted {
        let _ = write!(out, "\n{}.\n", capitalised(labels(lang).interrupted));
    }
    for notice in text::notices(report, lang) {
        let _ = write!(out, "\n> {}: {}\n", capitalised(labels(lang).note), sentence(&notice));
    }
    out
}

pub(super) fn workload(report: &Report, w: &WorkloadReport, lang: Lang) -> String {
    reasons(report, w, lang) + &decided(report, w, lang) + &evidence(report, w, lang)
}

/// A metric that regressed has its row in the table below, with the same numbers: it is not told
/// twice.
fn reasons(report: &Report, w: &WorkloadReport, lang: Lang) -> String {
    let verdict =
        w.verdict.map_or_else(String::new, |v| format!(": {}", beside(lang, &[Word::Verdict(v)])));
    let mut out = format!("\n### {}{verdict}\n", code(&w.name));
    let regressed: Vec<String> = w
        .metrics
        .iter()
        .filter(|m| m.is_regression())
        .flat_map(|m| [m.metric.clone(), text::title(&m.metric)])
        .map(|name| name + " ")
        .collect();
    let in_table = |why: &str| regressed.iter().any(|metric| why.starts_with(metric.as_str()));
    let l = labels(lang);
    let said =
        text::why(report, w, lang).filter(|(role, why)| *role != Role::Why || !in_table(why));
    let said = said.map(|(role, why)| match role {
        Role::Proves => format!("{}: {}", l.proven, sentence(&why)),
        Role::Accepted => format!("**{}**: {}", l.accepted_regression, sentence(&why)),
        Role::Warning => format!("{}: {}", capitalised(l.warning), sentence(&why)),
        Role::Why | Role::Anchor | Role::Note => sentence(&why),
    });
    out += &bullets(said.chain(text::sessions_needed(w, lang).map(|line| sentence(&line))));
    out
}

/// The numbers that decide.
fn decided(report: &Report, w: &WorkloadReport, lang: Lang) -> String {
    decisive(w, lang) + &limits(w, lang) + &not_judged(report, w, lang) + &meanwhile(w, lang)
}

/// The other numbers, folded.
fn evidence(report: &Report, w: &WorkloadReport, lang: Lang) -> String {
    let advice = bullets(advice::for_workload(report, w).iter().map(|a| sentence(&a.say(lang))));
    let l = labels(lang);
    folded(&capitalised(l.advice), &advice)
        + &folded(l.all_metrics, &everything(w, lang))
        + &folded(l.server_evidence, &server_evidence(w, lang))
        + &folded(l.load_and_client, &client(report, w, lang))
}

/// Latencies and rates, where nothing was judged.
fn measured(w: &WorkloadReport, lang: Lang) -> String {
    let row = |[timing, numbers @ ..]: [String; 5]| {
        std::iter::once(escape(&timing)).chain(numbers.iter().map(|n| cell(n))).collect()
    };
    let rates = text::measured::main_rates(w)
        .into_iter()
        .map(|(name, value)| vec![escape(&name), cell(&value)]);
    let l = labels(lang);
    table(&text::measured::HEADER, 1..5, text::measured::latencies(w).into_iter().map(row))
        + &table(&[l.rate_or_share, l.value], 1..2, rates)
}

/// Primary metrics, and any other that regressed.
fn decisive(w: &WorkloadReport, lang: Lang) -> String {
    if w.verdict.is_none() {
        return measured(w, lang);
    }
    let l = labels(lang);
    let shown: Vec<&MetricReport> =
        w.metrics.iter().filter(|m| m.class == Class::Primary || m.is_regression()).collect();
    let judged = |m: &MetricReport| {
        let said = escape(&beside(lang, &text::judged(w, m)));
        if m.is_regression() { format!("**{said}**") } else { said }
    };
    if w.metrics.iter().all(|m| m.judgement.is_none()) {
        let rows = shown
            .iter()
            .map(|m| vec![named(&m.metric), cell(&text::value(&m.unit, m.candidate)), judged(m)]);
        return table(&[l.metric, l.measured, l.judgement], 1..2, rows);
    }
    let rows = shown.iter().map(|m| {
        let numbers = [
            text::value(&m.unit, m.baseline),
            text::value(&m.unit, m.candidate),
            text::change(&m.unit, m.change_ratio),
            text::interval(m, lang),
        ];
        std::iter::once(named(&m.metric))
            .chain(numbers.iter().map(|n| cell(n)))
            .chain([judged(m)])
            .collect()
    });
    table(&[l.metric, l.baseline, l.this_change, l.change, l.interval, l.judgement], 1..5, rows)
}

fn limits(w: &WorkloadReport, lang: Lang) -> String {
    let state = |l: &LimitReport| {
        let said = escape(&beside(lang, &text::state(l)));
        if l.state == LimitState::Breached { format!("**{said}**") } else { said }
    };
    let rows = w.limits.iter().map(|l| {
        let interval = cell(&text::limit_interval(l, lang));
        vec![
            escape(&text::limit(l, lang)),
            cell(&text::value(&l.unit, l.value)),
            interval,
            state(l),
        ]
    });
    let l = labels(lang);
    let mut out = table(&[l.limit, l.measured, l.interval, l.state], 1..3, rows);
    if let Some(slo) = text::slo(w, lang) {
        let _ = write!(out, "\n{}: {}\n", l.slo, escape(&slo));
    }
    out
}

fn not_judged(report: &Report, w: &WorkloadReport, lang: Lang) -> String {
    let line = |(why, what): (String, Vec<String>)| {
        format!("{}: {}", escape(&what.join(", ")), escape(&why))
    };
    let rows: Vec<String> = text::not_judged(w, lang).into_iter().map(line).collect();
    if report.verdict.is_none() || rows.is_empty() {
        return String::new();
    }
    format!("\n{}\n{}", labels(lang).not_judged_why, bullets(rows.into_iter()))
}

/// What changed on the server's side together with what regressed.
fn meanwhile(w: &WorkloadReport, lang: Lang) -> String {
    let lines = bullets(server::explained(w, lang).map(|line| escape(&line)));
    if lines.is_empty() { lines } else { format!("\n{}\n{lines}", labels(lang).meanwhile_no_proof) }
}

fn server_evidence(w: &WorkloadReport, lang: Lang) -> String {
    let rows = server::rows(w, lang)
        .map(|[what, baseline, candidate]| vec![escape(&what), cell(&baseline), cell(&candidate)]);
    let l = labels(lang);
    let rows = table(&[l.told_by_server, l.baseline, l.this_change], 1..3, rows);
    w.server
        .as_ref()
        .map_or_else(String::new, |s| format!("{rows}\n{}\n", escape(&server::how(s, lang))))
}

fn everything(w: &WorkloadReport, lang: Lang) -> String {
    let rows = w.metrics.iter().map(|m| {
        let numbers = [
            text::value(&m.unit, m.baseline),
            text::value(&m.unit, m.candidate),
            text::change(&m.unit, m.change_ratio),
            text::interval(m, lang),
            text::probability(m.p),
            text::size(&m.unit, Some(m.minimum_relevant_change_ratio)),
            text::size(&m.unit, m.smallest_visible_change_ratio),
        ];
        let first = [with_key(&m.metric), escape(m.class.word())].into_iter();
        first
            .chain(numbers.iter().map(|n| cell(n)))
            .chain([escape(&beside(lang, &text::judged(w, m)))])
            .collect()
    });
    let l = labels(lang);
    let header = [
        l.metric,
        l.class,
        l.baseline,
        l.this_change,
        l.change,
        l.interval,
        "p",
        l.minimum_relevant,
        l.smallest_detectable,
        l.judgement,
    ];
    let mut out = table(&header, 2..9, rows);
    if let Some(levels) = text::levels(w, lang) {
        let _ = write!(out, "\n{}: {}.\n", l.intervals, escape(&levels));
    }
    out += &distributions(w);
    let rates =
        w.rates.iter().map(|r| vec![with_key(&r.metric), cell(&text::value(&r.unit, r.value))]);
    out += &table(&[l.rate_or_share, l.value], 1..2, rates);
    out
}

/// As people call it.
fn named(metric: &str) -> String {
    escape(&text::title(metric))
}

/// The same, with the key that the config knows it by.
pub(super) fn with_key(metric: &str) -> String {
    format!("{} {}", named(metric), code(metric))
}

fn distributions(w: &WorkloadReport) -> String {
    let rows = w.distributions.iter().map(|d| {
        let numbers = text::statistics(d).map(|(_, x)| cell(&text::number(x)));
        std::iter::once(escape(&text::timing_title(&d.timing))).chain(numbers).collect()
    });
    let names = w
        .distributions
        .first()
        .map(|d| text::statistics(d).map(|(name, _)| name))
        .unwrap_or_default();
    let header: Vec<&str> = std::iter::once("ms").chain(names).collect();
    table(&header, 1..header.len(), rows)
}

fn client(report: &Report, w: &WorkloadReport, lang: Lang) -> String {
    let l = labels(lang);
    let mut facts = vec![
        (l.load, text::load(w, lang)),
        (l.requests, text::completed(w, lang)),
        (l.client, text::client(w, lang)),
    ];
    facts.extend(w.baseline.iter().map(|b| (l.baseline, text::baseline(b, &report.created, lang))));
    facts.extend(w.comparison.iter().map(|c| (l.judged, text::comparison(c, lang))));
    facts.extend(text::server_start(w, lang).map(|starts| (l.starts, starts)));
    facts.extend(text::detectable(w, lang).map(|v| (l.detectable, v)));
    facts.extend(w.errors.iter().map(|e| (l.error, text::error(e, lang))));
    let notes = text::notes(w, lang).map(|note| (l.note, note));
    let mut facts: Vec<(&str, String)> =
        facts.iter().map(|(label, fact)| (*label, text::plain(fact))).chain(notes).collect();
    facts.extend(w.gpu.iter().flat_map(|g| super::gpu::lines(g, lang)).map(|line| (l.gpu, line)));
    pairs(facts.iter().map(|(label, fact)| (escape(label), escape(fact))), lang)
}

fn provenance(report: &Report, lang: Lang) -> String {
    let facts = text::provenance(report, lang);
    let rows = facts.iter().map(|(label, fact)| (escape(&text::plain(label)), code(fact)));
    pairs(rows, lang)
}

fn instructions(report: &Report, lang: Lang) -> String {
    let l = labels(lang);
    let mut out = format!(
        "\n{}\n\n\
         ```sh\n\
         goodput-gate report report.json --format terminal   # {}\n\
         goodput-gate compare BASELINE record.json           # {}\n\
         goodput-gate check                                  # {}\n\
         ```\n\n\
         {}\n",
        l.files_beside, l.other_formats, l.judges_again, l.measures_again, l.what_a_baseline_is,
    );
    if text::worse(report) {
        let _ = write!(
            out,
            "\n{}\n\n```sh\ngoodput-gate accept --reason \"...\"\n```\n\n{}\n",
            l.accept_worse, l.accepting,
        );
    }
    if report.workloads.iter().flat_map(|w| &w.limits).any(text::breached) {
        let _ = write!(out, "\n{}\n", l.change_the_limit);
    }
    if text::could_be_normal(report) {
        let _ = write!(out, "\n{}\n\n```sh\ngoodput-gate baseline update\n```\n", l.new_normal);
    }
    out
}

/// Cells are escaped already. `numbers`: the columns that are set flush right.
pub(super) fn table(
    header: &[&str],
    numbers: std::ops::Range<usize>,
    rows: impl Iterator<Item = Vec<String>>,
) -> String {
    let rows: Vec<String> = rows.map(|cells| format!("| {} |\n", cells.join(" | "))).collect();
    if rows.is_empty() {
        return String::new();
    }
    let rule = |i| if numbers.contains(&i) { "---:" } else { "---" };
    let rules: Vec<&str> = (0..header.len()).map(rule).collect();
    format!("\n| {} |\n| {} |\n{}", header.join(" | "), rules.join(" | "), rows.concat())
}

fn pairs(facts: impl Iterator<Item = (String, String)>, lang: Lang) -> String {
    let l = labels(lang);
    table(&[l.what, l.value], 0..0, facts.map(|(label, fact)| vec![label, fact]))
}

/// A number in a table, where a dash begins no list.
pub(super) fn cell(number: &str) -> String {
    if number == text::ABSENT { number.into() } else { escape(number) }
}

fn bullets(lines: impl Iterator<Item = String>) -> String {
    let all: String = lines.map(|line| "- ".to_owned() + &line + "\n").collect();
    if all.is_empty() { all } else { format!("\n{all}") }
}

/// Blank lines all around: without them, GitHub shows tables inside as text.
pub(super) fn folded(title: &str, body: &str) -> String {
    if body.is_empty() {
        return String::new();
    }
    format!("\n<details>\n<summary>{title}</summary>\n{body}\n</details>\n")
}
