//! `baseline update|promote|list|show|resolve|prune|history|anchor`: the committed sessions.

use super::{args, output};
use crate::app::baselines::{self, anchor, history, prune, resolve, show};
use crate::app::capture::{self, Land, New, Sessions};
use crate::app::workspace::Workspace;
use crate::app::{artefacts, dry_run, gate};
use crate::baseline::reviewed::ANCHOR;
use crate::cli::{
    BaselineAnchorArgs, BaselineCommand, BaselineHistoryArgs, BaselineListArgs,
    BaselinePromoteArgs, BaselinePruneArgs, BaselineResolveArgs, BaselineShowArgs,
    BaselineUpdateArgs, LandArgs,
};
use crate::exit::ExitStatus;
use crate::print::say;
use crate::report::text;

pub fn run(command: &BaselineCommand) -> anyhow::Result<ExitStatus> {
    match command {
        BaselineCommand::Update(args) => return update(args),
        BaselineCommand::Promote(args) => return promote(args),
        BaselineCommand::List(args) => list(args)?,
        BaselineCommand::Show(args) => show(args)?,
        BaselineCommand::Resolve(args) => resolve(args)?,
        BaselineCommand::Prune(args) => prune(args)?,
        BaselineCommand::History(args) => history(args)?,
        BaselineCommand::Anchor(args) => anchor(args)?,
    }
    Ok(ExitStatus::Pass)
}

fn update(args: &BaselineUpdateArgs) -> anyhow::Result<ExitStatus> {
    let here = Workspace::here();
    let config = gate::config(&here, &args::given(&args.config, &args.workload))?;
    if args.output.dry_run {
        output::print(&dry_run::text(&config, None)?)?;
        return Ok(ExitStatus::Pass);
    }
    let level_shift = args.level_shift.as_deref();
    let new = New {
        here: &here,
        config: &config,
        force: args.force,
        level_shift,
        land: land(&args.land),
        tell: &output::tell,
    };
    if !args.from.is_empty() {
        return capture::add_records(&new, &args.from);
    }
    let sessions = Sessions {
        options: &args::options(&args.output),
        count: args.sessions,
        starts_given: args.workload.starts.is_some(),
        lang: gate::lang(args::lang(args.lang), &config),
        begin: &|| args::begin("baseline update", &args.output),
    };
    capture::measure_sessions(&new, &sessions)
}

/// As `update --from`, and never by force.
fn promote(args: &BaselinePromoteArgs) -> anyhow::Result<ExitStatus> {
    let here = Workspace::here();
    let config = gate::config(&here, &args::file(&args.config))?;
    let level_shift = args.level_shift.as_deref();
    let new = New {
        here: &here,
        config: &config,
        force: false,
        level_shift,
        land: land(&args.land),
        tell: &output::tell,
    };
    capture::add_records(&new, &args.records)
}

fn land(args: &LandArgs) -> Option<Land> {
    let proposed = || {
        args.pull_request
            .clone()
            .map(|base| Land::PullRequest(Some(base).filter(|b| !b.is_empty())))
    };
    args.push.clone().map(Land::Push).or_else(proposed)
}

fn list(args: &BaselineListArgs) -> anyhow::Result<()> {
    let here = Workspace::here();
    let table = baselines::list(&here, &gate::config(&here, &args::file(&args.config))?)?;
    output::print(
        table
            .as_deref()
            .unwrap_or("no baseline sessions yet: `goodput-gate baseline update` adds one"),
    )
}

fn show(args: &BaselineShowArgs) -> anyhow::Result<()> {
    let here = Workspace::here();
    let config = gate::config(&here, &args::file(&args.config))?;
    show::show(&here, &config, &args.what)?
        .iter()
        .try_for_each(|paragraph| output::print(paragraph))
}

fn resolve(args: &BaselineResolveArgs) -> anyhow::Result<()> {
    let here = Workspace::here();
    let walk = resolve::walk(
        &here,
        &gate::config(&here, &args::file(&args.config))?,
        args.base.as_deref(),
    )?;
    output::print(&if args.json {
        serde_json::to_string_pretty(&walk)?
    } else {
        resolve::in_words(&walk)
    })
}

fn prune(args: &BaselinePruneArgs) -> anyhow::Result<()> {
    let here = Workspace::here();
    let config = gate::config(&here, &args::file(&args.config))?;
    let verb = if args.dry_run { "would remove" } else { "removed" };
    let each = |path: &std::path::Path| output::tell(&format!("{verb} {}", path.display()));
    let prune::Pruned { removed, elsewhere } =
        prune::prune(&here, &config, args.keep, args.dry_run, each)?;
    if removed == 0 {
        output::print(&format!(
            "nothing to remove: no kind of session has more than {} on this lineage",
            args.keep
        ))?;
    }
    if elsewhere > 0 {
        say(&format!(
            "note: {elsewhere} not on this lineage left alone (`goodput-gate baseline list` shows them)"
        ));
    }
    if removed > 0 && !args.dry_run {
        say("hint: commit the removal");
    }
    Ok(())
}

fn history(args: &BaselineHistoryArgs) -> anyhow::Result<()> {
    let here = Workspace::here();
    let asked = history::Request {
        here: &here,
        metric: args.metric.as_deref(),
        workload: args.workload.as_deref(),
        base: args.base.as_deref(),
    };
    let config = gate::config(&here, &args::file(&args.config))?;
    let Some(path) = &args.html else {
        return history::paragraphs(&config, &asked)?
            .iter()
            .try_for_each(|paragraph| output::print(paragraph));
    };
    let (branch, page) =
        history::page(&config, &asked, gate::lang(args::lang(args.lang), &config))?;
    artefacts::write_atomic(path, page.as_bytes())?;
    say(&format!("history of {} written to {}", text::plain(&branch), path.display()));
    Ok(())
}

fn anchor(args: &BaselineAnchorArgs) -> anyhow::Result<()> {
    let here = Workspace::here();
    let config = gate::config(&here, &args::file(&args.config))?;
    if args.remove {
        output::tell(&format!("removed {}", anchor::remove(&here, &config)?.display()));
        return Ok(());
    }
    let Some(what) = &args.what else {
        let shown = anchor::shown(&here, &config)?;
        let none = "no anchor: `goodput-gate baseline anchor COMMIT|TAG|SESSION` pins one";
        return output::print(shown.as_deref().unwrap_or(none));
    };
    output::tell(&anchor::pin(&here, &config, what)?);
    say(&format!(
        "hint: commit {}; in CI the base branch's counts",
        config.baselines_dir.join(ANCHOR).display()
    ));
    Ok(())
}
