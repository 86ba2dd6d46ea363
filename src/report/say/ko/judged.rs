//! Korean for what was compared with what, why a judgement is what it is, limits, and whether a
//! measurement is fit. Not here: the verdict itself, labels and loads (`ko`).

use crate::report::say::Sentence;

pub const SENTENCES: &[Sentence] = &[
    // Against what.
    ("{n} session[s]", "세션 {n}개"),
    ("this commit", "이 커밋"),
    ("{w} (merge base with {a})", "{w} ({a}와의 merge base)"),
    ("merge base with {a}", "{a}와의 merge base"),
    // Whether the measurement is fit.
    (
        "not in this repository's config: judged without limits and SLOs",
        "이 저장소의 설정에 없음: 한도와 SLO 없이 판정",
    ),
    (
        "in this repository's config and in none of the records: {b}",
        "이 저장소의 설정에는 있으나 어느 레코드에도 없음: {b}",
    ),
];
