//! A run: for each start, each workload's warm-up and rounds, saved after every round. Not here: judging, or where the config came from.
#![expect(clippy::disallowed_methods, reason = "rim: draws the session and writes raw timelines")]

use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};

use super::facts::{arrival, client_health, empty_record, raw_line, workload_record};
use super::output::{save_record, say};
use super::signals::Stop;
use super::target::{Stopped, Target};
use super::{output, setup};
use crate::cli::{LogFormat, OutputArgs};
use crate::config::{Arrival, Config, Endpoint, Workload, parse_duration};
use crate::exit::Failure;
use crate::load::progress::{Live, Style};
use crate::load::{Client, Counters, Measured, Reading};
use crate::measure::{SloMs, collect};
use crate::plan::{self, Plan, RoundPlan};
use crate::protocol::Extras;
use crate::record::build::{Raw, round};
use crate::record::{GitFacts, Record, StartRecord, keyed};
use crate::timeline::{Outcome, Timeline};

/// A run under way.
pub struct Run<'a> {
    config: &'a Config,
    output: &'a OutputArgs,
    api_key: Option<String>,
    salt: String,
    stop: Stop,
    record: Record,
    raw: Option<BufWriter<std::fs::File>>,
    order: u32,
}

/// A workload whose requests are ready to be sent.
struct Ready {
    plan: Plan,
    rounds: Vec<Arc<RoundPlan>>,
    warmup: Arc<RoundPlan>,
    reading: Reading,
    slo: SloMs,
    /// Index in the record.
    index: usize,
}

/// Measures everything that the config asks for. The record is saved in the output folder after every round.
pub fn measure(config: &Config, output: &OutputArgs, git: Option<GitFacts>) -> anyhow::Result<Record> {
    let limit =
        output.time_limit.as_deref().map(|t| parse_duration(t).map_err(|e| anyhow::anyhow!("--time-limit: {e}"))).transpose()?;
    let api_key = setup::api_key(config)?;
    let traces = config.workloads.iter().map(read_trace).collect::<Result<Vec<_>, _>>()?;
    output::prepare(&output.out)?;
    // It is written at the very end: too late to learn that it cannot be.
    output.record.as_deref().map(output::check_writable).transpose()?;
    let raw = output.raw.as_ref().map(create).transpose()?.map(BufWriter::new);
    let mut run = Run {
        config,
        output,
        api_key,
        salt: plan::salt(random()?),
        stop: super::signals::watch(limit)?,
        record: empty_record(config, git, &session()?),
        raw,
        order: 0,
    };
    for start in 0..starts(config) {
        if run.stop.stopping() {
            break;
        }
        match run.start(start, &traces) {
            Err(e) if e.is::<Stopped>() => break,
            other => other?,
        }
    }
    run.finish()
}

/// Prints what would be done.
pub fn dry_run(config: &Config) -> anyhow::Result<String> {
    let starts = starts(config);
    let mut lines = vec![format!("{starts} start(s), {} round(s) each; nothing is sent", config.gate.rounds)];
    let mut seconds = Some(0.0);
    for workload in &config.workloads {
        let trace = read_trace(workload)?;
        let extras = Extras { ignore_eos: workload.ignore_eos, min_tokens: workload.ignore_eos, stream_usage: workload.stream };
        let salt = plan::salt(0);
        let input = input(config, "MODEL", extras, &salt, "dry", trace.as_deref());
        let plan = plan::build(workload, &input)?;
        let d = plan::describe(&plan);
        let per_round = d.rounds.first().map_or(0, |r| r.requests);
        let time: Option<f64> = d.rounds.iter().chain([&d.warmup]).map(|r| r.seconds).sum();
        // A closed loop by duration plans more than it will send: what is planned is then only the most that it could be.
        let most = |round: &RoundPlan| if round.stop_after.is_some() { "at most " } else { "" };
        let all = if plan.rounds.iter().chain([&plan.warmup]).any(|r| r.stop_after.is_some()) { "at most " } else { "" };
        lines.push(format!(
            "{}: {}; {}{per_round} requests per round, {}{} of warm-up; {all}{} input and {} output tokens per start; plan {}",
            d.workload,
            arrival(&workload.arrival),
            plan.rounds.first().map_or("", most),
            most(&plan.warmup),
            d.warmup.requests,
            d.input_tokens,
            d.output_tokens,
            &plan.digest[..12],
        ));
        seconds = seconds.zip(time).map(|(a, b)| a + b);
    }
    lines.push(match seconds {
        Some(s) => format!("expected: {:.1} minutes of load, and the time of the last answers", s * f64::from(starts) / 60.0),
        None => "expected: as long as the server takes for a closed loop by number of requests".into(),
    });
    Ok(lines.join("\n"))
}

