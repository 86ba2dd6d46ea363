//! Knobs of the simulated server (`target.sim`, and `goodput-gate sim --set KEY=VALUE`), and the
//! named values behind them.
//!
//! Not here: the engine model that they turn (`sim/`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

mod params;
#[cfg(test)]
mod tests;

pub use params::{EngineParams, NoiseLevel};

/// Everything that can be turned on the simulated server. Times are in milliseconds of the virtual
/// GPU, which runs `time_scale` times as fast as the wall clock; rates and shares are 0 to 1 unless
/// their name says otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Knobs {
    /// The model's name in `/v1/models`.
    pub model: String,
    /// The longest request, input and output together, in tokens; a longer one gets 400.
    pub context_tokens: u32,
    /// Answer 401 to requests without an `Authorization` header.
    pub require_key: bool,
    /// Answer 400 to `ignore_eos`, `min_tokens` and `stream_options`, as strict servers do.
    pub refuse_extras: bool,

    /// Engine parameters to start from; the fields below override single ones.
    pub profile: Profile,
    /// a: fixed time of a step (weights, launches).
    pub step_ms: Option<f64>,
    /// b: time per prefill token.
    pub prefill_token_ms: Option<f64>,
    /// c: time per decoding sequence.
    pub decode_sequence_ms: Option<f64>,
    /// d: time per context token of the decoding sequences.
    pub decode_context_ms: Option<f64>,
    /// e: attention of prefill, per token and context token.
    pub prefill_context_ms: Option<f64>,
    /// Fixed time before a request can be scheduled (tokenising, templates); scaled by
    /// `prefill_factor`.
    pub request_overhead_ms: Option<f64>,
    /// Most sequences in one step.
    pub max_seqs: Option<u32>,
    /// Most tokens in one step (chunked prefill).
    pub budget: Option<u32>,
    /// KV cache, in tokens; when full the youngest sequence is preempted and recomputed.
    pub kv_cap: Option<u32>,
    /// Share of a cached prefix that need not be computed again.
    pub prefix_hit: Option<f64>,
    /// Prefix cache: on, half (half of each hit counts), off.
    pub prefix_cache: PrefixCache,

    /// Multiplies the time of prefill and of the request's overhead; 1.2 is 20 % slower.
    pub prefill_factor: f64,
    /// Multiplies the time of decoding (a, c and d).
    pub decode_factor: f64,
    /// How much slower this start is than others, in all it does; 0.04 is 4 %.
    pub start_offset: f64,
    /// Slow-down per minute since the start; 0.01 is 1 % a minute.
    pub drift_per_minute: f64,
    /// Slow-down while the outlier lasts; 0.3 is 30 %.
    pub outlier: f64,
    /// When the outlier begins, since the start.
    pub outlier_from_ms: f64,
    /// How long the outlier lasts; 0: there is none.
    pub outlier_length_ms: f64,
    /// Further stalls, per second, beside those of `noise`.
    pub stall_rate_per_s: f64,
    /// Length of each further stall.
    pub stall_ms: f64,
    /// Slow-down of the first steps; none: as `noise` says.
    pub warmup: Option<f64>,
    /// Time constant of the warm-up's decay, in busy time.
    pub warmup_ms: f64,
    /// How noisy the machine is.
    pub noise: Noise,
    /// Seed of this start's noise; none: drawn by the process from the system. Always reported.
    pub seed: Option<u64>,
    /// Which GPU this is: draws the offset between GPUs (1.8 %); none: no offset.
    pub gpu_seed: Option<u64>,
    /// Which day this is: draws the day's offset (0.5 %); none: no offset.
    pub day_seed: Option<u64>,
    /// Virtual milliseconds per millisecond: above 1 the engine is that much faster, for short
    /// tests.
    pub time_scale: f64,

    /// Share of requests answered with HTTP 429.
    pub error_429: f64,
    /// Share of requests answered with HTTP 500.
    pub error_500: f64,
    /// Share of requests that end in an error event inside a 200 stream.
    pub error_event: f64,
    /// Share of requests whose connection is closed in mid-stream.
    pub disconnect: f64,
    /// Share of requests that go silent in mid-stream, connection open.
    pub hang: f64,
    /// Share of requests that end early, without finish reason and `[DONE]`.
    pub truncated: f64,
    /// Share of requests that stop before `max_tokens` where `ignore_eos` is absent.
    pub early_stop: f64,

    /// The event that only says `role: assistant`.
    pub role_event: RoleEvent,
    /// Output tokens per event.
    pub tokens_per_event: u32,
    /// Where usage is said, to those who ask for it.
    pub usage: UsagePlace,
    /// Where the finish reason is said.
    pub finish: FinishPlace,
    /// Whether the stream ends with `[DONE]`.
    pub done: bool,
    /// The first so many output tokens are reasoning (chat only).
    pub reasoning_tokens: u32,
    /// Name of the field that carries reasoning.
    pub reasoning_field: ReasoningField,
    /// What the answer is written in; `ko` has characters of several bytes.
    pub text: Text,
    /// Ends of lines inside the stream.
    pub line_end: LineEnd,
    /// A comment line at once, and before every so many events; 0: none.
    pub comment_every: u32,
    /// Cut each event over so many writes, also inside a character.
    pub split_writes: u32,
    /// Pause between those writes, in wall milliseconds.
    pub split_pause_ms: u32,
    /// Glue so many events into one write.
    pub events_per_write: u32,
    /// Close a connection that is idle for so long, in wall milliseconds; 0: never.
    pub keep_alive_ms: u64,
}

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$vdoc])* $variant),+ }
    };
}

