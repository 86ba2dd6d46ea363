//! `init`: looks around, asks only what it must, writes config and workflow, and never over files
//! that are there unless told to.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::bail;

use super::ask::{self, Choice, Talk};
use super::output::tell;
use crate::app::around::{self, Git, USUAL_URL, is_url};
use crate::app::first_config::{self, older_configs, workflow};
use crate::app::gate::shown;
use crate::app::workspace::Workspace;
use crate::app::workspace::secrets::secret;
use crate::cli::InitArgs;
use crate::config::starter::{self, StartTarget, Starter};
use crate::exit::ExitStatus;
use crate::lang::{Text, bilingual};
use crate::print::{self, note, speak};
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
    tell_repository(git.as_ref());
    let (starter, runs, files) = match &args.from {
        Some(folder) => {
            older_configs(folder).map(|carried| (carried.starter, false, carried.files))?
        }
        None => first(args, &mut talk).map(|(starter, runs)| (starter, runs, Vec::new()))?,
    };
    let text = starter::render(&starter, print::language());
    first_config::check(&text)?;
    let files: Vec<(PathBuf, String)> =
        files.into_iter().map(|(name, text)| (dir.join(name), text)).collect();
    if let Some((path, _)) = files.iter().find(|(path, _)| path.exists() && !args.force) {
        bail!(bilingual!(
            "{path} is there already, and nothing was written\nhint: --force replaces it",
            "{path} 파일이 이미 있어 아무것도 쓰지 않음\n힌트: --force로 덮어씁니다",
            path = shown(path, &cwd)
        ));
    }
    write(&config_path, &text, &cwd)?;
    files.iter().try_for_each(|(path, text)| write(path, text, &cwd))?;
    let remote = git.as_ref().and_then(|g| g.remote.as_deref()).unwrap_or_default();
    if NOT_GITHUB.iter().any(|host| remote.split('/').next().is_some_and(|h| h.contains(host))) {
        note(&bilingual!(
            "no workflow is written, since `origin` is not on GitHub: let its CI run `goodput-gate check`; junit.xml is for it",
            "`origin`이 GitHub이 아니어서 워크플로를 만들지 않음: 그곳의 CI에서 `goodput-gate check`를 실행하십시오. 결과는 junit.xml로 읽습니다"
        ));
    } else {
        let branch = git.as_ref().and_then(|g| g.default_branch.as_deref()).unwrap_or("main");
        save_workflow(
            &dir.join(WORKFLOW),
            &workflow::render(branch, starter.target.api_key_env.as_deref()),
            args.force,
            &cwd,
        )?;
    }
    speak(&next(&starter, runs));
    Ok(ExitStatus::Pass)
}

fn tell_repository(git: Option<&Git>) {
    if let Some(git) = git {
        let remote = git
            .remote
            .as_deref()
            .map_or_else(|| bilingual!("no remote `origin`", "원격 `origin` 없음"), Text::from);
        let branch = git
            .default_branch
            .as_deref()
            .map_or_else(|| bilingual!("unknown", "알 수 없음"), Text::from);
        speak(&Text {
            en: format!("git     {}, default branch {}", remote.en, branch.en),
            ko: format!("git     {}, 기본 브랜치 {}", remote.ko, branch.ko),
        });
    } else {
        speak(&bilingual!(
            "git     no repository here: baselines will need one (git init)",
            "git     저장소 없음: 기준선을 쓰려면 필요합니다 (git init)"
        ));
    }
}

fn save_workflow(path: &Path, text: &str, force: bool, cwd: &Path) -> anyhow::Result<()> {
    if path.exists() && !force {
        let path = shown(path, cwd);
        speak(&bilingual!("kept    {path}", "유지    {path}"));
        return Ok(());
    }
    write(path, text, cwd)
}

fn write(path: &Path, text: &str, cwd: &Path) -> anyhow::Result<()> {
    first_config::write(path, text)?;
    let path = shown(path, cwd);
    tell(&bilingual!("wrote   {path}", "작성    {path}"));
    Ok(())
}

