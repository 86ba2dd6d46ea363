//! `compare A B`: judges a stored record against stored sessions or another record, offline, as `check` would have.

use std::path::Path;

use super::evaluate::{self, Baseline, Ruled};
use super::reviewed::Reviewed;
use super::{base, baseline, drawn, facts, output, rank, setup};
use crate::baseline::lineage::Link;
use crate::baseline::store;
use crate::cli::{CompareArgs, ReportFormat, WorkloadArgs};
use crate::config::did_you_mean;
use crate::exit::ExitStatus;
use crate::judge::explain;
use crate::metric::{METHOD, Metric};
use crate::record::session::Session;
use crate::record::{GitFacts, Record, Role, WorkloadRecord};
use crate::verdict::Against;

pub fn run(args: &CompareArgs) -> anyhow::Result<ExitStatus> {
    if args.rank || !args.more.is_empty() {
        return rank::stored(args);
    }
    let explain = args.explain.iter().map(|name| judged_metric(name)).collect::<anyhow::Result<Vec<Metric>>>()?;
    let mut candidate = Record::parse(&output::read(&args.candidate)?)?;
    let other = other_side(&args.baseline, &candidate)?;
    if args.config.config.is_some() || !args.config.set.is_empty() {
        candidate.policy = facts::policy(&setup::config(&args.config, &WorkloadArgs::default())?);
    }
    let links = links(&candidate);
    let sessions = if other.is_none() { ordered(sessions(&args.baseline)?, &links) } else { Vec::new() };
    let reviewed = reviewed(args, &candidate, other.is_none().then_some(&links));
    let known = |w: &WorkloadRecord| of_workload(args, &sessions, &reviewed, w);
    let (ruled, charts) = match &other {
        Some(baseline) => (evaluate::paired(baseline, &candidate, known)?, drawn::beside_record(baseline, &candidate)?),
        None => (alone(args, &candidate, known)?, drawn::beside_sessions(&candidate, known)?),
    };
    let compared: Vec<(String, Against)> =
        ruled.iter().map(|(w, part, _)| (w.name.clone(), part.evidence.against.clone())).collect();
    let (mut report, exit) = evaluate::reported(&candidate, ruled)?;
    let lang = setup::lang_here(args.lang, args.config.config.as_deref());
    // First of all: what cannot be shown is refused before anything is written.
    let shown = match args.format {
        None | Some(ReportFormat::Terminal) => None,
        Some(format) => Some(super::report::rendered(&report, Some(&candidate), &charts, format, lang)?),
    };
    match shown {
        None => output::deliver(&args.out, &mut report, &charts, lang),
        Some(bytes) => {
            let unwritten = output::save_reports(&args.out, &report, &charts, lang);
            for line in &unwritten {
                output::say(&format!("note: {line}"));
            }
            output::told(output::print_bytes(&bytes));
        }
    }
    for (workload, against) in &compared {
        for metric in &explain {
            output::tell(&explanation(workload, against, *metric));
        }
    }
    Ok(exit)
}

/// The record's commit and its ancestors, where this repository knows it.
fn links(candidate: &Record) -> Vec<Link> {
    let found = || baseline::repo_of(Path::new("baselines")).ok()?.lineage_from(&candidate.git.as_ref()?.commit).ok();
    found().unwrap_or_default()
}

fn alone<'a>(
    args: &CompareArgs,
    candidate: &'a Record,
    of: impl Fn(&WorkloadRecord) -> Baseline + Copy,
) -> anyhow::Result<Vec<Ruled<'a>>> {
    let first = args.with.as_ref().map(|path| super::check::first_job(path, candidate.git.as_ref(), of)).transpose()?;
    if first.as_ref().is_some_and(|f| f.session == candidate.session) {
        anyhow::bail!("--with names the very record that is judged: two jobs are two measurements");
    }
    evaluate::alone(candidate, first.as_ref(), of)
}

fn of_workload(
    args: &CompareArgs,
    sessions: &[(Option<u32>, Session)],
    reviewed: &Reviewed,
    workload: &WorkloadRecord,
) -> Baseline {
    let mine = sessions.iter().filter(|(_, s)| s.workload == workload.name);
    Baseline {
        sessions: mine.cloned().collect(),
        missing: Some(format!("{} has none", args.baseline.display())),
        workloads: sessions.iter().map(|(_, s)| s.workload.clone()).collect(),
        from: None,
        accepted: reviewed.accepted.clone(),
        anchor: reviewed.anchor.clone(),
    }
}

