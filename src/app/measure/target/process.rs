//! The process of a server: built, waited for until it is ready, and what its end means. Not here:
//! starting it (`begin`).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;

use super::begin::{secret_values, this_program, withheld};
use crate::app::sides::Side;
use crate::app::stop::Stop;
use crate::config::{Endpoint, SIDE, Server};
use crate::exit::Failure;
use crate::lang::{Text, bilingual};
use crate::probe::server::Probe;
use crate::redact::Secrets;
use crate::server::{self, Command, Finished, SimServer, Supervised};

/// What has to be kept alive, and ends with the target.
pub enum Process {
    /// Not ours.
    None,
    Sim(SimServer),
    Started(Box<Watched>),
}

pub struct Watched {
    pub supervised: Supervised,
    pub name: &'static str,
    pub log: PathBuf,
    /// Not to be shown, should the server have printed them.
    pub secrets: Secrets,
}

/// The run was told to stop while the server was built, started or asked what it is. Not a failure:
/// what was measured before stays.
#[derive(Debug, thiserror::Error)]
#[error("stopped before the server was ready")]
pub struct Stopped;

/// What a side is called that is alone.
const SERVER: &str = "server";
/// Enough to see why a server ended.
const TAIL: usize = 20;
/// A server that ends closes its connections first, and may take a moment over the rest: so long
/// its end is waited for, where it would explain a failure.
pub const LINGERS: Duration = Duration::from_secs(2);
/// Between two questions whether a server is ready.
const POLL: Duration = Duration::from_millis(100);

/// Runs `server.build`, if there is one. Its output goes to `log`. Errors: exit 3 with its last
/// lines; [`Stopped`].
pub fn build(side: &Side, log: &Path, stop: &Stop) -> anyhow::Result<()> {
    let Endpoint::Started(server) = &side.target.endpoint else { return Ok(()) };
    let Some(line) = &server.build else { return Ok(()) };
    let (program, without) = (this_program()?, withheld());
    let cwd = side.root.join(&server.cwd);
    let mut env = server.env.clone();
    env.insert(SIDE.into(), side.name.into());
    let command = Command {
        program: &program,
        line,
        cwd: &cwd,
        env: &env,
        without: &without,
        log,
        grace: server.grace,
        container: None,
    };
    match server::run_to_end(&command, || stop.stopping())
        .map_err(|e| Failure::measure(e.to_string()))?
    {
        Finished::Done => Ok(()),
        Finished::Stopped => bail!(Stopped),
        Finished::Failed(exit) => {
            let tail = last_words(
                &server::log_tail(log, TAIL, &secret_values(server, Secrets::default())),
                log,
            );
            let name = side.name;
            bail!(Failure::measure(
                bilingual!(
                    "building the {name} failed: `{line}` ended with {exit}",
                    "{name} 빌드 실패: `{line}` 종료 ({exit})"
                )
                .then(&tail)
            ))
        }
    }
}

impl Process {
    pub(super) fn died(&self, within: Duration) -> Option<Text> {
        match self {
            Self::Started(watched) => watched.died(within),
            Self::None | Self::Sim(_) => None,
        }
    }

    /// How it ended by itself, in words; `None` where it runs on.
    pub fn end(&self) -> Option<Text> {
        self.died(LINGERS)
    }

    /// From now on its end is the run's end.
    pub(super) fn watch(&self, stop: &Stop) {
        if let Self::Started(watched) = self {
            let control = Arc::clone(&stop.control);
            // Whoever waits for an answer of a server that is gone should not wait for its
            // time-out.
            watched.supervised.on_exit(move || control.abort());
        }
    }

    /// That a server does not answer is explained by its end, if it ended.
    pub(super) fn explained(
        &self,
        error: anyhow::Error,
        stop: &Stop,
        hint: &Text,
    ) -> anyhow::Error {
        // Its end stops the run, too; a signal is a reason of its own.
        let within = if error.is::<Stopped>() { Duration::ZERO } else { LINGERS };
        match self.died(within).filter(|_| !stop.signalled()) {
            Some(why) => Failure::measure(why.then(hint)).into(),
            None => error,
        }
    }
}

impl Watched {
    fn last_words(&self) -> Text {
        last_words(&self.supervised.log_tail(TAIL, &self.secrets), &self.log)
    }

    pub(super) fn died(&self, within: Duration) -> Option<Text> {
        let exit = self.supervised.exited(within)?;
        let tail = self.last_words();
        let ended = match self.name {
            SERVER => {
                bilingual!("the server ended by itself ({exit})", "서버가 스스로 종료됨 ({exit})")
            }
            side => bilingual!(
                "the {side}'s server ended by itself ({exit})",
                "{side} 서버가 스스로 종료됨 ({exit})"
            ),
        };
        Some(ended.then(&tail))
    }
}

/// Waits until the server answers. Errors: it ended, or the time is over.
pub async fn ready(server: &Server, watched: &Watched, probe: &Probe) -> anyhow::Result<()> {
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
            let last = last.map_or_else(Text::default, |instead| {
                bilingual!(" (the last time: {instead})", " (마지막 응답: {instead})")
            });
            let name = match watched.name {
                SERVER => bilingual!("the server", "서버가"),
                side => bilingual!("the {side}'s server", "{side} 서버가"),
            };
            name.then(&bilingual!(
                " was not ready after {seconds:.0} s: {what} gives no answer of 200 to 299",
                " {seconds:.0}초 안에 준비되지 않음: {what}의 응답이 200~299가 아님"
            ))
            .then(&last)
            .then(&watched.last_words())
            .then(&bilingual!(
                "\nhint: server.ready.timeout, server.ready.path",
                "\n힌트: server.ready.timeout, server.ready.path"
            ))
        }
    };
    Err(Failure::measure(ended).into())
}

fn last_words(lines: &[String], log: &Path) -> Text {
    let log = log.display();
    if lines.is_empty() {
        return bilingual!("; it printed nothing ({log})", "; 출력 없음 ({log})");
    }
    let lines = lines.join("\n  ");
    bilingual!("; the last lines of {log}:\n  {lines}", "; {log}의 마지막 줄:\n  {lines}")
}
