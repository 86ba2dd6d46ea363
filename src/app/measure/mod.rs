//! A run: start after start, of one server or of two in turn, each workload's warm-up and rounds; saved after every round. Not here:
//! judging, where the config came from, or who the sides are (`sides`).
#![expect(clippy::disallowed_methods, reason = "rim: draws the session and writes raw timelines")]

use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};

use super::artefacts::{self, save_record};
use super::error_text::error_text;
use super::job::Job;
use super::options::RunOptions;
use super::sides::{Pair, Side};
use super::workspace::Workspace;
use super::workspace::secrets::api_key;
use crate::config::{self, Config, Endpoint, Fit, Workload};
use crate::exit::Failure;
use crate::load::most_connections;
use crate::memory;
use crate::plan;
use crate::print::say;
use crate::protocol::Dialect as _;
use crate::read;
use crate::record::facts::hypothesis;
use crate::record::{self, GitFacts, PastSession, Record, Role, WorkloadRecord, keyed};
pub use facts::client_health;
use facts::empty_record;
use gpu::Gpus;
use programs::Called;
use start::{Open, dead};
use target::Stopped;

mod facts;
mod gpu;
mod programs;
mod raw;
mod start;
pub mod target;
mod tokens;

/// A run under way.
struct Run<'a> {
    config: &'a Config,
    options: &'a RunOptions,
    /// Of each workload, the file that it names.
    files: Vec<Option<Arc<str>>>,
    job: &'a Job,
    raw: Option<BufWriter<std::fs::File>>,
    /// Position in time of the next round, over all sides.
    order: u32,
    /// Starts at most.
    starts: u32,
    /// A round says that a server ended by itself.
    told: bool,
    /// What cannot be kept of what is measured: the last reason.
    unsaved: Option<anyhow::Error>,
    /// Lines of `--raw` are among it.
    raw_lost: bool,
    sides: Vec<Measuring<'a>>,
    gpus: Gpus<'a>,
}

/// What was measured, and why it is in no file, if it is not.
pub struct Kept<T> {
    pub value: T,
    pub unsaved: Option<anyhow::Error>,
}

impl<T> Kept<T> {
    /// Errors: exit 3, it could not be saved.
    pub fn saved(self) -> anyhow::Result<T> {
        self.unsaved.map_or(Ok(self.value), Err)
    }
}

/// A side and what was measured of it.
struct Measuring<'a> {
    side: &'a Side,
    api_key: Option<String>,
    /// The salt of its first workload; the next ones follow.
    salt: u64,
    record: Record,
    /// What its server turned out to be, at its first start.
    called: Vec<Called>,
    /// Where its record and logs go.
    out: PathBuf,
    file: &'static str,
}

/// Names of the two records of an interleaved run, and of the only one of others.
pub const RECORD: &str = "record.json";
pub const BASELINE_RECORD: &str = "baseline.json";

/// Folder of a run of several targets, with a folder for each.
pub const EACH: &str = "each";

/// METHOD section 3: the one extension, judged once.
const EXTENDED: u32 = 6;

/// Measures one server with everything that the config asks for. The record is saved in the output folder after every round.
pub fn measure(
    here: &Workspace,
    config: &Config,
    options: &RunOptions,
    git: Option<GitFacts>,
    job: &Job,
) -> anyhow::Result<Kept<Record>> {
    capture(here, config, options, git, job, &|_| starts(config))
}

/// As [`measure`]; after the first start, when it is known what the server is, `starts` says how many there are to be.
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

