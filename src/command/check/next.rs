//! The friendly last line of a local `check`: what to do now. On standard error, since standard
//! output is the report.
use std::path::Path;

use crate::app::artefacts::{BASELINE_RECORD, RECORD};
use crate::app::workspace::ci;
use crate::config::Lang;
use crate::judge::Mode;
use crate::print::say;
use crate::report::{MetricReport, Report, WorkloadReport};
use crate::verdict::Verdict;

/// After `check` on somebody's machine. In a CI job nobody reads it there: the comment says it.
pub fn after_check(report: &Report, out: &Path, lang: Lang) {
    if ci::is_ci() {
        return;
    }
    let path = |name: &str| out.join(name).display().to_string();
    let (baseline, record) = (path(BASELINE_RECORD), path(RECORD));
    if let Some(step) = report.verdict.and_then(|verdict| next_step(verdict, report)) {
        say(&match lang {
            Lang::En => format!("next: {}", step.english(&baseline, &record)),
            Lang::Ko => format!("다음: {}", step.korean(&baseline, &record)),
        });
    }
}

/// What to do now.
enum NextStep<'a> {
    /// Make it faster, or change a limit.
    MendLimit,
    /// Both builds ran in one job.
    MendChange {
        metric: &'a str,
    },
    /// Find out whether the change or the machine is the cause.
    CheckBase {
        metric: &'a str,
    },
    AddSessions {
        needed: u32,
    },
    QuieterMachine,
    MeasureMore,
    MoreRounds,
    StartMoreOften,
    ReplaceSessions,
    FirstBaseline,
    UndoDifference,
    FollowReason,
    AskDoctor,
}

/// None after a PASS: there is nothing to do.
fn next_step(verdict: Verdict, report: &Report) -> Option<NextStep<'_>> {
    let worst = report.workloads.iter().find(|w| w.verdict == Some(verdict));
    let mode = worst.and_then(|w| w.comparison.as_ref()).map(|c| c.mode);
    Some(match verdict {
        Verdict::Passed => return None,
        Verdict::Failed => {
            let metric = worst.and_then(most_telling);
            match (metric, mode) {
                (None, _) => NextStep::MendLimit,
                (Some(m), Some(Mode::Interleaved)) => NextStep::MendChange { metric: &m.metric },
                (Some(m), _) => NextStep::CheckBase { metric: &m.metric },
            }
        }
        Verdict::Inconclusive => {
            let baseline = worst.and_then(|w| w.baseline.as_ref());
            match (baseline.and_then(|b| b.sessions_needed).filter(|n| *n > 0), mode) {
                (Some(needed), _) => NextStep::AddSessions { needed },
                (None, Some(Mode::Interleaved)) => NextStep::QuieterMachine,
                (None, Some(_)) => NextStep::MeasureMore,
                (None, None) => NextStep::MoreRounds,
            }
        }
        Verdict::Blind if mode == Some(Mode::Interleaved) => NextStep::StartMoreOften,
        Verdict::Blind => NextStep::ReplaceSessions,
        Verdict::NoBaseline => NextStep::FirstBaseline,
        Verdict::Incomparable => NextStep::UndoDifference,
        Verdict::Incomplete => NextStep::FollowReason,
        Verdict::Invalid => NextStep::AskDoctor,
    })
}

/// The metric that the headline names: proven worse, with the smallest p.
fn most_telling(w: &WorkloadReport) -> Option<&MetricReport> {
    let worse = w.metrics.iter().filter(|m| m.is_unaccepted_regression());
    worse.min_by(|a, b| a.p.unwrap_or(1.0).total_cmp(&b.p.unwrap_or(1.0)))
}

