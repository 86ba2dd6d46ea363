//! The program and git in a clean environment, and what a command left behind. Not here: the folders
//! that they run in (`Gate`, `Bed`).

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A hang is a failure, not a wait: far beyond what anything here takes, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What a command left behind.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// `goodput-gate` in a folder: no CI variables, no user's settings.
pub fn program(folder: &Path, home: &Path) -> Command {
    clean(Command::new(env!("CARGO_BIN_EXE_goodput-gate")), folder, home)
}

/// What git prints, trimmed. Panics where it fails.
pub fn git(folder: &Path, home: &Path, args: &[&str]) -> String {
    let mut command = clean(Command::new("git"), folder, home);
    for setting in ["user.name=T", "user.email=t@example.com", "commit.gpgsign=false"] {
        command.args(["-c", setting]);
    }
    let out = command.args(args).output().expect("git is installed");
    assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("text").trim().to_owned()
}

fn clean(mut command: Command, folder: &Path, home: &Path) -> Command {
    command.current_dir(folder).env_clear().stdin(Stdio::null());
    for name in ["PATH", "TMPDIR"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command.env("HOME", home).env("NO_COLOR", "1").env("GIT_CONFIG_NOSYSTEM", "1");
    // What tests look at is anywhere in a report.
    command.env("GOODPUT_GATE_VERBOSE", "1");
    // Whatever lies above the home, in `/tmp` say, is nobody's here.
    let above = home.parent().unwrap_or(home);
    command.env("GOODPUT_GATE_CEILING", above).env("GIT_CEILING_DIRECTORIES", above);
    command
}

/// The folder of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A text file of the repository.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// A file or folder of `tests/fixtures`.
pub fn fixture(name: &str) -> PathBuf {
    root().join("tests/fixtures").join(name)
}

pub fn is_korean(text: &str) -> bool {
    text.chars().any(|c| ('가'..='힣').contains(&c))
}

/// Checks all cases, four of them at a time: a gate that measures waits for most of its time. Panics
/// where a check does.
pub fn check_together<T: Sync>(cases: &[T], check: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            check(case);
        }
    };
    std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(work))));
}

/// Waits until it is so; false where it never is.
pub fn wait_for(mut holds: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if holds() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}

impl Ran {
    pub fn new(code: Option<i32>, stdout: String, stderr: String) -> Self {
        let bad = ["panicked at", "internal error", "RUST_BACKTRACE"];
        let ran = Self { code, stdout, stderr };
        assert!(!bad.iter().any(|b| ran.stderr.contains(b) || ran.stdout.contains(b)), "{ran:?}");
        ran
    }

    pub fn read(out: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self::new(out.status.code(), text(&out.stdout), text(&out.stderr))
    }

    /// Standard output with the terminal's line breaks undone.
    pub fn text(&self) -> String {
        flat(&self.stdout)
    }

    /// The exit code, and words that are anywhere in the output.
    pub fn assert(&self, code: i32, words: &[&str]) {
        let all = format!("{} {}", self.text(), flat(&self.stderr));
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        for word in words {
            assert!(all.contains(word), "{word:?} is not in:\n{}\n{}", self.stdout, self.stderr);
        }
    }

    /// The exit code, and words that help in standard error.
    pub fn assert_says(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        let missing: Vec<_> = words.iter().filter(|w| !self.stderr.contains(**w)).collect();
        assert!(missing.is_empty(), "standard error lacks {missing:?}:\n{}", self.stderr);
    }

    pub fn client_was_late(&self) -> bool {
        let all = format!("{} {}", self.text(), flat(&self.stderr));
        ["p99 send lag", "event loop came round", "a client thread was busy"]
            .iter()
            .any(|words| all.contains(words))
    }
}

/// Runs of white space as one space.
pub fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
