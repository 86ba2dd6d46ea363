//! Every sample in both languages: the same numbers, units and names, and no English sentence in
//! Korean. Also that every notice has its Korean.

use std::collections::BTreeSet;

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::config::Lang;
use crate::evidence::gpu::Throttle::{self, *};
use crate::evidence::server::why::{Concern, why};
use crate::evidence::server::{Fact, Values};
use crate::judge::Judgement;
use crate::metric::{Metric, Stat, Timing};
use crate::report::codes::{Codes, Sentence};
use crate::report::comment::{About, COMMENT, fit};
use crate::report::contract::{Word, beside};
use crate::report::gpu::{GpuDevice, GpuReport};
use crate::report::notice::{Notice, OwnPolicy, TargetGap, Unheld};
use crate::report::server::{Meanwhile, ServerFact, ServerReport};
use crate::report::{Report, markdown, page, samples, sweep, terminal, text};

/// Words that Korean reports keep: names of metrics and statistics, units, the machine contract,
/// commands, git's words.
const KEPT: &str = "PASS FAIL INCONCLUSIVE INCOMPLETE BLIND INCOMPARABLE NO BASELINE INVALID improved unchanged regressed inconclusive unmeasured not \
    judged measured breached met open primary guard TTFT TPOT SLO goodput ttft tpot chunk gap send lag queue geomean mean sd min max pp \
    ms tok client sh md junit json csv code details summary gate on inconclusive warn merge base origin main tree runner yes no is \
    report compare record check accept accepted reason pull request MiB MHz SM ECC PCIe KV GPU prefill decode preemption sync boost baselines baseline update terminal html Head run poisson format yaml knee output tokens requests req closed loop starts level shift REASON check interleaved history METRIC latency token rate error attainment";

const THROTTLES: [Throttle; 8] = [
    ApplicationClocks,
    DisplayClocks,
    SyncBoost,
    PowerCap,
    SwThermal,
    HwSlowdown,
    HwThermal,
    PowerBrake,
];

/// The fields of a report that hold sentences.
const FIELDS: [&str; 10] = [
    "headline",
    "reasons",
    "warnings",
    "notices",
    "proves",
    "notes",
    "reason",
    "found_from",
    "beside",
    "arrival",
];

/// What people read; wide, so that no number is broken over two lines.
fn texts(report: &Report, lang: Lang) -> [(&'static str, String); 4] {
    let about = About { untrusted: true, lang, ..About::default() };
    [
        ("terminal", terminal::render(report, 10_000, false, lang)),
        ("markdown", markdown::render(report, lang)),
        ("comment", fit(&[report.clone(), report.clone()], &about, COMMENT).expect("it fits")),
        ("page", page::render(report, &[], lang)),
    ]
}

/// A sample with all that explains and decides nothing, in the sentences of the code that writes
/// them.
fn explained() -> Report {
    let mut report = samples::regression();
    let w = &mut report.workloads[0];
    let fact = |f: &Fact| ServerFact {
        fact: f.key().into(),
        words: f.title().into(),
        unit: f.unit().into(),
        baseline: Some(0.25),
        candidate: Some(0.5),
    };
    let facts = Fact::ALL.iter().map(fact).collect();
    w.server = Some(ServerReport {
        names: Some("vllm".into()),
        samples: 120,
        failed: 1,
        cpu_ratio: Some(0.004),
        facts,
    });
    w.why = w.codes.texts(&causes());
    w.client.busiest_worker_ratio = Some(0.75);
    let reasons = THROTTLES.into_iter().map(|reason| (reason, 0.1)).collect();
    let device = GpuDevice {
        name: Some("L4".into()),
        utilisation_ratio: Some(0.2),
        throttle_ratio: reasons,
        ..GpuDevice::default()
    };
    w.gpu = Some(GpuReport {
        interval_ms: 100.0,
        sampler_cpu_ratio: Some(0.002),
        devices: vec![device],
    });
    report.sweeps = sweep::tests::samples();
    report
}

/// Every way in which a server's facts can explain a metric.
fn causes() -> Vec<Meanwhile> {
    let change = |fact: &Fact| {
        let (low, high) = if matches!(fact, Fact::PrefixHits | Fact::SpecAccepted) {
            (0.8, 0.1)
        } else {
            (0.2, 40.0)
        };
        let of = |value| Values::from([(fact.key().to_owned(), value)]);
        why(Concern::FirstToken, Some(0.2), &of(low), &of(high))
    };
    let still = Values::from([("ttft_ms".to_owned(), 100.0)]);
    let unseen = why(Concern::FirstToken, Some(100.0), &still, &still);
    let all = Fact::ALL.iter().filter_map(change).chain(unseen);
    let ttft = Metric::Timing(Timing::Ttft, Stat::Geomean);
    all.map(|because| Meanwhile::Explained { metric: ttft, change: 0.35, because }).collect()
}

fn reports() -> Vec<(&'static str, Report)> {
    let explained = [("explained", explained())];
    samples::all().into_iter().chain(explained).collect()
}

pub fn numbers(text: &str) -> Vec<String> {
    // Markdown and HTML escape other characters in one language than in the other.
    let plain: String = text
        .split("&#")
        .enumerate()
        .map(|(i, p)| if i == 0 { p } else { p.split_once(';').map_or(p, |(_, rest)| rest) })
        .collect();
    let all = plain
        .split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .map(|n| n.trim_matches('.').to_owned());
    let mut all: Vec<String> = all.filter(|n| !n.is_empty()).collect();
    all.sort_unstable();
    all
}

fn distinct_words(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphabetic())
        .filter(|w| w.len() > 1)
        .map(str::to_owned)
        .collect()
}

