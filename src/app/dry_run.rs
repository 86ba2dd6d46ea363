//! `--dry-run`: what a run would do, in words; nothing is sent and nothing is started.

use super::measure::{read_file, starts};
use crate::config::{Config, Endpoint, ModelChoice, Target, Verb, Workload};
use crate::lang::{Lang, Text, bilingual};
use crate::plan::{self, RoundPlan};
use crate::protocol::{Dialect as _, joined};
use crate::record::facts::arrival;
use crate::report::text::{arrival as arrival_in, count};

/// Starts, rounds, requests, minutes, and that nothing is sent. `beside` is what an interleaved
/// run's baseline is, in words.
pub fn text(config: &Config, beside: Option<&str>) -> anyhow::Result<Text> {
    lines(config, beside, &[asked(&config.target)]).map(silent)
}

/// The same of all `targets`.
pub fn each(config: &Config) -> anyhow::Result<Text> {
    let asked: Vec<Text> = config
        .targets
        .iter()
        .map(|(name, target)| Text::from(format!("{name}: ")).then(&asked(target)))
        .collect();
    lines(config, None, &asked).map(silent)
}

/// The same of a run that is about to be made.
pub fn about_to_start(config: &Config) -> anyhow::Result<Text> {
    let all = lines(config, None, &[asked(&config.target)])?;
    Ok(Text::joined(&all, "\n"))
}

fn silent(mut lines: Vec<Text>) -> Text {
    if let Some(first) = lines.first_mut() {
        let nothing = bilingual!("; nothing is sent", "; 아무것도 보내지 않음");
        *first = first.clone().then(&nothing);
    }
    Text::joined(&lines, "\n")
}

/// The first says how often, the last how long.
fn lines(config: &Config, beside: Option<&str>, asked: &[Text]) -> anyhow::Result<Vec<Text>> {
    let plan = Planned::new(config, beside.is_some());
    let mut lines = vec![plan.how_often(config.gate.rounds)];
    lines.extend_from_slice(asked);
    lines.extend(beside.map(|baseline| {
        bilingual!(
            "interleaved: the baseline's side is {baseline}",
            "교차 측정: 기준선 쪽은 {baseline}"
        )
    }));
    lines.extend(started(&config.target));
    let mut seconds = Some(0.0);
    for workload in &config.workloads {
        let (about, time) = load(config, workload)?;
        lines.extend(about);
        seconds = seconds.zip(time).map(|(a, b)| a + b);
    }
    lines.push(plan.how_long(seconds));
    Ok(lines)
}

/// How often a server is started.
enum Planned {
    /// Of one side, or of each of several.
    Starts(u32),
    /// At most: the history says how many are planned, once the server is known.
    Pairs(u32),
}

impl Planned {
    fn new(config: &Config, is_interleaved: bool) -> Self {
        match (is_interleaved, starts(config)) {
            (true, _) if !matches!(config.target.endpoint, Endpoint::Http(_)) => {
                Self::Pairs(config.gate.max_pairs())
            }
            (true, one) => Self::Pairs(one),
            (false, starts) => Self::Starts(starts),
        }
    }

    fn how_often(&self, rounds: u32) -> Text {
        let each = Text {
            en: format!(", {} each", count(u64::from(rounds), "round", "rounds")),
            ko: format!(", 시작마다 라운드 {rounds}개"),
        };
        let how_often = match *self {
            Self::Starts(n) => {
                Text { en: count(n.into(), "start", "starts"), ko: format!("시작 {n}회") }
            }
            Self::Pairs(n) => Text {
                en: format!("{} at most", count(n.into(), "start pair", "start pairs")),
                ko: format!("최대 시작 쌍 {n}개"),
            },
        };
        how_often.then(&each)
    }

    fn how_long(&self, seconds: Option<f64>) -> Text {
        let Some(seconds) = seconds else {
            return bilingual!(
                "expected: unknown; each request waits for an answer, so the server sets the pace (a few requests first show it)",
                "예상: 알 수 없음. 응답을 받아야 다음 요청을 보내므로 서버 속도에 달림 (먼저 적은 요청으로 확인)"
            );
        };
        let (starts, most) = match *self {
            Self::Starts(n) => (n, Text::default()),
            Self::Pairs(n) => (2 * n, bilingual!("at most ", "최대 ")),
        };
        let minutes = seconds * f64::from(starts) / 60.0;
        bilingual!("expected: ", "예상: ").then(&most).then(&bilingual!(
            "{minutes:.1} minutes of load, and the time of the last answers",
            "부하 {minutes:.1}분, 그리고 마지막 응답까지의 시간"
        ))
    }
}

