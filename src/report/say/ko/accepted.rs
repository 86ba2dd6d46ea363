//! Korean for acceptances and the anchor. Not here: the verdict (`ko`).

use crate::report::say::Sentence;

pub const SENTENCES: &[Sentence] = &[
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
];
