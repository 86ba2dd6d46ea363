//! What the gates said, row by row, each share with its interval beside its bound; as text and as
//! JSON. Not here: what they should say (`rows`).

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, ContentArrangement, presets};
use serde_json::{Value, json};

use super::asked::percent;
use super::bound::{Bound, Counted, Limit, Source, What};
use super::played::{Outcome, Played};
use super::row::Row;

#[derive(Clone, Debug)]
pub struct Table {
    pub seed: u64,
    pub lines: Vec<Line>,
}

/// One row's counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub injected: &'static str,
    pub load: String,
    pub mode: String,
    pub bounds: Vec<Bound>,
    pub note: &'static str,
    pub gates: u32,
    pub counts: BTreeMap<Outcome, u32>,
    /// Mean over the gates that have one, and its unit.
    pub cost: Option<Counted>,
    pub unit: &'static str,
    /// What the REGRESSIONs were called for: the first word of the first reason, a metric, and how
    /// often.
    pub by: BTreeMap<String, u32>,
}

const HEADER: [&str; 8] =
    ["injected", "load", "mode", "should say", "said (95 %)", "gates", "mean cost", ""];

impl Table {
    /// Every row is as it should be; a table without rows is not.
    pub fn holds(&self) -> bool {
        !self.lines.is_empty() && self.lines.iter().all(Line::holds)
    }

    /// Every gate was fit to be judged.
    pub fn fit(&self) -> bool {
        self.lines.iter().all(|line| line.count(Outcome::Invalid) == 0)
    }

    pub fn to_text(&self) -> String {
        let mut grid = comfy_table::Table::new();
        grid.load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(HEADER.to_vec());
        let notes = self.notes();
        for line in &self.lines {
            let mut cells = line.cells();
            if let Some(at) = notes.iter().position(|note| *note == line.note) {
                cells[3] = format!("{} [{}]", cells[3], at + 1);
            }
            grid.add_row(cells);
        }
        for column in [5, 6] {
            if let Some(column) = grid.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let notes = (1..).zip(notes).map(|(at, note)| format!("[{at}] {note}\n"));
        format!("{}\n{}{}", grid.trim_fmt(), notes.collect::<String>(), self.end())
    }

    /// Each once, in the order of the rows.
    fn notes(&self) -> Vec<&'static str> {
        let mut notes = Vec::new();
        for line in self.lines.iter().filter(|line| !line.note.is_empty()) {
            if !notes.contains(&line.note) {
                notes.push(line.note);
            }
        }
        notes
    }

    fn end(&self) -> String {
        let (rows, seed) = (self.lines.len(), self.seed);
        let missed = self.lines.iter().filter(|line| !line.holds()).count();
        match missed {
            _ if !self.fit() => {
                "not everything could be measured: leave the machine to the self-test alone, and run it again".to_owned()
            }
            0 => format!("{rows} rows, all as they should be (seed {seed})"),
            n => format!("{n} of {rows} rows are not as they should be (seed {seed})"),
        }
    }

    pub fn to_json(&self) -> String {
        let lines: Vec<Value> = self.lines.iter().map(Line::to_json).collect();
        json!({"schema": "goodput-gate.selftest", "version": 2, "seed": self.seed, "holds": self.holds(), "rows": lines})
            .to_string()
    }
}

impl Line {
    pub fn new(row: &Row, outcomes: &[Played]) -> Self {
        let (mut counts, mut by) = (BTreeMap::new(), BTreeMap::new());
        for played in outcomes {
            *counts.entry(played.outcome).or_default() += 1;
            if let Some(why) = &played.why {
                let metric = why.split(' ').next().unwrap_or_default();
                *by.entry(metric.to_owned()).or_default() += 1;
            }
        }
        let costs: Vec<f64> = outcomes.iter().filter_map(|played| played.cost).collect();
        Self {
            injected: row.name,
            load: row.play.load(),
            mode: row.play.mode(),
            bounds: row.bounds.clone(),
            note: row.note,
            gates: outcomes.iter().map(|_| 1).sum(),
            counts,
            cost: Counted::mean(&costs),
            unit: row.play.unit(),
            by,
        }
    }

    pub fn count(&self, outcome: Outcome) -> u32 {
        self.counts.get(&outcome).copied().unwrap_or(0)
    }

    /// No gate at all proves nothing.
    pub fn holds(&self) -> bool {
        let holds = |bound: &Bound| self.counted(bound).is_some_and(|seen| bound.holds(&seen));
        self.gates > 0 && self.count(Outcome::Invalid) == 0 && self.bounds.iter().all(holds)
    }

