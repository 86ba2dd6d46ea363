//! Korean. The first sentence that fits a text is taken: particular ones stand before general ones.
//! Notes end in nouns, as Korean tools write them, so that no particle has to agree with a name.

pub mod advice;
mod compare;
pub mod contract;
pub mod gpu;
mod judge;
mod measure;
pub mod notice;
pub mod ranking;
pub mod server;
pub mod sweep;
mod verdict;

use super::Sentence;
use crate::fingerprint::Difference;
use crate::judge::text::joined;
use crate::report::codes;

/// A sentence that has a code.
pub fn sentence(sentence: &codes::Sentence) -> String {
    match sentence {
        codes::Sentence::Headline(headline) => verdict::headline(headline),
        codes::Sentence::Metric(reason) => judge::metric(reason),
        codes::Sentence::Meanwhile(meanwhile) => server::meanwhile(meanwhile),
        codes::Sentence::Ranking(note) => ranking::note(note),
        codes::Sentence::Notice(notice) => notice::notice(notice),
        codes::Sentence::Reason(reason) => verdict::reason(reason),
    }
}

/// Names and values, which are no sentences.
fn differences(all: &[Difference]) -> String {
    joined(all)
}

/// In the order in which they are tried: what is accepted has a sentence of its own in it, and
/// general forms come last.
pub const SENTENCES: [&[Sentence]; 2] = [VERDICT, GENERAL];

const VERDICT: &[Sentence] = &[
    // Numbers.
    ("over {q}", "{q} 초과"),
    ("{q} to {r}", "{q} ~ {r}"),
    ("at most {q}", "{q} 이하"),
    // Labels and headings.
    ("{a} is {q} longer", "{a} {q} 길어짐"),
    ("{a} is {q} shorter", "{a} {q} 짧아짐"),
    ("{a} is {q} higher", "{a} {q} 높아짐"),
    ("{a} is {q} lower", "{a} {q} 낮아짐"),
    // Load, requests, client.
    ("closed loop", "closed loop"),
    ("{n} in flight", "동시 요청 {n}개"),
    ("ramp {q} to {r}", "ramp {q} ~ {r}"),
    ("{n} output tokens", "출력 {n}토큰"),
    ("not streaming", "스트리밍 아님"),
    ("conversations of {n} turns", "{n}턴 대화"),
    ("requests of a dataset", "데이터셋의 요청"),
    ("trace, {n} times as fast", "트레이스, {n}배속"),
    ("{n} sessions at a time, {m} s between turns", "동시 대화 {n}개, 턴 사이 {m} s"),
    ("sessions at Poisson {w}, {n} s between turns", "대화 시작 Poisson {w}, 턴 사이 {n} s"),
];

const GENERAL: &[Sentence] = &[
    ("{a} was not measured", "{a} 측정 안 됨"),
    ("{w} {q} ({r} to {s}): {A}", "{w} {q} ({r} ~ {s}): {A}"),
    ("{w} {q} ({r} to {s})", "{w} {q} ({r} ~ {s})"),
    ("{w} {q}: {A}", "{w} {q}: {A}"),
    ("{w}: {A}", "{w}: {A}"),
    ("{a} by {q}", "{a} {q}"),
    ("{w} {n} points", "{w} {n} pp"),
];
