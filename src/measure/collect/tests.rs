//! What failures and absent counts do to the metrics of a round, and that what is shown is what is
//! judged.

use proptest::prelude::*;

use super::*;
use crate::measure::summary::{self, Shape, to_display};
use crate::timeline::OutcomeKind::{self, Cancelled, Completed, HttpStatus};

const SLO: SloMs = SloMs { ttft: Some(50.0), tpot: Some(10.0), e2e: Some(400.0) };

/// One request: TTFT, decode, tokens, outcome.
type Request = (u64, u64, Option<u32>, OutcomeKind);

fn columns(requests: &[Request]) -> Columns {
    let mut c = Columns::default();
    for (i, &(ttft, decode, tokens, outcome)) in requests.iter().enumerate() {
        let done = |us: u64| (outcome == Completed).then_some(us);
        c.start_us.push(Some(i as u64 * 10_000));
        c.queue_us.push(Some(0));
        c.connect_us.push(None);
        c.send_lag_us.push(Some(10));
        c.own_lag_us.push(Some(10));
        c.ttft_us.push(done(ttft));
        c.ttfa_us.push(None);
        c.e2e_us.push(done(ttft + decode));
        c.max_gap_us.push(None);
        c.events.push(0);
        c.input_tokens.push(Some(7));
        c.output_tokens.push(tokens);
        c.cached_tokens.push(None);
        c.outcome.push(outcome);
    }
    c
}

fn context(ramp: usize) -> Context {
    Context {
        start: 0,
        seed: 1,
        order: 0,
        ramp,
        open_loop: true,
        streaming: true,
        duration_us: 2_000_000,
        chunk_gap_p99_ms: None,
    }
}

fn values(requests: &[Request], ramp: usize) -> Values {
    metrics(
        &[RoundView {
            columns: &columns(requests),
            context: &context(ramp),
            gaps: &Gaps::default(),
        }],
        &SLO,
    )
}

const GOOD: Request = (20_000, 90_000, Some(10), Completed);
const FAILED: Request = (1, 1, None, HttpStatus);
const TTFT_MEAN: Metric = Metric::Timing(Timing::Ttft, Stat::Mean);
const TPOT_MEAN: Metric = Metric::Timing(Timing::Tpot, Stat::Mean);

#[test]
fn a_failure_is_in_every_share_and_in_no_latency() {
    let v = values(&[GOOD, GOOD, GOOD, FAILED], 0);
    assert_eq!((v[&TTFT_MEAN], v[&TPOT_MEAN]), (20.0, 10.0));
    assert_eq!(
        (v[&Metric::SuccessRate], v[&Metric::ErrorRate], v[&Metric::SloAttainment]),
        (0.75, 0.25, 0.75)
    );
    for kind in SloKind::ALL {
        assert_eq!(v.get(&Metric::SloAttainmentOf(kind)), Some(&0.75), "{kind:?}");
    }
    assert_eq!(
        (v[&Metric::Goodput], v[&Metric::RequestRate], v[&Metric::OutputTokenRate]),
        (1.5, 1.5, 15.0)
    );
}

#[test]
fn an_answer_of_no_tokens_is_a_failure_in_all_that_is_shown() {
    let empty = (1, 0, Some(0), Completed);
    let v = values(&[GOOD, GOOD, empty], 0);
    assert_eq!(v.get(&TTFT_MEAN), Some(&20.0), "its times are not those of an answer");
    assert_eq!(v.get(&Metric::Timing(Timing::E2e, Stat::Min)), Some(&110.0));
    assert!((v[&Metric::ErrorRate] - 1.0 / 3.0).abs() < 1e-12);
}

#[test]
fn latency_is_unmeasured_where_most_failed() {
    assert!(values(&[GOOD, FAILED], 0).contains_key(&TTFT_MEAN));
    let v = values(&[GOOD, FAILED, FAILED], 0);
    assert!(
        !v.keys()
            .any(|m| matches!(m, Metric::Timing(Timing::Ttft | Timing::Tpot | Timing::E2e, _))),
        "{v:?}"
    );
    let dead = values(&[FAILED; 30], 0);
    assert_eq!(
        (dead[&Metric::ErrorRate], dead[&Metric::SloAttainment], dead[&Metric::Goodput]),
        (1.0, 0.0, 0.0)
    );
    assert!(!dead.contains_key(&Metric::OutputTokenRate));
}

