//! `run -i`: server, model and workload from lists, each Enter the default; what the command line
//! says already is not asked.

use crate::app::around::{self, USUAL_URL, is_url};
use crate::app::workspace::Workspace;
use crate::app::{dry_run, gate};
use crate::cli::{ConfigArgs, RunArgs, WorkloadArgs};
use crate::command::args;
use crate::command::ask::{self, Choice, Talk};
use crate::config::{ADHOC, Config, Endpoint, ModelChoice, Target, parse_duration, starter};
use crate::lang::{Text, bilingual};
use crate::print::speak;
use crate::probe::scan::Found;
use crate::protocol::ProtocolName;

/// Where a first look starts: minutes, not the five of the older tools' loads.
const USUAL_PRESET: &str = "quick";

/// A server that may be measured.
enum Server {
    /// The config's own target, or one of its `targets`.
    Named(Option<String>),
    Found(Box<Found>),
}

/// The last choice, after what has a name.
fn own_load() -> Text {
    bilingual!("my own: rate, duration, tokens", "직접 입력: 요청률, 시간, 토큰 수")
}

/// The arguments with what was chosen. Errors: nobody answers, no server, an invalid config.
pub fn choose(here: &Workspace, args: &RunArgs) -> anyhow::Result<RunArgs> {
    let mut talk = Talk::with_person();
    let mut args = args.clone();
    let said = args.workload.base_url.is_some() || args.workload.target.is_some();
    let config = config(here, &args)?;
    if !said {
        server(&mut args, config.as_ref(), &mut talk)?;
    }
    if args.workload.model.is_none() {
        model(&mut args, config.as_ref(), &mut talk)?;
    }
    let w = &args.workload;
    let load = !w.preset.is_empty()
        || !w.workload.is_empty()
        || !w.concurrency.is_empty()
        || w.rate.is_some();
    if !load {
        workload(&mut args, config.as_ref(), &mut talk)?;
    }
    speak(&bilingual!(
        "\nwithout questions (add your other flags): {command}\n",
        "\n질문 없이 실행하려면 (다른 플래그는 덧붙이십시오): {command}\n",
        command = command(&args)
    ));
    Ok(args)
}

/// Shows what is about to be sent, and for how long at most. Errors: nobody answers.
pub fn confirmed(config: &Config) -> anyhow::Result<bool> {
    speak(&dry_run::about_to_start(config)?);
    let yes = Talk::with_person().yes(&bilingual!("start?", "시작할까요?"))?;
    if !yes {
        speak(&bilingual!("nothing was sent", "아무것도 보내지 않았습니다"));
    }
    Ok(yes)
}

/// The config that would be used, if there is one.
fn config(here: &Workspace, args: &RunArgs) -> anyhow::Result<Option<Config>> {
    let there = gate::path(here, &args::given(&args.config, &args.workload))?.is_some();
    let set = args.config.set.iter().any(|s| s.starts_with("target."));
    if !there && !set {
        return Ok(None);
    }
    let ours = WorkloadArgs {
        base_url: args.workload.base_url.clone(),
        target: args.workload.target.clone(),
        ..WorkloadArgs::default()
    };
    gate::config(here, &args::given(&args.config, &ours)).map(Some)
}

fn server(args: &mut RunArgs, config: Option<&Config>, talk: &mut Talk) -> anyhow::Result<()> {
    let mut servers: Vec<(Text, Server)> = Vec::new();
    let mut known: Vec<Text> = Vec::new();
    for (name, target) in config.into_iter().flat_map(configured) {
        let said = config.and_then(|c| c.names.targets.get(name.as_ref()?));
        servers.push((line(name.as_deref(), &endpoint(target), said), Server::Named(name)));
        known.push(endpoint(target));
    }
    let found = around::servers(&args.look.ports, args.workload.api_key_env.as_deref())?;
    let new = found.into_iter().filter(|f| known.iter().all(|text| text.en != f.base_url));
    servers.extend(new.map(|f| (around::describe(&f), Server::Found(Box::new(f)))));
    if servers.is_empty() {
        speak(&bilingual!(
            "no server on 127.0.0.1, ports {ports}",
            "127.0.0.1의 포트 {ports}에 서버 없음",
            ports = around::ports(&args.look.ports)
        ));
        args.workload.base_url =
            Some(talk.text(&ask::url(), USUAL_URL, is_url, &ask::url_wanted())?);
        return Ok(());
    }
    let options: Vec<Text> = servers.iter().map(|(text, _)| text.clone()).collect();
    match talk.choose(&ask::which_server(), &options, is_url)? {
        Choice::Typed(url) => args.workload.base_url = Some(url),
        Choice::Listed(index) => match servers.swap_remove(index).1 {
            Server::Named(name) => args.workload.target = name,
            Server::Found(found) => {
                args.workload.base_url = Some(found.base_url);
                let usual = found.protocol == ProtocolName::OpenAiChat;
                args.workload.protocol = args
                    .workload
                    .protocol
                    .take()
                    .or((!usual).then(|| found.protocol.name().to_owned()));
                args.workload.api_key_env = args.workload.api_key_env.take().or(found.api_key_env);
            }
        },
    }
    Ok(())
}

