//! Korean for acceptances and the anchor. Not here: the verdict (`ko`).

use crate::report::say::Sentence;

pub const SENTENCES: &[Sentence] = &[
    (
        "{w} with {n} accepted regression[s]: {A}; and {m} more",
        "{w} (수용된 성능 저하 {n}건): {A}; 외 {m}건",
    ),
    ("{w} with {n} accepted regression[s]: {A}", "{w} (수용된 성능 저하 {n}건): {A}"),
    ("{A}, accepted until {w}: {b} (by {c})", "{A}; {w}까지 수용: {b} ({c})"),
    (
        "{A}, accepted until {w}: {b} (not committed yet)",
        "{A}; {w}까지 수용: {b} (아직 커밋 안 됨)",
    ),
    ("{A}, until {w}: {b} (by {c})", "{A}; {w}까지 수용: {b} ({c})"),
    ("{A}, until {w}: {b} (not committed yet)", "{A}; {w}까지 수용: {b} (아직 커밋 안 됨)"),
    (
        "this change brings an acceptance ({a}) that counts only once it is on the base branch",
        "이 변경에 든 수용({a})은 base 브랜치에 들어간 뒤부터 반영",
    ),
    (
        "acceptances of the base cannot be read, so none counts: {a}",
        "base의 수용을 읽을 수 없어 반영하지 않음: {a}",
    ),
    (
        "{a} cannot be used, so no acceptance counts: {b}",
        "{a} 사용 불가, 수용을 반영하지 않음: {b}",
    ),
    ("an acceptance of {a} does not count: {b}", "{a}의 수용 하나를 반영하지 않음: {b}"),
    ("the acceptance of {a} does not count: {B}", "{a}의 수용은 반영하지 않음: {B}"),
    ("it has expired", "기한이 지남"),
    ("some starts of one side lack it", "한쪽의 일부 시작에 값 없음"),
    ("the metric has no value", "지표에 값 없음"),
    ("the metric has no change", "지표에 변화 값 없음"),
    ("{q} worse is more than the {r} that was accepted", "저하 {q}: 수용한 {r}보다 큼"),
    ("{q} is worse than the {r} that was accepted", "{q}: 수용한 {r}보다 나쁨"),
    ("not compared with the anchor {A}: {B}", "앵커와 비교하지 않음 ({A}): {B}"),
    ("since the anchor {A}: {B}", "앵커 {A} 이후: {B}"),
    ("{a} ({n} commits ago)", "{a} ({n}커밋 전)"),
    ("not worse", "나빠지지 않음"),
    ("its sessions are of something else: {a}", "세션이 다른 조건의 것: {a}"),
];
