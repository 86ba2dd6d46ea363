//! A new run: a form, what it would do, its command, and what is wrong with it beside its field.
//! Not here: the run (`app::runs::queue`), or how it goes on (`watch`).

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{RawQuery, State as Shared};
use axum::http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::form::Form;
use super::frame::Frame;
use crate::app::planned::{self, PRESETS, Planned, Wrong, planned};
use crate::app::runs::request::RunRequest;
use crate::app::servers::{self, Ask, Commands, Kind};
use crate::app::workspace::Workspace;
use crate::app::{around, error_text, gate};
use crate::config::Config;
use crate::lang::{Text, bilingual};
use crate::report::text;
use crate::serve::answer::{self, Answer, Refusal};
use crate::serve::live::queued;
use crate::serve::state::State;
use crate::serve::stored::reading;

/// Fields of one number or text each, with the key of the request.
const NUMBERS: [&str; 6] =
    ["requests", "input_tokens", "output_tokens", "warmup", "rounds", "starts"];
const TEXTS: [&str; 2] = ["duration", "time_limit"];
const SLOS: [&str; 3] = ["ttft", "tpot", "e2e"];
/// Before a target's name, and before an address, in the choice of the server.
const TARGET: &str = "target:";
const ADDRESS: &str = "url:";
/// Every one of `targets`.
const EACH: &str = "each";

/// What stands under a field: the field's name, and why it cannot be so.
type Faults = BTreeMap<String, Text>;

#[derive(Template)]
#[template(path = "pages/new_run.html")]
struct NewRun<'a> {
    frame: &'a Frame,
    verb_is_check: bool,
    servers: Vec<Choice>,
    models: Vec<String>,
    model: Field,
    workloads: Vec<Choice>,
    presets: Vec<Preset>,
    presets_open: bool,
    load: Vec<Field>,
    often: Vec<Field>,
    slos: Vec<Field>,
    /// By the name of what they are at; those that are at no field of the page stand first.
    faults: Vec<(String, String)>,
    general: Vec<String>,
    plan: Option<(String, Vec<String>)>,
    /// The config cannot be used: why.
    trouble: Option<String>,
    looked: bool,
}

struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

struct Preset {
    name: &'static str,
    loads: Vec<String>,
    chosen: bool,
}

struct Field {
    name: &'static str,
    label: &'static str,
    example: &'static str,
    value: String,
    fault: Option<String>,
}

pub async fn page(
    frame: Frame,
    Shared(state): Shared<Arc<State>>,
    RawQuery(query): RawQuery,
) -> Answer {
    reading(move || {
        let form = Form::parse(&query.unwrap_or_default());
        let here = Workspace::here();
        let judged = looked(&here, &form);
        shown(&frame, &state, &here, &form, judged)
    })
    .await
}