#[test]
fn absent_usage_is_no_tpot_and_no_token_rate() {
    let uncounted = (20_000, 90_000, None, Completed);
    let v = values(&[uncounted; 3], 0);
    assert!(
        !v.contains_key(&TPOT_MEAN)
            && !v.contains_key(&Metric::OutputTokenRate)
            && !v.contains_key(&Metric::TotalTokenRate)
    );
    assert_eq!(
        v.get(&Metric::SloAttainmentOf(SloKind::Tpot)),
        Some(&0.0),
        "what is not known is not met"
    );
    let one = values(&[GOOD, GOOD, uncounted], 0);
    assert!(!one.contains_key(&Metric::OutputTokenRate), "a sum over the others would be too low");
}

#[test]
fn the_ramp_is_in_errors_and_rates_only() {
    let slow = (400_000, 900_000, Some(10), Completed);
    let v = values(&[slow, FAILED, GOOD, GOOD], 2);
    assert_eq!(
        (v[&TTFT_MEAN], v[&Metric::SloAttainment], v[&Metric::ErrorRate]),
        (20.0, 1.0, 0.25)
    );
    assert_eq!(
        (v[&Metric::RequestRate], v[&Metric::Goodput]),
        (1.5, 1.5),
        "the ramp tells nothing of SLOs, and its failure counts"
    );
}

#[test]
fn a_large_first_wave_does_not_halve_the_goodput() {
    let slow = (400_000, 90_000, Some(10), Completed);
    let requests: Vec<Request> =
        std::iter::repeat_n(slow, 50).chain(std::iter::repeat_n(GOOD, 50)).collect();
    let v = values(&requests, 50);
    assert_eq!(
        (v[&Metric::SloAttainment], v[&Metric::RequestRate], v[&Metric::Goodput]),
        (1.0, 50.0, 50.0)
    );
    let v = values(&[&requests[..50], &[GOOD, FAILED].repeat(25)].concat(), 50);
    assert_eq!(
        (v[&Metric::SloAttainment], v[&Metric::RequestRate], v[&Metric::Goodput]),
        (0.5, 37.5, 25.0)
    );
    let dead_wave = values(&[&[FAILED; 50], &requests[50..]].concat(), 50);
    assert_eq!((dead_wave[&Metric::RequestRate], dead_wave[&Metric::Goodput]), (25.0, 25.0));
}

#[test]
fn the_speed_of_a_request_is_its_tokens_by_its_e2e() {
    let slow = (500_000, 500_000, Some(5), Completed);
    let fast = (50_000, 50_000, Some(4), Completed);
    let uncounted = (1, 1, None, Completed);
    let v = values(&[FAILED, slow, fast, fast, uncounted], 1);
    let of = |stat| v.get(&Metric::TokenSpeed(stat)).copied();
    assert_eq!(
        [Stat::Min, Stat::Max, Stat::Mean].map(of),
        [Some(5.0), Some(40.0), Some(85.0 / 3.0)]
    );
    assert_eq!((of(Stat::P50), of(Stat::P95)), (None, None), "three requests have no median");
    let v = values(&[slow; 20], 0);
    assert_eq!((v[&Metric::TokenSpeed(Stat::P50)], v[&Metric::TokenSpeed(Stat::P95)]), (5.0, 5.0));
    let unknown = values(&[uncounted; 30], 0);
    assert!(
        !unknown.keys().any(|m| matches!(m, Metric::TokenSpeed(_)))
            && unknown.contains_key(&TTFT_MEAN)
    );
    // As latency: the few that came through are not the server.
    assert!(!values(&[slow, FAILED, FAILED], 0).keys().any(|m| matches!(m, Metric::TokenSpeed(_))));
}

#[test]
fn percentiles_need_their_n() {
    let has = |n: usize, stat| {
        values(&vec![GOOD; n], 0).contains_key(&Metric::Timing(Timing::Ttft, stat))
    };
    for stat in [Stat::P50, Stat::P90, Stat::P95, Stat::P99, Stat::P999] {
        assert!(!has(stat.min_n() - 1, stat) && has(stat.min_n(), stat), "{stat:?}");
    }
}

#[test]
fn nothing_sent_is_nothing_measured() {
    let (columns, context) = (columns(&[]), Context { duration_us: 0, ..context(0) });
    assert!(
        metrics(
            &[RoundView { columns: &columns, context: &context, gaps: &Gaps::default() }],
            &SLO
        )
        .is_empty()
    );
    assert!(metrics(&[], &SLO).is_empty());
}

