//! The message inside an error body, whatever shape a server gives it.
//!
//! Not here: escaping for an output. The text is foreign: one line, no control characters, cut, but
//! otherwise as it came.

use serde_json::Value;

/// Long enough for a cause, short enough for a line of a report.
const MAX_CHARS: usize = 500;

/// The message in JSON (`{"error": {"message"}}`, `{"error": ""}`, `{"message"}`, `{"detail"}`),
/// HTML or plain text.
pub fn text(body: &[u8]) -> String {
    let trimmed = body.trim_ascii();
    let trimmed = data(trimmed);
    let found = if let Ok(json) = serde_json::from_slice::<Value>(trimmed) {
        message(&json, 0).unwrap_or_else(|| json.to_string())
    } else {
        let text = String::from_utf8_lossy(trimmed);
        if looks_like_html(&text) { html_text(&text) } else { text.into_owned() }
    };
    let line = one_line(&found);
    if line.is_empty() { "empty body".into() } else { line }
}

/// The message of a body that is one JSON object with an error and nothing else, whatever its
/// status.
pub fn refusal(body: &[u8]) -> Option<String> {
    let fields: serde_json::Map<String, Value> = serde_json::from_slice(body.trim_ascii()).ok()?;
    let error = fields.get("error").is_some_and(|error| !error.is_null())
        || fields.get("object") == Some(&Value::from("error"));
    error.then(|| text(body))
}

/// Servers that refuse a stream may do so in the form of one: then the value of its first `data:`
/// line.
fn data(body: &[u8]) -> &[u8] {
    let event = [&b"data:"[..], b"event:", b":"].iter().any(|start| body.starts_with(start));
    let line = body
        .split(|byte| *byte == b'\n')
        .filter(|_| event)
        .find_map(|line| line.strip_prefix(b"data:"));
    line.map_or(body, <[u8]>::trim_ascii)
}

fn message(json: &Value, depth: u8) -> Option<String> {
    // Servers nest three deep at most; foreign JSON must not set our stack.
    if depth > 4 {
        return None;
    }
    match json {
        Value::String(text) => Some(text.clone()).filter(|t| !t.trim().is_empty()),
        // FastAPI's list of validation errors.
        Value::Array(items) => items.iter().find_map(|item| message(item, depth + 1)),
        Value::Object(fields) => {
            ["error", "message", "detail", "msg", "error_message", "error_msg", "errors", "reason"]
                .iter()
                .find_map(|key| message(fields.get(*key)?, depth + 1))
        }
        _ => None,
    }
}

fn looks_like_html(text: &str) -> bool {
    let start: String = text.chars().take(15).collect::<String>().to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html") || start.starts_with("<head")
}

/// The title, else the text without tags.
fn html_text(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|at| {
        let from = at + lower[at..].find('>')? + 1;
        let to = from + lower[from..].find("</title")?;
        Some(html[from..to].trim()).filter(|t| !t.is_empty())
    });
    title.map_or_else(|| without_tags(html), ToOwned::to_owned)
}

fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut in_tag = false;
    for c in html.chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                text.push(' ');
            }
            _ if !in_tag => text.push(c),
            _ => {}
        }
    }
    text
}

/// One line, as short as that of a message: for what a server names (a finish reason, a header).
pub fn one_word(text: &str) -> String {
    const MAX_NAME: usize = 100;
    let line = one_line(text);
    match line.char_indices().nth(MAX_NAME) {
        Some((cut, _)) => format!("{}...", &line[..cut]),
        None => line,
    }
}

/// White space collapsed, control characters out, at most `MAX_CHARS` characters.
pub fn one_line(text: &str) -> String {
    // Enough for the cut below even where much of it is white space, and bounded for a body of
    // megabytes.
    let start: String =
        text.chars().take(MAX_CHARS * 20).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<&str> = start.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(MAX_CHARS) {
        Some((cut, _)) => format!("{}...", &line[..cut]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn messages_of_every_shape_are_found() {
        for (body, expected) in [
            (r#"{"error":{"message":"too long","type":"x"}}"#, "too long"),
            (r#"{"error":"Unauthorized"}"#, "Unauthorized"),
            (r#"{"object":"error","message":"no such model","code":404}"#, "no such model"),
            (r#"{"detail":"Not Found"}"#, "Not Found"),
            (r#"{"detail":[{"loc":["body"],"msg":"field required"}]}"#, "field required"),
            (r#"{"error":{"code":3}}"#, r#"{"error":{"code":3}}"#),
            ("data: {\"error\":\"model not ready\"}\n\n", "model not ready"),
            ("event: error\r\ndata: {\"error\":\"model not ready\"}\r\n\r\n", "model not ready"),
            (r#"{"errors":[{"message":"too long"}]}"#, "too long"),
            (r#"{"error_code":336100,"error_msg":"busy"}"#, "busy"),
            ("Internal Server Error\n", "Internal Server Error"),
            (
                "<html>\n<head><TITLE>502 Bad\nGateway</TITLE></head><body>x</body></html>",
                "502 Bad Gateway",
            ),
            ("<!DOCTYPE html><html><body><h1>Oops</h1>try later</body></html>", "Oops try later"),
            ("", "empty body"),
            ("\"quoted\"", "quoted"),
        ] {
            assert_eq!(text(body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn long_or_dirty_text_becomes_one_clean_line() {
        assert_eq!(text(b"a\r\n\tb\x1b[31mc\0d"), "a b [31mc d");
        assert_eq!(text(b"caf\xff"), "caf\u{fffd}");
        let long = text("é".repeat(10_000).as_bytes());
        assert_eq!(long.chars().count(), 503);
        assert!(long.ends_with("é..."));
    }

    #[test]
    fn deep_json_is_shown_as_it_is() {
        let deep = format!("{}\"x\"{}", "{\"error\":".repeat(20), "}".repeat(20));
        assert!(text(deep.as_bytes()).starts_with("{\"error\":{\"error\":"));
    }
}
