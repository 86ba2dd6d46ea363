//! Secrets out of a server's words: some servers repeat the key in their refusal. Not here: which texts are foreign.

/// Shorter words are no secrets, and would be found within innocent ones.
const MIN_CHARS: usize = 4;

/// A header's value may be a token too; one this short is a team's name or a flag.
const MIN_HEADER_CHARS: usize = 8;

/// What must not be shown: the key, and what extra headers carry (`Bearer TOKEN`: the token).
pub fn secrets(api_key: Option<&str>, headers: &[(String, String)]) -> Vec<String> {
    let values = headers.iter().filter_map(|(_, value)| value.split_whitespace().next_back());
    let long = values.filter(|v| v.len() >= MIN_HEADER_CHARS);
    api_key.into_iter().chain(long).map(str::to_owned).collect()
}

/// The text with each secret replaced. One that the cut of [`super::error_text`] has left in part goes too.
pub fn redact(mut text: String, secrets: &[String]) -> String {
    for secret in secrets.iter().filter(|s| s.len() >= MIN_CHARS) {
        if text.contains(secret.as_str()) {
            text = text.replace(secret.as_str(), "***");
        }
        if let Some(start) = text.strip_suffix("...").and_then(|cut| partial(cut, secret)) {
            text.truncate(start);
            text.push_str("***");
        }
    }
    text
}

/// Where the longest beginning of the secret starts that the text ends with.
fn partial(text: &str, secret: &str) -> Option<usize> {
    let beginnings = secret.char_indices().map(|(at, _)| &secret[..at]).rev();
    beginnings.take_while(|b| b.len() >= MIN_CHARS).find(|b| text.ends_with(b)).map(|b| text.len() - b.len())
}

#[cfg(test)]
mod tests {
    use super::{redact, secrets};

    #[test]
    fn no_part_of_a_secret_is_left() {
        let secrets = ["sk-123456".to_owned(), "é-schlüssel".to_owned()];
        for (text, expected) in [
            ("bad key sk-123456, again sk-123456", "bad key ***, again ***"),
            ("bad key sk-12345...", "bad key ***"),
            ("bad key sk-1...", "bad key ***"),
            ("é-schlü...", "***"),
            // Cut exactly behind it.
            ("bad key sk-123456...", "bad key ***..."),
            ("nothing of it: sk...", "nothing of it: sk..."),
            ("", ""),
        ] {
            assert_eq!(redact(text.into(), &secrets), expected, "{text}");
        }
    }

    #[test]
    fn a_word_too_short_to_be_secret_stays() {
        assert_eq!(redact("a key".into(), &["key".to_owned()]), "a key");
    }

    #[test]
    fn headers_carry_secrets_too() {
        let headers = [("x-token".to_owned(), "Token abcdefgh1".to_owned()), ("x-team".to_owned(), "serving".to_owned())];
        assert_eq!(secrets(Some("key1"), &headers), ["key1", "abcdefgh1"]);
        assert_eq!(secrets(None, &[]), [""; 0]);
    }
}
