//! Whose a process on a GPU is: by its ancestors in /proc, each process looked up once. Not here:
//! whether it may be there.
#![expect(clippy::disallowed_methods, reason = "rim: reads /proc")]

use std::collections::BTreeMap;

use crate::evidence::gpu::Owner;

/// What is known of processes so far.
#[derive(Debug, Default)]
pub struct Owners(BTreeMap<u32, (Option<String>, Owner)>);

/// More ancestors than any process has: numbers that are given anew meanwhile could make a circle.
const DEEPEST: usize = 64;

impl Owners {
    /// Name and owner.
    pub fn owner_of_pid(&mut self, pid: u32) -> (Option<String>, Owner) {
        self.0.entry(pid).or_insert_with(|| (status(pid).map(|s| s.name), owner(pid))).clone()
    }
}

struct Status {
    name: String,
    parent: u32,
}

fn owner(pid: u32) -> Owner {
    let own = std::process::id();
    let mut at = pid;
    for depth in 0..DEEPEST {
        if at == own {
            return Owner::Ours;
        }
        match status(at) {
            Some(status) if status.parent != 0 => at = status.parent,
            // Numbers of another namespace, as a driver tells them in a container.
            None if depth == 0 => return Owner::Unseen,
            Some(_) | None => break,
        }
    }
    Owner::Other
}

/// `Name:` and `PPid:` of proc(5)'s status.
fn status(pid: u32) -> Option<Status> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| {
        text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    };
    Some(Status { name: field("Name")?.to_owned(), parent: field("PPid")?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_ours_its_parent_is_not_and_an_impossible_one_is_unseen() {
        let mut owners = Owners::default();
        assert_eq!(owners.owner_of_pid(std::process::id()).1, Owner::Ours);
        assert_eq!(owners.owner_of_pid(std::os::unix::process::parent_id()).1, Owner::Other);
        assert_eq!(owners.owner_of_pid(u32::MAX), (None, Owner::Unseen));
    }
}
