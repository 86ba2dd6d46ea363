//! What a payload says, whatever the protocol: output, finish reason, usage, failure.
//!
//! Not here: how a protocol writes it (one file per protocol), and when it came (`receiver`).

/// One event of a stream, or the whole answer where it is not streamed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Delta(Delta),
    /// The protocol's end mark (`[DONE]`, `done: true`), with what it brings.
    Done(Delta),
    /// The server reports an error in the middle of a 200 response; its text.
    Error(String),
    /// Not what the protocol promises; what is wrong with it.
    Malformed(String),
}

/// A part of an answer. It may bring output, finish reason and usage at once, or nothing (a role,
/// an empty string).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// Non-empty content, completion text or tool call.
    pub answer: bool,
    /// Non-empty reasoning.
    pub reasoning: bool,
    pub kind: DeltaKind,
    pub finish_reason: Option<String>,
    pub usage: Option<Usage>,
    /// There should have been a count here, and what stood there was none.
    pub uncounted: bool,
}

/// What a part of an answer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeltaKind {
    /// What is new, if anything.
    #[default]
    New,
    /// The whole text, as some servers repeat it beside the deltas. It is new only where there are
    /// no deltas.
    Whole,
    /// The model's words that it will not answer. They are no output.
    Refusal,
    /// A part of a tool call; that is an answer.
    Call,
}

/// Token counts by the server. A count that it does not give is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the names on the wire")]
pub struct Usage {
    pub prompt_tokens: Option<u32>,
    /// Output tokens, reasoning included.
    pub completion_tokens: Option<u32>,
    /// Prompt and output together, as the server adds them up.
    pub total_tokens: Option<u32>,
    /// Of the prompt tokens, those that came from a prefix cache.
    pub cached_tokens: Option<u32>,
    /// Of the completion tokens, those of reasoning.
    pub reasoning_tokens: Option<u32>,
}

impl Event {
    /// The answer ends with it, or gives the reason why.
    pub const fn ends(&self) -> bool {
        match self {
            Self::Delta(delta) => delta.finish_reason.is_some(),
            Self::Done(_) => true,
            Self::Error(_) | Self::Malformed(_) => false,
        }
    }
}

impl Delta {
    /// Non-empty output of any kind: what TTFT and chunk gaps count.
    pub const fn has_output(&self) -> bool {
        self.answer || self.reasoning
    }
}

impl Usage {
    /// Later counts replace earlier ones; a count that is missing later does not erase one.
    #[must_use]
    pub fn updated(self, later: Self) -> Self {
        Self {
            prompt_tokens: later.prompt_tokens.or(self.prompt_tokens),
            completion_tokens: later.completion_tokens.or(self.completion_tokens),
            total_tokens: later.total_tokens.or(self.total_tokens),
            cached_tokens: later.cached_tokens.or(self.cached_tokens),
            reasoning_tokens: later.reasoning_tokens.or(self.reasoning_tokens),
        }
    }

    /// The same, but that output tokens are those of each event alone.
    #[must_use]
    pub fn plus(self, later: Self) -> Self {
        let sum = match (self.completion_tokens, later.completion_tokens) {
            (Some(so_far), Some(more)) => Some(so_far.saturating_add(more)),
            (one, other) => one.or(other),
        };
        Self { completion_tokens: sum, ..self.updated(later) }
    }
}
