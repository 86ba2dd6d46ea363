//! `server`: how the gate builds, starts and stops the server under test. Wire form, layers, check.
//!
//! Not here: recipes (`recipes`), where the server is asked (`target`).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::address::{self, Env, is_path, is_variable};
use super::check::Checker;
use super::ready::ReadyFile;
use super::recipe_file::RecipeFile;
use super::wire::{Span, merge};

/// Replaced by the port of a server that the gate starts, not by a variable of the gate's own
/// environment.
pub const PORT: &str = "PORT";

/// Tells a command which side it is for (`server`, `baseline`, `candidate`), so that what is built
/// for one does not overwrite the other's.
pub const SIDE: &str = "GOODPUT_GATE_SIDE";

/// A name that the gate draws for each start, for the container that the command runs.
pub const CONTAINER: &str = "CONTAINER";

/// How a server is built, started and stopped: by a command (`start`) or a recipe. Commands are run
/// by `sh -c` with `PORT` in their environment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerFile {
    /// Run once before the first start.
    pub build: Option<String>,
    /// Starts the server and stays in the foreground: `vllm serve MODEL --port ${PORT}`.
    pub start: Option<String>,
    /// Recipe: `vllm serve`.
    pub vllm: Option<RecipeFile>,
    /// Recipe: `python3 -m sglang.launch_server`.
    pub sglang: Option<RecipeFile>,
    /// Recipe: `ollama serve`, asked for `model`.
    pub ollama: Option<RecipeFile>,
    /// Recipe: `llama-server`.
    #[serde(rename = "llama-cpp")]
    pub llama_cpp: Option<RecipeFile>,
    /// Recipe: the `litellm` proxy.
    pub litellm: Option<RecipeFile>,
    /// Recipe: `tritonserver`; `model` is its model repository.
    pub triton: Option<RecipeFile>,
    /// Working folder of both, relative to the repository's root.
    pub cwd: Option<String>,
    /// Environment variables for both, besides the gate's own. `${NAME}` in a value is replaced by
    /// that environment variable.
    pub env: Option<BTreeMap<String, String>>,
    /// When it is ready.
    pub ready: Option<ReadyFile>,
    /// Time from SIGTERM to SIGKILL when it is stopped.
    pub grace: Option<Span>,
    /// Where the command runs a container named `${CONTAINER}`: the program that removes it in the
    /// end, `docker` or `podman`.
    pub container: Option<String>,
    /// Its metrics page: the same as `target.metrics`.
    pub metrics: Option<String>,
}

/// How a server is built and started. Commands are run by `sh -c`, in a process group of their own,
/// with `PORT` in their environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Base URL of its API; `${PORT}` in it stands for a free port that the gate draws for each
    /// start.
    pub base_url: String,
    /// Run once per run and build, before the first start.
    pub build: Option<String>,
    pub start: String,
    /// What the command was made of; none of a user's own command.
    pub recipe: Option<Recipe>,
    /// Relative to the repository's root (of the baseline: to its worktree's).
    pub cwd: PathBuf,
    /// Added to the gate's own environment. Values are secret: never recorded.
    pub env: BTreeMap<String, String>,
    /// Path at the server's root that answers 2xx once it is ready, such as `/health`; else the
    /// list of models is asked.
    pub ready_path: Option<String>,
    /// From the start to the first answer.
    pub ready_timeout: Duration,
    /// From SIGTERM to SIGKILL.
    pub grace: Duration,
    /// What removes the container that the command names `${CONTAINER}`.
    pub container: Option<String>,
}

/// The recipe that a server is started by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// Its key under `server`.
    pub name: &'static str,
    /// The config's own arguments without secrets, in their order; `none` where there are none.
    pub args: String,
}

