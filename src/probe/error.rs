//! Why a server could not be asked, each with what to do. Not here: asking it (`server`).

use std::fmt;

use super::server::MOST_BYTES;
use crate::lang::{Text, bilingual};
use crate::protocol::Family;

#[derive(Debug)]
pub enum ProbeError {
    Unreachable {
        url: String,
        why: String,
        hint: Text,
    },
    Status {
        url: String,
        status: u16,
        text: String,
        /// On a line of its own, or empty.
        hint: Text,
    },
    /// It answers 200 with an error.
    Failure {
        url: String,
        text: String,
    },
    NotJson {
        url: String,
        what: String,
    },
    /// Its answer is longer than any that is meant.
    Endless {
        url: String,
    },
    /// How many it lists, and some of them.
    ManyModels(usize, String),
    NoModel,
    /// The model's name holds what must not be shown.
    SecretModel,
    /// A header or certificate cannot be used.
    Access(Text),
}

impl ProbeError {
    /// What is wrong, and what to do.
    pub fn text(&self) -> Text {
        match self {
            Self::Unreachable { url, why, hint } => Text {
                en: format!("cannot reach {url}: {why}\nhint: {}", hint.en),
                ko: format!("{url} 연결 실패: {why}\n힌트: {}", hint.ko),
            },
            Self::Status { url, status, text, hint } => {
                bilingual!("{url} answers {status}: {text}", "{url} 응답 {status}: {text}")
                    .then(hint)
            }
            Self::Failure { url, text } => bilingual!(
                "{url} answers 200 with an error: {text}",
                "{url} 응답이 200인데 내용은 오류: {text}"
            ),
            Self::NotJson { url, what } => bilingual!(
                "{url} answers with {what} where JSON was expected\nhint: base_url is the API's, usually ending in /v1",
                "{url}: JSON이어야 할 응답이 {what}\n힌트: base_url은 API의 주소이며, 보통 /v1로 끝납니다"
            ),
            Self::Endless { url } => bilingual!(
                "{url} answers with more than {most} MiB\nhint: base_url is the API's, usually ending in /v1",
                "{url} 응답이 {most} MiB 초과\n힌트: base_url은 API의 주소이며, 보통 /v1로 끝납니다",
                most = MOST_BYTES >> 20
            ),
            Self::ManyModels(count, names) => bilingual!(
                "the server lists {count} models ({names}): name one (target.model, --model)",
                "서버의 모델이 {count}개 ({names}): 하나를 지정하십시오 (target.model, --model)"
            ),
            Self::NoModel => bilingual!(
                "the server lists no model: name one (target.model, --model)",
                "서버의 모델 목록이 비어 있음: 모델을 지정하십시오 (target.model, --model)"
            ),
            Self::SecretModel => bilingual!(
                "the name of its model holds the key or a header's value that the server was sent: name the model (target.model, --model)",
                "모델 이름에 서버로 보낸 키나 헤더 값이 들어 있음: 모델을 직접 지정하십시오 (target.model, --model)"
            ),
            Self::Access(why) => {
                bilingual!("cannot use header or certificate: ", "헤더 또는 인증서 사용 불가: ")
                    .then(why)
            }
        }
    }
}

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}

impl std::error::Error for ProbeError {}

/// What to do about a status that is no success; on a line of its own, or empty.
pub fn refusal_hint(status: u16, family: Family) -> Text {
    match (status, family) {
        (401 | 403, _) => bilingual!(
            "\nhint: name the variable that holds the key (target.api_key_env, --api-key-env)",
            "\n힌트: API 키가 든 환경 변수를 지정하십시오 (target.api_key_env, --api-key-env)"
        ),
        (404, Family::OpenAi) => bilingual!(
            "\nhint: is the model's name right, and does base_url end in /v1?",
            "\n힌트: 모델 이름이 맞고 base_url이 /v1로 끝납니까?"
        ),
        (404, Family::Ollama | Family::Triton) => bilingual!(
            "\nhint: is the model's name right, and is base_url the server's root (http://HOST:PORT)?",
            "\n힌트: 모델 이름이 맞고 base_url이 서버의 최상위 주소(http://HOST:PORT)입니까?"
        ),
        (429 | 503, _) => bilingual!(
            "\nhint: the server is busy or not ready: it was asked again for a minute, unless it asked for a longer wait (retry-after)",
            "\n힌트: 서버가 바쁘거나 준비되지 않았습니다. 1분 동안 다시 물었습니다 (서버가 retry-after로 더 긴 대기를 요청하지 않은 경우)"
        ),
        _ => "".into(),
    }
}

/// Of a request that holds the user's own fields.
pub fn with_extra() -> Text {
    bilingual!(
        "\nhint: the request held the fields of extra_body, and none of them is left out; take out what the server refuses",
        "\n힌트: 요청에 extra_body의 필드가 모두 들어 있습니다. 서버가 거부하는 필드를 빼십시오"
    )
}

pub fn no_reset() -> Text {
    bilingual!(
        "\nhint: target.cache_reset asks for it; vLLM serves it in development mode only (VLLM_SERVER_DEV_MODE=1); `none` goes without",
        "\n힌트: target.cache_reset에 따른 요청입니다. vLLM은 개발 모드(VLLM_SERVER_DEV_MODE=1)에서만 받습니다. 쓰지 않으려면 `none`"
    )
}

pub fn unreachable_hint(why: &str) -> Text {
    if why.contains("certificate") {
        bilingual!(
            "name the authority that signed the server's certificate (target.ca_file)",
            "서버 인증서를 서명한 인증 기관을 지정하십시오 (target.ca_file)"
        )
    } else {
        bilingual!(
            "is the server up, and is the port right?",
            "서버가 실행 중이고 포트가 맞습니까?"
        )
    }
}

pub fn no_authority(why: &str) -> Text {
    bilingual!(
        "{why}\nhint: name the authority that signed the server's certificate (target.ca_file), or install the system's",
        "{why}\n힌트: 서버 인증서를 서명한 인증 기관을 지정하거나(target.ca_file), 시스템의 인증 기관 목록을 설치하십시오"
    )
}