/// The load of a workload, and its seconds per start; none where nobody knows.
fn load(config: &Config, workload: &Workload) -> anyhow::Result<(Vec<Text>, Option<f64>)> {
    let file = read_file(workload)?;
    let salt = plan::salt(0);
    let input = plan::Input {
        protocol: &config.target.protocol,
        model: "MODEL",
        extras: config.target.protocol.extras(workload.ignore_eos, workload.stream),
        extra_body: &config.target.extra_body,
        salt: &salt,
        session: "dry",
        rounds: config.gate.rounds,
        shards: 1,
        file: file.as_deref(),
    };
    let plan = plan::build(workload, &input)?;
    let d = plan::describe(&plan);
    let per_round = d.rounds.first().map_or(0, |r| r.requests);
    let time: Option<f64> = d.rounds.iter().chain([&d.warmup]).map(|r| r.seconds).sum();
    // A closed loop by duration plans more than it will send: what is planned is then only the most
    // that it could be.
    let most = |round: &RoundPlan| if round.stop_after.is_some() { MOST } else { EXACTLY };
    let all = plan.rounds.iter().chain([&plan.warmup]).any(|r| r.stop_after.is_some());
    let all = if all { MOST } else { EXACTLY };
    let (first, warmup) = (plan.rounds.first().map_or(EXACTLY, most), most(&plan.warmup));
    let (name, arrival, digest) = (&d.workload, arrival(&workload.arrival), &plan.digest[..12]);
    let (warm, input, output) = (d.warmup.requests, d.input_tokens, d.output_tokens);
    let mut lines = vec![Text {
        en: format!(
            "{name}: {arrival}; {}{} per round, {}{warm} to warm up; {}{input} input and {output} output tokens per start; plan {digest}",
            first.0,
            count(u64::from(per_round), "request", "requests"),
            warmup.0,
            all.0,
        ),
        ko: format!(
            "{name}: {}; 라운드마다 요청 {}{per_round}개, 워밍업 {}{warm}개; 시작마다 {}입력 {input}, 출력 {output} 토큰; 계획 {digest}",
            arrival_in(&arrival, Lang::Ko),
            first.1,
            warmup.1,
            all.1,
        ),
    }];
    let extra = joined(&workload.extra_body, &config.target.extra_body);
    if !extra.is_empty() {
        lines.push(format!("  extra_body: {}", serde_json::Value::Object(extra)).into());
    }
    lines.extend(plan.left_out.iter().map(|one| format!("  {one}").into()));
    Ok((lines, time))
}

/// Before a number, in English and in Korean.
const MOST: (&str, &str) = ("at most ", "최대 ");
const EXACTLY: (&str, &str) = ("", "");

/// Who is asked, for which model: what short names on the command line have become.
fn asked(target: &Target) -> Text {
    let at = match &target.endpoint {
        Endpoint::Http(url) => url.as_str().into(),
        Endpoint::Started(server) => server.base_url.as_str().into(),
        Endpoint::Sim(_) => bilingual!("the simulated server", "시뮬레이션 서버"),
    };
    match &target.model {
        ModelChoice::Named(name) => Text {
            en: format!("model {name} at {}", at.en),
            ko: format!("모델 {name}, 서버 {}", at.ko),
        },
        ModelChoice::Auto => Text {
            en: format!("the only model that is listed at {}", at.en),
            ko: format!("{}의 유일한 모델", at.ko),
        },
    }
}

/// What would be started, and how it would be asked: above all what a recipe has become.
fn started(target: &Target) -> Option<Text> {
    let Endpoint::Started(server) = &target.endpoint else { return None };
    let by = server.recipe.as_ref().map_or_else(Text::default, |recipe| {
        let name = recipe.name;
        bilingual!(" (recipe {name})", " (레시피 {name})")
    });
    let ready = server
        .ready_path
        .as_deref()
        .map_or_else(|| bilingual!("the list of models", "모델 목록"), Text::from);
    let reset = target.cache_reset.as_ref().map_or_else(Text::default, |reset| {
        let verb = match reset.verb {
            Verb::Get => "GET",
            Verb::Post => "POST",
        };
        let path = &reset.path;
        bilingual!(
            "; its cache is emptied by {verb} {path} before each workload",
            "; 워크로드마다 먼저 {verb} {path} 요청으로 캐시를 비움"
        )
    });
    let (start, url) = (&server.start, &server.base_url);
    let seconds = server.ready_timeout.as_secs_f64();
    let line = Text {
        en: format!(
            "server{}: `{start}` at {url}; ready when {} answers, within {seconds:.0} s",
            by.en, ready.en
        ),
        ko: format!(
            "서버{}: `{start}`, 주소 {url}; {}에 응답하면 준비 완료, {seconds:.0}초 이내",
            by.ko, ready.ko
        ),
    };
    Some(line.then(&reset))
}
