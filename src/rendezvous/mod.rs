//! Where the shards of a run meet: they find out that they measure the same thing, and begin each
//! round at the same instant.
//!
//! Shard 0 keeps the meeting (`meeting`); the others ask it over HTTP (`http`) or through files of a
//! shared folder (`folder`). Clocks are the monotonic ones: what a machine's date is does not
//! matter. Not here: what a shard sends (`plan::shard`), or what its clock makes of a round
//! (`record::shard`).
#![expect(clippy::disallowed_methods, reason = "rim: draws who it is, and reads the date")]

mod folder;
mod http;
mod meeting;
mod refusal;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::monotonic_ns;
use crate::lang::{Text, bilingual};
use crate::plan::shard::Shard;

pub use refusal::Refusal;

/// Names the secret that shards show each other over HTTP.
pub const TOKEN_VARIABLE: &str = "GOODPUT_GATE_RENDEZVOUS_TOKEN";

/// Readings of shard 0's clock; the one that came back soonest counts. More are made where none of
/// them is good.
const READINGS: u32 = 8;
const MOST_READINGS: u32 = 32;
/// A way there and back that is good enough, nanoseconds: a fifth of what would bend the load.
const GOOD_NS: u64 = 2_000_000;
/// For the last word to shard 0.
const FAREWELL: Duration = Duration::from_secs(3);
/// Between two tries while shard 0 is not there yet.
const BREATH: Duration = Duration::from_millis(50);

/// Where shards meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `http://HOST:PORT`, at which shard 0 listens.
    Http { url: String, host: String, port: u16 },
    /// A folder that all of them see.
    Folder(PathBuf),
}

/// What a shard says of itself and of what it measures.
#[derive(Clone, Debug)]
pub struct Membership {
    pub shard: Shard,
    pub place: Place,
    /// Of [`TOKEN_VARIABLE`].
    pub token: Option<String>,
    /// How long it waits for the others.
    pub patience: Duration,
    pub version: String,
    pub clock: Clock,
}

/// A clock that can be bent, to see what becomes of a run whose clocks are wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Clock {
    /// How far its date is ahead, microseconds.
    pub ahead_us: i64,
    /// How much faster it runs: 0.01 is 1 %.
    pub faster: f64,
}

/// What a shard asks of shard 0.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
enum Ask {
    Clock,
    Join {
        shard: u32,
        count: u32,
        member: u64,
        version: String,
    },
    /// `facts`: what all shards must agree on.
    Ready {
        shard: u32,
        meeting: u32,
        facts: BTreeMap<String, String>,
    },
    /// It is over for this shard: well, or for that reason.
    Gone {
        shard: u32,
        why: Option<String>,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
enum Answer {
    Clock(Reading),
    Joined(Joined),
    Begin(Instant),
    Gone,
    Refused(Refusal),
    /// Not all are there.
    Wait,
}

/// Of shard 0's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Reading {
    ns: u64,
    date_us: i64,
}

/// What all shards of the run have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    pub session: String,
    pub salt: u64,
}

/// At which all begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Instant {
    /// Of shard 0's clock.
    ns: u64,
    /// RFC 3339, UTC.
    date: String,
}

/// A shard's clock against that of shard 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset {
    /// What is to be added to its own nanoseconds.
    pub ns: i128,
    /// The truth is not further off than this.
    pub uncertainty_ns: u64,
    /// How far its date is ahead, microseconds.
    pub date_ahead_us: i64,
}

/// When this shard is to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begin {
    /// Of `clock::monotonic_ns`.
    pub at_ns: u64,
    /// RFC 3339, UTC, as shard 0 has it.
    pub date: String,
    pub offset: Offset,
}

impl Place {
    /// An address or a folder. Errors: an address without a host and a port, or of another scheme.
    pub fn parse(text: &str) -> Result<Self, Text> {
        if !text.contains("://") {
            return Ok(Self::Folder(PathBuf::from(text)));
        }
        let wrong = || {
            bilingual!(
                "{text} is no place to meet\nhint: http://HOST:PORT, where HOST is the machine of shard 0; or a folder that all of them see",
                "{text}: 만날 곳이 아님\n힌트: HOST가 샤드 0의 장비인 http://HOST:PORT, 또는 모두가 보는 폴더를 쓰십시오"
            )
        };
        let url = reqwest::Url::parse(text).map_err(|_| wrong())?;
        match (url.scheme(), url.host_str(), url.port()) {
            ("http", Some(host), Some(port)) => {
                Ok(Self::Http { url: format!("http://{host}:{port}"), host: host.to_owned(), port })
            }
            _ => Err(wrong()),
        }
    }

