//! What the receiver makes of real servers' responses (`tests/fixtures/captures`). The expectations
//! were counted by another program, from the recordings and not from the fixtures.

use super::tests::{CHAT, COMPLETIONS, read_all, read_bytewise};
use super::*;
use crate::timeline::Outcome::{Completed, HttpStatus, Malformed, Truncated};

struct Case {
    name: &'static str,
    bytes: &'static [u8],
    protocol: Protocol,
    stream: bool,
    outcome: Outcome,
    /// Events with output.
    events: usize,
    /// Prompt, completion and cached tokens.
    tokens: [Option<u32>; 3],
    finish_reason: Option<&'static str>,
    reusable: bool,
}

macro_rules! case {
    ($name:literal, $protocol:expr, $stream:expr, $outcome:expr, $events:expr, $tokens:expr, $finish:expr, $reusable:expr) => {
        Case {
            name: $name,
            bytes: include_bytes!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/fixtures/captures/",
                $name,
                ".http"
            )),
            protocol: $protocol,
            stream: $stream,
            outcome: $outcome,
            events: $events,
            tokens: $tokens,
            finish_reason: $finish,
            reusable: $reusable,
        }
    };
}

macro_rules! refused {
    ($name:literal, $stream:expr, $status:expr, $reusable:expr) => {
        case!($name, CHAT, $stream, HttpStatus($status), 0, [None; 3], None, $reusable)
    };
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    case!("litellm-completions_stream", COMPLETIONS, true, Completed, 4, [Some(4), Some(4), Some(3)], Some("length"), true),
    refused!("litellm-err_bad_json", false, 400, true),
    refused!("litellm-err_bad_model", true, 400, true),
    refused!("litellm-err_dead_backend_stream", true, 500, true),
    refused!("litellm-err_no_key", true, 500, false),
    refused!("litellm-err_wrong_key", true, 400, true),
    case!("litellm-llama_nonstream", CHAT, false, Completed, 1, [Some(38), Some(8), Some(37)], Some("length"), true),
    case!("litellm-llama_stream", CHAT, true, Completed, 8, [None, None, None], Some("length"), true),
    case!("litellm-llama_stream_usage", CHAT, true, Completed, 8, [Some(38), Some(8), Some(37)], Some("length"), true),
    case!("litellm-mock_nonstream", CHAT, false, Completed, 1, [Some(10), Some(20), None], Some("stop"), true),
    case!("litellm-mock_stream", CHAT, true, Completed, 18, [None, None, None], Some("stop"), true),
    case!("litellm-mock_stream_usage", CHAT, true, Completed, 18, [Some(15), Some(14), None], Some("stop"), true),
    refused!("litellm-vllm_err_max_tokens_0_stream", true, 400, true),
    case!("litellm-vllm_stream_continuous", CHAT, true, Completed, 4, [Some(38), Some(4), Some(0)], Some("length"), true),
    case!("litellm-vllm_stream_usage", CHAT, true, Completed, 8, [Some(38), Some(8), Some(0)], Some("length"), true),
    case!("llama-cpp-close_header", CHAT, true, Completed, 3, [None, None, None], Some("length"), false),
    case!("llama-cpp-completions_stream", COMPLETIONS, true, Completed, 6, [Some(4), Some(6), Some(0)], Some("length"), true),
    refused!("llama-cpp-err_bad_json", false, 400, false),
    case!("llama-cpp-err_bad_model", CHAT, false, Completed, 1, [Some(38), Some(4), Some(37)], Some("length"), true),
    case!("llama-cpp-err_bad_model_stream", CHAT, true, Completed, 4, [None, None, None], Some("length"), true),
    refused!("llama-cpp-err_long_prompt", false, 400, false),
    refused!("llama-cpp-err_long_prompt_stream", false, 400, false),
    refused!("llama-cpp-err_no_messages", true, 400, false),
    case!("llama-cpp-err_temperature", CHAT, true, Completed, 4, [None, None, None], Some("length"), true),
    refused!("llama-cpp-err_wrong_key", true, 401, false),
    case!("llama-cpp-max_tokens_0_stream", CHAT, true, Completed, 1, [Some(38), Some(1), Some(37)], Some("length"), true),
    case!("llama-cpp-max_tokens_1_stream", CHAT, true, Completed, 1, [Some(38), Some(1), Some(37)], Some("length"), true),
    case!("llama-cpp-max_tokens_huge", CHAT, true, Completed, 4, [Some(38), Some(4), Some(37)], Some("stop"), true),
    refused!("llama-cpp-max_tokens_negative", false, 400, false),
    case!("llama-cpp-nonstream", CHAT, false, Completed, 1, [Some(38), Some(16), Some(37)], Some("length"), true),
    case!("llama-cpp-stream", CHAT, true, Completed, 12, [None, None, None], Some("length"), true),
    case!("llama-cpp-stream_logprobs", CHAT, true, Completed, 3, [None, None, None], Some("length"), true),
    case!("llama-cpp-stream_n2", CHAT, true, Completed, 6, [Some(38), Some(3), Some(37)], Some("length"), true),
    case!("llama-cpp-stream_slow_prefill_ping_1s", CHAT, true, Completed, 3, [Some(1431), Some(3), Some(0)], Some("length"), true),
    case!("llama-cpp-stream_stop", CHAT, true, Completed, 2, [Some(36), Some(2), Some(24)], Some("stop"), true),
    case!("llama-cpp-stream_usage", CHAT, true, Completed, 12, [Some(38), Some(12), Some(37)], Some("length"), true),
    case!("llama-cpp-stream_usage_continuous", CHAT, true, Completed, 4, [Some(38), Some(4), Some(37)], Some("length"), true),
    case!("llama-cpp-stream_utf8", CHAT, true, Completed, 6, [Some(52), Some(13), Some(24)], Some("stop"), true),
    case!("mock-llm-npm-stream_usage", CHAT, true, Completed, 1, [None, None, None], Some("stop"), true),
    case!("sglang-close_header", CHAT, true, Completed, 3, [None, None, None], Some("length"), false),
    case!("sglang-completions_stream", COMPLETIONS, true, Completed, 6, [Some(4), Some(6), None], Some("length"), true),
    refused!("sglang-err_bad_json", false, 400, true),
    case!("sglang-err_bad_model", CHAT, false, Completed, 1, [Some(38), Some(4), None], Some("length"), true),
    case!("sglang-err_bad_model_stream", CHAT, true, Completed, 4, [None, None, None], Some("length"), true),
    refused!("sglang-err_long_prompt", false, 400, true),
    refused!("sglang-err_long_prompt_stream", false, 400, true),
    refused!("sglang-err_no_messages", true, 400, true),
    case!("sglang-err_temperature", CHAT, true, Completed, 4, [None, None, None], Some("length"), true),
    case!("sglang-max_tokens_0_stream", CHAT, true, Malformed, 0, [Some(38), Some(0), None], Some("length"), true),
    case!("sglang-max_tokens_1_stream", CHAT, true, Completed, 1, [Some(38), Some(1), None], Some("length"), true),
    refused!("sglang-max_tokens_huge", true, 400, true),
    refused!("sglang-max_tokens_negative", false, 400, true),
    case!("sglang-nonstream", CHAT, false, Completed, 1, [Some(38), Some(16), None], Some("length"), true),
    case!("sglang-stream", CHAT, true, Completed, 12, [None, None, None], Some("length"), true),
    case!("sglang-stream_logprobs", CHAT, true, Completed, 3, [None, None, None], Some("length"), true),
    case!("sglang-stream_n2", CHAT, true, Completed, 6, [Some(38), Some(6), None], Some("length"), true),
    case!("sglang-stream_stop", CHAT, true, Completed, 2, [Some(36), Some(2), None], Some("stop"), true),
    case!("sglang-stream_usage", CHAT, true, Completed, 12, [Some(38), Some(12), None], Some("length"), true),
    case!("sglang-stream_usage_cache_report", CHAT, true, Completed, 3, [Some(38), Some(3), Some(37)], Some("length"), true),
    case!("sglang-stream_usage_continuous", CHAT, true, Completed, 4, [Some(38), Some(4), None], Some("length"), true),
    case!("sglang-stream_utf8", CHAT, true, Completed, 7, [Some(52), Some(13), None], Some("stop"), true),
    case!("vllm-aborted", CHAT, true, Truncated, 2, [None, None, None], None, false),
    case!("vllm-close_header", CHAT, true, Completed, 3, [None, None, None], Some("length"), false),
    case!("vllm-completions_stream", COMPLETIONS, true, Completed, 6, [Some(4), Some(6), Some(0)], Some("length"), true),
    refused!("vllm-err_bad_json", false, 400, true),
    refused!("vllm-err_bad_model", false, 404, true),
    refused!("vllm-err_bad_model_stream", true, 404, true),
    refused!("vllm-err_long_prompt", false, 400, true),
    refused!("vllm-err_long_prompt_stream", false, 400, true),
    refused!("vllm-err_no_messages", true, 400, true),
    refused!("vllm-err_temperature", true, 400, true),
    refused!("vllm-err_wrong_key", true, 401, true),
    refused!("vllm-max_tokens_0_stream", true, 400, true),
    case!("vllm-max_tokens_1_stream", CHAT, true, Completed, 1, [Some(38), Some(1), Some(0)], Some("length"), true),
    refused!("vllm-max_tokens_huge", true, 400, true),
    refused!("vllm-max_tokens_negative", false, 400, true),
    case!("vllm-nonstream", CHAT, false, Completed, 1, [Some(38), Some(16), Some(0)], Some("length"), true),
    case!("vllm-stream", CHAT, true, Completed, 12, [None, None, None], Some("length"), true),
    case!("vllm-stream_logprobs", CHAT, true, Completed, 2, [None, None, None], Some("length"), true),
    case!("vllm-stream_n2", CHAT, true, Completed, 6, [Some(38), Some(6), Some(0)], Some("length"), true),
    case!("vllm-stream_stop", CHAT, true, Completed, 2, [Some(36), Some(2), Some(0)], Some("stop"), true),
    case!("vllm-stream_usage", CHAT, true, Completed, 12, [Some(38), Some(12), Some(0)], Some("length"), true),
    case!("vllm-stream_usage_continuous", CHAT, true, Completed, 4, [Some(38), Some(4), Some(0)], Some("length"), true),
    case!("vllm-stream_utf8", CHAT, true, Completed, 6, [Some(52), Some(13), Some(0)], Some("stop"), true),
    case!("vllm-tiny_prefix_cache_1", CHAT, true, Completed, 4, [Some(631), Some(4), Some(0)], Some("length"), true),
    case!("vllm-tiny_prefix_cache_2", CHAT, true, Completed, 4, [Some(631), Some(4), Some(512)], Some("length"), true),
];

