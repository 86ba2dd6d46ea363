//! Pages of real servers (`tests/fixtures/metrics`), and those of documentation.

use super::{Page, Part, Raw, read};

const VLLM: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/metrics/vllm.txt"));
const SGLANG: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/metrics/sglang.txt"));
const LLAMA_CPP: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/metrics/llama-cpp.txt"));
const TRITON: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/metrics/triton.txt"));

fn has(page: &Page, expected: &[(Raw, f64)]) {
    for (raw, value) in expected {
        let found = page.values.get(raw).copied();
        assert!(
            found.is_some_and(|x| (x - value).abs() < 1e-9),
            "{raw:?}: {found:?}, expected {value}"
        );
    }
}

#[test]
fn a_page_of_vllm_is_read() {
    let page = read(VLLM);
    assert_eq!(page.server, Some("vllm"));
    assert_eq!(page.process_start_s, Some(1_795_300_818.38));
    has(
        &page,
        &[
            (Raw::Running, 0.0),
            (Raw::Waiting, 0.0),
            (Raw::KvUse, 0.0),
            (Raw::PrefixQueried, 505.0),
            (Raw::PrefixFound, 0.0),
            (Raw::Preemptions, 0.0),
            (Raw::Finished, 13.0),
            (Raw::Seconds(Part::Queue), 0.000_550_848_000_102_632_8),
            (Raw::Count(Part::Queue), 13.0),
            (Raw::Seconds(Part::Prefill), 32.150_767_121_999_48),
            (Raw::Count(Part::Decode), 13.0),
            (Raw::Count(Part::TokenGap), 106.0),
        ],
    );
}

#[test]
fn a_page_of_sglang_is_read() {
    let page = read(SGLANG);
    assert_eq!((page.server, page.process_start_s), (Some("sglang"), None));
    has(
        &page,
        &[
            (Raw::Running, 0.0),
            (Raw::PrefixQueried, 739.0),
            (Raw::PrefixFound, 628.0),
            (Raw::Finished, 21.0),
            (Raw::Count(Part::Queue), 23.0),
            (Raw::Seconds(Part::Prefill), 10.050_313_054_000_071),
            // Streaming and not: two series of one server.
            (Raw::Count(Part::FirstToken), 21.0),
        ],
    );
}

#[test]
fn a_page_of_llama_cpp_is_read() {
    let page = read(LLAMA_CPP);
    assert_eq!((page.server, page.process_start_s), (Some("llama.cpp"), None));
    has(&page, &[(Raw::Running, 0.0), (Raw::Waiting, 0.0), (Raw::Drafted, 0.0)]);
    for raw in [
        Raw::PrefixFound,
        Raw::PrefixMissed,
        Raw::Seconds(Part::PrefillToken),
        Raw::Count(Part::TokenGap),
    ] {
        assert!(page.values[&raw] > 0.0, "{raw:?}");
    }
}

#[test]
fn a_page_of_triton_is_read() {
    let page = read(TRITON);
    assert_eq!(page.server, Some("triton"));
    let queue = [(Raw::Seconds(Part::Queue), 108e-6), (Raw::Count(Part::Queue), 3.0)];
    let compute = [(Raw::Seconds(Part::Upstream), 1786e-6), (Raw::Seconds(Part::Whole), 2145e-6)];
    has(&page, &[[(Raw::Waiting, 0.0), (Raw::Finished, 3.0)], queue, compute].concat());
}

#[test]
fn engines_add_up_and_their_shares_are_averaged() {
    let page = read(
        "vllm:num_requests_running{engine=\"0\"} 3\nvllm:num_requests_running{engine=\"1\"} 5\n\
         vllm:kv_cache_usage_perc{engine=\"0\"} 0.2\nvllm:kv_cache_usage_perc{engine=\"1\"} 0.6\n",
    );
    has(&page, &[(Raw::Running, 8.0), (Raw::KvUse, 0.4)]);
}

#[test]
fn copies_of_one_schedulers_numbers_count_once() {
    let page = read(
        "sglang:num_running_reqs{dp_rank=\"0\",tp_rank=\"0\"} 3\nsglang:num_running_reqs{dp_rank=\"0\",tp_rank=\"1\"} 3\n\
         sglang:num_running_reqs{dp_rank=\"1\",tp_rank=\"2\"} 4\n\
         sglang:num_queue_reqs{priority=\"\"} 5\nsglang:num_queue_reqs{priority=\"1\"} 5\n",
    );
    has(&page, &[(Raw::Running, 7.0), (Raw::Waiting, 5.0)]);
}

