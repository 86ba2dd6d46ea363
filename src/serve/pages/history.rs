//! All runs as a table: filtered, paged, chosen from. Not here: what is done with the chosen
//! (`chosen`, `compare`).

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State as Shared};
use serde::Deserialize;

use super::frame::Frame;
use super::row::Row;
use crate::app::error_text;
use crate::app::runs::index::Choices;
use crate::app::runs::select::{self, ALL_VERDICTS, Filter};
use crate::lang::{Text, bilingual};
use crate::serve::answer::{Answer, Refusal};
use crate::serve::state::State;
use crate::serve::stored::{reading, wrong_query};
use crate::verdict::Verdict;

/// Runs of one page.
const PAGE: u32 = 50;

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    workload: String,
    model: String,
    server: String,
    verdict: String,
    branch: String,
    commit: String,
    /// From 1 on.
    page: u32,
    /// Runs that were deleted right before.
    deleted: Option<u32>,
}

#[derive(Template)]
#[template(path = "pages/history.html")]
struct History<'a> {
    frame: &'a Frame,
    notice: Option<String>,
    selects: Vec<Select>,
    commit: &'a str,
    filtered: bool,
    count: String,
    rows: Vec<Row>,
    later: Option<String>,
    earlier: Option<String>,
}

struct Select {
    name: &'static str,
    label: &'static str,
    chosen: String,
    options: Vec<String>,
}

pub async fn page(
    frame: Frame,
    Shared(state): Shared<Arc<State>>,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Answer {
    let Query(wanted) = query.map_err(wrong_query)?;
    let filter = wanted.filter()?;
    reading(move || {
        let at = wanted.page.max(1);
        let skipped = (at - 1).saturating_mul(PAGE);
        let page = state.index.page(&filter, PAGE, skipped)?;
        let choices = state.index.choices()?;
        let shown = u64::from(skipped) + page.runs.len() as u64;
        let filtered = !wanted.query().is_empty();
        let history = History {
            frame: &frame,
            notice: wanted.deleted.map(|runs| frame.sentence(&deleted(runs)).to_owned()),
            selects: wanted.selects(&frame, choices),
            commit: &wanted.commit,
            filtered,
            count: frame.sentence(&count(skipped, shown, page.total)).to_owned(),
            rows: page.runs.iter().map(|run| Row::new(&frame, run)).collect(),
            later: (at > 1).then(|| wanted.link(&frame, at - 1)),
            earlier: (shown < page.total).then(|| wanted.link(&frame, at + 1)),
        };
        frame.page(&history)
    })
    .await
}

impl Wanted {
    fn filter(&self) -> Result<Filter, Refusal> {
        let some = |text: &String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let verdict = some(&self.verdict).map(|word| select::verdict(&word)).transpose();
        let verdict =
            verdict.map_err(|e| Refusal::bad_request("unknown_verdict", error_text::text(&e)))?;
        Ok(Filter {
            workload: some(&self.workload),
            verdict,
            branch: some(&self.branch),
            model: some(&self.model),
            server: some(&self.server),
            commit: some(&self.commit),
        })
    }

    /// What is filtered by.
    fn query(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("workload", &*self.workload),
            ("model", &*self.model),
            ("server", &*self.server),
            ("verdict", &*self.verdict),
            ("branch", &*self.branch),
            ("commit", &*self.commit),
        ];
        all.into_iter().filter(|(_, value)| !value.trim().is_empty()).collect()
    }

    fn link(&self, frame: &Frame, page: u32) -> String {
        let page = page.to_string();
        frame.link_with("/history", &[self.query(), vec![("page", &*page)]].concat())
    }

    fn selects(&self, frame: &Frame, choices: Choices) -> Vec<Select> {
        let verdicts = ALL_VERDICTS.map(Verdict::word).map(str::to_owned).into();
        let select = |name, label, chosen: &String, mut options: Vec<String>| {
            // One that no run has is shown all the same: it is what was asked for.
            if !chosen.is_empty() && !options.contains(chosen) {
                options.push(chosen.clone());
            }
            Select { name, label, chosen: chosen.clone(), options }
        };
        vec![
            select(
                "workload",
                frame.text("workload", "워크로드"),
                &self.workload,
                choices.workloads,
            ),
            select("verdict", frame.text("verdict", "판정"), &self.verdict, verdicts),
            select("model", frame.text("model", "모델"), &self.model, choices.models),
            select("server", frame.text("server", "서버"), &self.server, choices.servers),
            select("branch", frame.text("branch", "브랜치"), &self.branch, choices.branches),
        ]
    }
}

fn deleted(runs: u32) -> Text {
    match runs {
        1 => bilingual!("1 run was deleted.", "실행 1개 삭제됨."),
        _ => bilingual!("{runs} runs were deleted.", "실행 {runs}개 삭제됨."),
    }
}

fn count(skipped: u32, shown: u64, total: u64) -> Text {
    let from = u64::from(skipped) + 1;
    match total {
        0 => bilingual!("0 runs", "실행 0개"),
        1 => bilingual!("1 run", "실행 1개"),
        _ if from == 1 && shown == total => bilingual!("{total} runs", "실행 {total}개"),
        _ => bilingual!("{from} to {shown} of {total} runs", "실행 {total}개 중 {from}~{shown}"),
    }
}