    pub const fn name(&self) -> &'static str {
        match self {
            Self::Http { .. } => "http",
            Self::Folder(_) => "folder",
        }
    }
}

impl Clock {
    fn ns(self) -> u64 {
        self.bent(monotonic_ns())
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small share")]
    fn bent(self, ns: u64) -> u64 {
        ns.saturating_add((ns as f64 * self.faster) as u64)
    }

    /// The instant of `monotonic_ns` at which this clock shows that.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small share")]
    fn straight(self, ns: u64) -> u64 {
        if self.faster == 0.0 { ns } else { (ns as f64 / (1.0 + self.faster)) as u64 }
    }

    fn date_us(self) -> i64 {
        let now = time::OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000;
        i64::try_from(now).unwrap_or(i64::MAX).saturating_add(self.ahead_us)
    }

    fn reading(self) -> Reading {
        Reading { ns: self.ns(), date_us: self.date_us() }
    }
}

/// A shard that has joined its run. Shard 0 keeps the meeting as long as this lives.
pub struct Member {
    who: Membership,
    joined: Joined,
    way: Way,
    /// The next time that all meet.
    meeting: u32,
    gone: bool,
    /// Of shard 0.
    _host: Option<Host>,
}

enum Way {
    Http(http::Client),
    Folder(folder::Client),
}

/// Ends when it is dropped.
#[expect(dead_code, reason = "kept, and never looked at")]
enum Host {
    Http(http::Host),
    Folder(folder::Host),
}

impl Member {
    /// Joins the run; shard 0 opens the meeting first. `stopped` ends the waiting. Errors: refused,
    /// or nobody is there in time.
    pub fn join(who: Membership, stopped: &dyn Fn() -> bool) -> Result<Self, Refusal> {
        let host = (who.shard.index == 0).then(|| Host::open(&who)).transpose()?;
        let member = getrandom::u64().map_err(|e| Refusal::System { why: e.to_string() })?;
        let way = match &who.place {
            Place::Http { url, host: name, port } => {
                let token = who.token.clone().ok_or(Refusal::NoToken)?;
                // Its own name may lead shard 0 to an address that it does not listen at.
                let own = format!("http://127.0.0.1:{port}");
                let (url, name) = match &host {
                    Some(_) => (&own, "127.0.0.1"),
                    None => (url, name.trim_matches(['[', ']'])),
                };
                Way::Http(http::Client::new(url, (name, *port), token, member)?)
            }
            Place::Folder(folder) => Way::Folder(folder::Client::new(folder, who.shard.index)),
        };
        let ask = Ask::Join {
            shard: who.shard.index,
            count: who.shard.count,
            member,
            version: who.version.clone(),
        };
        let began_ns = monotonic_ns();
        let joined = loop {
            match way.ask(&ask, who.patience, stopped) {
                Ok(Answer::Joined(joined)) => break joined,
                Ok(Answer::Refused(refusal)) => return Err(refusal),
                Ok(_) => return Err(Refusal::Nonsense),
                // Shard 0 may come later than the others.
                Err(Refusal::Away { why }) if !stopped() => {
                    let waited = Duration::from_nanos(monotonic_ns().saturating_sub(began_ns));
                    if waited > who.patience {
                        return Err(Refusal::Nobody { seconds: who.patience.as_secs(), why });
                    }
                    std::thread::sleep(BREATH);
                }
                Err(other) => return Err(other),
            }
        };
        Ok(Self { who, joined, way, meeting: 0, gone: false, _host: host })
    }

    pub const fn joined(&self) -> &Joined {
        &self.joined
    }

    pub const fn shard(&self) -> Shard {
        self.who.shard
    }