/// Asks for the run, or shows what is wrong with it. With `do=look` it is only looked at.
pub async fn ask(
    frame: Frame,
    Shared(state): Shared<Arc<State>>,
    body: Body,
) -> Result<Response<Body>, Refusal> {
    let form = Form::read(body).await?;
    let only_looks = form.text("do") == Some("look");
    let (own, fields) = (Arc::clone(&state), form.clone());
    let judged = reading(move || Ok(looked(&Workspace::here(), &fields))).await?;
    let faults = match judged {
        Ok((request, _)) if !only_looks => match queued(own, request).await {
            Ok(id) => return Ok(frame.lead_to(&format!("/runs/{id}/live"))),
            Err(why) if why.status == StatusCode::BAD_REQUEST => fault_of(&why),
            Err(why) => return Err(why),
        },
        Ok(fine) => {
            return reading(move || shown(&frame, &state, &Workspace::here(), &form, Ok(fine)))
                .await;
        }
        Err(faults) => faults,
    };
    let shown = reading(move || shown(&frame, &state, &Workspace::here(), &form, Err(faults)));
    let mut answer = shown.await?;
    if !only_looks {
        *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(answer)
}

/// For the script of the page: `{"command", "loads", "faults"}` of a form as it stands.
pub async fn plan(frame: Frame, RawQuery(query): RawQuery) -> Answer {
    let form = Form::parse(&query.unwrap_or_default());
    let said = reading(move || {
        Ok(match looked(&Workspace::here(), &form) {
            Ok((_, plan)) => {
                let loads: Vec<&str> = plan.loads.iter().map(|load| frame.sentence(load)).collect();
                json!({"command": plan.command, "loads": loads, "faults": {}})
            }
            Err(faults) => {
                let faults: BTreeMap<&String, &str> =
                    faults.iter().map(|(at, why)| (at, frame.sentence(why))).collect();
                json!({"command": null, "loads": [], "faults": faults})
            }
        })
    });
    answer::json(&said.await?)
}

fn fault_of(why: &Refusal) -> Faults {
    let detail = why.detail.clone();
    let at = detail.en.split_once(": ").map_or("", |(at, _)| at);
    let at = if at.is_empty() { String::new() } else { field(at) };
    Faults::from([(at, detail)])
}

/// The request of a form, and what it would do.
fn looked(here: &Workspace, form: &Form) -> Result<(RunRequest, Planned), Faults> {
    let request = request(form)?;
    match planned(here, &request) {
        Ok(plan) => Ok((request, plan)),
        Err(all) => {
            let mut faults = Faults::new();
            for Wrong { flag, what } in all {
                let at = flag.map(|flag| field(&flag)).unwrap_or_default();
                let before = faults.remove(&at);
                let what = before.map_or(what.clone(), |b: Text| b.then(&" ".into()).then(&what));
                faults.insert(at, what);
            }
            Err(faults)
        }
    }
}

/// Where on the page what a flag says is chosen.
fn field(flag: &str) -> String {
    match flag.split([' ', '=']).next().unwrap_or_default() {
        "target" | "base-url" | "base_url" => "server".into(),
        "workload" | "workloads" => "workloads".into(),
        "preset" | "presets" => "presets".into(),
        other => other.replace('-', "_"),
    }
}

/// Errors: a field that holds what it cannot.
fn request(form: &Form) -> Result<RunRequest, Faults> {
    let (mut said, mut faults) = (Map::new(), Faults::new());
    said.insert("verb".into(), form.text("verb").unwrap_or("run").into());
    let server = form.text("server").unwrap_or_default();
    if let Some(name) = server.strip_prefix(TARGET) {
        said.insert("target".into(), name.into());
    } else if let Some(url) = server.strip_prefix(ADDRESS) {
        said.insert("base_url".into(), url.into());
    } else if server == EACH {
        said.insert("each".into(), true.into());
    }
    for (field, key) in [("workload", "workloads"), ("preset", "presets")] {
        let names: Vec<&str> = form.all(field).collect();
        if !names.is_empty() {
            said.insert(key.into(), json!(names));
        }
    }
    for name in TEXTS.into_iter().chain(["model"]) {
        said.extend(form.text(name).map(|text| (name.to_owned(), text.into())));
    }
    for name in NUMBERS {
        match form.text(name).map(str::parse::<u32>) {
            Some(Ok(number)) => drop(said.insert(name.into(), number.into())),
            Some(Err(_)) => drop(faults.insert(name.into(), no_number())),
            None => {}
        }
    }
    match form.text("rate").map(str::parse::<f64>) {
        Some(Ok(rate)) if rate.is_finite() => drop(said.insert("rate".into(), json!(rate))),
        Some(_) => {
            let why = bilingual!("a number, such as 2.5", "2.5와 같은 수를 입력");
            faults.insert("rate".into(), why);
        }
        None => {}
    }
    if let Some(levels) = form.text("concurrency") {
        let all: Result<Vec<u32>, _> = levels.split(',').map(|n| n.trim().parse()).collect();
        match all {
            Ok(all) => drop(said.insert("concurrency".into(), json!(all))),
            Err(_) => drop(faults.insert("concurrency".into(), no_list())),
        }
    }
    let slos: Vec<String> =
        SLOS.iter().filter_map(|k| Some(format!("{k}={}", form.text(k)?))).collect();
    if !slos.is_empty() {
        said.insert("slo".into(), slos.join(",").into());
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    serde_json::from_value(Value::Object(said))
        .map_err(|why| Faults::from([(String::new(), why.to_string().into())]))
}

fn no_number() -> Text {
    bilingual!("a whole number of 0 and more", "0 이상의 정수를 입력")
}

fn no_list() -> Text {
    bilingual!(
        "whole numbers with commas between them, such as 1, 8, 32",
        "1, 8, 32처럼 쉼표로 구분한 정수를 입력"
    )
}

fn shown(
    frame: &Frame,
    state: &State,
    here: &Workspace,
    form: &Form,
    judged: Result<(RunRequest, Planned), Faults>,
) -> Answer {
    let (plan, faults) = match judged {
        Ok((_, plan)) => (Some(plan), Faults::new()),
        Err(faults) => (None, faults),
    };
    let config = gate::config(here, &gate::Given::default());
    let trouble =
        config.as_ref().err().map(|why| frame.sentence(&error_text::text(why)).to_owned());
    let (servers, models, looked) = servers(frame, state, here, form)?;
    let fields = |names: &[&'static str]| {
        names.iter().map(|name| one_field(frame, form, &faults, name)).collect::<Vec<_>>()
    };
    let page = NewRun {
        frame,
        verb_is_check: form.text("verb") == Some("check"),
        servers,
        models,
        model: one_field(frame, form, &faults, "model"),
        workloads: config.iter().flat_map(|c| workloads(frame, form, c)).collect(),
        presets: PRESETS.map(|name| preset(frame, form, name)).into(),
        presets_open: form.text("preset").is_some(),
        load: fields(&[
            "concurrency",
            "rate",
            "requests",
            "duration",
            "input_tokens",
            "output_tokens",
        ]),
        often: fields(&["warmup", "rounds", "starts", "time_limit"]),
        slos: fields(&SLOS),
        general: if trouble.is_none() { general(frame, &faults) } else { Vec::new() },
        faults: faults.iter().map(|(at, why)| (at.clone(), frame.sentence(why).into())).collect(),
        plan: plan.map(|plan| {
            let loads = plan.loads.iter().map(|load| frame.sentence(load).to_owned());
            (plan.command.clone(), loads.collect())
        }),
        trouble,
        looked,
    };
    frame.page(&page)
}

fn workloads<'a>(
    frame: &'a Frame,
    form: &'a Form,
    config: &'a Config,
) -> impl Iterator<Item = Choice> + 'a {
    config.workloads.iter().map(|workload| Choice {
        value: workload.name.clone(),
        label: frame.sentence(&planned::load(workload)).to_owned(),
        chosen: form.all("workload").any(|name| name == workload.name),
    })
}

