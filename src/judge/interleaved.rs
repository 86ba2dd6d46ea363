//! Both builds in one job, start by start (docs/METHODOLOGY.md#interleaved): the looks of one commit, over
//! all its attempts, and what to measure next.
//!
//! A look sees nothing of later starts: judging a stored run gives what judging it after each start
//! gave, up to the first decision. Not here: measuring; the caller does so while `wants` says what.

use crate::judge::decide::{conclude, decide};
use crate::judge::fitness::{StartPair, prepare, usable};
use crate::judge::level::{Line, Rule};
use crate::judge::look::{self, Basis, Pair};
use crate::judge::reason::PairingReason;
use crate::judge::seeds::{SeedMeans, at_equal_lengths};
use crate::judge::slow::{self, Bars};
use crate::judge::{
    Bearing, Comparison, Decision, LookSeen, Mode, PastRun, Policy, Reason, Standing, StartsSeen,
    Wants,
};
use crate::measure::summary::{Shape, StartSummary};
use crate::measure::{Round, SloMs};

/// A further attempt does not count.
pub const MOST_ATTEMPTS: usize = 5;
/// Candidate starts that are seen at most where only some of them look slow.
const ENOUGH_STARTS: usize = 10;

/// Everything that an interleaved comparison looks at.
#[derive(Clone, Copy, Debug)]
pub struct Interleaved<'a> {
    /// Of the same candidate tree, baseline commit, plan and policy, oldest first; those that were
    /// INVALID left out.
    pub earlier: &'a [Attempt<'a>],
    pub now: Attempt<'a>,
    pub slo: SloMs,
    /// Fingerprint fields that must match and do not.
    pub differing: &'a [String],
    pub rules: Rules<'a>,
}

/// What does not come from the measurement itself.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// Earlier finished runs of comparable fingerprint, oldest first.
    pub history: &'a [PastRun],
    pub shape: Shape,
    /// K, as the first attempt planned it (`plan`).
    pub planned: usize,
    pub sampling: Sampling,
    /// Attempts that the CI counts and whose records are not found.
    pub unseen: usize,
    pub policy: &'a Policy,
}

/// One run of the gate.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attempt<'a> {
    pub baseline: &'a [Round],
    pub candidate: &'a [Round],
    /// Check starts of the candidate, in order: the round of the first seed, and that of the second
    /// where the first looked slow.
    pub checks: &'a [Vec<Round>],
    /// What an earlier attempt was judged to be.
    pub decision: Option<Decision>,
}

/// Whether the measurement restarted the servers: only then does it hold the start-to-start
/// variance that everything rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// Every start is a fresh one, and the candidate can be started alone.
    Starts,
    /// Every start is a fresh one, and none can be made but in pairs.
    Pairs,
    /// Both servers ran already, so that each side is one start, whatever it was asked: one look.
    RunningServers,
}

/// One attempt reduced to its starts: plain, with their rounds; or values that need no centring,
/// without.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    pub pairs: Vec<Pair>,
    pub checks: Vec<StartSummary>,
    /// What an earlier attempt was judged to be.
    pub decision: Option<Decision>,
}

/// One attempt seed-centred, after so many of its pairs.
struct Centred {
    pairs: Vec<Pair>,
    starts: slow::Starts,
}

/// What is on the table at a look.
struct Evidence<'a> {
    rules: Rules<'a>,
    basis: Basis<'a>,
    bars: Bars,
    earlier: &'a [Taken],
    now: Taken,
    standing: bool,
    /// Check starts of this attempt that were used so far.
    taken: usize,
}

/// Plays the looks in order and stops where METHOD stops.
pub fn judge(input: &Interleaved<'_>) -> Comparison {
    let decisions = || input.earlier.iter().filter_map(|a| a.decision);
    if let Some(settled) = settled(&input.rules, decisions()) {
        return settled;
    }
    let (earlier, warnings) = before(input);
    let standing = stands(decisions());
    let checks = checks(&input.now, &input.slo);
    let now = Taken { checks, ..Taken::default() };
    let evidence = Evidence::new(input.rules, &earlier, now, standing);
    play_rounds(input, evidence, &warnings)
}

