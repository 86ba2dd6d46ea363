//! A run under way: its sides, what was measured of each, and that it is saved after every round.
//! Not here: who comes when (`measure`).
#![expect(clippy::disallowed_methods, reason = "rim: draws the session and writes raw timelines")]

use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::bail;

use super::BetweenStarts;
use super::facts::empty_record;
use super::loads::{fits, needed, read_file};
use super::programs::{self, Called};
use super::target::{self, Stopped};
use crate::app::artefacts::{self, save_record};
use crate::app::error_text;
use crate::app::job::Job;
use crate::app::options::RunOptions;
use crate::app::sides::Side;
use crate::app::workspace::secrets::api_key;
use crate::config::{Config, Workload};
use crate::exit::Failure;
use crate::lang::{Explained as _, Text, bilingual};
use crate::memory;
use crate::plan;
use crate::plan::shard::Shard;
use crate::print::{note, speak};
use crate::record::{PastSession, Record, WorkloadRecord, keyed};
use gpu::Gpus;
use start::{Open, dead};
use together::Together;

mod again;
mod find;
mod gpu;
mod guard;
mod pairs;
mod round;
mod sent;
mod start;
mod together;

/// A run under way.
pub(super) struct Run<'a> {
    config: &'a Config,
    options: &'a RunOptions,
    /// The config's; of a search the levels so far.
    workloads: Vec<Workload>,
    /// Of each workload, the file that it names.
    files: Vec<Option<Arc<str>>>,
    job: &'a Job,
    raw: Option<BufWriter<std::fs::File>>,
    /// Position in time of the next round, over all sides.
    order: u32,
    /// Starts at most.
    pub(super) starts: u32,
    /// Measurements that were repeats.
    repeats: u32,
    /// The side that had load last.
    busy: Option<usize>,
    /// A round says that a server ended by itself.
    told: bool,
    /// What cannot be kept of what is measured: the last reason.
    unsaved: Option<anyhow::Error>,
    /// Lines of `--raw` are among it.
    raw_lost: bool,
    pub(super) sides: Vec<Measuring<'a>>,
    gpus: Gpus<'a>,
    /// Of an interleaved run whose servers are started: it plans how many start pairs it takes.
    pub(super) between: Option<BetweenStarts<'a>>,
    /// Where several machines send the load.
    together: Option<Together>,
    kind: StartKind,
    /// What was said beforehand.
    announced: Option<Text>,
}

/// What a start is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StartKind {
    /// It is judged: of an interleaved run one of a pair.
    Judged,
    /// The candidate alone, to see whether some of its starts are slow.
    Check,
}

/// What was measured, and why it is in no file, if it is not.
pub struct Kept<T> {
    pub value: T,
    pub unsaved: Option<anyhow::Error>,
}

impl<T> Kept<T> {
    /// Errors: exit 3, it could not be saved.
    pub fn saved(self) -> anyhow::Result<T> {
        self.unsaved.map_or(Ok(self.value), Err)
    }
}

/// A side and what was measured of it.
pub(super) struct Measuring<'a> {
    pub(super) side: &'a Side,
    api_key: Option<String>,
    /// The salt of its first workload; the next ones follow.
    pub(super) salt: u64,
    pub(super) record: Record,
    /// What its server turned out to be, at its first start.
    called: Vec<Called>,
    /// Where its record and logs go.
    pub(super) out: PathBuf,
    file: &'static str,
}

