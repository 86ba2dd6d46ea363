//! How many replicas and GPUs a load needs, by a stored search for the limit of one; or why that
//! cannot be said. Not here: the search (`measure::find`), the arithmetic (`judge::capacity::fleet`).

use std::path::Path;

use anyhow::bail;

use super::artefacts;
use super::sentence::sentence;
use crate::config::Axis;
use crate::exit::Failure;
use crate::judge::capacity::Refusal;
use crate::judge::capacity::fleet::Demand;
use crate::lang::{Text, bilingual};
use crate::metric::Metric;
use crate::record::{Record, WorkloadRecord, recompute};
use crate::report::capacity::{Capacity, capacity};
use crate::report::recommend::{Recommendation, SCHEMA};

/// What must be held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Peak {
    Rate(f64),
    Concurrency(f64),
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    pub from: &'a Path,
    pub peak: Peak,
    pub headroom: f64,
    pub spare: u32,
    /// Share of the requests within the SLOs; the search's own where it is not said.
    pub goal: Option<f64>,
    pub gpus_per_replica: Option<u32>,
    pub gpu_hour: Option<f64>,
    /// What the replicas are and get: another one than was measured is refused.
    pub model: Option<&'a str>,
    pub gpu: Option<&'a str>,
    pub input_tokens: Option<u32>,
    pub output_tokens: Option<u32>,
}

/// Lengths may differ by this share and still be the stated traffic.
const ALIKE: f64 = 0.10;
/// Levels so near the limit (as shares of it) must be fit: they are what it was found by.
const NEAR: (f64, f64) = (0.7, 1.4);

/// Errors: exit 3 with the reason where the record cannot answer.
pub fn recommend(asked: &Asked<'_>) -> anyhow::Result<Recommendation> {
    let mut record = Record::parse(&artefacts::read(asked.from)?)?;
    recompute::findings(&mut record)?;
    if let (Some(find), Some(goal)) = (&mut record.find, asked.goal) {
        find.goal_ratio = goal;
    }
    let Some((found, _)) = capacity(&record) else {
        bail!(Failure::measure(bilingual!(
            "no recommendation: this record is of no search for a limit\nhint: goodput-gate run --find rate (or concurrency) measures one",
            "추천할 수 없음: 한계를 찾은 기록이 아님\n힌트: goodput-gate run --find rate(또는 concurrency)로 측정하십시오"
        )));
    };
    let peak = peak(asked.peak, &found)?;
    let Some(limit) = found.limit else { return Err(unanswered(&found)) };
    let Some(find) = &record.find else { return Err(unanswered(&found)) };
    let mut levels: Vec<(f64, &WorkloadRecord)> = find.levels(&record).collect();
    levels.sort_by(|a, b| a.0.total_cmp(&b.0));
    client_in_time(&levels, limit.at)?;
    let Some((at, below)) = levels.iter().rev().find(|(load, _)| *load <= limit.at).copied() else {
        return Err(unanswered(&found));
    };
    same_server(asked, below)?;
    same_traffic(asked, below)?;
    let demand = Demand { peak, headroom: asked.headroom, spare: asked.spare };
    let Some(replicas) = demand.replicas(&limit) else {
        bail!("the peak is no load that a million replicas hold: is it a slip of the keyboard?");
    };
    let gpus = asked.gpus_per_replica.or_else(|| gpus_of(below));
    let pooled = below.pooled_values()?;
    // In requests per second each brings its tokens; in flight each takes its share of the speed.
    let per_load = match found.axis {
        Axis::Rate => pooled.get(&Metric::RequestRate).copied(),
        Axis::Concurrency => Some(at),
    };
    let tokens = pooled.get(&Metric::OutputTokenRate).copied().zip(per_load);
    let tokens = tokens.filter(|(_, load)| *load > 0.0).map(|(rate, load)| rate / load * peak);
    let cost = asked.gpu_hour.zip(gpus).zip(tokens.filter(|t| *t > 0.0));
    let cost = cost.map(|((hour, gpus), tokens)| {
        hour * f64::from(gpus) * f64::from(replicas.most) / (tokens * 3600.0) * 1e6
    });
    let goal = found.goal_ratio;
    Ok(Recommendation {
        schema: SCHEMA.into(),
        version: 1,
        model: fact(below, "model").map(str::to_owned),
        gpu: fact(below, "gpu").map(str::to_owned),
        limit,
        peak,
        headroom_ratio: asked.headroom,
        spare: asked.spare,
        add_one_at: demand.add_one_at(replicas.most, &limit),
        replicas,
        gpus_per_replica: gpus,
        output_tokens_per_s: tokens,
        goodput_per_s: (found.axis == Axis::Rate).then_some(peak * goal),
        cost_per_million_tokens: cost,
        capacity: found,
    })
}

