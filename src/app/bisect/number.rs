//! Positions measured by a command of the user's that prints a number (`--run`), in a checkout of
//! each commit. Not here: the config's server (`server`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::range::Range;
use super::state::{Followed, Number, State};
use super::{Command, Ended, Measures};
use crate::app::job::Job;
use crate::app::measure::target::begin::{this_program, withheld};
use crate::baseline::lineage::Repo;
use crate::baseline::worktree::Worktree;
use crate::exit::Failure;
use crate::judge::bisect::{Difference, Ends, ends};
use crate::judge::history::Variation;
use crate::lang::bilingual;
use crate::read;
use crate::server::{self, Finished};

/// Pairs of starts that the ends, and the culprit and its parent, are compared with at most: what
/// METHOD plans where nothing is known of the noise.
const PAIRS: usize = 6;
/// What `git bisect run` takes for "this commit cannot be tested".
const SKIP: i32 = 125;
/// From the request to end until it is killed.
const GRACE: Duration = Duration::from_secs(10);
/// Which commit is checked out.
const COMMIT: &str = "GOODPUT_GATE_COMMIT";

pub struct Numbers<'a> {
    pub repo: &'a Repo,
    pub command: Command<'a>,
    pub range: &'a Range,
    pub folder: &'a Path,
    pub job: &'a Job,
    /// One per position, kept: a build of it stays.
    pub checkouts: BTreeMap<usize, Worktree>,
}

impl Numbers<'_> {
    /// Runs the command once. Errors: exit 3, it failed, or its last line is no number.
    fn run(&mut self, at: usize) -> anyhow::Result<Ended<f64>> {
        let commit = &self.range.commit(at).commit;
        if !self.checkouts.contains_key(&at) {
            self.checkouts.insert(at, self.repo.worktree(commit)?);
        }
        let log = self.log(at);
        let (program, without) = (this_program()?, withheld());
        let command = server::Command {
            program: &program,
            line: self.command.line,
            cwd: self.checkouts[&at].path(),
            env: &[(COMMIT.to_owned(), commit.clone())].into(),
            without: &without,
            log: &log,
            grace: GRACE,
            container: None,
        };
        let finished = server::run_to_end(&command, || self.job.stop.stopping())
            .map_err(|e| Failure::measure(e.to_string()))?;
        match finished {
            Finished::Stopped => Ok(Ended::Stopped),
            Finished::Failed(exit) if exit.code == Some(SKIP) => {
                Ok(Ended::Skip("the command ended with exit 125".into()))
            }
            Finished::Failed(exit) => bail!(Failure::measure(bilingual!(
                "the command of --run failed at {commit}: {exit}; its output is in {log}\nhint: exit 125 skips a commit that cannot be tested",
                "{commit}에서 --run 명령 실패: {exit}, 출력은 {log}\n힌트: 시험할 수 없는 커밋은 종료 코드 125로 건너뜁니다",
                log = log.display()
            ))),
            Finished::Done => self.number(&log).map(Ended::Measured),
        }
    }

    fn log(&self, at: usize) -> PathBuf {
        self.folder.join("logs").join(format!("{}.log", self.range.commit(at).commit))
    }

    /// Oriented: the log of a number of which more is worse.
    fn number(&self, log: &Path) -> anyhow::Result<f64> {
        let text = read::text(log, read::DATA)?;
        let last = text.lines().rev().map(str::trim).find(|line| !line.is_empty());
        let number = last.and_then(|line| line.parse::<f64>().ok());
        let Some(number) = number.filter(|n| n.is_finite() && *n > 0.0) else {
            bail!(Failure::measure(bilingual!(
                "the last line of --run's output is no number above zero: {last:?}, see {log}",
                "--run 출력의 마지막 줄이 0보다 큰 수가 아님: {last:?}, {log} 참조",
                last = last.unwrap_or_default(),
                log = log.display()
            )));
        };
        Ok(if self.command.higher_is_better { -number.ln() } else { number.ln() })
    }

    /// Runs two positions in turn until the rule says something. The numbers of each.
    fn pairs(
        &mut self,
        (from, to): (usize, usize),
        mut taken: [Vec<f64>; 2],
        mut keep: impl FnMut(usize, f64) -> anyhow::Result<()>,
    ) -> anyhow::Result<Ended<(Ends, [Vec<f64>; 2])>> {
        loop {
            let [good, bad] = &taken;
            let said = ends(good, bad, PAIRS, self.command.detect);
            if said != Ends::Open || good.len().min(bad.len()) >= PAIRS {
                return Ok(Ended::Measured((said, taken)));
            }
            // ABBA: who comes first alternates; what an interrupted pair lacks comes first.
            let side = match good.len().cmp(&bad.len()) {
                std::cmp::Ordering::Less => 0,
                std::cmp::Ordering::Greater => 1,
                std::cmp::Ordering::Equal => good.len() % 2,
            };
            let at = [from, to][side];
            match self.run(at)? {
                Ended::Measured(value) => {
                    keep(at, value)?;
                    taken[side].push(value);
                }
                Ended::Skip(why) => return Ok(Ended::Skip(why)),
                Ended::Stopped => return Ok(Ended::Stopped),
            }
        }
    }

    fn of_position(&self, state: &State, at: usize) -> Vec<f64> {
        let commit = &self.range.commit(at).commit;
        state.numbers.iter().filter(|n| n.commit == *commit).map(|n| n.value).collect()
    }
}

