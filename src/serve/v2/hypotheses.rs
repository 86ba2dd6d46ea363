//! `/api/v2/hypotheses`: the config's, each with what became of it. Not here: how one is tested.

use axum::extract::State as Shared;
use serde_json::json;

use super::super::answer::{self, Answer, Refusal};
use super::super::state::State;
use super::super::stored::reading;
use super::{Service, no_config};
use crate::app::hypotheses::{self, Standing};
use crate::app::runs::select::Filter;
use crate::app::workspace::Workspace;
use crate::lang::Lang;

/// The newest runs, in which rankings are looked for.
const RUNS: u32 = 500;

pub async fn answer(Shared(state): Service) -> Answer {
    let all = reading(move || standing(&state, Lang::En)).await?;
    answer::json(&json!({"hypotheses": all}))
}

pub fn standing(state: &State, lang: Lang) -> Result<Vec<Standing>, Refusal> {
    let runs = state.index.page(&Filter::default(), RUNS, 0)?.runs;
    hypotheses::all(&Workspace::here(), &runs, lang).map_err(|why| no_config(&why))
}
