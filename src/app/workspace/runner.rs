//! What the environment of a workflow run says: the event, the token, the gate's name. Not here:
//! telling GitHub anything (`publish`).
#![expect(
    clippy::disallowed_methods,
    reason = "rim: reads the runner's environment and event file"
)]

use std::path::Path;

use crate::github::actions::{self, Level};
use crate::github::event::Ci;
use crate::lang::{Text, bilingual};
use crate::print::tell_runner;
use crate::read;
use crate::report::comment::{DEFAULT_GATE, is_gate_name};

/// GitHub's payloads are below 25 MB.
const EVENT_BYTES: u64 = 32 << 20;

/// `None` outside of GitHub Actions. An event file that cannot be read costs the facts in it, and
/// nothing else.
pub fn workflow_run() -> Option<Ci> {
    let env = |name: &str| std::env::var(name).ok();
    let path = env("GITHUB_EVENT_PATH").filter(|p| !p.is_empty());
    let event = path.and_then(|p| read::text(Path::new(&p), EVENT_BYTES).ok());
    Ci::parse(env, event.as_deref()).unwrap_or_else(|why| {
        tell_runner(&actions::command(Level::Notice, DEFAULT_GATE, &why));
        Ci::parse(env, None).ok().flatten()
    })
}

/// Of a process that GitHub Actions did not start.
pub fn outside() -> Ci {
    Ci::outside(|name| std::env::var(name).ok())
}

/// Only ever from the environment. The tool's own variable is for a token of an app of one's own.
pub fn token() -> Option<String> {
    let of = |name: &str| {
        std::env::var(name).ok().map(|t| t.trim().to_owned()).filter(|t| !t.is_empty())
    };
    of("GOODPUT_GATE_TOKEN").or_else(|| of("GITHUB_TOKEN"))
}

/// Errors: a name that a check cannot have.
pub fn gate_name(flag: Option<&str>) -> Result<String, Text> {
    let named = flag
        .map(str::to_owned)
        .or_else(|| std::env::var("GOODPUT_GATE_NAME").ok().filter(|n| !n.is_empty()));
    let name = named.unwrap_or_else(|| DEFAULT_GATE.into());
    if is_gate_name(&name) {
        Ok(name)
    } else {
        Err(bilingual!(
            "the gate's name may have up to 64 letters, digits, spaces and ._/- : another name is needed",
            "게이트 이름에는 영문자, 숫자, 공백, ._/- 를 64자까지 쓸 수 있음: 다른 이름 필요"
        ))
    }
}
