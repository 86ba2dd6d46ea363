//! Two to five runs side by side: values, bars, changes against the first, the best marked, and
//! what cannot be compared said. Not here: their values (`app::comparison`).

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State as Shared};

use super::form::Form;
use super::frame::Frame;
use crate::app::comparison::{ComparedMetric, ComparedValue, ComparedWorkload, Comparison};
use crate::app::runs::found::Run;
use crate::app::runs::select::Filter;
use crate::app::runs::table::outcome;
use crate::fingerprint::Difference;
use crate::lang::Lang;
use crate::metric::Class;
use crate::report::Codes;
use crate::report::text;
use crate::serve::answer::Answer;
use crate::serve::state::State;
use crate::serve::stored::reading;
use crate::serve::v2;

/// Runs to choose from.
const NEWEST: u32 = 20;
/// Characters of a value that differs; of a longer one, such as a digest, only the first.
const LONGEST: usize = 40;
const DIGEST: usize = 12;

#[derive(Template)]
#[template(path = "pages/compare.html")]
struct Compare<'a> {
    frame: &'a Frame,
    heads: Vec<Head>,
    headline: String,
    workloads: Vec<Workload>,
}

/// A run, at the top of its column or to be ticked.
struct Head {
    id: String,
    name: String,
    outcome: String,
    about: String,
}

struct Workload {
    name: String,
    load: String,
    warnings: Vec<String>,
    /// By run: why it is not comparable with the first, or has no rank.
    troubles: Vec<(String, String)>,
    primary: Vec<Metric>,
    others: Vec<Metric>,
}

struct Metric {
    title: String,
    better: &'static str,
    cells: Vec<Cell>,
}

struct Cell {
    value: String,
    change: Option<String>,
    /// Width of its bar, of 100.
    share: Option<String>,
    best: bool,
    /// It is proven to be: no other can have its rank.
    proven: bool,
    comparable: bool,
}

pub async fn page(
    frame: Frame,
    Shared(state): Shared<Arc<State>>,
    RawQuery(query): RawQuery,
) -> Answer {
    reading(move || {
        let form = Form::parse(&query.unwrap_or_default());
        let ids: Vec<&str> = form.all("runs").chain(form.all("run")).collect();
        if ids.is_empty() {
            let newest = state.index.page(&Filter::default(), NEWEST, 0)?.runs;
            let heads = newest.iter().map(|run| head(&frame, run)).collect();
            return choice(&frame, heads);
        }
        let (runs, compared) = v2::compare::compared(&state, &ids.join(","))?;
        shown(&frame, &runs, &compared)
    })
    .await
}

fn choice(frame: &Frame, heads: Vec<Head>) -> Answer {
    let (headline, workloads) = (String::new(), Vec::new());
    frame.page(&Compare { frame, heads, headline, workloads })
}

fn shown(frame: &Frame, runs: &[Run], compared: &Comparison) -> Answer {
    let workloads =
        compared.workloads.iter().map(|w| workload(frame, w, compared)).collect::<Vec<_>>();
    let page = Compare {
        frame,
        heads: runs.iter().map(|run| head(frame, run)).collect(),
        headline: sentence(frame, &compared.codes, &compared.headline),
        workloads,
    };
    frame.page(&page)
}

/// A sentence of a report in the reader's language.
fn sentence(frame: &Frame, codes: &Codes, sentence: &str) -> String {
    text::plain(&codes.say(frame.lang, sentence))
}

fn head(frame: &Frame, run: &Run) -> Head {
    let commit = run.commit.as_deref().map(text::short);
    let parts = [Some(text::minute(&run.started)), run.verb.clone(), run.branch.clone(), commit];
    let all = parts.into_iter().flatten().chain(run.models.iter().cloned());
    Head {
        id: run.id.to_string(),
        name: run.id.short().to_owned(),
        outcome: frame.sentence(&outcome(run)).to_owned(),
        about: text::plain(&all.collect::<Vec<_>>().join(" · ")),
    }
}

fn workload(frame: &Frame, compared: &ComparedWorkload, all: &Comparison) -> Workload {
    let runs = all.names.iter().zip(&compared.runs);
    let troubles = runs.filter_map(|(name, run)| {
        let fields: Vec<String> = run.conflicts.iter().map(difference).collect();
        let conflicts = (!fields.is_empty()).then(|| {
            let why = frame.text("not comparable with the first", "첫 실행과 비교 불가");
            format!("{why}: {}", fields.join("; "))
        });
        let unfit = run.unfit.as_ref().map(|why| sentence(frame, &all.codes, why));
        let whys: Vec<String> = conflicts.into_iter().chain(unfit).collect();
        (!whys.is_empty()).then(|| (name.clone(), whys.join(" · ")))
    });
    let troubles = troubles.collect();
    let comparable: Vec<bool> = compared.runs.iter().map(|run| run.comparable).collect();
    let (primary, others): (Vec<&ComparedMetric>, Vec<_>) =
        compared.metrics.iter().partition(|m| m.class == Some(Class::Primary));
    let rows = |all: Vec<&ComparedMetric>| {
        all.into_iter().map(|m| metric(frame, m, &comparable)).collect::<Vec<_>>()
    };
    Workload {
        name: text::plain(&compared.name),
        load: sentence(frame, &all.codes, &compared.load),
        warnings: compared.warnings.iter().map(|w| sentence(frame, &all.codes, w)).collect(),
        troubles,
        primary: rows(primary),
        others: rows(others),
    }
}

/// `plan: 0123456789ab… -> 3210456789ab…`
fn difference(differs: &Difference) -> String {
    let side = |value: &Option<String>| match value.as_deref().map(text::plain) {
        Some(long) if long.chars().count() > LONGEST => {
            long.chars().take(DIGEST).chain(['…']).collect()
        }
        other => other.unwrap_or_else(|| text::ABSENT.to_owned()),
    };
    format!("{}: {} -> {}", differs.field, side(&differs.baseline), side(&differs.candidate))
}

fn metric(frame: &Frame, metric: &ComparedMetric, comparable: &[bool]) -> Metric {
    let most = metric.values.iter().filter_map(|v| v.place.value).fold(0.0, f64::max);
    let cell = |(value, comparable): (&ComparedValue, &bool)| {
        let place = &value.place;
        Cell {
            value: text::value(&metric.unit, place.value),
            change: value.change_ratio.map(|x| text::change(&metric.unit, Some(x))),
            share: place
                .value
                .filter(|_| most > 0.0)
                .map(|x| format!("{:.1}", (x / most * 100.0).clamp(0.0, 100.0))),
            best: value.is_best,
            proven: place.best_rank == Some(1) && place.worst_rank == Some(1),
            comparable: *comparable,
        }
    };
    Metric {
        title: text::title(&metric.metric),
        better: match (frame.lang, &*metric.better) {
            (Lang::En, "lower") => "lower is better",
            (Lang::En, _) => "higher is better",
            (Lang::Ko, "lower") => "낮을수록 좋음",
            (Lang::Ko, _) => "높을수록 좋음",
        },
        cells: metric.values.iter().zip(comparable).map(cell).collect(),
    }
}
