//! Whether a new session may join the baseline (docs/ARITHMETIC.md#segments): it is judged against
//! the sessions that it would join. A slower one needs somebody who answers for it; a faster one
//! begins a new segment.
//!
//! Not here: whether its measurement is fit (`capture`), where its file lies (`baseline::store`).

use anyhow::bail;

use crate::accept::{AcceptedKind, Excused};
use crate::compare::{Accepted, Begin, History, Placed, Selection, Sought, changes};
use crate::evaluate::{self, Baseline, Part};
use crate::exit::Failure;
use crate::judge::shift::Moved;
use crate::judge::{self, Decision};
use crate::lang::{Text, bilingual};
use crate::metric::Metric;
use crate::print::note;
use crate::record::session::Session;
use crate::record::{Record, WorkloadRecord};
use crate::report::text;

/// What comes of a session that may join.
#[derive(Debug, Default)]
pub struct Joined {
    /// Why it may be of another level, where it needs that.
    pub level_shift: Option<String>,
    /// That a new segment begins with it.
    pub words: Option<Text>,
}

/// For each workload. `stated`: the user's reason for another level.
///
/// Errors: exit 1, one is slower and nobody answers for it.
pub fn joined(
    record: &Record,
    stated: Option<&str>,
    baseline: impl Fn(&WorkloadRecord) -> Baseline,
) -> anyhow::Result<Vec<Joined>> {
    let ruled = evaluate::alone(record, &evaluate::Earlier::default(), &baseline)?;
    ruled
        .iter()
        .map(|(workload, part, _)| answered(record, workload, part, stated, &baseline(workload)))
        .collect()
}

fn answered(
    record: &Record,
    workload: &WorkloadRecord,
    part: &Part,
    stated: Option<&str>,
    baseline: &Baseline,
) -> anyhow::Result<Joined> {
    let session = Session::from_record(record, workload).ok_or_else(keyed_by_commit)?;
    // Written the last time, and landed nowhere.
    if let Some((_, there)) = baseline.sessions.iter().find(|(_, s)| s.session == session.session) {
        return Ok(Joined { level_shift: there.level_shift.clone(), words: None });
    }
    let under_test = &record.policy.under_test;
    // The newest of all: what is added is judged against what came before it.
    let mut all = baseline.sessions.clone();
    all.push((Some(0), session));
    let sought = Sought {
        workload: &workload.name,
        fingerprint: &workload.fingerprint,
        under_test,
        run: None,
    };
    let accepted = Accepted::default();
    let selection = History { sessions: &all, accepted: &accepted }.select(&sought);
    let new = &all[all.len() - 1];
    let shift = Shift { name: &workload.name, selection: &selection, new, part };
    shift.answered(stated)
}

/// A new session beside those that it would join, and what is known of their difference.
struct Shift<'a> {
    /// Of the workload.
    name: &'a str,
    selection: &'a Selection<'a>,
    new: &'a Placed,
    part: &'a Part,
}

