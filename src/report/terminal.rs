//! The whole report for people at a terminal: verdict first, then per workload what was judged,
//! what was measured, and how well.
//!
//! Readable without colour; colour only where the caller asks for it (a terminal, no `NO_COLOR`).
//! Not here: which number is shown.

pub mod brief;

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle, presets};
use unicode_width::UnicodeWidthStr as _;

use super::contract::{Word, beside, english};
use super::labels::{Labels, labels};
use super::overview::{Overview, Row, overview, side_by_side};
use super::sweep::{self, SweepReport};
use super::{DistributionReport, Report, WorkloadReport, advice, server, text};
use crate::config::Lang;
use crate::judge::Judgement;
use crate::judge::limits::LimitState;
use crate::verdict::Verdict;

/// Narrower than this, no table is readable; lines are then left to the terminal to break.
const NARROWEST: u16 = 60;
/// From this width on, tables have room for a word's meaning beside it.
const ROOMY: u16 = 90;
/// Width of the labels, so that facts line up over a whole report.
const LABEL: usize = 10;
/// Columns of a workload's name beside its numbers.
const NAME: usize = 32;
/// More is in the page and in Markdown.
const MOST_ADVICE: usize = 3;

const RULED: TableStyle = presets::NOTHING.header_separator(LineStyle::none().fill('-'));

#[derive(Clone, Copy)]
enum Hue {
    Good,
    Bad,
    Open,
}

struct Pen {
    width: u16,
    colour: bool,
    lang: Lang,
}

/// Prose is wrapped to `width` columns. `colour` adds ANSI sequences and nothing else.
pub fn render(report: &Report, width: u16, colour: bool, lang: Lang) -> String {
    let pen = Pen { width: width.max(NARROWEST), colour, lang };
    let mut out = pen.headline(report);
    if let Some(all) = overview(report, lang) {
        out.push('\n');
        out += &pen.overview(&all);
    }
    for one in &report.sweeps {
        out.push('\n');
        out += &pen.sweep(one);
    }
    for workload in &report.workloads {
        out.push('\n');
        out += &pen.workload(report, workload);
    }
    out.push('\n');
    out += &pen.facts(&footer(report, lang));
    out
}

/// Several reports, each with what it is called: all workloads in one table, then what each report
/// says first. Prose is wrapped to `width` columns.
pub fn several(reports: &[(&str, &Report)], width: u16, lang: Lang) -> String {
    let pen = Pen { lang, ..bare(width) };
    let mut out = pen.overview(&side_by_side(reports, lang));
    for (name, report) in reports {
        out.push('\n');
        out += &pen.wrapped(&format!("{}: {}", text::plain(name), text::headline(report, lang)));
        out += &pen.facts(&footer(report, lang));
    }
    out
}

/// A table without colour and with its header as it is, for other views.
pub(super) fn ruled(
    header: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
    numbers: std::ops::Range<usize>,
    width: u16,
) -> String {
    bare(width).table(header, rows, numbers)
}

/// As `ruled`. What is wider than the terminal becomes several tables, each with the first column
/// and as many of the others as fit.
pub(super) fn parted(
    header: &[&str],
    rows: &[Vec<String>],
    numbers: std::ops::Range<usize>,
    width: u16,
) -> String {
    bare(width).parted(header, rows, &numbers)
}

/// Each with its label before it.
pub(super) fn facts(facts: &[(&str, String)], width: u16) -> String {
    bare(width).facts(facts)
}

fn bare(width: u16) -> Pen {
    Pen { width: width.max(NARROWEST), colour: false, lang: Lang::En }
}

/// A name on several lines, since a column is as wide as its widest.
pub(super) fn folded(name: &str, columns: usize) -> String {
    let letters: Vec<char> = name.chars().collect();
    letters
        .chunks(columns)
        .map(|part| part.iter().collect::<String>())
        .collect::<Vec<_>>()
        .join("\n")
}

impl Pen {
    fn headline(&self, report: &Report) -> String {
        let mut out = self.wrapped(&text::headline(report, self.lang));
        if let Some(verdict) = report.verdict {
            let word = verdict.word();
            if let Some(rest) = out.strip_prefix(word) {
                out = format!("{}{rest}", self.paint(hue(verdict), word));
            }
        }
        if report.interrupted {
            out += &self.wrapped(self.labels().interrupted);
        }
        for notice in text::notices(report, self.lang) {
            out += &self.wrapped(&format!("{}: {notice}", self.labels().note));
        }
        out
    }

