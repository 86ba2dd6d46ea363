//! `init`: looks around, asks only what it must, writes config and workflow, and never over files
//! that are there unless told to.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::bail;

use super::ask::{Choice, Talk};
use super::output::tell;
use crate::app::around::{self, USUAL_URL, is_url};
use crate::app::first_config::{self, older_configs, workflow};
use crate::app::gate::shown;
use crate::app::workspace::Workspace;
use crate::app::workspace::secrets::secret;
use crate::cli::InitArgs;
use crate::config::starter::{self, StartTarget, Starter};
use crate::exit::ExitStatus;
use crate::print::say;
use crate::probe::recognise::ServerFacts;
use crate::probe::scan::Found;
use crate::protocol::ProtocolName;

const WORKFLOW: &str = ".github/workflows/goodput-gate.yml";
/// Hosts that read no GitHub workflow.
const NOT_GITHUB: [&str; 2] = ["gitlab", "bitbucket"];

pub fn run(args: &InitArgs) -> anyhow::Result<ExitStatus> {
    let cwd = Workspace::here().cwd()?.to_owned();
    let git = around::git(args.dir.as_deref().unwrap_or(&cwd));
    let dir = args
        .dir
        .clone()
        .or_else(|| git.as_ref().map(|g| g.root.clone()))
        .unwrap_or_else(|| cwd.clone());
    let config_path = first_config::place(&dir, args.force)?;
    let person = args.ask || (!args.yes && std::io::stdin().is_terminal());
    let mut talk = if person { Talk::with_person() } else { Talk::with_nobody() };
    if let Some(git) = &git {
        let remote = git.remote.as_deref().unwrap_or("no remote `origin`");
        say(&format!(
            "git     {remote}, default branch {}",
            git.default_branch.as_deref().unwrap_or("unknown")
        ));
    } else {
        say("git     no repository here: baselines will need one (git init)");
    }
    let (starter, runs, files) = match &args.from {
        Some(folder) => {
            older_configs(folder).map(|carried| (carried.starter, false, carried.files))?
        }
        None => first(args, &mut talk).map(|(starter, runs)| (starter, runs, Vec::new()))?,
    };
    let text = starter::render(&starter);
    first_config::check(&text)?;
    let files: Vec<(PathBuf, String)> =
        files.into_iter().map(|(name, text)| (dir.join(name), text)).collect();
    if let Some((path, _)) = files.iter().find(|(path, _)| path.exists() && !args.force) {
        bail!(
            "{} is there already, and nothing was written\nhint: --force replaces it",
            shown(path, &cwd)
        );
    }
    write(&config_path, &text, &cwd)?;
    files.iter().try_for_each(|(path, text)| write(path, text, &cwd))?;
    let remote = git.as_ref().and_then(|g| g.remote.as_deref()).unwrap_or_default();
    if NOT_GITHUB.iter().any(|host| remote.split('/').next().is_some_and(|h| h.contains(host))) {
        say(
            "note: no workflow is written, since `origin` is not on GitHub: let its CI run `goodput-gate check`; junit.xml is for it",
        );
    } else {
        let branch = git.as_ref().and_then(|g| g.default_branch.as_deref()).unwrap_or("main");
        save_workflow(
            &dir.join(WORKFLOW),
            &workflow::render(branch, starter.target.api_key_env.as_deref()),
            args.force,
            &cwd,
        )?;
    }
    say(&next(&starter, runs));
    Ok(ExitStatus::Pass)
}

fn save_workflow(path: &Path, text: &str, force: bool, cwd: &Path) -> anyhow::Result<()> {
    if path.exists() && !force {
        say(&format!("kept    {}", shown(path, cwd)));
        return Ok(());
    }
    write(path, text, cwd)
}

fn write(path: &Path, text: &str, cwd: &Path) -> anyhow::Result<()> {
    first_config::write(path, text)?;
    tell(&format!("wrote   {}", shown(path, cwd)));
    Ok(())
}

