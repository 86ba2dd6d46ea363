//! The report as one HTML file: no network, no build step; tables are in the file as text, charts
//! are drawn by its own script.
//!
//! Every text goes through the template's escaping; data for the script is JSON in which nothing
//! can end its element. Not here: which number is shown (`build`), what the charts hold (`charts`).

mod both;
pub mod charts;
mod filters;
mod gate;
mod lanes;
pub mod plot;
mod section;
mod strip;
mod sweeps;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;

use askama::Template;
use serde::Serialize;

use super::labels::{Labels, labels};
use super::overview::{Overview, Row, RowSubject, overview};
use super::say;
use super::sweep::SweepReport;
use super::{Report, WorkloadReport, text};
use crate::config::Lang;
use crate::timeline::OutcomeKind;
use crate::verdict::Verdict;
use charts::Charts;
use section::{Section, section};
pub(super) use sweeps::{Family, Swept, family};
use words::{PageText, page_text};

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    shell: Shell,
    t: &'static PageText,
    report: &'a Report,
    /// Of the verdict: a class of the style sheet.
    tone: &'static str,
    word: &'static str,
    sentence: String,
    notices: Vec<String>,
    sections: Vec<Section<'a>>,
    families: Vec<Family>,
    overview: Option<Glance>,
    provenance: Vec<(String, String)>,
    /// Something regressed or breaches a limit, and is not accepted.
    worse: bool,
    could_be_normal: bool,
    lang: Lang,
    /// JSON, safe inside a script element.
    chart_words: String,
    data: String,
    chart_style: &'static str,
    chart_script: &'static str,
    script: &'static str,
}

/// What all pages have around them.
pub(super) struct Shell {
    pub t: &'static PageText,
    pub title: String,
    pub tool_version: String,
    pub style: &'static str,
    pub script: &'static str,
}

impl Shell {
    pub fn new(title: &str, tool_version: &str, lang: Lang) -> Self {
        Self {
            t: page_text(lang),
            title: title.to_owned(),
            tool_version: tool_version.to_owned(),
            style: include_str!("page/page.css"),
            script: include_str!("page/theme.js"),
        }
    }
}

/// All workloads in one table.
struct Glance {
    header: Vec<&'static str>,
    /// Of the header, where numbers begin.
    numbers: usize,
    rows: Vec<GlanceRow>,
}

struct GlanceRow {
    /// Where it is told in full.
    href: String,
    name: String,
    tone: &'static str,
    /// Empty where nothing was judged.
    verdict: Option<String>,
    cells: Vec<String>,
}

/// Charts and the section that they belong to.
#[derive(Serialize)]
struct Drawn<'a> {
    section: usize,
    #[serde(flatten)]
    charts: &'a Charts,
}

/// One file. A workload without charts says that there are none.
pub fn render(report: &Report, charts: &[Charts], lang: Lang) -> String {
    let headline = text::headline(report, lang);
    // A run that is not fit has no verdict, and looks no better for that.
    let unfit = || headline.starts_with(Verdict::Invalid.word()).then_some(Verdict::Invalid);
    let verdict = report.verdict.or_else(unfit);
    let word = verdict.map_or("", Verdict::word);
    let sentence =
        headline.strip_prefix(word).unwrap_or(&headline).trim_start_matches(':').trim().to_owned();
    let t = page_text(lang);
    let title = if word.is_empty() { t.title.to_owned() } else { format!("{word} · {}", t.title) };
    let page = Page {
        shell: Shell::new(&title, &report.tool_version, lang),
        t,
        report,
        tone: tone(verdict),
        word,
        sentence,
        notices: text::notices(report, lang).collect(),
        sections: report
            .workloads
            .iter()
            .enumerate()
            .map(|(i, w)| section(report, w, i, charts, lang))
            .collect(),
        overview: overview(report, lang).map(|all| glance(&all)),
        families: report.sweeps.iter().map(|s| alone(s, lang)).collect(),
        provenance: provenance(report, lang),
        worse: text::worse(report),
        could_be_normal: text::could_be_normal(report),
        lang,
        chart_words: chart_words(lang),
        data: data(report, charts),
        chart_style: include_str!("page/assets/uPlot.css"),
        chart_script: include_str!("page/assets/uPlot.js"),
        script: include_str!("page/page.js"),
    };
    page.render().expect("writing to memory does not fail")
}