#[test]
fn newer_names_stand_before_older_ones() {
    let page = read("vllm:gpu_cache_usage_perc 0.9\nvllm:kv_cache_usage_perc 0.3\n");
    has(&page, &[(Raw::KvUse, 0.3)]);
    has(&read("vllm:gpu_cache_usage_perc 0.9\n"), &[(Raw::KvUse, 0.9)]);
}

#[test]
fn names_of_documentation_are_read() {
    let llama = read(
        "llamacpp:requests_processing 2\nllamacpp:requests_deferred 7\nllamacpp:prompt_tokens_total 100\nllamacpp:prompt_seconds_total 0.5\n",
    );
    assert_eq!(llama.server, Some("llama.cpp"));
    has(
        &llama,
        &[(Raw::Running, 2.0), (Raw::Waiting, 7.0), (Raw::Seconds(Part::PrefillToken), 0.5)],
    );
    let triton = read(
        "nv_inference_request_success{model=\"m\",version=\"1\"} 4\nnv_inference_queue_duration_us{model=\"m\",version=\"1\"} 8000\n\
         nv_trt_llm_request_metrics{request_type=\"waiting\"} 3\nnv_trt_llm_request_metrics{request_type=\"max\"} 512\n\
         nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=\"fraction\"} 0.25\nnv_gpu_utilization{gpu_uuid=\"GPU-1\"} 0.5\n",
    );
    assert_eq!(triton.server, Some("triton"));
    has(
        &triton,
        &[
            (Raw::Waiting, 3.0),
            (Raw::KvUse, 0.25),
            (Raw::Seconds(Part::Queue), 0.008),
            (Raw::Count(Part::Queue), 4.0),
        ],
    );
    let litellm = read(
        "litellm_overhead_latency_metric_sum 0.5\nlitellm_overhead_latency_metric_count 10\nlitellm_proxy_total_requests_metric_total 10\n",
    );
    assert_eq!(litellm.server, Some("litellm"));
    has(&litellm, &[(Raw::Seconds(Part::Gateway), 0.5), (Raw::Finished, 10.0)]);
    assert_eq!(read("tgi_queue_size 3\n").server, Some("tgi"));
    assert_eq!(read("trtllm_num_requests_waiting 3\n").server, Some("tensorrt-llm"));
    let lmdeploy = read(
        "lmdeploy:num_requests_waiting{model_name=\"m\",engine=\"0\"} 3\nlmdeploy:gpu_cache_usage_perc 0.5\n",
    );
    assert_eq!(lmdeploy.server, Some("lmdeploy"));
    has(&lmdeploy, &[(Raw::Waiting, 3.0), (Raw::KvUse, 0.5)]);
    let dynamo = read(
        "dynamo_frontend_requests_total{model=\"m\"} 4\ndynamo_frontend_queued_requests 2\n\
         dynamo_frontend_time_to_first_token_seconds_sum 0.4\ndynamo_frontend_time_to_first_token_seconds_count 4\n",
    );
    assert_eq!(dynamo.server, Some("dynamo"));
    has(&dynamo, &[(Raw::Finished, 4.0), (Raw::Seconds(Part::FirstToken), 0.4)]);
    assert!(!dynamo.values.contains_key(&Raw::Waiting), "its queue includes prefill");
}

#[test]
fn a_page_of_something_else_says_nothing() {
    for page in ["", "<html>not found</html>", "http_requests_total 5\n", "{\"iter\": 3}"] {
        assert_eq!(read(page), Page::default(), "{page}");
    }
}

#[test]
fn what_is_no_number_is_absent() {
    assert_eq!(
        read("vllm:num_requests_running NaN\nvllm:num_requests_waiting +Inf\n").values.len(),
        0
    );
}

#[test]
fn endless_series_do_not_fill_the_memory() {
    let many: Vec<String> =
        (0..10_000).map(|i| format!("vllm:num_requests_running{{engine=\"{i}\"}} 1")).collect();
    has(&read(&many.join("\n")), &[(Raw::Running, 4096.0)]);
}

#[test]
fn names_that_mean_nothing_to_us_are_listed() {
    let page = include_str!("../../../../tests/fixtures/field/tgi-metrics.txt");
    assert_eq!(read(page).server, Some("tgi"));
    assert_eq!(super::unknown(page), ["tgi_request_count"]);
    let page = "my_latency_bucket{le=\"1\"} 1\nmy_latency_sum 1\nmy_latency_count 1\nmy_requests_total 3\npython_info 1\nvllm:num_requests_running 1\n";
    assert_eq!(super::unknown(page), ["my_latency", "my_requests"]);
}
