//! The sessions of a branch in order, where the level moved, and limits that have become slack.
//!
//! Says what was; judges nothing.

use anyhow::bail;

use crate::app::sentence::plain_sentence;
use crate::app::sessions::Found;
use crate::app::sessions::placed::on_lineage;
use crate::app::sessions::reviewed::Reviewed;
use crate::app::workspace::Workspace;
use crate::baseline::lineage::Repo;
use crate::compare::{History, Placed, Selection, Why};
use crate::config::{Bound, Config, Lang, Workload, did_you_mean};
use crate::lang::{Text, bilingual};
use crate::metric::{METHOD, Metric};
use crate::record::session::Session;
use crate::report::history::{self, Branch};
use crate::report::text;

/// Fewer sessions are no reason to tighten a limit.
const MANY: usize = 10;
/// A limit of which the worst session takes less than this is slack.
const SLACK: f64 = 0.7;
/// Room above the worst session that a proposed limit leaves.
const ROOM: f64 = 1.2;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What is asked of the history.
pub struct Request<'a> {
    pub here: &'a Workspace,
    /// All whose changes are judged where it is none.
    pub metric: Option<&'a str>,
    pub workload: Option<&'a str>,
    /// The base branch that was named.
    pub base: Option<&'a str>,
}

/// Paragraphs: of each workload its segments, then each metric over the sessions, and limits that
/// are slack.
pub fn paragraphs(config: &Config, asked: &Request<'_>) -> anyhow::Result<Vec<Text>> {
    let metrics = metrics(asked.metric)?;
    let branch = Sessions::read(config, asked)?;
    let mut all = Vec::new();
    for workload in branch.workloads(config, &metrics) {
        let name = text::plain(&workload.name);
        all.extend(
            workload
                .segment
                .iter()
                .map(|line| Text::from(format!("{name}: ")).then(&plain_sentence(line.clone()))),
        );
        for history in &workload.histories {
            all.push(in_words(&workload.name, history));
            let planned = config.workloads.iter().find(|w| w.name == workload.name);
            all.extend(
                planned.and_then(|w| slack(w, &branch.sessions_of(&workload.name), history.metric)),
            );
        }
    }
    if branch.names.is_empty() {
        all.push(bilingual!(
            "no baseline sessions on this lineage yet: `goodput-gate baseline update` adds one",
            "이 계보에 아직 기준선 세션이 없습니다: `goodput-gate baseline update`로 추가합니다"
        ));
    }
    Ok(all)
}

/// The branch, and its page with plots of the metrics over the commits.
pub fn page(config: &Config, asked: &Request<'_>, lang: Lang) -> anyhow::Result<(String, String)> {
    let metrics = metrics(asked.metric)?;
    let sessions = Sessions::read(config, asked)?;
    let workloads = sessions.workloads(config, &metrics);
    let commits = workloads.iter().flat_map(|w| &w.sessions).map(|s| &s.commit);
    let branch = Branch {
        name: sessions.branch.clone(),
        url: sessions.repo.remote().map(|remote| format!("https://{remote}")),
        authored: commits.filter_map(|c| Some((c.clone(), sessions.repo.authored(c)?))).collect(),
    };
    let page = history::page(&branch, &workloads, env!("CARGO_PKG_VERSION"), lang);
    Ok((branch.name, page))
}

/// The sessions of a branch, and what is reviewed beside them.
pub(super) struct Sessions {
    repo: Repo,
    pub branch: String,
    placed: Vec<Placed>,
    reviewed: Reviewed,
    /// Of the workloads that are shown.
    names: Vec<String>,
}

impl Sessions {
    /// Errors: no base, or no session of the workload that was named.
    pub fn read(config: &Config, asked: &Request<'_>) -> anyhow::Result<Self> {
        let (here, repo) = (asked.here, asked.here.repo(config)?);
        let found = Found::at(&repo, config, &here.wanted(asked.base))?;
        let branch = found.base.name.clone();
        let reviewed = Reviewed::read(&repo, config, &here.wanted(asked.base), &found.links);
        let placed = on_lineage(found.files.into_values().collect(), &found.links);
        let mut names: Vec<String> = placed.iter().map(|(_, s)| s.workload.clone()).collect();
        names.sort_unstable();
        names.dedup();
        if let Some(wanted) = asked.workload {
            if names.iter().all(|name| name != wanted) {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let what = bilingual!(
                    "no session of workload {wanted:?} on this lineage\nhint: ",
                    "이 계보에 워크로드 {wanted:?}의 세션 없음\n힌트: "
                );
                bail!(what.then(&did_you_mean(wanted, &names)));
            }
            names.retain(|name| name == wanted);
        }
        Ok(Self { repo, branch, placed, reviewed, names })
    }

    fn sessions_of(&self, name: &str) -> Vec<&Session> {
        self.placed.iter().map(|(_, s)| s).filter(|s| s.workload == name).collect()
    }