/// The looks over starts that are known to be fit: of a simulation, or of splits of unchanged code.
pub fn play(rules: &Rules<'_>, earlier: &[Taken], now: &Taken) -> Comparison {
    let decisions = || earlier.iter().filter_map(|a| a.decision);
    if let Some(settled) = settled(rules, decisions()) {
        return settled;
    }
    let checks = Taken { pairs: Vec::new(), ..now.clone() };
    let mut evidence = Evidence::new(*rules, earlier, checks, stands(decisions()));
    let nothing = rules.undecided(vec![Reason::NoStartOnBothSides]).incomplete();
    let mut last = Comparison { wants: Some(Wants::Pair), ..nothing };
    for pair in &now.pairs {
        evidence.now.pairs.push(pair.clone());
        last = evidence.look(Vec::new(), std::mem::take(&mut last.course));
        if last.wants != Some(Wants::Pair) {
            break;
        }
    }
    last
}

/// What earlier attempts have settled: after a PASS nothing is measured, and five are enough.
fn settled(
    rules: &Rules<'_>,
    decisions: impl Iterator<Item = Decision> + Clone,
) -> Option<Comparison> {
    if decisions.clone().any(|d| d == Decision::Pass) {
        let stands = rules.undecided(vec![Reason::PassStands]);
        return Some(Comparison { decision: Decision::Pass, ..stands });
    }
    let spent = decisions.clone().count() + rules.unseen >= MOST_ATTEMPTS;
    let decision = if stands(decisions) { Decision::Regression } else { Decision::Inconclusive };
    let reason = Reason::AttemptsSpent { most: MOST_ATTEMPTS as u64 };
    spent.then(|| Comparison { decision, ..rules.undecided(vec![reason]) })
}

/// Some attempt was a REGRESSION: a later PASS would have lifted it, and ended the sequence.
fn stands(mut decisions: impl Iterator<Item = Decision>) -> bool {
    decisions.any(|d| d == Decision::Regression)
}

/// Earlier attempts reduced; and which of them add nothing.
fn before(input: &Interleaved<'_>) -> (Vec<Taken>, Vec<Reason>) {
    let (mut earlier, mut warnings) = (Vec::new(), Vec::new());
    for (at, attempt) in input.earlier.iter().enumerate() {
        match prepare(attempt, input.differing, u32::MAX) {
            Ok(fit) => earlier.push(Taken {
                pairs: fit.starts.iter().map(|pair| Pair::new(pair, &input.slo)).collect(),
                checks: checks(attempt, &input.slo),
                decision: attempt.decision,
            }),
            Err(why) => warnings.push(Reason::AttemptLeftOut { attempt: at as u64 + 1, why }),
        }
    }
    if input.rules.unseen > 0 {
        warnings.push(Reason::AttemptsUnseen { unseen: input.rules.unseen as u64 });
    }
    (earlier, warnings)
}

fn play_rounds(
    input: &Interleaved<'_>,
    mut evidence: Evidence<'_>,
    warnings: &[Reason],
) -> Comparison {
    let usable = usable(&input.now);
    let nothing = input.rules.undecided(vec![Reason::NoStartOnBothSides]).incomplete();
    let mut last = Comparison { wants: Some(Wants::Pair), ..nothing };
    let mut look = 0;
    while let Some(&start) = usable.get(look) {
        look += 1;
        let course = std::mem::take(&mut last.course);
        last = match evidence.with_pairs(input, start) {
            Err(why) => evidence.unfit(why, look < input.rules.most()),
            Ok(dropped) => {
                let known = warnings.iter().cloned().chain(dropped.into_iter().map(Reason::from));
                evidence.look(known.collect(), course)
            }
        };
        if last.wants != Some(Wants::Pair) {
            break;
        }
    }
    // Starts with nothing to pair come after the last look, too: what is wrong with them is the
    // better reason.
    let end = usable.get(look).map_or(u32::MAX, |next| next.saturating_sub(1));
    if let (true, Err(why)) = (last.decision.is_open(), prepare(&input.now, input.differing, end)) {
        last = evidence.unfit(why, last.wants.is_some());
    }
    if input.rules.sampling == Sampling::RunningServers {
        last.warnings.insert(0, Reason::StartsNotSampled);
        last.wants = None;
    }
    last
}

