//! Who wins, what presets and lists become, and what `--set` reaches.

use std::time::Duration;

use super::{SKETCH, env, good, read};
use crate::config::{
    Arrival, Bound, Config, ConfigError, Corpus, Endpoint, Flags, GateMode, Length, Limit,
    MetricsPage, ModelChoice, OnOpen, Warmup, load, presets,
};
use crate::metric::{Metric, Stat, Timing};

fn flags_only(flags: Flags) -> Config {
    load(None, &[], &Flags { base_url: Some("http://h:1/v1".into()), ..flags }, &env)
        .unwrap_or_else(|error| panic!("{error}"))
}

fn names(config: &Config) -> Vec<&str> {
    config.workloads.iter().map(|w| w.name.as_str()).collect()
}

#[test]
fn the_sketch_means_what_it_says() {
    let config = good(SKETCH, &[], &Flags::default());
    let chat = &config.workloads[0];
    assert_eq!(config.target.endpoint, Endpoint::Http("http://127.0.0.1:8000/v1".into()));
    assert_eq!(config.target.model, ModelChoice::Auto);
    assert_eq!(
        (chat.arrival.clone(), chat.length),
        (Arrival::Poisson { rate: 5.0 }, Length::Requests(100))
    );
    assert_eq!(chat.slo.ttft, Some(Duration::from_millis(500)));
    let ttft = Limit { metric: Metric::Timing(Timing::Ttft, Stat::P95), bound: Bound::Max(500.0) };
    assert_eq!(
        chat.limits,
        [ttft, Limit { metric: Metric::SloAttainment, bound: Bound::Min(0.95) }]
    );
    assert_eq!(chat.regressions.get(&Metric::SloAttainment).and_then(|r| r.size), Some(0.02));
    assert_eq!(chat.warmup, Warmup::Duration(Duration::from_secs(10)));
    assert_eq!((config.gate.mode, config.gate.rounds), (GateMode::Baseline, 3));
    assert_eq!(config.gate.starts, 1, "a server at a base_url cannot be restarted");
}

#[test]
fn policies_default_as_documented() {
    let gate = good(SKETCH, &[], &Flags::default()).gate;
    assert_eq!(
        [gate.on_inconclusive, gate.on_missing_baseline, gate.on_incomparable, gate.on_limit_open],
        [OnOpen::Warn, OnOpen::Warn, OnOpen::Fail, OnOpen::Warn]
    );
    assert_eq!(gate.on_blind, OnOpen::Fail);
    assert_eq!(
        (gate.strict, gate.under_test),
        (false, vec!["server_version".to_owned(), "server_args".to_owned()])
    );
}

#[test]
fn flags_win_over_set_and_set_over_the_file() {
    let set = ["workloads.chat.output_tokens=64", "workloads.chat.seed=7"];
    let flags = Flags { output_tokens: Some(32), ..Flags::default() };
    let chat = &good(SKETCH, &set, &flags).workloads[0];
    assert_eq!((chat.output_tokens, chat.seed), (32, 7));
    assert_eq!(good(SKETCH, &set, &Flags::default()).workloads[0].output_tokens, 64);
}

#[test]
fn set_reaches_keys_by_name_and_by_index() {
    let sim = SKETCH.replace("base_url: http://127.0.0.1:8000/v1", "sim: {}");
    let set = [
        "target.sim.decode_factor=1.2",
        "workloads.0.requests=7",
        "workloads[0].slo.ttft=1s",
        "gate.starts=1",
        "workloads.chat.limits.ttft_p99={max: 2s}",
        "target.model=1.10",
        "target.headers.x-team=a=b",
        "gate.strict=true",
        "baselines.dir=elsewhere",
    ];
    let config = good(&sim, &set, &Flags::default());
    let Endpoint::Sim(knobs) = &config.target.endpoint else {
        panic!("{:?}", config.target.endpoint)
    };
    assert_eq!(Some(knobs.decode_factor), Some(1.2));
    assert_eq!(config.workloads[0].length, Length::Requests(7));
    assert_eq!(config.workloads[0].slo.ttft, Some(Duration::from_secs(1)));
    assert_eq!(config.workloads[0].slo.tpot, Some(Duration::from_millis(50)));
    assert_eq!((config.gate.starts, config.gate.strict), (1, true));
    assert_eq!(config.workloads[0].limits.len(), 3);
    assert_eq!(config.target.model, ModelChoice::Named("1.10".into()));
    assert_eq!(config.target.headers, [("x-team".to_owned(), "a=b".to_owned())]);
    assert_eq!(config.baselines_dir.to_str(), Some("elsewhere"));
}

#[test]
fn set_replaces_what_cannot_stand_beside_it() {
    let set =
        ["workloads.chat.duration=20s", "workloads.chat.arrival.constant.rate=3", "target.sim={}"];
    let config = good(SKETCH, &set, &Flags::default());
    assert_eq!(config.workloads[0].length, Length::Duration(Duration::from_secs(20)));
    assert_eq!(config.workloads[0].arrival, Arrival::Constant { rate: 3.0 });
    assert!(matches!(config.target.endpoint, Endpoint::Sim(_)));
}