impl NextStep<'_> {
    /// Where the records of this run's baseline and candidate lie.
    fn english(&self, baseline: &str, record: &str) -> String {
        match self {
            Self::MendLimit => "a limit is breached: make it faster, or change `limits` if it was never meant to hold here".into(),
            Self::MendChange { metric } => format!(
                "the candidate's build is slower: both ran in turns here. `goodput-gate compare {baseline} {record} --explain {metric}` shows why; \
                 find what makes it slower, or if it is meant, `goodput-gate accept --reason ...`"
            ),
            Self::CheckBase { metric } => format!(
                "check the base branch here too (`git stash` or another worktree): if it passes, the change is the cause; \
                 `goodput-gate compare baselines {record} --explain {metric}` shows the arithmetic; if it is meant, `goodput-gate accept --reason ...`"
            ),
            Self::AddSessions { needed } => format!(
                "nothing is proven yet; {needed} more sessions of the base branch let the gate see more: `goodput-gate baseline update` there, on different days"
            ),
            Self::QuieterMachine => {
                "nothing is proven: a quieter machine, more start pairs (`gate.max_pairs`) or more requests per round see more \
                 (`goodput-gate calibrate` shows how small a change can be detected)"
                    .into()
            }
            Self::MeasureMore => {
                "nothing is proven: measure more in one attempt (`--starts`, `gate.starts`, or `--interleaved`); or check again: attempts at one \
                 commit are judged together"
                    .into()
            }
            Self::MoreRounds => "no limit is breached, and not all are proven: more rounds (`gate.rounds`) or requests prove them".into(),
            Self::StartMoreOften => {
                "this run could see nothing that matters: let the gate start both servers more often (`gate.max_pairs`), or on a quieter machine \
                 (`goodput-gate calibrate` shows how small a change can be detected)"
                    .into()
            }
            Self::ReplaceSessions => {
                "this run could see nothing that matters: `goodput-gate baseline history` shows which sessions differ; until they are replaced, \
                 `goodput-gate check --interleaved` needs none of them"
                    .into()
            }
            Self::FirstBaseline => "there is nothing to compare with yet: on the base branch `goodput-gate baseline update`, then commit `baselines/`".into(),
            Self::UndoDifference => "the baselines are of something else: undo the difference that is named above, or `goodput-gate baseline update` on the base branch".into(),
            Self::FollowReason => "evidence is missing or contradicts itself: do what the reason above says; measuring the same again changes nothing".into(),
            Self::AskDoctor => "this measurement says nothing: do what the reason above says, or ask `goodput-gate doctor`".into(),
        }
    }

    fn korean(&self, baseline: &str, record: &str) -> String {
        match self {
            Self::MendLimit => "한도 위반: 더 빠르게 만들거나, 여기서 지킬 한도가 아니었다면 `limits`를 수정".into(),
            Self::MendChange { metric } => format!(
                "후보 빌드가 더 느림: 두 빌드를 여기서 번갈아 측정함. 근거는 `goodput-gate compare {baseline} {record} --explain {metric}`; \
                 느려진 부분을 찾거나, 의도한 것이면 `goodput-gate accept --reason ...`"
            ),
            Self::CheckBase { metric } => format!(
                "base 브랜치도 여기서 check (`git stash` 또는 다른 worktree): 통과하면 원인은 이 변경; 계산 과정은 \
                 `goodput-gate compare baselines {record} --explain {metric}`; 의도한 것이면 `goodput-gate accept --reason ...`"
            ),
            Self::AddSessions { needed } => format!(
                "아직 입증된 것 없음; base 브랜치의 세션이 {needed}개 더 있으면 더 작은 변화도 감지: 거기서 날을 나눠 `goodput-gate baseline update`"
            ),
            Self::QuieterMachine => {
                "입증된 것 없음: 더 조용한 장비, 더 많은 시작 쌍(`gate.max_pairs`) 또는 라운드당 더 많은 요청이면 더 작은 변화도 감지 \
                 (감지 가능한 변화는 `goodput-gate calibrate`로 확인)"
                    .into()
            }
            Self::MeasureMore => {
                "입증된 것 없음: 한 번의 시도에서 더 많이 측정 (`--starts`, `gate.starts` 또는 `--interleaved`); 또는 다시 check: 같은 커밋의 시도는 \
                 함께 판정됨"
                    .into()
            }
            Self::MoreRounds => "위반한 한도는 없으나 일부가 입증되지 않음: 라운드(`gate.rounds`)나 요청을 늘리면 입증 가능".into(),
            Self::StartMoreOften => {
                "의미 있는 변화를 감지할 수 없었음: 게이트가 양쪽 서버를 더 여러 번 시작하게 하거나(`gate.max_pairs`) 더 조용한 장비에서 측정 \
                 (감지 가능한 변화는 `goodput-gate calibrate`로 확인)"
                    .into()
            }
            Self::ReplaceSessions => {
                "의미 있는 변화를 감지할 수 없었음: 어느 세션이 다른지는 `goodput-gate baseline history`로 확인; 교체할 때까지는 \
                 세션이 필요 없는 `goodput-gate check --interleaved` 사용"
                    .into()
            }
            Self::FirstBaseline => "아직 비교할 대상 없음: base 브랜치에서 `goodput-gate baseline update` 후 `baselines/`를 커밋".into(),
            Self::UndoDifference => "기준선이 다른 조건의 것: 위에 적힌 차이를 되돌리거나 base 브랜치에서 `goodput-gate baseline update`".into(),
            Self::FollowReason => "증거가 없거나 서로 모순됨: 위의 이유가 말하는 대로 조치; 같은 것을 다시 측정해도 달라지지 않음".into(),
            Self::AskDoctor => "이 측정으로는 아무것도 말할 수 없음: 위 이유대로 조치하거나 `goodput-gate doctor`로 확인".into(),
        }
    }
}
