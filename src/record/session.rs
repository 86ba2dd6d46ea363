//! A baseline session: what a baseline file keeps of one run of unchanged code
//! (docs/METHODOLOGY.md#sessions). Wire form, version 1.
//!
//! Not here: where the files lie (`baseline::store`), how sessions are judged (`judge`).

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{CHUNK_GAP, LoadFacts, PastSession, PastStart, Record, WorkloadRecord, keyed};
use crate::fingerprint::Fingerprint;
use crate::judge::seeds::{SeedMeans, has_rounds};
use crate::judge::{self, reason::Place};
use crate::lang::{Text, bilingual};
use crate::measure::histogram::Gaps;
use crate::measure::stats;
use crate::measure::summary::{RoundSummary, Shape, StartSummary, oriented};
use crate::metric::Metric;

pub const SCHEMA: &str = "goodput-gate/baseline";
pub const VERSION: u32 = 1;

/// One session of unchanged code: what the method keeps of it (docs/METHODOLOGY.md#sessions).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "a session's id is called session everywhere")]
pub struct Session {
    pub schema: String,
    pub version: u32,
    pub tool_version: String,
    pub workload: String,
    pub session: String,
    pub commit: String,
    /// Tree hash without the baselines folder.
    pub tree: String,
    /// Date of the commit, not of the measurement: RFC 3339, UTC.
    pub commit_date: String,
    /// When the run began: RFC 3339, UTC. It orders sessions of one commit; of earlier versions not
    /// known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<String>,
    /// Why it may be of another level than the sessions before it: it begins a new segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level_shift: Option<String>,
    pub runner: Option<String>,
    pub fingerprint: Fingerprint,
    pub slo: crate::record::Slo,
    /// What was planned, in words; of earlier versions not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<LoadFacts>,
    /// Mean over completed requests.
    pub input_tokens_mean: Option<f64>,
    pub output_tokens_mean: Option<f64>,
    /// Standard deviation over completed requests; of earlier versions not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens_sd: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens_sd: Option<f64>,
    pub starts: Vec<Start>,
    /// What the server's own metrics said, over all rounds, for people: key is the fact's name with
    /// its unit.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub server: BTreeMap<String, f64>,
    /// All rounds together, for people: key is the metric's name with its unit.
    pub pooled: BTreeMap<String, f64>,
    pub chunk_gaps_hdr: String,
    /// `ttft`, `tpot` and `e2e` of the completed requests, for drawing: as the gaps.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub timings_hdr: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// Requests and failures of all rounds.
    pub requests: u64,
    pub failed: u64,
    /// METHOD's start summary, oriented (positive difference = worse): natural logs of
    /// milliseconds, minus the log of tokens/s, minus shares.
    pub oriented: BTreeMap<String, f64>,
    /// The same metrics of each round.
    pub rounds: Vec<BTreeMap<String, f64>>,
    /// Of these rounds, in their order; absent in sessions of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seeds: Vec<u64>,
}

#[derive(Debug)]
pub enum ParseError {
    Schema,
    Newer(u64),
    Shape(serde_json::Error),
    Impossible(String),
}

