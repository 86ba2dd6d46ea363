//! `import`: results of other tools to one record.

use super::output;
use crate::app::import::{Import, import};
use crate::app::workspace::Workspace;
use crate::cli::{ImportArgs, ImportFormat};
use crate::evaluate;
use crate::exit::ExitStatus;
use crate::import::Tool;
use crate::lang::bilingual;
use crate::print;

pub fn run(args: &ImportArgs) -> anyhow::Result<ExitStatus> {
    let here = Workspace::here();
    let what = Import {
        here: &here,
        files: &args.files,
        tool: args.format.map(tool),
        workload: args.workload.as_deref(),
        slo: args.slo.as_deref(),
        config: args.config.as_deref(),
        output: args.output.as_deref(),
    };
    let (record, path) = import(&what)?;
    let (report, exit) = evaluate::measured(&record)?;
    let lang = print::language();
    output::told(output::show(&report, None, lang, args.view));
    let path = path.display();
    print::speak(&bilingual!("wrote {path}", "저장: {path}"));
    Ok(exit)
}

const fn tool(format: ImportFormat) -> Tool {
    match format {
        ImportFormat::VllmBench => Tool::VllmBench,
        ImportFormat::SglangBench => Tool::SglangBench,
        ImportFormat::Guidellm => Tool::Guidellm,
        ImportFormat::Aiperf => Tool::Aiperf,
    }
}