impl<'a> Run<'a> {
    pub(super) fn begin(
        config: &'a Config,
        options: &'a RunOptions,
        job: &'a Job,
        starts: u32,
        sides: Vec<(&'a Side, &'static str)>,
    ) -> anyhow::Result<Self> {
        let who = options.shard.clone();
        let together = who.map(|who| Together::join(who, config, job)).transpose()?;
        let (session, salt) = match &together {
            Some(together) => together.session(),
            None => (session()?, random()?),
        };
        let place = options.shard.as_ref().map_or("", |who| who.place.name());
        let sides = sides.into_iter().map(|(side, file)| {
            let mut record = empty_record(config, side.git.clone(), &session);
            record.shard = together.as_ref().map(|together| together.facts(place));
            let api_key = api_key(&side.target)?;
            Ok(Measuring {
                side,
                api_key,
                salt,
                record,
                called: Vec::new(),
                out: options.out.clone(),
                file,
            })
        });
        let sides: Vec<Measuring<'a>> = sides.collect::<anyhow::Result<_>>()?;
        let gpus = Gpus::open(&config.gpu, sides.iter().map(|m| m.side));
        let files = config.workloads.iter().map(read_file).collect::<Result<Vec<_>, _>>()?;
        let shard = together.as_ref().map_or(Shard::WHOLE, Together::shard);
        let loads = loads(config, &files, &sides, shard)?;
        memory::check("this load", needed(&loads, starts))?;
        // Nothing of an earlier run goes before it is known that this one can begin.
        artefacts::prepare(&options.out)?;
        // It is written last: too late to learn that it cannot be.
        options.record.as_deref().map(artefacts::check_writable).transpose()?;
        let raw = options.raw.as_ref().map(create).transpose()?.map(BufWriter::new);
        Ok(Self {
            config,
            options,
            workloads: config.workloads.clone(),
            files,
            job,
            raw,
            order: 0,
            starts,
            repeats: 0,
            busy: None,
            told: false,
            unsaved: None,
            raw_lost: false,
            sides,
            gpus,
            between: None,
            together,
            kind: StartKind::Judged,
            announced: None,
        })
    }

    /// Errors: exit 3, a build failed.
    pub(super) fn build(&self) -> anyhow::Result<()> {
        (0..self.sides.len()).try_for_each(|side| self.build_side(side))
    }

    /// Errors: exit 3, it failed.
    pub(super) fn build_side(&self, side: usize) -> anyhow::Result<()> {
        if self.job.stop.stopping() {
            return Ok(());
        }
        let measuring = &self.sides[side];
        match target::build(measuring.side, &measuring.log("build"), &self.job.stop) {
            Err(e) if e.is::<Stopped>() => Ok(()),
            other => other,
        }
    }

    /// One start of each group's sides; those of one group run at the same time. False once the run
    /// is to stop.
    pub(super) fn start(&mut self, start: u32, groups: &[&[usize]]) -> anyhow::Result<bool> {
        for group in groups {
            if self.job.stop.stopping() {
                break;
            }
            let measured = self.group(start, group);
            if !self.goes_on(group[0], measured)? {
                break;
            }
        }
        Ok(!self.job.stop.stopping())
    }

    /// Whether more can be measured. Errors: those of a side that nothing has stopped.
    fn goes_on(&self, side: usize, measured: anyhow::Result<()>) -> anyhow::Result<bool> {
        match measured {
            Err(e) if e.is::<Stopped>() => Ok(false),
            // Whatever came of an interrupt is no result of the run.
            Err(e) if self.job.stop.signalled() => {
                speak(&error_text::text(&e));
                Ok(false)
            }
            other => {
                other.map(|()| true).map_err(|e| about(e, self.sides[side].record.target.as_ref()))
            }
        }
    }

    fn group(&mut self, start: u32, members: &[usize]) -> anyhow::Result<()> {
        let mut open: Vec<Open> = Vec::new();
        self.gpus.note_tenants();
        for &side in members {
            let next = self.open(side, start).map_err(|e| {
                match dead(&open).filter(|_| !self.job.stop.signalled()) {
                    Some(why) => Failure::measure(why).into(),
                    None => e,
                }
            })?;
            open.push(next);
        }
        if start == 0 {
            self.plan_pairs(&open)?;
        }
        self.rounds_of(start, &open)?;
        open.into_iter().try_for_each(|one| one.target.close())
    }

    fn rounds_of(&mut self, start: u32, open: &[Open]) -> anyhow::Result<()> {
        for workload in 0..self.workloads.len() {
            // No shard prepares this one while another still sends the one before.
            self.meet()?;
            for place in 0..open.len() {
                self.warm_up(open, place, workload, start)?;
            }
            for index in 0..self.config.gate.rounds {
                // ABBA: which side goes first alternates from round to round and from start to
                // start.
                let turned = (start + index) % 2 == 1;
                for place in 0..open.len() {
                    let place = if turned { open.len() - 1 - place } else { place };
                    if self.job.stop.stopping() {
                        return self.reason(open);
                    }
                    self.fit_round(open, place, workload, start, index)?;
                }
            }
        }
        Ok(())
    }

    /// Of a stop between two rounds: an error where a server's end is the reason, since no round
    /// says so.
    fn reason(&self, open: &[Open]) -> anyhow::Result<()> {
        match dead(open).filter(|_| !self.told && !self.job.stop.signalled()) {
            Some(why) => bail!(Failure::measure(why)),
            None => Ok(()),
        }
    }

