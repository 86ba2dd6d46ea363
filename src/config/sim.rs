//! Knobs of the simulated server (`target.sim`, and `goodput-gate sim --set KEY=VALUE`).
//!
//! Not here: the engine model that they turn (`sim/`).

/// Placeholder until the engine model lands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Knobs {}
