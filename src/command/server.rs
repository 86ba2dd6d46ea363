//! `server up|down|status|logs`: the config's server by hand, under a supervisor that outlives this program.
//!
//! One folder per config and target below the output folder holds its state and its logs. Not here: what a run does with a server.
#![expect(clippy::disallowed_methods, reason = "rim: state files, the working folder and the date")]

use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

use super::side::Side;
use super::signals::{self, Stop};
use super::target::{self, Process, Stopped, Target, begin};
use super::{output, setup};
use crate::cli::{ServerArgs, ServerCommand, ServerLogsArgs, WorkloadArgs};
use crate::config::{Endpoint, Server};
use crate::exit::{ExitStatus, Failure};
use crate::server::{self, Follow, Identity, State};

/// Between two looks whether a log has grown.
const GLANCE: Duration = Duration::from_millis(100);

pub fn run(command: &ServerCommand) -> anyhow::Result<ExitStatus> {
    match command {
        ServerCommand::Up(args) => up(&Place::of(args)?),
        ServerCommand::Down(args) => down(&Place::of(args)?),
        ServerCommand::Status(args) => status(&Place::of(args)?),
        ServerCommand::Logs(args) => logs(&Place::of(&args.server)?, args),
    }
}

/// Whose server, and where what is known of it lies.
struct Place {
    side: Side,
    server: Server,
    out: PathBuf,
    /// Of this config and target alone.
    folder: PathBuf,
}

impl Place {
    /// Errors: exit 2, the config starts no server.
    fn of(args: &ServerArgs) -> anyhow::Result<Self> {
        let workload = WorkloadArgs { target: args.target.clone(), ..WorkloadArgs::default() };
        let config = setup::config(&args.config, &workload)?;
        let side = Side::only(&config, None);
        let server = match &side.target.endpoint {
            Endpoint::Started(server) => (**server).clone(),
            Endpoint::Sim(_) => bail!("the config's server is the simulated one\nhint: `goodput-gate sim` starts that by hand"),
            Endpoint::Http(url) => {
                bail!("the config does not say how {url} is started\nhint: add `server.start` or a recipe: docs/RECIPES.md")
            }
        };
        let cwd = std::env::current_dir().context("cannot tell the working folder")?;
        let file = setup::path(&args.config, &workload, &cwd)?.map(|path| cwd.join(path));
        let file = file.map(|path| path.canonicalize().unwrap_or(path)).unwrap_or_default();
        let digest = Sha256::digest(file.as_os_str().as_encoded_bytes());
        let digest = digest.iter().take(4).fold(0_u32, |n, byte| (n << 8) | u32::from(*byte));
        let out = cwd.join(&args.out);
        let name = args.target.as_deref().unwrap_or("server");
        let folder = out.join("servers").join(format!("{name}-{digest:08x}"));
        Ok(Self { side, server, out, folder })
    }

    /// Where it is at hand: to look at a server, or to stop it, takes none.
    fn key_at_hand(&self) -> Option<String> {
        setup::api_key(&self.side.target).ok().flatten()
    }

    fn state_file(&self) -> PathBuf {
        self.folder.join("state.json")
    }

    fn state(&self) -> anyhow::Result<Option<State>> {
        let file = self.state_file();
        State::read(&file).with_context(|| format!("cannot read {}", file.display()))
    }

    fn save(&self, state: &State) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(state).context("cannot write the state")?;
        output::write_private(&self.state_file(), format!("{text}\n").as_bytes())
    }

    /// For as long as it is held, nobody else brings this server up or down.
    fn lock(&self) -> anyhow::Result<File> {
        output::folder(&self.out)?;
        let path = self.folder.join("lock");
        std::fs::create_dir_all(&self.folder).with_context(|| format!("cannot create {}", self.folder.display()))?;
        // Not emptied: it may be a link to something that has content.
        let opened = File::options().write(true).create(true).truncate(false).open(&path);
        let file = opened.with_context(|| format!("cannot write {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                bail!(Failure::measure(&"another `server up` or `server down` of this config is at work\nhint: wait for it"))
            }
            Err(TryLockError::Error(e)) => Err(e).with_context(|| format!("cannot lock {}", path.display())),
        }
    }

    fn remove(&self) -> anyhow::Result<()> {
        let file = self.state_file();
        match std::fs::remove_file(&file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(e).with_context(|| format!("cannot remove {}", file.display()))
            }
            _ => Ok(()),
        }
    }
}

fn up(place: &Place) -> anyhow::Result<ExitStatus> {
    let _lock = place.lock()?;
    if let Some(state) = place.state()?.filter(State::alive) {
        let left = "something of a server that was stopped by force still runs\nhint: goodput-gate server down";
        if !state.supervisor.alive() {
            bail!(Failure::measure(&left));
        }
        output::say("it is up already; `goodput-gate server status` says how it is");
        output::tell(&state.base_url);
        return Ok(ExitStatus::Pass);
    }
    let stop = signals::watch(None)?;
    match start(place, &stop) {
        Err(e) if e.is::<Stopped>() => {
            place.remove()?;
            Ok(ExitStatus::Interrupted)
        }
        Err(e) => {
            place.remove()?;
            Err(e)
        }
        Ok(base_url) => {
            output::tell(&base_url);
            Ok(ExitStatus::Pass)
        }
    }
}

