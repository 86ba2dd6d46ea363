//! `cluster`: a job for many machines, printed.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum ClusterCommand {
    /// An sbatch script: shards by srun, then merge, then check
    Slurm(SlurmArgs),
    /// Manifests: an Indexed Job with its service and volume
    Kubernetes(KubernetesArgs),
}

#[derive(Clone, Debug, Args)]
pub struct ShardsArgs {
    /// Machines, or parts of machines, that send the load
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub shards: u32,
    /// At which shard 0 listens
    #[arg(long, value_name = "PORT", default_value_t = 7070, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
    /// Config file
    #[arg(long, value_name = "FILE", default_value = "goodput-gate.yaml")]
    pub config: String,
}

#[derive(Clone, Debug, Args)]
pub struct SlurmArgs {
    #[command(flatten)]
    pub shards: ShardsArgs,
    /// A folder that all nodes see
    #[arg(long, value_name = "DIR", default_value = ".goodput-gate")]
    pub out: String,
}

#[derive(Clone, Debug, Args)]
pub struct KubernetesArgs {
    #[command(flatten)]
    pub shards: ShardsArgs,
    /// Of the job and of all that belongs to it
    #[arg(long, value_name = "NAME", default_value = "goodput-gate")]
    pub name: String,
    /// Container image with goodput-gate in it
    #[arg(long, value_name = "IMAGE", default_value = concat!("goodput-gate:", env!("CARGO_PKG_VERSION")))]
    pub image: String,
}
