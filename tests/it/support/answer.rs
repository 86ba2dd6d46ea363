//! What the scripted server answers, as bytes and pauses. Not here: sockets.

use serde_json::{Value, json};

/// One thing that the server does while it answers.
#[derive(Clone, Debug)]
pub enum Act {
    Write(Vec<u8>),
    /// At least so many milliseconds.
    Pause(u64),
    /// Says nothing more until the client goes away.
    Hang,
    /// Says nothing more until the test calls `Server::release`.
    Hold,
    /// Everybody else waits too, at least so many milliseconds.
    Stall(u64),
    Close,
    /// The connection is reset.
    Reset,
    /// The whole server goes away, and with it its port and every other connection; this one is
    /// closed after what is left to write.
    Gone,
}

#[derive(Clone, Debug)]
pub struct Answer(pub Vec<Act>);

impl Answer {
    /// A whole chat stream: `tokens` events, usage, `[DONE]`.
    pub fn stream(tokens: u32) -> Self {
        Self::stream_with(tokens, |_| {})
    }

    /// The same, with something done before its last half.
    pub fn stream_with(tokens: u32, middle: impl FnOnce(&mut Vec<Act>)) -> Self {
        let mut answer = Self::open(tokens.div_ceil(2));
        middle(&mut answer.0);
        for i in tokens.div_ceil(2)..tokens {
            answer.0.push(Act::Write(delta(&format!(" t{i}"), None)));
        }
        let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]});
        let usage = json!({"choices": [], "usage": {"prompt_tokens": 16, "completion_tokens": tokens, "total_tokens": 16 + tokens}});
        let end = [event(&end), event(&usage), chunk(b"data: [DONE]\n\n"), b"0\r\n\r\n".to_vec()]
            .concat();
        answer.0.push(Act::Write(end));
        answer
    }

    /// The head of a stream and its first events, and no end.
    pub fn open(tokens: u32) -> Self {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        let mut acts = vec![Act::Write(head.as_bytes().to_vec())];
        acts.extend((0..tokens).map(|i| Act::Write(delta(&format!(" t{i}"), None))));
        Self(acts)
    }

    /// A stream of these events, ended as it should be.
    pub fn events(events: &[Value]) -> Self {
        let mut answer = Self::open(0);
        answer.0.extend(events.iter().map(|e| Act::Write(event(e))));
        answer.0.push(Act::Write([chunk(b"data: [DONE]\n\n"), b"0\r\n\r\n".to_vec()].concat()));
        answer
    }

    /// The same answer, before whose last bytes the server goes away. No client that has read it
    /// whole can take a connection for open.
    pub fn leaving(mut self) -> Self {
        if let Some(Act::Write(head)) = self.0.first_mut() {
            let end = head.len() - b"\r\n".len();
            head.splice(end..end, *b"connection: close\r\n");
        }
        self.0.insert(self.0.len() - 1, Act::Gone);
        self
    }

    pub fn whole(status: &str, kind: &str, body: &str) -> Self {
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        Self(vec![Act::Write(format!("{head}{body}").into_bytes())])
    }

    pub fn json(status: &str, body: &Value) -> Self {
        Self::whole(status, "application/json", &body.to_string())
    }

    pub fn error(status: &str, message: &str) -> Self {
        Self::json(status, &json!({"error": {"message": message}}))
    }

    pub fn html() -> Self {
        Self::whole(
            "200 OK",
            "text/html; charset=utf-8",
            "<html><head><title>Sign in</title></head><body>x</body></html>",
        )
    }

    pub fn then(mut self, act: Act) -> Self {
        self.0.push(act);
        self
    }

    pub fn after(mut self, act: Act) -> Self {
        self.0.insert(0, act);
        self
    }
}

/// One event with content, as an HTTP chunk.
pub fn delta(text: &str, finish: Option<&str>) -> Vec<u8> {
    event(&json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}))
}

fn event(value: &Value) -> Vec<u8> {
    chunk(format!("data: {value}\n\n").as_bytes())
}

/// An HTTP chunk.
pub fn chunk(payload: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", payload.len()).as_bytes(), payload, b"\r\n"].concat()
}
