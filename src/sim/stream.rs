//! What a response looks like on the wire: the writes of a stream, event by event, in every shape
//! that the knobs name. Pure.
//!
//! Not here: when a write happens, and the socket (`connection`).

use serde_json::json;

use crate::config::sim::{
    FinishPlace, Knobs, LineEnd, ReasoningField, RoleEvent, Text, UsagePlace,
};

/// Which of the two protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    Chat,
    Completions,
}

/// Bytes for the socket, with chunk framing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    pub bytes: Vec<u8>,
    /// Output tokens in it.
    pub tokens: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishReason {
    Length,
    Stop,
}

/// Tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub prompt: u32,
    pub output: u32,
    /// Of the prompt, from the prefix cache.
    pub cached: u32,
}

/// Who asks, and how the answer is labelled.
#[derive(Clone, Debug)]
pub struct Label {
    pub api: Api,
    /// Number of the request: shapes the text and the id.
    pub number: u64,
    /// Unix seconds.
    pub created: u64,
    pub include_usage: bool,
}

/// Renders one stream. Feed it tokens; it returns the writes that are due.
#[derive(Debug)]
pub struct Stream<'a> {
    knobs: &'a Knobs,
    label: Label,
    /// `{"id":...,"choices":[{"index":0,` with all that is the same in each event.
    prefix: String,
    tokens: u32,
    /// Tokens that wait for the others of their event.
    held: u32,
    payload: Vec<u8>,
    payload_events: u32,
    payload_tokens: u32,
    events: u32,
    writes: Vec<Write>,
}

/// The words of answers; several bytes per character in Korean.
const WORDS_EN: [&str; 12] = [
    " the", " server", " answers", " with", " one", " more", " token", ",", " and", " then",
    " another", ".",
];
const WORDS_KO: [&str; 8] = ["안녕", "하세요", " 서버", "가", " 토큰", "을", " 보냅니다", " 🦊"];

impl<'a> Stream<'a> {
    pub fn new(knobs: &'a Knobs, label: Label) -> Self {
        let prefix = prefix(&knobs.model, &label, label.api.chunk_object());
        Self {
            knobs,
            label,
            prefix,
            tokens: 0,
            held: 0,
            payload: Vec::with_capacity(512),
            payload_events: 0,
            payload_tokens: 0,
            events: 0,
            writes: Vec::new(),
        }
    }

    /// What goes out as soon as the request is accepted, after the head.
    pub fn accepted(&mut self) -> Vec<Write> {
        if self.knobs.comment_every > 0 {
            self.comment();
            self.flush();
        }
        if self.knobs.role_event == RoleEvent::AtOnce {
            self.role();
        }
        self.take()
    }

    /// One more token.
    pub fn token(&mut self) -> Vec<Write> {
        if self.tokens == 0 && self.knobs.role_event == RoleEvent::WithFirst {
            self.role();
        }
        self.hold();
        // Reasoning and answer never share an event.
        if self.held >= self.knobs.tokens_per_event || self.tokens == self.reasoning() {
            self.content(None);
        }
        self.take()
    }

    /// The last token, and all that ends a whole stream.
    pub fn last_token(&mut self, reason: FinishReason, usage: Usage) -> Vec<Write> {
        if self.tokens == 0 && self.knobs.role_event == RoleEvent::WithFirst {
            self.role();
        }
        self.hold();
        let beside =
            (self.label.include_usage && self.knobs.usage == UsagePlace::Last).then_some(usage);
        match self.knobs.finish {
            FinishPlace::WithToken => self.content(Some((reason, beside))),
            FinishPlace::Own => {
                self.content(None);
                self.finish(reason, beside);
            }
        }
        if self.label.include_usage && self.knobs.usage == UsagePlace::Own {
            self.usage(usage);
        }
        if self.knobs.done {
            self.event("[DONE]", 0);
        }
        self.close()
    }

    /// Ends the stream properly framed but without finish reason or `[DONE]`.
    pub fn truncate(&mut self) -> Vec<Write> {
        self.flush_held();
        self.close()
    }

    /// Ends the stream with an error in place of an answer, as vLLM does.
    pub fn fail(&mut self) -> Vec<Write> {
        self.flush_held();
        self.event(&internal_error().to_string(), 0);
        if self.knobs.done {
            self.event("[DONE]", 0);
        }
        self.close()
    }

    /// What was held back goes out; the stream stays open (before a hang or a disconnect).
    pub fn abandon(&mut self) -> Vec<Write> {
        self.flush_held();
        self.flush();
        self.take()
    }

