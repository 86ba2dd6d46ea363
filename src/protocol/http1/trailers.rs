//! What comes after the last chunk: fields that may say that the answer failed. Not here: how they
//! are found in the bytes (`chunked`).
//!
//! A failure is a `grpc-status` that is not 0, a field whose name tells of one (`x-error`,
//! `x-llm-failure`) and has a value, or a status of 400 or more. All else means nothing to us.

use crate::protocol::error_text;
use crate::protocol::failure::names_failure;

/// Values that take back what a field's name says.
const NOTHING: [&str; 10] = ["", "0", "-", "no", "none", "null", "false", "ok", "{}", "\"\""];
const HTTP_ERROR: u32 = 400;

/// The failure that these lines tell of, in the server's words.
pub fn failure(lines: &[u8]) -> Option<String> {
    let fields: Vec<(String, String)> =
        lines.split(|byte| *byte == b'\n').filter_map(field).collect();
    let value = |wanted: &str| {
        fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    };
    let (name, said) = fields.iter().find(|(name, value)| fails(name, value))?;
    let words = if name == "grpc-status" {
        value("grpc-message").filter(|text| !text.is_empty())
    } else {
        None
    };
    Some(
        words.map_or_else(|| format!("{name}: {said}"), |words| format!("{name}: {said}, {words}")),
    )
}

/// Name in lower case, and the message in the value.
fn field(line: &[u8]) -> Option<(String, String)> {
    let at = line.iter().position(|byte| *byte == b':')?;
    let name = String::from_utf8_lossy(&line[..at]).trim().to_ascii_lowercase();
    let value = line[at + 1..].trim_ascii();
    Some((name, if value.is_empty() { String::new() } else { error_text::text(value) }))
}

fn fails(name: &str, value: &str) -> bool {
    let number = value.split(' ').next().and_then(|word| word.parse::<u32>().ok());
    match name {
        "grpc-status" => number != Some(0),
        "grpc-message" => false,
        _ if name.ends_with("status") || name.ends_with("status-code") => {
            number.is_some_and(|status| status >= HTTP_ERROR)
        }
        _ => names_failure(name) && !NOTHING.contains(&value.to_ascii_lowercase().as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_from_what_servers_add_to_an_answer() {
        for (lines, said) in [
            ("x-error: engine died\r\n", "x-error: engine died"),
            (
                "Error: {\"error\":{\"message\":\"CUDA out of memory\"}}\r\n",
                "error: CUDA out of memory",
            ),
            ("x-a: b\r\nX-Stream-Failed: yes\r\n", "x-stream-failed: yes"),
            ("grpc-status: 14\r\ngrpc-message: no worker\r\n", "grpc-status: 14, no worker"),
            ("grpc-message: no worker\r\ngrpc-status: 2\r\n", "grpc-status: 2, no worker"),
            ("grpc-status: ?\r\n", "grpc-status: ?"),
            (
                "x-http-status: 503 Service Unavailable\r\n",
                "x-http-status: 503 Service Unavailable",
            ),
            ("X-Status-Code:500\n", "x-status-code: 500"),
        ] {
            assert_eq!(failure(lines.as_bytes()).as_deref(), Some(said), "{lines:?}");
        }
        for lines in [
            "",
            "\r\n",
            "X: y\r\nZ: w\r\n",
            "grpc-status: 0\r\ngrpc-message: no error\r\n",
            "x-error:\r\n",
            "x-error: none\r\n",
            "errors: 0\r\n",
            "server-timing: total;dur=12\r\n",
            "x-http-status: 200\r\n",
            "x-status: ok\r\n",
            "no colon, error",
        ] {
            assert_eq!(failure(lines.as_bytes()), None, "{lines:?}");
        }
    }
}
