//! What GPU and server said of themselves over the rounds, as lanes on the time axis of the
//! requests. Not here: drawing (`page.js`), sums over a round (`report::gpu`, `report::server`).

use serde::Serialize;

use super::charts::{MOST_SECONDS, Span, thousandths};
use crate::config::Lang;
use crate::evidence::gpu::{RoundGpu, Series};
use crate::evidence::server::ServerSeries;
use crate::measure::stats::mean;
use crate::record::RoundRecord;
use crate::report::labels::labels;

/// Second by second, all rounds one after the other.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Lanes {
    pub at_s: Vec<f64>,
    /// Empty where the server told nothing in any round.
    pub server: Vec<Lane>,
    /// Empty where no GPU was watched.
    pub gpu: Vec<Lane>,
}

/// One quantity.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lane {
    pub name: Quantity,
    pub unit: &'static str,
    /// The axis ends there, where a quantity has a most.
    pub most: Option<f64>,
    pub lines: Vec<Line>,
}

/// What a lane shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Quantity {
    ServerRequests,
    ServerKvCache,
    GpuUtilisation,
    GpuPower,
    GpuClock,
    GpuTemperature,
    GpuMemory,
}

impl Quantity {
    pub const fn label(self, lang: Lang) -> &'static str {
        let labels = labels(lang);
        match self {
            Self::ServerRequests => labels.server_requests,
            Self::ServerKvCache => labels.server_kv_cache,
            Self::GpuUtilisation => labels.gpu_utilisation,
            Self::GpuPower => labels.gpu_power,
            Self::GpuClock => labels.gpu_clock,
            Self::GpuTemperature => labels.gpu_temperature,
            Self::GpuMemory => labels.gpu_memory,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    pub label: String,
    /// As `Lanes::at_s`; absent where that second had none.
    pub values: Vec<Option<f64>>,
}

/// A round that claims to be longer is no reason to fill the memory.
const A_DAY: usize = 86_400;
const GIB: f64 = 1_073_741_824.0;

pub fn lanes(rounds: &[(u32, &RoundRecord)], spans: &[Span]) -> Lanes {
    let seconds: Vec<usize> = rounds
        .iter()
        .map(|(_, round)| {
            usize::try_from(round.duration_us.div_ceil(1_000_000)).map_or(A_DAY, |n| n.min(A_DAY))
        })
        .collect();
    let every = seconds.iter().sum::<usize>().div_ceil(MOST_SECONDS).max(1);
    let at_s = spans
        .iter()
        .zip(&seconds)
        .flat_map(|(span, n)| (0..*n).map(|second| span.from_s + second as f64));
    let over = Over { rounds, seconds: &seconds, every };
    let known =
        |lanes: Vec<Lane>| lanes.into_iter().filter(|lane| !lane.lines.is_empty()).collect();
    Lanes {
        at_s: at_s.step_by(every).map(thousandths).collect(),
        server: known(over.server()),
        gpu: known(over.gpu()),
    }
}

/// Rounds in their order, how many seconds each lasted, and how many neighbours are drawn together.
struct Over<'a> {
    rounds: &'a [(u32, &'a RoundRecord)],
    seconds: &'a [usize],
    every: usize,
}

impl Over<'_> {
    /// Nothing where no second of any round has a value.
    fn line<'b>(
        &'b self,
        label: &str,
        scale: f64,
        of: impl Fn(&'b RoundRecord) -> Option<&'b Vec<Option<f64>>>,
    ) -> Option<Line> {
        let each = self.rounds.iter().zip(self.seconds).flat_map(|((_, round), n)| {
            let values = of(round);
            (0..*n).map(move |second| values.and_then(|v| v.get(second).copied().flatten()))
        });
        let all: Vec<Option<f64>> = each.collect();
        let together =
            |chunk: &[Option<f64>]| mean(&chunk.iter().flatten().copied().collect::<Vec<_>>());
        let values: Vec<Option<f64>> =
            all.chunks(self.every).map(|c| together(c).map(|v| thousandths(v * scale))).collect();
        values.iter().any(Option::is_some).then(|| Line { label: label.to_owned(), values })
    }

    fn server(&self) -> Vec<Lane> {
        let line = |label, scale, of: fn(&ServerSeries) -> &Vec<Option<f64>>| {
            self.line(label, scale, move |round: &RoundRecord| {
                Some(of(&round.server.as_ref()?.series))
            })
        };
        let requests = [line("running", 1.0, |s| &s.running), line("waiting", 1.0, |s| &s.waiting)];
        let kv = line("KV-cache use", 100.0, |s| &s.kv_use_ratio);
        vec![
            Lane {
                name: Quantity::ServerRequests,
                unit: "",
                most: None,
                lines: requests.into_iter().flatten().collect(),
            },
            Lane {
                name: Quantity::ServerKvCache,
                unit: "%",
                most: Some(100.0),
                lines: kv.into_iter().collect(),
            },
        ]
    }

    /// A line per GPU in each lane.
    fn gpu(&self) -> Vec<Lane> {
        let mut devices: Vec<(u32, &str)> = Vec::new();
        for device in
            self.rounds.iter().filter_map(|(_, r)| r.gpu.as_ref()).flat_map(|g| &g.devices)
        {
            if !devices.iter().any(|(_, uuid)| *uuid == device.uuid) {
                devices.push((device.index, &device.uuid));
            }
        }
        let lane = |name, unit, most, scale, of: fn(&Series) -> &Vec<Option<f64>>| {
            let series =
                |gpu: &'_ RoundGpu, uuid: &str| gpu.devices.iter().position(|d| d.uuid == uuid);
            let line = |(index, uuid): &(u32, &str)| {
                self.line(&format!("GPU {index}"), scale, |round: &RoundRecord| {
                    let gpu = round.gpu.as_ref()?;
                    Some(of(&gpu.devices[series(gpu, uuid)?].series))
                })
            };
            Lane { name, unit, most, lines: devices.iter().filter_map(line).collect() }
        };
        vec![
            lane(Quantity::GpuUtilisation, "%", Some(100.0), 100.0, |s| &s.utilisation_ratio),
            lane(Quantity::GpuPower, "W", None, 1.0, |s| &s.power_w),
            lane(Quantity::GpuClock, "MHz", None, 1.0, |s| &s.sm_clock_mhz),
            lane(Quantity::GpuTemperature, "°C", None, 1.0, |s| &s.temperature_c),
            lane(Quantity::GpuMemory, "GiB", None, 1.0 / GIB, |s| &s.memory_bytes),
        ]
    }
}
