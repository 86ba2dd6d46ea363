//! A repository (or a plain folder) of its own for each test of the gate, and what a judged run
//! left there in every format.
//!
//! Clean environment: no CI variables, no user's git config, no network beyond loopback. Not here:
//! what must hold (`gate_*.rs`).

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A home folder with the working folder `repo` in it.
pub struct Bed {
    home: TempDir,
    env: Vec<(String, String)>,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// One element of `junit.xml` that says that a case did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub case: String,
    /// `failure`, `error` or `skipped`.
    pub element: String,
    pub kind: String,
    pub message: String,
}

impl Bed {
    pub fn new() -> Self {
        let bed = Self { home: tempfile::tempdir().expect("a folder"), env: Vec::new() };
        std::fs::create_dir(bed.path("")).expect("a working folder");
        bed
    }

    /// A repository with one commit that holds the config.
    pub fn repository(config: &str) -> Self {
        let bed = Self::new();
        bed.git(&["init", "-q", "-b", "main", "."]);
        bed.write("goodput-gate.yaml", config);
        bed.commit("a gate");
        bed
    }

    /// A variable of every later command.
    pub fn set(&mut self, name: &str, value: &str) {
        self.env.push((name.to_owned(), value.to_owned()));
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// In the working folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join("repo").join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).expect("it can be written");
        name.to_owned()
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn gate(&self, args: &[&str]) -> Ran {
        self.gate_in("", args)
    }

    /// In a folder below the working folder, or beside it.
    pub fn gate_in(&self, folder: &str, args: &[&str]) -> Ran {
        let out = self.command(folder).args(args).output().expect("the binary starts");
        Ran::read(&out)
    }

    /// With more in its environment, such as an event of GitHub's.
    pub fn gate_with(&self, folder: &str, env: &[(&str, &str)], args: &[&str]) -> Ran {
        let out = self
            .command(folder)
            .envs(env.iter().copied())
            .args(args)
            .output()
            .expect("the binary starts");
        Ran::read(&out)
    }

    /// A gate that measures. A client that was late says so and exits 3: on a machine that is busy
    /// with other tests that is no fault of the gate's, so it may try again.
    pub fn measure(&self, args: &[&str]) -> Ran {
        self.measure_in("", args)
    }

    pub fn measure_in(&self, folder: &str, args: &[&str]) -> Ran {
        let mut ran = self.gate_in(folder, args);
        for _ in 0..4 {
            if !(ran.code == Some(3) && ran.client_was_late()) {
                break;
            }
            ran = self.gate_in(folder, args);
        }
        ran
    }

    pub fn spawn(&self, args: &[&str]) -> Child {
        self.command("")
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts")
    }

    pub fn git(&self, args: &[&str]) -> String {
        self.git_in("", args)
    }

    pub fn git_in(&self, folder: &str, args: &[&str]) -> String {
        let mut command = Command::new("git");
        self.clean(&mut command, folder);
        command
            .args([
                "-c",
                "user.name=T",
                "-c",
                "user.email=t@example.com",
                "-c",
                "commit.gpgsign=false",
            ])
            .args(args);
        let out = command.output().expect("git is installed");
        assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).expect("text").trim().to_owned()
    }

    /// Everything in the working folder, also where nothing changed.
    pub fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
    }

    /// The baseline files, with their bytes.
    pub fn baselines(&self) -> Vec<(PathBuf, String)> {
        files(&self.path("baselines"))
    }

    /// What the last judged run left in `.goodput-gate`.
    pub fn troubles(&self) -> Vec<Trouble> {
        troubles(&self.read(".goodput-gate/junit.xml"))
    }

    pub fn command(&self, folder: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_goodput-gate"));
        self.clean(&mut command, folder);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    fn clean(&self, command: &mut Command, folder: &str) {
        command.current_dir(self.path(folder)).env_clear().stdin(Stdio::null());
        command
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path());
        command.env("GOODPUT_GATE_LOCK_DIR", self.home.path().join("locks"));
        // What tests look at is anywhere in a report.
        command.env("GOODPUT_GATE_VERBOSE", "1");
        command.env("NO_COLOR", "1").env("GIT_CONFIG_NOSYSTEM", "1").env("RUNNER_NAME", "ci-1");
        // Whatever lies above the home, in `/tmp` say, is nobody's here.
        let above = self.home.path().parent().unwrap_or(self.home.path());
        command.env("GOODPUT_GATE_CEILING", above).env("GIT_CEILING_DIRECTORIES", above);
    }
}

impl Ran {
    fn read(out: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let ran =
            Self { code: out.status.code(), stdout: text(&out.stdout), stderr: text(&out.stderr) };
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
        ran
    }

    /// Standard output with the terminal's line breaks undone.
    pub fn text(&self) -> String {
        flat(&self.stdout)
    }

    pub fn assert(&self, code: i32, words: &[&str]) {
        let said = format!("{} {}", self.text(), flat(&self.stderr));
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        for word in words {
            assert!(said.contains(word), "{word:?} is not in:\n{}\n{}", self.stdout, self.stderr);
        }
    }

    fn client_was_late(&self) -> bool {
        let said = format!("{} {}", self.text(), flat(&self.stderr));
        said.contains("p99 send lag")
            || said.contains("event loop came round")
            || said.contains("a client thread was busy")
    }
}

/// Runs of white space as one space.
pub fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Every file below a folder, by path.
pub fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut all: Vec<_> = entries
        .map(|e| e.expect("an entry").path())
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![(path.clone(), std::fs::read_to_string(&path).expect("text"))]
            }
        })
        .collect();
    all.sort();
    all
}

/// The cases of a `JUnit` file that did not pass.
pub fn troubles(xml: &str) -> Vec<Trouble> {
    use quick_xml::events::{BytesStart, Event};
    let attribute = |e: &BytesStart<'_>, name: &str| {
        let found = e.try_get_attribute(name).expect("well-formed");
        found.map_or_else(String::new, |a| String::from_utf8_lossy(&a.value).into_owned())
    };
    let mut reader = quick_xml::Reader::from_str(xml);
    let (mut case, mut all) = (String::new(), Vec::new());
    loop {
        match reader.read_event().expect("well-formed XML") {
            Event::Eof => return all,
            Event::Start(e) | Event::Empty(e) => match e.name().as_ref() {
                b"testcase" => case = attribute(&e, "name"),
                element @ (b"failure" | b"error" | b"skipped") => all.push(Trouble {
                    case: case.clone(),
                    element: String::from_utf8_lossy(element).into_owned(),
                    kind: attribute(&e, "type"),
                    message: attribute(&e, "message"),
                }),
                _ => {}
            },
            _ => {}
        }
    }
}
