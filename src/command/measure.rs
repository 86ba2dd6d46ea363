//! A run: start after start, of one server or of two in turn, each workload's warm-up and rounds; saved after every round. Not here:
//! judging, where the config came from, or who the sides are (`side`).
#![expect(clippy::disallowed_methods, reason = "rim: draws the session and writes raw timelines")]

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};

use super::facts::{client_health, empty_record, raw_line, workload_record};
use super::output::{save_record, say};
use super::side::{Pair, Side};
use super::signals::Stop;
use super::target::{Stopped, Target};
use super::{output, setup, target};
use crate::cli::{LogFormat, OutputArgs};
use crate::clock::monotonic_ns;
use crate::config::{Arrival, Config, Endpoint, Fit, Workload, parse_duration};
use crate::exit::Failure;
use crate::load::progress::{Live, Style};
use crate::load::{Client, Counters, Measured, Reading};
use crate::measure::validity::{Finding, SERVER_ENDED, Severity};
use crate::measure::{SloMs, collect};
use crate::plan::{self, Plan, RoundPlan};
use crate::record::build::{Raw, round};
use crate::record::{self, GitFacts, PastSession, Record, Role, StartRecord, WorkloadRecord, keyed};
use crate::timeline::{Outcome, Timeline};

/// A run under way.
struct Run<'a> {
    config: &'a Config,
    output: &'a OutputArgs,
    traces: Vec<Option<String>>,
    stop: Stop,
    raw: Option<BufWriter<std::fs::File>>,
    /// Position in time of the next round, over all sides.
    order: u32,
    /// Starts at most.
    starts: u32,
    /// A round says that a server ended by itself.
    told: bool,
    sides: Vec<Measuring<'a>>,
}

/// A side and what was measured of it.
struct Measuring<'a> {
    side: &'a Side,
    api_key: Option<String>,
    salt: String,
    record: Record,
    file: &'static str,
}

/// One start of a side: a server that answers, and its load, ready to be sent.
struct Open {
    side: usize,
    target: Target,
    client: Client,
    ready: Vec<Ready>,
    /// When the server was started.
    began_ns: u64,
}

/// A workload whose requests are ready to be sent.
struct Ready {
    plan: Plan,
    rounds: Vec<Arc<RoundPlan>>,
    warmup: Arc<RoundPlan>,
    reading: Reading,
    slo: SloMs,
}

/// Names of the two records of an interleaved run, and of the only one of others.
pub const RECORD: &str = "record.json";
pub const BASELINE_RECORD: &str = "baseline.json";

/// METHOD section 3: the one extension, judged once.
const EXTENDED: u32 = 6;

/// Measures one server with everything that the config asks for. The record is saved in the output folder after every round.
pub fn measure(config: &Config, output: &OutputArgs, git: Option<GitFacts>) -> anyhow::Result<Record> {
    capture(config, output, git, &|_| starts(config))
}

/// As [`measure`]; after the first start, when it is known what the server is, `starts` says how many there are to be.
pub fn capture(
    config: &Config,
    output: &OutputArgs,
    git: Option<GitFacts>,
    starts: &dyn Fn(&Record) -> u32,
) -> anyhow::Result<Record> {
    let side = Side::only(config, git);
    let mut run = Run::begin(config, output, stop(output)?, self::starts(config), vec![(&side, RECORD)])?;
    run.build()?;
    let mut start = 0;
    while start < run.starts && run.start(start, &[&[0]])? {
        if start == 0 {
            run.starts = starts(&run.sides[0].record);
        }
        start += 1;
    }
    let mut records = run.finish()?;
    records.pop().context("a run has one side")
}

/// What an interleaved run asks between its starts.
pub struct Asked<'a> {
    /// Earlier sessions that the noise of a workload is reckoned from.
    pub history: &'a dyn Fn(&WorkloadRecord) -> Vec<PastSession>,
    /// Whether another start pair may decide what these two records (baseline, candidate) leave open.
    pub undecided: &'a dyn Fn(&Record, &Record) -> anyhow::Result<bool>,
}

