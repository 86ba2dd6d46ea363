//! Looks for model servers on this machine's usual ports: who listens on loopback, and which models
//! it lists. Not here: choosing one.

use std::time::Duration;

use super::recognise::ServerFacts;
use super::server::{Access, Probe, ProbeError};
use crate::protocol::{Family, ProtocolName};

/// vLLM, `LiteLLM`, Ollama, llama.cpp, `SGLang`: the ports that they take when none is named.
pub const USUAL_PORTS: [u16; 5] = [8000, 4000, 11434, 8080, 30000];

/// A server on loopback that lists its models does so in milliseconds; one that is busy loading may
/// be named by hand.
const PATIENCE: Duration = Duration::from_secs(3);

/// A server that answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// As the protocol needs it: with `/v1`, or the server's root.
    pub base_url: String,
    /// The plainest that it speaks.
    pub protocol: ProtocolName,
    pub facts: ServerFacts,
    /// The variable whose key it took.
    pub api_key_env: Option<String>,
    /// It asks for a key, and none of those at hand will do.
    pub locked: bool,
}

/// Asks every port of 127.0.0.1 for `/v1/models`, all at once. A server that asks for a key is
/// asked again with each of `keys` (name of the variable, key); to one that asks for none, none is
/// sent. In the order of the ports.
pub async fn loopback(ports: &[u16], keys: &[(String, String)]) -> Vec<Found> {
    let asked: Vec<_> = ports.iter().map(|port| format!("http://127.0.0.1:{port}/v1")).collect();
    let mut tasks = tokio::task::JoinSet::new();
    for (index, base_url) in asked.into_iter().enumerate() {
        let keys = keys.to_vec();
        tasks.spawn(async move { (index, server(&base_url, &keys).await) });
    }
    let mut found: Vec<(usize, Found)> = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        // A task that panicked found nothing; the panic is in the log already.
        if let Ok((index, Some(one))) = ended {
            found.push((index, one));
        }
    }
    found.sort_by_key(|(index, _)| *index);
    found.into_iter().map(|(_, one)| one).collect()
}

/// One server, if there is one: by `OpenAI`'s list of models (there, or below `/v1`), else by
/// Ollama's or Triton's own.
pub async fn server(base_url: &str, keys: &[(String, String)]) -> Option<Found> {
    let with_v1 = format!("{}/v1", base_url.trim_end_matches('/'));
    let candidates = [
        (ProtocolName::OpenAiChat, base_url),
        (
            ProtocolName::OpenAiChat,
            if base_url.trim_end_matches('/').ends_with("/v1") { base_url } else { &with_v1 },
        ),
        (ProtocolName::Ollama, base_url),
        (ProtocolName::Triton, base_url),
    ];
    for (index, (protocol, url)) in candidates.into_iter().enumerate() {
        if candidates[..index].contains(&(protocol, url)) {
            continue;
        }
        if let Some(found) = speaking(protocol, url, keys).await? {
            return Some(found);
        }
    }
    None
}

/// The server, if it speaks this protocol. The outer `None` where nobody answers at all.
pub async fn speaking(
    protocol: ProtocolName,
    base_url: &str,
    keys: &[(String, String)],
) -> Option<Option<Found>> {
    let native = protocol.is_native();
    let base_url =
        if native { base_url.trim_end_matches('/').trim_end_matches("/v1") } else { base_url };
    let found = |facts, api_key_env, locked| {
        Some(Some(Found { base_url: base_url.to_owned(), protocol, facts, api_key_env, locked }))
    };
    let locked = match facts(protocol.family(), base_url, None).await? {
        Ok(facts) => return found(facts, None, false),
        Err(ProbeError::Status { status: 401 | 403, .. }) => true,
        // Some versions of LiteLLM say so to a request without a key.
        Err(ProbeError::Status { status: 500, .. }) => false,
        // It speaks HTTP and lists no models: a web page, or another program.
        Err(_) => return Some(None),
    };
    for (name, key) in keys {
        if let Some(Ok(facts)) = facts(protocol.family(), base_url, Some(key)).await {
            return found(facts, Some(name.clone()), false);
        }
    }
    if locked { found(ServerFacts::default(), None, true) } else { Some(None) }
}

/// `None` where nobody answers in time.
async fn facts(
    family: Family,
    base_url: &str,
    api_key: Option<&str>,
) -> Option<Result<ServerFacts, ProbeError>> {
    let probe = Probe::new(&Access {
        base_url,
        api_key,
        headers: &[],
        ca_pem: None,
        family,
        patience: PATIENCE,
    })
    .ok()?;
    match tokio::time::timeout(PATIENCE, probe.facts()).await.ok()? {
        Err(ProbeError::Unreachable { .. }) => None,
        answer => Some(answer),
    }
}
