//! A workload's part of the page, with every text chosen. Not here: the page around it (`page`),
//! what its charts hold (`charts`).

use super::both::{self, StartsRow, TimeBars};
use super::charts::Charts;
use super::gate::{self, Gate};
use super::strip::{self, Axis};
use super::tone;
use super::words::page_text;
use crate::config::Lang;
use crate::judge::Judgement;
use crate::judge::limits::LimitState;
use crate::metric::Class;
use crate::report::contract::beside;
use crate::report::labels::labels;
use crate::report::{LimitReport, MetricReport, Report, WorkloadReport, advice, gpu, server, text};
use crate::verdict::Verdict;

/// A workload, with every text chosen.
#[expect(clippy::struct_excessive_bools, reason = "each is a question of the template's")]
pub struct Section<'a> {
    pub id: String,
    pub name: String,
    pub tone: &'static str,
    pub word: &'static str,
    pub why: Vec<(&'static str, Vec<String>)>,
    /// What changed on the server's side together with what regressed.
    pub meanwhile: Vec<String>,
    /// Rule and words.
    pub advice: Vec<(&'static str, String)>,
    pub axis: Option<Axis>,
    /// Where nothing was judged, what stands in place of what decides.
    pub latencies: Vec<[String; 5]>,
    pub main_rates: Vec<(String, String)>,
    /// Metrics that decide, and any other that regressed.
    pub decisive: Vec<MetricRow>,
    pub others: Vec<MetricRow>,
    pub limits: Vec<LimitRow>,
    /// One is breached: they stand before the metrics.
    pub limits_decide: bool,
    pub slos: Vec<[String; 3]>,
    pub not_judged: Vec<String>,
    pub facts: Vec<(&'static str, Vec<String>)>,
    pub statistics: Vec<&'static str>,
    pub distributions: Vec<(String, Vec<String>)>,
    /// Name, key, value.
    pub rates: Vec<[String; 3]>,
    pub starts: Vec<StartsRow>,
    pub has_baseline_starts: bool,
    /// More than one baseline session: this change is drawn on their history.
    pub has_history: bool,
    pub gate: Option<Gate>,
    pub time: Option<TimeBars>,
    /// A level of a sweep: its family tells what matters.
    pub is_level: bool,
    pub server: Vec<[String; 3]>,
    pub server_how: Option<String>,
    pub gpu: Vec<String>,
    pub charts: Option<&'a Charts>,
}

pub struct MetricRow {
    pub metric: String,
    pub name: String,
    pub class: &'static str,
    pub baseline: String,
    pub candidate: String,
    pub change: String,
    pub interval: String,
    pub relevant: String,
    pub visible: String,
    pub judgement: String,
    pub tone: &'static str,
    pub strip: Option<strip::Change>,
}

pub struct LimitRow {
    pub limit: String,
    pub measured: String,
    pub interval: String,
    pub state: String,
    pub tone: &'static str,
}

pub fn section<'a>(
    report: &'a Report,
    w: &'a WorkloadReport,
    index: usize,
    charts: &'a [Charts],
    lang: Lang,
) -> Section<'a> {
    let decides =
        |m: &&MetricReport| w.verdict.is_some() && (m.class == Class::Primary || m.is_regression());
    let axis = Axis::around(&w.metrics);
    let rows = |wanted: &dyn Fn(&&MetricReport) -> bool| {
        w.metrics.iter().filter(wanted).map(|m| metric(w, m, axis, lang)).collect()
    };
    let charts = charts.iter().find(|c| c.workload == w.name);
    let t = page_text(lang);
    let is_level = report.sweeps.iter().flat_map(|s| &s.levels).any(|l| l.workload == w.name);
    let starts: Vec<StartsRow> = w.start_values.iter().filter_map(|v| both::starts(v, t)).collect();
    let has_history = starts.iter().any(|row| row.history.is_some());
    Section {
        is_level,
        id: format!("w{index}"),
        name: text::plain(&w.name),
        tone: tone(w.verdict),
        word: w.verdict.map_or("", Verdict::word),
        why: why(report, w, lang),
        meanwhile: server::explained(w, lang).collect(),
        advice: advice::for_workload(report, w).iter().map(|a| (a.rule(), a.say(lang))).collect(),
        axis,
        latencies: text::measured::latencies(w),
        main_rates: text::measured::main_rates(w),
        decisive: rows(&decides),
        others: rows(&|m| !decides(m)),
        limits: w.limits.iter().map(|l| limit(l, lang)).collect(),
        limits_decide: w.limits.iter().any(text::breached),
        slos: text::slos(w, lang),
        not_judged: if report.verdict.is_none() { Vec::new() } else { not_judged(w, lang) },
        facts: grouped(facts(report, w, lang).into_iter()),
        statistics: w
            .distributions
            .first()
            .map(|d| text::statistics(d).map(|(name, _)| name).to_vec())
            .unwrap_or_default(),
        distributions: distributions(w),
        rates: w
            .rates
            .iter()
            .map(|r| [text::title(&r.metric), r.metric.clone(), text::value(&r.unit, r.value)])
            .collect(),
        starts,
        has_baseline_starts: w.start_values.iter().any(|v| !v.baseline.is_empty()),
        has_history,
        gate: gate::gate(w, t, lang),
        time: both::time(w, t, lang),
        server: server::rows(w, lang).collect(),
        server_how: w.server.as_ref().map(|s| server::how(s, lang)),
        gpu: w.gpu.iter().flat_map(|g| gpu::lines(g, lang)).collect(),
        charts,
    }
}

