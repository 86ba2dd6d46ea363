//! What a workload names and asks for, before anything is sent: its file, and whether this process
//! can run such a load.

use std::sync::Arc;

use anyhow::bail;

use crate::app::artefacts;
use crate::config::{self, Workload};
use crate::lang::{Explained as _, Text, bilingual};
use crate::load::most_connections;
use crate::plan::shard::Shard;
use crate::print::note;
use crate::protocol::{Dialect as _, Extras};
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
        bail!(bilingual!(
            "{path} has {mib} MiB, and {most} MiB are read at most\nhint: take a part of it, such as its first lines",
            "{path}: {mib} MiB, 최대 {most} MiB까지 읽음\n힌트: 앞부분만 잘라 쓰십시오",
            path = path.display(),
            mib = size >> 20,
            most = MAX_FILE_BYTES >> 20
        ));
    }
    let text = read::text(path, MAX_FILE_BYTES).explained(|| artefacts::unreadable(path));
    text.map(|text| Some(text.into())).explained(|| named(workload))
}

fn named(workload: &Workload) -> Text {
    bilingual!("workload {name}", "워크로드 {name}", name = workload.name)
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

/// The plan's digests, one for each choice of fields that a server may take of those that are sent by
/// themselves. Errors: as [`fits`].
pub fn digests(
    workload: &Workload,
    target: &config::Target,
    rounds: u32,
    shards: u32,
) -> anyhow::Result<Vec<String>> {
    let (protocol, salt) = (&target.protocol, plan::salt(0));
    let file = read_file(workload)?;
    let wanted = protocol.extras(workload.ignore_eos, workload.stream);
    let mut all = Vec::new();
    for choice in 0..8 {
        let takes = |bit: u32| choice & (1 << bit) == 0;
        let extras = Extras {
            ignore_eos: wanted.ignore_eos && takes(0),
            min_tokens: wanted.min_tokens && takes(1),
            stream_usage: wanted.stream_usage && takes(2),
            ..wanted
        };
        let input = plan::Input {
            protocol,
            model: "",
            extras,
            salt: &salt,
            session: "",
            rounds,
            shards,
            file: file.as_deref(),
            extra_body: &target.extra_body,
        };
        all.push(plan::outline(workload, &input).explained(|| named(workload))?.digest);
    }
    Ok(all)
}

/// Errors: exit 2, the workload cannot be planned, or keeps more requests in flight than this
/// process may have connections.
pub fn fits(
    workload: &Workload,
    file: Option<&str>,
    target: &config::Target,
    rounds: u32,
    shard: Shard,
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
            shards: shard.count,
            file,
            extra_body: &target.extra_body,
        },
    )
    .explained(|| named(workload))?;
    // What follows is of this process alone.
    let own = |all: u64| shard.requests(all, 1);
    let size = plan::Size {
        requests: own(size.requests),
        round_requests: own(size.round_requests),
        round_bytes: size.round_bytes / u64::from(shard.count),
    };
    let wanted = own(workload.arrival.concurrency().unwrap_or(0).into());
    let (wanted, room) = (usize::try_from(wanted).unwrap_or(usize::MAX), most_connections());
    if wanted > room {
        bail!(bilingual!(
            "workload {name} keeps {wanted} requests in flight, and the limit of open files leaves room for {room} connections\nhint: raise it (ulimit -n {files}), or lower the concurrency",
            "워크로드 {name}: 동시 요청 {wanted}개, 열린 파일 수 제한으로 연결은 {room}개까지 가능\n힌트: 제한을 올리거나(ulimit -n {files}) 동시 요청 수를 줄이십시오",
            name = workload.name,
            files = wanted + 100
        ));
    }
    if let Some(likely) = workload
        .arrival
        .rate()
        .map(|rate| rate / f64::from(shard.count))
        .filter(|r| *r > room as f64)
    {
        note(&bilingual!(
            "the limit of open files (ulimit -n) leaves room for {room} connections, and workload {name} sends {likely} requests per second: where more of them wait at once, the round is INVALID",
            "열린 파일 수 제한(ulimit -n)으로 연결은 {room}개까지 가능하고, 워크로드 {name}의 부하는 초당 요청 {likely}개: 동시에 대기하는 요청이 그보다 많으면 라운드는 INVALID",
            name = workload.name
        ));
    }
    Ok(size)
}
