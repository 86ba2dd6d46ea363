//! The reasons in English. Not here: what they hold (`reason`).

use std::fmt;

use super::{
    LimitGap, LimitReason, LimitValue, Margin, Measured, MetricReason, NoiseUnit, Obstacle,
    PairingReason, Reason, Side, SpreadReason, Terms,
};
use crate::config::Bound;
use crate::judge::slow::SlowStarts;
use crate::judge::text::{change, count, level, probability, size, titles, value};
use crate::metric::Metric;

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worse(measured) => write!(f, "{measured}"),
            Self::NotProvenFine { metric, change, interval, why } => {
                let why = why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
                write!(f, "{}{}{why}", metric.title(), moved(*metric, *change, *interval))
            }
            Self::Proof { margins, detectable, starts, unseen_share } => {
                proof(f, margins, detectable)?;
                unseen(f, *starts, *unseen_share)
            }
            Self::UnstableStarts(found) => write!(f, "{found}"),
            Self::StartsUnseen { seen, needed } => write!(
                f,
                "a PASS needs {needed} starts of this change, and {seen} {} seen",
                if *seen == 1 { "was" } else { "were" }
            ),
            Self::NotLifted { complete: true } => f.write_str(
                "an earlier attempt failed, and all attempts together do not pass: the FAIL is not lifted",
            ),
            Self::NotLifted { complete: false } => {
                f.write_str("an earlier attempt failed: only a complete new attempt may lift that")
            }
            Self::PassStands => {
                f.write_str("an earlier attempt passed: its verdict stands, and nothing more is measured")
            }
            Self::AttemptsSpent { most } => {
                write!(f, "{most} attempts were made: a further one does not count")
            }
            Self::AttemptsUnseen { unseen } => write!(
                f,
                "the records of {} are not found: a PASS must be that much surer",
                count(*unseen, "earlier attempt", "earlier attempts")
            ),
            Self::AttemptLeftOut { attempt, why } => {
                write!(f, "attempt {attempt} adds nothing: {why}")
            }
            Self::HistoryWithoutSlowStarts { starts } => write!(
                f,
                "the baseline has slow starts now, and had none in {starts} before: those are left out of the test for slow starts"
            ),
            Self::SessionsWithoutRounds { sessions } => write!(
                f,
                "{} no rounds and cannot be compared seed by seed: left out",
                count(*sessions, "session keeps", "sessions keep")
            ),
            Self::NoPrimaryMetric => {
                f.write_str("no primary metric is left, so nothing can be proven: take `class` out of `regressions`")
            }
            Self::NoisierThanUsual { metrics } => write!(f, "noisier than usual: {}", titles(metrics)),
            Self::CandidateNotMeasured => f.write_str("this change was not measured"),
            Self::NoSessions => f.write_str("no baseline session to compare with"),
            Self::NoStartOnBothSides => f.write_str("no server start was measured on both sides"),
            Self::StartsNotSampled => f.write_str(
                "the gate did not start these servers, so each side counts as one start, however many rounds it has: a restart \
                 alone may shift TPOT by 1 to 2.5 %, so only a history of restarted servers or a much larger change can decide",
            ),
            Self::SecondJobHelps => {
                f.write_str("check again (attempts are judged together), or measure both builds in one job (--interleaved)")
            }
            Self::InterleavingHelps => f.write_str("measure both builds in one job (--interleaved)"),
            Self::SessionsNeeded { missing, present, needed } => write!(
                f,
                "{} needed ({present} of {needed} are there): until then only changes far beyond any plausible noise are judged",
                count(*missing, "more baseline session is", "more baseline sessions are"),
            ),
            Self::DriftSessionsNeeded { side, present, needed } => {
                let place = if *side == Side::Baseline { "at or before the anchor" } else { "since the anchor" };
                write!(f, "{present} of {needed} comparable sessions {place}")
            }
            Self::Blind { metric, detectable, wanted, noise, unit } => {
                let unit = if *unit == NoiseUnit::Sessions { "sessions" } else { "starts" };
                let noise =
                    noise.map(|sd| format!("; {unit} of unchanged code differ by {} (standard deviation)", size(*metric, sd)));
                let wanted = size(*metric, *wanted);
                let seen = detectable
                    .map_or_else(|| "no change".to_owned(), |x| format!("only a change of {} or more", size(*metric, x)));
                write!(
                    f,
                    "too noisy: {seen} in {} would have been found, and {wanted} must be{}",
                    metric.title(),
                    noise.unwrap_or_default()
                )
            }
            Self::NothingToJudge => f.write_str("nothing to judge: no baseline and no limits"),
            Self::Pairing(pairing) => write!(f, "{pairing}"),
            Self::Spread(spread) => write!(f, "{spread}"),
            Self::Limit(limit) => write!(f, "{limit}"),
        }
    }
}

