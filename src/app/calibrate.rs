//! Measures starts of unchanged code on this machine, and says what a gate here can see, what it
//! costs, and how often it cries wolf.
//!
//! The starts join the baseline's history. Not here: the arithmetic (`judge::calibrate`).

use super::capture;
use super::job::Job;
use super::measure;
use super::options::RunOptions;
use super::workspace::Workspace;
use crate::config::{Arrival, Config, Endpoint, Length};
use crate::evaluate;
use crate::exit::{ExitStatus, Failure};
use crate::judge::calibrate::{self as judged, Calibration, Costs, Input, MetricNoise};
use crate::judge::text::size;
use crate::measure::stats;
use crate::print::say;
use crate::record::facts::arrival;
use crate::record::{Record, WorkloadRecord};
use crate::report::text;

/// Four start pairs: looks of three are split in 20,160 orders, and a start is left as history.
pub const STARTS: u32 = 8;
/// Loads that are tried in turn where the configured one sits at the knee, as shares of its rate.
const LOWER: [f64; 3] = [0.85, 0.7, 0.5];

/// What a calibration is asked beside its config.
pub struct Calibrate<'a> {
    pub here: &'a Workspace,
    pub options: &'a RunOptions,
    /// What was measured joins the baseline's history.
    pub save: bool,
    /// Takes each line of the answer, as soon as it is known.
    pub tell: &'a dyn Fn(&str),
}

/// `begin` begins the job.
pub fn calibrate(
    config: &Config,
    what: &Calibrate<'_>,
    begin: impl FnOnce() -> anyhow::Result<Option<Job>>,
) -> anyhow::Result<ExitStatus> {
    if matches!(config.target.endpoint, Endpoint::Http(_)) {
        say(
            "note: this is one start, since the gate does not start this server: how starts differ, which every verdict rests on, stays unknown\nhint: let the gate start it (`server.start`)",
        );
    }
    let git = what.here.head_facts_if_any(config);
    let Some(mut job) = begin()? else { return Ok(ExitStatus::Interrupted) };
    if !job.load(what.here, config, [&config.target])? {
        return Ok(ExitStatus::Interrupted);
    }
    let record = measure::measure(what.here, config, what.options, git, &job)?.saved()?;
    for workload in &record.workloads {
        let why = workload.unfit();
        if record.interrupted && !why.is_empty() {
            continue;
        }
        if let Some(first) = why.first() {
            return Err(Failure::measure(&format!(
                "nothing to learn from {}: {first}",
                workload.name
            ))
            .into());
        }
        let found = calibration(&record, workload)?;
        (what.tell)(&in_words(&workload.name, &found));
        if found.knee.near && !job.stop.stopping() {
            (what.tell)(&lower_load(config, what, &workload.name, &job)?);
        }
    }
    if job.stop.signalled() {
        say("interrupted: nothing was added to the baseline");
        return Ok(ExitStatus::Interrupted);
    }
    if what.save {
        save(config, &record, what)?;
    }
    Ok(ExitStatus::Pass)
}

fn save(config: &Config, record: &Record, what: &Calibrate<'_>) -> anyhow::Result<()> {
    match record.git.as_ref() {
        None => say(
            "not added to the baseline: no git repository here, and baselines are found by commit",
        ),
        Some(git) if git.dirty => {
            say(
                "not added to the baseline: the working tree has changes that no commit holds; commit them and calibrate again",
            );
        }
        Some(_) => capture::add_measured(what.here, config, record, what.tell)?,
    }
    Ok(())
}

fn calibration(record: &Record, workload: &WorkloadRecord) -> anyhow::Result<Calibration> {
    let rounds = workload.method_rounds();
    let setups: Vec<f64> =
        workload.starts.iter().filter_map(|s| Some(s.setup_ms? as f64 / 1e3)).collect();
    let durations: Vec<f64> = rounds.iter().map(|r| r.seconds).collect();
    // Above 0, as a cost must be.
    let cost = |all: &[f64]| stats::mean(all).unwrap_or_default().max(1e-3);
    let policy = evaluate::judge_policy(
        workload,
        u32::try_from(record.workloads.len()).unwrap_or(u32::MAX),
    )?;
    let costs = Costs { start_s: cost(&setups), round_s: cost(&durations) };
    let input = Input {
        rounds: &rounds,
        slo: workload.slo.into(),
        shape: workload.shape(),
        costs,
        policy: &policy,
    };
    Ok(judged::calibrate(&input))
}