impl ServerFile {
    /// This, and what it does not say from `base`.
    pub fn over(self, base: Self) -> Self {
        let another = self.starts_otherwise(&base);
        Self {
            build: self.build.or(base.build),
            start: self.start.or(base.start.filter(|_| !another)),
            vllm: RecipeFile::layered(self.vllm, base.vllm, another),
            sglang: RecipeFile::layered(self.sglang, base.sglang, another),
            ollama: RecipeFile::layered(self.ollama, base.ollama, another),
            llama_cpp: RecipeFile::layered(self.llama_cpp, base.llama_cpp, another),
            litellm: RecipeFile::layered(self.litellm, base.litellm, another),
            triton: RecipeFile::layered(self.triton, base.triton, another),
            cwd: self.cwd.or(base.cwd),
            env: merge(self.env, base.env, |over, mut under| {
                under.extend(over);
                under
            }),
            ready: merge(self.ready, base.ready, |over, base| ReadyFile {
                path: over.path.or(base.path),
                timeout: over.timeout.or(base.timeout),
            }),
            grace: self.grace.or(base.grace),
            container: self.container.or(base.container.filter(|_| !another)),
            metrics: self.metrics.or(base.metrics),
        }
    }
}

impl Checker {
    /// Everything but the base URL.
    pub fn server(&mut self, at: &str, file: ServerFile, env: Env<'_>) -> Option<Server> {
        let path = |key: &str| format!("{at}server.{key}");
        let recipe = file.recipe_facts().map(|(name, args)| Recipe { name, args });
        let start = file.start.filter(|line| !line.trim().is_empty());
        if start.is_none() {
            self.bad(
                &path("start"),
                "is missing or empty",
                "write the command that starts the server and stays in the foreground, or a recipe: docs/RECIPES.md",
            );
        }
        if file.build.as_deref().is_some_and(|line| line.trim().is_empty()) {
            self.bad(&path("build"), "is empty", "leave it out where nothing is built");
        }
        let cwd = file.cwd.unwrap_or_default();
        if cwd.starts_with('/') || cwd.split('/').any(|part| part == "..") {
            let hint = "write it relative to the repository's root, so that it is the same in the baseline's worktree";
            self.bad(&path("cwd"), format!("`{cwd}` is not inside the repository"), hint);
        }
        let mut vars = BTreeMap::new();
        for (name, raw) in file.env.unwrap_or_default() {
            let path = path(&format!("env.{name}"));
            let ours =
                name == PORT || name == SIDE || name == CONTAINER && file.container.is_some();
            if !is_variable(&name) || ours {
                let what = format!("`{name}` cannot be set here");
                let hint = "a variable's name is letters, digits and `_`; PORT, GOODPUT_GATE_SIDE and CONTAINER are set by the gate";
                self.bad(&path, what, hint);
            }
            if let Some(value) = self.expanded(&path, &raw, env) {
                vars.insert(name, value);
            }
        }
        let ready = file.ready.unwrap_or_default();
        if let Some(what) =
            ready.path.as_deref().and_then(|path| address::credential(path, &self.secrets))
        {
            self.bad(&path("ready.path"), what, address::HINT);
        } else if ready.path.as_deref().is_some_and(|path| !is_path(path)) {
            self.bad(
                &path("ready.path"),
                "is not a path",
                "write it as the server serves it, such as /health",
            );
        }
        let ready_timeout = self.positive_span(&path("ready.timeout"), ready.timeout)?;
        let grace = file.grace.map_or(Duration::ZERO, |span| span.0);
        if let Some(program) = &file.container {
            self.container(&path("container"), program, start.as_deref());
        }
        Some(Server {
            base_url: String::new(),
            build: file.build,
            start: start?,
            recipe,
            cwd: PathBuf::from(cwd),
            env: vars,
            ready_path: ready.path,
            ready_timeout,
            grace,
            container: file.container,
        })
    }

    fn container(&mut self, path: &str, program: &str, start: Option<&str>) {
        if program.is_empty() || program.contains(char::is_whitespace) {
            self.bad(
                path,
                format!("`{program}` is no program"),
                "write `docker`, `podman`, or the path of one like them",
            );
        }
        if start.is_some_and(|line| !line.contains(CONTAINER)) {
            let hint = "write `--name ${CONTAINER}` into it: the gate draws a name for each start, and removes no other container";
            self.bad(path, "the command does not name its container", hint);
        }
    }
}
