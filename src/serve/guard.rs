//! Who may ask: by the name that the service is called by, the page that a request comes from, and
//! the key. Nothing of a refused request reaches a route.
//!
//! Not here: limits of size and time (`listen`).

use std::net::IpAddr;

use axum::http::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, ORIGIN, TRANSFER_ENCODING,
};
use axum::http::{HeaderMap, Method, StatusCode, request};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::answer::{LARGEST, Refusal};
use super::settings::Settings;
use super::state::State;

const KEY: &str = "x-api-key";
/// What a container or a balancer asks without a key: it tells nothing.
const OPEN: &str = "/healthz";

/// Errors: why not.
pub fn check(state: &State, request: &request::Parts) -> Result<(), Refusal> {
    let host = host(request)?;
    if !is_own(state, host) {
        return Err(Refusal::new(
            StatusCode::MISDIRECTED_REQUEST,
            "unknown_host",
            "the service does not go by this name; --allow-host NAME makes it one of its names",
        ));
    }
    let changes = !matches!(request.method, Method::GET | Method::HEAD | Method::OPTIONS);
    if changes {
        check_origin(&state.settings, host, &request.headers)?;
        check_content(&request.headers)?;
    } else {
        check_site(&request.headers)?;
    }
    let reads = request.uri.path() == OPEN || state.settings.is_local();
    match &state.settings.api_key {
        Some(key) if changes || !reads => check_key(key, &request.headers),
        _ => Ok(()),
    }
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
    let name = without_port(host).trim_end_matches('.').to_ascii_lowercase();
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>().ok();
    let here = |ip: IpAddr| ip.is_loopback() || ip == state.address.ip() && !ip.is_unspecified();
    name == "localhost"
        || address.is_some_and(here)
        || state.settings.hosts.iter().any(|own| own.eq_ignore_ascii_case(&name))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) && !name.ends_with(':') => {
            name
        }
        _ => host,
    }
}

/// A page of another site can send requests that change something, and a browser says which site's
/// it is. What is no browser says nothing.
fn check_origin(settings: &Settings, host: &str, headers: &HeaderMap) -> Result<(), Refusal> {
    let refused = || {
        Refusal::new(
            StatusCode::FORBIDDEN,
            "foreign_origin",
            "a page of another site sent this request; --allow-origin ORIGIN lets it",
        )
    };
    let fetched = headers.get("sec-fetch-site").is_none_or(|site| {
        matches!(site.as_bytes(), b"same-origin" | b"none") || headers.contains_key(ORIGIN)
    });
    let mut origins = headers.get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) if fetched => Ok(()),
        (Some(origin), None) => {
            let origin = origin.to_str().map_err(|_| refused())?;
            let own = ["http://", "https://"].iter().any(|scheme| {
                origin.strip_prefix(scheme).is_some_and(|o| o.eq_ignore_ascii_case(host))
            });
            let listed = settings.origins.iter().any(|listed| listed == origin);
            if own || listed { Ok(()) } else { Err(refused()) }
        }
        _ => Err(refused()),
    }
}

/// A form of another site sends anything but JSON.
fn check_content(headers: &HeaderMap) -> Result<(), Refusal> {
    let length = headers.get(CONTENT_LENGTH).and_then(|n| n.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|bytes| bytes > LARGEST as u64) {
        return Err(Refusal::too_large());
    }
    let has_body = headers.contains_key(TRANSFER_ENCODING) || length.is_some_and(|n| n > 0);
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if has_body && !kind.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_json",
            "a request's body is JSON: Content-Type: application/json",
        ));
    }
    Ok(())
}

fn check_key(key: &str, headers: &HeaderMap) -> Result<(), Refusal> {
    let bearer = || headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ");
    let given = headers.get(KEY).and_then(|key| key.to_str().ok()).or_else(bearer);
    // Of one length whatever was given, and compared to the end.
    let digest = |text: &str| Sha256::digest(text.as_bytes());
    let same = digest(given.unwrap_or_default()).ct_eq(&digest(key));
    if given.is_some() && bool::from(same) {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", "Invalid or missing API key"))
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
