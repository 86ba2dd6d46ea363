//! The text that GitHub shows: pull-request comment, check summary, step summary. Cut in tiers to
//! the room that there is.
//!
//! Several reports (a matrix) make one text. All foreign text is escaped by `markdown`. Not here:
//! posting it (`github`).

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::attempts::ledger;
use super::labels::labels;
use super::markdown::escape::{code, escape};
use super::markdown::{at_a_glance, attempts, folded, headline, origin, sweeps, workload};
use super::{Report, text};
use crate::attempt::Attempt;
use crate::config::Lang;
use crate::exit::ExitStatus;
use crate::verdict::Verdict;

mod first;

/// First line of a comment, invisible: whose it is, and of which run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Two gates keep two comments.
    pub gate: String,
    /// The commit under test.
    pub head: Option<String>,
    /// Workflow run that measured.
    pub run: Option<u64>,
    pub attempt: u64,
    /// Every attempt at that commit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
}

/// What a text says beside its reports.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The gate's name, where a repository has several.
    pub gate: Option<String>,
    /// The commit under test; what was checked out (the reports' own commit) may be its merge with
    /// the base.
    pub head: Option<String>,
    pub base: Option<String>,
    /// Page of the run that measured.
    pub run_url: Option<String>,
    /// A job that the change under test controls has measured.
    pub untrusted: bool,
    /// Of the text.
    pub lang: Lang,
}

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    Chars(usize),
    Bytes(usize),
}

/// How much is said, most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tier {
    /// What decides, and all the rest in a fold.
    Everything,
    /// Without the fold.
    Decisive,
    /// Without the table.
    Reasons,
    /// The verdict alone.
    Headlines,
}

/// GitHub refuses comments of more than 65,536 characters; the difference is for what it counts
/// otherwise than we do.
pub const COMMENT: Room = Room::Chars(60_000);
pub const DEFAULT_GATE: &str = "goodput-gate";

const OPEN: &str = "<!-- goodput-gate: ";
const CLOSE: &str = " -->";
const TIERS: [Tier; 4] = [Tier::Everything, Tier::Decisive, Tier::Reasons, Tier::Headlines];
const LONGEST_GATE: usize = 64;

impl Marker {
    pub fn line(&self) -> String {
        let json = serde_json::to_string(self).expect("a marker is plain data");
        // Nothing in it ends the HTML comment, or tells anybody. All that is not a string in this
        // JSON has no such characters.
        let json = json
            .replace('-', "\\u002d")
            .replace('<', "\\u003c")
            .replace('>', "\\u003e")
            .replace('@', "\\u0040");
        format!("{OPEN}{json}{CLOSE}")
    }

    /// Of a comment's body: of its first line and of no other, since a comment may quote another.
    pub fn parse(body: &str) -> Option<Self> {
        let line = body.lines().next()?.trim_end();
        serde_json::from_str(line.strip_prefix(OPEN)?.strip_suffix(CLOSE)?).ok()
    }

    /// By run, then by attempt. Unknown is oldest: what nobody can date must not displace what is
    /// dated.
    pub fn is_older_than(&self, other: &Self) -> bool {
        (self.run, self.attempt) < (other.run, other.attempt)
    }
}

/// A gate's name: it becomes part of a marker, of a check's name, of a status's context.
pub fn is_gate_name(name: &str) -> bool {
    let safe = |c: char| c.is_ascii_alphanumeric() || " ._/-".contains(c);
    (1..=LONGEST_GATE).contains(&name.len()) && name.chars().all(safe) && name.trim() == name
}

/// The comment, marker first.
pub fn comment(reports: &[Report], about: &About, marker: &Marker) -> String {
    let line = marker.line();
    let Room::Chars(most) = COMMENT else { return line };
    format!(
        "{line}\n{}",
        fit(reports, about, Room::Chars(most.saturating_sub(line.chars().count() + 1)))
            .unwrap_or_default()
    )
}

/// The longest text that fits. `None` where not even the shortest does.
pub fn fit(reports: &[Report], about: &About, room: Room) -> Option<String> {
    let cuts = std::iter::repeat_n(Tier::Headlines, reports.len()).zip((0..reports.len()).rev());
    let tiers = TIERS.into_iter().map(|tier| (tier, reports.len()));
    tiers
        .chain(cuts)
        .map(|(tier, shown)| whole(reports, about, tier, shown))
        .find(|text| room.holds(text))
}

