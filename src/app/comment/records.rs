//! Records from an untrusted job as `comment` takes them: read with a bound on their size, and the
//! two of an interleaved run put together.
//!
//! Not here: whose policy they are judged by, and the judging (`comment`).
#![expect(clippy::disallowed_methods, reason = "rim: reads files that others have written")]

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::app::artefacts;
use crate::app::error_text::cannot_use;
use crate::app::measure;
use crate::evaluate;
use crate::lang::{Explained as _, Text, bilingual};
use crate::record::{Record, Role};

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
        left = left.checked_sub(text.len() as u64).ok_or_else(|| {
            bilingual!(
                "cannot use {path}: with it the records are larger than {mib} MiB together\nhint: name fewer in one comment; `comment --name NAME` makes another one of the others",
                "{path} 사용 불가: 이것까지 합하면 레코드가 {mib} MiB를 넘음\n힌트: 한 코멘트에 더 적게 쓰십시오. 나머지는 `comment --name NAME`으로 따로 올릴 수 있습니다",
                path = path.display(),
                mib = all >> 20
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
    waiting.first().map_or(Ok(()), |(side, path, _)| Err(lonely(path, *side).into()))
}

/// Baseline first.
fn pair(baseline: (&PathBuf, Record), candidate: (&PathBuf, Record)) -> anyhow::Result<OneRun> {
    evaluate::of_one_run(&baseline.1, &candidate.1).explained(|| {
        bilingual!(
            "cannot use {mine} with {theirs}",
            "{theirs}와(과) 함께 {mine} 사용 불가",
            mine = candidate.0.display(),
            theirs = baseline.0.display()
        )
    })?;
    Ok(OneRun { baseline: Some(baseline.1), candidate: candidate.1, path: candidate.0.clone() })
}

const BASELINE: (&str, &str) = ("the baseline's", "기준선");
const THIS_CHANGE: (&str, &str) = ("this change's", "이 변경");

fn lonely(path: &Path, side: Role) -> Text {
    let (side, other, file) = match side {
        Role::Baseline => (BASELINE, THIS_CHANGE, measure::RECORD),
        Role::Candidate => (THIS_CHANGE, BASELINE, measure::BASELINE_RECORD),
    };
    let (beside, path) = (path.with_file_name(file), path.display());
    let beside = beside.display();
    Text {
        en: format!(
            "cannot use {path}: it is {} side of an interleaved run, and {} side is not among the records\n\
             hint: {beside} of the same run belongs to it: upload both, and name both",
            side.0, other.0
        ),
        ko: format!(
            "{path} 사용 불가: 교차 측정의 {} 쪽이고, {} 쪽이 레코드에 없음\n\
             힌트: 같은 실행의 {beside}이(가) 짝입니다. 둘 다 업로드하고 둘 다 지정하십시오",
            side.1, other.1
        ),
    }
}

/// Errors: a link, a device, a file that is too large.
fn text(path: &Path) -> anyhow::Result<Vec<u8>> {
    let cannot_read = || artefacts::unreadable(path);
    // Not followed: an artefact may hold a link to any file of this machine.
    let facts = std::fs::symlink_metadata(path).explained(cannot_read)?;
    if !facts.is_file() {
        bail!(cannot_use(path).then(&bilingual!(": it is no plain file", ": 일반 파일이 아님")));
    }
    let mut text = Vec::new();
    let file = std::fs::File::open(path).explained(cannot_read)?;
    file.take(RECORD_BYTES + 1).read_to_end(&mut text).explained(cannot_read)?;
    if text.len() as u64 > RECORD_BYTES {
        let mib = RECORD_BYTES >> 20;
        let why = bilingual!(": it is larger than {mib} MiB", ": {mib} MiB보다 큼");
        bail!(cannot_use(path).then(&why));
    }
    Ok(text)
}

/// Errors: whatever no run of this program has written.
fn parsed(path: &Path, text: Vec<u8>) -> anyhow::Result<Record> {
    let Ok(text) = String::from_utf8(text) else {
        bail!(cannot_use(path).then(&bilingual!(": it is no text", ": 텍스트가 아님")));
    };
    Record::parse(&text).explained(|| cannot_use(path))
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
