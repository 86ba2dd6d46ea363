//! Attempts of a check: those before it, found on GitHub and in the output folder, what they mean
//! for its verdict, and its own row.
//!
//! On GitHub the commit is the head of the change; elsewhere it is the tree with what is changed in
//! it, so that edited code is a new sequence. Not here: the rule itself (`attempt`).

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::options::RunOptions;
use super::workspace::Workspace;
use super::workspace::runner::{gate_name, token};
use super::{artefacts, error_text, publish};
use crate::attempt::{Attempt, earlier_fail, merged};
use crate::config::{Config, Endpoint};
use crate::evaluate::{Ruled, reported};
use crate::exit::ExitStatus;
use crate::github::event::{Ci, RunId, Slug};
use crate::github::ledger;
use crate::lang::bilingual;
use crate::print::note;
use crate::record::Record;
use crate::report::Report;
use crate::report::comment::regressed;
use crate::report::notice::Notice;
use crate::verdict::{Ruling, Verdict, overall};

const FILE: &str = "attempts.json";
const SCHEMA: &str = "goodput-gate/attempts";
const VERSION: u32 = 1;
/// Of other code, too: the newest are kept.
const MOST_ROWS: usize = 100;

#[derive(Serialize, Deserialize)]
struct Stored {
    schema: String,
    version: u32,
    attempts: Vec<Attempt>,
}

/// What is known of attempts at what is judged here.
pub struct Ledger {
    /// What is measured; `None` where nothing tells one code from another: then attempts are not
    /// held against each other.
    code: Option<String>,
    ci: Option<Ci>,
    /// `None` where attempts are kept on GitHub alone.
    file: Option<PathBuf>,
    /// Of all code.
    stored: Vec<Attempt>,
    /// Of this commit, from GitHub.
    told: Vec<Attempt>,
    notices: Vec<Notice>,
}

impl Ledger {
    /// Before anything is built or measured, which may change files.
    pub fn open(here: &Workspace, config: &Config, options: &RunOptions) -> Self {
        let ci = here.workflow_run().cloned();
        let head = ci.as_ref().and_then(|ci| ci.head_sha.clone());
        let code = head.or_else(|| {
            Some(format!("{}\n{}", working_tree(here, config, options)?, target(config)))
        });
        let file = options.out.join(FILE);
        let (stored, notice) = match read(&file) {
            Ok(stored) => (stored, None),
            Err(why) => (
                Vec::new(),
                Some(Notice::AttemptsFileUnusable { file: file.display().to_string(), why }),
            ),
        };
        Self {
            code,
            ci,
            file: Some(file),
            stored,
            told: Vec::new(),
            notices: notice.into_iter().collect(),
        }
    }

    /// Of a commit that another job has measured.
    pub fn of_commit(ci: &Ci, head: &str, repository: Option<&str>) -> Self {
        let repository = repository.map_or_else(|| ci.repository.clone(), Slug::parse);
        let ci = Ci { head_sha: Some(head.to_owned()), repository, ..ci.clone() };
        Self {
            code: Some(head.to_owned()),
            ci: Some(ci),
            file: None,
            stored: Vec::new(),
            told: Vec::new(),
            notices: Vec::new(),
        }
    }

    /// Looks on GitHub for attempts before this one; nothing outside of a workflow run.
    pub fn ask_github(&mut self, gate: Option<&str>, pull: Option<u64>) {
        let Some(ci) = self.ci.clone() else { return };
        let Some(sha) = ci.head_sha.clone() else { return };
        let why = match (token(), ci.repository.as_ref(), gate_name(gate)) {
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
            _ => "GITHUB_TOKEN is not in the environment of this step".into(),
        };
        self.notices.extend(unknown(ci.run, &self.told, &self.stored, &why));
    }

    /// The report of what was judged, with the attempts before it taken into account. This attempt
    /// is kept for the next one.
    pub fn report(
        &self,
        record: &Record,
        mut parts: Vec<Ruled<'_>>,
    ) -> anyhow::Result<(Report, ExitStatus)> {
        let alone = self.hold(record, &mut parts);
        let (mut report, exit) = reported(record, parts)?;
        report.attempts = self.rows(record, &report, alone);
        report.last_notices(&self.notices);
        self.save(&report);
        Ok((report, exit))
    }

