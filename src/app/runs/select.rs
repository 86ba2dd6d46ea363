//! Which runs are meant: by what they measured, or one by its id. Not here: reading them (`found`).

use super::file::Id;
use super::found::{self, Run};
use super::store::Store;
use crate::lang::bilingual;
use crate::verdict::Verdict;

/// Fewer characters of an id are no name of a run.
const SHORTEST: usize = 4;
pub const ALL_VERDICTS: [Verdict; 8] = [
    Verdict::Passed,
    Verdict::Failed,
    Verdict::Inconclusive,
    Verdict::Incomplete,
    Verdict::Blind,
    Verdict::Incomparable,
    Verdict::NoBaseline,
    Verdict::Invalid,
];

/// What a run must have, where it is said.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub workload: Option<String>,
    /// Of the run, or of the workload where one is named.
    pub verdict: Option<Verdict>,
    pub branch: Option<String>,
    pub model: Option<String>,
    pub server: Option<String>,
    /// The first characters of it, or all.
    pub commit: Option<String>,
}

impl Filter {
    /// Whether a run is wanted. What a damaged one cannot tell fits: damage is never hidden.
    pub fn wants(&self, run: &Run) -> bool {
        let damaged = !run.damage.is_empty();
        let is = |wanted: &Option<String>, found: &Option<String>, fits: fn(&str, &str) -> bool| {
            let found = |wanted| found.as_ref().map_or(damaged, |found| fits(found, wanted));
            wanted.as_deref().is_none_or(found)
        };
        let has = |wanted: &Option<String>, all: &[String]| {
            let has = |wanted| all.contains(wanted) || all.is_empty() && damaged;
            wanted.as_ref().is_none_or(has)
        };
        let judged = |verdict: Option<Verdict>| {
            self.verdict.is_none_or(|wanted| verdict.map_or(damaged, |v| v == wanted))
        };
        is(&self.branch, &run.branch, |branch, wanted| branch == wanted)
            && is(&self.commit, &run.commit, |commit, wanted| commit.starts_with(wanted))
            && has(&self.model, &run.models)
            && has(&self.server, &run.servers)
            && match &self.workload {
                None => judged(run.verdict),
                Some(_) if run.workloads.is_empty() => damaged,
                Some(name) => run.workloads.iter().any(|w| w.name == *name && judged(w.verdict)),
            }
    }
}

/// A verdict as reports write it, in either case, or as JSON has it. Errors: there is none such.
pub fn verdict(text: &str) -> anyhow::Result<Verdict> {
    let plain = |text: &str| text.trim().to_ascii_lowercase().replace([' ', '-'], "_");
    let wanted = plain(text);
    let found = ALL_VERDICTS.into_iter().find(|v| plain(v.word()) == wanted || key(*v) == wanted);
    found.ok_or_else(|| {
        let all = ALL_VERDICTS.map(Verdict::word).join(", ");
        anyhow::anyhow!(bilingual!(
            "there is no verdict {text:?}\nhint: one of {all}",
            "{text:?}라는 판정은 없음\n힌트: {all} 중 하나"
        ))
    })
}

/// As JSON has it.
pub fn key(verdict: Verdict) -> String {
    let json = serde_json::to_value(verdict).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}

/// The run of an id, or of the beginning of one; `latest` is the newest. Errors: there is none, or
/// more than one.
pub fn named(store: &Store, name: &str) -> anyhow::Result<Run> {
    let wanted = name.to_ascii_lowercase();
    let places = store.places()?;
    let mut fitting = places.iter().filter(|place| match &*wanted {
        "latest" => true,
        part => part.len() >= SHORTEST && place.id.as_str().starts_with(part),
    });
    let found = fitting.next();
    if let Some(other) = fitting.next().filter(|_| wanted != "latest") {
        let first = found.map(|place| place.id.to_string()).unwrap_or_default();
        let second = &other.id;
        anyhow::bail!(bilingual!(
            "more than one run begins with {name}: {first}, {second}\nhint: write more of its id",
            "{name}(으)로 시작하는 실행이 여럿: {first}, {second}\n힌트: id를 더 길게 쓰십시오"
        ));
    }
    found.and_then(found::run).ok_or_else(|| absent(store, name))
}

/// By its whole id.
pub fn by_id(store: &Store, id: &Id) -> anyhow::Result<Option<Run>> {
    Ok(store.place(id)?.as_ref().and_then(found::run))
}

fn absent(store: &Store, name: &str) -> anyhow::Error {
    let data = store.data().display();
    anyhow::anyhow!(bilingual!(
        "there is no run {name} in {data}\nhint: `goodput-gate runs list` shows them; an id may be cut to {SHORTEST} characters, and `latest` is the newest",
        "{data}에 실행 {name}이(가) 없음\n힌트: 목록은 `goodput-gate runs list`. id는 {SHORTEST}글자까지 줄일 수 있고, `latest`는 가장 최근 실행입니다"
    ))
}
