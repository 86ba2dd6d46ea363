//! WebSockets: whoever listens to one thing shares one feed of it, so that a message is made once
//! for all of them. The feed ends with the last listener, or with what it tells of.
//!
//! Not here: who may open one (`guard`), or what is said of a run (`live`, `v1`).

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State as Shared};
use axum::http::{Response, StatusCode};
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender, channel};
use tokio::time::{sleep, timeout};

use super::answer::{Answer, Refusal};
use super::live;
use super::state::State;
use super::stored::{reading, run};

/// Clients say little, and what they are told is short.
const LARGEST: usize = 64 << 10;
const READ: usize = 4 << 10;
const UNSENT: usize = 1 << 20;
/// Messages that a slow listener may be behind; then it misses some.
const BEHIND: usize = 64;
/// A listener that takes nothing for so long is none.
const PATIENCE: Duration = Duration::from_secs(10);
/// Then it is asked whether it is still there.
const SILENCE: Duration = Duration::from_secs(60);
/// Messages are no closer to each other than that.
const PACE: Duration = Duration::from_millis(250);
/// A run of a terminal's tells the service nothing: it is looked at.
const GLANCE: Duration = Duration::from_secs(15);

/// What can be listened to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Topic {
    pub kind: &'static str,
    /// Of a run.
    pub id: Option<String>,
}

/// How a listener that is silent is asked whether it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Frame,
    /// By the text `ping`, as llm-loadtest's clients have it.
    Text,
}

/// The feeds that somebody listens to.
#[derive(Clone, Default)]
pub struct Hub(Arc<Mutex<BTreeMap<Topic, Arc<Feed>>>>);

struct Feed {
    send: Sender<Utf8Bytes>,
    /// What whoever comes now has to know first; held while something is sent.
    past: Mutex<VecDeque<Utf8Bytes>>,
    /// Messages of the past that are kept.
    keep: usize,
}

/// Says what there is to a feed, and ends it when dropped.
pub struct Publisher {
    hub: Hub,
    topic: Topic,
    feed: Arc<Feed>,
}

pub struct Listener {
    past: Vec<Utf8Bytes>,
    receive: Receiver<Utf8Bytes>,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    /// Listens to a topic. Where nobody does yet, `source` is what tells of it; `keep` messages are
    /// for those that come later.
    pub fn listen<F>(
        &self,
        topic: Topic,
        keep: usize,
        source: impl FnOnce(Publisher) -> F,
    ) -> Listener
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut feeds = held(&self.0);
        if let Some(feed) = feeds.get(&topic) {
            return feed.listener();
        }
        let feed = Arc::new(Feed { send: channel(BEHIND).0, past: Mutex::default(), keep });
        feeds.insert(topic.clone(), Arc::clone(&feed));
        let listener = feed.listener();
        drop(feeds);
        tokio::spawn(source(Publisher { hub: self.clone(), topic, feed }));
        listener
    }

    /// Listeners of each run.
    pub fn counts(&self, kind: &str) -> BTreeMap<String, usize> {
        let feeds = held(&self.0);
        let of_kind = feeds.iter().filter(|(topic, _)| topic.kind == kind);
        of_kind
            .filter_map(|(topic, feed)| Some((topic.id.clone()?, feed.send.receiver_count())))
            .collect()
    }
}

impl Feed {
    fn listener(&self) -> Listener {
        let past = held(&self.past);
        Listener { past: past.iter().cloned().collect(), receive: self.send.subscribe() }
    }
}

impl Publisher {
    pub fn send(&self, text: String) {
        let text = Utf8Bytes::from(text);
        let mut past = held(&self.feed.past);
        past.push_back(text.clone());
        let above = past.len().saturating_sub(self.feed.keep);
        past.drain(..above);
        let _ = self.feed.send.send(text);
    }

    /// False where nobody listens; then nobody will.
    pub fn is_wanted(&self) -> bool {
        let mut feeds = held(&self.hub.0);
        let wanted = self.feed.send.receiver_count() > 0;
        if !wanted {
            self.leave(&mut feeds);
        }
        wanted
    }

    fn leave(&self, feeds: &mut BTreeMap<Topic, Arc<Feed>>) {
        if feeds.get(&self.topic).is_some_and(|feed| Arc::ptr_eq(feed, &self.feed)) {
            feeds.remove(&self.topic);
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.leave(&mut held(&self.hub.0));
    }
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
        texts.into_iter().for_each(|text| publisher.send(text));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn topic() -> Topic {
        Topic { kind: "test", id: Some("a".into()) }
    }

    fn texts(listener: &mut Listener) -> Vec<String> {
        let mut all: Vec<String> = listener.past.drain(..).map(|t| t.to_string()).collect();
        while let Ok(text) = listener.receive.try_recv() {
            all.push(text.to_string());
        }
        all
    }

    #[tokio::test]
    async fn all_that_listen_share_one_feed_and_late_ones_know_the_past() {
        let hub = Hub::default();
        let (give, given) = tokio::sync::oneshot::channel();
        let mut first = hub.listen(topic(), 1, |publisher| async move {
            let _ = give.send(publisher);
        });
        let publisher = given.await.expect("it runs");
        publisher.send("1".into());
        publisher.send("2".into());
        let mut second = hub.listen(topic(), 1, |_| async { panic!("there is one already") });
        publisher.send("3".into());
        assert_eq!(texts(&mut first), ["1", "2", "3"]);
        assert_eq!(texts(&mut second), ["2", "3"]);
        assert_eq!(hub.counts("test"), BTreeMap::from([("a".to_owned(), 2)]));
        assert!(publisher.is_wanted());
        drop(first);
        drop(second);
        assert!(!publisher.is_wanted(), "nobody listens any more");
        assert!(hub.counts("test").is_empty());
    }

    #[tokio::test]
    async fn one_message_is_one_text_however_many_listen() {
        let hub = Hub::default();
        let (give, given) = tokio::sync::oneshot::channel();
        let source = |publisher| async move {
            let _ = give.send(publisher);
        };
        let mut all = vec![hub.listen(topic(), 1, source)];
        all.extend((1..200).map(|_| hub.listen(topic(), 1, |_| async {})));
        given.await.expect("it runs").send("x".repeat(100));
        let starts: Vec<*const u8> = all
            .iter_mut()
            .map(|listener| listener.receive.try_recv().expect("sent").as_str().as_ptr())
            .collect();
        assert!(starts.iter().all(|start| *start == starts[0]), "all have the same bytes");
    }
}
