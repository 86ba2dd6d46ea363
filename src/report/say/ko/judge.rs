//! The reasons of `judge` in Korean: comparisons, judgements of metrics, limits. Not here: what
//! they hold (`judge::reason`).

use crate::config::Bound;
use crate::judge::reason::{
    LimitGap, LimitReason, LimitValue, Margin, Measured, MetricReason, NoiseUnit, Obstacle,
    PairingReason, Reason, Side, SpreadReason, Terms,
};
use crate::judge::slow::SlowStarts;
use crate::judge::text::{change, level, probability, size, titles, value};
use crate::metric::Metric;
use crate::report::headline::bounds;

pub fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Worse(measured) => self::measured(measured),
        Reason::NotProvenFine { metric, change, interval, why } => {
            let why = why.as_ref().map_or_else(String::new, |why| format!(": {}", self::metric(why)));
            format!("{}{}{why}", metric.title(), moved(*metric, *change, *interval))
        }
        Reason::Proof { margins, detectable, starts, unseen_share } => {
            proof(margins, detectable) + &unseen(*starts, *unseen_share)
        }
        Reason::UnstableStarts(found) => unstable(found),
        Reason::StartsUnseen { seen, needed } => {
            format!("PASS에는 이 변경의 시작 {needed}번이 필요하나 {seen}번만 확인됨")
        }
        Reason::NotLifted { complete: true } => {
            "앞선 시도가 불합격했고, 모든 시도를 합쳐도 통과하지 못함: FAIL 유지".into()
        }
        Reason::NotLifted { complete: false } => {
            "앞선 시도가 불합격함: 끝까지 측정한 새 시도만 이를 뒤집을 수 있음".into()
        }
        Reason::PassStands => "앞선 시도가 통과함: 그 판정을 유지하고 더 측정하지 않음".into(),
        Reason::AttemptsSpent { most } => format!("이미 {most}번 시도함: 추가 시도는 반영하지 않음"),
        Reason::AttemptsUnseen { unseen } => {
            format!("앞선 시도 {unseen}번의 기록을 찾을 수 없음: 그만큼 더 확실해야 PASS")
        }
        Reason::AttemptLeftOut { attempt, why } => {
            format!("시도 {attempt}은(는) 반영하지 않음: {}", pairing(why))
        }
        Reason::HistoryWithoutSlowStarts { starts } => format!(
            "기준선에 지금은 느린 시작이 있으나 이전 시작 {starts}번에는 없음: 느린 시작 검정에서 그 이력을 제외"
        ),
        Reason::SessionsWithoutRounds { sessions } => {
            format!("세션 {sessions}개에 라운드 기록이 없어 시드별로 비교할 수 없음: 제외")
        }
        Reason::NoPrimaryMetric => "주요 지표가 남지 않아 아무것도 입증할 수 없음: `regressions`에서 `class`를 제거".into(),
        Reason::NoisierThanUsual { metrics } => format!("평소보다 노이즈가 큼: {}", titles(metrics)),
        Reason::CandidateNotMeasured => "이 변경이 측정되지 않음".into(),
        Reason::NoSessions => "비교할 기준선 세션 없음".into(),
        Reason::NoStartOnBothSides => "양쪽 모두 측정된 서버 시작 없음".into(),
        Reason::StartsNotSampled => {
            "게이트가 서버를 띄우지 않아 라운드 수와 관계없이 양쪽 모두 시작 한 번으로 셈: 재시작만으로도 TPOT가 \
            1 ~ 2.5 % 달라질 수 있으므로, 재시작한 서버의 이력이 있거나 변화가 그보다 훨씬 커야 판정 가능"
                .into()
        }
        Reason::SecondJobHelps => "다시 check하거나(시도는 함께 판정됨), 두 빌드를 한 작업에서 측정 (--interleaved)".into(),
        Reason::InterleavingHelps => "두 빌드를 한 작업에서 측정 (--interleaved)".into(),
        Reason::SessionsNeeded { missing, present, needed } => format!(
            "기준선 세션 {missing}개 더 필요 ({needed}개 중 {present}개 있음): 그때까지는 노이즈로 볼 수 없을 만큼 큰 변화만 판정"
        ),
        Reason::DriftSessionsNeeded { side, present, needed } => {
            let place = if *side == Side::Baseline { "앵커까지의" } else { "앵커 이후의" };
            format!("{place} 비교 가능한 세션 {needed}개 중 {present}개만 있음")
        }
        Reason::Blind { metric, detectable, wanted, noise, unit } => {
            let unit = if *unit == NoiseUnit::Sessions { "세션" } else { "시작" };
            let noise = noise.map(|sd| format!("; 변경 없는 코드의 {unit} 간 표준편차 {}", size(*metric, sd)));
            let seen = detectable
                .map_or_else(|| "어떤 변화도 감지 불가".to_owned(), |x| format!("{} 이상의 변화만 감지 가능", size(*metric, x)));
            let wanted = size(*metric, *wanted);
            format!("노이즈가 너무 큼: {}에서 {seen}, 찾아야 할 변화는 {wanted}{}", metric.title(), noise.unwrap_or_default())
        }
        Reason::NothingToJudge => "판정할 것 없음: 기준선도 한도도 없음".into(),
        Reason::Pairing(reason) => pairing(reason),
        Reason::Spread(reason) => spread(reason),
        Reason::Limit(reason) => limit(reason),
    }
}

