//! What a config says of its protocol, checked: settings stand beside their own protocol, and can be sent.
//!
//! Not here: how requests and answers are written, and what their settings mean (`protocol/`).

use std::sync::Arc;

use super::Target;
use super::check::Checker;
use super::file::TargetFile;
use super::layers::Layered;
use crate::protocol::{Dialect as _, ExtraBody, Family, Protocol, Settings, conflict};

impl Checker {
    /// The target's protocol with its settings. `at` is where the target stands in the config.
    pub fn protocol(&mut self, at: &str, file: &TargetFile) -> Option<Protocol> {
        let name = file.protocol?;
        let path = |key: &str| format!("{at}target.{key}");
        for (key, present, meant) in
            [("ollama", file.ollama.is_some(), Family::Ollama), ("triton", file.triton.is_some(), Family::Triton)]
        {
            if present && name.family() != meant {
                let what = format!("has no meaning beside protocol {}", name.name());
                self.bad_key(&path(key), what, format!("remove it, or write `protocol: {key}`"));
            }
        }
        if file.sim.is_some() && name.is_native() {
            let what = format!("the simulated server does not speak {}", name.name());
            self.bad(&path("protocol"), what, "leave it out: it speaks openai-chat and openai-completions");
        }
        if name.is_native() && file.base_url.as_deref().is_some_and(|url| url.trim_end_matches('/').ends_with("/v1")) {
            let what = format!("`/v1` is where OpenAI's API is, not where {} is", name.name());
            self.bad(&path("base_url"), what, "write only http://HOST:PORT, or `protocol: openai-chat`");
        }
        let settings = Settings {
            ollama: Arc::new(file.ollama.clone().unwrap_or_default()),
            triton: Arc::new(file.triton.clone().unwrap_or_default()),
        };
        let protocol = Protocol::new(name, &settings);
        for problem in protocol.problems() {
            self.bad(&path(&problem.key), problem.what, problem.hint);
        }
        Some(protocol)
    }

    /// No extra field is one that the gate sets itself, in the words of the target's protocol.
    pub fn extra_body(&mut self, path: &str, protocol: &Protocol, extra: &ExtraBody) {
        if let Some((place, instead)) = conflict(protocol, extra) {
            let what = format!("the gate sets `{place}` itself in a request of {}", protocol.name());
            self.bad(&format!("{path}.{place}"), what, instead);
        }
    }

    /// The same of all workloads, whatever target they are sent to.
    pub fn extra_bodies(&mut self, workloads: &[Layered], targets: &[&Target]) {
        for workload in workloads {
            let Some(extra) = &workload.file.extra_body else { continue };
            if let Some(target) = targets.iter().find(|target| conflict(&target.protocol, extra).is_some()) {
                self.extra_body(&format!("{}.extra_body", workload.path), &target.protocol, extra);
            }
        }
    }
}
