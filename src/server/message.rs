//! What a supervisor says to the process that started it, one line of JSON each; and how a command
//! ended.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a supervisor is told before its standard input ends, if that is not to be the command's
/// end.
pub const STAY: &[u8] = b"stay\n";

/// One line on the supervisor's standard output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// The command runs; its process id is also that of its group.
    Started { pid: i32 },
    /// Nothing was started, and why.
    Failed { why: String },
    /// The command ended by itself; what it left behind is ended next.
    Exited(Exit),
    /// Some processes did not even end when they were killed.
    Left { pids: Vec<i32> },
    /// The command's container could not be removed, and why.
    Kept { container: String, why: String },
}

/// How a command ended: with a status or by a signal. Neither is known where its supervisor was
/// killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// Exit status, 0 to 255.
    pub code: Option<i32>,
    /// Number of the signal that ended it.
    pub signal: Option<i32>,
}

impl Exit {
    pub const UNKNOWN: Self = Self { code: None, signal: None };

    pub fn success(self) -> bool {
        self.code == Some(0)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.signal) {
            // A shell that waited for its child says so when a signal ended it: 128 and the signal
            // (POSIX, Shell Command Language 2.8.2).
            (Some(code @ 129..), _) if name(code - 128).is_some() => {
                write!(f, "exit status {code} (128 + {})", shown(code - 128))
            }
            (Some(127), _) => f.write_str("exit status 127 (command not found)"),
            (Some(code), _) => write!(f, "exit status {code}"),
            (None, Some(signal)) => f.write_str(&shown(signal)),
            (None, None) => f.write_str("unknown how: its supervisor was killed"),
        }
    }
}

fn shown(signal: i32) -> String {
    name(signal)
        .map_or_else(|| format!("signal {signal}"), |name| format!("signal {signal} ({name})"))
}

/// Of the signals whose number is the same on all systems, those that servers die of.
fn name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "hangup",
        2 => "interrupted",
        3 => "quit",
        4 => "illegal instruction",
        6 => "aborted",
        8 => "arithmetic fault",
        9 => "killed",
        11 => "segmentation fault",
        13 => "broken pipe",
        15 => "terminated",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exited(code: i32) -> Exit {
        Exit { code: Some(code), signal: None }
    }

    #[test]
    fn an_end_reads_as_what_happened() {
        assert_eq!(exited(1).to_string(), "exit status 1");
        assert_eq!(exited(127).to_string(), "exit status 127 (command not found)");
        assert_eq!(exited(137).to_string(), "exit status 137 (128 + signal 9 (killed))");
        assert_eq!(exited(255).to_string(), "exit status 255");
        assert_eq!(Exit { code: None, signal: Some(9) }.to_string(), "signal 9 (killed)");
        assert_eq!(Exit { code: None, signal: Some(31) }.to_string(), "signal 31");
        assert_eq!(Exit::UNKNOWN.to_string(), "unknown how: its supervisor was killed");
    }

    #[test]
    fn a_message_is_one_line_of_json() {
        let lines = [
            (Message::Started { pid: 7 }, r#"{"started":{"pid":7}}"#),
            (Message::Exited(exited(3)), r#"{"exited":{"code":3,"signal":null}}"#),
            (Message::Failed { why: "a\nb".into() }, r#"{"failed":{"why":"a\nb"}}"#),
            (Message::Left { pids: vec![1, 2] }, r#"{"left":{"pids":[1,2]}}"#),
        ];
        for (message, line) in lines {
            assert_eq!(serde_json::to_string(&message).unwrap(), line);
            assert_eq!(serde_json::from_str::<Message>(line).unwrap(), message);
        }
    }
}
