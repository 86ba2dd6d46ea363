//! What the GPU and the server did during a round, from samples with their instants: sums, shares
//! and findings. It explains a metric and may make a measurement unfit; it never decides a
//! comparison.
//!
//! Not here: where samples come from (`watch`), how they are shown (`report`).

pub mod gpu;
pub mod server;