/// A config for a server that is there, and whether one is.
fn first(args: &InitArgs, talk: &mut Talk) -> anyhow::Result<(Starter, bool)> {
    let found = around::servers(&args.look.ports, args.api_key_env.as_deref())?;
    for one in &found {
        say(&format!("server  {}", around::describe(one)));
    }
    if found.is_empty() {
        say(&format!("server  none on 127.0.0.1, ports {}", around::ports(&args.look.ports)));
    }
    let gpus = around::gpus();
    say(&format!(
        "gpu     {}",
        if gpus == 0 { "none here (no /dev/nvidia0)".into() } else { format!("{gpus} of NVIDIA") }
    ));
    let chosen = server(&found, args, talk)?;
    let mut target = StartTarget {
        base_url: Some(chosen.base_url.clone()),
        protocol: (chosen.protocol != ProtocolName::OpenAiChat).then_some(chosen.protocol),
        note: chosen
            .facts
            .name
            .clone()
            .map(|n| chosen.facts.version.iter().fold(n, |n, v| format!("{n} {v}"))),
        api_key_env: chosen.api_key_env.clone(),
        ..StartTarget::default()
    };
    if chosen.locked {
        target.api_key_env = Some(key_variable(&chosen, args, talk)?);
    }
    (target.model, target.model_note) = model(&chosen, talk)?;
    let runs = !chosen.facts.models.is_empty();
    Ok((
        Starter {
            target,
            workloads: vec![starter::first_workload(gpus > 0)],
            ..Starter::default()
        },
        runs,
    ))
}

fn server(found: &[Found], args: &InitArgs, talk: &mut Talk) -> anyhow::Result<Found> {
    let url = match found {
        [] => talk.text(
            "base URL of the server",
            USUAL_URL,
            is_url,
            "a URL such as http://127.0.0.1:8000/v1",
        )?,
        [one] => return Ok(one.clone()),
        many => {
            let options: Vec<String> = many.iter().map(around::describe).collect();
            match talk.choose("server (number or URL)", &options, is_url)? {
                Choice::Listed(index) => return Ok(many[index].clone()),
                Choice::Typed(url) => url,
            }
        }
    };
    let unknown = || Found {
        base_url: url.clone(),
        protocol: ProtocolName::OpenAiChat,
        facts: ServerFacts::default(),
        api_key_env: None,
        locked: false,
    };
    let asked =
        if url == USUAL_URL { None } else { around::server(&url, args.api_key_env.as_deref())? };
    let mut found = asked.unwrap_or_else(unknown);
    found.api_key_env = found.api_key_env.or_else(|| args.api_key_env.clone());
    Ok(found)
}

/// The variable that the key of a server will be in.
fn key_variable(chosen: &Found, args: &InitArgs, talk: &mut Talk) -> anyhow::Result<String> {
    let usual =
        if chosen.base_url.contains(":4000") { "LITELLM_API_KEY" } else { "OPENAI_API_KEY" };
    let default = args.api_key_env.as_deref().unwrap_or(usual);
    let name = talk.text(
        "environment variable that holds its API key",
        default,
        is_variable,
        "the variable's name, never the key",
    )?;
    say(&format!(
        "note: {} takes no key that is at hand: put it into {name}, in the environment or in .env",
        chosen.base_url
    ));
    Ok(name)
}

/// `auto` for the only one; of several, the one that is chosen.
fn model(chosen: &Found, talk: &mut Talk) -> anyhow::Result<(Option<String>, Option<String>)> {
    let models = around::chat_first(&chosen.facts.models);
    Ok(match models.as_slice() {
        [] => (Some("auto".into()), Some("the only one that the server lists".into())),
        [one] => {
            (Some("auto".into()), Some(format!("the only one that the server lists, {one} now")))
        }
        many => {
            let name = match talk
                .choose("model (number or name)", many, |text| text.parse::<usize>().is_err())?
            {
                Choice::Listed(index) => many[index].clone(),
                Choice::Typed(name) => name,
            };
            (Some(name), Some(format!("one of {} that the server lists", many.len())))
        }
    })
}

fn next(starter: &Starter, runs: bool) -> String {
    let key = match &starter.target.api_key_env {
        // Also where .env cannot be read: the run will say so.
        Some(name) if !matches!(secret(name), Ok(Some(_))) => {
            format!("put the API key into {name} (environment or .env); ")
        }
        _ => String::new(),
    };
    if runs {
        format!(
            "next:   {key}goodput-gate run      (then write slo and limits from what it shows, commit, goodput-gate baseline update)"
        )
    } else {
        format!("next:   {key}start the server, then goodput-gate doctor")
    }
}

fn is_variable(text: &str) -> bool {
    let first = text.chars().next();
    first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
