//! What GitHub is told of new baseline sessions: a commit's message, a pull request's title and
//! text. Pure.
//!
//! The text has a row per session, and rows are added to that of a request that is open. Not here:
//! who sends it (`github`).

use super::markdown::escape::{code, escape};
use super::text;
use crate::metric::Metric;
use crate::record::session::Session;

/// Rows end here; a later update goes on above it.
const END: &str = "<!-- goodput-gate: sessions end here -->";
const INTRO: &str = "Baseline sessions of unchanged code, measured by goodput-gate. With them merged, later changes are judged against what this \
    server did here; nothing else changes.";
/// Names of metrics, as reports have them.
const SHOWN: [&str; 4] = ["ttft_geomean", "tpot_geomean", "goodput", "error_rate"];
/// GitHub refuses a text of more than 65,536 characters.
const MOST_CHARS: usize = 60_000;

/// Subject, and the run that added them.
pub fn commit_message(sessions: &[Session], run_url: Option<&str>) -> String {
    let what = match sessions {
        [_] => "a baseline session".to_owned(),
        many => text::count(many.len() as u64, "baseline session", "baseline sessions"),
    };
    let first = sessions.first().map(|s| &s.commit);
    let of = first
        .filter(|c| sessions.iter().all(|s| s.commit == **c))
        .map(|c| format!(" of {}", text::short(c)));
    let run = run_url.map(|url| format!("\n\nAdded by {url}"));
    format!("Add {what}{}{}", of.unwrap_or_default(), run.unwrap_or_default())
}

pub fn title(base: &str) -> String {
    format!("Add baseline sessions to {base}")
}

/// A request's text. `open` is what it says now; rows of sessions that it names already are not
/// repeated.
pub fn body(sessions: &[Session], open: Option<&str>) -> String {
    let fresh = |was: &str| -> String {
        sessions.iter().filter(|s| !was.contains(&mark(s))).map(row).collect()
    };
    let added = open.map(|was| match was.split_once(END) {
        Some((above, below)) => format!("{above}{}{END}{below}", fresh(was)),
        None => format!("{was}\n\n{}", table(&fresh(was))),
    });
    added
        .filter(|text| text.chars().count() <= MOST_CHARS)
        .unwrap_or_else(|| format!("{INTRO}\n\n{}", table(&fresh(""))))
}

fn table(rows: &str) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let (names, lines) = (SHOWN.join(" | "), "---|".repeat(SHOWN.len()));
    format!(
        "| workload | commit | session | runner | starts | {names} |\n|---|---|---|---|---|{lines}\n{rows}{END}\n"
    )
}

fn row(session: &Session) -> String {
    let runner = session.runner.as_deref().map_or_else(|| text::ABSENT.to_owned(), escape);
    let shown = SHOWN.iter().filter_map(|name| Metric::parse(name)).map(|metric| {
        let value = session.pooled.get(&metric.key()).copied();
        text::value(metric.unit().suffix(), value)
    });
    let shown = shown.collect::<Vec<_>>().join(" | ");
    format!("{} {runner} | {} | {shown} |\n", mark(session), session.starts.len())
}

/// How a row is found again: it begins so. The hash is bare, since GitHub makes a link of it.
fn mark(session: &Session) -> String {
    format!(
        "| {} | {} | {} |",
        code(&session.workload),
        escape(&session.commit),
        code(&session.session)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(id: &str) -> Session {
        let text = include_str!("../../tests/fixtures/lineage/session.json");
        Session {
            session: id.into(),
            commit: "1".repeat(40),
            ..Session::parse(text).expect("a session")
        }
    }

    #[test]
    fn a_message_says_how_many_of_what() {
        let mine = session("aaaaaaaa");
        assert_eq!(
            commit_message(std::slice::from_ref(&mine), None),
            "Add a baseline session of 111111111111"
        );
        let two = commit_message(&[mine.clone(), mine.clone()], Some("https://x/1"));
        assert_eq!(two, "Add 2 baseline sessions of 111111111111\n\nAdded by https://x/1");
        let other = Session { commit: "2".repeat(40), ..mine.clone() };
        assert_eq!(commit_message(&[mine, other], None), "Add 2 baseline sessions");
    }

    #[test]
    fn rows_are_added_once_below_those_that_are_there() {
        let first = body(&[session("aaaaaaaa")], None);
        assert!(first.starts_with(INTRO) && first.contains("97.22 ms"), "{first}");
        let both = body(&[session("aaaaaaaa"), session("bbbbbbbb")], Some(&first));
        assert_eq!(
            (both.matches("aaaaaaaa").count(), both.matches("bbbbbbbb").count()),
            (1, 1),
            "{both}"
        );
        assert!(both.find("aaaaaaaa") < both.find("bbbbbbbb") && both.matches(END).count() == 1);
        let edited = body(&[session("cccccccc")], Some("a person wrote this"));
        assert!(
            edited.starts_with("a person wrote this\n\n| workload") && edited.contains("cccccccc"),
            "{edited}"
        );
        assert_eq!(body(&[session("aaaaaaaa")], Some(&first)), first);
        let full = body(&[session("dddddddd")], Some(&format!("{}{END}", "x".repeat(MOST_CHARS))));
        assert!(full.starts_with(INTRO) && full.len() < 2000, "what is too long begins again");
    }

    #[test]
    fn names_are_no_markup() {
        let hostile = Session {
            workload: "a|b @all <img>".into(),
            runner: Some("`x`\n| y |".into()),
            ..session("aaaaaaaa")
        };
        let text = body(&[hostile], None);
        assert!(!text.contains("@all") && !text.contains("<img>"), "{text}");
        let columns = |line: &str| line.matches('|').count();
        let lines: Vec<usize> = text.lines().filter(|l| l.starts_with('|')).map(columns).collect();
        assert!(lines.len() == 3 && lines.iter().all(|n| *n == lines[0]), "{text}");
    }
}
