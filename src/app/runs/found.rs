//! A run as its folder tells it: how it ended, what it measured and what was said of it. What cannot
//! be read is named, and hides nothing else.
//!
//! Records are not read whole, unless there is no report: `load` does that. Not here: which runs are
//! wanted (`select`).

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::file::{Id, RunFile};
use super::keep::FILE;
use super::older;
use super::store::{Alive, Place, Store};
use crate::app::artefacts::{self, RECORD};
use crate::app::error_text;
use crate::evaluate;
use crate::exit::ExitStatus;
use crate::fingerprint::Fingerprint;
use crate::lang::Lang;
use crate::metric::Class;
use crate::print::note;
use crate::record::{self, GitFacts, Record};
use crate::report::{self, Codes, Report, ranking};
use crate::verdict::Verdict;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It waits for its turn.
    Queued,
    Running,
    /// It ended by itself, whatever came of it.
    Ended,
    /// Its process is gone, and nobody said how it ended. What was measured until then is there.
    CutOff,
    /// Something that it left is gone or cannot be read.
    Damaged,
}

/// What is known of a run; absent where it is not known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub id: Id,
    pub state: State,
    pub verb: Option<String>,
    /// RFC 3339, UTC.
    pub started: String,
    pub ended: Option<String>,
    pub exit_code: Option<u8>,
    pub verdict: Option<Verdict>,
    /// One sentence: what came of it.
    pub headline: Option<String>,
    /// The same in Korean, where it can be said in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headline_ko: Option<String>,
    /// Why it came to nothing.
    pub error: Option<String>,
    pub branch: Option<String>,
    pub commit: Option<String>,
    pub workloads: Vec<RunWorkload>,
    pub models: Vec<String>,
    pub servers: Vec<String>,
    pub folder: PathBuf,
    /// What is wrong with its files, one sentence each.
    pub damage: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunWorkload {
    pub name: String,
    pub verdict: Option<Verdict>,
    /// The same for what may be drawn in one line: the same load, model, kind of server and machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// The primary ones that were measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<RunMetric>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunMetric {
    pub metric: String,
    /// `ms`, `tokens_per_s`...
    pub unit: String,
    pub value: f64,
    pub baseline: Option<f64>,
    /// Relative: 0.05 is 5 % more than the baseline.
    pub change_ratio: Option<f64>,
}

