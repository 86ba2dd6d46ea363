//! What a run leaves behind as files: record, reports, and what is removed before. Nothing of it
//! decides anything.
//!
//! Not here: standard output (`command::output`).
#![expect(clippy::disallowed_methods, reason = "rim: writes files")]

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{error_text, sentence};
use crate::clock::now;
use crate::config::Lang;
use crate::exit::ExitStatus;
use crate::lang::{Explained as _, Text, bilingual};
use crate::print::{self, note};
use crate::read;
use crate::record::{GitFacts, Record};
use crate::report::notice::Notice;
use crate::report::page::charts::Charts;
use crate::report::{self, Report};
use crate::temporary;

/// As much of a file is written at once.
const WRITE_BYTES: usize = 1 << 16;

/// Writes through a temporary file and a rename: a reader sees the old file or the new one. What a
/// link leads to is replaced, not the link; pipes and devices (`/dev/stdout`) are written as they
/// are.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    write_with(path, 0o644, |file| file.write_all(bytes))
}

/// As [`write_atomic`]: its text is never held as a whole.
pub fn write_record(path: &Path, record: &Record) -> anyhow::Result<()> {
    write_with(path, 0o644, |file| record.write(file))
}

/// As [`write_atomic`], for its owner alone.
pub fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    write_with(path, 0o600, |file| file.write_all(bytes))
}

fn write_with(
    path: &Path,
    mode: u32,
    fill: impl Fn(&mut dyn Write) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    if is_special(path) {
        return write_special(path, fill).explained(|| unwritable(path));
    }
    let real = path.canonicalize();
    let path = real.as_deref().unwrap_or(path);
    let folder = folder_of(path);
    if path.is_dir() {
        anyhow::bail!(unwritable(path).then(&bilingual!(": it is a folder", ": 폴더임")));
    }
    if !folder.is_dir() {
        let folder = folder.display();
        anyhow::bail!(unwritable(path).then(&bilingual!(
            ": there is no folder {folder}\nhint: make it with mkdir -p, or name another",
            ": {folder} 폴더가 없음\n힌트: mkdir -p로 만들거나 다른 곳을 지정하십시오"
        )));
    }
    let attempt = || -> std::io::Result<()> {
        let mut draft = temporary::create(folder, mode)?;
        let mut buffer = BufWriter::with_capacity(WRITE_BYTES, draft.as_file_mut());
        fill(&mut buffer)?;
        buffer.flush()?;
        drop(buffer);
        draft.as_file().sync_data()?;
        draft.persist(path).map_err(|e| e.error)?;
        Ok(())
    };
    attempt().explained(|| unwritable(path))
}

