//! One vocabulary for every server: which names on a metrics page mean what. Sources are in
//! docs/SERVER-METRICS.md. Pure.
//!
//! Not here: the text format (`exposition`), or what happened between two pages (`window`).

use std::collections::{BTreeMap, BTreeSet};

use super::exposition::{Sample, samples};

/// What a page can say, before anything is subtracted or divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Raw {
    /// Gauges: requests in the batch, and in the queue before it.
    Running,
    Waiting,
    /// Gauges, 0 to 1.
    KvUse,
    PrefixHitRate,
    AcceptRate,
    /// Counters: prompt tokens looked up in the prefix cache, found there, and not found there.
    PrefixQueried,
    PrefixFound,
    PrefixMissed,
    Preemptions,
    /// Counters of speculative decoding, in tokens.
    Drafted,
    Accepted,
    /// Counter: requests that ended, however they ended.
    Finished,
    /// Counters: seconds in a part of requests, and how many of what they are divided by.
    Seconds(Part),
    Count(Part),
}

/// A part of a request's time, as the server counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Queue,
    Prefill,
    Decode,
    FirstToken,
    TokenGap,
    Whole,
    /// Per prompt token, where a server counts tokens and no requests.
    PrefillToken,
    /// A gateway's own time, and that of the server behind it.
    Gateway,
    Upstream,
}

/// What a page said, in our words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Whose names they are: `vllm`, `sglang`...; absent where none is known.
    pub server: Option<&'static str>,
    pub values: BTreeMap<Raw, f64>,
    /// `process_start_time_seconds`, UNIX time.
    pub process_start_s: Option<f64>,
}

/// One server's names.
struct Names {
    server: &'static str,
    /// All its names begin so.
    prefix: &'static str,
    rows: &'static [Row],
}

struct Row {
    from: Source,
    name: &'static str,
    /// Only series with this label.
    only: Option<(&'static str, &'static str)>,
    /// To seconds, or to a share.
    factor: f64,
}

enum Source {
    Sample(Raw),
    /// `NAME_sum` and `NAME_count`, in seconds.
    Histogram(Part),
}

/// More series of one name than any server has; a page from elsewhere must not fill the memory.
const MOST_SERIES: usize = 4096;
/// Copies of one scheduler's numbers, by rank and process (`SGLang`): the largest counts, not the
/// sum.
const COPIES: [&str; 4] = ["tp_rank", "pp_rank", "moe_ep_rank", "pid"];
const PROCESS_START: &str = "process_start_time_seconds";

const fn row(raw: Raw, name: &'static str) -> Row {
    Row { from: Source::Sample(raw), name, only: None, factor: 1.0 }
}

const fn labelled(raw: Raw, name: &'static str, label: &'static str, value: &'static str) -> Row {
    Row { only: Some((label, value)), ..row(raw, name) }
}

const fn micros(raw: Raw, name: &'static str) -> Row {
    Row { factor: 1e-6, ..row(raw, name) }
}

const fn histogram(part: Part, name: &'static str) -> Row {
    Row { from: Source::Histogram(part), name, only: None, factor: 1.0 }
}

