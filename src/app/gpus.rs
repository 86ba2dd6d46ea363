//! The GPUs of this machine now, as a table or as JSON, and what would make its measurements
//! steadier. Changes nothing.

use std::sync::Arc;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use crate::clock::monotonic_ns;
use crate::evidence::gpu::{Device, Owner, Process, Sample, Throttle};
use crate::exit::Failure;
use crate::lang::{Lang, Text, bilingual};
use crate::probe::host::nvidia_devices;
use crate::watch::gpu::Gpus as Nvml;

/// A look is as good as new for so long.
const FRESH_NS: u64 = 1_000_000_000;

/// One GPU now. Absent is not told.
#[derive(Debug, Serialize)]
pub struct Row {
    #[serde(flatten)]
    pub device: Device,
    pub memory_used_bytes: Option<u64>,
    pub utilisation_ratio: Option<f64>,
    pub memory_utilisation_ratio: Option<f64>,
    pub sm_clock_mhz: Option<u32>,
    pub memory_clock_mhz: Option<u32>,
    pub power_w: Option<f64>,
    pub energy_j: Option<f64>,
    pub temperature_c: Option<u32>,
    pub throttle: Option<Vec<Throttle>>,
    pub ecc_corrected: Option<u64>,
    pub ecc_uncorrected: Option<u64>,
    pub pcie_replays: Option<u64>,
    pub processes: Option<Vec<ProcessRow>>,
    pub lost: bool,
}

#[derive(Debug, Serialize)]
pub struct ProcessRow {
    pub pid: u32,
    pub name: Option<String>,
    pub memory_bytes: Option<u64>,
    /// It has a process here: where not, it is in another container or numbered otherwise.
    pub visible: bool,
}

#[derive(Debug, Serialize)]
pub struct All {
    pub driver: Option<String>,
    pub cuda: Option<String>,
    pub gpus: Vec<Row>,
}

/// Whether clocks are locked is not told by the library.
fn lock() -> Text {
    bilingual!(
        "clocks that float make runs differ: lock them at one that the GPU holds under load, `sudo nvidia-smi -lgc MHZ` (undone by `-rgc`)",
        "클럭이 고정되지 않으면 실행마다 결과가 달라짐: 부하에서 유지되는 값으로 고정하십시오, `sudo nvidia-smi -lgc MHZ` (해제: `-rgc`)"
    )
}

/// What is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Table,
    /// Over several lines.
    Json,
    JsonLine,
}

/// The machine's GPUs, ready to be looked at.
pub struct Gpus(Nvml);

impl Gpus {
    /// Errors: exit 3, none can be watched.
    pub fn open() -> anyhow::Result<Self> {
        Ok(Self(Nvml::open().map_err(|why| {
            Failure::measure(
                bilingual!("no GPU to show: ", "표시할 GPU 없음: ").then(&why.text()).then(&hint()),
            )
        })?))
    }

    /// As it is shown.
    pub fn now(&self, form: Form, lang: Lang) -> anyhow::Result<String> {
        let all = all(&self.0);
        Ok(match form {
            Form::Table => table(&all, lang),
            Form::Json => serde_json::to_string_pretty(&all)?,
            Form::JsonLine => serde_json::to_string(&all)?,
        })
    }
}

/// The GPUs for many that look at once: the driver is asked once a second.
#[derive(Default)]
pub struct Glance {
    opened: Option<Gpus>,
    last: Option<(u64, Arc<All>)>,
}

impl Glance {
    /// Errors: as [`Gpus::open`].
    pub fn now(&mut self) -> anyhow::Result<Arc<All>> {
        let now_ns = monotonic_ns();
        if let Some((at_ns, all)) = &self.last
            && now_ns.saturating_sub(*at_ns) < FRESH_NS
        {
            return Ok(Arc::clone(all));
        }
        let gpus = match self.opened.take() {
            Some(gpus) => gpus,
            None => Gpus::open()?,
        };
        let all = Arc::new(all(&gpus.0));
        (self.opened, self.last) = (Some(gpus), Some((now_ns, Arc::clone(&all))));
        Ok(all)
    }
}

/// What there is and what to do about it, for `doctor`: whether it is fine, and the text.
pub fn advice() -> (bool, Text) {
    let gpus = match Nvml::open() {
        Ok(gpus) => gpus,
        Err(why) if nvidia_devices() == 0 => {
            let none = bilingual!("none is watched: ", "관찰하는 GPU 없음: ");
            return (true, none.then(&why.text()));
        }
        Err(why) => {
            return (
                false,
                bilingual!(
                    "/dev has NVIDIA GPUs, and none can be watched: ",
                    "/dev에 NVIDIA GPU가 있으나 관찰할 수 없음: "
                )
                .then(&why.text())
                .then(&hint()),
            );
        }
    };
    let all = all(&gpus);
    let todo: Vec<Text> = all.gpus.iter().flat_map(todo).collect();
    let fine = todo.is_empty();
    let settings = all.gpus.iter().map(settings);
    let lines: Vec<Text> =
        std::iter::once(versions(&all)).chain(settings).chain(todo).chain([lock()]).collect();
    (fine, Text::joined(&lines, "\n"))
}

