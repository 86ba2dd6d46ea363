//! The reasons in English. Not here: what they hold (`reason`).

use std::fmt;

use super::{AnchorGap, Loosened, NoBaseline, Reason, RunReason, SinceAnchor, Tokens};
use crate::compare::Begin;
use crate::judge::reason::{Measured, Place, Side};
use crate::judge::shift::Moved;
use crate::judge::text::{change, count, joined, size};

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBaseline { workload, why } => write!(
                f,
                "no baseline for {workload}: {why}; `goodput-gate baseline update` on the target branch adds a session, six are needed to judge"
            ),
            Self::NoSessionCounts => f.write_str("no session counts"),
            Self::SessionsCount { sessions, since, begin } => {
                write!(
                    f,
                    "{} since {since}: {begin}",
                    count(*sessions, "session counts", "sessions count")
                )
            }
            Self::SessionsBegin { at, begin, left_out } => {
                let left = count(*left_out, "session", "sessions");
                write!(
                    f,
                    "the sessions that count begin at {at}, {begin}: {left} of another level left out"
                )
            }
            Self::SlowerSessionLeftOut { session, at, moved } => write!(
                f,
                "session {session} of {at} left out: it is slower than the sessions before it ({}), and nobody gave a reason; if it is \
                 meant: `goodput-gate baseline update --level-shift REASON`",
                changes(moved)
            ),
            Self::SessionsBeforeAcceptedLeftOut { sessions } => {
                let left = count(*sessions, "session", "sessions");
                write!(f, "history begins after an accepted change: {left} before it left out")
            }
            Self::AcceptedChangeIsYoung { sessions, needed } => write!(
                f,
                "of the accepted change {sessions} of {needed} sessions are there: until then it is compared with those before it, and \
                 the acceptance covers it; `goodput-gate baseline update` on the target branch adds one"
            ),
            Self::CopiesLeftOut { files } => {
                write!(f, "{} left out: copies of another session", these_files(*files))
            }
            Self::OwnSessionLeftOut { files } => {
                write!(f, "{} left out: this very run", these_files(*files))
            }
            Self::BaselineHasSlos => f.write_str(
                "the baseline has SLOs and this run has none: SLO attainment is not judged",
            ),
            Self::WorkloadsNotMeasured { workloads } => write!(
                f,
                "not measured in this run, although the baseline has sessions of it: {}; nothing is known of it",
                workloads.join(", ")
            ),
            Self::Anchor { name, commits, found } => {
                let ago = commits.map_or_else(String::new, |n| {
                    format!(" ({} ago)", count(n.into(), "commit", "commits"))
                });
                match found {
                    SinceAnchor::NotCompared(_) => {
                        write!(f, "not compared with the anchor {name}{ago}: {found}")
                    }
                    _ => write!(f, "since the anchor {name}{ago}: {found}"),
                }
            }
            Self::NoAnchor => f.write_str(
                "no anchor: nothing is pinned (`goodput-gate baseline anchor v1.2`), and no tag of this branch is a release (v1.2)",
            ),
            Self::LevelShiftSinceAnchor { at, why } => write!(
                f,
                "a level shift was stated at {at}: {why}; if the new level is to stay, pin an anchor that has six sessions of it \
                 (`goodput-gate baseline anchor`)"
            ),
            Self::AcceptanceDoesNotCount { metric, terms, why } => {
                write!(f, "the acceptance of {metric} {terms} does not count: {why}")
            }
            Self::TooGood { workload, metric, times } => write!(
                f,
                "{workload}: {} is {times:.1} times as good as the baseline's: before you believe it, rule out answers from a cache, cut \
                 or empty answers, and another model",
                metric.title()
            ),
            Self::Run(run) => write!(f, "{run}"),
        }
    }
}

