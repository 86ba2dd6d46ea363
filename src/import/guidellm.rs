//! `GuideLLM`'s JSON report: benchmarks, each with its requests by how they ended, instants in
//! seconds of the wall clock.
//!
//! Read in the sources of `GuideLLM` 0.4 to 0.8.1, and 0.8.1 was run; docs/IMPORT.md has the table
//! of definitions.

use serde_json::Value;

use super::request::{Ending, Request, cut_off_without_usage};
use super::value::{count, instant_ns, list, stated, text};
use super::{ImportError, ImportedRound, Load, Tool};
use crate::timeline::OutcomeKind;

const TODO: &str = "run guidellm with --output kind=json, and without sample_size in --metrics";

pub fn read(report: &Value) -> Result<Vec<ImportedRound>, ImportError> {
    list(report, "benchmarks")?.iter().map(|b| benchmark(report, b)).collect()
}

fn benchmark(report: &Value, benchmark: &Value) -> Result<ImportedRound, ImportError> {
    let load = load(report, benchmark)?;
    let open_loop = load.open_loop;
    let groups = &benchmark["requests"];
    let mut all = Vec::new();
    for group in ["successful", "incomplete", "errored"] {
        for (i, entry) in groups[group].as_array().into_iter().flatten().enumerate() {
            all.push(request(entry, group, load.open_loop, &format!("{group}[{i}]"))?);
        }
    }
    if all.is_empty() {
        return Err(ImportError::NoDetails(TODO));
    }
    let own_notes = missing(benchmark, all.len())?;
    cut_off_without_usage(&mut all);
    // As they were meant to go: the groups and the end of each have another order.
    all.sort_by_key(|r| r.start_ns);
    let mut load = load;
    load.requests = Some(all.len() as u64);
    Ok(ImportedRound {
        tool: Tool::Guidellm,
        load,
        requests: all,
        stated_duration_ns: None,
        cut_short: false,
        notes: notes(open_loop),
        own_notes,
    })
}

fn load(report: &Value, benchmark: &Value) -> Result<Load, ImportError> {
    let mut load = Load::default_for(Tool::Guidellm);
    let strategy = &benchmark["config"]["strategy"];
    let kind = text(strategy, "type_").ok_or_else(|| {
        ImportError::Shape(
            "benchmarks[].config.strategy.type_ is missing: this report is older than what can be read (GuideLLM 0.4)".into(),
        )
    })?;
    let stated_load = stated_load(report)?;
    let backend = &benchmark["config"]["backend"];
    load.set("tool_version", stated(&report["metadata"]["guidellm_version"]));
    load.set("model", stated(&backend["model"]));
    for field in ["rate", "streams", "max_concurrency", "rampup_duration"] {
        load.set(field, stated(&strategy[field]));
    }
    load.set("strategy", Some(kind.to_owned()));
    load.set("data", stated(&stated_load.data));
    load.set("constraints", stated(&stated_load.constraints));
    load.set("seed", stated(&stated_load.seed));
    let path = text(backend, "request_format")
        .or_else(|| format_of_answers(benchmark))
        .unwrap_or("unknown");
    load.protocol = if path.contains("chat") {
        "openai-chat"
    } else if path.ends_with("completions") {
        "openai-completions"
    } else {
        path
    }
    .into();
    load.set("protocol", Some(load.protocol.clone()));
    load.streaming = backend["stream"].as_bool().unwrap_or(true);
    load.set("stream", Some(load.streaming.to_string()));
    load.open_loop = matches!(kind, "constant" | "poisson" | "trace");
    load.max_in_flight = count(&strategy["streams"], "streams")?
        .or(count(&strategy["max_concurrency"], "max_concurrency")?);
    let of = |key: &str| stated(&strategy[key]).unwrap_or_else(|| "?".into());
    load.arrival = match kind {
        "constant" => format!("constant {}/s", of("rate")),
        "poisson" => format!("Poisson {}/s", of("rate")),
        "concurrent" => format!("closed loop, {} in flight", of("streams")),
        "synchronous" => "closed loop, 1 in flight".into(),
        other => other.into(),
    };
    load.input_tokens = stated_load.length("prompt_tokens")?;
    load.output_tokens = stated_load.length("output_tokens")?;
    load.seed = stated_load.seed["value"].as_u64().or_else(|| stated_load.seed.as_u64());
    Ok(load)
}

