//! The ledger of attempts as people read it, and as data in a text that GitHub keeps. Not here:
//! what it means (`attempt`).

use super::Report;
use super::labels::labels;
use super::markdown;
use super::markdown::escape::{code, escape};
use crate::attempt::{Attempt, merged};
use crate::config::Lang;
use crate::verdict::Verdict;

const OPEN: &str = "<!-- goodput-gate-attempts: ";
const CLOSE: &str = " -->";

/// Of all reports, each attempt once, in the order of time.
pub fn ledger(reports: &[Report]) -> Vec<Attempt> {
    merged(reports.iter().flat_map(|r| r.attempts.iter().cloned()))
}

/// A table; nothing where there is but one attempt.
pub fn table(attempts: &[Attempt], lang: Lang) -> String {
    if attempts.len() < 2 {
        return String::new();
    }
    let rows = attempts.iter().enumerate().map(|(i, a)| {
        let number = |n: Option<u64>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let run = match (a.run, &a.url) {
            (None, _) => "-".to_owned(),
            (Some(run), Some(url)) if is_link(url) => {
                format!("[{run} ({})]({url})", number(a.run_attempt))
            }
            (Some(run), _) => format!("{run} ({})", number(a.run_attempt)),
        };
        let machine = a.machine.as_deref().map_or_else(|| "-".to_owned(), code);
        let together = a.together.map_or("-", Verdict::word).to_owned();
        let (alone, exit) = (a.verdict.word().to_owned(), a.exit_code.to_string());
        vec![(i + 1).to_string(), alone, together, exit, escape(&a.created), machine, run]
    });
    let l = labels(lang);
    let heads = [l.attempt, l.by_itself, l.together, l.exit_code, l.time, l.machine, l.run];
    markdown::table(&heads, 0..0, rows)
}

/// It comes back from a text that somebody else may have edited.
fn is_link(url: &str) -> bool {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-._~:/".contains(c);
    (url.starts_with("https://") || url.starts_with("http://")) && url.chars().all(safe)
}

/// One line of a text, invisible.
pub fn data(attempts: &[Attempt]) -> String {
    let json = serde_json::to_string(attempts).expect("a ledger is plain data");
    // Nothing in it ends the HTML comment, or tells anybody.
    let json = json
        .replace("--", "\\u002d\\u002d")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('@', "\\u0040");
    format!("{OPEN}{json}{CLOSE}")
}

/// Of such a text; `None` where it has no such line.
pub fn parse(text: &str) -> Option<Vec<Attempt>> {
    let line = text.lines().find_map(|line| line.trim().strip_prefix(OPEN)?.strip_suffix(CLOSE))?;
    serde_json::from_str(line).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(session: &str, verdict: Verdict) -> Attempt {
        let created = format!("2026-11-20T09:30:0{session}Z");
        Attempt {
            session: session.into(),
            verdict,
            together: Some(verdict),
            machine: Some("ci-1 --> <b>".into()),
            url: Some("https://github.com/o/r/actions/runs/7/attempts/1".into()),
            ..Attempt::failed_once("k".into(), &created, Some((7, 1)))
        }
    }

    #[test]
    fn a_ledger_survives_a_text_and_ends_no_comment() {
        let all = [attempt("1", Verdict::Failed), attempt("2", Verdict::Passed)];
        let line = data(&all);
        assert_eq!(line.matches("-->").count(), 1, "{line}");
        assert_eq!(parse(&format!("before\n{line}\r\nafter")).as_deref(), Some(&all[..]));
        assert_eq!(parse("no ledger"), None);
    }

    #[test]
    fn a_table_is_for_more_than_one_and_believes_no_link() {
        assert_eq!(table(&[attempt("1", Verdict::Failed)], Lang::En), "");
        let odd = Attempt {
            url: Some("https://x/)[evil](javascript:1)".into()),
            ..attempt("2", Verdict::Passed)
        };
        let text = table(&[attempt("1", Verdict::Failed), odd], Lang::En);
        assert!(
            text.contains("[7 (1)](https://github.com/o/r/actions/runs/7/attempts/1)"),
            "{text}"
        );
        assert!(!text.contains("evil") && !text.contains("<b>"), "{text}");
    }
}