impl fmt::Display for RunReason {
    #[expect(clippy::too_many_lines, reason = "one arm a sentence")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounds_of = |rounds: u32| count(rounds.into(), "round", "rounds");
        match self {
            Self::StartsMissing { starts, planned, rounds } => {
                let rounds = rounds_of(*rounds);
                write!(
                    f,
                    "only {starts} of {planned} planned starts have most of their {rounds}: measure all of them for a PASS"
                )
            }
            Self::StartsRagged { starts, rounds } => {
                let rounds = rounds_of(*rounds);
                write!(
                    f,
                    "{starts} of the judged starts lack most of their {rounds}: measure all of them for a PASS"
                )
            }
            Self::StoppedEarly { pairs, most } => {
                write!(
                    f,
                    "stopped after {pairs} of at most {most} start pairs, before it was decided"
                )
            }
            Self::TokensDiffer { tokens, now, then } => write!(
                f,
                "{now:.1} {tokens} tokens per request, and {then:.1} in the baseline: the work is not the same, so times cannot be compared"
            ),
            Self::TokensUntold { silent, tokens } => {
                let teller =
                    if *silent == Side::Candidate { Side::Baseline } else { Side::Candidate };
                let tokens =
                    tokens.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
                write!(
                    f,
                    "{teller} reports its {tokens} tokens and {silent} does not: whether the work is the same is unknown, so this is \
                     no PASS"
                )
            }
            Self::SideLacksWorkload { side, workload } => {
                write!(f, "{side} has no workload {workload}")
            }
            Self::IdenticalBuilds => {
                f.write_str("both builds are identical: there is no change of the program to find")
            }
            Self::SameProgram { path } => write!(
                f,
                "both sides ran the same program, {path}, in the same way: nothing was compared; server.build and server.start \
                 have to stay in their own checkout (or set gate.same_build: allow)"
            ),
            Self::SameProgramAllowed { path } => {
                write!(
                    f,
                    "both sides ran the same program, {path}, in the same way, as gate.same_build allows"
                )
            }
            Self::OnlyArgumentsDiffer { path } => {
                write!(
                    f,
                    "both sides ran the same program, {path}: only what their arguments and files change was compared"
                )
            }
            Self::CodeUnknown { path } => {
                write!(
                    f,
                    "both sides ran {path} in the same way: whether they loaded the same code is unknown"
                )
            }
            Self::RegressionsLoosened { rules } => {
                write!(
                    f,
                    "this config loosens the method's own rules (`regressions`): {}",
                    joined(rules)
                )
            }
            Self::FailuresAllowed { allowed, default } => {
                let (share, default) = (percent(*allowed), percent(*default));
                if *allowed < 1.0 {
                    write!(
                        f,
                        "this config lets {share} % of the requests fail (`limits.error_rate`): the default is {default} %"
                    )
                } else {
                    write!(
                        f,
                        "this config lets all requests fail (`limits.error_rate`): the default limit of {default} % is removed"
                    )
                }
            }
            Self::NoLimits => {
                f.write_str("nothing to judge: gate.mode is limits, and this workload sets none")
            }
            Self::SizesOutOfReach { starts, sizes } => {
                let each = sizes.iter().map(|s| {
                    let (reach, asked) = (size(s.metric, s.reach), size(s.metric, s.size));
                    format!("{} {reach} and not {asked}", s.metric.title())
                });
                write!(
                    f,
                    "against sessions of other days a job of {} finds {}: what is smaller mostly stays INCONCLUSIVE; measure both builds in one \
                     job (`goodput-gate check --interleaved`), or write a size that is found here under `regressions`",
                    count(*starts, "start", "starts"),
                    each.collect::<Vec<_>>().join(", ")
                )
            }
            Self::AnchorNotJudged => f.write_str(
                "this record's policy (on_anchor_drift: fail) is of an earlier version: `goodput-gate baseline drift` judges the change since \
                 the anchor now",
            ),
        }
    }
}

/// Hundredths of a percent are enough, and hide what binary makes of 7 %.
pub(crate) fn percent(share: f64) -> f64 {
    (share * 1e4).round() / 1e2
}

impl fmt::Display for NoBaseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::History => f.write_str("none in this branch's history"),
            Self::Path(path) => write!(f, "{path} has none"),
            Self::NoChange => f.write_str("no change is judged here (--base none)"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl fmt::Display for SinceAnchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worse(changes) => f.write_str(&listed(changes)),
            Self::NotWorse(changes) => write!(f, "not worse; {}", listed(changes)),
            Self::Open { sessions_needed, changes } => {
                let needed = sessions_needed
                    .map(|n| format!(" ({n} more of its sessions are needed to judge)"));
                write!(
                    f,
                    "neither proven worse nor proven fine{}; {}",
                    needed.unwrap_or_default(),
                    listed(changes)
                )
            }
            Self::NotCompared(AnchorGap::NoSession) => {
                f.write_str("it has no session of this workload")
            }
            Self::NotCompared(AnchorGap::OtherThings(differences)) => {
                write!(f, "its sessions are of something else: {}", joined(differences))
            }
            Self::NotCompared(AnchorGap::Work(work)) => write!(f, "{work}"),
            Self::NotCompared(AnchorGap::Other(why)) => f.write_str(why),
        }
    }
}

impl fmt::Display for Loosened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPrimary(metric) => {
                write!(f, "{metric} is no primary metric, so nothing is proven of it")
            }
            Self::OnlyShown(metric) => write!(f, "{metric} is only shown"),
            Self::MayBeWorse(metric, ratio) => {
                write!(f, "{metric} may be {:.0} % worse", ratio * 100.0)
            }
        }
    }
}

impl fmt::Display for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Input { "input" } else { "output" })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.commit, self.day)
    }
}

impl fmt::Display for Begin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("its first session"),
            Self::Faster(moved) => {
                write!(f, "faster than the sessions before it ({})", changes(moved))
            }
            Self::Stated(why) => write!(f, "a stated shift of level: {why}"),
            Self::ChangePoint { moved, p } => {
                write!(
                    f,
                    "where the level moved for good ({}, p {p:.3})",
                    changes(std::slice::from_ref(moved))
                )
            }
        }
    }
}

/// `TPOT +20.0 %, E2E latency +18.1 %`
pub fn changes(moved: &[Moved]) -> String {
    moved
        .iter()
        .map(|m| format!("{} {}", m.metric.title(), change(m.metric, m.change)))
        .collect::<Vec<_>>()
        .join(", ")
}

fn listed(changes: &[Measured]) -> String {
    changes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn these_files(files: u64) -> String {
    count(files, "baseline file", "baseline files")
}
