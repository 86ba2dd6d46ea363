//! The exit code, and what a policy let through. Not here: which code a verdict has (`exit`).

use crate::config::Lang;
use crate::report::Report;
use crate::verdict::Verdict;

/// The number, and where a policy let something other than a PASS through, which one: `0
/// (INCONCLUSIVE is let through by gate.on_inconclusive: warn)`. `reports` are those that it stands
/// for.
pub fn exit_code(code: u8, reports: &[Report], lang: Lang) -> String {
    let texts: Vec<String> = let_through(code, reports)
        .iter()
        .map(|(verdict, key)| match lang {
            Lang::En => format!("{} is let through by gate.{key}: warn", verdict.word()),
            Lang::Ko => format!("gate.{key}: warn 설정으로 {} 허용", verdict.word()),
        })
        .collect();
    if texts.is_empty() { code.to_string() } else { format!("{code} ({})", texts.join("; ")) }
}

/// Verdicts other than a PASS that end in exit code 0, each once, with the key of the policy that
/// lets it through.
pub fn let_through(code: u8, reports: &[Report]) -> Vec<(Verdict, &'static str)> {
    let verdicts = reports.iter().flat_map(|r| {
        let own = r.verdict.filter(|_| r.workloads.is_empty());
        own.into_iter().chain(r.workloads.iter().filter_map(|w| w.verdict))
    });
    let mut passed = Vec::new();
    for verdict in verdicts.filter(|_| code == 0) {
        let key = match verdict {
            Verdict::Inconclusive => "on_inconclusive",
            Verdict::Blind => "on_blind",
            Verdict::NoBaseline => "on_missing_baseline",
            Verdict::Incomparable => "on_incomparable",
            Verdict::Passed | Verdict::Failed | Verdict::Invalid | Verdict::Incomplete => continue,
        };
        if !passed.contains(&(verdict, key)) {
            passed.push((verdict, key));
        }
    }
    passed
}
