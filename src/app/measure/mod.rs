//! A run, start after start, of one server or of several in turn; saved after every round. Who
//! comes when, and how many starts there are.
//!
//! Not here: judging, where the config came from, or who the sides are (`sides`).

use std::path::PathBuf;

use anyhow::Context as _;

use super::artefacts;
use super::job::Job;
use super::options::RunOptions;
use super::sides::{Pair, Side};
use super::workspace::Workspace;
use crate::config::{Config, Endpoint, Find, Fit, GateMode};
use crate::judge::Wants;
use crate::judge::plan::Plan;
use crate::lang::bilingual;
use crate::print::note;
use crate::record::facts::hypothesis;
use crate::record::{self, GitFacts, PastSession, Record, Role, WorkloadRecord};

mod facts;
mod loads;
mod once;
mod programs;
mod raw;
mod run;
pub mod target;
mod tokens;

pub use super::artefacts::{BASELINE_RECORD, RECORD};
pub use facts::client_health;
pub use loads::{digests, read_file};
pub use once::{Broken, once};
pub use run::Kept;
use run::{Run, random};

/// Folder of a run of several targets, with a folder for each.
pub const EACH: &str = "each";

/// Measures one server with everything that the config asks for. The record is saved in the output
/// folder after every round.
pub fn measure(
    here: &Workspace,
    config: &Config,
    options: &RunOptions,
    git: Option<GitFacts>,
    job: &Job,
) -> anyhow::Result<Kept<Record>> {
    capture(here, config, options, git, job, &|_| starts(config))
}

/// Looks for the highest load that meets the SLOs.
pub fn find(
    here: &Workspace,
    config: &Config,
    find: &Find,
    options: &RunOptions,
    git: Option<GitFacts>,
    job: &Job,
) -> anyhow::Result<Kept<Record>> {
    let side = Side::only(here, config, git);
    let mut run = Run::begin(config, options, job, starts(config), vec![(&side, RECORD)])?;
    of_one_side(&mut run, config);
    run.build()?;
    run.find(find).or_else(|e| if e.is::<target::Stopped>() { Ok(()) } else { Err(e) })?;
    let Kept { value: mut records, unsaved } = run.finish()?;
    Ok(Kept { value: records.pop().context("a run has one side")?, unsaved })
}

/// As [`measure`]; after the first start, when it is known what the server is, `starts` says how
/// many there are to be.
pub fn capture(
    here: &Workspace,
    config: &Config,
    options: &RunOptions,
    git: Option<GitFacts>,
    job: &Job,
    starts: &dyn Fn(&Record) -> u32,
) -> anyhow::Result<Kept<Record>> {
    let side = Side::only(here, config, git);
    let mut run = Run::begin(config, options, job, self::starts(config), vec![(&side, RECORD)])?;
    of_one_side(&mut run, config);
    run.build()?;
    let mut start = 0;
    while start < run.starts && run.start(start, &[&[0]])? {
        if start == 0 {
            run.starts = starts(&run.sides[0].record);
        }
        start += 1;
    }
    let Kept { value: mut records, unsaved } = run.finish()?;
    Ok(Kept { value: records.pop().context("a run has one side")?, unsaved })
}

/// Measures every target with the same plans, one server at a time; who comes first turns from
/// start to start. The folder and record of each, in the order of their names.
pub fn each(
    here: &Workspace,
    config: &Config,
    options: &RunOptions,
    git: Option<&GitFacts>,
    job: &Job,
) -> anyhow::Result<Kept<Vec<(PathBuf, Record)>>> {
    let sides: Vec<Side> = config
        .targets
        .values()
        .map(|target| Side::with_target(here, target.clone(), config, git.cloned()))
        .collect();
    let named: Vec<(&Side, &str)> = sides.iter().map(|side| (side, RECORD)).collect();
    let mut run = Run::begin(config, options, job, config.gate.starts, named)?;
    of_one_side(&mut run, config);
    for (measuring, name) in run.sides.iter_mut().zip(config.targets.keys()) {
        measuring.out = options.out.join(EACH).join(name);
        artefacts::prepare(&measuring.out)?;
        measuring.record.target = Some(name.clone());
        measuring.record.hypotheses = config.hypotheses.iter().map(hypothesis).collect();
        if !measuring.side.restarts() {
            // Servers that we do not start may share what lies behind them: no prompt may reach it
            // twice.
            measuring.salt = random()?;
        }
    }
    run.build()?;
    for start in 0..run.starts {
        let mut order: Vec<usize> =
            (0..sides.len()).filter(|&i| start == 0 || sides[i].restarts()).collect();
        let turn = start as usize % order.len().max(1);
        order.rotate_left(turn);
        let groups: Vec<&[usize]> = order.chunks(1).collect();
        if !run.start(start, &groups)? {
            break;
        }
    }
    let folders: Vec<PathBuf> = run.sides.iter().map(|m| m.out.clone()).collect();
    let Kept { value, unsaved } = run.finish()?;
    Ok(Kept { value: folders.into_iter().zip(value).collect(), unsaved })
}

