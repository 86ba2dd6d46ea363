//! `StatusPolicy` and evidence to one ruling per workload and one verdict per run, computed once: exit code
//! and every report derive from it.
//!
//! Not here: statistics (`judge`), sentences for people (`report`; the reasons' English is
//! `reason`'s).

mod reason;

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::accept::{AcceptedKind, Excused};
use crate::config::OnOpen;
use crate::exit::ExitStatus;
use crate::fingerprint::Difference;
use crate::judge::limits::{LimitFinding, LimitState};
use crate::judge::reason::LimitReason;
use crate::judge::{self, Comparison, Decision, join};

pub use reason::Reason;

/// Per run and per workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything required was judged, nothing breached.
    Passed,
    /// An absolute limit is breached, or a regression is significant.
    Failed,
    /// Neither proven fine nor proven worse, for noise.
    Inconclusive,
    /// Evidence is missing or contradicts itself, so that nothing is proven whatever the numbers.
    Incomplete,
    /// Open, and the run could not have seen even twice what must be found.
    Blind,
    /// Baselines exist, but of something else.
    Incomparable,
    /// There is no baseline.
    NoBaseline,
    /// The measurement is not fit to be judged.
    Invalid,
}

/// What to do where there is no certainty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the names of the config's keys")]
pub struct StatusPolicy {
    pub on_inconclusive: OnOpen,
    pub on_blind: OnOpen,
    pub on_missing_baseline: OnOpen,
    pub on_incomparable: OnOpen,
    pub on_limit_open: OnOpen,
    /// Starts that look slow only sometimes.
    pub on_unstable: OnOpen,
}

/// What the baseline had to say.
#[derive(Clone, Debug, PartialEq)]
pub enum Against {
    Compared(Box<Comparison>),
    /// Only limits were asked for.
    LimitsOnly,
    Missing(Reason),
    Incomparable(Vec<Difference>),
}

/// All that is known of a workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// Reasons why the measurement is unfit; empty is fit.
    pub invalid: Vec<Reason>,
    pub against: Against,
    pub limits: Vec<LimitFinding>,
    /// What of comparison and limits somebody has accepted.
    pub excused: Vec<Excused>,
    /// What of the evidence is missing or contradicts itself: it may fail, and never passes.
    pub incomplete: Vec<Reason>,
    /// What is worth knowing beside the verdict.
    pub warnings: Vec<Reason>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Ruling {
    pub verdict: Verdict,
    pub exit: ExitStatus,
    pub reasons: Vec<Reason>,
    pub warnings: Vec<Reason>,
    /// What was found and is accepted, each with until when, why and by whom.
    pub accepted: Vec<Reason>,
}

/// Validity comes first, then a breached limit, then what is missing, then the comparison. What is
/// accepted is in the way of nothing, and is said.
pub fn rule(policy: StatusPolicy, evidence: &Evidence) -> Ruling {
    if !evidence.invalid.is_empty() {
        return Ruling::new(
            Verdict::Invalid,
            ExitStatus::CouldNotMeasure,
            evidence.invalid.clone(),
        );
    }
    let (rest, limits) = (evidence.decisive(), evidence.limits_without_accepted());
    let comparison = rest.as_deref();
    let joined = join(comparison, &limits);
    let open_limit = limits.iter().any(LimitFinding::is_open);
    let missing = evidence.missing(&limits);
    let mut ruling = match (&evidence.against, joined.decision) {
        (_, Decision::Regression) => {
            Ruling::new(Verdict::Failed, ExitStatus::GateFailed, failing(&limits, comparison))
        }
        _ if !missing.is_empty() => incomplete(missing, comparison),
        (Against::Missing(why), _) => {
            let reasons = std::iter::once(why.clone()).chain(limit_reasons(&limits)).collect();
            Ruling::new(
                Verdict::NoBaseline,
                exit_of(policy.on_missing_baseline, ExitStatus::NoBaseline),
                reasons,
            )
        }
        (Against::Incomparable(differences), _) => {
            let why = Reason::Incomparable { differences: differences.clone() };
            Ruling::new(
                Verdict::Incomparable,
                exit_of(policy.on_incomparable, ExitStatus::NoBaseline),
                vec![why],
            )
        }
        (_, Decision::Pass) => {
            Ruling::new(Verdict::Passed, ExitStatus::Pass, judged(joined.reasons))
        }
        (_, Decision::Incomplete) => incomplete(judged(joined.reasons), None),
        (_, Decision::Inconclusive) => unproven(policy, comparison, judged(joined.reasons)),
    };
    if open_limit && policy.on_limit_open == OnOpen::Fail && ruling.exit == ExitStatus::Pass {
        ruling.verdict =
            if ruling.verdict == Verdict::Passed { Verdict::Inconclusive } else { ruling.verdict };
        ruling.exit = ExitStatus::Inconclusive;
        ruling.reasons.insert(0, Reason::OpenLimitFails);
    }
    ruling.accepted = evidence.excused.iter().map(Reason::from).collect();
    ruling.warnings.extend(judged(joined.warnings));
    ruling.warnings.extend(evidence.warnings.iter().cloned());
    if let (Verdict::Failed, Some(open)) =
        (ruling.verdict, comparison.filter(|c| c.decision.is_open()))
    {
        ruling.warnings.splice(0..0, judged(open.reasons.clone()));
    }
    ruling
}

