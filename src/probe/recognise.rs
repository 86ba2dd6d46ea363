//! What a server says of itself: its models, name, version, and the settings it runs with. Asks
//! many paths, and takes no answer for none.
//!
//! Stable facts only: no ports, times, memory that happens to be free, or keys, and of a path its
//! last part. Not here: what they mean for a comparison (`fingerprint`), which request fields the
//! server takes (`server`).

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::server::{Probe, ProbeError};
use crate::protocol::Family;

/// What the server says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerFacts {
    pub models: Vec<Model>,
    pub name: Option<String>,
    pub version: Option<String>,
}

/// A model that requests may name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    pub name: String,
    /// Tokens of prompt and answer together.
    pub context_tokens: Option<u64>,
}

/// How a server runs one model, as far as it tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub quantisation: Option<String>,
    /// By the server's own names.
    pub flags: BTreeMap<String, String>,
}

/// Of `SGLang`'s arguments, those that shape how it serves and are as they were given (or follow
/// from the machine).
const SGLANG: [&str; 27] = [
    "attention_backend",
    "chunked_prefill_size",
    "context_length",
    "cuda_graph_max_bs",
    "device",
    "disable_cuda_graph",
    "disable_overlap_schedule",
    "disable_radix_cache",
    "dp_size",
    "dtype",
    "enable_mixed_chunk",
    "enable_torch_compile",
    "ep_size",
    "kv_cache_dtype",
    "max_prefill_tokens",
    "max_running_requests",
    "mem_fraction_static",
    "model_path",
    "page_size",
    "pp_size",
    "sampling_backend",
    "schedule_conservativeness",
    "schedule_policy",
    "speculative_algorithm",
    "speculative_num_draft_tokens",
    "speculative_num_steps",
    "tp_size",
];
/// The same of vLLM's config, by its part.
const VLLM: [(&str, &[&str]); 5] = [
    ("model_config", &["dtype", "enforce_eager", "max_model_len"]),
    (
        "cache_config",
        &["block_size", "cache_dtype", "enable_prefix_caching", "gpu_memory_utilization"],
    ),
    ("parallel_config", &["data_parallel_size", "pipeline_parallel_size", "tensor_parallel_size"]),
    (
        "scheduler_config",
        &[
            "async_scheduling",
            "enable_chunked_prefill",
            "max_num_batched_tokens",
            "max_num_seqs",
            "policy",
        ],
    ),
    ("speculative_config", &["method", "num_speculative_tokens"]),
];

impl Probe {
    /// Models, name and version. Errors: it has no list of models where the protocol has it.
    pub async fn facts(&self) -> Result<ServerFacts, ProbeError> {
        let mut facts = match self.family() {
            Family::OpenAi => self.openai().await,
            Family::Ollama => self.ollama().await,
            Family::Triton => self.triton().await,
        }?;
        // Here, since everything that is shown or kept of them comes this way.
        let clean = |text: Option<String>| text.map(|text| self.secrets().redact(text));
        (facts.name, facts.version) = (clean(facts.name), clean(facts.version));
        facts
            .models
            .iter_mut()
            .for_each(|m| m.name = self.keys().redact(std::mem::take(&mut m.name)));
        Ok(facts)
    }

    /// How the server runs `model`. Nothing where it tells nothing.
    pub async fn settings(&self, facts: &ServerFacts, model: &str) -> Settings {
        let name = facts.name.as_deref().unwrap_or_default().to_ascii_lowercase();
        let mut settings = match (self.family(), name.as_str()) {
            (Family::Triton, _) => {
                self.at(&format!("/v2/models/{model}/config")).await.map(|said| triton(&said))
            }
            (Family::Ollama, _) | (_, "ollama") => {
                let said = self.posted("/api/show", &json!({"model": model})).await.ok();
                said.map(|said| ollama(&said))
            }
            (_, "sglang") => self.sglang().await.map(|said| sglang(&said)),
            (_, "llamacpp" | "llama.cpp") => self.at("/props").await.map(|said| llama_cpp(&said)),
            (_, "vllm") => self
                .at("/server_info?config_format=json")
                .await
                .map(|said| vllm(&said["vllm_config"])),
            _ => None,
        }
        .unwrap_or_default();
        let context = facts.models.iter().find(|m| m.name == model).and_then(|m| m.context_tokens);
        if let Some(tokens) = context.filter(|_| !settings.flags.contains_key("max_model_len")) {
            settings.flags.insert("context_tokens".into(), tokens.to_string());
        }
        settings
            .flags
            .values_mut()
            .for_each(|value| *value = self.secrets().redact(std::mem::take(value)));
        settings.quantisation = settings.quantisation.map(|text| self.secrets().redact(text));
        settings
    }

