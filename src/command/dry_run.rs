//! `--dry-run`: what a run would do, in words; nothing is sent and nothing is started.

use super::facts::arrival;
use super::measure::{read_trace, starts};
use crate::config::{Config, GateMode};
use crate::plan::{self, RoundPlan};
use crate::protocol::Extras;
use crate::report::text::count;

/// Starts, rounds, requests, minutes. `beside` is what an interleaved run's baseline is, in words.
pub fn text(config: &Config, beside: Option<&str>) -> anyhow::Result<String> {
    let starts = starts(config);
    let interleaved = config.gate.mode == GateMode::Interleaved;
    let most =
        if interleaved && config.gate.extend && starts == 3 { ", extended once by 3 where that leaves it open" } else { "" };
    let rounds = count(u64::from(config.gate.rounds), "round", "rounds");
    let starts_said = if interleaved {
        format!("{} at most", count(u64::from(starts), "start pair", "start pairs"))
    } else {
        count(u64::from(starts), "start", "starts")
    };
    let mut lines = vec![format!("{starts_said}{most}, {rounds} each; nothing is sent")];
    lines.extend(beside.map(|baseline| format!("interleaved: the baseline's side is {baseline}")));
    let mut seconds = Some(0.0);
    for workload in &config.workloads {
        let trace = read_trace(workload)?;
        let extras = Extras { ignore_eos: workload.ignore_eos, min_tokens: workload.ignore_eos, stream_usage: workload.stream };
        let salt = plan::salt(0);
        let input = plan::Input {
            protocol: config.target.protocol,
            model: "MODEL",
            extras,
            salt: &salt,
            session: "dry",
            rounds: config.gate.rounds,
            trace: trace.as_deref(),
        };
        let plan = plan::build(workload, &input)?;
        let d = plan::describe(&plan);
        let per_round = d.rounds.first().map_or(0, |r| r.requests);
        let time: Option<f64> = d.rounds.iter().chain([&d.warmup]).map(|r| r.seconds).sum();
        // A closed loop by duration plans more than it will send: what is planned is then only the most that it could be.
        let most = |round: &RoundPlan| if round.stop_after.is_some() { "at most " } else { "" };
        let all = if plan.rounds.iter().chain([&plan.warmup]).any(|r| r.stop_after.is_some()) { "at most " } else { "" };
        lines.push(format!(
            "{}: {}; {}{} per round, {}{} of warm-up; {all}{} input and {} output tokens per start; plan {}",
            d.workload,
            arrival(&workload.arrival),
            plan.rounds.first().map_or("", most),
            count(u64::from(per_round), "request", "requests"),
            most(&plan.warmup),
            d.warmup.requests,
            d.input_tokens,
            d.output_tokens,
            &plan.digest[..12],
        ));
        seconds = seconds.zip(time).map(|(a, b)| a + b);
    }
    lines.push(match seconds {
        Some(s) => {
            let sides = if interleaved { 2.0 } else { 1.0 };
            let most = if interleaved { "at most " } else { "" };
            let extended = if interleaved && config.gate.extend && starts == 3 { 2.0 } else { 1.0 };
            let minutes = s * f64::from(starts) * sides * extended / 60.0;
            format!("expected: {most}{minutes:.1} minutes of load, and the time of the last answers")
        }
        None => "expected: as long as the server takes for a closed loop by number of requests".into(),
    });
    Ok(lines.join("\n"))
}
