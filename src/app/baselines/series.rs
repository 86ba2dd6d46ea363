//! The history of a branch as values, for programs: each metric over the sessions, where its level
//! moved, and the sessions of a commit. Not here: the same in words (`history`).

use serde::Serialize;

use super::history::{Request, Sessions, metrics};
use crate::app::workspace::{Workspace, baselines_folder};
use crate::baseline::store;
use crate::config::Config;
use crate::record::session::Session;
use crate::report::history::{self, History};

#[derive(Clone, Debug, Serialize)]
pub struct BranchSeries {
    pub branch: String,
    pub workloads: Vec<WorkloadSeries>,
}

#[derive(Clone, Debug, Serialize)]
pub struct WorkloadSeries {
    pub name: String,
    /// Sessions that cannot be compared with the newest, or are copies.
    pub left_out: usize,
    pub metrics: Vec<MetricSeries>,
}

#[derive(Clone, Debug, Serialize)]
pub struct MetricSeries {
    /// Name without unit.
    pub metric: String,
    pub unit: &'static str,
    /// `lower` or `higher` is better.
    pub better: &'static str,
    /// Oldest first.
    pub points: Vec<Point>,
    /// Sessions without it.
    pub unmeasured: usize,
    pub moved: Vec<Move>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Point {
    pub session: String,
    pub commit: String,
    /// RFC 3339, UTC; also when it was measured, where that is known.
    pub commit_date: String,
    pub measured: Option<String>,
    pub value: f64,
}

/// Where a level begins.
#[derive(Clone, Debug, Serialize)]
pub struct Move {
    pub commit: String,
    /// Of `points`.
    pub index: usize,
    /// Of the permutation test.
    pub p: f64,
    /// From the mean of the level before to that of the new one.
    pub step: String,
}

/// A session as it is listed.
#[derive(Clone, Debug, Serialize)]
pub struct SessionEntry {
    pub workload: String,
    pub session: String,
    pub commit: String,
    pub commit_date: String,
    pub measured: Option<String>,
    /// Of the kind of measurement: only those of one key may be compared.
    pub fingerprint: String,
    pub starts: usize,
    /// All rounds together: the metric's name with its unit.
    pub values: std::collections::BTreeMap<String, f64>,
}

/// Errors: no repository, no base, or no session of the workload that was named.
pub fn series(config: &Config, asked: &Request<'_>) -> anyhow::Result<BranchSeries> {
    let metrics = metrics(asked.metric)?;
    let branch = Sessions::read(config, asked)?;
    let workloads = branch.workloads(config, &metrics);
    Ok(BranchSeries {
        workloads: workloads.iter().map(workload).collect(),
        branch: branch.branch.clone(),
    })
}

fn workload(shown: &history::Workload<'_>) -> WorkloadSeries {
    WorkloadSeries {
        name: shown.name.clone(),
        left_out: shown.left_out,
        metrics: shown.histories.iter().map(metric).collect(),
    }
}

fn metric(history: &History<'_>) -> MetricSeries {
    let point = |(session, value): &(&Session, f64)| Point {
        session: session.session.clone(),
        commit: session.commit.clone(),
        commit_date: session.commit_date.clone(),
        measured: session.measured.clone(),
        value: *value,
    };
    let moved = history.moved.iter().map(|change| Move {
        commit: history.points[change.at].0.commit.clone(),
        index: change.at,
        p: change.p,
        step: history.step(change),
    });
    MetricSeries {
        metric: history.metric.name(),
        unit: history.metric.unit().suffix(),
        better: history.metric.orientation().word(),
        points: history.points.iter().map(point).collect(),
        unmeasured: history.unmeasured,
        moved: moved.collect(),
    }
}

/// Every session in the working folder, or those of a commit, which may be cut. Errors: no
/// repository, or a file that cannot be used.
pub fn sessions(
    here: &Workspace,
    config: &Config,
    commit: Option<&str>,
) -> anyhow::Result<Vec<SessionEntry>> {
    let all = store::read_all(&baselines_folder(&here.repo(config)?, config)?)?;
    let wanted = |s: &Session| commit.is_none_or(|commit| s.commit.starts_with(commit));
    let entry = |s: Session| SessionEntry {
        fingerprint: s.fingerprint.key(&config.gate.under_test),
        starts: s.starts.len(),
        workload: s.workload,
        session: s.session,
        commit: s.commit,
        commit_date: s.commit_date,
        measured: s.measured,
        values: s.pooled,
    };
    Ok(all.into_iter().filter(wanted).map(entry).collect())
}
