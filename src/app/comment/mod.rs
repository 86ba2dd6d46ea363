//! The trusted half for forks. Records are data from an untrusted job: read strictly, judged again
//! under this checkout's config and baselines, and posted to the pull request whose head is the
//! commit that the trusted event names.

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::attempts::{Judging, Kept, Ledger};
use super::error_text::cannot_use;
use super::gate::{self, Given};
use super::publish::{self, Post};
use super::sessions::Baselines;
use super::workspace::{Workspace, runner};
use crate::config::{Config, GateMode, Lang};
use crate::evaluate;
use crate::exit::ExitStatus;
use crate::github::event::{Ci, Slug, sha};
use crate::lang::{Explained as _, Text, bilingual};
use crate::record::facts::under;
use crate::record::{Record, WorkloadRecord, recompute};
use crate::report::Report;
use crate::report::comment as text;
use crate::report::comment::About;
use crate::report::notice::Notice;
use crate::verdict::Verdict;

mod change;
mod records;

use change::{GitHubAccess, Judged};
use records::OneRun;

/// Where attempts are kept for the next ones.
const OUT: &str = ".goodput-gate";
/// A matrix has fewer.
const MOST_RECORDS: usize = 32;
/// Events in which the job that measured is the same workflow's, and not a fork's.
const OWN_EVENTS: [&str; 5] =
    ["pull_request", "push", "merge_group", "schedule", "workflow_dispatch"];

/// What is posted, and where.
pub struct Comment<'a> {
    pub here: &'a Workspace,
    pub records: &'a [PathBuf],
    /// `OWNER/NAME`; else that of the workflow run.
    pub repository: Option<&'a str>,
    /// The commit under test; else that of the workflow run.
    pub commit: Option<&'a str>,
    /// The pull request; else the open ones whose head is the commit.
    pub pull: Option<u64>,
    /// The gate's name.
    pub gate: Option<&'a str>,
    /// Sessions that were named instead of the repository's.
    pub baseline: Option<&'a Path>,
    pub given: &'a Given,
    pub lang: Lang,
    /// Nothing is sent.
    pub dry_run: bool,
}

/// The comment where it was only to be made; none where it was sent. What went wrong with sending
/// it is said, and is no error.
pub fn comment(what: &Comment<'_>) -> anyhow::Result<Option<String>> {
    if what.records.len() > MOST_RECORDS {
        bail!(bilingual!(
            "{records} records are too many for one comment: at most {MOST_RECORDS}",
            "코멘트 하나에 레코드 {records}개는 너무 많음: 최대 {MOST_RECORDS}개",
            records = what.records.len()
        ));
    }
    let ci = what.here.workflow_run().cloned().unwrap_or_else(runner::outside);
    let gate = runner::gate_name(what.gate)?;
    let head = commit(what, &ci)?;
    let repository = repository(what, &ci)?;
    let token = runner::token();
    let own = gate::config(what.here, what.given)?;
    // What is no record is refused before anybody is asked anything.
    records::each(what.records, |_| Ok(()))?;
    let asked = GitHubAccess {
        ci: &ci,
        repository: repository.as_ref(),
        token: token.as_deref(),
        head: &head,
    };
    let judged = change::judged(what, &asked, own)?;
    let out = Path::new(OUT);
    let mut ledger = Ledger::of_commit(&ci, &head, what.repository, out, !what.dry_run);
    if !what.dry_run {
        ledger.ask_github(what.gate, what.pull);
    }
    let reports = reports(what, &judged, &head, &mut ledger)?;
    let about = about(&ci, &gate, &head, what.lang);
    // Never a success: what a stored record says has not been seen by this job.
    let post = Post { ci: &ci, gate, reports: &reports, about, trusted: false, pulls: Vec::new() };
    if what.dry_run {
        return Ok(Some(text::comment(&reports, &post.about, &publish::marker(&post))));
    }
    let repository = repository.ok_or_else(|| {
        bilingual!(
            "which repository? Name it with --repo OWNER/NAME",
            "저장소를 알 수 없음: --repo OWNER/NAME으로 지정하십시오"
        )
    })?;
    let token = token.ok_or_else(|| {
        bilingual!(
            "GITHUB_TOKEN is not set: the comment is posted with it (or with GOODPUT_GATE_TOKEN)",
            "GITHUB_TOKEN이 설정되지 않음: 코멘트를 올리는 데 필요 (또는 GOODPUT_GATE_TOKEN)"
        )
    })?;
    send(post, judged, &repository, &token);
    Ok(None)
}

/// The commit under test. Errors: it is none, or nobody names it.
fn commit(what: &Comment<'_>, ci: &Ci) -> Result<String, Text> {
    match what.commit {
        Some(text) => sha(text).ok_or_else(|| {
            bilingual!(
                "--sha is no commit: 40 hex digits are needed, a short hash is not enough",
                "--sha가 커밋이 아님: 16진수 40자리가 필요하고 짧은 해시로는 부족함"
            )
        }),
        None => ci.head_sha.clone().ok_or_else(|| {
            bilingual!(
                "which commit was measured? The environment does not say (workflow_run and pull_request events do), and a record is not asked: name it with --sha SHA",
                "측정한 커밋을 알 수 없음: 환경에 없고(workflow_run, pull_request 이벤트에는 있음) 레코드의 말은 믿지 않음. --sha SHA로 지정하십시오"
            )
        }),
    }
}

