//! The report at a glance: what decides, the verdict last, where the eye is; one workload takes at
//! most 25 lines of 80 columns, and a few more where there are warnings, which are never left out.
//!
//! Not here: every other number (`terminal`, which `-v` shows), which number is shown.

use super::{Hue, Pen, RULED, hue, trimmed};
use crate::config::Lang;
use crate::judge::limits::LimitState;
use crate::judge::{self, Judgement};
use crate::metric::{Class, Metric, Stat, Timing};
use crate::record::note::Note;
use crate::report::codes::Sentence;
use crate::report::contract::meaning;
use crate::report::overview::overview;
use crate::report::text::Role;
use crate::report::text::measured::{HEADER, rows};
use crate::report::{MetricReport, Report, WorkloadReport, text};
use crate::verdict::{self, Verdict};

use comfy_table::{CellAlignment, ContentArrangement, Table};

/// More lines of one kind are in the full report.
const MOST: usize = 3;

/// As [`super::render`]. `page`: where the HTML report lies.
pub fn render(report: &Report, page: Option<&str>, width: u16, colour: bool, lang: Lang) -> String {
    let pen = Pen { width: width.max(super::NARROWEST), colour, lang };
    let mut out = String::new();
    if report.interrupted {
        out += &pen.wrapped(pen.labels().interrupted);
    }
    for notice in text::notices(report, lang) {
        out += &pen.wrapped(&format!("{}: {notice}", pen.labels().note));
    }
    let all = overview(report, lang);
    let parts = all
        .iter()
        .map(|all| pen.overview(all))
        .chain(report.sweeps.iter().map(|sweep| pen.sweep(sweep)));
    let several = report.workloads.len() > 1;
    // Of several the tables above show the numbers; below them stands what needs a look.
    let shown = report.workloads.iter().filter(|w| !several || needs_a_look(w));
    let parts: Vec<String> = parts.chain(shown.map(|w| pen.glance(report, w, several))).collect();
    for (i, part) in parts.iter().enumerate() {
        let gap = if i > 0 || !out.is_empty() { "\n" } else { "" };
        out += gap;
        out += part;
    }
    let page = page.map(|page| (pen.labels().report, page.to_owned()));
    out += &pen.facts(page.as_slice());
    out + &pen.last_line(report)
}

impl Pen {
    fn glance(&self, report: &Report, w: &WorkloadReport, named: bool) -> String {
        let mut out = if named { format!("{}\n", text::plain(&w.name)) } else { String::new() };
        out += &self.judged(w);
        out += &latencies(w);
        out + &self.facts(&self.beside(report, w))
    }

