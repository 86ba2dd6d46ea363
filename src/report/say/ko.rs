//! Korean. Notes end in nouns, as Korean tools write them, so that no particle has to agree with a
//! name.

pub mod advice;
pub mod capacity;
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

use crate::fingerprint::Difference;
use crate::judge::text::joined;
use crate::report::codes;
use crate::timeline::OutcomeKind;

/// A sentence that has a code.
pub fn sentence(sentence: &codes::Sentence) -> String {
    match sentence {
        codes::Sentence::Headline(headline) => verdict::headline(headline),
        codes::Sentence::Metric(reason) => judge::metric(reason),
        codes::Sentence::Meanwhile(meanwhile) => server::meanwhile(meanwhile),
        codes::Sentence::Notice(notice) => notice::notice(notice),
        codes::Sentence::Ranking(note) => ranking::note(note),
        codes::Sentence::Reason(reason) => verdict::reason(reason),
    }
}

/// How a request ended.
pub const fn outcome(kind: OutcomeKind) -> &'static str {
    match kind {
        OutcomeKind::Completed => "완료",
        OutcomeKind::HttpStatus => "HTTP 오류 응답",
        OutcomeKind::Timeout => "시간 초과",
        OutcomeKind::Connect => "연결 실패",
        OutcomeKind::Dropped => "응답 전 연결 끊김",
        OutcomeKind::Malformed => "잘못된 응답",
        OutcomeKind::Truncated => "응답 도중 끊김",
        OutcomeKind::Stalled => "응답 멈춤",
        OutcomeKind::Cancelled => "취소",
    }
}

/// Names and values, which are no sentences.
fn differences(all: &[Difference]) -> String {
    joined(all)
}
