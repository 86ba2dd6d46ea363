//! Positions measured with the config's server and load, as the gate measures: both ends by a whole
//! gate, then one start of a commit beside one of GOOD. Not here: `--run` (`number`).

use std::path::Path;

use anyhow::{Context as _, bail};

use super::checkouts::Checkouts;
use super::range::Range;
use super::state::{Followed, State};
use super::{AGAIN, Ended, Measures, What};
use crate::app::job::Job;
use crate::app::measure::{self, BASELINE_RECORD, Broken, RECORD};
use crate::app::options::RunOptions;
use crate::app::sentence::sentence;
use crate::app::sessions::Baselines;
use crate::app::sides::Pair;
use crate::app::{artefacts, error_text};
use crate::baseline::lineage::Repo;
use crate::config::{Config, Counterpart, GateMode};
use crate::evaluate::{self, Ruled};
use crate::exit::Failure;
use crate::judge::bisect::{Difference, Ends};
use crate::judge::history::{Variation, variation};
use crate::judge::seeds::SeedMeans;
use crate::judge::{Decision, PastRun};
use crate::lang::{Because, Explained as _, bilingual};
use crate::measure::summary::{StartSummary, summaries};
use crate::metric::{Class, METHOD, Metric};
use crate::print::{language, note};
use crate::record::{PastSession, Record, WorkloadRecord};
use crate::report::page::charts::charts;
use crate::verdict::{Against, Verdict};

const ENDS: &str = "ends";
/// The culprit and its parent.
const LAST: &str = "culprit";
/// A primary metric that the ends differ by so many standard errors is followed before any guard.
const CLEAR: f64 = 3.0;

pub struct Servers<'a> {
    config: Config,
    what: &'a What<'a>,
    range: &'a Range,
    folder: &'a Path,
    job: &'a Job,
    checkouts: Checkouts<'a>,
    baselines: Baselines,
    /// Asked for.
    metric: Option<Metric>,
    starts: Vec<Start>,
    /// Of each workload, earlier runs that its noise is reckoned from.
    history: Vec<(String, Vec<PastRun>)>,
}

/// One start of one position.
struct Start {
    workload: String,
    position: usize,
    summary: StartSummary,
}