    /// What decides: the primary metrics, and what else got worse.
    fn judged(&self, w: &WorkloadReport) -> String {
        let mut table = Table::new();
        table
            .load_style(comfy_table::presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled);
        table.add_rows(w.metrics.iter().filter(|m| decides(m)).map(|m| {
            let word = self.judgement(m);
            vec![
                name(&m.metric),
                from_to(m),
                text::change(&m.unit, m.change_ratio),
                range(m, self.lang),
                word,
            ]
        }));
        if table.is_empty() {
            return String::new();
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, if column.index == 4 { 0 } else { 2 }));
            if (1..4).contains(&column.index) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        self.highlight_judgements(&trimmed(&table))
    }

    fn judgement(&self, m: &MetricReport) -> String {
        let l = self.labels();
        let word = match (m.accepted.is_some(), m.judgement) {
            (true, _) => l.accepted,
            (_, Some(Judgement::Regressed)) => l.worse,
            (_, Some(Judgement::Improved)) => l.better,
            (_, Some(Judgement::Unchanged)) => l.ok,
            (_, Some(Judgement::Inconclusive)) => l.unclear,
            (_, Some(Judgement::Unmeasured) | None) => l.not_measured,
        };
        word.to_owned()
    }

    /// Our own word at the end of a line.
    fn highlight_judgements(&self, table: &str) -> String {
        let l = self.labels();
        let hues = [(l.worse, Hue::Bad), (l.not_measured, Hue::Bad), (l.unclear, Hue::Open)];
        let painted = |line: &str| {
            let found =
                hues.iter().find_map(|(word, hue)| Some((line.strip_suffix(word)?, word, *hue)));
            found.map_or_else(
                || line.to_owned(),
                |(before, word, hue)| before.to_owned() + &self.paint(hue, word),
            )
        };
        table.lines().map(|line| painted(line) + "\n").collect()
    }

    /// Labelled lines below the table.
    fn beside(&self, report: &Report, w: &WorkloadReport) -> Vec<(&'static str, String)> {
        let lang = self.lang;
        let mut facts = self.reasons(report, w);
        let fit = w.verdict != Some(Verdict::Invalid);
        if fit {
            facts.extend(self.limit_lines(w));
        }
        facts.extend(self.others(w));
        facts.extend(self.rates(w));
        facts.extend(self.time(w));
        if let Some((met, all)) = text::slo_counts(w).filter(|_| fit) {
            let counted = match lang {
                Lang::En => format!("{met} of {all} requests met it"),
                Lang::Ko => format!("요청 {all}개 중 {met}개 충족"),
            };
            facts.push((self.labels().slo, counted));
        }
        if w.completed < w.requests {
            let counted = match lang {
                Lang::En => format!("{} of {} completed", w.completed, w.requests),
                Lang::Ko => format!("{}개 중 {}개 완료", w.requests, w.completed),
            };
            facts.push((self.labels().requests, counted));
        }
        let errors = w.errors.iter().take(MOST).map(|e| text::error(e, lang));
        facts.extend(super::labelled(self.labels().errors, errors));
        facts.extend(self.unseen(w));
        facts.extend(self.against(report, w));
        facts
    }

    /// What a PASS may have missed: a slowdown that only some server starts have.
    fn unseen(&self, w: &WorkloadReport) -> Option<(&'static str, String)> {
        let Sentence::Reason(verdict::Reason::Judge(judge::Reason::Proof {
            starts,
            unseen_share: Some(share),
            ..
        })) = w.codes.sentence(w.proves.as_deref()?)?
        else {
            return None;
        };
        let share = share * 100.0;
        let text = match self.lang {
            Lang::En => {
                format!("{starts} seen: a slowdown in under {share:.0} % of starts could be missed")
            }
            Lang::Ko => {
                format!("{starts}번 확인: 시작의 {share:.0} % 미만에서만 느리면 놓칠 수 있음")
            }
        };
        Some((self.labels().starts, text))
    }

    /// Which part of a request changed, where both sides were compared.
    fn time(&self, w: &WorkloadReport) -> Option<(&'static str, String)> {
        let compared = w.comparison.as_ref().and(w.time.as_ref())?;
        Some((self.labels().time_spent, compared.difference(self.lang)?))
    }

    /// What was served per second, where nothing was compared and the measurement is fit to be
    /// looked at.
    fn rates(&self, w: &WorkloadReport) -> Option<(&'static str, String)> {
        let shown = |metric: Metric| {
            let rate = w.rates.iter().find(|r| r.metric == metric.name() && r.value.is_some())?;
            Some(text::value(&rate.unit, rate.value))
        };
        let requests = match self.lang {
            Lang::En => " requests",
            Lang::Ko => " 요청",
        };
        let rates = [
            shown(Metric::OutputTokenRate),
            shown(Metric::RequestRate).map(|rate| rate.replace("/s", &format!("{requests}/s"))),
            shown(Metric::Goodput).map(|rate| format!("goodput {rate}")),
        ];
        let rates: Vec<String> = rates.into_iter().flatten().collect();
        let compared = w.metrics.iter().any(|m| m.judgement.is_some());
        let fit = !compared && w.verdict != Some(Verdict::Invalid) && !rates.is_empty();
        fit.then(|| (self.labels().rates, rates.join(", ")))
    }

    /// Why, where the numbers above do not show it; warnings; what is accepted.
    fn reasons(&self, report: &Report, w: &WorkloadReport) -> Vec<(&'static str, String)> {
        let left_out = w.notes.iter().filter(|note| is_left_out(w, note));
        let left_out =
            left_out.map(|note| (Role::Note, text::plain(&w.codes.say(self.lang, note))));
        let (mut lines, mut more): (Vec<(Role, String)>, usize) = (Vec::new(), 0);
        let told = text::beside_the_table(report, w, self.lang);
        for line in told.filter(|(role, _)| *role != Role::Proves).chain(left_out) {
            // Of each label: many reasons, or what is accepted, which the table shows too, must not
            // hide a warning.
            let most = if line.0 == Role::Accepted { 1 } else { MOST };
            if lines.iter().filter(|(role, _)| *role == line.0).count() < most {
                lines.push(line);
            } else {
                more += 1;
            }
        }
        let mut facts: Vec<(&'static str, String)> =
            lines.into_iter().map(|(role, line)| (role.label(self.lang), line)).collect();
        if more > 0 {
            let rest = match self.lang {
                Lang::En => format!("and {more} more, which -v shows"),
                Lang::Ko => format!("그 밖에 {more}개 (-v로 표시)"),
            };
            facts.push(("", rest));
        }
        facts
    }

    fn limit_lines(&self, w: &WorkloadReport) -> Vec<(&'static str, String)> {
        let label = self.labels().limits;
        let (met, rest): (Vec<_>, Vec<_>) =
            w.limits.iter().partition(|l| l.state == LimitState::Met);
        if rest.is_empty() {
            let all = match self.lang {
                Lang::En if met.len() == 1 => "met".to_owned(),
                Lang::En => format!("all {} met", met.len()),
                Lang::Ko => format!("{}개 모두 충족", met.len()),
            };
            return if met.is_empty() { Vec::new() } else { vec![(label, all)] };
        }
        let lines = rest.iter().map(|l| {
            let limit = text::limit(l, self.lang);
            let state = meaning(self.lang, &text::state(l));
            // No colour: it would be counted as columns where the line is wrapped.
            let state = if text::breached(l) { state.to_uppercase() } else { state };
            format!("{limit}: {}, {state}", text::value(&l.unit, l.value))
        });
        super::labelled(label, lines).collect()
    }

    /// How many metrics are not in the table, and that none of them is worse.
    fn others(&self, w: &WorkloadReport) -> Option<(&'static str, String)> {
        let all: Vec<_> =
            w.metrics.iter().filter(|m| m.judgement.is_some() && !decides(m)).collect();
        let unmeasured = all.iter().filter(|m| m.judgement == Some(Judgement::Unmeasured)).count();
        let count = all.len() - unmeasured;
        let text = match (self.lang, unmeasured) {
            _ if all.is_empty() => return None,
            (Lang::En, 0) => format!("{count} more metrics, none of them proven worse"),
            (Lang::En, n) => {
                format!("{count} more metrics, none of them proven worse; {n} not measured")
            }
            (Lang::Ko, 0) => format!("지표 {count}개 더, 나빠진 것으로 입증된 것 없음"),
            (Lang::Ko, n) => {
                format!("지표 {count}개 더, 나빠진 것으로 입증된 것 없음; {n}개는 측정 안 됨")
            }
        };
        Some((self.labels().others, text))
    }

    fn against(&self, report: &Report, w: &WorkloadReport) -> Option<(&'static str, String)> {
        let label = self.labels().baseline;
        let beside =
            w.comparison.as_ref().and_then(|c| c.beside.as_deref()).map(|beside| match self.lang {
                Lang::En => format!("{}, measured in turns in this job", text::plain(beside)),
                Lang::Ko => format!("{}, 이 작업에서 번갈아 측정", text::plain(beside)),
            });
        let stored = || {
            let baseline = w.baseline.as_ref()?;
            let nearest = baseline.commit.as_deref().map(text::short)?;
            let days = baseline
                .commit_date
                .as_deref()
                .and_then(|date| text::age_days(date, &report.created))?;
            let sessions = text::count(baseline.sessions.into(), "session", "sessions");
            Some(match self.lang {
                Lang::En => format!(
                    "{sessions}, nearest {nearest}, {}",
                    text::count(days, "day old", "days old")
                ),
                Lang::Ko => {
                    format!("세션 {}개, 가장 가까운 것 {nearest} ({days}일 전)", baseline.sessions)
                }
            })
        };
        let undated = || w.baseline.as_ref().map(|b| text::baseline(b, &report.created, self.lang));
        beside.or_else(stored).or_else(undated).map(|text| (label, text))
    }

    /// `FAIL (exit 1): TPOT is 22.8 % longer than the baseline's`.
    fn last_line(&self, report: &Report) -> String {
        let said = text::headline(report, self.lang);
        let Some(verdict) = report.verdict else { return self.wrapped(&said) };
        let word = verdict.word();
        let rest = said.strip_prefix(word).unwrap_or(&said);
        let through = text::let_through(report.exit_code, std::slice::from_ref(report));
        let keys: Vec<String> =
            through.iter().map(|(_, key)| format!("gate.{key}: warn")).collect();
        let by = match self.lang {
            _ if keys.is_empty() => String::new(),
            Lang::En => format!(", let through by {}", keys.join(" and ")),
            Lang::Ko => format!(", {} 설정으로 통과", keys.join(", ")),
        };
        let line = self.wrapped(&format!("{word} (exit {}{by}){rest}", report.exit_code));
        match line.strip_prefix(word) {
            Some(rest) => self.paint(hue(verdict), word) + rest,
            None => line,
        }
    }
}

