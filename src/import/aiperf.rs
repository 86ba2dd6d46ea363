//! `AIPerf`'s `profile_export.jsonl`, one request per line, with the summary beside it for the
//! load. Units are in the file.
//!
//! Read in the sources of `AIPerf` 0.2 and 0.13.0, and 0.13.0 was run; docs/IMPORT.md has the table
//! of definitions.

use serde_json::Value;

use super::request::{Ending, Request, cut_off_without_usage, peak_in_flight};
use super::value::{self, count, duration_ns, instant_ns, number, stated, text};
use super::{ImportError, ImportedRound, Load, Tool, hidden_wait};
use crate::timeline::OutcomeKind;

const NS: f64 = 1e-9;

pub fn read(lines: &[Value], summary: Option<&str>) -> Result<ImportedRound, ImportError> {
    if lines.iter().any(|l| l.get("aiperf_version").is_some() || l.get("input_config").is_some()) {
        return Err(ImportError::NoDetails(
            "name the profile_export.jsonl beside it (aiperf profile --export-level records)",
        ));
    }
    let summary = value::documents(summary.ok_or_else(|| {
        ImportError::Refused("its summary, profile_export_aiperf.json, is not beside it: which load this was is said only there\nhint: keep both files in one folder".into())
    })?)?;
    let summary = summary.first().unwrap_or(&Value::Null);
    let mut load = load(summary)?;
    let is_warmup = |l: &&Value| text(&l["metadata"], "benchmark_phase") == Some("warmup");
    let warmups = lines.iter().filter(is_warmup).count();
    let measured: Vec<&Value> = lines.iter().filter(|l| !is_warmup(l)).collect();
    let by_server = measured.iter().any(|l| l["metrics"].get("usage_completion_tokens").is_some());
    let mut requests = Vec::with_capacity(measured.len());
    for (i, line) in measured.iter().enumerate() {
        requests.push(request(line, load.open_loop, by_server, &format!("request {}", i + 1))?);
    }
    if by_server {
        cut_off_without_usage(&mut requests);
    }
    // Lines come in the order of their ends.
    requests.sort_by_key(|r| r.start_ns);
    if let (true, Some(cap)) = (load.open_loop, load.max_in_flight) {
        hidden_wait(peak_in_flight(&requests), cap, "leave --concurrency or --request-rate out")?;
    }
    let mut own_notes = Vec::new();
    if warmups > 0 {
        own_notes.push(format!("{warmups} requests of warm-up are left out"));
    }
    own_notes.extend(unfinished(summary, &mut load, &mut requests)?);
    Ok(ImportedRound {
        tool: Tool::Aiperf,
        load,
        requests,
        stated_duration_ns: None,
        cut_short: summary["was_cancelled"].as_bool() == Some(true),
        notes: notes(
            by_server,
            measured.iter().any(|l| !l["metadata"]["credit_issued_ns"].is_null()),
        ),
        own_notes,
    })
}

fn load(summary: &Value) -> Result<Load, ImportError> {
    let mut load = Load::default_for(Tool::Aiperf);
    let config = &summary["input_config"];
    if !config.is_object() {
        return Err(ImportError::Shape(
            "the summary has no input_config: this AIPerf is older than what can be read (0.13)"
                .into(),
        ));
    }
    load.set("tool_version", stated(&summary["aiperf_version"]));
    load.set("model", stated(&config["models"]["items"][0]["name"]));
    // Never all of the endpoint: keys and headers are there.
    let endpoint = &config["endpoint"];
    for field in ["type", "streaming", "use_server_token_count"] {
        load.set(&format!("endpoint_{field}"), stated(&endpoint[field]));
    }
    for field in ["datasets", "phases"] {
        load.set(field, stated(&config[field]));
    }
    load.set("seed", stated(&summary["run_info"]["random_seed"]));
    load.seed = summary["run_info"]["random_seed"].as_u64();
    load.protocol = match text(endpoint, "type") {
        Some("chat") => "openai-chat".into(),
        Some("completions") => "openai-completions".into(),
        other => other.unwrap_or("unknown").into(),
    };
    load.set("protocol", Some(load.protocol.clone()));
    load.streaming = endpoint["streaming"].as_bool().unwrap_or(false);
    if config["loadgen"].is_object() {
        return older(load, config);
    }
    let phases = config["phases"].as_array().ok_or_else(|| {
        let what =
            "its input_config has neither phases nor loadgen: of which load it is cannot be told; AIPerf 0.2 to 0.13 say it";
        ImportError::Shape(what.into())
    })?;
    let measured: Vec<&Value> =
        phases.iter().filter(|p| text(p, "kind") != Some("warmup")).collect();
    let [phase] = measured[..] else {
        return Err(ImportError::Refused(format!(
            "it has {} measured phases, and one is one load\nhint: profile each phase by itself",
            measured.len()
        )));
    };
    let rate = ["rate", "request_rate"].iter().find_map(|key| stated(&phase[key]));
    let kind = text(phase, "type").unwrap_or("unknown");
    load.open_loop = rate.is_some() || kind.contains("schedule");
    load.max_in_flight = count(&phase["concurrency"], "concurrency")?;
    load.requests = count(&phase["requests"], "requests")?.map(u64::from);
    load.arrival = match (rate, load.max_in_flight) {
        (Some(rate), _) => format!("{kind} {rate}/s"),
        (None, Some(cap)) if !load.open_loop => format!("closed loop, {cap} in flight"),
        _ => kind.to_owned(),
    };
    let prompts = &config["datasets"][0]["prompts"];
    load.input_tokens = rounded(&prompts["isl"]["mean"])?;
    load.output_tokens = rounded(&prompts["osl"]["mean"])?;
    Ok(load)
}