/// What a report says of the prompts, of when it ends and of what was random.
struct StatedLoad {
    data: Value,
    constraints: Value,
    seed: Value,
}

/// In `config.spec`; reports of 0.4 to 0.6 have the arguments instead. Errors: neither, since
/// another data set would then be no other load.
fn stated_load(report: &Value) -> Result<StatedLoad, ImportError> {
    let (spec, args) = (&report["config"]["spec"], &report["args"]);
    let some = |from: &Value, keys: &[&str]| -> Value {
        keys.iter()
            .filter(|key| !from[**key].is_null())
            .map(|key| ((*key).to_owned(), from[*key].clone()))
            .collect()
    };
    if !spec["data"].is_null() {
        let [data, constraints, seed] =
            ["data", "constraints", "seed"].map(|key| spec[key].clone());
        Ok(StatedLoad { data, constraints, seed })
    } else if !args["data"].is_null() {
        Ok(StatedLoad {
            data: some(
                args,
                &[
                    "data",
                    "data_args",
                    "data_samples",
                    "data_column_mapper",
                    "data_request_formatter",
                    "processor",
                ],
            ),
            constraints: some(
                args,
                &[
                    "max_requests",
                    "max_seconds",
                    "max_errors",
                    "max_error_rate",
                    "max_global_error_rate",
                ],
            ),
            seed: args["random_seed"].clone(),
        })
    } else {
        Err(ImportError::Shape(
            "it has neither config.spec.data nor args.data: of which prompts it is cannot be told, and GuideLLM 0.4 and newer say it".into(),
        ))
    }
}

impl StatedLoad {
    /// Of the first data set: a field, or `prompt_tokens=32,output_tokens=12`.
    fn length(&self, key: &str) -> Result<Option<u32>, ImportError> {
        let first = &self.data[0];
        let text = first.as_str().or_else(|| self.data["data"][0].as_str());
        let written = text
            .into_iter()
            .flat_map(|text| text.split(','))
            .find_map(|part| part.trim().strip_prefix(key)?.strip_prefix('='));
        match written {
            Some(number) => Ok(number.trim().parse().ok()),
            None => count(&first[key], key),
        }
    }
}

/// An answer's id tells which of `OpenAI`'s protocols it was, where the report does not.
fn format_of_answers(benchmark: &Value) -> Option<&'static str> {
    let id = text(&benchmark["requests"]["successful"][0], "response_id")?;
    [("chatcmpl", "/v1/chat/completions"), ("cmpl", "/v1/completions")]
        .into_iter()
        .find_map(|(lead, path)| id.starts_with(lead).then_some(path))
}

fn request(
    entry: &Value,
    group: &str,
    open_loop: bool,
    what: &str,
) -> Result<Request, ImportError> {
    let (info, timings) = (&entry["info"], &entry["info"]["timings"]);
    if !timings.is_object() {
        return Err(ImportError::Shape(format!(
            "{what} has no info.timings: this report is older than what can be read (GuideLLM 0.4)"
        )));
    }
    let at = |key: &str| instant_ns(&timings[key], 1.0, &format!("{what}.{key}"));
    let (targeted, sent) = (at("targeted_start")?, at("request_start")?);
    let start_ns = if open_loop { targeted.or(sent) } else { sent };
    let from_start = |instant: Option<u64>| Some(instant?.saturating_sub(start_ns?));
    let late = |instant: Option<u64>| if open_loop { from_start(instant) } else { None };
    let request = Request {
        start_ns,
        send_lag_ns: late(sent),
        // Up to the backend's call: connecting, which comes after it, is not the client's.
        own_lag_ns: late(at("resolve_start")?),
        ttft_ns: from_start(at("first_token_iteration")?),
        ttfa_ns: reasoning(entry)
            .then_some(from_start(at("first_output_token_iteration")?))
            .flatten(),
        e2e_ns: from_start(at("last_token_iteration")?),
        end_ns: at("request_end")?.or(at("resolve_end")?),
        events: count(&timings["token_iterations"], &format!("{what}.token_iterations"))?
            .unwrap_or(0),
        input_tokens: count(
            &entry["input_metrics"]["total_tokens"],
            &format!("{what}.input_metrics.total_tokens"),
        )?,
        output_tokens: count(
            &entry["output_metrics"]["total_tokens"],
            &format!("{what}.output_metrics.total_tokens"),
        )?,
        cached_tokens: count(
            &entry["input_metrics"]["cached_tokens"],
            &format!("{what}.input_metrics.cached_tokens"),
        )?,
        ..Request::default()
    };
    let words = text(info, "error");
    Ok(match (group, words) {
        ("successful", None) => request.checked(),
        ("incomplete", words) => request.failed(Ending::failed(
            OutcomeKind::Cancelled,
            words.unwrap_or("cut off at the end of the benchmark"),
        )),
        (_, words) => {
            request.failed(Ending::from_words(words.unwrap_or("Traceback without a word")))
        }
    })
}

