//! `/api/v2/gpus`: the machine's GPUs now. Not here: what their numbers mean (`evidence`).

use std::sync::{Arc, PoisonError};

use axum::extract::State as Shared;
use serde_json::json;

use super::super::answer::{self, Answer};
use super::super::state::State;
use super::super::stored::reading;
use super::Service;
use crate::app::error_text;
use crate::app::gpus::All;
use crate::lang::Text;

pub async fn answer(Shared(state): Service) -> Answer {
    match reading(move || Ok(now(&state))).await? {
        Ok(all) => answer::json(&*all),
        Err(why) => answer::json(&json!({"driver": null, "cuda": null, "gpus": [], "why": why.en})),
    }
}

/// Errors: why there is none to show.
pub fn now(state: &State) -> Result<Arc<All>, Text> {
    let mut glance = state.gpus.lock().unwrap_or_else(PoisonError::into_inner);
    glance.now().map_err(|why| error_text::text(&why))
}
