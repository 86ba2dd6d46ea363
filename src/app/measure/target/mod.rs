//! The server of one start: a child process of ours (simulated, or the user's command), or one that
//! runs already; asked what it is before any clock.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use self::begin::begin;
use super::programs::{self, Called};
use super::tokens::Tokenizer;
use crate::app::artefacts;
use crate::app::sides::Side;
use crate::app::stop::Stop;
use crate::clock::monotonic_ns;
use crate::config::{self, CacheReset, Endpoint, ModelChoice, Server, Workload};
use crate::exit::Failure;
use crate::fingerprint::Fingerprint;
use crate::lang::{Explained as _, Text, bilingual};
use crate::load::{Site, SiteSpec};
use crate::probe::host;
use crate::probe::recognise::{ServerFacts, Settings};
use crate::probe::server::{Access, Probe, ProbeError, is_loopback, only_model};
use crate::protocol::{Dialect as _, ExtraBody, Extras, Protocol, joined};
use crate::read;
use crate::watch::scrape::Watch;
use metrics::{Metrics, Places};

pub mod begin;
mod metrics;
mod process;

use process::{LINGERS, ready};
pub use process::{Process, Stopped, Watched, build};

/// A server that answers, and what it said of itself.
pub struct Target {
    process: Process,
    pub site: Arc<Site>,
    pub model: String,
    /// When a server that the gate started by a command answered that it is ready, by the monotonic
    /// clock.
    pub ready_ns: Option<u64>,
    protocol: Protocol,
    extra_body: ExtraBody,
    cache_reset: Option<CacheReset>,
    server: Option<String>,
    version: Option<String>,
    /// Of a recipe.
    server_args: Option<String>,
    settings: Settings,
    /// Counts what the server does not.
    pub tokenizer: Option<Tokenizer>,
    loopback: bool,
    port: Option<u16>,
    metrics: RefCell<Metrics>,
    places: Places,
    probe: Probe,
    runtime: tokio::runtime::Runtime,
    stop: Stop,
}

/// Of a server that ends before it was ready.
fn unready() -> Text {
    bilingual!(
        "\nhint: it has to stay in the foreground until it is stopped; run `server.start` by hand to see",
        "\n힌트: 서버는 멈출 때까지 포그라운드에서 실행되어야 합니다. `server.start`를 직접 실행해 확인하십시오"
    )
}

/// The same of the baseline's side, which is a clean checkout.
fn unready_checkout() -> Text {
    bilingual!(
        "\nhint: it ran in the baseline's own checkout, where files that git does not hold are missing (`server.build` has to make them); and it has to stay in the foreground",
        "\n힌트: 기준선의 별도 체크아웃에서 실행되어 git에 없는 파일은 없습니다(`server.build`로 만들어야 함). 그리고 서버는 포그라운드에서 실행되어야 합니다"
    )
}

impl Target {
    /// Starts (or finds) the server of a side and asks what it is. What it prints goes to `log`.
    /// Errors: exit 3, since nothing can be measured; [`Stopped`].
    pub fn open(
        side: &Side,
        api_key: Option<&str>,
        log: &Path,
        stop: &Stop,
    ) -> anyhow::Result<Self> {
        let (process, base_url) = begin(side, api_key, log)?;
        Self::answered(side, process, &base_url, api_key, stop)
    }

    /// As [`Target::open`], of a server that was begun.
    pub fn answered(
        side: &Side,
        process: Process,
        base_url: &str,
        api_key: Option<&str>,
        stop: &Stop,
    ) -> anyhow::Result<Self> {
        match Self::asked(side, &process, base_url, api_key, stop) {
            Ok(asked) => {
                process.watch(stop);
                Ok(Self { process, ..asked })
            }
            Err(e) => Err(process.explained(
                e,
                stop,
                &if side.name == "baseline" { unready_checkout() } else { unready() },
            )),
        }
    }

