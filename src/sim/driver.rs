//! Runs the engine in real time: takes requests, paces steps by absolute instants, hands tokens to
//! their connections.
//!
//! Not here: what a step costs (`engine`), how a token looks (`stream`).

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::engine::{Emission, Engine, Request, Step};
use super::metrics::Metrics;
use super::pacer::Pacer;
use super::stream::FinishReason;
use crate::clock::monotonic_ns;
use crate::config::sim::Knobs;

/// A step that is later than this is not caught up with: the machine was busy elsewhere, and a
/// burst would be no engine's doing.
const MOST_LATE_NS: u64 = 50_000_000;

/// The way to the engine. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    commands: UnboundedSender<Command>,
    metrics: Arc<Mutex<Metrics>>,
}

#[derive(Debug)]
enum Command {
    Submit { at_ns: u64, request: Request, reason: FinishReason, tokens: UnboundedSender<Emission> },
    Abort { id: u64 },
}

/// The engine's task. Ends when all handles are gone.
#[derive(Debug)]
pub struct Driver {
    engine: Engine,
    clock: VirtualClock,
    pacer: Pacer,
    commands: UnboundedReceiver<Command>,
    clients: BTreeMap<u64, Client>,
    metrics: Arc<Mutex<Metrics>>,
}

#[derive(Debug)]
struct Client {
    tokens: UnboundedSender<Emission>,
    reason: FinishReason,
    start_ms: f64,
    first_ms: f64,
    latest_ms: f64,
}

/// Virtual milliseconds since the start, `scale` times as fast as the monotonic clock.
#[derive(Clone, Copy, Debug)]
struct VirtualClock {
    start_ns: u64,
    scale: f64,
}

impl Handle {
    /// Submits a request that was received at `at_ns`. Dropping the receiver does not abort it;
    /// `abort` does.
    pub fn submit(
        &self,
        at_ns: u64,
        request: Request,
        reason: FinishReason,
    ) -> UnboundedReceiver<Emission> {
        let (tokens, receiver) = unbounded_channel();
        // The driver lives as long as the server; if it is gone, the receiver says so.
        let _ = self.commands.send(Command::Submit { at_ns, request, reason, tokens });
        receiver
    }

    pub fn abort(&self, id: u64) {
        let _ = self.commands.send(Command::Abort { id });
    }

    pub fn metrics(&self) -> MutexGuard<'_, Metrics> {
        lock(&self.metrics)
    }
}

impl Driver {
    pub fn new(knobs: &Knobs, seed: u64) -> io::Result<(Self, Handle)> {
        let (sender, commands) = unbounded_channel();
        let engine = Engine::new(knobs, seed);
        let metrics =
            Arc::new(Mutex::new(Metrics { counts: engine.counts(), ..Metrics::default() }));
        let handle = Handle { commands: sender, metrics: Arc::clone(&metrics) };
        let clock = VirtualClock { start_ns: monotonic_ns(), scale: knobs.time_scale };
        Ok((
            Self {
                engine,
                clock,
                pacer: Pacer::new()?,
                commands,
                clients: BTreeMap::new(),
                metrics,
            },
            handle,
        ))
    }

    pub async fn run(mut self) -> io::Result<()> {
        let mut now_ms = 0.0_f64;
        loop {
            while let Ok(command) = self.commands.try_recv() {
                self.take(command);
            }
            if let Some(step) = self.engine.step(now_ms) {
                now_ms = self.finish(&step).await?;
                continue;
            }
            let ready = self.engine.next_ready_ms();
            self.publish();
            let ready_ns = ready.map(|ms| self.clock.to_ns(ms));
            let command = tokio::select! {
                command = self.commands.recv() => match command {
                    None => return Ok(()),
                    some => some,
                },
                result = wait(&self.pacer, ready_ns) => { result?; None }
            };
            // An idle engine begins its next step when it is woken, or exactly when the request was
            // ready.
            let real_ms = self.clock.to_ms(monotonic_ns());
            now_ms = now_ms.max(match (&command, ready) {
                (None, Some(ready)) => ready.max(real_ms - self.clock.most_late_ms()),
                _ => real_ms,
            });
            if let Some(command) = command {
                self.take(command);
            }
        }
    }

