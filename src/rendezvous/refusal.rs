//! Why shards do not begin together, and what to do.

use serde::{Deserialize, Serialize};

use super::TOKEN_VARIABLE;
use crate::lang::{Text, bilingual};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "refused", rename_all = "snake_case")]
pub enum Refusal {
    NoToken,
    WrongToken,
    /// Nobody answers, as far as this try goes.
    Away {
        why: String,
    },
    Nobody {
        seconds: u64,
        why: String,
    },
    Twice {
        shard: u32,
    },
    OtherCount {
        ours: u32,
        theirs: u32,
    },
    OtherVersion {
        shard: u32,
        ours: String,
        theirs: String,
    },
    Differ {
        field: String,
        first: u32,
        shard: u32,
        ours: String,
        theirs: String,
    },
    Absent {
        shards: Vec<u32>,
        count: u32,
        seconds: u64,
    },
    GaveUp {
        shard: u32,
        why: String,
    },
    Stopped,
    /// It cannot be opened.
    Place {
        what: String,
        why: String,
    },
    System {
        why: String,
    },
    /// Whoever answers there is no shard 0.
    Nonsense,
}

impl Refusal {
    pub fn text(&self) -> Text {
        match self {
            Self::NoToken => bilingual!(
                "a rendezvous over HTTP needs a secret that all shards have\nhint: set {TOKEN_VARIABLE} to the same random text for all of them",
                "HTTP 랑데부에는 모든 샤드가 공유하는 비밀 값이 필요함\n힌트: 모든 샤드에 같은 임의의 문자열을 {TOKEN_VARIABLE}로 지정하십시오"
            ),
            Self::WrongToken => bilingual!(
                "shard 0 refuses this shard's secret\nhint: {TOKEN_VARIABLE} must be the same for all of them",
                "샤드 0이 이 샤드의 비밀 값을 거부함\n힌트: {TOKEN_VARIABLE} 값은 모두 같아야 합니다"
            ),
            Self::Away { why } => bilingual!(
                "shard 0 does not answer any more: {why}\nhint: see its log",
                "샤드 0이 더 이상 응답하지 않음: {why}\n힌트: 샤드 0의 로그를 확인하십시오"
            ),
            Self::Nobody { seconds, why } => bilingual!(
                "no shard 0 within {seconds} s: {why}\nhint: see whether it runs, and whether --rendezvous names its machine; --shard-wait waits longer",
                "{seconds}초 안에 샤드 0이 나타나지 않음: {why}\n힌트: 실행 중인지, --rendezvous가 그 장비를 가리키는지 확인하십시오. --shard-wait로 더 기다릴 수 있습니다"
            ),
            Self::Twice { shard } => bilingual!(
                "another process is shard {shard} of this run already\nhint: give each its own number (--shard k/N), and each run its own rendezvous",
                "이 실행의 샤드 {shard}은(는) 이미 다른 프로세스임\n힌트: 프로세스마다 다른 번호(--shard k/N)를, 실행마다 다른 랑데부를 쓰십시오"
            ),
            Self::OtherCount { ours, theirs } => bilingual!(
                "this shard is of {theirs}, and the run has {ours}\nhint: all of them need the same N in --shard k/N",
                "이 샤드는 {theirs}개 중 하나인데 실행의 샤드는 {ours}개\n힌트: --shard k/N의 N은 모두 같아야 합니다"
            ),
            Self::OtherVersion { shard, ours, theirs } => bilingual!(
                "shard {shard} is goodput-gate {theirs}, and shard 0 is {ours}\nhint: install one version everywhere",
                "샤드 {shard}은(는) goodput-gate {theirs}, 샤드 0은 {ours}\n힌트: 모든 곳에 같은 버전을 설치하십시오"
            ),
            Self::Differ { field, first, shard, ours, theirs } => bilingual!(
                "shards {first} and {shard} would not measure the same: {field} is {ours:?} and {theirs:?}\nhint: all of them need one config, and one server behind the URL",
                "샤드 {first}과(와) {shard}이(가) 같은 것을 재지 않음: {field} 값이 {ours:?}, {theirs:?}\n힌트: 설정이 모두 같고 URL 뒤의 서버도 하나여야 합니다"
            ),
            Self::Absent { shards, count, seconds } => {
                let names = shards.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
                bilingual!(
                    "not all of {count} shards came within {seconds} s: {names} missing\nhint: see their logs; --shard-wait waits longer",
                    "{seconds}초 안에 샤드 {count}개가 모두 오지 않음: {names} 없음\n힌트: 해당 샤드의 로그를 확인하십시오. --shard-wait로 더 기다릴 수 있습니다"
                )
            }
            Self::GaveUp { shard, why } => {
                bilingual!("shard {shard} gave up: {why}", "샤드 {shard} 중단: {why}")
            }
            Self::Stopped => bilingual!(
                "stopped while it waited for the other shards",
                "다른 샤드를 기다리던 중 중단"
            ),
            Self::Place { what, why } => bilingual!(
                "cannot meet at {what}: {why}\nhint: name another port or folder in --rendezvous",
                "{what}에서 만날 수 없음: {why}\n힌트: --rendezvous에 다른 포트나 폴더를 지정하십시오"
            ),
            Self::System { why } => bilingual!(
                "this machine cannot keep a rendezvous: {why}",
                "이 장비에서 랑데부를 열 수 없음: {why}"
            ),
            Self::Nonsense => bilingual!(
                "what answers at the rendezvous is no shard 0\nhint: name a port or folder of this run's own in --rendezvous",
                "랑데부에서 응답하는 것이 샤드 0이 아님\n힌트: 이 실행만 쓰는 포트나 폴더를 --rendezvous에 지정하십시오"
            ),
        }
    }
}
