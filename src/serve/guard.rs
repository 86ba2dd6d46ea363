//! Who may ask: by the name that the service is called by, the page that a request comes from, and
//! the key or the session that stands in for it. Nothing of a refused request reaches a route.
//!
//! Not here: limits of size and time (`listen`), or how a session begins (`sign_in`).

use std::net::IpAddr;

use axum::http::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, ORIGIN, TRANSFER_ENCODING, UPGRADE,
};
use axum::http::{HeaderMap, Method, StatusCode, request};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::answer::{LARGEST, Refusal};
use super::settings::Settings;
use super::state::State;

const KEY: &str = "x-api-key";
/// What a container or a balancer asks without a key, and how a browser gets at one: they tell
/// nothing.
const OPEN: [&str; 4] = ["/healthz", "/health", "/sign-in", "/sign-out"];
/// Below it are the files that the page of the sign-in loads.
const OPEN_FILES: &str = "/assets/";
/// Below it a body is JSON; elsewhere are pages, and their forms.
const PROGRAMS: &str = "/api/";

/// Which page a request says that it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sender {
    /// A page of this service.
    Own,
    /// One of `--allow-origin`.
    Listed,
    /// No browser, or a link.
    Silent,
}

/// Errors: why not.
pub fn check(state: &State, request: &request::Parts, client: IpAddr) -> Result<(), Refusal> {
    let host = host(request)?;
    if !is_own(state, host) {
        return Err(Refusal::new(
            StatusCode::MISDIRECTED_REQUEST,
            "unknown_host",
            "the service does not go by this name; --allow-host NAME makes it one of its names",
        ));
    }
    let (path, headers) = (request.uri.path(), &request.headers);
    let changes = !matches!(request.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let mut sender = Sender::Silent;
    if changes || headers.contains_key(UPGRADE) {
        sender = check_origin(&state.settings, host, headers)?;
    } else {
        check_site(headers)?;
    }
    if changes {
        check_content(path, sender, headers)?;
    }
    let open = OPEN.contains(&path) || path.starts_with(OPEN_FILES);
    let free = open || !changes && state.settings.is_local();
    if let Some(key) = state.settings.api_key.as_ref().filter(|_| !free) {
        check_right(state, key, headers, client, changes, sender)?;
    }
    if changes && !state.limits.may_change(client) {
        return Err(Refusal::too_many_changes());
    }
    Ok(())
}

/// A page of another site may link here and not load from here: it would disturb a measurement.
fn check_site(headers: &HeaderMap) -> Result<(), Refusal> {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let elsewhere = matches!(said("sec-fetch-site"), Some("cross-site" | "same-site"));
    if !elsewhere || said("sec-fetch-mode") == Some("navigate") {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::FORBIDDEN,
        "foreign_site",
        "a page of another site loads nothing from here",
    ))
}

/// The only host that the request names. Errors: none, several, or two that differ.
fn host(request: &request::Parts) -> Result<&str, Refusal> {
    let wrong = |detail| Err(Refusal::bad_request("bad_host", detail));
    let mut named = request.headers.get_all(HOST).iter();
    let (Some(host), None) = (named.next(), named.next()) else {
        return wrong("a request names one host");
    };
    let Ok(host) = host.to_str() else { return wrong("the host is no text") };
    match request.uri.authority() {
        Some(other) if other.as_str() != host => wrong("the request names two hosts"),
        _ => Ok(host),
    }
}

/// By its name without the port, which a container or a tunnel may have changed: a page of another
/// site that had its own name lead here is found out by the name.
fn is_own(state: &State, host: &str) -> bool {
    let name = name_of_host(host);
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>().ok();
    let here = |ip: IpAddr| ip.is_loopback() || ip == state.address.ip() && !ip.is_unspecified();
    name == "localhost" || address.is_some_and(here) || is_proxied(&state.settings, &name)
}

/// It is one of `--allow-host`.
fn is_proxied(settings: &Settings, name: &str) -> bool {
    settings.hosts.iter().any(|own| own.eq_ignore_ascii_case(name))
}

fn name_of_host(host: &str) -> String {
    without_port(host).trim_end_matches('.').to_ascii_lowercase()
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) && !name.ends_with(':') => {
            name
        }
        _ => host,
    }
}

/// The browser speaks https to the proxy of an allowed name, which says so.
pub fn is_https(settings: &Settings, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    text("x-forwarded-proto") == Some("https")
        && text("host").is_some_and(|host| is_proxied(settings, &name_of_host(host)))
}