fn preset(frame: &Frame, form: &Form, name: &'static str) -> Preset {
    let loads = planned::preset(name).unwrap_or_default();
    Preset {
        name,
        loads: loads.iter().map(|load| frame.sentence(load).to_owned()).collect(),
        chosen: form.all("preset").any(|one| one == name),
    }
}

/// Faults at no field of the page.
fn general(frame: &Frame, faults: &Faults) -> Vec<String> {
    let others = faults.iter().filter(|(at, _)| !has_field(at));
    others
        .map(|(at, why)| {
            let at = if at.is_empty() { String::new() } else { format!("{at}: ") };
            text::plain(&format!("{at}{}", frame.sentence(why)))
        })
        .collect()
}

impl NewRun<'_> {
    fn fault(&self, at: &str) -> Option<&str> {
        self.faults.iter().find(|(name, _)| name == at).map(|(_, why)| &**why)
    }
}

/// Whether the page shows a fault of this name beside a field.
fn has_field(name: &str) -> bool {
    NUMBERS.contains(&name)
        || TEXTS.contains(&name)
        || ["concurrency", "rate", "slo", "server", "model", "workloads", "presets"].contains(&name)
}

/// The config's, then those that were found on this machine; with the models that these list.
/// Nobody is looked for while something is measured.
fn servers(
    frame: &Frame,
    state: &State,
    here: &Workspace,
    form: &Form,
) -> Result<(Vec<Choice>, Vec<String>, bool), Refusal> {
    let chosen = form.text("server").unwrap_or_default();
    let named = servers::all(here, &Commands::default(), Ask::No).unwrap_or_default();
    let own = frame.text("the config's own target", "설정의 기본 대상");
    let mut all =
        vec![Choice { value: String::new(), label: own.into(), chosen: chosen.is_empty() }];
    all.extend(named.iter().filter(|s| !s.is_default).map(|server| {
        let value = format!("{TARGET}{}", server.name);
        let about = match (server.kind, &server.base_url) {
            (Kind::Simulated, _) => frame.text("simulated", "시뮬레이션").to_owned(),
            (_, Some(url)) => text::plain(url),
            (_, None) => String::new(),
        };
        let label = format!("{} ({about})", text::plain(&server.name));
        Choice { chosen: chosen == value, value, label }
    }));
    let targets = all.len() - 1;
    if targets > 1 {
        let label = frame.text("all of these, ranked", "위 대상 모두, 순위 비교").to_owned();
        all.push(Choice { value: EACH.into(), label, chosen: chosen == EACH });
    }
    let looks = form.text("find").is_some() && !state.is_measuring()?;
    let found = if looks { around::servers(&[], None)? } else { Vec::new() };
    let mut models: Vec<String> = Vec::new();
    for server in &found {
        models.extend(around::chat_first(&server.facts.models));
        let value = format!("{ADDRESS}{}", server.base_url);
        let label = frame.sentence(&around::describe(server)).to_owned();
        all.push(Choice { chosen: chosen == value, value, label });
    }
    // What was chosen stays, also where nobody looks again.
    if chosen.starts_with(ADDRESS) && !all.iter().any(|one| one.chosen) {
        let label = text::plain(chosen.trim_start_matches(ADDRESS));
        all.push(Choice { value: chosen.to_owned(), label, chosen: true });
    }
    Ok((all, models, looks))
}

