//! What is around: servers on loopback, the repository, a GPU. Facts only.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::workspace::secrets::secret;
use crate::baseline::lineage::Repo;
use crate::config;
use crate::lang::{Text, bilingual};
use crate::probe::host;
use crate::probe::recognise::Model;
use crate::probe::scan::{self, Found, USUAL_PORTS};
use crate::protocol::ProtocolName;
use crate::redact::Secrets;
use crate::visible::one_line;

/// Tried on a server here that asks for a key. Not `OPENAI_API_KEY`: it is worth money, and whoever
/// listens on a port would get it.
const LOCAL_KEYS: [&str; 3] = ["LITELLM_API_KEY", "LITELLM_MASTER_KEY", "VLLM_API_KEY"];

/// vLLM's own, where nothing is found.
pub const USUAL_URL: &str = "http://127.0.0.1:8000/v1";

pub struct Git {
    pub root: PathBuf,
    /// `HOST/OWNER/NAME` of `origin`.
    pub remote: Option<String>,
    pub default_branch: Option<String>,
}

/// The repository around `folder`, if there is one.
pub fn git(folder: &Path) -> Option<Git> {
    let repo = Repo::discover(folder, Path::new("")).ok()?;
    Some(Git {
        root: repo.root()?.to_owned(),
        remote: repo.remote(),
        default_branch: repo.default_branch(),
    })
}

pub fn gpus() -> usize {
    host::nvidia_devices()
}

/// Servers on these ports of loopback, or the usual ones. `key` is a further variable to try where
/// one asks for a key.
pub fn servers(ports: &[u16], key: Option<&str>) -> anyhow::Result<Vec<Found>> {
    let ports = if ports.is_empty() { &USUAL_PORTS[..] } else { ports };
    let mut keys = keys(key.into_iter())?;
    // Nobody named these, so a .env that cannot be read for them is no error.
    keys.extend(
        LOCAL_KEYS.iter().filter_map(|name| Some(((*name).to_owned(), secret(name).ok()??))),
    );
    Ok(runtime()?.block_on(scan::loopback(ports, &keys)))
}

/// One server, wherever it is. No key but this one is sent to it.
pub fn server(base_url: &str, key: Option<&str>) -> anyhow::Result<Option<Found>> {
    let keys = keys(key.into_iter())?;
    Ok(runtime()?.block_on(scan::server(base_url.trim_end_matches('/'), &keys)))
}

/// One server that speaks this protocol, wherever it is.
pub fn speaking(
    protocol: ProtocolName,
    base_url: &str,
    key: Option<&str>,
) -> anyhow::Result<Option<Found>> {
    let keys = keys(key.into_iter())?;
    Ok(runtime()?
        .block_on(scan::speaking(protocol, base_url.trim_end_matches('/'), &keys))
        .flatten())
}

/// The ports that were looked at, for people.
pub fn ports(asked: &[u16]) -> String {
    let ports = if asked.is_empty() { &USUAL_PORTS[..] } else { asked };
    ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What a server says of itself, on one line.
pub fn describe(found: &Found) -> Text {
    const SHOWN: usize = 5;
    let facts = &found.facts;
    let name: Vec<&str> =
        [facts.name.as_deref(), facts.version.as_deref()].into_iter().flatten().collect();
    let name = if name.is_empty() { String::new() } else { format!(" ({})", name.join(" ")) };
    let models = match (found.locked, facts.models.len()) {
        (true, _) => asks_for_key(),
        (false, 0) => lists_none(),
        (false, n) => {
            let names: Vec<&str> =
                facts.models.iter().take(SHOWN).map(|m| m.name.as_str()).collect();
            let more = n.saturating_sub(SHOWN);
            let rest = bilingual!(", and {more} more", " 외 {more}개");
            Text::from(names.join(", ")).then(&if more > 0 { rest } else { Text::default() })
        }
    };
    let all = Text::from(format!("{}{name}: ", found.base_url)).then(&models);
    // What a server calls itself must not steer the terminal.
    Text { en: one_line(&all.en), ko: one_line(&all.ko) }
}

/// Of a server that wants a key.
pub fn asks_for_key() -> Text {
    bilingual!("asks for an API key", "API 키가 필요함")
}

/// Of a server that says nothing of models.
pub fn lists_none() -> Text {
    bilingual!("lists no model", "모델 목록이 비어 있음")
}

/// The models that answer prompts come first, in the server's order.
pub fn chat_first(models: &[Model]) -> Vec<String> {
    let other = |name: &String| {
        ["embed", "rerank", "whisper"].iter().any(|w| name.to_ascii_lowercase().contains(w))
    };
    let (last, first): (Vec<String>, Vec<String>) =
        models.iter().map(|m| m.name.clone()).partition(other);
    [first, last].concat()
}

/// Whether a base URL was typed, not a number or a name.
pub fn is_url(text: &str) -> bool {
    let usable =
        |url: &reqwest::Url| matches!(url.scheme(), "http" | "https") && url.host().is_some();
    let bare =
        !text.contains(['?', '#']) && config::credential(text, &Secrets::default()).is_none();
    bare && reqwest::Url::parse(text).is_ok_and(|url| usable(&url))
}

fn keys<'a>(names: impl Iterator<Item = &'a str>) -> anyhow::Result<Vec<(String, String)>> {
    let mut keys = Vec::new();
    for name in names {
        keys.extend(secret(name)?.map(|key| (name.to_owned(), key)));
    }
    Ok(keys)
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start an event loop")
}
