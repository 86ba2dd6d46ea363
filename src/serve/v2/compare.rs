//! `/api/v2/compare`: two to five runs side by side. Not here: their values (`app::comparison`).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::answer::{self, Answer, Refusal};
use super::super::state::State;
use super::super::stored::{reading, run, shown, wrong_query};
use super::{Service, Wanted};
use crate::app::comparison::{self, Comparison, FEWEST, MOST};
use crate::app::error_text;
use crate::app::runs::found::Run;

#[derive(Deserialize)]
pub struct Asked {
    /// Ids with commas between them.
    #[serde(default)]
    pub runs: String,
}

#[derive(Serialize)]
struct Compared {
    runs: Vec<Value>,
    #[serde(flatten)]
    comparison: Comparison,
}

pub async fn answer(axum::extract::State(state): Service, query: Wanted<Asked>) -> Answer {
    let asked = query.map_err(wrong_query)?.0;
    let (runs, comparison) = reading(move || compared(&state, &asked.runs)).await?;
    answer::json(&Compared { runs: runs.iter().map(shown).collect(), comparison })
}

/// The runs of these ids, and what they are beside each other.
pub fn compared(state: &State, ids: &str) -> Result<(Vec<Run>, Comparison), Refusal> {
    let mut seen = BTreeSet::new();
    let ids: Vec<&str> =
        ids.split(',').map(str::trim).filter(|id| !id.is_empty() && seen.insert(*id)).collect();
    if !(FEWEST..=MOST).contains(&ids.len()) {
        let detail = format!("compare takes {FEWEST} to {MOST} different runs: ?runs=ID,ID");
        return Err(Refusal::bad_request("bad_query", detail));
    }
    let runs = ids.into_iter().map(|id| run(state, id)).collect::<Result<Vec<_>, _>>()?;
    let comparison = comparison::compared(&runs).map_err(|why| {
        Refusal::new(axum::http::StatusCode::CONFLICT, "not_comparable", error_text::text(&why))
    })?;
    Ok((runs, comparison))
}
