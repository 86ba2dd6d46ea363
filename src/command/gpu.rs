//! `gpu`: the GPUs of this machine, once or again and again.

use anyhow::bail;

use super::output;
use crate::app::gpus::{Form, Gpus};
use crate::cli::GpuArgs;
use crate::config::parse_duration;
use crate::exit::ExitStatus;
use crate::lang::bilingual;
use crate::print::{clear_screen, language};

pub fn run(args: &GpuArgs) -> anyhow::Result<ExitStatus> {
    let every = parse_duration(&args.every).map_err(|e| anyhow::anyhow!(e.of_flag("--every")))?;
    if every.is_zero() {
        bail!(bilingual!("--every: must be above 0, such as 1s", "--every: 0보다 커야 함, 예: 1s"));
    }
    let gpus = Gpus::open()?;
    let form = match (args.json, args.watch) {
        (false, _) => Form::Table,
        (true, true) => Form::JsonLine,
        (true, false) => Form::Json,
    };
    loop {
        let text = gpus.now(form, language())?;
        if args.watch && !args.json {
            clear_screen()?;
        }
        output::print(&text)?;
        if !args.watch {
            return Ok(ExitStatus::Pass);
        }
        std::thread::sleep(every);
    }
}
