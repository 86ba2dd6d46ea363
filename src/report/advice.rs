//! What the numbers of a report suggest, in words: each piece names its evidence and what to do, and none is given without evidence. It
//! explains and decides nothing. Not here: why a verdict is what it is (`verdict`), whether a measurement is fit (`measure::validity`).

#[cfg(test)]
mod tests;

use super::server::ServerReport;
use super::sweep::SweepReport;
use super::{DistributionReport, Report, WorkloadReport, text};
use crate::config::Tier;
use crate::evidence::server::Fact;

/// One piece of advice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// Stable word.
    pub rule: &'static str,
    /// What was seen, and what to do about it.
    pub words: String,
}

type Rule = fn(&WorkloadReport, &[SweepReport]) -> Option<String>;

/// What makes the numbers unfair first, then what makes them bad.
const RULES: [(&str, Rule); 7] = [
    ("client_bound", client_bound),
    ("failures", failures),
    ("knee", beyond_the_knee),
    ("goodput", late),
    ("queueing", queueing),
    ("bursty", bursty),
    ("idle_gpu", idle_gpu),
];

// Each number was held against the simulated server (docs/METRICS.md, "Advice"): sound runs draw nothing, a sick one draws its own advice.

/// A thread this busy has little room left: at 90 % the run is INVALID. What comes to one that is busy for a share r waits on average r / (2 (1 - r))
/// of the time that one event takes (M/D/1, L. Kleinrock, "Queueing Systems" I, 1975): 1.2 times at 70 %, 4.5 times at 90 %.
const BUSY: f64 = 0.70;
/// From one failure in twenty on the p95 of all requests is a failure, whatever the p95 of those that succeeded says.
const LEAST_SUCCESS: f64 = 0.95;
/// The share of requests within their SLOs that goodput is commonly asked for: Y. Zhong et al., "`DistServe`", OSDI 2024.
const LEAST_IN_TIME: f64 = 0.90;
/// Waiting is three times as long as work. A server that takes prompts one after another is there at 86 % of its capacity (M/D/1: waiting is
/// r / (2 - r) of the whole), half of it at the 67 % that are a sound load. Of the simulated server it is 0.05 to 0.65 in sound runs, and 0.87 to
/// 0.97 where too few requests may run at once.
const MOSTLY: f64 = 0.75;
/// Nobody minds a wait below this; a server that answers within a fraction of it is no model server.
const LEAST_WAIT_MS: f64 = 1.0;
/// The tail of the gaps against their median: one long pause among even ones. The strongest noise of the simulated server makes 3 times, and a
/// server that is slow throughout 1.
const BURSTY: f64 = 5.0;
/// A reader who is at the end of what has come notices what takes longer than a word does: 238 words per minute (M. Brysbaert, "How many words do we
/// read per minute?", Journal of Memory and Language 109, 2019). Prefills between decode steps, which every sound server has, stay below.
const NOTICED_MS: f64 = 250.0;
/// A shared prefix that is in the cache saves more than repetitions differ by.
const NO_QUICKER: f64 = 0.95;
/// While requests wait, an engine always has a step to compute. Below this its CPU or its limits are in the way: 38 % at most were left for the GPU
/// where they were (33 % in the HTTP server, 29 % in scheduling: "vLLM v0.6.0: 2.7x Throughput Improvement", blog.vllm.ai, 2024-09-05).
const IDLE: f64 = 0.50;
/// On average somebody always waited.
const WAITING: f64 = 1.0;

/// Of one workload, in a stable order. What two tiers were measured for comes first.
pub fn of(report: &Report, w: &WorkloadReport) -> Vec<Advice> {
    let given = RULES.iter().filter_map(|(rule, says)| Some(Advice { rule, words: says(w, &report.sweeps)? }));
    let tiers = warm_beside_cold(report, w).map(|words| Advice { rule: "prefix_cache", words });
    tiers.into_iter().chain(given).collect()
}

/// What the prefix cache did for the first token, told at the warm tier of the same load.
fn warm_beside_cold(report: &Report, w: &WorkloadReport) -> Option<String> {
    let tier = |w: &WorkloadReport, tier| w.load.detail.tier == Some(tier);
    let (family, level) = w.name.rsplit_once("-warm").filter(|_| tier(w, Tier::Warm))?;
    let other = format!("{family}-cold{level}");
    let beside = report.workloads.iter().find(|one| one.name == other && tier(one, Tier::Cold))?;
    let (warm, cold) = (distribution(w, "ttft")?.p50_ms?, distribution(beside, "ttft")?.p50_ms?);
    let ratio = (cold > 0.0).then(|| warm / cold)?;
    let todo = "; look whether the server's prefix cache is on and has room";
    Some(format!(
        "warm TTFT p50 is {ratio:.2} of cold's: {} of {}{}",
        text::value("ms", Some(warm)),
        text::value("ms", Some(cold)),
        if ratio >= NO_QUICKER { todo } else { "" }
    ))
}

fn client_bound(w: &WorkloadReport, _: &[SweepReport]) -> Option<String> {
    let busy = w.client.busiest_worker_ratio.filter(|busy| *busy >= BUSY)?;
    let busy = busy * 100.0;
    Some(format!(
        "the client was nearly the limit: its busiest thread worked {busy:.0} % of the time (from 90 % on the run is INVALID); \
         lower the load, or give the client more processors"
    ))
}

