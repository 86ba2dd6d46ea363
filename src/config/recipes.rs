//! Ready-made ways to start an engine, by name: one table, and how a recipe fills in what `server`
//! and `target` leave unsaid.
//!
//! Each row is what the engine's public documentation says of its command line and its HTTP paths.
//! Not here: starting anything, or whether what was filled in holds (`target`).

use std::collections::BTreeMap;

use super::address::Env;
use super::check::Checker;
use super::recipe_file::RecipeFile;
use super::server::{CONTAINER, PORT, SIDE, ServerFile};
use super::target::TargetFile;
use crate::protocol::ProtocolName;

/// What one engine needs.
struct Recipe {
    /// Its key under `server`.
    name: &'static str,
    /// Words before the arguments, unless the config says others.
    program: &'static str,
    model: Model,
    /// Shell text between the model and the config's own arguments, which therefore win.
    flags: &'static str,
    base_url: &'static str,
    /// Where it is not the default one.
    protocol: Option<ProtocolName>,
    /// Answers 2xx as soon as the model is loaded.
    ready: &'static str,
    /// Empties the prefix cache. None where no one request does.
    cache_reset: Option<&'static str>,
    env: &'static [(&'static str, &'static str)],
}

/// Where the model goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Model {
    /// Before all options, and never left out.
    First,
    /// After this option, and never left out.
    Required(&'static str),
    /// After this option, where it is said: `args` may name it in another way.
    Option(&'static str),
    /// Into each request: the server loads what is asked for.
    Requested,
}

const V1: &str = "http://127.0.0.1:${PORT}/v1";

/// llama.cpp erases slot by slot, and not what it keeps in the host's memory; Ollama, `LiteLLM` and
/// Triton have no such request.
const RECIPES: [Recipe; 6] = [
    Recipe {
        name: "vllm",
        program: "vllm serve",
        model: Model::First,
        flags: "--host 127.0.0.1 --port ${PORT}",
        base_url: V1,
        protocol: None,
        ready: "/health",
        cache_reset: Some("POST /reset_prefix_cache"),
        // That request is served in this mode only.
        env: &[("VLLM_SERVER_DEV_MODE", "1")],
    },
    Recipe {
        name: "sglang",
        program: "python3 -m sglang.launch_server",
        model: Model::Required("--model-path"),
        flags: "--host 127.0.0.1 --port ${PORT} --enable-metrics",
        base_url: V1,
        protocol: None,
        ready: "/health",
        cache_reset: Some("POST /flush_cache"),
        env: &[],
    },
    Recipe {
        name: "ollama",
        program: "ollama serve",
        model: Model::Requested,
        flags: "",
        base_url: V1,
        protocol: None,
        ready: "/api/version",
        cache_reset: None,
        env: &[("OLLAMA_HOST", "127.0.0.1:${PORT}")],
    },
    Recipe {
        name: "llama-cpp",
        program: "llama-server",
        model: Model::Option("--model"),
        flags: "--host 127.0.0.1 --port ${PORT} --metrics",
        base_url: V1,
        protocol: None,
        ready: "/health",
        cache_reset: None,
        env: &[],
    },
    Recipe {
        name: "litellm",
        program: "litellm",
        model: Model::Option("--model"),
        flags: "--host 127.0.0.1 --port ${PORT}",
        base_url: V1,
        protocol: None,
        ready: "/health/readiness",
        cache_reset: None,
        env: &[],
    },
    Recipe {
        name: "triton",
        program: "tritonserver",
        model: Model::Option("--model-repository"),
        // One port is drawn: gRPC stays out, and metrics are two above, as far as by default.
        flags: "--http-address=127.0.0.1 --http-port=${PORT} --allow-grpc=false --metrics-port=$((PORT + 2))",
        base_url: "http://127.0.0.1:${PORT}",
        protocol: Some(ProtocolName::Triton),
        ready: "/v2/health/ready",
        cache_reset: None,
        env: &[],
    },
];

impl Checker {
    /// Fills in what the config leaves unsaid beside a recipe; without one nothing changes.
    pub fn recipe(
        &mut self,
        at: &str,
        server: &mut ServerFile,
        target: &mut TargetFile,
        env: Env<'_>,
    ) {
        let named: Vec<(&Recipe, RecipeFile)> = RECIPES
            .iter()
            .zip(server.recipes())
            .filter_map(|(recipe, said)| Some((recipe, said?.clone())))
            .collect();
        let (recipe, said) = match named.as_slice() {
            [] => return,
            [one] if server.start.is_none() => one,
            [(recipe, _), ..] => {
                let other = named.get(1).map_or("start", |(recipe, _)| recipe.name);
                let what = format!("both `{}` and `{other}`", recipe.name);
                self.bad(&format!("{at}server"), what, "keep the one that is to be started");
                // Its own message is enough.
                server.start.get_or_insert_with(|| recipe.program.to_owned());
                return;
            }
        };
        let path = format!("{at}server.{}", recipe.name);
        server.start = Some(self.line(&path, recipe, said, &variables(server, env)));
        server.ready.get_or_insert_default().path.get_or_insert_with(|| recipe.ready.to_owned());
        let own = server.env.get_or_insert_default();
        for (name, value) in recipe.env {
            own.entry((*name).to_owned()).or_insert_with(|| (*value).to_owned());
        }
        target.protocol = target.protocol.or(recipe.protocol);
        // Where the API is depends on what is spoken.
        let native = target.protocol.is_some_and(ProtocolName::is_native);
        let base_url =
            if native { recipe.base_url.trim_end_matches("/v1") } else { recipe.base_url };
        target.base_url.get_or_insert_with(|| base_url.to_owned());
        target.cache_reset =
            target.cache_reset.take().or_else(|| recipe.cache_reset.map(str::to_owned));
        if recipe.model == Model::Requested {
            target.model = target.model.take().or_else(|| said.model.clone());
        }
    }

    fn line(&mut self, path: &str, recipe: &Recipe, said: &RecipeFile, known: Env<'_>) -> String {
        let program = said.program.as_deref().unwrap_or(recipe.program);
        if program.trim().is_empty() {
            self.bad(
                &format!("{path}.program"),
                "is empty",
                format!("leave it out for `{}`", recipe.program),
            );
        }
        let model = said.model.as_deref().filter(|model| !model.trim().is_empty());
        if model.is_none()
            && (said.model.is_some() || matches!(recipe.model, Model::First | Model::Required(_)))
        {
            self.bad(
                &format!("{path}.model"),
                "is missing or empty",
                "name what the engine is to load",
            );
        }
        let mut words = vec![program.trim().to_owned()];
        match (recipe.model, model) {
            (Model::First, Some(model)) => {
                words.push(self.word(&format!("{path}.model"), model, known));
            }
            (Model::Required(option) | Model::Option(option), Some(model)) => {
                words
                    .extend([option.to_owned(), self.word(&format!("{path}.model"), model, known)]);
            }
            (Model::Requested, _) | (_, None) => {}
        }
        words.extend(Some(recipe.flags.to_owned()).filter(|flags| !flags.is_empty()));
        for (i, arg) in said.args.iter().flatten().enumerate() {
            words.push(self.word(&format!("{path}.args[{i}]"), &arg.0, known));
        }
        words.join(" ")
    }

    /// One word of a shell's line: literally what it says, but for `${NAME}`, which the shell fills
    /// in when the server is started.
    fn word(&mut self, path: &str, text: &str, known: Env<'_>) -> String {
        if text.contains('\0') {
            self.bad(path, "has a zero byte", "no program can be given one");
        }
        if self.expanded(path, text, known).is_none() {
            return String::new();
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, name, after)) = reference(rest) {
            out.extend([&*quoted(before), "\"${", name, "}\""]);
            rest = after;
        }
        out.push_str(&quoted(rest));
        if out.is_empty() { "''".into() } else { out }
    }
}

