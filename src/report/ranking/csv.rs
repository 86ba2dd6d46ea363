//! A ranking as CSV in long form: one row per workload, metric and entrant. Numbers in full; absent
//! is empty. Not here: hypotheses.

use super::{PlaceReport, RankingReport, WorkloadRanking};
use crate::metric::Metric;
use crate::report::csv::{cell, number, unwritable};
use crate::report::sweep::axis_name;

const HEADER: [&str; 16] = [
    "workload",
    "metric",
    "unit",
    "better",
    "entrant",
    "starts",
    "value",
    "interval_low",
    "interval_high",
    "best_rank",
    "worst_rank",
    "unfit",
    "family",
    "axis",
    "level",
    "knee",
];

/// Metrics that nobody has, and workloads that nobody could be ranked in, have their rows too:
/// without a number.
///
/// Errors where the writer does.
pub fn render(report: &RankingReport) -> Result<String, String> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER).map_err(unwritable)?;
    for w in &report.workloads {
        let absent = PlaceReport::default();
        for m in &w.metrics {
            for (i, place) in m.places.iter().enumerate() {
                writer
                    .write_record(row(report, w, i, [&m.metric, &m.unit, &m.better], place))
                    .map_err(unwritable)?;
            }
        }
        let nothing = (w.metrics.is_empty() && w.unmeasured.is_empty()).then_some("");
        for metric in w.unmeasured.iter().map(String::as_str).chain(nothing) {
            let unit = Metric::parse(metric).map_or("", |m| m.unit().suffix());
            for i in 0..report.entrants.len() {
                writer
                    .write_record(row(report, w, i, [metric, unit, ""], &absent))
                    .map_err(unwritable)?;
            }
        }
    }
    let bytes = writer.into_inner().map_err(unwritable)?;
    String::from_utf8(bytes).map_err(unwritable)
}

/// `what`: metric, unit, and which is better.
fn row(
    report: &RankingReport,
    w: &WorkloadRanking,
    entrant: usize,
    what: [&str; 3],
    place: &PlaceReport,
) -> [String; 16] {
    let [metric, unit, better] = what;
    let [family, axis, level, knee] = of_family(report, w, entrant);
    let rank = |rank: Option<u32>| rank.map_or_else(String::new, |n| n.to_string());
    [
        cell(&w.name),
        cell(metric),
        cell(unit),
        cell(better),
        report.entrants.get(entrant).map_or_else(String::new, |e| cell(&e.name)),
        w.starts.get(entrant).map_or_else(String::new, u32::to_string),
        number(place.value),
        number(place.interval_low),
        number(place.interval_high),
        rank(place.best_rank),
        rank(place.worst_rank),
        w.unfit.get(entrant).and_then(Option::as_deref).map_or_else(String::new, cell),
        family,
        axis,
        level,
        knee,
    ]
}

/// Which level of what the workload is, and the level at which this entrant's curve bends; empty
/// where it is none.
fn of_family(report: &RankingReport, w: &WorkloadRanking, entrant: usize) -> [String; 4] {
    let found = report.families.iter().find_map(|f| {
        let level = f
            .curves
            .iter()
            .flatten()
            .flat_map(|curve| &curve.levels)
            .find(|l| l.workload == w.name)?
            .level;
        let knee = f.curves.get(entrant).and_then(|curve| curve.as_ref()?.knee);
        Some([cell(&f.family), axis_name(f.axis).to_owned(), number(Some(level)), number(knee)])
    });
    found.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Axis;
    use crate::report::ranking::{EntrantReport, FamilyRanking, MetricRanking, SCHEMA, VERSION};
    use crate::report::sweep::{SweepLevel, SweepReport, sweep};

    fn entrant(name: &str) -> EntrantReport {
        EntrantReport {
            name: name.into(),
            session: "5f3a9c1e".into(),
            created: "2026-11-20T09:30:00Z".into(),
            commit: None,
            server: None,
            server_version: None,
            model: None,
        }
    }

    /// Of which `chat` is a level.
    fn talk() -> FamilyRanking {
        let level = SweepLevel {
            workload: "chat".into(),
            level: 4.0,
            output_token_rate_tokens_per_s: None,
            request_rate_per_s: None,
            goodput_per_s: None,
            slo_attainment_ratio: None,
            ttft_p50_ms: None,
            ttft_p95_ms: None,
            tpot_p50_ms: None,
            e2e_p95_ms: None,
            error_rate_ratio: None,
            unfit: None,
            saturated: false,
        };
        let curve = SweepReport { knee: Some(2.0), ..sweep("talk", Axis::Rate, vec![level]) };
        FamilyRanking {
            family: "talk".into(),
            axis: Axis::Rate,
            levels: vec![4.0],
            curves: vec![Some(curve), None],
            notes: vec![],
        }
    }

    fn sample() -> RankingReport {
        let first = PlaceReport {
            value: Some(20.125),
            interval_low: Some(19.5),
            interval_high: Some(21.0),
            best_rank: Some(1),
            worst_rank: Some(2),
        };
        let tpot = MetricRanking {
            metric: "tpot_geomean".into(),
            unit: "ms".into(),
            better: "lower".into(),
            places: vec![first, PlaceReport::default()],
        };
        let chat = WorkloadRanking {
            name: "chat".into(),
            load: "poisson 5/s".into(),
            starts: vec![3, 2],
            unfit: vec![None, Some("=INVALID".into())],
            warnings: vec![],
            metrics: vec![tpot],
            unmeasured: vec!["ttft_p99".into()],
        };
        let dead = WorkloadRanking {
            name: "long".into(),
            metrics: vec![],
            unmeasured: vec![],
            ..chat.clone()
        };
        RankingReport {
            schema: SCHEMA.into(),
            version: VERSION,
            tool_version: "0.1.0".into(),
            entrants: vec![entrant("+new"), entrant("old")],
            workloads: vec![chat, dead],
            families: vec![talk()],
            hypotheses: vec![],
            headline: String::new(),
            codes: crate::report::Codes::default(),
        }
    }

    #[test]
    fn one_row_holds_one_place_and_absent_is_empty() {
        let expected = "\
workload,metric,unit,better,entrant,starts,value,interval_low,interval_high,best_rank,worst_rank,unfit,family,axis,level,knee
chat,tpot_geomean,ms,lower,'+new,3,20.125,19.5,21,1,2,,talk,rate,4,2
chat,tpot_geomean,ms,lower,old,2,,,,,,'=INVALID,talk,rate,4,
chat,ttft_p99,ms,,'+new,3,,,,,,,talk,rate,4,2
chat,ttft_p99,ms,,old,2,,,,,,'=INVALID,talk,rate,4,
long,,,,'+new,3,,,,,,,,,,
long,,,,old,2,,,,,,'=INVALID,,,,
";
        assert_eq!(render(&sample()).expect("it renders"), expected);
    }
}
