//! What people have reviewed beside the sessions, as it counts here: acceptances and the anchor.
//! The base's in CI and where `--base` names one, the working tree's elsewhere.
//!
//! Not here: what an acceptance covers (`accept`), the comparison with the anchor (`evaluate`).

use std::path::Path;

use super::placed::on_lineage;
use crate::accept::{self, Acceptance, AcceptedKind, KnownAcceptance};
use crate::baseline::base::Wanted;
use crate::baseline::lineage::{GitError, Link, Repo};
use crate::baseline::reviewed::{ACCEPTED, ANCHOR};
use crate::baseline::store;
use crate::baseline::tree::Files;
use crate::clock::today;
use crate::compare::Accepted;
use crate::config::Config;
use crate::evaluate::Anchor;
use crate::read;
use crate::report::drift::{AnchorFound, AnchorPoint};
use crate::report::notice::Notice;
use crate::report::text;

#[derive(Clone, Debug, Default)]
pub struct Reviewed {
    pub accepted: Accepted,
    pub anchor: Option<Anchor>,
    /// What a reader should know of them before the verdict.
    pub notices: Vec<Notice>,
}

/// Whose files count.
enum Source {
    Here,
    /// The tree of a commit, and that in words.
    At(String, String),
}

impl Reviewed {
    /// `links` are the walk to the baselines. Never an error: what cannot be read does not count,
    /// which is the strict side, and is said.
    pub fn read(repo: &Repo, config: &Config, wanted: &Wanted, links: &[Link]) -> Self {
        let mut notices = Vec::new();
        let source = match source(repo, config, wanted) {
            Ok(source) => source,
            Err(why) => {
                // Said only to those who have some: limits need no base.
                let some =
                    Source::Here.acceptances(repo, config).map_or(true, |own| !own.is_empty());
                let notice = some.then(|| Notice::AcceptancesUnread { why: why.to_string() });
                return Self { notices: notice.into_iter().collect(), ..Self::default() };
            }
        };
        let accepted = source.acceptances(repo, config).and_then(|all| {
            if let Source::At(..) = source {
                notices.extend(brought(
                    &Source::Here.acceptances(repo, config).unwrap_or_default(),
                    &all,
                ));
            }
            on_the_way(repo, &source, links, all).map_err(|e| e.to_string())
        });
        let known = match accepted {
            Ok(known) => known,
            Err(why) => {
                let file = source.shown(config, ACCEPTED);
                notices.push(Notice::AcceptancesUnusable { file, why });
                Vec::new()
            }
        };
        let anchor = pinned(repo, config, &source, links);
        let head = repo.head().ok().map(|head| head.link.commit);
        Self { accepted: Accepted { known, on: today() }, anchor, notices }
            .candidate(repo, head.as_deref())
    }

    /// Judges another commit than HEAD.
    pub fn candidate(mut self, repo: &Repo, commit: Option<&str>) -> Self {
        for k in &mut self.accepted.known {
            let contained = commit
                .zip(k.acceptance.commit.as_deref())
                .map(|(here, accepted)| repo.contains(here, accepted));
            k.contained = contained.unwrap_or(Ok(false)).unwrap_or_else(|why| {
                self.notices.push(Notice::AcceptanceUnusable {
                    workload: text::plain(&k.acceptance.workload),
                    why: why.to_string(),
                });
                false
            });
        }
        self
    }

    /// Where no session is looked for, or where they lie elsewhere.
    pub fn beside(repo: &Repo, config: &Config, wanted: &Wanted) -> Self {
        let links = repo.base(wanted).and_then(|base| {
            let head = repo.head()?.link.commit;
            repo.lineage_from(base.start(&head))
        });
        Self::read(repo, config, wanted, &links.unwrap_or_default())
    }
}

fn source(repo: &Repo, config: &Config, wanted: &Wanted) -> Result<Source, GitError> {
    if !wanted.base_counts() || wanted.no_base() {
        return Ok(Source::Here);
    }
    let (commit, words) = match &config.baselines_ref {
        Some(name) => repo.resolve_first(&format!("origin/{name}"), name)?,
        None => repo.resolve(&repo.base(wanted)?.name)?,
    };
    Ok(Source::At(commit, words))
}

impl Source {
    fn text(&self, repo: &Repo, config: &Config, name: &str) -> Result<Option<String>, String> {
        match self {
            Self::At(commit, _) => repo.reviewed_at(commit, name).map_err(|e| e.to_string()),
            Self::Here => {
                let Some(root) = repo.root() else { return Ok(None) };
                match read::text(&root.join(&config.baselines_dir).join(name), read::WRITTEN) {
                    Ok(text) => Ok(Some(text)),
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
                    Err(e) => Err(e.to_string()),
                }
            }
        }
    }

    fn acceptances(&self, repo: &Repo, config: &Config) -> Result<Vec<Acceptance>, String> {
        self.text(repo, config, ACCEPTED)?
            .map_or_else(|| Ok(Vec::new()), |text| accept::parse(&text))
    }

    fn shown(&self, config: &Config, name: &str) -> String {
        let path = config.baselines_dir.join(name).display().to_string();
        match self {
            Self::Here => path,
            Self::At(_, words) => format!("{path} of {words}"),
        }
    }

