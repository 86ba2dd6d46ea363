//! Every sample in both languages: the same numbers, units and names, and no English sentence in
//! Korean. Also the patterns themselves.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use super::pattern::{Piece, holes, pieces};
use super::{ko, say};
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
use crate::report::{Report, markdown, page, samples, sweep, terminal};

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
        words: f.words().into(),
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

fn sentences() -> impl Iterator<Item = (&'static str, &'static str)> {
    ko::SENTENCES.into_iter().flatten().copied()
}

pub(super) fn numbers(text: &str) -> Vec<String> {
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

fn words(text: &str) -> BTreeSet<String> {
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
        let known = words(&known);
        let [terminal, markdown, comment, _] = texts(&report, Lang::Ko);
        for (format, text) in [terminal, markdown, comment] {
            let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
            let foreign = |line: &&str| words(line).iter().any(|word| !known.contains(word));
            left.extend(
                text.lines().filter(foreign).map(|line| format!("{name} {format}: {line}")),
            );
        }
    }
    assert!(left.is_empty(), "{left:#?}");
}

#[test]
fn a_translation_has_the_same_holes() {
    let named = |pattern| {
        let mut all: Vec<char> = pieces(pattern)
            .filter_map(|p| if let Piece::Hole(hole) = p { Some(hole) } else { None })
            .filter(|h| *h != '_')
            .collect();
        all.sort_unstable();
        all
    };
    let mut seen = BTreeSet::new();
    for (english, korean) in sentences() {
        assert_eq!(named(english), named(korean), "{english}");
        assert!(
            named(english).windows(2).all(|two| two[0] != two[1]),
            "{english}: one name for two holes"
        );
        assert_eq!(numbers(english).len(), numbers(korean).len(), "{english}: a number of its own");
        assert!(seen.insert(english), "{english} twice");
    }
}

#[test]
fn no_sentence_hides_another() {
    // A pattern's own text, its holes filled, must be found by it and not by one before it.
    let fill = |hole| match hole {
        'n' | 'm' | 'k' => "7",
        'q'..='t' => "7.0 %",
        _ => "word",
    };
    let all: Vec<(&str, &str)> = sentences().collect();
    for (at, (english, _)) in all.iter().enumerate() {
        let text: String = pieces(english)
            .map(|piece| match piece {
                Piece::Text(text) | Piece::Maybe(text) => text.to_owned(),
                Piece::Hole(hole) => fill(hole).to_owned(),
            })
            .collect();
        let found = all.iter().position(|(from, _)| holes(from, &text).is_some());
        assert_eq!(found, Some(at), "{english:?} is taken for {:?}", found.map(|i| all[i].0));
    }
}

#[test]
fn sentences_are_said_as_a_person_would() {
    let ko = |english| say(Lang::Ko, english);
    assert_eq!(ko("+1.0 to over +1000 %"), "+1.0 ~ +1000 % 초과");
    let word = [Word::Judgement(Judgement::Regressed)];
    assert_eq!(beside(Lang::Ko, &word), "regressed (성능 저하)");
    assert_eq!(beside(Lang::En, &word), "regressed");
}

#[test]
fn what_no_sentence_knows_stays_as_it_is() {
    for foreign in
        ["", "a, b; c", "kernel panic: not syncing", "{n} [s] }{", "한국어 오류; 재시도", "%"]
    {
        assert_eq!(say(Lang::Ko, foreign), foreign);
    }
    // Long and hostile: no pattern may take forever.
    let _ = say(Lang::Ko, &"1 to 2 is 3 % (a, b); ".repeat(40));
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

/// All code but this folder, with literals as they are printed: lines joined, quotes bare.
#[expect(clippy::disallowed_methods, reason = "reads the sources that it is about")]
fn sources(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder)
        .expect("a folder of sources")
        .map(|e| e.expect("an entry").path());
    let texts = entries.map(|path| match path.extension() {
        _ if path.is_dir() && !path.ends_with("say") => sources(&path),
        Some(ext) if ext == "rs" => std::fs::read_to_string(&path).expect("a source"),
        _ => String::new(),
    });
    texts.collect()
}

#[test]
fn every_sentence_is_one_that_the_code_still_says() {
    let code = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).replace("\\\"", "\"");
    let code: String = code.split("\\\n").map(|part| part.trim_start_matches(' ')).collect();
    // One seam: the code may join a part of two.
    let seamed = |part: &str| {
        let mut seams = part.match_indices(' ').map(|(at, _)| part.split_at(at));
        code.contains(part)
            || seams.any(|(left, right)| code.contains(left) && code.contains(right.trim_start()))
    };
    let said = |text: &str| {
        let parts = text
            .split([':', ';', ',', '(', ')', '.', '`'])
            .map(str::trim)
            .filter(|part| part.contains(' '));
        parts
            .filter(|part| !seamed(part))
            .map(|part| format!("{part:?} of {text:?}"))
            .collect::<Vec<_>>()
    };
    let gone: Vec<String> = sentences()
        .flat_map(|(english, _)| pieces(english))
        .flat_map(|piece| if let Piece::Text(text) = piece { said(text) } else { Vec::new() })
        .collect();
    assert!(gone.is_empty(), "{gone:#?}");
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
        Notice::AttemptsUnknown { attempt: 7, why: text(1) },
        Notice::BaseUnknown { why: text(1) },
        Notice::NoRepository { pull: 7 },
        Notice::JudgedAgainst { pull: 7, base: text(1) },
        Notice::BaseWithoutConfig { pull: 7, base: text(1) },
        Notice::OwnChoice,
        Notice::NotConfigured,
        Notice::WorkloadsGone { workloads: all(1) },
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
