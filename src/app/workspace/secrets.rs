//! API keys, from the environment or `.env` of the working folder. Not here: which variable holds
//! one (`config`).
#![expect(clippy::disallowed_methods, reason = "rim: reads the environment and .env")]

use std::path::Path;

use anyhow::bail;

use super::place;
use crate::config::{self, Target};
use crate::lang::bilingual;
use crate::read;
use crate::redact::secrets;

/// The API key, where the target names a variable for it.
pub fn api_key(target: &Target) -> anyhow::Result<Option<String>> {
    let Some(name) = &target.api_key_env else { return Ok(None) };
    match secret(name)? {
        Some(key) => {
            // Also of a key that is in .env, where no config can see it.
            let address = match &target.endpoint {
                config::Endpoint::Http(url) => url,
                config::Endpoint::Started(server) => &server.base_url,
                config::Endpoint::Sim(_) => "",
            };
            if let Some(what) = config::credential(address, &secrets(Some(&key), &target.headers)) {
                bail!("target.base_url {what}\nhint: {}", config::CREDENTIAL_HINT);
            }
            Ok(Some(key))
        }
        None => bail!(bilingual!(
            "the variable {name} (target.api_key_env) is not set or empty\nhint: export {name}=..., write it into .env here, or remove api_key_env",
            "환경 변수 {name}(target.api_key_env)이 없거나 비어 있음\n힌트: export {name}=...를 실행하거나, 이 폴더의 .env에 쓰거나, api_key_env를 지우십시오"
        )),
    }
}

/// The key in this variable: of the environment, and only where that does not have the variable at
/// all, of `.env` in the working folder. Never put into the environment, so that no server that the
/// gate starts sees it. Errors: `.env` cannot be read; without its text.
pub fn secret(name: &str) -> anyhow::Result<Option<String>> {
    let usable = |key: &str| Some(key.trim().to_owned()).filter(|k| !k.is_empty());
    if let Some(value) = std::env::var_os(name) {
        return Ok(value.to_str().and_then(usable));
    }
    let path = Path::new(".env");
    if !path.is_file() {
        return Ok(None);
    }
    if let Some(why) = place::trouble(Path::new("."), path) {
        bail!(bilingual!(
            "{name} is not read from .env, since {why}\nhint: export {name}=..., or make the file yours alone (chown, chmod 600)",
            ".env의 {name} 값을 읽지 않음: {why}\n힌트: export {name}=...를 실행하거나, 파일을 자신만 쓸 수 있게 하십시오 (chown, chmod 600)"
        ));
    }
    let unread = || {
        anyhow::anyhow!(bilingual!(
            "cannot read .env, where {name} was looked for\nhint: one NAME=value per line, values with spaces or $ in '...'",
            ".env 읽기 실패 ({name} 값을 찾는 중)\n힌트: 한 줄에 NAME=value 하나, 공백이나 $가 든 값은 '...'로 감싸십시오"
        ))
    };
    let text = read::bytes(path, read::WRITTEN).map_err(|_| unread())?;
    for line in dotenvy::from_read_iter(&*text) {
        // The crate's own message quotes the line.
        let (key, value) = line.map_err(|_| unread())?;
        if key == name {
            return Ok(usable(&value));
        }
    }
    Ok(None)
}
