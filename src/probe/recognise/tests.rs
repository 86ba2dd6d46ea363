//! What becomes of what servers say: in the words of llama.cpp, Triton, vLLM and `SGLang` as they
//! came, the others' as their documentation has them.

use serde_json::json;

use super::*;

fn line(settings: &Settings) -> String {
    settings.line().unwrap_or_default()
}

#[test]
fn llama_cpp_tells_its_slots_and_a_models_file_without_its_folder() {
    let said = json!({
        "default_generation_settings": {"params": {"seed": 4_294_967_295_u32, "speculative.types": "none"}, "n_ctx": 2048},
        "total_slots": 4, "model_alias": "smollm2-135m", "model_ftype": "Q4_1",
        "model_path": "/root/models/SmolLM2-135M-Instruct.Q4_1.gguf", "build_info": "b8681", "media_marker": "<__media_x__>",
    });
    let settings = llama_cpp(&said);
    assert_eq!(
        line(&settings),
        "model_path=SmolLM2-135M-Instruct.Q4_1.gguf n_ctx=2048 total_slots=4"
    );
    assert_eq!(settings.quantisation.as_deref(), Some("Q4_1"));
}

#[test]
fn triton_tells_how_the_model_is_run() {
    let said = json!({
        "name": "ensemble", "platform": "", "backend": "python", "max_batch_size": 0,
        "instance_group": [{"name": "ensemble_0", "kind": "KIND_CPU", "count": 1, "gpus": []}],
        "parameters": {"workspace-path": {"string_value": "/root/.cache/pytriton/workspace_w7nu4md9"}},
        "model_transaction_policy": {"decoupled": true},
    });
    assert_eq!(
        line(&triton(&said)),
        "backend=python decoupled=true instances=1xKIND_CPU max_batch_size=0"
    );
}

#[test]
fn sglang_tells_its_arguments_and_neither_key_port_nor_memory_that_is_free() {
    let said = json!({
        "model_path": "/models/llama", "tp_size": 2, "dtype": "bfloat16", "quantization": "fp8", "kv_cache_dtype": "auto",
        "chunked_prefill_size": 8192, "mem_fraction_static": 0.88, "max_running_requests": null, "disable_radix_cache": false,
        "api_key": "s3cret", "port": 30000, "random_seed": 123, "max_total_num_tokens": 414_382, "internal_states": [{"x": 1}], "version": "0.5.2",
    });
    let flags = "chunked_prefill_size=8192 disable_radix_cache=false dtype=bfloat16 kv_cache_dtype=auto mem_fraction_static=0.88 \
                 model_path=llama tp_size=2";
    assert_eq!(
        (line(&sglang(&said)).as_str(), sglang(&said).quantisation.as_deref()),
        (flags, Some("fp8"))
    );
    assert_eq!(sglang(&json!({"server_args": said})), sglang(&said));
}

#[test]
fn vllm_tells_its_config_as_json_or_nothing() {
    let said = json!({
        "model_config": {"dtype": "torch.bfloat16", "quantization": null, "max_model_len": 4096, "seed": 0},
        "parallel_config": {"tensor_parallel_size": 2, "data_parallel_master_port": 12345},
        "scheduler_config": {"max_num_seqs": 256},
        "speculative_config": null,
    });
    assert_eq!(
        line(&vllm(&said)),
        "dtype=torch.bfloat16 max_model_len=4096 max_num_seqs=256 tensor_parallel_size=2"
    );
    assert_eq!(vllm(&json!("model='m', dtype=torch.bfloat16")), Settings::default());
}

/// As vLLM 0.32.0 and `SGLang` 0.5.23 answered, on a processor; without the parts that name the
/// machine.
#[test]
fn what_vllm_and_sglang_answered_is_understood() {
    let said = |text| serde_json::from_str::<Value>(text).expect("JSON");
    let of_vllm = said(include_str!("../../../tests/fixtures/servers/vllm-server_info.json"));
    assert_eq!(
        line(&vllm(&of_vllm["vllm_config"])),
        "async_scheduling=false block_size=128 cache_dtype=auto data_parallel_size=1 dtype=torch.float32 enable_chunked_prefill=true \
         enable_prefix_caching=true enforce_eager=true gpu_memory_utilization=0.92 max_model_len=2048 max_num_batched_tokens=2048 \
         max_num_seqs=8 pipeline_parallel_size=1 policy=fcfs tensor_parallel_size=1"
    );
    let of_sglang =
        sglang(&said(include_str!("../../../tests/fixtures/servers/sglang-get_server_info.json")));
    assert_eq!(
        line(&of_sglang),
        "attention_backend=torch_native chunked_prefill_size=4096 context_length=2048 cuda_graph_max_bs=32 device=cpu disable_cuda_graph=false \
         disable_overlap_schedule=true disable_radix_cache=false dp_size=1 dtype=float32 enable_mixed_chunk=false \
         enable_torch_compile=false ep_size=1 kv_cache_dtype=auto max_prefill_tokens=16384 mem_fraction_static=0.716 \
         model_path=tiny-random page_size=1 pp_size=1 sampling_backend=pytorch schedule_conservativeness=1.0 schedule_policy=fcfs tp_size=1"
    );
    assert_eq!(of_sglang.quantisation, None);
}

#[test]
fn ollama_tells_size_and_quantisation() {
    let said = json!({
        "modelfile": "...", "details": {"format": "gguf", "family": "llama", "parameter_size": "8.0B", "quantization_level": "Q4_0"},
        "model_info": {"general.architecture": "llama", "llama.context_length": 8192},
    });
    assert_eq!(
        line(&ollama(&said)),
        "context_length=8192 family=llama format=gguf parameter_size=8.0B"
    );
    assert_eq!(ollama(&said).quantisation.as_deref(), Some("Q4_0"));
}

#[test]
fn lists_of_models_tell_context_where_they_have_it() {
    let context = |list: Value| {
        listed(&list).into_iter().map(|m| (m.name, m.context_tokens)).collect::<Vec<_>>()
    };
    let one = |name: &str, n: Option<u64>| vec![(name.to_owned(), n)];
    assert_eq!(
        context(json!({"data": [{"id": "a", "max_model_len": 2048}]})),
        one("a", Some(2048))
    );
    assert_eq!(
        context(json!({"data": [{"id": "b", "meta": {"n_ctx": 512}}]})),
        one("b", Some(512))
    );
    assert_eq!(
        context(json!({"data": [{"id": "c", "max_input_tokens": 7}, {"object": "model"}]})),
        one("c", Some(7))
    );
    assert_eq!(context(json!({"data": [{"id": "d"}]})), one("d", None));
    assert_eq!(context(json!([])), Vec::new());
    let info = json!({"data": [{"model_name": "m", "model_info": {"max_input_tokens": 9}}, {"model_name": "openai/*"}, {"model_name": "m"}]});
    assert_eq!(proxied(&info), [Model { name: "m".into(), context_tokens: Some(9) }]);
}

#[test]
fn nothing_said_is_nothing_known() {
    for said in [json!({}), json!([]), json!("x"), Value::Null] {
        for read in [sglang, llama_cpp, vllm, ollama, triton] {
            assert_eq!(read(&said), Settings::default(), "{said}");
        }
    }
    assert_eq!(Settings::default().line(), None);
}
