//! What is found of a measurement in Korean. Not here: what it holds (`measure::seen`,
//! `record::note`).

use crate::measure::seen::shard::ShardSeen;
use crate::measure::seen::{CountSeen, Restart, Seen, ServerSeen};
use crate::plan::dataset::{LeftOut, Why};
use crate::record::note::{Found, Note, Place};

pub fn note(note: &Note) -> String {
    match note {
        Note::NoRound => "끝난 라운드가 없음: 측정된 것이 없음".into(),
        Note::ModelChanged { start, round, before, after } => format!(
            "시작 {start}, 라운드 {round}: 응답의 모델이 {after:?}인데 그전에는 {before:?}였음: 측정된 것은 어느 쪽도 아님"
        ),
        Note::EntriesLeftOut(LeftOut { why, count, first, of }) => {
            let why = match why {
                Why::NoQuestion => "사용자 메시지 없음",
                Why::NoText => "질문까지의 메시지 중 텍스트가 없는 것이 있음",
                Why::OtherRole => "질문까지의 메시지 중 system, user, assistant가 아닌 역할이 있음",
            };
            format!("데이터셋 항목 {of}개 중 {count}개 제외: {why} (첫 항목은 {first}번)")
        }
        Note::Unwatched(why) => super::gpu::unwatched(why),
        Note::Found(Found { place, seen }) => {
            format!("{}: {}", self::place(*place), self::seen(seen))
        }
        Note::FoundInWords { place, message } => {
            format!("{}: {message}", self::place(*place))
        }
    }
}

fn place(Place { start, round, rounds, of }: Place) -> String {
    match rounds {
        1 => format!("시작 {start}, 라운드 {round}"),
        all if all == of => format!("라운드 {of}개 모두"),
        _ => format!("라운드 {of}개 중 {rounds}개, 처음은 시작 {start}, 라운드 {round}"),
    }
}

fn shard(seen: &ShardSeen) -> String {
    match seen {
        ShardSeen::InShard { shard, what } => format!("샤드 {shard}: {}", self::seen(what)),
        ShardSeen::ShardMissing { shard, shards, requests: Some(requests) } => format!(
            "샤드 {shard} 없음 (전체 {shards}개): 요청 {requests}개를 보내지 못해 미달로 계산, 부하가 계획보다 작음; 그 샤드의 로그를 \
             확인하고 다시 측정"
        ),
        ShardSeen::ShardMissing { shard, shards, requests: None } => format!(
            "샤드 {shard} 없음 (전체 {shards}개): 부하가 계획보다 작음; 그 샤드의 로그를 확인하고 다시 측정"
        ),
        ShardSeen::ShardEnded { shard, why } => {
            let first = why.lines().next().unwrap_or_default();
            format!("샤드 {shard}이(가) 라운드를 마치기 전에 종료: {first}")
        }
        ShardSeen::ShardLate { late_ms, bound_ms } => format!(
            "이 샤드가 다른 샤드보다 {late_ms:.1} ms 늦게 시작, 한계 {bound_ms:.1} ms: 장비가 과부하이거나 랑데부 응답이 늦음"
        ),
        ShardSeen::ShardClockUnsure { uncertainty_ms, bound_ms } => format!(
            "샤드 0 대비 이 샤드 시계의 불확실성 {uncertainty_ms:.1} ms, 한계 {bound_ms:.1} ms: 둘 사이의 경로가 느림; 같은 네트워크에서 \
             HTTP로 만날 것 (--rendezvous http://HOST:PORT)"
        ),
        ShardSeen::ShardClockUnread => {
            "이 라운드 뒤에 샤드 0의 시계를 읽을 수 없어 이 샤드의 시계가 움직였는지 알 수 없음: 샤드 0의 로그를 확인".into()
        }
        ShardSeen::ShardClockDrifted { drift_ms, bound_ms } => format!(
            "이 라운드에서 샤드 0 대비 이 샤드의 시계가 {drift_ms:+.1} ms 움직임, 한계 {bound_ms:.1} ms: 시계를 맞추는 것(chrony, \
             하이퍼바이저)을 확인"
        ),
        ShardSeen::ShardDatesApart { seconds } => format!(
            "이 샤드의 날짜가 샤드 0과 {seconds:+.0} s 차이: 시작 시점은 날짜를 따르지 않으므로 부하에는 영향 없음"
        ),
    }
}

