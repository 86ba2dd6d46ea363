//! The report as GitHub-flavoured Markdown: step summary and pull-request comment. Verdict sentence first, evidence folded.
//!
//! Every text that is not a constant of this file goes through `escape`. Not here: GitHub's size limits and the hidden marker.

pub(super) mod escape;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use super::sweep::{self, SweepReport};
use super::{MetricReport, Report, WorkloadReport, advice, server, text};
use escape::{code, escape};

pub fn render(report: &Report) -> String {
    let mut out = headline(report);
    for w in &report.workloads {
        out += &workload(report, w);
    }
    out += &sweeps(report);
    out += &origin(report);
    let exit = text::exit_code(report.exit_code, std::slice::from_ref(report));
    let _ = write!(out, "\ngoodput-gate {}, exit code {}\n", escape(&report.tool_version), escape(&exit));
    out
}

/// Shown only: what the levels of a load say of the server.
fn sweeps(report: &Report) -> String {
    let one = |s: &SweepReport| {
        let rows = s.levels.iter().map(|level| sweep::cells(level).iter().map(|c| cell(c)).collect());
        let body = format!("\n{}\n{}", escape(&s.words), table(&sweep::HEADER, 0..8, rows));
        folded(&format!("{} by {}", code(&s.family), sweep::axis_name(s.axis)), &body)
    };
    report.sweeps.iter().map(one).collect()
}

/// Where it comes from and what to do with it, folded.
pub(super) fn origin(report: &Report) -> String {
    let mut out = folded("Provenance", &provenance(report));
    // Nothing measured is nothing to judge again or to accept.
    if !report.workloads.is_empty() {
        out += &folded("How to reproduce, how to accept", &instructions(report));
    }
    out
}

pub(super) fn headline(report: &Report) -> String {
    let line = text::plain(&report.headline);
    let word = report.verdict.map_or("", |v| v.word());
    let mut out = match line.strip_prefix(word).filter(|_| !word.is_empty()) {
        // `PASS with 1 accepted regression: ...` is no PASS with a colon.
        Some(rest) => match rest.strip_prefix(':') {
            Some(why) => format!("**{word}**: {}\n", escape(why.trim_start())),
            None if rest.is_empty() => format!("**{word}**\n"),
            None => format!("**{word}** {}\n", escape(rest.trim_start())),
        },
        None => format!("{}\n", escape(&line)),
    };
    if report.interrupted {
        out += "\nInterrupted: this is what was measured until then.\n";
    }
    for notice in text::notices(report) {
        let _ = write!(out, "\n> Note: {}\n", escape(&notice));
    }
    out
}

fn workload(report: &Report, w: &WorkloadReport) -> String {
    reasons(report, w, Below::Tables) + &decided(report, w) + &evidence(report, w)
}

/// What follows the reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Below {
    /// A metric that regressed has its row there, with the same numbers: it is not told twice.
    Tables,
    Nothing,
}

/// What of a workload stays when room is short.
pub(super) fn reasons(report: &Report, w: &WorkloadReport, below: Below) -> String {
    let verdict = w.verdict.map_or_else(String::new, |v| format!(": {}", v.word()));
    let mut out = format!("\n### {}{verdict}\n", code(&w.name));
    let regressed: Vec<String> =
        w.metrics.iter().filter(|m| m.judgement.as_deref() == Some("regressed")).map(|m| format!("{} ", m.metric)).collect();
    let in_table = |why: &str| below == Below::Tables && regressed.iter().any(|metric| why.starts_with(metric.as_str()));
    let said = text::why(report, w).filter(|(label, why)| *label != "why" || !in_table(why));
    let said = said.map(|(label, why)| match label {
        "proves" => format!("A PASS proves: {}", escape(&why)),
        "accepted" => format!("**Accepted regression**: {}", escape(&why)),
        "warning" => format!("Warning: {}", escape(&why)),
        _ => escape(&why),
    });
    out += &bullets(said.chain(text::sessions_needed(w)));
    out
}