fn distributions(w: &WorkloadReport) -> Vec<(String, Vec<String>)> {
    w.distributions
        .iter()
        .map(|d| {
            (
                text::timing_title(&d.timing),
                text::statistics(d).map(|(_, x)| text::number(x)).to_vec(),
            )
        })
        .collect()
}

/// What stands below the verdict. Errors of a workload that passed are with the facts alone.
fn why(report: &Report, w: &WorkloadReport, lang: Lang) -> Vec<(&'static str, Vec<String>)> {
    let told = text::beside_the_table(report, w, lang).map(|(role, line)| (role.label(lang), line));
    let errors = w.errors.iter().filter(|_| w.verdict != Some(Verdict::Passed));
    let errors = errors.map(|e| (labels(lang).error, text::error(e, lang)));
    grouped(told.chain(errors))
}

/// Facts under their labels; a label that comes again at once stands once.
fn grouped(
    facts: impl Iterator<Item = (&'static str, String)>,
) -> Vec<(&'static str, Vec<String>)> {
    let mut all: Vec<(&str, Vec<String>)> = Vec::new();
    for (label, fact) in facts {
        match all.last_mut() {
            Some((last, facts)) if *last == label => facts.push(fact),
            _ => all.push((label, vec![fact])),
        }
    }
    all
}

fn metric(w: &WorkloadReport, m: &MetricReport, axis: Option<Axis>, lang: Lang) -> MetricRow {
    MetricRow {
        metric: m.metric.clone(),
        name: text::title(&m.metric),
        class: m.class.word(),
        baseline: text::value(&m.unit, m.baseline),
        candidate: text::value(&m.unit, m.candidate),
        change: text::change(&m.unit, m.change_ratio),
        interval: text::interval(m, lang),
        relevant: text::size(&m.unit, Some(m.minimum_relevant_change_ratio)),
        visible: text::size(&m.unit, m.smallest_visible_change_ratio),
        tone: match m.judgement {
            Some(Judgement::Improved | Judgement::Unchanged) => "good",
            Some(Judgement::Regressed | Judgement::Unmeasured) => "bad",
            Some(Judgement::Inconclusive) => "open",
            // Of an INVALID measurement nothing is known, bad or good.
            None if w.verdict == Some(Verdict::Invalid) => "void",
            None if m.candidate.is_none() => "bad",
            None => "plain",
        },
        judgement: beside(lang, &[text::judgement(w, m)]),
        strip: axis.and_then(|axis| axis.change(m)),
    }
}

fn limit(l: &LimitReport, lang: Lang) -> LimitRow {
    LimitRow {
        limit: text::limit(l, lang),
        measured: text::value(&l.unit, l.value),
        interval: text::limit_interval(l, lang),
        state: beside(lang, &text::state(l)),
        tone: match l.state {
            LimitState::NotMeasured if text::unjudged(l) => "plain",
            LimitState::Met => "good",
            LimitState::Breached | LimitState::NotMeasured => "bad",
            LimitState::Open => "open",
        },
    }
}

fn not_judged(w: &WorkloadReport, lang: Lang) -> Vec<String> {
    text::not_judged(w, lang)
        .into_iter()
        .map(|(why, what)| format!("{}: {why}", what.join(", ")))
        .collect()
}

fn facts(report: &Report, w: &WorkloadReport, lang: Lang) -> Vec<(&'static str, String)> {
    let l = labels(lang);
    let mut facts =
        vec![(l.load, text::plain(&text::load(w, lang))), (l.requests, text::completed(w, lang))];
    facts.extend(w.baseline.iter().map(|b| (l.baseline, text::baseline(b, &report.created, lang))));
    facts.extend(w.comparison.iter().map(|c| (l.judged, text::comparison(c, lang))));
    facts.extend(text::detectable(w, lang).map(|v| (l.detectable, v)));
    facts.extend(w.differences.iter().map(|d| (l.under_test, text::plain(&d.to_string()))));
    facts.extend(w.errors.iter().map(|e| (l.error, text::error(e, lang))));
    facts.push((l.client, text::client(w, lang)));
    facts.extend(text::notes(w, lang).map(|note| (l.note, note)));
    facts
}