/// Its base URL, once it is ready.
fn start(place: &Place, stop: &Stop) -> anyhow::Result<String> {
    let log = place.folder.join("server.log");
    for old in ["server.log", "server.log.1", "build.log", "build.log.1"] {
        let _ = std::fs::remove_file(place.folder.join(old));
    }
    target::build(&place.side, &place.folder.join("build.log"), stop)?;
    let key = setup::api_key(&place.side.target)?;
    let key = key.as_deref();
    let (process, base_url) = begin::begin(&place.side, key, &log)?;
    let mut state = state_of(place, &process, &base_url, log)?;
    place.save(&state)?;
    output::say(&format!("starting; its log is {}", state.log.display()));
    let target = Target::answered(&place.side, process, &base_url, key, stop)?;
    let model = target.model.clone();
    state.ready = true;
    place.save(&state)?;
    target.detach()?;
    output::say(&format!("{model} is ready; `goodput-gate server down` stops it"));
    Ok(base_url)
}

fn state_of(place: &Place, process: &Process, base_url: &str, log: PathBuf) -> anyhow::Result<State> {
    let Process::Started(watched) = process else { bail!("nothing was started") };
    let known = |pid: i32| Identity::of(pid).context("the server ended at once");
    let (supervisor, command) = watched.supervised.pids().context("the server ended at once")?;
    Ok(State {
        version: State::VERSION,
        supervisor: known(supervisor)?,
        // One that has ended already is told by who waits for it.
        command: Identity::of(command).unwrap_or(Identity { pid: command, started: String::new() }),
        base_url: base_url.to_owned(),
        log,
        began_s: now_s(),
        ready: false,
        grace_ms: u64::try_from(place.server.grace.as_millis()).unwrap_or(u64::MAX),
        container: watched.supervised.container().cloned(),
    })
}

fn down(place: &Place) -> anyhow::Result<ExitStatus> {
    let _lock = place.lock()?;
    let Some(state) = place.state()? else {
        output::say("nothing is up");
        return Ok(ExitStatus::Pass);
    };
    let was = state.alive();
    state.end(place.server.container.as_deref()).map_err(|e| Failure::measure(&e))?;
    place.remove()?;
    output::say(if was { "stopped" } else { "it had ended by itself; `goodput-gate server logs` shows its last words" });
    Ok(ExitStatus::Pass)
}

fn status(place: &Place) -> anyhow::Result<ExitStatus> {
    let Some(state) = place.state()? else {
        output::print("down")?;
        return Ok(ExitStatus::CouldNotMeasure);
    };
    let ready = || target::is_ready(&place.side, &place.server, &state.base_url, place.key_at_hand().as_deref());
    let word = match (state.supervisor.alive(), state.ready) {
        (false, _) => "dead",
        (true, false) => "starting",
        (true, true) if ready()? => "ready",
        (true, true) => "unready",
    };
    let up = if word == "dead" { String::new() } else { format!(", up {}", span(now_s().saturating_sub(state.began_s))) };
    output::print(&format!("{word}  {}  process {}{up}, log {}", state.base_url, state.command.pid, state.log.display()))?;
    Ok(if word == "ready" { ExitStatus::Pass } else { ExitStatus::CouldNotMeasure })
}

fn logs(place: &Place, args: &ServerLogsArgs) -> anyhow::Result<ExitStatus> {
    let log = place.folder.join("server.log");
    let secrets = begin::secrets(&place.side, place.key_at_hand().as_deref());
    // Before the last lines are read: what comes meanwhile is shown twice rather than never.
    let follow = args.follow.then(|| Follow::open(&log));
    if !log.exists() {
        bail!("no log of this server: {} is not there\nhint: goodput-gate server up", log.display());
    }
    for line in server::log_tail(&log, args.lines, &secrets) {
        output::print(&line)?;
    }
    let Some(follow) = follow else { return Ok(ExitStatus::Pass) };
    let cannot = || format!("cannot read {}", log.display());
    let mut follow = follow.with_context(cannot)?;
    loop {
        // Asked before the last look, so that its last words are shown.
        let alive = place.state()?.is_some_and(|state| state.supervisor.alive());
        for line in follow.lines(&secrets).with_context(cannot)? {
            output::print(&line)?;
        }
        if !alive {
            return Ok(ExitStatus::Pass);
        }
        std::thread::sleep(GLANCE);
    }
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// `2 h 5 min`, `5 min 3 s`, `3 s`.
fn span(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) => format!("{minutes} min {seconds} s"),
        _ => format!("{hours} h {minutes} min"),
    }
}