impl fmt::Display for PairingReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FieldsDiffer { fields } => {
                write!(
                    f,
                    "not comparable: {} differ between the baseline and this change",
                    fields.join(", ")
                )
            }
            Self::FewPartners { pairs, rounds } => write!(
                f,
                "not comparable: only {pairs} of {rounds} rounds were measured on both sides, with the same start and seed; \
                 measure both sides with the same plan"
            ),
            Self::OtherWork { change } => write!(
                f,
                "not comparable: for the same requests this change answered with {:+.1} % output tokens, which is other work",
                change * 100.0
            ),
            Self::OneOrder { first } => write!(
                f,
                "drift of the machine cannot be told from a change yet: in the only start pair {first} always ran first; \
                 measure another start pair, in the other order"
            ),
            Self::UnevenOrder { first } => write!(
                f,
                "drift of the machine cannot be told from a change: this change ran first in {:.0} % of the pairs",
                first * 100.0
            ),
            Self::BaselineFailed { rounds, of } => write!(
                f,
                "all requests failed in {rounds} of {of} rounds of the baseline: see its server's log, then measure again"
            ),
            Self::FailedRoundsDropped { rounds } => {
                let rounds = count(*rounds, "round", "rounds");
                write!(
                    f,
                    "left out: {rounds} in which all requests of the baseline failed, with their partners of this change"
                )
            }
            Self::UnpairedRoundsDropped { rounds } => {
                write!(
                    f,
                    "left out: {} measured on one side only",
                    count(*rounds, "round", "rounds")
                )
            }
        }
    }
}

impl fmt::Display for SpreadReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SessionsMoved { metric, newer, commit, day, change: by, older } => {
                let newer = count(*newer, "session", "sessions");
                write!(f, "{newer} since {commit} ({day}): {} {} against the {older} before", metric.title(), change(*metric, *by))
            }
            Self::MachineDiffers { metric, runner, change: by } => {
                write!(f, "the sessions of {runner}: {} {} against those of other machines", metric.title(), change(*metric, *by))
            }
            Self::SessionsScatter { metric, high, low, change: by } => write!(
                f,
                "the sessions differ without a clear step: {} of {} ({}) {} against {} ({})",
                metric.title(),
                high.commit,
                high.day,
                change(*metric, *by),
                low.commit,
                low.day
            ),
            Self::MoreSessionsHelp { sessions } => write!(
                f,
                "way out: {} of the base branch (`goodput-gate baseline update`) would be enough, if they vary as these do; \
                 `goodput-gate check --interleaved` needs none",
                count(*sessions, "more session", "more sessions")
            ),
            Self::NoSessionsHelp => f.write_str(
                "way out: measure both builds in one job (`goodput-gate check --interleaved`), which needs none of these sessions; or \
                 measure disturbed sessions again (`goodput-gate baseline history METRIC` shows them, `baseline update` adds others)",
            ),
        }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let p = self.p.map_or_else(String::new, |p| format!(", {}", probability(p)));
        write!(f, "{}{}{p}", self.metric.title(), moved(self.metric, self.change, self.interval))
    }
}