/// Strings that are data, and no sentences.
fn data(value: &Value, into: &mut String) {
    match value {
        Value::String(text) => into.extend([" ", text]),
        Value::Array(all) => all.iter().for_each(|v| data(v, into)),
        Value::Object(all) => {
            for (key, v) in all.iter().filter(|(key, _)| !FIELDS.contains(&key.as_str())) {
                // Names of fingerprint's and host's fields are shown.
                *into += " ";
                *into += if v.is_string() { key } else { "" };
                data(v, into);
            }
        }
        _ => {}
    }
}

#[test]
fn numbers_names_and_units_are_the_same_in_both_languages() {
    for (name, report) in reports() {
        let metrics = report.workloads.iter().flat_map(|w| {
            w.metrics.iter().map(|m| &m.metric).chain(w.rates.iter().map(|r| &r.metric))
        });
        let units = [" ms", " %", " pp", "/s", " tok/s", " min", " s "].map(str::to_owned);
        let all: BTreeSet<String> = metrics.cloned().chain(units).collect();
        for ((format, english), (_, korean)) in
            texts(&report, Lang::En).into_iter().zip(texts(&report, Lang::Ko))
        {
            assert_eq!(numbers(&english), numbers(&korean), "{name} {format}");
            for one in &all {
                assert_eq!(english.contains(one), korean.contains(one), "{name} {format}: {one}");
            }
        }
    }
}

#[test]
fn no_english_is_left_in_korean() {
    let mut left = BTreeSet::new();
    for (name, report) in reports() {
        let mut known = KEPT.to_owned();
        data(&serde_json::to_value(&report).expect("JSON"), &mut known);
        let known = distinct_words(&known);
        let [terminal, markdown, comment, _] = texts(&report, Lang::Ko);
        for (format, text) in [terminal, markdown, comment] {
            let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
            let foreign =
                |line: &&str| distinct_words(line).iter().any(|word| !known.contains(word));
            left.extend(
                text.lines().filter(foreign).map(|line| format!("{name} {format}: {line}")),
            );
        }
    }
    assert!(left.is_empty(), "{left:#?}");
}

#[test]
fn a_word_of_the_contract_has_its_meaning_beside_it() {
    let word = [Word::Judgement(Judgement::Regressed), Word::Accepted];
    assert_eq!(beside(Lang::Ko, &word), "regressed, accepted (성능 저하, 수용됨)");
    assert_eq!(beside(Lang::En, &word), "regressed, accepted");
}

#[test]
fn what_has_no_code_stays_as_it_is() {
    for foreign in ["", "a, b; c", "kernel panic: not syncing", "한국어 오류; 재시도"] {
        assert_eq!(Codes::default().say(Lang::Ko, foreign), foreign);
    }
}

#[test]
fn every_way_to_arrive_is_said_in_korean() {
    for (stored, korean) in [
        ("closed loop, 8 in flight", "closed loop, 동시 요청 8개"),
        ("Poisson 20/s", "Poisson 20/s"),
        ("ramp 1/s to 20/s", "ramp 1/s ~ 20/s"),
        ("trace, 2 times as fast", "트레이스, 2배속"),
        ("4 sessions at a time, 2 s between turns", "동시 대화 4개, 턴 사이 2 s"),
        ("sessions at Poisson 2/s, 3 s between turns", "대화 시작 Poisson 2/s, 턴 사이 3 s"),
    ] {
        assert_eq!(text::arrival(stored, Lang::Ko), korean);
        assert_eq!(text::arrival(stored, Lang::En), stored);
    }
}

