//! `/api/v2/history` and `/api/v2/baselines`: values over the sessions of the lineage, with change
//! points, and over the newest runs. Not here: how a level is found to move (`measure`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::answer::{self, Answer, Refusal};
use super::super::state::State;
use super::super::stored::{reading, wrong_query};
use super::{Service, Wanted, no_config};
use crate::app::baselines::history::Request;
use crate::app::baselines::series::{self, BranchSeries, SessionEntry};
use crate::app::error_text;
use crate::app::gate::{self, Given};
use crate::app::runs::file::Id;
use crate::app::runs::found::{self, Run};
use crate::app::runs::select::Filter;
use crate::app::workspace::Workspace;
use crate::verdict::Verdict;

/// Runs whose values are read where nothing else is asked for, and at most: each report is a file.
const RUNS: u32 = 20;
const MOST_RUNS: u32 = 100;

#[derive(Deserialize)]
pub struct Asked {
    workload: String,
    /// All whose changes are judged where none is named.
    metric: Option<String>,
    limit: Option<u32>,
}

#[derive(Serialize)]
struct History {
    workload: String,
    /// Oldest first.
    runs: Vec<RunValues>,
    /// Absent where there are none, and then `why` says so.
    baselines: Option<BranchSeries>,
    why: Option<String>,
}

#[derive(Serialize)]
struct RunValues {
    id: Id,
    started: String,
    commit: Option<String>,
    branch: Option<String>,
    verdict: Option<Verdict>,
    /// The metric's name with its unit, and its value.
    values: BTreeMap<String, f64>,
}

pub async fn answer(axum::extract::State(state): Service, query: Wanted<Asked>) -> Answer {
    let asked = query.map_err(wrong_query)?.0;
    let history = reading(move || history(&state, asked)).await?;
    answer::json(&history)
}

fn history(state: &State, asked: Asked) -> Result<History, Refusal> {
    let Asked { workload, metric, limit } = asked;
    let filter = Filter { workload: Some(workload.clone()), ..Filter::default() };
    let page = state.index.page(&filter, limit.unwrap_or(RUNS).clamp(1, MOST_RUNS), 0)?;
    let values = |run: &Run| values(run, &workload, metric.as_deref());
    let runs: Vec<RunValues> = page.runs.iter().rev().filter_map(values).collect();
    let here = Workspace::here();
    let asked =
        Request { here: &here, metric: metric.as_deref(), workload: Some(&workload), base: None };
    let found =
        gate::config(&here, &Given::default()).and_then(|config| series::series(&config, &asked));
    let (baselines, why) = match found {
        Ok(series) => (Some(series), None),
        Err(why) => (None, Some(error_text::text(&why).en)),
    };
    if runs.is_empty() && baselines.is_none() {
        let detail = format!("no run and no session has a workload {workload:?}");
        return Err(Refusal::not_found("workload_not_found", detail));
    }
    Ok(History { workload, runs, baselines, why })
}

/// None of a run without values.
fn values(run: &Run, workload: &str, metric: Option<&str>) -> Option<RunValues> {
    let loaded = found::load(run).ok().flatten()?;
    let measured = loaded.report.workloads.into_iter().find(|w| w.name == workload)?;
    let wanted = |name: &str| metric.is_none_or(|metric| metric == name);
    let values: BTreeMap<String, f64> = measured
        .metrics
        .into_iter()
        .filter(|m| wanted(&m.metric))
        .filter_map(|m| Some((format!("{}_{}", m.metric, m.unit), m.candidate?)))
        .collect();
    (!values.is_empty()).then(|| RunValues {
        id: run.id.clone(),
        started: run.started.clone(),
        commit: run.commit.clone(),
        branch: run.branch.clone(),
        verdict: measured.verdict,
        values,
    })
}

#[derive(Deserialize)]
pub struct BaselineQuery {
    /// May be cut.
    commit: Option<String>,
}

pub async fn baselines(query: Wanted<BaselineQuery>) -> Answer {
    let asked = query.map_err(wrong_query)?.0;
    let sessions: Vec<SessionEntry> = reading(move || {
        let here = Workspace::here();
        let config = gate::config(&here, &Given::default()).map_err(|why| no_config(&why))?;
        series::sessions(&here, &config, asked.commit.as_deref()).map_err(|why| no_config(&why))
    })
    .await?;
    answer::json(&json!({"sessions": sessions}))
}