fn glance(all: &Overview) -> Glance {
    let row = |row: &Row| {
        let mut cells = all.cells(row);
        GlanceRow {
            href: match row.of {
                RowSubject::Workload(i) => format!("#w{i}"),
                RowSubject::Family(i) => format!("#f{i}"),
            },
            name: row.name.clone(),
            tone: tone(row.verdict.as_ref().map(|(verdict, _)| *verdict)),
            verdict: all.judged.then(|| cells.remove(0)),
            cells,
        }
    };
    Glance {
        header: all.header.clone(),
        numbers: all.numbers,
        rows: all.rows.iter().map(row).collect(),
    }
}

/// A sweep of one run.
fn alone(sweep: &SweepReport, lang: Lang) -> Family {
    let levels: Vec<f64> = sweep.levels.iter().map(|l| l.level).collect();
    family(&sweep.family, sweep.axis, &levels, &[("", Some(sweep))], &[], lang)
}

/// Names of lines that the script draws.
const CHART_WORDS: [fn(&Labels) -> &'static str; 14] = [
    |l| l.share,
    |l| l.requests,
    |l| l.per_s,
    |l| l.baseline,
    |l| l.this_change,
    |l| l.failed,
    |l| l.yes,
    |l| l.completed_per_s,
    |l| l.failed_per_s,
    |l| l.events_per_s,
    |l| l.in_flight,
    |l| l.running,
    |l| l.waiting,
    |l| l.kv_cache_use,
];

/// What differs from English, as JSON.
fn chart_words(lang: Lang) -> String {
    let both = CHART_WORDS.map(|word| (word(labels(Lang::En)), word(labels(lang))));
    let mut all: BTreeMap<&str, &str> =
        both.into_iter().filter(|(english, own)| english != own).collect();
    let t = page_text(lang);
    all.extend([
        ("#id", t.request_id),
        ("#outcome", t.outcome),
        ("#prompt", t.prompt_tokens),
        ("#output", t.output_tokens),
        ("#events", t.output_events),
        ("#gap", t.largest_gap),
        ("#pace", t.pace),
        ("#start", t.start_and_round),
    ]);
    let outcomes = OutcomeKind::ALL.map(|kind| (kind.name(), say::ko::outcome(kind)));
    all.extend(outcomes.into_iter().filter(|_| lang == Lang::Ko));
    serde_json::to_string(&all).expect("words are plain data")
}

/// No `<`, so that no text can end the element that holds it; and no line separators that scripts
/// stumble over.
fn data(report: &Report, charts: &[Charts]) -> String {
    let of = |(section, w): (usize, &WorkloadReport)| {
        Some(Drawn { section, charts: charts.iter().find(|c| c.workload == w.name)? })
    };
    let drawn: Vec<Drawn<'_>> = report.workloads.iter().enumerate().filter_map(of).collect();
    let json = serde_json::to_string(&drawn).expect("charts are plain data");
    json.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

/// The class of the style sheet that a verdict is shown with.
pub const fn tone(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Passed) => "good",
        Some(Verdict::Failed) => "bad",
        // Nothing is known of the server: no colour of a judgement.
        Some(Verdict::Invalid | Verdict::Incomplete | Verdict::Blind) => "void",
        Some(Verdict::Inconclusive | Verdict::Incomparable | Verdict::NoBaseline) => "open",
        None => "plain",
    }
}

fn provenance(report: &Report, lang: Lang) -> Vec<(String, String)> {
    let mut facts = text::provenance(report, lang);
    facts.push((
        labels(lang).exit_code.into(),
        text::exit_code(report.exit_code, std::slice::from_ref(report), lang),
    ));
    facts.push(("goodput-gate".into(), report.tool_version.clone()));
    facts.into_iter().map(|(label, fact)| (text::plain(&label), text::plain(&fact))).collect()
}
