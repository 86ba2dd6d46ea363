//! The hidden verb that measures the client itself.

use clap::{Args, Subcommand};

#[derive(Clone, Debug, Subcommand)]
pub enum BenchCommand {
    /// CPU per event beside a loop that only reads
    Events(BenchEventsArgs),
    /// TTFT and chunk-gap error against the simulated server's own log
    Truth(BenchTruthArgs),
    /// Offered rate and send lag
    Arrivals(BenchArrivalsArgs),
    /// Time to judge and report 100,000 requests, and to judge an interleaved comparison
    Judging,
    /// CPU and memory of merging the records of many shards
    Merge(BenchMergeArgs),
    /// How long many shards take to meet, over loopback
    Rendezvous(BenchRendezvousArgs),
    /// What each of many shards would have to hold, in virtual time
    Scale,
}

#[derive(Clone, Debug, Args)]
pub struct BenchMergeArgs {
    #[arg(long, default_value_t = 100)]
    pub shards: u32,
    /// Of each
    #[arg(long, default_value_t = 100_000)]
    pub requests: u64,
}

#[derive(Clone, Debug, Args)]
pub struct BenchRendezvousArgs {
    #[arg(long, default_value_t = 1000)]
    pub shards: u32,
}

#[derive(Clone, Debug, Args)]
pub struct BenchEventsArgs {
    #[arg(long, default_value_t = 1000)]
    pub streams: u32,
    /// Tokens per second of each stream; 0 is as fast as possible
    #[arg(long, default_value_t = 30.0)]
    pub token_rate: f64,
    #[arg(long, default_value_t = 300)]
    pub events: u32,
}

#[derive(Clone, Debug, Args)]
pub struct BenchTruthArgs {
    #[arg(long, default_value_t = 1000)]
    pub streams: u32,
    #[arg(long, default_value_t = 30.0)]
    pub token_rate: f64,
    #[arg(long, default_value_t = 300)]
    pub tokens: u32,
    /// Measure in turn with and without reading the server's metrics page, so often each
    #[arg(long)]
    pub scrape: Option<u32>,
    /// In turn without and with GPUs sampled, so often
    #[arg(long, value_name = "PAIRS")]
    pub gpu: Option<u32>,
}

#[derive(Clone, Debug, Args)]
pub struct BenchArrivalsArgs {
    #[arg(long, default_value_t = 2000.0)]
    pub rate: f64,
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
}
