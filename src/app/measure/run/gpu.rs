//! The GPUs of a run: opened once, watched while a round of a server on this machine runs, and what
//! they did put into its record. Not here: NVML (`watch::gpu`), what makes a round unfit
//! (`evidence::gpu`).
#![expect(clippy::disallowed_methods, reason = "rim: reads CUDA_VISIBLE_DEVICES")]

use std::collections::BTreeSet;

use crate::app::sides::Side;
use crate::config::{Endpoint, Gpu, GpuWatch};
use crate::evidence::gpu::validity::{findings, silent, unwatched};
use crate::evidence::gpu::{Facts, RoundGpu, Sampler as Cost, Watched, Window, round};
use crate::exit::Failure;
use crate::fingerprint::Fingerprint;
use crate::lang::bilingual;
use crate::load::RoundResult;
use crate::measure::seen::gpu::{NvmlTrouble, Unwatched};
use crate::probe::host::nvidia_devices;
use crate::record::{Record, RoundRecord};
use crate::timeline::Timeline;
use crate::watch::gpu::{self as nvml, PATIENCE, Sampler, Taken};

/// What CUDA shows a program, where it is set.
const VISIBLE: &str = "CUDA_VISIBLE_DEVICES";

/// The library, where a side could use it.
pub struct Gpus<'a> {
    policy: &'a Gpu,
    /// Absent where nothing is to be watched.
    opened: Option<Result<nvml::Gpus, NvmlTrouble>>,
    /// What computed on any GPU before the servers of this start were there.
    tenants: BTreeSet<u32>,
}

/// The GPUs of one server.
pub struct Watch {
    sampler: Option<Sampler>,
    facts: Facts,
    /// For the host's facts.
    words: Option<String>,
    /// The gate started the server, so that what was there before is not the server's.
    started: bool,
    /// Why nothing is watched although it has to be.
    required: Option<Unwatched>,
}

/// What was seen of a round, before it is known what the round was.
pub struct Seen(Option<Taken>);

