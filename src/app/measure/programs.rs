//! Which programs the servers of two sides are, and whether they are one: a build that leaves its
//! checkout would be compared with itself.
//!
//! Not here: finding the processes (`server`), or what it means for the verdict (`evaluate`).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::app::sides::Side;
use crate::record::programs::{Builds, Program};
use crate::server::{self, Running, Supervised};

/// They start a server, or stand beside it, and are none.
const LAUNCHERS: [&str; 25] = [
    "sh",
    "bash",
    "dash",
    "ash",
    "zsh",
    "ksh",
    "fish",
    "busybox",
    "env",
    "timeout",
    "nice",
    "nohup",
    "setsid",
    "stdbuf",
    "tee",
    "cat",
    "sleep",
    "tail",
    "taskset",
    "numactl",
    "tini",
    "dumb-init",
    "coreutils",
    "flock",
    "time",
];
/// They run somebody else's code, and their own file tells nothing of it.
const INTERPRETERS: [&str; 16] = [
    "python", "pypy", "node", "deno", "bun", "ruby", "perl", "java", "php", "lua", "julia",
    "Rscript", "sh", "bash", "dash", "busybox",
];

/// A program of a side, and how it was called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Called {
    pub program: Program,
    /// Absolute, links followed.
    file: PathBuf,
    place: Place,
    code: Code,
    /// Without what differs from side to side by our own doing: port, folder, process ids, names.
    args: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// In the side's own checkout.
    Own,
    Elsewhere,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Code {
    /// The file is the program.
    File,
    /// A script: what else it loads is not told by it.
    Script,
    /// Found by the interpreter (`-m`, `-c`).
    Hidden,
    Image,
}

/// What runs as the server of a side, now that it is ready. Empty where nothing can be seen.
pub fn called(supervised: &Supervised, side: &Side, port: Option<u16>) -> Vec<Called> {
    let Some((supervisor, _)) = supervised.pids() else { return Vec::new() };
    let all = server::running(supervisor);
    let root = side.root.canonicalize().unwrap_or_else(|_| side.root.clone());
    let mut ours: Vec<String> =
        all.iter().map(|p| p.pid.to_string()).chain(port.map(|p| p.to_string())).collect();
    ours.push(side.name.to_owned());
    if let Some(container) = supervised.container() {
        ours =
            vec![container.name.clone()].into_iter().chain(port.map(|p| p.to_string())).collect();
    }
    let image = supervised.container().map(|c| c.image().ok());
    let servers: Vec<&Running> = all.iter().filter(|p| !named(&LAUNCHERS, &p.exe)).collect();
    let servers = if servers.is_empty() { all.iter().collect() } else { servers };
    let found: BTreeSet<Called> =
        servers.into_iter().map(|p| call(p, &root, &ours, image.as_ref())).collect();
    let telling = found.iter().any(|c| c.code != Code::Hidden);
    // Helpers of an interpreter, beside the script that it was started with.
    found.into_iter().filter(|c| !telling || c.code != Code::Hidden).collect()
}

fn call(running: &Running, root: &Path, ours: &[String], image: Option<&Option<String>>) -> Called {
    let args: Vec<String> =
        running.args.iter().skip(1).map(|arg| plain(arg, running, root, ours)).collect();
    let of = |path: &Path, sha256, place, code| {
        let shown = path
            .strip_prefix(root)
            .map_or_else(|_| path.display().to_string(), |own| own.display().to_string());
        Called {
            program: Program { path: shown, sha256 },
            file: path.to_owned(),
            place,
            code,
            args: args.clone(),
        }
    };
    let place = |path: &Path| if path.starts_with(root) { Place::Own } else { Place::Elsewhere };
    if let Some(id) = image {
        return of(&running.exe, id.clone(), place(&running.exe), Code::Image);
    }
    if !named(&INTERPRETERS, &running.exe) {
        return of(&running.exe, running.sha256.clone(), place(&running.exe), Code::File);
    }
    let script = running
        .args
        .iter()
        .skip(1)
        .take_while(|arg| !hides(arg))
        .find_map(|arg| file(arg, &running.cwd));
    if let Some(script) = script {
        return of(&script, server::sha256(&script), place(&script), Code::Script);
    }
    // A virtual environment links to an interpreter elsewhere: by the name that it was called by it
    // is the side's own.
    let called = running
        .args
        .first()
        .map(|name| running.cwd.join(name))
        .filter(|path| path.starts_with(root));
    let path = called.unwrap_or_else(|| running.exe.clone());
    of(&path, None, place(&path), Code::Hidden)
}

fn hides(arg: &str) -> bool {
    ["-m", "-c", "-e"].contains(&arg)
}

/// `python3.11` is python.
fn named(names: &[&str], exe: &Path) -> bool {
    let file = exe.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    names.contains(&file.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.'))
}

fn file(arg: &str, cwd: &Path) -> Option<PathBuf> {
    let path = cwd.join(arg).canonicalize().ok()?;
    (!arg.is_empty() && path.is_file()).then_some(path)
}

/// An argument as both sides would have it; a file of the side's own by its content, a folder by
/// its side.
fn plain(arg: &str, running: &Running, root: &Path, ours: &[String]) -> String {
    let value = arg.split_once('=').map_or(arg, |(_, value)| value);
    let path = running
        .cwd
        .join(value)
        .canonicalize()
        .ok()
        .filter(|path| path.starts_with(root) && !value.is_empty());
    match path {
        Some(path) if path.is_file() => {
            server::sha256(&path).unwrap_or_else(|| path.display().to_string())
        }
        Some(path) => path.display().to_string(),
        None if ours.iter().any(|own| own == value) => String::new(),
        None => ours.iter().fold(arg.to_owned(), |arg, own| without(&arg, own)),
    }
}

/// Without a word that stands by itself.
fn without(text: &str, word: &str) -> String {
    let ends = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric());
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        plain += before;
        if !(ends(before.chars().next_back()) && ends(after.chars().next())) {
            plain += word;
        }
        rest = after;
    }
    plain + rest
}

