//! Which GPUs are watched: those that the config names, else those that CUDA would show the server,
//! else all.

use crate::config::GpuName;

/// Index and UUID of each GPU, in the order of the indices.
pub type GpuIds = [(u32, String)];

/// Errors: a name that no GPU has.
pub fn named(known: &GpuIds, names: &[GpuName]) -> Result<Vec<usize>, String> {
    names
        .iter()
        .map(|name| match name {
            GpuName::Index(index) => known
                .iter()
                .position(|(i, _)| i == index)
                .ok_or_else(|| format!("gpu.devices: there is no GPU {index}")),
            GpuName::Uuid(uuid) => by_uuid(known, uuid)
                .ok_or_else(|| format!("gpu.devices: there is no GPU {uuid}, or several")),
        })
        .collect()
}

/// `CUDA_VISIBLE_DEVICES` as CUDA reads it: indices or beginnings of UUIDs, up to the first that is
/// no GPU.
pub fn visible(known: &GpuIds, variable: &str) -> Vec<usize> {
    let position = |word: &str| match word.parse::<u32>() {
        Ok(index) => known.iter().position(|(i, _)| *i == index),
        Err(_) => by_uuid(known, word),
    };
    let mut chosen: Vec<usize> = Vec::new();
    for place in variable.split(',').map(|word| position(word.trim())) {
        match place {
            Some(place) if !chosen.contains(&place) => chosen.push(place),
            _ => break,
        }
    }
    chosen
}

fn by_uuid(known: &GpuIds, beginning: &str) -> Option<usize> {
    let mut fitting = known
        .iter()
        .enumerate()
        .filter(|(_, (_, uuid))| !beginning.is_empty() && uuid.starts_with(beginning));
    let first = fitting.next()?.0;
    fitting.next().is_none().then_some(first)
}
