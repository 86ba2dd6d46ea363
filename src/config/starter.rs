//! A first config file as text: commented, every foreign word quoted where it must be. Not here:
//! looking around or asking (`command/init`).

use std::fmt::Write as _;

use super::arrival::ArrivalFile;
use super::presets;
use super::workload::WorkloadFile;
use crate::protocol::ProtocolName;

/// What `init` writes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Starter {
    /// Lines of comment at the top.
    pub about: Vec<String>,
    pub target: StartTarget,
    /// `targets`: each says what differs.
    pub targets: Vec<(String, StartTarget)>,
    pub workloads: Vec<StartWorkload>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct StartTarget {
    /// Of an entry of `targets`: for whoever chooses.
    pub description: Option<String>,
    /// Comment beside the URL, or the model where no URL is said.
    pub note: Option<String>,
    pub base_url: Option<String>,
    /// Where it is not the usual one.
    pub protocol: Option<ProtocolName>,
    pub model: Option<String>,
    pub model_note: Option<String>,
    /// The variable's name.
    pub api_key_env: Option<String>,
    pub headers: Vec<(String, String)>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct StartWorkload {
    /// For whoever chooses.
    pub description: Option<String>,
    pub lines: Vec<Line>,
}

/// `key: value  # comment`. The value is YAML already ([`scalar`] for foreign text).
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub key: &'static str,
    pub value: String,
    pub comment: Option<&'static str>,
}

/// The figures of a preset in open loop, for whoever has the same under the same name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PresetLoad {
    /// Requests per second.
    pub rate: f64,
    pub max_in_flight: u32,
    pub seconds: f64,
    pub output_tokens: u32,
    pub temperature: f64,
}

/// Where comments begin, if the value leaves room.
const COMMENT_COLUMN: usize = 44;
/// Longest foreign text in a comment, in characters.
const LONGEST_NOTE: usize = 120;

impl Line {
    pub fn new(key: &'static str, value: impl Into<String>) -> Self {
        Self { key, value: value.into(), comment: None }
    }

    pub fn with(key: &'static str, value: impl Into<String>, comment: &'static str) -> Self {
        Self { key, value: value.into(), comment: Some(comment) }
    }
}

/// A load for a server of which nothing is known but whether this machine has a GPU: without one,
/// one request after the other.
pub fn first_workload(gpu: bool) -> StartWorkload {
    let lines = if gpu {
        vec![
            Line::new("name", "chat"),
            Line::with(
                "arrival",
                "{poisson: {rate: 5}}",
                "requests per second: about half of what the server can take",
            ),
            Line::with("requests", "100", "per round: p99 needs 100"),
            Line::with("output_tokens", "128", "every answer has this length"),
        ]
    } else {
        vec![
            Line::new("name", "chat"),
            Line::with(
                "arrival",
                "{closed: {concurrency: 1}}",
                "one after the other; {poisson: {rate: 5}} is 5 a second",
            ),
            Line::with("requests", "30", "per round: p95 needs 20, p99 needs 100"),
            Line::with("output_tokens", "64", "every answer has this length"),
        ]
    };
    StartWorkload { description: None, lines }
}

/// The preset of that name, if it is one load in open loop.
pub fn preset_load(name: &str) -> Option<PresetLoad> {
    let mut parts = presets::find(name)?.into_iter();
    let (Some((_, file)), None) = (parts.next(), parts.next()) else { return None };
    let WorkloadFile {
        arrival: Some(ArrivalFile::Constant { rate }),
        duration: Some(duration),
        max_in_flight: Some(max_in_flight),
        output_tokens: Some(output_tokens),
        temperature: Some(temperature),
        ..
    } = file
    else {
        return None;
    };
    Some(PresetLoad {
        rate: rate.0,
        max_in_flight,
        seconds: duration.0.as_secs_f64(),
        output_tokens,
        temperature: temperature.0,
    })
}

/// Whether there is a preset of that name.
pub fn is_preset(name: &str) -> bool {
    presets::NAMES.contains(&name)
}

/// The presets, in the order of the documentation.
pub fn presets() -> &'static [&'static str] {
    &presets::NAMES
}

/// The config file.
pub fn render(starter: &Starter) -> String {
    let mut out = String::from(
        "# What goodput-gate measures and how it judges. `goodput-gate schema config` has every key, --dry-run shows the plan.\n",
    );
    for line in &starter.about {
        let _ = writeln!(out, "# {}", one_line(line));
    }
    out += "version: 1\ntarget:\n";
    target(&mut out, "  ", &starter.target);
    if starter.target.api_key_env.is_none() {
        push(
            &mut out,
            "  # api_key_env: OPENAI_API_KEY",
            Some("the variable's name, never the key"),
        );
    }
    if !starter.targets.is_empty() {
        push(&mut out, "targets:", Some("--target NAME measures one of these instead"));
        for (name, side) in &starter.targets {
            entry(&mut out, name, side);
        }
    }
    out += "workloads:\n";
    for one in &starter.workloads {
        workload(&mut out, one);
    }
    out += GATE;
    out
}

const GATE: &str = "\
# Per request, and per run; take the figures from what `goodput-gate run` shows, then put them into a workload:
#   slo: {ttft: 500ms, tpot: 50ms}
#   limits: {slo_attainment: {min: 95%}}
gate:
  rounds: 3
  on_inconclusive: warn                     # fail: exit 5 where neither better nor worse is proven
  on_missing_baseline: warn                 # fail: exit 4
