//! What a start sends at once, a warm-up or a round, and what it is called while it goes on. Not here:
//! sending it (`start`).

use crate::lang::{Text, bilingual};

/// Which measurement of which round.
#[derive(Clone, Copy)]
pub(super) struct Take {
    pub index: u32,
    /// 0 for the first; more where it is measured again.
    pub number: u32,
    /// How long the server had waited.
    pub idle_ms: Option<u64>,
}

/// What is sent at once.
pub(super) enum Sent {
    /// In words: why.
    Warmup(Text),
    Round(Take),
}

impl Sent {
    /// From 1 on; none of a warm-up.
    pub fn round(&self) -> Option<u32> {
        match self {
            Self::Warmup(_) => None,
            Self::Round(take) => Some(take.index + 1),
        }
    }

    pub fn label(&self, rounds: u32) -> Text {
        match self {
            Self::Warmup(why) => why.clone(),
            Self::Round(Take { index, number: 0, .. }) => {
                let number = index + 1;
                bilingual!("round {number}/{rounds}", "라운드 {number}/{rounds}")
            }
            Self::Round(Take { index, .. }) => {
                let number = index + 1;
                bilingual!("round {number}/{rounds} again", "라운드 {number}/{rounds} 재측정")
            }
        }
    }
}
