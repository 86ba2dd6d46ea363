//! Records from an untrusted job as `comment` takes them: read with a bound on their size, and the
//! two of an interleaved run put together.
//!
//! Not here: whose policy they are judged by, and the judging (`comment`).
#![expect(clippy::disallowed_methods, reason = "rim: reads files that others have written")]

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::app::measure;
use crate::evaluate;
use crate::record::{Record, Role};
use crate::visible::one_line;

/// Half a million requests; enough for any gate, and little enough for any runner.
const RECORD_BYTES: u64 = 64 << 20;

/// Of all records of one comment: four of the largest, or a matrix of ordinary ones, which have
/// less than a MiB.
const ALL_BYTES: u64 = 4 * RECORD_BYTES;

/// What one report is of.
pub struct OneRun {
    /// The other side of an interleaved run.
    pub baseline: Option<Record>,
    pub candidate: Record,
    /// The candidate's file.
    pub path: PathBuf,
}

/// Hands on each record that stands alone, and each pair as soon as both of its sides are read: not
/// all need fit into memory at once.
///
/// Errors: a file that is no record of this program's, more than is read for one comment, or one
/// side of an interleaved run without its other.
pub fn each(
    paths: &[PathBuf],
    judge: impl FnMut(OneRun) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    within(ALL_BYTES, paths, judge)
}

fn within(
    all: u64,
    paths: &[PathBuf],
    mut judge: impl FnMut(OneRun) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut waiting: Vec<(Role, &PathBuf, Record)> = Vec::new();
    let mut left = all;
    for path in paths {
        let text = text(path)?;
        left = left.checked_sub(text.len() as u64).with_context(|| {
            format!(
                "cannot use {}: with it the records are larger than {} MiB together\n\
                 hint: name fewer in one comment; `comment --name NAME` makes another one of the others",
                path.display(),
                all >> 20
            )
        })?;
        let record = parsed(path, text)?;
        let Some(side) = record.pair.as_ref().map(|p| p.side) else {
            judge(OneRun { baseline: None, candidate: record, path: path.clone() })?;
            continue;
        };
        let other = waiting.iter().position(|(s, _, r)| *s != side && r.session == record.session);
        match (other.map(|i| waiting.remove(i)), side) {
            (Some((_, at, baseline)), Role::Candidate) => {
                judge(pair((at, baseline), (path, record))?)?;
            }
            (Some((_, at, candidate)), Role::Baseline) => {
                judge(pair((path, record), (at, candidate))?)?;
            }
            (None, _) => waiting.push((side, path, record)),
        }
    }
    waiting.first().map_or(Ok(()), |(side, path, _)| Err(anyhow::Error::msg(lonely(path, *side))))
}

/// Baseline first.
fn pair(baseline: (&PathBuf, Record), candidate: (&PathBuf, Record)) -> anyhow::Result<OneRun> {
    evaluate::of_one_run(&baseline.1, &candidate.1).map_err(|e| {
        anyhow::anyhow!("cannot use {} with {}: {e}", candidate.0.display(), baseline.0.display())
    })?;
    Ok(OneRun { baseline: Some(baseline.1), candidate: candidate.1, path: candidate.0.clone() })
}

fn lonely(path: &Path, side: Role) -> String {
    let (side, other, file) = match side {
        Role::Baseline => ("baseline", "candidate", measure::RECORD),
        Role::Candidate => ("candidate", "baseline", measure::BASELINE_RECORD),
    };
    format!(
        "cannot use {}: it is the {side}'s side of an interleaved run, and the {other}'s side is not among the records\n\
         hint: {} of the same run belongs to it: upload both, and name both",
        path.display(),
        path.with_file_name(file).display(),
    )
}

/// Errors: a link, a device, a file that is too large.
fn text(path: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    // Not followed: an artefact may hold a link to any file of this machine.
    let facts = std::fs::symlink_metadata(path).with_context(|| format!("cannot read {shown}"))?;
    if !facts.is_file() {
        bail!("cannot use {shown}: it is no plain file");
    }
    let mut text = Vec::new();
    let file = std::fs::File::open(path).with_context(|| format!("cannot read {shown}"))?;
    file.take(RECORD_BYTES + 1)
        .read_to_end(&mut text)
        .with_context(|| format!("cannot read {shown}"))?;
    if text.len() as u64 > RECORD_BYTES {
        bail!("cannot use {shown}: it is larger than {} MiB", RECORD_BYTES >> 20);
    }
    Ok(text)
}

/// Errors: whatever no run of this program has written.
fn parsed(path: &Path, text: Vec<u8>) -> anyhow::Result<Record> {
    let shown = path.display();
    let text = String::from_utf8(text)
        .map_err(|_| anyhow::anyhow!("cannot use {shown}: it is no text"))?;
    Record::parse(&text)
        .map_err(|e| anyhow::anyhow!("cannot use {shown}: {}", one_line(&e.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_than_one_comment_may_hold() {
        let record =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/records/candidate.json");
        let (size, paths) = (std::fs::metadata(&record).unwrap().len(), vec![record; 3]);
        let read = |all: u64| {
            let mut count = 0;
            let ended = within(all, &paths, |_| {
                count += 1;
                Ok(())
            });
            (count, ended.err().map(|e| e.to_string()))
        };
        assert_eq!(read(3 * size), (3, None));
        let (count, why) = read(3 * size - 1);
        assert!(
            count == 2 && why.is_some_and(|why| why.contains("MiB together\nhint: name fewer"))
        );
    }
}