fn one_field(frame: &Frame, form: &Form, faults: &Faults, name: &'static str) -> Field {
    let (label, example) = match name {
        "concurrency" => (frame.text("In flight", "동시 요청 수"), "1, 8, 32"),
        "rate" => (frame.text("Requests per second", "초당 요청 수"), "5"),
        "requests" => (frame.text("Requests per round", "라운드당 요청 수"), "200"),
        "duration" => (frame.text("Or time of a round", "또는 라운드 시간"), "60s"),
        "input_tokens" => (frame.text("Input tokens", "입력 토큰"), "256"),
        "output_tokens" => (frame.text("Output tokens", "출력 토큰"), "128"),
        "warmup" => (frame.text("Warm-up requests", "워밍업 요청 수"), "5"),
        "rounds" => (frame.text("Rounds per start", "시작당 라운드 수"), "3"),
        "starts" => (frame.text("Server starts", "서버 시작 횟수"), "3"),
        "time_limit" => (frame.text("Time limit", "시간 제한"), "15m"),
        "ttft" => (frame.text("TTFT at most", "TTFT 최대"), "500ms"),
        "tpot" => (frame.text("TPOT at most", "TPOT 최대"), "50ms"),
        "e2e" => (frame.text("E2E at most", "E2E 최대"), "10s"),
        _ => (frame.text("Model", "모델"), ""),
    };
    Field {
        name,
        label,
        example,
        value: form.text(name).unwrap_or_default().to_owned(),
        fault: faults.get(name).map(|why| frame.sentence(why).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_comes_to_a_request_or_to_faults_at_its_fields() {
        let form = "verb=check&server=target%3Aa&workload=x&workload=y&concurrency=1%2C+8&ttft=500ms&tpot=50ms&rounds=2&rate=&do=start";
        let asked = request(&Form::parse(form)).expect("it can");
        let json = serde_json::to_value(&asked).expect("JSON");
        assert_eq!(
            json,
            json!({"verb": "check", "target": "a", "workloads": ["x", "y"], "concurrency": [1, 8],
                "rounds": 2, "slo": "ttft=500ms,tpot=50ms"})
        );
        let wrong = "rounds=-1&rate=fast&concurrency=1;2&requests=1e3&starts=2";
        let faults = request(&Form::parse(wrong)).expect_err("it cannot");
        let at: Vec<&str> = faults.keys().map(String::as_str).collect();
        assert_eq!(at, ["concurrency", "rate", "requests", "rounds"]);
        assert!(request(&Form::parse("verb=bisect")).is_err());
        assert!(request(&Form::parse("rate=NaN")).is_err());
    }

    #[test]
    fn a_flags_fault_stands_at_its_field() {
        for (flag, at) in [
            ("input-tokens", "input_tokens"),
            ("slo ttft=x", "slo"),
            ("target", "server"),
            ("workload", "workloads"),
        ] {
            assert_eq!(field(flag), at);
            assert!(has_field(&field(flag)), "{flag}");
        }
    }
}
