//! The wire protocols: their names in a config, what a config may say of each, and both together, checked.
//!
//! Not here: how requests and answers are written (`protocol/`).

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::check::Checker;
use super::file::TargetFile;

/// How the server is spoken to, with what its protocol leaves open.
#[derive(Clone, Debug, PartialEq)]
pub enum Protocol {
    OpenAiChat,
    OpenAiCompletions,
    /// Ollama's `/api/chat`.
    Ollama(Arc<Ollama>),
    /// Ollama's `/api/generate`.
    OllamaGenerate(Arc<Ollama>),
    /// Triton's generate extension.
    Triton(Arc<Triton>),
}

/// A protocol by its name in a config.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ProtocolName {
    #[serde(rename = "openai-chat")]
    OpenAiChat,
    #[serde(rename = "openai-completions")]
    OpenAiCompletions,
    #[serde(rename = "ollama")]
    Ollama,
    #[serde(rename = "ollama-generate")]
    OllamaGenerate,
    #[serde(rename = "triton")]
    Triton,
}

/// Protocols of one kind of server: they share its API's root, its lists and what a config may say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    OpenAi,
    Ollama,
    Triton,
}

/// What is sent to Ollama besides what a workload says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ollama {
    /// Whether a model that can reason does so; left to the model where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub think: Option<bool>,
    /// How long the model stays loaded after a request, such as `30m`; Ollama's default is five minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_alive: Option<String>,
    /// Further model options, such as `{num_ctx: 8192, seed: 1}`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub options: Map<String, Value>,
}

/// What a Triton model calls its inputs and outputs. A name may lead into an object: `parameters.max_tokens`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Triton {
    /// Input: the prompt.
    pub text_input: String,
    /// Output: the text.
    pub text_output: String,
    /// Input: the tokens asked for; empty where the model takes none.
    pub max_tokens: String,
    /// Input: whether to stream; empty where the model takes none.
    pub stream: String,
    /// Input: the workload's temperature; empty (the default) where the model takes none, which is then not asked for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub temperature: String,
    /// Input: whether to go on after an end-of-sequence token; empty (the default) where the model takes none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ignore_eos: String,
    /// Output: tokens of the prompt; empty (the default) where the model tells none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub input_tokens: String,
    /// Output: tokens of this response, summed over the responses of a stream; empty (the default) where the model tells none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub output_tokens: String,
    /// Sent as `parameters` with every request.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub parameters: Map<String, Value>,
    /// Further inputs, sent with every request: `{bad_words: "", return_num_output_tokens: true}`.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub inputs: Map<String, Value>,
}

impl Default for Triton {
    /// The tensor names of Triton's own vLLM and TensorRT-LLM backends.
    fn default() -> Self {
        Self {
            text_input: "text_input".into(),
            text_output: "text_output".into(),
            max_tokens: "max_tokens".into(),
            stream: "stream".into(),
            temperature: String::new(),
            ignore_eos: String::new(),
            input_tokens: String::new(),
            output_tokens: String::new(),
            parameters: Map::new(),
            inputs: Map::new(),
        }
    }
}

impl Protocol {
    pub const fn name(&self) -> &'static str {
        self.kind().name()
    }

    pub const fn family(&self) -> Family {
        self.kind().family()
    }

    const fn kind(&self) -> ProtocolName {
        match self {
            Self::OpenAiChat => ProtocolName::OpenAiChat,
            Self::OpenAiCompletions => ProtocolName::OpenAiCompletions,
            Self::Ollama(_) => ProtocolName::Ollama,
            Self::OllamaGenerate(_) => ProtocolName::OllamaGenerate,
            Self::Triton(_) => ProtocolName::Triton,
        }
    }
}

impl From<ProtocolName> for Protocol {
    /// With nothing said of it.
    fn from(name: ProtocolName) -> Self {
        match name {
            ProtocolName::OpenAiChat => Self::OpenAiChat,
            ProtocolName::OpenAiCompletions => Self::OpenAiCompletions,
            ProtocolName::Ollama => Self::Ollama(Arc::default()),
            ProtocolName::OllamaGenerate => Self::OllamaGenerate(Arc::default()),
            ProtocolName::Triton => Self::Triton(Arc::default()),
        }
    }
}

