//! Where a report comes from. Not here: what it says.

use super::{plain, short};
use crate::config::Lang;
use crate::measure::seen::gpu::Unwatched;
use crate::report::labels::labels;
use crate::report::{Report, WorkloadReport, say};

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
    let shared = |field: &str, value: &str| {
        let same = |w: &WorkloadReport| w.fingerprint.0.get(field).is_some_and(|v| v == value);
        report.workloads.iter().all(same)
    };
    let of_all = report.workloads.first().into_iter().flat_map(|w| &w.fingerprint.0);
    let of_all = of_all.filter(|(field, value)| shared(field, value));
    facts.extend(of_all.map(|(field, value)| (field.clone(), value.clone())));
    for w in &report.workloads {
        let of = |what: &str| {
            if report.workloads.len() > 1 { format!("{}: {what}", w.name) } else { what.to_owned() }
        };
        let own = w.fingerprint.0.iter().filter(|(field, value)| !shared(field, value));
        facts.extend(own.map(|(field, value)| (of(field), value.clone())));
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
pub fn commit(report: &Report, lang: Lang) -> Option<String> {
    let git = report.git.as_ref()?;
    let dirty = match lang {
        _ if !git.dirty => "",
        Lang::En => " with uncommitted changes",
        Lang::Ko => ", 커밋되지 않은 변경 있음",
    };
    Some(format!("{}{dirty}", short(&git.commit)))
}
