//! `workloads.yaml`: rates, requests in flight and lengths; a preset where name and figures are
//! those of one. Thresholds become SLOs.

use serde_json::Value;

use super::fields::{Item, slug};
use super::prompts::Prompts;
use crate::config::parse_duration;
use crate::config::starter::{self, Line, PresetLoad, StartWorkload};

/// What a number of requests is called.
const REQUESTS: [&str; 4] = ["num_requests", "requests", "num_prompts", "total_requests"];

/// Where no workload is there, the older tools' usual one.
const USUAL: &str = "medium-load";

/// Requests of a round where nothing is said of its length: `default.yaml`.
const USUAL_REQUESTS: u64 = 100;

pub fn carry(
    items: Vec<Item>,
    prompts: &mut Prompts,
    notes: &mut Vec<String>,
) -> Vec<StartWorkload> {
    if items.is_empty() {
        notes.push(format!("no workload was found: {USUAL} stands there instead"));
        return vec![StartWorkload { description: None, lines: vec![Line::new("preset", USUAL)] }];
    }
    let mut taken = Vec::new();
    let mut all = Vec::new();
    for item in items {
        let name = slug(&item.name, &taken);
        if name != item.name {
            notes.push(format!("{}: is called {name} here", item.place("name")));
        }
        all.push(workload(item, &name, prompts, notes));
        taken.push(name);
    }
    all
}

fn workload(
    mut item: Item,
    name: &str,
    prompts: &mut Prompts,
    notes: &mut Vec<String>,
) -> StartWorkload {
    let preset = starter::preset_load(name);
    let description = item.text(&["description"]);
    let sends = sends(&item, preset);
    let mut lines =
        vec![if preset.is_some() { Line::new("preset", name) } else { Line::new("name", name) }];
    lines.extend(arrival(&mut item, preset, notes));
    lines.extend(length(&mut item, preset, notes));
    let tokens = count(&mut item, &["max_tokens", "output_tokens", "output_len"], notes);
    lines.extend(
        tokens
            .filter(|n| preset.is_none_or(|p| p.output_tokens != *n))
            .map(|n| Line::new("output_tokens", n.to_string())),
    );
    lines.extend(prompts.line(&mut item, name, sends, notes));
    let temperature = number(&mut item, "temperature", notes).filter(|t| (0.0..=2.0).contains(t));
    let same = |t: &f64| preset.is_some_and(|p| p.temperature.to_bits() == t.to_bits());
    lines.extend(temperature.filter(|t| !same(t)).map(|t| Line::new("temperature", t.to_string())));
    if let Some(Value::Bool(false)) = item.take(&["stream"]) {
        lines.push(Line::new("stream", "false"));
    }
    lines.extend(seconds(&mut item, "timeout", notes).map(|t| Line::new("timeout", t)));
    lines.extend(
        count(&mut item, &["warmup", "warmup_requests"], notes)
            .map(|n| Line::new("warmup", format!("{{requests: {n}}}"))),
    );
    lines.extend(slo(&mut item, notes).map(|text| Line::new("slo", text)));
    left(&item, notes);
    StartWorkload { description, lines }
}

/// Requests of a round, where that is known before: as [`length`] has it.
fn sends(item: &Item, preset: Option<PresetLoad>) -> Option<u64> {
    let number = |keys: &[&str]| {
        keys.iter().find_map(|key| item.peek(key)?.parse::<f64>().ok()).filter(|n| *n > 0.0)
    };
    let requests = number(&REQUESTS);
    let time = item
        .peek("duration")
        .and_then(|text| parse_duration(&with_unit(text)).ok())
        .map(|d| d.as_secs_f64());
    let rate = number(&["rps", "rate"]).or(preset.map(|p| p.rate));
    match (time.or(preset.filter(|_| requests.is_none()).map(|p| p.seconds)), rate) {
        (Some(time), Some(rate)) => format!("{:.0}", (time * rate).ceil()).parse().ok(),
        (Some(_), None) => None,
        (None, _) => requests.map_or(Some(USUAL_REQUESTS), |n| format!("{n:.0}").parse().ok()),
    }
}

/// Rate and most in flight; without a rate, a closed loop.
fn arrival(item: &mut Item, preset: Option<PresetLoad>, notes: &mut Vec<String>) -> Vec<Line> {
    let rate = number(item, "rps", notes).filter(|r| *r > 0.0);
    let rate = rate.or_else(|| number(item, "rate", notes).filter(|r| *r > 0.0));
    if rate.is_none() && preset.is_none() {
        return closed(item, notes);
    }
    let mut lines = Vec::new();
    let other = rate.filter(|r| preset.is_none_or(|p| p.rate.to_bits() != r.to_bits()));
    lines.extend(other.map(|r| {
        Line::with(
            "arrival",
            format!("{{constant: {{rate: {r}}}}}"),
            "poisson: as independent users come",
        )
    }));
    let most = count(item, &["concurrency", "max_concurrency"], notes);
    let other = most.filter(|n| preset.is_none_or(|p| p.max_in_flight != *n));
    lines.extend(other.map(|n| {
        Line::with("max_in_flight", n.to_string(), "waiting for a slot counts as latency here")
    }));
    lines
}