/// First answer tokens are the first tokens where nothing was thought.
fn reasoning(entry: &Value) -> bool {
    text(entry, "reasoning_output").is_some()
}

/// Requests that were made and are not listed: a sample of them is no measurement.
fn missing(benchmark: &Value, listed: usize) -> Result<Vec<String>, ImportError> {
    let made =
        count(&benchmark["scheduler_metrics"]["requests_made"]["total"], "requests_made.total")?
            .map_or(listed, |n| n as usize);
    if made <= listed {
        return Ok(Vec::new());
    }
    let config = &benchmark["config"];
    let sampled = ["sample_size", "sample_requests"].iter().find(|key| !config[**key].is_null());
    let absent = made - listed;
    match (sampled, left_out_by_phases(benchmark, made)?) {
        (None, Some(most)) if absent <= most => Ok(vec![format!(
            "{absent} of {made} requests were warm-up or cool-down, and are not listed"
        )]),
        (None, Some(most)) => Err(ImportError::Refused(format!(
            "it lists {listed} of {made} requests, and warm-up and cool-down explain {most} of the others at most\nhint: {TODO}"
        ))),
        _ => Err(ImportError::Refused(format!(
            "it lists {listed} of {made} requests, and a sample of them is no measurement\nhint: {TODO}"
        ))),
    }
}

/// How many requests warm-up and cool-down can have left out at most: none where the measured time
/// is all of the time; else twice their share of it, and one for each that may have been in flight
/// at either end. None where there was no such phase.
fn left_out_by_phases(benchmark: &Value, made: usize) -> Result<Option<usize>, ImportError> {
    let (config, times) = (&benchmark["config"], &benchmark["scheduler_metrics"]);
    let set =
        |phase: &str| !config[phase]["percent"].is_null() || !config[phase]["value"].is_null();
    if !set("warmup") && !set("cooldown") {
        return Ok(None);
    }
    let at = |key: &str| instant_ns(&times[key], 1.0, key);
    let [first, begin, end, last] = [
        at("request_start_time")?,
        at("measure_start_time")?,
        at("measure_end_time")?,
        at("request_end_time")?,
    ];
    let (Some(first), Some(begin), Some(end), Some(last)) = (first, begin, end, last) else {
        return Ok(Some(0));
    };
    let (whole, outside) =
        (last.saturating_sub(first), begin.saturating_sub(first) + last.saturating_sub(end));
    if outside == 0 || whole == 0 {
        return Ok(Some(0));
    }
    let in_flight = count(&config["strategy"]["streams"], "streams")?.unwrap_or(1) as usize;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share, at most 1, of a number that fits"
    )]
    let share = (made as f64 * (2.0 * outside as f64 / whole as f64).min(1.0)).ceil() as usize;
    Ok(Some((share + 2 * in_flight).min(made)))
}

fn notes(open_loop: bool) -> Vec<String> {
    let start = if open_loop {
        "latencies count from the targeted start, so that late sends are in them; GuideLLM's own TTFT counts from the send"
    } else {
        "latencies count from the sent head, after connecting"
    };
    vec![
        start.into(),
        "chunk gaps are refused: GuideLLM keeps the first and the last instant of each answer, and none between".into(),
        "TPOT is (last - first) / (tokens - 1), GuideLLM's inter-token latency; its own TPOT includes the first token".into(),
        "output tokens are the server's usage; where it sent none GuideLLM counts events, and that is refused".into(),
        "instants are of the wall clock: a step of it during the run moves them".into(),
    ]
}