/// It may be the terminal or a runner's log by another name, such as /dev/stdout.
fn write_special(
    path: &Path,
    fill: impl Fn(&mut dyn Write) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    fill(&mut bytes)?;
    let text = std::str::from_utf8(&bytes).map(print::guarded);
    match std::fs::write(path, text.as_deref().map_or(&bytes[..], str::as_bytes)) {
        // As with `print`: whoever read it has seen enough.
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// Errors: a file cannot be made beside `path`, so that [`write_atomic`] would fail.
pub fn check_writable(path: &Path) -> anyhow::Result<()> {
    if path.is_dir() {
        anyhow::bail!(unwritable(path).then(&bilingual!(": it is a folder", ": 폴더임")));
    }
    if is_special(path) {
        return Ok(());
    }
    tempfile::tempfile_in(folder_of(path)).map(drop).explained(|| unwritable(path))
}

/// There, and neither file nor folder: to rename a file onto `/dev/null` would take it from the
/// whole machine.
fn is_special(path: &Path) -> bool {
    path.metadata().is_ok_and(|m| !m.is_file() && !m.is_dir())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The output folder, with a `.gitignore` of its own so that nothing in it is ever committed.
pub fn folder(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).explained(|| {
        let folder = folder.display();
        bilingual!("cannot create the output folder {folder}", "출력 폴더 {folder} 만들기 실패")
    })?;
    let ignore = folder.join(".gitignore");
    if !ignore.exists() {
        write_atomic(&ignore, b"*\n")?;
    }
    Ok(())
}

/// Names of the two records of an interleaved run, and of the only one of others.
pub const RECORD: &str = "record.json";
pub const BASELINE_RECORD: &str = "baseline.json";

/// Records, and what they are called once another run begins in their folder: minutes of a GPU are
/// not lost to a run that cannot start.
const RECORDS: [(&str, &str); 2] =
    [(RECORD, "record.previous.json"), (BASELINE_RECORD, "baseline.previous.json")];

/// The output folder for a new measurement: what an earlier one left must not be taken for this
/// one's, should this one fail. Its record is kept under another name, until a run after the next
/// one takes that.
pub fn prepare(folder: &Path) -> anyhow::Result<()> {
    self::folder(folder)?;
    set_aside(folder)?;
    clear(folder)?;
    remove_logs(&folder.join("logs"))
}

/// What a killed run has left of files that it was writing.
pub fn sweep(folder: &Path) {
    temporary::sweep(folder);
}

const REPORTS: [&str; 8] = [
    "report.json",
    "report.md",
    "report.html",
    "junit.xml",
    "ranking.json",
    "ranking.md",
    "ranking.csv",
    "ranking.html",
];
/// Folders of ours below an output folder: everything in them is a run's.
const FOLDERS: [&str; 4] = ["logs", "each", "knee", "bisect"];
/// `bisect/PAIR/logs` is the deepest.
const DEPTH: u32 = 3;

/// What runs have written in an output folder: paths below it. Not what earlier runs are kept by.
pub fn files_of_runs(folder: &Path) -> Vec<PathBuf> {
    let records = RECORDS.map(|(name, _)| name);
    let names = records.into_iter().chain(REPORTS).map(PathBuf::from);
    let mut files: Vec<PathBuf> = names.filter(|name| folder.join(name).is_file()).collect();
    for name in FOLDERS {
        walk(folder, Path::new(name), DEPTH, &mut files);
    }
    files
}

fn walk(root: &Path, below: &Path, depth: u32, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(root.join(below)) else { return };
    let kept = RECORDS.map(|(_, kept)| kept);
    for entry in entries.flatten() {
        let name = entry.file_name();
        let text = name.to_string_lossy();
        match entry.file_type() {
            _ if text.starts_with('.') || kept.contains(&&*text) => {}
            Ok(kind) if kind.is_dir() && depth > 0 => {
                walk(root, &below.join(&name), depth - 1, files);
            }
            Ok(kind) if kind.is_file() => files.push(below.join(&name)),
            _ => {}
        }
    }
}

/// No report of an earlier run is left, also where this one ends before it measures: a reader of
/// `junit.xml` sees no exit code.
pub fn clear(folder: &Path) -> anyhow::Result<()> {
    for name in REPORTS {
        there(std::fs::remove_file(folder.join(name)))
            .explained(|| unremovable(&folder.join(name)))?;
    }
    Ok(())
}

/// Both records of an interleaved run go together, so that the two under the other names are of one
/// run.
fn set_aside(folder: &Path) -> anyhow::Result<()> {
    if !RECORDS.iter().any(|(name, _)| folder.join(name).exists()) {
        return Ok(());
    }
    for (name, kept) in RECORDS {
        let (from, to) = (folder.join(name), folder.join(kept));
        there(std::fs::remove_file(&to))
            .and_then(|()| there(std::fs::rename(&from, &to)))
            .explained(|| {
                let from = from.display();
                bilingual!("cannot set the old {from} aside", "이전 파일 {from} 옮기기 실패")
            })?;
    }
    Ok(())
}

/// Nothing there is nothing to do.
fn there(done: std::io::Result<()>) -> std::io::Result<()> {
    done.or_else(|e| if e.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(e) })
}

/// The last lines of a log are shown as what this run's server said. Only files of ours, by their
/// names: the folder may be anybody's.
fn remove_logs(folder: &Path) -> anyhow::Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    let ours = |name: &str| {
        let what = name
            .strip_suffix(".1")
            .unwrap_or(name)
            .strip_suffix(".log")
            .and_then(|stem| stem.split_once('-'));
        what.is_some_and(|(side, what)| {
            let start = what.strip_prefix("start").is_some_and(|n| n.parse::<u32>().is_ok());
            ["server", "baseline", "candidate"].contains(&side) && (what == "build" || start)
        })
    };
    let paths = entries.filter_map(|e| Some(e.ok()?.path()));
    for path in paths.filter(|p| p.file_name().and_then(|n| n.to_str()).is_some_and(ours)) {
        std::fs::remove_file(&path).explained(|| unremovable(&path))?;
    }
    Ok(())
}

