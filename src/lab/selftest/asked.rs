//! What a team asks of an interleaved gate. Not here: the gate (`gate`, `values`).

use crate::judge::Policy;

/// What a team asks of an interleaved gate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asked {
    pub detect: f64,
    pub max_pairs: usize,
    pub min_starts: usize,
}

/// As the study played: nightly, so twelve pairs at most.
impl Default for Asked {
    fn default() -> Self {
        Self { detect: 0.05, max_pairs: 12, min_starts: 2 }
    }
}

impl Asked {
    pub fn policy(self) -> Policy {
        let Self { detect, max_pairs, min_starts } = self;
        Policy { detect, min_starts, max_pairs, ..Policy::default() }
    }

    pub fn text(self) -> String {
        let detect = format!("{} %", percent(self.detect));
        match self.max_pairs {
            12 => format!("detect {detect}"),
            pairs => format!("detect {detect}, {pairs} pairs at most"),
        }
    }
}

/// A fraction in per cent, with as many digits as it needs and two at most.
pub fn percent(fraction: f64) -> String {
    let text = format!("{:.2}", fraction * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
