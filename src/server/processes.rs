//! A command's processes: its group, and on Linux every descendant, found through /proc by their
//! parents. Not here: when they are ended.

use std::collections::{BTreeMap, BTreeSet};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// One process as /proc/PID/stat tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Process {
    pid: i32,
    parent: i32,
    group: i32,
}

/// Sends a signal to the group and to every descendant of this process outside it, once to each: a
/// second SIGTERM makes some servers give up their orderly end. What is gone meanwhile, or not ours
/// to signal, is passed over; who calls checks what is left.
pub fn signal_all(group: Pid, signal: Signal) {
    let _ = kill_process_group(group, signal);
    let outside =
        below(&processes(), own_pid()).into_iter().filter(|p| p.group != group.as_raw_pid());
    for pid in outside.filter_map(|p| Pid::from_raw(p.pid)) {
        let _ = kill_process(pid, signal);
    }
}

/// Every descendant of this process that is there now. Empty on a system without /proc.
pub fn descendants() -> Vec<i32> {
    below(&processes(), own_pid()).into_iter().map(|p| p.pid).collect()
}

/// Whether this process was started with the signal ignored, as `nohup` does it, and has no handler
/// for it yet. False on a system without /proc.
pub fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or_default();
    mask & (1 << (signal.as_raw() - 1)) != 0
}

/// Every descendant of a process that is there now.
pub fn of_tree(root: i32) -> Vec<i32> {
    below(&processes(), root).into_iter().map(|p| p.pid).collect()
}

fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_pid()
}

fn processes() -> Vec<Process> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.filter_map(|e| e.ok()?.file_name().to_str()?.parse::<i32>().ok());
    // A process that ended between the two reads has no file any more.
    pids.filter_map(|pid| parse(&std::fs::read(format!("/proc/{pid}/stat")).ok()?)).collect()
}

/// `pid (name) state ppid pgrp ...` (proc(5)); the name may hold anything, also spaces, parentheses
/// and bytes that are no text.
fn parse(stat: &[u8]) -> Option<Process> {
    let text = String::from_utf8_lossy(stat);
    let (pid, rest) = text.split_once(' ')?;
    let (_, after_name) = rest.rsplit_once(") ")?;
    let mut fields = after_name.split(' ').skip(1);
    let mut number = || fields.next()?.parse().ok();
    Some(Process { pid: pid.parse().ok()?, parent: number()?, group: number()? })
}

/// The descendants of `root`, without itself.
fn below(all: &[Process], root: i32) -> Vec<Process> {
    let mut children: BTreeMap<i32, Vec<Process>> = BTreeMap::new();
    for process in all {
        children.entry(process.parent).or_default().push(*process);
    }
    let (mut found, mut seen, mut parents) = (Vec::new(), BTreeSet::from([root]), vec![root]);
    while let Some(parent) = parents.pop() {
        for child in children.get(&parent).into_iter().flatten() {
            // The files are read one after the other, and a number may be given anew meanwhile: no
            // circle may hold us.
            if seen.insert(child.pid) {
                found.push(*child);
                parents.push(child.pid);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let stat = b"42 (a) R 1 (\xff b) S 7 40 40 0 -1 4194560";
        assert_eq!(parse(stat), Some(Process { pid: 42, parent: 7, group: 40 }));
        assert_eq!(parse(b""), None);
        assert_eq!(parse(b"42 (a"), None);
    }

    #[test]
    fn descendants_are_found_at_any_depth_and_in_any_order() {
        let process = |pid, parent| Process { pid, parent, group: 0 };
        let all = [
            process(30, 20),
            process(20, 10),
            process(11, 1),
            process(10, 5),
            process(21, 10),
            process(5, 5),
        ];
        let mut pids: Vec<i32> = below(&all, 5).iter().map(|p| p.pid).collect();
        pids.sort_unstable();
        assert_eq!(pids, [10, 20, 21, 30]);
        assert!(below(&all, 30).is_empty());
    }
}
