//! `run -i`: server, model and workload from lists, each Enter the default; what the command line says already is not asked.

use super::ask::{Choice, Talk};
use super::init::{around, is_url};
use super::output::say;
use super::setup;
use crate::cli::{ConfigArgs, RunArgs, WorkloadArgs};
use crate::config::{Config, Endpoint, ModelChoice, ProtocolName, Target, starter};
use crate::probe::scan::Found;

/// Where a first look starts: minutes, not the five of the older tools' loads.
const USUAL_PRESET: &str = "quick";

/// A server that may be measured.
enum Server {
    /// The config's own target, or one of its `targets`.
    Named(Option<String>),
    Found(Box<Found>),
}

/// The arguments with what was chosen. Errors: nobody answers, no server, an invalid config.
pub fn choose(args: &RunArgs) -> anyhow::Result<RunArgs> {
    let mut talk = Talk::with_person();
    let mut args = args.clone();
    let said = args.workload.base_url.is_some() || args.workload.target.is_some();
    let config = config(&args)?;
    if !said {
        server(&mut args, config.as_ref(), &mut talk)?;
    }
    if args.workload.model.is_none() {
        model(&mut args, config.as_ref(), &mut talk)?;
    }
    let w = &args.workload;
    let load = w.preset.is_some() || !w.workload.is_empty() || !w.concurrency.is_empty() || w.rate.is_some();
    if !load {
        workload(&mut args, config.as_ref(), &mut talk)?;
    }
    say(&format!("\nwithout questions (add your other flags): {}\n", command(&args)));
    Ok(args)
}

/// The config that would be used, if there is one.
fn config(args: &RunArgs) -> anyhow::Result<Option<Config>> {
    let there = setup::path(&args.config, &args.workload, &around::cwd()?).is_some();
    let set = args.config.set.iter().any(|s| s.starts_with("target."));
    if !there && !set {
        return Ok(None);
    }
    let ours = WorkloadArgs {
        base_url: args.workload.base_url.clone(),
        target: args.workload.target.clone(),
        ..WorkloadArgs::default()
    };
    setup::config(&args.config, &ours).map(Some)
}

fn server(args: &mut RunArgs, config: Option<&Config>, talk: &mut Talk) -> anyhow::Result<()> {
    let mut servers: Vec<(String, Server)> = Vec::new();
    if let Some(config) = config {
        servers.push((endpoint(&config.target), Server::Named(None)));
        servers.extend(
            config.targets.iter().map(|(name, t)| (format!("{name}: {}", endpoint(t)), Server::Named(Some(name.clone())))),
        );
    }
    let known: Vec<String> = servers.iter().map(|(text, _)| text.clone()).collect();
    let found = around::servers(&args.look.ports, args.workload.api_key_env.as_deref())?;
    let new = found.into_iter().filter(|f| !known.iter().any(|k| k.ends_with(&f.base_url)));
    servers.extend(new.map(|f| (around::describe(&f), Server::Found(Box::new(f)))));
    if servers.is_empty() {
        say(&format!("no server on 127.0.0.1, ports {}", around::ports(&args.look.ports)));
        args.workload.base_url = Some(talk.text(
            "base URL of the server",
            super::init::USUAL_URL,
            is_url,
            "a URL such as http://127.0.0.1:8000/v1",
        )?);
        return Ok(());
    }
    let options: Vec<String> = servers.iter().map(|(text, _)| text.clone()).collect();
    match talk.choose("server (number or URL)", &options, is_url)? {
        Choice::Typed(url) => args.workload.base_url = Some(url),
        Choice::Listed(index) => match servers.swap_remove(index).1 {
            Server::Named(name) => args.workload.target = name,
            Server::Found(found) => {
                args.workload.base_url = Some(found.base_url);
                let usual = found.protocol == ProtocolName::OpenAiChat;
                args.workload.protocol = args.workload.protocol.take().or((!usual).then(|| found.protocol.name().to_owned()));
                args.workload.api_key_env = args.workload.api_key_env.take().or(found.api_key_env);
            }
        },
    }
    Ok(())
}

