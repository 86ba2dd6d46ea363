//! The virtual GPU: an iteration-level model of continuous batching. Pure: it is told the time and
//! says when things happen.
//!
//! Not here: pacing by the wall clock, sockets (`server`), or a prediction of any real engine.
//! Times are virtual milliseconds since the start.

use std::collections::{BTreeMap, VecDeque};

use super::noise::Noise;
use super::prefix::{Block, PrefixCache};
use crate::config::sim::{EngineParams, Knobs};

#[cfg(test)]
mod tests;

/// What a client asks of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub id: u64,
    /// At least 1.
    pub prompt_tokens: u32,
    /// Exactly so many are produced; at least 1.
    pub output_tokens: u32,
    /// The prompt in blocks, for the prefix cache.
    pub blocks: Vec<Block>,
}

/// One token of one sequence, at the end of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Emission {
    pub id: u64,
    /// 1 for the first.
    pub number: u32,
    pub last: bool,
    /// Prompt tokens that came from the prefix cache.
    pub cached_tokens: u32,
    /// From when the request could be scheduled to when it first was.
    pub queued_ms: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub end_ms: f64,
    pub emissions: Vec<Emission>,
    /// Tokens computed: one per decoding sequence, and the prefill chunks.
    pub tokens: u32,
}

/// What the engine holds and has done, for `/metrics`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub running: usize,
    /// Could be scheduled, and were not. Those still in their fixed overhead are not among them.
    pub waiting: usize,
    pub kv_used: u32,
    pub kv_cap: u32,
    pub preemptions: u64,
    pub prefix_queries: u64,
    pub prefix_hits: u64,
}

#[derive(Debug)]
pub struct Engine {
    params: EngineParams,
    prefill_factor: f64,
    decode_factor: f64,
    noise: Noise,
    prefixes: PrefixCache,
    /// Requests in their fixed overhead, by when it ends (the bits of a float that is not negative,
    /// which have its order) and by id.
    arriving: BTreeMap<(u64, u64), Sequence>,
    waiting: VecDeque<Sequence>,
    /// In order of admission: the last is the youngest.
    running: Vec<Sequence>,
    kv_used: u32,
    busy_ms: f64,
    preemptions: u64,
    prefix_queries: u64,
    prefix_hits: u64,
}

#[derive(Debug)]
struct Sequence {
    request: Request,
    /// Tokens to compute before the next token comes out: the prompt, and after a preemption what
    /// was produced, too.
    target: u32,
    computed: u32,
    produced: u32,
    cached: u32,
    /// KV tokens held.
    kv: u32,
    ready_ms: f64,
    queued_ms: f64,
}

/// What one step computes.
#[derive(Default)]
struct Batch {
    decoding: u32,
    decode_context: u64,
    prefill: u32,
    /// Sum of chunk * (context before + chunk / 2).
    prefill_context: f64,
}

impl Engine {
    pub fn new(knobs: &Knobs, seed: u64) -> Self {
        let params = knobs.engine();
        Self {
            prefixes: PrefixCache::new(knobs.prefix_cache, &params),
            params,
            prefill_factor: knobs.prefill_factor,
            decode_factor: knobs.decode_factor,
            noise: Noise::new(knobs, seed),
            arriving: BTreeMap::new(),
            waiting: VecDeque::new(),
            running: Vec::new(),
            kv_used: 0,
            busy_ms: 0.0,
            preemptions: 0,
            prefix_queries: 0,
            prefix_hits: 0,
        }
    }

    /// Takes a request that arrived at `now_ms`. Its prompt and output together must fit into the
    /// KV cache.
    pub fn submit(&mut self, now_ms: f64, request: Request) {
        let prefill = self.prefill_factor * self.noise.prefill() * self.noise.jitter();
        let overhead =
            self.params.request_overhead_ms * prefill * self.noise.common(now_ms, self.busy_ms);
        let ready_ms = now_ms.max(0.0) + overhead;
        let target = request.prompt_tokens;
        let sequence = Sequence {
            target,
            request,
            computed: 0,
            produced: 0,
            cached: 0,
            kv: 0,
            ready_ms,
            queued_ms: 0.0,
        };
        self.arriving.insert((ready_ms.to_bits(), sequence.request.id), sequence);
    }

    /// Forgets a request, wherever it is.
    pub fn abort(&mut self, id: u64) {
        self.arriving.retain(|_, s| s.request.id != id);
        self.waiting.retain(|s| s.request.id != id);
        self.running.retain(|s| s.request.id != id);
        self.kv_used = self.running.iter().map(|s| s.kv).sum();
    }

    /// When the next request is ready, if only that is waited for.
    pub fn next_ready_ms(&self) -> Option<f64> {
        self.arriving.first_key_value().map(|((ready, _), _)| f64::from_bits(*ready))
    }

    /// Runs one step from `now_ms`; none when there is nothing to run. `now_ms` must not fall from
    /// call to call.
    pub fn step(&mut self, now_ms: f64) -> Option<Step> {
        self.take_ready(now_ms);
        let mut batch = Batch::default();
        let preempted = self.decode(&mut batch);
        let mut left = self.params.budget - batch.decoding;
        left -= self.prefill_running(&mut batch, left);
        // As vLLM: who was just preempted does not come back in the same step.
        if !preempted {
            self.admit(&mut batch, left, now_ms);
        }
        let tokens = batch.decoding + batch.prefill;
        if tokens == 0 {
            return None;
        }
        let dt = self.duration(&batch, now_ms);
        let dt = dt + self.noise.stall(now_ms, now_ms + dt);
        self.busy_ms += dt;
        Some(Step { end_ms: now_ms + dt, emissions: self.emit(), tokens })
    }

