//! What a workload names and asks for, before anything is sent: its file, and whether this process
//! can run such a load.

use std::sync::Arc;

use anyhow::{Context as _, bail};

use crate::config::{self, Workload};
use crate::load::most_connections;
use crate::print::say;
use crate::protocol::Dialect as _;
use crate::{memory, plan, read};

/// Largest file of a load: what is read is held in memory, and each of its requests again as a
/// body.
const MAX_FILE_BYTES: u64 = 512 << 20;

/// The text of the trace or dataset that a workload names.
pub fn read_file(workload: &Workload) -> anyhow::Result<Option<Arc<str>>> {
    let Some(path) = workload.file() else { return Ok(None) };
    if let Some(text) = &workload.text {
        return Ok(Some(Arc::clone(text)));
    }
    let size = std::fs::metadata(path).map_or(0, |m| m.len());
    if size > MAX_FILE_BYTES {
        bail!(
            "{} has {} MiB, and {} MiB are read at most\nhint: take a part of it, such as its first lines",
            path.display(),
            size >> 20,
            MAX_FILE_BYTES >> 20
        );
    }
    let text =
        read::text(path, MAX_FILE_BYTES).with_context(|| format!("cannot read {}", path.display()));
    text.map(|text| Some(text.into())).with_context(|| format!("workload {}", workload.name))
}

/// Bytes of a request of the round that runs: its place in the plan, its body's frame, its
/// timeline, with what they leave unused.
const RUNNING_BYTES: u64 = 1200;
/// Bytes of a request in the record, with room for what is made of it at the end.
const RECORDED_BYTES: u64 = 200;

/// Address space that the loads of all workloads and sides may take, bytes, about.
pub fn needed(sizes: &[plan::Size], starts: u32) -> u64 {
    let kept: u64 = sizes
        .iter()
        .map(|s| s.requests.saturating_mul(u64::from(starts)).saturating_mul(RECORDED_BYTES))
        .sum();
    let round = |s: &plan::Size| {
        s.round_bytes.saturating_add(s.round_requests.saturating_mul(RUNNING_BYTES))
    };
    memory::LEAST + kept + sizes.iter().map(round).max().unwrap_or(0)
}

/// Errors: exit 2, the workload cannot be planned, or keeps more requests in flight than this
/// process may have connections.
pub fn fits(
    workload: &Workload,
    file: Option<&str>,
    target: &config::Target,
    rounds: u32,
) -> anyhow::Result<plan::Size> {
    let (protocol, salt) = (&target.protocol, plan::salt(0));
    let extras = protocol.extras(workload.ignore_eos, workload.stream);
    let size = plan::check(
        workload,
        &plan::Input {
            protocol,
            model: "",
            extras,
            salt: &salt,
            session: "",
            rounds,
            file,
            extra_body: &target.extra_body,
        },
    )
    .with_context(|| format!("workload {}", workload.name))?;
    let (wanted, room) = (workload.arrival.concurrency().unwrap_or(0) as usize, most_connections());
    if wanted > room {
        bail!(
            "workload {} keeps {wanted} requests in flight, and the limit of open files leaves room for {room} connections\nhint: raise it (ulimit -n {}), or lower the concurrency",
            workload.name,
            wanted + 100
        );
    }
    if let Some(likely) = workload.arrival.rate().filter(|rate| *rate > room as f64) {
        say(&format!(
            "note: the limit of open files (ulimit -n) leaves room for {room} connections, and workload {} sends {likely} requests per second: where more of them wait at once, the round is INVALID",
            workload.name
        ));
    }
    Ok(size)
}