fn hint() -> Text {
    bilingual!(
        "\nhint: install the driver's library (libnvidia-ml.so.1; in a container: start it with `--gpus all`), and see `nvidia-smi`",
        "\n힌트: 드라이버 라이브러리(libnvidia-ml.so.1)를 설치하고(컨테이너라면 `--gpus all`로 시작) `nvidia-smi`를 확인하십시오"
    )
}

fn all(gpus: &Nvml) -> All {
    let chosen = gpus.all();
    let facts = gpus.facts(&[]);
    All {
        driver: facts.driver,
        cuda: facts.cuda,
        gpus: gpus.watched(&chosen).map(|(device, sample)| row(device, sample)).collect(),
    }
}

fn row(device: Device, sample: Sample) -> Row {
    let processes = sample.processes.map(|all| {
        let row = |p: Process| ProcessRow {
            pid: p.pid,
            name: p.name,
            memory_bytes: p.memory_bytes,
            visible: p.owner != Owner::Unseen,
        };
        all.into_iter().map(row).collect()
    });
    Row {
        device,
        memory_used_bytes: sample.memory_used_bytes,
        utilisation_ratio: sample.utilisation,
        memory_utilisation_ratio: sample.memory_utilisation,
        sm_clock_mhz: sample.sm_clock_mhz,
        memory_clock_mhz: sample.memory_clock_mhz,
        power_w: sample.power_w,
        energy_j: sample.energy_j,
        temperature_c: sample.temperature_c,
        throttle: sample.throttle,
        ecc_corrected: sample.ecc_corrected,
        ecc_uncorrected: sample.ecc_uncorrected,
        pcie_replays: sample.pcie_replays,
        processes,
        lost: sample.lost,
    }
}

