//! The records of a run's shards, read and put together. Not here: how that is done
//! (`record::merge`), or what is printed.

use std::path::PathBuf;

use super::artefacts;
use super::error_text::cannot_use;
use crate::lang::Explained as _;
use crate::record::Record;
use crate::record::merge::{self, MergeError};

/// Errors: a file that is no record, or records that are not of one run.
pub fn merged(paths: &[PathBuf]) -> anyhow::Result<Record> {
    let records = paths
        .iter()
        .map(|path| Record::parse_part(&artefacts::read(path)?).explained(|| cannot_use(path)));
    let records = records.collect::<anyhow::Result<Vec<_>>>()?;
    merge::merge(records).map_err(|e: MergeError| anyhow::anyhow!(e.text()))
}