/// Measures both sides, start pair by start pair, until it is decided or the last look is over. Baseline first in the answer.
pub fn pair(
    config: &Config,
    output: &OutputArgs,
    pair: &Pair,
    stop: Stop,
    asked: &Asked<'_>,
) -> anyhow::Result<(Record, Record)> {
    let [baseline, candidate] = &pair.sides;
    let sampled = pair.restarts();
    let looks = if sampled { config.gate.starts } else { 1 };
    let most = if config.gate.extend && looks == 3 { EXTENDED } else { looks };
    let mut run = Run::begin(config, output, stop, most, vec![(baseline, BASELINE_RECORD), (candidate, RECORD)])?;
    let at_once = config.gate.fit == Fit::Both;
    for (measuring, role) in run.sides.iter_mut().zip([Role::Baseline, Role::Candidate]) {
        let baseline = pair.baseline.clone();
        measuring.record.pair = Some(record::Pair { side: role, baseline, most_starts: most, starts_sampled: sampled, at_once });
    }
    if !sampled {
        // Servers that we do not start may share what lies behind them, a prefix cache for one: no prompt may reach it twice.
        run.sides[0].salt = plan::salt(random()?);
    }
    run.build()?;
    for start in 0..most {
        let groups: [&[usize]; 2] = if start % 2 == 0 { [&[0], &[1]] } else { [&[1], &[0]] };
        let went_on = if at_once { run.start(start, &[&[0, 1]])? } else { run.start(start, &groups)? };
        run.set_history(asked.history);
        let looked = matches!(start + 1, 1 | 2 | 3 | EXTENDED);
        if !went_on || looked && !(asked.undecided)(&run.sides[0].record, &run.sides[1].record)? {
            break;
        }
        if start + 1 == looks && most > looks {
            say("still open after three start pairs: extended once, by three more (gate.extend)");
        }
    }
    let mut records = run.finish()?.into_iter();
    records.next().zip(records.next()).context("an interleaved run has two sides")
}

/// Watches for signals and the time limit from now on.
pub fn stop(output: &OutputArgs) -> anyhow::Result<Stop> {
    let limit = output.time_limit.as_deref().map(|t| parse_duration(t).map_err(|e| anyhow::anyhow!("--time-limit: {e}")));
    super::signals::watch(limit.transpose()?)
}

impl<'a> Run<'a> {
    fn begin(
        config: &'a Config,
        output: &'a OutputArgs,
        stop: Stop,
        starts: u32,
        sides: Vec<(&'a Side, &'static str)>,
    ) -> anyhow::Result<Self> {
        let (session, salt) = (session()?, plan::salt(random()?));
        let sides = sides.into_iter().map(|(side, file)| {
            let record = empty_record(config, side.git.clone(), &session);
            Ok(Measuring { side, api_key: setup::api_key(&side.target)?, salt: salt.clone(), record, file })
        });
        let sides = sides.collect::<anyhow::Result<Vec<_>>>()?;
        let traces = config.workloads.iter().map(read_trace).collect::<Result<Vec<_>, _>>()?;
        output::prepare(&output.out)?;
        // It is written at the very end: too late to learn that it cannot be.
        output.record.as_deref().map(output::check_writable).transpose()?;
        let raw = output.raw.as_ref().map(create).transpose()?.map(BufWriter::new);
        Ok(Self { config, output, traces, stop, raw, order: 0, starts, told: false, sides })
    }

    /// Errors: exit 3, a build failed.
    fn build(&self) -> anyhow::Result<()> {
        for measuring in &self.sides {
            if self.stop.stopping() {
                return Ok(());
            }
            match target::build(measuring.side, &self.log(measuring.side, "build"), &self.stop) {
                Err(e) if e.is::<Stopped>() => return Ok(()),
                other => other?,
            }
        }
        Ok(())
    }

    /// One start of each group's sides; those of one group run at the same time. False once the run is to stop.
    fn start(&mut self, start: u32, groups: &[&[usize]]) -> anyhow::Result<bool> {
        for group in groups {
            if self.stop.stopping() {
                break;
            }
            match self.group(start, group) {
                Err(e) if e.is::<Stopped>() => break,
                other => other?,
            }
        }
        Ok(!self.stop.stopping())
    }