    fn sessions(&self, repo: &Repo, config: &Config) -> anyhow::Result<Files> {
        let Self::Here = self else {
            return Ok(self
                .tip(repo)
                .map_or_else(|| Ok(Files::new()), |tip| repo.sessions_at(&tip))?);
        };
        let Some(root) = repo.root() else { return Ok(Files::new()) };
        let folder = root.join(&config.baselines_dir);
        let below = |path: std::path::PathBuf| {
            path.strip_prefix(&folder).map(Path::to_owned).unwrap_or(path)
        };
        Ok(store::read_files(&folder)?
            .into_iter()
            .map(|(path, session)| (below(path), session))
            .collect())
    }

    /// From where who brought an entry is looked for.
    fn tip(&self, repo: &Repo) -> Option<String> {
        match self {
            Self::At(commit, _) => Some(commit.clone()),
            Self::Here => repo.head().ok().map(|head| head.link.commit),
        }
    }
}

/// A change must not accept its own regression.
fn brought(own: &[Acceptance], base: &[Acceptance]) -> Option<Notice> {
    let new: Vec<String> = own
        .iter()
        .filter(|a| !base.contains(a))
        .map(|a| format!("{}/{}", text::plain(&a.workload), a.metric))
        .collect();
    (!new.is_empty()).then_some(Notice::AcceptanceBrought { entries: new })
}

/// Errors: what a commit of its way here holds cannot be read.
fn on_the_way(
    repo: &Repo,
    source: &Source,
    links: &[Link],
    all: Vec<Acceptance>,
) -> Result<Vec<KnownAcceptance>, GitError> {
    let tip = source.tip(repo);
    let one = |acceptance: Acceptance| {
        let says = |text: &str| accept::parse(text).is_ok_and(|all| all.contains(&acceptance));
        let introduced =
            tip.as_ref().map_or(Ok(None), |tip| repo.introduced(tip, ACCEPTED, says))?;
        // The acceptance that comes in one commit with code is of that code.
        let together = || {
            let at = links
                .iter()
                .position(|l| Some(&l.commit) == introduced.as_ref().map(|i| &i.commit))?;
            links.get(at + 1).filter(|before| before.tree != links[at].tree).map(|_| at)
        };
        let landed = repo
            .landing(links, acceptance.commit.as_deref(), acceptance.tree.as_deref())?
            .or_else(together);
        let landed = landed
            .filter(|_| acceptance.of == AcceptedKind::Regression)
            .and_then(|at| u32::try_from(at).ok());
        Ok(KnownAcceptance {
            by: introduced.map(|i| i.author),
            landed,
            contained: false,
            acceptance,
        })
    };
    all.into_iter().map(one).collect()
}

/// The anchor as its file names it: a commit or anything that git resolves to one, then what people
/// call it. None without such a file.
fn pinned(repo: &Repo, config: &Config, source: &Source, links: &[Link]) -> Option<Anchor> {
    let text = match source.text(repo, config, ANCHOR) {
        Ok(text) => text?,
        Err(why) => {
            let missing = Some(format!("{} cannot be read: {why}", source.shown(config, ANCHOR)));
            return Some(Anchor { missing, ..unread(AnchorFound::Pinned, "?") });
        }
    };
    let line = text.lines().find(|l| !l.trim().is_empty()).unwrap_or_default().trim();
    let (what, name) = line
        .split_once(char::is_whitespace)
        .map_or((line, line), |(what, name)| (what, name.trim()));
    let name = text::excerpt(if name.is_empty() { "?" } else { name });
    let unread = unread(AnchorFound::Pinned, &name);
    let read = || anchored(repo, unread.point.clone(), what, links, source.sessions(repo, config)?);
    let lost = |why: anyhow::Error| Anchor { missing: Some(format!("{why:#}")), ..unread.clone() };
    Some(read().unwrap_or_else(lost))
}

/// An anchor that nothing is known of yet.
pub fn unread(found: AnchorFound, name: &str) -> Anchor {
    let point = AnchorPoint { name: name.to_owned(), found, commit: None, distance_commits: None };
    Anchor { point, sessions: Vec::new(), missing: None }
}

/// The sessions of a commit, or of anything that git resolves to one, and of those before it: what
/// its own tree holds, too, since the target branch keeps only the last ones. `links` is the walk
/// from where main is now.
pub fn anchored(
    repo: &Repo,
    point: AnchorPoint,
    what: &str,
    links: &[Link],
    sessions: Files,
) -> anyhow::Result<Anchor> {
    let (commit, _) = repo.resolve(what)?;
    let lineage = repo.lineage_from(&commit)?;
    let mut all = repo.sessions_at(&commit)?;
    all.extend(sessions);
    let at = links.iter().position(|l| l.commit == commit);
    let distance_commits = at.and_then(|at| u32::try_from(at).ok());
    let sessions = on_lineage(all.into_values().collect(), &lineage);
    let point = AnchorPoint { commit: Some(commit), distance_commits, ..point };
    Ok(Anchor { point, sessions, missing: None })
}
