//! Metrics of the GPUs over rounds: energy per token and its inverse, peak memory, mean
//! utilisation. Absent where a round or a GPU lacks a part.

use super::{DeviceRound, RoundGpu};
use crate::measure::collect::Values;
use crate::measure::stats::mean;
use crate::metric::Metric;

const MIB: f64 = 1_048_576.0;

/// `tokens`: output tokens of the completed requests of a round, where all are known. Several GPUs
/// are summed; utilisation is their mean.
pub fn values(rounds: &[(Option<&RoundGpu>, Option<u64>)]) -> Values {
    let mut values = Values::new();
    let known: Option<Vec<&RoundGpu>> =
        rounds.iter().map(|(gpu, _)| gpu.filter(|g| !g.devices.is_empty())).collect();
    let Some(known) = known.filter(|k| !k.is_empty()) else { return values };
    let joules: Option<f64> = known.iter().map(|g| summed(g, |d| d.energy_j)).sum();
    let tokens: Option<u64> = rounds.iter().map(|(_, tokens)| *tokens).sum();
    if let Some((joules, tokens)) =
        joules.zip(tokens).filter(|(joules, tokens)| *joules > 0.0 && *tokens > 0)
    {
        values.insert(Metric::EnergyPerToken, joules / tokens as f64);
        values.insert(Metric::TokensPerJoule, tokens as f64 / joules);
    }
    let peaks: Option<Vec<f64>> =
        known.iter().map(|g| summed(g, |d| d.memory_peak_bytes.map(|b| b as f64 / MIB))).collect();
    if let Some(peak) = peaks.and_then(|p| p.into_iter().reduce(f64::max)) {
        values.insert(Metric::GpuMemoryPeak, peak);
    }
    let all: Option<Vec<f64>> =
        known.iter().flat_map(|g| &g.devices).map(|d| d.utilisation_mean_ratio).collect();
    if let Some(utilisation) = all.and_then(|all| mean(&all)) {
        values.insert(Metric::GpuUtilisation, utilisation);
    }
    values
}

fn summed(round: &RoundGpu, of: fn(&DeviceRound) -> Option<f64>) -> Option<f64> {
    round.devices.iter().map(of).sum()
}
