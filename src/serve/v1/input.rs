//! A body as the older tools' clients send it: fields by name, each with its default, what is not
//! known ignored; and what is wrong with it, in the shape that those clients read (422).
//!
//! No value is repeated in an answer: one of them is a key. Not here: what the fields mean.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::serve::answer::{self, LARGEST, Refusal};

/// Longer texts are no names and no addresses.
const LONGEST: usize = 4096;

pub struct Fields {
    all: Map<String, Value>,
    wrong: Vec<Value>,
}

/// Why a number is none of those that are asked for.
struct Wrong {
    kind: &'static str,
    what: String,
}

impl Fields {
    /// An absent body has no fields. Errors: it is too large.
    pub async fn read(body: Body) -> Result<Self, Refusal> {
        let bytes = axum::body::to_bytes(body, LARGEST).await.map_err(|_| Refusal::too_large())?;
        let (all, wrong) = match serde_json::from_slice(&bytes) {
            _ if bytes.is_empty() => (Map::new(), Vec::new()),
            Ok(Value::Object(all)) => (all, Vec::new()),
            Ok(_) => (
                Map::new(),
                vec![issue(&["body"], "model_attributes_type", "Input should be an object")],
            ),
            Err(_) => (Map::new(), vec![issue(&["body"], "json_invalid", "JSON decode error")]),
        };
        Ok(Self { all, wrong })
    }

    pub fn has(&self, name: &str) -> bool {
        self.all.contains_key(name)
    }

    /// Null is absent, as theirs.
    fn get(&self, name: &str) -> Option<&Value> {
        self.all.get(name).filter(|value| !value.is_null())
    }

    fn note(&mut self, name: &str, kind: &str, what: &str) {
        self.wrong.push(issue(&["body", name], kind, what));
    }

    pub fn required(&mut self, name: &str) -> String {
        let text = self.text(name);
        if text.is_none() && self.get(name).is_none() && self.is_readable() {
            self.note(name, "missing", "Field required");
        }
        text.unwrap_or_default()
    }

    pub fn text(&mut self, name: &str) -> Option<String> {
        let text = match self.get(name)? {
            Value::String(text) if text.len() <= LONGEST => Some(text.clone()),
            Value::String(_) => None,
            _ => {
                self.note(name, "string_type", "Input should be a valid string");
                return None;
            }
        };
        if text.is_none() {
            let what = format!("String should have at most {LONGEST} characters");
            self.note(name, "string_too_long", &what);
        }
        text
    }

    /// One of these, or the first where it is absent.
    pub fn choice<'a>(&mut self, name: &str, all: &[&'a str]) -> &'a str {
        let first = all.first().copied().unwrap_or_default();
        let Some(text) = self.text(name) else { return first };
        all.iter().copied().find(|one| *one == text).unwrap_or_else(|| {
            let what = format!("Input should be one of: {}", all.join(", "));
            self.note(name, "literal_error", &what);
            first
        })
    }

    pub fn whole(&mut self, name: &str, usual: u32, least: u32) -> u32 {
        match self.get(name).map(|value| whole(value, least)) {
            None => usual,
            Some(Ok(number)) => number,
            Some(Err(Wrong { kind, what })) => {
                self.note(name, kind, &what);
                usual
            }
        }
    }

    /// From 1 on, each once, in their order.
    pub fn wholes(&mut self, name: &str, usual: &[u32]) -> Vec<u32> {
        let read = match self.get(name) {
            None => return usual.to_vec(),
            Some(Value::Array(all)) => {
                all.iter().map(|value| whole(value, 1)).collect::<Result<Vec<u32>, Wrong>>()
            }
            Some(_) => {
                Err(Wrong { kind: "list_type", what: "Input should be a valid list".into() })
            }
        };
        let mut seen = Vec::new();
        match read {
            Ok(all) if all.is_empty() => {
                self.note(name, "too_short", "List should have at least 1 item");
            }
            Ok(all) => all.into_iter().for_each(|n| {
                if !seen.contains(&n) {
                    seen.push(n);
                }
            }),
            Err(Wrong { kind, what }) => self.note(name, kind, &what),
        }
        seen
    }

    /// Above 0.
    pub fn number(&mut self, name: &str) -> Option<f64> {
        let number = self.get(name)?.as_f64().filter(|n| n.is_finite() && *n > 0.0);
        if number.is_none() {
            self.note(name, "greater_than", "Input should be a number greater than 0");
        }
        number
    }

    pub fn flag(&mut self, name: &str, usual: bool) -> bool {
        match self.get(name) {
            None => usual,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.note(name, "bool_type", "Input should be a valid boolean");
                usual
            }
        }
    }

    pub fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        let all = self.get(name)?.as_array().and_then(|all| {
            all.iter().map(|one| one.as_str().map(str::to_owned)).collect::<Option<Vec<String>>>()
        });
        if all.is_none() {
            self.note(name, "list_type", "Input should be a valid list of strings");
        }
        all
    }

    /// The fields of a field; none where it is absent.
    pub fn object(&mut self, name: &str) -> Option<Self> {
        let all = self.get(name)?.as_object().cloned();
        if all.is_none() {
            self.note(name, "dict_type", "Input should be a valid dictionary");
        }
        all.map(|all| Self { all, wrong: Vec::new() })
    }

    /// What is wrong with the fields of a field is wrong with it.
    pub fn absorb(&mut self, name: &str, inner: Self) {
        for mut one in inner.wrong {
            if let Some(path) = one["loc"].as_array_mut() {
                path.insert(1, name.into());
            }
            self.wrong.push(one);
        }
    }

    /// A field that is right by itself, and not with what else there is.
    pub fn refuse(&mut self, name: &str, what: &str) {
        self.note(name, "value_error", what);
    }

    /// It is an object.
    fn is_readable(&self) -> bool {
        self.wrong.iter().all(|one| one["loc"].as_array().is_none_or(|path| path.len() > 1))
    }

    /// What is answered where something is wrong.
    pub fn invalid(&self) -> Option<Response<Body>> {
        (!self.wrong.is_empty()).then(|| unprocessable(&self.wrong))
    }
}

