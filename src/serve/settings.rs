//! What the service is told: where it listens, where runs lie, who may ask. Not here: where that is
//! read from (`command::serve`).

use std::net::SocketAddr;
use std::path::PathBuf;

use axum::http::Uri;
use axum::http::uri::PathAndQuery;

use crate::app::targets::Reach;
use crate::lang::bilingual;

/// Below the data directory.
const DATABASE: &str = "index.db";

/// What is said of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Every request.
    Info,
    /// Those that were refused, and those that failed.
    Warning,
    /// Those that failed.
    Error,
}

/// What stands before every path, where a reverse proxy gives the service a part of a site: `/gate`,
/// or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BasePath(String);

pub struct Settings {
    pub listen: SocketAddr,
    pub data: PathBuf,
    /// The file of the index, where it is not in the data directory.
    pub database: Option<PathBuf>,
    /// What a request must know to change something; and to read, where others than this machine
    /// can reach the service.
    pub api_key: Option<String>,
    /// Names by which it may be called beside its address and this machine's own.
    pub hosts: Vec<String>,
    /// Pages of others that may send requests: `https://gate.example`.
    pub origins: Vec<String>,
    pub base: BasePath,
    /// The index is made anew from the runs.
    pub reindex: bool,
    pub level: Level,
    /// Which servers a request may name.
    pub reach: Reach,
}

impl Settings {
    pub fn database(&self) -> PathBuf {
        self.database.clone().unwrap_or_else(|| self.data.join(DATABASE))
    }

    /// Only processes of this machine can reach it. One that goes by a further name stands behind
    /// a proxy, which others reach.
    pub fn is_local(&self) -> bool {
        self.listen.ip().is_loopback() && self.hosts.is_empty()
    }

    /// Errors: it would be open to everybody.
    pub fn check(&self) -> anyhow::Result<()> {
        let address = self.listen;
        if !self.is_local() && self.api_key.is_none() {
            anyhow::bail!(bilingual!(
                "not served on {address} without a key: whoever reaches it could read, start and delete runs\nhint: set API_KEY to a long random text, or listen on 127.0.0.1 without --allow-host",
                "키 없이 {address}에서 서비스하지 않음: 접근할 수 있는 누구나 실행을 읽고, 시작하고, 삭제할 수 있음\n힌트: API_KEY를 긴 무작위 문자열로 설정하거나 --allow-host 없이 127.0.0.1에서 대기하십시오"
            ));
        }
        Ok(())
    }
}

impl BasePath {
    /// Errors: it is no path of plain segments.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let path = text.trim_end_matches('/');
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let segment = |s: &str| !s.is_empty() && s.chars().all(plain) && s != "." && s != "..";
        let fits = match path.strip_prefix('/') {
            Some(below) => below.split('/').all(segment),
            None => path.is_empty(),
        };
        if !fits {
            anyhow::bail!(bilingual!(
                "--base-path {text:?} is no path of a site\nhint: letters, digits, '.', '_' and '-' after each slash: /gate",
                "--base-path {text:?}은 사이트의 경로가 아님\n힌트: 슬래시 뒤에 영문자, 숫자, '.', '_', '-'를 쓰십시오: /gate"
            ));
        }
        Ok(Self(path.to_owned()))
    }

    /// The path by which others reach what lies at `path` here.
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// What is asked for, as routes have it. None: it lies elsewhere.
    pub fn below(&self, uri: &Uri) -> Option<Uri> {
        if self.0.is_empty() {
            return Some(uri.clone());
        }
        let whole = uri.path_and_query()?.as_str().strip_prefix(&self.0)?;
        let below = match whole.chars().next() {
            Some('/') => whole.parse::<PathAndQuery>(),
            None | Some('?') => format!("/{whole}").parse(),
            Some(_) => return None,
        };
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(below.ok()?);
        Uri::from_parts(parts).ok()
    }
}

impl std::fmt::Display for BasePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Level {
    /// As older tools name them; what is no name is `info`.
    pub fn parse(text: &str) -> Self {
        match text.trim().to_ascii_lowercase().as_str() {
            "warn" | "warning" => Self::Warning,
            "error" | "critical" => Self::Error,
            _ => Self::Info,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_below_the_base_path_is_told_from_what_does_not() {
        let base = BasePath::parse("/gate/").unwrap();
        assert_eq!(base.link("/history"), "/gate/history");
        for (asked, below) in [
            ("/gate/history?a=1", Some("/history?a=1")),
            ("/gate", Some("/")),
            ("/gate?a=/gate", Some("/?a=/gate")),
            ("/gate//x", Some("//x")),
            ("/gatehouse", None),
            ("/", None),
            ("/GATE/x", None),
            ("/%67ate/x", None),
        ] {
            let found = base.below(&asked.parse().unwrap());
            assert_eq!(found.map(|uri| uri.to_string()).as_deref(), below, "{asked}");
        }
        let absolute = base.below(&"http://gate.example/gate/x".parse().unwrap()).unwrap();
        assert_eq!(absolute.to_string(), "http://gate.example/x");
        let none = BasePath::parse("/").unwrap();
        assert_eq!(
            (none.link("/x"), none.below(&"/x?y".parse().unwrap())),
            ("/x".into(), Some("/x?y".parse().unwrap()))
        );
        for wrong in ["gate", "//", "/a//b", "/..", "/a/../b", "/a b", "/\"><script>", "http://x/"]
        {
            let parsed = BasePath::parse(wrong);
            assert!(parsed.is_err() || wrong == "//", "{wrong}: {parsed:?}");
        }
    }
}
