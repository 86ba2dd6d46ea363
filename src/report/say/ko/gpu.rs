//! What is found of GPUs, and what they did, in Korean. Not here: what it holds
//! (`measure::seen::gpu`), a GPU's numbers (`report::gpu`).

use crate::evidence::gpu::EnergySource;
use crate::measure::seen::gpu::{
    GpuSeen, NvmlTrouble, Presence, Remedy, Throttle, Unwatched, process,
};
use crate::report::gpu::GpuText;

/// What a GPU did.
pub const WORDS: GpuText = GpuText {
    peak: |mib| format!("최대 {mib} MiB"),
    average: |mib| format!("평균 {mib}"),
    busy: |share| format!("사용률 {share}"),
    energy_source: |source| match source {
        EnergySource::Counter => "에너지 카운터",
        EnergySource::Power => "전력 적분",
    },
    to: " ~ ",
    hottest: |celsius| format!("최고 {celsius}"),
    held_back: |by| format!("제한 요인: {by}"),
    throttle,
    corrected: |n| format!("정정된 ECC 오류 {n}개"),
    uncorrected: |n| format!("정정 불가 ECC 오류 {n}개"),
    replays: |n| format!("PCIe 재전송 {n}회"),
    not_told: |names| format!("알리지 않는 값: {names}"),
    value: |name| match name {
        "SM clock" => "SM 클럭",
        "memory clock" => "메모리 클럭",
        "energy counter" => "에너지 카운터",
        "ECC errors" => "ECC 오류",
        other => other,
    },
    cost: |every, share| format!("표본 간격 {every}, 코어 하나의 {share} 사용"),
};

pub fn seen(seen: &GpuSeen) -> String {
    match seen {
        GpuSeen::GpuLost { gpu, at_s } => format!(
            "{gpu}: 라운드 {at_s:.1} s 시점에 버스에서 사라짐: `dmesg | grep -i xid` 확인 후 GPU를 리셋하거나 장비를 재시작"
        ),
        GpuSeen::GpuEcc { gpu, errors, at_s } => format!(
            "{gpu}: 정정 불가 ECC 오류 {errors}개, 라운드 {at_s:.1} s 시점: `nvidia-smi -q -d ECC` 확인 후 리셋하거나 교체"
        ),
        GpuSeen::GpuThrottled { gpu, reasons, share, at_s, conditions } => {
            let words: Vec<&str> = reasons.iter().map(|r| throttle(*r)).collect();
            format!(
                "{gpu}: 표본의 {:.0} %에서 {}, 처음은 라운드 {at_s:.1} s 시점{}: {}",
                share * 100.0,
                words.join(", "),
                conditions.shown(),
                remedy(Remedy::new(reasons))
            )
        }
        GpuSeen::GpuForeignProcess { gpu, pid, name, memory_mib, presence, at_s } => {
            let process = process("프로세스", ", ", *pid, name.as_deref(), *memory_mib);
            let did = match presence {
                Presence::Before => "서버 시작 전부터 이 GPU를 사용 중".to_owned(),
                Presence::NotOurs => {
                    format!("서버의 것이 아니며 라운드 {at_s:.1} s 시점에 이 GPU를 사용 중")
                }
                Presence::Came => format!("라운드 {at_s:.1} s 시점에 이 GPU에 나타남"),
                Presence::Went => format!("라운드 {at_s:.1} s 시점에 이 GPU에서 사라짐"),
            };
            format!(
                "{gpu}: {process}: {did}: 아무도 GPU를 쓰지 않을 때 측정하거나 다른 GPU를 선택 (gpu.devices)"
            )
        }
        GpuSeen::GpuClockMoved { gpu, mhz, first_mhz } => format!(
            "{gpu}: SM 클럭 중앙값 {mhz:.0} MHz, 첫 라운드는 {first_mhz:.0} MHz ({:+.1} %): 클럭을 고정하거나 \
             (`sudo nvidia-smi -lgc MHZ`) 더 오래 예열",
            (mhz / first_mhz - 1.0) * 100.0
        ),
        GpuSeen::GpuDriverSilent { seconds } => format!(
            "GPU 드라이버: 라운드 끝에 {seconds} s 안에 응답 없음: `nvidia-smi`와 `dmesg | grep -i xid` 확인"
        ),
        GpuSeen::GpuUnwatched { why } => format!("{}; gpu.watch가 required임", unwatched(why)),
    }
}