impl<'a> Gpus<'a> {
    pub fn open<'s>(policy: &'a Gpu, sides: impl Iterator<Item = &'s Side>) -> Self {
        let mut sides = sides;
        let wanted = policy.watch != GpuWatch::Off
            && sides.any(|s| !matches!(s.target.endpoint, Endpoint::Sim(_)));
        Self { policy, opened: wanted.then(nvml::Gpus::open), tenants: BTreeSet::new() }
    }

    /// Before the servers of a start are started.
    pub fn note_tenants(&mut self) {
        if let Some(Ok(gpus)) = &self.opened {
            self.tenants = gpus.tenants();
        }
    }

    /// Those of one side's server; `here`: it is on this machine. Errors: exit 3, a GPU that the
    /// config names is not there.
    pub fn watch(&self, side: &Side, here: bool) -> anyhow::Result<Watch> {
        let endpoint = &side.target.endpoint;
        let started = matches!(endpoint, Endpoint::Started(_));
        let Some(opened) = self.opened.as_ref().filter(|_| !matches!(endpoint, Endpoint::Sim(_)))
        else {
            return Ok(Watch::nothing(started));
        };
        let gpus = match opened {
            _ if !here => {
                let required = self.required(Unwatched::ServerElsewhere);
                return Ok(Watch { required, ..Watch::nothing(started) });
            }
            Err(why) => return Ok(self.without_nvml(why)),
            Ok(gpus) => gpus,
        };
        let chosen = if self.policy.devices.is_empty() {
            visible_to(endpoint).map_or_else(|| gpus.all(), |variable| gpus.visible(&variable))
        } else {
            gpus.named(&self.policy.devices).map_err(|why| {
                Failure::measure(bilingual!(
                    "{why}\nhint: `goodput-gate gpu` lists them; or leave gpu.devices out",
                    "{why}\n힌트: 목록은 `goodput-gate gpu`로 확인하거나, gpu.devices를 빼십시오"
                ))
            })?
        };
        if chosen.is_empty() {
            let why = Unwatched::NoGpuVisible;
            return Ok(Watch {
                words: Some(why.to_string()),
                required: self.required(why),
                ..Watch::nothing(started)
            });
        }
        let facts = gpus.facts(&chosen);
        let sampler = gpus.sampler(&chosen, self.policy.interval).map_err(Failure::measure)?;
        Ok(Watch { sampler: Some(sampler), words: facts.summary(), facts, started, required: None })
    }

    /// Why, where something has to be watched.
    fn required(&self, why: Unwatched) -> Option<Unwatched> {
        (self.policy.watch == GpuWatch::Required).then_some(why)
    }

    /// Where the machine has GPUs all the same, or has to have some, every report says so.
    fn without_nvml(&self, trouble: &NvmlTrouble) -> Watch {
        let (why, nvml) = (trouble.text().to_string(), Some(trouble.clone()));
        let failed = Unwatched::NvmlFailed { why: why.clone(), nvml: nvml.clone() };
        let required = self.required(failed);
        let unwatched = match nvidia_devices() {
            0 => required.clone(),
            gpus => Some(Unwatched::GpusInDev { gpus: gpus as u64, why, nvml }),
        };
        Watch {
            facts: Facts::unwatched(unwatched),
            words: Some(Unwatched::NoNvml.to_string()),
            required,
            ..Watch::nothing(false)
        }
    }

    /// What the GPUs did in the round, and what it means, into its record. `earlier`: rounds of the
    /// workload before it.
    pub fn put<'r>(
        &self,
        watch: &Watch,
        seen: Seen,
        measured: &RoundResult,
        mut earlier: impl Iterator<Item = &'r RoundRecord>,
        stored: &mut RoundRecord,
    ) {
        stored.findings.extend(watch.required.iter().map(unwatched));
        let Some(sampler) = &watch.sampler else { return };
        let Some(taken) = seen.0 else {
            stored.findings.push(silent(self.policy, PATIENCE.as_secs()));
            return;
        };
        let Some(window) = window(&measured.timelines) else { return };
        let tenants = if watch.started { self.tenants.clone() } else { BTreeSet::new() };
        let cost = Cost {
            interval_ms: sampler.interval.as_secs_f64() * 1000.0,
            cpu_ms: taken.cpu_ns as f64 / 1e6,
            cpu_ratio: (taken.elapsed_ns > 0)
                .then(|| taken.cpu_ns as f64 / taken.elapsed_ns as f64),
        };
        let devices = watch.facts.devices.iter().cloned().zip(taken.samples);
        let watched: Vec<Watched> =
            devices.map(|(device, samples)| Watched { device, samples }).collect();
        let gpu = round(&watched, window, cost, &tenants);
        let first: Option<&RoundGpu> = earlier.find_map(|r| r.gpu.as_ref());
        stored.findings.extend(findings(&watched, window, &gpu, first, &tenants, self.policy));
        stored.findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
        stored.add_gpu(gpu);
    }
}

impl Watch {
    fn nothing(started: bool) -> Self {
        Self { sampler: None, facts: Facts::default(), words: None, started, required: None }
    }

    pub fn begin(&self) {
        self.sampler.iter().for_each(Sampler::begin);
    }

    /// At once after the round: what comes later is none of it.
    pub fn end(&self) -> Seen {
        Seen(self.sampler.as_ref().and_then(Sampler::end))
    }

    /// Which GPUs, and how many: part of what is measured.
    pub fn key(&self, fingerprint: &mut Fingerprint) {
        if let Some(model) = self.facts.model() {
            fingerprint.set("gpu", model);
        }
        if let Some(driver) = self.facts.driver_major() {
            fingerprint.set("gpu_driver", driver);
        }
    }

    pub fn describe(&self, record: &mut Record) {
        if let Some(words) = &self.words {
            record.host.insert("gpu".into(), words.clone());
        }
        if self.facts != Facts::default() {
            record.gpu = Some(self.facts.clone());
        }
    }
}

/// Of the server's own environment, else of ours.
fn visible_to(endpoint: &Endpoint) -> Option<String> {
    let own = match endpoint {
        Endpoint::Started(server) => server.env.get(VISIBLE).cloned(),
        Endpoint::Http(_) | Endpoint::Sim(_) => None,
    };
    own.or_else(|| std::env::var(VISIBLE).ok())
}

/// From the first start of a request to the last end; none where nothing was sent.
fn window(timelines: &[Timeline]) -> Option<Window> {
    let begin_ns = timelines.iter().filter_map(Timeline::start_ns).min()?;
    let end_ns = timelines.iter().filter_map(|t| t.end_ns).max().filter(|end| *end > begin_ns)?;
    Some(Window { begin_ns, end_ns })
}
