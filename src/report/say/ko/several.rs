//! Korean for the history of a branch. Not here: the verdict on one record (`ko`).

use crate::report::say::Sentence;

pub const SENTENCES: &[Sentence] = &[
    // The history of a branch.
    ("Baselines of {a}", "{a}의 기준선"),
    (
        "{n} session[s]; {m} session[s] of something else (another plan, machine or model) left out",
        "세션 {n}개; 다른 조건(계획, 장비, 모델)의 세션 {m}개 제외",
    ),
    ("{n} session[s], {m} more without it", "세션 {n}개 (값이 없는 세션 {m}개 별도)"),
    ("moved at {w}: {q} -> {r}, {s} (p {n})", "{w}에서 달라짐: {q} -> {r}, {s} (p {n})"),
    ("moved at {w}: {q} -> {r} (p {n})", "{w}에서 달라짐: {q} -> {r} (p {n})"),
    ("{w}, authored {v}, committed {u}", "{w}, 작성 {v}, 커밋 {u}"),
    ("{w}, committed {u}", "{w}, 커밋 {u}"),
];
