//! Knobs of the simulated server (`target.sim`, and `goodput-gate sim --set KEY=VALUE`).
//!
//! Not here: the engine model that they turn (`sim/`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Placeholder until the engine model lands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Knobs {
    /// Time of a decode step relative to the model's; above 0.
    pub decode_factor: f64,
}

impl Default for Knobs {
    fn default() -> Self {
        Self { decode_factor: 1.0 }
    }
}

impl Knobs {
    /// The first knob that is out of range: its key, and what is wrong with it.
    pub fn validate(&self) -> Result<(), (&'static str, String)> {
        if self.decode_factor.is_finite() && self.decode_factor > 0.0 {
            return Ok(());
        }
        Err(("decode_factor", format!("must be above 0, not {}", self.decode_factor)))
    }
}