/// What a report, a ranking or a record says of the whole.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    schema: String,
    version: u32,
    verdict: Option<Verdict>,
    headline: Option<String>,
    codes: Codes,
    git: Option<GitFacts>,
    workloads: Vec<WorkloadHead>,
    entrants: Vec<Facts>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WorkloadHead {
    name: String,
    verdict: Option<Verdict>,
    fingerprint: Fingerprint,
    metrics: Vec<MetricHead>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct MetricHead {
    metric: String,
    unit: String,
    class: Option<Class>,
    candidate: Option<f64>,
    baseline: Option<f64>,
    change_ratio: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Facts {
    model: Option<String>,
    server: Option<String>,
}

/// Fields of a fingerprint that change from build to build: what a line over runs is to show.
const OF_A_BUILD: [&str; 4] = ["server_version", "server_args", "server_flags", "quantisation"];

/// The files that a run is told by.
pub const TOLD_BY: [&str; 5] = [FILE, "report.json", "ranking.json", RECORD, older::FILE];

/// Where the whole is said, the best first.
const SAID_IN: [(&str, &str, u32); 4] = [
    ("report.json", report::SCHEMA, report::VERSION),
    ("ranking.json", ranking::SCHEMA, ranking::VERSION),
    (RECORD, record::SCHEMA, record::VERSION),
    (older::FILE, older::SCHEMA, older::VERSION),
];

/// Every run of a data directory, newest first. Errors: it is there and cannot be read.
pub fn all(store: &Store) -> anyhow::Result<Vec<Run>> {
    Ok(store.places()?.iter().filter_map(run).collect())
}

/// The run of a folder. None: it was removed meanwhile.
pub fn run(place: &Place) -> Option<Run> {
    // Before its file: a run that ends meanwhile has said how.
    let alive = place.alive();
    let mut run = Run {
        id: place.id.clone(),
        state: State::Damaged,
        verb: None,
        started: date(&place.stamp),
        ended: None,
        exit_code: None,
        verdict: None,
        headline: None,
        headline_ko: None,
        error: None,
        branch: None,
        commit: None,
        workloads: Vec::new(),
        models: Vec::new(),
        servers: Vec::new(),
        folder: place.folder.clone(),
        damage: Vec::new(),
    };
    match file(place) {
        Ok(file) => run.take_file(file, alive, place),
        Err(why) => run.damage.push(format!("{FILE}: {why}")),
    }
    let told = SAID_IN.iter().find(|(name, ..)| place.file(name).is_file());
    if let Some((name, schema, version)) = told {
        match head(&place.file(name), schema, *version) {
            Ok(head) => run.take_head(head),
            Err(why) => run.damage.push(format!("{name}: {why}")),
        }
    }
    if !run.damage.is_empty() {
        run.state = State::Damaged;
    }
    place.folder.is_dir().then_some(run)
}

impl Run {
    fn take_file(&mut self, file: RunFile, alive: Alive, place: &Place) {
        if file.id != self.id {
            self.damage.push(format!("{FILE}: it is of the run {}", file.id));
        }
        (self.verb, self.started, self.branch) = (Some(file.verb), file.started, file.branch);
        self.state = match (&file.ended, alive) {
            (Some(_), _) => State::Ended,
            (None, Alive::Yes) if place.is_queued() => State::Queued,
            (None, Alive::Yes) => State::Running,
            (None, Alive::No) => State::CutOff,
        };
        if self.state == State::CutOff && place.is_queued() {
            self.error = Some("the service was ended before the run began".into());
        }
        let Some(ended) = file.ended else { return };
        for (path, bytes) in &ended.files {
            match place.file(path).metadata().map(|facts| facts.len()) {
                Ok(found) if found == *bytes => {}
                Ok(found) => {
                    self.damage.push(format!("{path}: it has {found} bytes, and had {bytes}"));
                }
                Err(why) => self.damage.push(format!("{path}: {why}")),
            }
        }
        (self.ended, self.exit_code) = (Some(ended.at), Some(ended.exit_code));
        self.error = ended.error;
    }

    fn take_head(&mut self, head: Head) {
        (self.verdict, self.headline) = (head.verdict, head.headline.filter(|h| !h.is_empty()));
        let korean = self.headline.as_ref().map(|headline| head.codes.say(Lang::Ko, headline));
        self.headline_ko = korean.filter(|korean| self.headline.as_ref() != Some(korean));
        self.commit = head.git.map(|git| git.commit);
        for workload in head.workloads {
            let fact = |name: &str| workload.fingerprint.0.get(name).cloned();
            self.take_facts(Facts { model: fact("model"), server: fact("server") });
            self.workloads.push(workload.into());
        }
        head.entrants.into_iter().for_each(|entrant| self.take_facts(entrant));
    }

    /// It has a row of an older tool, and no record.
    pub fn is_imported(&self) -> bool {
        self.verb.as_deref() == Some(older::VERB) && self.folder.join(older::FILE).is_file()
    }

    /// It ended as a measurement that could be made ends, and all its files are there. What it says
    /// of itself stands only then.
    pub fn is_sound(&self) -> bool {
        let measured = [
            ExitStatus::Pass,
            ExitStatus::GateFailed,
            ExitStatus::NoBaseline,
            ExitStatus::Inconclusive,
        ];
        self.state == State::Ended
            && self.damage.is_empty()
            && measured.iter().any(|status| Some(status.code()) == self.exit_code)
    }

    /// Its verdict. A PASS stands only where the run's own end agrees with it.
    pub fn standing_verdict(&self) -> Option<Verdict> {
        let agrees = self.is_sound() && self.exit_code == Some(ExitStatus::Pass.code());
        self.verdict.filter(|verdict| *verdict != Verdict::Passed || agrees)
    }

    /// That of a workload of it, likewise.
    pub fn standing_verdict_of(&self, workload: &RunWorkload) -> Option<Verdict> {
        workload.verdict.filter(|verdict| *verdict != Verdict::Passed || self.is_sound())
    }

    /// Its state may change by itself.
    pub fn goes_on(&self) -> bool {
        matches!(self.state, State::Queued | State::Running)
    }

    fn take_facts(&mut self, facts: Facts) {
        let add = |all: &mut Vec<String>, new: Option<String>| {
            all.extend(new.filter(|new| !all.contains(new)).into_iter().collect::<Vec<_>>());
        };
        add(&mut self.models, facts.model);
        add(&mut self.servers, facts.server);
    }
}

impl From<WorkloadHead> for RunWorkload {
    fn from(head: WorkloadHead) -> Self {
        let print = head.fingerprint;
        let series = (!print.0.is_empty()).then(|| print.key(&OF_A_BUILD.map(str::to_owned)));
        let primary = head.metrics.into_iter().filter(|m| m.class == Some(Class::Primary));
        let metric = |m: MetricHead| {
            let (baseline, change_ratio) = (m.baseline, m.change_ratio);
            let value = m.candidate.filter(|value| value.is_finite())?;
            Some(RunMetric { metric: m.metric, unit: m.unit, value, baseline, change_ratio })
        };
        let metrics = primary.filter_map(metric).collect();
        Self { name: head.name, verdict: head.verdict, series, metrics }
    }
}

/// `2026-11-30T125031Z` as RFC 3339.
fn date(stamp: &str) -> String {
    let parts = stamp.get(..13).zip(stamp.get(13..15)).zip(stamp.get(15..));
    parts.map_or_else(
        || stamp.to_owned(),
        |((hour, minute), rest)| format!("{hour}:{minute}:{rest}"),
    )
}

fn file(place: &Place) -> Result<RunFile, String> {
    RunFile::parse(&text(&place.file(FILE))?)
}

fn text(path: &Path) -> Result<String, String> {
    artefacts::read(path).map_err(|e| e.root_cause().to_string())
}

fn head(path: &Path, schema: &str, version: u32) -> Result<Head, String> {
    let head: Head = serde_json::from_str(&text(path)?).map_err(|e| e.to_string())?;
    if head.schema != schema {
        return Err(format!("its schema is not {schema:?}"));
    }
    if head.version > version {
        return Err(format!(
            "it has version {}, this goodput-gate reads up to {version}: use a newer goodput-gate",
            head.version
        ));
    }
    Ok(head)
}

/// What a run says in full.
pub struct Loaded {
    pub report: Report,
    /// What the report is of, where it is there.
    pub record: Option<Record>,
}

/// Whether a run says anything in full.
pub fn has_report(run: &Run) -> bool {
    ["report.json", RECORD].iter().any(|name| run.folder.join(name).is_file())
}

/// The report of a run, without its record where there is one. Errors and None: as [`load`].
pub fn report(run: &Run) -> anyhow::Result<Option<Report>> {
    match told(run)? {
        Some(report) => Ok(Some(report)),
        None => Ok(load(run)?.map(|loaded| loaded.report)),
    }
}

/// What lies there as its report.
fn told(run: &Run) -> anyhow::Result<Option<Report>> {
    let path = run.folder.join("report.json");
    if !path.is_file() {
        return Ok(None);
    }
    let report = Report::parse(&artefacts::read(&path)?);
    report.map(Some).map_err(|why| anyhow::anyhow!("{}: {why}", path.display()))
}

/// The report of a run and its record; None where it has neither. Errors: one is there, and cannot
/// be read.
pub fn load(run: &Run) -> anyhow::Result<Option<Loaded>> {
    let path = run.folder.join(RECORD);
    let text = path.is_file().then(|| artefacts::read(&path)).transpose()?;
    let parsed = |text: String| {
        Record::parse_part(&text).map_err(|why| anyhow::anyhow!("{}: {why}", path.display()))
    };
    let stored = text.map(parsed).transpose();
    if let Some(report) = told(run)? {
        // A report stands by itself; that its record cannot be read is told beside it.
        let record = stored.unwrap_or_else(|e| {
            note(&error_text::text(&e));
            None
        });
        let record = record.filter(|record| record.session == report.session);
        Ok(Some(Loaded { report, record }))
    } else {
        let Some(record) = stored? else { return Ok(None) };
        let (report, _) = evaluate::measured(&record)?;
        Ok(Some(Loaded { report, record: Some(record) }))
    }
}