/// That a file cannot be read.
pub fn unreadable(path: &Path) -> Text {
    let path = path.display();
    bilingual!("cannot read {path}", "{path} 읽기 실패")
}

/// That a folder cannot be made.
pub fn uncreatable(folder: &Path) -> Text {
    let folder = folder.display();
    bilingual!("cannot create {folder}", "{folder} 폴더 만들기 실패")
}

/// That a file cannot be written.
pub fn unwritable(path: &Path) -> Text {
    let path = path.display();
    bilingual!("cannot write {path}", "{path} 쓰기 실패")
}

/// That a file cannot be removed.
pub fn unremovable(path: &Path) -> Text {
    let path = path.display();
    bilingual!("cannot remove {path}", "{path} 삭제 실패")
}

pub fn save_record(folder: &Path, file: &str, record: &Record) -> anyhow::Result<()> {
    write_record(&folder.join(file), record)
}

/// All report files, in a folder that is made if need be. Every one is tried. What could not be
/// written, in words.
pub fn save_reports(folder: &Path, report: &Report, charts: &[Charts], lang: Lang) -> Vec<Notice> {
    if let Err(e) = self::folder(folder) {
        return vec![unwritten(&folder.display(), &e)];
    }
    let junit = report::junit::render(report).map_err(anyhow::Error::msg);
    let written = [
        ("report.json", write_atomic(&folder.join("report.json"), report.to_json().as_bytes())),
        (
            "report.md",
            write_atomic(
                &folder.join("report.md"),
                report::markdown::render(report, lang).as_bytes(),
            ),
        ),
        (
            "report.html",
            write_atomic(
                &folder.join("report.html"),
                report::page::render(report, charts, lang).as_bytes(),
            ),
        ),
        (
            "junit.xml",
            junit.and_then(|xml| write_atomic(&folder.join("junit.xml"), xml.as_bytes())),
        ),
    ];
    written
        .into_iter()
        .filter_map(|(name, done)| done.err().map(|e| unwritten(&name, &e)))
        .collect()
}

fn unwritten(what: &dyn std::fmt::Display, error: &anyhow::Error) -> Notice {
    Notice::Unwritten { file: what.to_string(), why: error.root_cause().to_string() }
}

/// A verdict with what could not be kept of its measurement. It stands; only a good one is not good
/// enough without its record.
pub fn closed(
    report: &mut Report,
    exit: ExitStatus,
    unsaved: Option<&anyhow::Error>,
) -> ExitStatus {
    let Some(error) = unsaved else { return exit };
    let exit = match exit {
        ExitStatus::GateFailed | ExitStatus::Interrupted => exit,
        _ => ExitStatus::CouldNotMeasure,
    };
    report.exit_code = exit.code();
    let why = error.root_cause().to_string().lines().next().unwrap_or_default().to_owned();
    report.notice(&[Notice::Unsaved { why }]);
    exit
}

/// The report of a run that came to nothing (exit 3); `None` for errors that are no run.
pub fn failure(error: &anyhow::Error, git: Option<GitFacts>) -> Option<Report> {
    let exit = ExitStatus::from_error(error);
    (exit == ExitStatus::CouldNotMeasure).then(|| {
        Report::unmeasured(&format!("{error:#}"), env!("CARGO_PKG_VERSION"), now(), git, exit)
    })
}

/// Its reports, so that whoever reads files finds the reason there and not last week's pass.
pub fn save_failure(folder: &Path, error: &anyhow::Error, git: Option<GitFacts>, lang: Lang) {
    let Some(report) = failure(error, git) else { return };
    // The error itself is told all the same.
    match self::folder(folder) {
        Ok(()) => save_reports(folder, &report, &[], lang)
            .iter()
            .for_each(|notice| note(&sentence::notice(notice))),
        Err(e) => note(&error_text::text(&e)),
    }
}

pub fn read(path: &Path) -> anyhow::Result<String> {
    read::text(path, read::DATA).explained(|| unreadable(path))
}