impl Rules<'_> {
    fn undecided(&self, reasons: Vec<Reason>) -> Comparison {
        Comparison::undecided(Mode::Interleaved, self.history.len(), self.planned, reasons)
    }

    /// Looks of one attempt.
    const fn most(&self) -> usize {
        match self.sampling {
            Sampling::Starts | Sampling::Pairs => self.planned,
            Sampling::RunningServers => 1,
        }
    }
}

impl<'a> Evidence<'a> {
    fn new(rules: Rules<'a>, earlier: &'a [Taken], now: Taken, standing: bool) -> Self {
        let Rules { history, shape, policy, planned, .. } = rules;
        let attempts = earlier.len() + rules.unseen + 1;
        let basis = Basis {
            history,
            shape,
            policy,
            planned,
            unseen_share: if rules.unseen > 0 { attempts as f64 } else { 1.0 },
            only_pair: rules.sampling == Sampling::RunningServers,
        };
        let bars = Bars::new(history, shape, policy);
        Self { rules, basis, bars, earlier, now, standing, taken: 0 }
    }

    /// The pairs of this attempt up to this start; warnings, or why there is no comparison.
    fn with_pairs(
        &mut self,
        input: &Interleaved<'_>,
        last: u32,
    ) -> Result<Vec<PairingReason>, PairingReason> {
        let fit = prepare(&input.now, input.differing, last)?;
        let known = self.now.pairs.len();
        let new = fit.starts.iter().skip(known).map(|pair| Pair::new(pair, &input.slo));
        self.now.pairs.extend(new);
        Ok(fit.warnings)
    }

    /// Nothing that is wrong with this attempt lifts what an earlier one found.
    fn unfit(&self, why: PairingReason, pairs_left: bool) -> Comparison {
        let open = self.rules.undecided(vec![Reason::Pairing(why)]).incomplete();
        let decision = if self.standing { Decision::Regression } else { open.decision };
        let standing = self.standing.then_some(Standing::Regression { complete: false });
        Comparison { decision, standing, wants: pairs_left.then_some(Wants::Pair), ..open }
    }

    /// None for servers that ran already: their one look is no picture.
    fn line(&self) -> Option<Line> {
        let Rules { sampling, planned, policy, .. } = self.rules;
        let sampled = sampling != Sampling::RunningServers;
        sampled.then(|| Line::new(Rule::Primary, planned, policy.workloads))
    }

    /// One look at the pairs so far.
    fn look(&mut self, warnings: Vec<Reason>, mut course: Vec<LookSeen>) -> Comparison {
        let complete = self.now.pairs.len() >= self.rules.most();
        let attempts = self.centred();
        let pairs: Vec<Vec<Pair>> = attempts.iter().map(|a| a.pairs.clone()).collect();
        let shown: Vec<&Pair> =
            self.earlier.iter().flat_map(|a| &a.pairs).chain(&self.now.pairs).collect();
        let findings = look::findings(&self.basis, &pairs, &shown);
        course.push(look::seen(&findings, shown.len()));
        let known = Comparison {
            warnings,
            line: self.line(),
            course,
            pairs_before: self.earlier.iter().map(|a| a.pairs.len()).sum(),
            standing: self.standing.then_some(Standing::Regression { complete }),
            starts: self.seen(&attempts),
            slow: self.slow(&attempts),
            ..self.rules.undecided(Vec::new())
        };
        let pairs = shown.len();
        let mut found = conclude(&known, findings, pairs);
        let lifting = self.standing && !complete;
        if !lifting && passes_but_for_starts(&found) {
            self.see_more(self.rules.policy.min_starts, &mut found);
        }
        if complete && !self.standing && found.wants.is_none() && found.is_unstable() {
            self.see_more(ENOUGH_STARTS, &mut found);
            keep_open(&mut found);
        }
        if let Some(left_out) = found.slow.as_ref().map(|s| s.left_out).filter(|n| *n > 0) {
            found.warnings.push(Reason::HistoryWithoutSlowStarts { starts: left_out });
        }
        // Where the candidate cannot be started alone, a PASS waits for the next pair.
        let waits = self.rules.sampling == Sampling::Pairs && passes_but_for_starts(&found);
        if found.wants.is_none() && (lifting || found.decision.is_open() && (!complete || waits)) {
            found.wants = Some(Wants::Pair);
        }
        found
    }

