//! Records to the view model of a ranking. Not here: which records, or whether a measurement is fit
//! (the caller says).

use std::collections::BTreeMap;

use super::note::{LoadName, RankingNote, Work};
use super::{
    EntrantReport, HypothesisReport, MetricRanking, PlaceReport, RankingReport, SCHEMA, VERSION,
    WorkloadRanking, families, win,
};
use crate::config::{Claim, Term, parse_claim};
use crate::judge::ranking::{Outcome, Place, Right, Statement, Tested, rank, test};
use crate::measure::collect::Values;
use crate::measure::summary::Shape;
use crate::metric::{Metric, Orientation, Unit};
use crate::record::note::Note;
use crate::record::{HypothesisRecord, LoadDetail, LoadFacts, Record, WorkloadRecord};
use crate::report::Codes;

/// A record and what it is called here.
pub struct Entrant<'a> {
    pub name: String,
    pub record: &'a Record,
    /// As `record`'s workloads.
    pub workloads: Vec<EntrantWorkload<'a>>,
}

/// What is known of a workload's measurement.
pub struct EntrantWorkload<'a> {
    pub workload: &'a WorkloadRecord,
    /// Why it is not fit to be judged; nothing where it is.
    pub unfit: Vec<Note>,
    /// Oriented, by start.
    pub starts: BTreeMap<Metric, Vec<f64>>,
    /// Over all rounds.
    pub pooled: Values,
}

/// Work may differ by this: half of what a team could call a change.
const UNEQUAL_WORK: f64 = 0.01;

/// Ranks what all entrants were measured with; every workload of any of them is in the answer.
pub fn ranking(entrants: &[Entrant<'_>], tool_version: &str) -> RankingReport {
    let mut names: Vec<&str> = Vec::new();
    for workload in entrants.iter().flat_map(|e| &e.record.workloads) {
        if !names.contains(&workload.name.as_str()) {
            names.push(&workload.name);
        }
    }
    let mut codes = Codes::default();
    let claims = entrants.first().map_or(&[][..], |e| &e.record.hypotheses);
    let workloads: Vec<WorkloadRanking> =
        names.iter().map(|name| workload(name, entrants, &mut codes)).collect();
    let families = families::families(&names, entrants, &mut codes);
    let hypotheses =
        claims.iter().map(|claim| hypothesis(claim, claims.len(), entrants, &mut codes)).collect();
    RankingReport {
        headline: codes.text(&win::winners(&workloads, entrants)),
        schema: SCHEMA.into(),
        version: VERSION,
        tool_version: tool_version.into(),
        entrants: entrants.iter().map(entrant).collect(),
        workloads,
        families,
        hypotheses,
        codes,
    }
}

fn entrant(e: &Entrant<'_>) -> EntrantReport {
    let field = |name: &str| Some(e.record.workloads.first()?.fingerprint.0.get(name)?.clone());
    EntrantReport {
        name: e.name.clone(),
        session: e.record.session.clone(),
        created: e.record.created.clone(),
        commit: e.record.git.as_ref().map(|g| g.commit.clone()),
        server: field("server"),
        server_version: field("server_version"),
        model: field("model"),
    }
}

impl Entrant<'_> {
    pub(super) fn workload(&self, name: &str) -> Option<&EntrantWorkload<'_>> {
        self.workloads.iter().find(|m| m.workload.name == name)
    }

    /// Why it is not ranked in this workload, whose load is that of the first.
    fn unfit(&self, name: &str, first: &WorkloadRecord) -> Option<RankingNote> {
        let Some(mine) = self.workload(name) else {
            return Some(RankingNote::WorkloadLacking);
        };
        mine.unfit
            .first()
            .map(|why| RankingNote::EntrantInvalid { why: why.clone() })
            .or_else(|| other_load(mine.workload, first))
    }

    /// What is shown: also what was measured with another load, which has no rank.
    fn shown(&self, name: &str) -> Option<&EntrantWorkload<'_>> {
        self.workload(name).filter(|m| m.unfit.is_empty())
    }

    /// What may be ranked.
    fn fit(&self, name: &str, first: &WorkloadRecord) -> Option<&EntrantWorkload<'_>> {
        self.workload(name).filter(|_| self.unfit(name, first).is_none())
    }
}

