//! Why records are not those of the shards of one run, and what to do.

use std::fmt;

use crate::lang::{Text, bilingual};
use crate::plan::shard::ShardError;
use crate::record::RecordError;

#[derive(Debug)]
pub enum MergeError {
    Nothing,
    /// A record of a whole run, or one that was merged.
    NoShard,
    Counts {
        first: u32,
        other: u32,
    },
    Twice {
        shard: u32,
    },
    /// `first` is that of the first shard that is there.
    Differ {
        what: &'static str,
        shard: u32,
        first: String,
        other: String,
    },
    Fingerprint {
        field: String,
        shard: u32,
        first: String,
        other: String,
    },
    Requests {
        shard: u32,
        has: u64,
        planned: u64,
    },
    Gaps {
        shard: u32,
    },
    GapsDiffer {
        counted: u64,
        stored: u64,
    },
    Shard(ShardError),
    Record(RecordError),
}

impl MergeError {
    pub fn text(&self) -> Text {
        match self {
            Self::Nothing => bilingual!(
                "there is no record to merge\nhint: name those of all shards: goodput-gate merge OUT/shard-*/record.json",
                "병합할 레코드가 없음\n힌트: 모든 샤드의 레코드를 지정하십시오: goodput-gate merge OUT/shard-*/record.json"
            ),
            Self::NoShard => bilingual!(
                "one of the records is of no shard: it is a whole run's, or was merged before\nhint: name those that `run --shard` wrote",
                "샤드의 것이 아닌 레코드가 있음: 전체 실행의 레코드이거나 이미 병합된 레코드임\n힌트: `run --shard`가 쓴 레코드를 지정하십시오"
            ),
            Self::Counts { first, other } => bilingual!(
                "one record is of {first} shards and another of {other}: they are not of one run",
                "레코드마다 샤드 수가 다름: {first}개와 {other}개. 한 실행의 레코드가 아님"
            ),
            Self::Twice { shard } => bilingual!(
                "two records are of shard {shard}\nhint: name each shard's once, and only those of one run",
                "샤드 {shard}의 레코드가 둘임\n힌트: 한 실행의 레코드만, 샤드마다 한 번씩 지정하십시오"
            ),
            Self::Differ { what, shard, first, other } => bilingual!(
                "the {what} of shard {shard} is not that of the first: {other} instead of {first}\nhint: the records must be of one run, with one config and one goodput-gate",
                "샤드 {shard}의 {what}이(가) 첫 레코드와 다름: {first} 대신 {other}\n힌트: 같은 설정과 같은 goodput-gate로 잰 한 실행의 레코드여야 합니다"
            ),
            Self::Fingerprint { field, shard, first, other } => bilingual!(
                "shard {shard} measured something else than the first: {field} is {other} instead of {first}\nhint: all shards need one config, one plan and one server",
                "샤드 {shard}이(가) 다른 것을 측정함: {field} 값이 {first} 대신 {other}\n힌트: 모든 샤드의 설정, 계획, 서버가 같아야 합니다"
            ),
            Self::Requests { shard, has, planned } => bilingual!(
                "a round of shard {shard} has {has} requests, and its part of the plan is {planned}: the record was edited, or is of another plan",
                "샤드 {shard}의 라운드에 요청이 {has}개 있으나 계획은 {planned}개: 편집된 레코드이거나 다른 계획의 레코드임"
            ),
            Self::Gaps { shard } => bilingual!(
                "the chunk gaps of shard {shard} are not in order: the record was edited",
                "샤드 {shard}의 청크 간격이 정렬되어 있지 않음: 편집된 레코드임"
            ),
            Self::GapsDiffer { counted, stored } => bilingual!(
                "the shards counted {counted} chunk gaps, and their histograms have {stored}: a record was edited",
                "샤드가 센 청크 간격은 {counted}개, 히스토그램은 {stored}개: 편집된 레코드가 있음"
            ),
            Self::Shard(error) => error.text(),
            Self::Record(error) => error.text(),
        }
    }
}

impl From<ShardError> for MergeError {
    fn from(error: ShardError) -> Self {
        Self::Shard(error)
    }
}

impl From<RecordError> for MergeError {
    fn from(error: RecordError) -> Self {
        Self::Record(error)
    }
}

impl fmt::Display for MergeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}

impl std::error::Error for MergeError {}