fn seen(seen: &Seen) -> String {
    match seen {
        Seen::NoneCompleted { requests, empty: 0 } => {
            format!("요청 {requests}개 중 완료된 것이 없음: 오류를 확인하고 요청 하나를 직접 보내 볼 것")
        }
        Seen::NoneCompleted { requests, empty } => {
            format!("요청 {requests}개 중 완료된 것이 없음: 그중 {empty}개는 정상으로 끝났지만 출력 토큰을 0개로 셈")
        }
        Seen::ClientLate { p99_ms, bound_ms } => format!(
            "클라이언트가 늦음: p99 전송 지연 {p99_ms:.2} ms, 한계 {bound_ms:.2} ms; 요청률을 낮추거나, 유휴 코어를 주거나, 서버와 다른 \
             장비에서 실행"
        ),
        Seen::ClientNearlyLate { p99_ms } => format!("p99 전송 지연 {p99_ms:.2} ms: TTFT 중앙값의 1 % 초과"),
        Seen::ClientBusy { busy, bound } => format!(
            "클라이언트 스레드가 라운드의 {:.0} % 동안 바쁨, 한계 {:.0} %: --workers를 늘리거나 부하를 낮출 것",
            busy * 100.0,
            bound * 100.0
        ),
        Seen::LoopLate { p99_ms, bound_ms } => format!(
            "클라이언트 이벤트 루프가 {p99_ms:.1} ms 늦음 (p99), 한계 {bound_ms:.1} ms: 장비가 과부하라 시각을 믿을 수 없음"
        ),
        Seen::RateMissed { asked, sent } => {
            format!(
                "클라이언트가 {asked:.1} requests/s 중 {sent:.1} requests/s만 보냄: max_in_flight를 늘리거나 요청률을 낮출 것"
            )
        }
        Seen::Saturated { asked, sent, reached } => format!(
            "SATURATED: max_in_flight만큼 요청이 진행 중이고 클라이언트는 유휴 상태인데 서버가 {asked:.1} requests/s 중 {sent:.1} requests/s만 \
             받아 {reached:.1}/s 완료: 판정하려면 요청률을 낮추고, 대기열 증가를 보려면 max_in_flight를 늘릴 것"
        ),
        Seen::LengthMissed { asked, got } => format!(
            "요청당 출력 토큰 {got:.1}개, 요구한 것은 {asked:.1}개: 서버가 길이를 지키지 않음; ignore_eos: false로 두면 기준선의 길이와 비교"
        ),
        Seen::RequestsFailed { failed, requests } => format!("요청 {requests}개 중 {failed}개 실패: 오류를 확인할 것"),
        Seen::ConnectionsReopened { requests } => {
            format!("요청 {requests}개를 새 연결로 보냄: 쓰기 전에 서버가 유휴 연결을 닫음")
        }
        Seen::BytesBeyondAnswers { connections } => format!(
            "응답 뒤에 남은 바이트가 와서 연결 {connections}개를 닫음: 서버와 그 앞의 프록시를 확인할 것: 요청마다 응답을 하나만 보내야 함"
        ),
        Seen::TooManyConnections { requests, most } => format!(
            "요청 {requests}개의 연결을 열지 못함: 이 프로세스가 동시에 열 수 있는 연결은 {most}개(ulimit -n); 한도를 올리거나 부하를 낮출 것"
        ),
        Seen::ClientStoodStill => {
            "라운드 도중 이 프로그램이 멈춰 있었음 (Ctrl-Z나 SIGSTOP으로 정지, 또는 머신과 함께 동결): 그동안 서버가 \
            보낸 것은 늦게 읽힘; 다시 측정"
                .into()
        }
        Seen::SlowAfterIdling { idle_s, slower } => format!(
            "{idle_s:.0}초 유휴 뒤 첫 라운드가 같은 시작의 다른 라운드보다 {:.0} % 느림",
            slower * 100.0
        ),
        Seen::OtherGates { gates } => {
            format!("그동안 이 머신에서 각자의 서버로 측정한 다른 게이트: {}", gates.join(", "))
        }
        Seen::Counts(counts) => self::counts(counts),
        Seen::Server(server) => self::server(server),
        Seen::Gpu(gpu) => super::gpu::seen(gpu),
        Seen::Shard(seen) => shard(seen),
    }
}

