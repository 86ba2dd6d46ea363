//! `runs list|show|delete`: the runs that a data directory keeps.

use std::path::Path;

use super::ask::Talk;
use super::{formats, output};
use crate::app::runs::found::{self, Loaded, Run, State};
use crate::app::runs::older;
use crate::app::runs::remove::{Removed, remove};
use crate::app::runs::select::{self, Filter};
use crate::app::runs::store::Store;
use crate::app::runs::table;
use crate::cli::{RunsCommand, RunsDeleteArgs, RunsListArgs, RunsShowArgs};
use crate::exit::ExitStatus;
use crate::lang::bilingual;
use crate::print;

pub fn run(command: &RunsCommand) -> anyhow::Result<ExitStatus> {
    match command {
        RunsCommand::List(args) => list(args),
        RunsCommand::Show(args) => show(args),
        RunsCommand::Delete(args) => delete(args),
    }?;
    Ok(ExitStatus::Pass)
}

fn list(args: &RunsListArgs) -> anyhow::Result<()> {
    let filter = Filter {
        workload: args.workload.clone(),
        verdict: args.verdict.as_deref().map(select::verdict).transpose()?,
        branch: args.branch.clone(),
        ..Filter::default()
    };
    let store = Store::new(&args.data.data);
    let all = found::all(&store)?;
    let kept = all.len();
    let runs: Vec<Run> = all.into_iter().filter(|run| filter.wants(run)).collect();
    if args.json {
        return output::print(&serde_json::to_string_pretty(&runs)?);
    }
    let data = args.data.data.display();
    output::print_text(&match (runs.is_empty(), kept) {
        (false, _) => table::table(&runs, output::width()),
        (true, 0) => bilingual!(
            "no runs in {data}: a verb that measures keeps its run there with --data {data}",
            "{data}에 실행이 없습니다: 측정하는 명령에 --data {data}를 주면 보관합니다"
        ),
        (true, _) => bilingual!(
            "none of the {kept} runs in {data} is like that",
            "{data}의 실행 {kept}개 중 해당하는 것이 없습니다"
        ),
    })
}

fn show(args: &RunsShowArgs) -> anyhow::Result<()> {
    let run = select::named(&Store::new(&args.data.data), &args.run)?;
    if args.json {
        return output::print(&serde_json::to_string_pretty(&run)?);
    }
    let loaded = found::load(&run);
    let lang = print::language();
    let Some(format) = args.format else {
        output::print_text(&table::facts(&run))?;
        // What is wrong with it stands above.
        return match loaded {
            Ok(Some(Loaded { report, .. })) => {
                output::print("")?;
                output::show(&report, page(&run).as_deref(), lang, args.view)
            }
            Ok(None) => match older::row(&run.folder)? {
                Some(row) => output::print_text(&table::imported(&row)),
                None => Ok(()),
            },
            Err(_) if run.state == State::Damaged => Ok(()),
            Err(e) => Err(e),
        };
    };
    let Some(Loaded { report, record }) = loaded? else {
        anyhow::bail!(bilingual!(
            "the run {id} has no report: nothing was measured of it",
            "실행 {id}에는 리포트가 없음: 측정된 것이 없음",
            id = run.id.short()
        ));
    };
    output::print_bytes(&formats::rendered(&report, record.as_ref(), format, lang)?)
}

/// Where its report lies as HTML.
fn page(run: &Run) -> Option<String> {
    let page = run.folder.join("report.html");
    Path::is_file(&page).then(|| page.display().to_string())
}

fn delete(args: &RunsDeleteArgs) -> anyhow::Result<()> {
    let store = Store::new(&args.data.data);
    // All are looked for before one is gone.
    let runs = args
        .runs
        .iter()
        .map(|name| select::named(&store, name))
        .collect::<anyhow::Result<Vec<Run>>>()?;
    if !args.yes {
        print::speak(&table::table(&runs, output::width()));
        let count = runs.len();
        let sure = bilingual!(
            "delete these runs ({count}) with all that they have written?",
            "이 실행 {count}개를 기록까지 모두 삭제할까요?"
        );
        if !Talk::with_person().sure(&sure)? {
            print::speak(&bilingual!("nothing is deleted", "삭제하지 않음"));
            return Ok(());
        }
    }
    for run in &runs {
        let id = &run.id;
        output::tell(&match remove(&store, run)? {
            Removed::Now => bilingual!("deleted {id}", "삭제: {id}"),
            Removed::Before => bilingual!("{id} is gone already", "{id}: 이미 삭제됨"),
        });
    }
    Ok(())
}
