//! What words of the machine contract mean, in Korean. Not here: the words (`report::contract`).

use crate::judge::Judgement;
use crate::judge::limits::LimitState;
use crate::report::contract::Word;
use crate::verdict::Verdict;

pub const fn meaning(word: Word) -> &'static str {
    match word {
        Word::Verdict(verdict) => self::verdict(verdict),
        Word::Judgement(Judgement::Improved) => "개선",
        Word::Judgement(Judgement::Unchanged) => "변화 없음",
        Word::Judgement(Judgement::Regressed) => "성능 저하",
        Word::Judgement(Judgement::Inconclusive) => "판단 보류",
        Word::Judgement(Judgement::Unmeasured) | Word::Limit(LimitState::NotMeasured) => {
            "측정 안 됨"
        }
        Word::Measured => "측정값",
        Word::NotJudged => "판정 안 함",
        Word::Limit(LimitState::Breached) => "위반",
        Word::Limit(LimitState::Met) => "충족",
        Word::Limit(LimitState::Open) => "미확정",
        Word::Accepted => "수용됨",
    }
}

const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "통과",
        Verdict::Failed => "실패",
        Verdict::Inconclusive => "판단 보류",
        Verdict::Incomplete => "증거 부족",
        Verdict::Blind => "감지 불가",
        Verdict::Incomparable => "비교 불가",
        Verdict::NoBaseline => "기준선 없음",
        Verdict::Invalid => "측정 무효",
    }
}
