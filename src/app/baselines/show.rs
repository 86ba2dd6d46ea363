//! What the baseline files of one session, or of one commit, hold. Not here: judging it.

use anyhow::bail;

use crate::app::sentence::{left_out, plain_sentence};
use crate::app::sessions::placed::{distance, on_lineage};
use crate::app::sessions::reviewed::Reviewed;
use crate::app::workspace::{Workspace, baselines_folder};
use crate::baseline::lineage::Link;
use crate::baseline::store;
use crate::compare::{History, Selection};
use crate::config::Config;
use crate::lang::{Text, bilingual};
use crate::record::session::Session;
use crate::report::text;

/// Fewer characters of a hash name too much.
const SHORTEST: usize = 4;

/// `what`: a session, or anything that names a commit; both may be cut short. Two paragraphs of
/// each file.
pub fn show(here: &Workspace, config: &Config, what: &str) -> anyhow::Result<Vec<Text>> {
    let repo = here.repo(config)?;
    let links = repo.lineage()?;
    // A branch or tag is its commit.
    let commit = repo.link_of(what).ok().map(|link| link.commit);
    let named = |s: &Session| {
        let starts = |text: &str| what.len() >= SHORTEST && text.starts_with(what);
        starts(&s.session) || starts(&s.commit) || commit.as_ref() == Some(&s.commit)
    };
    let files = store::read_files(&baselines_folder(&repo, config)?)?;
    let all: Vec<Session> = files.iter().map(|(_, s)| s.clone()).collect();
    let found: Vec<_> = files.into_iter().filter(|(_, s)| named(s)).collect();
    if found.is_empty() {
        bail!(bilingual!(
            "no session or commit of the baseline is called {what:?}\nhint: `goodput-gate baseline list` shows both; at least {SHORTEST} characters of a hash are needed",
            "기준선에 {what:?}라는 세션이나 커밋 없음\n힌트: 목록은 `goodput-gate baseline list`. 해시는 {SHORTEST}자 이상 필요합니다"
        ));
    }
    let root = repo.root().map(std::path::Path::to_owned).unwrap_or_default();
    let placed = on_lineage(all, &links);
    let reviewed = Reviewed::read(&repo, config, &here.wanted(None), &links);
    let history = History { sessions: &placed, accepted: &reviewed.accepted };
    let paragraphs = found.iter().flat_map(|(path, session)| {
        let path = path.strip_prefix(&root).unwrap_or(path).display().to_string();
        let under_test = &config.gate.under_test;
        [
            facts(&path, session, &links, under_test),
            level(session, &history.select_like(session, under_test)),
        ]
    });
    Ok(paragraphs.collect())
}

/// Whether a check of its kind counts it, and why it may be of another level.
fn level(session: &Session, selection: &Selection<'_>) -> Text {
    let counts = selection.sessions().any(|used| used == session);
    let why = || selection.left_out.iter().find(|((_, s), _)| s == session).map(|(_, why)| *why);
    let so = match (counts, why()) {
        (true, _) => bilingual!("counts", "반영됨"),
        (false, Some(why)) => bilingual!("left out: ", "제외: ").then(&left_out(why)),
        (false, None) => bilingual!("left out: not on this lineage", "제외: 이 계보에 없음"),
    };
    let mut lines = vec![
        bilingual!("  segment      ", "  구간         ")
            .then(&so)
            .then(&"; ".into())
            .then(&plain_sentence(selection.segment())),
    ];
    lines.extend(session.level_shift.iter().map(|why| {
        let why = text::plain(why);
        bilingual!("  level shift  {why}", "  수준 변경    {why}")
    }));
    Text::joined(&lines, "\n")
}

/// From the commit that is looked at.
pub(super) fn commits_back(steps: u32) -> Text {
    Text {
        en: format!("{} back", text::count(u64::from(steps), "commit", "commits")),
        ko: format!("커밋 {steps}개 이전"),
    }
}

fn facts(path: &str, s: &Session, links: &[Link], under_test: &[String]) -> Text {
    let place = distance(links, s).map_or_else(
        || bilingual!("not on this lineage", "이 계보에 없음"),
        |steps| {
            if steps == 0 { bilingual!("this commit", "이 커밋") } else { commits_back(steps) }
        },
    );
    let (requests, failed) =
        s.starts.iter().fold((0, 0), |(n, bad), start| (n + start.requests, bad + start.failed));
    let (workload, session) = (text::plain(&s.workload), text::plain(&s.session));
    let runner = s.runner.as_deref().map_or_else(
        || bilingual!("an unknown runner", "알 수 없는 러너"),
        |runner| text::plain(runner).into(),
    );
    let (commit, date) = (text::short(&s.commit), text::plain(&s.commit_date));
    let (tree, key) = (text::short(&s.tree), s.fingerprint.key(under_test));
    let starts = s.starts.len();
    let mut out = vec![
        text::plain(path).into(),
        bilingual!("  workload     {workload}", "  워크로드     {workload}"),
        Text {
            en: format!("  session      {session} on {}", runner.en),
            ko: format!("  세션         {session}, 러너 {}", runner.ko),
        },
        Text {
            en: format!("  commit       {commit} of {date} ({})", place.en),
            ko: format!("  커밋         {commit}, {date} ({})", place.ko),
        },
        bilingual!(
            "  tree         {tree} (without the baselines)",
            "  트리         {tree} (기준선 파일 제외)"
        ),
        bilingual!("  fingerprint  {key}", "  지문         {key}"),
        Text {
            en: format!(
                "  measured     {}, {}, {failed} failed",
                text::count(starts as u64, "start", "starts"),
                text::count(requests, "request", "requests")
            ),
            ko: format!("  측정         시작 {starts}회, 요청 {requests}개, 실패 {failed}개"),
        },
    ];
    out.extend(s.pooled.iter().map(|(name, value)| format!("  {name:<32} {value:.4}").into()));
    Text::joined(&out, "\n")
}
