//! `models`: which models a server offers, what it says of itself, and the command that measures
//! one. Not here: how servers are asked (`probe`).

use anyhow::{Context as _, bail};
use serde::Serialize;

use super::output::print;
use crate::app::around::{self, is_url};
use crate::app::workspace::secrets::secret;
use crate::cli::ModelsArgs;
use crate::config::{self, did_you_mean};
use crate::exit::{ExitStatus, Failure};
use crate::print::say;
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
        print(&text(one))?;
    }
    let offering = found.iter().find(|one| !one.facts.models.is_empty());
    if let Some(one) = offering {
        say(&format!("next: {}", command(one)));
    } else if let Some(one) = found.iter().find(|one| one.locked) {
        say(&format!(
            "hint: {} takes no key that is at hand: name the variable that holds it with --api-key-env",
            one.base_url
        ));
    } else {
        say("hint: name the model (--model, target.model) if you know that the server has it");
    }
    Ok(ExitStatus::Pass)
}

fn found(args: &ModelsArgs) -> anyhow::Result<Vec<Found>> {
    let key = args.api_key_env.as_deref();
    let Some(url) = &args.base_url else {
        let found = around::servers(&args.look.ports, key)?;
        if found.is_empty() {
            let ports = around::ports(&args.look.ports);
            let what = format!(
                "no server on 127.0.0.1, ports {ports}\nhint: name one with --base-url URL"
            );
            bail!(Failure::measure(&what));
        }
        return Ok(found);
    };
    let at_hand = key.map(secret).transpose()?.flatten();
    if !is_url(url) || config::credential(url, &secrets(at_hand.as_deref(), &[])).is_some() {
        bail!(
            "--base-url is no URL, or holds a credential or a query\nhint: write it as http://127.0.0.1:8000/v1, and name the variable that holds the key: --api-key-env"
        );
    }
    let found = match &args.protocol {
        None => around::server(url, key)?,
        Some(name) => around::speaking(protocol(name)?, url, key)?,
    };
    let ending = "does the URL end in /v1 (for ollama and triton: at the server's root)";
    let what = || {
        format!(
            "no list of models at {url}\nhint: is the server up, {ending}, and does it want a key (--api-key-env)?"
        )
    };
    Ok(vec![found.ok_or_else(|| Failure::measure(&what()))?])
}

fn protocol(name: &str) -> anyhow::Result<ProtocolName> {
    let found = ProtocolName::ALL.into_iter().find(|p| p.name() == name);
    let hint = || did_you_mean(name, &ProtocolName::ALL.map(ProtocolName::name));
    found.with_context(|| format!("unknown protocol `{name}`\nhint: {}", hint()))
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
fn text(found: &Found) -> String {
    let facts = &found.facts;
    let name = facts.name.as_deref().unwrap_or("a server that does not say what it is");
    let version = facts.version.iter().fold(String::new(), |_, v| format!(" {v}"));
    let mut lines = vec![format!("{}  {name}{version}, {}", found.base_url, found.protocol.name())];
    let width = facts.models.iter().map(|m| m.name.chars().count()).max().unwrap_or(0);
    lines.extend(facts.models.iter().map(|m| {
        let context =
            m.context_tokens.map(|n| format!("  {n} tokens of context")).unwrap_or_default();
        format!("  {:width$}{context}", m.name).trim_end().to_owned()
    }));
    if found.locked {
        lines.push("  asks for an API key".into());
    } else if facts.models.is_empty() {
        lines.push("  lists no model".into());
    }
    let lines: Vec<String> = lines.iter().map(|line| one_line(line)).collect();
    lines.join("\n")
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
