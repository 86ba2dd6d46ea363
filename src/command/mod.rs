//! One thin file per verb: arguments, what `app` makes of them, what is printed, the exit code. No
//! verb uses another.

// What verbs share: arguments, questions, standard output, signals, how a process ends.
mod signals;
mod args;
mod output;
mod formats;
mod ask;
mod language;
pub mod ending;
// The verbs.
mod accept;
mod baseline;
mod bench;
mod bisect;
mod calibrate;
mod check;
mod cluster;
mod comment;
mod compare;
mod doctor;
mod gpu;
mod import;
mod init;
mod judge_case;
mod merge;
mod models;
mod recommend;
mod report;
mod run;
mod runs;
mod schema;
mod selftest;
mod serve;
mod server;
mod sim;
mod supervise;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::cli::{Cli, Command};
use crate::exit::ExitStatus;
use crate::memory;
use crate::print;

pub fn run(cli: Cli) -> anyhow::Result<ExitStatus> {
    print::set_language(language::language(&cli));
    let ended = dispatch(cli.command);
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
    memory::check("this program", memory::LEAST)?;
    match command {
        Command::Check(args) => check::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Comment(args) => comment::run(&args),
        Command::Accept(args) => accept::run(&args),
        Command::Baseline(command) => baseline::run(&command),
        Command::Import(args) => import::run(&args),
        Command::Cluster(command) => cluster::run(&command),
        Command::Merge(args) => merge::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Calibrate(args) => calibrate::run(&args),
        Command::Recommend(args) => recommend::run(&args),
        Command::Bisect(args) => bisect::run(&args),
        Command::Runs(command) => runs::run(&command),
        Command::Serve(args) => serve::run(&args),
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
        Command::JudgeCase => judge_case::run(),
    }
}

/// Room for ten thousand connections where the hard limit allows it; where not, the soft limit
/// stays as it is.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}