fn counts(seen: &CountSeen) -> String {
    match seen {
        CountSeen::NoTokenCounts { answers } => format!(
            "응답 {answers}개에 토큰 수(usage)가 없음: TPOT와 토큰 처리량을 측정할 수 없고, 이를 쓰는 판정은 통과할 수 없음"
        ),
        CountSeen::TokensInBursts { tokens, events } => {
            format!(
                "요청당 출력 토큰 {tokens:.1}개가 이벤트 {events:.1}개로 옴: 이벤트 간격은 토큰 간격이 아님"
            )
        }
        CountSeen::HiddenTokens { answers } => format!(
            "응답 {answers}개가 보내지 않은 추론 토큰까지 셈: TPOT는 실제로 온 토큰으로 계산하고, 그 수를 알 수 없으면 비워 둠"
        ),
        CountSeen::ZeroTokens { answers } => {
            format!(
                "응답 {answers}개가 출력이 있는데도 출력 토큰을 0개로 셈(usage): 집계로 치지 않음"
            )
        }
        CountSeen::TotalsDiffer { answers } => format!(
            "응답 {answers}개의 토큰 합계가 항목의 합과 다름(usage): 토큰 처리율을 비교하기 전에 이 서버가 무엇을 세는지 확인할 것"
        ),
        CountSeen::FewerTokensThanEvents { answers } => {
            format!(
                "응답 {answers}개가 센 출력 토큰이 출력 이벤트보다 적음(usage): TPOT와 토큰 처리율이 틀릴 수 있음"
            )
        }
    }
}

fn server(seen: &ServerSeen) -> String {
    match seen {
        ServerSeen::ServerRestarted { how } => {
            let how = match how {
                Restart::StartTimeMoved { seconds } => format!("프로세스 시작 시각이 {seconds:.0} s 달라짐"),
                Restart::CountersFell { from, to } => format!("카운터가 줄어듦 (예: {from} → {to})"),
            };
            format!("라운드 도중 서버 재시작 ({how}): 로그에서 원인을 확인하고 다시 측정")
        }
        ServerSeen::OtherClient { finished, ours } => format!(
            "이 라운드에 서버가 끝낸 요청 {finished:.0}개 중 우리 요청은 {ours}개: 다른 사용자가 있음; 측정하는 동안에는 다른 부하를 주지 말 것"
        ),
        ServerSeen::MetricsFailed { failed, of, why } => {
            format!("서버 메트릭 페이지 읽기 {of}번 중 {failed}번 실패 ({why}): 증거가 일부뿐임")
        }
        ServerSeen::SeveralServers => {
            "메트릭 페이지의 카운터가 줄었다가 다시 늘어남: 여러 서버가 번갈아 응답하므로 게이지만 사용; \
            target.metrics에 한 서버의 페이지를 지정"
                .into()
        }
        ServerSeen::NoMetrics { why } => format!("서버 증거 없음: 메트릭 페이지를 읽을 수 없음 ({why}); target.metrics 참고"),
    }
}
