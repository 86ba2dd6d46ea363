//! The columns of a round from those of its shards, in the plan's order. Not here: what else a round
//! has (`round`).

use std::collections::BTreeMap;

use crate::measure::column::{Column, Number};
use crate::measure::columns::Columns;
use crate::record::RoundRecord;
use crate::timeline::OutcomeKind;

/// In the plan's order: session after session, as they were dealt.
pub fn columns(parts: &mut BTreeMap<u32, RoundRecord>, lengths: &[u64], turns: u32) -> Columns {
    let mut taken: Vec<Option<Columns>> = (0..)
        .zip(lengths)
        .map(|(shard, _)| parts.get_mut(&shard).map(|part| std::mem::take(&mut part.columns)))
        .collect();
    let all = usize::try_from(lengths.iter().sum::<u64>()).unwrap_or(usize::MAX);
    let deal = Deal { lengths, turns: u64::from(turns), all };
    let hidden: Vec<Column<u32>> = taken
        .iter_mut()
        .map(|c| c.as_mut().map(|c| std::mem::take(&mut c.hidden_tokens)).unwrap_or_default())
        .collect();
    let events = taken.iter_mut().map(|c| c.as_mut().map(|c| std::mem::take(&mut c.events)));
    let events: Vec<Option<Vec<u32>>> = events.collect();
    let outcome = taken.iter_mut().map(|c| c.as_mut().map(|c| std::mem::take(&mut c.outcome)));
    let outcome: Vec<Option<Vec<OutcomeKind>>> = outcome.collect();
    Columns {
        start_us: deal.column(&mut taken, |c| &mut c.start_us),
        queue_us: deal.column(&mut taken, |c| &mut c.queue_us),
        connect_us: deal.column(&mut taken, |c| &mut c.connect_us),
        send_lag_us: deal.column(&mut taken, |c| &mut c.send_lag_us),
        own_lag_us: deal.column(&mut taken, |c| &mut c.own_lag_us),
        ttft_us: deal.column(&mut taken, |c| &mut c.ttft_us),
        ttfa_us: deal.column(&mut taken, |c| &mut c.ttfa_us),
        e2e_us: deal.column(&mut taken, |c| &mut c.e2e_us),
        max_gap_us: deal.column(&mut taken, |c| &mut c.max_gap_us),
        events: deal.plain(&events, 0),
        input_tokens: deal.column(&mut taken, |c| &mut c.input_tokens),
        output_tokens: deal.column(&mut taken, |c| &mut c.output_tokens),
        cached_tokens: deal.column(&mut taken, |c| &mut c.cached_tokens),
        hidden_tokens: if hidden.iter().all(Column::is_empty) {
            Column::default()
        } else {
            // A shard that found nothing hidden says nothing of it.
            deal.order(|shard, own| {
                let column = &hidden[shard];
                if column.is_empty() { Some(0) } else { column.at(own) }
            })
        },
        outcome: deal.plain(&outcome, OutcomeKind::Cancelled),
    }
}

/// In which order the requests of shards are those of the plan.
struct Deal<'a> {
    lengths: &'a [u64],
    turns: u64,
    all: usize,
}

impl Deal<'_> {
    fn each(&self, mut next: impl FnMut(usize, usize)) {
        let longest = self.lengths.iter().copied().max().unwrap_or(0);
        let mut begin = 0;
        while begin < longest {
            for (shard, length) in self.lengths.iter().enumerate() {
                for own in begin..(begin + self.turns).min(*length) {
                    next(shard, usize::try_from(own).unwrap_or(usize::MAX));
                }
            }
            begin += self.turns;
        }
    }

    fn order<T: Number>(&self, mut value: impl FnMut(usize, usize) -> Option<T>) -> Column<T> {
        let mut column = Column::with_capacity(self.all);
        self.each(|shard, own| column.push(value(shard, own)));
        column
    }

    /// Frees the parts' own as it goes: a long run has millions of requests.
    fn column<T: Number>(
        &self,
        parts: &mut [Option<Columns>],
        which: impl Fn(&mut Columns) -> &mut Column<T>,
    ) -> Column<T> {
        let taken = parts.iter_mut().map(|c| c.as_mut().map(|c| std::mem::take(which(c))));
        let taken: Vec<Option<Column<T>>> = taken.collect();
        self.order(|shard, own| taken[shard].as_ref()?.at(own))
    }

    fn plain<T: Copy>(&self, parts: &[Option<Vec<T>>], absent: T) -> Vec<T> {
        let mut column = Vec::with_capacity(self.all);
        self.each(|shard, own| column.push(parts[shard].as_ref().map_or(absent, |c| c[own])));
        column
    }
}