fn repository(what: &Comment<'_>, ci: &Ci) -> Result<Option<Slug>, Text> {
    let Some(text) = what.repository else { return Ok(ci.repository.clone()) };
    let named = Slug::parse(text).ok_or_else(|| {
        bilingual!(
            "--repo is no repository: OWNER/NAME is needed",
            "--repo가 저장소가 아님: OWNER/NAME 형식이 필요함"
        )
    })?;
    Ok(Some(named))
}

fn about(ci: &Ci, gate: &str, head: &str, lang: Lang) -> About {
    About {
        gate: Some(gate.to_owned()),
        head: Some(head.to_owned()),
        base: ci.base.sha.clone(),
        run_url: ci.run_url(),
        untrusted: ci.fork || !OWN_EVENTS.contains(&ci.event.as_str()),
        lang,
    }
}

fn send(mut post: Post<'_>, judged: Judged, repository: &Slug, token: &str) {
    let ci = post.ci;
    let told = publish::with_client(ci, repository, token, async |client| {
        let mut troubles = judged.troubles;
        match judged.pulls {
            Ok(found) => post.pulls = found,
            Err(why) => troubles.push(why),
        }
        troubles.extend(publish::send(client, &post).await);
        troubles
    });
    for line in told.unwrap_or_else(|why| vec![why]) {
        publish::notice(ci, &line);
    }
}

/// One report per record or pair of them, and one for workloads that should have been measured and
/// are in none of them.
fn reports(
    what: &Comment<'_>,
    against: &Judged,
    head: &str,
    ledger: &mut Ledger,
) -> anyhow::Result<Vec<Report>> {
    let config = &against.config;
    let baselines = Baselines::open(what.here, config, what.baseline, &against.wanted)?
        .candidate(what.here, config, head);
    let mut reports = Vec::new();
    records::each(what.records, |measured| {
        let path = measured.path.clone();
        let own_choice = measured.baseline.is_some() && config.gate.mode != GateMode::Interleaved;
        let mut report =
            judged(measured, config, &baselines, ledger).explained(|| cannot_use(&path))?;
        for workload in report
            .workloads
            .iter_mut()
            .filter(|w| config.workloads.iter().all(|c| c.name != w.name))
        {
            let warning = workload.codes.text(&Notice::NotConfigured);
            workload.warnings.push(warning);
        }
        // Where the trusted config's mode is another.
        let own_choice = own_choice.then_some(Notice::OwnChoice);
        report.notice(&against.notices);
        report.last_notices(own_choice.as_slice());
        report.last_notices(&baselines.notices);
        reports.push(report);
        Ok(())
    })?;
    reports.extend(unmeasured(config, &reports));
    Ok(reports)
}

/// Attempts are judged again as they come from their jobs, under the same config.
fn judged(
    measured: OneRun,
    config: &Config,
    baselines: &Baselines,
    ledger: &mut Ledger,
) -> anyhow::Result<Report> {
    let prepare = |kept: &mut Kept| prepared(config, baselines, kept);
    let known = |w: &WorkloadRecord| baselines.baseline(&w.name);
    let OneRun { baseline, candidate, .. } = measured;
    let judging = Judging { prepare: &prepare, known: &known };
    Ok(ledger.judge(&mut Kept { baseline, candidate }, judging)?.0)
}

fn prepared(config: &Config, baselines: &Baselines, kept: &mut Kept) -> anyhow::Result<()> {
    let Kept { baseline, candidate } = kept;
    for record in baseline.iter_mut().chain([&mut *candidate]) {
        under(config, record);
        recompute::findings(record)?;
    }
    if baseline.is_none() {
        return Ok(());
    }
    // What the noise is reckoned from is this repository's, too.
    for workload in &mut candidate.workloads {
        workload.history = baselines.past(workload, &config.gate.under_test);
    }
    planned(config, candidate)
}

/// Nor is it the measuring job that says how many start pairs were to be measured, and how many
/// starts a PASS needs: many pairs that were never meant ask for more than any evidence.
fn planned(config: &Config, candidate: &mut Record) -> anyhow::Result<()> {
    candidate.policy.min_starts = Some(config.gate.min_starts());
    let first = evaluate::Earlier::default();
    let plan = evaluate::planned(candidate, config.gate.max_pairs() as usize, &first)?;
    let sampled = candidate.pair.as_mut().filter(|pair| pair.starts_sampled);
    if let Some((pair, plan)) = sampled.zip(plan) {
        let pairs = u32::try_from(plan.pairs).unwrap_or(u32::MAX);
        (pair.planned_pairs, pair.most_starts) = (Some(pairs), pairs);
    }
    Ok(())
}

/// A change that leaves out the workload that it slows down must not pass.
fn unmeasured(config: &Config, reports: &[Report]) -> Option<Report> {
    let measured = |name: &str| reports.iter().flat_map(|r| &r.workloads).any(|w| w.name == name);
    let gone: Vec<&str> =
        config.workloads.iter().map(|w| w.name.as_str()).filter(|n| !measured(n)).collect();
    let first = reports.first().filter(|_| !gone.is_empty())?;
    let why =
        format!("in this repository's config and in none of the records: {}", gone.join(", "));
    let base = Report::unmeasured(
        &why,
        &first.tool_version,
        first.created.clone(),
        first.git.clone(),
        ExitStatus::CouldNotMeasure,
    );
    let headline = format!("{}: {why}", Verdict::Incomplete.word());
    Some(Report { verdict: Some(Verdict::Incomplete), headline, ..base })
}