    fn hold(&mut self) {
        self.tokens += 1;
        self.held += 1;
    }

    fn flush_held(&mut self) {
        if self.held > 0 {
            self.content(None);
        }
    }

    fn reasoning(&self) -> u32 {
        match self.label.api {
            Api::Chat => self.knobs.reasoning_tokens,
            Api::Completions => 0,
        }
    }

    fn role(&mut self) {
        if self.label.api == Api::Chat {
            let json = format!(
                r#"{}"delta":{{"role":"assistant","content":""}},"logprobs":null,"finish_reason":null}}]}}"#,
                self.prefix
            );
            self.event(&json, 0);
        }
    }

    fn content(&mut self, finish: Option<(FinishReason, Option<Usage>)>) {
        let first = self.tokens - self.held;
        let text: String =
            (first..self.tokens).map(|i| word(self.knobs.text, self.label.number, i)).collect();
        let field = if self.tokens <= self.reasoning() {
            self.knobs.reasoning_field.name()
        } else {
            "content"
        };
        let content = match self.label.api {
            Api::Chat => format!(r#""delta":{{"{field}":"{text}"}},"logprobs":null"#),
            Api::Completions => format!(r#""text":"{text}","logprobs":null"#),
        };
        let end = finish.map_or_else(
            || r#""finish_reason":null,"token_ids":null}]}"#.to_owned(),
            |(reason, usage)| {
                let usage = usage.map_or_else(String::new, |u| format!(r#","usage":{}"#, u.json()));
                format!(
                    r#""finish_reason":"{}","stop_reason":null,"token_ids":null}}]{usage}}}"#,
                    reason.name()
                )
            },
        );
        let json = format!("{}{content},{end}", self.prefix);
        let tokens = self.held;
        self.held = 0;
        self.event(&json, tokens);
    }

    fn finish(&mut self, reason: FinishReason, usage: Option<Usage>) {
        let delta = match self.label.api {
            Api::Chat => r#""delta":{}"#,
            Api::Completions => r#""text":"""#,
        };
        let usage = usage.map_or_else(String::new, |u| format!(r#","usage":{}"#, u.json()));
        let json = format!(
            r#"{}{delta},"logprobs":null,"finish_reason":"{}"}}]{usage}}}"#,
            self.prefix,
            reason.name()
        );
        self.event(&json, 0);
    }

    fn usage(&mut self, usage: Usage) {
        let head = self.prefix.trim_end_matches(CHOICE_OPENS);
        let json = format!(r#"{head}"choices":[],"usage":{}}}"#, usage.json());
        self.event(&json, 0);
    }

    fn comment(&mut self) {
        self.payload.extend_from_slice(b": ping");
        self.blank_line();
    }

    fn blank_line(&mut self) {
        self.payload.extend_from_slice(match self.knobs.line_end {
            LineEnd::Lf => b"\n\n",
            LineEnd::Crlf => b"\r\n\r\n",
        });
    }

    fn event(&mut self, data: &str, tokens: u32) {
        self.events += 1;
        if self.knobs.comment_every > 0 && self.events.is_multiple_of(self.knobs.comment_every) {
            self.comment();
        }
        self.payload.extend_from_slice(b"data: ");
        self.payload.extend_from_slice(data.as_bytes());
        self.blank_line();
        self.payload_events += 1;
        self.payload_tokens += tokens;
        if self.payload_events >= self.knobs.events_per_write {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if !self.payload.is_empty() {
            self.writes.push(Write { bytes: frame(&self.payload), tokens: self.payload_tokens });
            self.payload.clear();
            (self.payload_events, self.payload_tokens) = (0, 0);
        }
    }

    fn close(&mut self) -> Vec<Write> {
        self.flush();
        match self.writes.last_mut() {
            Some(last) => last.bytes.extend_from_slice(END_OF_CHUNKS),
            None => self.writes.push(Write { bytes: END_OF_CHUNKS.to_vec(), tokens: 0 }),
        }
        self.take()
    }

    fn take(&mut self) -> Vec<Write> {
        std::mem::take(&mut self.writes)
    }
}

/// The whole answer of a request that did not ask for a stream.
pub fn whole(knobs: &Knobs, label: &Label, reason: FinishReason, usage: Usage) -> String {
    let reasoning =
        if label.api == Api::Chat { knobs.reasoning_tokens.min(usage.output) } else { 0 };
    let text = |from, to| (from..to).map(|i| word(knobs.text, label.number, i)).collect::<String>();
    let answer = text(reasoning, usage.output);
    let content = match label.api {
        Api::Chat if reasoning > 0 => {
            let field = knobs.reasoning_field.name();
            format!(
                r#""message":{{"role":"assistant","{field}":"{}","content":"{answer}"}}"#,
                text(0, reasoning)
            )
        }
        Api::Chat => format!(r#""message":{{"role":"assistant","content":"{answer}"}}"#),
        Api::Completions => format!(r#""text":"{answer}""#),
    };
    let usage = if knobs.usage == UsagePlace::None {
        String::new()
    } else {
        format!(r#","usage":{}"#, usage.json())
    };
    let prefix = prefix(&knobs.model, label, label.api.object());
    format!(
        r#"{prefix}{content},"logprobs":null,"finish_reason":"{}","stop_reason":null}}]{usage}}}"#,
        reason.name()
    )
}

/// The body of a 500, and of the error event inside a stream.
pub fn internal_error() -> serde_json::Value {
    json!({"error": {"message": "the simulated engine failed", "type": "InternalServerError", "param": null, "code": 500}})
}

/// One HTTP chunk.
pub fn frame(payload: &[u8]) -> Vec<u8> {
    let mut framed = format!("{:x}\r\n", payload.len()).into_bytes();
    framed.reserve(payload.len() + 2 + END_OF_CHUNKS.len());
    framed.extend_from_slice(payload);
    framed.extend_from_slice(b"\r\n");
    framed
}

pub const END_OF_CHUNKS: &[u8] = b"0\r\n\r\n";

/// Cuts bytes into `pieces`; the first cut is inside the first character of several bytes, where
/// there is one.
pub fn split(bytes: &[u8], pieces: u32) -> Vec<&[u8]> {
    let count = (pieces as usize).clamp(1, bytes.len().max(1));
    let mut cuts: Vec<usize> = (1..count).map(|i| bytes.len() * i / count).collect();
    if let (Some(first), Some(wide)) = (cuts.first_mut(), bytes.iter().position(|b| *b >= 0x80)) {
        *first = wide + 1;
    }
    cuts.sort_unstable();
    cuts.dedup();
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    starts
        .zip(cuts.iter().copied().chain([bytes.len()]))
        .map(|(from, to)| &bytes[from..to])
        .collect()
}

const CHOICE_OPENS: &str = r#""choices":[{"index":0,"#;

fn prefix(model: &str, label: &Label, object: &str) -> String {
    let kind = match label.api {
        Api::Chat => "chatcmpl",
        Api::Completions => "cmpl",
    };
    let model = json!(model);
    format!(
        r#"{{"id":"{kind}-{:016x}","object":"{object}","created":{},"model":{model},{CHOICE_OPENS}"#,
        label.number, label.created
    )
}

fn word(text: Text, request: u64, token: u32) -> &'static str {
    let words: &[&str] = match text {
        Text::En => &WORDS_EN,
        Text::Ko => &WORDS_KO,
    };
    // Both fit a usize after the remainder; requests begin at different words.
    let at = (request % words.len() as u64 + u64::from(token)) % words.len() as u64;
    usize::try_from(at).map_or(words[0], |i| words[i])
}

impl Api {
    const fn chunk_object(self) -> &'static str {
        match self {
            Self::Chat => "chat.completion.chunk",
            Self::Completions => "text_completion",
        }
    }

    const fn object(self) -> &'static str {
        match self {
            Self::Chat => "chat.completion",
            Self::Completions => "text_completion",
        }
    }
}

impl ReasoningField {
    const fn name(self) -> &'static str {
        match self {
            Self::ReasoningContent => "reasoning_content",
            Self::Reasoning => "reasoning",
        }
    }
}

impl FinishReason {
    const fn name(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Stop => "stop",
        }
    }
}

impl Usage {
    fn json(self) -> String {
        let Self { prompt, output, cached } = self;
        let total = u64::from(prompt) + u64::from(output);
        format!(
            r#"{{"prompt_tokens":{prompt},"total_tokens":{total},"completion_tokens":{output},"prompt_tokens_details":{{"cached_tokens":{cached}}}}}"#
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_the_whole_and_one_cut_is_inside_a_character() {
        let text = "data: {\"content\":\"토큰\"}\n\n";
        for pieces in 1..12 {
            let parts = split(text.as_bytes(), pieces);
            assert_eq!(parts.concat(), text.as_bytes());
            assert!(parts.len() <= pieces as usize && parts.iter().all(|p| !p.is_empty()));
            assert_eq!(parts.iter().any(|p| std::str::from_utf8(p).is_err()), pieces > 1);
        }
        assert_eq!(split(b"ab", 5), [b"a", b"b"]);
    }
}