/// Measures every target with the same plans, one server at a time; who comes first turns from start to start. The folder and record of
/// each, in the order of their names.
pub fn each(
    here: &Workspace,
    config: &Config,
    options: &RunOptions,
    git: Option<&GitFacts>,
    job: &Job,
) -> anyhow::Result<Kept<Vec<(PathBuf, Record)>>> {
    let sides: Vec<Side> =
        config.targets.values().map(|target| Side::with_target(here, target.clone(), config, git.cloned())).collect();
    let named: Vec<(&Side, &str)> = sides.iter().map(|side| (side, RECORD)).collect();
    let mut run = Run::begin(config, options, job, config.gate.starts, named)?;
    for (measuring, name) in run.sides.iter_mut().zip(config.targets.keys()) {
        measuring.out = options.out.join(EACH).join(name);
        artefacts::prepare(&measuring.out)?;
        measuring.record.target = Some(name.clone());
        measuring.record.hypotheses = config.hypotheses.iter().map(hypothesis).collect();
        if !measuring.side.restarts() {
            // Servers that we do not start may share what lies behind them: no prompt may reach it twice.
            measuring.salt = random()?;
        }
    }
    run.build()?;
    for start in 0..run.starts {
        let mut order: Vec<usize> = (0..sides.len()).filter(|&i| start == 0 || sides[i].restarts()).collect();
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
pub struct BetweenStarts<'a> {
    /// Earlier sessions that the noise of a workload is reckoned from.
    pub history: &'a dyn Fn(&WorkloadRecord) -> Vec<PastSession>,
    /// Whether another start pair may decide what these two records (baseline, candidate) leave open.
    pub undecided: &'a dyn Fn(&Record, &Record) -> anyhow::Result<bool>,
}

/// Measures both sides, start pair by start pair, until it is decided or the last look is over. Baseline first in the answer.
pub fn pair(
    config: &Config,
    options: &RunOptions,
    pair: &Pair,
    job: &Job,
    between: &BetweenStarts<'_>,
) -> anyhow::Result<Kept<(Record, Record)>> {
    let [baseline, candidate] = &pair.sides;
    let sampled = pair.restarts();
    let looks = if sampled { config.gate.starts } else { 1 };
    let most = if config.gate.extend && looks == 3 { EXTENDED } else { looks };
    let mut run = Run::begin(config, options, job, most, vec![(baseline, BASELINE_RECORD), (candidate, RECORD)])?;
    let at_once = config.gate.fit == Fit::Both;
    for (measuring, role) in run.sides.iter_mut().zip([Role::Baseline, Role::Candidate]) {
        let baseline = pair.baseline.clone();
        measuring.record.pair =
            Some(record::Pair { side: role, baseline, most_starts: most, starts_sampled: sampled, at_once, builds: None });
    }
    if !sampled {
        // Servers that we do not start may share what lies behind them, a prefix cache for one: no prompt may reach it twice.
        run.sides[0].salt = random()?;
    }
    run.build()?;
    for start in 0..most {
        let groups: [&[usize]; 2] = if start % 2 == 0 { [&[0], &[1]] } else { [&[1], &[0]] };
        let went_on = if at_once { run.start(start, &[&[0, 1]])? } else { run.start(start, &groups)? };
        run.set_history(between.history);
        run.compare_builds();
        let looked = matches!(start + 1, 1 | 2 | 3 | EXTENDED);
        if !went_on || looked && !(between.undecided)(&run.sides[0].record, &run.sides[1].record)? {
            break;
        }
        if start + 1 == looks && most > looks {
            say("still open after three start pairs: extended once, by three more (gate.extend)");
        }
    }
    let Kept { value, unsaved } = run.finish()?;
    let mut records = value.into_iter();
    Ok(Kept { value: records.next().zip(records.next()).context("an interleaved run has two sides")?, unsaved })
}

impl<'a> Run<'a> {
    fn begin(
        config: &'a Config,
        options: &'a RunOptions,
        job: &'a Job,
        starts: u32,
        sides: Vec<(&'a Side, &'static str)>,
    ) -> anyhow::Result<Self> {
        let (session, salt) = (session()?, random()?);
        let sides = sides.into_iter().map(|(side, file)| {
            let record = empty_record(config, side.git.clone(), &session);
            let api_key = api_key(&side.target)?;
            Ok(Measuring { side, api_key, salt, record, called: Vec::new(), out: options.out.clone(), file })
        });
        let sides = sides.collect::<anyhow::Result<Vec<Measuring<'a>>>>()?;
        let gpus = Gpus::open(&config.gpu, sides.iter().map(|m| m.side));
        let files = config.workloads.iter().map(read_file).collect::<Result<Vec<_>, _>>()?;
        let mut sizes = Vec::new();
        for ((workload, file), measuring) in config.workloads.iter().zip(&files).flat_map(|w| sides.iter().map(move |s| (w, s))) {
            sizes.push(fits(workload, file.as_deref(), &measuring.side.target, config.gate.rounds)?);
        }
        memory::check("this load", needed(&sizes, starts))?;
        // Nothing of an earlier run goes before it is known that this one can begin.
        artefacts::prepare(&options.out)?;
        // It is written at the very end: too late to learn that it cannot be.
        options.record.as_deref().map(artefacts::check_writable).transpose()?;
        let raw = options.raw.as_ref().map(create).transpose()?.map(BufWriter::new);
        Ok(Self { config, options, files, job, raw, order: 0, starts, told: false, unsaved: None, raw_lost: false, sides, gpus })
    }

    /// Errors: exit 3, a build failed.
    fn build(&self) -> anyhow::Result<()> {
        for measuring in &self.sides {
            if self.job.stop.stopping() {
                return Ok(());
            }
            match target::build(measuring.side, &measuring.log("build"), &self.job.stop) {
                Err(e) if e.is::<Stopped>() => return Ok(()),
                other => other?,
            }
        }
        Ok(())
    }

    /// One start of each group's sides; those of one group run at the same time. False once the run is to stop.
    fn start(&mut self, start: u32, groups: &[&[usize]]) -> anyhow::Result<bool> {
        for group in groups {
            if self.job.stop.stopping() {
                break;
            }
            match self.group(start, group) {
                Err(e) if e.is::<Stopped>() => break,
                // Whatever came of an interrupt is no result of the run.
                Err(e) if self.job.stop.signalled() => {
                    say(&error_text(&e));
                    break;
                }
                other => other.map_err(|e| about(e, group.first().and_then(|&side| self.sides[side].record.target.as_ref())))?,
            }
        }
        Ok(!self.job.stop.stopping())
    }

    fn group(&mut self, start: u32, members: &[usize]) -> anyhow::Result<()> {
        let mut open: Vec<Open> = Vec::new();
        self.gpus.note_tenants();
        for &side in members {
            let next = self.open(side, start).map_err(|e| match dead(&open).filter(|_| !self.job.stop.signalled()) {
                Some(why) => Failure::measure(&why).into(),
                None => e,
            })?;
            open.push(next);
        }
        self.rounds_of(start, &open)?;
        open.into_iter().try_for_each(|one| one.target.close())
    }

    fn rounds_of(&mut self, start: u32, open: &[Open]) -> anyhow::Result<()> {
        for workload in 0..self.config.workloads.len() {
            for place in 0..open.len() {
                self.warm_up(open, place, workload, start)?;
            }
            for index in 0..self.config.gate.rounds {
                // ABBA: which side goes first alternates from round to round and from start to start.
                let turned = (start + index) % 2 == 1;
                for place in 0..open.len() {
                    let place = if turned { open.len() - 1 - place } else { place };
                    if self.job.stop.stopping() {
                        return self.reason(open);
                    }
                    self.round(open, place, workload, start, index as usize)?;
                }
            }
        }
        Ok(())
    }

    /// Of a stop between two rounds: an error where a server's end is the reason, since no round says so.
    fn reason(&self, open: &[Open]) -> anyhow::Result<()> {
        match dead(open).filter(|_| !self.told && !self.job.stop.signalled()) {
            Some(why) => bail!(Failure::measure(&why)),
            None => Ok(()),
        }
    }

    /// Of the two sides, once both have run. What came first counts: no later start runs another program.
    fn compare_builds(&mut self) {
        let [baseline, candidate] = &mut self.sides[..] else { return };
        let builds = programs::compared(&baseline.called, &candidate.called);
        for pair in [baseline, candidate].into_iter().filter_map(|side| side.record.pair.as_mut()) {
            pair.builds.clone_from(&builds);
        }
    }

    /// Of the candidate, once its workloads are known.
    fn set_history(&mut self, history: &dyn Fn(&WorkloadRecord) -> Vec<PastSession>) {
        for workload in self.sides.last_mut().into_iter().flat_map(|side| &mut side.record.workloads) {
            workload.history = history(workload);
        }
    }

    /// A record that cannot be saved now is tried again after each round, and at the end: a verdict is not lost with it.
    fn keep(&mut self, saved: anyhow::Result<()>) {
        let Err(error) = saved else { return };
        if self.unsaved.is_none() {
            say(&format!(
                "note: {}; the measurement goes on\nhint: make room on the disk: it is tried again after each round, and at the end",
                error_text(&error)
            ));
        }
        self.unsaved = Some(unsaved(error));
    }

    fn finish(mut self) -> anyhow::Result<Kept<Vec<Record>>> {
        let mut records = Vec::new();
        // The records themselves are whole in the end, whatever failed in between; lines of `--raw` are lost.
        let mut unkept = self.unsaved.take().filter(|_| self.raw_lost);
        for Measuring { mut record, out, file, .. } in self.sides {
            record.interrupted = self.job.stop.signalled();
            for workload in &mut record.workloads {
                workload.pooled = keyed(&workload.pooled_values()?);
            }
            unkept = save_record(&out, file, &record).map_err(unsaved).err().or(unkept);
            records.push(record);
        }
        if let Some((path, record)) = self.options.record.as_ref().zip(records.last()) {
            unkept = artefacts::write_record(path, record).map_err(unsaved).err().or(unkept);
        }
        Ok(Kept { value: records, unsaved: unkept })
    }
}

/// Whose error it is, where there are several targets.
fn about(error: anyhow::Error, target: Option<&String>) -> anyhow::Error {
    match target {
        Some(name) => error.context(format!("target {name}")),
        None => error,
    }
}

impl Measuring<'_> {
    fn log(&self, what: &str) -> PathBuf {
        self.out.join("logs").join(format!("{}-{what}.log", self.side.name))
    }
}

