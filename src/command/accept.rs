//! `accept`: what a report found worse goes into the reviewed acceptances.

use super::{args, output};
use crate::app::acceptances::{self, DAYS, Request, Written};
use crate::app::workspace::Workspace;
use crate::cli::AcceptArgs;
use crate::exit::ExitStatus;
use crate::lang::bilingual;
use crate::print::{note, speak};

pub fn run(args: &AcceptArgs) -> anyhow::Result<ExitStatus> {
    let request = Request {
        here: &Workspace::here(),
        reason: &args.reason,
        until: args.until.as_deref(),
        metrics: &args.metric,
        workload: args.workload.as_deref(),
        at_most: args.at_most.as_deref(),
        any_change: args.any_change,
        report: &args.report,
        given: &args::file(&args.config),
    };
    let Written { entries, until, file } = acceptances::write(&request)?;
    for entry in &entries {
        output::tell(&acceptances::in_words(entry)?);
    }
    if args.until.is_none() {
        note(&bilingual!(
            "they count until {until}, {DAYS} days from today; --until YYYY-MM-DD says another day",
            "수용 기한은 오늘부터 {DAYS}일 뒤인 {until}까지. 다른 날짜는 --until YYYY-MM-DD"
        ));
    }
    if entries.iter().any(|a| a.commit.is_none()) {
        note(&bilingual!(
            "it names no commit (--any-change, or changes that no commit holds), so it covers any change of that size",
            "커밋이 지정되지 않아(--any-change 또는 커밋하지 않은 변경) 그 크기까지의 모든 변경에 적용"
        ));
    }
    speak(&bilingual!(
        "hint: commit {file} in a pull request of its own: in CI it counts once it is on the base branch, never for the change that brings it",
        "힌트: {file} 파일을 별도의 풀 리퀘스트로 커밋하십시오. CI에서는 base 브랜치에 들어간 뒤부터 반영되며, 그 파일을 가져오는 변경 자신에는 반영되지 않습니다",
        file = file.display()
    ));
    Ok(ExitStatus::Pass)
}
