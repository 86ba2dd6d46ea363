//! The config's servers: how each one is, up, down, the last lines of its log; and the GPUs of this
//! machine. Not here: how a server is started (`app::servers`).

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, State as Shared};
use axum::http::Response;

use super::frame::Frame;
use crate::app::gpus::Row;
use crate::app::servers::{self, Kind, Server, Verb};
use crate::app::workspace::Workspace;
use crate::report::text;
use crate::serve::answer::{Answer, Refusal};
use crate::serve::state::State;
use crate::serve::stored::reading;
use crate::serve::v2;

/// Lines of a log that are shown.
const LINES: usize = 30;

#[derive(Template)]
#[template(path = "pages/servers.html")]
struct Servers<'a> {
    frame: &'a Frame,
    all: Vec<Shown>,
    /// The config cannot be used: why.
    trouble: Option<String>,
    /// A run goes on: no server is touched.
    measuring: bool,
    coming: bool,
    gpus: Vec<GpuRow>,
    versions: String,
    no_gpu: Option<String>,
}

struct Shown {
    server: Server,
    about: Vec<String>,
    /// In the reader's language, and the class of its colour.
    state: &'static str,
    tone: &'static str,
    ours: bool,
    up: bool,
    coming: bool,
    /// The last command came to nothing: what it said.
    failed: Option<String>,
    log: Vec<String>,
}

struct GpuRow {
    name: String,
    cells: [String; 5],
}

pub async fn page(frame: Frame, Shared(state): Shared<Arc<State>>) -> Answer {
    reading(move || shown(&frame, &state)).await
}

pub async fn start(
    frame: Frame,
    state: Shared<Arc<State>>,
    name: Path<String>,
) -> Result<Response<Body>, Refusal> {
    acted(frame, state, name, Verb::Up).await
}

pub async fn stop(
    frame: Frame,
    state: Shared<Arc<State>>,
    name: Path<String>,
) -> Result<Response<Body>, Refusal> {
    acted(frame, state, name, Verb::Down).await
}

async fn acted(
    frame: Frame,
    Shared(state): Shared<Arc<State>>,
    Path(name): Path<String>,
    verb: Verb,
) -> Result<Response<Body>, Refusal> {
    reading(move || v2::servers::act(&state, &name, verb)).await?;
    Ok(frame.lead_to("/servers"))
}

fn shown(frame: &Frame, state: &State) -> Answer {
    let (all, trouble) = match v2::servers::all(state) {
        Ok(all) => (all, None),
        Err(why) => (Vec::new(), Some(frame.sentence(&why.detail).to_owned())),
    };
    let here = Workspace::here();
    let all: Vec<Shown> = all.into_iter().map(|server| entry(frame, &here, server)).collect();
    let (gpus, versions, no_gpu) = match v2::gpus::now(state) {
        Ok(all) => {
            let known = [("driver", &all.driver), ("CUDA", &all.cuda)];
            let known =
                known.iter().filter_map(|(what, v)| Some(format!("{what} {}", v.as_ref()?)));
            (all.gpus.iter().map(gpu).collect(), known.collect::<Vec<_>>().join(", "), None)
        }
        Err(why) => (Vec::new(), String::new(), Some(frame.sentence(&why).to_owned())),
    };
    let page = Servers {
        frame,
        coming: all.iter().any(|one| one.coming),
        all,
        trouble,
        measuring: state.is_measuring()?,
        gpus,
        versions,
        no_gpu,
    };
    frame.page(&page)
}

fn entry(frame: &Frame, here: &Workspace, server: Server) -> Shown {
    let command = server.command.as_ref();
    let coming = command.is_some_and(|c| c.exit_code.is_none());
    let failed = command.filter(|c| c.exit_code.is_some_and(|code| code != 0));
    let (state, tone) = match (server.kind, server.state) {
        (Kind::Elsewhere, _) => (frame.text("somebody else's", "외부 서버"), "plain"),
        (Kind::Simulated, _) => (frame.text("started by each run", "실행마다 시작"), "plain"),
        (_, Some("ready")) => (frame.text("ready", "준비됨"), "good"),
        (_, Some("up")) => (frame.text("runs", "실행 중"), "plain"),
        (_, Some("starting")) => (frame.text("starting", "시작 중"), "open"),
        (_, Some("unready")) => (frame.text("does not answer", "응답 없음"), "bad"),
        (_, Some("dead")) => (frame.text("has ended by itself", "스스로 종료됨"), "bad"),
        (_, Some(_)) => (frame.text("down", "꺼짐"), "void"),
        (_, None) => (frame.text("not known", "알 수 없음"), "void"),
    };
    let up = server.state.is_some_and(|state| state != "down");
    let ours = server.kind == Kind::Started;
    let log = if ours {
        servers::logs(here, &server.name, LINES).unwrap_or_default()
    } else {
        Vec::new()
    };
    let lasted = server.up_s.map(|s| text::duration(s as f64));
    let parts =
        [server.recipe.map(str::to_owned), server.model.clone(), server.base_url.clone(), lasted];
    Shown {
        about: parts.into_iter().flatten().map(|part| text::plain(&part)).collect(),
        failed: failed.map(|c| c.lines.join("\n")),
        state,
        tone,
        ours,
        up,
        coming,
        log,
        server,
    }
}

fn gpu(row: &Row) -> GpuRow {
    let dash = |value: Option<String>| value.unwrap_or_else(|| text::ABSENT.to_owned());
    let name = row.device.name.as_deref().map(text::plain).unwrap_or_default();
    let name = if row.lost { format!("{name} (lost)") } else { name };
    GpuRow {
        name: format!("{} {name}", row.device.index),
        cells: [
            dash(row.utilisation_ratio.map(|share| format!("{:.0} %", share * 100.0))),
            dash(row.memory_used_bytes.map(|bytes| (bytes >> 20).to_string())),
            dash(row.power_w.map(|w| format!("{w:.0}"))),
            dash(row.sm_clock_mhz.map(|mhz| mhz.to_string())),
            dash(row.temperature_c.map(|c| c.to_string())),
        ],
    }
}