    /// Holds this attempt's rulings against the ones before it. What it came to by itself.
    fn hold(&self, record: &Record, parts: &mut [Ruled<'_>]) -> (Verdict, ExitStatus) {
        let rulings: Vec<Ruling> = parts.iter().map(|(_, _, ruling)| ruling.clone()).collect();
        let alone = overall(&rulings);
        let Some(key) = self.key(record).filter(|_| record.policy.on_attempt != "latest") else {
            return alone;
        };
        let excused = parts.iter().flat_map(|(w, part, _)| {
            part.evidence
                .excused
                .iter()
                .map(|e| format!("{}/{}", w.name, e.metric.name()))
                .collect::<Vec<_>>()
        });
        let excused: Vec<String> = excused.collect();
        let earlier: Vec<Attempt> =
            self.earlier(record).into_iter().filter(|a| a.session != record.session).collect();
        if let Some(fail) = earlier_fail(&earlier, &key, &excused) {
            let names: Vec<&str> = parts.iter().map(|(w, _, _)| w.name.as_str()).collect();
            for (workload, _, ruling) in parts.iter_mut() {
                fail.hold(&workload.name, &names, ruling);
            }
        }
        alone
    }

    /// All attempts at this commit, with the one of this report: what it came to by itself.
    fn rows(
        &self,
        record: &Record,
        report: &Report,
        (verdict, exit): (Verdict, ExitStatus),
    ) -> Vec<Attempt> {
        let Some(key) = self.key(record) else { return Vec::new() };
        let own = Attempt {
            key,
            session: record.session.clone(),
            exit_code: if record.interrupted { ExitStatus::Interrupted } else { exit }.code(),
            created: record.created.clone(),
            machine: record.host.get("runner").cloned(),
            failed: regressed(std::slice::from_ref(report))
                .into_iter()
                .map(|(what, _)| what)
                .collect(),
            ..self.row(verdict)
        };
        let others = self.earlier(record).into_iter().filter(|a| a.session != own.session);
        merged(others.chain([own.clone()]))
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

    /// Keeps this report's attempt in the output folder. Errors are said: the verdict stands.
    fn save(&self, report: &Report) {
        let (Some(file), Some(own)) =
            (&self.file, report.attempts.iter().find(|a| a.session == report.session))
        else {
            return;
        };
        let all = self.stored.iter().cloned().chain([own.clone()]).collect::<Vec<_>>();
        let attempts = all[all.len().saturating_sub(MOST_ROWS)..].to_vec();
        let stored = Stored { schema: SCHEMA.into(), version: VERSION, attempts };
        let text = serde_json::to_string_pretty(&stored).expect("plain data");
        if let Err(e) = artefacts::write_atomic(file, format!("{text}\n").as_bytes()) {
            note(
                &bilingual!(
                    "this attempt is not kept for the next one: ",
                    "이번 시도를 다음 시도를 위해 저장하지 못함: "
                )
                .then(&error_text::text(&e)),
            );
        }
    }

    fn row(&self, verdict: Verdict) -> Attempt {
        let run = self.ci.as_ref().and_then(|ci| ci.run);
        Attempt {
            key: String::new(),
            session: String::new(),
            verdict,
            exit_code: 0,
            created: String::new(),
            machine: None,
            run: run.map(|r| r.run),
            run_attempt: run.map(|r| r.attempt),
            url: self.ci.as_ref().and_then(Ci::run_url),
            failed: Vec::new(),
        }
    }

    /// Of the file only what is of the same code: it also knows others.
    fn earlier(&self, record: &Record) -> Vec<Attempt> {
        let key = self.key(record);
        let same = self.stored.iter().filter(|a| Some(&a.key) == key.as_ref()).cloned();
        merged(self.told.iter().cloned().chain(same))
    }

    /// Code, plans and policy. How much was measured is not in it, nor what it was compared with:
    /// more of it is another attempt.
    fn key(&self, record: &Record) -> Option<String> {
        let code = self.code.as_ref()?;
        let policy = crate::record::RecordedPolicy {
            mode: String::new(),
            starts: 0,
            rounds: 0,
            ..record.policy.clone()
        };
        // The digest of a plan is of all its rounds; the load says the rest of it.
        let besides: Vec<String> =
            policy.under_test.iter().cloned().chain(["plan".to_owned()]).collect();
        let workload = |w: &crate::record::WorkloadRecord| {
            // A matrix measures several models or GPUs at one commit: none is an attempt at
            // another.
            serde_json::json!([
                w.name,
                w.fingerprint.key(&besides),
                w.load,
                w.slo,
                w.limits,
                w.regressions
            ])
        };
        let workloads: Vec<serde_json::Value> = record.workloads.iter().map(workload).collect();
        let whole = serde_json::json!([code, policy, workloads]).to_string();
        let digest = Sha256::digest(whole.as_bytes());
        let key = digest.iter().take(8).fold(0_u64, |n, byte| (n << 8) | u64::from(*byte));
        Some(format!("{key:016x}"))
    }
}

/// That earlier attempts of this workflow run are not known.
fn unknown(run: Option<RunId>, told: &[Attempt], stored: &[Attempt], why: &str) -> Option<Notice> {
    let run = run.filter(|r| r.attempt > 1)?;
    let before =
        |a: &Attempt| a.run == Some(run.run) && a.run_attempt.is_some_and(|n| n < run.attempt);
    let found = told.iter().chain(stored).any(before);
    let why = if why.is_empty() { "none has left a verdict" } else { why };
    (!found).then(|| Notice::AttemptsUnknown { attempt: run.attempt, why: why.to_owned() })
}

/// The tree of HEAD, and what is changed in the working folder; without what this run itself
/// writes.
fn working_tree(here: &Workspace, config: &Config, options: &RunOptions) -> Option<String> {
    let repo = here.repo(config).ok()?;
    let own: Vec<PathBuf> = [Some(&options.out), options.record.as_ref(), options.raw.as_ref()]
        .into_iter()
        .flatten()
        .filter_map(|path| std::path::absolute(path).ok())
        .collect();
    let head = repo.head().ok()?;
    Some(format!("{} {}", head.link.tree, repo.changes(&own).ok()?))
}

/// Where two targets are measured at one commit, none is an attempt at the other. Without secrets,
/// which headers and variables may be.
fn target(config: &Config) -> String {
    let target = &config.target;
    let endpoint = match &target.endpoint {
        Endpoint::Http(url) => url.clone(),
        Endpoint::Sim(knobs) => knobs.settings().join(" "),
        Endpoint::Started(server) => {
            format!(
                "{} {:?} {} {}",
                server.base_url,
                server.build,
                server.start,
                server.cwd.display()
            )
        }
    };
    format!("{endpoint} {} {:?} {:?}", target.protocol.name(), target.model, config.gate.baseline)
}

fn read(file: &Path) -> Result<Vec<Attempt>, String> {
    let text = match crate::read::text(file, crate::read::WRITTEN) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(|e| e.to_string())?,
    };
    let stored: Stored = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    if stored.schema != SCHEMA || stored.version > VERSION {
        return Err("it is another program's, or a newer version's".into());
    }
    Ok(stored.attempts)
}