    pub fn workloads(&self, config: &Config, metrics: &[Metric]) -> Vec<history::Workload<'_>> {
        let one = |name: &String| {
            let history = History { sessions: &self.placed, accepted: &self.reviewed.accepted };
            let selection =
                history.select_newest(name, &config.gate.under_test).unwrap_or_default();
            let alike = alike(&selection, &self.placed);
            history::Workload {
                name: name.clone(),
                left_out: self.sessions_of(name).len() - alike.len(),
                segment: std::iter::once(selection.segment()).chain(selection.levels()).collect(),
                histories: metrics
                    .iter()
                    .map(|m| history::History::from_sessions(&alike, *m))
                    .collect(),
                sessions: alike,
            }
        };
        self.names.iter().map(one).collect()
    }
}

/// The one that was named, or all whose changes are judged.
pub(super) fn metrics(asked: Option<&str>) -> anyhow::Result<Vec<Metric>> {
    let Some(asked) = asked else { return Ok(METHOD.to_vec()) };
    let names: Vec<String> = Metric::all().map(Metric::name).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match Metric::parse(asked) {
        Some(metric) => Ok(vec![metric]),
        None => bail!(
            bilingual!("no metric is called {asked:?}\nhint: ", "{asked:?}라는 지표 없음\n힌트: ")
                .then(&did_you_mean(asked, &names))
        ),
    }
}

/// Those that may be compared with the newest, each once, oldest first.
fn alike<'a>(selection: &Selection<'a>, sessions: &'a [Placed]) -> Vec<&'a Session> {
    let other =
        |s: &Session| matches!(selection.why_not(s), Some(Why::Copy | Why::Incomparable { .. }));
    let known = |s: &Session| {
        selection.sessions().any(|used| std::ptr::eq(used, s)) || selection.why_not(s).is_some()
    };
    sessions.iter().map(|(_, s)| s).filter(|s| known(s) && !other(s)).collect()
}

fn in_words(name: &str, history: &history::History<'_>) -> Text {
    let metric = history.metric;
    let (name, line) = (text::plain(name), sparkline(&history.values()));
    let (sessions, without) = (history.points.len(), history.unmeasured);
    let more =
        if without > 0 { format!(", 값 없는 세션 {without}개") } else { String::new() };
    let mut out = vec![Text {
        en: format!("{name}: {metric} over {}  {line}", history.count(Lang::En)),
        ko: format!("{name}: {metric}, 세션 {sessions}개{more}  {line}"),
    }];
    for (i, (session, value)) in history.points.iter().enumerate() {
        let here = history.moved.iter().filter(|c| c.at == i);
        out.extend(here.map(|change| format!("  -- {}", history.step(change)).into()));
        let day =
            text::plain(&session.commit_date).split('T').next().unwrap_or_default().to_owned();
        let (commit, id) = (text::short(&session.commit), text::plain(&session.session));
        out.push(format!("  {commit}  {day}  {id}  {}", history.value(*value)).into());
    }
    out.extend(history.moved.iter().map(|change| {
        let (commit, step) =
            (text::short(&history.points[change.at].0.commit), history.step(change));
        bilingual!("moved at {commit}: {step}", "{commit}에서 이동: {step}")
    }));
    if history.moved.is_empty() {
        out.push(bilingual!(
            "no change point (E-divisive, permutation test, p <= 0.01)",
            "변화점 없음 (E-divisive, 순열 검정, p <= 0.01)"
        ));
    }
    Text::joined(&out, "\n")
}

fn sparkline(values: &[f64]) -> String {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let steps = BARS.len() as f64 - 1.0;
    let rank = |x: f64| if high > low { (x - low) / (high - low) * steps } else { steps / 2.0 };
    // The bar whose rank is nearest; a rank is never outside of the bars.
    let bar = |x: f64| {
        BARS.iter()
            .enumerate()
            .min_by(|a, b| (a.0 as f64 - rank(x)).abs().total_cmp(&(b.0 as f64 - rank(x)).abs()))
    };
    values.iter().filter_map(|x| bar(*x).map(|(_, c)| *c)).collect()
}

/// A tighter limit, where many sessions stayed far within it.
fn slack(workload: &Workload, sessions: &[&Session], metric: Metric) -> Option<Text> {
    let limit = workload.limits.iter().find_map(|l| match l.bound {
        Bound::Max(max) if l.metric == metric => Some(max),
        _ => None,
    })?;
    let values: Vec<f64> =
        sessions.iter().filter_map(|s| s.pooled.get(&metric.key()).copied()).collect();
    let worst = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let unit = metric.unit().suffix();
    (values.len() >= MANY && worst < limit * SLACK).then(|| {
        bilingual!(
            "limit {metric} max {limit} is slack: the worst of {sessions} sessions is {worst}; {tighter} would leave {room:.0} % of room",
            "한도 {metric} max {limit}가 느슨함: 세션 {sessions}개 중 최악이 {worst}. {tighter}로 낮춰도 여유 {room:.0} %",
            limit = text::value(unit, Some(limit)),
            sessions = values.len(),
            worst = text::value(unit, Some(worst)),
            tighter = text::value(unit, Some(worst * ROOM)),
            room = (ROOM - 1.0) * 100.0
        )
    })
}
