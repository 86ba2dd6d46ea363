//! How a server of a side comes to be there: found, simulated, or started by its command with a
//! port and a container's name of its own.
//!
//! Not here: waiting until it answers, or asking it anything (`target`).
#![expect(clippy::disallowed_methods, reason = "rim: draws names and reads the environment")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::{Process, Watched};
use crate::app::runs::request::KEY_VARIABLE;
use crate::app::sides::Side;
use crate::config::{CONTAINER, Endpoint, PORT, SIDE, Server};
use crate::exit::Failure;
use crate::lang::bilingual;
use crate::probe::server::is_loopback;
use crate::protocol::{self, Secrets};
use crate::server::{self, Command, Container, PREFIX, SimServer, Supervised};

/// Tokens of the job that runs us are none of the server's business.
const WITHHELD: [&str; 6] = [
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "GOODPUT_GATE_TOKEN",
    KEY_VARIABLE,
    "ACTIONS_RUNTIME_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
];

/// The server of a side, not asked yet, and its base URL. What it prints goes to `log`. Errors:
/// exit 3.
pub fn begin(side: &Side, api_key: Option<&str>, log: &Path) -> anyhow::Result<(Process, String)> {
    match &side.target.endpoint {
        Endpoint::Http(url) => Ok((Process::None, url.clone())),
        Endpoint::Sim(knobs) => {
            let server = SimServer::start(&this_program()?, &knobs.settings(), None)
                .map_err(|e| Failure::measure(e.to_string()))?;
            let url = server.base_url.clone();
            Ok((Process::Sim(server), url))
        }
        Endpoint::Started(spec) => {
            let port = port(spec)?;
            let placed = |text: &str| text.replace(&format!("${{{PORT}}}"), &port.to_string());
            let mut env: BTreeMap<String, String> =
                spec.env.iter().map(|(name, value)| (name.clone(), placed(value))).collect();
            env.insert(PORT.into(), port.to_string());
            env.insert(SIDE.into(), side.name.into());
            let container = spec
                .container
                .as_deref()
                .map(|program| container(program, side.name))
                .transpose()?;
            env.extend(container.iter().map(|c| (CONTAINER.to_owned(), c.name.clone())));
            let (program, without, cwd) = (this_program()?, withheld(), side.root.join(&spec.cwd));
            let (line, grace, container) = (&spec.start, spec.grace, container.as_ref());
            let command = Command {
                program: &program,
                line,
                cwd: &cwd,
                env: &env,
                without: &without,
                log,
                grace,
                container,
            };
            let supervised =
                Supervised::start(&command).map_err(|e| Failure::measure(e.to_string()))?;
            let watched = Watched {
                supervised,
                name: side.name,
                log: log.to_owned(),
                secrets: secrets(side, api_key),
            };
            Ok((Process::Started(Box::new(watched)), placed(&spec.base_url)))
        }
    }
}

/// A name that no other container has.
fn container(program: &str, side: &str) -> anyhow::Result<Container> {
    let drawn =
        getrandom::u64().map_err(|e| anyhow::anyhow!("the system gives no random numbers: {e}"))?;
    Ok(Container { program: program.to_owned(), name: format!("{PREFIX}{side}-{drawn:016x}") })
}

/// A free one where `base_url` leaves it open, else the one that it names. Errors: somebody listens
/// there already, who would be measured.
fn port(server: &Server) -> anyhow::Result<u16> {
    if server.base_url.contains(&format!("${{{PORT}}}")) {
        return server::free_port().context("cannot find a free port");
    }
    let url = reqwest::Url::parse(&server.base_url)
        .with_context(|| format!("target.base_url: {}", server.base_url))?;
    let port = url.port_or_known_default().context("target.base_url has no port")?;
    if is_loopback(&server.base_url) && server::port_taken(port) {
        bail!(Failure::measure(bilingual!(
            "port {port} of target.base_url is taken, so the server to be started could not listen there, and another would be measured\nhint: stop what listens there, or write ${{PORT}} in base_url and in server.start: the gate then draws a free port",
            "target.base_url의 포트 {port}를 다른 프로세스가 사용 중: 시작할 서버 대신 그 프로세스를 측정하게 됨\n힌트: 그 프로세스를 멈추거나, base_url과 server.start에 ${{PORT}}를 쓰십시오. 게이트가 빈 포트를 고릅니다"
        )));
    }
    Ok(port)
}

/// What must not be shown of what the server of a side says: the key and the headers that it is
/// sent, and [`secret_values`].
pub fn secrets(side: &Side, api_key: Option<&str>) -> Secrets {
    let sent = protocol::secrets(api_key, &side.target.headers);
    match &side.target.endpoint {
        Endpoint::Started(spec) => secret_values(spec, sent),
        Endpoint::Http(_) | Endpoint::Sim(_) => sent,
    }
}

/// What a server may have printed of its environment and must not be shown: every value that the
/// config sets (they are never recorded), and of our own variables those whose name says that they
/// are keys. Shorter values would be found in innocent words.
pub fn secret_values(server: &Server, sent: Secrets) -> Secrets {
    const WORDS: [&str; 8] =
        ["KEY", "TOKEN", "SECRET", "PASS", "CREDENTIAL", "AUTH", "DSN", "_URL"];
    const KEYS: [&str; 5] = ["KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL"];
    const SHORTEST: usize = 8;
    let secret = |name: &str| WORDS.iter().any(|word| name.to_uppercase().contains(word));
    let inherited = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let inherited = inherited.filter(|(name, _)| secret(name));
    let own = server.env.iter().map(|(name, value)| (name.clone(), value.clone()));
    let long = own.chain(inherited).filter(|(_, value)| value.len() >= SHORTEST);
    // Parts of a path or of an address are common words.
    let is_key = |name: &str, value: &str| {
        KEYS.iter().any(|word| name.to_uppercase().contains(word)) && !value.contains('/')
    };
    long.fold(
        sent,
        |all, (name, value)| {
            if is_key(&name, &value) { all.with_key(&value) } else { all.with(&value) }
        },
    )
}

/// Also where `server.build` has just replaced its file: a candidate may be this very program.
pub fn this_program() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    let running = PathBuf::from("/proc/self/exe");
    Ok(if !program.exists() && running.exists() { running } else { program })
}

pub fn withheld() -> Vec<String> {
    WITHHELD.map(str::to_owned).to_vec()
}
