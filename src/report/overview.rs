//! Several workloads in one table: one row for each, or for all levels of a load that has a table
//! of its own. Not here: the levels (`sweep`), or tables of a format.

use super::labels::{Labels, labels};
use super::sweep::{self, SweepLevel, SweepReport};
use super::{Report, WorkloadReport, text};
use crate::config::Lang;
use crate::metric::{Metric, Orientation};
use crate::verdict::Verdict;

#[derive(Clone, Debug, PartialEq)]
pub struct Overview {
    /// There is a column of verdicts, the second.
    pub judged: bool,
    /// The first column is the name, then comes what is words.
    pub header: Vec<&'static str>,
    /// Columns that are numbers begin here.
    pub numbers: usize,
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub of: RowSubject,
    pub name: String,
    /// Of several levels the worst, and how many of them have it: `(1 of 4)`; of one workload that
    /// is empty.
    pub verdict: Option<(Verdict, String)>,
    /// In few words.
    pub load: String,
    /// Under the rest of the header.
    pub values: Vec<String>,
}

/// What a row stands for: its place in the report's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowSubject {
    Workload(usize),
    Family(usize),
}

/// One column of numbers: its title, and the number of a workload in words, or of a family.
struct Column {
    title: fn(&Labels) -> &'static str,
    /// Only where some workload has an SLO.
    slo: bool,
    workload: fn(&WorkloadReport) -> String,
    family: fn(&[&WorkloadReport], &SweepReport, Lang) -> String,
}

const COLUMNS: [Column; 10] = [
    Column {
        title: |l| l.completed,
        slo: false,
        workload: |w| format!("{}/{}", w.completed, w.requests),
        family: |all, _, _| {
            let sum = |of: fn(&WorkloadReport) -> u64| all.iter().map(|w| of(w)).sum::<u64>();
            format!("{}/{}", sum(|w| w.completed), sum(|w| w.requests))
        },
    },
    Column {
        title: |_| "TTFT p50 ms",
        slo: false,
        workload: |w| timing(w, "ttft", |d| d.p50_ms),
        family: |_, s, _| least(s, |l| l.ttft_p50_ms),
    },
    Column {
        title: |_| "TTFT p95 ms",
        slo: false,
        workload: |w| timing(w, "ttft", |d| d.p95_ms),
        family: |_, s, _| least(s, |l| l.ttft_p95_ms),
    },
    Column {
        title: |_| "TPOT p50 ms",
        slo: false,
        workload: |w| timing(w, "tpot", |d| d.p50_ms),
        family: |_, s, _| least(s, |l| l.tpot_p50_ms),
    },
    Column {
        title: |_| "E2E p95 ms",
        slo: false,
        workload: |w| timing(w, "e2e", |d| d.p95_ms),
        family: |_, s, _| least(s, |l| l.e2e_p95_ms),
    },
    Column {
        title: |_| "output tok/s",
        slo: false,
        workload: |w| text::number(rate(w, Metric::OutputTokenRate)),
        family: |_, s, _| most(s, |l| l.output_token_rate_tokens_per_s),
    },
    Column {
        title: |_| "req/s",
        slo: false,
        workload: |w| text::number(rate(w, Metric::RequestRate)),
        family: |_, s, _| most(s, |l| l.request_rate_per_s),
    },
    Column {
        title: |_| "goodput/s",
        slo: true,
        workload: |w| text::number(rate(w, Metric::Goodput)),
        family: |_, s, _| most(s, |l| l.goodput_per_s),
    },
    Column {
        title: |l| l.slo_met,
        slo: true,
        workload: |w| text::value("ratio", rate(w, Metric::SloAttainment)),
        family: |_, s, _| {
            text::value(
                "ratio",
                sweep::best(s, |l| l.slo_attainment_ratio, Orientation::HigherIsBetter)
                    .map(|(_, share)| share),
            )
        },
    },
    Column {
        title: |l| l.errors,
        slo: false,
        workload: |w| text::value("ratio", rate(w, Metric::ErrorRate)),
        family: |_, s, lang| failed(s, lang),
    },
];

/// None where it would say nothing that is not beside it: of one workload, or of one family alone
/// that nobody judged.
pub fn overview(report: &Report, lang: Lang) -> Option<Overview> {
    let all = side_by_side(&[("", report)], lang);
    (report.workloads.len() > 1 && (all.rows.len() > 1 || all.judged)).then_some(all)
}

/// Of several reports, each with what it is called; in one, without a name.
pub fn side_by_side(reports: &[(&str, &Report)], lang: Lang) -> Overview {
    let workloads = || reports.iter().flat_map(|(_, report)| &report.workloads);
    let judged = workloads().any(|w| w.verdict.is_some());
    let slo = workloads().any(|w| w.slo_requests.is_some());
    let columns: Vec<&Column> = COLUMNS.iter().filter(|c| slo || !c.slo).collect();
    let l = labels(lang);
    let words = [l.workload].into_iter().chain(judged.then_some(l.verdict)).chain([l.load]);
    let header: Vec<&'static str> = words.chain(columns.iter().map(|c| (c.title)(l))).collect();
    let named = |(name, report): &(&str, &Report)| {
        let name = if name.is_empty() { String::new() } else { format!("{}: ", text::plain(name)) };
        rows(report, &columns, lang)
            .into_iter()
            .map(move |row| Row { name: format!("{name}{}", row.name), ..row })
    };
    Overview {
        judged,
        numbers: header.len() - columns.len(),
        header,
        rows: reports.iter().flat_map(named).collect(),
    }
}

