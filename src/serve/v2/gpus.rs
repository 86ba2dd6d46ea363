//! `/api/v2/gpus`: the machine's GPUs now. Not here: what their numbers mean (`evidence`).

use axum::extract::State as Shared;
use serde_json::json;

use super::super::answer::{self, Answer, Refusal};
use super::super::state::State;
use super::super::stored::reading;
use super::Service;
use crate::app::error_text;
use crate::app::gpus::{All, Gpus};
use crate::lang::Text;

pub async fn answer(Shared(state): Service) -> Answer {
    match reading(move || now(&state)).await? {
        Ok(all) => answer::json(&all),
        Err(why) => answer::json(&json!({"driver": null, "cuda": null, "gpus": [], "why": why.en})),
    }
}

/// The library is opened once. The inner error: why there is none to show.
pub fn now(state: &State) -> Result<Result<All, Text>, Refusal> {
    let mut opened = state.gpus.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if opened.is_none() {
        match Gpus::open() {
            Ok(gpus) => *opened = Some(gpus),
            Err(why) => return Ok(Err(error_text::text(&why))),
        }
    }
    Ok(opened.as_ref().map(Gpus::all).ok_or_else(Text::default))
}