/// A page of another site can send requests that change something, and a browser says which site's
/// it is. What is no browser says nothing.
fn check_origin(settings: &Settings, host: &str, headers: &HeaderMap) -> Result<Sender, Refusal> {
    let fetched = headers.get("sec-fetch-site").is_none_or(|site| {
        matches!(site.as_bytes(), b"same-origin" | b"none") || headers.contains_key(ORIGIN)
    });
    let mut origins = headers.get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) if fetched => Ok(Sender::Silent),
        (Some(origin), None) => {
            let origin = origin.to_str().map_err(|_| foreign())?;
            let own = ["http://", "https://"].iter().any(|scheme| {
                origin.strip_prefix(scheme).is_some_and(|o| o.eq_ignore_ascii_case(host))
            });
            match settings.origins.iter().any(|listed| listed == origin) {
                _ if own => Ok(Sender::Own),
                true => Ok(Sender::Listed),
                false => Err(foreign()),
            }
        }
        _ => Err(foreign()),
    }
}

fn foreign() -> Refusal {
    Refusal::new(
        StatusCode::FORBIDDEN,
        "foreign_origin",
        "a page of another site sent this request; --allow-origin ORIGIN lets it",
    )
}

/// A form of another site sends anything but JSON; a form of our own says that it is.
fn check_content(path: &str, sender: Sender, headers: &HeaderMap) -> Result<(), Refusal> {
    let length = headers.get(CONTENT_LENGTH).and_then(|n| n.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|bytes| bytes > LARGEST as u64) {
        return Err(Refusal::too_large());
    }
    let has_body = headers.contains_key(TRANSFER_ENCODING) || length.is_some_and(|n| n > 0);
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let own_form = sender == Sender::Own && !path.starts_with(PROGRAMS);
    match &*kind {
        "application/json" => Ok(()),
        "application/x-www-form-urlencoded" if own_form => Ok(()),
        _ if !has_body => Ok(()),
        _ => Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_json",
            "a request's body is JSON: Content-Type: application/json",
        )),
    }
}

/// By the key; or by a session, whose cookie a browser adds by itself: so what changes something
/// must be from a page of our own.
fn check_right(
    state: &State,
    key: &str,
    headers: &HeaderMap,
    client: IpAddr,
    changes: bool,
    sender: Sender,
) -> Result<(), Refusal> {
    let bearer = || headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ");
    let given = headers.get(KEY).and_then(|key| key.to_str().ok()).or_else(bearer);
    match given {
        Some(given) => check_key(state, key, given, client),
        None if !is_signed_in(state, headers) => Err(unauthorized()),
        None if changes && sender != Sender::Own => Err(foreign()),
        None => Ok(()),
    }
}

/// Errors: it is another, or this client has tried too many.
pub fn check_key(state: &State, key: &str, given: &str, client: IpAddr) -> Result<(), Refusal> {
    if !state.limits.may_try_key(client) {
        return Err(Refusal::too_many_keys());
    }
    // Of one length whatever was given, and compared to the end.
    let digest = |text: &str| Sha256::digest(text.as_bytes());
    if bool::from(digest(given).ct_eq(&digest(key))) {
        return Ok(());
    }
    state.limits.count_wrong_key(client);
    Err(unauthorized())
}

fn unauthorized() -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", "Invalid or missing API key")
}

/// Whether the browser has a session of this service.
pub fn is_signed_in(state: &State, headers: &HeaderMap) -> bool {
    session(state, headers).is_some_and(|token| state.sessions.has(token))
}

/// What the browser says that its session is.
pub fn session<'h>(state: &State, headers: &'h HeaderMap) -> Option<&'h str> {
    let name = cookie(state);
    let all = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    all.flat_map(|line| line.split(';'))
        .find_map(|one| one.trim().strip_prefix(&*name)?.strip_prefix('='))
}

/// Its name. Browsers do not tell ports apart: two services of one machine are.
pub fn cookie(state: &State) -> String {
    format!("goodput_gate_{}", state.address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_from_its_port() {
        for (host, name) in [
            ("localhost:8085", "localhost"),
            ("gate.example", "gate.example"),
            ("[::1]:8085", "[::1]"),
            ("[::1]", "[::1]"),
            ("127.0.0.1:80", "127.0.0.1"),
        ] {
            assert_eq!(without_port(host), name, "{host}");
        }
    }
}
