//! Connections: how many there are, how long a request may take, and that all end when the service
//! does. Each request goes through the guard to its route and is logged.
//!
//! Not here: who may ask (`guard`), or what is answered (`api`).

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode, request};
use axum::response::IntoResponse as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::answer::{self, Refusal};
use super::log::{self, Entry};
use super::pages::{self, frame::Frame};
use super::sign_in::{self, Client};
use super::stall::Stalling;
use super::state::State;
use super::{api, guard};
use crate::app::runs::file::Id;
use crate::app::stop::Stop;
use crate::clock::monotonic_ns;

/// Those beyond wait until one of these ends.
const CONNECTIONS: usize = 1024;
/// A client that sends its head more slowly is none.
const HEAD: Duration = Duration::from_secs(10);
const REQUEST: Duration = Duration::from_secs(30);
/// A client that takes nothing of its answer for so long is none, either.
const WRITE: Duration = Duration::from_secs(30);
/// What is under way may end by itself, once the service is told to stop.
const GRACE: Duration = Duration::from_secs(10);
const HEADERS: usize = 64;
const HEAD_BYTES: usize = 32 << 10;
/// After an accept that failed, for want of files say.
const BREATH: Duration = Duration::from_millis(100);

/// Returns once the service was told to stop and what was under way has ended.
pub async fn serve(listener: TcpListener, state: Arc<State>, stop: &Stop) {
    let routes = api::routes(Arc::clone(&state));
    let (room, ending) = (Arc::new(Semaphore::new(CONNECTIONS)), watch::Sender::new(false));
    let stopped = stop.requested();
    tokio::pin!(stopped);
    loop {
        let accepted = async {
            let place = Arc::clone(&room).acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            () = &mut stopped => break,
            (place, accepted) = accepted => match accepted {
                Ok((stream, peer)) => {
                    let served = connection(stream, peer, &state, &routes, ending.subscribe());
                    let state = Arc::clone(&state);
                    tokio::spawn(async move {
                        state.counts.connections.fetch_add(1, Ordering::Relaxed);
                        served.await;
                        state.counts.connections.fetch_sub(1, Ordering::Relaxed);
                        drop(place);
                    });
                }
                Err(_) => sleep(BREATH).await,
            },
        }
    }
    drop(listener);
    // What is measured drains first: whoever follows it hears the end.
    let closing = Arc::clone(&state);
    let _ = tokio::task::spawn_blocking(move || closing.queue.close()).await;
    ending.send_replace(true);
    // Each connection has a receiver.
    let _ = timeout(GRACE, ending.closed()).await;
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    state: &Arc<State>,
    routes: &Router,
    mut ending: watch::Receiver<bool>,
) -> impl Future<Output = ()> + Send + use<> {
    // Answers are small, and somebody waits for them.
    let _ = stream.set_nodelay(true);
    let (state, routes) = (Arc::clone(state), routes.clone());
    let answer = service_fn(move |request: Request<Incoming>| {
        let (state, routes) = (Arc::clone(&state), routes.clone());
        async move { Ok::<_, Infallible>(answered(state, routes, peer, request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_headers(HEADERS)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(Stalling::new(stream, WRITE)), answer)
        .with_upgrades();
    async move {
        tokio::pin!(served);
        // A client that went away in between is nobody's fault.
        tokio::select! {
            _ = &mut served => return,
            _ = ending.wait_for(|ends| *ends) => served.as_mut().graceful_shutdown(),
        }
        let _ = served.await;
    }
}

async fn answered(
    state: Arc<State>,
    routes: Router,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Response<Body> {
    let began = monotonic_ns();
    let request_id = Id::draw().map(String::from).unwrap_or_default();
    let (mut head, body) = request.into_parts();
    let (method, path) = (head.method.clone(), head.uri.path().to_owned());
    let below = state.settings.base.below(&head.uri);
    let is_ours = below.is_some();
    head.uri = below.unwrap_or(head.uri);
    head.extensions.insert(Client(peer.ip()));
    let frame = Frame::for_browser(&state, &head);
    let mut answer = match guard::check(&state, &head, peer.ip()) {
        Err(refusal) => refused(&state, &head, refusal),
        Ok(()) if is_ours => routed(routes, Request::from_parts(head, Body::new(body))).await,
        Ok(()) => api::absent(&path).into_response(),
    };
    let refusal = answer.extensions_mut().remove::<Refusal>();
    let page =
        frame.zip(refusal.as_ref()).and_then(|(frame, why)| pages::refused::page(&frame, why));
    answer = page.unwrap_or(answer);
    let code = refusal.map(|refusal| refusal.code);
    answer::complete(&mut answer, &request_id);
    let (status, duration_ns) = (answer.status().as_u16(), monotonic_ns() - began);
    state.counts.busy_ns.fetch_add(duration_ns, Ordering::Relaxed);
    if let Some(count) = state.counts.answers.get(usize::from(status / 100)) {
        count.fetch_add(1, Ordering::Relaxed);
    }
    let (method, client) = (method.as_str(), peer.ip());
    let entry =
        Entry { request_id: &request_id, method, path: &path, client, status, duration_ns, code };
    log::request(state.settings.level, &entry);
    answer
}

/// A browser that lacks the key and asks for a page is led to where it can give it.
fn refused(state: &State, head: &request::Parts, refusal: Refusal) -> Response<Body> {
    let unknown = refusal.status == StatusCode::UNAUTHORIZED;
    let led = if unknown { sign_in::instead(state, head) } else { None };
    led.unwrap_or_else(|| refusal.into_response())
}

/// On a task of its own, so that a bug in a route is an answer, too.
async fn routed(routes: Router, request: Request<Body>) -> Response<Body> {
    let mut route = tokio::spawn(TowerToHyperService::new(routes).call(request));
    match timeout(REQUEST, &mut route).await {
        Ok(Ok(Ok(answer))) => answer,
        Ok(_) => {
            let detail = "a bug of goodput-gate; its standard error says where";
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", detail)
                .into_response()
        }
        Err(_) => {
            route.abort();
            let detail = format!("the request took longer than {} s", REQUEST.as_secs());
            Refusal::new(StatusCode::REQUEST_TIMEOUT, "timeout", detail).into_response()
        }
    }
}