impl fmt::Display for MetricReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBaselineValue => f.write_str("no value in the baseline"),
            Self::NoCandidateValue => f.write_str("no value in this run"),
            Self::NoValue => f.write_str("not measured on either side"),
            Self::SomeStartsWithoutValue => f.write_str("no value in some starts of one side"),
            Self::ChangeNotJudged => {
                f.write_str("this version does not judge changes of this metric; take it out of `regressions`")
            }
            Self::OnlyShown => f.write_str("worse beyond the noise, but only shown (`class: info`)"),
            Self::PerhapsNoise { p, alpha } => {
                let p = p.map_or_else(String::new, |p| format!("{}, and ", probability(p)));
                write!(f, "worse, but it could still be noise ({p}a FAIL needs p <= {})", level(*alpha))
            }
            Self::TooFewStarts => f.write_str(
                "worse, but no verdict rests on one start pair, nor on a noise that is hardly known",
            ),
            Self::NotThroughout => f.write_str("worse on average, but not in every job"),
            Self::MoreFailures => f.write_str("worse, but too few requests failed to prove it"),
            Self::OneStart => f.write_str("worse, but one start cannot fail by this metric; measure two or more (gate.starts)"),
            Self::BelowOneJob { metric, least } => {
                let least = size(*metric, *least);
                write!(f, "worse, but one job fails by this metric from {least} on; check again, since attempts are judged together")
            }
            Self::NotInEveryStart { metric, least } => {
                let least = size(*metric, *least);
                write!(f, "worse, but not by {least} in every start; check again, since attempts are judged together")
            }
            Self::SessionsDifferTooMuch => f.write_str(
                "worse, but the baseline's sessions differ too much for one job to fail by this metric; check again, \
                 since attempts are judged together",
            ),
            Self::MarginNotProven { metric, margin } => {
                write!(f, "too noisy to rule out a change of {} for the worse", size(*metric, *margin))
            }
            Self::TooNoisy { metric, least } => write!(f, "too noisy to detect a change of {}", size(*metric, *least)),
            Self::StartNoiseUnknown => {
                f.write_str("the noise between starts is unknown: measure another start, or add a history")
            }
            Self::TooFewSessions => f.write_str("too few sessions to know the noise"),
        }
    }
}

impl fmt::Display for LimitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let over = |bound: Bound| if matches!(bound, Bound::Max(_)) { "over" } else { "under" };
        match self {
            Self::LimitBreached(l) => write!(f, "{l}, {} its limit of {}", over(l.bound), edge(l)),
            Self::LimitMet(l) => write!(f, "{l}, within its limit of {}", edge(l)),
            Self::LimitMetUnproven(l) => {
                write!(
                    f,
                    "{l}, within its limit of {}, but that is not proven{}",
                    edge(l),
                    obstacle(l)
                )
            }
            Self::LimitBreachedUnproven(l) => {
                write!(
                    f,
                    "{l}, {} its limit of {}, but that is not proven{}",
                    over(l.bound),
                    edge(l),
                    obstacle(l)
                )
            }
            Self::LimitNotMeasured { metric, why } => {
                write!(f, "{} cannot be held against its limit: {why}", metric.title())
            }
            Self::LimitUnknown { name } => {
                write!(f, "{name} cannot be held against its limit: no such metric")
            }
            Self::LimitAccepted { breach, terms } => write!(f, "{breach}, accepted {terms}"),
        }
    }
}

impl fmt::Display for LimitValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |x: f64| value(self.metric, x);
        let interval = self.interval.map(|(low, high)| format!(" ({} to {})", of(low), of(high)));
        write!(
            f,
            "{} {}{}",
            self.metric.title(),
            self.value.map(of).unwrap_or_default(),
            interval.unwrap_or_default()
        )
    }
}

impl fmt::Display for LimitGap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRequests => f.write_str("no requests were sent"),
            Self::NotDefined => f.write_str("this workload does not have it"),
            Self::GoodSide => f.write_str("a limit on its good side is not judged"),
            Self::LimitNotJudged => {
                f.write_str("limits on this metric are not judged in this version")
            }
            Self::NotStreaming => f.write_str("an SLO on TTFT or TPOT needs streaming"),
            Self::OneToken => {
                f.write_str("an answer of one token has no TPOT to hold against the SLO")
            }
            Self::NoTime => f.write_str("no requests after the ramp, or no time passed"),
            Self::NoInterval => f.write_str("its interval cannot be computed"),
            Self::NoSuccess => f.write_str("no request succeeded, or it was not recorded"),
            Self::NotStartedHere => f.write_str("the gate did not start the server"),
            Self::NoGpu => f.write_str("no GPU data in some round, or a GPU does not tell it"),
            Self::FewCompleted { rounds, of, least, timing } => {
                write!(
                    f,
                    "{rounds} of {of} rounds have fewer than {least} completed requests with a {}",
                    timing.title()
                )
            }
            Self::InvalidMeasurement => f.write_str("the measurement is INVALID"),
        }
    }
}

