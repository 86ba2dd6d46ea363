//! That the parts of a round are all of it, and which shard a process is.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::plan::PlannedRequest;

fn round(pace: Pace, requests: u32, ramp: u32) -> RoundPlan {
    let request = |index: u32| PlannedRequest {
        index,
        id: format!("r-{index}"),
        offset: Duration::from_micros(u64::from(index) * 700),
        body: index.to_le_bytes().to_vec(),
        input_tokens: index,
        output_tokens: index + 1,
    };
    let requests = (0..requests).map(request).collect();
    RoundPlan { seed: 7, pace, max_in_flight: None, stop_after: None, ramp, requests }
}

/// The plan's index of a shard's request.
const fn index_in_plan(shard: Shard, own: u64, turns: u32) -> u64 {
    let turns = turns as u64;
    (own / turns * shard.count as u64 + shard.index as u64) * turns + own % turns
}

fn paces() -> impl Strategy<Value = Pace> {
    let think = Duration::from_millis(3);
    prop_oneof![
        Just(Pace::Open),
        (40_u32..90).prop_map(|concurrency| Pace::Closed { concurrency }),
        (proptest::option::of(40_u32..90), 1_u32..6)
            .prop_map(move |(concurrency, turns)| Pace::Sessions { concurrency, turns, think }),
    ]
}

const fn places(pace: Pace) -> u32 {
    match pace {
        Pace::Closed { concurrency } | Pace::Sessions { concurrency: Some(concurrency), .. } => {
            concurrency
        }
        Pace::Open | Pace::Sessions { concurrency: None, .. } => 0,
    }
}

proptest! {
    #[test]
    fn the_parts_of_a_round_are_a_partition(
        pace in paces(),
        all in 0_u32..600,
        count in 1_u32..40,
        waves in 0_u32..2,
    ) {
        let first_wave = places(pace) * pace.turns();
        let ramp = if all / 2 >= first_wave { first_wave * waves } else { 0 };
        let whole = round(pace, all, ramp);
        let mut dealt: BTreeMap<String, (u32, Shard)> = BTreeMap::new();
        let (mut lanes, mut leading) = (0, 0);
        for index in 0..count {
            let shard = Shard::new(index, count).expect("in range");
            let part = shard.cut(whole.clone()).expect("a place for each");
            prop_assert_eq!(
                part.requests.len() as u64,
                shard.requests(u64::from(all), pace.turns())
            );
            for (place, request) in part.requests.iter().enumerate() {
                prop_assert_eq!(request.index as usize, place);
                let in_plan = index_in_plan(shard, place as u64, pace.turns());
                let planned = &whole.requests[usize::try_from(in_plan).expect("small")];
                prop_assert_eq!(
                    (&planned.id, planned.offset, &planned.body, planned.output_tokens),
                    (&request.id, request.offset, &request.body, request.output_tokens)
                );
                prop_assert_eq!(place < part.ramp as usize, planned.index < ramp);
                prop_assert!(dealt.insert(request.id.clone(), (planned.index, shard)).is_none());
            }
            lanes += places(part.pace);
            leading += part.ramp;
        }
        prop_assert_eq!(dealt.len(), whole.requests.len());
        prop_assert_eq!((lanes, leading), (places(pace), ramp));
        // Turns of a session stay together.
        let of = |index: u32| dealt[&format!("r-{index}")].1;
        let turns = pace.turns();
        prop_assert!((0..all).all(|index| of(index) == of(index / turns * turns)));
    }
}

#[test]
fn a_shard_is_read_from_a_flag_or_from_what_started_it() {
    assert_eq!(Shard::parse("3/4"), Ok(Shard { index: 3, count: 4 }));
    assert_eq!(Shard::parse(" 0 / 1 "), Ok(Shard::WHOLE));
    for wrong in ["", "3", "4/4", "-1/4", "1/0", "0/10001", "a/b", "1/2/3"] {
        assert!(Shard::parse(wrong).is_err(), "{wrong:?}");
    }
    let from = |variables: &[(&str, &str)]| {
        Shard::from_variables(|name| {
            variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
        })
    };
    let slurm = [("SLURM_PROCID", "2"), ("SLURM_NTASKS", "8")];
    assert_eq!(from(&slurm), Ok(Shard { index: 2, count: 8 }));
    let pod = [("JOB_COMPLETION_INDEX", "0"), ("GOODPUT_GATE_SHARDS", "3"), slurm[0], slurm[1]];
    assert_eq!(from(&pod), Ok(Shard { index: 0, count: 3 }));
    assert_eq!(from(&[("SLURM_PROCID", "2")]), Err(ShardError::NoVariables));
    assert!(from(&[("SLURM_PROCID", "x"), ("SLURM_NTASKS", "8")]).is_err());
    assert!(from(&[("SLURM_PROCID", "8"), ("SLURM_NTASKS", "8")]).is_err());
}

#[test]
fn a_closed_loop_that_leaves_a_shard_without_a_place_is_refused() {
    let shard = Shard { index: 3, count: 4 };
    let cut = |pace| shard.cut(round(pace, 100, 0));
    let error = cut(Pace::Closed { concurrency: 3 }).expect_err("three for four");
    assert!(error.to_string().contains("concurrency is 3"), "{error}");
    assert!(cut(Pace::Closed { concurrency: 4 }).is_ok());
    let capped = RoundPlan { max_in_flight: Some(2), ..round(Pace::Open, 100, 0) };
    assert!(shard.cut(capped).expect_err("two for four").to_string().contains("max_in_flight"));
}
