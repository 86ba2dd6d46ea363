//! The reasons of `compare` in Korean: which sessions count, what was measured, the anchor,
//! acceptances. Not here: what they hold.

use super::differences;
use super::judge::{measured, side, terms};
use crate::accept::NotCovered;
use crate::compare::Begin;
use crate::compare::reason::{
    AnchorGap, Loosened, NoBaseline, Reason, RunReason, SinceAnchor, Tokens, changes, percent,
};
use crate::judge::reason::{Measured, Side};
use crate::judge::text::{size, value};

pub fn reason(reason: &Reason) -> String {
    match reason {
        Reason::NoBaseline { workload, why } => {
            let why = match why {
                NoBaseline::History => "이 브랜치의 이력에 없음",
                NoBaseline::Path(path) => &format!("{path}에 없음"),
                NoBaseline::NoChange => "여기서는 변경을 판정하지 않음 (--base none)",
                NoBaseline::Other(why) => why,
            };
            format!(
                "{workload}의 기준선 없음: {why}; 대상 브랜치에서 `goodput-gate baseline update`로 세션 추가, 판정에는 여섯 개 필요"
            )
        }
        Reason::NoSessionCounts => "판정에 쓰는 세션 없음".into(),
        Reason::SessionsCount { sessions, since, begin } => {
            format!("판정에 쓰는 세션 {sessions}개, {since}부터: {}", self::begin(begin))
        }
        Reason::SessionsBegin { at, begin, left_out } => {
            format!(
                "판정에 쓰는 세션은 {at}부터, {}: 다른 수준의 세션 {left_out}개 제외",
                self::begin(begin)
            )
        }
        Reason::SlowerSessionLeftOut { session, at, moved } => format!(
            "{at}의 세션 {session} 제외: 그 앞의 세션보다 느리고 ({}) 이유를 밝힌 사람이 없음; 의도한 것이면 `goodput-gate baseline update \
             --level-shift REASON`",
            changes(moved)
        ),
        Reason::SessionsBeforeAcceptedLeftOut { sessions } => {
            format!("수용된 변경 이후부터 이력 시작: 그 이전 세션 {sessions}개 제외")
        }
        Reason::AcceptedChangeIsYoung { sessions, needed } => format!(
            "수용된 변경의 세션 {needed}개 중 {sessions}개 있음: 그때까지는 그 이전 세션과 비교하고 수용을 적용; 대상 브랜치에서 \
             `goodput-gate baseline update`로 추가"
        ),
        Reason::CopiesLeftOut { files } => format!("기준선 파일 {files}개 제외: 다른 세션의 사본"),
        Reason::OwnSessionLeftOut { files } => format!("기준선 파일 {files}개 제외: 바로 이 실행"),
        Reason::BaselineHasSlos => {
            "기준선에는 SLO가 있으나 이 실행에는 없음: SLO 달성률은 판정하지 않음".into()
        }
        Reason::WorkloadsNotMeasured { workloads } => {
            format!(
                "기준선에는 세션이 있으나 이 실행에서 측정하지 않음: {}; 이에 대한 판정 없음",
                workloads.join(", ")
            )
        }
        Reason::Anchor { name, commits, found } => {
            let ago = commits.map_or_else(String::new, |n| format!(" ({n}커밋 전)"));
            match found {
                SinceAnchor::NotCompared(_) => {
                    format!("앵커와 비교하지 않음 ({name}{ago}): {}", since(found))
                }
                _ => format!("앵커 {name}{ago} 이후: {}", since(found)),
            }
        }
        Reason::NoAnchor => {
            "앵커 없음: 고정된 것이 없고 (`goodput-gate baseline anchor v1.2`) 이 브랜치에 릴리스 태그(v1.2)도 없음".into()
        }
        Reason::LevelShiftSinceAnchor { at, why } => format!(
            "{at}에서 수준 변화를 밝힘: {why}; 새 수준을 유지한다면 그 수준의 세션이 여섯 개 있는 앵커로 고정 (`goodput-gate baseline anchor`)"
        ),
        Reason::AcceptanceDoesNotCount { metric, terms, why } => {
            format!("{metric}의 수용({})은 반영하지 않음: {}", self::terms(terms), not_covered(why))
        }
        Reason::TooGood { workload, metric, times } => format!(
            "{workload}: 기준선보다 {times:.1}배 좋음({}): 믿기 전에 캐시된 응답, 잘리거나 빈 응답, 다른 모델이 아닌지 확인할 것",
            metric.title()
        ),
        Reason::Run(reason) => run(reason),
    }
}