    pub fn counts(&self) -> Counts {
        Counts {
            running: self.running.len(),
            waiting: self.waiting.len(),
            kv_used: self.kv_used,
            kv_cap: self.params.kv_cap,
            preemptions: self.preemptions,
            prefix_queries: self.prefix_queries,
            prefix_hits: self.prefix_hits,
        }
    }

    fn take_ready(&mut self, now_ms: f64) {
        while let Some(entry) =
            self.arriving.first_entry().filter(|e| f64::from_bits(e.key().0) <= now_ms)
        {
            self.waiting.push_back(entry.remove());
        }
    }

    /// One token for each sequence whose prompt is done; makes room first.
    fn decode(&mut self, batch: &mut Batch) -> bool {
        let before = self.preemptions;
        while self.kv_used + self.decoding() > self.params.kv_cap && self.running.len() > 1 {
            self.preempt_youngest();
        }
        for sequence in self.running.iter_mut().filter(|s| s.is_decoding()) {
            batch.decoding += 1;
            batch.decode_context += u64::from(sequence.kv);
            sequence.kv += 1;
            self.kv_used += 1;
        }
        self.preemptions > before
    }

    fn decoding(&self) -> u32 {
        self.running.iter().map(|s| u32::from(s.is_decoding())).sum()
    }

    fn preempt_youngest(&mut self) {
        let Some(mut youngest) = self.running.pop() else { return };
        self.kv_used -= youngest.kv;
        youngest.kv = 0;
        youngest.computed = 0;
        youngest.target = youngest.request.prompt_tokens + youngest.produced;
        self.waiting.push_front(youngest);
        self.preemptions += 1;
    }

    /// Goes on with prompts that did not fit into earlier steps.
    fn prefill_running(&mut self, batch: &mut Batch, budget: u32) -> u32 {
        let mut used = 0;
        for sequence in self.running.iter_mut().filter(|s| !s.is_decoding()) {
            used += sequence.prefill(batch, budget - used);
        }
        used
    }

    fn admit(&mut self, batch: &mut Batch, mut budget: u32, now_ms: f64) {
        while budget > 0 && self.running.len() < self.params.max_seqs as usize {
            // The whole prompt's KV is taken at once, so that a prompt under way never waits for
            // room. A hundredth stays free (vLLM's watermark), or the sequence would soon be
            // preempted again; alone it may have all.
            let spare = if self.running.is_empty() { 1 } else { 1 + self.params.kv_cap / 100 };
            let room = self.params.kv_cap.saturating_sub(self.kv_used + spare);
            if self.waiting.front().is_none_or(|s| s.target > room) {
                return;
            }
            let Some(mut sequence) = self.waiting.pop_front() else { return };
            // What was produced before a preemption is not in the prefix cache; nothing is reused
            // then.
            if sequence.produced == 0 && sequence.computed == 0 {
                self.look_up(&mut sequence);
                sequence.queued_ms = now_ms - sequence.ready_ms;
            }
            sequence.kv = sequence.target;
            self.kv_used += sequence.kv;
            budget -= sequence.prefill(batch, budget);
            self.running.push(sequence);
        }
    }

    fn look_up(&mut self, sequence: &mut Sequence) {
        let prompt = sequence.request.prompt_tokens;
        // At least one token is computed, as the next one comes out of it.
        let hit = self.prefixes.hit(&sequence.request.blocks).min(prompt - 1);
        sequence.cached = hit;
        sequence.computed = hit;
        self.prefix_queries += u64::from(prompt);
        self.prefix_hits += u64::from(hit);
    }

    /// `dt = (a + c decoding + d context) * decode + (b tokens + e attention) * prefill`, with
    /// jitter and the slower factors on top.
    fn duration(&mut self, batch: &Batch, now_ms: f64) -> f64 {
        let p = &self.params;
        let decode = p.step_ms
            + p.decode_sequence_ms * f64::from(batch.decoding)
            + p.decode_context_ms * batch.decode_context as f64;
        let prefill = p.prefill_token_ms * f64::from(batch.prefill)
            + p.prefill_context_ms * batch.prefill_context;
        let work = decode * self.decode_factor * self.noise.decode()
            + prefill * self.prefill_factor * self.noise.prefill();
        work * self.noise.jitter() * self.noise.common(now_ms, self.busy_ms)
    }

    /// Each sequence that computed all it had gives a token; finished ones leave.
    fn emit(&mut self) -> Vec<Emission> {
        let mut emissions = Vec::with_capacity(self.running.len());
        for sequence in self.running.iter_mut().filter(|s| s.is_decoding()) {
            if sequence.produced == 0 {
                self.prefixes.insert(&sequence.request.blocks);
            }
            sequence.produced += 1;
            emissions.push(Emission {
                id: sequence.request.id,
                number: sequence.produced,
                last: sequence.produced >= sequence.request.output_tokens,
                cached_tokens: sequence.cached,
                queued_ms: sequence.queued_ms,
            });
        }
        self.running.retain(|s| s.produced < s.request.output_tokens);
        self.kv_used = self.running.iter().map(|s| s.kv).sum();
        emissions
    }
}

impl Sequence {
    const fn is_decoding(&self) -> bool {
        self.computed >= self.target
    }

    fn prefill(&mut self, batch: &mut Batch, budget: u32) -> u32 {
        let chunk = (self.target - self.computed).min(budget);
        batch.prefill += chunk;
        batch.prefill_context +=
            f64::from(chunk) * (f64::from(self.computed) + f64::from(chunk) / 2.0);
        self.computed += chunk;
        chunk
    }
}
