//! A first-parent range as positions: commits that hold the same files are one. Not here: git
//! (`baseline::range`).

use std::path::PathBuf;

use anyhow::bail;

use crate::baseline::lineage::Repo;
use crate::baseline::range::RangeCommit;
use crate::judge::bisect::positions;
use crate::lang::{Text, bilingual};
use crate::report::text::{count, short};

/// From GOOD, which is position 0, to BAD, which is the last.
pub struct Range {
    commits: Vec<RangeCommit>,
    /// Of each position, its commits, oldest first.
    positions: Vec<Vec<usize>>,
}

impl Range {
    /// Errors: exit 2, the two are no range, or hold the same files.
    pub fn between(repo: &Repo, good: &str, bad: &str, paths: &[PathBuf]) -> anyhow::Result<Self> {
        let commits = repo.range(good, bad, paths)?;
        let files: Vec<&str> = commits.iter().map(|c| c.files.as_str()).collect();
        let positions = positions(&files);
        if positions.len() < 2 {
            bail!(bilingual!(
                "{good} and {bad} hold the same files: there is nothing between them that could be slower\nhint: name an earlier good commit, or leave out --path",
                "{good}와 {bad}의 파일이 같음: 그 사이에 느려질 것이 없음\n힌트: 더 이전의 정상 커밋을 지정하거나 --path를 빼십시오"
            ));
        }
        Ok(Self { commits, positions })
    }

    /// Position of BAD.
    pub fn last(&self) -> usize {
        self.positions.len() - 1
    }

    /// The commit that is measured for a position: the one that brought its files. BAD itself at
    /// the end.
    pub fn commit(&self, at: usize) -> &RangeCommit {
        let group = &self.positions[at];
        let place = if at == self.last() { group.last() } else { group.first() };
        &self.commits[place.copied().unwrap_or_default()]
    }

    /// The commit that brought a position's files, which is the culprit if the position is.
    pub fn culprit(&self, at: usize) -> &RangeCommit {
        &self.commits[self.positions[at].first().copied().unwrap_or_default()]
    }

    /// None of a commit that is not in the range.
    pub fn position(&self, commit: &str) -> Option<usize> {
        let holds = |group: &Vec<usize>| group.iter().any(|c| self.commits[*c].commit == commit);
        self.positions.iter().position(holds)
    }

    pub fn good(&self) -> &str {
        &self.commit(0).commit
    }

    pub fn bad(&self) -> &str {
        &self.commit(self.last()).commit
    }

    /// `12 commits from a to b, 9 of which change files`.
    pub fn in_words(&self) -> Text {
        let (good, bad) = (short(self.good()), short(self.bad()));
        let (all, changing) = (self.commits.len() as u64 - 1, self.last());
        let commits = count(all, "commit", "commits");
        bilingual!(
            "{commits} after {good} up to {bad}, {changing} of them with files of their own",
            "{good} 다음부터 {bad}까지 {commits}, 그중 파일이 바뀐 커밋 {changing}개",
            commits = commits
        )
    }
}