#[test]
fn set_reaches_a_workload_whose_name_has_dots() {
    let text = SKETCH.replace("name: chat", "name: chat.v2");
    assert_eq!(good(&text, &["workloads.chat.v2.seed=9"], &Flags::default()).workloads[0].seed, 9);
}

#[test]
fn set_null_takes_a_value_away() {
    assert_eq!(
        good(SKETCH, &["workloads.chat.max_in_flight=null"], &Flags::default()).workloads[0]
            .max_in_flight,
        None
    );
}

#[test]
fn lists_become_one_workload_per_level() {
    let text = SKETCH
        .replace("{poisson: {rate: 5}}", "{closed: {concurrency: [1, 10, 50]}}")
        .replace("    max_in_flight: 64\n", "");
    let config = good(&text, &[], &Flags::default());
    assert_eq!(names(&config), ["chat-c1", "chat-c10", "chat-c50"]);
    assert_eq!(config.workloads[2].arrival, Arrival::Closed { concurrency: 50 });
}

#[test]
fn flags_alone_make_a_config() {
    let config = flags_only(Flags::default());
    assert_eq!(names(&config), ["adhoc"]);
    assert_eq!(config.workloads[0].arrival, Arrival::Closed { concurrency: 1 });
    let flags = Flags {
        rate: Some(4.0),
        arrival: Some("gamma:0.5".into()),
        duration: Some("20s".into()),
        ..Flags::default()
    };
    let adhoc = flags_only(flags).workloads.remove(0);
    assert_eq!(adhoc.arrival, Arrival::Gamma { rate: 4.0, burstiness: 0.5 });
    assert_eq!(adhoc.length, Length::Duration(Duration::from_secs(20)));
    let sweep = flags_only(Flags { concurrency: vec![1, 8], no_stream: true, ..Flags::default() });
    assert_eq!(names(&sweep), ["adhoc-c1", "adhoc-c8"]);
    assert!(!sweep.workloads[0].stream);
}

#[test]
fn nothing_at_all_is_no_target() {
    assert_eq!(load(None, &[], &Flags::default(), &env), Err(ConfigError::NoTarget));
    assert!(load(None, &["target.sim={}".into()], &Flags::default(), &env).is_ok());
}