/// What an interleaved run asks between its starts.
#[derive(Clone, Copy)]
pub struct BetweenStarts<'a> {
    /// Earlier sessions that the noise of a workload is reckoned from.
    pub history: &'a dyn Fn(&WorkloadRecord) -> Vec<PastSession>,
    /// How many start pairs a run may take, of a record of which nothing is measured yet.
    pub planned: &'a dyn Fn(&Record) -> anyhow::Result<Option<Plan>>,
    /// What to measure next, where that may decide what these two records (baseline, candidate)
    /// leave open.
    pub wanted: &'a dyn Fn(&Record, &Record) -> anyhow::Result<Option<Wants>>,
}

/// Measures both sides, start pair by start pair, until it is decided or the last look is over.
/// Baseline first in the answer.
pub fn pair(
    config: &Config,
    options: &RunOptions,
    pair: &Pair,
    job: &Job,
    between: &BetweenStarts<'_>,
) -> anyhow::Result<Kept<(Record, Record)>> {
    let [baseline, candidate] = &pair.sides;
    let sampled = pair.restarts();
    let most = if sampled { config.gate.max_pairs() } else { 1 };
    let mut run = Run::begin(
        config,
        options,
        job,
        most,
        vec![(baseline, BASELINE_RECORD), (candidate, RECORD)],
    )?;
    let at_once = config.gate.fit == Fit::Both;
    let [baseline_target, candidate_target] = pair.target_digests().map(Some);
    for (measuring, role) in run.sides.iter_mut().zip([Role::Baseline, Role::Candidate]) {
        let baseline = pair.baseline.clone();
        measuring.record.pair = Some(record::Pair {
            side: role,
            baseline,
            most_starts: most,
            planned_pairs: None,
            reach_ratio: None,
            starts_sampled: sampled,
            at_once,
            builds: None,
            baseline_target: baseline_target.clone(),
            candidate_target: candidate_target.clone(),
        });
    }
    if !sampled {
        // Servers that we do not start may share what lies behind them, a prefix cache for one: no
        // prompt may reach it twice.
        run.sides[0].salt = random()?;
    }
    run.between = sampled.then_some(*between);
    run.build()?;
    while run.measure_next(at_once, between)? {}
    let Kept { value, unsaved } = run.finish()?;
    let mut records = value.into_iter();
    Ok(Kept {
        value: records.next().zip(records.next()).context("an interleaved run has two sides")?,
        unsaved,
    })
}

/// Start pairs are what the config's check plans, and not this run.
fn of_one_side(run: &mut Run<'_>, config: &Config) {
    for measuring in &mut run.sides {
        measuring.record.policy.starts = config.gate.starts;
    }
}

/// A check against sessions sees as many starts as a PASS needs (`gate.min_starts`), where the gate
/// starts the server.
pub fn with_min_starts(config: &mut Config) {
    let restarts = !matches!(config.target.endpoint, Endpoint::Http(_));
    if config.gate.mode == GateMode::Baseline && restarts {
        config.gate.starts = config.gate.starts.max(config.gate.min_starts());
    }
}

/// Starts that a run of one side will have: a server that the gate does not start gives one.
pub fn starts(config: &Config) -> u32 {
    match config.target.endpoint {
        Endpoint::Sim(_) | Endpoint::Started(_) => config.gate.starts,
        Endpoint::Http(_) => 1,
    }
}

/// Said once before anything is sent, where the config asks for what cannot be had.
pub fn warn_of_starts(config: &Config) {
    if config.gate.starts > 1 && starts(config) == 1 {
        note(&bilingual!(
            "this server is not started by the gate, so a run is one start whatever gate.starts says",
            "게이트가 시작하지 않는 서버이므로 gate.starts와 관계없이 시작은 한 번"
        ));
    }
    if let Endpoint::Started(server) = &config.target.endpoint
        && server.container.is_none()
        && ["docker run", "podman run"].iter().any(|client| server.start.contains(client))
    {
        note(&bilingual!(
            "the container that server.start runs may outlive a killed client: name it (`--name ${{CONTAINER}}`) and say what removes it (`server.container: docker`)",
            "server.start가 띄운 컨테이너는 클라이언트가 강제 종료되면 남을 수 있음: 이름을 붙이고(`--name ${{CONTAINER}}`) 무엇으로 지울지 쓰십시오(`server.container: docker`)"
        ));
    }
}