    async fn openai(&self) -> Result<ServerFacts, ProbeError> {
        let (list, header) = self.models().await?;
        let mut models = listed(&list);
        let owner =
            list["data"][0]["owned_by"].as_str().filter(|o| !o.is_empty()).map(str::to_owned);
        // vLLM and SGLang name themselves as the owner; their `server` header is the web
        // framework's.
        let mut name = owner
            .filter(|o| !["openai", "organization_owner", "library"].contains(&o.as_str()))
            .or(header);
        if models.is_empty() {
            // A LiteLLM proxy may keep its list behind a path of its own.
            for path in ["/model/info", "/v1/model/info"] {
                if models.is_empty() {
                    models = self.at(path).await.map(|said| proxied(&said)).unwrap_or_default();
                }
            }
            name = name
                .filter(|_| models.is_empty())
                .or_else(|| (!models.is_empty()).then(|| "LiteLLM".to_owned()));
        }
        let (name, version) = self.named(name).await;
        Ok(ServerFacts { models, name, version })
    }

    /// Name and version of a server that speaks `OpenAI`'s protocols; `name` is what its list of
    /// models says.
    async fn named(&self, name: Option<String>) -> (Option<String>, Option<String>) {
        let version = |said: Option<Value>| said.and_then(|v| word(&v["version"]));
        match name.as_deref() {
            Some("sglang") => (name, version(self.sglang().await)),
            Some("llamacpp" | "llama.cpp") => {
                let build = self.at("/props").await.and_then(|said| word(&said["build_info"]));
                (name, build)
            }
            Some(_) if !is_framework(name.as_deref()) && name.as_deref() != Some("LiteLLM") => {
                (name, version(self.at("/version").await))
            }
            _ => {
                if let Some(said) = version(self.at("/api/version").await) {
                    return (Some("ollama".into()), Some(said));
                }
                let ready = self.at("/health/readiness").await;
                let proxy = ready.filter(|said| {
                    said.get("litellm_version").or_else(|| said.get("db")).is_some()
                });
                if name.as_deref() == Some("LiteLLM") || proxy.is_some() {
                    let own = proxy.and_then(|said| word(&said["litellm_version"]));
                    if own.is_some() {
                        return (Some("LiteLLM".into()), own);
                    }
                    let details = self
                        .at("/health/readiness/details")
                        .await
                        .and_then(|said| word(&said["litellm_version"]));
                    if details.is_some() {
                        return (Some("LiteLLM".into()), details);
                    }
                    return (Some("LiteLLM".into()), version(self.at("/version").await));
                }
                (name, version(self.at("/version").await))
            }
        }
    }

    async fn ollama(&self) -> Result<ServerFacts, ProbeError> {
        let said = self.got("/api/tags").await?;
        let names = said["models"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|m| word(&m["name"]).or_else(|| word(&m["model"])));
        let models = names.map(|name| Model { name, context_tokens: None }).collect();
        let version = self.at("/api/version").await.and_then(|v| word(&v["version"]));
        Ok(ServerFacts { models, name: Some("ollama".into()), version })
    }

    async fn triton(&self) -> Result<ServerFacts, ProbeError> {
        let said = self.got("/v2").await?;
        // Some deployments restrict the index: then the model has to be named.
        let index = self.posted("/v2/repository/index", &json!({})).await.unwrap_or_default();
        let ready = |m: &&Value| m["state"].as_str().is_none_or(|state| state == "READY");
        let names =
            index.as_array().into_iter().flatten().filter(ready).filter_map(|m| word(&m["name"]));
        let models = unique(names.map(|name| Model { name, context_tokens: None }));
        Ok(ServerFacts { models, name: word(&said["name"]), version: word(&said["version"]) })
    }

    /// Newer versions call it `/server_info`.
    async fn sglang(&self) -> Option<Value> {
        match self.at("/get_server_info").await {
            Some(said) => Some(said),
            None => self.at("/server_info").await,
        }
    }
}

impl Settings {
    /// All flags on one line, in the order of their names.
    pub fn line(&self) -> Option<String> {
        let all: Vec<String> =
            self.flags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        (!all.is_empty()).then(|| all.join(" "))
    }
}

