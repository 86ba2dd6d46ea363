//! The server of one start: a child process of ours (simulated, or the user's command), or one that runs already; asked what it is before any clock.
#![expect(clippy::disallowed_methods, reason = "rim: reads the certificate authority's file")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::side::Side;
use super::signals::Stop;
use crate::config::{Endpoint, ModelChoice, PORT, Protocol, Server, Workload};
use crate::exit::Failure;
use crate::fingerprint::Fingerprint;
use crate::load::{Site, SiteSpec};
use crate::probe::host;
use crate::probe::server::{Access, Probe, ProbeError, ServerFacts, is_loopback, only_model};
use crate::protocol::{self, Extras};
use crate::server::{self, Command, Finished, SimServer, Supervised};

/// A server that answers, and what it said of itself.
pub struct Target {
    process: Process,
    pub site: Arc<Site>,
    pub model: String,
    protocol: Protocol,
    server: Option<String>,
    version: Option<String>,
    loopback: bool,
    probe: Probe,
    runtime: tokio::runtime::Runtime,
    stop: Stop,
}

/// What has to be kept alive, and ends with the target.
enum Process {
    /// Not ours.
    None,
    Sim(SimServer),
    Started(Box<Watched>),
}

struct Watched {
    supervised: Supervised,
    name: &'static str,
    log: PathBuf,
    /// Not to be shown, should the server have printed them.
    secrets: Vec<String>,
}

/// The run was told to stop while the server was built, started or asked what it is. Not a failure: what was measured before stays.
#[derive(Debug, thiserror::Error)]
#[error("stopped before the server was ready")]
pub struct Stopped;

