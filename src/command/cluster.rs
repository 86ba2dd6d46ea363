//! `cluster`: prints a job for Slurm or Kubernetes.

use super::output;
use crate::app::cluster::{ClusterJob, kubernetes, slurm};
use crate::cli::ClusterCommand;
use crate::exit::ExitStatus;

pub fn run(command: &ClusterCommand) -> anyhow::Result<ExitStatus> {
    let text = match command {
        ClusterCommand::Slurm(args) => slurm(&ClusterJob {
            shards: args.shards.shards,
            port: args.shards.port,
            config: &args.shards.config,
            out: &args.out,
            name: "",
            image: "",
        }),
        ClusterCommand::Kubernetes(args) => kubernetes(&ClusterJob {
            shards: args.shards.shards,
            port: args.shards.port,
            config: &args.shards.config,
            out: "",
            name: &args.name,
            image: &args.image,
        }),
    };
    output::print_bytes(text?.as_bytes())?;
    Ok(ExitStatus::Pass)
}
