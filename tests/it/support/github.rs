//! A small GitHub with state on loopback, below a path of its own as an enterprise server is. Not
//! here: what must hold (`github.rs`).

pub mod git;

use std::collections::BTreeMap;
use std::io::{BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

use super::http::{Request, request};
use git::Git;
use serde_json::{Value, json};

pub const TOKEN: &str = "ghs_thisIsTheSecretToken0123456789";
pub const REPO: &str = "acme/serve";
pub const ME: &str = "github-actions[bot]";
const BASE: &str = "/api/v3";

/// What goes wrong, and how often.
#[derive(Clone, Debug)]
pub struct Fault {
    pub method: &'static str,
    /// Part of the path.
    pub path: &'static str,
    pub times: usize,
    /// 0 closes the connection without a word.
    pub status: u16,
    pub headers: Vec<(&'static str, &'static str)>,
    pub message: &'static str,
    /// It is done all the same.
    pub done: bool,
}

#[derive(Default)]
pub struct State {
    pub comments: Vec<Value>,
    pub checks: Vec<Value>,
    pub statuses: Vec<Value>,
    pub pulls: Vec<Value>,
    pub git: Git,
    /// Commits whose pull requests GitHub does not know by itself, as it is with forks.
    pub unknown_commits: bool,
    /// Of whatever two commits are compared.
    pub merge_base: Option<String>,
    /// What GraphQL says of the token; `None` refuses, as a server without it does.
    pub viewer: Option<String>,
    pub faults: Vec<Fault>,
    /// Method, path and body of every request.
    pub log: Vec<(String, String, Value)>,
    next: u64,
}

#[derive(Clone)]
pub struct GitHub {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Fault {
    pub fn new(method: &'static str, path: &'static str, status: u16) -> Self {
        Self {
            method,
            path,
            times: usize::MAX,
            status,
            headers: vec![],
            message: "injected",
            done: false,
        }
    }
}

impl GitHub {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let state = State { viewer: Some(ME.into()), next: 1000, ..State::default() };
        let fake = Self { port, state: Arc::new(Mutex::new(state)) };
        let serving = fake.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let mine = serving.clone();
                std::thread::spawn(move || mine.serve(&socket));
            }
        });
        fake
    }

    pub fn api_url(&self) -> String {
        format!("http://127.0.0.1:{}{BASE}", self.port)
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds this")
    }

    pub fn pull(&self, number: u64, sha: &str, head_repo: &str) {
        self.pull_to(number, sha, head_repo, &json!({"ref": "main"}));
    }

    /// With this base, whose repository is ours.
    pub fn pull_to(&self, number: u64, sha: &str, head_repo: &str, base: &Value) {
        let repo = |name: &str| json!({"full_name": name});
        let mut pull = json!({
            "number": number, "state": "open", "head": {"sha": sha, "ref": "fast", "repo": repo(head_repo)}, "base": base,
        });
        pull["base"]["repo"] = repo(REPO);
        self.state().pulls.push(pull);
    }

    pub fn comment(&self, login: &str, body: &str) -> u64 {
        let mut state = self.state();
        state.add_comment(login, body)["id"].as_u64().expect("an id")
    }

    pub fn fault(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// Requests with this method.
    pub fn sent(&self, method: &str) -> usize {
        self.state()
            .log
            .iter()
            .filter(|(m, path, _)| m == method && !path.contains("graphql"))
            .count()
    }

    fn serve(&self, socket: &TcpStream) {
        let mut reader = BufReader::new(socket);
        while let Ok(Some(Request { method, path, headers, body })) = request(&mut reader) {
            let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
            let Some((status, extra, answer)) = self.answer(&method, &path, &headers, &body) else {
                break;
            };
            let text = if answer.is_null() { String::new() } else { answer.to_string() };
            let extra = extra.iter().fold(String::new(), |all, (k, v)| all + k + ": " + v + "\r\n");
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{extra}\r\n",
                text.len()
            );
            let mut socket = socket;
            if socket.write_all((head + &text).as_bytes()).is_err() {
                break;
            }
        }
        let _ = socket.shutdown(Shutdown::Both);
    }

    fn answer(
        &self,
        method: &str,
        path: &str,
        headers: &BTreeMap<String, String>,
        body: &Value,
    ) -> Option<Reply> {
        let mut state = self.state();
        state.log.push((method.into(), path.into(), body.clone()));
        if headers.get("authorization").is_none_or(|a| *a != format!("Bearer {TOKEN}")) {
            return Some(error(401, "Bad credentials"));
        }
        let hit = state
            .faults
            .iter_mut()
            .find(|f| f.times > 0 && f.method == method && path.contains(f.path));
        let fault = hit.map(|f| {
            f.times -= 1;
            f.clone()
        });
        if let Some(fault) = fault {
            if fault.done {
                state.handle(method, path, body);
            }
            let headers =
                fault.headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            return (fault.status > 0)
                .then(|| (fault.status, headers, json!({"message": fault.message})));
        }
        Some(state.handle(method, path, body))
    }
}

