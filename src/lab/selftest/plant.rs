//! The engine model driven in virtual time: one server start that plays rounds and brings back
//! timelines, as a client would.
//!
//! No clock, no sockets: the client is perfect, so that what is judged is the engine's noise and
//! change. Not here: judging.

use std::collections::VecDeque;

use super::loads::{Load, Prepared};
use crate::config::sim::Knobs;
use crate::measure::Round;
use crate::measure::validity::{ClientHealth, Severity};
use crate::plan::Pace;
use crate::record::build::{Raw, round};
use crate::sim::{Engine, Fate, Request, fate};
use crate::timeline::{Outcome, OutputEvent, Timeline};

/// A server start in virtual time.
pub struct Plant {
    engine: Engine,
    knobs: Knobs,
    seed: u64,
    /// Requests so far, which name them.
    requests: u64,
    now_ms: f64,
}

/// What a round brought back.
pub struct Played {
    timelines: Vec<Timeline>,
    began_ns: u64,
    pub end_ms: f64,
}

/// Where a round stands in its gate.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub start: u32,
    pub index: u32,
    pub order: u32,
}

/// A round under way.
struct Playing<'a> {
    prepared: &'a Prepared,
    timelines: Vec<Timeline>,
    /// Instants at which the next requests go, ascending.
    due_ms: VecDeque<f64>,
    first_id: u64,
    closed: bool,
}

impl Plant {
    /// A fresh start. `seed` draws its noise and its requests' fates.
    pub fn start(knobs: Knobs, seed: u64) -> Self {
        Self { engine: Engine::new(&knobs, seed), knobs, seed, requests: 0, now_ms: 0.0 }
    }

    /// Plays one round that begins at `at_ms` since the start, or when the round before has ended.
    pub fn play(&mut self, prepared: &Prepared, at_ms: f64) -> Played {
        self.now_ms = self.now_ms.max(at_ms);
        let began_ms = self.now_ms;
        let mut playing = Playing::new(prepared, began_ms, self.requests);
        self.requests += prepared.calls.len() as u64;
        loop {
            self.submit_due(&mut playing);
            if let Some(step) = self.engine.step(self.now_ms) {
                self.now_ms = step.end_ms;
                step.emissions
                    .iter()
                    .for_each(|e| playing.note(e.id, e.last, e.cached_tokens, step.end_ms));
                continue;
            }
            let next = [self.engine.next_ready_ms(), playing.next_due()]
                .into_iter()
                .flatten()
                .reduce(f64::min);
            let Some(next) = next else { break };
            self.now_ms = self.now_ms.max(next);
        }
        Played { timelines: playing.timelines, began_ns: nanos(began_ms), end_ms: self.now_ms }
    }

    fn submit_due(&mut self, playing: &mut Playing<'_>) {
        while let Some((at_ms, index)) = playing.take_due(self.now_ms) {
            let id = playing.first_id + index as u64;
            let call = &playing.prepared.calls[index];
            if fate(&self.knobs, self.seed, id, call.output_tokens) == Fate::Served {
                let (prompt_tokens, output_tokens) = (call.prompt_tokens, call.output_tokens);
                self.engine.submit(
                    at_ms,
                    Request { id, prompt_tokens, output_tokens, blocks: call.blocks.clone() },
                );
            } else {
                // Whatever its kind, a failure is refused at once: how failures look on the wire is
                // the protocol tests' matter.
                playing.refuse(index, at_ms);
            }
        }
    }
}

impl<'a> Playing<'a> {
    fn new(prepared: &'a Prepared, began_ms: f64, first_id: u64) -> Self {
        let due_ms = match prepared.plan.pace {
            Pace::Open | Pace::Sessions { concurrency: None, .. } => prepared
                .plan
                .requests
                .iter()
                .map(|r| began_ms + r.offset.as_secs_f64() * 1000.0)
                .collect(),
            // What the selftest plays has no sessions.
            Pace::Closed { concurrency }
            | Pace::Sessions { concurrency: Some(concurrency), .. } => {
                vec![began_ms; concurrency as usize].into()
            }
        };
        let closed = !prepared.plan.pace.is_open();
        Self {
            prepared,
            timelines: Vec::with_capacity(prepared.calls.len()),
            due_ms,
            first_id,
            closed,
        }
    }

    fn next_due(&self) -> Option<f64> {
        self.due_ms.front().copied().filter(|_| self.timelines.len() < self.prepared.calls.len())
    }

    /// The next request that is due, now sent.
    fn take_due(&mut self, now_ms: f64) -> Option<(f64, usize)> {
        let at_ms = self.next_due().filter(|&at| at <= now_ms)?;
        self.due_ms.pop_front();
        let index = self.timelines.len();
        self.timelines.push(self.sent(index, at_ms));
        Some((at_ms, index))
    }

    fn sent(&self, index: usize, at_ms: f64) -> Timeline {
        let sent = nanos(at_ms);
        let call = &self.prepared.calls[index];
        Timeline {
            handed_ns: Some(sent),
            slot_ns: Some(sent),
            sent_ns: Some(sent),
            outputs: Vec::with_capacity(call.output_tokens as usize),
            input_tokens: Some(call.prompt_tokens),
            output_tokens: Some(0),
            ..Timeline::planned(self.prepared.plan.requests[index].index, sent, self.closed)
        }
    }

    fn note(&mut self, id: u64, last: bool, cached_tokens: u32, at_ms: f64) {
        let index = id.checked_sub(self.first_id).and_then(|i| usize::try_from(i).ok());
        let Some(t) = index.and_then(|i| self.timelines.get_mut(i)) else { return };
        t.outputs.push(OutputEvent { at_ns: nanos(at_ms) });
        t.output_tokens = t.output_tokens.map(|n| n + 1);
        if last {
            t.cached_tokens = Some(cached_tokens);
            t.finish_reason = Some("length".into());
            t.outcome = Outcome::Completed;
            t.end_ns = Some(nanos(at_ms));
            self.next_of_lane(at_ms);
        }
    }

    fn refuse(&mut self, index: usize, at_ms: f64) {
        if let Some(t) = self.timelines.get_mut(index) {
            t.outcome = Outcome::HttpStatus(500);
            t.end_ns = Some(nanos(at_ms));
        }
        self.next_of_lane(at_ms);
    }

    /// In a closed loop the next request goes when one has ended.
    fn next_of_lane(&mut self, at_ms: f64) {
        if self.closed {
            self.due_ms.push_back(at_ms);
        }
    }
}

impl Played {
    /// The round as METHOD sees it, by the way that every measured round takes; and why it is
    /// unfit, if it is.
    pub fn measured(&self, load: &Load, prepared: &Prepared, place: Place) -> (Round, Vec<String>) {
        let raw = Raw {
            start: place.start,
            index: place.index,
            order: place.order,
            plan: &prepared.plan,
            timelines: &self.timelines,
            began_ns: self.began_ns,
            health: ClientHealth::default(),
            cut_short: false,
        };
        let record = round(&raw, &load.facts, &load.slo);
        let unfit = record
            .findings
            .iter()
            .filter(|f| f.severity == Severity::Invalid)
            .map(|f| f.message.clone())
            .collect();
        (record.columns.to_round(&record.context(place.start, &load.facts)), unfit)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "virtual times are not negative, and the cast saturates"
)]
fn nanos(ms: f64) -> u64 {
    (ms * 1e6).round() as u64
}
