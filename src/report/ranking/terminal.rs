//! A ranking for people at a terminal: per workload a table of metrics by entrants, then the hypotheses. Not here: which number is shown.

use std::fmt::Write as _;

use super::{RankingReport, WorkloadRanking, outcome, rank, server, value};
use crate::report::terminal::ruled;
use crate::report::text;

/// Tables stay whole: `width` columns only decide how much room is between theirs.
pub fn render(report: &RankingReport, width: u16) -> String {
    let names: Vec<&str> = report.entrants.iter().map(|e| e.name.as_str()).collect();
    let mut out = String::new();
    for w in &report.workloads {
        out += &workload(w, &names, width);
        out.push('\n');
    }
    for h in &report.hypotheses {
        let says = h.says.as_deref().unwrap_or(&h.claim);
        let _ = writeln!(
            out,
            "{}: {} ({} of {}: {})",
            text::plain(&h.name),
            text::plain(says),
            h.metric,
            text::plain(&h.workload),
            text::plain(&h.claim)
        );
        let _ = writeln!(out, "    {}", outcome(h));
    }
    if !report.hypotheses.is_empty() {
        out.push('\n');
    }
    let rows = report.entrants.iter().map(|e| {
        let commit = e.commit.as_deref().map_or(text::ABSENT.into(), text::short);
        vec![text::plain(&e.name), server(e), commit, text::plain(&e.session), text::plain(&e.created)]
    });
    out += &ruled(&["", "server", "commit", "session", "measured"], rows, 0..0, width);
    out.trim_end().to_owned()
}

fn workload(w: &WorkloadRanking, names: &[&str], width: u16) -> String {
    let mut out = format!("{}: {}\n", text::plain(&w.name), text::plain(&w.load));
    let starts: Vec<String> = w.starts.iter().map(u32::to_string).collect();
    let header: Vec<String> = std::iter::once("metric".to_owned()).chain(names.iter().map(|n| text::plain(n))).collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = w.metrics.iter().map(|m| {
        let cells = m.places.iter().map(|p| match rank(p) {
            Some(rank) => format!("{rank}. {}", value(&m.unit, p)),
            None => value(&m.unit, p),
        });
        std::iter::once(m.metric.clone()).chain(cells).collect()
    });
    let starts = std::iter::once(std::iter::once("server starts".to_owned()).chain(starts).collect::<Vec<_>>());
    out += &ruled(&header, starts.chain(rows), 1..header.len(), width);
    for (name, why) in names.iter().zip(&w.unfit).filter_map(|(name, why)| Some((name, why.as_ref()?))) {
        let _ = writeln!(out, "not ranked: {}: {}", text::plain(name), text::plain(why));
    }
    if !w.unmeasured.is_empty() {
        let _ = writeln!(out, "unmeasured: {}", w.unmeasured.join(", "));
    }
    for warning in &w.warnings {
        let _ = writeln!(out, "warning: {}", text::plain(warning));
    }
    out
}