impl Run<'_> {
    fn start(&mut self, start: u32, traces: &[Option<String>]) -> anyhow::Result<()> {
        let target = Target::open(self.config, self.api_key.as_deref(), &self.stop)?;
        let ready = self.prepare(&target, traces, start)?;
        let workers = self.output.workers.unwrap_or_else(default_workers);
        let client = Client::new(&target.site, workers).context("cannot start the client's threads")?;
        for workload in ready {
            if self.stop.stopping() {
                break;
            }
            let sim_seed = target.sim.as_ref().map(|s| s.seed);
            self.record.workloads[workload.index].starts.push(StartRecord { index: start, sim_seed, rounds: Vec::new() });
            self.warm_up(&client, &workload, start)?;
            for index in 0..workload.rounds.len() {
                if self.stop.stopping() {
                    break;
                }
                self.round(&client, &workload, start, index)?;
            }
        }
        Ok(())
    }

    /// Plans every workload; on the first start also adds it to the record.
    fn prepare(&mut self, target: &Target, traces: &[Option<String>], start: u32) -> anyhow::Result<Vec<Ready>> {
        // The same plan in each start, and yet no id twice in a server's log.
        let session = format!("{}{start}", self.record.session);
        let mut ready = Vec::new();
        for (index, (workload, trace)) in self.config.workloads.iter().zip(traces).enumerate() {
            let extras = target.extras(self.config, workload)?;
            let input = input(self.config, &target.model, extras, &self.salt, &session, trace.as_deref());
            let plan = plan::build(workload, &input)?;
            let fingerprint = target.fingerprint(self.config, &plan.digest);
            match self.record.workloads.get(index) {
                None => self.record.workloads.push(workload_record(workload, &plan, extras, fingerprint)),
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
                slo: self.record.workloads[index].slo.into(),
                plan,
                index,
            });
        }
        Ok(ready)
    }

    /// Errors: no warm-up request came through, so that no measured one would.
    fn warm_up(&mut self, client: &Client, workload: &Ready, start: u32) -> anyhow::Result<()> {
        if workload.warmup.requests.is_empty() {
            return Ok(());
        }
        let label = format!("{} start {}/{} warm-up", workload.plan.workload, start + 1, starts(self.config));
        let measured = self.send(client, workload, &workload.warmup, label)?;
        let failed = measured.timelines.iter().find(|t| !t.completed());
        let all_failed = measured.timelines.iter().all(|t| !t.completed());
        if let Some(first) = failed.filter(|_| all_failed && !self.stop.stopping()) {
            bail!(Failure::measure(&format!(
                "every warm-up request failed ({}{}): {}\nhint: try one request by hand; nothing was measured",
                first.outcome.name(),
                status(&first.outcome),
                first.error.as_deref().unwrap_or("no text")
            )));
        }
        Ok(())
    }

    fn round(&mut self, client: &Client, workload: &Ready, start: u32, index: usize) -> anyhow::Result<()> {
        let plan = &workload.rounds[index];
        let of = workload.rounds.len();
        let label = format!("{} start {}/{} round {}/{of}", workload.plan.workload, start + 1, starts(self.config), index + 1);
        let measured = self.send(client, workload, plan, label)?;
        let raw = Raw {
            start,
            index: u32::try_from(index).unwrap_or(u32::MAX),
            order: self.order,
            plan,
            timelines: &measured.timelines,
            began_ns: measured.began_ns,
            health: client_health(&measured),
            cut_short: self.stop.stopping(),
        };
        self.order += 1;
        let record = &mut self.record.workloads[workload.index];
        let stored = round(&raw, &record.load, &workload.slo);
        if let Some(last) = record.starts.last_mut() {
            last.rounds.push(stored);
        }
        // The record first: a raw file that cannot be written must not take the round with it.
        save_record(&self.output.out, &self.record).map_err(unsaved)?;
        self.write_raw(&workload.plan.workload, start, index, &measured.timelines).map_err(unsaved)
    }

    fn send(&self, client: &Client, workload: &Ready, plan: &Arc<RoundPlan>, label: String) -> anyhow::Result<Measured> {
        let slo = workload.slo;
        let counters = Arc::new(Counters::new(Box::new(move |t: &Timeline| is_good(t, &slo))));
        let planned = plan.stop_after.is_none().then_some(plan.requests.len() as u64);
        let style = match self.output.log_format {
            LogFormat::Text => Style::Text,
            LogFormat::Json => Style::Json,
        };
        let live = Live::start(label, planned, Arc::clone(&counters), style);
        let measured = client.round(plan, workload.reading, &self.stop.control, &counters);
        drop(live);
        measured.map_err(|e| Failure::measure(&e).into())
    }

    fn write_raw(&mut self, workload: &str, start: u32, round: usize, timelines: &[Timeline]) -> anyhow::Result<()> {
        let (Some(file), Some(path)) = (&mut self.raw, &self.output.raw) else { return Ok(()) };
        let lines = timelines.iter().try_for_each(|t| writeln!(file, "{}", raw_line(workload, start, round, t)));
        lines.and_then(|()| file.flush()).with_context(|| format!("cannot write the raw timelines to {}", path.display()))
    }

    fn finish(mut self) -> anyhow::Result<Record> {
        self.record.interrupted = self.stop.signalled();
        for workload in &mut self.record.workloads {
            workload.pooled = keyed(&workload.pooled_values()?);
        }
        save_record(&self.output.out, &self.record).map_err(unsaved)?;
        if let Some(path) = &self.output.record {
            output::write_atomic(path, self.record.to_json().as_bytes()).map_err(unsaved)?;
        }
        Ok(self.record)
    }
}

/// Requests were sent, so it is no usage error any more: exit 3.
#[expect(clippy::needless_pass_by_value, reason = "made for map_err")]
fn unsaved(error: anyhow::Error) -> anyhow::Error {
    Failure::measure(&format!("{error:#}\nhint: make room on the disk, or write elsewhere; what was saved before is kept")).into()
}

/// Starts that this run will have: a server that the gate does not start gives one.
fn starts(config: &Config) -> u32 {
    match config.target.endpoint {
        Endpoint::Sim(_) => config.gate.starts,
        Endpoint::Http(_) => 1,
    }
}

fn input<'a>(
    config: &Config,
    model: &'a str,
    extras: Extras,
    salt: &'a str,
    session: &'a str,
    trace: Option<&'a str>,
) -> plan::Input<'a> {
    plan::Input { protocol: config.target.protocol, model, extras, salt, session, rounds: config.gate.rounds, trace }
}

fn read_trace(workload: &Workload) -> anyhow::Result<Option<String>> {
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
