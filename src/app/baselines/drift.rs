//! Which sessions drift is judged by: the latest of the branch, and those of the anchor, which is
//! named, pinned, or the last release that sessions enough came after.
//!
//! Not here: judging (`evaluate`, `judge::drift`), pinning (`anchor`).

use anyhow::bail;

use super::anchor;
use crate::app::sessions::Found;
use crate::app::sessions::placed::on_lineage;
use crate::app::sessions::reviewed::{Reviewed, anchored, unread};
use crate::app::workspace::Workspace;
use crate::baseline::lineage::{Link, Repo};
use crate::clock::now;
use crate::compare::Placed;
use crate::config::{Config, Workload, did_you_mean};
use crate::evaluate::{self, Anchor, Question};
use crate::exit::ExitStatus;
use crate::judge;
use crate::judge::drift::LATEST;
use crate::lang::bilingual;
use crate::record::facts;
use crate::record::session::Session;
use crate::report::drift::{AnchorFound, DriftReport, SCHEMA, VERSION};

/// What is asked for.
pub struct Request<'a> {
    pub here: &'a Workspace,
    /// A commit, a tag or a session.
    pub anchor: Option<&'a str>,
    pub workload: Option<&'a str>,
    /// The base branch that was named.
    pub base: Option<&'a str>,
}

/// Every workload of the config, or the one that was named. Errors: no base, no such anchor or
/// workload.
pub fn judged(config: &Config, asked: &Request<'_>) -> anyhow::Result<(DriftReport, ExitStatus)> {
    let workloads = workloads(config, asked.workload)?;
    let (here, repo) = (asked.here, asked.here.repo(config)?);
    let wanted = here.wanted(asked.base);
    let found = Found::at(&repo, config, &wanted)?;
    let head = repo.head()?.link.commit;
    // Of the branch as it is now, and not as it was where a change left it.
    let tip = if found.base.on_base { head } else { found.base.tip.clone() };
    let links = repo.lineage_from(&tip)?;
    let main = on_lineage(found.files.values().cloned().collect(), &links);
    let Reviewed { accepted, anchor: pinned, .. } =
        Reviewed::read(&repo, config, &wanted, &links).candidate(&repo, Some(&tip));
    let told = match asked.anchor {
        Some(name) => Some(named(&repo, name, &links, &found)?),
        None => pinned,
    };
    let anchor = |workload: &&Workload| match &told {
        Some(anchor) => Ok(anchor.clone()),
        None => release(&repo, &workload.name, &main, &links, &found),
    };
    let anchors = workloads.iter().map(anchor).collect::<anyhow::Result<Vec<Anchor>>>()?;
    // What must be found is the method's, whatever `gate.detect` says; a size of a metric is its own.
    let policy = facts::policy(config);
    let judging: Vec<judge::Policy> =
        workloads.iter().map(|w| evaluate::policy_for(w, workloads.len())).collect();
    let questions: Vec<Question<'_>> = workloads
        .iter()
        .zip(&judging)
        .zip(&anchors)
        .map(|((workload, judging), anchor)| Question {
            workload: &workload.name,
            anchor,
            main: &main,
            accepted: &accepted,
            policy: &policy,
            judging,
        })
        .collect();
    let (workloads, verdict, exit) = evaluate::drifts(&questions);
    let report = DriftReport {
        schema: SCHEMA,
        version: VERSION,
        tool_version: env!("CARGO_PKG_VERSION").into(),
        created: now(),
        branch: found.base.name.clone(),
        verdict,
        exit_code: exit.code(),
        workloads,
    };
    Ok((report, exit))
}

fn workloads<'a>(config: &'a Config, asked: Option<&str>) -> anyhow::Result<Vec<&'a Workload>> {
    let Some(name) = asked else { return Ok(config.workloads.iter().collect()) };
    if let Some(found) = config.workloads.iter().find(|w| w.name == name) {
        return Ok(vec![found]);
    }
    let names: Vec<&str> = config.workloads.iter().map(|w| w.name.as_str()).collect();
    let what = bilingual!("no workload {name:?}\nhint: ", "워크로드 {name:?} 없음\n힌트: ");
    bail!(what.then(&did_you_mean(name, &names)))
}

fn named(repo: &Repo, name: &str, links: &[Link], found: &Found) -> anyhow::Result<Anchor> {
    let all: Vec<Session> = found.files.values().cloned().collect();
    let commit = anchor::commit(repo, name, &all)?;
    let point = unread(AnchorFound::Named, name).point;
    anchored(repo, point, &commit, links, found.files.clone())
}

/// The last release of the branch that sessions enough of the workload came after; else the last
/// one.
fn release(
    repo: &Repo,
    workload: &str,
    main: &[Placed],
    links: &[Link],
    found: &Found,
) -> anyhow::Result<Anchor> {
    let place = |commit: &str| {
        let at = links.iter().position(|l| l.commit == commit)?;
        u32::try_from(at).ok()
    };
    let mut tags: Vec<(u32, String, String)> = repo
        .releases()?
        .into_iter()
        .filter_map(|(name, commit)| Some((place(&commit)?, name, commit)))
        .collect();
    tags.sort();
    let since = |at: u32| {
        main.iter().filter(|(d, s)| s.workload == workload && d.is_some_and(|d| d < at)).count()
    };
    let settled = tags.iter().find(|(at, ..)| since(*at) >= LATEST).or(tags.first());
    let Some((_, name, commit)) = settled else {
        return Ok(unread(AnchorFound::Release, "-"));
    };
    let point = unread(AnchorFound::Release, name).point;
    anchored(repo, point, commit, links, found.files.clone())
}