    fn asked(
        who: &Side,
        process: &Process,
        base_url: &str,
        api_key: Option<&str>,
        stop: &Stop,
    ) -> anyhow::Result<Self> {
        let target = &who.target;
        let ca = authority(target)?;
        let headers = &target.headers;
        let family = target.protocol.family();
        let access = Access {
            base_url,
            api_key,
            headers,
            ca_pem: ca.as_deref(),
            family,
            patience: who.patience,
        };
        let runtime = event_loop()?;
        let probe = Probe::new(&access).map_err(|e| Failure::measure(e.text()))?;
        let mut ready_ns = None;
        if let (Endpoint::Started(server), Process::Started(watched)) = (&target.endpoint, process)
        {
            wait(&runtime, stop, ready(server, watched, &probe))??;
            ready_ns = Some(monotonic_ns());
        }
        let facts = wait(&runtime, stop, probe.facts())?;
        let (model, facts) = model(&target.model, facts).map_err(|e| Failure::measure(e.text()))?;
        let tokenizer = target.tokenizer.as_deref().map(Tokenizer::open).transpose()?;
        let settings = wait(&runtime, stop, probe.settings(&facts, &model))?;
        let spec = SiteSpec { base_url, api_key, headers, ca_pem: ca.as_deref() };
        let site = Arc::new(Site::resolve(&spec).map_err(|e| Failure::measure(e.to_string()))?);
        let places = Places::new(target, base_url, facts.name.as_deref());
        let metrics = RefCell::new(wait(&runtime, stop, metrics::find(&places, &probe))?);
        Ok(Self {
            process: Process::None,
            site,
            model,
            ready_ns,
            protocol: target.protocol.clone(),
            extra_body: target.extra_body.clone(),
            cache_reset: target.cache_reset.clone(),
            server: facts.name,
            version: facts.version,
            server_args: server_args(&target.endpoint),
            settings,
            tokenizer,
            loopback: is_loopback(base_url),
            port: reqwest::Url::parse(base_url).ok().and_then(|url| url.port_or_known_default()),
            metrics,
            places,
            probe,
            runtime,
            stop: stop.clone(),
        })
    }

    /// Stops the server, if it is ours, with all that it started. Errors: exit 3, something of it
    /// would not end and would be measured along with the next start.
    pub fn close(self) -> anyhow::Result<()> {
        match self.process {
            Process::Started(watched) => {
                Ok(watched.supervised.stop().map_err(|e| Failure::measure(e.to_string()))?)
            }
            Process::None | Process::Sim(_) => Ok(()),
        }
    }

    /// Lets a started server run on when this program ends. Errors: exit 3, its supervisor does not
    /// hear us; the server is stopped.
    pub fn detach(self) -> anyhow::Result<()> {
        match self.process {
            Process::Started(watched) => {
                Ok(watched.supervised.detach().map_err(|e| Failure::measure(e.to_string()))?)
            }
            Process::None | Process::Sim(_) => Ok(()),
        }
    }

    /// Which request fields the server takes for this workload; asked with a real request of two
    /// tokens.
    pub fn extras(&self, workload: &Workload) -> anyhow::Result<Extras> {
        let wanted = self.protocol.extras(workload.ignore_eos, workload.stream);
        let extra = joined(&workload.extra_body, &self.extra_body);
        let asked =
            self.probe.negotiate(&self.protocol, &self.model, workload.stream, (wanted, &extra));
        let answer = match wait(&self.runtime, &self.stop, asked) {
            Ok(answer) => answer.map_err(|e| Failure::measure(e.text()).into()),
            Err(stopped) => Err(stopped.into()),
        };
        answer.map_err(|e| self.process.explained(e, &self.stop, &Text::default()))
    }

    /// Empties the server's prefix cache; false where the config names no request for that. Errors:
    /// exit 3, the server did not do it.
    pub fn reset_cache(&self) -> anyhow::Result<bool> {
        let Some(reset) = &self.cache_reset else { return Ok(false) };
        let done = match wait(&self.runtime, &self.stop, self.probe.reset_cache(reset)) {
            Ok(done) => done.map_err(|e| Failure::measure(e.text()).into()),
            Err(stopped) => Err(stopped.into()),
        };
        done.map(|()| true).map_err(|e| self.process.explained(e, &self.stop, &Text::default()))
    }

    /// Asks for the metrics page again where it was not there: some servers have nothing on it
    /// before their first request.
    pub fn look_again(&self) -> anyhow::Result<()> {
        if !matches!(*self.metrics.borrow(), Metrics::There(_)) {
            let found = wait(&self.runtime, &self.stop, metrics::find(&self.places, &self.probe))?;
            self.metrics.replace(found);
        }
        Ok(())
    }

    /// What is on the metrics page, in words; none where there is none.
    pub fn metrics_described(&self) -> Option<String> {
        wait(&self.runtime, &self.stop, metrics::described(&self.places, &self.probe))
            .ok()
            .flatten()
    }

    /// Begins to read the server's metrics page. Errors: the config asks for it and it is not
    /// there.
    pub fn watch(&self) -> Result<Option<Watch>, String> {
        match &*self.metrics.borrow() {
            Metrics::There(source) => Ok(source.watch()),
            Metrics::None => Ok(None),
            Metrics::Missing(why) => Err(why.clone()),
        }
    }

    /// What a command that the gate has started turned out to be.
    pub fn programs(&self, side: &Side) -> Vec<Called> {
        match &self.process {
            Process::Started(watched) => programs::called(&watched.supervised, side, self.port),
            Process::None | Process::Sim(_) => Vec::new(),
        }
    }