named!(
    /// Engine parameters by name; see `Profile::engine`.
    Profile {
        /// For demonstrations: TTFT near 100 ms, TPOT near 20 ms at half load.
        Demo,
        /// An H100-like GPU with an 8B model.
        #[serde(rename = "h100-8b")]
        H100Model8b,
        /// A small GPU with a 1B model.
        #[serde(rename = "small-1b")]
        SmallModel1b,
    }
);
named!(PrefixCache { On, Half, Off });
named!(
    /// Levels of noise; see `Noise::level`.
    Noise { Off, Quiet, Typical, Noisy }
);
named!(RoleEvent {
    None,
    /// In a write of its own just before the first token, as vLLM.
    WithFirst,
    /// As soon as the request is accepted.
    AtOnce,
});
named!(UsagePlace {
    /// An event of its own with empty `choices`.
    Own,
    /// Beside the finish reason.
    Last,
    None,
});
named!(FinishPlace {
    /// With the last token, as vLLM.
    WithToken,
    /// An event of its own, as llama.cpp.
    Own,
});
named!(ReasoningField {
    #[serde(rename = "reasoning_content")]
    ReasoningContent,
    #[serde(rename = "reasoning")]
    Reasoning,
});
named!(Text { En, Ko });
named!(LineEnd { Lf, Crlf });

impl Default for Knobs {
    fn default() -> Self {
        Self {
            model: "sim-8b".to_owned(),
            context_tokens: 8192,
            require_key: false,
            refuse_extras: false,
            profile: Profile::Demo,
            step_ms: None,
            prefill_token_ms: None,
            decode_sequence_ms: None,
            decode_context_ms: None,
            prefill_context_ms: None,
            request_overhead_ms: None,
            max_seqs: None,
            budget: None,
            kv_cap: None,
            prefix_hit: None,
            prefix_cache: PrefixCache::On,
            prefill_factor: 1.0,
            decode_factor: 1.0,
            start_offset: 0.0,
            drift_per_minute: 0.0,
            outlier: 0.3,
            outlier_from_ms: 0.0,
            outlier_length_ms: 0.0,
            stall_rate_per_s: 0.0,
            stall_ms: 100.0,
            warmup: None,
            // Within 5 % of its first height after 5 s.
            warmup_ms: 5000.0 / 3.0,
            noise: Noise::Typical,
            seed: None,
            gpu_seed: None,
            day_seed: None,
            time_scale: 1.0,
            error_429: 0.0,
            error_500: 0.0,
            error_event: 0.0,
            disconnect: 0.0,
            hang: 0.0,
            truncated: 0.0,
            early_stop: 0.0,
            role_event: RoleEvent::WithFirst,
            tokens_per_event: 1,
            usage: UsagePlace::Own,
            finish: FinishPlace::WithToken,
            done: true,
            reasoning_tokens: 0,
            reasoning_field: ReasoningField::ReasoningContent,
            text: Text::En,
            line_end: LineEnd::Lf,
            comment_every: 0,
            split_writes: 1,
            split_pause_ms: 1,
            events_per_write: 1,
            keep_alive_ms: 0,
        }
    }
}

