//! A plan as a whole: what it depends on, what its digest covers, its bounds. Not here: single
//! processes and prompts.

mod again;
mod loads;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use proptest::prelude::*;

use super::describe::RoundDescription;
use super::*;
use crate::config::{
    Arrival, Corpus, Length, PromptKind, Prompts, Slo, TraceFormat, Warmup, Workload,
};
use crate::protocol::{LengthField, OpenAi, ProtocolName};

const EXTRAS: Extras = Extras {
    ignore_eos: true,
    min_tokens: false,
    stream_usage: true,
    length: LengthField::MaxTokens,
};

fn workload() -> Workload {
    Workload {
        name: "chat".into(),
        arrival: Arrival::Poisson { rate: 5.0 },
        length: Length::Requests(12),
        max_in_flight: Some(8),
        prompts: Prompts {
            corpus: Corpus::En,
            input_tokens: 64,
            shared_prefix: 0.0,
            kind: PromptKind::Single,
        },
        output_tokens: 32,
        stream: true,
        temperature: 0.0,
        ignore_eos: true,
        extra_body: ExtraBody::new(),
        seed: 42,
        warmup: Warmup::Requests(3),
        timeout: Duration::from_secs(60),
        stall_timeout: Duration::from_secs(20),
        slo: Slo::default(),
        limits: Vec::new(),
        regressions: BTreeMap::new(),
        tier: None,
        level: None,
        text: None,
    }
}

fn none() -> &'static ExtraBody {
    static NONE: std::sync::LazyLock<ExtraBody> = std::sync::LazyLock::new(ExtraBody::new);
    &NONE
}

fn input() -> Input<'static> {
    Input {
        protocol: &Protocol::OpenAiChat(OpenAi::CHAT),
        model: "m",
        extras: EXTRAS,
        extra_body: none(),
        salt: "000000000001",
        session: "s1",
        rounds: 2,
        shards: 1,
        file: None,
    }
}

/// As a run makes it, round by round, and as a whole: the same.
fn whole(workload: &Workload, input: &Input<'_>) -> Result<Plan, PlanError> {
    let plan = build(workload, input);
    let in_parts = outline(workload, input).and_then(|outline| {
        assert!(
            outline
                .rounds
                .iter()
                .flat_map(|r| &r.requests)
                .all(|r| r.body.is_empty() && r.id.is_empty())
        );
        let rounds = (0..outline.rounds.len())
            .map(|i| {
                round(workload, input, (u32::try_from(i).expect("few"), 0), shard::Shard::WHOLE)
            })
            .collect::<Result<_, _>>()?;
        Ok(Plan { rounds, ..outline })
    });
    assert_eq!(plan, in_parts);
    plan
}

fn plan(change: impl FnOnce(&mut Workload)) -> Plan {
    let mut workload = workload();
    change(&mut workload);
    whole(&workload, &input()).expect("a plan")
}