/// The report that stands for all: the worst.
pub fn worst(reports: &[Report]) -> Option<&Report> {
    let rank = |r: &&Report| {
        let code = |s: ExitStatus| s.code() == r.exit_code;
        match r.verdict {
            _ if code(ExitStatus::GateFailed) => 0,
            _ if code(ExitStatus::CouldNotMeasure) => 1,
            _ if code(ExitStatus::NoBaseline) => 3,
            _ if code(ExitStatus::Inconclusive) => 4,
            _ if r.exit_code != 0 => 2,
            Some(Verdict::Passed) => 6,
            _ => 5,
        }
    };
    reports.iter().min_by_key(rank)
}

/// One line for a check's title: the worst report's headline, and how many there are.
pub fn title(reports: &[Report], about: &About) -> String {
    let line = worst(reports).map_or_else(
        || labels(about.lang).nothing_measured.to_owned(),
        // Titles are plain text: what Markdown sets as code has quotes.
        |r| text::headline(r, about.lang).replace('`', "'"),
    );
    let many = (reports.len() > 1).then(|| match about.lang {
        Lang::En => format!("worst of {} records", reports.len()),
        Lang::Ko => format!("레코드 {}개 중 최악", reports.len()),
    });
    let untrusted = about.untrusted.then(|| labels(about.lang).untrusted_job.to_owned());
    let asides = many.into_iter().chain(untrusted).map(|aside| format!(" ({aside})"));
    line + &asides.collect::<String>()
}

/// What regressed and which limits are breached, with their workload; without what is accepted.
pub fn regressed(reports: &[Report]) -> Vec<(String, String)> {
    let all = reports.iter().flat_map(|r| &r.workloads);
    let of = |w: &super::WorkloadReport| {
        let metrics = w.metrics.iter().filter(|m| m.is_unaccepted_regression()).map(|m| {
            let change = text::change(&m.unit, m.change_ratio);
            (
                format!("{}/{}", w.name, m.metric),
                format!("{} {change} ({})", m.metric, text::interval(m, Lang::En)),
            )
        });
        let limits = w.limits.iter().filter(|l| text::breached(l));
        let limits = limits.map(|l| {
            (format!("{}/{}", w.name, l.metric), format!("limit: {}", text::plain(&l.reason)))
        });
        metrics.chain(limits).collect::<Vec<_>>()
    };
    all.flat_map(of).collect()
}

impl Room {
    fn holds(self, text: &str) -> bool {
        match self {
            Self::Chars(most) => text.chars().count() <= most,
            Self::Bytes(most) => text.len() <= most,
        }
    }
}

fn whole(reports: &[Report], about: &About, tier: Tier, shown: usize) -> String {
    let mut out = String::new();
    if let Some(gate) = about.gate.as_ref().filter(|g| *g != DEFAULT_GATE) {
        let _ = write!(out, "### {}\n\n", code(gate));
    }
    let lang = about.lang;
    let note = if about.untrusted {
        format!("\n> {}\n", labels(about.lang).untrusted)
    } else {
        String::new()
    };
    let many = reports.len() > 1;
    if let Some(worst) = worst(reports).filter(|_| many) {
        let word = worst
            .verdict
            .map_or_else(|| labels(about.lang).nothing_judged.to_owned(), |v| v.word().to_owned());
        let _ = writeln!(
            out,
            "**{word}** {}",
            match lang {
                Lang::En => format!("is the worst of {} records.", reports.len()),
                Lang::Ko => format!("레코드 {}개 중 최악의 판정입니다.", reports.len()),
            }
        );
        out += &note;
    }
    for (i, report) in reports.iter().take(shown).enumerate() {
        if many {
            let _ = write!(out, "\n## {}\n\n", record_title(report, i, reports.len(), about.lang));
        }
        out += &report_part(report, tier, if many { "" } else { &note }, about.lang);
    }
    if shown < reports.len() {
        let hidden = (reports.len() - shown) as u64;
        let hidden = match lang {
            Lang::En => format!("{} more are not shown.", text::count(hidden, "record", "records")),
            Lang::Ko => format!("나머지 레코드 {hidden}개는 생략했습니다."),
        };
        let _ = write!(out, "\n{hidden}\n");
    }
    if tier == Tier::Everything {
        out += &folded(labels(about.lang).rest, &rest(reports, about.lang));
    } else if tier < Tier::Headlines {
        out += &attempts(&ledger(reports), about.lang);
    }
    out + &foot(reports, about, tier)
}

