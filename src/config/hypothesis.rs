//! `hypotheses`: statements over the metrics of several targets, to be confirmed or refuted by `run
//! --each`. Wire type, check, parsed claim.
//!
//! They decide nothing: no verdict, no exit code. Not here: how one is tested (`judge::ranking`).

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metric::Metric;

use super::check::Checker;
use super::error::did_you_mean;
use super::units::parse_quantity;

/// A statement about two targets, or about one and a number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HypothesisFile {
    /// What reports call it; H1, H2... where it is not said.
    pub name: Option<String>,
    /// In words, for people: "`SGLang` has the higher throughput at 64 concurrent".
    pub says: Option<String>,
    /// Which load it is about; may be left out where there is one only.
    pub workload: Option<String>,
    /// Of which metric: its name without the unit.
    #[schemars(required)]
    pub metric: Option<String>,
    /// `A > B`, `A < 0.9 * B` or `A < 500ms`: names of `targets`, or a value of the metric with its
    /// unit.
    #[schemars(required)]
    pub claim: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Hypothesis {
    pub name: String,
    pub says: Option<String>,
    pub workload: String,
    pub metric: Metric,
    pub claim: Claim,
    /// As it was written.
    pub text: String,
}

/// `left > factor * right`, or `<`.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    pub left: String,
    pub greater: bool,
    pub right: Term,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// Above 0.
    Times(f64, String),
    /// In the metric's own unit (ms, per second, share 0 to 1).
    Number(f64),
}

const FORM: &str = "write `A > B`, `A < 0.9 * B` or `A < VALUE`, with names of `targets`";

/// Reads a claim. A word that starts with a digit is a value or a factor, so a target that is named
/// in a claim starts with a letter.
///
/// Errors: what is wrong with it, and what to write.
pub fn parse_claim(text: &str, metric: Metric) -> Result<Claim, (String, String)> {
    let wrong = |what: String| (what, FORM.to_owned());
    let at = text.find(['<', '>']).ok_or_else(|| wrong(format!("`{text}` claims nothing")))?;
    let (left, right) = (text[..at].trim(), text[at + 1..].trim());
    if left.is_empty() || right.is_empty() {
        return Err(wrong(format!("`{text}` has one side only")));
    }
    let right = match right.split_once('*') {
        Some((factor, name)) => {
            let factor = factor.trim().parse::<f64>().ok().filter(|f| f.is_finite() && *f > 0.0);
            let factor = factor
                .ok_or_else(|| wrong(format!("the factor in `{text}` is no number above 0")))?;
            Term::Times(factor, name.trim().to_owned())
        }
        None if right.starts_with(|c: char| c.is_ascii_digit()) => {
            Term::Number(parse_quantity(right, metric.unit()).map_err(|e| (e.what.en, e.hint.en))?)
        }
        None => Term::Times(1.0, right.to_owned()),
    };
    Ok(Claim { left: left.to_owned(), greater: text[at..].starts_with('>'), right })
}

impl Claim {
    /// The targets that it names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let right = match &self.right {
            Term::Times(_, name) => Some(name.as_str()),
            Term::Number(_) => None,
        };
        std::iter::once(self.left.as_str()).chain(right)
    }
}

impl Checker {
    pub fn hypotheses(
        &mut self,
        files: Vec<HypothesisFile>,
        targets: &[&str],
        workloads: &[&str],
    ) -> Vec<Hypothesis> {
        let mut seen = BTreeSet::new();
        let mut checked = Vec::new();
        for (index, file) in files.into_iter().enumerate() {
            let path = format!("hypotheses[{index}]");
            let name = file.name.clone().unwrap_or_else(|| format!("H{}", index + 1));
            if !seen.insert(name.clone()) {
                self.bad(
                    &format!("{path}.name"),
                    format!("another one is called `{name}`"),
                    "give each a name of its own",
                );
            }
            checked.extend(self.hypothesis(&path, name, file, targets, workloads));
        }
        checked
    }

    fn hypothesis(
        &mut self,
        path: &str,
        name: String,
        file: HypothesisFile,
        targets: &[&str],
        workloads: &[&str],
    ) -> Option<Hypothesis> {
        let workload = self.workload_of(path, file.workload, workloads);
        let Some((metric, text)) = file.metric.zip(file.claim) else {
            self.bad(
                path,
                "`metric` or `claim` is missing",
                "add both, such as metric: output_token_rate, claim: a > b",
            );
            return None;
        };
        let Some(metric) = Metric::parse(&metric) else {
            let names: Vec<String> = Metric::all().map(Metric::name).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            self.bad(
                &format!("{path}.metric"),
                format!("unknown metric `{metric}`"),
                did_you_mean(&metric, &names),
            );
            return None;
        };
        let at = format!("{path}.claim");
        let claim = match parse_claim(&text, metric) {
            Ok(claim) => claim,
            Err((what, hint)) => {
                self.bad(&at, what, hint);
                return None;
            }
        };
        for target in claim.names().filter(|name| !targets.contains(name)) {
            let hint = if targets.is_empty() {
                "add it to `targets`".into()
            } else {
                did_you_mean(target, targets)
            };
            self.bad(&at, format!("no target `{target}`"), hint);
        }
        Some(Hypothesis { name, says: file.says, workload: workload?, metric, claim, text })
    }

    fn workload_of(
        &mut self,
        path: &str,
        said: Option<String>,
        workloads: &[&str],
    ) -> Option<String> {
        match (said, workloads) {
            (Some(name), all) if all.contains(&name.as_str()) => Some(name),
            (Some(name), all) => {
                self.bad(
                    &format!("{path}.workload"),
                    format!("no workload `{name}`"),
                    did_you_mean(&name, all),
                );
                None
            }
            (None, [only]) => Some((*only).to_owned()),
            (None, all) => {
                self.bad(path, "`workload` is missing", format!("one of: {}", all.join(", ")));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{Stat, Timing};

    fn claim(text: &str) -> Claim {
        parse_claim(text, Metric::Timing(Timing::Ttft, Stat::P95)).expect("a claim")
    }

    #[test]
    fn claims_are_read() {
        let times = |factor, name: &str| Term::Times(factor, name.to_owned());
        assert_eq!(
            claim("a > b"),
            Claim { left: "a".into(), greater: true, right: times(1.0, "b") }
        );
        assert_eq!(
            claim("vllm<0.9*sg-lang.1"),
            Claim { left: "vllm".into(), greater: false, right: times(0.9, "sg-lang.1") }
        );
        assert_eq!(claim("a < 500ms").right, Term::Number(500.0));
        assert_eq!(claim("a < 0.9 * b").names().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn what_claims_nothing_is_refused() {
        for wrong in ["a", "> b", "a >", "a > 0 * b", "a > x * b", "a < 5 parsecs", ""] {
            assert!(
                parse_claim(wrong, Metric::Timing(Timing::Ttft, Stat::P95)).is_err(),
                "{wrong}"
            );
        }
    }
}