impl<'a> Servers<'a> {
    /// Reads what an unfinished search has measured. Errors: exit 2, no such metric; a record of it
    /// cannot be read.
    pub fn new(
        config: &'a Config,
        what: &'a What<'a>,
        repo: &'a Repo,
        range: &'a Range,
        (folder, state): (&'a Path, &State),
        job: &'a Job,
    ) -> anyhow::Result<Self> {
        let baselines = Baselines::for_noise(what.here, config, None, &what.here.wanted(None))?;
        let mut servers = Self {
            config: interleaved(config, range),
            what,
            range,
            folder,
            job,
            checkouts: Checkouts::new(what.here, repo, config, what.given, range),
            baselines,
            metric: what.metric.map(metric_named).transpose()?,
            starts: Vec::new(),
            history: Vec::new(),
        };
        for pair in &state.pairs {
            let read = |file| {
                let path = folder.join(pair).join(file);
                Record::parse(&artefacts::read(&path)?).explained(|| {
                    let path = path.display();
                    bilingual!("{path} cannot be used", "{path} 사용 불가")
                })
            };
            servers.add([&read(BASELINE_RECORD)?, &read(RECORD)?])?;
        }
        Ok(servers)
    }

    fn options(&self, pair: &str) -> RunOptions {
        let out = self.folder.join(pair);
        RunOptions { out, record: None, raw: None, ..self.what.options.clone() }
    }

    /// A whole gate from one position to another, with its reports.
    fn gate(&mut self, from: usize, to: usize, folder: &str) -> anyhow::Result<Ended<Gated>> {
        let options = self.options(folder);
        let sides = [self.checkouts.take(from, "baseline")?, self.checkouts.take(to, "candidate")?];
        let pair = Pair { sides, baseline: self.range.commit(from).commit.clone() };
        let past = |w: &WorkloadRecord| self.baselines.past(w, &self.config.gate.under_test);
        let most = self.config.gate.max_pairs() as usize;
        let first = evaluate::Earlier::default();
        let planned = |record: &Record| evaluate::planned(record, most, &first);
        let wanted = |a: &Record, b: &Record| evaluate::wanted(a, b, &first);
        let between = measure::BetweenStarts { history: &past, planned: &planned, wanted: &wanted };
        let measured = measure::pair(&self.config, &options, &pair, self.job, &between);
        let Pair { sides: [good, bad], .. } = pair;
        self.checkouts.put_back(from, good);
        self.checkouts.put_back(to, bad);
        let (baseline, candidate) = measured?.saved()?;
        if self.job.stop.stopping() {
            return Ok(Ended::Stopped);
        }
        let parts =
            evaluate::paired(&baseline, &candidate, &first, |_| evaluate::Baseline::default())?;
        let ends = ends(&parts)?;
        let (report, _) = evaluate::reported(&candidate, parts)?;
        let charts = charts(&candidate, &report)?;
        for notice in artefacts::save_reports(&options.out, &report, &charts, language()) {
            note(&crate::app::sentence::notice(&notice));
        }
        Ok(Ended::Measured(Gated { ends, records: [baseline, candidate] }))
    }

    /// Adds the starts of two records. Errors: a record of no commit of this range.
    fn add(&mut self, records: [&Record; 2]) -> anyhow::Result<()> {
        for record in records {
            let commit = record.git.as_ref().map(|git| git.commit.as_str()).unwrap_or_default();
            let position = self
                .range
                .position(commit)
                .with_context(|| format!("a record of {commit:?} lies in this search"))?;
            self.starts.extend(starts(record, position));
        }
        for workload in &records[1].workloads {
            if self.history.iter().all(|(name, _)| *name != workload.name) {
                let past = workload.history.iter().filter_map(PastSession::centred).collect();
                self.history.push((workload.name.clone(), past));
            }
        }
        Ok(())
    }

    fn past_of(&self, workload: &str, metric: Metric) -> Variation {
        let past = self.history.iter().find(|(name, _)| name == workload);
        past.map_or_else(Variation::default, |(_, past)| variation(past, metric))
    }

    /// The number that the ends differ most by: a primary metric, if one of them is clear.
    fn most_different(&self) -> Option<(String, Metric)> {
        let mut all: Vec<(bool, f64, &str, Metric)> = Vec::new();
        for (workload, _) in &self.history {
            for metric in self.metric.map_or_else(|| METHOD.to_vec(), |metric| vec![metric]) {
                let values = values(&self.starts, workload, metric);
                let Some(found) =
                    difference(&values, (0, self.range.last()), self.past_of(workload, metric))
                else {
                    continue;
                };
                let primary = metric.method().is_some_and(|row| row.class == Class::Primary);
                all.push((primary && found.t() >= CLEAR, found.t(), workload, metric));
            }
        }
        let most = all.into_iter().max_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        most.map(|(_, _, workload, metric)| (workload.to_owned(), metric))
    }

    /// One start of each side; again where a measurement is INVALID.
    fn pair_once(&mut self, state: &State, at: usize) -> anyhow::Result<Ended<[Record; 2]>> {
        let options = self.options(&pair_name(state));
        for _ in 0..=AGAIN {
            let sides =
                [self.checkouts.take(0, "baseline")?, self.checkouts.take(at, "candidate")?];
            let turn = state.pairs.len() % 2;
            let [good, own] = &sides;
            let measured = measure::once(&self.config, &options, [good, own], self.job, turn);
            let [good, own] = sides;
            self.checkouts.put_back(0, good);
            self.checkouts.put_back(at, own);
            let measured = measured?;
            if self.job.stop.stopping() {
                return Ok(Ended::Stopped);
            }
            match measured {
                Ok(records) if records.iter().all(is_valid) => {
                    return Ok(Ended::Measured(records));
                }
                Ok(_) => {}
                Err(Broken { side: 0, why }) => {
                    let good = bilingual!(
                        "GOOD, which every start is measured beside",
                        "모든 시작과 나란히 측정하는 GOOD"
                    );
                    return Err(Because::new(good, why).into());
                }
                Err(Broken { why, .. }) => {
                    let why = error_text::text(&why).en;
                    return Ok(Ended::Skip(why.lines().next().unwrap_or_default().to_owned()));
                }
            }
        }
        bail!(Failure::measure(bilingual!(
            "the measurement of {commit} was INVALID {times} times, see {folder}\nhint: make the machine quieter (`goodput-gate doctor`); the same command goes on from here",
            "{commit} 측정이 {times}번 INVALID, {folder} 참조\n힌트: 머신을 조용하게 하십시오(`goodput-gate doctor`). 같은 명령으로 여기서부터 이어서 진행합니다",
            commit = self.range.commit(at).commit,
            times = AGAIN + 1,
            folder = options.out.display()
        )))
    }
}

/// What a whole gate gave.
struct Gated {
    ends: Ends,
    records: [Record; 2],
}

impl Measures for Servers<'_> {
    fn ends(&mut self, state: &mut State) -> anyhow::Result<Ended<Ends>> {
        let gated = match self.gate(0, self.range.last(), ENDS)? {
            Ended::Measured(gated) => gated,
            Ended::Skip(why) => return Ok(Ended::Skip(why)),
            Ended::Stopped => return Ok(Ended::Stopped),
        };
        self.add([&gated.records[0], &gated.records[1]])?;
        state.pairs.push(ENDS.into());
        state.followed = self
            .most_different()
            .map(|(workload, metric)| Followed { workload, metric: metric.to_string() });
        Ok(Ended::Measured(gated.ends))
    }

    fn step(&mut self, state: &mut State, at: usize) -> anyhow::Result<Ended<()>> {
        let records = match self.pair_once(state, at)? {
            Ended::Measured(records) => records,
            Ended::Skip(why) => return Ok(Ended::Skip(why)),
            Ended::Stopped => return Ok(Ended::Stopped),
        };
        let before = self.values(state)?.len();
        let pair = pair_name(state);
        self.add([&records[0], &records[1]])?;
        state.pairs.push(pair);
        let measured = self.values(state)?.len() > before;
        Ok(if measured { Ended::Measured(()) } else { Ended::Skip(unanswered()) })
    }