/// The numbers that decide.
pub(super) fn decided(report: &Report, w: &WorkloadReport) -> String {
    decisive(w) + &limits(w) + &not_judged(report, w) + &meanwhile(w)
}

/// The other numbers, folded.
pub(super) fn evidence(report: &Report, w: &WorkloadReport) -> String {
    folded("Advice", &bullets(advice::of(report, w).iter().map(|a| escape(&a.words))))
        + &folded("All metrics", &everything(w))
        + &folded("Server evidence", &server_evidence(w))
        + &folded("Load and client", &client(report, w))
}

/// Primary metrics, and any other that regressed.
fn decisive(w: &WorkloadReport) -> String {
    let shown: Vec<&MetricReport> =
        w.metrics.iter().filter(|m| m.class == "primary" || m.judgement.as_deref() == Some("regressed")).collect();
    let judged = |m: &MetricReport| {
        let judgement = text::judged(w, m);
        if judgement.starts_with("regressed") { format!("**{judgement}**") } else { escape(&judgement) }
    };
    if w.metrics.iter().all(|m| m.judgement.is_none()) {
        let rows = shown.iter().map(|m| vec![code(&m.metric), cell(&text::value(&m.unit, m.candidate)), judged(m)]);
        return table(&["metric", "measured", "judgement"], 1..2, rows);
    }
    let rows = shown.iter().map(|m| {
        let numbers = [
            text::value(&m.unit, m.baseline),
            text::value(&m.unit, m.candidate),
            text::change(&m.unit, m.change_ratio),
            text::interval(m),
        ];
        std::iter::once(code(&m.metric)).chain(numbers.iter().map(|n| cell(n))).chain([judged(m)]).collect()
    });
    table(&["metric", "baseline", "candidate", "change", "interval", "judgement"], 1..5, rows)
}

fn limits(w: &WorkloadReport) -> String {
    let state = |l| {
        let state = text::state(l);
        if state.starts_with("breached") { format!("**{state}**") } else { escape(&state) }
    };
    let rows = w
        .limits
        .iter()
        .map(|l| vec![escape(&text::limit(l)), cell(&text::value(&l.unit, l.value)), cell(&text::limit_interval(l)), state(l)]);
    let mut out = table(&["limit", "measured", "interval", "state"], 1..3, rows);
    if let Some(slo) = text::slo(w) {
        let _ = write!(out, "\nSLO: {}\n", escape(&slo));
    }
    out
}

fn not_judged(report: &Report, w: &WorkloadReport) -> String {
    let line = |(why, what): (String, Vec<String>)| format!("{}: {}", escape(&what.join(", ")), escape(&why));
    let rows: Vec<String> = text::not_judged(w).into_iter().map(line).collect();
    if report.verdict.is_none() || rows.is_empty() {
        return String::new();
    }
    format!("\nInconclusive or unmeasured, and why:\n{}", bullets(rows.into_iter()))
}

/// What changed on the server's side together with what regressed.
fn meanwhile(w: &WorkloadReport) -> String {
    let lines = bullets(w.why.iter().map(|line| escape(line)));
    if lines.is_empty() { lines } else { format!("\nMeanwhile (an explanation, no proof):\n{lines}") }
}

fn server_evidence(w: &WorkloadReport) -> String {
    let rows = server::rows(w).map(|[what, baseline, candidate]| vec![escape(&what), cell(&baseline), cell(&candidate)]);
    let rows = table(&["what the server said of itself", "baseline", "candidate"], 1..3, rows);
    w.server.as_ref().map_or_else(String::new, |s| format!("{rows}\n{}\n", escape(&server::how(s))))
}

