//! `schema`: JSON Schema of the config, the record, the report or the ranking, on standard output.
//!
//! Not here: the shapes themselves.

use anyhow::Context as _;

use super::output;
use crate::cli::{SchemaArgs, SchemaKind};
use crate::config;
use crate::exit::ExitStatus;
use crate::{record, report};

/// Prints one schema.
pub fn run(args: &SchemaArgs) -> anyhow::Result<ExitStatus> {
    let schema = match args.what {
        SchemaKind::Config => config::schema(),
        SchemaKind::Record => record::schema(),
        SchemaKind::Ranking => report::ranking::schema(),
        SchemaKind::Report => report::schema(),
    };
    let text = serde_json::to_string_pretty(&schema).context("cannot write the schema as JSON")?;
    output::print(&text)?;
    Ok(ExitStatus::Pass)
}
