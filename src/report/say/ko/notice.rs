//! Notices in Korean. Not here: what they hold (`report::notice`).

use crate::report::notice::{Notice, OwnPolicy, TargetGap, Unheld};

pub fn notice(notice: &Notice) -> String {
    match notice {
        Notice::Demo => "데모: 양쪽 모두 시뮬레이션 서버이며, 이는 계측용이지 실제 엔진의 성능을 예측하지 않음".into(),
        Notice::ConfigMoved { file, counts } => format!("이 변경의 설정은 {file}: 여기서는 {counts}의 내용이 적용됨"),
        Notice::PolicyAltered { keys, file, base } => {
            format!("이 변경이 {file}의 {} 설정을 바꿈: 여기서는 {}의 내용이 적용됨", keys.join(", "), self::base(base))
        }
        Notice::OwnPolicy { why } => format!("{}: 이 체크아웃 자체의 정책을 적용", own_policy(why)),
        Notice::BaselineConfigAltered { file, base } => {
            format!("이 변경이 바꾼 설정 파일: {file} (gate.baseline.config); 여기서는 {}의 내용이 적용됨", self::base(base))
        }
        Notice::BaselineConfigOutside { file } => format!("{file} (gate.baseline.config): 이 저장소 밖에 있어 거기 있는 그대로 적용"),
        Notice::SidesDiffer { keys } => format!(
            "양쪽을 각자의 설정대로 빌드하고 시작하며 {} 설정이 서로 다름: 그 때문에 느려지거나 빨라진 것도 비교에 나타남",
            keys.join(", ")
        ),
        Notice::SidesAsThisCheckout { why } => format!(
            "{}; 양쪽 모두 이 체크아웃의 설정대로 빌드하고 시작함: 그 때문에 느려지거나 빨라진 것은 비교에 나타나지 않음",
            target_gap(why)
        ),
        Notice::FileUnheld { file, why } => format!("워크로드가 보내는 {file}: {}; 이 작업에 있는 그대로 보냄", unheld(why)),
        Notice::FileAltered { file, base } => {
            format!("이 변경이 워크로드가 보내는 {file} 파일을 바꿈: 여기서는 {}의 것을 보냄", self::base(base))
        }
        Notice::UncommittedSessions { sessions, folder } => {
            format!("{folder}의 커밋되지 않은 세션 {sessions}개도 반영: HEAD가 base 브랜치에 있고 CI가 아님")
        }
        Notice::BaselinesAltered { folder } => format!("이 변경이 {folder}의 파일을 바꿈: base 브랜치에 들어간 뒤부터 반영"),
        Notice::WalkStopped { commits, commit, day } => format!(
            "기준선 탐색이 커밋 {commits}개를 지나 {commit} ({day})에서 멈춤, 기록은 더 있음: 더 오래된 세션은 찾지 못함; 설정의 `baselines.max_walk`로 늘릴 수 있음"
        ),
        Notice::ComparedOutside { path } => {
            format!("비교 대상: {path} (--baseline); 이 저장소 밖에 있어 어느 커밋에도 들어 있지 않음")
        }
        Notice::ComparedHere { path } => {
            format!("비교 대상: 이 체크아웃에 있는 그대로의 {path} (--baseline); 여기서는 변경을 판정하지 않음 (--base none)")
        }
        Notice::ComparedAtBase { path, base } => format!("비교 대상: {}에 있는 그대로의 {path} (--baseline)", self::base(base)),
        Notice::PushBaseGone { commit, base } => format!("이 push 이전의 커밋({commit})이 여기 없음(강제 push 뒤의 상태): base는 {base}"),
        Notice::NoBaseBranch { looked_for } => format!(
            "base 브랜치를 찾지 못함 (찾아본 것: {}): HEAD 자신이 base; --base REF로 지정 가능",
            looked_for.join(", ")
        ),
        Notice::MergeBaseUnknown { head, base } => format!(
            "{head}와(과) {base}의 merge base를 알 수 없음(그 커밋이 여기 없고 GitHub도 알려 주지 않음): base 자체 커밋의 세션을 반영"
        ),
        Notice::AcceptancesUnread { why } => format!("base의 수용을 읽을 수 없어 반영하지 않음: {why}"),
        Notice::AcceptancesUnusable { file, why } => format!("{file} 사용 불가, 수용을 반영하지 않음: {why}"),
        Notice::AcceptanceUnusable { workload, why } => format!("{workload}의 수용 하나를 반영하지 않음: {why}"),
        Notice::AcceptanceBrought { entries } => {
            format!("이 변경에 든 수용({})은 base 브랜치에 들어간 뒤부터 반영", entries.join(", "))
        }
        Notice::FromRecord { created } => format!("지금 측정하지 않음: {created}에 저장한 레코드를 판정함 (--from)"),
        Notice::AttemptsFileUnusable { file, why } => format!("{file}: 사용할 수 없어 그 안의 이전 시도를 알 수 없음: {why}"),
        Notice::AttemptsUnread { why } => format!("이 커밋에 대한 이전 워크플로 실행의 시도를 GitHub에서 읽을 수 없음: {why}"),
        Notice::AttemptsUnknown { attempt, why } => {
            format!("워크플로 실행의 시도 {attempt}이며 이전 시도의 결과를 알 수 없어 그만큼 더 확실해야 PASS: {why}")
        }
        Notice::AttemptsTogether { attempts } => {
            format!("이 커밋의 앞선 시도 {attempts}번과 함께 판정: 수치는 모든 시도를 합친 값")
        }
        Notice::VerdictStands { created, most: None } => {
            format!("측정하지 않음: 이 커밋의 시도({created})가 이미 통과하여 그 판정을 유지")
        }
        Notice::VerdictStands { created, most: Some(most) } => format!(
            "측정하지 않음: 이 커밋에서 이미 {most}번 시도하여 마지막 시도({created})의 판정을 유지; 코드가 바뀌면 새로 시작"
        ),
        Notice::BaseUnknown { why } => {
            format!("풀 리퀘스트의 base를 알 수 없어 이 작업이 체크아웃한 것을 기준으로 판정: {why}")
        }
        Notice::NoRepository { pull } => {
            format!("저장소가 아닌 이 폴더의 설정으로 판정: 풀 리퀘스트 {pull}의 base를 여기서 읽을 수 없음")
        }
        Notice::JudgedAgainst { pull, base } => format!("풀 리퀘스트 {pull}의 base를 기준으로 판정: {}", self::base(base)),
        Notice::BaseWithoutConfig { pull, base } => {
            format!("풀 리퀘스트 {pull}의 base({})에 설정 없음: 이 체크아웃 자체의 정책을 적용", self::base(base))
        }
        Notice::OwnChoice => {
            "교차 측정한 실행이나 이 저장소의 설정은 아님: 비교 상대는 측정한 작업이 고른 것이며, 커밋된 기준선은 보지 않음".into()
        }
        Notice::NotConfigured => "이 저장소의 설정에 없음: 한도와 SLO 없이 판정".into(),
        Notice::WorkloadsGone { workloads } => {
            format!("이 저장소의 설정에는 있으나 어느 레코드에도 없음: {}", workloads.join(", "))
        }
        Notice::Repeated { repeated, rounds, checks } => {
            format!("라운드 {rounds}개 중 {repeated}개가 클라이언트 머신의 방해를 받아({}) 다시 측정", checks.join(", "))
        }
        Notice::Unsaved { why } => format!("측정 결과를 저장하지 못함: {why}"),
        Notice::Unwritten { file, why } => format!("{file} 파일을 쓰지 못함: {why}"),
    }
}