impl Measures for Numbers<'_> {
    fn ends(&mut self, state: &mut State) -> anyhow::Result<Ended<Ends>> {
        let last = self.range.last();
        let range = self.range;
        state.followed =
            Some(Followed { workload: "--run".into(), metric: self.command.line.into() });
        let taken = [self.of_position(state, 0), self.of_position(state, last)];
        let said = self.pairs((0, last), taken, |at, value| {
            state.numbers.push(Number { commit: range.commit(at).commit.clone(), value });
            state.save()
        })?;
        Ok(match said {
            Ended::Measured((ends, _)) => Ended::Measured(ends),
            Ended::Skip(why) => Ended::Skip(why),
            Ended::Stopped => Ended::Stopped,
        })
    }

    fn step(&mut self, state: &mut State, at: usize) -> anyhow::Result<Ended<()>> {
        let mut values = Vec::new();
        let order = if state.fresh.is_multiple_of(2) { [0, at] } else { [at, 0] };
        for at in order {
            match self.run(at)? {
                Ended::Measured(value) => values.push((at, value)),
                Ended::Skip(why) => return Ok(Ended::Skip(why)),
                Ended::Stopped => return Ok(Ended::Stopped),
            }
        }
        let numbers = values
            .into_iter()
            .map(|(at, value)| Number { commit: self.range.commit(at).commit.clone(), value });
        state.numbers.extend(numbers);
        Ok(Ended::Measured(()))
    }

    fn values(&self, state: &State) -> anyhow::Result<Vec<(usize, f64)>> {
        let place = |n: &Number| Some((self.range.position(&n.commit)?, n.value));
        state
            .numbers
            .iter()
            .map(|n| place(n).context("a commit of the search is not in the range"))
            .collect()
    }

    fn past(&self, _: &State) -> anyhow::Result<Variation> {
        Ok(Variation::default())
    }

    fn compare(
        &mut self,
        _: &State,
        from: usize,
        to: usize,
    ) -> anyhow::Result<Ended<(Ends, Option<f64>)>> {
        Ok(match self.pairs((from, to), [Vec::new(), Vec::new()], |_, _| Ok(()))? {
            Ended::Measured((ends, [good, bad])) => {
                let found = Difference::between(&good, &bad, Variation::default());
                Ended::Measured((ends, found.map(|found| found.mean)))
            }
            Ended::Skip(why) => Ended::Skip(why),
            Ended::Stopped => Ended::Stopped,
        })
    }

    fn built(&self) -> Vec<usize> {
        self.checkouts.keys().copied().collect()
    }
}