/// Open for noise; blind where the noise hides even twice what must be found.
fn unproven(
    policy: StatusPolicy,
    comparison: Option<&Comparison>,
    mut reasons: Vec<Reason>,
) -> Ruling {
    let Some(blind) = comparison.and_then(Comparison::blind) else {
        let unstable = comparison.is_some_and(Comparison::is_unstable);
        let fails = unstable && policy.on_unstable == OnOpen::Fail;
        let strictest = if fails { OnOpen::Fail } else { policy.on_inconclusive };
        let exit = exit_of(strictest, ExitStatus::Inconclusive);
        return Ruling::new(Verdict::Inconclusive, exit, reasons);
    };
    reasons.insert(0, judge::Reason::from(&blind).into());
    // It is open too: whoever lets nothing open through lets nothing blind through.
    let strictest =
        if policy.on_inconclusive == OnOpen::Fail { OnOpen::Fail } else { policy.on_blind };
    Ruling::new(Verdict::Blind, exit_of(strictest, ExitStatus::Inconclusive), reasons)
}

/// The worst wins: exit 1, then 3, 4, 5, 0; among equals the first. A run without workloads proves
/// nothing.
pub fn overall(rulings: &[Ruling]) -> (Verdict, ExitStatus) {
    let rank = |r: &Ruling| match (r.exit, r.verdict) {
        (ExitStatus::GateFailed, _) => 0,
        (ExitStatus::CouldNotMeasure, _) => 1,
        (ExitStatus::NoBaseline, _) => 2,
        (ExitStatus::Inconclusive, _) => 3,
        (_, Verdict::Passed) => 5,
        // Let through by policy, and still not a pass: the verdict says so.
        _ => 4,
    };
    rulings
        .iter()
        .min_by_key(|r| rank(r))
        .map_or((Verdict::Invalid, ExitStatus::CouldNotMeasure), |r| (r.verdict, r.exit))
}

impl Verdict {
    /// As headlines say it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "PASS",
            Self::Failed => "FAIL",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::Incomplete => "INCOMPLETE",
            Self::Blind => "BLIND",
            Self::Incomparable => "INCOMPARABLE",
            Self::NoBaseline => "NO BASELINE",
            Self::Invalid => "INVALID",
        }
    }
}

impl Ruling {
    fn new(verdict: Verdict, exit: ExitStatus, reasons: Vec<Reason>) -> Self {
        Self { verdict, exit, reasons, warnings: Vec::new(), accepted: Vec::new() }
    }

    /// A FAIL, whatever it was by itself.
    pub fn fail(&mut self, why: Reason) {
        (self.verdict, self.exit) = (Verdict::Failed, ExitStatus::GateFailed);
        self.reasons.insert(0, why);
    }

    /// INCONCLUSIVE, whatever it was by itself.
    pub fn leave_open(&mut self, policy: StatusPolicy, why: Reason) {
        let exit = exit_of(policy.on_inconclusive, ExitStatus::Inconclusive);
        (self.verdict, self.exit) = (Verdict::Inconclusive, exit);
        self.reasons.insert(0, why);
    }
}

impl Evidence {
    /// What is not there although no baseline is needed for it: parts of the run, and values that
    /// limits are about.
    fn missing(&self, limits: &[LimitFinding]) -> Vec<Reason> {
        let unmeasured =
            limits.iter().filter(|l| l.state == LimitState::NotMeasured).map(Reason::from);
        self.incomplete.iter().cloned().chain(unmeasured).collect()
    }

    /// The comparison as it decides.
    pub fn decisive(&self) -> Option<Cow<'_, Comparison>> {
        let Against::Compared(c) = &self.against else { return None };
        let accepted: BTreeSet<_> = self
            .excused
            .iter()
            .filter(|e| e.of == AcceptedKind::Regression)
            .map(|e| e.metric)
            .collect();
        Some(if accepted.is_empty() { Cow::Borrowed(c) } else { Cow::Owned(c.without(&accepted)) })
    }

    /// The limits as they decide: an accepted breach stands in no way.
    fn limits_without_accepted(&self) -> Vec<LimitFinding> {
        let mut limits = self.limits.clone();
        for l in limits.iter_mut().filter(|l| l.state == LimitState::Breached) {
            if let Some(excused) = self.excused.iter().find(|e| e.concerns(l)) {
                l.state = LimitState::Met;
                let (breach, terms) = (Box::new(l.reason.clone()), excused.terms.clone());
                l.reason = LimitReason::LimitAccepted { breach, terms };
            }
        }
        limits
    }
}

/// What fails, and nothing else: why a comparison is open does not explain a breached limit.
fn failing(limits: &[LimitFinding], comparison: Option<&Comparison>) -> Vec<Reason> {
    let breached = limits.iter().filter(|l| l.state == LimitState::Breached).map(Reason::from);
    let regressed =
        comparison.filter(|c| c.decision == Decision::Regression).map_or(&[][..], |c| &c.reasons);
    breached.chain(judged(regressed.to_vec())).collect()
}

/// Exit 3 whatever the policy says of noise. What else was open is said after what is missing.
fn incomplete(missing: Vec<Reason>, comparison: Option<&Comparison>) -> Ruling {
    let open = comparison.filter(|c| c.decision.is_open()).map_or(&[][..], |c| &c.reasons);
    let reasons = missing.into_iter().chain(judged(open.to_vec())).collect();
    Ruling::new(Verdict::Incomplete, ExitStatus::CouldNotMeasure, reasons)
}

fn exit_of(policy: OnOpen, failing: ExitStatus) -> ExitStatus {
    match policy {
        OnOpen::Warn => ExitStatus::Pass,
        OnOpen::Fail => failing,
    }
}

fn limit_reasons(limits: &[LimitFinding]) -> impl Iterator<Item = Reason> + '_ {
    limits.iter().filter(|l| l.state != LimitState::Met).map(Reason::from)
}

fn judged(reasons: Vec<judge::Reason>) -> Vec<Reason> {
    reasons.into_iter().map(Reason::from).collect()
}

#[cfg(test)]
mod tests;
