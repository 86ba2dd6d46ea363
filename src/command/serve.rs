//! `serve`: the service, until a signal ends it. Its key and its log's level come from the
//! environment, as the older tools have them.
#![expect(clippy::disallowed_methods, reason = "rim: reads the environment")]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use super::{output, signals};
use crate::app::targets::Reach;
use crate::app::workspace::secrets::secret;
use crate::cli::ServeArgs;
use crate::exit::ExitStatus;
use crate::lang::bilingual;
use crate::serve;
use crate::serve::settings::{BasePath, Level, Settings};

const PORT: u16 = 8085;

pub fn run(args: &ServeArgs) -> anyhow::Result<ExitStatus> {
    let base = BasePath::parse(&args.base)?;
    let settings = Settings {
        listen: args.listen.map_or_else(usual, Ok)?,
        data: args.data.data.clone(),
        database: variable("DATABASE_PATH").map(PathBuf::from),
        api_key: secret("API_KEY")?,
        hosts: args.hosts.clone(),
        origins: args.origins.clone(),
        base: base.clone(),
        reindex: args.reindex,
        reach: if args.allow_any_target { Reach::Any } else { Reach::Known },
        level: Level::parse(&variable("LOG_LEVEL").unwrap_or_default()),
    };
    let stop = signals::watch(None)?;
    serve::run(settings, &stop, |address| output::print(&format!("http://{address}{base}")))?;
    Ok(ExitStatus::Pass)
}

/// Loopback, at the port that the environment names.
fn usual() -> anyhow::Result<SocketAddr> {
    let port = match variable("PORT") {
        None => PORT,
        Some(port) => port.parse().map_err(|_| {
            anyhow::anyhow!(bilingual!(
                "the variable PORT is no port: {port:?}\nhint: a number up to 65535, or --listen IP:PORT",
                "환경 변수 PORT가 포트 번호가 아님: {port:?}\n힌트: 65535까지의 수를 쓰거나 --listen IP:PORT로 지정하십시오"
            ))
        })?,
    };
    Ok((Ipv4Addr::LOCALHOST, port).into())
}

/// None where it is empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}
