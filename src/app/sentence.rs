//! A report's typed sentence in every language, for what says it outside of a report. Not here: the
//! sentences (`report::say`).

use crate::compare::Why;
use crate::lang::{Lang, Text};
use crate::report::codes::Sentence;
use crate::report::text::plain;
use crate::verdict::Reason;

/// With foreign names as they are.
pub fn sentence(reason: impl Into<Reason>) -> Text {
    let sentence = Sentence::from(reason.into());
    Text { en: sentence.say(Lang::En), ko: sentence.say(Lang::Ko) }
}

/// On one line, whatever names are in it.
pub fn plain_sentence(reason: impl Into<Reason>) -> Text {
    let Text { en, ko } = sentence(reason);
    Text { en: plain(&en), ko: plain(&ko) }
}

/// Why a session is left out.
pub fn left_out(why: Why) -> Text {
    let ko = match why {
        Why::Copy => "다른 세션의 사본",
        Why::ThisRun => "이 실행 자신",
        Why::Incomparable { .. } => "측정 대상이 다름",
        Why::OtherSide => "수용된 변화의 다른 쪽",
        Why::OtherLevel => "최신 수준 이전",
        Why::Slower => "이전 세션들보다 느린데 이유가 없음",
        Why::TooOld => "최근 20개만 반영",
    };
    Text { en: why.to_string(), ko: ko.into() }
}