fn closed(item: &mut Item, notes: &mut Vec<String>) -> Vec<Line> {
    let place = item.place("concurrency");
    let levels = match item.take(&["concurrency", "max_concurrency"]) {
        Some(Value::Array(list)) => list.iter().filter_map(positive).collect(),
        Some(one) => positive(&one).into_iter().collect::<Vec<_>>(),
        None => Vec::new(),
    };
    match levels.as_slice() {
        [] => {
            notes.push(format!(
                "{place}: neither a rate nor a concurrency, so one request after the other"
            ));
            vec![Line::new("arrival", "{closed: {concurrency: 1}}")]
        }
        [one] => vec![Line::new("arrival", format!("{{closed: {{concurrency: {one}}}}}"))],
        many => {
            let all: Vec<String> = many.iter().map(ToString::to_string).collect();
            vec![Line::with(
                "arrival",
                format!("{{closed: {{concurrency: [{}]}}}}", all.join(", ")),
                "one workload per level",
            )]
        }
    }
}

/// By time or by number of requests; with both the time counts, as there.
fn length(item: &mut Item, preset: Option<PresetLoad>, notes: &mut Vec<String>) -> Option<Line> {
    let requests = count(item, &REQUESTS, notes);
    let duration = seconds(item, "duration", notes);
    let same = |text: &String| {
        preset
            .zip(parse_duration(text).ok())
            .is_some_and(|(p, d)| p.seconds.to_bits() == d.as_secs_f64().to_bits())
    };
    match (duration, requests) {
        (Some(time), requests) => {
            if requests.is_some() {
                notes.push(format!(
                    "{}: a round is as long as `duration` says",
                    item.place("requests")
                ));
            }
            (!same(&time)).then(|| Line::with("duration", time, "of each round"))
        }
        (None, Some(n)) => Some(Line::with("requests", n.to_string(), "per round")),
        (None, None) => None,
    }
}

/// `{ttft: 500, tpot: 50}`, `ttft:500,tpot:50`; a bare number is milliseconds, as the older tool's
/// `--goodput`.
fn slo(item: &mut Item, notes: &mut Vec<String>) -> Option<String> {
    let place = item.place("slo");
    let said = item.take(&["slo", "slos", "sla", "goodput", "goodput_thresholds"])?;
    let pairs: Vec<(String, String)> = match said {
        Value::Object(map) => map
            .into_iter()
            .map(|(k, v)| (k, v.as_str().map_or_else(|| v.to_string(), str::to_owned)))
            .collect(),
        Value::String(text) => text
            .split(',')
            .filter_map(|p| p.split_once([':', '=']))
            .map(|(k, v)| (k.into(), v.into()))
            .collect(),
        _ => Vec::new(),
    };
    let mut limits = Vec::new();
    for (key, value) in pairs {
        let kind = match key.trim().trim_end_matches("_ms") {
            "ttft" => "ttft",
            "tpot" => "tpot",
            "e2e" | "e2el" | "latency" => "e2e",
            other => {
                notes.push(format!("{place}.{other}: goodput-gate's SLOs are ttft, tpot and e2e"));
                continue;
            }
        };
        let value = value.trim();
        let time =
            if value.parse::<f64>().is_ok() { format!("{value}ms") } else { value.to_owned() };
        match parse_duration(&time).ok().filter(|d| !d.is_zero()) {
            Some(_) => limits.push(format!("{kind}: {time}")),
            None => notes.push(format!("{place}.{kind}: not a duration")),
        }
    }
    (!limits.is_empty()).then(|| format!("{{{}}}", limits.join(", ")))
}

fn left(item: &Item, notes: &mut Vec<String>) {
    for key in item.left() {
        let why = match key.as_str() {
            "top_p" | "top_k" | "stop" => "requests are plain, so that answers have one length",
            _ => "goodput-gate has no such key",
        };
        notes.push(format!("{}: {why}", item.place(key)));
    }
}

/// A bare number is seconds.
fn with_unit(text: String) -> String {
    if text.parse::<f64>().is_ok() { format!("{text}s") } else { text }
}

fn seconds(item: &mut Item, key: &str, notes: &mut Vec<String>) -> Option<String> {
    let place = item.place(key);
    let text = item.text(&[key])?;
    let time = with_unit(text);
    let valid = parse_duration(&time).is_ok_and(|d| !d.is_zero());
    if !valid {
        notes.push(format!("{place}: not a duration"));
    }
    valid.then_some(time)
}

fn number(item: &mut Item, key: &str, notes: &mut Vec<String>) -> Option<f64> {
    let place = item.place(key);
    let text = item.text(&[key])?;
    let number = text.parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0);
    if number.is_none() {
        notes.push(format!("{place}: not a number"));
    }
    number
}

pub fn count(item: &mut Item, keys: &[&str], notes: &mut Vec<String>) -> Option<u32> {
    let place = item.place(keys[0]);
    let value = item.take(keys)?;
    let count = positive(&value);
    if count.is_none() {
        notes.push(format!("{place}: not a whole number from 1"));
    }
    count
}

fn positive(value: &Value) -> Option<u32> {
    let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
    u32::try_from(number).ok().filter(|n| *n > 0)
}