impl EntrantWorkload<'_> {
    /// Nothing of a goodput that is 0 somewhere: a mean of the other starts would hide that.
    fn rankable(&self, metric: Metric) -> &[f64] {
        if metric == Metric::Goodput && self.has_zero() { &[] } else { self.values(metric) }
    }

    fn values(&self, metric: Metric) -> &[f64] {
        self.starts.get(&metric).map_or(&[], Vec::as_slice)
    }

    /// In some round nothing met the SLOs: a goodput of 0, which has no logarithm, so that its
    /// start has no value on the goodput's scale.
    fn has_zero(&self) -> bool {
        self.values(Metric::Goodput).len() < self.values(Metric::SloAttainment).len()
    }

    /// Over all rounds, of what the starts have no mean of: it is shown, and has no rank.
    fn unranked(&self, metric: Metric) -> Option<f64> {
        let whole = Metric::GPU.contains(&metric) || metric == Metric::Goodput && self.has_zero();
        self.pooled.get(&metric).copied().filter(|_| whole)
    }
}

/// What differs in the load, if anything does: then its numbers are of something else.
pub(super) fn other_load(mine: &WorkloadRecord, first: &WorkloadRecord) -> Option<RankingNote> {
    let plan = |w: &WorkloadRecord| w.fingerprint.0.get("plan").cloned();
    // How a protocol writes a request is no part of the load, nor is which others a config has
    // beside it.
    let alone = |l: &LoadFacts| LoadDetail { level: None, ..l.detail.clone() };
    let alike = |l: &LoadFacts| LoadFacts {
        protocol: String::new(),
        length_forced: false,
        detail: alone(l),
        ..l.clone()
    };
    let same_protocol = mine.load.protocol == first.load.protocol
        && mine.load.length_forced == first.load.length_forced;
    let differs =
        alike(&mine.load) != alike(&first.load) || same_protocol && plan(mine) != plan(first);
    let (arrival, of_first) = (&mine.load.arrival, &first.load.arrival);
    let (load, first) = (load(mine), load(first));
    differs.then(|| match () {
        () if arrival != of_first => {
            RankingNote::OtherArrivals { arrival: arrival.clone(), first: of_first.clone() }
        }
        () if load != first => RankingNote::OtherLoad { load, first },
        () => RankingNote::OtherPlan,
    })
}