fn pairing(reason: &PairingReason) -> String {
    match reason {
        PairingReason::FieldsDiffer { fields } => {
            format!("비교 불가: 기준선과 이 변경의 {} 값이 다름", fields.join(", "))
        }
        PairingReason::FewPartners { pairs, rounds } => {
            format!(
                "비교 불가: 라운드 {rounds}개 중 {pairs}개만 양쪽에서 같은 시작과 시드로 측정됨; 양쪽을 같은 계획으로 측정"
            )
        }
        PairingReason::OtherWork { change } => {
            format!(
                "비교 불가: 같은 요청에 대한 이 변경의 출력 토큰이 {:+.1} % 달라 작업량이 같지 않음",
                change * 100.0
            )
        }
        PairingReason::OneOrder { first } => format!(
            "장비의 드리프트와 변화를 아직 구분할 수 없음: 하나뿐인 시작 쌍에서 {}이 계속 먼저 실행됨; 반대 순서의 시작 쌍을 하나 더 측정",
            side(*first)
        ),
        PairingReason::UnevenOrder { first } => {
            format!(
                "장비의 드리프트와 변화를 구분할 수 없음: 쌍의 {:.0} %에서 이 변경이 먼저 실행됨",
                first * 100.0
            )
        }
        PairingReason::BaselineFailed { rounds, of } => {
            format!(
                "기준선 라운드 {of}개 중 {rounds}개에서 모든 요청이 실패: 서버 로그를 확인하고 다시 측정"
            )
        }
        PairingReason::FailedRoundsDropped { rounds } => {
            format!("기준선의 모든 요청이 실패한 라운드 {rounds}개를 이 변경의 짝과 함께 제외")
        }
        PairingReason::UnpairedRoundsDropped { rounds } => {
            format!("한쪽에서만 측정된 라운드 {rounds}개 제외")
        }
    }
}

fn spread(reason: &SpreadReason) -> String {
    match reason {
        SpreadReason::SessionsMoved { metric, newer, commit, day, change: by, older } => {
            let by = change(*metric, *by);
            format!("{commit} ({day})부터의 세션 {newer}개: 그 앞의 {older}개 대비 {} {by}", metric.title())
        }
        SpreadReason::MachineDiffers { metric, runner, change: by } => {
            format!("{runner}의 세션: 다른 장비의 세션 대비 {} {}", metric.title(), change(*metric, *by))
        }
        SpreadReason::SessionsScatter { metric, high, low, change: by } => format!(
            "세션 간 차이에 뚜렷한 전환점 없음: {} ({})의 {}, {} ({}) 대비 {}",
            high.commit,
            high.day,
            metric.title(),
            low.commit,
            low.day,
            change(*metric, *by)
        ),
        SpreadReason::MoreSessionsHelp { sessions } => format!(
            "해결: 지금 정도의 차이라면 기준 브랜치 세션 {sessions}개 더로 충분 (`goodput-gate baseline update`); `goodput-gate check \
             --interleaved`에는 세션이 필요 없음"
        ),
        SpreadReason::NoSessionsHelp => {
            "해결: 두 빌드를 한 작업에서 측정 (`goodput-gate check --interleaved`), 이 세션들이 필요 없음; \
            또는 흔들린 세션을 다시 측정 (`goodput-gate baseline history METRIC`으로 확인, `baseline update`로 추가)"
                .into()
        }
    }
}

