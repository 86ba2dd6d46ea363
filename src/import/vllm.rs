//! `vllm bench serve --save-result --save-detailed`: one JSON object per run, arrays with one entry
//! per request, times in seconds.
//!
//! Read in the sources of vLLM 0.8 to 0.33 and run with 0.32; docs/IMPORT.md has the table of
//! definitions.

use serde_json::Value;

use super::request::{Ending, Request, peak_in_flight};
use super::value::{self, count, duration_ns, instant_ns, lists, number, stated, text};
use super::{ImportError, ImportedRound, Load, Tool, hidden_wait};
use crate::timeline::OutcomeKind;

const KEYED: [(&str, &str); 8] = [
    ("model", "model_id"),
    ("request_rate", "request_rate"),
    ("burstiness", "burstiness"),
    ("max_concurrency", "max_concurrency"),
    ("requests", "num_prompts"),
    ("ramp_up_strategy", "ramp_up_strategy"),
    ("ramp_up_start_rps", "ramp_up_start_rps"),
    ("ramp_up_end_rps", "ramp_up_end_rps"),
];

/// Seen by running both against a server that breaks its streams off.
pub const UNSEEN_ENDS: &str = "{}'s client takes a stream that ends early, or brings an error event, for a completed one: such failures are not in the file";

pub fn read(run: &Value) -> Result<ImportedRound, ImportError> {
    if run.get("ttfts").is_none() {
        return Err(ImportError::NoDetails(
            "run `vllm bench serve` with --save-result --save-detailed",
        ));
    }
    let mut load = load(run)?;
    let open_loop = load.open_loop;
    let mut requests = requests(run, load.open_loop)?;
    let mut own_notes = never_sent(run, &mut requests)?;
    if let (true, Some(cap)) = (load.open_loop, load.max_in_flight)
        && run.get("queue_times").is_none()
    {
        hidden_wait(
            peak_in_flight(&requests),
            cap,
            "use a vLLM that saves queue_times, or leave --max-concurrency out",
        )?;
    }
    own_notes.extend(disagreement(run, &requests)?);
    load.streaming = streamed(&requests);
    Ok(ImportedRound {
        tool: Tool::VllmBench,
        load,
        requests,
        stated_duration_ns: duration_ns(&run["duration"], 1.0, "duration")?,
        cut_short: false,
        notes: notes(run, open_loop),
        own_notes,
    })
}

/// A server that answers at once leaves no gap, whatever the number of tokens.
pub fn streamed(requests: &[Request]) -> bool {
    let many = |r: &&Request| r.completed() && r.output_tokens.is_none_or(|n| n > 1);
    let mut long = requests.iter().filter(many).peekable();
    long.peek().is_none() || long.any(|r| r.gaps_ns.as_ref().is_some_and(|g| !g.is_empty()))
}

fn load(run: &Value) -> Result<Load, ImportError> {
    let mut load = Load::default_for(Tool::VllmBench);
    for (field, key) in KEYED {
        load.set(field, stated(&run[key]));
    }
    let backend = backend(run).unwrap_or("unknown");
    load.set("backend", Some(backend.to_owned()));
    backend_protocol(backend).clone_into(&mut load.protocol);
    load.set("protocol", Some(load.protocol.clone()));
    load.max_in_flight = count(&run["max_concurrency"], "max_concurrency")?;
    load.requests = count(&run["num_prompts"], "num_prompts")?.map(u64::from);
    let ramp = text(run, "ramp_up_strategy");
    let rate = rate(&run["request_rate"])?;
    load.open_loop = rate.is_some() || ramp.is_some();
    load.arrival = match (ramp, rate, load.max_in_flight) {
        (Some(ramp), _, _) => format!("{ramp} ramp"),
        (_, Some(rate), _) => match number(&run["burstiness"], "burstiness")? {
            Some(b) if (b - 1.0).abs() > f64::EPSILON => format!("gamma {rate}/s, burstiness {b}"),
            _ => format!("Poisson {rate}/s"),
        },
        (_, None, Some(cap)) => format!("closed loop, {cap} in flight"),
        (_, None, None) => "all at once".into(),
    };
    Ok(load)
}

/// What the client speaks; versions 0.8 to 0.10 have it under another name.
fn backend(run: &Value) -> Option<&str> {
    text(run, "backend").or_else(|| text(run, "endpoint_type"))
}

/// The wire protocol that a backend of vLLM's or `SGLang`'s client speaks.
pub fn backend_protocol(backend: &str) -> &str {
    match backend {
        "openai-chat" | "sglang-oai-chat" | "vllm-chat" | "lmdeploy-chat" => "openai-chat",
        "openai" | "vllm" | "sglang-oai" | "lmdeploy" => "openai-completions",
        other => other,
    }
}

/// Requests per second; none where all are sent at once. Errors: no rate at all, since then the
/// load is unknown.
pub fn rate(value: &Value) -> Result<Option<f64>, ImportError> {
    match value.as_str() {
        Some("inf" | "Infinity") => Ok(None),
        _ => number(value, "request_rate")?.map(Some).ok_or_else(|| {
            ImportError::Shape(format!(
                "request_rate is {}: without it the load is not known",
                value::shown(value)
            ))
        }),
    }
}

