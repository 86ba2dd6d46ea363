//! What people do with stored sessions: list, show, explain, prune, pin, and
//! judge drift by them. Not here: adding to them
//! (`capture`), judging by them (`check`).

use crate::baseline::lineage::Link;
use crate::baseline::store;
use crate::config::Config;
use crate::lang::{Lang, Text, bilingual};
use crate::record::session::Session;

use super::sessions::placed::distance;
use super::workspace::{Workspace, baselines_folder};

pub mod anchor;
pub mod drift;
pub mod history;
pub mod prune;
pub mod resolve;
pub mod series;
pub mod show;

/// All sessions of this repository as a table; none where there is no session.
pub fn list(here: &Workspace, config: &Config) -> anyhow::Result<Option<Text>> {
    let repo = here.repo(config)?;
    let links = repo.lineage()?;
    let all = store::read_all(&baselines_folder(&repo, config)?)?;
    if all.is_empty() {
        return Ok(None);
    }
    let table = |lang| table(config, &links, &all, lang);
    Ok(Some(Text { en: table(Lang::En), ko: table(Lang::Ko) }))
}

fn table(config: &Config, links: &[Link], all: &[Session], lang: Lang) -> String {
    let mut table = comfy_table::Table::new();
    table.set_width(120).set_header(match lang {
        Lang::En => [
            "workload",
            "fingerprint",
            "commit",
            "commit date",
            "steps back",
            "session",
            "starts",
            "TTFT",
            "TPOT",
        ],
        Lang::Ko => [
            "워크로드",
            "지문",
            "커밋",
            "커밋 시각",
            "떨어진 커밋 수",
            "세션",
            "시작",
            "TTFT",
            "TPOT",
        ],
    });
    for session in all {
        let ms = |key: &str| {
            session.pooled.get(key).map_or_else(|| "-".to_owned(), |v| format!("{v:.1} ms"))
        };
        table.add_row([
            session.workload.clone(),
            session.fingerprint.key(&config.gate.under_test),
            session.commit.chars().take(10).collect(),
            session.commit_date.clone(),
            steps_back(links, session).in_language(lang).to_owned(),
            session.session.clone(),
            session.starts.len().to_string(),
            ms("ttft_geomean_ms"),
            ms("tpot_geomean_ms"),
        ]);
    }
    table.to_string()
}

/// To the session's own commit, and whether the code is still the same: commits that touch
/// baselines only do not change it.
fn steps_back(links: &[Link], session: &Session) -> Text {
    let own = links.iter().position(|l| l.commit == session.commit);
    match (own, distance(links, session)) {
        (Some(steps), Some(0)) if steps > 0 => {
            bilingual!("{steps} (the same code)", "{steps} (같은 코드)")
        }
        (Some(steps), _) => steps.to_string().into(),
        (None, Some(steps)) => bilingual!("{steps} (the same code)", "{steps} (같은 코드)"),
        (None, None) => bilingual!("not on this lineage", "이 계보에 없음"),
    }
}