/// Requests were sent, so it is no usage error any more: exit 3.
#[expect(clippy::needless_pass_by_value, reason = "made for map_err")]
fn unsaved(error: anyhow::Error) -> anyhow::Error {
    Failure::measure(&format!("{error:#}\nhint: make room on the disk, or write elsewhere; what was saved before is kept")).into()
}

/// Starts that a run of one side will have: a server that the gate does not start gives one.
pub fn starts(config: &Config) -> u32 {
    match config.target.endpoint {
        Endpoint::Sim(_) | Endpoint::Started(_) => config.gate.starts,
        Endpoint::Http(_) => 1,
    }
}

/// Largest file of a load: what is read is held in memory, and each of its requests again as a body.
const MAX_FILE_BYTES: u64 = 512 << 20;

/// The text of the trace or dataset that a workload names.
pub fn read_file(workload: &Workload) -> anyhow::Result<Option<Arc<str>>> {
    let Some(path) = workload.file() else { return Ok(None) };
    if let Some(text) = &workload.text {
        return Ok(Some(Arc::clone(text)));
    }
    let size = std::fs::metadata(path).map_or(0, |m| m.len());
    if size > MAX_FILE_BYTES {
        bail!(
            "{} has {} MiB, and {} MiB are read at most\nhint: take a part of it, such as its first lines",
            path.display(),
            size >> 20,
            MAX_FILE_BYTES >> 20
        );
    }
    let text = read::text(path, MAX_FILE_BYTES).with_context(|| format!("cannot read {}", path.display()));
    text.map(|text| Some(text.into())).with_context(|| format!("workload {}", workload.name))
}

