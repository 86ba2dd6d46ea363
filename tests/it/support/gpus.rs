//! A stand-in for NVIDIA's library, compiled from `tests/nvml/stand_in.c`, and a server whose GPU
//! it scripts. Not here: what must hold (`gpu`).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;

use crate::support::bed::{Bed, Ran};
use crate::support::servers::Servers;

/// Two short rounds of one start; its rounds last well under a second, so that the slow questions
/// are asked at both ends of each.
const GATE: &str = "gate: {mode: limits, starts: 1, rounds: 2}\ngpu: {interval: 20ms}";

/// An older driver lacks functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    Whole,
    WithoutEnergy,
    /// Neither counts energy nor lists processes.
    Old,
}

/// Everything that a GPU can tell, as lines of the script without the GPU's number. The process
/// list is asked: before the server is started (1), once it is there (2), and at both ends of each
/// round (3, 4; 5, 6).
pub const EVERYTHING: &[(&str, &str)] = &[
    ("name", "NVIDIA_H100_80GB_HBM3"),
    ("memory_mib", "61234"),
    ("memory_total_mib", "81559"),
    ("utilisation", "87"),
    ("memory_utilisation", "40"),
    ("power", "@0=100 @1000=1100"),
    ("energy", "integral"),
    ("sm_clock", "1755"),
    ("memory_clock", "2619"),
    ("sm_max_clock", "1980"),
    ("sm_app_clock", "1700"),
    ("memory_app_clock", "2600"),
    ("temperature", "61"),
    // The power limit.
    ("throttle", "4"),
    ("ecc_corrected", "3"),
    ("ecc_uncorrected", "0"),
    ("pcie_replays", "1"),
    ("processes", "- #2=self:512"),
    ("mps", "-"),
    ("persistence", "1"),
    ("power_limit_mw", "700000"),
    ("mig", "0"),
    ("ecc", "1"),
];

pub struct Gpus {
    pub servers: Servers,
    /// Second 0 of the script, in nanoseconds of the monotonic clock.
    pub origin_ns: u64,
}

impl Gpus {
    /// `each`: the lines of each GPU.
    pub fn new(driver: Driver, each: &[&[(&str, &str)]]) -> Self {
        let lines: Vec<(usize, &str, &str)> = each
            .iter()
            .enumerate()
            .flat_map(|(i, lines)| lines.iter().map(move |(k, v)| (i, *k, *v)))
            .collect();
        let mut head = String::from("driver 550.54.15\ncuda 12040\n");
        for (i, _) in each.iter().enumerate() {
            let _ = writeln!(head, "uuid {i} GPU-{i}000aaaa-0001");
        }
        for (i, key, value) in lines {
            let _ = writeln!(head, "{key} {i} {value}");
        }
        Self::scripted(driver, &head)
    }

    /// With these of `EVERYTHING` otherwise.
    pub fn with(other: &[(&str, &str)]) -> Self {
        let changed = |key: &str| other.iter().find(|(k, _)| *k == key).map(|(_, v)| *v);
        let lines: Vec<(&str, &str)> =
            EVERYTHING.iter().map(|(k, v)| (*k, changed(k).unwrap_or(v))).collect();
        Self::new(Driver::Whole, &[&lines])
    }

    pub fn scripted(driver: Driver, script: &str) -> Self {
        let mut servers = Servers::new(GATE);
        let origin_ns = monotonic_ns();
        let path = servers.bed.home().join("script");
        std::fs::write(&path, format!("origin {origin_ns}\n{script}")).expect("it can be written");
        stand_in(&mut servers.bed, driver, &path);
        Self { servers, origin_ns }
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        self.servers.bed.measure(&[&["run"][..], args].concat())
    }

    pub fn record(&self) -> Value {
        self.servers.bed.json(".goodput-gate/record.json")
    }

    /// What the first GPU did in a round.
    pub fn device(&self, round: usize) -> Value {
        self.record()["workloads"][0]["starts"][0]["rounds"][round]["gpu"]["devices"][0].clone()
    }

    /// Checks and severities of a round's findings on the GPU.
    pub fn findings(&self, round: usize) -> Vec<(String, String, String)> {
        let findings =
            self.record()["workloads"][0]["starts"][0]["rounds"][round]["findings"].clone();
        let text = |f: &Value, key: &str| f[key].as_str().expect("a text").to_owned();
        let all = findings
            .as_array()
            .expect("findings")
            .iter()
            .map(|f| (text(f, "check"), text(f, "severity"), text(f, "message")));
        all.filter(|(check, ..)| check.starts_with("gpu_")).collect()
    }
}

/// Makes the gate find the stand-in where it looks for the driver's library.
pub fn stand_in(bed: &mut Bed, driver: Driver, script: &Path) {
    bed.set("LD_LIBRARY_PATH", &library(driver).display().to_string());
    bed.set("GOODPUT_GATE_NVML_SCRIPT", &script.display().to_string());
}

pub fn monotonic_ns() -> u64 {
    let t = clock_gettime(ClockId::Monotonic);
    u64::try_from(t.tv_sec).expect("after the start") * 1_000_000_000
        + u64::try_from(t.tv_nsec).expect("a fraction")
}

/// The folder of the compiled library: below `target/`, compiled once by each run of the tests.
fn library(driver: Driver) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nvml");
        for driver in [Driver::Whole, Driver::WithoutEnergy, Driver::Old] {
            compile(driver, &folder.join(format!("{driver:?}")));
        }
        folder
    });
    folder.join(format!("{driver:?}"))
}

fn compile(driver: Driver, folder: &Path) {
    std::fs::create_dir_all(folder).expect("a folder");
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let compiler = cc::Build::new()
        .host(&target)
        .target(&target)
        .opt_level(1)
        .cargo_metadata(false)
        .try_get_compiler();
    let compiler = compiler.unwrap_or_else(|e| {
        panic!("the stand-in for NVML needs a C compiler (install gcc or clang): {e}")
    });
    let left_out: &[&str] = match driver {
        Driver::Whole => &[],
        Driver::WithoutEnergy => &["-DWITHOUT_ENERGY"],
        Driver::Old => &["-DWITHOUT_ENERGY", "-DWITHOUT_PROCESSES"],
    };
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nvml/stand_in.c");
    // Renamed into its place: a gate of another run of the tests may have the old one open.
    let new = folder.join(format!("new-{}.so", std::process::id()));
    let mut command = compiler.to_command();
    command.args(["-shared", "-fPIC"]).args(left_out).arg("-o").arg(&new).arg(source);
    let out = command
        .output()
        .unwrap_or_else(|e| panic!("the stand-in for NVML needs a C compiler ({command:?}): {e}"));
    assert!(out.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&out.stderr));
    std::fs::rename(&new, folder.join("libnvidia-ml.so.1")).expect("it can be renamed");
}