/// The load as versions before `phases` state it: in `loadgen` and `input`. Never the headers,
/// which may hold a key.
fn older(mut load: Load, config: &Value) -> Result<Load, ImportError> {
    let (input, phase) = (&config["input"], &config["loadgen"]);
    let mut data = input.clone();
    if let Some(fields) = data.as_object_mut() {
        fields.retain(|key, _| {
            !["headers", "header", "goodput", "random_seed"].contains(&key.as_str())
        });
    }
    let models = &config["endpoint"]["model_names"];
    load.set(
        "model",
        stated(if models.as_array().is_some_and(|all| all.len() == 1) {
            &models[0]
        } else {
            models
        }),
    );
    load.set("datasets", stated(&data));
    load.set("phases", stated(phase));
    load.set("seed", stated(&input["random_seed"]));
    load.seed = input["random_seed"].as_u64();
    let rate = stated(&phase["request_rate"]);
    let scheduled = input["fixed_schedule"].as_bool() == Some(true);
    load.open_loop = rate.is_some() || scheduled;
    load.max_in_flight = count(&phase["concurrency"], "concurrency")?;
    load.requests = count(&phase["request_count"], "request_count")?.map(u64::from);
    load.arrival = match (rate, load.max_in_flight) {
        (Some(rate), _) => {
            format!("{} {rate}/s", text(phase, "request_rate_mode").unwrap_or("poisson"))
        }
        (None, _) if scheduled => "fixed schedule".into(),
        (None, Some(cap)) => format!("closed loop, {cap} in flight"),
        (None, None) => "all at once".into(),
    };
    load.input_tokens = rounded(&input["prompt"]["input_tokens"]["mean"])?;
    load.output_tokens = rounded(&input["prompt"]["output_tokens"]["mean"])?;
    Ok(load)
}

fn rounded(value: &Value) -> Result<Option<u32>, ImportError> {
    let Some(n) = number(value, "mean length")? else { return Ok(None) };
    count(&Value::from(n.round()), "mean length")
}

fn request(
    line: &Value,
    open_loop: bool,
    by_server: bool,
    what: &str,
) -> Result<Request, ImportError> {
    let (metadata, metrics) = (&line["metadata"], &line["metrics"]);
    let at = |key: &str| instant_ns(&metadata[key], NS, &format!("{what}: {key}"));
    let (issued, sent) = (at("credit_issued_ns")?, at("request_start_ns")?);
    let lag_ns = issued.zip(sent).map(|(issued, sent)| sent.saturating_sub(issued));
    let waited = lag_ns.filter(|_| open_loop).unwrap_or(0);
    let time = |key: &str| time_ns(&metrics[key], &format!("{what}: {key}"));
    let gaps_ns = gaps(&metrics["inter_chunk_latency"], what)?;
    let ttft_ns = time("time_to_first_token")?;
    let latency_ns = time("request_latency")?;
    // The same end, to the nanosecond, where both are known.
    let last_ns = ttft_ns
        .zip(gaps_ns.as_ref())
        .map(|(first, gaps)| first + gaps.iter().sum::<u64>())
        .or(latency_ns);
    let tokens = |key: &str| count(&metrics[key]["value"], &format!("{what}: {key}"));
    let request = Request {
        start_ns: sent.map(|sent| sent - waited.min(sent)),
        send_lag_ns: lag_ns,
        own_lag_ns: lag_ns,
        ttft_ns: ttft_ns.or(latency_ns).map(|ns| ns + waited),
        e2e_ns: last_ns.map(|ns| ns + waited),
        end_ns: at("request_end_ns")?,
        events: gaps_ns.as_ref().map_or(1, |g| u32::try_from(g.len() + 1).unwrap_or(u32::MAX)),
        gaps_ns,
        input_tokens: tokens(if by_server {
            "usage_prompt_tokens"
        } else {
            "input_sequence_length"
        })?,
        output_tokens: tokens(if by_server {
            "usage_completion_tokens"
        } else {
            "output_sequence_length"
        })?,
        cached_tokens: tokens("usage_prompt_cache_read_tokens")?,
        ..Request::default()
    };
    let error = &line["error"];
    Ok(if metadata["was_cancelled"].as_bool() == Some(true) {
        request.failed(Ending::failed(
            OutcomeKind::Cancelled,
            text(error, "message").unwrap_or("cancelled"),
        ))
    } else if error.is_null() {
        request.checked()
    } else {
        request.failed(failure(error))
    })
}