#[test]
fn korean_tables_fit_eighty_columns() {
    for (name, report) in samples::all() {
        let widest = terminal::render(&report, 80, false, Lang::Ko)
            .lines()
            .map(UnicodeWidthStr::width)
            .max();
        assert!(widest <= Some(80), "{name}: {widest:?}");
    }
}

fn notices() -> Vec<Notice> {
    let text = |n: u8| format!("<{n}>");
    let all = |n: u8| vec![text(n), text(n + 1)];
    vec![
        Notice::Demo,
        Notice::ConfigMoved { file: text(1), counts: text(2) },
        Notice::PolicyAltered { keys: all(1), file: text(3), base: text(4) },
        Notice::OwnPolicy { why: OwnPolicy::NoChange },
        Notice::OwnPolicy { why: OwnPolicy::ConfigOutside },
        Notice::OwnPolicy { why: OwnPolicy::NoConfig(text(1)) },
        Notice::BaselineConfigAltered { file: text(1), base: text(2) },
        Notice::BaselineConfigOutside { file: text(1) },
        Notice::SidesDiffer { keys: all(1) },
        Notice::SidesAsThisCheckout { why: TargetGap::NoConfig(text(1)) },
        Notice::SidesAsThisCheckout { why: TargetGap::Unusable { config: text(1), why: text(2) } },
        Notice::SidesAsThisCheckout { why: TargetGap::StartsNone { config: text(1) } },
        Notice::FileUnheld { file: text(1), why: Unheld::Outside },
        Notice::FileUnheld { file: text(1), why: Unheld::NotIn { base: text(2), why: None } },
        Notice::FileUnheld {
            file: text(1),
            why: Unheld::NotIn { base: text(2), why: Some(text(3)) },
        },
        Notice::FileUnheld { file: text(1), why: Unheld::OtherInLfs { base: text(2) } },
        Notice::FileAltered { file: text(1), base: text(2) },
        Notice::UncommittedSessions { sessions: 7, folder: text(1) },
        Notice::BaselinesAltered { folder: text(1) },
        Notice::WalkStopped { commits: 7, commit: text(1), day: text(2) },
        Notice::ComparedOutside { path: text(1) },
        Notice::ComparedHere { path: text(1) },
        Notice::ComparedAtBase { path: text(1), base: text(2) },
        Notice::PushBaseGone { commit: text(1), base: text(2) },
        Notice::NoBaseBranch { looked_for: all(1) },
        Notice::MergeBaseUnknown { head: text(1), base: text(2) },
        Notice::AcceptancesUnread { why: text(1) },
        Notice::AcceptancesUnusable { file: text(1), why: text(2) },
        Notice::AcceptanceUnusable { workload: text(1), why: text(2) },
        Notice::AcceptanceBrought { entries: all(1) },
        Notice::AttemptsFileUnusable { file: text(1), why: text(2) },
        Notice::AttemptsUnread { why: text(1) },
        Notice::AttemptsUnknown { attempt: 7, why: text(1) },
        Notice::BaseUnknown { why: text(1) },
        Notice::NoRepository { pull: 7 },
        Notice::JudgedAgainst { pull: 7, base: text(1) },
        Notice::BaseWithoutConfig { pull: 7, base: text(1) },
        Notice::OwnChoice,
        Notice::NotConfigured,
        Notice::WorkloadsGone { workloads: all(1) },
        Notice::Repeated { repeated: 7, rounds: 7, checks: all(1) },
        Notice::Unsaved { why: text(1) },
        Notice::Unwritten { file: text(1), why: text(2) },
    ]
}

#[test]
fn a_notice_is_found_again_by_its_code_and_has_its_values_in_both_languages() {
    for notice in notices() {
        let mut codes = Codes::default();
        let english = codes.text(&notice);
        assert_eq!(codes.sentence(&english), Some(Sentence::Notice(notice.clone())), "{english}");
        let korean = codes.say(Lang::Ko, &english);
        assert_ne!(english, korean);
        for value in (1..=4).map(|n| format!("<{n}>")).chain(["7".to_owned()]) {
            assert_eq!(english.contains(&value), korean.contains(&value), "{english} {korean}");
        }
    }
}
