//! What the numbers of a report suggest: each piece names its evidence and what to do, and none is
//! given without evidence. It explains and decides nothing. `Display` is the English. Not here:
//! other languages (`say`), why a verdict is what it is (`verdict`), whether a measurement is fit
//! (`measure::validity`).

#[cfg(test)]
mod tests;

use std::fmt;

use super::server::ServerReport;
use super::sweep::SweepReport;
use super::{DistributionReport, Report, WorkloadReport, text};
use crate::config::{Lang, Tier};
use crate::evidence::server::Fact;

/// One piece of advice. Times in milliseconds, shares from 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub enum Advice {
    /// TTFT p50 of a warm tier beside that of the cold one.
    PrefixCache {
        warm_ms: f64,
        cold_ms: f64,
        helps: bool,
    },
    ClientBound {
        busy: f64,
    },
    Failures {
        succeeded: f64,
        most: Option<(String, u64)>,
    },
    BeyondKnee {
        level: f64,
        knee: f64,
        curve: String,
    },
    /// `worst`: the SLO that most requests missed, and the share that met it.
    Late {
        in_time: f64,
        answered: f64,
        worst: Option<(&'static str, f64)>,
    },
    Queueing {
        queue_ms: f64,
        first_ms: f64,
        whose: Queue,
    },
    Bursty {
        tail_ms: f64,
        median_ms: f64,
    },
    IdleGpu {
        waiting: f64,
        busiest: f64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    Server,
    Client,
}

type Rule = fn(&WorkloadReport, &[SweepReport]) -> Option<Advice>;

/// What makes the numbers unfair first, then what makes them bad.
const RULES: [Rule; 7] =
    [client_bound, failures, beyond_the_knee, late, queueing, bursty, idle_gpu];

// Each number was held against the simulated server (docs/METRICS.md, "Advice"): sound runs draw
// nothing, a sick one draws its own advice.

/// A thread this busy has little room left: at 90 % the run is INVALID. What comes to one that is
/// busy for a share r waits on average r / (2 (1 - r)) of the time that one event takes (M/D/1, L.
/// Kleinrock, "Queueing Systems" I, 1975): 1.2 times at 70 %, 4.5 times at 90 %.
const BUSY: f64 = 0.70;
/// From one failure in twenty on the p95 of all requests is a failure, whatever the p95 of those
/// that succeeded says.
const LEAST_SUCCESS: f64 = 0.95;
/// The share of requests within their SLOs that goodput is commonly asked for: Y. Zhong et al.,
/// "`DistServe`", OSDI 2024.
const LEAST_IN_TIME: f64 = 0.90;
/// Waiting is three times as long as work. A server that takes prompts one after another is there
/// at 86 % of its capacity (M/D/1: waiting is r / (2 - r) of the whole), half of it at the 67 %
/// that are a sound load. Of the simulated server it is 0.05 to 0.65 in sound runs, and 0.87 to
/// 0.97 where too few requests may run at once.
const MOSTLY: f64 = 0.75;
/// Nobody minds a wait below this; a server that answers within a fraction of it is no model
/// server.
const LEAST_WAIT_MS: f64 = 1.0;
/// The tail of the gaps against their median: one long pause among even ones. The strongest noise
/// of the simulated server makes 3 times, and a server that is slow throughout 1.
const BURSTY: f64 = 5.0;
/// A reader who is at the end of what has come notices what takes longer than a word does: 238
/// words per minute (M. Brysbaert, "How many words do we read per minute?", Journal of Memory and
/// Language 109, 2019). Prefills between decode steps, which every sound server has, stay below.
const NOTICED_MS: f64 = 250.0;
/// A shared prefix that is in the cache saves more than repetitions differ by.
const NO_QUICKER: f64 = 0.95;
/// While requests wait, an engine always has a step to compute. Below this its CPU or its limits
/// are in the way: 38 % at most were left for the GPU where they were (33 % in the HTTP server, 29
/// % in scheduling: "vLLM v0.6.0: 2.7x Throughput Improvement", blog.vllm.ai, 2024-09-05).
const IDLE: f64 = 0.50;
/// On average somebody always waited.
const WAITING: f64 = 1.0;

/// Of one workload, in a stable order. What two tiers were measured for comes first.
pub fn for_workload(report: &Report, w: &WorkloadReport) -> Vec<Advice> {
    let given = RULES.iter().filter_map(|rule| rule(w, &report.sweeps));
    warm_beside_cold(report, w).into_iter().chain(given).collect()
}

/// What the prefix cache did for the first token, told at the warm tier of the same load.
fn warm_beside_cold(report: &Report, w: &WorkloadReport) -> Option<Advice> {
    let tier = |w: &WorkloadReport, tier| w.load.detail.tier == Some(tier);
    let (family, level) = w.name.rsplit_once("-warm").filter(|_| tier(w, Tier::Warm))?;
    let other = format!("{family}-cold{level}");
    let beside = report.workloads.iter().find(|one| one.name == other && tier(one, Tier::Cold))?;
    let (warm_ms, cold_ms) =
        (distribution(w, "ttft")?.p50_ms?, distribution(beside, "ttft")?.p50_ms?);
    (cold_ms > 0.0).then(|| Advice::PrefixCache {
        warm_ms,
        cold_ms,
        helps: warm_ms / cold_ms < NO_QUICKER,
    })
}

fn client_bound(w: &WorkloadReport, _: &[SweepReport]) -> Option<Advice> {
    w.client
        .busiest_worker_ratio
        .filter(|busy| *busy >= BUSY)
        .map(|busy| Advice::ClientBound { busy })
}

fn failures(w: &WorkloadReport, _: &[SweepReport]) -> Option<Advice> {
    let succeeded = rate(w, "success_rate").filter(|rate| *rate < LEAST_SUCCESS)?;
    let most = w.errors.iter().max_by_key(|e| e.count).map(|e| (text::plain(&e.kind), e.count));
    Some(Advice::Failures { succeeded, most })
}

fn beyond_the_knee(w: &WorkloadReport, sweeps: &[SweepReport]) -> Option<Advice> {
    sweeps.iter().find_map(|sweep| {
        let level = sweep.levels.iter().find(|level| level.workload == w.name)?.level;
        let knee = sweep.knee.filter(|knee| level > *knee)?;
        Some(Advice::BeyondKnee { level, knee, curve: sweep.curve.clone() })
    })
}

/// By the share of requests, since in a closed loop the ramp is in the throughput and not in the
/// goodput. A failure is no late answer.
fn late(w: &WorkloadReport, _: &[SweepReport]) -> Option<Advice> {
    let (in_time, answered) = (rate(w, "slo_attainment")?, answered(w)?);
    if answered <= 0.0 || in_time >= answered * LEAST_IN_TIME {
        return None;
    }
    let each = ["ttft", "tpot", "e2e"].map(|slo| (slo, rate(w, &format!("slo_attainment_{slo}"))));
    let worst = each
        .into_iter()
        .filter_map(|(slo, share)| Some((slo, share?)))
        .min_by(|a, b| a.1.total_cmp(&b.1));
    Some(Advice::Late { in_time, answered, worst })
}

/// Share of the requests after the ramp, as SLO attainment is; at least, since a failure may be the
/// ramp's. Of all where the report does not tell.
fn answered(w: &WorkloadReport) -> Option<f64> {
    let Some(after) = w.slo_requests.filter(|n| *n > 0) else { return rate(w, "success_rate") };
    let ramp = w.requests.saturating_sub(after);
    Some(w.completed.saturating_sub(ramp) as f64 / after as f64)
}

/// In the server, as it says itself; else in the client, before a slot was free.
fn queueing(w: &WorkloadReport, _: &[SweepReport]) -> Option<Advice> {
    let of_server = || {
        let server = w.server.as_ref()?;
        Some((fact(server, Fact::Queue)?, fact(server, Fact::FirstToken)?))
    };
    let of_client =
        || Some((distribution(w, "queue")?.mean_ms?, distribution(w, "ttft")?.mean_ms?));
    let mostly = |(queue, first): &(f64, f64)| *queue >= LEAST_WAIT_MS && *queue >= first * MOSTLY;
    let says = |whose| move |(queue_ms, first_ms)| Advice::Queueing { queue_ms, first_ms, whose };
    let client = || of_client().filter(mostly).map(says(Queue::Client));
    of_server().filter(mostly).map(says(Queue::Server)).or_else(client)
}

fn bursty(w: &WorkloadReport, _: &[SweepReport]) -> Option<Advice> {
    let gaps = distribution(w, "chunk_gap")?;
    let (median_ms, tail_ms) = (gaps.p50_ms?, gaps.p99_ms?);
    (tail_ms >= NOTICED_MS && tail_ms >= median_ms * BURSTY)
        .then_some(Advice::Bursty { tail_ms, median_ms })
}

fn idle_gpu(w: &WorkloadReport, _: &[SweepReport]) -> Option<Advice> {
    let busy: Option<Vec<f64>> =
        w.gpu.as_ref()?.devices.iter().map(|d| d.utilisation_ratio).collect();
    let busiest = busy?.into_iter().reduce(f64::max).filter(|busiest| *busiest < IDLE)?;
    let waiting =
        fact(w.server.as_ref()?, Fact::WaitingMean).filter(|waiting| *waiting >= WAITING)?;
    Some(Advice::IdleGpu { waiting, busiest })
}

impl Advice {
    /// Stable word.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::PrefixCache { .. } => "prefix_cache",
            Self::ClientBound { .. } => "client_bound",
            Self::Failures { .. } => "failures",
            Self::BeyondKnee { .. } => "knee",
            Self::Late { .. } => "goodput",
            Self::Queueing { .. } => "queueing",
            Self::Bursty { .. } => "bursty",
            Self::IdleGpu { .. } => "idle_gpu",
        }
    }

    /// In the reader's language.
    pub fn say(&self, lang: Lang) -> String {
        match lang {
            Lang::En => self.to_string(),
            Lang::Ko => super::say::ko::advice::advice(self),
        }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ms, share) =
            (|x: &f64| text::value("ms", Some(*x)), |x: &f64| text::value("ratio", Some(*x)));
        match self {
            Self::PrefixCache { warm_ms, cold_ms, helps } => {
                write!(
                    f,
                    "warm TTFT p50 is {:.2} of cold's: {} of {}",
                    warm_ms / cold_ms,
                    ms(warm_ms),
                    ms(cold_ms)
                )?;
                f.write_str(if *helps {
                    ""
                } else {
                    "; look whether the server's prefix cache is on and has room"
                })
            }
            Self::ClientBound { busy } => write!(
                f,
                "the client was nearly the limit: its busiest thread worked {:.0} % of the time (from 90 % on the run is INVALID); \
                 lower the load, or give the client more processors",
                busy * 100.0
            ),
            Self::Failures { succeeded, most } => {
                let most = most
                    .as_ref()
                    .map_or_else(String::new, |(kind, n)| format!(", mostly {kind} ({n})"));
                let succeeded = share(succeeded);
                write!(
                    f,
                    "only {succeeded} of the requests succeeded{most}: latencies are of those only; mend the failures before the speed"
                )
            }
            Self::BeyondKnee { level, knee, curve } => write!(
                f,
                "level {level} is beyond the knee at {knee}: from there on {curve} hardly grows and latency does; run below it"
            ),
            Self::Late { in_time, answered, worst } => {
                let worst = worst.map(|(slo, met)| {
                    format!("; most often missed: {slo}, met by {}", share(&met))
                });
                let completed = if *answered >= 1.0 {
                    "all requests".into()
                } else {
                    format!("{} of the requests", share(answered))
                };
                let (in_time, worst) = (share(in_time), worst.unwrap_or_default());
                write!(
                    f,
                    "{completed} completed, but only {in_time} in time (SLO){worst}; lower the load or look there"
                )
            }
            Self::Queueing { queue_ms, first_ms, whose } => {
                let (whose, todo) = match whose {
                    Queue::Server => (
                        "the server's queue",
                        "lower the load, let more requests run at once, or add a replica",
                    ),
                    Queue::Client => {
                        ("the client's queue", "raise max_in_flight, or lower the load")
                    }
                };
                write!(
                    f,
                    "TTFT is mostly waiting: on average {} of {} in {whose}; {todo}",
                    ms(queue_ms),
                    ms(first_ms)
                )
            }
            Self::Bursty { tail_ms, median_ms } => write!(
                f,
                "tokens come in bursts: one chunk gap of a hundred is {} or longer, the median is {}; look for prefills between \
                 decode steps, preemptions, or a proxy that buffers",
                ms(tail_ms),
                ms(median_ms)
            ),
            Self::IdleGpu { waiting, busiest } => write!(
                f,
                "{} requests waited on average while no GPU was busy for more than {:.0} % of the time: look at the server's limits \
                 (sequences at once, KV-cache room) and at its CPU",
                text::number(Some(*waiting)),
                busiest * 100.0
            ),
        }
    }
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
