//! A refusal, for a browser that would show it: a page with the status of the refusal. Not here:
//! refusals as programs get them (`answer`).

use askama::Template;
use axum::body::Body;
use axum::http::{Response, StatusCode};

use super::frame::Frame;
use crate::lang::{Text, bilingual};
use crate::serve::answer::Refusal;

#[derive(Template)]
#[template(path = "pages/refused.html")]
struct Refused<'a> {
    frame: &'a Frame,
    heading: &'a str,
    refusal: &'a Refusal,
}

/// None where the page cannot be made: the refusal stands as it is.
pub fn page(frame: &Frame, refusal: &Refusal) -> Option<Response<Body>> {
    let heading = heading(refusal.status);
    let page = Refused { frame, heading: frame.sentence(&heading), refusal };
    let mut answer = frame.page(&page).ok()?;
    *answer.status_mut() = refusal.status;
    Some(answer)
}

fn heading(status: StatusCode) -> Text {
    match status {
        StatusCode::NOT_FOUND => bilingual!("There is nothing here", "여기에는 아무것도 없음"),
        StatusCode::UNAUTHORIZED => bilingual!("This needs the key", "키가 필요함"),
        StatusCode::CONFLICT => bilingual!("Not while it runs", "진행 중에는 할 수 없음"),
        StatusCode::TOO_MANY_REQUESTS => bilingual!("Too much at once", "요청이 너무 많음"),
        status if status.is_server_error() => bilingual!("Something failed", "오류 발생"),
        _ => bilingual!("This was refused", "거부된 요청"),
    }
}
