//! Which commit made it slow: the ends of a range first, then start after start where the answer is
//! most open, then the culprit against its parent.
//!
//! Not here: what the starts say of the commits (`judge::bisect`), how one is measured (`server`,
//! `number`).

use std::path::PathBuf;

use anyhow::bail;
use sha2::{Digest as _, Sha256};

use super::dry_run;
use super::gate::Given;
use super::job::Job;
use super::options::RunOptions;
use super::workspace::Workspace;
use crate::clock::monotonic_ns;
use crate::config::{Config, Endpoint};
use crate::exit::Failure;
use crate::judge::bisect::{Bisect, Difference, Ends, Step, expected_starts, explained};
use crate::judge::history::Variation;
use crate::lang::{Text, bilingual};
use crate::print::speak;
use crate::report::text::short;

mod answer;
mod checkouts;
mod number;
mod range;
mod server;
mod state;

pub use answer::Answer;
use answer::{Culprit, Outcome, percent};
use number::Numbers;
use range::Range;
use server::Servers;
use state::{Followed, Question, State};

/// Folder of a search below the output folder.
const FOLDER: &str = "bisect";
/// A step whose measurement is INVALID is measured again, so often at most.
const AGAIN: usize = 2;

/// What is searched, and how.
pub struct What<'a> {
    pub here: &'a Workspace,
    pub options: &'a RunOptions,
    pub given: &'a Given,
    pub good: &'a str,
    pub bad: &'a str,
    /// Only commits that change these; all where there are none.
    pub paths: &'a [PathBuf],
    /// The metric to follow, by name; the one that the ends differ most by where it is none.
    pub metric: Option<&'a str>,
    /// A command that prints a number, in the place of the config's server.
    pub command: Option<Command<'a>>,
    /// Fresh starts at most, beside those of the ends and of the last comparison.
    pub budget: usize,
    /// An unfinished search in the same folder is thrown away.
    pub restart: bool,
}

/// `--run`.
#[derive(Clone, Copy, Debug)]
pub struct Command<'a> {
    pub line: &'a str,
    pub higher_is_better: bool,
    /// A slowdown that must be found, as a fraction.
    pub detect: f64,
}

/// Measures positions of a range, by one number per start: its oriented log, so that more is worse.
trait Measures {
    /// Both ends, as a gate does; what it took goes into the state.
    fn ends(&mut self, state: &mut State) -> anyhow::Result<Ended<Ends>>;
    /// One fresh start of a position beside one of GOOD.
    fn step(&mut self, state: &mut State, at: usize) -> anyhow::Result<Ended<()>>;
    /// Every start that was taken, with its position.
    fn values(&self, state: &State) -> anyhow::Result<Vec<(usize, f64)>>;
    /// What the history says of the start-to-start variance.
    fn past(&self, state: &State) -> anyhow::Result<Variation>;
    /// Two positions, as a gate compares them, and the mean difference.
    fn compare(
        &mut self,
        state: &State,
        from: usize,
        to: usize,
    ) -> anyhow::Result<Ended<(Ends, Option<f64>)>>;
    /// Positions that need no build.
    fn built(&self) -> Vec<usize>;
}

/// How a measurement ended.
enum Ended<T> {
    Measured(T),
    /// This position cannot be measured, and why.
    Skip(String),
    Stopped,
}

/// The search. `begin` begins the job. None: interrupted while it waited for another gate. Errors:
/// exit 2, there is nothing to search; exit 3, an end cannot be measured.
pub fn bisect(
    config: &Config,
    what: &What<'_>,
    begin: impl FnOnce() -> anyhow::Result<Option<Job>>,
) -> anyhow::Result<Option<Answer>> {
    if what.command.is_none() && !matches!(config.target.endpoint, Endpoint::Started(_)) {
        bail!(bilingual!(
            "a search builds and starts the server of many commits, and this config starts none\nhint: set server.start (and server.build), or name a command that prints a number with --run",
            "탐색은 여러 커밋의 서버를 빌드하고 시작하는데, 이 설정은 서버를 시작하지 않음\n힌트: server.start(와 server.build)를 쓰거나, 수를 출력하는 명령을 --run으로 지정하십시오"
        ));
    }
    let repo = what.here.repo(config)?;
    repo.remove_abandoned_worktrees();
    let range = Range::between(&repo, what.good, what.bad, what.paths)?;
    let folder = what.options.out.join(FOLDER);
    let Some(mut job) = begin()? else { return Ok(None) };
    if !job.load(what.here, config, what.command.is_none().then_some(&config.target))? {
        return Ok(None);
    }
    let mut state = State::open(&folder, question(config, what, &range), what.restart)?;
    speak(&range.in_words());
    if state.goes_on() {
        speak(&bilingual!(
            "goes on with the unfinished search in {folder}",
            "{folder}의 끝나지 않은 탐색을 이어서 진행",
            folder = folder.display()
        ));
    }
    let mut measures: Box<dyn Measures + '_> = match what.command {
        Some(command) => Box::new(Numbers {
            repo: &repo,
            command,
            range: &range,
            folder: &folder,
            job: &job,
            checkouts: std::collections::BTreeMap::new(),
        }),
        None => Box::new(Servers::new(config, what, &repo, &range, (&folder, &state), &job)?),
    };
    let answer = Hunt { range: &range, budget: what.budget }.run(&mut *measures, &mut state)?;
    state.close(&answer, answer.closes())?;
    Ok(Some(answer))
}

