//! The history of a branch as one HTML file: a plot per metric, change points marked, every session
//! a link to its commit. Not here: numbers.

use std::collections::BTreeMap;

use askama::Template;

use crate::config::Lang;

use super::History;
use crate::compare::Reason;
use crate::record::session::Session;
use crate::report::codes::Sentence;
use crate::report::labels::labels;
use crate::report::page::Shell;
use crate::report::page::plot::{Across, Curve, Kind, Plot, Point, plot};
use crate::report::text;

/// What the repository knows beside the sessions.
#[derive(Debug, Default)]
pub struct Branch {
    /// As people call it.
    pub name: String,
    /// `https://HOST/OWNER/NAME`, where it is known to be one.
    pub url: Option<String>,
    /// RFC 3339, UTC, by commit.
    pub authored: BTreeMap<String, String>,
}

/// A workload's comparable sessions, and what is shown of them.
#[derive(Debug)]
pub struct Workload<'a> {
    pub name: String,
    pub sessions: Vec<&'a Session>,
    pub histories: Vec<History<'a>>,
    /// Sessions of something else: another plan, machine or model.
    pub left_out: usize,
    /// Which of them a check counts, and why not the others.
    pub segment: Vec<Reason>,
}

#[derive(Template)]
#[template(path = "history.html")]
struct Page {
    shell: Shell,
    heading: String,
    sections: Vec<Section>,
}

struct Section {
    name: String,
    count: String,
    segment: Vec<String>,
    metrics: Vec<Metric>,
    header: Vec<String>,
    rows: Vec<Row>,
}

struct Metric {
    name: String,
    plot: Plot,
    moves: Vec<String>,
    count: String,
}

struct Row {
    commit: String,
    link: Option<String>,
    cells: Vec<String>,
}

pub fn render(
    branch: &Branch,
    workloads: &[Workload<'_>],
    tool_version: &str,
    lang: Lang,
) -> String {
    let name = text::plain(&branch.name);
    let heading = match lang {
        Lang::En => format!("Baselines of {name}"),
        Lang::Ko => format!("{name}의 기준선"),
    };
    let sections = workloads.iter().map(|w| section(branch, w, lang)).collect();
    let page = Page { shell: Shell::new(&heading, tool_version, lang), heading, sections };
    page.render().expect("writing to memory does not fail")
}

fn section(branch: &Branch, w: &Workload<'_>, lang: Lang) -> Section {
    let left_out = match (lang, w.left_out) {
        (_, 0) => String::new(),
        (Lang::En, n) => format!(
            "; {} of something else (another plan, machine or model) left out",
            text::count(n as u64, "session", "sessions")
        ),
        (Lang::Ko, n) => format!("; 다른 조건(계획, 장비, 모델)의 세션 {n}개 제외"),
    };
    let sessions = match lang {
        Lang::En => text::count(w.sessions.len() as u64, "session", "sessions"),
        Lang::Ko => format!("세션 {}개", w.sessions.len()),
    };
    let shown: Vec<&History<'_>> = w.histories.iter().filter(|h| !h.points.is_empty()).collect();
    let value = |h: &History<'_>, s: &Session| {
        s.pooled.get(&h.metric.key()).map_or(text::ABSENT.into(), |v| h.value(*v))
    };
    let row = |s: &&Session| Row {
        commit: text::short(&s.commit),
        link: link(branch, s),
        cells: [day(&s.commit_date), text::plain(&s.session)]
            .into_iter()
            .chain(shown.iter().map(|h| value(h, s)))
            .collect(),
    };
    Section {
        name: text::plain(&w.name),
        count: format!("{sessions}{left_out}"),
        segment: w.segment.iter().map(|reason| said_plainly(reason, lang)).collect(),
        metrics: shown.iter().filter_map(|h| metric(branch, h, lang)).collect(),
        header: shown.iter().map(|h| h.metric.name()).collect(),
        rows: w.sessions.iter().map(row).collect(),
    }
}

fn said_plainly(reason: &Reason, lang: Lang) -> String {
    text::plain(&Sentence::Reason(reason.clone().into()).say(lang))
}

fn metric(branch: &Branch, h: &History<'_>, lang: Lang) -> Option<Metric> {
    let unit = h.metric.unit().suffix();
    let scale = if unit == "ratio" { 100.0 } else { 1.0 };
    let point = |(i, (session, value)): (usize, &(&Session, f64))| Point {
        x: i as f64,
        y: value * scale,
        title: format!("{}: {}", dates(branch, session, lang), h.value(*value)),
        link: link(branch, session),
        kind: Kind::Plain,
    };
    let points = h.points.iter().enumerate().map(point).collect();
    let names =
        h.points.iter().map(|(s, _)| text::short(&s.commit).chars().take(7).collect()).collect();
    let moved: Vec<f64> = h.moved.iter().map(|c| c.at as f64).collect();
    let shown = if unit == "ratio" {
        "%".to_owned()
    } else {
        unit.replace("_per_s", "/s").replace("per_s", "/s")
    };
    let title = format!("{}, {shown}", h.metric.name());
    let plot = plot(
        title,
        labels(lang).commit.to_owned(),
        &Across::Names(names),
        &[Curve { name: h.metric.name(), points }],
        &moved,
    )?;
    Some(Metric {
        name: h.metric.name(),
        plot,
        moves: h.moves(lang).collect(),
        count: h.count(lang),
    })
}