fn failure(error: &Value) -> Ending {
    let message = text(error, "message").unwrap_or("failed without a word");
    match error["code"].as_u64() {
        Some(499) => Ending::failed(OutcomeKind::Cancelled, message),
        Some(408) => Ending::failed(OutcomeKind::Timeout, message),
        Some(code @ 400..600) => {
            Ending::failed(OutcomeKind::HttpStatus, &format!("{code}: {message}"))
        }
        _ => {
            match Ending::from_words(&format!("{} {message}", text(error, "type").unwrap_or(""))) {
                // No status, so none was answered.
                Ending::Failed { outcome: OutcomeKind::HttpStatus, example } => {
                    Ending::Failed { outcome: OutcomeKind::Malformed, example }
                }
                ending => ending,
            }
        }
    }
}

/// `{"value": 1.5, "unit": "ms"}`. Errors: a unit that is not known, since to guess is to be wrong
/// by a thousand.
fn time_ns(metric: &Value, what: &str) -> Result<Option<u64>, ImportError> {
    if metric.is_null() {
        return Ok(None);
    }
    duration_ns(&metric["value"], unit_s(metric, what)?, what)
}

fn gaps(metric: &Value, what: &str) -> Result<Option<Vec<u64>>, ImportError> {
    let Some(values) = metric["value"].as_array() else { return Ok(None) };
    let unit_s = unit_s(metric, what)?;
    let gap = |value: &Value| {
        let what = format!("{what}: inter_chunk_latency");
        duration_ns(value, unit_s, &what)?
            .ok_or_else(|| ImportError::Shape(format!("{what} holds no number")))
    };
    values.iter().map(gap).collect::<Result<Vec<_>, _>>().map(Some)
}

fn unit_s(metric: &Value, what: &str) -> Result<f64, ImportError> {
    match text(metric, "unit") {
        Some("s" | "sec" | "seconds") => Ok(1.0),
        Some("ms") => Ok(1e-3),
        Some("us") => Ok(1e-6),
        Some("ns") => Ok(NS),
        _ => Err(ImportError::Shape(format!(
            "{what} has the unit {}, which is not known",
            value::shown(&metric["unit"])
        ))),
    }
}

/// Requests that the phase asked for and that have no line.
fn unfinished(
    summary: &Value,
    load: &mut Load,
    requests: &mut Vec<Request>,
) -> Result<Option<String>, ImportError> {
    let finished =
        ["request_count", "error_request_count"].iter().try_fold(0_usize, |sum, key| {
            Ok::<_, ImportError>(sum + rounded(&summary[key]["avg"])?.map_or(0, |n| n as usize))
        })?;
    let there = requests.len();
    if finished > there {
        return Err(ImportError::Shape(format!(
            "its summary counts {finished} requests and {there} are listed: the two files are not of one run"
        )));
    }
    let asked = load.requests.and_then(|n| usize::try_from(n).ok()).unwrap_or(there);
    if asked <= there || asked > there.saturating_mul(1000).max(1_000_000) {
        return Ok(None);
    }
    let absent = || {
        Request::default()
            .failed(Ending::failed(OutcomeKind::Cancelled, "asked for, and not in the file"))
    };
    requests.extend(std::iter::repeat_with(absent).take(asked - there));
    Ok(Some(format!(
        "{} of {asked} requests that were asked for are not in the file: they count as failed",
        asked - there
    )))
}

fn notes(by_server: bool, credits: bool) -> Vec<String> {
    let tokens = if by_server {
        "output tokens are the server's usage; where only some answers have it, the others were cut off and count as failed"
    } else {
        "output tokens are AIPerf's own tokenizer's count, since the server's usage is not in the file (--use-server-token-count)"
    };
    vec![
        tokens.into(),
        if credits {
            "send lag is from the credit to the start of the request; in open loop latencies count from the credit, AIPerf's own from the start"
        } else {
            "latencies count from the start of the request: this AIPerf saves no credits"
        }
        .into(),
        "TPOT is (last - first) / (tokens - 1); AIPerf's ITL leaves out all tokens of the first chunk, and chunk gaps are its ICL".into(),
    ]
}
