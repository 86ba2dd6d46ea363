//! The server of one start: the simulated one as a child process, or the one that runs already; asked what it is before any clock.
#![expect(clippy::disallowed_methods, reason = "rim: reads the certificate authority's file")]

use std::sync::Arc;

use anyhow::Context as _;

use super::signals::Stop;
use crate::config::{Config, Endpoint, ModelChoice, Workload};
use crate::exit::Failure;
use crate::fingerprint::Fingerprint;
use crate::load::{Site, SiteSpec};
use crate::probe::host;
use crate::probe::server::{Access, Probe, is_loopback, only_model};
use crate::protocol::{self, Extras};
use crate::server::SimServer;

/// A server that answers, and what it said of itself.
pub struct Target {
    /// Keeps the child process alive.
    pub sim: Option<SimServer>,
    pub site: Arc<Site>,
    pub model: String,
    server: Option<String>,
    version: Option<String>,
    loopback: bool,
    probe: Probe,
    runtime: tokio::runtime::Runtime,
    stop: Stop,
}

/// The run was told to stop while the server was asked what it is. Not a failure: what was measured before stays.
#[derive(Debug, thiserror::Error)]
#[error("stopped while asking the server what it is")]
pub struct Stopped;

impl Target {
    /// Starts (or finds) the server and asks what it is. Errors: exit 3, since nothing can be measured; [`Stopped`].
    pub fn open(config: &Config, api_key: Option<&str>, stop: &Stop) -> anyhow::Result<Self> {
        let (sim, base_url) = match &config.target.endpoint {
            Endpoint::Http(url) => (None, url.clone()),
            Endpoint::Sim(knobs) => {
                let program = std::env::current_exe().context("cannot tell where this program is")?;
                let server = SimServer::start(&program, &knobs.settings(), None).map_err(|e| Failure::measure(&e))?;
                let url = server.base_url.clone();
                (Some(server), url)
            }
        };
        let ca = config.target.ca_file.as_ref().map(|p| std::fs::read(p).with_context(|| format!("cannot read {}", p.display())));
        let ca = ca.transpose()?;
        let headers = &config.target.headers;
        let access = Access { base_url: &base_url, api_key, headers, ca_pem: ca.as_deref() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start an event loop")?;
        let probe = Probe::new(&access).map_err(|e| Failure::measure(&e))?;
        let facts = wait(&runtime, stop, probe.facts())?;
        let (model, facts) = match (&config.target.model, facts) {
            (ModelChoice::Named(name), Ok(facts)) => (name.clone(), facts),
            // A server without /models can be measured all the same, if its model was named; what it refuses shows below.
            (ModelChoice::Named(name), Err(crate::probe::server::ProbeError::Status { status: 404 | 405, .. })) => {
                (name.clone(), crate::probe::server::ServerFacts::default())
            }
            (ModelChoice::Auto, Ok(facts)) => (only_model(&facts.models).map_err(|e| Failure::measure(&e))?, facts),
            (_, Err(e)) => return Err(Failure::measure(&e).into()),
        };
        let path = protocol::path(config.target.protocol);
        let spec = SiteSpec { base_url: &base_url, path, api_key, headers, ca_pem: ca.as_deref() };
        let site = Arc::new(Site::resolve(&spec).map_err(|e| Failure::measure(&e))?);
        let loopback = is_loopback(&base_url);
        Ok(Self { sim, site, model, server: facts.name, version: facts.version, loopback, probe, runtime, stop: stop.clone() })
    }

    /// Which request fields the server takes for this workload.
    pub fn extras(&self, config: &Config, workload: &Workload) -> anyhow::Result<Extras> {
        let wanted = Extras { ignore_eos: workload.ignore_eos, min_tokens: workload.ignore_eos, stream_usage: workload.stream };
        let asked = self.probe.negotiate(config.target.protocol, &self.model, workload.stream, wanted);
        Ok(wait(&self.runtime, &self.stop, asked)?.map_err(|e| Failure::measure(&e))?)
    }

    /// Stable facts of what is measured; the plan's digest is the workload's own.
    pub fn fingerprint(&self, config: &Config, plan_digest: &str) -> Fingerprint {
        let mut f = Fingerprint::default();
        f.set("plan", plan_digest);
        f.set("protocol", config.target.protocol.name());
        f.set("model", &*self.model);
        if self.sim.is_some() {
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

/// A server may think for minutes; nobody who pressed Ctrl-C should have to.
fn wait<T>(runtime: &tokio::runtime::Runtime, stop: &Stop, answer: impl Future<Output = T>) -> Result<T, Stopped> {
    runtime.block_on(async {
        tokio::select! {
            answer = answer => Ok(answer),
            () = stop.requested() => Err(Stopped),
        }
    })
}