    /// Of the two sides, once both have run. What came first counts: no later start runs another
    /// program.
    pub(super) fn compare_builds(&mut self) {
        let [baseline, candidate] = &mut self.sides[..] else { return };
        let builds = programs::compared(&baseline.called, &candidate.called);
        for pair in [baseline, candidate].into_iter().filter_map(|side| side.record.pair.as_mut()) {
            pair.builds.clone_from(&builds);
        }
    }

    /// Of the candidate, once its workloads are known.
    pub(super) fn set_history(&mut self, history: &dyn Fn(&WorkloadRecord) -> Vec<PastSession>) {
        for workload in
            self.sides.last_mut().into_iter().flat_map(|side| &mut side.record.workloads)
        {
            workload.history = history(workload);
        }
    }

    /// A record that cannot be saved now is tried again after each round, and at the end: a verdict
    /// is not lost with it.
    fn keep(&mut self, saved: anyhow::Result<()>) {
        let Err(error) = saved else { return };
        if self.unsaved.is_none() {
            note(&error_text::text(&error).then(&bilingual!(
                "; the measurement goes on\nhint: make room on the disk: it is tried again after each round, and at the end",
                "; 측정은 계속됨\n힌트: 디스크 공간을 비우십시오. 라운드가 끝날 때마다, 그리고 마지막에 다시 저장합니다"
            )));
        }
        self.unsaved = Some(unsaved(error));
    }

    pub(super) fn finish(mut self) -> anyhow::Result<Kept<Vec<Record>>> {
        let mut records = Vec::new();
        // The records themselves are whole in the end, whatever failed in between; lines of `--raw`
        // are lost.
        let mut unkept = self.unsaved.take().filter(|_| self.raw_lost);
        for Measuring { mut record, out, file, .. } in self.sides {
            record.interrupted = self.job.stop.signalled();
            for workload in &mut record.workloads {
                workload.pooled = keyed(&workload.pooled_values()?);
            }
            unkept = save_record(&out, file, &record).map_err(unsaved).err().or(unkept);
            records.push(record);
        }
        if let Some((path, record)) = self.options.record.as_ref().zip(records.last()) {
            unkept = artefacts::write_record(path, record).map_err(unsaved).err().or(unkept);
        }
        // Last: shard 0 may merge what the others have saved.
        if let Some(together) = &mut self.together {
            together.leave(self.job);
        }
        Ok(Kept { value: records, unsaved: unkept })
    }
}

/// The size of each workload's load of each side. Errors: exit 2, one does not fit.
fn loads(
    config: &Config,
    files: &[Option<Arc<str>>],
    sides: &[Measuring<'_>],
    shard: Shard,
) -> anyhow::Result<Vec<plan::Size>> {
    let each = config.workloads.iter().zip(files);
    let each = each.flat_map(|workload| sides.iter().map(move |side| (workload, side)));
    each.map(|((workload, file), measuring)| {
        let (target, rounds) = (&measuring.side.target, config.gate.rounds);
        fits(workload, file.as_deref(), target, rounds, shard)
    })
    .collect()
}

/// Whose error it is, where there are several targets.
fn about(error: anyhow::Error, target: Option<&String>) -> anyhow::Error {
    match target {
        Some(name) => error.context(format!("target {name}")),
        None => error,
    }
}

impl Measuring<'_> {
    fn log(&self, what: &str) -> PathBuf {
        self.out.join("logs").join(format!("{}-{what}.log", self.side.name))
    }
}

/// Requests were sent, so it is no usage error any more: exit 3.
#[expect(clippy::needless_pass_by_value, reason = "made for map_err")]
fn unsaved(error: anyhow::Error) -> anyhow::Error {
    Failure::measure(error_text::text(&error).then(&bilingual!(
        "\nhint: make room on the disk, or write elsewhere; what was saved before is kept",
        "\n힌트: 디스크 공간을 비우거나 다른 곳에 쓰십시오. 앞서 저장한 것은 그대로 있습니다"
    )))
    .into()
}

fn create(path: impl AsRef<Path>) -> anyhow::Result<std::fs::File> {
    let path = path.as_ref();
    std::fs::File::create(path).explained(|| artefacts::unwritable(path))
}

/// A number that nobody else has.
pub(super) fn random() -> anyhow::Result<u64> {
    getrandom::u64().map_err(|e| anyhow::anyhow!("the system gives no random numbers: {e}"))
}

fn session() -> anyhow::Result<String> {
    Ok(format!("{:08x}", random()? >> 32))
}