/// What the programs of both sides are to each other; none where nothing was seen of one.
pub fn compared(baseline: &[Called], candidate: &[Called]) -> Option<Builds> {
    if baseline.is_empty() || candidate.is_empty() {
        return None;
    }
    let files = |all: &[Called]| {
        all.iter().map(|c| (c.file.clone(), c.program.sha256.clone())).collect::<BTreeSet<_>>()
    };
    let calls = |all: &[Called]| {
        all.iter().map(|c| (c.program.path.clone(), c.args.clone())).collect::<BTreeSet<_>>()
    };
    let contents = |all: &[Called]| all.iter().map(|c| c.program.clone()).collect::<BTreeSet<_>>();
    let hidden = candidate.iter().find(|c| c.code == Code::Hidden);
    let image = candidate.iter().any(|c| c.code == Code::Image && c.program.sha256.is_some());
    let path = candidate.first()?.file.display().to_string();
    if files(baseline) != files(candidate) {
        let own: Vec<&Called> = candidate.iter().filter(|c| c.place == Place::Own).collect();
        let told = !own.is_empty()
            && own.iter().all(|c| c.code == Code::File && c.program.sha256.is_some());
        let alike =
            contents(baseline) == contents(candidate) && calls(baseline) == calls(candidate);
        return Some(if told && alike { Builds::Identical } else { Builds::Different });
    }
    let arguments = |all: &[Called]| {
        all.iter().map(|c| (c.file.clone(), c.args.clone())).collect::<BTreeSet<_>>()
    };
    Some(match (arguments(baseline) == arguments(candidate), hidden) {
        (true, Some(hidden)) => Builds::Unknown { path: hidden.file.display().to_string() },
        (true, None) => Builds::Same { path },
        // Two names of one image.
        (false, _) if image => Builds::Identical,
        (false, _) => Builds::OtherArguments { path },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(exe: &str, args: &[&str]) -> Running {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        Running {
            pid: 77,
            exe: exe.into(),
            sha256: Some("aa".into()),
            args,
            cwd: "/nowhere/side".into(),
        }
    }

    fn called_from(root: &str, running: &Running) -> Vec<Called> {
        vec![call(
            running,
            Path::new(root),
            &["8123".into(), "77".into(), "baseline".into(), "candidate".into()],
            None,
        )]
    }

    #[test]
    fn one_file_outside_both_checkouts_is_the_same_build() {
        let serve = |args: &[&str]| running("/opt/server", args);
        let args = ["server", "--port", "8123", "--log=/tmp/baseline-77.log"];
        let (left, right) = (
            called_from("/a", &serve(&args)),
            called_from("/b", &serve(&["x", "--port", "8123", "--log=/tmp/candidate-77.log"])),
        );
        assert_eq!(compared(&left, &right), Some(Builds::Same { path: "/opt/server".into() }));
        let other = called_from("/b", &serve(&["server", "--port", "8123", "--eager"]));
        assert_eq!(
            compared(&left, &other),
            Some(Builds::OtherArguments { path: "/opt/server".into() })
        );
        let rebuilt = called_from("/b", &Running { sha256: Some("bb".into()), ..serve(&args) });
        assert_eq!(compared(&left, &rebuilt), Some(Builds::Different));
        assert_eq!(compared(&[], &right), None);
        // The baseline ran what lies in the candidate's checkout.
        let inside = called_from("/a", &running("/b/server", &["server"]));
        let both = compared(&inside, &called_from("/b", &running("/b/server", &["server"])));
        assert_eq!(both, Some(Builds::Same { path: "/b/server".into() }));
    }

    #[test]
    fn each_sides_own_program_is_judged_and_equal_ones_are_called_so() {
        let own = |root: &str, digest: &str| {
            called_from(
                root,
                &Running {
                    sha256: Some(digest.into()),
                    ..running(&format!("{root}/bin/server"), &["server"])
                },
            )
        };
        assert_eq!(compared(&own("/a", "aa"), &own("/b", "aa")), Some(Builds::Identical));
        assert_eq!(compared(&own("/a", "aa"), &own("/b", "bb")), Some(Builds::Different));
    }

    #[test]
    fn what_an_interpreter_loads_is_not_claimed() {
        let module = |root: &str, name: &str| {
            called_from(root, &running("/usr/bin/python3.11", &[name, "-m", "server"]))
        };
        let system = compared(&module("/a", "python3"), &module("/b", "python3"));
        assert_eq!(system, Some(Builds::Unknown { path: "/usr/bin/python3.11".into() }));
        let venv =
            compared(&module("/a", "/a/.venv/bin/python"), &module("/b", "/b/.venv/bin/python"));
        assert_eq!(venv, Some(Builds::Different));
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let script = |root: &str| {
            called_from(root, &running("/usr/bin/python3.11", &["python3", file, "serve"]))
        };
        assert_eq!(
            compared(&script("/a"), &script("/b")).map(|b| matches!(b, Builds::Same { .. })),
            Some(true)
        );
    }
}
