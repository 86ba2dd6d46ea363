//! `WebSockets`: each is told what there is to a feed, for as long as its client takes it.
//!
//! Not here: who may open one (`guard`), feeds that many share (`feeds`), or what is said of a run
//! (`live`, `v1`).

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State as Shared};
use axum::http::{Response, StatusCode};
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{sleep, timeout};

use super::answer::{Answer, Refusal};
use super::feeds::{Listener, Publisher, Topic};
use super::live;
use super::state::State;
use super::stored::{reading, run};

/// Clients say little, and what they are told is short.
const LARGEST: usize = 64 << 10;
const READ: usize = 4 << 10;
const UNSENT: usize = 1 << 20;
/// A listener that takes nothing for so long is none.
const PATIENCE: Duration = Duration::from_secs(10);
/// Then it is asked whether it is still there.
const SILENCE: Duration = Duration::from_secs(60);
/// Messages are no closer to each other than that.
const PACE: Duration = Duration::from_millis(250);
/// A run of a terminal's tells the service nothing: it is looked at.
const GLANCE: Duration = Duration::from_secs(15);

/// How a listener that is silent is asked whether it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Frame,
    /// By the text `ping`, as llm-loadtest's clients have it.
    Text,
}

pub type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

/// Opens a socket, for as long as it has something to listen to. Errors: it is no request for one,
/// or too many are open.
pub fn open(state: &State, upgrade: Upgrade, listener: Listener, sign: Sign) -> Answer {
    let upgrade = asked(upgrade)?;
    let place = state.limits.socket().ok_or_else(Refusal::too_many_followers)?;
    Ok(limited(upgrade).on_upgrade(move |socket| async move {
        serve(socket, listener, sign).await;
        drop(place);
    }))
}

/// A socket that is told one thing, and no more.
pub fn open_for(upgrade: Upgrade, text: String) -> Answer {
    Ok(limited(asked(upgrade)?).on_upgrade(move |mut socket| async move {
        let _ = put(&mut socket, Message::Text(text.into())).await;
        let _ = put(&mut socket, Message::Close(None)).await;
    }))
}

fn asked(upgrade: Upgrade) -> Result<WebSocketUpgrade, Refusal> {
    upgrade
        .map_err(|why| Refusal::new(StatusCode::UPGRADE_REQUIRED, "not_websocket", why.body_text()))
}

fn limited(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .max_message_size(LARGEST)
        .max_frame_size(LARGEST)
        .read_buffer_size(READ)
        .write_buffer_size(0)
        .max_write_buffer_size(UNSENT)
}

async fn serve(mut socket: WebSocket, listener: Listener, sign: Sign) {
    let Listener { past, mut receive } = listener;
    for text in past {
        if put(&mut socket, Message::Text(text)).await.is_none() {
            return;
        }
    }
    loop {
        let answer = tokio::select! {
            heard = socket.recv() => match heard {
                Some(Ok(Message::Text(text))) if text.as_str() == "ping" => Message::Text("pong".into()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => continue,
            },
            news = receive.recv() => match news {
                Ok(text) => Message::Text(text),
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => Message::Close(None),
            },
            () = sleep(SILENCE) => match sign {
                Sign::Text => Message::Text("ping".into()),
                Sign::Frame => Message::Ping(Vec::new().into()),
            },
        };
        let last = matches!(answer, Message::Close(_));
        if put(&mut socket, answer).await.is_none() || last {
            return;
        }
    }
}

/// None of a listener that is gone, or takes nothing.
async fn put(socket: &mut WebSocket, message: Message) -> Option<()> {
    timeout(PATIENCE, socket.send(message)).await.ok()?.ok()
}

/// Tells a feed of a run until it has ended: what `view` makes of what there is to say, and whether
/// the run goes on.
pub async fn follow<V>(state: Arc<State>, id: String, publisher: Publisher, mut view: V)
where
    V: FnMut(&State, bool, &Value) -> Vec<String> + Send + 'static,
{
    let mut news = state.queue.news();
    while publisher.is_wanted() {
        news.mark_unchanged();
        let (asked, name) = (Arc::clone(&state), id.clone());
        let looked = reading(move || {
            let (goes_on, said) = live::now(&asked, &name)?;
            let texts = view(&asked, goes_on, &said);
            Ok((goes_on, texts, view))
        });
        // It was deleted: there is nothing more to say.
        let Ok((goes_on, texts, looking)) = looked.await else { return };
        view = looking;
        for text in texts {
            publisher.send(text);
        }
        if !goes_on {
            return;
        }
        sleep(PACE).await;
        let _ = timeout(GLANCE, news.changed()).await;
    }
}

/// What `progress` answers, whenever it has changed, and in the end the run.
pub async fn events(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<String>,
    upgrade: Upgrade,
) -> Result<Response<Body>, Refusal> {
    let (asked, name) = (Arc::clone(&state), id);
    let id = reading(move || Ok(run(&asked, &name)?.id.to_string())).await?;
    let topic = Topic { kind: "events", id: Some(id.clone()) };
    let own = Arc::clone(&state);
    let listener = state.hub.listen(topic, 1, |publisher| {
        let mut told = String::new();
        follow(own, id, publisher, move |_, _, said| {
            let text = said.to_string();
            let new = (text != told).then(|| text.clone());
            told = text;
            new.into_iter().collect()
        })
    });
    open(&state, upgrade, listener, Sign::Frame)
}