/// The config's servers, its own first: under its name, if one of `targets` says nothing else.
/// Those that only name a model are no servers.
fn configured(config: &Config) -> Vec<(Option<String>, &Target)> {
    let servers =
        config.targets.iter().filter(|(name, _)| !config.names.models.contains_key(*name));
    let (own, others): (Vec<_>, Vec<_>) =
        servers.partition(|(_, target)| **target == config.target);
    let named = |(name, target): (&String, _)| (Some(name.clone()), target);
    let first = own.into_iter().map(named).collect::<Vec<_>>();
    let first = if first.is_empty() { vec![(None, &config.target)] } else { first };
    first.into_iter().chain(others.into_iter().map(named)).collect()
}

/// `NAME: WHAT (DESCRIPTION)`.
fn line(name: Option<&str>, what: &Text, description: Option<&String>) -> Text {
    let name = name.map(|name| format!("{name}: ")).unwrap_or_default();
    let description = description.map(|text| format!(" ({text})")).unwrap_or_default();
    Text::from(name).then(what).then(&description.into())
}

fn model(args: &mut RunArgs, config: Option<&Config>, talk: &mut Talk) -> anyhow::Result<()> {
    let target = chosen(args, config);
    let (url, key, usual) = match (&args.workload.base_url, target) {
        (Some(url), _) => (url.clone(), args.workload.api_key_env.clone(), None),
        (None, Some(Target { endpoint: Endpoint::Http(url), api_key_env, model, .. })) => {
            let usual =
                if let ModelChoice::Named(name) = model { Some(name.clone()) } else { None };
            (url.clone(), api_key_env.clone(), usual)
        }
        // The gate starts it, so there is nobody to ask yet.
        (None, _) => return Ok(()),
    };
    let listed = around::server(&url, key.as_deref())?
        .map(|f| around::chat_first(&f.facts.models))
        .unwrap_or_default();
    let options =
        models(usual.as_ref(), config.filter(|_| args.workload.base_url.is_none()), &listed);
    if options.is_empty() {
        return Ok(());
    }
    let lines: Vec<Text> = options.iter().map(|(line, _)| line.clone()).collect();
    let name =
        match talk.choose(&ask::which_model(), &lines, |text| text.parse::<usize>().is_err())? {
            Choice::Listed(index) => options[index].1.clone(),
            Choice::Typed(name) => name,
        };
    // What the config says or means already need not be said again.
    let first = usual.is_some() && options.first().is_some_and(|(_, known)| *known == name);
    let only = args.workload.base_url.is_none() && options.len() == 1 && options[0].1 == name;
    args.workload.model = (!first && !only).then_some(name);
    Ok(())
}

/// What is shown of each model, and what says it: the target's own first, then the config's short
/// names, then what the server lists.
fn models(
    usual: Option<&String>,
    config: Option<&Config>,
    listed: &[String],
) -> Vec<(Text, String)> {
    let names = config.into_iter().flat_map(|c| {
        c.names.models.iter().map(|(short, full)| (short, full, c.names.targets.get(short)))
    });
    let (own, mut others): (Vec<_>, Vec<_>) = names.partition(|(_, full, _)| Some(*full) == usual);
    let mut all: Vec<(Text, String)> = Vec::new();
    match (usual, own.first()) {
        (Some(full), Some((short, _, said))) => {
            all.push((line(Some(short.as_str()), &full.as_str().into(), *said), (*short).clone()));
        }
        (Some(full), None) => all.push((full.as_str().into(), full.clone())),
        (None, _) => {}
    }
    others.extend(own.into_iter().skip(1));
    all.extend(others.iter().map(|(short, full, said)| {
        (line(Some(short.as_str()), &full.as_str().into(), *said), (*short).clone())
    }));
    let known =
        |name: &String| Some(name) == usual || others.iter().any(|(_, full, _)| *full == name);
    let new = listed.iter().filter(|name| !known(name));
    all.extend(new.map(|name| (name.as_str().into(), name.clone())));
    all
}