impl Shift<'_> {
    /// By what it is slower than the segment that it would join.
    fn moved(&self) -> Option<&Vec<Moved>> {
        let mut slower = self.selection.slower.iter();
        slower.find(|(placed, _)| std::ptr::eq(*placed, self.new)).map(|(_, moved)| moved)
    }

    /// Why it is judged to be a regression.
    fn worse(&self) -> Option<String> {
        let decisive = self.part.evidence.decisive();
        let regression = decisive.filter(|c| c.decision == Decision::Regression);
        regression.map(|c| judge::text::joined(&c.reasons))
    }

    /// The accepted regression of a metric.
    fn excused(&self, metric: Metric) -> Option<&Excused> {
        let mut excused = self.part.evidence.excused.iter();
        excused.find(|e| e.of == AcceptedKind::Regression && e.metric == metric)
    }

    fn not_slower(&self) -> Joined {
        let words = words_if_faster(self.selection, self.name, self.new);
        Joined { level_shift: None, words }
    }

    /// Errors: exit 1, it is slower and nobody answers for it.
    fn answered(&self, stated: Option<&str>) -> anyhow::Result<Joined> {
        let (moved, worse) = (self.moved(), self.worse());
        let uncovered = moved
            .filter(|moved| moved.iter().any(|m| m.slower && self.excused(m.metric).is_none()));
        match (moved, stated) {
            (None, None) if worse.is_none() => Ok(self.not_slower()),
            (None, Some(_)) if worse.is_none() => {
                note(&bilingual!(
                    "{name} needs no --level-shift: it is not slower than the sessions that it joins, so none is kept",
                    "{name}: 이전 세션보다 느리지 않아 --level-shift가 필요 없고, 저장하지 않음",
                    name = text::plain(self.name)
                ));
                Ok(self.not_slower())
            }
            (_, Some(reason)) => {
                let (name, why) = (text::plain(self.name), text::plain(reason));
                let words = bilingual!(
                    "{name}: a new segment begins with this session: {why}",
                    "{name}: 이 세션부터 새 구간: {why}"
                );
                Ok(Joined { level_shift: Some(reason.to_owned()), words: Some(words) })
            }
            (Some(moved), None) if worse.is_none() && uncovered.is_none() => {
                let words = moved
                    .iter()
                    .find_map(|m| self.excused(m.metric))
                    .map(|e| e.terms.to_string())
                    .unwrap_or_default();
                Ok(Joined { level_shift: Some(format!("accepted {words}")), words: None })
            }
            (moved, None) => {
                let sizes = worse.or_else(|| moved.map(|m| changes(m))).unwrap_or_default();
                let before = before(self.selection, self.new);
                bail!(Failure::gate(slower(&text::plain(self.name), &before, &sizes)))
            }
        }
    }
}

/// Why a record without a commit is no session.
pub fn keyed_by_commit() -> Text {
    bilingual!(
        "a baseline is keyed by commit, and the record has none",
        "기준선은 커밋으로 찾는데 레코드에 커밋이 없음"
    )
}

/// That nobody answers for a slower session, and what to do. `before`: those that it would join.
fn slower(name: &str, before: &Text, sizes: &str) -> Text {
    let what = Text {
        en: format!(
            "not added to the baseline, {name} is slower than the sessions that it would join ({}): {sizes}",
            before.en
        ),
        ko: format!("기준선에 추가하지 않음, {name}: 이전 세션들({})보다 느림: {sizes}", before.ko),
    };
    what.then(&bilingual!(
        "\nhint: find what makes it slower (`goodput-gate compare`); if it is meant, `goodput-gate accept --reason ...` on its report, or say why here: --level-shift REASON",
        "\n힌트: 느려진 원인을 찾으십시오 (`goodput-gate compare`). 의도한 것이면 리포트에 `goodput-gate accept --reason ...`를 실행하거나, 여기서 이유를 쓰십시오: --level-shift REASON"
    ))
}

/// The segment without the new session.
fn before(selection: &Selection<'_>, new: &Placed) -> Text {
    let used = selection.used.iter().filter(|placed| !std::ptr::eq(**placed, new)).count();
    let first = selection.used.first().map(|(_, s)| text::short(&s.commit)).unwrap_or_default();
    Text {
        en: format!("{} since {first}", text::count(used as u64, "session", "sessions")),
        ko: format!("{first}부터 {used}개"),
    }
}

fn words_if_faster(selection: &Selection<'_>, name: &str, new: &Placed) -> Option<Text> {
    let first = selection.used.first().is_some_and(|placed| std::ptr::eq(*placed, new));
    match &selection.begin {
        Begin::Faster(moved) if first => Some(bilingual!(
            "{name}: a new segment begins with this session, which is faster than those before it ({changes}): until six are there, only what is \
             grossly slower is judged",
            "{name}: 이 세션부터 새 구간, 이전 세션들보다 빠름 ({changes}): 여섯 개가 될 때까지는 크게 느려진 것만 판정",
            name = text::plain(name),
            changes = changes(moved)
        )),
        _ => None,
    }
}
