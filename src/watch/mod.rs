//! Watches the GPU and the server while a round runs. Beside the clock of the client, never in its
//! way. Not here: what the samples mean (`evidence`).

pub mod gpu;
pub mod scrape;
