//! `--dry-run`: what a run would do, in words; nothing is sent and nothing is started.

use super::measure::{read_file, starts};
use crate::config::{Config, Endpoint, GateMode, ModelChoice, Target, Verb};
use crate::plan::{self, RoundPlan};
use crate::protocol::{Dialect as _, joined};
use crate::record::facts::arrival;
use crate::report::text::count;

/// Starts, rounds, requests, minutes, and that nothing is sent. `beside` is what an interleaved
/// run's baseline is, in words.
pub fn text(config: &Config, beside: Option<&str>) -> anyhow::Result<String> {
    lines(config, beside, &[asked(&config.target)]).map(|lines| silent(&lines))
}

/// The same of all `targets`.
pub fn each(config: &Config) -> anyhow::Result<String> {
    let asked: Vec<String> =
        config.targets.iter().map(|(name, target)| format!("{name}: {}", asked(target))).collect();
    lines(config, None, &asked).map(|lines| silent(&lines))
}

/// The same of a run that is about to be made.
pub fn about_to_start(config: &Config) -> anyhow::Result<String> {
    lines(config, None, &[asked(&config.target)])
}

fn silent(lines: &str) -> String {
    lines.replacen('\n', "; nothing is sent\n", 1)
}

fn lines(config: &Config, beside: Option<&str>, asked: &[String]) -> anyhow::Result<String> {
    let starts = starts(config);
    let interleaved = config.gate.mode == GateMode::Interleaved;
    let most = if interleaved && config.gate.extend && starts == 3 {
        ", extended once by 3 where that leaves it open"
    } else {
        ""
    };
    let rounds = count(u64::from(config.gate.rounds), "round", "rounds");
    let starts_said = if interleaved {
        format!("{} at most", count(u64::from(starts), "start pair", "start pairs"))
    } else {
        count(u64::from(starts), "start", "starts")
    };
    let mut lines = vec![format!("{starts_said}{most}, {rounds} each")];
    lines.extend_from_slice(asked);
    lines.extend(beside.map(|baseline| format!("interleaved: the baseline's side is {baseline}")));
    lines.extend(started(&config.target));
    let mut seconds = Some(0.0);
    for workload in &config.workloads {
        let file = read_file(workload)?;
        let extras = config.target.protocol.extras(workload.ignore_eos, workload.stream);
        let salt = plan::salt(0);
        let input = plan::Input {
            protocol: &config.target.protocol,
            model: "MODEL",
            extras,
            extra_body: &config.target.extra_body,
            salt: &salt,
            session: "dry",
            rounds: config.gate.rounds,
            file: file.as_deref(),
        };
        let plan = plan::build(workload, &input)?;
        let d = plan::describe(&plan);
        let per_round = d.rounds.first().map_or(0, |r| r.requests);
        let time: Option<f64> = d.rounds.iter().chain([&d.warmup]).map(|r| r.seconds).sum();
        // A closed loop by duration plans more than it will send: what is planned is then only the
        // most that it could be.
        let most = |round: &RoundPlan| if round.stop_after.is_some() { "at most " } else { "" };
        let all = if plan.rounds.iter().chain([&plan.warmup]).any(|r| r.stop_after.is_some()) {
            "at most "
        } else {
            ""
        };
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
        let extra = joined(&workload.extra_body, &config.target.extra_body);
        if !extra.is_empty() {
            lines.push(format!("  extra_body: {}", serde_json::Value::Object(extra)));
        }
        lines.extend(plan.left_out.iter().map(|one| format!("  {one}")));
        seconds = seconds.zip(time).map(|(a, b)| a + b);
    }
    lines.push(match seconds {
        Some(s) => {
            let sides = if interleaved { 2.0 } else { 1.0 };
            let most = if interleaved { "at most " } else { "" };
            let extended = if interleaved && config.gate.extend && starts == 3 { 2.0 } else { 1.0 };
            let minutes = s * f64::from(starts) * sides * extended / 60.0;
            format!(
                "expected: {most}{minutes:.1} minutes of load, and the time of the last answers"
            )
        }
        None => {
            "expected: as long as the server takes for a closed loop by number of requests".into()
        }
    });
    Ok(lines.join("\n"))
}

/// Who is asked, for which model: what short names on the command line have become.
fn asked(target: &Target) -> String {
    let at = match &target.endpoint {
        Endpoint::Http(url) => url,
        Endpoint::Started(server) => &server.base_url,
        Endpoint::Sim(_) => "the simulated server",
    };
    match &target.model {
        ModelChoice::Named(name) => format!("model {name} at {at}"),
        ModelChoice::Auto => format!("the only model that is listed at {at}"),
    }
}

/// What would be started, and how it would be asked: above all what a recipe has become.
fn started(target: &Target) -> Option<String> {
    let Endpoint::Started(server) = &target.endpoint else { return None };
    let by = server
        .recipe
        .as_ref()
        .map(|recipe| format!(" (recipe {})", recipe.name))
        .unwrap_or_default();
    let ready = server.ready_path.as_deref().unwrap_or("the list of models");
    let reset = target.cache_reset.as_ref().map(|reset| {
        let verb = match reset.verb {
            Verb::Get => "GET",
            Verb::Post => "POST",
        };
        format!("; its cache is emptied by {verb} {} before each workload", reset.path)
    });
    Some(format!(
        "server{by}: `{}` at {}; ready when {ready} answers, within {:.0} s{}",
        server.start,
        server.base_url,
        server.ready_timeout.as_secs_f64(),
        reset.unwrap_or_default()
    ))
}