pub fn run(reason: &RunReason) -> String {
    match reason {
        RunReason::StartsMissing { starts, planned, rounds } => {
            format!(
                "계획한 시작 {planned}회 중 {starts}회만 라운드 {rounds}개의 과반이 있음: PASS에는 모두 측정해야 함"
            )
        }
        RunReason::StartsRagged { starts, rounds } => {
            format!(
                "판정한 시작 중 {starts}회는 라운드 {rounds}개의 과반이 없음: PASS에는 모두 측정해야 함"
            )
        }
        RunReason::StoppedEarly { pairs, most } => {
            format!("결론 전에 시작 쌍 {pairs}개에서 중단 (최대 {most}개)")
        }
        RunReason::TokensDiffer { tokens, now, then } => {
            let tokens = self::tokens(*tokens);
            format!(
                "요청당 {tokens} 토큰 {now:.1}개, 기준선에서는 {then:.1}개: 작업량이 달라 시간을 비교할 수 없음"
            )
        }
        RunReason::TokensUntold { silent, tokens } => {
            let teller = if *silent == Side::Candidate { Side::Baseline } else { Side::Candidate };
            let tokens = tokens.iter().map(|t| self::tokens(*t)).collect::<Vec<_>>().join(", ");
            format!(
                "{}은 {tokens} 토큰 수를 알리고 {}은 알리지 않음: 작업량이 같은지 알 수 없어 PASS가 아님",
                side(teller),
                side(*silent)
            )
        }
        RunReason::SideLacksWorkload { side, workload } => {
            format!("{}에 워크로드 {workload} 없음", self::side(*side))
        }
        RunReason::IdenticalBuilds => "두 빌드가 동일함: 찾아낼 프로그램 변경이 없음".into(),
        RunReason::SameProgram { path } => format!(
            "양쪽이 같은 프로그램을 같은 방식으로 실행함({path}): 비교된 것이 없음; server.build와 server.start는 각자의 체크아웃 안에 있어야 함 (또는 gate.same_build: allow)"
        ),
        RunReason::SameProgramAllowed { path } => {
            format!("양쪽이 같은 프로그램을 같은 방식으로 실행함({path}): gate.same_build가 허용함")
        }
        RunReason::OnlyArgumentsDiffer { path } => {
            format!("양쪽이 같은 프로그램을 실행함({path}): 인자와 파일이 바꾸는 것만 비교됨")
        }
        RunReason::CodeUnknown { path } => {
            format!("양쪽의 실행 방식이 같음({path}): 같은 코드를 불러왔는지 알 수 없음")
        }
        RunReason::RegressionsLoosened { rules } => {
            let rules: Vec<String> = rules.iter().map(loosened).collect();
            format!("이 설정은 방법의 기본 규칙보다 느슨함 (`regressions`): {}", rules.join("; "))
        }
        RunReason::FailuresAllowed { allowed, default } => {
            let (share, default) = (percent(*allowed), percent(*default));
            if *allowed < 1.0 {
                format!(
                    "이 설정은 요청의 {share} %까지 실패를 허용함 (`limits.error_rate`): 기본값은 {default} %"
                )
            } else {
                format!(
                    "이 설정은 모든 요청의 실패를 허용함 (`limits.error_rate`): 기본 한도 {default} % 없음"
                )
            }
        }
        RunReason::NoLimits => {
            "판정할 것이 없음: gate.mode가 limits인데 이 워크로드에 한도가 없음".into()
        }
        RunReason::SizesOutOfReach { starts, sizes } => {
            let each = sizes.iter().map(|s| {
                let (reach, asked) = (size(s.metric, s.reach), size(s.metric, s.size));
                format!("{} {reach} ({asked} 아님)", s.metric.title())
            });
            let each = each.collect::<Vec<_>>().join(", ");
            format!(
                "다른 날의 세션과 비교하면 시작 {starts}회의 작업이 찾는 변화는 {each}: 더 작은 변화는 대부분 INCONCLUSIVE; 두 빌드를 한 작업에서 \
                 측정하거나 (`goodput-gate check --interleaved`) 여기서 찾을 수 있는 크기를 `regressions`에 기재"
            )
        }
        RunReason::AnchorNotJudged => {
            "이 레코드의 정책(on_anchor_drift: fail)은 이전 버전의 것: 앵커와의 비교는 이제 `goodput-gate baseline drift`가 판정".into()
        }
    }
}

