//! Attempts of a check: those before it, found on GitHub and in the output folder, judged together
//! with it, and its own row.
//!
//! Not here: what makes two runs attempts at one thing (`key`), their files (`kept`), the rule
//! itself (`evaluate::attempts`, `judge`).

mod kept;
mod key;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use super::options::RunOptions;
use super::workspace::Workspace;
use super::workspace::runner::{gate_name, token};
use super::{error_text, publish};
use crate::attempt::{Attempt, merged};
use crate::config::Config;
use crate::evaluate::attempts::{LostFail, Predecessor};
use crate::evaluate::{Baseline, Earlier, Ruled, reported};
use crate::exit::ExitStatus;
use crate::github::event::{Ci, RunId, Slug};
use crate::github::ledger;
use crate::judge::interleaved::MOST_ATTEMPTS;
use crate::lang::bilingual;
use crate::print::note;
use crate::record::{Record, WorkloadRecord};
use crate::report::comment::regressed;
use crate::report::notice::Notice;
use crate::report::{Report, WorkloadReport};
use crate::verdict::{Ruling, Verdict, overall};
use kept::{Folder, Packed};

pub use crate::evaluate::attempts::Kept;
pub use key::beside;

/// What is known of attempts at what is judged here.
pub struct Ledger {
    /// What is measured; `None` where nothing tells one code from another: then attempts are not
    /// judged together.
    code: Option<String>,
    ci: Option<Ci>,
    folder: Folder,
    /// Whether this attempt is kept for the next one.
    keeps: bool,
    /// Of this commit, from GitHub.
    told: Vec<Attempt>,
    /// Why GitHub could not tell all of them; empty where it could.
    untold: String,
    /// Digest of all that is known of this run before its first request; none where its servers
    /// run already.
    asked: Option<String>,
    notices: Vec<Notice>,
}

/// How records are judged.
#[derive(Clone, Copy)]
pub struct Judging<'a> {
    /// What the judging job puts in the place of what records say.
    pub prepare: &'a dyn Fn(&mut Kept) -> anyhow::Result<()>,
    pub known: &'a dyn Fn(&WorkloadRecord) -> Baseline,
}

/// The verdict of an earlier attempt that needs no other one.
pub struct Standing {
    pub kept: Kept,
    pub report: Report,
    pub exit: ExitStatus,
}

/// One sequence of attempts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sequence {
    key: String,
    baseline: String,
}

/// The attempts before an interleaved run that is measured, by what its record says so far.
pub struct Before<'a> {
    ledger: &'a Ledger,
    judging: Judging<'a>,
    baseline: String,
    found: RefCell<BTreeMap<Sequence, Rc<Earlier>>>,
}

impl Ledger {
    /// Before anything is built or measured, which may change files.
    pub fn open(here: &Workspace, config: &Config, options: &RunOptions) -> Self {
        let (folder, notice) = Folder::open(&options.out);
        Self {
            code: key::code(here, config, options),
            ci: here.workflow_run().cloned(),
            folder,
            keeps: true,
            told: Vec::new(),
            untold: String::new(),
            asked: None,
            notices: notice.into_iter().collect(),
        }
    }

    /// Of a commit that another job has measured.
    pub fn of_commit(
        ci: &Ci,
        head: &str,
        repository: Option<&str>,
        out: &Path,
        keeps: bool,
    ) -> Self {
        let repository = repository.map_or_else(|| ci.repository.clone(), Slug::parse);
        let ci = Ci { head_sha: Some(head.to_owned()), repository, ..ci.clone() };
        let (folder, notice) = Folder::open(out);
        Self {
            code: Some(head.to_owned()),
            ci: Some(ci),
            folder,
            keeps,
            told: Vec::new(),
            untold: String::new(),
            asked: None,
            notices: notice.into_iter().collect(),
        }
    }

