//! The servers that the config names: how each one is, up and down, and the last lines of its log.
//! What is started is what the config on the disk says, by the program's own `server up`.
//!
//! Not here: how a server is started and watched (`by_hand`), or servers that nobody has named
//! (`around`).
#![expect(clippy::disallowed_methods, reason = "rim: the null device")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::ChildStderr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use serde::Serialize;

use super::by_hand::{self, Place};
use super::error_text;
use super::gate::{self, Given};
use super::workspace::Workspace;
use crate::config::{Config, Endpoint, Flags, ModelChoice, Target};
use crate::lang::{Text, bilingual};
use crate::server::start_itself;

/// Where `server up` keeps a server's state unless it is told otherwise.
const OUT: &str = ".goodput-gate";
/// What the config's own `target` is called here, where no other has the name.
const OWN: [&str; 3] = ["default", "target", "the-target"];
/// Lines of a command that are kept: the last ones say why it failed.
const LINES: usize = 20;

/// Who starts a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The gate, by a command of the config.
    Started,
    /// Somebody else: it has an address, and can be neither started nor stopped.
    Elsewhere,
    /// The gate, as part of each run.
    Simulated,
}

#[derive(Clone, Debug, Serialize)]
pub struct Server {
    pub name: String,
    /// The config's own `target`, and none of `targets`.
    pub is_default: bool,
    pub kind: Kind,
    /// `down`, `starting`, `ready`, `unready` or `dead`; absent where nobody asked.
    pub state: Option<&'static str>,
    pub base_url: Option<String>,
    pub model: Option<String>,
    pub recipe: Option<&'static str>,
    /// Seconds since it was started.
    pub up_s: Option<u64>,
    /// What the service does with it, or did last.
    pub command: Option<Command>,
    /// Why its state cannot be told.
    pub error: Option<String>,
}

/// `server up` or `server down`, as the service ran it.
#[derive(Clone, Debug, Serialize)]
pub struct Command {
    pub verb: Verb,
    /// Absent while it runs.
    pub exit_code: Option<i32>,
    /// What it said last.
    pub lines: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    Up,
    Down,
}

/// Whether servers may be asked how they are: not while something is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    Yes,
    No,
}

/// What was done with servers since the service began, by their names.
#[derive(Clone, Default)]
pub struct Commands(Arc<Mutex<BTreeMap<String, Command>>>);

/// Why nothing was done.
#[derive(Debug)]
pub enum Refused {
    /// The config names no such server.
    Unknown,
    /// It is none that the gate starts.
    NotOurs(Text),
    /// Another command is at work with it.
    Busy,
    Failed(anyhow::Error),
}

/// Every server that the config names. Errors: there is no config that can be used.
pub fn all(here: &Workspace, commands: &Commands, ask: Ask) -> anyhow::Result<Vec<Server>> {
    let own = own_name(&config(here)?.0);
    let of = |(name, target): &(String, Target)| Server {
        is_default: own == Some(name.as_str()),
        ..server(here, name, target, commands, ask)
    };
    Ok(named(here)?.iter().map(of).collect())
}

/// The last lines of a server's log, without secrets. Errors: it has none.
pub fn logs(here: &Workspace, name: &str, lines: usize) -> Result<Vec<String>, Refused> {
    let place = place(here, name)?;
    let mut all = Vec::new();
    by_hand::logs(&place, lines, false, |line| {
        all.push(line.to_owned());
        Ok(())
    })
    .map_err(Refused::Failed)?;
    Ok(all)
}

impl Commands {
    /// Begins to start or to stop a server, and returns.
    pub fn begin(&self, here: &Workspace, name: &str, verb: Verb) -> Result<(), Refused> {
        place(here, name)?;
        let mut all = self.lock();
        if all.get(name).is_some_and(|command| command.exit_code.is_none()) {
            return Err(Refused::Busy);
        }
        let mut arguments = vec!["server", if verb == Verb::Up { "up" } else { "down" }];
        let target = format!("--target={name}");
        let own = flags(here, name).map_err(Refused::Failed)?.target.is_none();
        if !own {
            arguments.push(&target);
        }
        let begun = File::open("/dev/null")
            // The service's own key is none of its business.
            .and_then(|nothing| start_itself(&arguments, nothing, &["API_KEY"], &[]))
            .context("cannot start the server's command");
        let mut child = begun.map_err(Refused::Failed)?;
        let (own, name) = (self.clone(), name.to_owned());
        all.insert(name.clone(), Command { verb, exit_code: None, lines: Vec::new() });
        drop(all);
        std::thread::spawn(move || {
            child.stderr.take().into_iter().for_each(|said| own.hear(&name, said));
            let code = child.wait().ok().and_then(|status| status.code()).unwrap_or(-1);
            own.change(&name, |command| command.exit_code = Some(code));
        });
        Ok(())
    }

