//! Samples GPUs through NVML, which is loaded at run time; that it is absent is a fact, not an
//! error. Not here: what the samples mean.

mod nvml;
mod owner;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use nvml_wrapper::Nvml;

use self::nvml::GpuHandle;
use self::owner::Owners;
use crate::clock::{monotonic_ns, thread_cpu_ns};
use crate::config::GpuName;
use crate::evidence::gpu::choice::{named, visible};
use crate::evidence::gpu::{Device, Facts, Sample};
use crate::measure::seen::gpu::NvmlTrouble;

/// The library, and the GPUs that it knows.
pub struct Gpus {
    nvml: Arc<Nvml>,
    /// Index and UUID; MIG devices, with the index of their GPU, behind all GPUs.
    known: Vec<(u32, String)>,
    /// Of `known`, those that are GPUs.
    whole: usize,
}

/// A thread that samples some GPUs while a round runs, and sleeps else.
pub struct Sampler {
    asks: Sender<Ask>,
    pub interval: Duration,
}

/// What a sampler saw from [`Sampler::begin`] to [`Sampler::end`].
#[derive(Debug, Default)]
pub struct Taken {
    /// By device, in the order in which they were chosen.
    pub samples: Vec<Vec<Sample>>,
    /// CPU time of the thread.
    pub cpu_ns: u64,
    pub elapsed_ns: u64,
}

enum Ask {
    /// Answers once the first sample is taken.
    Begin(Sender<()>),
    End(Sender<Taken>),
}

/// Between two questions for what changes slowly or costs more: processes, errors, replays.
const SLOW_NS: u64 = 1_000_000_000;
/// A driver that does not answer for so long has a GPU that fell off.
pub const PATIENCE: Duration = Duration::from_secs(5);

impl Gpus {
    /// Errors: why there is no NVML.
    pub fn open() -> Result<Self, NvmlTrouble> {
        let nvml = nvml::open()?;
        let (known, whole) = nvml::devices(&nvml);
        Ok(Self { nvml: Arc::new(nvml), known, whole })
    }

    /// Every GPU, without MIG devices.
    pub fn all(&self) -> Vec<usize> {
        (0..self.whole).collect()
    }

    /// Errors: a name that no GPU has.
    pub fn named(&self, names: &[GpuName]) -> Result<Vec<usize>, String> {
        named(&self.known, names)
    }

    /// Those that `CUDA_VISIBLE_DEVICES` shows a program.
    pub fn visible(&self, variable: &str) -> Vec<usize> {
        visible(&self.known, variable)
    }

    pub fn facts(&self, chosen: &[usize]) -> Facts {
        let (driver, cuda) = nvml::versions(&self.nvml);
        Facts {
            driver,
            cuda,
            devices: self.watched(chosen).map(|(device, _)| device).collect(),
            unwatched: None,
            unwatched_why: None,
        }
    }

    /// Each with one sample of now.
    pub fn watched(&self, chosen: &[usize]) -> impl Iterator<Item = (Device, Sample)> {
        let mut owners = Owners::default();
        chosen.iter().filter_map(|i| self.known.get(*i)).map(move |(index, uuid)| {
            let asked = GpuHandle::new(&self.nvml, uuid);
            let sample = asked.sample(true, &mut owners);
            (asked.device(*index, uuid, &sample), sample)
        })
    }

    /// Every process that computes on any GPU.
    pub fn tenants(&self) -> BTreeSet<u32> {
        let mut owners = Owners::default();
        let uuids = self.known.iter().map(|(_, uuid)| uuid);
        uuids
            .flat_map(|uuid| GpuHandle::new(&self.nvml, uuid).processes(&mut owners))
            .map(|p| p.pid)
            .collect()
    }

    pub fn sampler(&self, chosen: &[usize], interval: Duration) -> Result<Sampler, String> {
        let (asks, inbox) = mpsc::channel();
        let nvml = Arc::clone(&self.nvml);
        let uuids: Vec<String> = chosen
            .iter()
            .filter_map(|i| self.known.get(*i))
            .map(|(_, uuid)| uuid.clone())
            .collect();
        let run = move || watch(&nvml, &uuids, interval, &inbox);
        let thread = std::thread::Builder::new().name("gpu-sampler".into()).spawn(run);
        thread
            .map(|_| Sampler { asks, interval })
            .map_err(|e| format!("cannot start the GPU sampler's thread: {e}"))
    }
}

impl Sampler {
    /// Samples from now on; returns once the first sample is taken.
    pub fn begin(&self) {
        let (done, wait) = mpsc::channel();
        // A thread that is gone, or a driver that is silent, shows at the end.
        if self.asks.send(Ask::Begin(done)).is_ok() {
            let _ = wait.recv_timeout(PATIENCE);
        }
    }

    /// One last sample, and all of them; none where the driver did not answer.
    pub fn end(&self) -> Option<Taken> {
        let (done, wait) = mpsc::channel();
        self.asks.send(Ask::End(done)).ok()?;
        wait.recv_timeout(PATIENCE).ok()
    }
}

/// Until nobody can ask any more.
fn watch(nvml: &Nvml, uuids: &[String], interval: Duration, inbox: &Receiver<Ask>) {
    let devices: Vec<GpuHandle<'_>> = uuids.iter().map(|uuid| GpuHandle::new(nvml, uuid)).collect();
    let mut next = inbox.recv().ok();
    while let Some(ask) = next {
        next = match ask {
            Ask::Begin(ready) => window(&devices, interval, inbox, &ready),
            Ask::End(reply) => {
                let _ = reply.send(Taken::default());
                inbox.recv().ok()
            }
        };
    }
}

/// One round; returns the next thing that is asked.
fn window(
    devices: &[GpuHandle<'_>],
    interval: Duration,
    inbox: &Receiver<Ask>,
    ready: &Sender<()>,
) -> Option<Ask> {
    let (cpu_ns, began_ns) = (thread_cpu_ns(), monotonic_ns());
    let mut owners = Owners::default();
    let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); devices.len()];
    let mut sample = |slow: bool| {
        for (device, taken) in devices.iter().zip(&mut samples) {
            taken.push(device.sample(slow, &mut owners));
        }
    };
    let (mut ticks, mut slow_ns) = (0_u32, began_ns);
    sample(true);
    let _ = ready.send(());
    loop {
        ticks = ticks.saturating_add(1);
        let due_ns = began_ns.saturating_add(nanos(interval.saturating_mul(ticks)));
        match inbox.recv_timeout(Duration::from_nanos(due_ns.saturating_sub(monotonic_ns()))) {
            Err(RecvTimeoutError::Timeout) => {
                let now_ns = monotonic_ns();
                let slow = now_ns.saturating_sub(slow_ns) >= SLOW_NS;
                if slow {
                    slow_ns = now_ns;
                }
                sample(slow);
                // Ticks that a busy machine made it miss are left out, not made up for.
                ticks = ticks.max(
                    u32::try_from((now_ns - began_ns) / nanos(interval).max(1)).unwrap_or(u32::MAX),
                );
            }
            Err(RecvTimeoutError::Disconnected) => return None,
            Ok(Ask::Begin(again)) => return Some(Ask::Begin(again)),
            Ok(Ask::End(reply)) => {
                sample(true);
                let elapsed_ns = monotonic_ns().saturating_sub(began_ns);
                let _ = reply.send(Taken {
                    samples,
                    cpu_ns: thread_cpu_ns().saturating_sub(cpu_ns),
                    elapsed_ns,
                });
                return inbox.recv().ok();
            }
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