fn refusal(change: impl FnOnce(&mut Workload, &mut Input<'static>)) -> PlanError {
    let (mut workload, mut input) = (workload(), input());
    change(&mut workload, &mut input);
    whole(&workload, &input).expect_err("should be refused")
}

fn with_trace(trace: &str, change: impl FnOnce(&mut Workload)) -> Result<Plan, PlanError> {
    let mut workload = workload();
    workload.arrival = Arrival::Trace {
        file: PathBuf::from("trace.jsonl"),
        speedup: 1.0,
        format: TraceFormat::default(),
    };
    change(&mut workload);
    whole(&workload, &Input { file: Some(trace), ..input() })
}

fn prompt(request: &PlannedRequest) -> String {
    let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
    body["messages"][0]["content"].as_str().expect("a prompt").to_owned()
}

fn prompts(round: &RoundPlan) -> Vec<String> {
    round.requests.iter().map(prompt).collect()
}

#[test]
fn a_plan_is_a_function_of_its_inputs() {
    assert_eq!(plan(|_| ()), plan(|_| ()));
}

#[test]
fn every_request_is_finished() {
    let plan = plan(|_| ());
    assert_eq!(
        (plan.warmup.requests.len(), plan.rounds.len(), plan.rounds[1].requests.len()),
        (3, 2, 12)
    );
    assert_eq!(plan.warmup.requests[2].id, "s1-chat-w-2");
    let request = &plan.rounds[1].requests[7];
    assert_eq!((request.index, request.id.as_str()), (7, "s1-chat-r1-7"));
    assert_eq!((request.input_tokens, request.output_tokens), (64, 32));
    assert_eq!(prompt(request).chars().count(), 256);
    assert!(prompt(request).starts_with("[000000000001-1-000007]\n"));
    assert_eq!(
        (plan.rounds[0].pace, plan.rounds[0].max_in_flight, plan.rounds[0].ramp),
        (Pace::Open, Some(8), 0)
    );
}

#[test]
fn ids_are_unique_and_fit_for_a_header() {
    let plan = plan(|w| w.name = "긴 글/1".into());
    let all =
        || std::iter::once(&plan.warmup).chain(&plan.rounds).flat_map(|round| &round.requests);
    assert_eq!(all().map(|r| &r.id).collect::<BTreeSet<_>>().len(), all().count());
    assert!(all().all(|r| r.id.bytes().all(|b| b.is_ascii_graphic())));
}

#[test]
fn rounds_differ_in_seed_prompts_and_arrivals() {
    let plan = plan(|_| ());
    assert_ne!(plan.rounds[0].seed, plan.rounds[1].seed);
    let offsets = |round: &RoundPlan| round.requests.iter().map(|r| r.offset).collect::<Vec<_>>();
    assert_ne!(offsets(&plan.rounds[0]), offsets(&plan.rounds[1]));
    let all: BTreeSet<String> =
        std::iter::once(&plan.warmup).chain(&plan.rounds).flat_map(prompts).collect();
    assert_eq!(all.len(), 27);
}

#[test]
fn a_round_does_not_depend_on_how_many_follow() {
    let more = build(&workload(), &Input { rounds: 5, ..input() }).expect("a plan");
    assert_eq!(more.rounds[..2], plan(|_| ()).rounds);
}

#[test]
fn requests_are_the_same_whatever_the_arrivals() {
    let reference = plan(|_| ());
    let others = [
        plan(|w| w.arrival = Arrival::Poisson { rate: 500.0 }),
        plan(|w| w.arrival = Arrival::Constant { rate: 5.0 }),
        plan(|w| w.arrival = Arrival::Gamma { rate: 5.0, burstiness: 0.5 }),
        plan(|w| w.arrival = Arrival::Ramp { from: 1.0, to: 9.0 }),
        plan(|w| w.arrival = Arrival::Closed { concurrency: 4 }),
        plan(|w| w.length = Length::Requests(40)),
        plan(|w| w.warmup = Warmup::Requests(0)),
        plan(|w| w.max_in_flight = None),
        with_trace(&"{\"offset_ms\": 5}\n".repeat(12), |_| ()).expect("a plan"),
    ];
    for other in others {
        for (a, b) in reference.rounds.iter().zip(&other.rounds) {
            let same = a
                .requests
                .iter()
                .zip(&b.requests)
                .all(|(x, y)| (x.index, &x.id, &x.body) == (y.index, &y.id, &y.body));
            assert!(same && b.requests.len() >= 12);
        }
    }
}

#[test]
fn salt_session_and_model_leave_the_digest_alone() {
    let digest = |input: Input<'_>| build(&workload(), &input).expect("a plan").digest;
    let reference = digest(input());
    assert_eq!(reference.len(), 64);
    assert_eq!(digest(Input { salt: "zzzzzzzzzzzz", ..input() }), reference);
    assert_eq!(digest(Input { session: "another", ..input() }), reference);
    assert_eq!(digest(Input { model: "another", ..input() }), reference);
    assert_eq!(plan(|w| w.name = "another".into()).digest, reference);
    assert_eq!(plan(|w| w.temperature = -0.0).digest, reference);
}

#[test]
fn everything_that_shapes_the_load_changes_the_digest() {
    let digest = |input: Input<'_>| build(&workload(), &input).expect("a plan").digest;
    let digests = [
        plan(|_| ()).digest,
        plan(|w| w.seed = 43).digest,
        plan(|w| w.arrival = Arrival::Poisson { rate: 5.1 }).digest,
        plan(|w| w.arrival = Arrival::Closed { concurrency: 3 }).digest,
        plan(|w| w.arrival = Arrival::Closed { concurrency: 4 }).digest,
        plan(|w| w.length = Length::Requests(13)).digest,
        plan(|w| w.max_in_flight = None).digest,
        plan(|w| w.max_in_flight = Some(9)).digest,
        plan(|w| w.prompts.input_tokens = 65).digest,
        plan(|w| w.prompts.shared_prefix = 0.5).digest,
        plan(|w| w.prompts.corpus = Corpus::Ko).digest,
        plan(|w| w.output_tokens = 33).digest,
        plan(|w| w.stream = false).digest,
        plan(|w| w.temperature = 0.5).digest,
        plan(|w| w.warmup = Warmup::Requests(4)).digest,
        plan(|w| w.timeout = Duration::from_secs(61)).digest,
        plan(|w| w.stall_timeout = Duration::from_secs(21)).digest,
        digest(Input { rounds: 3, ..input() }),
        digest(Input { protocol: &ProtocolName::OpenAiCompletions.into(), ..input() }),
        digest(Input { extras: Extras { ignore_eos: false, ..EXTRAS }, ..input() }),
        digest(Input { extras: Extras { min_tokens: true, ..EXTRAS }, ..input() }),
        digest(Input { extras: Extras { stream_usage: false, ..EXTRAS }, ..input() }),
    ];
    assert_eq!(digests.iter().collect::<BTreeSet<_>>().len(), digests.len());
}

/// A failure here means that committed baselines stop being comparable: bump the version in
/// `digest.rs` and say so in the changelog.
#[test]
fn the_digest_is_pinned() {
    assert_eq!(
        plan(|_| ()).digest,
        "27b004763d28e9c73d14aa7fc858ca8c9b8d77d960c95b8e124910b8017a50a7"
    );
    let gamma = plan(|w| {
        w.arrival = Arrival::Gamma { rate: 20.0, burstiness: 0.5 };
        w.prompts = Prompts {
            corpus: Corpus::Ko,
            input_tokens: 500,
            shared_prefix: 0.3,
            kind: PromptKind::Single,
        };
        w.length = Length::Duration(Duration::from_secs(10));
    });
    assert_eq!(gamma.digest, "8d7cdc025f02c291a20470ffc039fc4a6f9817277b102813a98d8e73a948c61d");
}

#[test]
fn a_closed_loop_drops_its_first_wave_only_where_as_much_remains() {
    let ramp = |n| {
        plan(|w| (w.arrival, w.length) = (Arrival::Closed { concurrency: 4 }, Length::Requests(n)))
            .rounds[0]
            .ramp
    };
    assert_eq!((ramp(100), ramp(8), ramp(7)), (4, 4, 0));
}

#[test]
fn a_closed_loop_by_duration_stops_in_time() {
    let plan = plan(|w| {
        w.arrival = Arrival::Closed { concurrency: 2 };
        w.length = Length::Duration(Duration::from_secs(5));
        w.warmup = Warmup::Duration(Duration::from_secs(1));
    });
    let round = &plan.rounds[0];
    assert_eq!(
        (round.pace, round.stop_after),
        (Pace::Closed { concurrency: 2 }, Some(Duration::from_secs(5)))
    );
    assert_eq!((round.requests.len(), round.ramp, round.max_in_flight), (500, 2, None));
    assert_eq!((plan.warmup.requests.len(), plan.warmup.ramp), (100, 0));
    assert!(round.requests.iter().all(|r| r.offset.is_zero()));
}

#[test]
fn an_open_loop_by_duration_arrives_within_it() {
    let plan = plan(|w| w.length = Length::Duration(Duration::from_secs(10)));
    assert!(
        plan.rounds.iter().all(|round| round.stop_after.is_none() && round.requests.len() > 20)
    );
    assert!(
        plan.rounds.iter().flat_map(|r| &r.requests).all(|r| r.offset < Duration::from_secs(10))
    );
}

#[test]
fn a_trace_sets_offsets_lengths_and_prompts() {
    let trace = concat!(
        "{\"timestamp\": 100, \"input_length\": 100, \"output_length\": 7}\n",
        "{\"timestamp\": 350, \"prompt\": \"say hello\"}\n",
    );
    let plan = with_trace(trace, |w| w.length = Length::Requests(2)).expect("a plan");
    let [first, second] = &plan.rounds[1].requests[..] else { panic!("two requests") };
    assert_eq!((first.offset, first.input_tokens, first.output_tokens), (Duration::ZERO, 100, 7));
    assert_eq!(prompt(first).len(), 400);
    assert_eq!(
        (second.offset, second.input_tokens, second.output_tokens),
        (Duration::from_millis(250), 3, 32)
    );
    assert_eq!(prompt(second), "[000000000001-1]\nsay hello");
    assert_eq!(plan.warmup.requests.len(), 2);
    assert!(prompts(&plan.warmup).iter().all(|p| !p.contains("hello")));
    assert_eq!(
        with_trace(trace, |w| w.length = Length::Duration(Duration::from_millis(250)))
            .expect("a plan")
            .rounds[0]
            .requests
            .len(),
        1
    );
}

#[test]
fn a_longer_line_of_a_trace_shares_as_much_as_asked() {
    let trace =
        "{\"offset_ms\": 0, \"input_tokens\": 1000}\n{\"offset_ms\": 1, \"input_tokens\": 2000}\n";
    let plan =
        with_trace(trace, |w| (w.length, w.prompts.shared_prefix) = (Length::Requests(2), 0.5))
            .expect("a plan");
    let [short, long] = &prompts(&plan.rounds[0])[..] else { panic!("two prompts") };
    assert_eq!(short[..2000], long[..2000]);
    assert_ne!(short[..2050], long[..2050]);
    assert_eq!((short.len(), long.len()), (4000, 8000));
    assert!(long.find("\n[0-000001]\n").is_some_and(|at| at == 4000));
}

#[test]
fn what_cannot_be_planned_is_refused_with_a_reason() {
    let trace = || Arrival::Trace {
        file: PathBuf::from("t"),
        speedup: 1.0,
        format: TraceFormat::default(),
    };
    assert_eq!(refusal(|_, input| input.salt = "short"), PlanError::Salt);
    assert_eq!(refusal(|_, input| input.salt = "12345678901\n"), PlanError::Salt);
    assert_eq!(refusal(|w, _| w.arrival = trace()), PlanError::TraceMissing);
    assert_eq!(
        with_trace("{\"offset_ms\": 1}", |_| ()),
        Err(PlanError::TraceShort { has: 1, asked: 12 })
    );
    assert_eq!(refusal(|w, _| w.length = Length::Requests(500_001)), PlanError::TooManyRequests);
    assert_eq!(refusal(|_, input| input.rounds = u32::MAX), PlanError::TooManyRequests);
    let huge =
        refusal(|w, _| (w.length, w.prompts.input_tokens) = (Length::Requests(5000), 128_000));
    assert!(matches!(huge, PlanError::TooLarge { .. }));
    assert!(huge.to_string().contains("and 2048 MiB are allowed"), "{huge}");
    let wide = |w: &mut Workload| {
        (w.arrival, w.length) =
            (Arrival::Closed { concurrency: u32::MAX }, Length::Duration(Duration::from_secs(1)));
    };
    assert_eq!(refusal(|w, _| wide(w)), PlanError::TooManyRequests);
}

#[test]
fn a_description_sums_the_plan_up() {
    let open = describe(&plan(|w| w.arrival = Arrival::Constant { rate: 2.0 }));
    assert_eq!(open.warmup, RoundDescription { requests: 3, seconds: Some(1.0) });
    assert_eq!(open.rounds, [RoundDescription { requests: 12, seconds: Some(5.5) }; 2]);
    assert_eq!((open.input_tokens, open.output_tokens), (27 * 64, 27 * 32));
    assert!(open.body_bytes > 27 * 256);
    let closed = describe(&plan(|w| {
        (w.arrival, w.warmup) = (Arrival::Closed { concurrency: 3 }, Warmup::Requests(0));
    }));
    assert_eq!((closed.warmup.requests, closed.rounds[0].seconds), (0, None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn a_request_depends_on_seed_round_and_index_only(seed: u64, count in 1_u32..30, concurrency in 1_u32..50, rate in 0.1..1000.0) {
        let open = plan(|w| (w.seed, w.arrival, w.length) = (seed, Arrival::Poisson { rate }, Length::Requests(count)));
        let closed = plan(|w| (w.seed, w.arrival, w.length) = (seed, Arrival::Closed { concurrency }, Length::Requests(30)));
        let last = count as usize - 1;
        prop_assert_eq!(&open.rounds[1].requests[last].body, &closed.rounds[1].requests[last].body);
        prop_assert!(open.rounds[1].seed < 1 << 53);
    }
}
