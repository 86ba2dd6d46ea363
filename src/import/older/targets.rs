//! `targets.yaml` and `models.yaml`: the first server and model are the target, the others
//! `targets`. Keys become names of variables.

use serde_json::Value;

use super::fields::{Item, label, shown};
use crate::config::starter::StartTarget;
use crate::lang::Text;

/// What the older tools write where a server asks for no key.
const NO_KEY: [&str; 5] = ["EMPTY", "none", "null", "dummy", "sk-no-key-required"];

type Named = (String, StartTarget);

/// Errors: no target with a URL.
pub fn carry(
    servers: Vec<Item>,
    models: Vec<Item>,
    notes: &mut Vec<String>,
) -> Result<(StartTarget, Vec<Named>), String> {
    let mut sides: Vec<Named> = Vec::new();
    for item in servers {
        sides.extend(server(item, &sides, notes));
    }
    if sides.is_empty() {
        return Err(
            "targets.yaml names no server with a base_url\nhint: `targets: [{name: local, base_url: http://127.0.0.1:8000/v1}]`"
                .into(),
        );
    }
    // Whatever an entry of `targets` does not say it takes from `target`: the key of one server
    // would go to another.
    let keyless = sides
        .iter()
        .position(|(_, side)| side.api_key_env.is_none() && side.headers.is_empty())
        .unwrap_or(0);
    if keyless > 0 {
        let (first, chosen) = (&sides[0].0, &sides[keyless].0);
        notes.push(format!(
            "targets.yaml: `target` is {chosen} and not {first}, so that the servers that need no key are not sent the one of {first}"
        ));
    }
    let (name, chosen) = &mut sides[keyless];
    let description = chosen.description.take();
    // Its name stays one that `--target` takes: an entry that says nothing of its own is `target`
    // by another name.
    let mut target =
        std::mem::replace(chosen, StartTarget { description, ..StartTarget::default() });
    target.note = Some(name.clone());
    for (index, item) in models.into_iter().enumerate() {
        let taken: Vec<String> = sides.iter().map(|(name, _)| name.clone()).collect();
        let (short, full, description) = model(item, notes);
        if index == 0 {
            target.model = Some(full.clone());
            target.model_note = description.as_deref().map(Text::from);
        }
        // The one that `target` says already needs an entry only for a name of its own.
        if index > 0 || short != full {
            let name = label(&short, &taken);
            if name != short {
                notes.push(format!("models.yaml, {}, name: is called {name} here", shown(&short)));
            }
            sides.push((
                name,
                StartTarget { model: Some(full), description, ..StartTarget::default() },
            ));
        }
    }
    Ok((target, sides))
}

fn server(mut item: Item, so_far: &[Named], notes: &mut Vec<String>) -> Option<Named> {
    let taken: Vec<String> = so_far.iter().map(|(name, _)| name.clone()).collect();
    let name = label(&item.name, &taken);
    if name != item.name {
        notes.push(format!("{}: is called {name} here", item.place("name")));
    }
    let Some(url) = item.text(&["base_url", "url", "endpoint", "server", "api_base"]) else {
        notes.push(format!("{}: the server is left out, it says none", item.place("base_url")));
        return None;
    };
    let base_url = base_url(&item, &url, notes);
    let description = item.text(&["description"]);
    let api_key_env = key(&mut item, &name, notes);
    let headers = headers(&mut item, api_key_env.is_some(), notes);
    let model = item.text(&["model"]);
    for key in item.left() {
        notes.push(format!("{}: goodput-gate has no such key", item.place(key)));
    }
    Some((
        name,
        StartTarget {
            description,
            base_url: Some(base_url),
            model,
            api_key_env,
            headers,
            ..StartTarget::default()
        },
    ))
}

/// Without user and password, and with the `/v1` that some of the older tools append by themselves.
fn base_url(item: &Item, url: &str, notes: &mut Vec<String>) -> String {
    let url = url.trim_end_matches('/');
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
    let bare = host.rsplit('@').next().unwrap_or(host);
    if bare != host {
        notes.push(format!(
            "{}: the user name or password in it is not carried over; name a variable",
            item.place("base_url")
        ));
    }
    match path {
        Some(path) => format!("{scheme}://{bare}/{path}"),
        // A variable may hold the path too.
        None if bare.ends_with('}') => format!("{scheme}://{bare}"),
        None => {
            notes.push(format!("{}: /v1 is appended", item.place("base_url")));
            format!("{scheme}://{bare}/v1")
        }
    }
}

/// The name of the variable that holds the key. A key that stands in the file itself is never
/// carried over.
fn key(item: &mut Item, name: &str, notes: &mut Vec<String>) -> Option<String> {
    let place = item.place("api_key");
    let said = item.text(&["api_key_env", "api_key_env_var"]);
    let literal = item.text(&["api_key", "key", "token"]);
    let text = said.or(literal)?;
    if NO_KEY.iter().any(|none| none.eq_ignore_ascii_case(&text)) {
        return None;
    }
    if let Some(variable) = variable(&text) {
        return Some(variable.to_owned());
    }
    let own: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect();
    let own =
        if own.starts_with(|c: char| c.is_ascii_digit()) { format!("KEY_{own}") } else { own };
    let variable = format!("{own}_API_KEY");
    notes.push(format!(
        "{place}: keys are never carried over; put it into the variable {variable}, in the environment or in .env"
    ));
    Some(variable)
}

/// `${NAME}`, `$NAME`, `LiteLLM`'s `os.environ/NAME`, or a name in capitals that ends as names of
/// keys do.
fn variable(text: &str) -> Option<&str> {
    let braced = text.strip_prefix("${").and_then(|t| t.strip_suffix('}'));
    let marked =
        braced.or_else(|| text.strip_prefix("os.environ/")).or_else(|| text.strip_prefix('$'));
    let usual = ["_KEY", "_TOKEN", "_SECRET"].iter().any(|end| text.ends_with(end));
    let name = marked.or_else(|| Some(text).filter(|_| usual))?;
    let capital = name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    let valid = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (valid && (marked.is_some() || capital)).then_some(name)
}

/// Only those whose value is a variable: any other may be a key.
fn headers(item: &mut Item, has_key: bool, notes: &mut Vec<String>) -> Vec<(String, String)> {
    let Some(Value::Object(map)) = item.take(&["headers"]) else { return Vec::new() };
    let mut kept = Vec::new();
    for (name, value) in map {
        let value = value.as_str().unwrap_or_default();
        let from_variable = value.split_once("${").is_some_and(|(before, rest)| {
            before.trim_end().is_empty() | before.trim_end().eq_ignore_ascii_case("bearer")
                && rest.ends_with('}')
        });
        if from_variable && !(has_key && name.eq_ignore_ascii_case("authorization")) {
            kept.push((name, value.to_owned()));
        } else {
            notes.push(format!(
                "{}: its value may be a secret; write `headers: {{NAME: \"${{VARIABLE}}\"}}`, or api_key_env for a key",
                item.place(&format!("headers.{name}"))
            ));
        }
    }
    kept
}

/// Short name, full name, description.
fn model(mut item: Item, notes: &mut Vec<String>) -> (String, String, Option<String>) {
    let full =
        item.text(&["full_name", "model", "id", "path"]).unwrap_or_else(|| item.name.clone());
    let description = item.text(&["description"]);
    for key in item.left() {
        let why = match key.as_str() {
            "context_length" | "max_model_len" => {
                "the server knows it; prompts are as long as the workload says"
            }
            _ => "goodput-gate has no such key",
        };
        notes.push(format!("{}: {why}", item.place(key)));
    }
    (item.name.clone(), full, description)
}
