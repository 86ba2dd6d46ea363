//! `run`: measures only, writes a record, never exits 1; with `--each` all targets, ranked.

use super::args::{self, Measuring};
use super::{ending, formats, output};
use crate::app::options::RunOptions;
use crate::app::ranking::{self, Each};
use crate::app::workspace::place::find;
use crate::app::workspace::{Workspace, ci};
use crate::app::{artefacts, dry_run, gate, measure};
use crate::cli::{ReportFormat, RunArgs};
use crate::config::{Axis, Endpoint};
use crate::evaluate;
use crate::exit::ExitStatus;
use crate::lang::bilingual;
use crate::print;
use crate::rendezvous::Membership;
use crate::report::page::charts::charts;

mod interactive;
mod shard;

const VERB: &str = "run";

pub fn run(args: &RunArgs) -> anyhow::Result<ExitStatus> {
    let mut args = args.clone();
    let shard = shard::membership(&args)?;
    if let (Some(who), Some(place)) = (&shard, &args.rendezvous) {
        // One command line for all of them.
        let own = format!("shard-{}", who.shard.index);
        for path in [&mut args.output.raw, &mut args.output.record].into_iter().flatten() {
            path.as_mut_os_string().push(format!(".{own}"));
        }
        args.output.out.push(own);
        args.output.gate = Some(shard::gate(place));
    }
    args::measuring(VERB, &args.output, |measuring| {
        if args.each { each(&args, measuring) } else { alone(&args, shard, measuring) }
    })
}

fn alone(
    args: &RunArgs,
    shard: Option<Membership>,
    measuring: &Measuring<'_>,
) -> anyhow::Result<ExitStatus> {
    let here = Workspace::here();
    let chosen = if args.interactive { Some(interactive::choose(&here, args)?) } else { None };
    let args = chosen.as_ref().unwrap_or(args);
    let config = gate::config(&here, &given(args))?;
    if args.output.dry_run {
        output::print_text(&dry_run::text(&config, None)?)?;
        return Ok(ExitStatus::Pass);
    }
    if args.interactive && !interactive::confirmed(&config)? {
        return Ok(ExitStatus::Pass);
    }
    let (options, lang) = (args::options(&args.output), print::language());
    let options = RunOptions { shard, ..options };
    measure::warn_of_starts(&config);
    let Some(mut job) = measuring.begin(&here)? else {
        return Ok(ExitStatus::Interrupted);
    };
    if !job
        .load(&here, &config, [&config.target])
        .inspect_err(|e| artefacts::save_failure(&options.out, e, None, lang))?
    {
        return Ok(ExitStatus::Interrupted);
    }
    // Without git the record says nothing of a commit; that is no reason not to measure.
    let git = here.head_facts_if_any(&config);
    let measured = match &config.find {
        Some(find) => measure::find(&here, &config, find, &options, git.clone(), &job),
        None => measure::measure(&here, &config, &options, git.clone(), &job),
    };
    let measure::Kept { value: record, unsaved } =
        measured.inspect_err(|e| artefacts::save_failure(&options.out, e, git, lang))?;
    let (mut report, exit) = evaluate::measured(&record)?;
    let exit = artefacts::closed(&mut report, exit, unsaved.as_ref());
    let charts = charts(&record, &report)?;
    output::deliver(&options.out, &mut report, &charts, lang, args.view);
    let unconfigured = here.cwd().is_ok_and(|cwd| matches!(find(cwd), Ok(None)));
    if unconfigured && exit == ExitStatus::Pass && !ci::is_ci() {
        let server = match &config.target.endpoint {
            Endpoint::Http(url) => format!(" --base-url {url}"),
            Endpoint::Sim(_) | Endpoint::Started(_) => String::new(),
        };
        print::speak(&bilingual!(
            "next: `goodput-gate init{server}` writes a config: put what you measured here into it",
            "다음: `goodput-gate init{server}`으로 설정을 만들고, 여기서 잰 조건을 적습니다"
        ));
    }
    Ok(exit)
}

/// The config, with one workload per level where that is asked for.
fn given(args: &RunArgs) -> gate::Given {
    let mut given = args::given(&args.config, &args.workload);
    given.flags.each = args.each;
    given.flags.sweep.clone_from(&args.sweep);
    given.flags.find = args.find.as_deref().map(|over| match over {
        "concurrency" => Axis::Concurrency,
        _ => Axis::Rate,
    });
    given
}

fn each(args: &RunArgs, measuring: &Measuring<'_>) -> anyhow::Result<ExitStatus> {
    let here = Workspace::here();
    let config = gate::config(&here, &given(args))?;
    if args.output.dry_run {
        let names: Vec<&str> = config.targets.keys().map(String::as_str).collect();
        let turns = bilingual!(
            "\none after the other, start by start: {names}",
            "\n시작마다 차례로: {names}",
            names = names.join(", ")
        );
        output::print_text(&dry_run::each(&config)?.then(&turns))?;
        return Ok(ExitStatus::Pass);
    }
    let (options, lang) = (args::options(&args.output), print::language());
    let measured = ranking::each(&here, &config, &options, lang, || measuring.begin(&here))?;
    let Some(Each { ranking, interrupted, unsaved }) = measured else {
        return Ok(ExitStatus::Interrupted);
    };
    let exit = formats::deliver_ranking(&ranking, &options.out, ReportFormat::Terminal, lang)?;
    Ok(match unsaved {
        _ if interrupted => ExitStatus::Interrupted,
        Some(error) => ending::failed(&error),
        None => exit,
    })
}