impl ProtocolName {
    pub const ALL: [Self; 5] = [Self::OpenAiChat, Self::OpenAiCompletions, Self::Ollama, Self::OllamaGenerate, Self::Triton];

    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAiChat => "openai-chat",
            Self::OpenAiCompletions => "openai-completions",
            Self::Ollama => "ollama",
            Self::OllamaGenerate => "ollama-generate",
            Self::Triton => "triton",
        }
    }

    /// Its API is at the server's root, not under `/v1`.
    pub fn is_native(self) -> bool {
        self.family() != Family::OpenAi
    }

    pub const fn family(self) -> Family {
        match self {
            Self::OpenAiChat | Self::OpenAiCompletions => Family::OpenAi,
            Self::Ollama | Self::OllamaGenerate => Family::Ollama,
            Self::Triton => Family::Triton,
        }
    }
}

impl Checker {
    /// The target's protocol with its settings. `at` is where the target stands in the config.
    pub fn protocol(&mut self, at: &str, file: &TargetFile) -> Option<Protocol> {
        let name = file.protocol?;
        let path = |key: &str| format!("{at}target.{key}");
        for (key, said, meant) in
            [("ollama", file.ollama.is_some(), Family::Ollama), ("triton", file.triton.is_some(), Family::Triton)]
        {
            if said && name.family() != meant {
                let what = format!("has no meaning beside protocol {}", name.name());
                self.bad_key(&path(key), what, format!("remove it, or write `protocol: {key}`"));
            }
        }
        if file.sim.is_some() && name.is_native() {
            let what = format!("the simulated server does not speak {}", name.name());
            self.bad(&path("protocol"), what, "leave it out: it speaks openai-chat and openai-completions");
        }
        if name.is_native() && file.base_url.as_deref().is_some_and(|url| url.trim_end_matches('/').ends_with("/v1")) {
            let what = format!("`/v1` is where OpenAI's API is, not where {} is", name.name());
            self.bad(&path("base_url"), what, "write only http://HOST:PORT, or `protocol: openai-chat`");
        }
        Some(match name {
            ProtocolName::OpenAiChat => Protocol::OpenAiChat,
            ProtocolName::OpenAiCompletions => Protocol::OpenAiCompletions,
            ProtocolName::Ollama => Protocol::Ollama(self.ollama(&path("ollama"), file)),
            ProtocolName::OllamaGenerate => Protocol::OllamaGenerate(self.ollama(&path("ollama"), file)),
            ProtocolName::Triton => Protocol::Triton(self.triton(&path("triton"), file)),
        })
    }

    fn ollama(&mut self, path: &str, file: &TargetFile) -> Arc<Ollama> {
        let said = file.ollama.clone().unwrap_or_default();
        for (option, key) in [("num_predict", "output_tokens"), ("temperature", "temperature")] {
            if said.options.contains_key(option) {
                let path = format!("{path}.options.{option}");
                self.bad(&path, "is the workload's to say", format!("write `{key}` in the workload"));
            }
        }
        Arc::new(said)
    }

    fn triton(&mut self, path: &str, file: &TargetFile) -> Arc<Triton> {
        let said = file.triton.clone().unwrap_or_default();
        for (key, name) in [("text_input", &said.text_input), ("text_output", &said.text_output)] {
            if name.trim().is_empty() {
                self.bad(
                    &format!("{path}.{key}"),
                    "is empty",
                    "write the name of the model's tensor, as its config.pbtxt has it",
                );
            }
        }
        let sent = [&said.text_input, &said.max_tokens, &said.stream, &said.temperature, &said.ignore_eos];
        for (index, name) in sent.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            let (group, leaf) = name.split_once('.').map_or(("inputs", name.as_str()), |(group, leaf)| (group, leaf));
            let constants = if group == "parameters" { &said.parameters } else { &said.inputs };
            if constants.contains_key(leaf) || name.split('.').any(str::is_empty) || sent[..index].contains(name) {
                let hint = "each input has one name and one value: take it out of `inputs` or `parameters`, or name another";
                self.bad(path, format!("`{name}` cannot be sent, or is said twice"), hint);
            }
        }
        Arc::new(said)
    }
}
