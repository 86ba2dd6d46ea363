//! A stored record judged offline, against stored sessions or another record, as `check` would
//! have.
//!
//! Not here: several records side by side (`ranking`).

use std::path::Path;

use super::artefacts;
use super::gate::{self, Given};
use super::sentence;
use super::sessions::files::{is_record, sessions};
use super::sessions::placed::on_lineage;
use super::sessions::reviewed::Reviewed;
use super::workspace::Workspace;
use crate::baseline::lineage::Link;
use crate::compare::reason::NoBaseline;
use crate::config::did_you_mean;
use crate::evaluate::{self, Baseline, Earlier};
use crate::exit::ExitStatus;
use crate::judge::explain;
use crate::lang::bilingual;
use crate::metric::{METHOD, Metric};
use crate::print::note;
use crate::record::facts::policy;
use crate::record::session::Session;
use crate::record::{Record, Role, WorkloadRecord};
use crate::report::Report;
use crate::report::page::charts::{Charts, charts};
use crate::verdict::{Against, Reason};

/// What is compared.
pub struct Compare<'a> {
    pub here: &'a Workspace,
    /// A record, a baseline file, or a folder of baseline files.
    pub baseline: &'a Path,
    /// A record.
    pub candidate: &'a Path,
    pub given: &'a Given,
}

/// What came of it.
pub struct Compared {
    pub candidate: Record,
    pub report: Report,
    pub exit: ExitStatus,
    pub charts: Vec<Charts>,
    /// Of each workload, what it was compared with.
    pub against: Vec<(String, Against)>,
}

/// Errors: a file that cannot be read, or is of something else.
pub fn compare(what: &Compare<'_>) -> anyhow::Result<Compared> {
    let mut candidate = Record::parse(&artefacts::read(what.candidate)?)?;
    let other = other_side(what.baseline, &candidate)?;
    if what.given.file.is_some() || !what.given.set.is_empty() {
        candidate.policy = policy(&gate::config(what.here, what.given)?);
    }
    let links = links(what.here, &candidate);
    let sessions =
        if other.is_none() { ordered(sessions(what.baseline)?, &links) } else { Vec::new() };
    let reviewed = reviewed(what, &candidate, other.is_none().then_some(&links));
    let baseline = |w: &WorkloadRecord| baseline(what, &sessions, &reviewed, w);
    let ruled = match &other {
        Some(other) => evaluate::paired(other, &candidate, &Earlier::default(), baseline)?,
        None => evaluate::alone(&candidate, &Earlier::default(), baseline)?,
    };
    let against =
        ruled.iter().map(|(w, part, _)| (w.name.clone(), part.evidence.against.clone())).collect();
    let (report, exit) = evaluate::reported(&candidate, ruled)?;
    let charts = charts(&candidate, &report)?;
    Ok(Compared { candidate, report, exit, charts, against })
}

/// The record's commit and its ancestors, where this repository knows it.
fn links(here: &Workspace, candidate: &Record) -> Vec<Link> {
    let found = || {
        here.repo_with(Path::new("baselines"))
            .ok()?
            .lineage_from(&candidate.git.as_ref()?.commit)
            .ok()
    };
    found().unwrap_or_default()
}

fn baseline(
    what: &Compare<'_>,
    sessions: &[(Option<u32>, Session)],
    reviewed: &Reviewed,
    workload: &WorkloadRecord,
) -> Baseline {
    let mine = sessions.iter().filter(|(_, s)| s.workload == workload.name);
    Baseline {
        sessions: mine.cloned().collect(),
        missing: Some(NoBaseline::Path(what.baseline.display().to_string())),
        workloads: sessions.iter().map(|(_, s)| s.workload.clone()).collect(),
        from: None,
        accepted: reviewed.accepted.clone(),
    }
}