    fn counted(&self, bound: &Bound) -> Option<Counted> {
        match bound.what {
            What::Share(outcome) => {
                Some(Counted::share(f64::from(self.count(outcome)), self.gates))
            }
            What::Cost => self.cost,
        }
    }

    fn word(&self) -> String {
        match self.count(Outcome::Invalid) {
            0 if self.holds() => "ok".into(),
            0 => "MISS".into(),
            n => format!("{n} INVALID"),
        }
    }

    /// One line, for those who wait.
    pub fn to_text(&self) -> String {
        let word = if self.holds() { "as it should be".into() } else { self.word() };
        let by: Vec<String> =
            self.by.iter().map(|(metric, count)| format!("{metric} {count}")).collect();
        let by = if by.is_empty() { String::new() } else { format!(" ({})", by.join(", ")) };
        let (name, load, mode, said) = (self.injected, &self.load, &self.mode, self.counts_text());
        format!("{name} ({load}, {mode}): {said}{by}, {word}")
    }

    fn counts_text(&self) -> String {
        let counts = self.counts.iter().map(|(outcome, n)| format!("{n} {}", outcome.name()));
        counts.collect::<Vec<_>>().join(", ")
    }

    /// Cells with one line per bound.
    fn cells(&self) -> Vec<String> {
        let should: Vec<String> = self.bounds.iter().map(|bound| bound.text(self.unit)).collect();
        let said = |bound: &Bound| match self.counted(bound) {
            Some(seen) => bound.what.text(&seen, self.unit),
            None => "nothing".into(),
        };
        let said: Vec<String> = self.bounds.iter().map(said).collect();
        let cost = self.cost.map_or_else(String::new, |c| format!("{:.1} {}", c.value, self.unit));
        let (should, said) = if should.is_empty() {
            ("(nothing asked)".into(), self.counts_text())
        } else {
            (should.join("\n"), said.join("\n"))
        };
        let (injected, load, mode) = (self.injected.into(), self.load.clone(), self.mode.clone());
        vec![injected, load, mode, should, said, self.gates.to_string(), cost, self.word()]
    }

    fn to_json(&self) -> Value {
        let rate = Counted::share(f64::from(self.count(Outcome::Regression)), self.gates);
        let bounds: Vec<Value> = self.bounds.iter().map(|bound| self.bound_json(bound)).collect();
        let counts: BTreeMap<String, u32> =
            self.counts.iter().map(|(outcome, n)| (outcome.name().to_lowercase(), *n)).collect();
        json!({
            "injected": self.injected, "load": self.load, "mode": self.mode, "gates": self.gates,
            "regression": self.count(Outcome::Regression), "pass": self.count(Outcome::Pass),
            "inconclusive": self.count(Outcome::Inconclusive), "blind": self.count(Outcome::Blind),
            "invalid": self.count(Outcome::Invalid), "counts": counts,
            "rate_ratio": rate.value, "rate_low_ratio": rate.low, "rate_high_ratio": rate.high,
            "cost_mean": self.cost.map(|cost| cost.value), "cost_unit": self.unit,
            "bounds": bounds, "note": self.note, "by": self.by, "holds": self.holds(),
        })
    }

    fn bound_json(&self, bound: &Bound) -> Value {
        let seen = self.counted(bound);
        json!({
            "should_say": bound.text(self.unit),
            "value": seen.map(|c| c.value), "low": seen.map(|c| c.low), "high": seen.map(|c| c.high),
            "holds": seen.is_some_and(|seen| bound.holds(&seen)),
        })
    }
}

impl Bound {
    fn text(&self, unit: &str) -> String {
        let (limit, value) = match self.limit {
            Limit::AtMost(value) => ("at most", value),
            Limit::AtLeast(value) => ("at least", value),
        };
        let source = match self.source {
            Source::Goal => "goal".into(),
            Source::Study(gates) => format!("study, {gates} gates"),
            Source::Rounded(gates) => format!("study, whole % of {gates} gates"),
            Source::Stated => "study".into(),
        };
        match self.what {
            What::Share(outcome) => {
                format!("{} {limit} {} % ({source})", outcome.name(), percent(value))
            }
            What::Cost => format!("{limit} {value} {unit} ({source})"),
        }
    }
}

impl What {
    fn text(self, seen: &Counted, unit: &str) -> String {
        let Counted { value, low, high } = *seen;
        match self {
            Self::Share(_) => {
                format!("{} % ({} to {})", percent(value), percent(low), percent(high))
            }
            Self::Cost => format!("{value:.1} {unit} ({low:.1} to {high:.1})"),
        }
    }
}
