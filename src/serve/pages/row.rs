//! A run as a line of a page: its outcome in words, and links by what it shows. Not here: the pages
//! (`home`, `history`, `result`).

use super::frame::Frame;
use crate::app::runs::found::{Run, State};
use crate::app::runs::table::outcome;
use crate::report::page::tone;
use crate::report::text;
use crate::verdict::Verdict;

/// A word with the class of its colour.
pub struct Named {
    pub word: String,
    pub tone: &'static str,
}

/// A name and where it leads.
pub struct Link {
    pub name: String,
    pub to: String,
}

pub struct Row {
    pub id: String,
    pub short: String,
    /// Its own page.
    pub to: String,
    pub outcome: Named,
    /// RFC 3339.
    pub started: String,
    pub day: String,
    pub verb: String,
    pub headline: Option<String>,
    pub workloads: Vec<(Link, Option<Named>)>,
    pub models: Vec<Link>,
    pub servers: Vec<Link>,
    pub branch: Option<Link>,
    pub commit: Option<Link>,
    /// Its state may change by itself.
    pub goes_on: bool,
}

impl Named {
    pub fn verdict(verdict: Verdict) -> Self {
        Self { word: verdict.word().to_owned(), tone: tone(Some(verdict)) }
    }
}

impl Row {
    pub fn new(frame: &Frame, run: &Run) -> Self {
        let by = |key: &str, name: &str| Link {
            name: text::plain(name),
            to: frame.link_with("/history", &[(key, name)]),
        };
        let all = |key: &str, names: &[String]| names.iter().map(|name| by(key, name)).collect();
        Self {
            id: run.id.to_string(),
            short: run.id.short().to_owned(),
            to: frame.link(&format!("/runs/{}", run.id)),
            outcome: named_outcome(frame, run),
            started: run.started.clone(),
            day: text::minute(&run.started),
            verb: run.verb.clone().unwrap_or_default(),
            headline: headline(frame, run),
            workloads: run
                .workloads
                .iter()
                .map(|w| (by("workload", &w.name), run.standing_verdict_of(w).map(Named::verdict)))
                .collect(),
            models: all("model", &run.models),
            servers: all("server", &run.servers),
            branch: run.branch.as_deref().map(|branch| by("branch", branch)),
            commit: run.commit.as_deref().map(|commit| Link {
                name: text::short(commit),
                to: frame.link_with("/history", &[("commit", commit)]),
            }),
            goes_on: run.goes_on(),
        }
    }
}

/// How it stands, in a word or two.
pub fn named_outcome(frame: &Frame, run: &Run) -> Named {
    let tone = match run.state {
        State::Ended => match (run.standing_verdict(), run.exit_code) {
            (None, Some(0)) => "plain",
            (None, _) => "void",
            (verdict, _) => tone(verdict),
        },
        State::Queued | State::Running => "plain",
        State::CutOff | State::Damaged => "void",
    };
    Named { word: frame.sentence(&outcome(run)).to_owned(), tone }
}

/// What came of it, without the verdict, which stands before it.
pub fn headline(frame: &Frame, run: &Run) -> Option<String> {
    let korean = run.headline_ko.as_deref().or(run.headline.as_deref());
    let headline = run.headline.as_deref().map(|english| {
        let whole = frame.text(english, korean.unwrap_or(english));
        // A run that was not judged says so itself: "measured 24 requests, nothing judged".
        let word = run.verdict.map_or("measured", Verdict::word);
        text::plain(whole.strip_prefix(word).unwrap_or(whole).trim_start_matches([':', ' ']))
    });
    headline.filter(|headline| !headline.is_empty())
}
