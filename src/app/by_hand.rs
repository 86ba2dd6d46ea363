//! The config's server by hand: up, down, looked at; under a supervisor that outlives this program.
//!
//! One folder per config and target below the output folder holds its state and its logs. Not here:
//! what a run does with a server.
#![expect(clippy::disallowed_methods, reason = "rim: state files, the working folder and the date")]

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

use super::artefacts;
use super::gate::{self, Given};
use super::measure::target::{self, Process, Stopped, Target, begin};
use super::sides::Side;
use super::stop::Stop;
use super::workspace::Workspace;
use super::workspace::secrets::api_key;
use crate::config::{Endpoint, Server};
use crate::exit::Failure;
use crate::lang::{Explained as _, bilingual};
use crate::print::speak;
use crate::server::{self, Follow, Identity, State};

/// Between two looks whether a log has grown.
const GLANCE: Duration = Duration::from_millis(100);

/// Whose server, and where what is known of it lies.
pub struct Place {
    side: Side,
    server: Server,
    out: PathBuf,
    /// Of this config and target alone.
    folder: PathBuf,
}

impl Place {
    /// `out`: the folder for its state and its logs. Errors: exit 2, the config starts no server.
    pub fn find(here: &Workspace, given: &Given, out: &Path) -> anyhow::Result<Self> {
        let config = gate::config(here, given)?;
        let side = Side::only(here, &config, None);
        let server = match &side.target.endpoint {
            Endpoint::Started(server) => (**server).clone(),
            Endpoint::Sim(_) => bail!(bilingual!(
                "the config's server is the simulated one\nhint: `goodput-gate sim` starts that by hand",
                "설정의 서버가 시뮬레이션 서버임\n힌트: 직접 시작하려면 `goodput-gate sim`"
            )),
            Endpoint::Http(url) => {
                bail!(bilingual!(
                    "the config does not say how {url} is started\nhint: add `server.start` or a recipe: docs/RECIPES.md",
                    "설정에 {url} 시작 방법 없음\n힌트: `server.start` 또는 레시피를 추가하십시오: docs/RECIPES.md"
                ))
            }
        };
        let cwd = here.cwd()?;
        let file = gate::path(here, given)?.map(|path| cwd.join(path));
        let file = file.map(|path| path.canonicalize().unwrap_or(path)).unwrap_or_default();
        let digest = Sha256::digest(file.as_os_str().as_encoded_bytes());
        let digest = digest.iter().take(4).fold(0_u32, |n, byte| (n << 8) | u32::from(*byte));
        let out = cwd.join(out);
        let name = given.flags.target.as_deref().unwrap_or("server");
        let folder = out.join("servers").join(format!("{name}-{digest:08x}"));
        Ok(Self { side, server, out, folder })
    }

    /// Where it is at hand: to look at a server, or to stop it, takes none.
    fn key_at_hand(&self) -> Option<String> {
        api_key(&self.side.target).ok().flatten()
    }

    fn state_file(&self) -> PathBuf {
        self.folder.join("state.json")
    }

    fn state(&self) -> anyhow::Result<Option<State>> {
        let file = self.state_file();
        State::read(&file).explained(|| artefacts::unreadable(&file))
    }

    fn save(&self, state: &State) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(state).context("cannot write the state")?;
        artefacts::write_private(&self.state_file(), format!("{text}\n").as_bytes())
    }

    /// For as long as it is held, nobody else brings this server up or down.
    fn lock(&self) -> anyhow::Result<File> {
        artefacts::folder(&self.out)?;
        let path = self.folder.join("lock");
        std::fs::create_dir_all(&self.folder).explained(|| artefacts::uncreatable(&self.folder))?;
        // Not emptied: it may be a link to something that has content.
        let opened = File::options().write(true).create(true).truncate(false).open(&path);
        let file = opened.explained(|| artefacts::unwritable(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                bail!(Failure::measure(bilingual!(
                    "another `server up` or `server down` of this config is at work\nhint: wait for it",
                    "이 설정의 다른 `server up` 또는 `server down` 실행 중\n힌트: 끝나기를 기다리십시오"
                )))
            }
            Err(TryLockError::Error(e)) => {
                let path = path.display();
                Err(e).explained(|| bilingual!("cannot lock {path}", "{path} 잠금 실패"))
            }
        }
    }

    fn remove(&self) -> anyhow::Result<()> {
        let file = self.state_file();
        match std::fs::remove_file(&file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(e).explained(|| artefacts::unremovable(&file))
            }
            _ => Ok(()),
        }
    }
}

/// The base URL of the server, once it is ready; of one that is up already, too. `watch` begins to
/// watch for signals. `None`: interrupted.
pub fn up(
    place: &Place,
    watch: impl FnOnce() -> anyhow::Result<Stop>,
) -> anyhow::Result<Option<String>> {
    let _lock = place.lock()?;
    if let Some(state) = place.state()?.filter(State::alive) {
        if !state.supervisor.alive() {
            bail!(Failure::measure(bilingual!(
                "something of a server that was stopped by force still runs\nhint: goodput-gate server down",
                "강제 종료된 서버의 프로세스가 아직 남아 있음\n힌트: goodput-gate server down"
            )));
        }
        speak(&bilingual!(
            "it is up already; `goodput-gate server status` says how it is",
            "이미 실행 중입니다. 상태는 `goodput-gate server status`로 확인합니다"
        ));
        return Ok(Some(state.base_url));
    }
    let stop = watch()?;
    match start(place, &stop) {
        Err(e) if e.is::<Stopped>() => {
            place.remove()?;
            Ok(None)
        }
        Err(e) => {
            place.remove()?;
            Err(e)
        }
        Ok(base_url) => Ok(Some(base_url)),
    }
}

