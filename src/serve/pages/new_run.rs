//! A new run: a form, what it would do, its command, and what is wrong with it beside its field.
//! Not here: what a form comes to (`asked`), the run (`app::runs::queue`), or how it goes on (`live`).

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{RawQuery, State as Shared};
use axum::http::{Response, StatusCode};
use serde_json::json;

use super::asked::{ADDRESS, EACH, Faults, SLOS, TARGET, fault_of, has_field, looked};
use super::form::Form;
use super::frame::Frame;
use crate::app::planned::{self, PRESETS, Planned};
use crate::app::runs::request::RunRequest;
use crate::app::servers::{self, Ask, Commands, Kind};
use crate::app::workspace::Workspace;
use crate::app::{around, error_text, gate};
use crate::config::Config;
use crate::report::text;
use crate::serve::answer::{self, Answer, Refusal};
use crate::serve::live::queued;
use crate::serve::state::State;
use crate::serve::stored::reading;

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
