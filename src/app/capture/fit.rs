//! What may become a reference: a whole, valid measurement of one build that breaches nothing. Not
//! here: whether it is as fast as the sessions before it (`joins`).

use anyhow::bail;

use crate::app::sentence::sentence;
use crate::app::sessions::Baselines;
use crate::app::workspace::Workspace;
use crate::config::Config;
use crate::evaluate::{self, Baseline};
use crate::exit::Failure;
use crate::lang::bilingual;
use crate::record::Record;
use crate::verdict::Verdict;

/// Refuses what must not become a reference: interrupted runs, unfit measurements, failed requests'
/// runs, limits whose breach nobody has accepted.
pub fn accept(here: &Workspace, record: &Record, config: &Config) -> anyhow::Result<()> {
    if record.interrupted {
        bail!(Failure::measure(bilingual!(
            "not added to the baseline, the run was interrupted: measure again",
            "기준선에 추가하지 않음, 측정이 중단됨: 다시 측정하십시오"
        )));
    }
    if record.pair.is_some() {
        bail!(bilingual!(
            "not added to the baseline, the record is one side of an interleaved run, which judged this very code\nhint: measure it by itself: goodput-gate baseline update",
            "기준선에 추가하지 않음, 이 코드를 판정한 교차 측정의 한쪽 레코드임\n힌트: 따로 측정하십시오: goodput-gate baseline update"
        ));
    }
    for workload in &record.workloads {
        if let Some(why) = evaluate::incomplete(record, workload) {
            bail!(Failure::measure(bilingual!(
                "not added to the baseline, {name}: {why}",
                "기준선에 추가하지 않음, {name}: {why}",
                name = workload.name
            )));
        }
    }
    for workload in &record.workloads {
        if let Some(first) = workload.saturated().first() {
            let what = bilingual!(
                "not added to the baseline, {name}: ",
                "기준선에 추가하지 않음, {name}: ",
                name = workload.name
            );
            bail!(Failure::measure(what.then(&sentence(first.clone()))));
        }
        let why = workload.unfit();
        if let Some(first) = why.first() {
            let what = bilingual!(
                "not added to the baseline, the measurement of {name} is INVALID: ",
                "기준선에 추가하지 않음, {name}의 측정이 INVALID: ",
                name = workload.name
            );
            bail!(Failure::measure(what.then(&sentence(first.clone()))));
        }
    }
    if let Some(why) = evaluate::same_build(record)? {
        bail!(Failure::measure(bilingual!(
            "not added to the baseline, this build differs from itself: {why}\nhint: something else uses this machine, or its speed drifts: see `goodput-gate doctor`, measure again",
            "기준선에 추가하지 않음, 같은 빌드인데 서로 다름: {why}\n힌트: 다른 프로세스가 이 머신을 쓰거나 속도가 변하고 있습니다. `goodput-gate doctor`로 확인하고 다시 측정하십시오"
        )));
    }
    breaches_nothing(here, record, config)
}

/// Errors: exit 3, a limit is breached that nobody has accepted, or too many requests failed.
fn breaches_nothing(here: &Workspace, record: &Record, config: &Config) -> anyhow::Result<()> {
    let accepted = Baselines::of_head(here, config)?.baseline("").accepted;
    let (report, _) = evaluate::judged(record, |_| Baseline {
        accepted: accepted.clone(),
        ..Baseline::default()
    })?;
    for workload in &report.workloads {
        if workload.verdict == Some(Verdict::Failed) {
            let first = workload.reasons.first().cloned().unwrap_or_default();
            bail!(Failure::measure(bilingual!(
                "not added to the baseline, {name} breaches a limit: {first}\nhint: set slo and limits to what this server is to deliver; `goodput-gate report` with record.json of the output folder shows what was measured",
                "기준선에 추가하지 않음, {name}의 한도 위반: {first}\n힌트: slo와 limits를 이 서버가 내야 할 값으로 정하십시오. 측정값은 출력 폴더의 record.json을 `goodput-gate report`로 열어 봅니다",
                name = workload.name
            )));
        }
        // Errors of a reference hide errors of a candidate.
        let failed = workload.requests - workload.completed.min(workload.requests);
        if failed * 100 > workload.requests {
            bail!(Failure::measure(bilingual!(
                "not added to the baseline, {failed} of {all} requests of {name} failed\nhint: see the errors in report.md of the output folder; more than 1 % is no reference",
                "기준선에 추가하지 않음, {name}의 요청 {all}개 중 {failed}개 실패\n힌트: 오류는 출력 폴더의 report.md에 있습니다. 1 %를 넘으면 기준이 될 수 없습니다",
                all = workload.requests,
                name = workload.name
            )));
        }
    }
    Ok(())
}