    /// Waits until all shards are ready and agree on `facts`. Errors: they do not, one has given up
    /// or does not come, or shard 0 is away.
    pub fn ready(
        &mut self,
        facts: &BTreeMap<String, String>,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Begin, Refusal> {
        let offset = self.offset(stopped)?;
        let (shard, meeting) = (self.who.shard.index, self.meeting);
        let ask = Ask::Ready { shard, meeting, facts: facts.clone() };
        // Shard 0 gives up first, and says who is missing.
        let patience = self.who.patience + Duration::from_secs(10);
        match self.way.ask(&ask, patience, stopped)? {
            Answer::Begin(instant) => {
                self.meeting += 1;
                let own = i128::from(instant.ns) - offset.ns;
                let at_ns = self.who.clock.straight(u64::try_from(own).unwrap_or(0));
                Ok(Begin { at_ns, date: instant.date, offset })
            }
            Answer::Refused(refusal) => Err(refusal),
            _ => Err(Refusal::Nonsense),
        }
    }

    /// Reads shard 0's clock. Errors: shard 0 is away.
    pub fn offset(&self, stopped: &dyn Fn() -> bool) -> Result<Offset, Refusal> {
        let mut best: Option<Offset> = None;
        for reading in 0..MOST_READINGS {
            let good = best.is_some_and(|best| best.uncertainty_ns * 2 <= GOOD_NS);
            if reading >= READINGS && good {
                break;
            }
            if reading >= READINGS {
                // The way is crowded: longer for some than for others.
                let pause = Duration::from_millis(u64::from(reading + self.who.shard.index % 16));
                std::thread::sleep(pause);
            }
            let before = self.who.clock.ns();
            let Some(there) = self.way.reading(self.who.patience, stopped)? else { continue };
            let (after, date_us) = (self.who.clock.ns(), self.who.clock.date_us());
            let way_ns = after.saturating_sub(before);
            let offset = Offset {
                ns: i128::from(there.ns) - (i128::from(before) + i128::from(way_ns / 2)),
                uncertainty_ns: way_ns / 2,
                date_ahead_us: date_us
                    .saturating_sub(there.date_us)
                    .saturating_sub(i64::try_from(way_ns / 2_000).unwrap_or(i64::MAX)),
            };
            if best.is_none_or(|best| offset.uncertainty_ns < best.uncertainty_ns) {
                best = Some(offset);
            }
        }
        best.ok_or(Refusal::Nonsense)
    }

    /// Tells the others that it is over here: well, or for that reason. Shard 0 stays until all have
    /// said so, or nobody waits for it any more.
    pub fn leave(&mut self, why: Option<String>, stopped: &dyn Fn() -> bool) {
        if std::mem::replace(&mut self.gone, true) {
            return;
        }
        let ask = Ask::Gone { shard: self.who.shard.index, why };
        // Shard 0 may be gone already.
        let _ = self.way.ask(&ask, FAREWELL, stopped);
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.leave(Some("it ended before the others".into()), &|| false);
    }
}

impl Way {
    /// Of shard 0's clock; none where this try was lost. Errors: shard 0 is away.
    fn reading(
        &self,
        patience: Duration,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Option<Reading>, Refusal> {
        if let Self::Http(client) = self
            && client.has_datagrams()
        {
            return Ok(client.reading());
        }
        match self.ask(&Ask::Clock, patience, stopped)? {
            Answer::Clock(there) => Ok(Some(there)),
            _ => Err(Refusal::Nonsense),
        }
    }

    /// Errors: [`Refusal::Away`] where nobody answers.
    fn ask(
        &self,
        ask: &Ask,
        patience: Duration,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Answer, Refusal> {
        match self {
            Self::Http(client) => client.ask(ask, patience, stopped),
            Self::Folder(client) => client.ask(ask, patience, stopped),
        }
    }
}

impl Host {
    fn open(who: &Membership) -> Result<Self, Refusal> {
        let meeting = meeting::Meeting::new(who)?;
        match &who.place {
            Place::Http { host, port, .. } => {
                let token = who.token.clone().ok_or(Refusal::NoToken)?;
                Ok(Self::Http(http::Host::open(meeting, (host, *port), token, who.clock)?))
            }
            Place::Folder(folder) => Ok(Self::Folder(folder::Host::open(meeting, folder)?)),
        }
    }
}