#[test]
fn every_preset_expands_to_valid_workloads() {
    let levels: Vec<String> = presets::NAMES
        .iter()
        .map(|name| {
            let config = flags_only(Flags { preset: vec![(*name).into()], ..Flags::default() });
            format!("{name}: {}", names(&config).join(" "))
        })
        .collect();
    insta::assert_snapshot!(levels.join("\n"), @r"
    quick: quick-c1 quick-c5 quick-c10
    standard: standard-c1 standard-c10 standard-c50 standard-c100
    stress: stress-c10 stress-c50 stress-c100 stress-c200 stress-c500
    low-load: low-load
    medium-load: medium-load
    high-load: high-load
    stress-test: stress-test
    single: single
    concurrent: concurrent-c1 concurrent-c4 concurrent-c16 concurrent-c64
    long-context: long-context
    prefix-cache: prefix-cache-cold prefix-cache-warm
    korean: korean
    ");
}

#[test]
fn presets_carry_the_older_tools_figures() {
    let high = flags_only(Flags { preset: vec!["high-load".into()], ..Flags::default() })
        .workloads
        .remove(0);
    assert_eq!((high.arrival, high.max_in_flight), (Arrival::Constant { rate: 20.0 }, Some(50)));
    assert_eq!(
        (high.length, high.output_tokens),
        (Length::Duration(Duration::from_secs(300)), 1024)
    );
    let stress = flags_only(Flags { preset: vec!["stress".into()], ..Flags::default() }).workloads;
    assert_eq!(
        (stress[0].prompts.input_tokens, stress[0].output_tokens, stress[0].length),
        (512, 256, Length::Requests(500))
    );
    let korean =
        flags_only(Flags { preset: vec!["korean".into()], ..Flags::default() }).workloads.remove(0);
    assert_eq!(korean.prompts.corpus, Corpus::Ko);
}

#[test]
fn a_preset_gives_way_to_the_keys_beside_it() {
    let text = "version: 1\ntarget: {sim: {}}\nworkloads:\n  - {preset: medium-load, name: mine, requests: 50, seed: 3}\n  - {preset: low-load, arrival: {closed: {concurrency: 2}}}\n";
    let config = good(text, &[], &Flags::default());
    assert_eq!(names(&config), ["mine", "low-load"]);
    assert_eq!(
        (config.workloads[0].length, config.workloads[0].max_in_flight),
        (Length::Requests(50), Some(10))
    );
    assert_eq!(config.workloads[1].max_in_flight, None, "closed loop has none");
}

#[test]
fn the_workload_filter_takes_names_and_families() {
    let text = "version: 1\ntarget: {sim: {}}\nworkloads: [{preset: quick}, {name: chat}]\n";
    let only = |name: &str, seed| {
        good(text, &[], &Flags { workload: vec![name.into()], seed, ..Flags::default() })
    };
    assert_eq!(names(&only("quick", None)), ["quick-c1", "quick-c5", "quick-c10"]);
    assert_eq!(names(&only("quick-c5", Some(1))), ["quick-c5"]);
    assert_eq!(only("quick-c5", Some(1)).workloads[0].seed, 1);
    assert_eq!(names(&only("chat", None)), ["chat"]);
}

#[test]
fn several_presets_are_as_many_workloads_and_adhoc_is_none_of_the_files() {
    let preset = vec!["single".into(), "korean".into(), "adhoc".into()];
    let config = good(SKETCH, &[], &Flags { preset, requests: Some(7), ..Flags::default() });
    assert_eq!(names(&config), ["single", "korean", "adhoc"]);
    assert!(config.workloads.iter().all(|w| w.length == Length::Requests(7)));
    let (adhoc, alone) =
        (&config.workloads[2], flags_only(Flags { requests: Some(7), ..Flags::default() }));
    assert_eq!(*adhoc, alone.workloads[0]);
}

#[test]
fn a_short_name_of_a_model_is_sent_in_full() {
    let text = "version: 1\ntarget: {base_url: 'http://h:1/v1', model: auto}\ntargets: {m: {target: {model: org/m}}, n: {target: {model: org/n, api_key_env: K}}}\nworkloads: [{name: a}]";
    for (said, sent) in [("m", "org/m"), ("n", "n"), ("org/m", "org/m"), ("x", "x")] {
        let config = good(text, &[], &Flags { model: Some(said.into()), ..Flags::default() });
        assert_eq!(config.target.model, ModelChoice::Named(sent.into()));
    }
}

#[test]
fn the_presets_flag_replaces_the_files_workloads() {
    let config =
        good(SKETCH, &[], &Flags { preset: vec!["prefix-cache".into()], ..Flags::default() });
    assert_eq!(names(&config), ["prefix-cache-cold", "prefix-cache-warm"]);
    assert_eq!(Some(config.workloads[1].prompts.shared_prefix), Some(0.9));
}

#[test]
fn the_metrics_page_is_of_its_own_server() {
    let page = |text: &str, flags: &Flags| good(text, &[], flags).target.metrics.page;
    let text = |target: &str, server: &str| {
        format!("version: 1\ntarget: {{{target}}}\n{server}\nworkloads: [{{preset: quick}}]")
    };
    let none = Flags::default();
    assert_eq!(page(&text("sim: {}", ""), &none), MetricsPage::Auto);
    assert_eq!(page(&text("sim: {}, metrics: off", ""), &none), MetricsPage::Off);
    assert_eq!(
        page(&text("", "server: {start: ./serve, metrics: /m}"), &none),
        MetricsPage::Path("/m".into())
    );
    let url = text("metrics: \"http://127.0.0.1:${PORT}/m\"", "server: {start: ./serve}");
    assert_eq!(
        page(&url, &none),
        MetricsPage::Url("http://127.0.0.1:${PORT}/m".into()),
        "the port is drawn for each start"
    );
    let other = Flags { base_url: Some("http://127.0.0.1:9/v1".into()), ..Flags::default() };
    assert_eq!(
        page(&url, &other),
        MetricsPage::Auto,
        "a server that is named on the command line has another page"
    );
}

#[test]
fn a_base_url_flag_takes_the_place_of_the_simulated_server() {
    let sim = SKETCH.replace("base_url: http://127.0.0.1:8000/v1", "sim: {}");
    let config =
        good(&sim, &[], &Flags { base_url: Some("http://h:1/v1/".into()), ..Flags::default() });
    assert_eq!(config.target.endpoint, Endpoint::Http("http://h:1/v1".into()));
}

#[test]
fn variables_are_expanded_in_url_and_headers_only() {
    let text = SKETCH
        .replace("127.0.0.1:8000", "127.0.0.1:${PORT}")
        .replace("  model: auto", "  model: ${PORT}\n  headers:\n    x-port: p${PORT}");
    let config = good(&text, &[], &Flags::default());
    assert_eq!(config.target.endpoint, Endpoint::Http("http://127.0.0.1:8000/v1".into()));
    assert_eq!(config.target.headers, [("x-port".to_owned(), "p8000".to_owned())]);
    assert_eq!(config.target.model, ModelChoice::Named("${PORT}".into()));
}

#[test]
fn an_empty_file_is_not_a_config() {
    assert!(read("", &[], &Flags::default()).is_err());
    assert!(read("# nothing\n", &[], &Flags::default()).is_err());
}
