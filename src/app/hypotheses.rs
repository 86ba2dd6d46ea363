//! The config's hypotheses, each with what the newest `run --each` said of it. Not here: how one is
//! tested (`judge::ranking`), or what a config may claim (`config`).

use serde::Serialize;

use super::artefacts;
use super::gate::{self, Given};
use super::runs::file::Id;
use super::runs::found::{Run, State};
use super::workspace::Workspace;
use crate::config::Flags;
use crate::lang::{Lang, bilingual};
use crate::record::HypothesisRecord;
use crate::record::facts::hypothesis;
use crate::report::ranking::{self, HypothesisReport, RankingReport};

/// What a ranking is called in the folder of its run.
const RANKING: &str = "ranking.json";
/// Rankings that are looked into for a claim that newer ones do not have.
const MOST: usize = 10;
/// Of a claim that no kept run has tested.
const UNTESTED: &str = "unmeasured";

#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    #[serde(flatten)]
    pub claimed: HypothesisRecord,
    /// `confirmed`, `refuted`, `undecided` or `unmeasured`.
    pub outcome: String,
    /// Its numbers in words; none where no kept run has tested it.
    pub evidence: Vec<String>,
    /// The run that tested it, and when that began.
    pub run: Option<Id>,
    pub tested: Option<String>,
}

/// `runs`: newest first. Errors: there is no config that can be used.
pub fn all(here: &Workspace, runs: &[Run], lang: Lang) -> anyhow::Result<Vec<Standing>> {
    let claimed = claimed(here)?;
    let rankings: Vec<(&Run, Ranking)> = runs
        .iter()
        .filter(|run| matches!(run.state, State::Ended | State::Damaged))
        .filter_map(|run| Some((run, ranking_of(run)?)))
        .take(if claimed.is_empty() { 0 } else { MOST })
        .collect();
    Ok(claimed.into_iter().map(|claimed| standing(claimed, &rankings, lang)).collect())
}

/// Those of the config on the disk. It may name `targets` alone, as `run --each` takes them.
fn claimed(here: &Workspace) -> anyhow::Result<Vec<HypothesisRecord>> {
    let config = gate::config(here, &Given::default()).or_else(|why| {
        let flags = Flags { each: true, ..Flags::default() };
        gate::config(here, &Given { flags, ..Given::default() }).map_err(|_| why)
    })?;
    Ok(config.hypotheses.iter().map(hypothesis).collect())
}

enum Ranking {
    Whole(Box<RankingReport>),
    /// The run's own page says how.
    Damaged,
}

/// None: the run made none.
fn ranking_of(run: &Run) -> Option<Ranking> {
    let path = run.folder.join(RANKING);
    let lost = run.damage.iter().any(|damage| damage.starts_with(RANKING));
    let read = || RankingReport::parse(&artefacts::read(&path).ok()?).ok();
    let whole = || read().filter(|_| run.damage.is_empty()).map(Box::new);
    (path.is_file() || lost).then(|| whole().map_or(Ranking::Damaged, Ranking::Whole))
}

/// Of the newest run that has tested it. A damaged one may have, so nothing older stands for it.
fn standing(claimed: HypothesisRecord, rankings: &[(&Run, Ranking)], lang: Lang) -> Standing {
    let same = |h: &&HypothesisReport| {
        (&h.workload, &h.metric, &h.claim) == (&claimed.workload, &claimed.metric, &claimed.claim)
    };
    let tested = rankings.iter().find_map(|(run, ranking)| match ranking {
        Ranking::Damaged => Some((*run, None)),
        Ranking::Whole(ranking) => {
            Some((*run, Some((ranking.hypotheses.iter().find(same)?, &ranking.codes))))
        }
    });
    let (outcome, evidence) = match tested {
        None => (UNTESTED.to_owned(), None),
        Some((run, None)) => {
            let why = bilingual!(
                "the run {run} may have tested it, and its ranking is damaged",
                "실행 {run}이 검증했을 수 있으나 순위표가 손상됨",
                run = run.id.short()
            );
            (UNTESTED.to_owned(), Some(why.in_language(lang).to_owned()))
        }
        Some((_, Some((h, codes)))) => (h.outcome.clone(), Some(ranking::outcome(h, codes, lang))),
    };
    Standing {
        outcome,
        evidence: evidence.into_iter().collect(),
        run: tested.map(|(run, _)| run.id.clone()),
        tested: tested.map(|(run, _)| run.started.clone()),
        claimed,
    }
}
