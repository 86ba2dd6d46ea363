//! `goodput-gate supervise` (hidden): the process between this program and a user's server. What it
//! does is in `server::supervisor`.

use anyhow::{Context as _, anyhow};

use crate::cli::SuperviseArgs;
use crate::config::parse_duration;
use crate::exit::ExitStatus;
use crate::server::{Container, Job, supervise};

pub fn run(args: SuperviseArgs) -> anyhow::Result<ExitStatus> {
    let grace =
        parse_duration(&args.grace).map_err(|e| anyhow!("{e}")).context("cannot read --grace")?;
    let container = args.container.map(|name| Container { program: args.container_program, name });
    supervise(&Job { line: args.line, cwd: args.cwd, log: args.log, grace, container })?;
    Ok(ExitStatus::Pass)
}
