//! `baseline update|promote|list|show|resolve|prune|history|drift|anchor`: the committed sessions.

use super::args::{self, Measuring};
use super::output;
use crate::app::baselines::{self, anchor, drift, history, prune, resolve, show};
use crate::app::capture::{self, Land, New, Sessions};
use crate::app::workspace::Workspace;
use crate::app::{artefacts, dry_run, gate, publish};
use crate::baseline::reviewed::ANCHOR;
use crate::cli::{
    BaselineAnchorArgs, BaselineCommand, BaselineDriftArgs, BaselineHistoryArgs, BaselineListArgs,
    BaselinePromoteArgs, BaselinePruneArgs, BaselineResolveArgs, BaselineShowArgs,
    BaselineUpdateArgs, LandArgs,
};
use crate::exit::ExitStatus;
use crate::lang::{Text, bilingual};
use crate::print::{self, note, speak};
use crate::report::{self, text};

pub fn run(command: &BaselineCommand) -> anyhow::Result<ExitStatus> {
    match command {
        BaselineCommand::Update(args) => return update(args),
        BaselineCommand::Promote(args) => return promote(args),
        BaselineCommand::Drift(args) => return drift(args),
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
    args::measuring("baseline update", &args.output, |measuring| updated(args, measuring))
}

fn updated(args: &BaselineUpdateArgs, measuring: &Measuring<'_>) -> anyhow::Result<ExitStatus> {
    let here = Workspace::here();
    let config = gate::config(&here, &args::given(&args.config, &args.workload))?;
    if args.output.dry_run {
        output::print_text(&dry_run::text(&config, None)?)?;
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
        lang: print::language(),
        begin: &|| measuring.begin(&here),
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
    output::print_text(&table.unwrap_or_else(|| {
        bilingual!(
            "no baseline sessions yet: `goodput-gate baseline update` adds one",
            "기준선 세션이 아직 없습니다: `goodput-gate baseline update`로 추가합니다"
        )
    }))
}

fn show(args: &BaselineShowArgs) -> anyhow::Result<()> {
    let here = Workspace::here();
    let config = gate::config(&here, &args::file(&args.config))?;
    show::show(&here, &config, &args.what)?.iter().try_for_each(output::print_text)
}

fn resolve(args: &BaselineResolveArgs) -> anyhow::Result<()> {
    let here = Workspace::here();
    let walk = resolve::walk(
        &here,
        &gate::config(&here, &args::file(&args.config))?,
        args.base.as_deref(),
    )?;
    if args.json {
        return output::print(&serde_json::to_string_pretty(&walk)?);
    }
    output::print_text(&resolve::in_words(&walk))
}

fn prune(args: &BaselinePruneArgs) -> anyhow::Result<()> {
    let here = Workspace::here();
    let config = gate::config(&here, &args::file(&args.config))?;
    let each = |path: &std::path::Path| {
        let path = path.display();
        output::tell(&if args.dry_run {
            bilingual!("would remove {path}", "삭제 예정: {path}")
        } else {
            bilingual!("removed {path}", "삭제: {path}")
        });
    };
    let prune::Pruned { removed, elsewhere } =
        prune::prune(&here, &config, args.keep, args.dry_run, each)?;
    if removed == 0 {
        output::print_text(&bilingual!(
            "nothing to remove: no kind of session has more than {keep} on this lineage",
            "삭제할 것 없음: 이 계보에 {keep}개를 넘는 종류의 세션이 없음",
            keep = args.keep
        ))?;
    }
    if elsewhere > 0 {
        note(&bilingual!(
            "{elsewhere} not on this lineage left alone (`goodput-gate baseline list` shows them)",
            "이 계보에 없는 {elsewhere}개는 그대로 둠 (`goodput-gate baseline list`로 확인)"
        ));
    }
    if removed > 0 && !args.dry_run {
        speak(&bilingual!("hint: commit the removal", "힌트: 삭제를 커밋하십시오"));
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
        return history::paragraphs(&config, &asked)?.iter().try_for_each(output::print_text);
    };
    let (branch, page) = history::page(&config, &asked, print::language())?;
    artefacts::write_atomic(path, page.as_bytes())?;
    let (branch, path) = (text::plain(&branch), path.display());
    speak(&bilingual!("history of {branch} written to {path}", "{branch}의 이력 저장: {path}"));
    Ok(())
}

fn drift(args: &BaselineDriftArgs) -> anyhow::Result<ExitStatus> {
    let here = Workspace::here();
    let config = gate::config(&here, &args::file(&args.config))?;
    let asked = drift::Request {
        here: &here,
        anchor: args.anchor.as_deref(),
        workload: args.workload.as_deref(),
        base: args.base.as_deref(),
    };
    let (report, exit) = drift::judged(&config, &asked)?;
    let lang = print::language();
    let shown = if args.json {
        report.to_json()
    } else {
        report::drift::terminal(&report, output::width(), lang)
    };
    output::told(output::print(shown.trim_end()));
    publish::after_drift(&here, &report, lang);
    if exit == ExitStatus::GateFailed {
        speak(&bilingual!(
            "hint: `goodput-gate baseline history METRIC` shows where it moved, `goodput-gate bisect {anchor} HEAD` finds the commits; if it is meant, \
             pin a newer anchor",
            "힌트: 어디서 움직였는지는 `goodput-gate baseline history METRIC`, 어느 커밋인지는 `goodput-gate bisect {anchor} HEAD`로 확인. 의도한 것이면 \
             더 새로운 앵커로 고정하십시오",
            anchor = text::plain(report.anchor().unwrap_or("ANCHOR"))
        ));
    }
    Ok(exit)
}

fn anchor(args: &BaselineAnchorArgs) -> anyhow::Result<()> {
    let here = Workspace::here();
    let config = gate::config(&here, &args::file(&args.config))?;
    if args.remove {
        let removed = anchor::remove(&here, &config)?;
        let path = removed.display();
        output::tell(&bilingual!("removed {path}", "삭제: {path}"));
        return Ok(());
    }
    let Some(what) = &args.what else {
        let none = || {
            bilingual!(
                "no anchor: `goodput-gate baseline anchor COMMIT|TAG|SESSION` pins one",
                "앵커 없음: `goodput-gate baseline anchor COMMIT|TAG|SESSION`으로 고정합니다"
            )
        };
        let shown = anchor::shown(&here, &config)?;
        return output::print_text(&shown.map_or_else(none, Text::from));
    };
    output::tell(&anchor::pin(&here, &config, what)?);
    let file = config.baselines_dir.join(ANCHOR);
    speak(&bilingual!(
        "hint: commit {file}; in CI the base branch's counts",
        "힌트: {file} 파일을 커밋하십시오. CI에서는 base 브랜치의 것이 반영됩니다",
        file = file.display()
    ));
    Ok(())
}
