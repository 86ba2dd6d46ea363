//! `comment RECORD...`: the trusted half for forks. Records are data from an untrusted job: read strictly, judged again under this
//! checkout's config and baselines, and posted to the pull request whose head is the commit that the trusted event names.

use anyhow::{Context as _, bail};

use super::attempts::Ledger;
use super::baseline::Baselines;
use super::publish::{self, Post};
use super::{evaluate, facts, output, setup};
use crate::cli::{CommentArgs, WorkloadArgs};
use crate::config::{Config, GateMode};
use crate::exit::ExitStatus;
use crate::github::event::{Slug, sha};
use crate::record::{Record, Slo, WorkloadRecord, recompute};
use crate::report::Report;
use crate::report::comment as text;
use crate::report::comment::About;
use crate::verdict::Verdict;
use crate::visible::one_line;

mod change;
mod records;

use change::{Asked, Judged};
use records::Measured;

/// A matrix has fewer.
const MOST_RECORDS: usize = 32;
/// Where the trusted config's mode is another.
const OWN_CHOICE: &str = "this run was interleaved, and this repository's config is not: what it was compared with is the measuring job's own \
     choice, and no committed baseline was looked at";
/// Events in which the job that measured is the same workflow's, and not a fork's.
const OWN_EVENTS: [&str; 5] = ["pull_request", "push", "merge_group", "schedule", "workflow_dispatch"];

pub fn run(args: &CommentArgs) -> anyhow::Result<ExitStatus> {
    if args.records.len() > MOST_RECORDS {
        bail!("{} records are too many for one comment: at most {MOST_RECORDS}", args.records.len());
    }
    let ci = publish::workflow_run().unwrap_or_else(publish::outside);
    let gate = publish::gate_name(args.name.as_deref()).map_err(anyhow::Error::msg)?;
    let head = match &args.sha {
        Some(text) => sha(text).context("--sha is no commit: 40 hex digits are needed, a short hash is not enough")?,
        None => ci.head_sha.clone().context(
            "which commit was measured? The environment does not say (workflow_run and pull_request events do), and a record is not asked: name it with --sha SHA",
        )?,
    };
    let repository = match &args.repo {
        Some(text) => Some(Slug::parse(text).context("--repo is no repository: OWNER/NAME is needed")?),
        None => ci.repository.clone(),
    };
    let token = publish::token();
    let own = setup::config(&args.config, &WorkloadArgs::default())?;
    // What is no record is refused before anybody is asked anything.
    records::each(&args.records, |_| Ok(()))?;
    let asked = Asked { ci: &ci, repository: repository.as_ref(), token: token.as_deref(), head: &head };
    let mut judged = change::judged(args, &asked, own)?;
    let mut ledger = Ledger::of_commit(&ci, &head, args.repo.as_deref());
    if !args.dry_run {
        ledger.ask_github(args.name.as_deref(), args.pr);
    }
    let reports = reports(args, &judged, &head, &ledger)?;
    let config = &judged.config;
    let untrusted = ci.fork || !OWN_EVENTS.contains(&ci.event.as_str());
    let lang = setup::lang(args.lang, config);
    let about = About {
        gate: Some(gate.clone()),
        head: Some(head.clone()),
        base: ci.base.sha.clone(),
        run_url: ci.run_url(),
        untrusted,
        lang,
    };
    // Never a success: what a stored record says has not been seen by this job.
    let mut post = Post { ci: &ci, gate, reports: &reports, about, trusted: false, pulls: Vec::new() };
    if args.dry_run {
        output::print(&text::comment(&reports, &post.about, &publish::marker(&post)))?;
        return Ok(ExitStatus::Pass);
    }
    let repository = repository.context("which repository? Name it with --repo OWNER/NAME")?;
    let token = token.context("GITHUB_TOKEN is not set: the comment is posted with it (or with GOODPUT_GATE_TOKEN)")?;
    let told = publish::with_client(&ci, &repository, &token, async |client| {
        let mut troubles = std::mem::take(&mut judged.troubles);
        match &judged.pulls {
            Ok(found) => post.pulls.clone_from(found),
            Err(why) => troubles.push(why.clone()),
        }
        troubles.extend(publish::send(client, &post).await);
        troubles
    });
    for line in told.unwrap_or_else(|why| vec![why]) {
        publish::notice(&ci, &line);
    }
    Ok(ExitStatus::Pass)
}

