//! What was typed, as `app` takes it. Not here: what only one verb takes.

use anyhow::Context as _;
use rustix::process::set_parent_process_death_signal;

use super::signals;
use crate::app::gate::Given;
use crate::app::job::Job;
use crate::app::options::RunOptions;
use crate::app::runs::file::Id;
use crate::app::runs::keep::Keeper;
use crate::app::workspace::Workspace;
use crate::cli::{ConfigArgs, LogFormat, OutputArgs, WorkloadArgs};
use crate::config::{Flags, parse_duration};
use crate::exit::ExitStatus;
use crate::load::progress::Style;
use crate::lock::Patience;

/// A config file, with nothing over it but `--set`.
pub fn file(config: &ConfigArgs) -> Given {
    Given { file: config.config.clone(), set: config.set.clone(), flags: Flags::default() }
}

/// The same, with what the flags say of target and workload.
pub fn given(config: &ConfigArgs, workload: &WorkloadArgs) -> Given {
    Given { flags: workload.clone(), ..file(config) }
}

pub fn options(args: &OutputArgs) -> RunOptions {
    RunOptions {
        out: args.out.clone(),
        record: args.record.clone(),
        raw: args.raw.clone(),
        patience: if args.no_wait { Patience::None } else { Patience::Wait },
        exclusive: args.exclusive,
        workers: args.workers,
        progress: match args.log_format {
            _ if args.service_run.is_some() => Style::EachSecond,
            LogFormat::Text => Style::Text,
            LogFormat::Json => Style::Json,
        },
        shard: None,
        gate: args.gate,
    }
}

/// A verb that measures: what begins its job, and what keeps its run.
pub struct Measuring<'a> {
    verb: &'static str,
    args: &'a OutputArgs,
    keeper: Keeper,
}

/// Runs a verb that measures. Where there is a data directory, its run is kept there, however it
/// ends.
pub fn measuring(
    verb: &'static str,
    args: &OutputArgs,
    body: impl FnOnce(&Measuring<'_>) -> anyhow::Result<ExitStatus>,
) -> anyhow::Result<ExitStatus> {
    let service = args.service_run.as_deref().map(of_service).transpose()?;
    let keeper = Keeper::new(args.data.as_deref(), verb, &args.out, service);
    let measuring = Measuring { verb, args, keeper };
    let ended = body(&measuring);
    measuring.keeper.end(&ended);
    ended
}

/// The run of a service's, which ends with it: then it drains, as by Ctrl-C.
fn of_service(id: &str) -> anyhow::Result<Id> {
    set_parent_process_death_signal(Some(signals::ORPHANED))
        .context("cannot ask to be told of the service's end")?;
    Id::parse(id).with_context(|| format!("--service-run: {id} is no id of a run"))
}

impl Measuring<'_> {
    /// Begins a job that listens to signals and to `--time-limit`. `None`: interrupted while it
    /// waited for another gate.
    pub fn begin(&self, here: &Workspace) -> anyhow::Result<Option<Job>> {
        let limit = self
            .args
            .time_limit
            .as_deref()
            .map(|t| parse_duration(t).map_err(|e| anyhow::anyhow!(e.of_flag("--time-limit"))));
        let stop = signals::watch(limit.transpose()?)?;
        let Some(mut job) = Job::begin(self.verb, &options(self.args), stop)? else {
            return Ok(None);
        };
        job.keep_in(self.keeper.begin(here.branch())?);
        Ok(Some(job))
    }
}