/// A base as git's room calls it: `the base 0123456789ab` where it has no name.
fn base(known_as: &str) -> String {
    known_as
        .strip_prefix("the base ")
        .map_or_else(|| known_as.to_owned(), |commit| format!("base {commit}"))
}

fn own_policy(why: &OwnPolicy) -> String {
    match why {
        OwnPolicy::NoChange => "여기서는 변경을 판정하지 않음 (--base none)".into(),
        OwnPolicy::ConfigOutside => "설정이 이 저장소 밖에 있어 base에는 그 설정이 없음".into(),
        OwnPolicy::NoConfig(name) => format!("{}에 설정 없음", base(name)),
    }
}

fn target_gap(why: &TargetGap) -> String {
    match why {
        TargetGap::NoConfig(commit) => format!("{commit}에 설정 없음"),
        TargetGap::Unusable { config, why } => format!("{config} 사용 불가 ({why})"),
        TargetGap::StartsNone { config } => {
            format!("{config} 사용 불가 (서버를 어떻게 시작하는지 적혀 있지 않음)")
        }
    }
}

fn unheld(why: &Unheld) -> String {
    match why {
        Unheld::Outside => "이 저장소 밖에 있어 어느 커밋에도 들어 있지 않음".into(),
        Unheld::NotIn { base: name, why: None } => format!("{}에 없는 파일", base(name)),
        Unheld::NotIn { base: name, why: Some(why) } => {
            format!("{}에 없는 파일 ({why})", base(name))
        }
        Unheld::OtherInLfs { base: name } => {
            format!("{}에 있는 파일(Git LFS)과 다름", base(name))
        }
    }
}