    /// On this machine.
    pub const fn is_here(&self) -> bool {
        self.loopback
    }

    /// Seed of the simulated server's noise.
    pub fn sim_seed(&self) -> Option<u64> {
        match &self.process {
            Process::Sim(sim) => Some(sim.seed),
            _ => None,
        }
    }

    /// Why the server that was started is not there any more.
    pub fn died(&self) -> Option<Text> {
        self.process.died(Duration::ZERO)
    }

    /// The same, after requests failed: that may have been the first sign of it.
    pub fn dying(&self) -> Option<Text> {
        self.process.died(if self.stop.signalled() { Duration::ZERO } else { LINGERS })
    }

    /// Stable facts of what is measured; the plan's digest is the workload's own.
    pub fn fingerprint(&self, plan_digest: &str) -> Fingerprint {
        let mut f = Fingerprint::default();
        f.set("plan", plan_digest);
        f.set("protocol", self.protocol.name());
        f.set("model", &*self.model);
        if let Some(tokenizer) = &self.tokenizer {
            f.set("tokenizer", &*tokenizer.digest);
        }
        if matches!(self.process, Process::Sim(_)) {
            f.set("server", "goodput-gate sim");
            f.set("server_version", env!("CARGO_PKG_VERSION"));
            return f;
        }
        if let Some(name) = &self.server {
            f.set("server", &**name);
        }
        if let Some(args) = &self.server_args {
            f.set("server_args", &**args);
        }
        if let Some(version) = &self.version {
            f.set("server_version", &**version);
        }
        if let Some(line) = self.settings.line() {
            f.set("server_flags", line);
        }
        if let Some(quantisation) = &self.settings.quantisation {
            f.set("quantisation", &**quantisation);
        }
        // A server on this machine is as fast as this machine.
        if let Some(cpu) = host::cpu().filter(|_| self.loopback) {
            f.set("host_cpu", cpu);
        }
        f
    }
}

/// The model to ask for, and what the server said of itself.
fn model(
    choice: &ModelChoice,
    facts: Result<ServerFacts, ProbeError>,
) -> Result<(String, ServerFacts), ProbeError> {
    match (choice, facts) {
        (ModelChoice::Named(name), Ok(facts)) => Ok((name.clone(), facts)),
        // A server without /models can be measured all the same, if its model was named; what it
        // refuses shows later.
        (ModelChoice::Named(name), Err(ProbeError::Status { status: 404 | 405, .. })) => {
            Ok((name.clone(), ServerFacts::default()))
        }
        (ModelChoice::Auto, Ok(facts)) => Ok((only_model(&facts.models)?, facts)),
        (_, Err(e)) => Err(e),
    }
}

/// Whether the server of a side, which was started before, is ready now.
pub fn is_ready(
    side: &Side,
    server: &Server,
    base_url: &str,
    api_key: Option<&str>,
) -> anyhow::Result<bool> {
    let ca = authority(&side.target)?;
    let access = Access {
        base_url,
        api_key,
        headers: &side.target.headers,
        ca_pem: ca.as_deref(),
        family: side.target.protocol.family(),
        patience: side.patience,
    };
    let runtime = event_loop()?;
    let probe = Probe::new(&access).map_err(|e| Failure::measure(e.text()))?;
    Ok(runtime.block_on(probe.ready(server.ready_path.as_deref())).is_ok())
}

/// Errors: exit 3, the system has no more descriptors or threads; the server may run already.
fn event_loop() -> anyhow::Result<tokio::runtime::Runtime> {
    let started = tokio::runtime::Builder::new_current_thread().enable_all().build();
    started.map_err(|e| {
        Failure::measure(format!(
            "cannot start an event loop: {e}\nhint: see ulimit -n and ulimit -u"
        ))
        .into()
    })
}

fn authority(target: &config::Target) -> anyhow::Result<Option<Vec<u8>>> {
    let read =
        |path: &PathBuf| read::bytes(path, read::WRITTEN).explained(|| artefacts::unreadable(path));
    target.ca_file.as_ref().map(read).transpose()
}

fn server_args(endpoint: &Endpoint) -> Option<String> {
    match endpoint {
        Endpoint::Started(server) => server.recipe.as_ref().map(|recipe| recipe.args.clone()),
        Endpoint::Http(_) | Endpoint::Sim(_) => None,
    }
}

/// A server may think for minutes; nobody who pressed Ctrl-C should have to.
fn wait<T>(
    runtime: &tokio::runtime::Runtime,
    stop: &Stop,
    answer: impl Future<Output = T>,
) -> Result<T, Stopped> {
    runtime.block_on(async {
        tokio::select! {
            answer = answer => Ok(answer),
            () = stop.requested() => Err(Stopped),
        }
    })
}
