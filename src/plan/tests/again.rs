//! A round that is sent once more, and the short warm-up before a round. Not here: when either comes
//! (`app::measure`).

use super::*;
use crate::config::SessionBegin;
use crate::plan::shard::Shard;

fn bodies(round: &RoundPlan) -> Vec<&[u8]> {
    round.requests.iter().map(|request| request.body.as_slice()).collect()
}

/// Other prompts, so that no cache knows them; the same lengths at the same instants.
#[test]
fn a_round_that_is_sent_again_is_the_same_load_with_other_prompts() {
    let mut shared = workload();
    shared.prompts.shared_prefix = 0.5;
    for workload in [workload(), shared] {
        let takes: Vec<RoundPlan> = (0..4)
            .map(|take| round(&workload, &input(), (1, take), Shard::WHOLE).expect("a plan"))
            .collect();
        let load = |round: &RoundPlan| {
            let requests = round.requests.iter();
            let shape = requests.map(|r| (r.offset, r.input_tokens, r.output_tokens, r.body.len()));
            (round.seed, round.pace, round.stop_after, round.ramp, shape.collect::<Vec<_>>())
        };
        assert!(takes.iter().all(|take| load(take) == load(&takes[0])));
        let other = round(&workload, &input(), (0, 0), Shard::WHOLE).expect("a plan");
        let all: Vec<&RoundPlan> = takes.iter().chain([&other]).collect();
        let sent: BTreeSet<&[u8]> = all.iter().flat_map(|round| bodies(round)).collect();
        let ids: BTreeSet<&String> =
            all.iter().flat_map(|round| &round.requests).map(|request| &request.id).collect();
        assert_eq!((sent.len(), ids.len()), (12 * 5, 12 * 5));
    }
}

#[test]
fn the_warm_up_before_a_round_takes_two_seconds_at_most() {
    let last = |workload: &Workload| {
        let plan = refresh(workload, &input(), 1).expect("a plan");
        let last = plan.requests.iter().map(|request| request.offset).max().unwrap_or_default();
        (plan.requests.len(), plan.stop_after, last)
    };
    let open = |warmup| Workload { warmup, ..workload() };
    let ten = Warmup::Duration(Duration::from_secs(10));
    let two = Duration::from_secs(2);
    assert!(matches!(last(&open(ten)), (1.., None, offset) if offset < two));
    assert!(matches!(last(&open(Warmup::Requests(900))), (1..30, None, offset) if offset < two));
    assert_eq!(last(&open(Warmup::Requests(1))).0, 1);
    for arrival in [
        Arrival::Closed { concurrency: 3 },
        Arrival::Sessions {
            begin: SessionBegin::Closed { concurrency: 3 },
            think_time: Duration::ZERO,
        },
    ] {
        for warmup in [ten, Warmup::Requests(900)] {
            let (requests, stop_after, _) =
                last(&Workload { arrival: arrival.clone(), ..open(warmup) });
            assert!(requests > 3 && stop_after == Some(two), "{warmup:?} {requests}");
        }
    }
    let short = Workload {
        arrival: Arrival::Closed { concurrency: 3 },
        ..open(Warmup::Duration(Duration::from_millis(500)))
    };
    assert_eq!(last(&short).1, Some(Duration::from_millis(500)), "never longer than the warm-up");
}

#[test]
fn the_warm_up_before_a_round_shares_no_prompt_and_is_the_same_for_both_sides() {
    let workload = Workload { warmup: Warmup::Requests(3), ..workload() };
    let of = |round| refresh(&workload, &input(), round).expect("a plan");
    assert_eq!(of(0), of(0));
    let plan = build(&workload, &input()).expect("a plan");
    let (first, second) = (of(0), of(1));
    let all: Vec<&RoundPlan> =
        [&plan.warmup, &first, &second].into_iter().chain(&plan.rounds).collect();
    let sent: BTreeSet<&[u8]> = all.iter().flat_map(|round| bodies(round)).collect();
    let ids: BTreeSet<&String> =
        all.iter().flat_map(|round| &round.requests).map(|request| &request.id).collect();
    let requests = all.iter().map(|round| round.requests.len()).sum();
    assert_eq!((sent.len(), ids.len()), (requests, requests));
}

/// What a shard makes alone is what a cut of the whole round gives.
#[test]
fn a_shard_makes_its_own_requests_as_the_whole_plan_has_them() {
    let conversation = Workload {
        arrival: Arrival::Sessions {
            begin: SessionBegin::Closed { concurrency: 3 },
            think_time: Duration::ZERO,
        },
        prompts: Prompts { kind: PromptKind::Conversation { turns: 3 }, ..workload().prompts },
        ..workload()
    };
    let closed = Workload { arrival: Arrival::Closed { concurrency: 4 }, ..workload() };
    for workload in [workload(), closed, conversation] {
        let whole = round(&workload, &input(), (0, 0), Shard::WHOLE).expect("a plan");
        for index in 0..3 {
            let shard = Shard { index, count: 3 };
            let made = round(&workload, &input(), (0, 0), shard).expect("a part");
            assert!(!made.requests.is_empty());
            assert_eq!(made, shard.cut(whole.clone()).expect("a part"));
        }
    }
}