impl Knobs {
    /// Turns one knob. Says what is wrong with key or value, and the nearest key where there is
    /// none of that name.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let Ok(Value::Object(fields)) = serde_json::to_value(&*self) else {
            return Err(
                "the simulated server's knobs cannot be written as an object; this is a bug"
                    .to_owned(),
            );
        };
        if !fields.contains_key(key) {
            return Err(unknown_key(key, fields.keys().map(String::as_str)));
        }
        // A model may be called "8": what does not fit as a JSON value is tried as a string.
        let text = Value::String(value.to_owned());
        let typed = serde_json::from_str(value).unwrap_or_else(|_| text.clone());
        let with = |v: Value| {
            let mut all = fields.clone();
            all.insert(key.to_owned(), v);
            serde_json::from_value::<Self>(Value::Object(all))
        };
        *self = with(typed).or_else(|e| {
            with(text)
                .map_err(|_| format!("bad value for simulated-server knob {key}={value}: {e}"))
        })?;
        Ok(())
    }

    /// The knobs that differ from their defaults, as `KEY=VALUE` for `goodput-gate sim --set`.
    pub fn settings(&self) -> Vec<String> {
        let (Ok(Value::Object(mine)), Ok(defaults)) =
            (serde_json::to_value(self), serde_json::to_value(Self::default()))
        else {
            return Vec::new();
        };
        let changed = mine.into_iter().filter(|(key, value)| defaults.get(key) != Some(value));
        changed
            .map(|(key, value)| {
                value.as_str().map_or_else(|| format!("{key}={value}"), |s| format!("{key}={s}"))
            })
            .collect()
    }

    /// Whether the knobs can be acted on; says which cannot, and its range.
    pub fn check(&self) -> Result<(), String> {
        self.check_times()?;
        self.check_shares()?;
        for (name, value, least) in [
            ("context_tokens", self.context_tokens, 2),
            ("tokens_per_event", self.tokens_per_event, 1),
            ("split_writes", self.split_writes, 1),
            ("events_per_write", self.events_per_write, 1),
        ] {
            if value < least {
                return Err(format!(
                    "simulated-server knob {name} is {value}; it must be at least {least}"
                ));
            }
        }
        let engine = self.engine();
        if engine.max_seqs < 1 || engine.budget < engine.max_seqs {
            let (budget, seqs) = (engine.budget, engine.max_seqs);
            return Err(format!(
                "simulated-server knobs need 1 <= max_seqs <= budget, but they are {seqs} and {budget}"
            ));
        }
        if engine.kv_cap < 2 {
            return Err(format!(
                "simulated-server knob kv_cap is {}; it must be at least 2 tokens",
                engine.kv_cap
            ));
        }
        if self.model.is_empty() {
            return Err("simulated-server knob model is empty; give it a name".to_owned());
        }
        Ok(())
    }

    /// Parameters of the engine: the profile's, where no knob overrides them.
    pub fn engine(&self) -> EngineParams {
        let base = self.profile.engine();
        EngineParams {
            step_ms: self.step_ms.unwrap_or(base.step_ms),
            prefill_token_ms: self.prefill_token_ms.unwrap_or(base.prefill_token_ms),
            decode_sequence_ms: self.decode_sequence_ms.unwrap_or(base.decode_sequence_ms),
            decode_context_ms: self.decode_context_ms.unwrap_or(base.decode_context_ms),
            prefill_context_ms: self.prefill_context_ms.unwrap_or(base.prefill_context_ms),
            request_overhead_ms: self.request_overhead_ms.unwrap_or(base.request_overhead_ms),
            max_seqs: self.max_seqs.unwrap_or(base.max_seqs),
            budget: self.budget.unwrap_or(base.budget),
            kv_cap: self.kv_cap.unwrap_or(base.kv_cap),
            prefix_hit: self.prefix_hit.unwrap_or(base.prefix_hit),
        }
    }

    /// The longest request that the engine can hold, in tokens.
    pub fn longest_request(&self) -> u32 {
        self.context_tokens.min(self.engine().kv_cap)
    }

    fn check_times(&self) -> Result<(), String> {
        let e = self.engine();
        let times = [
            ("step_ms", e.step_ms, true),
            ("time_scale", self.time_scale, true),
            ("prefill_factor", self.prefill_factor, true),
            ("decode_factor", self.decode_factor, true),
            ("warmup_ms", self.warmup_ms, true),
            ("prefill_token_ms", e.prefill_token_ms, false),
            ("decode_sequence_ms", e.decode_sequence_ms, false),
            ("decode_context_ms", e.decode_context_ms, false),
            ("prefill_context_ms", e.prefill_context_ms, false),
            ("request_overhead_ms", e.request_overhead_ms, false),
            ("stall_rate_per_s", self.stall_rate_per_s, false),
            ("stall_ms", self.stall_ms, false),
            ("outlier", self.outlier, false),
            ("outlier_from_ms", self.outlier_from_ms, false),
            ("outlier_length_ms", self.outlier_length_ms, false),
            ("drift_per_minute", self.drift_per_minute, false),
            ("warmup", self.warmup.unwrap_or(0.0), false),
        ];
        for (name, value, positive) in times {
            if !value.is_finite() || value < 0.0 || (positive && value <= 0.0) {
                let range = if positive { "above 0" } else { "0 or more" };
                return Err(format!("simulated-server knob {name} is {value}; it must be {range}"));
            }
        }
        if !self.start_offset.is_finite() || self.start_offset <= -1.0 {
            return Err(format!(
                "simulated-server knob start_offset is {}; it must be above -1",
                self.start_offset
            ));
        }
        Ok(())
    }

    fn check_shares(&self) -> Result<(), String> {
        let faults = [
            ("error_429", self.error_429),
            ("error_500", self.error_500),
            ("error_event", self.error_event),
            ("disconnect", self.disconnect),
            ("hang", self.hang),
            ("truncated", self.truncated),
        ];
        let others = [("early_stop", self.early_stop), ("prefix_hit", self.engine().prefix_hit)];
        for (name, value) in faults.into_iter().chain(others) {
            if !(0.0..=1.0).contains(&value) {
                return Err(format!(
                    "simulated-server knob {name} is {value}; it must be a share from 0 to 1"
                ));
            }
        }
        let sum: f64 = faults.iter().map(|f| f.1).sum();
        // A little above 1 for the rounding of ten tenths.
        if sum > 1.0 + 1e-9 {
            return Err(format!(
                "the simulated server's error shares add up to {sum}; together they must be at most 1"
            ));
        }
        Ok(())
    }
}

fn unknown_key<'a>(key: &str, known: impl Iterator<Item = &'a str>) -> String {
    let nearest =
        known.max_by(|a, b| strsim::jaro_winkler(key, a).total_cmp(&strsim::jaro_winkler(key, b)));
    nearest.map_or_else(
        || format!("the simulated server has no knob {key}"),
        |n| format!("the simulated server has no knob {key}; did you mean {n}?"),
    )
}
