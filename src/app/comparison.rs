//! Kept runs side by side: the values that a ranking of their records has, each one's change
//! against the first, and what makes two of them incomparable. Nothing is judged here.
//!
//! Not here: which runs there are (`runs`), or a ranking of files (`ranking`).

use serde::Serialize;

use super::artefacts::{self, RECORD};
use super::ranking;
use super::runs::found::Run;
use crate::fingerprint::{Difference, Fingerprint};
use crate::lang::bilingual;
use crate::metric::{Class, Metric, Scale};
use crate::record::{Record, WorkloadRecord};
use crate::report::Codes;
use crate::report::ranking::{MetricRanking, PlaceReport, RankingReport, WorkloadRanking};

/// Runs of one comparison.
pub const FEWEST: usize = 2;
pub const MOST: usize = 5;

/// All lists of runs are in the order in which they were asked for.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// How each run is called here: the beginning of its id.
    pub names: Vec<String>,
    /// Who is proven better, in one sentence.
    pub headline: String,
    pub workloads: Vec<ComparedWorkload>,
    /// Of its sentences.
    pub codes: Codes,
}

#[derive(Clone, Debug, Serialize)]
pub struct ComparedWorkload {
    pub name: String,
    /// The load in words, of the first run that has it.
    pub load: String,
    pub runs: Vec<RunOfWorkload>,
    pub warnings: Vec<String>,
    pub metrics: Vec<ComparedMetric>,
    /// Metrics that no run has.
    pub unmeasured: Vec<String>,
}

/// Whether a run can be held against the first that has the workload.
#[derive(Clone, Debug, Serialize)]
pub struct RunOfWorkload {
    pub comparable: bool,
    /// Server starts; 0 where the run has not this workload.
    pub starts: u32,
    /// Why it has no rank, if so.
    pub unfit: Option<String>,
    /// Fields of the fingerprint that differ from the first's and are not under test.
    pub conflicts: Vec<Difference>,
}

#[derive(Clone, Debug, Serialize)]
pub struct ComparedMetric {
    /// Name without unit.
    pub metric: String,
    pub unit: String,
    /// Absent of a metric that is only shown.
    pub class: Option<Class>,
    /// `lower` or `higher` is better.
    pub better: String,
    pub values: Vec<ComparedValue>,
}

#[derive(Clone, Debug, Serialize)]
pub struct ComparedValue {
    #[serde(flatten)]
    pub place: PlaceReport,
    /// Against the first: relative for times and rates (0.05 = 5 % more), in shares for shares.
    /// Absent of the first, and where the two are not comparable.
    pub change_ratio: Option<f64>,
    /// The best value of the comparable runs; whether it is proven to be, its rank says.
    pub is_best: bool,
}

/// Errors: a run has no record, or one that cannot be read.
pub fn compared(runs: &[Run]) -> anyhow::Result<Comparison> {
    let records = runs.iter().map(record).collect::<anyhow::Result<Vec<_>>>()?;
    let named: Vec<(String, &Record)> =
        runs.iter().map(|run| run.id.short().to_owned()).zip(&records).collect();
    let RankingReport { workloads, headline, codes, .. } = ranking::ranked(&named)?;
    Ok(Comparison {
        names: named.into_iter().map(|(name, _)| name).collect(),
        headline,
        workloads: workloads.into_iter().map(|w| workload(w, &records)).collect(),
        codes,
    })
}

fn record(run: &Run) -> anyhow::Result<Record> {
    let path = run.folder.join(RECORD);
    if !path.is_file() {
        let id = run.id.short();
        anyhow::bail!(bilingual!(
            "the run {id} has no record: there is nothing to compare\nhint: choose a run that has measured something",
            "실행 {id}에 레코드가 없음: 비교할 값이 없음\n힌트: 측정값이 있는 실행을 고르십시오"
        ));
    }
    Record::parse(&artefacts::read(&path)?)
        .map_err(|why| anyhow::Error::new(why).context(run.id.short().to_owned()))
}

fn workload(ranked: WorkloadRanking, records: &[Record]) -> ComparedWorkload {
    let own: Vec<Option<&WorkloadRecord>> = records
        .iter()
        .map(|record| record.workloads.iter().find(|w| w.name == ranked.name))
        .collect();
    let first = own.iter().position(Option::is_some).unwrap_or_default();
    let runs: Vec<RunOfWorkload> = own
        .iter()
        .zip(records)
        .zip(ranked.starts.iter().zip(ranked.unfit))
        .map(|((mine, record), (starts, unfit))| {
            let pair = own[first].zip(*mine);
            let conflicts = pair.map_or_else(Vec::new, |(first, mine)| {
                let under_test = &record.policy.under_test;
                Fingerprint::conflicts(&first.fingerprint, &mine.fingerprint, under_test)
            });
            let comparable = mine.is_some() && conflicts.is_empty();
            RunOfWorkload { comparable, starts: *starts, unfit, conflicts }
        })
        .collect();
    let metrics = ranked.metrics.into_iter().map(|m| metric(m, &runs, first)).collect();
    ComparedWorkload {
        name: ranked.name,
        load: ranked.load,
        runs,
        warnings: ranked.warnings,
        metrics,
        unmeasured: ranked.unmeasured,
    }
}

fn metric(ranked: MetricRanking, runs: &[RunOfWorkload], first: usize) -> ComparedMetric {
    let known = Metric::parse(&ranked.metric);
    let row = known.and_then(Metric::method);
    let is_share = row.map_or(ranked.unit == "ratio", |row| row.scale == Scale::Absolute);
    let fit = |at: usize| runs[at].comparable && runs[at].unfit.is_none();
    let comparable = |at: usize| ranked.places[at].value.filter(|x| x.is_finite() && fit(at));
    let all = (0..runs.len()).filter_map(comparable);
    let best = if ranked.better == "lower" { all.reduce(f64::min) } else { all.reduce(f64::max) };
    let base = comparable(first);
    let several = (0..runs.len()).filter(|at| comparable(*at).is_some()).count() > 1;
    let values = (0..runs.len())
        .map(|at| {
            let change = base.zip(comparable(at)).filter(|_| at != first);
            let change_ratio = change.and_then(|(base, mine)| {
                if is_share { Some(mine - base) } else { (base > 0.0).then(|| mine / base - 1.0) }
            });
            let is_best = several && best.is_some() && comparable(at) == best;
            ComparedValue { place: ranked.places[at].clone(), change_ratio, is_best }
        })
        .collect();
    ComparedMetric {
        metric: ranked.metric,
        unit: ranked.unit,
        class: row.map(|row| row.class),
        better: ranked.better,
        values,
    }
}