/// The latencies, where nothing was judged and what was measured is fit to be looked at.
fn latencies(w: &WorkloadReport) -> String {
    let compared = w.metrics.iter().any(|m| m.judgement.is_some());
    if compared || w.verdict == Some(Verdict::Invalid) {
        return String::new();
    }
    let mut table = Table::new();
    table
        .load_style(RULED)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(HEADER);
    table.add_rows(rows(w));
    for column in table.column_iter_mut() {
        column.set_padding((0, 3));
        if column.index > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    trimmed(&table)
}

/// It did not pass, is not fit to be judged, or passed with something that no table shows.
fn needs_a_look(w: &WorkloadReport) -> bool {
    let said = !(w.warnings.is_empty() && w.accepted.is_empty())
        || w.notes.iter().any(|note| is_left_out(w, note));
    match w.verdict {
        None => said || !w.reasons.is_empty(),
        Some(verdict) => said || verdict != Verdict::Passed,
    }
}

/// Entries of a dataset that were not sent, which every report says.
fn is_left_out(w: &WorkloadReport, note: &str) -> bool {
    matches!(
        w.codes.sentence(note),
        Some(Sentence::Reason(verdict::Reason::Measurement(Note::EntriesLeftOut(_))))
    )
}

/// What a person looks at: the primary metrics, and every other one that got worse.
fn decides(m: &MetricReport) -> bool {
    let worse = m.is_regression();
    m.judgement.is_some() && (m.class == Class::Primary || worse)
}

/// `97.8 -> 104.5 ms`.
fn from_to(m: &MetricReport) -> String {
    let to = text::value(&m.unit, m.candidate);
    let unit = to.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let from = text::value(&m.unit, m.baseline);
    format!(
        "{} -> {to}",
        from.strip_suffix(unit).filter(|_| m.candidate.is_some()).unwrap_or(&from)
    )
}

/// `(+3.9 to +10.0)`, in the unit of the change beside it.
fn range(m: &MetricReport, lang: Lang) -> String {
    match text::interval(m, lang) {
        absent if absent == text::ABSENT => String::new(),
        interval => format!("({})", interval.replace(" %", "").replace(" pp", "")),
    }
}

/// As people call it: `TTFT`, `E2E p95`, `tokens/s`.
fn name(metric: &str) -> String {
    let timing = |t: Timing| if t == Timing::E2e { "E2E" } else { t.title() };
    match Metric::parse(metric) {
        Some(Metric::Timing(t, Stat::Geomean)) => timing(t).to_owned(),
        Some(Metric::Timing(t, stat)) => format!("{} {}", timing(t), stat.name()),
        Some(Metric::OutputTokenRate) => "tokens/s".to_owned(),
        Some(Metric::SloAttainment) => "SLO met".to_owned(),
        Some(Metric::ErrorRate) => "errors".to_owned(),
        _ => metric.replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;
    use crate::report::samples;

    #[test]
    fn a_glance_is_short_and_ends_with_the_verdict() {
        for lang in [Lang::En, Lang::Ko] {
            for (name, report) in samples::all() {
                let text = render(&report, Some(".goodput-gate/report.html"), 80, false, lang);
                let code = if lang == Lang::En { "en" } else { "ko" };
                insta::assert_snapshot!(format!("{name}_{code}"), &text);
                // A warning is never left out for the sake of brevity.
                let warned = report.workloads.iter().any(|w| !w.warnings.is_empty());
                let most = if warned { 30 } else { 25 };
                assert!(
                    report.workloads.len() > 1 || text.lines().count() <= most,
                    "{name}: {text}"
                );
                assert!(text.lines().all(|line| line.width() <= 80), "{name}: {text}");
                if let Some(verdict) = report.verdict {
                    let at = text.rfind(&format!("\n{} (exit ", verdict.word()));
                    let last = at
                        .unwrap_or_else(|| panic!("{name} does not end with its verdict: {text}"));
                    assert!(!text[last..].contains(".goodput-gate/"), "{name}: {text}");
                }
            }
        }
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        for (name, report) in
            samples::all().into_iter().filter(|(_, report)| report.verdict.is_some())
        {
            let coloured = render(&report, None, 80, true, Lang::En);
            let bare = render(&report, None, 80, false, Lang::En);
            assert_ne!(coloured, bare, "{name}");
            assert_eq!(crate::visible::without_sequences(&coloured), bare, "{name}");
        }
    }
}
