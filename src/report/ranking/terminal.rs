//! A ranking for people at a terminal: per workload a table of metrics by entrants, then the
//! hypotheses. Not here: which number is shown.

use std::fmt::Write as _;

use super::families::rows;
use super::{
    FamilyRanking, RankingReport, WorkloadRanking, headline, outcome, rank, server, value,
};
use crate::config::Lang;
use crate::report::labels::labels;
use crate::report::sweep::{BY_LEVEL, curve_name, heading, is_of, matters};
use crate::report::terminal::{folded, parted, ruled};
use crate::report::text;

/// Columns of a name's line: as wide as a value with its interval and rank.
const NAME: usize = 36;

/// `width`: of the terminal, in columns.
pub fn render(report: &RankingReport, width: u16, lang: Lang) -> String {
    let names: Vec<&str> = report.entrants.iter().map(|e| e.name.as_str()).collect();
    let mut out = String::new();
    for w in &report.workloads {
        out += &workload(report, w, &names, width, lang);
        out.push('\n');
    }
    for f in &report.families {
        out += &family(report, f, &names, width, lang);
        out.push('\n');
    }
    for h in &report.hypotheses {
        let says = h.says.as_deref().unwrap_or(&h.claim);
        let (name, workload, claim) =
            (text::plain(&h.name), text::plain(&h.workload), text::plain(&h.claim));
        let of = match lang {
            Lang::En => format!("{} of {workload}", text::title(&h.metric)),
            Lang::Ko => format!("{workload}의 {}", text::title(&h.metric)),
        };
        let _ = writeln!(out, "{name}: {} ({of}: {claim})", text::plain(says));
        let _ = writeln!(out, "    {}", outcome(h, &report.codes, lang));
    }
    if !report.hypotheses.is_empty() {
        out.push('\n');
    }
    let rows = report.entrants.iter().map(|e| {
        let commit = e.commit.as_deref().map_or(text::ABSENT.into(), text::short);
        vec![
            folded(&text::plain(&e.name), NAME),
            server(e),
            commit,
            text::plain(&e.session),
            text::plain(&e.created),
        ]
    });
    let l = labels(lang);
    out += &ruled(&["", l.server, l.commit, l.session, l.created], rows, 0..0, width);
    out.extend(headline(report, lang).map(|line| format!("\n{line}")));
    out.trim_end().to_owned()
}

/// The curve that the knees are of as a table, then what each knee means.
fn family(
    report: &RankingReport,
    f: &FamilyRanking,
    names: &[&str],
    width: u16,
    lang: Lang,
) -> String {
    let t = |english: &str| report.codes.say(lang, english);
    let mut out = heading(&text::plain(&f.family), f.axis, lang) + "\n";
    let known =
        || names.iter().zip(&f.curves).filter_map(|(name, curve)| Some((name, curve.as_ref()?)));
    let curve =
        known().find_map(|(_, sweep)| BY_LEVEL.iter().find(|(title, ..)| is_of(sweep, title)));
    if let Some((curved, rows)) = curve.and_then(|curved| Some((curved, rows(f, curved)?))) {
        let _ = writeln!(out, "{}", curve_name(curved.0, lang));
        out += &side_by_side(labels(lang).level, names, &rows, width);
    }
    for (name, sweep) in known() {
        let _ = writeln!(out, "{}: {}", text::plain(name), matters(sweep, lang));
    }
    for note in &f.notes {
        let _ = writeln!(
            out,
            "{}",
            format_args!("{}: {}", labels(lang).not_in_a_curve, t(&text::plain(note)))
        );
    }
    out
}

/// A column for each name, beside the first.
fn side_by_side(first: &str, names: &[&str], rows: &[Vec<String>], width: u16) -> String {
    let folded: Vec<String> = names.iter().map(|name| folded(&text::plain(name), NAME)).collect();
    let header: Vec<&str> =
        std::iter::once(first).chain(folded.iter().map(String::as_str)).collect();
    parted(&header, rows, 1..header.len(), width)
}

fn workload(
    report: &RankingReport,
    w: &WorkloadRanking,
    names: &[&str],
    width: u16,
    lang: Lang,
) -> String {
    let t = |english: &str| report.codes.say(lang, english);
    let l = labels(lang);
    let mut out = format!("{}: {}\n", text::plain(&w.name), t(&text::plain(&w.load)));
    let starts = w.starts.iter().map(u32::to_string);
    let rows = w.metrics.iter().map(|m| {
        let cells = m.places.iter().map(|p| match rank(p, lang) {
            Some(rank) => format!("{rank}. {}", value(&m.unit, p, lang)),
            None => value(&m.unit, p, lang),
        });
        std::iter::once(text::title(&m.metric)).chain(cells).collect()
    });
    let starts =
        std::iter::once(std::iter::once(l.server_starts.to_owned()).chain(starts).collect());
    out += &side_by_side(l.metric, names, &starts.chain(rows).collect::<Vec<_>>(), width);
    for (name, why) in
        names.iter().zip(&w.unfit).filter_map(|(name, why)| Some((name, why.as_ref()?)))
    {
        let _ = writeln!(out, "{}: {}: {}", l.not_ranked, text::plain(name), t(&text::plain(why)));
    }
    if !w.unmeasured.is_empty() {
        let _ = writeln!(out, "{}: {}", l.unmeasured, text::titles(&w.unmeasured));
    }
    for warning in &w.warnings {
        let _ = writeln!(out, "{}: {}", l.warning, t(&text::plain(warning)));
    }
    out
}