pub fn metric(reason: &MetricReason) -> String {
    match reason {
        MetricReason::NoBaselineValue => "기준선에 값 없음".into(),
        MetricReason::NoCandidateValue => "이번 실행에 값 없음".into(),
        MetricReason::NoValue => "양쪽 모두 측정 안 됨".into(),
        MetricReason::SomeStartsWithoutValue => "한쪽의 일부 시작에 값 없음".into(),
        MetricReason::ChangeNotJudged => "이 버전은 이 지표의 변화를 판정하지 않음; `regressions`에서 제거".into(),
        MetricReason::OnlyShown => "노이즈를 넘어 나빠졌으나 표시만 함 (`class: info`)".into(),
        MetricReason::PerhapsNoise { p, alpha } => {
            let p = p.map_or_else(String::new, |p| format!("{}, ", probability(p)));
            format!("나빠진 듯하나 노이즈일 수도 있음 ({p}불합격에는 p <= {} 필요)", level(*alpha))
        }
        MetricReason::TooFewStarts => {
            "나빠졌으나 시작 쌍 하나나 거의 알려지지 않은 노이즈로는 불합격시키지 않음".into()
        }
        MetricReason::NotThroughout => "평균은 나빠졌으나 모든 작업에서 그런 것은 아님".into(),
        MetricReason::MoreFailures => "기준선보다 실패한 요청이 많으나 입증하기에는 적음".into(),
        MetricReason::OneStart => {
            "나빠 보이나 시작 한 번으로는 이 지표로 불합격시킬 수 없음; 두 번 이상 측정 (gate.starts)".into()
        }
        MetricReason::BelowOneJob { metric, least } => format!(
            "나빠 보이나 작업 하나로는 이 지표가 {} 이상 나빠져야 불합격; 다시 check 필요 (시도는 함께 판정됨)",
            size(*metric, *least)
        ),
        MetricReason::NotInEveryStart { metric, least } => {
            format!("나빠 보이나 모든 시작이 {} 이상 나쁘지는 않음; 다시 check 필요 (시도는 함께 판정됨)", size(*metric, *least))
        }
        MetricReason::SessionsDifferTooMuch => {
            "나빠 보이나 기준선 세션 간 차이가 커서 작업 하나로는 이 지표로 불합격시킬 수 없음; 다시 check 필요 (시도는 함께 판정됨)".into()
        }
        MetricReason::MarginNotProven { metric, margin } => {
            format!("노이즈가 커서 {}의 성능 저하를 배제할 수 없음", size(*metric, *margin))
        }
        MetricReason::TooNoisy { metric, least } => format!("노이즈가 커서 {}의 변화를 감지할 수 없음", size(*metric, *least)),
        MetricReason::StartNoiseUnknown => "시작 간 노이즈를 알 수 없음: 시작을 한 번 더 측정하거나 이력이 필요".into(),
        MetricReason::TooFewSessions => "세션이 적어 노이즈를 알 수 없음".into(),
    }
}

pub fn limit(reason: &LimitReason) -> String {
    let over = |bound: Bound| if matches!(bound, Bound::Max(_)) { "초과" } else { "미달" };
    match reason {
        LimitReason::LimitBreached(l) => format!("{}, 한도 {} {}", seen(l), edge(l), over(l.bound)),
        LimitReason::LimitMet(l) => format!("{}, 한도 {} 이내", seen(l), edge(l)),
        LimitReason::LimitMetUnproven(l) => {
            format!("{}, 한도 {} 이내이나 입증되지 않음{}", seen(l), edge(l), obstacle(l))
        }
        LimitReason::LimitBreachedUnproven(l) => {
            format!(
                "{}, 한도 {} {}이나 입증되지 않음{}",
                seen(l),
                edge(l),
                over(l.bound),
                obstacle(l)
            )
        }
        LimitReason::LimitNotMeasured { metric, why } => {
            format!("{}: 한도와 비교할 수 없음 ({})", metric.title(), gap(why))
        }
        LimitReason::LimitUnknown { name } => format!("{name}: 한도와 비교할 수 없음 (없는 지표)"),
        LimitReason::LimitAccepted { breach, terms } => {
            format!("{}; {}", limit(breach), self::terms(terms))
        }
    }
}

fn gap(gap: &LimitGap) -> String {
    match gap {
        LimitGap::NoRequests => "보낸 요청 없음".into(),
        LimitGap::NotDefined => "이 워크로드에 없는 값".into(),
        LimitGap::GoodSide => "좋은 쪽 방향의 한도는 판정하지 않음".into(),
        LimitGap::LimitNotJudged => "이 버전은 이 지표의 한도를 판정하지 않음".into(),
        LimitGap::NotStreaming => "TTFT, TPOT의 SLO에는 스트리밍 필요".into(),
        LimitGap::OneToken => "응답이 한 토큰이면 SLO와 비교할 TPOT가 없음".into(),
        LimitGap::NoTime => "램프 이후 요청이 없거나 시간이 흐르지 않음".into(),
        LimitGap::NoInterval => "신뢰구간을 계산할 수 없음".into(),
        LimitGap::NoSuccess => "성공한 요청이 없거나 기록되지 않음".into(),
        LimitGap::NotStartedHere => "게이트가 서버를 띄우지 않음".into(),
        LimitGap::NoGpu => {
            "GPU 데이터가 없는 라운드가 있거나 그 값을 알리지 않는 GPU가 있음".into()
        }
        LimitGap::FewCompleted { rounds, of, least, timing } => {
            format!(
                "라운드 {of}개 중 {rounds}개에서 {} 값이 있는 완료 요청이 {least}개 미만",
                timing.title()
            )
        }
        LimitGap::InvalidMeasurement => "측정이 INVALID".into(),
    }
}