    /// Looks on GitHub for attempts before this one; nothing outside of a workflow run.
    pub fn ask_github(&mut self, gate: Option<&str>, pull: Option<u64>) {
        let Some(ci) = self.ci.clone() else { return };
        let Some(sha) = ci.head_sha.clone() else { return };
        self.untold = match (token(), ci.repository.as_ref(), gate_name(gate)) {
            (Some(token), Some(repository), Ok(gate)) => {
                let asked =
                    async |client: &_| ledger::earlier(client, &sha, &gate, pull.or(ci.pull)).await;
                match publish::with_client(&ci, repository, &token, asked) {
                    Ok(found) => {
                        self.told = found.attempts;
                        found.unread.join("; ")
                    }
                    Err(why) => why.en,
                }
            }
            _ => {
                return "GITHUB_TOKEN is not in the environment of this step"
                    .clone_into(&mut self.untold);
            }
        };
        // Of a later attempt `unknown` says so.
        if !self.untold.is_empty() && ci.run.is_none_or(|run| run.attempt <= 1) {
            self.notices.push(Notice::AttemptsUnread { why: self.untold.clone() });
        }
    }

    /// Attempts of this workflow run that have left nothing of this sequence: a row of another job
    /// says nothing of them.
    fn unseen(&self, sequence: &Sequence) -> usize {
        let Some(run) = self.ci.as_ref().and_then(|ci| ci.run) else { return 0 };
        let rows = self.rows();
        let own: Vec<&Attempt> =
            rows.iter().filter(|row| row.key.is_empty() || row.key == sequence.key).collect();
        unseen(run, &own)
    }

    fn unknown(&self, sequence: &Sequence) -> Option<Notice> {
        let run = self.ci.as_ref()?.run.filter(|_| self.unseen(sequence) > 0)?;
        let why = match self.untold.as_str() {
            "" => "it has left no verdict",
            why => why,
        };
        Some(Notice::AttemptsUnknown { attempt: run.attempt, why: why.to_owned() })
    }

    /// The report of what was measured, judged together with the attempts before it. This attempt
    /// is kept for the next one.
    pub fn judge(
        &mut self,
        kept: &mut Kept,
        judging: Judging<'_>,
    ) -> anyhow::Result<(Report, ExitStatus)> {
        let packed = Packed::new(kept);
        (judging.prepare)(kept)?;
        let sequence = self.sequence(&kept.candidate, || key::baseline(kept, judging.known));
        let rows = self.before(sequence.as_ref(), Some(&packed.digest));
        let earlier = self.replayed(sequence.as_ref(), &rows, judging)?;
        let ruled = kept.ruled(&earlier, judging.known)?;
        let together = verdict(&ruled);
        let alone = if earlier.is_empty() {
            together
        } else {
            verdict(&kept.ruled(&Earlier::default(), judging.known)?)
        };
        let (mut report, exit) = reported(&kept.candidate, ruled)?;
        if earlier.pooled() > 0 && !earlier.is_spent() {
            report.notice(&[Notice::AttemptsTogether { attempts: earlier.pooled() as u64 }]);
        }
        report.last_notices(&self.notices);
        if let Some(sequence) = sequence {
            report.last_notices(self.unknown(&sequence).as_slice());
            let verdicts = (alone, together);
            let own = self.own(&kept.candidate, sequence, &report, verdicts, &packed.digest);
            report.attempts = merged(rows.into_iter().chain([own.clone()]));
            self.save(own, &packed);
        }
        Ok((report, exit))
    }

