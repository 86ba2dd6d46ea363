//! `models`: which models a server offers, what it says of itself, and the command that measures
//! one. Not here: how servers are asked (`probe`).

use anyhow::{Context as _, bail};
use serde::Serialize;

use super::output::{print, print_text};
use crate::app::around::{self, is_url};
use crate::app::workspace::secrets::secret;
use crate::cli::ModelsArgs;
use crate::config::{self, did_you_mean};
use crate::exit::{ExitStatus, Failure};
use crate::lang::{Text, bilingual};
use crate::print::speak;
use crate::probe::scan::Found;
use crate::protocol::ProtocolName;
use crate::redact::secrets;
use crate::visible::one_line;

/// One server, as `--json` has it.
#[derive(Serialize)]
struct Shown<'a> {
    base_url: &'a str,
    protocol: &'static str,
    server: Option<&'a str>,
    version: Option<&'a str>,
    /// It asks for a key that is not at hand.
    locked: bool,
    models: Vec<Model<'a>>,
}

#[derive(Serialize)]
struct Model<'a> {
    name: &'a str,
    context_tokens: Option<u64>,
}

/// Errors: exit 2, an unusable URL or protocol; exit 3, nobody answers there.
pub fn run(args: &ModelsArgs) -> anyhow::Result<ExitStatus> {
    let found = found(args)?;
    if args.json {
        let all: Vec<Shown<'_>> = found.iter().map(Shown::new).collect();
        print(&serde_json::to_string_pretty(&all).context("cannot write the servers as JSON")?)?;
        return Ok(ExitStatus::Pass);
    }
    for one in &found {
        print_text(&text(one))?;
    }
    let offering = found.iter().find(|one| !one.facts.models.is_empty());
    if let Some(one) = offering {
        let command = command(one);
        speak(&bilingual!("next: {command}", "다음: {command}"));
    } else if let Some(one) = found.iter().find(|one| one.locked) {
        speak(&bilingual!(
            "hint: {url} takes no key that is at hand: name the variable that holds it with --api-key-env",
            "힌트: {url}: 가진 키로는 접근할 수 없음. 키가 든 환경 변수를 --api-key-env로 지정하십시오",
            url = one.base_url
        ));
    } else {
        speak(&bilingual!(
            "hint: name the model (--model, target.model) if you know that the server has it",
            "힌트: 서버에 있는 모델을 안다면 직접 지정하십시오 (--model, target.model)"
        ));
    }
    Ok(ExitStatus::Pass)
}

fn found(args: &ModelsArgs) -> anyhow::Result<Vec<Found>> {
    let key = args.api_key_env.as_deref();
    let Some(url) = &args.base_url else {
        let found = around::servers(&args.look.ports, key)?;
        if found.is_empty() {
            let ports = around::ports(&args.look.ports);
            bail!(Failure::measure(bilingual!(
                "no server on 127.0.0.1, ports {ports}\nhint: name one with --base-url URL",
                "127.0.0.1의 포트 {ports}에 서버 없음\n힌트: --base-url URL로 지정하십시오"
            )));
        }
        return Ok(found);
    };
    let at_hand = key.map(secret).transpose()?.flatten();
    if !is_url(url) || config::credential(url, &secrets(at_hand.as_deref(), &[])).is_some() {
        bail!(bilingual!(
            "--base-url is no URL, or holds a credential or a query\nhint: write it as http://127.0.0.1:8000/v1, and name the variable that holds the key: --api-key-env",
            "--base-url이 URL이 아니거나 인증 정보 또는 쿼리가 들어 있음\n힌트: http://127.0.0.1:8000/v1 형태로 쓰고, 키가 든 환경 변수는 --api-key-env로 지정하십시오"
        ));
    }
    let found = match &args.protocol {
        None => around::server(url, key)?,
        Some(name) => around::speaking(protocol(name)?, url, key)?,
    };
    let what = || {
        bilingual!(
            "no list of models at {url}\nhint: is the server up, does the URL end in /v1 (for ollama and triton: at the server's root), and does it want a key (--api-key-env)?",
            "{url}에 모델 목록 없음\n힌트: 서버가 실행 중인지, URL이 /v1로 끝나는지(ollama와 triton은 서버의 최상위 주소), API 키가 필요한지(--api-key-env) 확인하십시오"
        )
    };
    Ok(vec![found.ok_or_else(|| Failure::measure(what()))?])
}

fn protocol(name: &str) -> anyhow::Result<ProtocolName> {
    let found = ProtocolName::ALL.into_iter().find(|p| p.name() == name);
    let hint = || did_you_mean(name, &ProtocolName::ALL.map(ProtocolName::name));
    let what =
        || bilingual!("unknown protocol `{name}`\nhint: ", "알 수 없는 프로토콜 `{name}`\n힌트: ");
    found.ok_or_else(|| what().then(&hint()).into())
}

impl<'a> Shown<'a> {
    fn new(found: &'a Found) -> Self {
        let models = found
            .facts
            .models
            .iter()
            .map(|m| Model { name: &m.name, context_tokens: m.context_tokens });
        Self {
            base_url: &found.base_url,
            protocol: found.protocol.name(),
            server: found.facts.name.as_deref(),
            version: found.facts.version.as_deref(),
            locked: found.locked,
            models: models.collect(),
        }
    }
}

/// One line for the server, one for each model.
fn text(found: &Found) -> Text {
    let facts = &found.facts;
    let name = facts.name.as_deref().map_or_else(
        || bilingual!("a server that does not say what it is", "이름을 알리지 않는 서버"),
        Text::from,
    );
    let version = facts.version.iter().fold(String::new(), |_, v| format!(" {v}"));
    let mut lines = vec![
        Text::from(format!("{}  ", found.base_url))
            .then(&name)
            .then(&format!("{version}, {}", found.protocol.name()).into()),
    ];
    let width = facts.models.iter().map(|m| m.name.chars().count()).max().unwrap_or(0);
    lines.extend(facts.models.iter().map(|m| {
        match m.context_tokens {
            Some(n) => Text::from(format!("  {:width$}  ", m.name))
                .then(&bilingual!("{n} tokens of context", "컨텍스트 {n} 토큰")),
            None => format!("  {}", m.name).into(),
        }
    }));
    if found.locked {
        lines.push(Text::from("  ").then(&around::asks_for_key()));
    } else if facts.models.is_empty() {
        lines.push(Text::from("  ").then(&around::lists_none()));
    }
    let lines: Vec<Text> =
        lines.iter().map(|line| Text { en: one_line(&line.en), ko: one_line(&line.ko) }).collect();
    Text::joined(&lines, "\n")
}

fn command(found: &Found) -> String {
    let mut words = vec!["goodput-gate run --base-url".to_owned(), found.base_url.clone()];
    if found.protocol != ProtocolName::OpenAiChat {
        words.push(format!("--protocol {}", found.protocol.name()));
    }
    let models = around::chat_first(&found.facts.models);
    if let [first, _, ..] = models.as_slice() {
        words.push(format!("--model {first}"));
    }
    words.extend(found.api_key_env.iter().map(|name| format!("--api-key-env {name}")));
    words.push("--preset quick".into());
    one_line(&words.join(" "))
}
