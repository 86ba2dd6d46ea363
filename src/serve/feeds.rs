//! What many listen to at once: one feed for each thing that is told of, so that a message is made
//! once for all of them. A feed ends with its last listener, or with what it tells of.
//!
//! Not here: how a listener is reached (`socket`), or what it is told (`live`, `v1`).

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::broadcast::{Receiver, Sender, channel};

/// Messages that a slow listener may be behind; then it misses some.
const BEHIND: usize = 64;

/// What can be listened to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Topic {
    pub kind: &'static str,
    /// Of a run.
    pub id: Option<String>,
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
    pub past: Vec<Utf8Bytes>,
    pub receive: Receiver<Utf8Bytes>,
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