fn record_title(report: &Report, index: usize, of: usize, lang: Lang) -> String {
    let runner = report
        .host
        .get("runner")
        .map_or_else(String::new, |runner| format!(", runner {}", code(runner)));
    match lang {
        Lang::En => format!("Record {} of {of}{runner}", index + 1),
        Lang::Ko => format!("레코드 {}/{of}{runner}", index + 1),
    }
}

/// What nobody needs at once, of all reports.
fn rest(reports: &[Report], lang: Lang) -> String {
    let mut out = attempts(&ledger(reports), lang);
    for (i, report) in reports.iter().enumerate() {
        if reports.len() > 1 {
            let _ = write!(out, "\n## {}\n", record_title(report, i, reports.len(), lang));
        }
        out += &at_a_glance(report, lang);
        out += &sweeps(report, lang);
        out.extend(report.workloads.iter().map(|w| workload(report, w, lang)));
        out += &origin(report, lang);
    }
    out
}

/// `note` stands below the verdict.
fn report_part(report: &Report, tier: Tier, note: &str, lang: Lang) -> String {
    if tier == Tier::Headlines {
        return match report.verdict {
            Some(v) => {
                let line = text::excerpt(&text::headline(report, lang));
                format!(
                    "**{}**{}\n{note}",
                    v.word(),
                    escape(line.strip_prefix(v.word()).unwrap_or(&line))
                )
            }
            None => format!("{}\n{note}", escape(&text::excerpt(&text::headline(report, lang)))),
        };
    }
    let mut out = headline(report, lang) + note + &first::remarks(report, lang);
    if tier <= Tier::Decisive {
        out += &first::numbers(report, lang);
    }
    out
}

fn foot(reports: &[Report], about: &About, tier: Tier) -> String {
    let l = labels(about.lang);
    let url = about.run_url.as_ref();
    let mut facts: Vec<String> = Vec::new();
    facts.extend(url.map(|url| format!("[{}]({url}#artifacts)", l.html_report)));
    facts.extend(url.map(|url| format!("[{}]({url})", l.job)));
    let commit = |what: &str, sha: &String| format!("{what} {}", commit_link(about, sha));
    facts.extend(about.head.as_ref().map(|sha| commit(l.this_change, sha)));
    let measured = reports
        .first()
        .and_then(|r| r.git.as_ref())
        .filter(|g| about.head.as_ref() != Some(&g.commit));
    facts.extend(
        measured.map(|g| format!("{} {}", l.measured_commit, code(&text::short(&g.commit)))),
    );
    facts.extend(about.base.as_ref().map(|sha| commit("base", sha)));
    if let Some(first) = reports.first() {
        facts.push(format!("goodput-gate {}", escape(&first.tool_version)));
    }
    facts.extend(
        worst(reports)
            .map(|r| text::exit_code(r.exit_code, reports, about.lang))
            .map(|exit| escape(&format!("{} {exit}", l.exit_code))),
    );
    let cut = match tier {
        Tier::Everything => String::new(),
        _ => format!("\n{}\n", l.cut),
    };
    format!("{cut}\n{}\n", facts.join(" · "))
}

/// Its page, where the run's page tells the repository's.
fn commit_link(about: &About, sha: &str) -> String {
    let short = code(&text::short(sha));
    let repository =
        about.run_url.as_ref().and_then(|url| Some(url.split_once("/actions/runs/")?.0));
    let hash = sha.bytes().all(|b| b.is_ascii_hexdigit());
    match repository.filter(|_| hash) {
        Some(repository) => format!("[{short}]({repository}/commit/{sha})"),
        None => short,
    }
}

#[cfg(test)]
mod tests;
