//! `/metrics` in Prometheus text, under vLLM's names for what the engine models. Pure. Not here:
//! when something happened.

use std::fmt::Write as _;

use super::engine::Counts;

/// Upper bounds in seconds, as in vLLM 0.32.
const TTFT_BOUNDS: [f64; 22] = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    20.0, 40.0, 80.0, 160.0, 640.0, 2560.0,
];
const GAP_BOUNDS: [f64; 19] = [
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0,
    40.0, 80.0,
];
const E2E_BOUNDS: [f64; 21] = [
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0,
    480.0, 960.0, 1920.0, 7680.0,
];

/// What has happened since the start.
#[derive(Debug)]
pub struct Metrics {
    pub counts: Counts,
    pub prompt_tokens: u64,
    pub generation_tokens: u64,
    pub stopped: u64,
    pub at_length: u64,
    pub aborted: u64,
    /// How late the latest step was written, and the worst so far, in seconds: the simulator's own
    /// error.
    pub late: f64,
    pub late_max: f64,
    pub ttft: Histogram,
    pub gap: Histogram,
    pub e2e: Histogram,
    /// Waiting for a place in the batch; the rest of the TTFT, fixed overhead included; first token
    /// to last.
    pub queue: Histogram,
    pub prefill: Histogram,
    pub decode: Histogram,
}

#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    /// Per bound, not accumulated; one more for what is above all.
    counts: Vec<u64>,
    sum: f64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            counts: Counts::default(),
            prompt_tokens: 0,
            generation_tokens: 0,
            stopped: 0,
            at_length: 0,
            aborted: 0,
            late: 0.0,
            late_max: 0.0,
            ttft: Histogram::new(&TTFT_BOUNDS),
            gap: Histogram::new(&GAP_BOUNDS),
            e2e: Histogram::new(&E2E_BOUNDS),
            queue: Histogram::new(&E2E_BOUNDS),
            prefill: Histogram::new(&E2E_BOUNDS),
            decode: Histogram::new(&E2E_BOUNDS),
        }
    }
}

impl Metrics {
    pub fn render(&self, model: &str) -> String {
        let labels = format!(
            r#"engine="0",model_name="{}""#,
            model.replace('\\', r"\\").replace('"', "\\\"").replace('\n', "\\n")
        );
        let mut out = String::with_capacity(8192);
        self.render_values(&mut out, &labels);
        self.render_finished(&mut out, &labels);
        self.ttft.render(&mut out, "vllm:time_to_first_token_seconds", &labels);
        self.gap.render(&mut out, "vllm:inter_token_latency_seconds", &labels);
        self.e2e.render(&mut out, "vllm:e2e_request_latency_seconds", &labels);
        self.queue.render(&mut out, "vllm:request_queue_time_seconds", &labels);
        self.prefill.render(&mut out, "vllm:request_prefill_time_seconds", &labels);
        self.decode.render(&mut out, "vllm:request_decode_time_seconds", &labels);
        out
    }

    /// Gauges and counters that have one series each.
    fn render_values(&self, out: &mut String, labels: &str) {
        let c = &self.counts;
        let kv = f64::from(c.kv_used) / f64::from(c.kv_cap.max(1));
        for (name, kind, help, value) in [
            (
                "vllm:num_requests_running",
                "gauge",
                "Requests in execution batches.",
                c.running as f64,
            ),
            (
                "vllm:num_requests_waiting",
                "gauge",
                "Requests waiting to be processed.",
                c.waiting as f64,
            ),
            ("vllm:kv_cache_usage_perc", "gauge", "KV-cache usage; 1 is full.", kv),
            (
                "vllm:prefix_cache_queries_total",
                "counter",
                "Prompt tokens looked up.",
                c.prefix_queries as f64,
            ),
            (
                "vllm:prefix_cache_hits_total",
                "counter",
                "Prompt tokens found in the prefix cache.",
                c.prefix_hits as f64,
            ),
            ("vllm:num_preemptions_total", "counter", "Preemptions.", c.preemptions as f64),
            (
                "vllm:prompt_tokens_total",
                "counter",
                "Prefill tokens processed.",
                self.prompt_tokens as f64,
            ),
            (
                "vllm:generation_tokens_total",
                "counter",
                "Generation tokens processed.",
                self.generation_tokens as f64,
            ),
            ("sim:step_late_seconds", "gauge", "How late the latest step was written.", self.late),
            (
                "sim:step_late_seconds_max",
                "gauge",
                "How late the latest step of all was written.",
                self.late_max,
            ),
        ] {
            put(
                out,
                format_args!(
                    "# HELP {name} {help}\n# TYPE {name} {kind}\n{name}{{{labels}}} {value:?}\n"
                ),
            );
        }
    }

    /// Requests that ended, by their finish reason.
    fn render_finished(&self, out: &mut String, labels: &str) {
        put(
            out,
            format_args!(
                "# HELP vllm:request_success_total Requests processed.\n# TYPE vllm:request_success_total counter\n"
            ),
        );
        for (reason, n) in
            [("stop", self.stopped), ("length", self.at_length), ("abort", self.aborted)]
        {
            put(
                out,
                format_args!(
                    "vllm:request_success_total{{{labels},finished_reason=\"{reason}\"}} {n}.0\n"
                ),
            );
        }
    }
}

impl Histogram {
    fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1], sum: 0.0 }
    }

    pub fn add(&mut self, seconds: f64) {
        self.counts[self.bounds.partition_point(|b| *b < seconds)] += 1;
        self.sum += seconds;
    }

    fn render(&self, out: &mut String, name: &str, labels: &str) {
        put(
            out,
            format_args!(
                "# HELP {name} In seconds, as the engine meant it.\n# TYPE {name} histogram\n"
            ),
        );
        let mut total = 0;
        for (i, count) in self.counts.iter().enumerate() {
            total += count;
            let bound = self.bounds.get(i).map_or_else(|| "+Inf".to_owned(), |b| format!("{b:?}"));
            put(out, format_args!("{name}_bucket{{{labels},le=\"{bound}\"}} {total}.0\n"));
        }
        put(
            out,
            format_args!(
                "{name}_count{{{labels}}} {total}.0\n{name}_sum{{{labels}}} {:?}\n",
                self.sum
            ),
        );
    }
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(text);
}