    /// Takes check starts until so many starts are seen, and judges again; what to measure where
    /// one is missing.
    fn see_more(&mut self, needed: usize, found: &mut Comparison) {
        found.wants = self.take_checks(needed);
        let attempts = self.centred();
        found.starts = self.seen(&attempts);
        found.slow = self.slow(&attempts);
        decide(found);
    }

    fn take_checks(&mut self, needed: usize) -> Option<Wants> {
        if self.rules.sampling != Sampling::Starts {
            return None;
        }
        while self.seen(&self.centred()).seen < needed {
            let rounds = match self.now.checks.get(self.taken) {
                Some(check) => check.rounds.len(),
                None => return Some(Wants::CheckStart),
            };
            self.taken += 1;
            let now = self.now.centred(self.taken);
            if rounds == 1 && self.bars.last_is_slow(&now.starts) {
                return Some(Wants::SecondRound);
            }
        }
        None
    }

    /// All attempts; this one with the check starts that were used.
    fn centred(&self) -> Vec<Centred> {
        let now = self.now.centred(self.taken);
        self.earlier.iter().map(|a| a.centred(a.checks.len())).chain([now]).collect()
    }

    fn seen(&self, attempts: &[Centred]) -> StartsSeen {
        let seen = attempts.iter().map(|a| a.starts.candidate.len()).sum();
        let sampled = self.rules.sampling != Sampling::RunningServers;
        let needed = if sampled { self.rules.policy.min_starts } else { 1 };
        StartsSeen { seen, needed }
    }

    fn slow(&self, attempts: &[Centred]) -> Option<slow::SlowStarts> {
        let starts: Vec<slow::Starts> = attempts.iter().map(|a| a.starts.clone()).collect();
        let sampled = self.rules.sampling != Sampling::RunningServers;
        sampled.then(|| slow::test(&self.bars, &starts, self.basis.history))
    }
}

/// Nothing is in the way of a PASS but starts that were not seen.
fn passes_but_for_starts(found: &Comparison) -> bool {
    let free = found.metrics.iter().all(|row| row.bearing == Bearing::Free);
    let unstable = found.slow.as_ref().is_some_and(|slow| slow.worry || slow.hit);
    free && !unstable && found.starts.missing() > 0 && found.decision.is_open()
}

/// Ten starts convict or do not: they do not turn what was unstable into a PASS.
fn keep_open(found: &mut Comparison) {
    if found.decision == Decision::Pass {
        found.decision = Decision::Inconclusive;
        found.proves = None;
        found.reasons = found.slow.clone().map(Reason::UnstableStarts).into_iter().collect();
    }
}

fn checks(attempt: &Attempt<'_>, slo: &SloMs) -> Vec<StartSummary> {
    attempt.checks.iter().map(|rounds| StartSummary::over(rounds, slo)).collect()
}

impl Pair {
    fn new(starts: &StartPair<'_>, slo: &SloMs) -> Self {
        let summary = |rounds: &[&Round]| StartSummary::over(rounds.iter().copied(), slo);
        Self { baseline: summary(&starts.baseline), candidate: summary(&starts.candidate) }
    }
}

impl Taken {
    fn centred(&self, taken: usize) -> Centred {
        let mut pairs = self.pairs.clone();
        let mut checks: Vec<StartSummary> = self.checks.iter().take(taken).cloned().collect();
        let both = pairs.iter_mut().flat_map(|p| [&mut p.baseline, &mut p.candidate]);
        at_equal_lengths(&mut both.chain(&mut checks).collect::<Vec<_>>());
        let means = SeedMeans::over(pairs.iter().map(|p| &p.baseline));
        let centred = |start: &StartSummary| means.centred(start);
        let pair =
            |p: &Pair| Pair { baseline: centred(&p.baseline), candidate: centred(&p.candidate) };
        let pairs: Vec<Pair> = pairs.iter().map(pair).collect();
        let candidate = pairs.iter().map(|p| p.candidate.clone());
        let starts = slow::Starts {
            baseline: pairs.iter().map(|p| p.baseline.clone()).collect(),
            candidate: candidate.chain(checks.iter().map(|check| means.best(check))).collect(),
        };
        Centred { pairs, starts }
    }
}

impl From<PairingReason> for Reason {
    fn from(why: PairingReason) -> Self {
        Self::Pairing(why)
    }
}
