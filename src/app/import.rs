//! Results of other tools to one record. Reads files, adds the repository's facts; what the numbers
//! mean is `crate::import`'s.

use std::path::{Path, PathBuf};

use anyhow::bail;
use sha2::{Digest as _, Sha256};

use super::artefacts;
use super::gate::{self, Given};
use super::workspace::Workspace;
use crate::clock::now;
use crate::config::{Config, Flags, is_workload_name};
use crate::import::{self, File, Terms, Tool};
use crate::lang::{Explained as _, bilingual};
use crate::print::speak;
use crate::record::facts::{limit_record, policy};
use crate::record::{GitFacts, Record, RecordedPolicy, SCHEMA, VERSION};

/// A file as it was read, its summary beside it.
struct Source {
    name: String,
    text: String,
    summary: Option<String>,
}

/// What is imported.
pub struct Import<'a> {
    pub here: &'a Workspace,
    /// One per server start, in the order of their measurement.
    pub files: &'a [PathBuf],
    /// Who wrote them; told by their content where it is none.
    pub tool: Option<Tool>,
    /// The workload's name, in the config where there is one.
    pub workload: Option<&'a str>,
    pub slo: Option<&'a str>,
    pub config: Option<&'a Path>,
    /// Where the record goes; into the usual folder where it is none.
    pub output: Option<&'a Path>,
}

/// The record, and where it was written.
pub fn import(what: &Import<'_>) -> anyhow::Result<(Record, PathBuf)> {
    let config = config(what)?;
    let texts = what.files.iter().map(|path| read(path)).collect::<anyhow::Result<Vec<_>>>()?;
    refuse_copies(&texts)?;
    let mut files = Vec::new();
    for t in &texts {
        let file = File { text: &t.text, summary: t.summary.as_deref() };
        let measured = import::read(&file, what.tool).explained(|| {
            bilingual!("cannot import {name}", "{name}을 가져올 수 없음", name = t.name)
        })?;
        files.push((t.name.clone(), measured));
    }
    let terms = terms(
        what,
        config.as_ref(),
        files.first().and_then(|(_, m)| m.first()).map(import::ImportedRound::tool),
    )?;
    let workloads = import::workloads(&files, &terms)
        .explained(|| bilingual!("cannot import these files", "이 파일들을 가져올 수 없음"))?;
    let fallback = bare(what.here, None)?;
    let config = config.as_ref().unwrap_or(&fallback);
    let git = what.here.head_facts_if_any(config);
    tell(git.as_ref());
    let most = workloads.iter().flat_map(|w| &w.starts).map(|s| s.rounds.len()).max().unwrap_or(1);
    let policy =
        RecordedPolicy { starts: number(what.files.len()), rounds: number(most), ..policy(config) };
    let record = Record {
        schema: SCHEMA.into(),
        version: VERSION,
        tool_version: env!("CARGO_PKG_VERSION").into(),
        session: session(&texts),
        created: now(),
        interrupted: false,
        git,
        // Not this machine's facts: nobody says that it is the one that measured.
        gpu: None,
        host: std::collections::BTreeMap::new(),
        policy,
        pair: None,
        shard: None,
        merged: None,
        target: None,
        programs: Vec::new(),
        hypotheses: Vec::new(),
        find: None,
        workloads,
    };
    let text = record.to_json();
    // What the reader refuses is not written.
    Record::parse(&text).explained(|| {
        bilingual!(
            "cannot import these files: what they say contradicts itself",
            "이 파일들을 가져올 수 없음: 내용이 서로 어긋남"
        )
    })?;
    let path = place(what)?;
    artefacts::write_atomic(&path, text.as_bytes())?;
    Ok((record, path))
}

/// The config that was named, with the workload that was named.
fn config(what: &Import<'_>) -> anyhow::Result<Option<Config>> {
    if let Some(name) = what.workload.filter(|name| !is_workload_name(name)) {
        bail!(bilingual!(
            "{name:?} cannot be a workload's name\nhint: lower-case letters, digits, '.', '_' and '-', at most 64",
            "{name:?}: 워크로드 이름이 될 수 없음\n힌트: 영문 소문자, 숫자, '.', '_', '-'로 최대 64자"
        ));
    }
    let Some(path) = what.config else { return Ok(None) };
    let workloads = what.workload.map(str::to_owned).into_iter().collect();
    let flags = Flags { workload: workloads, slo: what.slo.map(str::to_owned), ..Flags::default() };
    gate::config(what.here, &Given { file: Some(path.to_owned()), flags, ..Given::default() })
        .map(Some)
}