fn listed(list: &Value) -> Vec<Model> {
    let context = |m: &Value| {
        [&m["max_model_len"], &m["meta"]["n_ctx"], &m["max_input_tokens"]]
            .iter()
            .find_map(|v| v.as_u64())
    };
    let models = list["data"].as_array().into_iter().flatten();
    models
        .filter_map(|m| Some(Model { name: word(&m["id"])?, context_tokens: context(m) }))
        .collect()
}

/// `LiteLLM`'s `/model/info`: names that requests may use; a wildcard (`openai/*`) is none.
fn proxied(list: &Value) -> Vec<Model> {
    let models = list["data"].as_array().into_iter().flatten();
    let named = models.filter_map(|m| {
        let name = word(&m["model_name"]).filter(|name| !name.contains('*'))?;
        Some(Model { name, context_tokens: m["model_info"]["max_input_tokens"].as_u64() })
    });
    unique(named)
}

fn unique(all: impl Iterator<Item = Model>) -> Vec<Model> {
    let mut models: Vec<Model> = Vec::new();
    for model in all {
        if !models.iter().any(|seen| seen.name == model.name) {
            models.push(model);
        }
    }
    models
}

fn sglang(said: &Value) -> Settings {
    // Older versions wrap the arguments.
    let args = if said["server_args"].is_object() { &said["server_args"] } else { said };
    let mut flags = picked(args, &SGLANG);
    // 0.5.23 has it in a part of its own.
    if let Some(most) = value(&args["cuda_graph_config"]["decode"]["max_bs"]) {
        flags.entry("cuda_graph_max_bs".into()).or_insert(most);
    }
    Settings { quantisation: word(&args["quantization"]), flags }
}

fn llama_cpp(said: &Value) -> Settings {
    let mut flags = picked(said, &["model_path", "total_slots"]);
    flags.extend(
        value(&said["default_generation_settings"]["n_ctx"]).map(|n| ("n_ctx".to_owned(), n)),
    );
    let speculative = value(&said["default_generation_settings"]["params"]["speculative.types"])
        .filter(|s| s != "none");
    flags.extend(speculative.map(|s| ("speculative".to_owned(), s)));
    Settings { quantisation: word(&said["model_ftype"]), flags }
}

/// Only where it runs with `VLLM_SERVER_DEV_MODE=1`.
fn vllm(said: &Value) -> Settings {
    let flags = VLLM.iter().flat_map(|(part, keys)| picked(&said[*part], keys)).collect();
    Settings { quantisation: word(&said["model_config"]["quantization"]), flags }
}

fn ollama(said: &Value) -> Settings {
    let details = &said["details"];
    let mut flags = picked(details, &["family", "format", "parameter_size"]);
    let info = said["model_info"].as_object().into_iter().flatten();
    let context =
        info.filter(|(key, _)| key.ends_with(".context_length")).find_map(|(_, v)| value(v));
    flags.extend(context.map(|n| ("context_length".to_owned(), n)));
    Settings { quantisation: word(&details["quantization_level"]), flags }
}

fn triton(said: &Value) -> Settings {
    let mut flags = picked(said, &["backend", "max_batch_size", "platform"]);
    let groups: Vec<String> = said["instance_group"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|g| Some(format!("{}x{}", value(&g["count"])?, word(&g["kind"])?)))
        .collect();
    if !groups.is_empty() {
        flags.insert("instances".into(), groups.join(","));
    }
    flags.extend(
        value(&said["model_transaction_policy"]["decoupled"]).map(|v| ("decoupled".to_owned(), v)),
    );
    if said["dynamic_batching"].is_object() {
        flags.insert("dynamic_batching".into(), "true".into());
    }
    Settings { quantisation: None, flags }
}

fn picked(said: &Value, keys: &[&str]) -> BTreeMap<String, String> {
    keys.iter().filter_map(|key| Some(((*key).to_owned(), value(&said[*key])?))).collect()
}

/// A scalar as text; of a path its last part. White space would split the line of flags.
fn value(said: &Value) -> Option<String> {
    match said {
        Value::String(text) => {
            word(said).map(|_| base_name(text).split_whitespace().collect::<Vec<_>>().join("_"))
        }
        Value::Bool(_) | Value::Number(_) => Some(said.to_string()),
        _ => None,
    }
}

fn base_name(text: &str) -> &str {
    text.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or(text)
}

fn word(said: &Value) -> Option<String> {
    said.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The `server` header of a web framework tells nothing of the model server behind it.
fn is_framework(name: Option<&str>) -> bool {
    name.is_none_or(|n| ["uvicorn", "hypercorn", "gunicorn", "nginx"].contains(&n))
}