/// With the config's server its workloads, with another the presets; a load of one's own last.
fn workload(args: &mut RunArgs, config: Option<&Config>, talk: &mut Talk) -> anyhow::Result<()> {
    let known = config.filter(|_| args.workload.base_url.is_none());
    let names: Vec<&String> =
        known.into_iter().flat_map(|c| &c.workloads).map(|w| &w.name).collect();
    let presets = starter::presets();
    if names.is_empty() {
        let quick_first = presets
            .iter()
            .filter(|p| **p == USUAL_PRESET)
            .chain(presets.iter().filter(|p| **p != USUAL_PRESET));
        let options: Vec<Text> =
            quick_first.map(|name| Text::from(*name)).chain([own_load()]).collect();
        let what = bilingual!("workload (number or preset)", "워크로드 (번호 또는 프리셋)");
        match talk.choose(&what, &options, starter::is_preset)? {
            Choice::Listed(index) if index + 1 == options.len() => own(args, talk)?,
            Choice::Listed(index) => args.workload.preset = vec![options[index].en.clone()],
            Choice::Typed(name) => args.workload.preset = vec![name],
        }
        return Ok(());
    }
    let said = |name: &String| {
        line(None, &name.as_str().into(), known.and_then(|c| c.names.workloads.get(name)))
    };
    let count = names.len();
    let all = (count > 1).then(|| bilingual!("all {count} of the config", "설정의 {count}개 모두"));
    let skipped = usize::from(all.is_some());
    let options: Vec<Text> =
        all.into_iter().chain(names.iter().map(|n| said(n))).chain([own_load()]).collect();
    let what = bilingual!(
        "workload (number, or a preset: {presets})",
        "워크로드 (번호, 또는 프리셋: {presets})",
        presets = presets.join(", ")
    );
    match talk.choose(&what, &options, starter::is_preset)? {
        Choice::Typed(preset) => args.workload.preset = vec![preset],
        Choice::Listed(index) if index + 1 == options.len() => own(args, talk)?,
        // The first: all of them, or the only one.
        Choice::Listed(0) => {}
        Choice::Listed(index) => args.workload.workload = vec![names[index - skipped].clone()],
    }
    Ok(())
}

/// A load of one's own in open loop, whatever the config's workloads are. What the command line
/// says already is not asked.
fn own(args: &mut RunArgs, talk: &mut Talk) -> anyhow::Result<()> {
    let w = &mut args.workload;
    w.preset = vec![ADHOC.into()];
    let positive =
        |text: &str| text.parse::<f64>().is_ok_and(|rate| rate.is_finite() && rate > 0.0);
    let per_second = bilingual!("requests per second", "초당 요청 수");
    let above_0 = bilingual!("a number above 0", "0보다 큰 수");
    w.rate = talk.text(&per_second, "5", positive, &above_0)?.parse().ok();
    if w.requests.is_none() && w.duration.is_none() {
        let text = talk.text(
            &bilingual!("length of a round", "라운드 길이"),
            "60s",
            |text| span(text).is_some(),
            &bilingual!("a time such as 60s or 5m", "60s, 5m과 같은 시간"),
        )?;
        w.duration = span(&text);
    }
    let count = |text: &str| text.parse::<u32>().is_ok_and(|n| n > 0);
    let tokens = bilingual!("a whole number from 1", "1 이상의 정수");
    if w.input_tokens.is_none() {
        let what = bilingual!("input tokens of a prompt", "프롬프트의 입력 토큰 수");
        w.input_tokens = talk.text(&what, "256", count, &tokens)?.parse().ok();
    }
    if w.output_tokens.is_none() {
        let what = bilingual!("output tokens of an answer", "응답의 출력 토큰 수");
        w.output_tokens = talk.text(&what, "128", count, &tokens)?.parse().ok();
    }
    Ok(())
}

/// As `--duration` takes it; a bare number is seconds here, where somebody answers a question.
fn span(text: &str) -> Option<String> {
    let text = if text.parse::<f64>().is_ok() { format!("{text}s") } else { text.to_owned() };
    parse_duration(&text).ok().filter(|time| !time.is_zero()).map(|_| text)
}

fn chosen<'a>(args: &RunArgs, config: Option<&'a Config>) -> Option<&'a Target> {
    let config = config?;
    // The config was loaded with a target of the command line as its own.
    args.workload.target.as_ref().and_then(|name| config.targets.get(name)).or(Some(&config.target))
}

fn endpoint(target: &Target) -> Text {
    match &target.endpoint {
        Endpoint::Http(url) => url.as_str().into(),
        Endpoint::Sim(_) => bilingual!("the simulated server", "시뮬레이션 서버"),
        Endpoint::Started(server) => {
            let start = &server.start;
            bilingual!("started by the gate: `{start}`", "게이트가 시작: `{start}`")
        }
    }
}

/// For the next time. Only what was chosen; further flags are the user's own.
fn command(args: &RunArgs) -> String {
    let w = &args.workload;
    let ConfigArgs { config, set } = &args.config;
    let mut words = vec!["goodput-gate".to_owned(), "run".into()];
    let mut push = |flag: &str, value: Option<String>| {
        words.extend(value.map(|v| format!("{flag} {}", quoted(&v))));
    };
    push("--config", config.as_ref().map(|c| c.display().to_string()));
    for one in set {
        push("--set", Some(one.clone()));
    }
    push("--base-url", w.base_url.clone());
    push("--target", w.target.clone());
    push("--protocol", w.protocol.clone());
    push("--model", w.model.clone());
    push("--api-key-env", w.api_key_env.clone());
    push("--preset", (!w.preset.is_empty()).then(|| w.preset.join(",")));
    push("--rate", w.rate.map(|rate| rate.to_string()));
    push("--duration", w.duration.clone());
    push("--input-tokens", w.input_tokens.map(|n| n.to_string()));
    push("--output-tokens", w.output_tokens.map(|n| n.to_string()));
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