/// Of two rows for one thing the first that the page has counts: newer names stand before older
/// ones. Names of counters without `_total`.
const ALL: [Names; 9] = [
    Names {
        server: "vllm",
        prefix: "vllm:",
        rows: &[
            row(Raw::Running, "vllm:num_requests_running"),
            row(Raw::Waiting, "vllm:num_requests_waiting"),
            row(Raw::KvUse, "vllm:kv_cache_usage_perc"),
            row(Raw::KvUse, "vllm:gpu_cache_usage_perc"),
            row(Raw::PrefixQueried, "vllm:prefix_cache_queries"),
            row(Raw::PrefixQueried, "vllm:gpu_prefix_cache_queries"),
            row(Raw::PrefixFound, "vllm:prefix_cache_hits"),
            row(Raw::PrefixFound, "vllm:gpu_prefix_cache_hits"),
            row(Raw::Preemptions, "vllm:num_preemptions"),
            row(Raw::Drafted, "vllm:spec_decode_num_draft_tokens"),
            row(Raw::Accepted, "vllm:spec_decode_num_accepted_tokens"),
            row(Raw::Finished, "vllm:request_success"),
            histogram(Part::Queue, "vllm:request_queue_time_seconds"),
            histogram(Part::Prefill, "vllm:request_prefill_time_seconds"),
            histogram(Part::Decode, "vllm:request_decode_time_seconds"),
            histogram(Part::FirstToken, "vllm:time_to_first_token_seconds"),
            histogram(Part::TokenGap, "vllm:inter_token_latency_seconds"),
            histogram(Part::TokenGap, "vllm:time_per_output_token_seconds"),
            histogram(Part::Whole, "vllm:e2e_request_latency_seconds"),
        ],
    },
    Names {
        server: "sglang",
        prefix: "sglang:",
        rows: &[
            row(Raw::Running, "sglang:num_running_reqs"),
            row(Raw::Waiting, "sglang:num_queue_reqs"),
            row(Raw::KvUse, "sglang:token_usage"),
            row(Raw::PrefixQueried, "sglang:prompt_tokens"),
            row(Raw::PrefixFound, "sglang:cached_tokens"),
            row(Raw::PrefixHitRate, "sglang:cache_hit_rate"),
            row(Raw::Preemptions, "sglang:num_retracted_requests"),
            row(Raw::AcceptRate, "sglang:spec_accept_rate"),
            row(Raw::Finished, "sglang:num_requests"),
            histogram(Part::Queue, "sglang:queue_time_seconds"),
            Row {
                only: Some(("stage", "prefill_forward")),
                ..histogram(Part::Prefill, "sglang:per_stage_req_latency_seconds")
            },
            histogram(Part::FirstToken, "sglang:time_to_first_token_seconds"),
            histogram(Part::TokenGap, "sglang:inter_token_latency_seconds"),
            histogram(Part::Whole, "sglang:e2e_request_latency_seconds"),
        ],
    },
    Names {
        server: "llama.cpp",
        prefix: "llamacpp:",
        rows: &[
            row(Raw::Running, "llamacpp:requests_processing"),
            row(Raw::Waiting, "llamacpp:requests_deferred"),
            row(Raw::KvUse, "llamacpp:kv_cache_usage_ratio"),
            row(Raw::PrefixFound, "llamacpp:prompt_tokens_cached"),
            row(Raw::PrefixMissed, "llamacpp:prompt_tokens"),
            row(Raw::Drafted, "llamacpp:spec_decode_num_draft_tokens"),
            row(Raw::Accepted, "llamacpp:spec_decode_num_accepted_tokens"),
            row(Raw::Seconds(Part::PrefillToken), "llamacpp:prompt_seconds"),
            row(Raw::Count(Part::PrefillToken), "llamacpp:prompt_tokens"),
            row(Raw::Seconds(Part::TokenGap), "llamacpp:tokens_predicted_seconds"),
            row(Raw::Count(Part::TokenGap), "llamacpp:tokens_predicted"),
        ],
    },
    Names {
        server: "triton",
        prefix: "nv_",
        rows: &[
            labelled(Raw::Running, "nv_trt_llm_request_metrics", "request_type", "scheduled"),
            labelled(Raw::Waiting, "nv_trt_llm_request_metrics", "request_type", "waiting"),
            row(Raw::Waiting, "nv_inference_pending_request_count"),
            labelled(
                Raw::KvUse,
                "nv_trt_llm_kv_cache_block_metrics",
                "kv_cache_block_type",
                "fraction",
            ),
            row(Raw::Finished, "nv_inference_request_success"),
            micros(Raw::Seconds(Part::Queue), "nv_inference_queue_duration_us"),
            row(Raw::Count(Part::Queue), "nv_inference_request_success"),
            micros(Raw::Seconds(Part::Upstream), "nv_inference_compute_infer_duration_us"),
            row(Raw::Count(Part::Upstream), "nv_inference_request_success"),
            micros(Raw::Seconds(Part::Whole), "nv_inference_request_duration_us"),
            row(Raw::Count(Part::Whole), "nv_inference_request_success"),
        ],
    },
    Names {
        server: "tensorrt-llm",
        prefix: "trtllm_",
        rows: &[
            row(Raw::Running, "trtllm_num_requests_running"),
            row(Raw::Waiting, "trtllm_num_requests_waiting"),
            row(Raw::KvUse, "trtllm_kv_cache_utilization"),
            row(Raw::PrefixHitRate, "trtllm_kv_cache_hit_rate"),
            row(Raw::Finished, "trtllm_request_success"),
            histogram(Part::Queue, "trtllm_request_queue_time_seconds"),
            histogram(Part::Prefill, "trtllm_request_prefill_time_seconds"),
            histogram(Part::Decode, "trtllm_request_decode_time_seconds"),
            histogram(Part::FirstToken, "trtllm_time_to_first_token_seconds"),
            histogram(Part::TokenGap, "trtllm_time_per_output_token_seconds"),
            histogram(Part::Whole, "trtllm_e2e_request_latency_seconds"),
        ],
    },
    Names {
        server: "tgi",
        prefix: "tgi_",
        rows: &[
            row(Raw::Running, "tgi_batch_current_size"),
            row(Raw::Waiting, "tgi_queue_size"),
            row(Raw::Finished, "tgi_request_success"),
            histogram(Part::Queue, "tgi_request_queue_duration"),
            histogram(Part::TokenGap, "tgi_request_mean_time_per_token_duration"),
            histogram(Part::Whole, "tgi_request_duration"),
        ],
    },
    Names {
        server: "lmdeploy",
        prefix: "lmdeploy:",
        rows: &[
            row(Raw::Running, "lmdeploy:num_requests_running"),
            row(Raw::Waiting, "lmdeploy:num_requests_waiting"),
            row(Raw::KvUse, "lmdeploy:gpu_cache_usage_perc"),
            row(Raw::Finished, "lmdeploy:request_success"),
            histogram(Part::Queue, "lmdeploy:request_queue_time_seconds"),
            histogram(Part::Prefill, "lmdeploy:request_prefill_time_seconds"),
            histogram(Part::Decode, "lmdeploy:request_decode_time_seconds"),
            histogram(Part::FirstToken, "lmdeploy:time_to_first_token_seconds"),
            histogram(Part::TokenGap, "lmdeploy:iter_token_latency"),
            histogram(Part::TokenGap, "lmdeploy:time_per_output_token_seconds"),
            histogram(Part::Whole, "lmdeploy:e2e_request_latency_seconds"),
        ],
    },
    // Its queue is of requests without a first token, prefill included, and is no queue before the
    // batch.
    Names {
        server: "dynamo",
        prefix: "dynamo_frontend_",
        rows: &[
            row(Raw::Running, "dynamo_frontend_inflight_requests"),
            row(Raw::Finished, "dynamo_frontend_requests"),
            histogram(Part::FirstToken, "dynamo_frontend_time_to_first_token_seconds"),
            histogram(Part::TokenGap, "dynamo_frontend_inter_token_latency_seconds"),
            histogram(Part::Whole, "dynamo_frontend_request_duration_seconds"),
        ],
    },
    Names {
        server: "litellm",
        prefix: "litellm_",
        rows: &[
            row(Raw::Running, "litellm_in_flight_requests"),
            row(Raw::Finished, "litellm_proxy_total_requests_metric"),
            histogram(Part::Queue, "litellm_request_queue_time_seconds"),
            histogram(Part::Gateway, "litellm_overhead_latency_metric"),
            histogram(Part::Upstream, "litellm_llm_api_latency_metric"),
            histogram(Part::FirstToken, "litellm_llm_api_time_to_first_token_metric"),
            histogram(Part::Whole, "litellm_request_total_latency_metric"),
        ],
    },
];