/// Tokens of the job that runs us are none of the server's business.
const WITHHELD: [&str; 5] =
    ["GITHUB_TOKEN", "GH_TOKEN", "GOODPUT_GATE_TOKEN", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"];
/// Tells a command which side it is for (`server`, `baseline`, `candidate`), so that what is built for one does not overwrite the other's.
const SIDE: &str = "GOODPUT_GATE_SIDE";
/// Enough to see why a server ended.
const TAIL: usize = 20;
/// Of a server that ends before it was ready.
const UNREADY: &str = "\nhint: it has to stay in the foreground until it is stopped; run `server.start` by hand to see";
/// The same of the baseline's side, which is a clean checkout.
const UNREADY_CHECKOUT: &str = "\nhint: it ran in the baseline's own checkout, where files that git does not hold are missing (`server.build` has to make them); and it has to stay in the foreground";
/// A server that ends closes its connections first, and may take a moment over the rest: so long its end is waited for, where it would
/// explain a failure.
const LINGERS: Duration = Duration::from_secs(2);
/// Between two questions whether a server is ready.
const POLL: Duration = Duration::from_millis(100);

/// Runs `server.build`, if there is one. Its output goes to `log`. Errors: exit 3 with its last lines; [`Stopped`].
pub fn build(side: &Side, log: &Path, stop: &Stop) -> anyhow::Result<()> {
    let Endpoint::Started(server) = &side.target.endpoint else { return Ok(()) };
    let Some(line) = &server.build else { return Ok(()) };
    let (program, without) = (this_program()?, withheld());
    let cwd = side.root.join(&server.cwd);
    let mut env = server.env.clone();
    env.insert(SIDE.into(), side.name.into());
    let command = Command { program: &program, line, cwd: &cwd, env: &env, without: &without, log, grace: server.grace };
    match server::run_to_end(&command, || stop.stopping()).map_err(|e| Failure::measure(&e))? {
        Finished::Done => Ok(()),
        Finished::Stopped => bail!(Stopped),
        Finished::Failed(exit) => {
            let tail = said_last(&server::log_tail(log, TAIL, &secret_values(server)), log);
            bail!(Failure::measure(&format!("building the {} failed: `{line}` ended with {exit}{tail}", side.name)))
        }
    }
}

impl Target {
    /// Starts (or finds) the server of a side and asks what it is. What it prints goes to `log`. Errors: exit 3, since nothing can be
    /// measured; [`Stopped`].
    pub fn open(side: &Side, api_key: Option<&str>, log: &Path, stop: &Stop) -> anyhow::Result<Self> {
        let (process, base_url) = start(side, api_key, log)?;
        match Self::asked(side, &process, &base_url, api_key, stop) {
            Ok(asked) => {
                process.watch(stop);
                Ok(Self { process, ..asked })
            }
            Err(e) => Err(process.explained(e, stop, if side.name == "baseline" { UNREADY_CHECKOUT } else { UNREADY })),
        }
    }

    fn asked(who: &Side, process: &Process, base_url: &str, api_key: Option<&str>, stop: &Stop) -> anyhow::Result<Self> {
        let target = &who.target;
        let ca = target.ca_file.as_ref().map(|p| std::fs::read(p).with_context(|| format!("cannot read {}", p.display())));
        let ca = ca.transpose()?;
        let headers = &target.headers;
        let access = Access { base_url, api_key, headers, ca_pem: ca.as_deref() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start an event loop")?;
        let probe = Probe::new(&access).map_err(|e| Failure::measure(&e))?;
        if let (Endpoint::Started(server), Process::Started(watched)) = (&target.endpoint, process) {
            wait(&runtime, stop, ready(server, watched, &probe))??;
        }
        let facts = wait(&runtime, stop, probe.facts())?;
        let (model, facts) = match (&target.model, facts) {
            (ModelChoice::Named(name), Ok(facts)) => (name.clone(), facts),
            // A server without /models can be measured all the same, if its model was named; what it refuses shows below.
            (ModelChoice::Named(name), Err(ProbeError::Status { status: 404 | 405, .. })) => {
                (name.clone(), ServerFacts::default())
            }
            (ModelChoice::Auto, Ok(facts)) => (only_model(&facts.models).map_err(|e| Failure::measure(&e))?, facts),
            (_, Err(e)) => return Err(Failure::measure(&e).into()),
        };
        let path = protocol::path(target.protocol);
        let spec = SiteSpec { base_url, path, api_key, headers, ca_pem: ca.as_deref() };
        let site = Arc::new(Site::resolve(&spec).map_err(|e| Failure::measure(&e))?);
        Ok(Self {
            process: Process::None,
            site,
            model,
            protocol: target.protocol,
            server: facts.name,
            version: facts.version,
            loopback: is_loopback(base_url),
            probe,
            runtime,
            stop: stop.clone(),
        })
    }

    /// Stops the server, if it is ours, with all that it started. Errors: exit 3, something of it would not end and would be measured along
    /// with the next start.
    pub fn close(self) -> anyhow::Result<()> {
        match self.process {
            Process::Started(watched) => Ok(watched.supervised.stop().map_err(|e| Failure::measure(&e))?),
            Process::None | Process::Sim(_) => Ok(()),
        }
    }

    /// Which request fields the server takes for this workload; asked with a real request of two tokens.
    pub fn extras(&self, workload: &Workload) -> anyhow::Result<Extras> {
        let wanted = Extras { ignore_eos: workload.ignore_eos, min_tokens: workload.ignore_eos, stream_usage: workload.stream };
        let asked = self.probe.negotiate(self.protocol, &self.model, workload.stream, wanted);
        let answer = match wait(&self.runtime, &self.stop, asked) {
            Ok(answer) => answer.map_err(|e| Failure::measure(&e).into()),
            Err(stopped) => Err(stopped.into()),
        };
        answer.map_err(|e| self.process.explained(e, &self.stop, ""))
    }

    /// Seed of the simulated server's noise.
    pub fn sim_seed(&self) -> Option<u64> {
        match &self.process {
            Process::Sim(sim) => Some(sim.seed),
            _ => None,
        }
    }

    /// Why the server that was started is not there any more.
    pub fn died(&self) -> Option<String> {
        self.process.died(Duration::ZERO)
    }

    /// The same, after requests failed: that may have been the first sign of it.
    pub fn dying(&self) -> Option<String> {
        self.process.died(if self.stop.signalled() { Duration::ZERO } else { LINGERS })
    }

    /// Stable facts of what is measured; the plan's digest is the workload's own.
    pub fn fingerprint(&self, plan_digest: &str) -> Fingerprint {
        let mut f = Fingerprint::default();
        f.set("plan", plan_digest);
        f.set("protocol", self.protocol.name());
        f.set("model", &*self.model);
        if matches!(self.process, Process::Sim(_)) {
            f.set("server", "goodput-gate sim");
            f.set("server_version", env!("CARGO_PKG_VERSION"));
            return f;
        }
        if let Some(name) = &self.server {
            f.set("server", &**name);
        }
        if let Some(version) = &self.version {
            f.set("server_version", &**version);
        }
        // A server on this machine is as fast as this machine.
        if let Some(cpu) = host::cpu().filter(|_| self.loopback) {
            f.set("host_cpu", cpu);
        }
        f
    }
}

impl Process {
    fn died(&self, within: Duration) -> Option<String> {
        match self {
            Self::Started(watched) => watched.died(within),
            Self::None | Self::Sim(_) => None,
        }
    }

    /// From now on its end is the run's end.
    fn watch(&self, stop: &Stop) {
        if let Self::Started(watched) = self {
            let control = Arc::clone(&stop.control);
            // Whoever waits for an answer of a server that is gone should not wait for its time-out.
            watched.supervised.on_exit(move || control.abort());
        }
    }

    /// That a server does not answer is explained by its end, if it ended.
    fn explained(&self, error: anyhow::Error, stop: &Stop, hint: &str) -> anyhow::Error {
        // Its end stops the run, too; a signal is a reason of its own.
        let within = if error.is::<Stopped>() { Duration::ZERO } else { LINGERS };
        match self.died(within).filter(|_| !stop.signalled()) {
            Some(why) => Failure::measure(&format!("{why}{hint}")).into(),
            None => error,
        }
    }
}

impl Watched {
    fn said_last(&self) -> String {
        said_last(&self.supervised.log_tail(TAIL, &self.secrets), &self.log)
    }

    fn died(&self, within: Duration) -> Option<String> {
        let exit = self.supervised.exited(within)?;
        let tail = self.said_last();
        Some(format!("the {} ended by itself ({exit}){tail}", named(self.name)))
    }
}

fn start(side: &Side, api_key: Option<&str>, log: &Path) -> anyhow::Result<(Process, String)> {
    match &side.target.endpoint {
        Endpoint::Http(url) => Ok((Process::None, url.clone())),
        Endpoint::Sim(knobs) => {
            let server = SimServer::start(&this_program()?, &knobs.settings(), None).map_err(|e| Failure::measure(&e))?;
            let url = server.base_url.clone();
            Ok((Process::Sim(server), url))
        }
        Endpoint::Started(spec) => {
            let port = port(spec)?;
            let placed = |text: &str| text.replace(&format!("${{{PORT}}}"), &port.to_string());
            let mut env: BTreeMap<String, String> = spec.env.iter().map(|(name, value)| (name.clone(), placed(value))).collect();
            env.insert(PORT.into(), port.to_string());
            env.insert(SIDE.into(), side.name.into());
            let (program, without, cwd) = (this_program()?, withheld(), side.root.join(&spec.cwd));
            let line = &spec.start;
            let command = Command { program: &program, line, cwd: &cwd, env: &env, without: &without, log, grace: spec.grace };
            let supervised = Supervised::start(&command).map_err(|e| Failure::measure(&e))?;
            let secrets = protocol::secrets(api_key, &side.target.headers).into_iter().chain(secret_values(spec));
            let watched = Watched { supervised, name: side.name, log: log.to_owned(), secrets: secrets.collect() };
            Ok((Process::Started(Box::new(watched)), placed(&spec.base_url)))
        }
    }
}

/// A free one where `base_url` leaves it open, else the one that it names. Errors: somebody listens there already, who would be measured.
fn port(server: &Server) -> anyhow::Result<u16> {
    if server.base_url.contains(&format!("${{{PORT}}}")) {
        return server::free_port().context("cannot find a free port");
    }
    let url = reqwest::Url::parse(&server.base_url).with_context(|| format!("target.base_url: {}", server.base_url))?;
    let port = url.port_or_known_default().context("target.base_url has no port")?;
    if is_loopback(&server.base_url) && server::port_taken(port) {
        bail!(Failure::measure(&format!(
            "port {port} of target.base_url is taken, so the server to be started could not listen there, and another would be measured\nhint: stop what listens there, or write ${{PORT}} in base_url and in server.start: the gate then draws a free port"
        )));
    }
    Ok(port)
}

/// Waits until the server answers. Errors: it ended, or the time is over.
async fn ready(server: &Server, watched: &Watched, probe: &Probe) -> anyhow::Result<()> {
    let mut last = None;
    let answered = async {
        loop {
            if let Some(why) = watched.died(Duration::ZERO) {
                return Err(why);
            }
            match probe.ready(server.ready_path.as_deref()).await {
                Ok(()) => return Ok(()),
                Err(instead) => last = Some(instead),
            }
            tokio::time::sleep(POLL).await;
        }
    };
    let ended = match tokio::time::timeout(server.ready_timeout, answered).await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(why)) => why,
        Err(_) => {
            let what = server.ready_path.as_deref().unwrap_or("/models of base_url");
            let seconds = server.ready_timeout.as_secs_f64();
            let tail = watched.said_last();
            let last = last.map_or_else(String::new, |instead| format!(" (the last time: {instead})"));
            format!(
                "the {} was not ready after {seconds:.0} s: {what} gives no answer of 200 to 299{last}{tail}\nhint: server.ready.timeout, server.ready.path",
                named(watched.name)
            )
        }
    };
    Err(Failure::measure(&ended).into())
}