    /// The verdict that stands whatever is measured: that of a PASS in this workflow run, and of the
    /// last attempt that counts. Of an interleaved run whose servers the gate starts: nothing of
    /// what is asked has changed since then, nor has the machine. What a server is made of need not
    /// be in its commit (an image, a folder, a variable), so a PASS of another run is measured
    /// again. `baseline`: see [`beside`].
    pub fn standing(
        &mut self,
        config: &Config,
        baseline: &str,
        judging: Judging<'_>,
    ) -> anyhow::Result<Option<Standing>> {
        self.asked = self.code.as_ref().and_then(|code| key::asked(code, config, baseline));
        let rows = self.rows();
        let same =
            |row: &&Attempt| self.asked.is_some() && row.asked == self.asked && !row.adds_nothing();
        let Some(last) = rows.iter().rfind(same) else { return Ok(None) };
        let kept = last.records.as_deref().and_then(|digest| self.folder.records(digest));
        let (Some(mut kept), Some(baseline)) = (kept, &last.baseline) else { return Ok(None) };
        let sequence = Sequence { key: last.key.clone(), baseline: baseline.clone() };
        let rows = self.before(Some(&sequence), None);
        // What came after it, on another machine for one, counts as well.
        if rows.iter().rfind(|row| !row.adds_nothing()) != Some(last) {
            return Ok(None);
        }
        let before: Vec<Attempt> = rows.iter().filter(|row| *row != last).cloned().collect();
        let run = self.ci.as_ref().and_then(|ci| ci.run).map(|ci| ci.run);
        let passed = last.has_passed() && run.is_some() && last.run == run;
        let spent =
            !last.has_passed() && self.replayed(Some(&sequence), &rows, judging)?.is_spent();
        if !passed && !spent {
            return Ok(None);
        }
        (judging.prepare)(&mut kept)?;
        let earlier = self.replayed(Some(&sequence), &before, judging)?;
        let (mut report, exit) = reported(&kept.candidate, kept.ruled(&earlier, judging.known)?)?;
        if last.has_passed() && report.verdict != Some(Verdict::Passed) {
            return Ok(None);
        }
        let most = spent.then_some(MOST_ATTEMPTS as u64);
        report.notice(&[Notice::VerdictStands { created: last.created.clone(), most }]);
        report.last_notices(&self.notices);
        report.attempts = rows;
        Ok(Some(Standing { kept, report, exit }))
    }

    /// What is asked for between the starts of an interleaved run.
    pub fn before_run<'a>(&'a self, baseline: &str, judging: Judging<'a>) -> Before<'a> {
        let (baseline, found) = (baseline.to_owned(), RefCell::default());
        Before { ledger: self, judging, baseline, found }
    }

    fn sequence(&self, record: &Record, baseline: impl FnOnce() -> String) -> Option<Sequence> {
        let code = self.code.as_ref()?;
        Some(Sequence { key: key::key(code, record), baseline: baseline() })
    }

    /// Of all code that GitHub and the folder know.
    fn rows(&self) -> Vec<Attempt> {
        merged(self.told.iter().chain(&self.folder.rows).cloned())
    }

    /// Those before an attempt. `own`: its digest, where it was judged before.
    fn before(&self, sequence: Option<&Sequence>, own: Option<&str>) -> Vec<Attempt> {
        let Some(Sequence { key, baseline }) = sequence else { return Vec::new() };
        // Of the file only what is of the same code: it also knows others.
        let stored = self.folder.rows.iter().filter(|row| row.key == *key);
        let same = |row: &&Attempt| {
            row.precedes(key, baseline) && (own.is_none() || row.records.as_deref() != own)
        };
        merged(self.told.iter().chain(stored).filter(same).cloned())
    }

    fn predecessors(&self, rows: &[Attempt]) -> Vec<Predecessor> {
        let known = rows.iter().filter(|row| !row.adds_nothing()).map(|row| {
            let records = row.records.as_deref().and_then(|digest| self.folder.records(digest));
            match records {
                Some(kept) => {
                    Predecessor::Kept { records: Box::new(kept), passed: row.has_passed() }
                }
                None if row.has_failed() => Predecessor::Lost(LostFail {
                    created: row.created.clone(),
                    failed: row.failed.clone(),
                }),
                None => Predecessor::Unseen,
            }
        });
        known.collect()
    }

    fn replayed(
        &self,
        sequence: Option<&Sequence>,
        rows: &[Attempt],
        judging: Judging<'_>,
    ) -> anyhow::Result<Earlier> {
        let mut all = self.predecessors(rows);
        for known in &mut all {
            if let Predecessor::Kept { records, .. } = known {
                (judging.prepare)(records)?;
            }
        }
        // A file that was lost held one at least.
        let lost = usize::from(self.folder.has_lost);
        let unseen = sequence.map_or(0, |s| self.unseen(s).max(lost));
        all.extend((0..unseen).map(|_| Predecessor::Unseen));
        Earlier::replayed(all, judging.known)
    }