/// A config for a server that is there, and whether one is.
fn first(args: &InitArgs, talk: &mut Talk) -> anyhow::Result<(Starter, bool)> {
    let chosen = match &args.base_url {
        Some(url) => server_at(url, args)?,
        None => server(args, talk)?,
    };
    let gpus = around::gpus();
    speak(&if gpus == 0 {
        bilingual!("gpu     none here (no /dev/nvidia0)", "GPU     없음 (/dev/nvidia0 없음)")
    } else {
        bilingual!("gpu     {gpus} of NVIDIA", "GPU     NVIDIA {gpus}개")
    });
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

/// One of those on this machine, or the one that a person names.
fn server(args: &InitArgs, talk: &mut Talk) -> anyhow::Result<Found> {
    let found = around::servers(&args.look.ports, args.api_key_env.as_deref())?;
    for one in &found {
        speak(&bilingual!("server  ", "서버    ").then(&around::describe(one)));
    }
    let url = match found.as_slice() {
        [] => {
            let ports = around::ports(&args.look.ports);
            speak(&bilingual!(
                "server  none on 127.0.0.1, ports {ports}; --base-url names one elsewhere",
                "서버    127.0.0.1의 포트 {ports}에 없음. 다른 곳의 서버는 --base-url로 지정"
            ));
            talk.text(&ask::url(), USUAL_URL, is_url, &ask::url_wanted())?
        }
        [one] => return Ok(one.clone()),
        many => {
            let options: Vec<Text> = many.iter().map(around::describe).collect();
            match talk.choose(&ask::which_server(), &options, is_url)? {
                Choice::Listed(index) => return Ok(many[index].clone()),
                Choice::Typed(url) => url,
            }
        }
    };
    if url == USUAL_URL { Ok(unanswered(&url, args)) } else { server_at(&url, args) }
}

/// The server at this URL, with what it says of itself where it answers.
fn server_at(url: &str, args: &InitArgs) -> anyhow::Result<Found> {
    if !is_url(url) {
        bail!(bilingual!("--base-url takes ", "--base-url: ").then(&ask::url_wanted()));
    }
    let found = around::server(url, args.api_key_env.as_deref())?;
    speak(&bilingual!("server  ", "서버    ").then(&match &found {
        Some(found) => around::describe(found),
        None => bilingual!("{url} does not answer yet", "{url}: 아직 응답 없음"),
    }));
    let mut found = found.unwrap_or_else(|| unanswered(url, args));
    found.api_key_env = found.api_key_env.or_else(|| args.api_key_env.clone());
    Ok(found)
}

fn unanswered(url: &str, args: &InitArgs) -> Found {
    Found {
        base_url: url.to_owned(),
        protocol: ProtocolName::OpenAiChat,
        facts: ServerFacts::default(),
        api_key_env: args.api_key_env.clone(),
        locked: false,
    }
}

/// The variable that the key of a server will be in.
fn key_variable(chosen: &Found, args: &InitArgs, talk: &mut Talk) -> anyhow::Result<String> {
    let usual =
        if chosen.base_url.contains(":4000") { "LITELLM_API_KEY" } else { "OPENAI_API_KEY" };
    let default = args.api_key_env.as_deref().unwrap_or(usual);
    let name = talk.text(
        &bilingual!("environment variable that holds its API key", "API 키가 들어 있는 환경 변수"),
        default,
        is_variable,
        &bilingual!("the variable's name, never the key", "키가 아니라 변수의 이름"),
    )?;
    note(&bilingual!(
        "{url} takes no key that is at hand: put it into {name}, in the environment or in .env",
        "{url}: 가진 키로는 접근할 수 없음. 키를 환경 변수 {name}에 넣거나 .env에 쓰십시오",
        url = chosen.base_url
    ));
    Ok(name)
}

/// `auto` for the only one; of several, the one that is chosen.
fn model(chosen: &Found, talk: &mut Talk) -> anyhow::Result<(Option<String>, Option<Text>)> {
    let models = around::chat_first(&chosen.facts.models);
    Ok(match models.as_slice() {
        [] => (
            Some("auto".into()),
            Some(bilingual!("the only one that the server lists", "서버의 유일한 모델")),
        ),
        [one] => (
            Some("auto".into()),
            Some(bilingual!(
                "the only one that the server lists, {one} now",
                "서버의 유일한 모델, 지금은 {one}"
            )),
        ),
        many => {
            let options: Vec<Text> = many.iter().map(|name| name.as_str().into()).collect();
            let typed = |text: &str| text.parse::<usize>().is_err();
            let name = match talk.choose(&ask::which_model(), &options, typed)? {
                Choice::Listed(index) => many[index].clone(),
                Choice::Typed(name) => name,
            };
            let count = many.len();
            let note =
                bilingual!("one of {count} that the server lists", "서버의 모델 {count}개 중 하나");
            (Some(name), Some(note))
        }
    })
}

fn next(starter: &Starter, runs: bool) -> Text {
    let key = match &starter.target.api_key_env {
        // Also where .env cannot be read: the run will say so.
        Some(name) if !matches!(secret(name), Ok(Some(_))) => {
            bilingual!(
                "put the API key into {name} (environment or .env); ",
                "API 키를 {name}에 넣고 (환경 변수 또는 .env), "
            )
        }
        _ => Text::default(),
    };
    bilingual!("next:   ", "다음:   ").then(&key).then(&if runs {
        bilingual!(
            "goodput-gate run      (then write slo and limits from what it shows, commit, goodput-gate baseline update)",
            "goodput-gate run      (결과를 보고 slo와 limits를 쓰고, 커밋한 뒤 goodput-gate baseline update)"
        )
    } else {
        bilingual!(
            "start the server, then goodput-gate doctor",
            "서버를 시작한 뒤 goodput-gate doctor"
        )
    })
}

fn is_variable(text: &str) -> bool {
    let first = text.chars().next();
    first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
