//! What differs in two loads whose plans are not the same: words beside two hashes. Not here:
//! whether that forbids a comparison (`fingerprint`).

use super::session::Session;
use super::{LoadFacts, WorkloadRecord};
use crate::fingerprint::{Difference, Fingerprint};

/// What a keyed difference of plans is called.
const PLAN: &str = "plan";
/// Digits of a plan's hash.
const SHORT: usize = 12;

/// Fields that forbid a comparison with a session; where the plan is one of them, followed by what
/// is known of the two loads.
pub fn conflicts(
    session: &Session,
    workload: &WorkloadRecord,
    under_test: &[String],
) -> Vec<Difference> {
    let mut all = Fingerprint::conflicts(&session.fingerprint, &workload.fingerprint, under_test);
    if let Some(plan) = all.iter_mut().find(|d| d.field == PLAN) {
        // Nobody reads 64 digits, and what follows says more.
        for hash in [&mut plan.baseline, &mut plan.candidate].into_iter().flatten() {
            *hash = hash.chars().take(SHORT).collect();
        }
        let theirs = session.load.as_ref().map_or_else(|| measured(session), planned);
        let known = |field: &str| {
            theirs.iter().find(|(name, _)| *name == field).map(|(_, value)| value.clone())
        };
        let ours = if session.load.is_some() { planned(&workload.load) } else { counted(workload) };
        let differ = ours.into_iter().filter_map(|(field, candidate)| {
            let baseline = known(field).filter(|b| *b != candidate)?;
            Some(Difference {
                field: field.into(),
                baseline: Some(baseline),
                candidate: Some(candidate),
            })
        });
        all.extend(differ);
    }
    all
}

type NamedFacts = Vec<(&'static str, String)>;

fn planned(load: &LoadFacts) -> NamedFacts {
    let most = |n: Option<u64>| n.map_or_else(|| "unbounded".to_owned(), |n| n.to_string());
    vec![
        ("arrival", load.arrival.clone()),
        ("max in flight", most(load.max_in_flight.map(u64::from))),
        ("requests per round", most(load.requests_per_round)),
        ("input tokens", load.input_tokens.to_string()),
        ("output tokens", load.output_tokens.to_string()),
        ("length forced", load.length_forced.to_string()),
        ("streaming", load.streaming.to_string()),
        ("seed", load.seed.to_string()),
    ]
}

/// Of a session that does not say what was planned: what came of it.
fn measured(session: &Session) -> NamedFacts {
    let rounds = |s: &super::session::Start| s.requests.checked_div(s.rounds.len() as u64);
    let requests =
        session.starts.first().and_then(rounds).map(|n| ("requests per round", n.to_string()));
    load_words(requests, session.input_tokens_mean, session.output_tokens_mean)
}

fn counted(workload: &WorkloadRecord) -> NamedFacts {
    let requests = workload.load.requests_per_round.map(|n| ("requests per round", n.to_string()));
    load_words(
        requests,
        workload.mean_tokens(|c| &c.input_tokens),
        workload.mean_tokens(|c| &c.output_tokens),
    )
}

fn load_words(
    requests: Option<(&'static str, String)>,
    input: Option<f64>,
    output: Option<f64>,
) -> NamedFacts {
    let mean = |name, tokens: Option<f64>| tokens.map(|n| (name, format!("{n:.0}")));
    [requests, mean("mean input tokens", input), mean("mean output tokens", output)]
        .into_iter()
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    #[test]
    fn another_plan_says_what_is_other_in_it() {
        let record = Record::parse(include_str!("../../tests/fixtures/records/candidate.json"))
            .expect("a record");
        let workload = &record.workloads[0];
        let same = Session::from_record(&record, workload).expect("it has git facts");
        assert_eq!(conflicts(&same, workload, &[]), []);
        let mut long = same.clone();
        long.fingerprint.set(PLAN, "f".repeat(64));
        assert_eq!(conflicts(&long, workload, &[])[0].baseline.as_deref(), Some("ffffffffffff"));
        let said = |session: &Session| {
            let all = conflicts(session, workload, &[]).into_iter().map(|d| d.to_string());
            all.filter(|d| !d.starts_with("plan: ")).collect::<Vec<_>>()
        };
        let mut other = same.clone();
        other.fingerprint.set(PLAN, "another");
        assert_eq!(said(&other), [""; 0], "the same words: the prompts are others");
        let load = other.load.as_mut().expect("a new session says its load");
        (load.arrival, load.output_tokens) = ("closed loop, 8 in flight".into(), 5);
        assert_eq!(
            said(&other)[0],
            format!("arrival: closed loop, 8 in flight -> {}", workload.load.arrival)
        );
        assert_eq!(said(&other).len(), 2, "{:?}", said(&other));
        // A session of an earlier version.
        let old = Session { load: None, output_tokens_mean: Some(5.0), ..other };
        assert!(
            said(&old).len() == 1 && said(&old)[0].starts_with("mean output tokens: 5 -> "),
            "{:?}",
            said(&old)
        );
    }
}
