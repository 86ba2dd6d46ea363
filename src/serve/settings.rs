//! What the service is told: where it listens, where runs lie, who may ask. Not here: where that is
//! read from (`command::serve`).

use std::net::SocketAddr;
use std::path::PathBuf;

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
    /// The index is made anew from the runs.
    pub reindex: bool,
    pub level: Level,
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