/// Bytes of a request of the round that runs: its place in the plan, its body's frame, its timeline, with what they leave unused.
const RUNNING_BYTES: u64 = 1200;
/// Bytes of a request in the record, with room for what is made of it at the end.
const RECORDED_BYTES: u64 = 200;

/// Address space that the loads of all workloads and sides may take, bytes, about.
fn needed(sizes: &[plan::Size], starts: u32) -> u64 {
    let kept: u64 = sizes.iter().map(|s| s.requests.saturating_mul(u64::from(starts)).saturating_mul(RECORDED_BYTES)).sum();
    let round = |s: &plan::Size| s.round_bytes.saturating_add(s.round_requests.saturating_mul(RUNNING_BYTES));
    memory::LEAST + kept + sizes.iter().map(round).max().unwrap_or(0)
}

/// Errors: exit 2, the workload cannot be planned, or keeps more requests in flight than this process may have connections.
fn fits(workload: &Workload, file: Option<&str>, target: &config::Target, rounds: u32) -> anyhow::Result<plan::Size> {
    let (protocol, salt) = (&target.protocol, plan::salt(0));
    let extras = protocol.extras(workload.ignore_eos, workload.stream);
    let size = plan::check(
        workload,
        &plan::Input { protocol, model: "", extras, salt: &salt, session: "", rounds, file, extra_body: &target.extra_body },
    )
    .with_context(|| format!("workload {}", workload.name))?;
    let (wanted, room) = (workload.arrival.concurrency().unwrap_or(0) as usize, most_connections());
    if wanted > room {
        bail!(
            "workload {} keeps {wanted} requests in flight, and the limit of open files leaves room for {room} connections\nhint: raise it (ulimit -n {}), or lower the concurrency",
            workload.name,
            wanted + 100
        );
    }
    if let Some(likely) = workload.arrival.rate().filter(|rate| *rate > room as f64) {
        say(&format!(
            "note: the limit of open files (ulimit -n) leaves room for {room} connections, and workload {} sends {likely} requests per second: where more of them wait at once, the round is INVALID",
            workload.name
        ));
    }
    Ok(size)
}

fn create(path: impl AsRef<Path>) -> anyhow::Result<std::fs::File> {
    let path = path.as_ref();
    std::fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))
}

fn random() -> anyhow::Result<u64> {
    getrandom::u64().map_err(|e| anyhow::anyhow!("the system gives no random numbers: {e}"))
}

fn session() -> anyhow::Result<String> {
    Ok(format!("{:08x}", random()? >> 32))
}

/// Said once before anything is sent, where the config asks for what cannot be had.
pub fn warn_of_starts(config: &Config) {
    if config.gate.starts > 1 && starts(config) == 1 {
        say("note: this server is not started by the gate, so a run is one start whatever gate.starts says");
    }
    if let Endpoint::Started(server) = &config.target.endpoint
        && server.container.is_none()
        && ["docker run", "podman run"].iter().any(|client| server.start.contains(client))
    {
        say(
            "note: the container that server.start runs may outlive a killed client: name it (`--name ${CONTAINER}`) and say what removes it (`server.container: docker`)",
        );
    }
}
