//! Whether a word of a server tells of a failure: the name of an event or field, a comment, a
//! finish reason.
//!
//! Not here: the message inside an error body (`error_text`).

/// Words that tell of a failure wherever they stand, in lower case. One that ends in `error` or
/// `exception` does too (`RuntimeError`).
const FAILURES: [&str; 20] = [
    "err",
    "errors",
    "errored",
    "exceptions",
    "fail",
    "fails",
    "failed",
    "failure",
    "failing",
    "fatal",
    "abort",
    "aborted",
    "crash",
    "crashed",
    "died",
    "disconnected",
    "panic",
    "panicked",
    "traceback",
    "unhealthy",
];

/// Words that do so as a finish reason only: elsewhere they may be settings (`keep-alive
/// timeout=5`).
const UNFINISHED: [&str; 10] = [
    "cancel",
    "canceled",
    "cancelled",
    "timeout",
    "timedout",
    "overloaded",
    "interrupted",
    "network",
    "disconnect",
    "unavailable",
];

/// A name or a comment tells of a failure; `no error` and `0 errors` do not.
pub fn names_failure(text: &str) -> bool {
    let mut negated = false;
    for word in word_runs(text) {
        let failure = FAILURES.contains(&word.as_str())
            || word.ends_with("error")
            || word.ends_with("exception");
        if failure && !negated {
            return true;
        }
        negated = matches!(word.as_str(), "no" | "0" | "without");
    }
    false
}

/// A finish reason says that the answer was not finished: vLLM and `SGLang` say `abort`, gateways
/// `error` and more.
pub fn unfinished(reason: &str) -> bool {
    names_failure(reason) || word_runs(reason).any(|word| UNFINISHED.contains(&word.as_str()))
}

/// Runs of letters and digits, in lower case.
fn word_runs(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_from_what_servers_say_to_keep_a_connection() {
        for text in [
            "error",
            "Error",
            "internal_error",
            "response.failed",
            "exception",
            "RuntimeError: CUDA out of memory",
            "Exception: engine core died",
            "worker instance disconnected mid-stream",
            "upstream connect error or disconnect/reset before headers",
            "no worker: failed",
        ] {
            assert!(names_failure(text), "{text}");
        }
        for text in [
            "",
            "ping",
            "ping - 2025-10-02 12:00:00.000000",
            "OPENROUTER PROCESSING",
            "keep-alive timeout=5",
            "heartbeat",
            "message",
            "response.output_text.delta",
            "response.incomplete",
            "no error so far",
            "0 errors",
            "mirrors",
        ] {
            assert!(!names_failure(text), "{text}");
        }
    }

    #[test]
    fn a_reason_that_ends_an_answer_is_told_from_one_that_broke_it() {
        for reason in [
            "abort",
            "error",
            "Error",
            "cancelled",
            "timeout",
            "network_error",
            "engine_overloaded",
            "server_error",
        ] {
            assert!(unfinished(reason), "{reason}");
        }
        for reason in [
            "stop",
            "length",
            "tool_calls",
            "content_filter",
            "eos",
            "eos_token",
            "stop_sequence",
            "max_tokens",
            "load",
        ] {
            assert!(!unfinished(reason), "{reason}");
        }
    }
}