/// `0123456789ab, authored 2026-11-20, committed 2026-11-21`
fn dates(branch: &Branch, session: &Session, lang: Lang) -> String {
    let (authored, committed) = match lang {
        Lang::En => ("authored", "committed"),
        Lang::Ko => ("작성", "커밋"),
    };
    let authored = branch
        .authored
        .get(&session.commit)
        .map_or_else(String::new, |date| format!(", {authored} {}", day(date)));
    format!("{}{authored}, {committed} {}", text::short(&session.commit), day(&session.commit_date))
}

fn day(date: &str) -> String {
    text::plain(date).split('T').next().unwrap_or_default().to_owned()
}

/// Only to the web, and only where the commit is a hash: both come from files.
fn link(branch: &Branch, session: &Session) -> Option<String> {
    let url = branch.url.as_deref().filter(|url| url.starts_with("https://"))?;
    let hash = session.commit.len() >= 7 && session.commit.bytes().all(|b| b.is_ascii_hexdigit());
    let plain = url.chars().all(|c| c.is_ascii_alphanumeric() || "-._~/:".contains(c));
    (hash && plain).then(|| format!("{url}/commit/{}", session.commit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Metric as Named;

    fn sessions(commits: &[&str]) -> Vec<Session> {
        let text =
            include_str!("../../../tests/fixtures/records/baselines/fe2308477745-2e3df848.json");
        let one = Session::parse(text).expect("the fixture");
        let each = commits.iter().enumerate().map(|(i, commit)| {
            let mut session =
                Session { commit: (*commit).into(), session: format!("s{i}"), ..one.clone() };
            for value in session.pooled.values_mut() {
                *value *= if i >= 8 { 1.5 } else { 1.0 } + i as f64 / 1000.0;
            }
            session
        });
        each.collect()
    }

    fn page(branch: &Branch, sessions: &[Session]) -> String {
        let all: Vec<&Session> = sessions.iter().collect();
        let histories = ["ttft_geomean", "tpot_geomean"]
            .map(|m| History::from_sessions(&all, Named::parse(m).expect("a metric")));
        let workload = Workload {
            name: "<chat>".into(),
            sessions: all,
            histories: histories.into(),
            left_out: 2,
            segment: vec![Reason::NoSessionCounts],
        };
        render(branch, &[workload], "0.1.0", Lang::En)
    }

    fn commits() -> Vec<String> {
        (0..16).map(|i| format!("{i:040x}")).collect()
    }

    #[test]
    fn every_session_is_a_link_and_a_move_is_marked() {
        let commits = commits();
        let names: Vec<&str> = commits.iter().map(String::as_str).collect();
        let authored = BTreeMap::from([(commits[3].clone(), "2026-11-20T08:00:00Z".to_owned())]);
        let branch =
            Branch { name: "main".into(), url: Some("https://git.example/a/b".into()), authored };
        let page = page(&branch, &sessions(&names));
        // In two plots and in the table.
        assert_eq!(
            page.matches(&format!("href=\"https://git.example/a/b/commit/{}\"", commits[3]))
                .count(),
            3
        );
        assert_eq!(page.matches("class=\"moved\"").count(), 2, "one move of each metric");
        assert!(
            page.contains("authored 2026-11-20")
                && page.contains("&#60;chat&#62;")
                && page.contains("2 sessions of something")
                && page.contains("no session counts")
        );
    }

    #[test]
    fn only_hashes_and_the_web_are_linked() {
        let page_of = |url: Option<&str>, commit: &str| {
            page(&Branch { url: url.map(Into::into), ..Branch::default() }, &sessions(&[commit]))
        };
        let hash = "0123456789abcdef";
        assert!(
            page_of(Some("https://git.example/a"), hash)
                .contains("<a href=\"https://git.example/a/commit/0123456789abcdef\"")
        );
        for (url, commit) in [
            (None, hash),
            (Some("javascript:alert(1)//"), hash),
            (Some("https://git.example/\"onclick=\"x"), hash),
            (Some("https://git.example/a"), "unknown"),
            (Some("https://git.example/a"), "../../<b>"),
        ] {
            assert_eq!(page_of(url, commit).matches("<a href=\"").count(), 0, "{url:?} {commit}");
        }
    }
}
