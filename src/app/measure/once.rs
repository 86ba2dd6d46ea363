//! One fresh start of each of two sides, one after the other: a step of a search that looks on
//! after every start. Not here: the gate's pairs (`measure::pair`), or what the steps say.

use anyhow::Context as _;

use super::run::Run;
use super::{BASELINE_RECORD, RECORD};
use crate::app::job::Job;
use crate::app::options::RunOptions;
use crate::app::sides::Side;
use crate::config::Config;
use crate::record::Record;

/// A side that does not build, does not start, or does not answer.
pub struct Broken {
    /// 0 or 1.
    pub side: usize,
    pub why: anyhow::Error,
}

/// Builds both sides, then starts each of them once; `first` (0 or 1) comes first. The outer error
/// is the gate's own: a file that cannot be written. An interrupted run gives what it has.
pub fn once(
    config: &Config,
    options: &RunOptions,
    sides: [&Side; 2],
    job: &Job,
    first: usize,
) -> anyhow::Result<Result<[Record; 2], Broken>> {
    let named = sides.into_iter().zip([BASELINE_RECORD, RECORD]).collect();
    let mut run = Run::begin(config, options, job, 1, named)?;
    for side in 0..2 {
        if let Err(why) = run.build_side(side) {
            return Ok(Err(Broken { side, why }));
        }
    }
    for side in [first, 1 - first] {
        match run.start(0, &[&[side]]) {
            Ok(true) => {}
            Ok(false) => break,
            Err(why) => return Ok(Err(Broken { side, why })),
        }
    }
    let records = run.finish()?.saved()?;
    let records = <[Record; 2]>::try_from(records).ok().context("there are two sides")?;
    Ok(Ok(records))
}
