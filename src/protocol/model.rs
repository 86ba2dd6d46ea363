//! Which model an answer says it is of. Not here: which one was asked for.

use serde::Deserialize;

/// Servers name the model in every event or in none.
const MOST_TRIES: u8 = 3;
/// Longer names are cut: nothing that a server says is kept without a bound.
const MOST_CHARS: usize = 200;

#[derive(Deserialize)]
struct Named {
    #[serde(alias = "model_name")]
    model: Option<String>,
}

/// The first name that a response gave, and the last one where that is another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Models {
    first: Option<String>,
    last: Option<String>,
    /// Events that were looked at without finding one.
    tries: u8,
}

impl Models {
    /// Reads the name out of an event or a whole answer. It costs a parse: not for every token.
    pub fn see(&mut self, payload: &[u8]) {
        let Ok(Named { model: Some(name) }) = serde_json::from_slice(payload.trim_ascii()) else {
            return;
        };
        let name: String = name.chars().take(MOST_CHARS).collect();
        if name.is_empty() {
            return;
        }
        match &self.first {
            None => self.first = Some(name),
            Some(first) if *first == name => {}
            Some(_) => self.last = Some(name),
        }
    }

    /// As [`Self::see`], of an event that begins a stream; once a name is known, or is not there,
    /// it costs nothing.
    pub fn see_first(&mut self, payload: &[u8]) {
        if self.first.is_none() && self.tries < MOST_TRIES {
            self.tries += 1;
            self.see(payload);
        }
    }

    pub fn into_names(self) -> Vec<String> {
        // No room for more: there is one of these for each request.
        match (self.first, self.last) {
            (Some(first), Some(last)) => vec![first, last],
            (first, last) => first.or(last).map(|name| vec![name]).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_and_another_are_kept() {
        let mut models = Models::default();
        for payload in [
            r#"{"id":1}"#,
            "[DONE]",
            r#"{"model":""}"#,
            r#"{"model":"a"}"#,
            r#" {"model":"a","choices":[]}"#,
        ] {
            models.see(payload.as_bytes());
        }
        assert_eq!(models.clone().into_names(), ["a"]);
        models.see_first(br#"{"model":"b"}"#);
        assert_eq!(models.clone().into_names(), ["a"], "only the first events");
        models.see(br#"{"model_name":"b"}"#);
        assert_eq!(models.into_names(), ["a", "b"]);
    }
}