fn named(side: &str) -> String {
    if side == "server" { "server".into() } else { format!("{side}'s server") }
}

fn said_last(lines: &[String], log: &Path) -> String {
    if lines.is_empty() {
        return format!("; it printed nothing ({})", log.display());
    }
    format!("; the last lines of {}:\n  {}", log.display(), lines.join("\n  "))
}

/// What a server may have printed of its environment and must not be shown: every value that the config sets (they are never recorded),
/// and of our own variables those whose name says that they are keys. Shorter values would be found in innocent words.
fn secret_values(server: &Server) -> Vec<String> {
    const WORDS: [&str; 8] = ["KEY", "TOKEN", "SECRET", "PASS", "CREDENTIAL", "AUTH", "DSN", "_URL"];
    const SHORTEST: usize = 8;
    let secret = |name: &str| WORDS.iter().any(|word| name.to_uppercase().contains(word));
    let inherited = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let inherited = inherited.filter(|(name, _)| secret(name)).map(|(_, value)| value);
    server.env.values().cloned().chain(inherited).filter(|value| value.len() >= SHORTEST).collect()
}

/// Also where `server.build` has just replaced its file: a candidate may be this very program.
fn this_program() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    let running = PathBuf::from("/proc/self/exe");
    Ok(if !program.exists() && running.exists() { running } else { program })
}

fn withheld() -> Vec<String> {
    WITHHELD.map(str::to_owned).to_vec()
}

/// A server may think for minutes; nobody who pressed Ctrl-C should have to.
fn wait<T>(runtime: &tokio::runtime::Runtime, stop: &Stop, answer: impl Future<Output = T>) -> Result<T, Stopped> {
    runtime.block_on(async {
        tokio::select! {
            answer = answer => Ok(answer),
            () = stop.requested() => Err(Stopped),
        }
    })
}