pub fn unwatched(why: &Unwatched) -> String {
    match why {
        Unwatched::ServerElsewhere => "GPU 데이터 없음: 서버가 다른 장비에 있음".into(),
        Unwatched::NoGpuVisible => {
            "GPU 데이터 없음: 서버에 보이는 GPU가 없음 (CUDA_VISIBLE_DEVICES)".into()
        }
        Unwatched::NoNvml => "GPU 데이터 없음: NVML 없음".into(),
        Unwatched::NvmlFailed { why, nvml } => {
            format!("GPU 데이터 없음: {}", nvml_trouble(nvml.as_ref(), why))
        }
        Unwatched::GpusInDev { gpus: 1, why, nvml } => format!(
            "GPU 데이터 없음, /dev에는 NVIDIA GPU가 있음: {}",
            nvml_trouble(nvml.as_ref(), why)
        ),
        Unwatched::GpusInDev { gpus, why, nvml } => format!(
            "GPU 데이터 없음, /dev에는 NVIDIA GPU {gpus}개가 있음: {}",
            nvml_trouble(nvml.as_ref(), why)
        ),
    }
}

/// Of a record of an earlier version, in its words.
fn nvml_trouble(nvml: Option<&NvmlTrouble>, why: &str) -> String {
    nvml.map_or_else(|| why.to_owned(), |trouble| trouble.text().ko)
}

pub const fn throttle(reason: Throttle) -> &'static str {
    match reason {
        Throttle::Idle => "유휴",
        Throttle::ApplicationClocks => "애플리케이션 클럭",
        Throttle::DisplayClocks => "디스플레이 클럭",
        Throttle::SyncBoost => "sync boost",
        Throttle::PowerCap => "전력 제한",
        Throttle::SwThermal => "온도로 인한 감속(소프트웨어)",
        Throttle::HwSlowdown => "하드웨어 감속",
        Throttle::HwThermal => "온도로 인한 감속(하드웨어)",
        Throttle::PowerBrake => "파워 브레이크",
    }
}

const fn remedy(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::PowerSupply => {
            "전원 장치의 요청: 장비의 전원을 점검하거나 GPU 전력 제한을 낮출 것 (`sudo nvidia-smi -pl WATTS`)"
        }
        Remedy::HeatOrPower => {
            "열 또는 전력: 장비를 식히거나 유지할 수 있는 클럭으로 고정 (`sudo nvidia-smi -lgc MHZ`)"
        }
        Remedy::Heat => "장비를 식히거나 유지할 수 있는 클럭으로 고정 (`sudo nvidia-smi -lgc MHZ`)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::seen::gpu::Conditions;
    use crate::report::say::tests::numbers;

    fn all() -> Vec<GpuSeen> {
        let gpu = || "GPU 3 (NVIDIA L4)".to_owned();
        let throttled = |reasons: &[Throttle]| GpuSeen::GpuThrottled {
            gpu: gpu(),
            reasons: reasons.to_vec(),
            share: 0.5,
            at_s: 5.1,
            conditions: Conditions { temperature_c: Some(92), sm_mhz: Some(1200), power_w: None },
        };
        let process = |presence| GpuSeen::GpuForeignProcess {
            gpu: gpu(),
            pid: 7,
            name: Some("python".into()),
            memory_mib: Some(512),
            presence,
            at_s: 3.1,
        };
        let text = || "error 9".to_owned();
        let required = |why| GpuSeen::GpuUnwatched { why };
        vec![
            GpuSeen::GpuLost { gpu: gpu(), at_s: 7.1 },
            GpuSeen::GpuEcc { gpu: gpu(), errors: 2, at_s: 7.1 },
            throttled(&[Throttle::PowerBrake, Throttle::HwThermal]),
            throttled(&[Throttle::HwSlowdown]),
            throttled(&[Throttle::SwThermal]),
            process(Presence::Before),
            process(Presence::NotOurs),
            process(Presence::Came),
            process(Presence::Went),
            GpuSeen::GpuClockMoved { gpu: gpu(), mhz: 1900.0, first_mhz: 2000.0 },
            GpuSeen::GpuDriverSilent { seconds: 5 },
            required(Unwatched::ServerElsewhere),
            required(Unwatched::NoGpuVisible),
            required(Unwatched::NoNvml),
            required(Unwatched::NvmlFailed { why: text(), nvml: None }),
            required(Unwatched::GpusInDev { gpus: 1, why: text(), nvml: None }),
            required(Unwatched::GpusInDev {
                gpus: 8,
                why: NvmlTrouble::NoDriver.text().en,
                nvml: Some(NvmlTrouble::NoDriver),
            }),
        ]
    }

    #[test]
    fn a_finding_has_the_same_numbers_in_korean_and_is_stored_with_a_code() {
        for one in all() {
            let (english, korean) = (one.to_string(), seen(&one));
            assert_eq!(numbers(&english), numbers(&korean));
            let stored = serde_json::to_value(crate::measure::seen::Seen::from(one)).expect("JSON");
            assert!(stored["code"].is_string(), "{stored}");
            let read: crate::measure::seen::Seen = serde_json::from_value(stored).expect("its own");
            assert_eq!(read.to_string(), english);
        }
    }
}