/// `2026-12-31까지 수용: 이유 (누구)`.
pub fn terms(Terms { until, reason, by }: &Terms) -> String {
    format!("{until}까지 수용: {reason} ({})", by.as_deref().unwrap_or("아직 커밋 안 됨"))
}

pub fn measured(m: &Measured) -> String {
    let p = m.p.map_or_else(String::new, |p| format!(", {}", probability(p)));
    format!("{}{}{p}", m.metric.title(), moved(m.metric, m.change, m.interval))
}

pub const fn side(side: Side) -> &'static str {
    match side {
        Side::Baseline => "기준선",
        Side::Candidate => "이 변경",
    }
}

fn moved(metric: Metric, by: Option<f64>, interval: Option<(f64, f64)>) -> String {
    let of = |x: f64| change(metric, x).replace("over +1000 %", "+1000 % 초과");
    let by = by.map(|by| format!(" {}", of(by))).unwrap_or_default();
    by + &interval.map(|(low, high)| format!(" ({} ~ {})", of(low), of(high))).unwrap_or_default()
}

fn proof(margins: &[Margin], detectable: &[(Metric, f64)]) -> String {
    let proven = match margins {
        [] => "주요 지표에 대해서는 없음".to_owned(),
        all => bounds(all, |names, bound| format!("{names} 저하 {bound} 미만")).join(", "),
    };
    let each: Vec<String> = detectable
        .iter()
        .map(|(metric, x)| format!("{} {}", metric.title(), size(*metric, *x)))
        .collect();
    if each.is_empty() {
        proven
    } else {
        format!("{proven}; 최소 감지 변화: {}", each.join(", "))
    }
}

/// `; 이 변경의 시작 2번에서 확인: 78 % 미만의 시작에서만 나타나는 저하는 놓쳤을 수 있음`.
fn unseen(starts: u64, share: Option<f64>) -> String {
    share.map_or_else(String::new, |share| {
        format!(
            "; 이 변경의 시작 {starts}번에서 확인: {:.0} % 미만의 시작에서만 나타나는 저하는 놓쳤을 수 있음",
            share * 100.0
        )
    })
}

fn unstable(found: &SlowStarts) -> String {
    let SlowStarts { candidate, baseline, slower, hit, .. } = found;
    let whole = |difference: f64| format!("{:.0}", difference.exp_m1() * 100.0);
    let by = match slower.map(|(least, most)| (whole(least), whole(most))) {
        Some((least, most)) if least == most => format!("다른 시작보다 {most} % 느림"),
        Some((least, most)) => format!("다른 시작보다 {least} ~ {most} % 느림"),
        None => "느림".to_owned(),
    };
    let of_baseline = match baseline.slow {
        0 => format!("기준선은 {}번 중 없음", baseline.starts),
        slow => format!("기준선은 {}번 중 {slow}번", baseline.starts),
    };
    let open = if *hit { "" } else { "; 빌드 때문인지 알려면 시작이 더 필요" };
    format!(
        "불안정한 시작: 이 변경의 시작 {}번 중 {}번이 {by}; {of_baseline}{open}",
        candidate.starts, candidate.slow
    )
}

fn seen(l: &LimitValue) -> String {
    let of = |x: f64| value(l.metric, x);
    let interval = l.interval.map(|(low, high)| format!(" ({} ~ {})", of(low), of(high)));
    format!(
        "{} {}{}",
        l.metric.title(),
        l.value.map(of).unwrap_or_default(),
        interval.unwrap_or_default()
    )
}

fn edge(l: &LimitValue) -> String {
    let (Bound::Max(limit) | Bound::Min(limit)) = l.bound;
    value(l.metric, limit)
}

fn obstacle(l: &LimitValue) -> String {
    l.obstacle.map_or_else(String::new, |obstacle| {
        let why = match obstacle {
            Obstacle::OneStart => "시작 한 번은 아무것도 입증하지 못함, 일치하는 두 번이 필요",
            Obstacle::Disturbed => "실패한 요청, 값이 없는 라운드 또는 포화에 가까운 대기열 때문",
            Obstacle::RoundsDisagree => {
                "라운드끼리 결과가 다름, 같은 시드로 시작을 한 번 더 측정하면 계획의 차이와 노이즈를 구분 가능"
            }
        };
        format!(": {why}")
    })
}
