//! `bisect`: which commit made it slow.

use super::args::{self, Measuring};
use super::output;
use crate::app::bisect::{Command, What, bisect, plan};
use crate::app::gate;
use crate::app::workspace::Workspace;
use crate::cli::BisectArgs;
use crate::exit::ExitStatus;

/// What `--run` must find, as a fraction: METHOD's own.
const DETECT: f64 = 0.05;

pub fn run(args: &BisectArgs) -> anyhow::Result<ExitStatus> {
    args::measuring("bisect", &args.output, |measuring| searched(args, measuring))
}

fn searched(args: &BisectArgs, measuring: &Measuring<'_>) -> anyhow::Result<ExitStatus> {
    let here = Workspace::here();
    let given = args::given(&args.config, &args.workload);
    let command = args.run.as_deref().map(|line| Command {
        line,
        higher_is_better: args.higher_is_better,
        detect: DETECT,
    });
    let config = match command {
        // A command of the user's needs nothing of a config.
        Some(_) => gate::demo(&given)?.config,
        None => gate::config(&here, &given)?,
    };
    let what = What {
        here: &here,
        options: &args::options(&args.output),
        given: &given,
        good: &args.good,
        bad: &args.bad,
        paths: &args.paths,
        metric: args.metric.as_deref(),
        command,
        budget: args.budget as usize,
        restart: args.restart,
    };
    if args.output.dry_run {
        output::print_text(&plan(&config, &what)?)?;
        return Ok(ExitStatus::Pass);
    }
    let Some(answer) = bisect(&config, &what, || measuring.begin(&here))? else {
        return Ok(ExitStatus::Interrupted);
    };
    if args.json {
        output::print(&serde_json::to_string_pretty(&answer)?)?;
    } else {
        output::print_text(&answer.text())?;
    }
    Ok(answer.exit())
}
