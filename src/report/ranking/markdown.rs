//! A ranking as GitHub-flavoured Markdown. Every text that is not a constant of this file is
//! escaped. Not here: which number is shown.

use std::fmt::Write as _;

use super::families::rows;
use super::{
    FamilyRanking, RankingReport, WorkloadRanking, headline, outcome, rank, server, value,
};
use crate::config::Lang;
use crate::report::labels::{capitalised, labels};
use crate::report::markdown::escape::{code, escape};
use crate::report::markdown::{cell, folded, table, with_key};
use crate::report::sweep::{BY_LEVEL, curve_name, heading, matters};
use crate::report::text;

pub fn render(report: &RankingReport, lang: Lang) -> String {
    let l = labels(lang);
    let names: Vec<String> = report.entrants.iter().map(|e| code(&e.name)).collect();
    let mut out = headline(report, lang)
        .map_or_else(String::new, |line| format!("\n**{}**\n", escape(&line)));
    out.extend(report.families.iter().map(|f| family(report, f, &names, lang)));
    out.extend(report.workloads.iter().map(|w| workload(report, w, &names, lang)));
    if !report.hypotheses.is_empty() {
        let rows = report.hypotheses.iter().map(|h| {
            let says = h.says.as_deref().map_or_else(String::new, escape);
            vec![
                escape(&h.name),
                says,
                match lang {
                    Lang::En => {
                        format!("{} of {}: {}", code(&h.metric), code(&h.workload), code(&h.claim))
                    }
                    Lang::Ko => {
                        format!("{}의 {}: {}", code(&h.workload), code(&h.metric), code(&h.claim))
                    }
                },
                escape(&outcome(h, &report.codes, lang)),
            ]
        });
        let _ = write!(
            out,
            "\n### {}\n{}",
            l.hypotheses,
            table(&["", l.says, l.claim, l.outcome], 0..0, rows)
        );
    }
    let rows = report.entrants.iter().map(|e| {
        let commit = e.commit.as_deref().map_or(text::ABSENT.into(), |c| code(&text::short(c)));
        vec![code(&e.name), escape(&server(e)), commit, escape(&e.session), escape(&e.created)]
    });
    let _ = write!(
        out,
        "\n### {}\n{}",
        l.provenance,
        table(&["", l.server, l.commit, l.session, l.created], 0..0, rows)
    );
    out
}

/// What each knee means, then every curve as a table.
fn family(report: &RankingReport, f: &FamilyRanking, names: &[String], lang: Lang) -> String {
    let mut out = format!("\n### {}\n\n", heading(&code(&f.family), f.axis, lang));
    for (e, sweep) in
        report.entrants.iter().zip(&f.curves).filter_map(|(e, curve)| Some((e, curve.as_ref()?)))
    {
        let _ = writeln!(out, "- {}: {}", code(&e.name), escape(&matters(sweep, lang)));
    }
    for note in &f.notes {
        let _ = write!(
            out,
            "\n{}\n",
            escape(&format!(
                "{}: {}",
                capitalised(labels(lang).not_in_a_curve),
                report.codes.say(lang, note)
            ))
        );
    }
    let header: Vec<&str> =
        std::iter::once(labels(lang).level).chain(names.iter().map(String::as_str)).collect();
    let tables =
        BY_LEVEL.iter().filter_map(|curved| Some((curve_name(curved.0, lang), rows(f, curved)?)));
    let each = tables.map(|(title, rows)| {
        let rows = rows.into_iter().map(|row| row.iter().map(|c| cell(c)).collect());
        format!("\n**{title}**\n{}", table(&header, 0..header.len(), rows))
    });
    out + &folded(labels(lang).by_level, &each.collect::<String>())
}

fn workload(report: &RankingReport, w: &WorkloadRanking, names: &[String], lang: Lang) -> String {
    let t = |english: &str| report.codes.say(lang, english);
    let l = labels(lang);
    let mut out = format!("\n### {}\n\n{}\n", code(&w.name), escape(&t(&w.load)));
    let header: Vec<&str> =
        std::iter::once(l.metric).chain(names.iter().map(String::as_str)).collect();
    let starts = std::iter::once(l.server_starts.to_owned())
        .chain(w.starts.iter().map(u32::to_string))
        .collect::<Vec<_>>();
    let rows = w.metrics.iter().map(|m| {
        let cells = m.places.iter().map(|p| match rank(p, lang) {
            Some(rank) => format!("**{}.** {}", escape(&rank), escape(&value(&m.unit, p, lang))),
            None => escape(&value(&m.unit, p, lang)),
        });
        std::iter::once(with_key(&m.metric)).chain(cells).collect::<Vec<_>>()
    });
    out += &table(&header, 1..header.len(), std::iter::once(starts).chain(rows));
    for (name, why) in
        names.iter().zip(&w.unfit).filter_map(|(name, why)| Some((name, why.as_ref()?)))
    {
        let _ = write!(out, "\n{}: {name}: {}\n", capitalised(l.not_ranked), escape(&t(why)));
    }
    if !w.unmeasured.is_empty() {
        let _ = write!(
            out,
            "\n{}: {}\n",
            capitalised(l.unmeasured),
            escape(&text::titles(&w.unmeasured))
        );
    }
    for warning in &w.warnings {
        let _ = write!(out, "\n{}: {}\n", capitalised(l.warning), escape(&t(warning)));
    }
    out
}