type Reply = (u16, Vec<(String, String)>, Value);

fn error(status: u16, message: &str) -> Reply {
    (
        status,
        vec![],
        json!({"message": message, "documentation_url": "https://docs.github.com/rest"}),
    )
}

const fn ok(status: u16, body: Value) -> Reply {
    (status, Vec::new(), body)
}

impl State {
    fn add_comment(&mut self, login: &str, body: &str) -> Value {
        self.next += 1;
        let kind = if login.ends_with("[bot]") { "Bot" } else { "User" };
        let comment =
            json!({"id": self.next, "body": body, "user": {"login": login, "type": kind}});
        self.comments.push(comment.clone());
        comment
    }

    fn handle(&mut self, method: &str, path: &str, body: &Value) -> Reply {
        if path == "/api/graphql" {
            return match &self.viewer {
                Some(login) => ok(200, json!({"data": {"viewer": {"login": login}}})),
                None => error(404, "Not Found"),
            };
        }
        let Some(below) = path.strip_prefix(&format!("{BASE}/repos/{REPO}")) else {
            return error(404, "Not Found");
        };
        let (route, query) = below.split_once('?').unwrap_or((below, ""));
        let parts: Vec<&str> = route.split('/').skip(1).collect();
        if let Some((status, answer)) = self.git.handle(method, &parts, query, body) {
            return ok(status, answer);
        }
        match (method, &parts[..]) {
            ("GET", [""] | []) => ok(200, json!({"full_name": REPO, "default_branch": "main"})),
            ("GET", ["issues", _, "comments"]) => page(&self.comments, query),
            ("POST", ["issues", _, "comments"]) => match text_of(body) {
                Ok(text) => {
                    let me = self.viewer.clone().unwrap_or_else(|| ME.into());
                    ok(201, self.add_comment(&me, &text))
                }
                Err(refused) => refused,
            },
            (_, ["issues", "comments", id]) => self.one_comment(method, id, body),
            ("GET", ["commits", sha, "pulls"]) if !self.unknown_commits => {
                let of = self.pulls.iter().filter(|p| p["head"]["sha"] == *sha);
                page(&of.cloned().collect::<Vec<_>>(), query)
            }
            ("GET", ["commits", _, "pulls"]) => error(422, "No commit found for SHA"),
            ("GET", ["compare", _]) => match &self.merge_base {
                Some(sha) => ok(200, json!({"merge_base_commit": {"sha": sha}})),
                None => error(404, "Not Found"),
            },
            ("GET", ["pulls"]) => page(&self.pulls, query),
            ("POST", ["pulls"]) => self.open_pull(body),
            (_, ["pulls", number]) => match self
                .pulls
                .iter_mut()
                .find(|p| p["number"].as_u64() == number.parse().ok())
            {
                Some(pull) => {
                    body.as_object().into_iter().flatten().for_each(|(k, v)| pull[k] = v.clone());
                    ok(200, pull.clone())
                }
                None => error(404, "Not Found"),
            },
            ("GET", ["commits", sha, "check-runs"]) => {
                let of: Vec<&Value> =
                    self.checks.iter().filter(|c| c["head_sha"] == *sha).collect();
                ok(200, json!({"total_count": of.len(), "check_runs": of}))
            }
            ("POST", ["check-runs"]) => {
                self.next += 1;
                let mut check = body.clone();
                check["id"] = json!(self.next);
                self.checks.push(check.clone());
                ok(201, check)
            }
            ("PATCH", ["check-runs", id]) => {
                match self.checks.iter_mut().find(|c| c["id"].as_u64() == id.parse().ok()) {
                    Some(check) => {
                        let fields = body.as_object().expect("an object");
                        fields.iter().for_each(|(k, v)| check[k] = v.clone());
                        ok(200, check.clone())
                    }
                    None => error(404, "Not Found"),
                }
            }
            ("GET", ["commits", _, "statuses"]) => ok(200, json!(self.statuses)),
            ("POST", ["statuses", _]) => {
                self.statuses.push(body.clone());
                ok(201, body.clone())
            }
            _ => error(404, "Not Found"),
        }
    }

