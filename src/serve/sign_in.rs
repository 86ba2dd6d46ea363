//! How a browser shows that it may ask: it sends the key once, and gets a cookie that stands in for
//! it. Not here: what needs the key (`guard`).

use std::net::IpAddr;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State as Shared};
use axum::http::header::{HeaderValue, SET_COOKIE};
use axum::http::{HeaderMap, Method, Response, StatusCode, request};
use serde::Deserialize;

use super::answer::{self, Answer, Refusal};
use super::guard;
use super::pages::frame::{Frame, wants_page};
use super::sessions;
use super::state::State;

type Service = Shared<Arc<State>>;

/// Who asks, as its connection has it.
#[derive(Clone, Copy)]
pub struct Client(pub IpAddr);

#[derive(Deserialize)]
pub struct Asked {
    next: Option<String>,
}

#[derive(Deserialize)]
pub struct Given {
    key: String,
    next: Option<String>,
}

#[derive(askama::Template)]
#[template(path = "sign_in.html")]
struct Page<'a> {
    frame: &'a Frame,
    next: &'a str,
    /// Why there is no session yet, where one was asked for.
    refused: Option<&'static str>,
}

/// Where a browser that lacks the key is led to, in the place of a page. None: it is no browser
/// that asks for a page.
pub fn instead(state: &State, request: &request::Parts) -> Option<Response<Body>> {
    let path = request.uri.path();
    let reads = request.method == Method::GET;
    let is_page = reads && !path.starts_with("/api/") && path != "/metrics";
    if !is_page || !wants_page(&request.headers) {
        return None;
    }
    let next = request.uri.path_and_query().map_or(path, |all| all.as_str());
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    Some(answer::see_other(&state.link(&format!("/sign-in?next={next}"))))
}

pub async fn page(
    Shared(state): Service,
    frame: Frame,
    headers: HeaderMap,
    query: Result<Query<Asked>, QueryRejection>,
) -> Answer {
    let next = query.ok().and_then(|Query(asked)| asked.next);
    let next = local(next.as_deref());
    if state.settings.api_key.is_none() || guard::is_signed_in(&state, &headers) {
        return Ok(frame.lead_to(next));
    }
    shown(&frame, next, None)
}

pub async fn sign_in(
    Shared(state): Service,
    Extension(Client(client)): Extension<Client>,
    frame: Frame,
    headers: HeaderMap,
    form: Result<Form<Given>, FormRejection>,
) -> Answer {
    let Form(given) = form.map_err(|why| Refusal::bad_request("bad_request", why.body_text()))?;
    let next = local(given.next.as_deref());
    let Some(key) = &state.settings.api_key else {
        return Ok(frame.lead_to(next));
    };
    if let Err(refusal) = guard::check_key(&state, key, &given.key, client) {
        return shown(&frame, next, Some(refusal));
    }
    let token = state.sessions.begin()?;
    let mut answer = frame.lead_to(next);
    set_cookie(&state, &headers, &mut answer, &token, sessions::SECONDS)?;
    Ok(answer)
}

pub async fn sign_out(Shared(state): Service, headers: HeaderMap) -> Answer {
    if let Some(token) = guard::session(&state, &headers) {
        state.sessions.end(token);
    }
    let mut answer = answer::see_other(&state.link("/sign-in"));
    set_cookie(&state, &headers, &mut answer, "", 0)?;
    Ok(answer)
}

fn set_cookie(
    state: &State,
    headers: &HeaderMap,
    answer: &mut Response<Body>,
    token: &str,
    seconds: u64,
) -> Result<(), Refusal> {
    let (name, path) = (guard::cookie(state), state.link("/"));
    let secure = if guard::is_https(&state.settings, headers) { "; Secure" } else { "" };
    let cookie = format!(
        "{name}={token}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
    );
    let cookie = HeaderValue::from_str(&cookie).map_err(anyhow::Error::from)?;
    answer.headers_mut().insert(SET_COOKIE, cookie);
    Ok(())
}

fn shown(frame: &Frame, next: &str, refused: Option<Refusal>) -> Answer {
    let status = refused.as_ref().map_or(StatusCode::OK, |refusal| refusal.status);
    let mut answer =
        frame.page(&Page { frame, next, refused: refused.map(|refusal| refusal.code) })?;
    *answer.status_mut() = status;
    Ok(answer)
}

/// A path of this service; what leads elsewhere is none.
fn local(next: Option<&str>) -> &str {
    let path = next.unwrap_or("/");
    let plain = path.chars().all(|c| c.is_ascii_graphic() && c != '\\');
    if plain && path.starts_with('/') && !path.starts_with("//") { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere() {
        for (next, led) in [
            (Some("/history?a=1&b=%2F"), "/history?a=1&b=%2F"),
            (Some("//evil.example"), "/"),
            (Some("/\\evil.example"), "/"),
            (Some("https://evil.example"), "/"),
            (Some("/\tevil"), "/"),
            (Some("/a\r\nSet-Cookie: x"), "/"),
            (Some("javascript:alert(1)"), "/"),
            (Some(""), "/"),
            (None, "/"),
        ] {
            assert_eq!(local(next), led, "{next:?}");
        }
    }
}
