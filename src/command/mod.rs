//! One file per verb: the only place that joins core and rim.

mod accept;
mod ask;
mod attempts;
mod base;
mod baseline;
mod bench;
mod calibrate;
mod check;
mod ci;
mod comment;
mod compare;
mod doctor;
mod drawn;
mod dry_run;
pub mod ending;
mod evaluate;
mod facts;
mod gpu;
mod import;
mod init;
mod interactive;
mod job;
mod judge_case;
mod measure;
mod models;
mod next;
mod output;
mod publish;
mod rank;
mod programs;
mod raw;
mod report;
mod reviewed;
mod run;
mod schema;
mod selftest;
mod server;
mod setup;
mod side;
mod signals;
mod sim;
mod supervise;
mod target;
mod tokens;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::cli::Command;
use crate::exit::ExitStatus;
use crate::read;

pub fn run(command: Command) -> anyhow::Result<ExitStatus> {
    let ended = dispatch(command);
    if let (true, Err(e)) = (signals::quits(), &ended) {
        ending::failed(e);
    }
    signals::end_by_quit();
    ended
}

fn dispatch(command: Command) -> anyhow::Result<ExitStatus> {
    // reqwest and rustls ask for the process's provider; a second call only says that there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    raise_file_limit();
    match command {
        Command::Check(args) => check::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Comment(args) => comment::run(&args),
        Command::Accept(args) => accept::run(&args),
        Command::Baseline(command) => baseline::run(&command),
        Command::Import(args) => import::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Calibrate(args) => calibrate::run(&args),
        Command::Sim(args) => sim::run(&args),
        Command::Server(command) => server::run(&command),
        Command::Schema(args) => schema::run(&args),
        Command::Models(args) => models::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Gpu(args) => gpu::run(&args),
        Command::Selftest(args) => selftest::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Bench(command) => bench::run(&command),
        Command::Supervise(args) => supervise::run(args),
        Command::JudgeCase => {
            let input = read::to_end(std::io::stdin(), read::DATA)?;
            output::print(&judge_case::run(&String::from_utf8(input)?)?)?;
            Ok(ExitStatus::Pass)
        }
    }
}

/// Room for ten thousand connections where the hard limit allows it; where not, the soft limit stays as it is.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}