    fn own(
        &self,
        record: &Record,
        sequence: Sequence,
        report: &Report,
        (alone, together): (Verdict, Verdict),
        digest: &str,
    ) -> Attempt {
        let mut failed: Vec<String> =
            regressed(std::slice::from_ref(report)).into_iter().map(|(what, _)| what).collect();
        // What failed by no metric of its own, as by unstable starts, is accepted by none.
        let names = |w: &WorkloadReport| {
            failed.iter().any(|what| what.starts_with(&format!("{}/", w.name)))
        };
        let otherwise: Vec<String> = report
            .workloads
            .iter()
            .filter(|w| w.verdict == Some(Verdict::Failed) && !names(w))
            .map(|w| format!("{}/*", w.name))
            .collect();
        failed.extend(otherwise);
        Attempt {
            key: sequence.key,
            baseline: Some(sequence.baseline),
            session: record.session.clone(),
            together: Some(together),
            exit_code: report.exit_code,
            created: record.created.clone(),
            machine: record.host.get("runner").cloned(),
            failed,
            records: Some(digest.to_owned()),
            asked: self.asked.clone(),
            ..self.row(alone)
        }
    }

    /// The same of a report without a record: it adds a row, and nothing else.
    pub fn rows_unmeasured(&self, report: &Report) -> Vec<Attempt> {
        if self.ci.is_none() {
            return Vec::new();
        }
        let verdict = report.verdict.unwrap_or(Verdict::Invalid);
        let machine = Some(crate::probe::host::runner());
        let own = Attempt {
            exit_code: report.exit_code,
            created: report.created.clone(),
            machine,
            ..self.row(verdict)
        };
        merged(self.told.iter().cloned().chain([own]))
    }

    fn row(&self, verdict: Verdict) -> Attempt {
        let run = self.ci.as_ref().and_then(|ci| ci.run);
        Attempt {
            verdict,
            url: self.ci.as_ref().and_then(Ci::run_url),
            ..Attempt::failed_once(String::new(), "", run.map(|r| (r.run, r.attempt)))
        }
    }

    /// Errors are said: the verdict stands.
    fn save(&mut self, own: Attempt, packed: &Packed) {
        if !self.keeps {
            return;
        }
        if let Err(e) = self.folder.keep(own, packed) {
            note(
                &bilingual!(
                    "this attempt is not kept for the next one: ",
                    "이번 시도를 다음 시도를 위해 저장하지 못함: "
                )
                .then(&error_text::text(&e)),
            );
        }
    }
}

impl Before<'_> {
    /// `record`: of the candidate, as far as it is measured.
    pub fn earlier(&self, record: &Record) -> anyhow::Result<Rc<Earlier>> {
        let sequence = self.ledger.sequence(record, || self.baseline.clone());
        let Some(sequence) = sequence else { return Ok(Rc::default()) };
        if let Some(found) = self.found.borrow().get(&sequence) {
            return Ok(Rc::clone(found));
        }
        let rows = self.ledger.before(Some(&sequence), None);
        let earlier = Rc::new(self.ledger.replayed(Some(&sequence), &rows, self.judging)?);
        self.found.borrow_mut().insert(sequence, Rc::clone(&earlier));
        Ok(earlier)
    }
}

fn verdict(ruled: &[Ruled<'_>]) -> Verdict {
    let rulings: Vec<Ruling> = ruled.iter().map(|(_, _, ruling)| ruling.clone()).collect();
    overall(&rulings).0
}

/// Attempts of this workflow run before this one that have left no row.
fn unseen(run: RunId, rows: &[&Attempt]) -> usize {
    let has_row = |attempt: &u64| {
        rows.iter().any(|row| row.run == Some(run.run) && row.run_attempt == Some(*attempt))
    };
    (1..run.attempt).take(MOST_ATTEMPTS).filter(|attempt| !has_row(attempt)).count()
}
