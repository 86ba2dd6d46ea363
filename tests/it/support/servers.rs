//! A repository whose server the gate starts, and what is left of it afterwards: processes by a
//! mark in their environment, worktrees, branches, temporary folders. Not here: what must hold
//! (`gate_servers`, `gate_interleaved`).

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use rustix::process::Signal;

use crate::support::bed::{Bed, Ran, files, flat};
use crate::support::supervisor::{send, until};

/// Writes its process id and what it does into `PLACE`, and becomes a simulated server. `factor` is
/// what a commit can change.
const SERVE: &str = r#"echo "$PORT" > "$PLACE/$$.pid"
echo "serving with factor $(cat factor)"
exec "$GATE" sim --listen "127.0.0.1:$PORT" --set noise=off --set seed=7 --set request_overhead_ms=150 \
  --set decode_factor="$(cat factor)" --truth "$PLACE/$$.truth"
"#;

/// The top of every config here; the gate's own part is the test's.
const CONFIG: &str = r#"version: 1
server:
  start: exec sh serve.sh
  env: {GATE: "${GATE}", PLACE: "${PLACE}"}
  ready: {path: /health, timeout: 60s}
  grace: 5s
workloads:
  - name: chat
    arrival: {closed: {concurrency: 4}}
    requests: 12
    prompts: {synthetic: {input_tokens: 16}}
    output_tokens: 4
    warmup: {requests: 1}
"#;

/// A name that no other process has in its environment: the folder is this bed's own.
const MARK: &str = "GOODPUT_GATE_TEST_MARK";

pub struct Servers {
    pub bed: Bed,
}

/// A gate that runs.
pub struct Running<'a> {
    servers: &'a Servers,
    child: Child,
}

impl Servers {
    /// One commit on `main` that serves at full speed.
    pub fn new(gate: &str) -> Self {
        let mut bed = Bed::new();
        for folder in ["tmp", "place"] {
            std::fs::create_dir(bed.home().join(folder)).expect("a folder");
        }
        let at = |name: &str| bed.home().join(name).display().to_string();
        let (tmp, place) = (at("tmp"), at("place"));
        bed.set("TMPDIR", &tmp);
        bed.set("PLACE", &place);
        bed.set(MARK, &place);
        bed.set("GATE", env!("CARGO_BIN_EXE_goodput-gate"));
        bed.git(&["init", "-q", "-b", "main", "."]);
        bed.write("goodput-gate.yaml", &format!("{CONFIG}{gate}\n"));
        bed.write("serve.sh", SERVE);
        bed.write("factor", "1\n");
        bed.commit("a server");
        Self { bed }
    }

    pub fn place(&self) -> PathBuf {
        self.bed.home().join("place")
    }

    pub fn spawn(&self, args: &[&str]) -> Running<'_> {
        let file = |name: &str| {
            Stdio::from(std::fs::File::create(self.bed.home().join(name)).expect("a file"))
        };
        let child = self
            .bed
            .command("")
            .args(args)
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .expect("the binary starts");
        Running { servers: self, child }
    }

    /// Process ids of the servers so far, with their ports, in the order of the ids.
    pub fn servers(&self) -> Vec<(i32, u16)> {
        let all = files(&self.place()).into_iter().filter(|(path, text)| {
            path.extension().is_some_and(|e| e == "pid") && text.ends_with('\n')
        });
        let number = |path: &Path| path.file_stem()?.to_str()?.parse().ok();
        all.filter_map(|(path, text)| Some((number(&path)?, text.trim().parse().ok()?))).collect()
    }

    /// Waits until a request with this in its id has been answered: `-w-` of a warm-up, `-r0-` of a
    /// round.
    pub fn answered(&self, id: &str) {
        until(&format!("a request {id} was answered"), || {
            files(&self.place()).iter().any(|(path, text)| {
                path.extension().is_some_and(|e| e == "truth") && text.contains(id)
            })
        });
    }

    /// Waits for a phase: that of requests with such ids, or one whose command makes a file of that
    /// name.
    pub fn reaches(&self, phase: &str) {
        if phase.starts_with('-') {
            self.answered(phase);
        } else {
            until(phase, || self.place().join(phase).exists());
        }
    }

    /// Nothing of servers, worktrees and temporary files is left.
    pub fn left_nothing(&self) {
        assert_eq!(self.marked(), Vec::<String>::new(), "processes");
        self.left_no_files();
    }

    /// The same, where nobody was left to wait for the end.
    pub fn soon_leaves_no_process(&self) {
        until("no process is left", || self.marked().is_empty());
    }

    pub fn left_no_files(&self) {
        let names = |folder: PathBuf| -> Vec<String> {
            let entries = std::fs::read_dir(folder).into_iter().flatten();
            entries
                .map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned())
                .collect()
        };
        assert_eq!(names(self.bed.home().join("tmp")), [""; 0], "temporary files");
        assert_eq!(names(self.bed.path(".git/worktrees")), [""; 0], "worktrees");
        let branches = self.bed.git(&["branch", "--format=%(refname:short)"]);
        assert!(!branches.contains("goodput-gate"), "{branches}");
    }

    /// Command lines of the processes that have our mark in their environment. One that has ended
    /// has no environment any more.
    fn marked(&self) -> Vec<String> {
        let mark = format!("{MARK}={}", self.place().display());
        let read = |pid: &str, what: &str| {
            std::fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default()
        };
        let pids = std::fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .filter_map(|e| e.ok()?.file_name().into_string().ok());
        let ours = pids.filter(|pid| {
            read(pid, "environ").split(|b| *b == 0).any(|variable| variable == mark.as_bytes())
        });
        ours.map(|pid| {
            format!("{pid}: {}", String::from_utf8_lossy(&read(&pid, "cmdline")).replace('\0', " "))
        })
        .collect()
    }
}

impl Running<'_> {
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a process id fits")
    }

    pub fn signal(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    /// Waits until it says so on standard error.
    pub fn says(&self, words: &str) {
        until(&format!("it says {words:?}"), || {
            flat(&self.servers.bed.read("../stderr")).contains(words)
        });
    }

    pub fn end(mut self) -> Ran {
        let mut code = None;
        until("the gate ended", || {
            code = self.child.try_wait().expect("it is ours");
            code.is_some()
        });
        let read = |name: &str| self.servers.bed.read(name);
        Ran::new(code.and_then(|c| c.code()), read("../stdout"), read("../stderr"))
    }
}

/// What a failed test leaves behind ends when the gate does.
impl Drop for Running<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The body of `GET /metrics` of a simulated server; empty where it is not up.
fn metrics(port: u16) -> String {
    let mut answer = String::new();
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return answer };
    let asked = write!(stream, "GET /metrics HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n\r\n");
    let _ = asked.and_then(|()| stream.read_to_string(&mut answer));
    answer
}

/// A simulated server works at requests now.
pub fn working(port: u16) -> bool {
    let text = metrics(port);
    let line = text.lines().find(|l| l.starts_with("vllm:num_requests_running"));
    line.and_then(|l| l.rsplit(' ').next()?.parse::<f64>().ok()).is_some_and(|n| n > 0.0)
}
