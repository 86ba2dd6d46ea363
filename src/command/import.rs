//! `import`: results of other tools to one record.

use super::output;
use crate::app::import::{Import, import};
use crate::app::runs::older::{self, Imported};
use crate::app::runs::store::Store;
use crate::app::workspace::Workspace;
use crate::cli::{ImportArgs, ImportFormat};
use crate::evaluate;
use crate::exit::ExitStatus;
use crate::import::Tool;
use crate::lang::bilingual;
use crate::print;

pub fn run(args: &ImportArgs) -> anyhow::Result<ExitStatus> {
    let database = args.files.iter().any(|file| older::is_database(file));
    if args.format == Some(ImportFormat::LlmLoadtest) || args.format.is_none() && database {
        return runs(args);
    }
    let here = Workspace::here();
    let what = Import {
        here: &here,
        files: &args.files,
        tool: args.format.and_then(tool),
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

/// The rows of an older tool's databases, each a run.
fn runs(args: &ImportArgs) -> anyhow::Result<ExitStatus> {
    let fits = args.workload.is_none() && args.slo.is_none() && args.output.is_none();
    if !fits || args.config.is_some() {
        anyhow::bail!(bilingual!(
            "a database of llm-loadtest has no requests that --workload, --slo, --output or --config could be about\nhint: only --data, the directory that gets its runs",
            "llm-loadtest의 데이터베이스에는 --workload, --slo, --output, --config를 적용할 요청이 없음\n힌트: 실행을 받을 디렉터리 --data만 쓰십시오"
        ));
    }
    let store = Store::new(&args.data.data);
    let data = args.data.data.display();
    for file in &args.files {
        let Imported { added, present, left_out } = older::import(&store, file)?;
        let file = file.display();
        print::speak(&bilingual!(
            "{file}: {added} runs taken into {data}, {present} were there before",
            "{file}: 실행 {added}개를 {data}에 추가, {present}개는 이미 있음"
        ));
        for why in left_out {
            print::note(&bilingual!("left out: {why}", "제외: {why}"));
        }
    }
    Ok(ExitStatus::Pass)
}

/// None of a database, which has no records.
const fn tool(format: ImportFormat) -> Option<Tool> {
    Some(match format {
        ImportFormat::VllmBench => Tool::VllmBench,
        ImportFormat::SglangBench => Tool::SglangBench,
        ImportFormat::Guidellm => Tool::Guidellm,
        ImportFormat::Aiperf => Tool::Aiperf,
        ImportFormat::LlmLoadtest => return None,
    })
}