/// What `check` would have honoured on the day of the measurement, where there are a repository and
/// a config. `links`: those of the record's commit; without them those of a check of HEAD.
fn reviewed(what: &Compare<'_>, candidate: &Record, links: Option<&Vec<Link>>) -> Reviewed {
    let Ok(config) = gate::config(what.here, what.given) else { return Reviewed::default() };
    let Ok(repo) = what.here.repo_with(&config.baselines_dir) else { return Reviewed::default() };
    let wanted = what.here.wanted(None);
    let reviewed = match links {
        Some(links) => Reviewed::read(&repo, &config, &wanted, links),
        None => Reviewed::beside(&repo, &config, &wanted),
    };
    let mut reviewed =
        reviewed.candidate(&repo, candidate.git.as_ref().map(|git| git.commit.as_str()));
    for notice in &reviewed.notices {
        note(&sentence::notice(notice));
    }
    reviewed.accepted.on = candidate.created.chars().take(10).collect();
    reviewed
}

/// As `check` would have had them, where this repository knows the record's commit: those of its
/// lineage. Elsewhere all, oldest first.
fn ordered(mut sessions: Vec<Session>, links: &[Link]) -> Vec<(Option<u32>, Session)> {
    sessions.sort_by(|a, b| {
        (&a.commit_date, &a.measured, &a.session).cmp(&(&b.commit_date, &b.measured, &b.session))
    });
    let found = on_lineage(sessions.clone(), links);
    if found.is_empty() {
        return sessions.into_iter().map(|s| (None, s)).collect();
    }
    let left = sessions.len() - found.len();
    if left > 0 {
        let all = sessions.len();
        note(&bilingual!(
            "{left} of {all} sessions are not on this record's lineage and are left out, as check does",
            "세션 {all}개 중 {left}개는 이 레코드의 계보에 없어 check와 같이 제외"
        ));
    }
    found
}

/// The baseline's record of the run that the candidate is of, where both are of one interleaved
/// run.
fn other_side(path: &Path, candidate: &Record) -> anyhow::Result<Option<Record>> {
    let role = |record: &Record| record.pair.as_ref().map(|p| p.side);
    if role(candidate) == Some(Role::Baseline) {
        anyhow::bail!(bilingual!(
            "the second record is the baseline's side of an interleaved run\nhint: this change comes second: goodput-gate compare baseline.json record.json",
            "두 번째 레코드가 교차 측정의 기준선 쪽임\n힌트: 이 변경의 레코드를 두 번째에 쓰십시오: goodput-gate compare baseline.json record.json"
        ));
    }
    if role(candidate).is_none() || !path.is_file() {
        return Ok(None);
    }
    let text = artefacts::read(path)?;
    if !is_record(&text) {
        return Ok(None);
    }
    let baseline = Record::parse(&text)?;
    if role(&baseline) != Some(Role::Baseline) {
        return Ok(None);
    }
    evaluate::of_one_run(&baseline, candidate)?;
    Ok(Some(baseline))
}

/// Errors: the name is not that of a metric whose changes are judged.
pub fn judged_metric(name: &str) -> anyhow::Result<Metric> {
    let names: Vec<String> = METHOD.into_iter().map(Metric::name).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Metric::parse(name).filter(|metric| METHOD.contains(metric)).ok_or_else(|| {
        let hint = did_you_mean(name, &names);
        anyhow::anyhow!(
            bilingual!(
                "--explain: no change of `{name}` is judged\n  hint: ",
                "--explain: `{name}`의 변화는 판정 대상이 아님\n  힌트: "
            )
            .then(&hint)
        )
    })
}

/// How a metric of a workload was judged, step by step.
pub fn explanation(workload: &str, against: &Against, metric: Metric) -> String {
    let steps = match against {
        Against::Compared(comparison) => explain::steps(comparison, metric),
        Against::LimitsOnly => Err("only limits were judged, nothing was compared".into()),
        Against::Missing(why) => Err(why.to_string()),
        Against::Incomparable(differences) => {
            Err(Reason::Incomparable { differences: differences.clone() }.to_string())
        }
    };
    match steps {
        Ok(steps) => format!("{workload}: how {metric} was judged\n{}", explain::render(&steps)),
        Err(why) => format!("{workload}: {metric} was not judged: {why}"),
    }
}
