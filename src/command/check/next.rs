//! The friendly last line of a local `check`: what to do now. On standard error, since standard
//! output is the report.
use std::path::Path;

use crate::app::workspace::ci;
use crate::config::Lang;
use crate::judge::Mode;
use crate::print::say;
use crate::report::codes::Sentence;
use crate::report::{self, Report, WorkloadReport};
use crate::verdict::{Reason, Verdict};

/// After `check` on somebody's machine. In a CI job nobody reads it there: the comment says it.
pub fn after_check(report: &Report, out: &Path, lang: Lang) {
    if ci::is_ci() {
        return;
    }
    let record = out.join("record.json").display().to_string();
    if let Some(line) = report.verdict.and_then(|v| advice(v, report, &record)) {
        say(&report::say(lang, &format!("next: {line}")));
    }
}

/// Nothing after a PASS: there is nothing to do.
fn advice(verdict: Verdict, report: &Report, record: &str) -> Option<String> {
    let worst = report.workloads.iter().find(|w| w.verdict == Some(verdict));
    let mode = worst.and_then(|w| w.comparison.as_ref()).map(|c| c.mode);
    Some(match verdict {
        Verdict::Passed => return None,
        Verdict::Failed => {
            let metric = worst.and_then(|w| w.metrics.iter().find(|m| m.is_regression()));
            match (metric, mode) {
                (None, _) => "a limit is breached: make it faster, or change `limits` if it was never meant to hold here".into(),
                (Some(_), Some(Mode::Interleaved)) => "the change is the cause: both builds ran in this job. Find what makes it slower".into(),
                (Some(m), _) => format!(
                    "check the base branch here too (`git stash` or another worktree): if it passes, the change is the cause; \
                     `goodput-gate compare baselines {record} --explain {}` shows the arithmetic; if it is meant, `goodput-gate accept --reason ...`",
                    m.metric
                ),
            }
        }
        // Its reason says what to do, and another attempt is not it.
        Verdict::Inconclusive if worst.is_some_and(held) => return None,
        Verdict::Inconclusive => {
            let needed = worst.and_then(|w| w.baseline.as_ref()).and_then(|b| b.sessions_needed).filter(|n| *n > 0);
            match (needed, mode) {
                (Some(n), _) => format!(
                    "nothing is proven yet; {n} more of the base branch let the gate see more: `goodput-gate baseline update` there, on different days"
                ),
                (None, Some(Mode::Interleaved)) => {
                    "nothing is proven: a quieter machine, more starts (`--starts`, `gate.starts`) or more requests per round see more \
                     (`goodput-gate calibrate` says what is visible)"
                        .into()
                }
                (None, Some(_)) => format!(
                    "nothing is proven: measure more in one attempt (`--starts`, `gate.starts`, or `--interleaved`); or commit, and on another machine `goodput-gate check --with {record}` (this record) judges both jobs together"
                ),
                (None, None) => "no limit is breached, and not all are proven: more rounds (`gate.rounds`) or requests prove them".into(),
            }
        }
        Verdict::Blind if mode == Some(Mode::Interleaved) => {
            "this run could see nothing that matters: let the gate start both servers more often (`gate.starts`), or on a quieter machine \
             (`goodput-gate calibrate` says what is visible)"
                .into()
        }
        Verdict::Blind => {
            "this run could see nothing that matters: `goodput-gate baseline history` shows which sessions differ; until they are replaced, \
             `goodput-gate check --interleaved` needs none of them"
                .into()
        }
        Verdict::NoBaseline => {
            "there is nothing to compare with yet: on the base branch `goodput-gate baseline update`, then commit `baselines/`".into()
        }
        Verdict::Incomparable => {
            "the baselines are of something else: undo the difference that is named above, or `goodput-gate baseline update` on the base branch".into()
        }
        Verdict::Incomplete => {
            "evidence is missing or contradicts itself: do what the reason above says; measuring the same again changes nothing".into()
        }
        Verdict::Invalid => "this measurement says nothing: do what the reason above says, or ask `goodput-gate doctor`".into(),
    })
}

/// An earlier attempt failed, and nothing else is in the way.
fn held(w: &WorkloadReport) -> bool {
    let first = w.reasons.first().and_then(|reason| w.codes.sentence(reason));
    matches!(first, Some(Sentence::Reason(Reason::AttemptFailed { .. })))
}