/// Series of one thing: by the row that it was found with, then by what distinguishes them.
type Found = BTreeMap<Raw, BTreeMap<usize, BTreeMap<String, f64>>>;

/// What a page says. Of several servers' names on one page those with the most count.
pub fn read(text: &str) -> Page {
    let mut found: Vec<Found> = ALL.iter().map(|_| Found::new()).collect();
    let mut process_start_s = None;
    let known = |name: &str| {
        name == PROCESS_START || ALL.iter().any(|names| name.starts_with(names.prefix))
    };
    for sample in samples(text, known).filter(|s| s.value.is_finite()) {
        if sample.name == PROCESS_START {
            process_start_s = Some(sample.value);
            continue;
        }
        for (names, found) in
            ALL.iter().zip(&mut found).filter(|(names, _)| sample.name.starts_with(names.prefix))
        {
            names.take(&sample, found);
        }
    }
    let best = ALL
        .iter()
        .zip(found)
        .max_by_key(|(_, found)| found.len())
        .filter(|(_, found)| !found.is_empty());
    let Some((names, found)) = best else { return Page { process_start_s, ..Page::default() } };
    let values = found
        .into_iter()
        .filter_map(|(raw, rows)| Some((raw, raw.together(rows.into_values().next()?)?)));
    Page { server: Some(names.server), values: values.collect(), process_start_s }
}