fn loosened(rule: &Loosened) -> String {
    match rule {
        Loosened::NotPrimary(metric) => {
            format!("{metric}: 주요 지표가 아니므로 입증되는 것이 없음")
        }
        Loosened::OnlyShown(metric) => format!("{metric}: 표시만 함"),
        Loosened::MayBeWorse(metric, ratio) => {
            format!("{metric}: {:.0} %까지 나빠져도 허용", ratio * 100.0)
        }
    }
}

const fn tokens(tokens: Tokens) -> &'static str {
    match tokens {
        Tokens::Input => "입력",
        Tokens::Output => "출력",
    }
}

fn begin(begin: &Begin) -> String {
    match begin {
        Begin::First => "첫 세션".into(),
        Begin::Faster(moved) => format!("그 앞의 세션보다 빠름 ({})", changes(moved)),
        Begin::Stated(why) => format!("밝힌 수준 변화: {why}"),
        Begin::ChangePoint { moved, p } => {
            format!("수준이 완전히 바뀐 곳 ({}, p {p:.3})", changes(std::slice::from_ref(moved)))
        }
    }
}

fn since(found: &SinceAnchor) -> String {
    let listed = |changes: &[Measured]| changes.iter().map(measured).collect::<Vec<_>>().join(", ");
    match found {
        SinceAnchor::Worse(changes) => listed(changes),
        SinceAnchor::NotWorse(changes) => format!("나빠지지 않음; {}", listed(changes)),
        SinceAnchor::Open { sessions_needed, changes } => {
            let needed = sessions_needed
                .map(|n| format!(" (판정에는 세션 {n}개 더 필요)"))
                .unwrap_or_default();
            format!("나빠졌다는 것도 괜찮다는 것도 입증되지 않음{needed}; {}", listed(changes))
        }
        SinceAnchor::NotCompared(AnchorGap::NoSession) => "이 워크로드의 세션이 없음".into(),
        SinceAnchor::NotCompared(AnchorGap::OtherThings(all)) => {
            format!("세션이 다른 조건의 것: {}", differences(all))
        }
        SinceAnchor::NotCompared(AnchorGap::Work(work)) => run(work),
        SinceAnchor::NotCompared(AnchorGap::Other(why)) => why.clone(),
    }
}

fn not_covered(why: &NotCovered) -> String {
    match why {
        NotCovered::Expired => "기한이 지남".into(),
        NotCovered::SomeStartsWithoutValue => "한쪽의 일부 시작에 값 없음".into(),
        NotCovered::NoValue => "지표에 값 없음".into(),
        NotCovered::NoChange => "지표에 변화 값 없음".into(),
        NotCovered::NoLargestChange => "허용할 최대 변화가 적혀 있지 않음".into(),
        NotCovered::ChangeTooLarge { metric, worse, most } => {
            format!("저하 {}: 수용한 {}보다 큼", size(*metric, *worse), size(*metric, *most))
        }
        NotCovered::ValueTooBad { metric, value: seen, worst } => {
            format!("{}: 수용한 {}보다 나쁨", value(*metric, *seen), value(*metric, *worst))
        }
        NotCovered::InBaseline => {
            "수용한 변경은 이미 기준선에 들어 있으므로 이것은 다른 저하".into()
        }
        NotCovered::NotContained { commit } => {
            format!("측정한 코드에 수용한 커밋이 없음: {commit} (rebase 뒤에는 다시 수용)")
        }
    }
}