/// One report per record or pair of them, and one for workloads that should have been measured and are in none of them.
fn reports(args: &CommentArgs, against: &Judged, head: &str, ledger: &Ledger) -> anyhow::Result<Vec<Report>> {
    let config = &against.config;
    let baselines = Baselines::open(config, args.baseline.as_deref(), &against.wanted)?.candidate(config, head);
    let mut reports = Vec::new();
    records::each(&args.records, |measured| {
        let path = measured.path.clone();
        let own_choice = measured.baseline.is_some() && config.gate.mode != GateMode::Interleaved;
        let mut report = judged(measured, config, &baselines, ledger)
            .map_err(|e| anyhow::anyhow!("cannot use {}: {}", path.display(), one_line(&format!("{e:#}"))))?;
        for workload in report.workloads.iter_mut().filter(|w| config.workloads.iter().all(|c| c.name != w.name)) {
            workload.warnings.push("not in this repository's config: judged without limits and SLOs".into());
        }
        report.notices.splice(0..0, against.notices.iter().cloned());
        report.notices.extend(own_choice.then(|| OWN_CHOICE.to_owned()));
        report.notices.extend(baselines.notices.iter().cloned());
        reports.push(report);
        Ok(())
    })?;
    reports.extend(unmeasured(config, &reports));
    Ok(reports)
}

fn judged(mut measured: Measured, config: &Config, baselines: &Baselines, ledger: &Ledger) -> anyhow::Result<Report> {
    for record in measured.baseline.iter_mut().chain([&mut measured.candidate]) {
        under(config, record);
        recompute::findings(record)?;
    }
    let Measured { baseline, mut candidate, .. } = measured;
    let parts = match &baseline {
        Some(baseline) => {
            // What the noise is reckoned from is this repository's, too.
            for workload in &mut candidate.workloads {
                workload.history = baselines.past(workload, &config.gate.under_test);
            }
            evaluate::paired(baseline, &candidate, |w| baselines.of(&w.name))?
        }
        None => evaluate::alone(&candidate, None, |w| baselines.of(&w.name))?,
    };
    Ok(ledger.report(&candidate, parts)?.0)
}

/// What the trusted config says replaces what the record says of the same: a change must not loosen the gate that judges it.
fn under(config: &Config, record: &mut Record) {
    record.policy = facts::policy(config);
    for workload in &mut record.workloads {
        let own = config.workloads.iter().find(|w| w.name == workload.name);
        let (slo, limits, regressions) = own.map_or_else(Default::default, |w| {
            let changes = w.regressions.iter().map(|(m, r)| (m.name(), (*r).into())).collect();
            (Slo::from(w.slo), w.limits.iter().map(facts::limit_record).collect(), changes)
        });
        *workload = WorkloadRecord { slo, limits, regressions, ..workload.clone() };
    }
}

/// A change that leaves out the workload that it slows down must not pass.
fn unmeasured(config: &Config, reports: &[Report]) -> Option<Report> {
    let measured = |name: &str| reports.iter().flat_map(|r| &r.workloads).any(|w| w.name == name);
    let gone: Vec<&str> = config.workloads.iter().map(|w| w.name.as_str()).filter(|n| !measured(n)).collect();
    let first = reports.first().filter(|_| !gone.is_empty())?;
    let why = format!("in this repository's config and in none of the records: {}", gone.join(", "));
    let base =
        Report::unmeasured(&why, &first.tool_version, first.created.clone(), first.git.clone(), ExitStatus::CouldNotMeasure);
    let headline = format!("{}: {why}", Verdict::Incomplete.word());
    Some(Report { verdict: Some(Verdict::Incomplete), headline, ..base })
}