    fn group(&mut self, start: u32, members: &[usize]) -> anyhow::Result<()> {
        let mut open: Vec<Open> = Vec::new();
        for &side in members {
            let next = self.open(side, start).map_err(|e| match dead(&open).filter(|_| !self.stop.signalled()) {
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
                    if self.stop.stopping() {
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
        match dead(open).filter(|_| !self.told && !self.stop.signalled()) {
            Some(why) => bail!(Failure::measure(&why)),
            None => Ok(()),
        }
    }

    fn open(&mut self, side: usize, start: u32) -> anyhow::Result<Open> {
        let measuring = &self.sides[side];
        let began_ns = monotonic_ns();
        let log = self.log(measuring.side, &format!("start{}", start + 1));
        let target = Target::open(measuring.side, measuring.api_key.as_deref(), &log, &self.stop)?;
        let ready = self.prepare(side, &target, start)?;
        let workers = self.output.workers.unwrap_or_else(default_workers);
        let client = Client::new(&target.site, workers).context("cannot start the client's threads")?;
        Ok(Open { side, target, client, ready, began_ns })
    }

    fn log(&self, side: &Side, what: &str) -> PathBuf {
        self.output.out.join("logs").join(format!("{}-{what}.log", side.name))
    }

    /// Plans every workload; on the first start also adds it to the record.
    fn prepare(&mut self, side: usize, target: &Target, start: u32) -> anyhow::Result<Vec<Ready>> {
        let config = self.config;
        let Measuring { side, salt, record, .. } = &mut self.sides[side];
        // The same plan in each start, and yet no id twice in a server's log.
        let session = format!("{}{start}", record.session);
        let mut ready = Vec::new();
        for (index, (workload, trace)) in config.workloads.iter().zip(&self.traces).enumerate() {
            let extras = target.extras(workload)?;
            let input = plan::Input {
                protocol: side.target.protocol,
                model: &target.model,
                extras,
                salt,
                session: &session,
                rounds: config.gate.rounds,
                trace: trace.as_deref(),
            };
            let plan = plan::build(workload, &input)?;
            let fingerprint = target.fingerprint(&plan.digest);
            match record.workloads.get(index) {
                None => record.workloads.push(workload_record(workload, &plan, extras, fingerprint)),
                Some(known) if known.fingerprint != fingerprint => {
                    bail!(Failure::measure(&"the server changed between two starts of one run: its fingerprint differs"))
                }
                Some(_) => {}
            }
            ready.push(Ready {
                warmup: Arc::new(plan.warmup.clone()),
                rounds: plan.rounds.iter().cloned().map(Arc::new).collect(),
                reading: Reading {
                    protocol: plan.protocol,
                    stream: plan.stream,
                    timeout: plan.timeout,
                    stall_timeout: plan.stall_timeout,
                },
                slo: record.workloads[index].slo.into(),
                plan,
            });
        }
        Ok(ready)
    }

    /// Errors: no warm-up request came through, so that no measured one would.
    fn warm_up(&mut self, all: &[Open], place: usize, workload: usize, start: u32) -> anyhow::Result<()> {
        if self.stop.stopping() {
            return Ok(());
        }
        let open = &all[place];
        let sim_seed = open.target.sim_seed();
        let began_ns = if workload == 0 { open.began_ns } else { monotonic_ns() };
        if !open.ready[workload].warmup.requests.is_empty() {
            let measured = self.send(open, workload, &open.ready[workload].warmup, start, "warm-up")?;
            let failed = measured.timelines.iter().find(|t| !t.completed());
            let all_failed = measured.timelines.iter().all(|t| !t.completed());
            if let Some(why) = died(all, open, &measured.timelines) {
                bail!(Failure::measure(&why));
            }
            if let Some(first) = failed.filter(|_| all_failed && !self.stop.stopping()) {
                bail!(Failure::measure(&format!(
                    "every warm-up request failed ({}{}): {}\nhint: try one request by hand; nothing was measured",
                    first.outcome.name(),
                    status(&first.outcome),
                    first.error.as_deref().unwrap_or("no text")
                )));
            }
        }
        let setup_ms = monotonic_ns().saturating_sub(began_ns) / 1_000_000;
        let record = &mut self.sides[open.side].record.workloads[workload];
        record.starts.push(StartRecord { index: start, sim_seed, setup_ms: Some(setup_ms), rounds: Vec::new() });
        Ok(())
    }

    fn round(&mut self, all: &[Open], place: usize, workload: usize, start: u32, index: usize) -> anyhow::Result<()> {
        let open = &all[place];
        let ready = &open.ready[workload];
        let plan = &ready.rounds[index];
        let measured = self.send(open, workload, plan, start, &format!("round {}/{}", index + 1, ready.rounds.len()))?;
        let died = died(all, open, &measured.timelines);
        self.told |= died.is_some();
        let raw = Raw {
            start,
            index: u32::try_from(index).unwrap_or(u32::MAX),
            order: self.order,
            plan,
            timelines: &measured.timelines,
            began_ns: measured.began_ns,
            health: client_health(&measured),
            // That its server ended is no accident of the run: the round counts, and makes it INVALID.
            cut_short: self.stop.stopping() && died.is_none(),
        };
        self.order += 1;
        let side = &mut self.sides[open.side];
        let record = &mut side.record.workloads[workload];
        let mut stored = round(&raw, &record.load, &ready.slo);
        stored.findings.extend(died.map(|message| Finding { check: SERVER_ENDED.into(), severity: Severity::Invalid, message }));
        if let Some(last) = record.starts.last_mut() {
            last.rounds.push(stored);
        }
        // The record first: a raw file that cannot be written must not take the round with it.
        save_record(&self.output.out, side.file, &side.record).map_err(unsaved)?;
        let name = self.tag(open.side, &ready.plan.workload);
        self.write_raw(&name, start, index, &measured.timelines).map_err(unsaved)
    }

    fn send(&self, open: &Open, workload: usize, plan: &Arc<RoundPlan>, start: u32, what: &str) -> anyhow::Result<Measured> {
        let ready = &open.ready[workload];
        let slo = ready.slo;
        let counters = Arc::new(Counters::new(Box::new(move |t: &Timeline| is_good(t, &slo))));
        let planned = plan.stop_after.is_none().then_some(plan.requests.len() as u64);
        let style = match self.output.log_format {
            LogFormat::Text => Style::Text,
            LogFormat::Json => Style::Json,
        };
        let label = format!("{} start {}/{} {what}", self.tag(open.side, &ready.plan.workload), start + 1, self.starts);
        let live = Live::start(label, planned, Arc::clone(&counters), style);
        let measured = open.client.round(plan, ready.reading, &self.stop.control, &counters);
        drop(live);
        measured.map_err(|e| Failure::measure(&e).into())
    }

    /// The workload's name, and the side's where there are two.
    fn tag(&self, side: usize, workload: &str) -> String {
        if self.sides.len() == 1 { workload.to_owned() } else { format!("{workload} {}", self.sides[side].side.name) }
    }

    fn write_raw(&mut self, workload: &str, start: u32, round: usize, timelines: &[Timeline]) -> anyhow::Result<()> {
        let (Some(file), Some(path)) = (&mut self.raw, &self.output.raw) else { return Ok(()) };
        let lines = timelines.iter().try_for_each(|t| writeln!(file, "{}", raw_line(workload, start, round, t)));
        lines.and_then(|()| file.flush()).with_context(|| format!("cannot write the raw timelines to {}", path.display()))
    }

    /// Of the candidate, once its workloads are known.
    fn set_history(&mut self, history: &dyn Fn(&WorkloadRecord) -> Vec<PastSession>) {
        for workload in self.sides.last_mut().into_iter().flat_map(|side| &mut side.record.workloads) {
            workload.history = history(workload);
        }
    }

    fn finish(self) -> anyhow::Result<Vec<Record>> {
        let mut records = Vec::new();
        for Measuring { mut record, file, .. } in self.sides {
            record.interrupted = self.stop.signalled();
            for workload in &mut record.workloads {
                workload.pooled = keyed(&workload.pooled_values()?);
            }
            save_record(&self.output.out, file, &record).map_err(unsaved)?;
            records.push(record);
        }
        if let Some((path, record)) = self.output.record.as_ref().zip(records.last()) {
            output::write_atomic(path, record.to_json().as_bytes()).map_err(unsaved)?;
        }
        Ok(records)
    }
}

/// Why a server that was started is not there any more. Also of the side that waits: the run is over, and this is the last round that
/// can say why. What the measured one answered may be the first sign of its end.
fn died(all: &[Open], measured: &Open, answers: &[Timeline]) -> Option<String> {
    let ominous = |t: &Timeline| {
        matches!(t.outcome, Outcome::Connect | Outcome::Truncated | Outcome::Malformed | Outcome::HttpStatus(500..))
    };
    dead(all).or_else(|| answers.iter().any(ominous).then(|| measured.target.dying()).flatten())
}

fn dead(open: &[Open]) -> Option<String> {
    open.iter().find_map(|o| o.target.died())
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

pub fn read_trace(workload: &Workload) -> anyhow::Result<Option<String>> {
    match &workload.arrival {
        Arrival::Trace { file } => output::read(file).map(Some),
        _ => Ok(None),
    }
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

/// Half of the processors, at most four: the other half is for the server, where it runs here too.
fn default_workers() -> usize {
    std::thread::available_parallelism().map_or(1, |n| (n.get() / 2).clamp(1, 4))
}

fn is_good(t: &Timeline, slo: &SloMs) -> bool {
    let columns = crate::measure::columns::Columns::from_timelines(std::slice::from_ref(t), t.intended_ns);
    collect::meets(&columns, 0, slo)
}

/// Said once before anything is sent, where the config asks for what cannot be had.
pub fn warn_of_starts(config: &Config) {
    if config.gate.starts > 1 && starts(config) == 1 {
        say("note: this server is not started by the gate, so a run is one start whatever gate.starts says");
    }
}

/// ` 503` of a refused request, nothing of others.
fn status(outcome: &Outcome) -> String {
    match outcome {
        Outcome::HttpStatus(code) => format!(" {code}"),
        _ => String::new(),
    }
}