impl Overview {
    /// The cells of a row but for its name: words, then numbers.
    pub fn cells(&self, row: &Row) -> Vec<String> {
        let word = |(verdict, of): &(Verdict, String)| {
            format!("{} {of}", verdict.word()).trim_end().to_owned()
        };
        let verdict = || row.verdict.as_ref().map_or_else(|| text::ABSENT.into(), word);
        let cells = std::iter::once(&row.load).chain(&row.values).cloned();
        self.judged.then(verdict).into_iter().chain(cells).collect()
    }
}

/// Workloads in their order, a family where its first level is.
fn rows(report: &Report, columns: &[&Column], lang: Lang) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (i, w) in report.workloads.iter().enumerate() {
        let family =
            report.sweeps.iter().position(|s| s.levels.iter().any(|l| l.workload == w.name));
        match family {
            None => rows.push(workload(i, w, columns, lang)),
            Some(f) if rows.iter().any(|row| row.of == RowSubject::Family(f)) => {}
            Some(f) => rows.push(self::family(f, report, columns, lang)),
        }
    }
    rows
}

fn workload(index: usize, w: &WorkloadReport, columns: &[&Column], lang: Lang) -> Row {
    let (input, output) = (w.load.input_tokens, w.load.output_tokens);
    let tokens = match lang {
        Lang::En => format!("{input} in, {output} out"),
        Lang::Ko => format!("입력 {input}, 출력 {output}"),
    };
    Row {
        of: RowSubject::Workload(index),
        name: text::plain(&w.name),
        verdict: w.verdict.map(|v| (v, String::new())),
        load: format!("{}; {tokens}", text::arrival(&text::excerpt(&w.load.arrival), lang)),
        values: columns.iter().map(|c| (c.workload)(w)).collect(),
    }
}

fn family(index: usize, report: &Report, columns: &[&Column], lang: Lang) -> Row {
    let s = &report.sweeps[index];
    let of_it = |w: &&WorkloadReport| s.levels.iter().any(|l| l.workload == w.name);
    let all: Vec<&WorkloadReport> = report.workloads.iter().filter(of_it).collect();
    let ends = s.levels.first().zip(s.levels.last());
    let from_to = ends.map_or_else(String::new, |(first, last)| {
        let (axis, to) = (sweep::axis_title(s.axis, lang), to(lang));
        format!("{axis} {}{to}{}", first.level, last.level)
    });
    let knee = s.knee.map_or_else(String::new, |knee| format!(", knee {knee}"));
    let worst = all.iter().filter_map(|w| w.verdict).min_by_key(|v| gravity(*v));
    let verdict = worst.map(|worst| {
        let same = all.iter().filter(|w| w.verdict == Some(worst)).count();
        let of = all.len();
        (
            worst,
            match lang {
                Lang::En => format!("({same} of {of})"),
                Lang::Ko => format!("({of}개 중 {same}개)"),
            },
        )
    });
    let (name, levels) = (text::plain(&s.family), s.levels.len());
    Row {
        of: RowSubject::Family(index),
        name: match lang {
            Lang::En => format!("{name} (best of {levels} levels)"),
            Lang::Ko => format!("{name} (수준 {levels}개 중 최선)"),
        },
        verdict,
        load: from_to + &knee,
        values: columns.iter().map(|c| (c.family)(&all, s, lang)).collect(),
    }
}

/// The gravest is least.
const fn gravity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Failed => 0,
        Verdict::Invalid => 1,
        Verdict::Incomplete => 2,
        Verdict::NoBaseline => 3,
        Verdict::Incomparable => 4,
        Verdict::Blind => 5,
        Verdict::Inconclusive => 6,
        Verdict::Passed => 7,
    }
}

fn timing(
    w: &WorkloadReport,
    name: &str,
    of: impl Fn(&super::DistributionReport) -> Option<f64>,
) -> String {
    text::number(w.distributions.iter().find(|d| d.timing == name).and_then(of))
}

fn rate(w: &WorkloadReport, metric: Metric) -> Option<f64> {
    w.rates.iter().find(|r| r.metric == metric.name())?.value
}

fn least(s: &SweepReport, of: impl Fn(&SweepLevel) -> Option<f64>) -> String {
    text::number(sweep::best(s, of, Orientation::LowerIsBetter).map(|(_, x)| x))
}

fn most(s: &SweepReport, of: impl Fn(&SweepLevel) -> Option<f64>) -> String {
    text::number(sweep::best(s, of, Orientation::HigherIsBetter).map(|(_, x)| x))
}

/// From the least to the most: no level hides behind the best one. Absent where some level's is.
fn failed(s: &SweepReport, lang: Lang) -> String {
    let all: Option<Vec<f64>> = s.levels.iter().map(|l| l.error_rate_ratio).collect();
    let all = all.unwrap_or_default();
    let (least, most) =
        (all.iter().copied().reduce(f64::min), all.iter().copied().reduce(f64::max));
    match (text::value("ratio", least), text::value("ratio", most)) {
        (least, most) if least == most => most,
        (least, most) => format!("{}{}{most}", least.trim_end_matches(" %"), to(lang)),
    }
}

/// Between the ends of a range.
const fn to(lang: Lang) -> &'static str {
    match lang {
        Lang::En => " to ",
        Lang::Ko => " ~ ",
    }
}

#[cfg(test)]
mod tests;