impl ParseError {
    /// What a session claims is said as it is.
    pub fn text(&self) -> Text {
        match self {
            Self::Schema => {
                bilingual!("its schema is not {SCHEMA:?}", "스키마가 {SCHEMA:?}이(가) 아님")
            }
            Self::Newer(found) => bilingual!(
                "it has version {found}, this goodput-gate reads up to {VERSION}: use a newer goodput-gate",
                "버전이 {found}인데 이 goodput-gate는 {VERSION}까지 읽음: 더 새로운 goodput-gate를 쓰십시오"
            ),
            Self::Shape(why) => why.to_string().into(),
            Self::Impossible(why) => why.as_str().into(),
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}

impl std::error::Error for ParseError {}

impl From<serde_json::Error> for ParseError {
    fn from(why: serde_json::Error) -> Self {
        Self::Shape(why)
    }
}

impl Session {
    /// Its commit as people write it, and the day on which it was measured.
    pub fn place(&self) -> Place {
        let day = self.measured.as_deref().unwrap_or(&self.commit_date);
        let day = day.split('T').next().unwrap_or_default().to_owned();
        Place { commit: self.commit.chars().take(12).collect(), day }
    }

    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let value: serde_json::Value = serde_json::from_str(text)?;
        if value.get("schema").and_then(serde_json::Value::as_str) != Some(SCHEMA) {
            return Err(ParseError::Schema);
        }
        match value.get("version").and_then(serde_json::Value::as_u64).unwrap_or(0) {
            newer if newer > u64::from(VERSION) => Err(ParseError::Newer(newer)),
            0 => Err(ParseError::Impossible("it has no version from 1 on".into())),
            _ => {
                let session: Self = serde_json::from_value(value)?;
                super::check::session(&session).map_err(ParseError::Impossible)?;
                Ok(session)
            }
        }
    }

    /// The session that a workload of a record is. Needs the record's git facts: baselines are
    /// keyed by commit.
    pub fn from_record(record: &Record, workload: &WorkloadRecord) -> Option<Self> {
        let git = record.git.clone()?;
        let slo = workload.slo.into();
        let rounds = workload.method_rounds();
        let starts = workload.starts.iter().map(|s| {
            let mine: Vec<_> = rounds.iter().filter(|r| r.start == s.index).collect();
            let summary = StartSummary::over(mine.iter().copied(), &slo);
            Start {
                requests: summary.n,
                failed: summary.bad,
                oriented: named(&summary.values),
                rounds: mine.iter().map(|r| named(&oriented(r, &slo))).collect(),
                seeds: mine.iter().map(|r| r.seed).collect(),
            }
        });
        let mut gaps = Gaps::default();
        for (_, round) in workload.rounds() {
            gaps.merge(&Gaps::decode(&round.chunk_gaps_hdr).ok()?);
        }
        Some(Self {
            schema: SCHEMA.into(),
            version: VERSION,
            tool_version: record.tool_version.clone(),
            workload: workload.name.clone(),
            session: record.session.clone(),
            commit: git.commit,
            tree: git.tree,
            commit_date: git.commit_date,
            measured: Some(record.created.clone()),
            level_shift: None,
            runner: record.host.get("runner").cloned(),
            fingerprint: workload.fingerprint.clone(),
            slo: workload.slo,
            load: Some(workload.load.clone()),
            input_tokens_mean: workload.mean_tokens(|c| &c.input_tokens),
            output_tokens_mean: workload.mean_tokens(|c| &c.output_tokens),
            input_tokens_sd: stats::sd(&workload.completed_tokens(|c| &c.input_tokens)),
            output_tokens_sd: stats::sd(&workload.completed_tokens(|c| &c.output_tokens)),
            starts: starts.collect(),
            server: workload.server_values(),
            pooled: keyed(&workload.pooled_values().ok()?),
            chunk_gaps_hdr: gaps.encode(),
            timings_hdr: super::timings(workload)
                .ok()?
                .into_iter()
                .filter(|(name, _)| *name != CHUNK_GAP)
                .map(|(name, values)| (name.into(), values.encode()))
                .collect(),
        })
    }

    /// The distributions by timing, as [`super::timings`]. Errors: a histogram cannot be read.
    pub fn timings(&self) -> Result<BTreeMap<&'static str, Gaps>, String> {
        let mut all = BTreeMap::from([(CHUNK_GAP, Gaps::decode(&self.chunk_gaps_hdr)?)]);
        for name in super::TIMINGS {
            if let Some(text) = self.timings_hdr.get(name) {
                all.insert(name, Gaps::decode(text)?);
            }
        }
        Ok(all)
    }

    /// Of its load; in sessions of earlier versions by what it has values of.
    pub fn shape(&self) -> Shape {
        let (load, slo) = (self.load.as_ref(), self.slo);
        let has = |name: &str| self.pooled.keys().any(|key| key.starts_with(name));
        Shape {
            streaming: load.map_or_else(|| has("ttft"), |load| load.streaming),
            output_tokens: load.map_or(if has("tpot") { 2 } else { 1 }, |load| load.output_tokens),
            has_slo: slo.ttft_ms.or(slo.tpot_ms).or(slo.e2e_ms).is_some(),
        }
    }

    /// Requests that completed.
    pub fn completed(&self) -> u64 {
        self.starts.iter().map(|s| s.requests.saturating_sub(s.failed)).sum()
    }

    /// METHOD's view: each start with its rounds where these are known by their seeds.
    pub fn to_method(&self) -> judge::Session {
        self.to_method_of(&[])
    }

