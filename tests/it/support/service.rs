//! The service beside a test, and a client that sends what it is told to, byte by byte. Not here:
//! the runs that it serves.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{Gate, PATIENCE};

/// Killed when dropped.
pub struct Service {
    child: Option<Child>,
    pub address: SocketAddr,
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// By their names in small letters.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Service {
    /// On a port that is drawn, over the runs in `data`.
    pub fn start(gate: &Gate, args: &[&str]) -> Self {
        Self::start_on(gate, "127.0.0.1:0", args)
    }

    pub fn start_on(gate: &Gate, listen: &str, args: &[&str]) -> Self {
        let all = [&["serve", "--data", "data", "--listen", listen], args].concat();
        let mut child = gate.spawn_into(&all, Stdio::piped());
        let mut line = String::new();
        let out = child.stdout.take().expect("it is piped");
        BufReader::new(out).read_line(&mut line).expect("it says something");
        let address = line.trim().strip_prefix("http://");
        let address = address.and_then(|a| a.split('/').next()?.parse().ok());
        let address = address.unwrap_or_else(|| panic!("{line:?} {}", gate.text("stderr.txt")));
        Self { child: Some(child), address }
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[])
    }

    /// What answers JSON.
    pub fn json(&self, path: &str) -> Value {
        let reply = self.get(path);
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        reply.json()
    }

    /// `headers` stand in for `Host`, where they have one.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
        let named = headers.iter().any(|(name, _)| *name == "Host");
        let host = self.address.to_string();
        let own = Some(("Host", &*host)).filter(|_| !named);
        let head: Vec<String> =
            own.iter().chain(headers).map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = head.concat();
        self.raw(&format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n{head}\r\n"))
    }

    /// With a body; `headers` say what it is.
    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let head: Vec<String> =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = head.concat();
        let named = headers.iter().any(|(name, _)| *name == "Host");
        let host = if named { String::new() } else { format!("Host: {}\r\n", self.address) };
        let length = body.len();
        self.raw(&format!(
            "POST {path} HTTP/1.1\r\nConnection: close\r\n{host}{head}Content-Length: {length}\r\n\r\n{body}"
        ))
    }

    /// Whatever it is, and what comes back.
    pub fn raw(&self, text: &str) -> Reply {
        Reply::parse(&self.raw_bytes(text))
    }

    /// All that comes back, until the service closes.
    pub fn raw_bytes(&self, text: &str) -> Vec<u8> {
        let mut stream = self.connect();
        // A request may be refused before it is sent.
        let _ = stream.write_all(text.as_bytes());
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let _ = stream.shutdown(Shutdown::Both);
        bytes
    }

    pub fn connect(&self) -> TcpStream {
        let port = self.address.port();
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
        stream
    }

    pub fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("it runs");
        kill_process(Pid::from_child(child), signal).expect("it runs");
    }

    /// Bytes of memory that it had at most.
    pub fn peak_memory(&self) -> u64 {
        let pid = self.child.as_ref().expect("it runs").id();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it is told");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib << 10
    }

    /// Its exit code, once it has ended.
    pub fn end(mut self) -> Option<i32> {
        Gate::end(self.child.take().expect("it runs"))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Reply {
    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer: {}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(": "));
        Self {
            status: status.expect("a status"),
            headers: headers.map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned())).collect(),
            body: bytes[end + 4..].to_vec(),
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("text")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// A refusal as every refusal is: JSON with a detail and this code.
    pub fn assert_refused(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        let said = self.json();
        assert_eq!(said["code"], code, "{said}");
        assert!(said["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{said}");
    }
}

/// Processes that measure a run.
pub fn processes(id: &str) -> Vec<Pid> {
    let all = std::fs::read_dir("/proc").expect("Linux").flatten();
    let pid = |name: String| name.parse().ok().and_then(Pid::from_raw);
    all.filter(|e| {
        let line = std::fs::read(e.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(&format!("--service-run={id}"))
    })
    .filter_map(|e| pid(e.file_name().to_string_lossy().into_owned()))
    .collect()
}
