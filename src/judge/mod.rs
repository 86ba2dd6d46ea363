//! Records to a comparison per metric: METHOD's formulas, deterministic, no randomness.
//!
//! Not here: policy and exit codes (`verdict`).
