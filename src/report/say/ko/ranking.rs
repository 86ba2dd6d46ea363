//! What is said of several records side by side, in Korean. Not here: what it holds
//! (`report::ranking::note`).

use super::measure;
use crate::config::Lang;
use crate::report::ranking::note::{LoadName, RankingNote, Win, WinOutcome, listed};
use crate::report::text;

pub fn note(note: &RankingNote) -> String {
    match note {
        RankingNote::Winners { workloads } if workloads.is_empty() => "측정된 것이 없음".into(),
        RankingNote::Winners { workloads } => {
            workloads.iter().map(win).collect::<Vec<_>>().join("; ")
        }
        RankingNote::SameLoad(load) => self::load(load),
        RankingNote::WorkloadLacking => "이 워크로드로 측정하지 않음".into(),
        RankingNote::EntrantInvalid { why } => format!("INVALID: {}", measure::note(why)),
        RankingNote::OtherArrivals { arrival, first } => format!(
            "첫 레코드({})와 다른 부하({})로 측정함",
            text::arrival(first, Lang::Ko),
            text::arrival(arrival, Lang::Ko)
        ),
        RankingNote::OtherLoad { load, first } => {
            format!("첫 레코드({})와 다른 부하({})로 측정함", self::load(first), self::load(load))
        }
        RankingNote::OtherPlan => {
            "첫 레코드와 다른 부하로 측정함: 시드, 프롬프트 등 계획이 다름".into()
        }
        RankingNote::MetricsUnranked { metrics } => {
            format!("지표 {metrics}개는 순위 없이 표시: {}", self::note(&RankingNote::NoiseUnknown))
        }
        RankingNote::GoodputUnranked { entrant } => {
            format!("{entrant}: SLO를 만족한 요청이 없는 라운드가 있어 goodput을 순위 없이 표시")
        }
        RankingNote::GpusUnranked => "GPU 지표는 순위 없이 표시: 다른 지표를 설명하는 값".into(),
        RankingNote::UnequalWork { most, least } => format!(
            "작업량이 다름: 요청당 출력 토큰 {} {:.1}개, {} {:.1}개; E2E latency와 처리량은 의미가 적음: 길이를 고정하거나(ignore_eos) \
             TTFT와 TPOT를 비교",
            most.entrant, most.tokens, least.entrant, least.tokens
        ),
        RankingNote::OtherMachines => {
            "레코드가 서로 다른 장비의 것: 차이가 장비 때문일 수 있음".into()
        }
        RankingNote::OtherLoadAt { entrant, level, why } => {
            format!("{entrant}, {level}: {}", self::note(why))
        }
        RankingNote::NotMeasuredAt { entrant, levels } if levels.is_empty() => {
            format!("{entrant}: 어느 수준에서도 측정하지 않음")
        }
        RankingNote::NotMeasuredAt { entrant, levels } => {
            format!("{entrant}: {}에서 측정하지 않음", listed(levels))
        }
        RankingNote::UnknownMetric { metric } => format!("이 버전에 없는 지표: {metric}"),
        RankingNote::WorkloadNotMeasured { workload } => {
            format!("워크로드 {workload} 측정 안 됨")
        }
        RankingNote::EntrantNotMeasured { entrant } => format!("{entrant} 측정 안 됨"),
        RankingNote::EntrantNotRanked { entrant, why } => format!("{entrant}: {}", self::note(why)),
        RankingNote::NoiseUnknown => {
            "서버 시작이 적어 노이즈를 알 수 없음: 각각 3회 이상 필요".into()
        }
        RankingNote::Text { text } => text.clone(),
    }
}

fn win(win: &Win) -> String {
    let Win { workload, not_ranked, outcome } = win;
    let outcome = match outcome {
        WinOutcome::Winner { entrant, metric, next, ratio } => {
            format!("{entrant} 우세 ({metric}: {next}보다 {} 좋음)", text::size("ms", Some(*ratio)))
        }
        WinOutcome::Mixed => "우열 없음 (지표마다 우세한 쪽이 다름)".to_owned(),
        WinOutcome::NothingProven => "우열 없음 (입증된 차이 없음)".to_owned(),
    };
    let not_ranked = if not_ranked.is_empty() {
        String::new()
    } else {
        format!("; 순위 없음: {}", not_ranked.join(", "))
    };
    format!("{workload}: {outcome}{not_ranked}")
}

fn load(load: &LoadName) -> String {
    let LoadName { arrival, requests_per_round, input_tokens, output_tokens } = load;
    let each = requests_per_round.map_or_else(String::new, |n| format!(", 라운드당 요청 {n}개"));
    format!(
        "{}{each}, 입력 {input_tokens}토큰 (공칭), 출력 {output_tokens}토큰",
        text::arrival(arrival, Lang::Ko)
    )
}
