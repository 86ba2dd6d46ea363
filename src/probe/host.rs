//! Facts of this machine. What cannot be read is absent, not an error.
#![expect(clippy::disallowed_methods, reason = "rim: reads /proc and the environment")]

use std::collections::BTreeMap;
use std::fs;

/// Recorded, never keyed: `cpu`, `cores`, `memory_mib`, `kernel`, `os`, `hostname`.
pub fn facts() -> BTreeMap<String, String> {
    let uname = rustix::system::uname();
    let text = |s: &std::ffi::CStr| Some(s.to_string_lossy().into_owned());
    let facts = [
        ("cpu", cpu()),
        ("cores", std::thread::available_parallelism().ok().map(|n| n.to_string())),
        ("memory_mib", memory_mib()),
        ("kernel", text(uname.release())),
        ("os", text(uname.sysname())),
        ("hostname", text(uname.nodename())),
    ];
    facts.into_iter().filter_map(|(k, v)| Some((k.to_owned(), v?))).collect()
}

/// Who measured: the CI runner's name, else the host's.
pub fn runner() -> String {
    std::env::var("RUNNER_NAME")
        .ok()
        .filter(|n| !n.is_empty())
        .unwrap_or_else(|| rustix::system::uname().nodename().to_string_lossy().into_owned())
}

/// Model name of the first processor.
pub fn cpu() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|l| l.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// NVIDIA devices of this machine, by their files alone: `/dev/nvidia0`, `/dev/nvidia1`...
pub fn nvidia_devices() -> usize {
    let Ok(entries) = fs::read_dir("/dev") else { return 0 };
    let number = |name: &str| {
        name.strip_prefix("nvidia")
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    entries.filter_map(Result::ok).filter(|e| number(&e.file_name().to_string_lossy())).count()
}

fn memory_mib() -> Option<String> {
    let info = fs::read_to_string("/proc/meminfo").ok()?;
    let kib: u64 = info
        .lines()
        .find(|l| l.starts_with("MemTotal:"))?
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()?;
    Some((kib / 1024).to_string())
}