fn failures(w: &WorkloadReport, _: &[SweepReport]) -> Option<String> {
    let rate = rate(w, "success_rate").filter(|rate| *rate < LEAST_SUCCESS)?;
    let most = w.errors.iter().max_by_key(|e| e.count).map(|e| format!(", mostly {} ({})", text::plain(&e.kind), e.count));
    Some(format!(
        "only {} of the requests succeeded{}: latencies are of the others only; mend the failures before the speed",
        text::value("ratio", Some(rate)),
        most.unwrap_or_default()
    ))
}

fn beyond_the_knee(w: &WorkloadReport, sweeps: &[SweepReport]) -> Option<String> {
    sweeps.iter().find_map(|sweep| {
        let level = sweep.levels.iter().find(|level| level.workload == w.name)?.level;
        let knee = sweep.knee.filter(|knee| level > *knee)?;
        Some(format!(
            "level {level} is beyond the knee at {knee}, from where on {} hardly grows and latency does: run below it",
            sweep.curve
        ))
    })
}

/// By the share of requests, since in a closed loop the ramp is in the throughput and not in the goodput. A failure is no late answer.
fn late(w: &WorkloadReport, _: &[SweepReport]) -> Option<String> {
    let (in_time, answered) = (rate(w, "slo_attainment")?, answered(w)?);
    if answered <= 0.0 || in_time >= answered * LEAST_IN_TIME {
        return None;
    }
    let each = ["ttft", "tpot", "e2e"].map(|slo| (slo, rate(w, &format!("slo_attainment_{slo}"))));
    let worst = each.iter().filter_map(|(slo, share)| Some((slo, (*share)?))).min_by(|a, b| a.1.total_cmp(&b.1));
    let missed = worst.map(|(slo, share)| format!("; most often missed: {slo}, met by {}", text::value("ratio", Some(share))));
    Some(format!(
        "only {} of the requests met their SLOs, and {} were answered: the server answers more than it answers in time{}; lower the load or look there",
        text::value("ratio", Some(in_time)),
        text::value("ratio", Some(answered)),
        missed.unwrap_or_default()
    ))
}

/// Share of the requests after the ramp, as SLO attainment is; at least, since a failure may be the ramp's. Of all where the report does not tell.
fn answered(w: &WorkloadReport) -> Option<f64> {
    let Some(after) = w.slo_requests.filter(|n| *n > 0) else { return rate(w, "success_rate") };
    let ramp = w.requests.saturating_sub(after);
    Some(w.completed.saturating_sub(ramp) as f64 / after as f64)
}

/// In the server, as it says itself; else in the client, before a slot was free.
fn queueing(w: &WorkloadReport, _: &[SweepReport]) -> Option<String> {
    let of_server = || {
        let server = w.server.as_ref()?;
        Some((fact(server, Fact::Queue)?, fact(server, Fact::FirstToken)?))
    };
    let of_client = || Some((distribution(w, "queue")?.mean_ms?, distribution(w, "ttft")?.mean_ms?));
    let mostly = |(queue, first): &(f64, f64)| *queue >= LEAST_WAIT_MS && *queue >= first * MOSTLY;
    let says = |(queue, first): (f64, f64), whose: &str, todo: &str| {
        let (queue_ms, first_ms) = (text::value("ms", Some(queue)), text::value("ms", Some(first)));
        format!("TTFT is mostly waiting: {queue_ms} of {first_ms} on average were spent in {whose}; {todo}")
    };
    let server = of_server()
        .filter(mostly)
        .map(|times| says(times, "the server's queue", "lower the load, let more requests run at once, or add a replica"));
    let client =
        || of_client().filter(mostly).map(|times| says(times, "the client's queue", "raise max_in_flight, or lower the load"));
    server.or_else(client)
}

fn bursty(w: &WorkloadReport, _: &[SweepReport]) -> Option<String> {
    let gaps = distribution(w, "chunk_gap")?;
    let (median, tail) = (gaps.p50_ms?, gaps.p99_ms?);
    (tail >= NOTICED_MS && tail >= median * BURSTY).then(|| {
        format!(
            "tokens come in bursts: one chunk gap of a hundred is {} or longer, the median is {}; look for prefills between decode \
             steps, preemptions, or a proxy that buffers",
            text::value("ms", Some(tail)),
            text::value("ms", Some(median))
        )
    })
}

fn idle_gpu(w: &WorkloadReport, _: &[SweepReport]) -> Option<String> {
    let busy: Option<Vec<f64>> = w.gpu.as_ref()?.devices.iter().map(|d| d.utilisation_ratio).collect();
    let busiest = busy?.into_iter().reduce(f64::max).filter(|busiest| *busiest < IDLE)?;
    let waiting = fact(w.server.as_ref()?, Fact::WaitingMean).filter(|waiting| *waiting >= WAITING)?;
    Some(format!(
        "{} requests waited on average while no GPU was busy for more than {:.0} % of the time: look at the server's limits \
         (sequences at once, KV-cache room) and at its CPU",
        text::number(Some(waiting)),
        busiest * 100.0
    ))
}

fn rate(w: &WorkloadReport, name: &str) -> Option<f64> {
    w.rates.iter().find(|r| r.metric == name)?.value
}

fn distribution<'a>(w: &'a WorkloadReport, timing: &str) -> Option<&'a DistributionReport> {
    w.distributions.iter().find(|d| d.timing == timing)
}

fn fact(server: &ServerReport, fact: Fact) -> Option<f64> {
    server.facts.iter().find(|f| f.fact == fact.key())?.candidate
}