    fn take(&mut self, command: Command) {
        match command {
            Command::Submit { at_ns, request, reason, tokens } => {
                let start_ms = self.clock.to_ms(at_ns);
                lock(&self.metrics).prompt_tokens += u64::from(request.prompt_tokens);
                self.clients.insert(
                    request.id,
                    Client { tokens, reason, start_ms, first_ms: start_ms, latest_ms: start_ms },
                );
                self.engine.submit(start_ms, request);
            }
            Command::Abort { id } => {
                if self.clients.remove(&id).is_some() {
                    self.engine.abort(id);
                    lock(&self.metrics).aborted += 1;
                }
            }
        }
    }

    /// Waits for the step's end and hands out its tokens. Returns when the next step begins.
    async fn finish(&mut self, step: &Step) -> io::Result<f64> {
        let due_ns = self.clock.to_ns(step.end_ms);
        self.pacer.until(due_ns).await?;
        let late_ns = monotonic_ns().saturating_sub(due_ns);
        self.hand_out(step, late_ns);
        // The connections write before the next step is begun.
        tokio::task::yield_now().await;
        let real_ms = self.clock.to_ms(monotonic_ns());
        Ok(if late_ns > MOST_LATE_NS { real_ms } else { step.end_ms })
    }

    fn hand_out(&mut self, step: &Step, late_ns: u64) {
        let mut metrics = lock(&self.metrics);
        metrics.late = late_ns as f64 / 1e9;
        metrics.late_max = metrics.late_max.max(metrics.late);
        metrics.counts = self.engine.counts();
        for emission in &step.emissions {
            let Some(client) = self.clients.get_mut(&emission.id) else { continue };
            client.count(&mut metrics, emission, step.end_ms, self.clock.scale);
            // A connection that has gone away aborts by itself.
            let _ = client.tokens.send(*emission);
            if emission.last {
                self.clients.remove(&emission.id);
            }
        }
    }

    fn publish(&self) {
        lock(&self.metrics).counts = self.engine.counts();
    }
}

impl Client {
    fn count(&mut self, metrics: &mut Metrics, emission: &Emission, now_ms: f64, scale: f64) {
        let seconds = |from_ms: f64| (now_ms - from_ms) / scale / 1000.0;
        metrics.generation_tokens += 1;
        if emission.number == 1 {
            let (ttft, queued) = (seconds(self.start_ms), emission.queued_ms / scale / 1000.0);
            metrics.ttft.add(ttft);
            metrics.queue.add(queued);
            metrics.prefill.add(ttft - queued);
            self.first_ms = now_ms;
        } else {
            metrics.gap.add(seconds(self.latest_ms));
        }
        self.latest_ms = now_ms;
        if emission.last {
            metrics.e2e.add(seconds(self.start_ms));
            metrics.decode.add(seconds(self.first_ms));
            match self.reason {
                FinishReason::Length => metrics.at_length += 1,
                FinishReason::Stop => metrics.stopped += 1,
            }
        }
    }
}

impl VirtualClock {
    fn to_ms(self, ns: u64) -> f64 {
        ns.saturating_sub(self.start_ns) as f64 / 1e6 * self.scale
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and times are not negative"
    )]
    fn to_ns(self, ms: f64) -> u64 {
        self.start_ns + (ms / self.scale * 1e6) as u64
    }

    fn most_late_ms(self) -> f64 {
        MOST_LATE_NS as f64 / 1e6 * self.scale
    }
}

async fn wait(pacer: &Pacer, at_ns: Option<u64>) -> io::Result<()> {
    match at_ns {
        Some(at_ns) => pacer.until(at_ns).await,
        None => std::future::pending().await,
    }
}

fn lock(metrics: &Mutex<Metrics>) -> MutexGuard<'_, Metrics> {
    // Numbers only: a panic elsewhere leaves them as good as they were.
    metrics.lock().unwrap_or_else(PoisonError::into_inner)
}