    fn hear(&self, name: &str, said: ChildStderr) {
        for line in BufReader::new(said).lines().map_while(Result::ok) {
            self.change(name, |command| {
                command.lines.push(line);
                let above = command.lines.len().saturating_sub(LINES);
                command.lines.drain(..above);
            });
        }
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Command)) {
        if let Some(command) = self.lock().get_mut(name) {
            change(command);
        }
    }

    fn last(&self, name: &str) -> Option<Command> {
        self.lock().get(name).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Command>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// By the names that people use: those of `targets`, and the config's own `target`.
pub fn named(here: &Workspace) -> anyhow::Result<Vec<(String, Target)>> {
    let (config, has_own) = config(here)?;
    let own = has_own.then(|| own_name(&config)).flatten();
    let own = own.filter(|_| !config.targets.values().any(|other| *other == config.target));
    let own = own.map(|name| (name.to_owned(), config.target.clone()));
    Ok(own.into_iter().chain(config.targets.clone()).collect())
}

/// The config on the disk, and whether it has a `target` of its own beside `targets`.
fn config(here: &Workspace) -> anyhow::Result<(Config, bool)> {
    gate::config(here, &Given::default()).map(|config| (config, true)).or_else(|why| {
        let flags = Flags { each: true, ..Flags::default() };
        let config = gate::config(here, &Given { flags, ..Given::default() });
        config.map(|config| (config, false)).map_err(|_| why)
    })
}

fn own_name(config: &Config) -> Option<&'static str> {
    OWN.into_iter().find(|name| !config.targets.contains_key(*name))
}

/// What chooses a server of the config.
pub fn flags(here: &Workspace, name: &str) -> anyhow::Result<Flags> {
    let is_own = own_name(&config(here)?.0) == Some(name);
    Ok(Flags { target: (!is_own).then(|| name.to_owned()), ..Flags::default() })
}

pub fn place(here: &Workspace, name: &str) -> Result<Place, Refused> {
    let all = named(here).map_err(Refused::Failed)?;
    let (_, target) = all.iter().find(|(known, _)| known == name).ok_or(Refused::Unknown)?;
    let not_ours = match &target.endpoint {
        Endpoint::Started(_) => None,
        Endpoint::Http(url) => Some(bilingual!(
            "the config does not say how {url} is started: add `server.start` or a recipe",
            "설정에 {url} 시작 방법 없음: `server.start` 또는 레시피를 추가하십시오"
        )),
        Endpoint::Sim(_) => Some(bilingual!(
            "the simulated server is started by each run",
            "시뮬레이션 서버는 실행마다 시작됨"
        )),
    };
    if let Some(why) = not_ours {
        return Err(Refused::NotOurs(why));
    }
    let flags = flags(here, name).map_err(Refused::Failed)?;
    Place::find(here, &Given { flags, ..Given::default() }, Path::new(OUT)).map_err(Refused::Failed)
}

fn server(here: &Workspace, name: &str, target: &Target, commands: &Commands, ask: Ask) -> Server {
    let (kind, base_url, recipe) = match &target.endpoint {
        Endpoint::Http(url) => (Kind::Elsewhere, Some(url.clone()), None),
        Endpoint::Sim(_) => (Kind::Simulated, None, None),
        Endpoint::Started(server) => {
            let recipe = server.recipe.as_ref().map(|recipe| recipe.name);
            (Kind::Started, Some(server.base_url.clone()), recipe)
        }
    };
    let model = match &target.model {
        ModelChoice::Named(name) => Some(name.clone()),
        ModelChoice::Auto => None,
    };
    let command = commands.last(name);
    let mut server = Server {
        name: name.to_owned(),
        is_default: false,
        kind,
        state: None,
        base_url,
        model,
        recipe,
        up_s: None,
        command,
        error: None,
    };
    if kind == Kind::Started {
        server.look(here, ask);
    }
    server
}

impl Server {
    fn look(&mut self, here: &Workspace, ask: Ask) {
        let status = || match place(here, &self.name) {
            Ok(place) if ask == Ask::Yes => by_hand::status(&place),
            Ok(place) => by_hand::status_unasked(&place),
            Err(Refused::Failed(why)) => Err(why),
            Err(_) => Ok(None),
        };
        let coming = self.command.as_ref().is_some_and(|c| c.exit_code.is_none());
        match status() {
            Ok(None) => self.state = Some(if coming { "starting" } else { "down" }),
            Ok(Some(status)) => {
                (self.state, self.up_s) = (Some(status.word), status.up_s);
                self.base_url = Some(status.base_url);
            }
            Err(why) => self.error = Some(error_text::text(&why).en),
        }
    }
}