fn everything(w: &WorkloadReport) -> String {
    let rows = w.metrics.iter().map(|m| {
        let numbers = [
            text::value(&m.unit, m.baseline),
            text::value(&m.unit, m.candidate),
            text::change(&m.unit, m.change_ratio),
            text::interval(m),
            text::probability(m.p),
            text::size(&m.unit, Some(m.minimum_relevant_change_ratio)),
            text::size(&m.unit, m.smallest_visible_change_ratio),
        ];
        let named = [code(&m.metric), escape(&m.class)].into_iter();
        named.chain(numbers.iter().map(|n| cell(n))).chain([escape(&text::judged(w, m))]).collect()
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
    let mut out = table(&header, 2..9, rows);
    if let Some(levels) = text::levels(w) {
        let _ = write!(out, "\nIntervals: {}.\n", escape(&levels));
    }
    out += &distributions(w);
    let rates = w.rates.iter().map(|r| vec![code(&r.metric), cell(&text::value(&r.unit, r.value))]);
    out += &table(&["rate or share", "value"], 1..2, rates);
    out
}

fn distributions(w: &WorkloadReport) -> String {
    let rows = w.distributions.iter().map(|d| {
        let numbers = text::statistics(d).map(|(_, x)| cell(&text::number(x)));
        std::iter::once(code(&d.timing)).chain(numbers).collect()
    });
    let names = w.distributions.first().map(|d| text::statistics(d).map(|(name, _)| name)).unwrap_or_default();
    let header: Vec<&str> = std::iter::once("ms").chain(names).collect();
    table(&header, 1..header.len(), rows)
}

fn client(report: &Report, w: &WorkloadReport) -> String {
    let mut facts = vec![("load", text::load(w)), ("requests", text::completed(w)), ("client", text::client(w))];
    facts.extend(w.baseline.iter().map(|b| ("baseline", text::baseline(b, &report.created))));
    facts.extend(w.comparison.iter().map(|c| ("judged", text::comparison(c))));
    facts.extend(text::server_start(w).map(|starts| ("starts", starts)));
    facts.extend(text::visible(w).map(|v| ("visible", v)));
    facts.extend(w.errors.iter().map(|e| ("error", text::error(e))));
    facts.extend(w.notes.iter().map(|n| ("note", n.clone())));
    facts.extend(w.gpu.iter().flat_map(super::gpu::lines).map(|line| ("GPU", line)));
    pairs(facts.iter().map(|(label, fact)| (escape(label), escape(fact))))
}

fn provenance(report: &Report) -> String {
    pairs(text::provenance(report).iter().map(|(label, fact)| (escape(label), code(fact))))
}

fn instructions(report: &Report) -> String {
    let mut out = String::from(
        "\nFrom the files that the gate has written beside this one:\n\n\
         ```sh\n\
         goodput-gate report report.json --format terminal   # or md, junit, json, csv\n\
         goodput-gate compare BASELINE record.json           # judges the stored measurement again, without a server\n\
         goodput-gate check                                  # measures again\n\
         ```\n\n\
         BASELINE is a record, a baseline file, or a folder of baseline files.\n",
    );
    let breached = report.workloads.iter().flat_map(|w| &w.limits).any(|l| l.state == "breached" && l.accepted.is_none());
    let regressed = report.workloads.iter().flat_map(|w| &w.metrics);
    if breached || regressed.into_iter().any(|m| m.judgement.as_deref() == Some("regressed") && m.accepted.is_none()) {
        out += "\nTo accept what is worse here, for a reason, until a day: beside this report\n\n\
                ```sh\ngoodput-gate accept --reason \"...\"\n```\n\n\
                writes baselines/accepted.json, which counts once it is on the base branch (its own pull request), up to the size that was seen here.\n";
    }
    if breached {
        out += "\nA limit that was never meant to hold is changed in the config.\n";
    }
    if report.verdict.is_some() {
        out += "\nIf this is how it should be from now on: merge, then add sessions to the baseline on the target branch and commit them.\n\n\
                ```sh\ngoodput-gate baseline update\n```\n";
    }
    out
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

fn pairs(facts: impl Iterator<Item = (String, String)>) -> String {
    table(&["what", "value"], 0..0, facts.map(|(label, fact)| vec![label, fact]))
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
