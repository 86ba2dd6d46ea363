//! Each spelling of a secret, whole and in part; and what is none.

use super::{Secrets, redact, secrets};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE};

const KEY: &str = "sk-Live_4Zq/8+Tn&2Ww=Xy7";

fn hidden(text: &str) -> String {
    redact(text.to_owned(), &secrets(Some(KEY), &[]))
}

#[test]
fn no_part_of_a_secret_is_left() {
    let secrets = Secrets::default().with_key("sk-123456").with_key("é-schlüssel");
    for (text, expected) in [
        ("bad key sk-123456, again sk-123456", "bad key ***, again ***"),
        ("bad key sk-12345...", "bad key ***..."),
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
fn every_spelling_is_found_whole_and_in_part() {
    let each = |format: fn(u8) -> String| KEY.bytes().map(format).collect::<String>();
    let percent = |upper: bool| -> String {
        KEY.bytes().map(|b| if upper { format!("%{b:02X}") } else { format!("%{b:02x}") }).collect()
    };
    let hex = each(|b| format!("{b:02x}"));
    let spaced: Vec<String> = KEY.bytes().map(|b| format!("{b:02X}")).collect();
    let json = each(|b| format!("\\u{b:04x}"));
    let mut spellings = vec![
        KEY.to_owned(),
        KEY.to_uppercase(),
        KEY.to_lowercase(),
        percent(true),
        percent(false),
        percent(true).replace('%', "%25"),
        KEY.replace('/', "%2F").replace('+', "%2b").replace('=', "%3D").replace('&', "%26"),
        hex.clone(),
        hex.to_uppercase(),
        spaced.join(" "),
        spaced.join(":"),
        json.clone(),
        json.replace('\\', "\\\\"),
        KEY.replace('/', "\\/"),
        KEY.replace('&', "&amp;"),
        each(|b| format!("\\x{b:02x}")),
        each(|b| format!("&#{b};")),
        each(|b| format!("&#x{b:X};")),
        each(|b| format!("{}\u{200b}", char::from(b))),
        each(|b| format!("{} ", char::from(b))),
    ];
    for before in ["", "a", "ab", "user:"] {
        for (engine, after) in
            [(&BASE64_STANDARD, ""), (&BASE64_URL_SAFE, "x"), (&BASE64_STANDARD_NO_PAD, "xy")]
        {
            spellings.push(engine.encode(format!("{before}{KEY}{after}")));
        }
        spellings.push(BASE64_STANDARD.encode(format!("{before}{}", KEY.to_uppercase())));
    }
    for spelling in spellings {
        let shown = hidden(&format!("no such key: <{spelling}> at all"));
        assert!(
            shown.starts_with("no such key: <") && shown.ends_with("> at all"),
            "{spelling}: {shown}"
        );
        // Of base64 the ends hold characters that others decide, too.
        let left = shown
            .trim_start_matches("no such key: <")
            .trim_end_matches("> at all")
            .replace("***", "");
        assert!(shown.contains("***") && left.chars().count() <= 12, "{spelling}: {shown}");
    }
    for half in [&KEY[..12], &KEY[12..], &KEY[5..13]] {
        assert_eq!(hidden(&format!("<{half}>")), "<***>");
        let b64 = hidden(&BASE64_STANDARD.encode(half));
        assert!(b64.contains("***"), "{half}: {b64}");
    }
}

#[test]
fn what_is_no_secret_stays() {
    for text in [
        "a required field is missing",
        "sk-Live is the beginning of none",
        "100 % of requests failed: \\u00e9 &amp; more",
        "deadbeefdeadbeef",
        "stop",
    ] {
        assert_eq!(hidden(text), text);
    }
    assert_eq!(redact("a key".into(), &Secrets::default().with_key("key")), "a key");
    assert_eq!(redact("lm-studio 0.3".into(), &secrets(Some("lm-studio"), &[])), "lm-studio 0.3");
}

#[test]
fn headers_carry_secrets_too() {
    let header = |name: &str, value: &str| secrets(None, &[(name.to_owned(), value.to_owned())]);
    let login = format!("Basic {}", BASE64_STANDARD.encode("me:correct-horse"));
    for (name, value, text, expected) in [
        ("x-token", "Token abcdefgh1", "no abcdefgh1 here", "no *** here"),
        ("authorization", "Bearer 0123456789abcdef", "no 89abcdef here", "no *** here"),
        ("cookie", "a=b; session=0123456789", "session 23456789", "session ***"),
        ("authorization", &login, "wrong password correct-horse", "wrong password ***"),
        // A name that a server says for good reason: only all of it is hidden.
        ("x-model", "llama-3-8b-instruct", "llama-3-8b", "llama-3-8b"),
        ("x-model", "llama-3-8b-instruct", "llama-3-8b-instruct-v2", "***-v2"),
        ("x-flag", "serving", "serving", "serving"),
    ] {
        assert_eq!(redact(text.to_owned(), &header(name, value)), expected, "{name}: {value}");
    }
}

#[test]
fn the_password_of_a_url_is_a_secret_and_its_scheme_is_none() {
    let secrets = Secrets::default().with("https://me:hunter2hunter2@db.example:5432/x");
    assert_eq!(
        redact("https://docs.example: hunter2hunt".into(), &secrets),
        "https://docs.example: ***"
    );
}

#[test]
fn a_part_of_a_secret_is_found_in_an_address() {
    assert!(secrets(Some(KEY), &[]).are_in("http://h/sk-Live_4Zq/v1"));
    assert!(!secrets(Some(KEY), &[]).are_in("http://h/sk-Live/v1"));
}