/// The defaults, for a policy: nothing is sent to this address.
fn bare(here: &Workspace, slo: Option<&str>) -> anyhow::Result<Config> {
    let base_url = Some("http://127.0.0.1/v1".into());
    let flags = Flags { base_url, slo: slo.map(str::to_owned), ..Flags::default() };
    gate::config(here, &Given { flags, ..Given::default() })
}

fn terms(what: &Import<'_>, config: Option<&Config>, tool: Option<Tool>) -> anyhow::Result<Terms> {
    let Some(config) = config else {
        let slo = bare(what.here, what.slo)?.workloads.first().map(|w| w.slo).unwrap_or_default();
        let name = what.workload.unwrap_or_else(|| tool.map_or("imported", Tool::name)).to_owned();
        return Ok(Terms { name, slo: slo.into(), ..Terms::default() });
    };
    let [workload] = &config.workloads[..] else {
        let names: Vec<&str> = config.workloads.iter().map(|w| w.name.as_str()).collect();
        bail!(bilingual!(
            "the config has several workloads\nhint: name the imported one with --workload: {names}",
            "설정에 워크로드가 여럿 있음\n힌트: 가져올 워크로드를 --workload로 지정하십시오: {names}",
            names = names.join(", ")
        ));
    };
    Ok(Terms {
        name: workload.name.clone(),
        slo: workload.slo.into(),
        limits: workload.limits.iter().map(limit_record).collect(),
        regressions: workload.regressions.iter().map(|(m, r)| (m.name(), (*r).into())).collect(),
    })
}

fn read(path: &Path) -> anyhow::Result<Source> {
    let text = artefacts::read(path)?;
    let beside = summary_path(path).filter(|p| p.is_file());
    let summary = beside.map(|p| artefacts::read(&p)).transpose()?;
    Ok(Source { name: path.display().to_string(), text, summary })
}

/// `profile_export_aiperf.json` beside `profile_export.jsonl`.
fn summary_path(path: &Path) -> Option<PathBuf> {
    let stem = path.file_name()?.to_str()?.strip_suffix(".jsonl")?;
    Some(path.with_file_name(format!("{stem}_aiperf.json")))
}

/// A file given twice is one start, however often it is named.
fn refuse_copies(texts: &[Source]) -> anyhow::Result<()> {
    for (i, t) in texts.iter().enumerate() {
        if let Some(other) = texts[..i].iter().find(|other| other.text == t.text) {
            bail!(bilingual!(
                "{one} and {other} are the same: each file must be of a server start of its own",
                "{one}, {other}: 내용이 같음. 파일마다 서로 다른 서버 시작이어야 함",
                one = other.name,
                other = t.name
            ));
        }
    }
    Ok(())
}

/// Of the contents: the same files are the same session, so that a copy of it counts once.
fn session(texts: &[Source]) -> String {
    let mut hash = Sha256::new();
    for t in texts {
        hash.update(t.text.len().to_le_bytes());
        hash.update(&t.text);
    }
    format!("{:x}", hash.finalize()).chars().take(16).collect()
}

fn tell(git: Option<&GitFacts>) {
    match git {
        Some(git) => {
            let commit: String = git.commit.chars().take(10).collect();
            speak(&if git.dirty {
                bilingual!(
                    "taken as measured at commit {commit} with changes, which is checked out here",
                    "여기 체크아웃된 커밋 {commit}(변경 있음)에서 측정한 것으로 봄"
                )
            } else {
                bilingual!(
                    "taken as measured at commit {commit}, which is checked out here",
                    "여기 체크아웃된 커밋 {commit}에서 측정한 것으로 봄"
                )
            });
        }
        None => speak(&bilingual!(
            "not in a git repository: the record says nothing of a commit, and no baseline can be made of it",
            "git 저장소가 아님: 레코드에 커밋이 없어 기준선으로 쓸 수 없음"
        )),
    }
}

fn place(what: &Import<'_>) -> anyhow::Result<PathBuf> {
    if let Some(path) = what.output {
        return Ok(path.to_owned());
    }
    let folder = Path::new(".goodput-gate");
    artefacts::folder(folder)?;
    Ok(folder.join("record.json"))
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
