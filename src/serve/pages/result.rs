//! A run: its outcome in words, what it is of, its report, and what can be done with it. Not here: a
//! run as it goes on (`live`), the report itself (`report::page`).

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State as Shared};

use super::frame::Frame;
use super::row::Row;
use crate::app::artefacts::RECORD;
use crate::app::format::Format;
use crate::app::planned;
use crate::app::runs::found::{self, Run, State as RunState};
use crate::app::runs::request::{self, Checked};
use crate::exit::ExitStatus;
use crate::lang::{Text, bilingual};
use crate::serve::answer::{Answer, Refusal};
use crate::serve::live;
use crate::serve::state::State;
use crate::serve::stored::{self, reading};

#[derive(Template)]
#[template(path = "pages/result.html")]
struct ResultPage<'a> {
    frame: &'a Frame,
    row: Row,
    /// Where its end is told, while it goes on.
    events: String,
    /// What the outcome means.
    about: Vec<String>,
    /// What went wrong, as it was said.
    errors: Vec<String>,
    ended: Option<String>,
    compare: Option<String>,
    /// Somebody has asked this service for it.
    again: bool,
    /// The same in a terminal.
    command: Option<String>,
    /// Address of the report, but for its format; absent where there is none.
    report: Option<String>,
    /// Address of the record.
    record: Option<String>,
    formats: Vec<&'static str>,
}

pub async fn page(
    frame: Frame,
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<String>,
) -> Answer {
    reading(move || {
        let run = stored::run(&state, &id)?;
        let address = frame.link(&format!("/api/v2/runs/{}", run.id));
        let previous = run.workloads.first().map(|w| state.index.previous(&run, &w.name));
        let previous = previous.transpose()?.flatten();
        let asked = request::asked(&run.folder).map(|mut asked| {
            // It is shown as it was asked for; whoever asks again has it looked at again.
            asked.checked = asked.base_url.clone().map(Checked::Url);
            asked
        });
        let page = ResultPage {
            frame: &frame,
            row: Row::new(&frame, &run),
            events: format!("{address}/events"),
            about: about(&run).map(|text| frame.sentence(&text).to_owned()).into_iter().collect(),
            errors: run.error.iter().chain(&run.damage).cloned().collect(),
            ended: run.ended.clone(),
            compare: previous
                .map(|other| frame.link(&format!("/compare?runs={},{}", other.id, run.id))),
            again: asked.is_some(),
            command: asked.and_then(|asked| planned::command(&asked).ok()),
            report: found::has_report(&run)
                .then(|| format!("{address}/report?lang={}", frame.language_code())),
            record: run.folder.join(RECORD).is_file().then(|| format!("{address}/record")),
            formats: Format::ALL.map(Format::name).into(),
        };
        frame.page(&page)
    })
    .await
}

/// Asks for the same once more. Errors: nobody has asked this service for it before.
pub async fn again(
    frame: Frame,
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<String>,
) -> Answer {
    let (own, wanted) = (Arc::clone(&state), id);
    let request = reading(move || {
        let run = stored::run(&own, &wanted)?;
        let why = bilingual!(
            "a terminal has started this run: its command is not kept",
            "터미널에서 시작한 실행이라 명령이 보관되어 있지 않음"
        );
        request::asked(&run.folder).ok_or_else(|| Refusal::not_found("no_request", why))
    });
    let id = live::queued(state, request.await?).await?;
    Ok(frame.lead_to(&format!("/runs/{id}/live")))
}

/// What a state without a verdict means.
fn about(run: &Run) -> Option<Text> {
    match run.state {
        RunState::Queued => Some(bilingual!(
            "Another run goes on: this one begins when it has ended.",
            "다른 실행이 진행 중이며, 끝나면 이 실행을 시작함."
        )),
        RunState::CutOff => Some(bilingual!(
            "Its process was killed, or the machine went down, before it could say how it ended. Every round that had ended until then is here.",
            "종료 상태를 남기기 전에 프로세스가 강제 종료되었거나 장비가 꺼짐. 그때까지 끝난 라운드는 모두 남아 있음."
        )),
        RunState::Damaged => Some(bilingual!(
            "A file of it is gone, was cut, or cannot be read. What is left is here.",
            "파일이 없거나 잘렸거나 읽을 수 없음. 남은 것은 여기에 있음."
        )),
        RunState::Ended if run.exit_code == Some(ExitStatus::Interrupted.code()) => {
            Some(bilingual!(
                "It was stopped. What was measured until then is kept.",
                "사용자가 중단함. 그때까지 측정한 것은 보관됨."
            ))
        }
        RunState::Running | RunState::Ended => None,
    }
}
