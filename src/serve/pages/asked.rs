//! What the form of a new run comes to: a request and what it would do, or what is wrong with it, by
//! field. Not here: the page (`new_run`).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::form::Form;
use crate::app::planned::{Planned, Wrong, planned};
use crate::app::runs::request::RunRequest;
use crate::app::workspace::Workspace;
use crate::lang::{Text, bilingual};
use crate::serve::answer::Refusal;

/// Fields of one number or text each, with the key of the request.
pub const NUMBERS: [&str; 6] =
    ["requests", "input_tokens", "output_tokens", "warmup", "rounds", "starts"];
pub const TEXTS: [&str; 2] = ["duration", "time_limit"];
pub const SLOS: [&str; 3] = ["ttft", "tpot", "e2e"];
/// Before a target's name, and before an address, in the choice of the server.
pub const TARGET: &str = "target:";
pub const ADDRESS: &str = "url:";
/// Every one of `targets`.
pub const EACH: &str = "each";

/// What stands under a field: the field's name, and why it cannot be so.
pub type Faults = BTreeMap<String, Text>;

pub fn fault_of(why: &Refusal) -> Faults {
    let detail = why.detail.clone();
    let at = detail.en.split_once(": ").map_or("", |(at, _)| at);
    let at = if at.is_empty() { String::new() } else { field(at) };
    Faults::from([(at, detail)])
}

/// The request of a form, and what it would do.
pub fn looked(here: &Workspace, form: &Form) -> Result<(RunRequest, Planned), Faults> {
    let request = request(form)?;
    match planned(here, &request) {
        Ok(plan) => Ok((request, plan)),
        Err(all) => {
            let mut faults = Faults::new();
            for Wrong { flag, what } in all {
                let at = flag.map(|flag| field(&flag)).unwrap_or_default();
                let before = faults.remove(&at);
                let what = before.map_or(what.clone(), |b: Text| b.then(&" ".into()).then(&what));
                faults.insert(at, what);
            }
            Err(faults)
        }
    }
}

/// Where on the page what a flag says is chosen.
fn field(flag: &str) -> String {
    match flag.split([' ', '=']).next().unwrap_or_default() {
        "target" | "base-url" | "base_url" => "server".into(),
        "workload" | "workloads" => "workloads".into(),
        "preset" | "presets" => "presets".into(),
        other => other.replace('-', "_"),
    }
}

/// Errors: a field that holds what it cannot.
fn request(form: &Form) -> Result<RunRequest, Faults> {
    let (mut said, mut faults) = (Map::new(), Faults::new());
    said.insert("verb".into(), form.text("verb").unwrap_or("run").into());
    let server = form.text("server").unwrap_or_default();
    if let Some(name) = server.strip_prefix(TARGET) {
        said.insert("target".into(), name.into());
    } else if let Some(url) = server.strip_prefix(ADDRESS) {
        said.insert("base_url".into(), url.into());
    } else if server == EACH {
        said.insert("each".into(), true.into());
    }
    for (field, key) in [("workload", "workloads"), ("preset", "presets")] {
        let names: Vec<&str> = form.all(field).collect();
        if !names.is_empty() {
            said.insert(key.into(), json!(names));
        }
    }
    for name in TEXTS.into_iter().chain(["model"]) {
        said.extend(form.text(name).map(|text| (name.to_owned(), text.into())));
    }
    for name in NUMBERS {
        match form.text(name).map(str::parse::<u32>) {
            Some(Ok(number)) => drop(said.insert(name.into(), number.into())),
            Some(Err(_)) => drop(faults.insert(name.into(), no_number())),
            None => {}
        }
    }
    match form.text("rate").map(str::parse::<f64>) {
        Some(Ok(rate)) if rate.is_finite() => drop(said.insert("rate".into(), json!(rate))),
        Some(_) => {
            let why = bilingual!("a number, such as 2.5", "2.5와 같은 수를 입력");
            faults.insert("rate".into(), why);
        }
        None => {}
    }
    if let Some(levels) = form.text("concurrency") {
        let all: Result<Vec<u32>, _> = levels.split(',').map(|n| n.trim().parse()).collect();
        match all {
            Ok(all) => drop(said.insert("concurrency".into(), json!(all))),
            Err(_) => drop(faults.insert("concurrency".into(), no_list())),
        }
    }
    let slos: Vec<String> =
        SLOS.iter().filter_map(|k| Some(format!("{k}={}", form.text(k)?))).collect();
    if !slos.is_empty() {
        said.insert("slo".into(), slos.join(",").into());
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    serde_json::from_value(Value::Object(said))
        .map_err(|why| Faults::from([(String::new(), why.to_string().into())]))
}

fn no_number() -> Text {
    bilingual!("a whole number of 0 and more", "0 이상의 정수를 입력")
}

fn no_list() -> Text {
    bilingual!(
        "whole numbers with commas between them, such as 1, 8, 32",
        "1, 8, 32처럼 쉼표로 구분한 정수를 입력"
    )
}

/// Whether the page shows a fault of this name beside a field.
pub fn has_field(name: &str) -> bool {
    NUMBERS.contains(&name)
        || TEXTS.contains(&name)
        || ["concurrency", "rate", "slo", "server", "model", "workloads", "presets"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_comes_to_a_request_or_to_faults_at_its_fields() {
        let form = "verb=check&server=target%3Aa&workload=x&workload=y&concurrency=1%2C+8&ttft=500ms&tpot=50ms&rounds=2&rate=&do=start";
        let asked = request(&Form::parse(form)).expect("it can");
        let json = serde_json::to_value(&asked).expect("JSON");
        assert_eq!(
            json,
            json!({"verb": "check", "target": "a", "workloads": ["x", "y"], "concurrency": [1, 8],
                "rounds": 2, "slo": "ttft=500ms,tpot=50ms"})
        );
        let wrong = "rounds=-1&rate=fast&concurrency=1;2&requests=1e3&starts=2";
        let faults = request(&Form::parse(wrong)).expect_err("it cannot");
        let at: Vec<&str> = faults.keys().map(String::as_str).collect();
        assert_eq!(at, ["concurrency", "rate", "requests", "rounds"]);
        assert!(request(&Form::parse("verb=bisect")).is_err());
        assert!(request(&Form::parse("rate=NaN")).is_err());
    }

    #[test]
    fn a_flags_fault_stands_at_its_field() {
        for (flag, at) in [
            ("input-tokens", "input_tokens"),
            ("slo ttft=x", "slo"),
            ("target", "server"),
            ("workload", "workloads"),
        ] {
            assert_eq!(field(flag), at);
            assert!(has_field(&field(flag)), "{flag}");
        }
    }
}