    fn workload(&self, report: &Report, w: &WorkloadReport) -> String {
        let name = text::plain(&w.name);
        let mut out = match w.verdict {
            Some(verdict) => {
                let word = beside(self.lang, &[Word::Verdict(verdict)]);
                format!("{name}: {}\n", self.paint(hue(verdict), &word))
            }
            None => format!("{name}\n"),
        };
        out += &self.facts(&opening(report, w, self.lang));
        out.push('\n');
        out += &self.metrics(w);
        out += &self.limits(w);
        out += &self.distributions(&w.distributions);
        out += &self.facts(&closing(report, w, self.lang));
        out
    }

    fn metrics(&self, w: &WorkloadReport) -> String {
        if w.metrics.iter().all(|m| m.judgement.is_none()) {
            return String::new();
        }
        let l = self.labels();
        let header = [l.metric, l.baseline, l.this_change, l.change, l.interval, l.judgement];
        let rows = w.metrics.iter().map(|m| {
            vec![
                m.metric.clone(),
                text::value(&m.unit, m.baseline),
                text::value(&m.unit, m.candidate),
                text::change(&m.unit, m.change_ratio),
                text::interval(m, self.lang),
                // Narrow: the lines above say what was accepted, and of how much.
                self.state_text(&[match m.accepted {
                    Some(_) => Word::Accepted,
                    None => text::judgement(w, m),
                }]),
            ]
        });
        self.table(&header, rows, 1..5)
    }

    fn limits(&self, w: &WorkloadReport) -> String {
        let l = self.labels();
        let header = [l.limit, l.measured, l.interval, l.state];
        let rows = w.limits.iter().map(|l| {
            let interval = text::limit_interval(l, self.lang);
            vec![
                text::limit(l, self.lang),
                text::value(&l.unit, l.value),
                interval,
                self.state_text(&text::state(l)),
            ]
        });
        self.table(&header, rows, 1..3)
    }

    fn distributions(&self, all: &[DistributionReport]) -> String {
        let header: Vec<&str> = std::iter::once("ms")
            .chain(all.first().map(text::statistics).unwrap_or_default().map(|(name, _)| name))
            .collect();
        let rows = all.iter().map(|d| {
            std::iter::once(d.timing.clone())
                .chain(text::statistics(d).map(|(_, x)| text::number(x)))
                .collect()
        });
        self.table(&header, rows, 1..header.len())
    }

    fn overview(&self, all: &Overview) -> String {
        let row = |row: &Row| {
            let name = folded(&row.name, NAME);
            std::iter::once(name).chain(all.cells(row)).collect()
        };
        let rows: Vec<Vec<String>> = all.rows.iter().map(row).collect();
        flush(&self.parted(&all.header, &rows, &(all.numbers..all.header.len())))
    }

    fn sweep(&self, sweep: &SweepReport) -> String {
        let rows: Vec<Vec<String>> =
            sweep.levels.iter().map(|level| sweep::cells(level).to_vec()).collect();
        let title = sweep::heading(&text::plain(&sweep.family), sweep.axis, self.lang);
        let matters = self.wrapped(&sweep::matters(sweep, self.lang));
        let table = self.parted(&sweep::header(self.lang), &rows, &(0..sweep::COLUMNS));
        format!("{title}\n{matters}\n{}", flush(&table))
    }

    fn parted(
        &self,
        header: &[&str],
        rows: &[Vec<String>],
        numbers: &std::ops::Range<usize>,
    ) -> String {
        let table = |from: usize, to: usize| {
            let names: Vec<&str> = header[..1].iter().chain(&header[from..to]).copied().collect();
            let rows =
                rows.iter().map(|row| row[..1].iter().chain(&row[from..to]).cloned().collect());
            let first = if numbers.start == 0 { 0 } else { 1 + numbers.start.saturating_sub(from) };
            self.table(&names, rows, first..names.len())
        };
        let fits = |table: &str| table.lines().all(|line| line.width() <= usize::from(self.width));
        let (mut out, mut from) = (String::new(), 1);
        while from < header.len() {
            let to = (from + 1..=header.len())
                .rev()
                .find(|&to| fits(&table(from, to)))
                .unwrap_or(from + 1);
            out += &table(from, to);
            from = to;
        }
        out
    }

