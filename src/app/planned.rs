//! A run that somebody is about to ask a service for: its command, what it would load, and what is
//! wrong with it. Nothing is sent and nothing is started.
//!
//! Not here: what may be asked at all (`runs::request`), or the run (`runs::queue`).

use super::error_text;
use super::gate::{self, Given};
use super::runs::file::Id;
use super::runs::request::{Checked, RunRequest, Verb};
use super::workspace::Workspace;
use crate::config::{
    self, Config, ConfigError, Flags, Length, Place, PromptKind, Workload, parse_duration,
};
use crate::lang::{Lang, Text, bilingual};
use crate::record::facts::arrival;
use crate::report::text;

/// Every named workload, in the order of the documentation.
pub use crate::config::PRESETS;

/// What is wrong, and with which flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Without its dashes; none where it is the config as a whole.
    pub flag: Option<String>,
    pub what: Text,
}

/// A run that can be asked for.
#[derive(Clone, Debug)]
pub struct Planned {
    /// As a person would type it.
    pub command: String,
    /// How often, and then each load.
    pub loads: Vec<Text>,
}

/// Nobody looks at the server that it names: asking for the run does that. Errors: everything that
/// is wrong with it.
pub fn planned(here: &Workspace, asked: &RunRequest) -> Result<Planned, Vec<Wrong>> {
    let asked = &RunRequest { checked: asked.base_url.clone().map(Checked::Url), ..asked.clone() };
    let command = command(asked).map_err(|why| vec![of_request(&why)])?;
    let mut wrong = contradictions(asked);
    match gate::config(here, &Given { flags: flags(asked), ..Given::default() }) {
        Ok(config) if wrong.is_empty() => Ok(Planned { command, loads: loads(&config) }),
        Ok(_) => Err(wrong),
        Err(why) => {
            wrong.extend(of_config(&why));
            Err(wrong)
        }
    }
}

/// The workloads of a preset, in words. None where there is no such.
pub fn preset(name: &str) -> Option<Vec<Text>> {
    // Whatever is measured, the figures are the same.
    let flags = Flags {
        base_url: Some(super::around::USUAL_URL.to_owned()),
        preset: vec![name.to_owned()],
        ..Flags::default()
    };
    let config = config::load(None, &[], &flags, &|_| None).ok()?;
    Some(config.workloads.iter().map(load).collect())
}

/// `chat: closed loop, 8 in flight; 200 requests; 256 input and 128 output tokens`
pub fn load(workload: &Workload) -> Text {
    let how = arrival(&workload.arrival);
    let length = match workload.length {
        Length::Requests(n) => bilingual!("{n} requests", "요청 {n}개"),
        Length::Duration(span) => {
            let seconds = span.as_secs_f64();
            bilingual!("{seconds} s", "{seconds}초")
        }
    };
    let output = workload.output_tokens;
    let tokens = if let PromptKind::Dataset { .. } = &workload.prompts.kind {
        bilingual!("prompts of a file", "파일의 프롬프트")
    } else {
        let input = workload.prompts.input_tokens;
        bilingual!("{input} input and {output} output tokens", "입력 {input}, 출력 {output} 토큰")
    };
    let name = text::plain(&workload.name);
    Text {
        en: format!("{name}: {how}; {}; {}", length.en, tokens.en),
        ko: format!("{name}: {}; {}; {}", text::arrival(&how, Lang::Ko), length.ko, tokens.ko),
    }
}

fn loads(config: &Config) -> Vec<Text> {
    let (starts, rounds) = (super::measure::starts(config), config.gate.rounds);
    let often = bilingual!(
        "server starts: {starts}; rounds of each: {rounds}",
        "서버 시작 {starts}회; 시작마다 라운드 {rounds}개"
    );
    std::iter::once(often).chain(config.workloads.iter().map(load)).collect()
}