";

/// One of `targets`; without keys of its own it is a name for `target`.
fn entry(out: &mut String, name: &str, side: &StartTarget) {
    let (name, said) = (
        scalar(name),
        side.description.as_deref().map(|text| format!("description: {}", scalar(text))),
    );
    if *side == (StartTarget { description: side.description.clone(), ..StartTarget::default() }) {
        let _ = writeln!(out, "  {name}: {{{}}}", said.unwrap_or_default());
        return;
    }
    let _ = writeln!(out, "  {name}:");
    if let Some(said) = said {
        let _ = writeln!(out, "    {said}");
    }
    let _ = writeln!(out, "    target:");
    target(out, "      ", side);
}

fn target(out: &mut String, indent: &str, target: &StartTarget) {
    let mut note = target.note.as_deref();
    if let Some(url) = &target.base_url {
        push(out, &format!("{indent}base_url: {}", scalar(url)), note.take());
    }
    if let Some(protocol) = target.protocol {
        push(out, &format!("{indent}protocol: {}", protocol.name()), None);
    }
    if let Some(model) = &target.model {
        push(
            out,
            &format!("{indent}model: {}", scalar(model)),
            target.model_note.as_deref().or(note),
        );
    }
    if let Some(name) = &target.api_key_env {
        push(
            out,
            &format!("{indent}api_key_env: {}", scalar(name)),
            Some("the variable's name; its value may stand in .env"),
        );
    }
    if !target.headers.is_empty() {
        let all: Vec<String> =
            target.headers.iter().map(|(k, v)| format!("{}: {}", scalar(k), scalar(v))).collect();
        push(out, &format!("{indent}headers: {{{}}}", all.join(", ")), None);
    }
}

fn workload(out: &mut String, one: &StartWorkload) {
    let said = one.description.as_deref().map(|text| Line::new("description", scalar(text)));
    let (first, rest) = one.lines.split_at(one.lines.len().min(1));
    for (index, line) in first.iter().chain(&said).chain(rest).enumerate() {
        let lead = if index == 0 { "  - " } else { "    " };
        push(out, &format!("{lead}{}: {}", line.key, line.value), line.comment);
    }
}

fn push(out: &mut String, line: &str, comment: Option<&str>) {
    match comment {
        Some(comment) => {
            let width = COMMENT_COLUMN.max(line.chars().count() + 2);
            let _ = writeln!(out, "{line:<width$}# {}", one_line(comment));
        }
        None => {
            let _ = writeln!(out, "{line}");
        }
    }
}

/// Text as a YAML scalar, plain where it can only be read as that text. JSON's strings are YAML's
/// double-quoted ones.
pub fn scalar(text: &str) -> String {
    let inside = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
    let url = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"))
        .filter(|rest| !rest.ends_with(':'));
    let plain = url.unwrap_or(text).chars().all(|c| inside(c) || (url.is_some() && c == ':'));
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let other = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        .contains(&text.to_ascii_lowercase().as_str());
    if plain && word && !other {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}

/// Foreign text cannot end a comment's line, nor steer a terminal that shows it.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_NOTE).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Endpoint, Flags, ModelChoice, Source, load};
    use super::*;

    fn loaded(starter: &Starter) -> super::super::Config {
        let text = render(starter);
        load(Some(Source { name: "c", text: &text }), &[], &Flags::default(), &|_| None)
            .unwrap_or_else(|e| panic!("{e}\n{text}"))
    }

    #[test]
    fn hostile_names_stay_names() {
        for name in [
            "a: b",
            "{x}",
            "# c",
            "yes",
            "12",
            "-",
            "model:tag",
            "a\nworkloads: []",
            "\"q\" 'r'",
            "é",
            "*x",
            "ends:",
        ] {
            let target = StartTarget {
                base_url: Some("http://127.0.0.1:8000/v1".into()),
                model: Some(name.into()),
                note: Some("one\ntwo: [".into()),
                ..StartTarget::default()
            };
            let targets = vec![(
                name.to_owned(),
                StartTarget { model: Some(name.into()), ..StartTarget::default() },
            )];
            let config = loaded(&Starter {
                target,
                targets,
                workloads: vec![first_workload(true)],
                about: vec!["\nx: y".into()],
            });
            assert_eq!(config.target.model, ModelChoice::Named(name.into()));
            assert_eq!(config.targets[name].model, ModelChoice::Named(name.into()));
            assert_eq!(config.target.endpoint, Endpoint::Http("http://127.0.0.1:8000/v1".into()));
        }
    }

    #[test]
    fn each_first_workload_is_valid() {
        for gpu in [true, false] {
            let target = StartTarget {
                base_url: Some("http://127.0.0.1:8000/v1".into()),
                ..StartTarget::default()
            };
            let config = loaded(&Starter {
                target,
                workloads: vec![first_workload(gpu)],
                ..Starter::default()
            });
            assert_eq!(config.workloads[0].name, "chat");
        }
    }

    #[test]
    fn open_presets_have_figures_and_sweeps_have_none() {
        let medium = preset_load("medium-load").expect("it is one");
        assert_eq!(
            (medium.rate.to_string(), medium.max_in_flight, medium.output_tokens),
            ("5".into(), 10, 1024)
        );
        assert_eq!(preset_load("quick"), None);
        assert_eq!(preset_load("nothing"), None);
    }
}