#[test]
fn every_capture_gives_what_was_counted_in_it() {
    for case in CASES {
        let (answer, step) = read_all(&case.protocol, case.stream, case.bytes);
        let name = case.name;
        assert_eq!(answer.outcome, case.outcome, "{name}: {:?}", answer.error);
        assert_eq!(answer.outputs.len(), case.events, "{name}");
        let usage = answer.usage;
        assert_eq!(
            [usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens],
            case.tokens,
            "{name}"
        );
        assert_eq!(answer.finish_reason.as_deref(), case.finish_reason, "{name}");
        assert_eq!(answer.error.is_none(), case.outcome == Completed, "{name}");
        assert!(!answer.reasoning_seen, "{name}");
        let ended = case.outcome != Truncated;
        assert_eq!(
            step,
            if ended { Step::Complete { reusable: case.reusable } } else { Step::Continue },
            "{name}"
        );
    }
}

#[test]
fn every_capture_reads_the_same_byte_by_byte() {
    for case in CASES {
        let whole = read_all(&case.protocol, case.stream, case.bytes);
        assert_eq!(read_bytewise(&case.protocol, case.stream, case.bytes), whole, "{}", case.name);
    }
}

#[test]
fn every_capture_that_is_cut_is_neither_completed_nor_malformed() {
    for case in CASES.iter().filter(|case| case.outcome == Completed && case.stream) {
        let end_mark =
            memchr::memmem::rfind(case.bytes, b"[DONE]").expect("these streams have an end mark");
        for len in (1..end_mark).step_by(7) {
            let (answer, _) = read_all(&case.protocol, case.stream, &case.bytes[..len]);
            assert_eq!(answer.outcome, Truncated, "{} cut at {len}: {:?}", case.name, answer.error);
        }
    }
}

#[test]
fn refusals_say_what_the_server_said() {
    for (name, expected) in [
        ("litellm-err_no_key", "Internal Server Error"),
        ("vllm-err_wrong_key", "Unauthorized"),
        (
            "vllm-max_tokens_0_stream",
            "max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)",
        ),
        (
            "sglang-err_long_prompt",
            "The input (20031 tokens) is longer than the model's context length (2048 tokens).",
        ),
        (
            "llama-cpp-err_long_prompt",
            "request (20031 tokens) exceeds the available context size (2048 tokens), try increasing it",
        ),
    ] {
        let case = CASES.iter().find(|case| case.name == name).expect("the capture is listed");
        assert_eq!(
            read_all(&case.protocol, case.stream, case.bytes).0.error.as_deref(),
            Some(expected),
            "{name}"
        );
    }
}