/// `goodput-gate run --concurrency=1,8`, in quotes where a shell needs them. Errors: as
/// [`RunRequest::arguments`].
pub fn command(asked: &RunRequest) -> Result<String, String> {
    let id = Id::draw().map_err(|e| e.to_string())?;
    let own = ["--data=", "--service-run="];
    let all = asked.arguments(&id, ".")?;
    let shown = all.iter().filter(|a| !own.iter().any(|own| a.starts_with(own)));
    let words: Vec<String> = shown.map(|word| quoted(word)).collect();
    Ok(format!("goodput-gate {}", words.join(" ")))
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=.,:/%+@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// As the command line has them.
fn flags(asked: &RunRequest) -> Flags {
    Flags {
        target: asked.target.clone(),
        each: asked.each,
        base_url: asked.base_url.clone(),
        model: asked.model.clone(),
        protocol: asked.protocol.clone(),
        api_key_env: asked.api_key_env.clone(),
        timeout: asked.timeout.clone(),
        no_stream: asked.stream == Some(false),
        concurrency: asked.concurrency.clone(),
        rate: asked.rate,
        requests: asked.requests,
        duration: asked.duration.clone(),
        input_tokens: asked.input_tokens,
        output_tokens: asked.output_tokens,
        warmup: asked.warmup,
        rounds: asked.rounds,
        starts: asked.starts,
        preset: asked.presets.clone(),
        slo: asked.slo.clone(),
        workload: asked.workloads.clone(),
        ..Flags::default()
    }
}

/// What the command line would refuse before it looks at a config.
fn contradictions(asked: &RunRequest) -> Vec<Wrong> {
    let mut all = Vec::new();
    let mut add = |flag: &str, what: Text| all.push(Wrong { flag: Some(flag.to_owned()), what });
    if asked.rate.is_some() && !asked.concurrency.is_empty() {
        add(
            "rate",
            bilingual!(
                "not beside a concurrency: either so many at a time, or so many per second",
                "동시 요청 수와 함께 쓸 수 없음: 동시 요청 수와 초당 요청 수 중 하나만 선택"
            ),
        );
    }
    if asked.duration.is_some() && asked.requests.is_some() {
        add(
            "duration",
            bilingual!(
                "not beside a number of requests: one of them ends a round",
                "요청 수와 함께 쓸 수 없음: 라운드를 끝내는 조건은 하나"
            ),
        );
    }
    if asked.each && asked.verb != Verb::Run {
        add(
            "target",
            bilingual!(
                "all targets are measured and ranked, not judged",
                "모든 대상은 측정해 순위만 비교하며 판정하지 않음"
            ),
        );
    }
    if let Some(Err(why)) = asked.time_limit.as_deref().map(parse_duration) {
        add("time-limit", why.what.then(&". ".into()).then(&why.hint));
    }
    all
}

/// `slo: no text of...`
fn of_request(why: &str) -> Wrong {
    let (flag, what) = why.split_once(": ").unwrap_or(("", why));
    Wrong { flag: (!flag.is_empty()).then(|| flag.to_owned()), what: what.into() }
}

fn of_config(why: &anyhow::Error) -> Vec<Wrong> {
    let Some(ConfigError::Invalid(issues)) = why.downcast_ref::<ConfigError>() else {
        return vec![Wrong { flag: None, what: error_text::text(why) }];
    };
    let wrong = |issue: &config::Issue| {
        let flag = match &issue.place {
            Place::Flag(flag) => flag.strip_prefix("--").map(str::to_owned),
            Place::File { .. } | Place::Unknown => None,
        };
        let place = match (&flag, issue.path.is_empty()) {
            (None, false) => format!("{}: ", issue.path),
            _ => String::new(),
        };
        let hint = issue.hint.clone().unwrap_or_default();
        let between = if hint == Text::default() { "" } else { ". " };
        let what = Text::from(place).then(&issue.what).then(&between.into()).then(&hint);
        Wrong { flag, what }
    };
    issues.iter().map(wrong).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(json: &str) -> RunRequest {
        serde_json::from_str(json).expect("a request")
    }

    #[test]
    fn the_command_is_what_a_person_would_type_and_no_shell_breaks_it() {
        let plain = asked(r#"{"verb": "run", "concurrency": [1, 8], "slo": "ttft=500ms"}"#);
        let shown = command(&plain).expect("it can");
        assert_eq!(shown, "goodput-gate run --slo=ttft=500ms --concurrency=1,8");
        let hostile = asked(r#"{"verb": "run", "target": "a'; rm -rf $HOME #"}"#);
        let shown = command(&hostile).expect("it can");
        assert_eq!(shown, r"goodput-gate run '--target=a'\''; rm -rf $HOME #'");
    }

    #[test]
    fn what_excludes_each_other_is_said_at_its_field() {
        let both = r#"{"verb": "run", "concurrency": [1], "rate": 2, "requests": 3, "duration": "5s", "time_limit": "x"}"#;
        let wrong = contradictions(&asked(both));
        let flags: Vec<_> = wrong.iter().filter_map(|w| w.flag.as_deref()).collect();
        assert_eq!(flags, ["rate", "duration", "time-limit"]);
    }

    #[test]
    fn every_preset_has_figures() {
        for name in PRESETS {
            assert!(preset(name).is_some_and(|all| !all.is_empty()), "{name}");
        }
        assert_eq!(preset("none"), None);
    }
}