    /// `numbers`: the columns that are set flush right. Cells are never broken: a terminal too
    /// narrow for a table breaks its lines.
    fn table(
        &self,
        header: &[&str],
        rows: impl Iterator<Item = Vec<String>>,
        numbers: std::ops::Range<usize>,
    ) -> String {
        let mut table = Table::new();
        table
            .load_style(RULED)
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(header)
            .add_rows(rows);
        if table.is_empty() {
            return String::new();
        }
        for column in table.column_iter_mut().filter(|c| numbers.contains(&c.index)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let spaced = |gap: u16, table: &mut Table| {
            for column in table.column_iter_mut() {
                column.set_padding((0, if column.index + 1 == header.len() { 0 } else { gap }));
            }
            trimmed(table)
        };
        let roomy = spaced(3, &mut table);
        let fits = roomy.lines().all(|line| line.width() <= usize::from(self.width));
        let text = if fits { roomy } else { spaced(1, &mut table) };
        format!("{}\n", self.highlight(&text))
    }

    /// Labelled lines in the reader's language, wrapped beside their label.
    fn facts(&self, facts: &[(&str, String)]) -> String {
        if facts.is_empty() {
            return String::new();
        }
        let mut table = Table::new();
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(self.width)
            .load_style(presets::NOTHING);
        table.add_rows(facts.iter().map(|(label, fact)| vec![padded(label), fact.clone()]));
        for column in table.column_iter_mut() {
            column.set_padding((0, 2 * u16::from(column.index == 0)));
        }
        trimmed(&table)
    }

    /// A judgement or a limit's state in a table.
    fn state_text(&self, words: &[Word]) -> String {
        if self.width < ROOMY { english(words) } else { beside(self.lang, words) }
    }

    const fn labels(&self) -> &'static Labels {
        labels(self.lang)
    }

    fn wrapped(&self, line: &str) -> String {
        let mut table = Table::new();
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(self.width)
            .load_style(presets::NOTHING);
        table.add_row([line]);
        for column in table.column_iter_mut() {
            column.set_padding((0, 0));
        }
        trimmed(&table)
    }

    /// Our own words at the end of a table's line; foreign text never stands there.
    fn highlight(&self, table: &str) -> String {
        const WORDS: [(&[Word], Hue); 11] = [
            (&[Word::Accepted], Hue::Open),
            (&[Word::Limit(LimitState::Breached), Word::Accepted], Hue::Open),
            (&[Word::Judgement(Judgement::Regressed)], Hue::Bad),
            (&[Word::Limit(LimitState::Breached)], Hue::Bad),
            (&[Word::Judgement(Judgement::Unmeasured)], Hue::Bad),
            (&[Word::Limit(LimitState::NotMeasured)], Hue::Bad),
            (&[Word::Judgement(Judgement::Improved)], Hue::Good),
            (&[Word::Judgement(Judgement::Unchanged)], Hue::Good),
            (&[Word::Limit(LimitState::Met)], Hue::Good),
            (&[Word::Judgement(Judgement::Inconclusive)], Hue::Open),
            (&[Word::Limit(LimitState::Open)], Hue::Open),
        ];
        let words = WORDS.map(|(words, hue)| (self.state_text(words), hue));
        let paint = |line: &str| {
            let word = words.iter().find(|(word, _)| {
                line.strip_suffix(word.as_str()).is_some_and(|before| before.ends_with(' '))
            });
            word.map_or_else(
                || line.to_owned(),
                |(word, hue)| {
                    format!("{}{}", &line[..line.len() - word.len()], self.paint(*hue, word))
                },
            )
        };
        table.lines().map(|line| paint(line) + "\n").collect()
    }

    fn paint(&self, hue: Hue, word: &str) -> String {
        let code = match hue {
            Hue::Good => "32",
            Hue::Bad => "31",
            Hue::Open => "33",
        };
        if self.colour { format!("\u{1b}[1;{code}m{word}\u{1b}[0m") } else { word.to_owned() }
    }
}