    fn values(&self, state: &State) -> anyhow::Result<Vec<(usize, f64)>> {
        let Some((workload, metric)) = followed(state)? else { return Ok(Vec::new()) };
        Ok(values(&self.starts, workload, metric))
    }

    fn past(&self, state: &State) -> anyhow::Result<Variation> {
        let found = followed(state)?;
        Ok(found.map_or_else(Variation::default, |(w, metric)| self.past_of(w, metric)))
    }

    fn compare(
        &mut self,
        state: &State,
        from: usize,
        to: usize,
    ) -> anyhow::Result<Ended<(Ends, Option<f64>)>> {
        Ok(match self.gate(from, to, LAST)? {
            Ended::Skip(why) => Ended::Skip(why),
            Ended::Stopped => Ended::Stopped,
            Ended::Measured(Gated { ends, records: [baseline, candidate] }) => {
                let mut both: Vec<Start> = starts(&baseline, 0).collect();
                both.extend(starts(&candidate, 1));
                let found = followed(state)?.and_then(|(workload, metric)| {
                    let values = values(&both, workload, metric);
                    difference(&values, (0, 1), self.past_of(workload, metric))
                });
                Ended::Measured((ends, found.map(|found| found.mean)))
            }
        })
    }

    fn built(&self) -> Vec<usize> {
        self.checkouts.built()
    }
}

/// The gate of this config, from GOOD on.
pub fn interleaved(config: &Config, range: &Range) -> Config {
    let mut config = config.clone();
    config.gate.mode = GateMode::Interleaved;
    config.gate.baseline = Counterpart::Ref(range.good().to_owned());
    config
}

fn metric_named(name: &str) -> anyhow::Result<Metric> {
    let judged = Metric::parse(name).filter(|metric| METHOD.contains(metric));
    judged.with_context(|| {
        let names: Vec<String> = METHOD.iter().map(ToString::to_string).collect();
        format!("--metric {name}: no metric that a gate judges\nhint: one of {}", names.join(", "))
    })
}

fn pair_name(state: &State) -> String {
    format!("step-{:03}", state.pairs.len())
}

fn unanswered() -> String {
    "its start has no value: requests failed".into()
}

fn followed(state: &State) -> anyhow::Result<Option<(&str, Metric)>> {
    let Some(Followed { workload, metric }) = &state.followed else { return Ok(None) };
    Ok(Some((workload, metric_named(metric)?)))
}

/// Every workload of every start of a record.
fn starts(record: &Record, position: usize) -> impl Iterator<Item = Start> + '_ {
    record.workloads.iter().flat_map(move |workload| {
        let slo = workload.slo.into();
        summaries(&workload.method_rounds(), &slo).into_values().map(move |summary| Start {
            workload: workload.name.clone(),
            position,
            summary,
        })
    })
}

/// Of one metric, with what each seed does to it taken off: position and oriented value.
fn values(starts: &[Start], workload: &str, metric: Metric) -> Vec<(usize, f64)> {
    let mine = || starts.iter().filter(|start| start.workload == workload);
    let seeds = SeedMeans::over(mine().filter(|s| s.position == 0).map(|s| &s.summary));
    mine()
        .filter_map(|s| Some((s.position, *seeds.centred(&s.summary).values.get(&metric)?)))
        .collect()
}

/// Of the starts of two positions.
fn difference(
    values: &[(usize, f64)],
    (from, to): (usize, usize),
    past: Variation,
) -> Option<Difference> {
    let side = |at| values.iter().filter(|(p, _)| *p == at).map(|(_, v)| *v).collect::<Vec<f64>>();
    Difference::between(&side(from), &side(to), past)
}

fn is_valid(record: &Record) -> bool {
    record
        .workloads
        .iter()
        .all(|workload| workload.unfit().is_empty() && workload.saturated().is_empty())
}

/// What a gate said of the ends: `Same` only where it passes as `check` would, so that missing
/// evidence leaves it open. Errors: exit 3, it could not be measured.
fn ends(parts: &[Ruled<'_>]) -> anyhow::Result<Ends> {
    let mut slower = false;
    for (workload, part, _) in parts {
        if let Some(why) = part.evidence.invalid.first() {
            let what = bilingual!(
                "the measurement of {name} is INVALID: ",
                "{name}의 측정이 INVALID: ",
                name = workload.name
            );
            bail!(Failure::measure(what.then(&sentence(why.clone()))));
        }
        slower |= matches!(&part.evidence.against, Against::Compared(comparison)
            if comparison.decision == Decision::Regression);
    }
    let passed = |(_, _, ruling): &Ruled<'_>| ruling.verdict == Verdict::Passed;
    Ok(match () {
        () if slower => Ends::Slower,
        () if !parts.is_empty() && parts.iter().all(passed) => Ends::Same,
        () => Ends::Open,
    })
}