fn whole(value: &Value, least: u32) -> Result<u32, Wrong> {
    let whole = value.as_u64().or_else(|| {
        let whole = value.as_f64().filter(|n| n.fract() == 0.0 && (0.0..1e9).contains(n))?;
        format!("{whole:.0}").parse().ok()
    });
    match (whole, value.as_f64()) {
        (Some(n), _) if n >= u64::from(least) => u32::try_from(n).map_err(|_| Wrong {
            kind: "less_than_equal",
            what: format!("Input should be less than or equal to {}", u32::MAX),
        }),
        (None, None) => {
            Err(Wrong { kind: "int_type", what: "Input should be a valid integer".into() })
        }
        (None, Some(n)) if n >= 0.0 => Err(Wrong {
            kind: "int_from_float",
            what: "Input should be a valid integer, got a number with a fractional part".into(),
        }),
        _ => Err(Wrong {
            kind: "greater_than_equal",
            what: format!("Input should be greater than or equal to {least}"),
        }),
    }
}

fn issue(path: &[&str], kind: &str, what: &str) -> Value {
    json!({"type": kind, "loc": path, "msg": what})
}

/// A value of the query that is wrong.
pub fn wrong_query(name: &str, what: &str) -> Response<Body> {
    unprocessable(&[issue(&["query", name], "value_error", what)])
}

fn unprocessable(wrong: &[Value]) -> Response<Body> {
    let body = json!({"detail": wrong, "code": "invalid"});
    coded(StatusCode::UNPROCESSABLE_ENTITY, "invalid", &body)
}

/// An answer that is no refusal by its shape, with the code that the log names.
pub fn coded(status: StatusCode, code: &'static str, body: &Value) -> Response<Body> {
    let mut answer = answer::bytes("application/json", body.to_string().into_bytes());
    *answer.status_mut() = status;
    answer.extensions_mut().insert(Refusal::new(status, code, ""));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn fields(json: &str) -> Fields {
        Fields::read(Body::from(json.to_owned())).await.expect("small")
    }

    fn issues(fields: &Fields) -> Vec<String> {
        fields.wrong.iter().map(|one| format!("{} {}", one["loc"], one["type"])).collect()
    }

    #[tokio::test]
    async fn what_is_absent_has_its_default_and_what_is_unknown_is_ignored() {
        let mut all =
            fields(r#"{"a": "x", "n": 7.0, "l": [8, 1, 8], "z": null, "more": {}}"#).await;
        assert_eq!((&*all.required("a"), all.whole("n", 1, 1), all.whole("z", 3, 1)), ("x", 7, 3));
        assert_eq!((all.wholes("l", &[1]), all.wholes("k", &[1])), (vec![8, 1], vec![1]));
        assert_eq!((all.flag("f", true), all.number("d"), all.text("t")), (true, None, None));
        assert!(all.invalid().is_none());
    }

    #[tokio::test]
    async fn each_wrong_field_is_named_and_no_value_repeated() {
        let mut all = fields(
            r#"{"n": -1, "m": 1.5, "s": 4, "l": [0], "e": [], "f": "yes", "d": -2, "k": {"x": []}}"#,
        )
        .await;
        all.required("server_url");
        let numbers = (all.whole("n", 1, 0), all.whole("m", 1, 0), all.number("d"));
        assert_eq!(numbers, (1, 1, None));
        let others =
            (all.text("s"), all.wholes("l", &[]), all.wholes("e", &[]), all.flag("f", true));
        assert_eq!(others, (None, Vec::new(), Vec::new(), true));
        let mut inner = all.object("k").expect("an object");
        inner.number("x");
        all.absorb("k", inner);
        assert_eq!(
            issues(&all),
            [
                r#"["body","server_url"] "missing""#,
                r#"["body","n"] "greater_than_equal""#,
                r#"["body","m"] "int_from_float""#,
                r#"["body","d"] "greater_than""#,
                r#"["body","s"] "string_type""#,
                r#"["body","l"] "greater_than_equal""#,
                r#"["body","e"] "too_short""#,
                r#"["body","f"] "bool_type""#,
                r#"["body","k","x"] "greater_than""#,
            ]
        );
        for (text, kind) in [("[]", "model_attributes_type"), ("{", "json_invalid")] {
            let mut all = fields(text).await;
            all.required("a");
            assert_eq!(issues(&all), [format!("[\"body\"] \"{kind}\"")]);
        }
    }
}