impl ServerFile {
    /// In the table's order.
    fn recipes(&self) -> [Option<&RecipeFile>; RECIPES.len()] {
        [&self.vllm, &self.sglang, &self.ollama, &self.llama_cpp, &self.litellm, &self.triton]
            .map(Option::as_ref)
    }

    /// Which recipe it names, and its arguments without secrets, for the fingerprint; none of a
    /// command of the user's own.
    pub fn recipe_facts(&self) -> Option<(&'static str, String)> {
        let (recipe, said) =
            RECIPES.iter().zip(self.recipes()).find_map(|(recipe, said)| Some((recipe, said?)))?;
        let args: Vec<&str> = said.args.iter().flatten().map(|arg| arg.0.as_str()).collect();
        Some((recipe.name, shown(&args)))
    }

    /// Says another way to start the server than `base`, so that what `base` says of that does not
    /// hold.
    pub fn starts_otherwise(&self, base: &Self) -> bool {
        self.start.is_some()
            || self
                .recipes()
                .iter()
                .zip(base.recipes())
                .any(|(own, base)| own.is_some() && base.is_none())
    }
}

/// What a word may refer to: the gate's own variables, those of `server.env`, and the
/// environment's.
fn variables<'a>(server: &ServerFile, env: Env<'a>) -> impl Fn(&str) -> Option<String> + 'a {
    let own: BTreeMap<String, String> = server.env.clone().unwrap_or_default();
    let ours = [Some(PORT), Some(SIDE), server.container.as_ref().map(|_| CONTAINER)];
    move |name| {
        own.get(name)
            .cloned()
            .or_else(|| ours.contains(&Some(name)).then(String::new))
            .or_else(|| env(name))
    }
}

