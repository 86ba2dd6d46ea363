//! `run`: measures only, writes a record, never exits 1.

use super::job::Job;
use super::{drawn, dry_run, evaluate, interactive, measure, output, rank, setup};
use crate::cli::RunArgs;
use crate::exit::ExitStatus;

pub const VERB: &str = "run";

pub fn run(args: &RunArgs) -> anyhow::Result<ExitStatus> {
    if args.each {
        return rank::each(args);
    }
    let chosen = if args.interactive { Some(interactive::choose(args)?) } else { None };
    let args = chosen.as_ref().unwrap_or(args);
    let config = setup::swept(&args.config, &args.workload, args.sweep.clone())?;
    if args.output.dry_run {
        output::print(&dry_run::text(&config, None)?)?;
        return Ok(ExitStatus::Pass);
    }
    if args.interactive && !interactive::confirmed(&config)? {
        return Ok(ExitStatus::Pass);
    }
    let lang = setup::lang(args.lang, &config);
    measure::warn_of_starts(&config);
    let Some(mut job) = Job::begin(VERB, &args.output)? else { return Ok(ExitStatus::Interrupted) };
    if !job.load(&config, [&config.target]).inspect_err(|e| output::save_failure(&args.output.out, e, None, lang))? {
        return Ok(ExitStatus::Interrupted);
    }
    // Without git the record says nothing of a commit; that is no reason not to measure.
    let git = super::baseline::repo(&config).ok().and_then(|r| super::baseline::facts(&r).ok());
    let measure::Kept { value: record, unsaved } = measure::measure(&config, &args.output, git.clone(), &job)
        .inspect_err(|e| output::save_failure(&args.output.out, e, git, lang))?;
    let (mut report, exit) = evaluate::measured(&record)?;
    let exit = output::closed(&mut report, exit, unsaved.as_ref());
    output::deliver(&args.output.out, &mut report, &drawn::alone(&record)?, lang);
    Ok(exit)
}
