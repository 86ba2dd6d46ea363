//! The container that a user's command runs in, by the name that the gate drew for it: removed when
//! the command has ended, however it did.
//!
//! Who is killed outright takes no container along: the engine's daemon holds it. Not here: when it
//! is removed (`supervisor`).

use std::io::{self, Read as _};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// A daemon kills at once; more than this and it hangs.
const REMOVAL: Duration = Duration::from_secs(20);
/// A container may appear only now, where its client was killed between asking for it and hearing
/// of it.
const TRIES: u32 = 5;
const AGAIN: Duration = Duration::from_millis(200);
const GLANCE: Duration = Duration::from_millis(20);

/// One container and who removes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// `docker`, `podman`, or what takes the same `rm` and `ps`.
    pub program: String,
    pub name: String,
}

/// All that the gate draws begins so.
pub const PREFIX: &str = "goodput-gate-";

impl Container {
    /// Its name is one that the gate drew: no other container, and no other thing that `rm` could
    /// mean.
    pub fn is_ours(&self) -> bool {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        self.name
            .strip_prefix(PREFIX)
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(plain))
    }

    /// Removes it, and nothing else; one that is not there is removed. Takes at most [`REMOVAL`].
    /// Errors: it is there all the same, or nobody can tell.
    pub fn remove(&self) -> Result<(), String> {
        let until = Instant::now() + REMOVAL;
        for _ in 0..TRIES {
            // Its own answer tells too little: it fails where there is nothing to remove, too.
            self.run(&["rm", "-f", &self.name], until)?;
            match self
                .run(&["ps", "-a", "-q", "--filter", &format!("name=^{}$", self.name)], until)?
            {
                (status, listed) if status.success() && listed.is_empty() => return Ok(()),
                (status, _) if !status.success() => {
                    return Err(format!("`{} ps` ended with {status}", self.program));
                }
                _ => thread::sleep(AGAIN),
            }
        }
        Err(format!("it is still there after `{} rm -f`", self.program))
    }

    /// What the image is that it runs, whatever its name points to by now. Errors: the engine does
    /// not say.
    pub fn image(&self) -> Result<String, String> {
        let until = Instant::now() + REMOVAL;
        match self.run(&["inspect", "--format", "{{.Image}}", &self.name], until)? {
            (status, id) if status.success() && !id.is_empty() => Ok(id),
            (status, _) => Err(format!("`{} inspect` ended with {status}", self.program)),
        }
    }

    fn run(&self, args: &[&str], until: Instant) -> Result<(ExitStatus, String), String> {
        let shown = format!("`{} {}`", self.program, args[0]);
        let run = || -> io::Result<Option<(ExitStatus, String)>> {
            let mut command = Command::new(&self.program);
            let mut child = command
                .args(args)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()?;
            let status = loop {
                match child.try_wait()? {
                    Some(status) => break status,
                    None if Instant::now() < until => thread::sleep(GLANCE),
                    None => {
                        child.kill()?;
                        child.wait()?;
                        return Ok(None);
                    }
                }
            };
            let mut said = String::new();
            if let Some(mut output) = child.stdout.take() {
                // Names and error texts, which are short.
                output.by_ref().take(crate::read::WRITTEN).read_to_string(&mut said)?;
            }
            Ok(Some((status, said.trim().to_owned())))
        };
        match run() {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(format!("{shown} gave no answer for {} s", REMOVAL.as_secs())),
            Err(e) => Err(format!("{shown} cannot be run: {e}")),
        }
    }
}