    fn open_pull(&mut self, body: &Value) -> Reply {
        let same = |p: &Value| {
            p["state"] == "open"
                && p["head"]["ref"] == body["head"]
                && p["base"]["ref"] == body["base"]
        };
        if self.pulls.iter().any(same) {
            return error(422, "Validation Failed: A pull request already exists for acme:it.");
        }
        self.next += 1;
        let repo = json!({"full_name": REPO});
        let pull = json!({
            "number": self.next, "state": "open", "title": body["title"], "body": body["body"],
            "html_url": format!("https://github.com/{REPO}/pull/{}", self.next),
            "head": {"ref": body["head"], "repo": repo}, "base": {"ref": body["base"], "repo": repo},
        });
        self.pulls.push(pull.clone());
        ok(201, pull)
    }

    fn one_comment(&mut self, method: &str, id: &str, body: &Value) -> Reply {
        let Some(at) = self.comments.iter().position(|c| c["id"].as_u64() == id.parse().ok())
        else {
            return error(404, "Not Found");
        };
        match (method, text_of(body)) {
            ("GET", _) => ok(200, self.comments[at].clone()),
            ("DELETE", _) => {
                self.comments.remove(at);
                ok(204, Value::Null)
            }
            (_, Ok(text)) => {
                self.comments[at]["body"] = json!(text);
                ok(200, self.comments[at].clone())
            }
            (_, Err(refused)) => refused,
        }
    }
}

fn text_of(body: &Value) -> Result<String, Reply> {
    let text = body["body"].as_str().ok_or_else(|| error(422, "body is missing"))?;
    if text.chars().count() > 65_536 {
        return Err(error(422, "Validation Failed: body is too long"));
    }
    Ok(text.to_owned())
}

/// As GitHub pages, with a Link header that leads elsewhere: nobody is to follow it.
fn page(items: &[Value], query: &str) -> Reply {
    let of = |name: &str, other: usize| {
        query
            .split('&')
            .find_map(|p| p.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
            .unwrap_or(other)
    };
    let (size, number) = (of("per_page", 30).min(100), of("page", 1));
    let shown: Vec<Value> = items.iter().skip((number - 1) * size).take(size).cloned().collect();
    let more = number * size < items.len();
    let link =
        ("link".to_owned(), "<http://127.0.0.1:1/elsewhere?page=2>; rel=\"next\"".to_owned());
    (200, if more { vec![link] } else { vec![] }, Value::Array(shown))
}