const fn hue(verdict: Verdict) -> Hue {
    match verdict {
        Verdict::Passed => Hue::Good,
        Verdict::Failed | Verdict::Invalid | Verdict::Incomplete | Verdict::Blind => Hue::Bad,
        Verdict::Inconclusive | Verdict::Incomparable | Verdict::NoBaseline => Hue::Open,
    }
}

/// Padded to its columns: a Korean letter takes two.
fn padded(label: &str) -> String {
    label.to_owned() + &" ".repeat(LABEL.saturating_sub(label.width()))
}

/// What stands before the tables: why, under which load, against what.
fn opening(report: &Report, w: &WorkloadReport, lang: Lang) -> Vec<(&'static str, String)> {
    let l = labels(lang);
    let mut facts: Vec<(&str, String)> =
        text::why(report, w, lang).map(|(role, line)| (role.label(lang), line)).collect();
    facts.extend(labelled(l.meanwhile, server::explained(w, lang)));
    facts.push((l.load, text::plain(&text::load(w, lang))));
    facts.push((l.requests, text::completed(w, lang)));
    let baseline = |b| (l.baseline, text::baseline(b, &report.created, lang));
    facts.extend(w.baseline.iter().map(baseline));
    facts.extend(text::sessions_needed(w, lang).map(|needed| ("", needed)));
    facts.extend(w.comparison.iter().map(|c| (l.judged, text::comparison(c, lang))));
    facts.extend(labelled(l.under_test, w.differences.iter().map(|d| text::plain(&d.to_string()))));
    facts
}

/// What stands behind the tables: rates, errors, and how well the measurement went.
fn closing(report: &Report, w: &WorkloadReport, lang: Lang) -> Vec<(&'static str, String)> {
    let l = labels(lang);
    let mut facts: Vec<(&str, String)> = Vec::new();
    facts.extend(text::levels(w, lang).map(|levels| (l.interval, levels)));
    facts.extend(text::speed(w, lang).map(|speed| (l.speed, speed)));
    let measured = w.rates.iter().filter(|r| r.value.is_some() && !text::is_speed(r));
    let rates: Vec<String> =
        measured.map(|r| format!("{} {}", r.metric, text::value(&r.unit, r.value))).collect();
    if !rates.is_empty() {
        facts.push((l.rates, rates.join(", ")));
    }
    facts.extend(text::server_start(w, lang).map(|starts| (l.starts, starts)));
    facts.extend(text::slo(w, lang).map(|slo| (l.slo, slo)));
    facts.extend(text::unmeasured(w, lang).map(|names| (l.unmeasured, names)));
    facts.extend(labelled(l.errors, w.errors.iter().map(|e| text::error(e, lang))));
    facts.extend(text::detectable(w, lang).map(|sizes| (l.detectable, sizes)));
    facts.extend(labelled(l.note, text::notes(w, lang)));
    facts.push((l.client, text::client(w, lang)));
    facts.extend(w.server.iter().map(|s| (l.server, server::how(s, lang))));
    facts.extend(labelled(l.gpu, w.gpu.iter().flat_map(|g| super::gpu::lines(g, lang))));
    let advice = advice::for_workload(report, w).into_iter().take(MOST_ADVICE).map(|a| a.say(lang));
    facts.extend(labelled(l.advice, advice));
    facts
}

fn footer(report: &Report, lang: Lang) -> Vec<(&'static str, String)> {
    let l = labels(lang);
    let mut facts: Vec<(&str, String)> = Vec::new();
    facts.extend(text::commit(report, lang).map(|commit| (l.commit, commit)));
    facts.push((
        l.session,
        format!(
            "{}, {}, goodput-gate {}",
            text::plain(&report.session),
            text::plain(&report.created),
            text::plain(&report.tool_version)
        ),
    ));
    let exit = text::exit_code(report.exit_code, std::slice::from_ref(report), lang);
    facts.push((l.exit_code, exit));
    facts
}

/// The label once, then nothing beside the further lines.
fn labelled(
    label: &'static str,
    lines: impl Iterator<Item = String>,
) -> impl Iterator<Item = (&'static str, String)> {
    lines.enumerate().map(move |(i, line)| (if i == 0 { label } else { "" }, line))
}

/// Without the blank line behind: nothing of its own follows.
fn flush(table: &str) -> String {
    table.trim_end().to_owned() + "\n"
}

fn trimmed(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}
