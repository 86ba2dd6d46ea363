//! `comment RECORD...`: the trusted half for forks.

use super::{args, output};
use crate::app::comment::{Comment, comment};
use crate::app::workspace::Workspace;
use crate::cli::CommentArgs;
use crate::exit::ExitStatus;
use crate::print;

pub fn run(args: &CommentArgs) -> anyhow::Result<ExitStatus> {
    let what = Comment {
        here: &Workspace::here(),
        records: &args.records,
        repository: args.repo.as_deref(),
        commit: args.sha.as_deref(),
        pull: args.pr,
        gate: args.name.as_deref(),
        baseline: args.baseline.as_deref(),
        given: &args::file(&args.config),
        lang: print::language(),
        dry_run: args.dry_run,
    };
    if let Some(text) = comment(&what)? {
        output::print(&text)?;
    }
    Ok(ExitStatus::Pass)
}