/// Names of a page that mean nothing to us, without what clients of Prometheus add by themselves;
/// in alphabetical order, each once.
pub fn unknown(text: &str) -> Vec<String> {
    const OF_CLIENTS: [&str; 5] = ["python_", "process_", "go_", "promhttp_", "http_"];
    let ours =
        |name: &str| ALL.iter().flat_map(|names| names.rows).any(|row| row.meaning(name).is_some());
    // A counter may be called `..._count` by itself: only beside a sum is that a part of something
    // larger.
    let is_whole =
        |part: &str, stem: &str| part != "_count" || text.contains(&format!("{stem}_sum"));
    let family = |name: &str| {
        let parts = ["_bucket", "_sum", "_count", "_total", "_created"];
        let mut stems = parts
            .iter()
            .filter_map(|part| name.strip_suffix(part).filter(|stem| is_whole(part, stem)));
        stems.next().unwrap_or(name).to_owned()
    };
    let wanted = |name: &str| !OF_CLIENTS.iter().any(|lead| name.starts_with(lead));
    let all: Vec<(String, bool)> =
        samples(text, wanted).map(|s| (family(s.name), ours(s.name))).collect();
    let known: BTreeSet<&str> =
        all.iter().filter(|(_, ours)| *ours).map(|(family, _)| family.as_str()).collect();
    let unknown: BTreeSet<&str> = all.iter().map(|(family, _)| family.as_str()).collect();
    unknown.difference(&known).map(|family| (*family).to_owned()).collect()
}

impl Names {
    fn take(&self, sample: &Sample<'_>, found: &mut Found) {
        let has = |(label, value): (&str, &str)| {
            sample.labels.iter().any(|(l, v)| *l == label && v == value)
        };
        // SGLang: the sum is there too, with an empty one.
        if sample.labels.iter().any(|(l, v)| *l == "priority" && !v.is_empty()) {
            return;
        }
        for (index, row) in self.rows.iter().enumerate() {
            let Some(raw) = row.meaning(sample.name).filter(|_| row.only.is_none_or(has)) else {
                continue;
            };
            let series = found.entry(raw).or_default().entry(index).or_default();
            let labels = sample.labels.iter().filter(|(l, _)| !COPIES.contains(l));
            let key: String = labels.flat_map(|(l, v)| [*l, "\u{1}", v, "\u{2}"]).collect();
            let value = sample.value * row.factor;
            if series.len() < MOST_SERIES || series.contains_key(&key) {
                series.entry(key).and_modify(|old| *old = old.max(value)).or_insert(value);
            }
        }
    }
}

impl Row {
    fn meaning(&self, name: &str) -> Option<Raw> {
        let rest = name.strip_prefix(self.name)?;
        match (&self.from, rest) {
            (Source::Sample(raw), "") => Some(*raw),
            (Source::Sample(raw), "_total") if raw.is_counter() => Some(*raw),
            (Source::Histogram(part), "_sum") => Some(Raw::Seconds(*part)),
            (Source::Histogram(part), "_count") => Some(Raw::Count(*part)),
            _ => None,
        }
    }
}

impl Raw {
    /// Only rises, unless the server begins anew.
    pub const fn is_counter(self) -> bool {
        !matches!(
            self,
            Self::Running | Self::Waiting | Self::KvUse | Self::PrefixHitRate | Self::AcceptRate
        )
    }

    /// Several engines (data parallel) and labels: counts add up, shares are averaged.
    fn together(self, series: BTreeMap<String, f64>) -> Option<f64> {
        let n = series.len();
        let sum = series.into_values().reduce(|a, b| a + b)?;
        Some(match self {
            Self::KvUse | Self::PrefixHitRate | Self::AcceptRate => sum / n as f64,
            _ => sum,
        })
        .filter(|value| value.is_finite())
    }
}

#[cfg(test)]
mod tests;
