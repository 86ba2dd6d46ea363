//! `python -m sglang.bench_serving --output-details`: JSON lines, one per run, arrays with one
//! entry per request, times in seconds.
//!
//! Read in the sources of `SGLang` 0.5.23 and run; docs/IMPORT.md has the table of definitions.

use serde_json::Value;

use super::request::Request;
use super::value::{count, duration_ns, lists, number, stated, text};
use super::vllm::{
    UNSEEN_ENDS, backend_protocol, disagreement, ended, rate, streamed, streamed_times,
};
use super::{ImportError, ImportedRound, Load, Tool, hidden_wait};

const KEYED: [(&str, &str); 8] = [
    ("backend", "backend"),
    ("dataset", "dataset_name"),
    ("request_rate", "request_rate"),
    ("max_concurrency", "max_concurrency"),
    ("sharegpt_output_len", "sharegpt_output_len"),
    ("random_input_len", "random_input_len"),
    ("random_output_len", "random_output_len"),
    ("random_range_ratio", "random_range_ratio"),
];
/// The tool's two counts of output tokens may differ by this: more, and the first is not what the
/// server produced.
const RETOKENISED: f64 = 0.01;

pub fn read(run: &Value) -> Result<ImportedRound, ImportError> {
    if run.get("ttfts").is_none() {
        return Err(ImportError::NoDetails("run sglang.bench_serving with --output-details"));
    }
    let mut load = load(run)?;
    if let (true, Some(cap)) = (load.open_loop, load.max_in_flight) {
        // Counted by whole seconds, so never below the true peak.
        let peak = count(&run["max_concurrent_requests"], "max_concurrent_requests")?;
        hidden_wait(peak, cap, "leave --max-concurrency or --request-rate out")?;
    }
    let mut requests = requests(run)?;
    load.requests = Some(requests.len() as u64);
    load.set("requests", Some(requests.len().to_string()));
    let (mut notes, mut own_notes) = (notes(), Vec::new());
    own_notes.extend(disagreement(run, &requests)?);
    load.streaming = streamed(&requests);
    if !load.fingerprint.0.contains_key("model") {
        notes.push("the file does not name the model: compare only runs of one model".into());
    }
    let native = matches!(text(run, "backend"), Some("sglang" | "sglang-native"));
    if native {
        split_gaps(&mut requests, &mut notes);
    } else {
        refuse_input_tokens(&mut requests, &mut notes);
        own_notes.push(output_tokens(run, &mut requests)?);
    }
    let stated_duration_ns = duration_ns(&run["duration"], 1.0, "duration")?;
    Ok(ImportedRound {
        tool: Tool::SglangBench,
        load,
        requests,
        stated_duration_ns,
        cut_short: false,
        notes,
        own_notes,
    })
}

fn load(run: &Value) -> Result<Load, ImportError> {
    let mut load = Load::default_for(Tool::SglangBench);
    for (field, key) in KEYED {
        load.set(field, stated(&run[key]));
    }
    let server = &run["server_info"];
    load.set("server_version", text(server, "version").map(str::to_owned));
    load.set(
        "model",
        text(server, "served_model_name").or_else(|| text(server, "model_path")).map(str::to_owned),
    );
    backend_protocol(text(run, "backend").unwrap_or("unknown")).clone_into(&mut load.protocol);
    load.set("protocol", Some(load.protocol.clone()));
    load.max_in_flight = count(&run["max_concurrency"], "max_concurrency")?;
    let trace = text(run, "request_rate") == Some("trace");
    let rate = if trace { None } else { rate(&run["request_rate"])? };
    load.open_loop = trace || rate.is_some();
    load.arrival = match (rate, load.max_in_flight) {
        _ if trace => "trace".into(),
        (Some(rate), _) => format!("Poisson {rate}/s"),
        (None, Some(cap)) => format!("closed loop, {cap} in flight"),
        (None, None) => "all at once".into(),
    };
    if text(run, "dataset_name").is_some_and(|d| d.starts_with("random")) {
        load.input_tokens = count(&run["random_input_len"], "random_input_len")?;
        load.output_tokens = count(&run["random_output_len"], "random_output_len")?;
    }
    Ok(load)
}

fn requests(run: &Value) -> Result<Vec<Request>, ImportError> {
    let [ttfts, itls, input, output, errors] =
        lists(run, ["ttfts", "itls", "input_lens", "output_lens", "errors"])?;
    let cached = if run["cached_tokens"].is_null() {
        None
    } else {
        Some(lists(run, ["ttfts", "cached_tokens"])?[1])
    };
    (0..ttfts.len())
        .map(|i| {
            let request = Request {
                input_tokens: count(&input[i], &format!("input_lens[{i}]"))?,
                output_tokens: count(&output[i], &format!("output_lens[{i}]"))?,
                cached_tokens: cached
                    .map_or(Ok(None), |c| count(&c[i], &format!("cached_tokens[{i}]")))?,
                ..streamed_times(&ttfts[i], &itls[i], i)?
            };
            Ok(ended(request, &errors[i]))
        })
        .collect()
}

fn notes() -> Vec<String> {
    vec![
        UNSEEN_ENDS.replace("{}", "SGLang"),
        "latencies count from the send, and E2E ends with the last output: SGLang's own E2E ends with [DONE]".into(),
        "each request opens a connection of its own, and TTFT includes that".into(),
        "the file has no instants: the duration is SGLang's, which ends a call of /server_info after the last answer, so rates are never too high".into(),
    ]
}

/// The native client spreads each gap evenly over the tokens of its chunk.
fn split_gaps(requests: &mut [Request], notes: &mut Vec<String>) {
    for r in requests.iter_mut() {
        r.gaps_ns = None;
    }
    notes.push(
        "chunk gaps are refused: SGLang's native client divides each by the tokens of its chunk, so events are counted as tokens"
            .into(),
    );
}

/// In chat they lack the template, unless the server sent usage; which it was, no field says.
fn refuse_input_tokens(requests: &mut [Request], notes: &mut Vec<String>) {
    for r in requests.iter_mut() {
        r.input_tokens = None;
    }
    notes.push("input tokens are refused: the file does not say whether the server or the client counted them".into());
}

/// Without usage this client writes the length that it asked for: a server that stops early would
/// look faster.
fn output_tokens(run: &Value, requests: &mut [Request]) -> Result<String, ImportError> {
    let total = number(&run["total_output_tokens"], "total_output_tokens")?;
    let again = number(&run["total_output_tokens_retokenized"], "total_output_tokens_retokenized")?;
    let seen = match (total, again) {
        (Some(total), Some(again)) if (again / total - 1.0).abs() <= RETOKENISED => {
            return Ok(format!(
                "output tokens are usage or the length asked for; SGLang's count of the texts agrees ({total} and {again})"
            ));
        }
        (Some(total), Some(again)) => format!("{total} of them against {again} in the texts"),
        _ => "the file has no count of the texts to hold against them".into(),
    };
    for r in requests.iter_mut() {
        r.output_tokens = None;
    }
    Ok(format!(
        "output tokens are refused, and TPOT with them: without usage SGLang's client writes the length asked for ({seen}); the native backend (--backend sglang) has the server's count"
    ))
}
