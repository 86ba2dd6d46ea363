//! The meeting that shard 0 keeps: who has come, what they agree on, and when all begin. Every ask
//! is answered at once; [`Answer::Wait`] is asked again.
//!
//! Not here: how asks and answers travel.
#![expect(clippy::disallowed_methods, reason = "rim: draws the session")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Answer, Ask, Clock, Instant, Joined, Membership, Refusal};
use crate::clock;

/// From the last shard's coming until all begin: longer than it takes to tell a thousand of them.
const LEAD_NS: u64 = 300_000_000;

/// How long shard 0 stays, so that the others hear why it is over.
const FAREWELL: Duration = Duration::from_secs(3);

pub struct Meeting {
    count: u32,
    version: String,
    clock: Clock,
    patience_ns: u64,
    joined: Joined,
    members: BTreeMap<u32, u64>,
    /// What the first shard said, and which that was.
    facts: Option<(u32, BTreeMap<String, String>)>,
    /// Which time that all meet.
    number: u32,
    ready: BTreeSet<u32>,
    /// When the first of them was ready.
    since_ns: u64,
    begun: Option<Instant>,
    /// It is over for everybody.
    failed: Option<Refusal>,
    gone: BTreeSet<u32>,
}

impl Meeting {
    /// Errors: the system gives no random numbers.
    pub fn new(who: &Membership) -> Result<Self, Refusal> {
        let drawn = || getrandom::u64().map_err(|e| Refusal::System { why: e.to_string() });
        Ok(Self {
            count: who.shard.count,
            version: who.version.clone(),
            clock: who.clock,
            patience_ns: u64::try_from(who.patience.as_nanos()).unwrap_or(u64::MAX),
            joined: Joined { session: format!("{:08x}", drawn()? >> 32), salt: drawn()? },
            members: BTreeMap::new(),
            facts: None,
            number: 0,
            ready: BTreeSet::new(),
            since_ns: 0,
            begun: None,
            failed: None,
            gone: BTreeSet::new(),
        })
    }

    pub fn session(&self) -> &str {
        &self.joined.session
    }

    /// `now_ns` is of the monotonic clock.
    pub fn answer(&mut self, ask: &Ask, now_ns: u64) -> Answer {
        let answered = match ask {
            Ask::Clock => Ok(Answer::Clock(self.clock.reading())),
            Ask::Join { shard, count, member, version } => {
                self.join(*shard, *count, *member, version)
            }
            Ask::Ready { shard, meeting, facts } => self.ready(*shard, *meeting, facts, now_ns),
            Ask::Gone { shard, why } => {
                self.gone.insert(*shard);
                if let Some(why) = why {
                    self.fail(Refusal::GaveUp { shard: *shard, why: why.clone() });
                }
                Ok(Answer::Gone)
            }
        };
        answered.unwrap_or_else(Answer::Refused)
    }

    /// Every shard that came is gone again, or nobody waits for those that are not.
    pub fn is_over(&self, waited: Duration) -> bool {
        let failed = self.failed.as_ref().map(|_| FAREWELL);
        let patience = failed.unwrap_or(Duration::from_nanos(self.patience_ns));
        waited > patience || self.members.keys().all(|shard| self.gone.contains(shard))
    }

    /// Nobody is to wait for any shard any more.
    fn fail(&mut self, why: Refusal) {
        self.failed.get_or_insert(why);
    }

    fn join(
        &mut self,
        shard: u32,
        count: u32,
        member: u64,
        version: &str,
    ) -> Result<Answer, Refusal> {
        if count != self.count || shard >= self.count {
            return Err(Refusal::OtherCount { ours: self.count, theirs: count });
        }
        if version != self.version {
            let (ours, theirs) = (self.version.clone(), version.to_owned());
            return Err(Refusal::OtherVersion { shard, ours, theirs });
        }
        // The same member asks again where an answer was lost.
        if *self.members.entry(shard).or_insert(member) != member {
            return Err(Refusal::Twice { shard });
        }
        Ok(Answer::Joined(self.joined.clone()))
    }

    fn ready(
        &mut self,
        shard: u32,
        meeting: u32,
        facts: &BTreeMap<String, String>,
        now_ns: u64,
    ) -> Result<Answer, Refusal> {
        if let Some(why) = &self.failed {
            return Err(why.clone());
        }
        if let Some((first, agreed)) = &self.facts {
            if let Some(refusal) = differ((*first, agreed), (shard, facts)) {
                self.fail(refusal.clone());
                return Err(refusal);
            }
        } else {
            self.facts = Some((shard, facts.clone()));
        }
        if meeting < self.number {
            return Err(Refusal::Nonsense);
        }
        if meeting > self.number {
            (self.number, self.begun) = (meeting, None);
            self.ready.clear();
        }
        if self.ready.is_empty() {
            self.since_ns = now_ns;
        }
        self.ready.insert(shard);
        if self.begun.is_none() && self.ready.len() as u64 == u64::from(self.count) {
            self.begun = Some(self.instant(now_ns));
        }
        match &self.begun {
            Some(instant) => Ok(Answer::Begin(instant.clone())),
            None if now_ns.saturating_sub(self.since_ns) > self.patience_ns => {
                let absent = (0..self.count).filter(|k| !self.ready.contains(k)).collect();
                let seconds = Duration::from_nanos(self.patience_ns).as_secs();
                let refusal = Refusal::Absent { shards: absent, count: self.count, seconds };
                self.fail(refusal.clone());
                Err(refusal)
            }
            None => Ok(Answer::Wait),
        }
    }

    fn instant(&self, now_ns: u64) -> Instant {
        let lead_us = i64::try_from(LEAD_NS / 1_000).unwrap_or(0);
        let us = self.clock.date_us().saturating_add(lead_us);
        let date = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(us) * 1_000);
        Instant {
            ns: self.clock.bent(now_ns + LEAD_NS),
            date: date.map(clock::date).unwrap_or_default(),
        }
    }
}

/// What two shards do not agree on.
fn differ(
    (first, ours): (u32, &BTreeMap<String, String>),
    (shard, theirs): (u32, &BTreeMap<String, String>),
) -> Option<Refusal> {
    let fields: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let field = fields.into_iter().find(|field| ours.get(*field) != theirs.get(*field))?;
    let said = |facts: &BTreeMap<String, String>| facts.get(field).cloned().unwrap_or_default();
    let (ours, theirs) = (said(ours), said(theirs));
    Some(Refusal::Differ { field: field.clone(), first, shard, ours, theirs })
}
