//! A tool's own sweep: which of its loads differ in their level only. Not here: the loads
//! themselves (`round`, and a file per tool).

use super::Load;
use crate::config::Axis;
use crate::fingerprint::Fingerprint;
use crate::record::LevelRecord;

/// What a tool states of a level, or lets grow with it.
const OF_LEVEL: [&str; 5] = ["rate", "request_rate", "streams", "max_concurrency", "requests"];

/// Of each load its level, where another differs from it in that only. `family`: what all are
/// imported as.
pub fn levels(loads: &[&Load], family: &str) -> Vec<Option<LevelRecord>> {
    let parted: Vec<Option<(Axis, f64, Fingerprint)>> =
        loads.iter().map(|load| parted(load)).collect();
    // A file may hold sweeps of two kinds; one name stands for the first of them only.
    let kin = |a: &(Axis, f64, Fingerprint), b: &(Axis, f64, Fingerprint)| a.0 == b.0 && a.2 == b.2;
    let first = |axis: Axis| {
        parted
            .iter()
            .flatten()
            .find(|a| a.0 == axis && parted.iter().flatten().filter(|b| kin(a, b)).count() > 1)
    };
    let level = |one: &(Axis, f64, Fingerprint)| {
        first(one.0).is_some_and(|of| kin(of, one)).then(|| LevelRecord {
            family: family.to_owned(),
            axis: one.0,
            value: one.1,
        })
    };
    parted.iter().map(|one| level(one.as_ref()?)).collect()
}

/// Its level, and what it states beside that. None where it keeps no level: ramps, traces, all at
/// once.
fn parted(load: &Load) -> Option<(Axis, f64, Fingerprint)> {
    let stated = |field: &str| load.fingerprint.0.get(field).map(String::as_str);
    let mut alike = load.fingerprint.clone();
    alike.0.retain(|field, _| !OF_LEVEL.contains(&field.as_str()));
    let number = |text: &str| text.parse().ok().filter(|x: &f64| x.is_finite() && *x > 0.0);
    let (axis, value) = if load.open_loop {
        let ramp = stated("ramp_up_strategy").is_some()
            || stated("rampup_duration").is_some_and(|t| number(t).is_some());
        (
            Axis::Rate,
            stated("rate").or_else(|| stated("request_rate")).and_then(number).filter(|_| !ramp)?,
        )
    } else if stated("strategy") == Some("synchronous") {
        // GuideLLM's word for one in flight.
        alike.set("strategy", "concurrent");
        (Axis::Concurrency, 1.0)
    } else {
        (
            Axis::Concurrency,
            load.max_in_flight
                .filter(|_| load.arrival.starts_with("closed loop"))
                .map(f64::from)?,
        )
    };
    Some((axis, value, alike))
}
