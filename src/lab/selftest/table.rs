//! What the gates said, row by row, with the rate's interval; as text and as JSON. Not here: what
//! they should say (`changes`).

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, ContentArrangement, presets};
use serde_json::{Value, json};

use super::changes::{Expect, Row};
use super::gate::Played;
use crate::judge::dist::beta_quantile;
use crate::verdict::Verdict;

#[derive(Clone, Debug)]
pub struct Table {
    pub seed: u64,
    pub lines: Vec<Line>,
}

/// One row's counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub injected: &'static str,
    pub load: &'static str,
    pub mode: String,
    pub expect: Expect,
    pub gates: u32,
    pub regression: u32,
    pub pass: u32,
    pub inconclusive: u32,
    pub blind: u32,
    /// Not fit to be judged: the engine model has no client to be late, so there should be none.
    pub invalid: u32,
    /// Mean number of start pairs, or of jobs.
    pub looks: f64,
    /// What the REGRESSIONs were called for: the first word of the first reason, a metric, and how
    /// often.
    pub by: BTreeMap<String, u32>,
}

const HEADER: [&str; 11] = [
    "injected",
    "load",
    "mode",
    "should say",
    "REGRESSION",
    "PASS",
    "INCONCLUSIVE",
    "BLIND",
    "rate (95 %)",
    "looks",
    "",
];

impl Table {
    /// Every row is as it should be; a table without rows is not.
    pub fn holds(&self) -> bool {
        !self.lines.is_empty() && self.lines.iter().all(Line::holds)
    }

    /// Every gate was fit to be judged.
    pub fn fit(&self) -> bool {
        self.lines.iter().all(|l| l.invalid == 0)
    }

    pub fn to_text(&self) -> String {
        let mut grid = comfy_table::Table::new();
        grid.load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(HEADER.to_vec());
        grid.add_rows(self.lines.iter().map(Line::cells));
        for column in [4, 5, 6, 7, 9] {
            if let Some(column) = grid.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let missed = self.lines.iter().filter(|l| !l.holds()).count();
        let end = match missed {
            _ if !self.fit() => {
                "not everything could be measured: leave the machine to the self-test alone, and run it again".to_owned()
            }
            0 => format!("{} rows, all as they should be (seed {})", self.lines.len(), self.seed),
            n => format!("{n} of {} rows are not as they should be (seed {})", self.lines.len(), self.seed),
        };
        format!("{}\n{end}", grid.trim_fmt())
    }

    pub fn to_json(&self) -> String {
        let lines: Vec<Value> = self.lines.iter().map(Line::to_json).collect();
        json!({"schema": "goodput-gate.selftest", "version": 1, "seed": self.seed, "holds": self.holds(), "rows": lines})
            .to_string()
    }
}

impl Line {
    pub fn new(row: &Row, outcomes: &[Played]) -> Self {
        let count = |wanted: Verdict| outcomes.iter().map(|o| u32::from(o.verdict == wanted)).sum();
        let (regression, pass) = (count(Verdict::Failed), count(Verdict::Passed));
        let (inconclusive, blind) = (count(Verdict::Inconclusive), count(Verdict::Blind));
        let gates = outcomes.iter().map(|_| 1).sum();
        let looks = outcomes.iter().map(|o| o.looks as f64).sum::<f64>() / f64::from(gates);
        let mut by = BTreeMap::new();
        for reason in outcomes
            .iter()
            .filter(|o| o.verdict == Verdict::Failed)
            .filter_map(|o| o.reasons.first())
        {
            *by.entry(reason.split(' ').next().unwrap_or_default().to_owned()).or_default() += 1;
        }
        Self {
            injected: row.name,
            load: row.load.name(),
            mode: row.mode.in_words(),
            expect: row.expect,
            gates,
            regression,
            pass,
            inconclusive,
            blind,
            invalid: gates - regression - pass - inconclusive - blind,
            looks,
            by,
        }
    }

    pub fn holds(&self) -> bool {
        let found =
            if matches!(self.expect, Expect::Blind(_)) { self.blind } else { self.regression };
        self.invalid == 0 && self.expect.holds(found, self.gates)
    }

    fn word(&self) -> String {
        match self.invalid {
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
        let (name, load, mode) = (self.injected, self.load, &self.mode);
        format!(
            "{name} ({load}, {mode}): {} of {} REGRESSION{by}, {word}",
            self.regression, self.gates
        )
    }

    /// Share of REGRESSION with its exact 95 % interval (Clopper and Pearson 1934).
    fn rate(&self) -> (f64, f64, f64) {
        let (x, n) = (f64::from(self.regression), f64::from(self.gates));
        let low =
            if self.regression == 0 { Some(0.0) } else { beta_quantile(0.025, x, n - x + 1.0) };
        let high = if self.regression == self.gates {
            Some(1.0)
        } else {
            beta_quantile(0.975, x + 1.0, n - x)
        };
        // Outside the domain nothing is known of the rate.
        (x / n, low.unwrap_or(0.0), high.unwrap_or(1.0))
    }

    fn cells(&self) -> Vec<String> {
        let (rate, low, high) = self.rate();
        vec![
            self.injected.into(),
            self.load.into(),
            self.mode.clone(),
            self.expect.in_words(self.gates),
            self.regression.to_string(),
            self.pass.to_string(),
            self.inconclusive.to_string(),
            self.blind.to_string(),
            format!("{:.1} % ({:.1} to {:.1})", rate * 100.0, low * 100.0, high * 100.0),
            format!("{:.2}", self.looks),
            self.word(),
        ]
    }

    fn to_json(&self) -> Value {
        let (rate, low, high) = self.rate();
        json!({
            "injected": self.injected, "load": self.load, "mode": self.mode, "should_say": self.expect.in_words(self.gates),
            "gates": self.gates, "regression": self.regression, "pass": self.pass, "inconclusive": self.inconclusive, "blind": self.blind,
            "invalid": self.invalid, "rate_ratio": rate, "rate_low_ratio": low, "rate_high_ratio": high, "looks_mean": self.looks, "by": self.by,
            "holds": self.holds(),
        })
    }
}
