//! A ranking as one HTML file, with curves where the load had levels. Not here: which number is
//! shown.

use askama::Template;

use super::{
    FamilyRanking, MetricRanking, PlaceReport, RankingReport, WorkloadRanking, headline, outcome,
    rank, server, value,
};
use crate::config::Lang;
use crate::report::labels::labels;
use crate::report::page::{self, Family, Shell, Swept};
use crate::report::text;

#[derive(Template)]
#[template(path = "ranking.html")]
struct Page<'a> {
    shell: Shell,
    report: &'a RankingReport,
    heading: String,
    /// Who wins.
    first: Option<String>,
    names: Vec<String>,
    workloads: Vec<Ranked>,
    families: Vec<Family>,
    hypotheses: Vec<(String, String)>,
    header: [&'static str; 5],
    provenance: Vec<[String; 5]>,
}

struct Ranked {
    name: String,
    load: String,
    starts: Vec<u32>,
    /// Who is not ranked and why, then what makes the comparison unfair.
    warnings: Vec<String>,
    rows: Vec<Row>,
    unmeasured: String,
}

struct Row {
    metric: String,
    name: String,
    better: String,
    cells: Vec<Cell>,
}

struct Cell {
    rank: Option<String>,
    /// Nobody is proven better.
    best: bool,
    value: String,
    strip: Option<Strip>,
}

/// Places along the axis of the metric, 0 to 100.
#[derive(Clone, Copy)]
struct Strip {
    low: f64,
    high: f64,
    at: f64,
}

pub fn render(report: &RankingReport, lang: Lang) -> String {
    let names: Vec<String> = report.entrants.iter().map(|e| text::plain(&e.name)).collect();
    let n = report.entrants.len() as u64;
    let heading = match lang {
        Lang::En => format!("{} side by side", text::count(n, "record", "records")),
        Lang::Ko => format!("레코드 {n}개 나란히 비교"),
    };
    let l = labels(lang);
    let page = Page {
        shell: Shell::new(&heading, &report.tool_version, lang),
        report,
        heading,
        first: headline(report, lang),
        workloads: report.workloads.iter().map(|w| ranked(report, w, &names, lang)).collect(),
        names,
        families: report.families.iter().map(|f| family(report, f, lang)).collect(),
        hypotheses: report
            .hypotheses
            .iter()
            .map(|h| {
                let says = text::plain(h.says.as_ref().unwrap_or(&h.name));
                (says, outcome(h, &report.codes, lang))
            })
            .collect(),
        header: [l.name, l.server, l.commit, l.session, l.created],
        provenance: provenance(report),
    };
    page.render().expect("writing to memory does not fail")
}

fn family(report: &RankingReport, f: &FamilyRanking, lang: Lang) -> Family {
    let swept =
        report.entrants.iter().zip(&f.curves).map(|(e, curve)| (e.name.as_str(), curve.as_ref()));
    let notes: Vec<String> = f.notes.iter().map(|note| report.codes.say(lang, note)).collect();
    page::family(&f.family, f.axis, &f.levels, &swept.collect::<Vec<Swept<'_>>>(), &notes, lang)
}

fn ranked(report: &RankingReport, w: &WorkloadRanking, names: &[String], lang: Lang) -> Ranked {
    let t = |english: &str| text::plain(&report.codes.say(lang, english));
    let unfit = names
        .iter()
        .zip(&w.unfit)
        .filter_map(|(name, why)| Some(format!("{name}: {}", t(why.as_ref()?))));
    Ranked {
        name: text::plain(&w.name),
        load: t(&w.load),
        starts: w.starts.clone(),
        warnings: unfit.chain(w.warnings.iter().map(|line| t(line))).collect(),
        rows: w.metrics.iter().map(|m| row(m, lang)).collect(),
        unmeasured: text::titles(&w.unmeasured),
    }
}

fn row(m: &MetricRanking, lang: Lang) -> Row {
    let known = |p: &PlaceReport| [p.interval_low, p.interval_high, p.value];
    let all: Vec<f64> =
        m.places.iter().flat_map(known).flatten().filter(|x| x.is_finite()).collect();
    let ends = all.iter().copied().reduce(f64::min).zip(all.iter().copied().reduce(f64::max));
    let cell = |p: &PlaceReport| Cell {
        rank: rank(p, lang),
        best: p.best_rank == Some(1),
        value: value(&m.unit, p, lang),
        strip: ends.and_then(|ends| strip(p, ends)),
    };
    Row {
        metric: m.metric.clone(),
        name: text::title(&m.metric),
        better: match (lang, m.better.as_str()) {
            (Lang::En, better) => format!("{better} is better"),
            (Lang::Ko, "lower") => "낮을수록 좋음".into(),
            (Lang::Ko, _) => "높을수록 좋음".into(),
        },
        cells: m.places.iter().map(cell).collect(),
    }
}

fn strip(p: &PlaceReport, (low, high): (f64, f64)) -> Option<Strip> {
    let at = |x: f64| {
        if high > low { ((x - low) / (high - low) * 960.0).round() / 10.0 + 2.0 } else { 50.0 }
    };
    let value = p.value?;
    Some(Strip {
        low: at(p.interval_low.unwrap_or(value)),
        high: at(p.interval_high.unwrap_or(value)),
        at: at(value),
    })
}

fn provenance(report: &RankingReport) -> Vec<[String; 5]> {
    let one = |e: &super::EntrantReport| {
        let commit = e.commit.as_deref().map_or(text::ABSENT.into(), text::short);
        [text::plain(&e.name), server(e), commit, text::plain(&e.session), text::plain(&e.created)]
    };
    report.entrants.iter().map(one).collect()
}