/// Its base URL, once it is ready.
fn start(place: &Place, stop: &Stop) -> anyhow::Result<String> {
    let log = place.folder.join("server.log");
    for old in ["server.log", "server.log.1", "build.log", "build.log.1"] {
        let _ = std::fs::remove_file(place.folder.join(old));
    }
    target::build(&place.side, &place.folder.join("build.log"), stop)?;
    let key = api_key(&place.side.target)?;
    let key = key.as_deref();
    let (process, base_url) = begin::begin(&place.side, key, &log)?;
    let mut state = state_of(place, &process, &base_url, log)?;
    place.save(&state)?;
    let shown = state.log.display();
    speak(&bilingual!("starting; its log is {shown}", "시작 중, 로그: {shown}"));
    let target = Target::answered(&place.side, process, &base_url, key, stop)?;
    let model = target.model.clone();
    state.ready = true;
    place.save(&state)?;
    target.detach()?;
    speak(&bilingual!(
        "{model} is ready; `goodput-gate server down` stops it",
        "{model} 준비 완료. 멈추려면 `goodput-gate server down`"
    ));
    Ok(base_url)
}

fn state_of(
    place: &Place,
    process: &Process,
    base_url: &str,
    log: PathBuf,
) -> anyhow::Result<State> {
    let Process::Started(watched) = process else { bail!("nothing was started") };
    // One that ended before this look at it ended by itself as any other, and its last words say
    // why.
    let ended = || {
        Failure::measure(
            process
                .end()
                .unwrap_or_else(|| bilingual!("the server ended at once", "서버가 바로 종료됨")),
        )
    };
    let (supervisor, command) = watched.supervised.pids().ok_or_else(ended)?;
    Ok(State {
        version: State::VERSION,
        supervisor: Identity::read(supervisor).ok_or_else(ended)?,
        // One that has ended already is told by who waits for it.
        command: Identity::read(command)
            .unwrap_or(Identity { pid: command, started: String::new() }),
        base_url: base_url.to_owned(),
        log,
        began_s: now_s(),
        ready: false,
        grace_ms: u64::try_from(place.server.grace.as_millis()).unwrap_or(u64::MAX),
        container: watched.supervised.container().cloned(),
    })
}

/// What `down` found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Down {
    Nothing,
    Stopped,
    /// It had ended by itself.
    WasDead,
}

/// Stops the server, with all that it started.
pub fn down(place: &Place) -> anyhow::Result<Down> {
    let _lock = place.lock()?;
    let Some(state) = place.state()? else { return Ok(Down::Nothing) };
    let was = state.alive();
    state.end(place.server.container.as_deref()).map_err(|e| Failure::measure(e.to_string()))?;
    place.remove()?;
    Ok(if was { Down::Stopped } else { Down::WasDead })
}

/// How the server is.
pub struct Status {
    pub word: &'static str,
    pub base_url: String,
    pub pid: i32,
    /// Seconds since it was started; absent where it is dead.
    pub up_s: Option<u64>,
    pub log: PathBuf,
}

impl Status {
    pub fn is_ready(&self) -> bool {
        self.word == READY
    }
}

const READY: &str = "ready";
/// Nobody has asked whether it is ready.
const UP: &str = "up";

/// `None`: it is down.
pub fn status(place: &Place) -> anyhow::Result<Option<Status>> {
    status_by(place, |base_url| {
        let key = place.key_at_hand();
        let ready = target::is_ready(&place.side, &place.server, base_url, key.as_deref())?;
        Ok(if ready { READY } else { "unready" })
    })
}

/// The same, and the server is not asked whether it is ready: it is `up`, once it was.
pub fn status_unasked(place: &Place) -> anyhow::Result<Option<Status>> {
    status_by(place, |_| Ok(UP))
}

fn status_by(
    place: &Place,
    is_now: impl FnOnce(&str) -> anyhow::Result<&'static str>,
) -> anyhow::Result<Option<Status>> {
    let Some(state) = place.state()? else { return Ok(None) };
    let word = match (state.supervisor.alive(), state.ready) {
        (false, _) => "dead",
        (true, false) => "starting",
        (true, true) => is_now(&state.base_url)?,
    };
    let up_s = (word != "dead").then(|| now_s().saturating_sub(state.began_s));
    Ok(Some(Status {
        word,
        base_url: state.base_url,
        pid: state.command.pid,
        up_s,
        log: state.log,
    }))
}

/// The last lines of its log; with `follow` also what comes, until the server ends. `line` takes
/// each.
pub fn logs(
    place: &Place,
    lines: usize,
    follow: bool,
    mut line: impl FnMut(&str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let log = place.folder.join("server.log");
    let secrets = begin::secrets(&place.side, place.key_at_hand().as_deref());
    // Before the last lines are read: what comes meanwhile is shown twice rather than never.
    let follow = follow.then(|| Follow::open(&log));
    if !log.exists() {
        bail!(bilingual!(
            "no log of this server: {log} is not there\nhint: goodput-gate server up",
            "이 서버의 로그 없음: {log} 파일이 없음\n힌트: goodput-gate server up",
            log = log.display()
        ));
    }
    for last in server::log_tail(&log, lines, &secrets) {
        line(&last)?;
    }
    let Some(follow) = follow else { return Ok(()) };
    let cannot = || format!("cannot read {}", log.display());
    let mut follow = follow.with_context(cannot)?;
    loop {
        // Asked before the last look, so that its last words are shown.
        let alive = place.state()?.is_some_and(|state| state.supervisor.alive());
        for next in follow.lines(&secrets).with_context(cannot)? {
            line(&next)?;
        }
        if !alive {
            return Ok(());
        }
        std::thread::sleep(GLANCE);
    }
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
