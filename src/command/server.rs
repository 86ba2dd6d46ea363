//! `server up|down|status|logs`: the config's server by hand.

use super::{args, output, signals};
use crate::app::by_hand::{self, Down, Place};
use crate::app::gate::Given;
use crate::app::workspace::Workspace;
use crate::cli::{ServerArgs, ServerCommand};
use crate::config::Flags;
use crate::exit::ExitStatus;
use crate::lang::bilingual;
use crate::print::speak;

pub fn run(command: &ServerCommand) -> anyhow::Result<ExitStatus> {
    match command {
        ServerCommand::Up(args) => up(&place(args)?),
        ServerCommand::Down(args) => down(&place(args)?),
        ServerCommand::Status(args) => status(&place(args)?),
        ServerCommand::Logs(args) => {
            by_hand::logs(&place(&args.server)?, args.lines, args.follow, output::print)?;
            Ok(ExitStatus::Pass)
        }
    }
}

fn place(args: &ServerArgs) -> anyhow::Result<Place> {
    let flags = Flags { target: args.target.clone(), ..Flags::default() };
    Place::find(&Workspace::here(), &Given { flags, ..args::file(&args.config) }, &args.out)
}

fn up(place: &Place) -> anyhow::Result<ExitStatus> {
    let Some(base_url) = by_hand::up(place, || signals::watch(None))? else {
        return Ok(ExitStatus::Interrupted);
    };
    output::tell(&base_url.into());
    Ok(ExitStatus::Pass)
}

fn down(place: &Place) -> anyhow::Result<ExitStatus> {
    speak(&match by_hand::down(place)? {
        Down::Nothing => bilingual!("nothing is up", "실행 중인 서버 없음"),
        Down::Stopped => bilingual!("stopped", "멈춤"),
        Down::WasDead => bilingual!(
            "it had ended by itself; `goodput-gate server logs` shows its last words",
            "이미 스스로 종료됨. 마지막 출력은 `goodput-gate server logs`로 확인합니다"
        ),
    });
    Ok(ExitStatus::Pass)
}

fn status(place: &Place) -> anyhow::Result<ExitStatus> {
    let Some(status) = by_hand::status(place)? else {
        output::print("down")?;
        return Ok(ExitStatus::CouldNotMeasure);
    };
    let up = status.up_s.map(|seconds| format!(", up {}", span(seconds))).unwrap_or_default();
    let (word, url, log) = (status.word, &status.base_url, status.log.display());
    output::print(&format!("{word}  {url}  process {}{up}, log {log}", status.pid))?;
    Ok(if status.is_ready() { ExitStatus::Pass } else { ExitStatus::CouldNotMeasure })
}

/// `2 h 5 min`, `5 min 3 s`, `3 s`.
fn span(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) => format!("{minutes} min {seconds} s"),
        _ => format!("{hours} h {minutes} min"),
    }
}