fn any_request() -> impl Strategy<Value = Request> {
    let outcome = prop_oneof![8 => Just(Completed), 1 => Just(HttpStatus), 1 => Just(Cancelled)];
    let tokens = prop_oneof![12 => (1..40_u32).prop_map(Some), 1 => Just(Some(0))];
    (0..90_000_u64, 0..500_000_u64, tokens, outcome)
}

proptest! {
    #[test]
    fn what_is_shown_of_a_round_is_what_is_judged(
        requests in prop::collection::vec(any_request(), 0..140),
        ramp in 0..20_usize,
        uncounted in prop::option::of(0..140_usize),
    ) {
        let mut columns = columns(&requests);
        if let Some(i) = uncounted.filter(|i| *i < columns.len()) {
            columns.output_tokens.set(i, None);
        }
        let context = Context { chunk_gap_p99_ms: None, ..context(ramp.min(requests.len())) };
        let shown = metrics(&[RoundView { columns: &columns, context: &context, gaps: &Gaps::default() }], &SLO);
        let judged = summary::oriented(&columns.to_round(&context), &SLO);
        let shape = Shape { streaming: true, output_tokens: 40, has_slo: true };
        for metric in shape.defined() {
            let (a, b) = (shown.get(&metric), judged.get(&metric).map(|&v| to_display(metric, v)));
            // Logs are taken of at least a microsecond.
            let a = a.map(|&a| if matches!(metric, Metric::Timing(..)) { a.max(stats::SHORTEST_MS) } else { a });
            let alike = a.zip(b).map_or(a.is_none() && b.is_none(), |(a, b)| (a - b).abs() <= 1e-9 * b.abs().max(1.0));
            prop_assert!(alike, "{metric}: {a:?} is shown and {b:?} judged");
        }
    }

    /// Over any rounds: goodput is a part of what was served, all of it or nothing of it where
    /// attainment says so.
    #[test]
    fn goodput_is_between_nothing_and_the_request_rate(
        rounds in prop::collection::vec((prop::collection::vec(any_request(), 1..60), 0..30_usize), 1..4),
        ttft in 0..100_u32,
    ) {
        let slo = SloMs { ttft: Some(f64::from(ttft)), ..SloMs::default() };
        let rounds: Vec<_> = rounds.iter().map(|(requests, ramp)| (columns(requests), context(*ramp.min(&(requests.len() - 1))))).collect();
        let gaps = Gaps::default();
        let views: Vec<_> = rounds.iter().map(|(columns, context)| RoundView { columns, context, gaps: &gaps }).collect();
        let v = metrics(&views, &slo);
        let (good, served, share) = (v[&Metric::Goodput], v[&Metric::RequestRate], v[&Metric::SloAttainment]);
        prop_assert!(good <= served);
        prop_assert!(share < 1.0 || good.total_cmp(&served).is_eq(), "{good} of {served}");
        prop_assert_eq!(share > 0.0, good > 0.0);
        // Without a failure in the ramp it is attainment times what was scheduled.
        let whole = views.iter().all(|r| (0..r.context.ramp).all(|i| r.columns.ok(i)));
        let scheduled = views.iter().map(|r| r.columns.len()).sum::<usize>() as f64 / (2.0 * views.len() as f64);
        prop_assert!(!whole || (good - share * scheduled).abs() < 1e-9 * scheduled);
    }
}

#[test]
fn hidden_tokens_are_in_rates_and_not_in_tpot() {
    let mut c = columns(&[(1000, 70_000, Some(71), Completed); 20]);
    let tpot = |c: &Columns| {
        let view = RoundView { columns: c, context: &context(0), gaps: &Gaps::default() };
        let values = metrics(&[view], &SloMs { tpot: Some(5.0), ..SloMs::default() });
        let rate = values.contains_key(&Metric::OutputTokenRate);
        (
            values.get(&Metric::Timing(Timing::Tpot, Stat::Mean)).map(|ms| ms.round()),
            values[&Metric::SloAttainment],
            rate,
        )
    };
    assert_eq!(tpot(&c), (Some(1.0), 1.0, true));
    c.hidden_tokens = vec![Some(60); 20].into();
    assert!(c.is_rectangular());
    assert_eq!(tpot(&c), (Some(7.0), 0.0, true));
    c.hidden_tokens = vec![None; 20].into();
    assert_eq!(tpot(&c), (None, 0.0, true));
    c.hidden_tokens = vec![None; 19].into();
    assert!(!c.is_rectangular());
}
