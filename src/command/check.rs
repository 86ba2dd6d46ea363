//! `check`: the gate. The exit code is the verdict's.

use anyhow::bail;

use super::args::{self, Measuring};
use super::output;
use crate::app::check::{Check, check, plan};
use crate::app::gate::{self, Gate, Given};
use crate::app::workspace::Workspace;
use crate::app::{job, publish, sentence};
use crate::cli::CheckArgs;
use crate::config::GateMode;
use crate::exit::ExitStatus;
use crate::lang::bilingual;
use crate::print;

mod next;

const VERB: &str = "check";

pub fn run(args: &CheckArgs) -> anyhow::Result<ExitStatus> {
    args::measuring(VERB, &args.output, |measuring| gated(args, measuring))
}

fn gated(args: &CheckArgs, measuring: &Measuring<'_>) -> anyhow::Result<ExitStatus> {
    let here = if args.demo { Workspace::apart() } else { Workspace::here() };
    let (options, base) = (args::options(&args.output), args.base.as_deref());
    let given = given(args);
    let gate = if args.demo { gate::demo(&given) } else { gate::gate(&here, &given, base) };
    let gate = gate.inspect_err(|_| {
        if !args.output.dry_run {
            job::clear_if_free(VERB, &options);
        }
    })?;
    if gate.config.gate.mode == GateMode::Interleaved && args.workload.starts.is_some() {
        bail!(bilingual!(
            "--starts says nothing of start pairs: how many there are is planned from the noise\nhint: `--set gate.max_pairs=N` bounds them, `--detect` says what must be found",
            "--starts는 시작 쌍과 관계없음: 쌍의 개수는 노이즈를 보고 계획함\n힌트: 최대 개수는 `--set gate.max_pairs=N`, 찾아야 할 저하는 `--detect`로 정합니다"
        ));
    }
    if args.output.dry_run {
        return dry_run(&here, &gate, base);
    }
    let lang = print::language();
    let what = Check {
        here: &here,
        options: &options,
        base,
        baseline: args.baseline.as_deref(),
        lang,
        from: args.from.as_deref(),
    };
    let Some(mut outcome) = check(gate, &what, || measuring.begin(&here))? else {
        return Ok(ExitStatus::Interrupted);
    };
    output::deliver(&options.out, &mut outcome.report, &outcome.charts, lang, args.view);
    next::after_check(&outcome.report, &options.out, lang);
    publish::after_check(&here, &outcome.report, &options.out, lang);
    Ok(outcome.exit)
}

/// The config, and the flags that speak of the gate.
fn given(args: &CheckArgs) -> Given {
    let mut given = args::given(&args.config, &args.workload);
    given.flags.interleaved = args.interleaved;
    given.flags.baseline_url.clone_from(&args.baseline_url);
    given.flags.detect.clone_from(&args.detect);
    given
}

fn dry_run(here: &Workspace, gate: &Gate, base: Option<&str>) -> anyhow::Result<ExitStatus> {
    let plan = plan(here, &gate.config, base)?;
    for notice in &gate.notices {
        print::note(&sentence::notice(notice));
    }
    output::print_text(&plan)?;
    Ok(ExitStatus::Pass)
}
