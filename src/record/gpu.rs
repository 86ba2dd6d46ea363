//! What the GPUs did in a round, as part of its record: its metrics beside those of the requests.
//! Pure. Not here: the sums (`evidence::gpu`).

use super::{RoundRecord, StartRecord, keyed};
use crate::evidence::gpu::{self, RoundGpu};
use crate::measure::collect::Values;
use crate::measure::columns::Columns;

/// Metrics of the GPUs over these rounds.
pub fn values<'a>(rounds: impl Iterator<Item = &'a RoundRecord>) -> Values {
    let rounds: Vec<_> = rounds.map(|r| (r.gpu.as_ref(), output_tokens(&r.columns))).collect();
    gpu::values::values(&rounds)
}

impl RoundRecord {
    /// With what the GPUs did in it.
    pub fn add_gpu(&mut self, seen: RoundGpu) {
        self.gpu = Some(seen);
        let values = values(std::iter::once(&*self));
        self.metrics.extend(keyed(&values));
    }
}

impl StartRecord {
    /// Metrics of the GPUs over its whole rounds.
    pub fn gpu_values(&self) -> Values {
        values(self.rounds.iter().filter(|r| !r.cut_short))
    }
}

/// Of the completed requests; none where one of them has no count.
fn output_tokens(columns: &Columns) -> Option<u64> {
    (0..columns.len())
        .filter(|&i| columns.ok(i))
        .map(|i| columns.output_tokens.at(i).map(u64::from))
        .sum()
}
