//! A first config file as text: commented, every foreign word quoted where it must be. Not here:
//! looking around or asking (`command/init`).

use super::arrival::ArrivalFile;
use super::presets;
use super::workload::WorkloadFile;
use crate::lang::{Lang, Text, bilingual};
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
    pub model_note: Option<Text>,
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
    pub comment: Option<Text>,
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

    pub fn with(key: &'static str, value: impl Into<String>, comment: impl Into<Text>) -> Self {
        Self { key, value: value.into(), comment: Some(comment.into()) }
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
                bilingual!(
                    "requests per second: about half of what the server can take",
                    "초당 요청 수: 서버가 감당하는 양의 절반 정도"
                ),
            ),
            Line::with(
                "requests",
                "100",
                bilingual!("per round: p99 needs 100", "라운드마다: p99에는 100개 필요"),
            ),
            Line::with("output_tokens", "128", length()),
        ]
    } else {
        vec![
            Line::new("name", "chat"),
            Line::with(
                "arrival",
                "{closed: {concurrency: 1}}",
                bilingual!(
                    "one after the other; {{poisson: {{rate: 5}}}} is 5 a second",
                    "하나씩 차례로. {{poisson: {{rate: 5}}}}는 초당 5개"
                ),
            ),
            Line::with(
                "requests",
                "30",
                bilingual!(
                    "per round: p95 needs 20, p99 needs 100",
                    "라운드마다: p95에는 20개, p99에는 100개 필요"
                ),
            ),
            Line::with("output_tokens", "64", length()),
        ]
    };
    StartWorkload { description: None, lines }
}

fn length() -> Text {
    bilingual!("every answer has this length", "모든 응답의 길이")
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

/// The config file, commented in the reader's language, which it keeps where that is not English.
pub fn render(starter: &Starter, lang: Lang) -> String {
    let mut page = Page { out: String::new(), lang };
    page.line(bilingual!(
        "# What goodput-gate measures and how it judges. `goodput-gate schema config` has every key, --dry-run shows the plan.",
        "# goodput-gate가 무엇을 측정하고 어떻게 판정하는지. 모든 키는 `goodput-gate schema config`, 계획은 --dry-run으로 봅니다."
    ).in_language(lang));
    for line in &starter.about {
        page.line(&format!("# {}", one_line(line)));
    }
    page.line("version: 1");
    if lang == Lang::Ko {
        page.push("lang: ko", Some(&"리포트와 메시지의 언어".into()));
    }
    page.line("target:");
    page.target("  ", &starter.target);
    if starter.target.api_key_env.is_none() {
        page.push("  # api_key_env: OPENAI_API_KEY", Some(&key_name()));
    }
    if !starter.targets.is_empty() {
        let about = bilingual!(
            "--target NAME measures one of these instead",
            "--target NAME으로 이 중 하나를 측정"
        );
        page.push("targets:", Some(&about));
        for (name, side) in &starter.targets {
            page.entry(name, side);
        }
    }
    page.line("workloads:");
    for one in &starter.workloads {
        page.workload(one);
    }
    page.gate();
    page.out
}

fn key_name() -> Text {
    bilingual!("the variable's name, never the key", "키가 아니라 환경 변수의 이름")
}

/// A config file that is being written.
struct Page {
    out: String,
    lang: Lang,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.out.extend([line, "\n"]);
    }

    fn push(&mut self, line: &str, comment: Option<&Text>) {
        let Some(comment) = comment else { return self.line(line) };
        let width = COMMENT_COLUMN.max(line.chars().count() + 2);
        self.line(&format!("{line:<width$}# {}", one_line(comment.in_language(self.lang))));
    }

    fn gate(&mut self) {
        let about = bilingual!(
            "# Per request, and per run; take the figures from what `goodput-gate run` shows, then put them into a workload:",
            "# 요청마다(slo), 실행마다(limits)의 기준. `goodput-gate run`이 보여 주는 값을 보고 정해 워크로드에 넣으십시오:"
        );
        self.line(about.in_language(self.lang));
        self.line("#   slo: {ttft: 500ms, tpot: 50ms}");
        self.line("#   limits: {slo_attainment: {min: 95%}}");
        self.line("gate:");
        self.line("  rounds: 3");
        let open = bilingual!(
            "fail: exit 5 where neither better nor worse is proven",
            "fail: 좋아짐도 나빠짐도 입증되지 않으면 종료 코드 5"
        );
        self.push("  on_inconclusive: warn", Some(&open));
        let missing = bilingual!("fail: exit 4", "fail: 기준선이 없으면 종료 코드 4");
        self.push("  on_missing_baseline: warn", Some(&missing));
    }

    /// One of `targets`; without keys of its own it is a name for `target`.
    fn entry(&mut self, name: &str, side: &StartTarget) {
        let name = scalar(name);
        let said = side.description.as_deref().map(|text| format!("description: {}", scalar(text)));
        let only = StartTarget { description: side.description.clone(), ..StartTarget::default() };
        if *side == only {
            return self.line(&format!("  {name}: {{{}}}", said.unwrap_or_default()));
        }
        self.line(&format!("  {name}:"));
        if let Some(said) = said {
            self.line(&format!("    {said}"));
        }
        self.line("    target:");
        self.target("      ", side);
    }

    fn target(&mut self, indent: &str, target: &StartTarget) {
        let mut note = target.note.as_deref().map(Text::from);
        if let Some(url) = &target.base_url {
            self.push(&format!("{indent}base_url: {}", scalar(url)), note.take().as_ref());
        }
        if let Some(protocol) = target.protocol {
            self.push(&format!("{indent}protocol: {}", protocol.name()), None);
        }
        if let Some(model) = &target.model {
            let note = target.model_note.as_ref().or(note.as_ref());
            self.push(&format!("{indent}model: {}", scalar(model)), note);
        }
        if let Some(name) = &target.api_key_env {
            let about = bilingual!(
                "the variable's name; its value may stand in .env",
                "환경 변수의 이름. 값은 .env에 써도 됨"
            );
            self.push(&format!("{indent}api_key_env: {}", scalar(name)), Some(&about));
        }
        if !target.headers.is_empty() {
            let all: Vec<String> = target
                .headers
                .iter()
                .map(|(k, v)| format!("{}: {}", scalar(k), scalar(v)))
                .collect();
            self.push(&format!("{indent}headers: {{{}}}", all.join(", ")), None);
        }
    }

    fn workload(&mut self, one: &StartWorkload) {
        let said = one.description.as_deref().map(|text| Line::new("description", scalar(text)));
        let (first, rest) = one.lines.split_at(one.lines.len().min(1));
        for (index, line) in first.iter().chain(&said).chain(rest).enumerate() {
            let lead = if index == 0 { "  - " } else { "    " };
            self.push(&format!("{lead}{}: {}", line.key, line.value), line.comment.as_ref());
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
        let loaded = |lang| {
            let text = render(starter, lang);
            assert_eq!(super::super::lang(Some(&text), &[]).unwrap_or_default(), lang, "{text}");
            load(Some(Source { name: "c", text: &text }), &[], &Flags::default(), &|_| None)
                .unwrap_or_else(|e| panic!("{e}\n{text}"))
        };
        let english = loaded(Lang::En);
        assert_eq!(english, loaded(Lang::Ko));
        english
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