fn workload(name: &str, entrants: &[Entrant<'_>], codes: &mut Codes) -> WorkloadRanking {
    let first = entrants.iter().find_map(|e| e.workload(name)).map(|m| m.workload);
    let unfit = entrants.iter().map(|e| Some(codes.text(&e.unfit(name, first?)?))).collect();
    let fit: Vec<Option<&EntrantWorkload<'_>>> =
        entrants.iter().map(|e| e.fit(name, first?)).collect();
    let seen: Vec<Option<&EntrantWorkload<'_>>> = entrants.iter().map(|e| e.shown(name)).collect();
    let metrics = first.map_or_else(Vec::new, |first| metrics(first.shape(), &fit, &seen));
    let starts = |e: &Entrant<'_>| e.workload(name).map_or(0, |m| m.workload.starts.len());
    WorkloadRanking {
        name: name.to_owned(),
        load: first.map_or_else(String::new, |w| codes.text(&RankingNote::SameLoad(load(w)))),
        starts: entrants.iter().map(|e| u32::try_from(starts(e)).unwrap_or(u32::MAX)).collect(),
        unfit,
        warnings: codes.texts(&warnings(entrants, &fit, &metrics)),
        unmeasured: metrics
            .iter()
            .filter(|m| nowhere(&m.shown))
            .map(|m| m.shown.metric.clone())
            .collect(),
        metrics: metrics.into_iter().map(|m| m.shown).filter(|m| !nowhere(m)).collect(),
    }
}

/// It is shown, and nobody is placed by it.
pub(super) fn of_gpu(metric: &MetricRanking) -> bool {
    Metric::parse(&metric.metric).is_some_and(|m| Metric::GPU.contains(&m))
}

/// No entrant has it.
fn nowhere(metric: &MetricRanking) -> bool {
    metric.places.iter().all(|p| p.value.is_none())
}

fn load(w: &WorkloadRecord) -> LoadName {
    LoadName {
        arrival: w.load.arrival.clone(),
        requests_per_round: w.load.requests_per_round,
        input_tokens: w.load.input_tokens,
        output_tokens: w.load.output_tokens,
    }
}

/// A metric of all entrants.
struct Row {
    shown: MetricRanking,
    /// Nobody has a rank in it: the noise is not known.
    unproven: bool,
}

/// Each metric that the workload defines, then those of watched GPUs, which have no rank. `fit`:
/// who is ranked; `seen`: whose values are shown.
fn metrics(
    shape: Shape,
    fit: &[Option<&EntrantWorkload<'_>>],
    seen: &[Option<&EntrantWorkload<'_>>],
) -> Vec<Row> {
    let judged = shape
        .defined()
        .into_iter()
        .chain([Metric::Goodput].into_iter().filter(|m| shape.defines(*m)));
    let ranked = judged.map(|metric| {
        let starts: Vec<&[f64]> =
            fit.iter().map(|m| m.map_or(&[][..], |m| m.rankable(metric))).collect();
        let ranking = rank(metric, &starts);
        let places =
            ranking.places.iter().zip(fit.iter().zip(seen)).map(|(p, (fit, seen))| {
                match (fit, seen) {
                    (None, Some(other)) => alone(metric, other),
                    _ => place(metric, p, fit.and_then(|m| m.unranked(metric))),
                }
            });
        Row { shown: row(metric, places.collect()), unproven: ranking.unproven.is_some() }
    });
    let gpu = Metric::GPU.into_iter().map(|metric| {
        let value = |m: Option<&EntrantWorkload<'_>>| m.and_then(|m| m.unranked(metric));
        row(
            metric,
            seen.iter()
                .map(|m| PlaceReport { value: value(*m), ..PlaceReport::default() })
                .collect(),
        )
    });
    let watched = gpu.filter(|m| !nowhere(m)).map(|shown| Row { shown, unproven: false });
    ranked.chain(watched).collect()
}

fn row(metric: Metric, places: Vec<PlaceReport>) -> MetricRanking {
    let lower = metric.orientation() == Orientation::LowerIsBetter;
    MetricRanking {
        metric: metric.name(),
        unit: metric.unit().suffix().to_owned(),
        better: if lower { "lower" } else { "higher" }.into(),
        places,
    }
}

/// Of who is not ranked: its value, with the interval of its own noise.
fn alone(metric: Metric, measured: &EntrantWorkload<'_>) -> PlaceReport {
    let ranking = rank(metric, &[measured.rankable(metric)]);
    ranking.places.first().map(|p| place(metric, p, measured.unranked(metric))).unwrap_or_default()
}

/// `unranked`: the value where the starts have none.
fn place(metric: Metric, place: &Place, unranked: Option<f64>) -> PlaceReport {
    // A share knows no more than all and no less than none.
    let within = |end: f64| if metric.unit() == Unit::Share { end.clamp(0.0, 1.0) } else { end };
    let rank = |pick: fn((usize, usize)) -> usize| {
        place.rank.map(pick).and_then(|n| u32::try_from(n).ok())
    };
    PlaceReport {
        value: place.value.or(unranked),
        interval_low: place.interval.map(|(low, _)| within(low)),
        interval_high: place.interval.map(|(_, high)| within(high)),
        best_rank: rank(|(best, _)| best),
        worst_rank: rank(|(_, worst)| worst),
    }
}

fn warnings(
    entrants: &[Entrant<'_>],
    fit: &[Option<&EntrantWorkload<'_>>],
    metrics: &[Row],
) -> Vec<RankingNote> {
    let mut warnings: Vec<RankingNote> = Vec::new();
    let unranked = metrics.iter().filter(|m| m.unproven).count() as u64;
    if unranked > 0 {
        warnings.push(RankingNote::MetricsUnranked { metrics: unranked });
    }
    for (e, _) in entrants.iter().zip(fit).filter(|(_, m)| m.is_some_and(EntrantWorkload::has_zero))
    {
        warnings.push(RankingNote::GoodputUnranked { entrant: e.name.clone() });
    }
    if metrics.iter().any(|m| of_gpu(&m.shown)) {
        warnings.push(RankingNote::GpusUnranked);
    }
    let tokens: Vec<(&str, f64)> = entrants
        .iter()
        .zip(fit)
        .filter_map(|(e, w)| {
            Some((e.name.as_str(), w.as_ref()?.workload.mean_tokens(|c| &c.output_tokens)?))
        })
        .collect();
    let most = tokens.iter().copied().reduce(|a, b| if b.1 > a.1 { b } else { a });
    let least = tokens.iter().copied().reduce(|a, b| if b.1 < a.1 { b } else { a });
    if let Some(((longest, most), (shortest, least))) =
        most.zip(least).filter(|(m, l)| m.1 > l.1 * (1.0 + UNEQUAL_WORK))
    {
        let work = |entrant: &str, tokens| Work { entrant: entrant.to_owned(), tokens };
        warnings.push(RankingNote::UnequalWork {
            most: work(longest, most),
            least: work(shortest, least),
        });
    }
    let hosts: Vec<&String> = entrants.iter().filter_map(|e| e.record.host.get("runner")).collect();
    if hosts.windows(2).any(|pair| pair[0] != pair[1]) {
        warnings.push(RankingNote::OtherMachines);
    }
    warnings
}

fn hypothesis(
    said: &HypothesisRecord,
    among: usize,
    entrants: &[Entrant<'_>],
    codes: &mut Codes,
) -> HypothesisReport {
    let metric = Metric::parse(&said.metric);
    let tested = match metric {
        None => Err(RankingNote::UnknownMetric { metric: said.metric.clone() }),
        Some(metric) => parse_claim(&said.claim, metric)
            .map_err(|(text, _)| RankingNote::Text { text })
            .and_then(|claim| tested(&claim, metric, &said.workload, among, entrants)),
    };
    let (tested, reason) = match tested {
        Ok(tested) if tested.outcome == Outcome::Undecided && tested.difference.is_none() => {
            (Some(tested), Some(RankingNote::NoiseUnknown))
        }
        Ok(tested) => (Some(tested), None),
        Err(why) => (None, Some(why)),
    };
    let outcome = match tested.as_ref().map_or(Outcome::Unmeasured, |t| t.outcome) {
        Outcome::Confirmed => "confirmed",
        Outcome::Refuted => "refuted",
        Outcome::Undecided => "undecided",
        Outcome::Unmeasured => "unmeasured",
    };
    let difference = tested.as_ref().and_then(|t| t.difference);
    HypothesisReport {
        name: said.name.clone(),
        says: said.says.clone(),
        workload: said.workload.clone(),
        metric: said.metric.clone(),
        unit: metric.map_or("", |m| m.unit().suffix()).to_owned(),
        claim: said.claim.clone(),
        outcome: outcome.into(),
        left: tested.as_ref().and_then(|t| t.left),
        right: tested.as_ref().and_then(|t| t.right),
        difference_low_ratio: difference.map(|(low, _)| low),
        difference_high_ratio: difference.map(|(_, high)| high),
        reason: reason.map(|why| codes.text(&why)),
    }
}

/// Errors: one that the claim names was not measured, or not well enough.
fn tested(
    claim: &Claim,
    metric: Metric,
    workload: &str,
    among: usize,
    entrants: &[Entrant<'_>],
) -> Result<Tested, RankingNote> {
    let first = entrants.iter().find_map(|e| e.workload(workload)).map(|m| m.workload);
    let first =
        first.ok_or_else(|| RankingNote::WorkloadNotMeasured { workload: workload.to_owned() })?;
    let starts = |name: &str| {
        let entrant = entrants
            .iter()
            .find(|e| e.name == name)
            .ok_or_else(|| RankingNote::EntrantNotMeasured { entrant: name.to_owned() })?;
        let unfit = || RankingNote::EntrantNotRanked {
            entrant: name.to_owned(),
            why: Box::new(entrant.unfit(workload, first).unwrap_or(RankingNote::WorkloadLacking)),
        };
        Ok::<&[f64], RankingNote>(entrant.fit(workload, first).ok_or_else(unfit)?.rankable(metric))
    };
    let right = match &claim.right {
        Term::Number(number) => Right::Number(*number),
        Term::Times(factor, name) => Right::Times(*factor, starts(name)?),
    };
    let all: Vec<&[f64]> =
        entrants.iter().filter_map(|e| Some(e.fit(workload, first)?.rankable(metric))).collect();
    Ok(test(
        &Statement { metric, left: starts(&claim.left)?, right, greater: claim.greater, among },
        &all,
    ))
}
