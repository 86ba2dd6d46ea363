//! How the service speaks: JSON, errors as `{"detail", "code"}`, and the headers that every answer
//! has. Not here: what is answered.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderName, Response, StatusCode};
use axum::response::IntoResponse;
use hyper::body::{Bytes, Frame};
use serde::Serialize;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::spawn_blocking;

use crate::app::error_text;
use crate::lang::Text;
use crate::read::Parts;

/// Bytes of a request's body at most.
pub const LARGEST: usize = 1 << 20;

/// Parts of a file that are read before somebody takes them.
const PARTS: usize = 2;

pub type Answer = Result<Response<Body>, Refusal>;

/// Why there is no other answer. `detail` is for people, `code` for programs: it does not change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub status: StatusCode,
    pub code: &'static str,
    pub detail: Text,
}

/// Nothing is loaded from anywhere else, and nobody shows these pages within his own.
const POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// A report's page brings its own script and style, and foreign names in its text: it runs apart
/// from the service, with no way to it, also within the page of its run.
pub const REPORT_POLICY: &str = "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'";

const ALWAYS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

impl Refusal {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<Text>) -> Self {
        Self { status, code, detail: detail.into() }
    }

    pub fn not_found(code: &'static str, detail: impl Into<Text>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    pub fn too_large() -> Self {
        let detail = format!("a request has at most {LARGEST} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    }

    /// Of one client, or of all that follow runs.
    fn too_many(code: &'static str, detail: &str) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, code, detail)
    }

    pub fn too_many_changes() -> Self {
        Self::too_many("too_many_requests", "too many changes at once: wait a second")
    }

    pub fn too_many_keys() -> Self {
        Self::too_many("too_many_keys", "too many wrong keys: wait some seconds")
    }

    pub fn too_many_followers() -> Self {
        Self::too_many("too_many_followers", "too many follow runs already: ask for progress")
    }

    pub fn bad_request(code: &'static str, detail: impl Into<Text>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }
}

/// What failed here, and is no fault of the request's.
impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        let detail = error_text::text(&error);
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", detail)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response<Body> {
        let said = serde_json::json!({"detail": self.detail.en, "code": self.code});
        let mut answer = bytes("application/json", said.to_string().into_bytes());
        *answer.status_mut() = self.status;
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("ApiKey");
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        // For the log, and for a browser, which gets a page.
        answer.extensions_mut().insert(self);
        answer
    }
}

pub fn json(value: &impl Serialize) -> Answer {
    let text = serde_json::to_vec(value).map_err(anyhow::Error::from)?;
    Ok(bytes("application/json", text))
}

/// Leads a browser to a path of this service, which `State::link` has made.
pub fn see_other(link: &str) -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(place) = HeaderValue::from_str(link) {
        answer.headers_mut().insert(header::LOCATION, place);
    }
    answer
}

pub fn bytes(kind: &'static str, body: Vec<u8>) -> Response<Body> {
    let mut answer = Response::new(Body::from(body));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

/// A file as its reader takes it. Where it cannot be read to its end, the connection breaks: nobody
/// takes a part for the whole.
pub fn file(kind: &'static str, mut parts: Parts) -> Response<Body> {
    let length = HeaderValue::from(parts.bytes());
    let (send, receive) = channel(PARTS);
    tokio::spawn(async move {
        loop {
            let read = spawn_blocking(move || {
                let part = parts.next_part();
                (parts, part)
            });
            let Ok((rest, Ok(Some(part)))) = read.await else { return };
            parts = rest;
            if send.send(part.into()).await.is_err() {
                return;
            }
        }
    });
    let mut answer = Response::new(Body::new(Received(receive)));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer.headers_mut().insert(header::CONTENT_LENGTH, length);
    answer
}

/// A body of what is received.
pub struct Received(pub Receiver<Bytes>);

impl hyper::body::Body for Received {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// What every answer has, whoever made it.
pub fn complete(answer: &mut Response<Body>, request_id: &str) {
    let headers = answer.headers_mut();
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    // What is measured may be deleted, and who may read it may change.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
}