impl fmt::Display for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = self
            .by
            .as_ref()
            .map_or_else(|| "not committed yet".to_owned(), |by| format!("by {by}"));
        write!(f, "until {}: {} ({by})", self.until, self.reason)
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Baseline { "the baseline" } else { "this change" })
    }
}

/// ` +8.2 % (+7.0 % to +9.4 %)`.
fn moved(metric: Metric, by: Option<f64>, interval: Option<(f64, f64)>) -> String {
    let of = |x: f64| change(metric, x);
    let by = by.map(|by| format!(" {}", of(by))).unwrap_or_default();
    by + &interval.map(|(low, high)| format!(" ({} to {})", of(low), of(high))).unwrap_or_default()
}

fn proof(
    f: &mut fmt::Formatter<'_>,
    margins: &[Margin],
    detectable: &[(Metric, f64)],
) -> fmt::Result {
    let of = |m: &Margin| {
        let ratio = m.metrics.first().map_or_else(String::new, |metric| size(*metric, m.ratio));
        format!("{} less than {ratio} worse", titles(&m.metrics))
    };
    match margins {
        [] => f.write_str("nothing of a primary metric")?,
        all => write!(f, "{}", all.iter().map(of).collect::<Vec<_>>().join(", "))?,
    }
    if detectable.is_empty() {
        return Ok(());
    }
    let each: Vec<String> = detectable
        .iter()
        .map(|(metric, x)| format!("{} {}", metric.title(), size(*metric, *x)))
        .collect();
    write!(f, "; smallest detectable change: {}", each.join(", "))
}

/// `; seen in 2 starts of this change: a slowdown in less than 78 % of the starts could have gone
/// unseen`.
fn unseen(f: &mut fmt::Formatter<'_>, starts: u64, share: Option<f64>) -> fmt::Result {
    let Some(share) = share else { return Ok(()) };
    let starts = count(starts, "start of this change", "starts of this change");
    let share = share * 100.0;
    write!(
        f,
        "; seen in {starts}: a slowdown in less than {share:.0} % of the starts could have gone unseen"
    )
}

impl fmt::Display for SlowStarts {
    /// `unstable starts: 4 of 6 starts of this change are 38 to 41 % slower than the other starts; none
    /// of 34 of the baseline`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { candidate, baseline, .. } = self;
        let verb = if candidate.slow == 1 { "is" } else { "are" };
        write!(
            f,
            "unstable starts: {} of {} starts of this change {verb}",
            candidate.slow, candidate.starts
        )?;
        match self.slower.map(|(least, most)| (whole(least), whole(most))) {
            Some((least, most)) if least == most => {
                write!(f, " {most} % slower than the other starts")?;
            }
            Some((least, most)) => write!(f, " {least} to {most} % slower than the other starts")?,
            None => f.write_str(" slow")?,
        }
        match baseline.slow {
            0 => write!(f, "; none of {} of the baseline", baseline.starts)?,
            slow => write!(f, "; {slow} of {} of the baseline", baseline.starts)?,
        }
        if self.hit {
            return Ok(());
        }
        f.write_str("; more starts are needed to say whether the build does it")
    }
}

/// A log difference as whole per cent.
fn whole(difference: f64) -> String {
    format!("{:.0}", difference.exp_m1() * 100.0)
}

fn edge(l: &LimitValue) -> String {
    let (Bound::Max(limit) | Bound::Min(limit)) = l.bound;
    value(l.metric, limit)
}

fn obstacle(l: &LimitValue) -> String {
    l.obstacle.map_or_else(String::new, |obstacle| format!(": {}", obstacle.english()))
}

impl Obstacle {
    const fn english(self) -> &'static str {
        match self {
            Self::OneStart => "one start proves nothing, two that agree do",
            Self::Disturbed => {
                "failed requests, rounds without a value or a queue near saturation are in the way"
            }
            Self::RoundsDisagree => {
                "the rounds disagree, and one more start with the same seeds would tell the plan from noise"
            }
        }
    }
}