fn requests(run: &Value, open_loop: bool) -> Result<Vec<Request>, ImportError> {
    let [ttfts, itls, input, output, errors] =
        lists(run, ["ttfts", "itls", "input_lens", "output_lens", "errors"])?;
    let starts = optional(run, "start_times", ttfts.len())?;
    let queues = optional(run, "queue_times", ttfts.len())?.filter(|_| open_loop);
    (0..ttfts.len())
        .map(|i| {
            let at = |list: Option<&[Value]>| list.map_or(Value::Null, |l| l[i].clone());
            let sent_ns = instant_ns(&at(starts), 1.0, &format!("start_times[{i}]"))?;
            let queue_ns = duration_ns(&at(queues), 1.0, &format!("queue_times[{i}]"))?;
            let waited = queue_ns.unwrap_or(0);
            let streamed = streamed_times(&ttfts[i], &itls[i], i)?;
            let request = Request {
                start_ns: sent_ns.map(|sent| sent.saturating_sub(waited)),
                queue_ns,
                ttft_ns: streamed.ttft_ns.map(|ns| ns + waited),
                e2e_ns: streamed.e2e_ns.map(|ns| ns + waited),
                input_tokens: count(&input[i], &format!("input_lens[{i}]"))?,
                output_tokens: count(&output[i], &format!("output_lens[{i}]"))?,
                ..streamed
            };
            Ok(ended(request, &errors[i]))
        })
        .collect()
}

/// First token and gaps, as vLLM's and `SGLang`'s client keep them: E2E is the first token plus all
/// gaps, so to the last output.
pub fn streamed_times(ttft: &Value, itls: &Value, i: usize) -> Result<Request, ImportError> {
    let ttft_ns = duration_ns(ttft, 1.0, &format!("ttfts[{i}]"))?.filter(|ns| *ns > 0);
    let gaps: Vec<u64> = itls
        .as_array()
        .ok_or_else(|| {
            ImportError::Shape(format!("itls[{i}] is {}, a list was expected", value::shown(itls)))
        })?
        .iter()
        .enumerate()
        .map(|(k, gap)| {
            let what = format!("itls[{i}][{k}]");
            duration_ns(gap, 1.0, &what)?
                .ok_or_else(|| ImportError::Shape(format!("{what} is no number")))
        })
        .collect::<Result<_, _>>()?;
    Ok(Request {
        ttft_ns,
        e2e_ns: ttft_ns.map(|first| first + gaps.iter().sum::<u64>()),
        events: ttft_ns.map_or(0, |_| u32::try_from(gaps.len() + 1).unwrap_or(u32::MAX)),
        gaps_ns: Some(gaps),
        ..Request::default()
    })
}

/// A failed request has a text in `errors`; a failed one without a text has neither first token nor
/// tokens.
pub fn ended(request: Request, error: &Value) -> Request {
    match error {
        Value::Null => request.checked(),
        Value::String(words) if words.trim().is_empty() => request.checked(),
        Value::String(words) => request.failed(Ending::from_words(words)),
        other => request.failed(Ending::from_words(&other.to_string())),
    }
}

fn optional<'v>(
    run: &'v Value,
    key: &str,
    length: usize,
) -> Result<Option<&'v [Value]>, ImportError> {
    if run[key].is_null() {
        return Ok(None);
    }
    lists(run, ["ttfts", key]).map(|[_, l]| l).map(Some).map(|l| l.filter(|l| l.len() == length))
}

/// What was asked for and is in no array counts as never sent.
fn never_sent(run: &Value, requests: &mut Vec<Request>) -> Result<Vec<String>, ImportError> {
    let asked = count(&run["num_prompts"], "num_prompts")?.map_or(0, |n| n as usize);
    let there = requests.len();
    if asked <= there {
        return Ok(Vec::new());
    }
    // A claim in the file is no reason to fill the memory.
    if asked > there.saturating_mul(1000).max(1_000_000) {
        return Err(ImportError::Shape(format!(
            "num_prompts is {asked}, and {there} requests are in the file"
        )));
    }
    let absent = || {
        Request::default()
            .failed(Ending::failed(OutcomeKind::Cancelled, "asked for, and not in the file"))
    };
    requests.extend(std::iter::repeat_with(absent).take(asked - there));
    Ok(vec![format!(
        "{} of {asked} requests that were asked for are not in the file: they count as failed",
        asked - there
    )])
}

/// The tool's count of completed requests beside ours.
pub fn disagreement(run: &Value, requests: &[Request]) -> Result<Option<String>, ImportError> {
    let ours = requests.iter().filter(|r| r.completed()).count();
    let theirs = count(&run["completed"], "completed")?.map(|n| n as usize);
    Ok(theirs.filter(|n| *n != ours).map(|n| {
        format!(
            "the tool counts {n} completed requests, and {ours} are by this program's rules (an answer without output failed)"
        )
    }))
}

fn notes(run: &Value, open_loop: bool) -> Vec<String> {
    let mut notes = vec![
        "output tokens are the server's usage where it sent one, else vLLM's own tokenizer's count: the file does not say which"
            .into(),
    ];
    notes.push(UNSEEN_ENDS.replace("{}", "vLLM"));
    if backend_protocol(backend(run).unwrap_or("")) == "openai-completions" {
        notes.push(
            "vLLM's completions client counts events with empty text as output: TTFT, E2E and chunk gaps may include one".into(),
        );
    } else {
        notes.push(
            "vLLM's chat client does not know reasoning_content: where a server sends it, TTFT is the first answer token's"
                .into(),
        );
    }
    if !open_loop {
        notes.push("latencies count from the send, as they do in a closed loop".into());
    } else if run.get("queue_times").is_some() {
        notes.push(
            "latencies count from the arrival: vLLM's client queue time is added, which its own TTFT and E2EL leave out".into(),
        );
    } else {
        notes.push("latencies count from the send: this vLLM saves no client queue time".into());
    }
    notes
}
