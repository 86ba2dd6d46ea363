//! The workloads that have a name, with the figures of the older tools that users of this one come
//! from.
//!
//! Not here: merging them with a user's own values (`layers`).

use super::arrival::{ArrivalFile, Levels};
use super::prompts::{Corpus, PromptsFile, SyntheticFile};
use super::wire::{Number, Span};
use super::workload::{Tier, WorkloadFile};
use std::time::Duration;

/// Every preset, in the order of the documentation.
pub const NAMES: [&str; 12] = [
    "quick",
    "standard",
    "stress",
    "low-load",
    "medium-load",
    "high-load",
    "stress-test",
    "single",
    "concurrent",
    "long-context",
    "prefix-cache",
    "korean",
];

/// The part of `stress` that holds its highest level.
pub const STRESS_TOP: &str = "-c500";

/// A preset's workloads, each with what is appended to the name, or nothing under that name.
pub fn find(name: &str) -> Option<Vec<(&'static str, WorkloadFile)>> {
    let one = |workload| Some(vec![("", workload)]);
    match name {
        // Sweeps of llm-loadtest: concurrency, prompts, input and output tokens as in its table of
        // presets.
        "quick" => one(sweep(&[1, 5, 10], 50, 128, 64)),
        "standard" => one(sweep(&[1, 10, 50, 100], 200, 256, 128)),
        // Its 500 prompts at 500 in flight would all be the first wave, which is not measured:
        // twice as many there.
        "stress" => Some(vec![
            ("", sweep(&[10, 50, 100, 200], 500, 512, 256)),
            (STRESS_TOP, closed(Levels::One(500), 1000, 512, 256)),
        ]),
        // Rates and requests in flight of llm-benchmark's table of workloads; it sent at equal
        // intervals.
        "low-load" => one(load(1.0, 1)),
        "medium-load" => one(load(5.0, 10)),
        "high-load" => one(load(20.0, 50)),
        "stress-test" => one(load(50.0, 100)),
        // Scenarios of the framework comparison. Its documents give only the levels of
        // `concurrent`; the other figures are ours.
        "single" => one(closed(Levels::One(1), 100, 256, 128)),
        "concurrent" => one(sweep(&[1, 4, 16, 64], 200, 256, 128)),
        // 4096 + 128 tokens fit the 8192 of the smallest model that the older tools name.
        "long-context" => one(closed(Levels::One(4), 100, 4096, 128)),
        "prefix-cache" => one(prefix_cache()),
        "korean" => one(korean()),
        _ => None,
    }
}

fn sweep(levels: &[u32], requests: u32, input_tokens: u32, output_tokens: u32) -> WorkloadFile {
    closed(Levels::Many(levels.to_vec()), requests, input_tokens, output_tokens)
}

fn closed(
    concurrency: Levels,
    requests: u32,
    input_tokens: u32,
    output_tokens: u32,
) -> WorkloadFile {
    WorkloadFile {
        arrival: Some(ArrivalFile::Closed { concurrency }),
        requests: Some(requests),
        prompts: Some(prompts(SyntheticFile {
            input_tokens: Some(input_tokens),
            ..SyntheticFile::default()
        })),
        output_tokens: Some(output_tokens),
        ..WorkloadFile::default()
    }
}

/// 300 s, at most 1024 output tokens, temperature 0.7: the older tool's for all four.
fn load(rate: f64, max_in_flight: u32) -> WorkloadFile {
    WorkloadFile {
        arrival: Some(ArrivalFile::Constant { rate: Number(rate) }),
        duration: Some(Span(Duration::from_secs(300))),
        max_in_flight: Some(max_in_flight),
        output_tokens: Some(1024),
        temperature: Some(Number(0.7)),
        ..WorkloadFile::default()
    }
}

/// The same load without and with a prefix that all prompts share: 0.9 of 2048 tokens, as a long
/// system prompt.
fn prefix_cache() -> WorkloadFile {
    let text =
        SyntheticFile { input_tokens: Some(2048), shared_prefix: Some(Number(0.9)), corpus: None };
    let load = closed(Levels::One(4), 100, 2048, 128);
    WorkloadFile { prompts: Some(prompts(text)), tiers: Some(vec![Tier::Cold, Tier::Warm]), ..load }
}

fn korean() -> WorkloadFile {
    let text =
        SyntheticFile { input_tokens: Some(256), shared_prefix: None, corpus: Some(Corpus::Ko) };
    WorkloadFile { prompts: Some(prompts(text)), ..closed(Levels::One(4), 100, 256, 128) }
}

const fn prompts(synthetic: SyntheticFile) -> PromptsFile {
    PromptsFile { synthetic: Some(synthetic), conversation: None, dataset: None }
}
