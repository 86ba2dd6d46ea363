//! A run as it goes on: asked for, cancelled, and followed by server-sent events. Not here: the
//! process that measures (`app::runs::queue`).

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State as Shared};
use axum::http::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use axum::http::{Response, StatusCode};
use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc::{Sender, channel};
use tokio::time::sleep;

use super::answer::{self, Answer, LARGEST, Received, Refusal};
use super::state::State;
use super::stored::{reading, run, shown};
use crate::app::runs::file::Id;
use crate::app::runs::queue::Refused;
use crate::app::runs::request::RunRequest;
use crate::app::targets;
use crate::app::workspace::Workspace;
use crate::lang::bilingual;

type Service = Shared<Arc<State>>;

/// Events are no closer to each other: nobody reads faster.
const PACE: Duration = Duration::from_millis(250);
/// So that whoever stands between sees that the connection lives.
const SILENCE: Duration = Duration::from_secs(15);
/// Events that a slow reader may be behind.
const BEHIND: usize = 4;

pub async fn start(Shared(state): Service, body: Body) -> Answer {
    let bytes = axum::body::to_bytes(body, LARGEST).await.map_err(|_| Refusal::too_large())?;
    let request: RunRequest = serde_json::from_slice(&bytes)
        .map_err(|e| Refusal::bad_request("bad_request", e.to_string()))?;
    let id = queued(Arc::clone(&state), request).await?;
    let mut answer = answer::json(&json!({"id": id, "state": "queued"}))?;
    *answer.status_mut() = StatusCode::ACCEPTED;
    let place = state.link(&format!("/api/v2/runs/{id}"));
    if let Ok(place) = HeaderValue::from_str(&place) {
        answer.headers_mut().insert(LOCATION, place);
    }
    Ok(answer)
}

/// The run of a request, once its server was looked at.
pub async fn queued(state: Arc<State>, mut request: RunRequest) -> Result<Id, Refusal> {
    let id = reading(move || {
        targets::settle(&Workspace::here(), &mut request, state.settings.reach)
            .map_err(|why| Refusal::bad_request("bad_target", why))?;
        let id = state.queue.add(&request).map_err(not_queued)?;
        state.index.refresh();
        Ok(id)
    });
    id.await
}

fn not_queued(why: Refused) -> Refusal {
    match why {
        Refused::Wrong(why) => Refusal::bad_request("bad_request", why),
        Refused::Full => {
            let detail = bilingual!(
                "too many runs wait: ask again when one has ended",
                "대기 중인 실행이 너무 많음: 하나가 끝난 뒤 다시 요청하십시오"
            );
            Refusal::new(StatusCode::TOO_MANY_REQUESTS, "queue_full", detail)
        }
        Refused::Closed => {
            let detail = bilingual!("the service ends", "서비스가 종료되는 중");
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "ending", detail)
        }
        Refused::Failed(e) => e.into(),
    }
}

/// How far it is; of a run that does not go on, the run.
pub async fn progress(Shared(state): Service, Path(id): Path<String>) -> Answer {
    let said = reading(move || now(&state, &id)).await?;
    answer::json(&said.1)
}

/// Its numbers over time; of a run that does not go on here there are none.
pub async fn course(Shared(state): Service, Path(id): Path<String>) -> Answer {
    let points = reading(move || {
        let run = run(&state, &id)?;
        Ok(state.queue.course(&run.id).unwrap_or_default())
    });
    answer::json(&json!({"points": points.await?}))
}

pub async fn cancel(Shared(state): Service, Path(id): Path<String>) -> Answer {
    let cancelled = reading(move || {
        let run = run(&state, &id)?;
        if !run.goes_on() || !state.queue.cancel(&run.id) {
            let detail = "the run does not go on here";
            return Err(Refusal::new(StatusCode::CONFLICT, "not_running", detail));
        }
        Ok(run.id)
    });
    answer::json(&json!({"cancelled": cancelled.await?}))
}

/// Events: `progress` with what `progress` answers, and in the end `ended` with the run.
pub async fn events(Shared(state): Service, Path(id): Path<String>) -> Answer {
    let (first, id) = (Arc::clone(&state), id);
    let named = id.clone();
    reading(move || run(&first, &named)).await?;
    let place = state.limits.socket().ok_or_else(Refusal::too_many_followers)?;
    let (send, receive) = channel(BEHIND);
    tokio::spawn(async move {
        follow(state, id, send).await;
        drop(place);
    });
    let mut answer = Response::new(Body::new(Received(receive)));
    let kind = HeaderValue::from_static("text/event-stream");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(answer)
}

/// Until the run has ended, or nobody listens any more.
async fn follow(state: Arc<State>, id: String, send: Sender<Bytes>) {
    let mut news = state.queue.news();
    loop {
        news.mark_unchanged();
        let (asked, name) = (Arc::clone(&state), id.clone());
        // It was deleted: there is nothing more to say.
        let Ok((goes_on, said)) = reading(move || now(&asked, &name)).await else { return };
        let event = if goes_on { "progress" } else { "ended" };
        let text = format!("event: {event}\ndata: {said}\n\n");
        if send.send(text.into()).await.is_err() || !goes_on {
            return;
        }
        sleep(PACE).await;
        // After a silence it is looked at again: a run of a terminal's tells the service nothing.
        let listened = tokio::select! {
            changed = news.changed() => changed.is_ok(),
            () = sleep(SILENCE) => {
                send.send(Bytes::from_static(b": still there\n\n")).await.is_ok()
            }
        };
        if !listened {
            return;
        }
    }
}

/// Whether a run goes on, and what is to be said of it.
pub fn now(state: &State, id: &str) -> Result<(bool, Value), Refusal> {
    let wanted = Id::parse(id);
    if let Some(progress) = wanted.and_then(|id| state.queue.progress(&id)) {
        return Ok((true, serde_json::to_value(progress).map_err(anyhow::Error::from)?));
    }
    let run = run(state, id)?;
    Ok((run.goes_on(), shown(&run)))
}