/// In what the limit is in. Errors: the search was over the other axis.
fn peak(asked: Peak, found: &Capacity) -> anyhow::Result<f64> {
    match (asked, found.axis) {
        (Peak::Rate(peak), Axis::Rate) | (Peak::Concurrency(peak), Axis::Concurrency) => Ok(peak),
        (Peak::Rate(_), Axis::Concurrency) => bail!(Failure::measure(bilingual!(
            "no recommendation: the limit is in requests in flight, and the peak in requests per second\nhint: --peak-concurrency, or goodput-gate run --find rate",
            "추천할 수 없음: 한계는 동시 요청 수인데 최대 부하는 초당 요청 수\n힌트: --peak-concurrency를 쓰거나 goodput-gate run --find rate로 측정하십시오"
        ))),
        (Peak::Concurrency(_), Axis::Rate) => bail!(Failure::measure(bilingual!(
            "no recommendation: the limit is in requests per second, and the peak in requests in flight\nhint: --peak-rate, or goodput-gate run --find concurrency",
            "추천할 수 없음: 한계는 초당 요청 수인데 최대 부하는 동시 요청 수\n힌트: --peak-rate를 쓰거나 goodput-gate run --find concurrency로 측정하십시오"
        ))),
    }
}

/// Why no limit can be named.
fn unanswered(found: &Capacity) -> anyhow::Error {
    let why = Text { en: found.to_string(), ko: crate::report::capacity::korean(found) };
    let hint = match found.refusal {
        Some(Refusal::NoneMeets { .. }) => bilingual!(
            "\nhint: no number of such replicas meets these SLOs: loosen them, or make one replica faster",
            "\n힌트: 이런 복제본은 몇 개라도 이 SLO를 충족하지 못합니다. SLO를 완화하거나 복제본 하나를 더 빠르게 하십시오"
        ),
        _ => bilingual!(
            "\nhint: more rounds (--set find.rounds=60), or another first load (--set find.from=...)",
            "\n힌트: 라운드를 늘리거나(--set find.rounds=60) 다른 부하에서 시작하십시오(--set find.from=...)"
        ),
    };
    Failure::measure(bilingual!("no recommendation: ", "추천할 수 없음: ").then(&why).then(&hint))
        .into()
}

fn client_in_time(levels: &[(f64, &WorkloadRecord)], limit: f64) -> anyhow::Result<()> {
    let near = |load: f64| (NEAR.0 * limit..=NEAR.1 * limit).contains(&load);
    let mut unfit = levels.iter().filter(|(load, _)| near(*load));
    let first = unfit.find_map(|(load, w)| Some((load, w.invalid().into_iter().next()?)));
    let Some((load, why)) = first else { return Ok(()) };
    let what = bilingual!(
        "no recommendation: the measurement at {load} is INVALID: ",
        "추천할 수 없음: {load}의 측정이 INVALID: "
    );
    Err(Failure::measure(what.then(&sentence(why))).into())
}

fn fact<'a>(workload: &'a WorkloadRecord, field: &str) -> Option<&'a str> {
    workload.fingerprint.0.get(field).map(String::as_str)
}

fn same_server(asked: &Asked<'_>, workload: &WorkloadRecord) -> anyhow::Result<()> {
    for (field, wanted) in [("model", asked.model), ("gpu", asked.gpu)] {
        let Some(wanted) = wanted else { continue };
        let was = fact(workload, field).unwrap_or("unknown");
        if !was.to_lowercase().contains(&wanted.to_lowercase()) {
            bail!(Failure::measure(bilingual!(
                "no recommendation: the {field} that was measured is {was}, not {wanted}\nhint: measure one replica on {wanted}",
                "추천할 수 없음: 측정한 {field}은(는) {was}, 요청은 {wanted}\n힌트: {wanted}에서 복제본 하나를 측정하십시오"
            )));
        }
    }
    Ok(())
}

fn same_traffic(asked: &Asked<'_>, workload: &WorkloadRecord) -> anyhow::Result<()> {
    let load = &workload.load;
    let lengths = [
        ("input tokens", asked.input_tokens, load.input_tokens),
        ("output tokens", asked.output_tokens, load.output_tokens),
    ];
    for (what, stated, measured) in lengths {
        let Some(stated) = stated else { continue };
        if (f64::from(stated) / f64::from(measured) - 1.0).abs() > ALIKE {
            bail!(Failure::measure(bilingual!(
                "no recommendation: requests were measured with {measured} {what}, and the traffic has {stated}\nhint: measure with prompts and lengths like the traffic's",
                "추천할 수 없음: 측정한 요청의 {what}은 {measured}, 실제 트래픽은 {stated}\n힌트: 실제 트래픽과 같은 프롬프트와 길이로 측정하십시오"
            )));
        }
    }
    Ok(())
}

/// Of one replica, by the server's own settings. None where it says nothing of them.
fn gpus_of(workload: &WorkloadRecord) -> Option<u32> {
    let flags = fact(workload, "server_flags")?;
    let value = |names: [&str; 2]| {
        let mut words = flags.split_whitespace().filter_map(|word| word.split_once('='));
        words.find(|(name, _)| names.contains(name)).and_then(|(_, n)| n.parse::<u32>().ok())
    };
    let tensor = value(["tensor_parallel_size", "tp_size"])?;
    let others =
        [value(["pipeline_parallel_size", "pp_size"]), value(["data_parallel_size", "dp_size"])];
    others.into_iter().flatten().try_fold(tensor, u32::checked_mul).filter(|gpus| *gpus > 0)
}