fn model(args: &mut RunArgs, config: Option<&Config>, talk: &mut Talk) -> anyhow::Result<()> {
    let target = chosen(args, config);
    let (url, key, usual) = match (&args.workload.base_url, target) {
        (Some(url), _) => (url.clone(), args.workload.api_key_env.clone(), None),
        (None, Some(Target { endpoint: Endpoint::Http(url), api_key_env, model, .. })) => {
            let usual = if let ModelChoice::Named(name) = model { Some(name.clone()) } else { None };
            (url.clone(), api_key_env.clone(), usual)
        }
        // The gate starts it, so there is nobody to ask yet.
        (None, _) => return Ok(()),
    };
    let listed = around::server(&url, key.as_deref())?.map(|f| around::chat_first(&f.facts.models)).unwrap_or_default();
    let others = listed.into_iter().filter(|m| Some(m) != usual.as_ref()).collect::<Vec<_>>();
    let options: Vec<String> = usual.iter().cloned().chain(others).collect();
    if options.is_empty() {
        return Ok(());
    }
    let name = match talk.choose("model (number or name)", &options, |text| text.parse::<usize>().is_err())? {
        Choice::Listed(index) => options[index].clone(),
        Choice::Typed(name) => name,
    };
    // What the config says or means already need not be said again.
    let meant = Some(&name) == usual.as_ref() || (args.workload.base_url.is_none() && options == [name.as_str()]);
    args.workload.model = (!meant).then_some(name);
    Ok(())
}

/// With the config's server its workloads, with another the presets.
fn workload(args: &mut RunArgs, config: Option<&Config>, talk: &mut Talk) -> anyhow::Result<()> {
    let names: Vec<String> = config
        .filter(|_| args.workload.base_url.is_none())
        .into_iter()
        .flat_map(|c| &c.workloads)
        .map(|w| w.name.clone())
        .collect();
    let presets: Vec<String> = starter::presets().iter().map(|p| (*p).to_owned()).collect();
    if names.is_empty() {
        let quick_first = presets.iter().filter(|p| *p == USUAL_PRESET).chain(presets.iter().filter(|p| *p != USUAL_PRESET));
        let options: Vec<String> = quick_first.cloned().collect();
        args.workload.preset = match talk.choose("workload (number or preset)", &options, starter::is_preset)? {
            Choice::Listed(index) => Some(options[index].clone()),
            Choice::Typed(name) => Some(name),
        };
        return Ok(());
    }
    let all = if names.len() > 1 { vec![format!("all {} of the config", names.len())] } else { Vec::new() };
    let options: Vec<String> = all.iter().chain(&names).cloned().collect();
    let what = format!("workload (number, or a preset: {})", presets.join(", "));
    match talk.choose(&what, &options, starter::is_preset)? {
        Choice::Typed(preset) => args.workload.preset = Some(preset),
        Choice::Listed(0) => {}
        Choice::Listed(index) => args.workload.workload = vec![options[index].clone()],
    }
    Ok(())
}

fn chosen<'a>(args: &RunArgs, config: Option<&'a Config>) -> Option<&'a Target> {
    let config = config?;
    // The config was loaded with a target of the command line as its own.
    args.workload.target.as_ref().and_then(|name| config.targets.get(name)).or(Some(&config.target))
}

fn endpoint(target: &Target) -> String {
    match &target.endpoint {
        Endpoint::Http(url) => url.clone(),
        Endpoint::Sim(_) => "the simulated server".into(),
        Endpoint::Started(server) => format!("started by the gate: `{}`", server.start),
    }
}

/// For the next time. Only what was chosen; further flags are the user's own.
fn command(args: &RunArgs) -> String {
    let w = &args.workload;
    let ConfigArgs { config, set } = &args.config;
    let mut words = vec!["goodput-gate".to_owned(), "run".into()];
    let mut push = |flag: &str, value: Option<String>| words.extend(value.map(|v| format!("{flag} {}", quoted(&v))));
    push("--config", config.as_ref().map(|c| c.display().to_string()));
    for one in set {
        push("--set", Some(one.clone()));
    }
    push("--base-url", w.base_url.clone());
    push("--target", w.target.clone());
    push("--protocol", w.protocol.clone());
    push("--model", w.model.clone());
    push("--api-key-env", w.api_key_env.clone());
    push("--preset", w.preset.clone());
    for one in &w.workload {
        push("--workload", Some(one.clone()));
    }
    words.join(" ")
}

/// For a shell, and for a terminal that shows it.
fn quoted(word: &str) -> String {
    let word: String = word.chars().filter(|c| !c.is_control()).collect();
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "._/:=-".contains(c));
    if plain { word } else { format!("'{}'", word.replace('\'', "'\\''")) }
}
