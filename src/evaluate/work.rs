//! Did both sides do the same work? Token counts of records and sessions for the judge's test.
//! Pure. Not here: the test (`judge::work`), or output tokens of an interleaved run, which the
//! judge compares itself.

use crate::compare::reason::{RunReason, Tokens as Kind};
use crate::judge::reason::Side;
use crate::judge::work::{Count, Work};
use crate::measure::column::Column;
use crate::measure::columns::Columns;
use crate::metric::Metric;
use crate::record::WorkloadRecord;
use crate::record::session::Session;

type Counts = fn(&Columns) -> &Column<u32>;

const INPUT: Counts = |c| &c.input_tokens;
const OUTPUT: Counts = |c| &c.output_tokens;

/// Token counts of a run; absent where the server did not tell all of them.
#[derive(Clone, Copy)]
pub struct Tokens {
    pub input: Option<Count>,
    pub output: Option<Count>,
}

/// Of earlier sessions, of those that know.
#[derive(Clone, Default)]
pub struct Earlier {
    pub input: Vec<Count>,
    pub output: Vec<Count>,
}

impl Tokens {
    pub fn count(workload: &WorkloadRecord) -> Self {
        let count = |counts: Counts| {
            let mean = workload.mean_tokens(counts)?;
            Some(Count { mean, ..Count::measure(&workload.completed_tokens(counts))? })
        };
        Self { input: count(INPUT), output: count(OUTPUT) }
    }

    /// Of several sessions together; absent where one of them does not tell.
    pub fn together(sessions: &[&Session]) -> Self {
        let Earlier { input, output } = Earlier::from_sessions(sessions);
        let all = |counts: Vec<Count>| {
            Count::together(&counts).filter(|_| counts.len() == sessions.len())
        };
        Self { input: all(input), output: all(output) }
    }

    /// Where the work was another than the sessions'.
    pub fn drifted(self, earlier: &Earlier) -> Vec<RunReason> {
        let sides = [
            (Kind::Output, self.output, &earlier.output),
            (Kind::Input, self.input, &earlier.input),
        ];
        sides
            .into_iter()
            .filter_map(|(what, now, then)| differs(what, &Work::against(then, now?)?))
            .collect()
    }

    /// Where only one side tells: then nobody knows whether the work was the same, and what nobody
    /// knows is no PASS.
    pub fn untold(self, input: bool, output: bool) -> Option<RunReason> {
        let sides = [
            (Kind::Input, self.input.is_some(), input),
            (Kind::Output, self.output.is_some(), output),
        ];
        let found = |silent: Side, is: fn(bool, bool) -> bool| {
            let tokens: Vec<Kind> = sides
                .into_iter()
                .filter(|(_, now, then)| is(*now, *then))
                .map(|(kind, ..)| kind)
                .collect();
            (!tokens.is_empty()).then_some(RunReason::TokensUntold { silent, tokens })
        };
        let candidate = found(Side::Candidate, |now, then| !now && then);
        candidate.or_else(|| found(Side::Baseline, |now, then| now && !then))
    }
}

impl Earlier {
    pub fn from_sessions(sessions: &[&Session]) -> Self {
        let count = |s: &Session, mean: Option<f64>, sd| {
            Some(Count { mean: mean?, sd, requests: s.completed() })
        };
        Self {
            input: sessions
                .iter()
                .filter_map(|s| count(s, s.input_tokens_mean, s.input_tokens_sd))
                .collect(),
            output: sessions
                .iter()
                .filter_map(|s| count(s, s.output_tokens_mean, s.output_tokens_sd))
                .collect(),
        }
    }
}

/// Where the prompts of one side of an interleaved run were shorter or longer, request by request:
/// less work, or more.
pub fn drifted_input(base: &WorkloadRecord, workload: &WorkloadRecord) -> Option<RunReason> {
    let pairs: Vec<(f64, f64)> =
        base.rounds().flat_map(|(start, b)| partners(start, b, workload)).collect();
    differs(Kind::Input, &Work::paired(&pairs)?)
}

/// Input tokens of the requests of a round that completed on both sides.
fn partners<'a>(
    start: u32,
    base: &'a crate::record::RoundRecord,
    workload: &'a WorkloadRecord,
) -> impl Iterator<Item = (f64, f64)> + 'a {
    let other = workload
        .rounds()
        .find(|(s, c)| *s == start && c.seed == base.seed)
        .map(|(_, c)| &c.columns);
    let of = |columns: &Columns, i: usize| {
        columns.ok(i).then(|| columns.input_tokens.at(i)).flatten().map(f64::from)
    };
    let both = other.map(|c| {
        (0..base.columns.len().min(c.len()))
            .filter_map(move |i| Some((of(&base.columns, i)?, of(c, i)?)))
    });
    both.into_iter().flatten()
}

/// In an open loop the output token rate is arrivals times length: how long the answers were is no
/// speed. The rates of a session as they would be at other lengths (tokens per answer).
pub fn at_lengths_of(now: Option<f64>, session: &Session, method: &mut crate::judge::Session) {
    let Some((now, then)) = now.zip(session.output_tokens_mean) else { return };
    for start in &mut method.starts {
        let rounds = start.rounds.iter_mut().map(|round| &mut round.values);
        for values in std::iter::once(&mut start.values).chain(rounds) {
            if let Some(value) = values.get_mut(&Metric::OutputTokenRate) {
                // Oriented: minus the log.
                *value -= (now / then).ln();
            }
        }
    }
}

fn differs(tokens: Kind, work: &Work) -> Option<RunReason> {
    work.differs().then_some(RunReason::TokensDiffer { tokens, now: work.now, then: work.then })
}

#[cfg(test)]
mod tests {
    use super::{Count, Tokens};

    const COUNT: Option<Count> = Some(Count { mean: 100.0, sd: Some(0.0), requests: 10 });
    const KNOWN: Tokens = Tokens { input: COUNT, output: COUNT };

    #[test]
    fn what_one_side_does_not_tell_is_not_the_same_work() {
        let silent = Tokens { input: None, ..KNOWN };
        assert!(KNOWN.untold(true, true).is_none() && silent.untold(false, true).is_none());
        let said = silent.untold(true, true).expect("it is not known").to_string();
        assert!(
            said.starts_with("the baseline reports its input tokens and this change does not"),
            "{said}"
        );
        let said = KNOWN.untold(false, false).expect("it is not known").to_string();
        assert!(
            said.starts_with(
                "this change reports its input and output tokens and the baseline does not"
            ),
            "{said}"
        );
    }
}
