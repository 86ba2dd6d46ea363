//! The friendly last line of a local `check`: what to do now. On standard error, since standard output is the report.
#![expect(clippy::disallowed_methods, reason = "rim: reads whether this is a CI job")]

use super::output::say;
use crate::report::Report;
use crate::verdict::Verdict;

/// After `check` on somebody's machine. In a CI job nobody reads it there: the comment says it.
pub fn after_check(report: &Report) {
    let set = |name: &str| std::env::var(name).is_ok_and(|v| !v.is_empty() && v != "false" && v != "0");
    if ["CI", "GITHUB_ACTIONS"].into_iter().any(set) {
        return;
    }
    if let Some(line) = report.verdict.and_then(|v| words(v, report)) {
        say(&format!("\n{line}"));
    }
}

/// Nothing after a PASS: there is nothing to do.
fn words(verdict: Verdict, report: &Report) -> Option<String> {
    let worst = report.workloads.iter().find(|w| w.verdict == Some(verdict));
    let metric = worst.and_then(|w| w.metrics.iter().find(|m| m.judgement.as_deref() == Some("regressed")));
    Some(match verdict {
        Verdict::Passed => return None,
        Verdict::Failed => {
            let explain = metric.map_or_else(String::new, |m| {
                format!("; `goodput-gate compare baselines .goodput-gate/record.json --explain {}` shows the arithmetic", m.metric)
            });
            format!(
                "next: this change would fail the gate. Run `goodput-gate check` on the base branch here: if that passes, the change is the cause{explain}"
            )
        }
        Verdict::Inconclusive => {
            let needed = worst.and_then(|w| w.baseline.as_ref()).and_then(|b| b.sessions_needed).filter(|n| *n > 0);
            match needed {
                Some(n) => format!(
                    "next: nothing is proven either way. {n} more baseline session(s) let the gate see more: `goodput-gate baseline update --sessions {n}` on the base branch"
                ),
                None => "next: nothing is proven either way. Restart the server, `cp .goodput-gate/record.json first.json`, and \
                    `goodput-gate check --with first.json`: both jobs are judged together"
                    .into(),
            }
        }
        Verdict::NoBaseline => {
            "next: there is nothing to compare with yet. On the base branch: `goodput-gate baseline update`, then commit baselines/".into()
        }
        Verdict::Incomparable => {
            "next: the baselines are of something else (the fields are above). Undo that difference, or `goodput-gate baseline update` on the base branch".into()
        }
        Verdict::Invalid => "next: this measurement says nothing. Do what the reason above says, or ask `goodput-gate doctor`".into(),
    })
}
