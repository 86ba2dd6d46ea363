//! Did both sides do the same work? By their token counts. Pure. Not here: output tokens request by request (`judge::fitness`).

use crate::measure::stats;
use crate::record::WorkloadRecord;
use crate::record::session::Session;

/// Token counts of two sides may differ by this (METHOD section 3: else the work is not the same).
const TOKEN_DRIFT: f64 = 0.01;

/// Mean tokens per request; absent where the server did not tell all of them.
#[derive(Clone, Copy)]
pub struct Tokens {
    pub input: Option<f64>,
    pub output: Option<f64>,
}

impl Tokens {
    pub fn of(workload: &WorkloadRecord) -> Self {
        Self { input: workload.mean_tokens(|c| &c.input_tokens), output: workload.mean_tokens(|c| &c.output_tokens) }
    }

    /// Of the sessions that know.
    pub fn of_sessions(sessions: &[&Session]) -> Self {
        let mean = |of: fn(&Session) -> Option<f64>| {
            let all: Vec<f64> = sessions.iter().filter_map(|s| of(s)).collect();
            stats::mean(&all)
        };
        Self { input: mean(|s| s.input_tokens_mean), output: mean(|s| s.output_tokens_mean) }
    }

    /// Where the work was another than the baseline's.
    pub fn drifted(self, baseline: Self) -> Vec<String> {
        let sides = [("output", self.output, baseline.output), ("input", self.input, baseline.input)];
        sides.into_iter().filter_map(|(what, now, then)| drift(what, now?, then?)).collect()
    }

    /// As [`Self::drifted`], of input tokens alone.
    pub fn drifted_input(self, baseline: Self) -> Option<String> {
        drift("input", self.input?, baseline.input?)
    }

    /// Where only one side tells: then nobody knows whether the work was the same, and what nobody knows is no PASS.
    pub fn untold(self, baseline: Self) -> Option<String> {
        let sides = [("input", self.input, baseline.input), ("output", self.output, baseline.output)];
        let found = |teller: &str, silent: &str, is: fn(Option<f64>, Option<f64>) -> bool| {
            let kinds: Vec<&str> = sides.into_iter().filter(|(_, now, then)| is(*now, *then)).map(|(kind, ..)| kind).collect();
            (!kinds.is_empty()).then(|| {
                format!(
                    "the {teller} tells its {} tokens and the {silent} does not: whether the work is the same is not known, so this is no PASS",
                    kinds.join(" and ")
                )
            })
        };
        let candidate = found("baseline", "candidate", |now, then| now.is_none() && then.is_some());
        candidate.or_else(|| found("candidate", "baseline", |now, then| now.is_some() && then.is_none()))
    }
}

fn drift(what: &str, now: f64, then: f64) -> Option<String> {
    ((now / then - 1.0).abs() > TOKEN_DRIFT).then(|| {
        format!("{what} tokens per request are {now:.1} and were {then:.1} in the baseline: the work is not the same, so times cannot be compared")
    })
}

#[cfg(test)]
mod tests {
    use super::Tokens;

    const KNOWN: Tokens = Tokens { input: Some(100.0), output: Some(10.0) };

    #[test]
    fn what_one_side_does_not_tell_is_not_the_same_work() {
        let silent = Tokens { input: None, ..KNOWN };
        assert!(silent.drifted(KNOWN).is_empty() && KNOWN.untold(KNOWN).is_none() && silent.untold(silent).is_none());
        let said = silent.untold(KNOWN).expect("it is not known");
        assert!(said.starts_with("the baseline tells its input tokens and the candidate does not"), "{said}");
        let said = KNOWN.untold(Tokens { input: None, output: None }).expect("it is not known");
        assert!(said.starts_with("the candidate tells its input and output tokens and the baseline does not"), "{said}");
    }
}
