//! The files that pages load: style, scripts, icon. Each has a digest of its text in its name, so
//! that a browser keeps it for as long as it likes. Not here: a page's own text.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, HeaderValue};
use sha2::{Digest as _, Sha256};

use crate::plan::digest::hex;
use crate::serve::answer::{self, Answer, Refusal};

struct Asset {
    /// As pages name it: `style.css`.
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const ALL: [Asset; 6] = [
    // A report's page and these look the same.
    Asset {
        name: "style.css",
        kind: STYLE,
        text: concat!(
            include_str!("../../report/page/page.css"),
            include_str!("style.css"),
            include_str!("live.css")
        ),
    },
    Asset { name: "app.js", kind: SCRIPT, text: include_str!("app.js") },
    Asset { name: "live.js", kind: SCRIPT, text: include_str!("live.js") },
    Asset { name: "machine.js", kind: SCRIPT, text: include_str!("machine.js") },
    Asset { name: "new_run.js", kind: SCRIPT, text: include_str!("new_run.js") },
    Asset { name: "icon.svg", kind: "image/svg+xml", text: include_str!("icon.svg") },
];

/// Digests of the texts, in the order of `ALL`.
static DIGESTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    ALL.iter().map(|asset| hex(&Sha256::digest(asset.text.as_bytes())[..6])).collect()
});

/// `/assets/0123456789ab-style.css`
pub fn path(name: &str) -> String {
    let at = ALL.iter().position(|asset| asset.name == name);
    let digest = at.map(|at| &*DIGESTS[at]).unwrap_or_default();
    format!("/assets/{digest}-{name}")
}

pub async fn asset(Path(asked): Path<String>) -> Answer {
    let known = asked.split_once('-').and_then(|(digest, name)| {
        let at = ALL.iter().position(|asset| asset.name == name)?;
        (DIGESTS[at] == digest).then(|| &ALL[at])
    });
    let Some(asset) = known else {
        return Err(Refusal::not_found("not_found", "there is no such file"));
    };
    let mut answer = answer::bytes(asset.kind, asset.text.as_bytes().to_vec());
    let kept = HeaderValue::from_static("public, max-age=31536000, immutable");
    answer.headers_mut().insert(CACHE_CONTROL, kept);
    Ok(answer)
}