/// Absent is a dash.
fn table(all: &All, lang: Lang) -> String {
    const COLUMNS: [(&str, &str); 10] = [
        ("GPU", "GPU"),
        ("name", "이름"),
        ("memory MiB", "메모리 MiB"),
        ("busy", "사용률"),
        ("SM MHz", "SM MHz"),
        ("power W", "전력 W"),
        ("°C", "°C"),
        ("held back by", "속도 제한 원인"),
        ("processes", "프로세스"),
        ("uncorrected ECC", "정정되지 않은 ECC 오류"),
    ];
    let pick = |(en, ko)| if lang == Lang::En { en } else { ko };
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(COLUMNS.map(pick)).add_rows(
        all.gpus.iter().map(|gpu| cells(gpu, pick(("fell off the bus", "버스에서 이탈")))),
    );
    for (i, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if matches!(i, 2..=6 | 9) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    let rows = if all.gpus.is_empty() {
        pick(("no GPU", "GPU 없음")).to_owned()
    } else {
        lines.join("\n")
    };
    format!("{}\n{rows}", versions(all).in_language(lang))
}

fn versions(all: &All) -> Text {
    let or_unknown = |version: &Option<String>| {
        version.as_deref().map_or_else(|| bilingual!("unknown", "알 수 없음"), Text::from)
    };
    let (driver, cuda) = (or_unknown(&all.driver), or_unknown(&all.cuda));
    Text {
        en: format!("driver {}, CUDA {}", driver.en, cuda.en),
        ko: format!("드라이버 {}, CUDA {}", driver.ko, cuda.ko),
    }
}

fn cells(row: &Row, lost: &str) -> Vec<String> {
    let dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let mib = |bytes: u64| bytes >> 20;
    let name = match (&row.device.name, row.lost) {
        (_, true) => lost.to_owned(),
        (Some(name), _) => crate::report::text::plain(name),
        (None, _) => "-".into(),
    };
    let memory = row.memory_used_bytes.map(|used| {
        row.device.memory_total_bytes.map_or_else(
            || mib(used).to_string(),
            |total| format!("{} / {}", mib(used), mib(total)),
        )
    });
    let throttle = row
        .throttle
        .as_ref()
        .map(|all| all.iter().map(|t| t.name()).collect::<Vec<_>>().join(", "));
    let processes =
        row.processes.as_ref().map(|all| all.iter().map(process).collect::<Vec<_>>().join(", "));
    vec![
        row.device.index.to_string(),
        name,
        dash(memory),
        dash(row.utilisation_ratio.map(|share| format!("{:.0} %", share * 100.0))),
        dash(row.sm_clock_mhz.map(|mhz| mhz.to_string())),
        dash(row.power_w.map(|w| format!("{w:.0}"))),
        dash(row.temperature_c.map(|c| c.to_string())),
        dash(throttle.filter(|t| !t.is_empty())),
        dash(processes.filter(|p| !p.is_empty())),
        dash(row.ecc_uncorrected.map(|n| n.to_string())),
    ]
}

fn process(p: &ProcessRow) -> String {
    match &p.name {
        Some(name) => format!("{} {}", p.pid, crate::report::text::plain(name)),
        None => p.pid.to_string(),
    }
}

fn settings(row: &Row) -> Text {
    let switch = |what: &str, value: Option<bool>| {
        value.map(|on| {
            if on {
                bilingual!("{what} on", "{what} 켜짐")
            } else {
                bilingual!("{what} off", "{what} 꺼짐")
            }
        })
    };
    let parts = [
        switch("persistence", row.device.persistence),
        switch("MIG", row.device.mig),
        switch("ECC", row.device.ecc),
        switch("MPS", row.device.mps),
        row.device.power_limit_w.map(|w| bilingual!("power limit {w:.0} W", "전력 제한 {w:.0} W")),
        row.sm_clock_mhz
            .zip(row.device.max_sm_clock_mhz)
            .map(|(now, most)| bilingual!("SM {now} of {most} MHz", "SM {now}/{most} MHz")),
        (!row.device.unsupported.is_empty()).then(|| {
            bilingual!(
                "not told: {what}",
                "알리지 않음: {what}",
                what = row.device.unsupported.join(", ")
            )
        }),
    ];
    let parts: Vec<Text> = parts.into_iter().flatten().collect();
    Text::from(format!("{}: ", row.device.label())).then(&Text::joined(&parts, ", "))
}

/// What would make its measurements steadier, with the command that does it; none of them is run.
fn todo(row: &Row) -> Vec<Text> {
    let index = row.device.index;
    let mut all = Vec::new();
    if row.lost {
        all.push(bilingual!(
            "GPU {index} fell off the bus: see `dmesg | grep -i xid`, then reset it or restart the machine",
            "GPU {index}: 버스에서 이탈. `dmesg | grep -i xid`를 확인하고, GPU를 리셋하거나 머신을 다시 시작하십시오"
        ));
    }
    if row.device.persistence == Some(false) {
        all.push(bilingual!(
            "GPU {index} forgets its state when nobody uses it, and starts slowly: `sudo nvidia-smi -i {index} -pm 1`",
            "GPU {index}: 쓰는 프로세스가 없으면 상태가 초기화되어 시작이 느림: `sudo nvidia-smi -i {index} -pm 1`"
        ));
    }
    if let Some(others) = row.processes.as_ref().filter(|all| !all.is_empty()) {
        let names: Vec<String> = others.iter().map(process).collect();
        all.push(bilingual!(
            "GPU {index} is in use by {names}: is that your server? else stop it, or choose another GPU (gpu.devices)",
            "GPU {index} 사용 중인 프로세스: {names}. 측정할 서버가 아니면 멈추거나 다른 GPU를 고르십시오 (gpu.devices)",
            names = names.join(", ")
        ));
    }
    let slow: Vec<&str> =
        row.throttle.iter().flatten().filter(|t| t.is_slowdown()).map(|t| t.name()).collect();
    if !slow.is_empty() {
        all.push(bilingual!(
            "GPU {index} is slowed down now ({why}): cool it, and see to its power",
            "GPU {index}: 지금 속도 제한 중 ({why}). 냉각과 전원을 확인하십시오",
            why = slow.join(", ")
        ));
    }
    if row.ecc_uncorrected.is_some_and(|n| n > 0) {
        all.push(bilingual!(
            "GPU {index} has counted uncorrected ECC errors: `nvidia-smi -i {index} -q -d ECC`, then reset or replace it",
            "GPU {index}: 정정되지 않은 ECC 오류 있음. `nvidia-smi -i {index} -q -d ECC`로 확인하고 리셋하거나 교체하십시오"
        ));
    }
    if row.device.mig == Some(true) {
        all.push(bilingual!(
            "GPU {index} is divided (MIG): name the part that the server uses in gpu.devices (`nvidia-smi -L`); power and clocks are told of the whole only",
            "GPU {index}: MIG로 분할됨. 서버가 쓰는 파티션을 gpu.devices에 쓰십시오 (`nvidia-smi -L`). 전력과 클럭은 GPU 전체의 값만 알 수 있음"
        ));
    }
    all
}