/// What stands before the first `${NAME}`, the name, and what stands after it.
fn reference(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("${")?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

/// In single quotes a shell changes nothing (POSIX, Shell Command Language 2.2.2).
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "%+,-./:=@_".contains(c);
    if text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Arguments as a person may read them: `***` in place of what an option or a name before it says
/// to be a secret (all values up to the next option: some engines take several keys), and of a URL
/// with a password.
fn shown(args: &[&str]) -> String {
    let mut hidden = false;
    let words = args.iter().map(|arg| {
        let option = arg.starts_with('-');
        if option {
            hidden = !arg.contains('=') && is_secret(arg);
        } else if hidden {
            return "***".to_owned();
        }
        masked(arg)
    });
    let words: Vec<String> = words.collect();
    if words.is_empty() { "none".into() } else { words.join(" ") }
}

/// One argument: `NAME=VALUE` by its name, and by the value's own where that is such a pair again
/// (`--env=NAME=VALUE`).
fn masked(arg: &str) -> String {
    let named = arg
        .split_once('=')
        .filter(|(name, _)| name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)));
    match named {
        Some((name, _)) if is_secret(name) => format!("{name}=***"),
        Some((name, value)) => format!("{name}={}", masked(value)),
        None if tells(arg) => "***".to_owned(),
        None => arg.to_owned(),
    }
}

/// What is called so is a secret.
fn is_secret(name: &str) -> bool {
    const WORDS: [&str; 11] = [
        "key",
        "apikey",
        "token",
        "secret",
        "password",
        "passwd",
        "credentials",
        "auth",
        "authorization",
        "header",
        "hft",
    ];
    name.split(['-', '_', '.']).any(|word| WORDS.contains(&&*word.to_ascii_lowercase()))
}

/// A value that has its secret's name in it (a header, JSON), or a URL with a password.
fn tells(value: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let before =
        value.match_indices(':').map(|(at, _)| value[..at].trim_end_matches(['"', '\'', ' ']));
    before.filter_map(|text| text.rsplit(|c| !word(c)).next()).any(is_secret)
        || (value.contains("://") && value.contains('@'))
}

#[cfg(test)]
mod tests;