fn in_words(name: &str, c: &Calibration) -> String {
    let mut out = format!(
        "{name}: {} of {}\n\n{}\n\n",
        text::count(c.starts as u64, "start", "starts"),
        text::count(c.rounds_per_start as u64, "round", "rounds"),
        table(&c.metrics)
    );
    let mut line = |label: &str, text: &str| {
        out.extend([format!("{label:<12}"), text.to_owned(), "\n".to_owned()])
    };
    for best in &c.best_rounds {
        line("rounds", &format!("{}: {}", best.metric, best.words));
    }
    line(
        "minutes",
        &format!(
            "{:.1} per verdict at the first look, {:.1} at the third",
            c.minutes.first_look, c.minutes.third_look
        ),
    );
    line("load", &c.knee.words);
    match &c.false_alarms {
        None => line("alarms", "unknown: two starts or more are needed"),
        Some(alarms) => line("alarms", &alarms.words),
    }
    if let Some(alarms) = &c.false_alarms {
        let (low, high) = alarms.interval;
        let share = |n: u64| n as f64 / alarms.splits as f64 * 100.0;
        line(
            "",
            &format!(
                "{} of {} splits alarm ({:.2} %, {:.2} to {:.2} %), {} pass ({:.1} %)",
                alarms.alarms,
                alarms.splits,
                alarms.rate * 100.0,
                low * 100.0,
                high * 100.0,
                alarms.passes,
                share(alarms.passes)
            ),
        );
    }
    out.trim_end().to_owned()
}

fn table(metrics: &[MetricNoise]) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header([
        "metric",
        "sd of starts",
        "of it, restarts",
        "sd of rounds",
        "visible at 3 starts",
    ]);
    for m in metrics {
        let cell = |x: Option<f64>| x.map_or_else(|| "-".to_owned(), |x| size(m.metric, x));
        let restarts = if m.clamped {
            "0 (less than rounds explain)".to_owned()
        } else {
            cell(m.between_starts)
        };
        table.add_row([
            m.metric.name(),
            cell(m.start_sd),
            restarts,
            cell(m.between_rounds),
            cell(m.visible),
        ]);
    }
    table.lines().map(|l| l.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// One start at each lower load, until one is off the knee.
fn lower_load(
    config: &Config,
    what: &Calibrate<'_>,
    name: &str,
    job: &Job,
) -> anyhow::Result<String> {
    let options = RunOptions { out: what.options.out.join("knee"), ..what.options.clone() };
    for share in LOWER {
        let Some(lower) = scaled(config, name, share) else {
            return Ok(
                "lower load: no other is tried for this arrival process; lower its rate by hand and calibrate again".into()
            );
        };
        let rate = arrival(&lower.workloads[0].arrival);
        say(&format!("at the knee: one start at {rate}"));
        let record = measure::measure(what.here, &lower, &options, None, job)?.value;
        let Some(workload) =
            record.workloads.first().filter(|w| w.unfit().is_empty() && !record.interrupted)
        else {
            return Ok(format!("lower load: {rate} could not be measured"));
        };
        if !calibration(&record, workload)?.knee.near {
            return Ok(format!("lower load: {rate} is off the knee: use it"));
        }
    }
    Ok(format!(
        "lower load: at {:.0} % of the rate the server is still at its knee: try less by hand",
        LOWER[LOWER.len() - 1] * 100.0
    ))
}

/// One workload at a share of its rate, over the same time, with one start.
fn scaled(config: &Config, name: &str, share: f64) -> Option<Config> {
    let mut workload = config.workloads.iter().find(|w| w.name == name)?.clone();
    workload.level = None;
    match &mut workload.arrival {
        Arrival::Poisson { rate } | Arrival::Constant { rate } | Arrival::Gamma { rate, .. } => {
            *rate *= share
        }
        Arrival::Closed { .. }
        | Arrival::Ramp { .. }
        | Arrival::Trace { .. }
        | Arrival::Sessions { .. } => return None,
    }
    if let Length::Requests(n) = &mut workload.length {
        // The autocorrelation needs 30 requests a round.
        *n = scaled_count(*n, share).max(30);
    }
    let mut config = config.clone();
    config.gate.starts = 1;
    config.workloads = vec![workload];
    Some(config)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a count is a count"
)]
fn scaled_count(n: u32, share: f64) -> u32 {
    (f64::from(n) * share).round() as u32
}
