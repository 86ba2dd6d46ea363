//! Token counts where the server gives none: a `tokenizer.json` over the texts of a round that has
//! ended. Not here: keeping the texts (`protocol::receiver`), and what a count means.

#[cfg(test)]
mod tests;

use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::lang::{Explained as _, bilingual};
use crate::plan::RoundPlan;
use crate::protocol;
use crate::protocol::Protocol;
use crate::read;
use crate::timeline::Timeline;

/// `None` where a text cannot be counted.
type Count = Box<dyn Fn(&str) -> Option<u32>>;

pub struct Tokenizer {
    count: Count,
    /// 12 hex digits of its file's SHA-256: another file counts other tokens.
    pub digest: String,
}

impl Tokenizer {
    /// Errors: the file cannot be read, or is no tokenizer.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let bytes = read::bytes(path, read::DATA).explained(|| {
            bilingual!(
                "cannot read target.tokenizer: {shown}",
                "target.tokenizer 읽기 실패: {shown}",
                shown = path.display()
            )
        })?;
        let hash = Sha256::digest(&bytes);
        let digest = format!(
            "{:012x}",
            hash.iter().take(6).fold(0_u64, |n, byte| (n << 8) | u64::from(*byte))
        );
        let count = load(&bytes).explained(|| {
            bilingual!(
                "target.tokenizer: {shown} is no tokenizer\nhint: it is the model's tokenizer.json, as Hugging Face has it",
                "target.tokenizer: {shown}은(는) 토크나이저가 아님\n힌트: Hugging Face에 있는 모델의 tokenizer.json을 쓰십시오",
                shown = path.display()
            )
        })?;
        Ok(Self { count, digest })
    }

    /// Counts what the server did not, in requests that completed.
    pub fn count(&self, timelines: &mut [Timeline], plan: &RoundPlan, protocol: &Protocol) {
        for timeline in timelines.iter_mut().filter(|t| t.completed()) {
            if timeline.output_tokens.is_none() {
                timeline.output_tokens =
                    timeline.text.as_deref().and_then(&self.count).filter(|&n| n > 0);
                timeline.counted.output = timeline.output_tokens.is_some();
            }
            if timeline.input_tokens.is_none() {
                let body = plan.requests.get(timeline.index as usize).map(|request| &request.body);
                timeline.input_tokens =
                    body.and_then(|body| (self.count)(&protocol::prompt(protocol, body)?));
                timeline.counted.input = timeline.input_tokens.is_some();
            }
        }
    }
}

/// Special tokens are not added: a chat template's are the server's, and its end-of-sequence token
/// is no text.
#[cfg(feature = "tokenizer")]
fn load(bytes: &[u8]) -> anyhow::Result<Count> {
    let tokenizer = tokenizers::Tokenizer::from_bytes(bytes).map_err(|e| anyhow::anyhow!("{e}"))?;
    Ok(Box::new(move |text| {
        let encoding = tokenizer.encode_fast(text, false).ok()?;
        u32::try_from(encoding.len()).ok()
    }))
}

/// The config refuses `target.tokenizer` before this.
#[cfg(not(feature = "tokenizer"))]
fn load(_bytes: &[u8]) -> anyhow::Result<Count> {
    anyhow::bail!("this goodput-gate was built without the feature tokenizer")
}