/// What `check` would have honoured on the day of the measurement, where there are a repository and a config. `links`: those of the
/// record's commit; without them those of a check of HEAD.
fn reviewed(args: &CompareArgs, candidate: &Record, links: Option<&Vec<Link>>) -> Reviewed {
    let Ok(config) = setup::config(&args.config, &WorkloadArgs::default()) else { return Reviewed::default() };
    let Ok(repo) = baseline::repo_of(&config.baselines_dir) else { return Reviewed::default() };
    let wanted = base::wanted(None);
    let reviewed = match links {
        Some(links) => Reviewed::of(&repo, &config, &wanted, links),
        None => Reviewed::beside(&repo, &config, &wanted),
    };
    let mut reviewed = reviewed.candidate(&repo, candidate.git.as_ref().map(|git| git.commit.as_str()));
    for notice in &reviewed.notices {
        output::say(&format!("note: {notice}"));
    }
    reviewed.accepted.on = candidate.created.chars().take(10).collect();
    reviewed
}

/// As `check` would have had them, where this repository knows the record's commit: those of its lineage. Elsewhere all, oldest first.
fn ordered(mut sessions: Vec<Session>, links: &[Link]) -> Vec<(Option<u32>, Session)> {
    sessions.sort_by(|a, b| (&a.commit_date, &a.measured, &a.session).cmp(&(&b.commit_date, &b.measured, &b.session)));
    let found = baseline::on_lineage(sessions.clone(), links);
    if found.is_empty() {
        return sessions.into_iter().map(|s| (None, s)).collect();
    }
    let left = sessions.len() - found.len();
    if left > 0 {
        let all = sessions.len();
        output::say(&format!("note: {left} of {all} sessions are not on this record's lineage and are left out, as check does"));
    }
    found
}

/// The baseline's record of the run that the candidate is of, where both are of one interleaved run.
fn other_side(path: &Path, candidate: &Record) -> anyhow::Result<Option<Record>> {
    let role = |record: &Record| record.pair.as_ref().map(|p| p.side);
    if role(candidate) == Some(Role::Baseline) {
        anyhow::bail!(
            "the second record is the baseline's side of an interleaved run\nhint: the candidate comes second: goodput-gate compare baseline.json record.json"
        );
    }
    if role(candidate).is_none() || !path.is_file() {
        return Ok(None);
    }
    let text = output::read(path)?;
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

fn is_record(text: &str) -> bool {
    text.contains(crate::record::SCHEMA) && !text.contains(crate::record::session::SCHEMA)
}

/// Errors: the name is not that of a metric whose changes are judged.
fn judged_metric(name: &str) -> anyhow::Result<Metric> {
    let names: Vec<String> = METHOD.into_iter().map(Metric::name).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Metric::parse(name)
        .filter(|metric| METHOD.contains(metric))
        .ok_or_else(|| anyhow::anyhow!("--explain: no change of `{name}` is judged\n  hint: {}", did_you_mean(name, &names)))
}

fn explanation(workload: &str, against: &Against, metric: Metric) -> String {
    let steps = match against {
        Against::Compared(comparison) => explain::steps(comparison, metric),
        Against::LimitsOnly => Err("only limits were judged, nothing was compared".into()),
        Against::Missing(why) => Err(why.clone()),
        Against::Incomparable(differences) => {
            let differ: Vec<String> = differences.iter().map(ToString::to_string).collect();
            Err(format!("baselines exist, but of something else: {}", differ.join("; ")))
        }
    };
    match steps {
        Ok(steps) => format!("{workload}: how {metric} was judged\n{}", explain::render(&steps)),
        Err(why) => format!("{workload}: {metric} was not judged: {why}"),
    }
}

/// A record is one session; a baseline file or a folder of them is what it says.
pub fn sessions(path: &Path) -> anyhow::Result<Vec<Session>> {
    if path.is_file() {
        return sessions_of_text(path, &output::read(path)?);
    } else if !path.exists() {
        anyhow::bail!("no such file or folder: {}", path.display());
    }
    Ok(store::read_all(path)?)
}

/// Of a file that is at hand already; `path` is for messages only.
pub fn sessions_of_text(path: &Path, text: &str) -> anyhow::Result<Vec<Session>> {
    if is_record(text) {
        return Ok(record_sessions(&Record::parse(text)?));
    }
    Ok(vec![store::parse(path, text)?])
}

fn record_sessions(record: &Record) -> Vec<Session> {
    let unknown =
        || GitFacts { commit: "unknown".into(), tree: "unknown".into(), dirty: true, commit_date: record.created.clone() };
    let record = Record { git: Some(record.git.clone().unwrap_or_else(unknown)), ..record.clone() };
    record.workloads.iter().filter_map(|w| Session::from_record(&record, w)).collect()
}
