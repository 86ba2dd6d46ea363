//! `run --shard`: which shard this process is, and where it meets the others. Not here: measuring.
#![expect(clippy::disallowed_methods, reason = "rim: reads what started this process")]

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::cli::RunArgs;
use crate::config::parse_duration;
use crate::plan::shard::Shard;
use crate::rendezvous::{Clock, Membership, Place, TOKEN_VARIABLE};

const PATIENCE: Duration = Duration::from_secs(300);

/// None where the whole load is sent from here. Errors: which shard, or where, is not said rightly.
pub fn membership(args: &RunArgs) -> anyhow::Result<Option<Membership>> {
    let Some((shard, place)) = args.shard.as_deref().zip(args.rendezvous.as_deref()) else {
        return Ok(None);
    };
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let shard = match shard {
        "auto" => Shard::from_variables(variable),
        text => Shard::parse(text),
    };
    let patience = args
        .shard_wait
        .as_deref()
        .map(|text| parse_duration(text).map_err(|e| anyhow::anyhow!(e.of_flag("--shard-wait"))));
    let clock = args.bend_clock.as_deref().map(clock).transpose()?;
    Ok(Some(Membership {
        shard: shard.map_err(|e| anyhow::anyhow!(e.text()))?,
        place: Place::parse(place).map_err(|e| anyhow::anyhow!(e))?,
        token: variable(TOKEN_VARIABLE),
        patience: patience.transpose()?.unwrap_or(PATIENCE),
        version: env!("CARGO_PKG_VERSION").into(),
        clock: clock.unwrap_or_default(),
    }))
}

fn clock(text: &str) -> anyhow::Result<Clock> {
    let parts = text.split_once(',').and_then(|(ahead, faster)| {
        Some((ahead.trim().parse::<i64>().ok()?, faster.trim().parse::<f64>().ok()?))
    });
    let (ahead_ms, faster) =
        parts.ok_or_else(|| anyhow::anyhow!("--bend-clock: {text:?} is not MS,SHARE"))?;
    Ok(Clock { ahead_us: ahead_ms.saturating_mul(1_000), faster })
}

/// The same for all shards that meet there: on one machine they are not in each other's way.
pub fn gate(rendezvous: &str) -> u64 {
    let digest = Sha256::digest(format!("shards that meet at {rendezvous}"));
    digest.iter().take(8).fold(0, |n, byte| (n << 8) | u64::from(*byte))
}
