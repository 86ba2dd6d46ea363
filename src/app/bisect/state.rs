//! What a search has found out so far, as a file: a search that was interrupted or killed goes on
//! where it was. Not here: the records, which lie beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::bail;
use serde::{Deserialize, Serialize};

use crate::app::artefacts;
use crate::judge::bisect::Ends;
use crate::lang::{Explained as _, bilingual};
use crate::metric::Metric;

const FILE: &str = "search.json";
const ANSWER: &str = "bisect.json";

/// What must be the same for a search to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    pub good: String,
    pub bad: String,
    pub paths: Vec<PathBuf>,
    /// Digest of what is measured, and how.
    pub how: String,
}

/// Which number is followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followed {
    pub workload: String,
    pub metric: String,
}

impl Followed {
    /// `TPOT (chat)`; the command of `--run`.
    pub fn title(&self) -> String {
        match Metric::parse(&self.metric) {
            Some(metric) => format!("{} ({})", metric.title(), self.workload),
            None => self.metric.clone(),
        }
    }
}

/// One start of a command that prints a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Number {
    pub commit: String,
    pub value: f64,
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// Its question is answered: asked again, it begins anew.
    Answered,
    /// Its budget was spent: asked again with a larger one, it goes on.
    Spent,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct State {
    question: Question,
    /// What the ends came to; none until they were measured.
    pub ends: Option<Ends>,
    pub followed: Option<Followed>,
    /// Folders with the records of both sides, in the order in which they were measured.
    pub pairs: Vec<String>,
    pub numbers: Vec<Number>,
    /// Fresh starts beyond those of the ends.
    pub fresh: usize,
    /// Commits that cannot be measured, and why.
    pub skipped: BTreeMap<String, String>,
    /// How long a start took at the ends, in seconds.
    pub start_seconds: Option<f64>,
    closed: Option<Closed>,
    #[serde(skip)]
    folder: PathBuf,
}

impl State {
    /// Goes on with the unfinished search of this folder, or begins one. Errors: exit 2, another
    /// question is unfinished there.
    pub fn open(folder: &Path, question: Question, restart: bool) -> anyhow::Result<Self> {
        let file = folder.join(FILE);
        if file.exists() && !restart {
            let found: Self = serde_json::from_str(&artefacts::read(&file)?).explained(|| {
                bilingual!(
                    "{file} is no search of this version\nhint: --restart throws it away",
                    "{file}: 이 버전의 탐색이 아님\n힌트: --restart는 그것을 버립니다",
                    file = file.display()
                )
            })?;
            if found.question == question && found.closed != Some(Closed::Answered) {
                return Ok(Self { folder: folder.to_owned(), closed: None, ..found });
            }
            if found.closed.is_none() {
                let (good, bad) = (&found.question.good, &found.question.bad);
                bail!(bilingual!(
                    "an unfinished search lies in {folder}: {good}..{bad}, or with another config or metric\nhint: ask the same again to go on with it; --restart throws it away",
                    "{folder}에 끝나지 않은 탐색이 있음: {good}..{bad}, 또는 설정이나 메트릭이 다름\n힌트: 같은 명령으로 다시 실행하면 이어서 진행합니다. --restart는 그것을 버립니다",
                    folder = folder.display()
                ));
            }
        }
        if file.exists() {
            std::fs::remove_dir_all(folder).explained(|| artefacts::unremovable(folder))?;
        } else if folder.exists() {
            bail!(bilingual!(
                "{folder} is there, and no search has made it: nothing in it is touched\nhint: name another output folder with --out, or move it away",
                "{folder}이(가) 이미 있으나 탐색이 만든 것이 아님: 그 안의 파일은 건드리지 않음\n힌트: --out으로 다른 출력 폴더를 지정하거나 옮기십시오",
                folder = folder.display()
            ));
        }
        artefacts::folder(folder)?;
        let state = Self {
            question,
            ends: None,
            followed: None,
            pairs: Vec::new(),
            numbers: Vec::new(),
            fresh: 0,
            skipped: BTreeMap::new(),
            start_seconds: None,
            closed: None,
            folder: folder.to_owned(),
        };
        state.save()?;
        Ok(state)
    }

    pub fn save(&self) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        artefacts::write_atomic(&self.folder.join(FILE), text.as_bytes())
    }

    /// Something was measured before.
    pub fn goes_on(&self) -> bool {
        self.ends.is_some() || !self.numbers.is_empty()
    }

    /// Writes the answer. `how` is none where the search was interrupted.
    pub fn close(&mut self, answer: &impl Serialize, how: Option<Closed>) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(answer)?;
        artefacts::write_atomic(&self.folder.join(ANSWER), text.as_bytes())?;
        self.closed = how;
        self.save()
    }
}
