//! Who wins among a workload's layers: default.yaml, then a preset, then the file's own keys (with
//! `--set`), then flags. Also lists into workloads.
//!
//! Not here: how one layer lies over another (`over` of each section), whether the outcome makes
//! sense (`workload`).

use super::error::{Issue, did_you_mean};
use super::file::File;
use super::flags::Flags;
use super::workload::{Layered, WorkloadFile};
use super::{presets, sweep};

/// Presets and lists become workloads of their own; flags and defaults are merged in.
pub fn expand(
    file: &File,
    defaults: &WorkloadFile,
    flags: &Flags,
    over: &WorkloadFile,
    issues: &mut Vec<Issue>,
) -> Vec<Layered> {
    let mut all = Vec::new();
    let swept = flags
        .sweep
        .as_deref()
        .and_then(|text| sweep::parse(text).map_err(|issue| issues.push(*issue)).ok());
    for (i, workload) in file.workloads.iter().flatten().enumerate() {
        let path = format!("workloads[{i}]");
        let name = workload.name.clone().or_else(|| workload.preset.clone()).unwrap_or_default();
        let parts = match workload.preset.as_deref() {
            None => vec![("", WorkloadFile::default())],
            Some(preset) => presets::find(preset).unwrap_or_else(|| {
                let hint = did_you_mean(preset, &presets::NAMES);
                issues.push(Issue::new(
                    format!("{path}.preset"),
                    format!("unknown preset `{preset}`"),
                    hint,
                ));
                vec![]
            }),
        };
        for (suffix, part) in parts {
            let own = if flags.select(&name) {
                over.clone().over(workload.clone())
            } else {
                workload.clone()
            };
            // A part that stands for one level of a preset's list has no meaning beside another
            // arrival.
            if suffix == presets::STRESS_TOP && own.arrival.is_some() {
                continue;
            }
            let own = own.over(part);
            let length_said = own.requests.is_some() || own.duration.is_some();
            let own_name = (!name.is_empty()).then(|| format!("{name}{suffix}"));
            let file = WorkloadFile { name: own_name, ..own.over(defaults.clone()) };
            let layered = Layered {
                path: path.clone(),
                family: name.clone(),
                file,
                length_said,
                tier: None,
                level: None,
            };
            all.extend(
                sweep::tiers(layered)
                    .into_iter()
                    .flat_map(|tier| sweep::levels(tier, swept.as_ref())),
            );
        }
    }
    all
}
