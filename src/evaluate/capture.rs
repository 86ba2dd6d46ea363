//! What a session of unchanged code says of the baseline that it joins: is the build like itself,
//! and what will a check see? Pure.

use super::judge_policy;
use super::other_day::method;
use crate::judge::interleaved::{self, Attempt, Interleaved, Rules, Sampling};
use crate::judge::{Decision, Policy, other_day, text};
use crate::lang::{Text, bilingual};
use crate::measure::Round;
use crate::metric::Metric;
use crate::record::session::Session;
use crate::record::{Record, WorkloadRecord};

/// Of the six starts of a first session.
const PAIRS: usize = 3;

/// The A/A check of a first session (docs/ARITHMETIC.md#first-session): the starts of one build in
/// pairs, judged as if they were two. The reason, where they differ.
pub fn same_build(record: &Record) -> anyhow::Result<Option<String>> {
    for workload in &record.workloads {
        let sides = halves(workload);
        let policy = Policy { min_starts: 1, ..judge_policy(record, workload)? };
        for (baseline, candidate) in [(&sides[0], &sides[1]), (&sides[1], &sides[0])] {
            let comparison = interleaved::judge(&Interleaved {
                earlier: &[],
                now: Attempt { baseline, candidate, ..Attempt::default() },
                slo: workload.slo.into(),
                differing: &[],
                rules: Rules {
                    history: &[],
                    shape: workload.shape(),
                    planned: PAIRS,
                    sampling: Sampling::Pairs,
                    unseen: 0,
                    policy: &policy,
                },
            });
            if comparison.decision == Decision::Regression {
                return Ok(Some(format!(
                    "{}: {}",
                    workload.name,
                    text::joined(&comparison.reasons)
                )));
            }
        }
    }
    Ok(None)
}

/// Starts two by two, in alternating order so that drift cancels; a last one without a partner is
/// left out.
fn halves(workload: &WorkloadRecord) -> [Vec<Round>; 2] {
    let mut sides = [Vec::new(), Vec::new()];
    for mut round in workload.method_rounds() {
        let (pair, place) = (round.start / 2, round.start % 2);
        round.start = pair;
        sides[usize::from((place + pair) % 2 == 1)].push(round);
    }
    sides
}

/// The smallest change per metric that a check of `starts` starts will see against these sessions;
/// fractions.
pub fn visible(
    record: &Record,
    workload: &WorkloadRecord,
    sessions: &[&Session],
    starts: usize,
) -> anyhow::Result<Vec<(Metric, f64)>> {
    let history: Vec<_> = sessions.iter().map(|s| method(s, workload)).collect();
    let policy = judge_policy(record, workload)?;
    Ok(other_day::reach(&history, starts, workload.shape(), &policy))
}

/// `chat: 8 sessions; one check sees worse changes (in 95 % of cases) from: TPOT 4.1 %, ...`
pub fn words_of_visible(name: &str, sessions: usize, visible: &[(Metric, f64)]) -> Text {
    let needed = crate::judge::sessions::FEWEST_SESSIONS;
    // An estimate: two digits say all that is known of it.
    let size = |metric: Metric, x: f64| {
        let digits = (1.0 - (100.0 * x).log10().floor()).clamp(0.0, 2.0);
        let scale = 100.0 * 10f64.powf(digits);
        text::size(metric, (scale * x).round() / scale)
    };
    let sizes: Vec<String> =
        visible.iter().map(|(m, x)| format!("{} {}", m.title(), size(*m, *x))).collect();
    let sizes =
        if sizes.is_empty() { bilingual!("nothing", "없음") } else { sizes.join(", ").into() };
    let about = if sessions < needed {
        bilingual!(
            "{name}: {sessions} of {needed} sessions; with fewer than {needed} a check finds only gross changes, from: ",
            "{name}: 세션 {sessions}/{needed}개. {needed}개가 되기 전에는 아주 큰 변화만 감지, 그 크기: "
        )
    } else {
        Text {
            en: format!(
                "{name}: {}; one check sees worse changes, in 95 % of cases, from: ",
                text::count(sessions as u64, "session", "sessions")
            ),
            ko: format!(
                "{name}: 세션 {sessions}개. check 한 번이 95 % 확률로 감지하는 저하의 크기: "
            ),
        }
    };
    about.then(&sizes)
}
