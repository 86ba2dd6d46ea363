//! The config's hypotheses, each with what the newest `run --each` said of it. Not here: how one is
//! tested (`judge::ranking`), or what a config may claim (`config`).

use serde::Serialize;

use super::artefacts;
use super::gate::{self, Given};
use super::runs::file::Id;
use super::runs::found::{Run, State};
use super::workspace::Workspace;
use crate::config::Flags;
use crate::lang::Lang;
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
    let rankings: Vec<(&Run, RankingReport)> = runs
        .iter()
        .filter(|run| run.state == State::Ended)
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

/// None: it has none that can be read. Its own page says why.
fn ranking_of(run: &Run) -> Option<RankingReport> {
    let path = run.folder.join(RANKING);
    let text = path.is_file().then(|| artefacts::read(&path).ok()).flatten()?;
    RankingReport::parse(&text).ok()
}

fn standing(claimed: HypothesisRecord, rankings: &[(&Run, RankingReport)], lang: Lang) -> Standing {
    let same = |h: &&HypothesisReport| {
        (&h.workload, &h.metric, &h.claim) == (&claimed.workload, &claimed.metric, &claimed.claim)
    };
    let tested = rankings.iter().find_map(|(run, ranking)| {
        Some((*run, ranking.hypotheses.iter().find(same)?, &ranking.codes))
    });
    Standing {
        outcome: tested.map_or_else(|| UNTESTED.to_owned(), |(_, h, _)| h.outcome.clone()),
        evidence: tested.iter().map(|(_, h, codes)| ranking::outcome(h, codes, lang)).collect(),
        run: tested.map(|(run, ..)| run.id.clone()),
        tested: tested.map(|(run, ..)| run.started.clone()),
        claimed,
    }
}
