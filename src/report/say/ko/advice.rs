//! Advice in Korean. Not here: when it is given (`report::advice`).

use crate::config::Lang;
use crate::report::advice::{Advice, Queue};
use crate::report::text;

pub fn advice(advice: &Advice) -> String {
    let (ms, share) =
        (|x: &f64| text::value("ms", Some(*x)), |x: &f64| text::value("ratio", Some(*x)));
    match advice {
        Advice::PrefixCache { warm_ms, cold_ms, helps } => {
            let todo = if *helps {
                ""
            } else {
                "; 서버의 prefix 캐시가 켜져 있고 공간이 있는지 확인"
            };
            format!(
                "warm TTFT p50: {}, cold {}의 {:.2}배{todo}",
                ms(warm_ms),
                ms(cold_ms),
                warm_ms / cold_ms
            )
        }
        Advice::ClientBound { busy } => format!(
            "클라이언트가 한계에 가까움: 가장 바쁜 스레드의 사용률 {:.0} % (90 %부터는 INVALID); 부하를 낮추거나 클라이언트에 프로세서를 더 \
             줄 것",
            busy * 100.0
        ),
        Advice::Failures { succeeded, most } => {
            let most = most.as_ref().map_or_else(String::new, |(kind, n)| {
                format!(", 실패는 주로 {} ({n})", text::outcome(kind, Lang::Ko))
            });
            format!(
                "요청의 {}만 성공{most}: 지연 시간은 성공한 요청만의 값; 속도보다 실패를 먼저 해결",
                share(succeeded)
            )
        }
        Advice::BeyondKnee { level, knee, curve } => format!(
            "수준 {level}: knee({knee})보다 높음; 그 위로는 {curve} 증가가 거의 없고 지연 시간만 늘어남: knee보다 낮은 부하로 운영할 것"
        ),
        Advice::Late { in_time, answered, worst } => {
            let worst = worst
                .map(|(slo, met)| format!("; 가장 자주 어긴 SLO: {slo}, 달성률 {}", share(&met)));
            let completed = if *answered >= 1.0 {
                "모든 요청이".into()
            } else {
                format!("요청의 {}가", share(answered))
            };
            let (in_time, worst) = (share(in_time), worst.unwrap_or_default());
            format!(
                "{completed} 완료되었으나 제시간(SLO)에 끝난 것은 {in_time}뿐{worst}; 부하를 낮추거나 이 지표부터 살필 것"
            )
        }
        Advice::Queueing { queue_ms, first_ms, whose } => {
            let (whose, todo) = match whose {
                Queue::Server => (
                    "서버 대기열",
                    "부하를 낮추거나, 동시에 실행할 요청을 늘리거나, 복제본을 추가할 것",
                ),
                Queue::Client => ("클라이언트 대기열", "max_in_flight를 늘리거나 부하를 낮출 것"),
            };
            format!(
                "TTFT의 대부분이 대기 시간: 평균 {} 중 {} ({whose}); {todo}",
                ms(first_ms),
                ms(queue_ms)
            )
        }
        Advice::Bursty { tail_ms, median_ms } => format!(
            "토큰이 몰려서 옴: 청크 간격 백 개 중 하나가 {} 이상, 중앙값 {}; decode 사이의 prefill, 선점(preemption), 버퍼링하는 프록시를 \
             확인할 것",
            ms(tail_ms),
            ms(median_ms)
        ),
        Advice::IdleGpu { waiting, busiest } => format!(
            "평균 {}개 요청이 기다리는 동안 모든 GPU의 사용률이 {:.0} % 이하: 서버의 제한(동시 시퀀스 수, KV 캐시 여유)와 CPU를 확인할 것",
            text::number(Some(*waiting)),
            busiest * 100.0
        ),
    }
}