    /// The same; `plan`: the seeds of the plan's rounds in their order, for sessions of earlier
    /// versions, which do not tell them. Those are known by place where every start has all of the
    /// fullest one's rounds.
    pub fn to_method_of(&self, plan: &[u64]) -> judge::Session {
        judge::Session {
            id: self.session.clone(),
            runner: self.runner.clone(),
            starts: self.summaries(plan),
        }
    }

    fn summaries(&self, plan: &[u64]) -> Vec<StartSummary> {
        let told = self.starts.iter().all(|s| s.seeds.len() == s.rounds.len());
        let fullest = self.starts.iter().map(|s| s.rounds.len()).max().unwrap_or(0);
        let whole = self.starts.iter().all(|s| s.rounds.len() == fullest);
        let by_place = plan.get(..fullest).filter(|_| whole);
        let seeds = |start: &Start| match by_place {
            _ if told => start.seeds.clone(),
            Some(plan) => plan.to_vec(),
            None => Vec::new(),
        };
        let summary = |start: &Start| StartSummary {
            rounds: rounds(&seeds(start), &start.rounds),
            ..summary(&start.oriented, start.requests, start.failed)
        };
        self.starts.iter().map(summary).collect()
    }

    /// As an interleaved run's record keeps it; without attainment where its SLOs were others.
    pub fn to_past(&self, same_slo: bool) -> PastSession {
        // Within one session any names of the plan's rounds will do.
        let places: Vec<u64> =
            (0..self.starts.iter().map(|s| s.rounds.len() as u64).max().unwrap_or(0)).collect();
        let summaries = self.summaries(&places);
        let whole = !summaries.is_empty() && summaries.iter().all(has_rounds);
        let means = SeedMeans::over(&summaries);
        let kept = |metric: &Metric| same_slo || *metric != Metric::SloAttainment;
        let oriented = |summary: &StartSummary| {
            let values = summary.values.iter().filter(|(metric, _)| kept(metric));
            values.map(|(metric, value)| (metric.name(), *value)).collect()
        };
        let starts = summaries.iter().map(|start| PastStart {
            requests: start.n,
            failed: start.bad,
            oriented: oriented(start),
            centred: whole.then(|| oriented(&means.centred(start))),
        });
        PastSession { session: self.session.clone(), starts: starts.collect() }
    }

    /// Sorted keys and one line per value: the same session gives the same bytes.
    pub fn to_text(&self) -> String {
        let value = serde_json::to_value(self).expect("a session is plain data");
        let mut text = serde_json::to_string_pretty(&sorted(value)).expect("a value is plain data");
        text.push('\n');
        text
    }
}

impl PastSession {
    /// METHOD's view: a session of one build has one side.
    pub fn to_method(&self) -> judge::PastRun {
        let start = |s: &PastStart| summary(&s.oriented, s.requests, s.failed);
        let side = self.starts.iter().map(start).collect();
        judge::PastRun { sides: vec![side], passed: true }
    }

    /// The same seed-centred; none where it does not keep its rounds.
    pub fn centred(&self) -> Option<judge::PastRun> {
        let start = |s: &PastStart| Some(summary(s.centred.as_ref()?, s.requests, s.failed));
        let side = self.starts.iter().map(start).collect::<Option<Vec<_>>>()?;
        Some(judge::PastRun { sides: vec![side], passed: true })
    }
}

fn summary(oriented: &BTreeMap<String, f64>, requests: u64, failed: u64) -> StartSummary {
    StartSummary { values: parsed(oriented), n: requests, bad: failed, rounds: Vec::new() }
}

fn rounds(seeds: &[u64], oriented: &[BTreeMap<String, f64>]) -> Vec<RoundSummary> {
    let round = |(seed, values): (&u64, &BTreeMap<String, f64>)| RoundSummary {
        seed: *seed,
        values: parsed(values),
        ..RoundSummary::default()
    };
    seeds.iter().zip(oriented).map(round).collect()
}

/// Of metrics that this version knows.
fn parsed(oriented: &BTreeMap<String, f64>) -> BTreeMap<Metric, f64> {
    oriented.iter().filter_map(|(name, value)| Some((Metric::parse(name)?, *value))).collect()
}

fn named(values: &BTreeMap<Metric, f64>) -> BTreeMap<String, f64> {
    values.iter().map(|(m, v)| (m.name(), *v)).collect()
}

fn sorted(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(map) => {
            let ordered: BTreeMap<String, serde_json::Value> =
                map.into_iter().map(|(k, v)| (k, sorted(v))).collect();
            ordered.into_iter().collect()
        }
        serde_json::Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}
