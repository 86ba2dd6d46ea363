//! A browser that a test drives: Chromium, by its debugging protocol over two pipes. Not here: what a
//! page must show.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::PATIENCE;

/// What axe-core objects to, each with where and why.
const AUDIT: &str = "axe.run(document, {iframes: false, resultTypes: ['violations']}).then((found) =>
  found.violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.target}: ${node.failureSummary}`)))";
const GLANCE: Duration = Duration::from_millis(50);

/// Ended when dropped.
pub struct Browser {
    child: Child,
    send: File,
    receive: Receiver<Value>,
    session: String,
    number: u64,
    /// What the page said to its console, and what failed in it.
    pub said: Vec<String>,
    _profile: TempDir,
}

impl Browser {
    /// `width`: of its window, in pixels. `CHROMIUM` names the program.
    pub fn open(width: u32) -> Self {
        let profile = TempDir::new().expect("a temporary folder can be made");
        let pipe = |name: &str| {
            let path = profile.path().join(name);
            let made = Command::new("mkfifo").arg(&path).status().expect("mkfifo starts");
            assert!(made.success());
            path
        };
        let (ours, theirs) = (pipe("to"), pipe("from"));
        let program = std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".into());
        let child = Command::new("/bin/sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<\"$TO\" 4>\"$FROM\"", &program])
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-sync", "--disable-extensions"])
            .args(["--disable-component-update", "--remote-debugging-pipe", "--hide-scrollbars"])
            .arg(format!("--window-size={width},900"))
            .arg(format!("--user-data-dir={}", profile.path().join("profile").display()))
            .env("TO", &ours)
            .env("FROM", &theirs)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the shell starts");
        let send = OpenOptions::new().write(true).open(&ours).expect("the browser starts");
        let heard = File::open(&theirs).expect("the browser starts");
        let (give, receive) = channel();
        std::thread::spawn(move || {
            for message in BufReader::new(heard).split(0).map_while(Result::ok) {
                let message = serde_json::from_slice(&message).expect("JSON");
                if give.send(message).is_err() {
                    return;
                }
            }
        });
        let mut browser = Self {
            child,
            send,
            receive,
            session: String::new(),
            number: 0,
            said: Vec::new(),
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}));
        let target = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", &target)["sessionId"].clone();
        session.as_str().expect("a session").clone_into(&mut browser.session);
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            browser.call(domain, &json!({}));
        }
        browser.resize(width);
        browser
    }

    pub fn resize(&mut self, width: u32) {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", &size);
    }

    pub fn go(&mut self, url: &str) {
        self.call("Page.navigate", &json!({"url": url}));
        self.wait("document.readyState === 'complete'");
    }

    /// With scripts of pages, or without.
    pub fn scripts(&mut self, on: bool) {
        self.call("Emulation.setScriptExecutionDisabled", &json!({"value": !on}));
    }

    /// What an expression comes to in the page.
    pub fn value(&mut self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", &asked);
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    pub fn text(&mut self, expression: &str) -> String {
        self.value(expression).as_str().unwrap_or_default().to_owned()
    }

    /// Until it is true, also over a page that is left meanwhile.
    pub fn wait(&mut self, expression: &str) {
        let began = Instant::now();
        let asked = json!({"expression": format!("Boolean({expression})"), "returnByValue": true});
        while self.call("Runtime.evaluate", &asked)["result"]["value"] != true {
            let shown = self.place();
            assert!(began.elapsed() < PATIENCE, "{expression} at {shown}: {:?}", self.said);
            sleep(GLANCE);
        }
    }

    fn place(&mut self) -> Value {
        let asked = json!({"expression": "location.href", "returnByValue": true});
        self.call("Runtime.evaluate", &asked)["result"]["value"].clone()
    }

    /// Nothing is wider than the window, nothing was said to the console, and axe-core, where
    /// `AXE_CORE` names its file, finds nothing that somebody could not read or use.
    pub fn assert_sound(&mut self, what: &str) {
        let place = self.place();
        let wide = self.value("document.documentElement.scrollWidth - window.innerWidth");
        assert!(wide.as_i64() <= Some(0), "{what}: {place} is {wide} wider than its window");
        assert_eq!(self.said, Vec::<String>::new(), "{what}: {place}");
        if let Some(found) = self.violations() {
            assert_eq!(found, json!([]), "{what}: {place}");
        }
    }

    /// What axe-core objects to; none where it is not here.
    pub fn violations(&mut self) -> Option<Value> {
        let axe = std::env::var("AXE_CORE").ok()?;
        let axe = std::fs::read_to_string(axe).expect("AXE_CORE can be read");
        self.value(&format!("{axe}; true"));
        Some(self.value(AUDIT))
    }

    /// The whole page as a picture, where `GOODPUT_GATE_PICTURES` names a folder for them.
    pub fn picture(&mut self, name: &str) {
        let Ok(folder) = std::env::var("GOODPUT_GATE_PICTURES") else { return };
        let shot = json!({"format": "png", "captureBeyondViewport": true});
        let picture = self.call("Page.captureScreenshot", &shot);
        let text = picture["data"].as_str().expect("a picture");
        let bytes = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, text);
        let path = Path::new(&folder).join(format!("{name}.png"));
        std::fs::write(path, bytes.expect("base64")).expect("the folder can be written");
    }

    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.number += 1;
        let mut message = json!({"id": self.number, "method": method, "params": params});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.send.write_all(&bytes).expect("the browser listens");
        loop {
            let heard = self.receive.recv_timeout(PATIENCE).expect("the browser answers");
            if heard["id"] == self.number {
                // While a page is left there is nothing to ask.
                return heard["result"].clone();
            }
            self.hear(&heard);
        }
    }

    fn hear(&mut self, event: &Value) {
        let params = &event["params"];
        match event["method"].as_str().unwrap_or_default() {
            "Runtime.consoleAPICalled" => self.said.push(params["args"].to_string()),
            "Runtime.exceptionThrown" => self.said.push(params["exceptionDetails"].to_string()),
            "Log.entryAdded" => self.said.push(params["entry"].to_string()),
            _ => {}
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
