//! A repository (or a plain folder) of its own for each test of the gate, and what a judged run
//! left there in every format.
//!
//! Clean environment: no CI variables, no user's git config, no network beyond loopback. Not here:
//! what must hold (`gate_*.rs`).

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::program::{self, program};
pub use super::program::{Ran, flat};

/// A home folder with the working folder `repo` in it.
pub struct Bed {
    home: TempDir,
    env: Vec<(String, String)>,
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
        program::git(&self.path(folder), self.home.path(), args)
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
        let mut command = program(&self.path(folder), self.home.path());
        command.env("GOODPUT_GATE_LOCK_DIR", self.home.path().join("locks"));
        command.env("RUNNER_NAME", "ci-1");
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }
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