/// What a search would do, in words; nothing is sent and nothing is started.
pub fn plan(config: &Config, what: &What<'_>) -> anyhow::Result<Text> {
    let repo = what.here.repo(config)?;
    let range = Range::between(&repo, what.good, what.bad, what.paths)?;
    let budget = what.budget;
    let after = bilingual!(
        "then {budget} starts at most, each beside one of GOOD, and the gate from the culprit's parent to it",
        "그다음 시작 최대 {budget}회(매번 GOOD와 나란히), 그리고 원인 커밋의 부모에서 그 커밋까지 게이트"
    );
    let ends = match what.command {
        Some(command) => Text::from(command.line),
        None => dry_run::text(&server::interleaved(config, &range), Some(range.good()))?,
    };
    Ok(Text::joined(&[range.in_words(), ends, after], "\n"))
}

fn question(config: &Config, what: &What<'_>, range: &Range) -> Question {
    let how = format!("{:?} {:?} {:?}", what.command, what.metric, config);
    Question {
        good: range.good().to_owned(),
        bad: range.bad().to_owned(),
        paths: what.paths.to_vec(),
        how: format!("{:x}", Sha256::digest(how)),
    }
}

struct Hunt<'a> {
    range: &'a Range,
    budget: usize,
}

impl Hunt<'_> {
    fn run(&self, measures: &mut dyn Measures, state: &mut State) -> anyhow::Result<Answer> {
        let began = monotonic_ns();
        if state.ends.is_none() {
            speak(&bilingual!("first the gate, from GOOD to BAD", "먼저 GOOD에서 BAD까지 게이트"));
        }
        let ends =
            match state.ends.map_or_else(|| measures.ends(state), |e| Ok(Ended::Measured(e)))? {
                Ended::Measured(ends) => ends,
                Ended::Stopped => return self.answer(Outcome::Stopped, measures, state),
                Ended::Skip(why) => bail!(Failure::measure(bilingual!(
                    "an end of the range cannot be measured: {why}",
                    "범위의 끝을 측정할 수 없음: {why}"
                ))),
            };
        if state.ends.is_none() {
            let starts = measures.values(state)?.len().max(1);
            state.start_seconds = Some((monotonic_ns() - began) as f64 / 1e9 / starts as f64);
        }
        state.ends = Some(ends);
        state.save()?;
        match ends {
            Ends::Same => self.answer(Outcome::NoRegression, measures, state),
            Ends::Open => self.answer(Outcome::EndsOpen, measures, state),
            Ends::Slower => self.search(measures, state),
        }
    }

    /// Start after start, until one answer is likely enough.
    fn search(&self, measures: &mut dyn Measures, state: &mut State) -> anyhow::Result<Answer> {
        self.say_cost(measures, state)?;
        loop {
            let bisect = self.bisect(measures, state)?;
            let left = self.budget.saturating_sub(state.fresh);
            match bisect.next(left, &measures.built()) {
                Step::NoChange { .. } => {
                    return self.answer(Outcome::EndsOpen, measures, state);
                }
                Step::Window { first, last, mass } => {
                    let window = self.commits(first, last);
                    let outcome = Outcome::Window { window, probability: mass };
                    return self.answer(outcome, measures, state);
                }
                Step::Found { first, last, mass } => {
                    return self.confirm(measures, state, (first, last), mass);
                }
                Step::Measure(at) => {
                    if !self.step(measures, state, at)? {
                        return self.answer(Outcome::Stopped, measures, state);
                    }
                }
            }
        }
    }

    /// False: interrupted.
    fn step(
        &self,
        measures: &mut dyn Measures,
        state: &mut State,
        at: usize,
    ) -> anyhow::Result<bool> {
        let commit = self.range.commit(at);
        let name = short(&commit.commit);
        match measures.step(state, at)? {
            Ended::Stopped => return Ok(false),
            Ended::Skip(why) => {
                speak(&bilingual!("{name} is skipped: {why}", "{name} 건너뜀: {why}"));
                state.skipped.insert(commit.commit.clone(), why);
            }
            Ended::Measured(()) => {
                state.fresh += 1;
                let values = measures.values(state)?;
                let own = values.iter().rev().find(|(position, _)| *position == at);
                let posterior = self.bisect(measures, state)?.posterior();
                let (most, share) = posterior.likeliest();
                speak(&bilingual!(
                    "start {n}: {name} {change} against GOOD; most likely {culprit} ({share})",
                    "시작 {n}: {name} GOOD 대비 {change}, 가장 유력 {culprit} ({share})",
                    n = state.fresh,
                    change = own.map_or_else(|| "?".into(), |(_, v)| change(*v - good(&values))),
                    culprit = short(&self.range.culprit(most).commit),
                    share = percent(share)
                ));
            }
        }
        state.save()?;
        Ok(true)
    }

    /// All that was measured, and what cannot be.
    fn bisect(&self, measures: &dyn Measures, state: &State) -> anyhow::Result<Bisect> {
        let last = self.range.last();
        let Some(mut bisect) = Bisect::new(last, measures.past(state)?) else {
            bail!("a range has two ends");
        };
        for (position, value) in measures.values(state)? {
            bisect.observe(position, value);
        }
        for commit in state.skipped.keys() {
            if let Some(position) = self.range.position(commit) {
                bisect.skip(position);
            }
        }
        Ok(bisect)
    }

    /// A whole gate from the parent to the culprit.
    fn confirm(
        &self,
        measures: &mut dyn Measures,
        state: &mut State,
        (first, last): (usize, usize),
        probability: f64,
    ) -> anyhow::Result<Answer> {
        let culprits = self.commits(first, last);
        let subject = self.range.culprit(last).subject.clone();
        let mut culprit = Culprit {
            culprits,
            subject,
            probability,
            confirmed: false,
            change: None,
            explains: None,
        };
        if (first - 1, last) == (0, self.range.last()) {
            // The gate has compared these two already.
            culprit.confirmed = true;
            culprit.change = self.whole(measures, state)?;
            culprit.explains = Some(1.0);
            return self.answer(Outcome::Found(culprit), measures, state);
        }
        speak(&bilingual!(
            "last the gate, from {parent} to {name}",
            "마지막으로 {parent}에서 {name}까지 게이트",
            parent = short(&self.range.commit(first - 1).commit),
            name = short(&self.range.commit(last).commit)
        ));
        match measures.compare(state, first - 1, last)? {
            Ended::Stopped => return self.answer(Outcome::Stopped, measures, state),
            Ended::Skip(_) => {}
            Ended::Measured((ends, found)) => {
                culprit.confirmed = ends == Ends::Slower;
                culprit.change = found.map(f64::exp_m1);
                let whole = self.difference(measures, state)?.map(|whole| whole.mean);
                culprit.explains = found.zip(whole).and_then(|(own, whole)| explained(own, whole));
            }
        }
        self.answer(Outcome::Found(culprit), measures, state)
    }

    fn commits(&self, first: usize, last: usize) -> Vec<String> {
        (first..=last).map(|at| self.range.culprit(at).commit.clone()).collect()
    }

    /// Of the ends.
    fn difference(
        &self,
        measures: &dyn Measures,
        state: &State,
    ) -> anyhow::Result<Option<Difference>> {
        let values = measures.values(state)?;
        let side = |at| -> Vec<f64> {
            values.iter().filter(|(position, _)| *position == at).map(|(_, value)| *value).collect()
        };
        Ok(Difference::between(&side(0), &side(self.range.last()), measures.past(state)?))
    }

    fn whole(&self, measures: &dyn Measures, state: &State) -> anyhow::Result<Option<f64>> {
        Ok(self.difference(measures, state)?.map(|found| found.mean.exp_m1()))
    }

    fn say_cost(&self, measures: &dyn Measures, state: &State) -> anyhow::Result<()> {
        let Some(found) = self.difference(measures, state)? else { return Ok(()) };
        let sd = found.variance.sqrt();
        let starts = expected_starts(self.range.last(), found.mean, sd);
        let followed = state.followed.as_ref().map_or_else(String::new, Followed::title);
        let slower = format!("{:.1} %", found.mean.exp_m1() * 100.0);
        let found =
            bilingual!("BAD is {slower} slower ({followed})", "BAD가 {slower} 느림 ({followed})");
        let cost: Text = match starts {
            Some(starts) => bilingual!(
                ": to find the commit takes about {starts:.0} starts more, each beside one of GOOD (about {minutes:.0} minutes, and the builds), {budget} at most",
                ": 커밋을 찾는 데 시작 약 {starts:.0}회 더 필요 (매번 GOOD와 나란히, 빌드 외에 약 {minutes:.0}분, 최대 {budget}회)",
                minutes = starts * 2.0 * state.start_seconds.unwrap_or_default() / 60.0,
                budget = self.budget
            ),
            None => Text::default(),
        };
        speak(&found.then(&cost));
        Ok(())
    }

    fn answer(
        &self,
        outcome: Outcome,
        measures: &dyn Measures,
        state: &State,
    ) -> anyhow::Result<Answer> {
        let values = measures.values(state)?;
        let posterior = self.bisect(measures, state)?.posterior();
        let whole_change = self.whole(measures, state)?;
        let answer = Answer { whole_change, ..Answer::new(outcome, self.range, state) };
        Ok(answer.with_odds(self.range, state, &posterior, &values))
    }
}

/// Mean of GOOD's starts.
fn good(values: &[(usize, f64)]) -> f64 {
    let own: Vec<f64> = values.iter().filter(|(at, _)| *at == 0).map(|(_, v)| *v).collect();
    crate::measure::stats::mean(&own).unwrap_or_default()
}

/// Of oriented logs: `+7.9 %`, worse where it is above zero.
fn change(difference: f64) -> String {
    format!("{:+.1} %", difference.exp_m1() * 100.0)
}
