//! What a search came to: for people (`text`), for machines (`bisect.json`), as an exit code. Not
//! here: how it was found.

use serde::Serialize;

use super::range::Range;
use super::state::{Closed, Followed, State};
use crate::exit::ExitStatus;
use crate::judge::bisect::Posterior;
use crate::lang::{Text, bilingual};
use crate::report::text::short;

/// A search's answer, and what it rests on.
#[derive(Debug, Serialize)]
pub struct Answer {
    #[serde(flatten)]
    pub outcome: Outcome,
    pub good: String,
    pub bad: String,
    /// What was followed, such as `TPOT (chat)`; none before the ends were measured.
    pub followed: Option<String>,
    /// How much slower BAD is than GOOD, as a fraction.
    pub whole_change: Option<f64>,
    /// Starts beyond those of both ends and of the last comparison.
    pub fresh_starts: usize,
    /// Every commit that may be the one, oldest first.
    pub commits: Vec<Odds>,
}

/// A commit and how likely it is the one.
#[derive(Debug, Serialize)]
pub struct Odds {
    pub commit: String,
    pub subject: String,
    pub probability: Option<f64>,
    pub starts: usize,
    /// Why it cannot be measured, where that is so.
    pub skipped: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Outcome {
    Found(Culprit),
    /// The gate passes from GOOD to BAD.
    NoRegression,
    /// The gate cannot tell the ends apart, nor say that they are equal.
    EndsOpen,
    /// The budget ended first.
    Window {
        window: Vec<String>,
        probability: f64,
    },
    /// Interrupted; the same command goes on.
    Stopped,
}

/// The commit that made it slower; several where those between them cannot be measured.
#[derive(Debug, Serialize)]
pub struct Culprit {
    pub culprits: Vec<String>,
    pub subject: String,
    pub probability: f64,
    /// A whole gate from its parent to it says so, too.
    pub confirmed: bool,
    /// How much slower it is than its parent, as a fraction.
    pub change: Option<f64>,
    /// Of the whole slowdown, 1 is all of it.
    pub explains: Option<f64>,
}

impl Answer {
    pub fn new(outcome: Outcome, range: &Range, state: &State) -> Self {
        Self {
            outcome,
            good: range.good().to_owned(),
            bad: range.bad().to_owned(),
            followed: state.followed.as_ref().map(Followed::title),
            whole_change: None,
            fresh_starts: state.fresh,
            commits: Vec::new(),
        }
    }

    /// With what was measured of each commit.
    pub fn with_odds(
        self,
        range: &Range,
        state: &State,
        posterior: &Posterior,
        values: &[(usize, f64)],
    ) -> Self {
        let odds = |at: usize| {
            let commit = range.culprit(at);
            Odds {
                commit: commit.commit.clone(),
                subject: commit.subject.clone(),
                probability: posterior.mass.get(at).copied(),
                starts: values.iter().filter(|(position, _)| *position == at).count(),
                skipped: state.skipped.get(&commit.commit).cloned(),
            }
        };
        Self { commits: (1..=range.last()).map(odds).collect(), ..self }
    }

    /// What is left to go on with.
    pub const fn closes(&self) -> Option<Closed> {
        match self.outcome {
            Outcome::Stopped => None,
            Outcome::Window { .. } => Some(Closed::Spent),
            Outcome::Found(_) | Outcome::NoRegression | Outcome::EndsOpen => Some(Closed::Answered),
        }
    }

    /// 0: the question is answered. 5: it is not, by this much measuring.
    pub const fn exit(&self) -> ExitStatus {
        match &self.outcome {
            Outcome::NoRegression | Outcome::Found(Culprit { confirmed: true, .. }) => {
                ExitStatus::Pass
            }
            Outcome::Found(_) | Outcome::EndsOpen | Outcome::Window { .. } => {
                ExitStatus::Inconclusive
            }
            Outcome::Stopped => ExitStatus::Interrupted,
        }
    }

    pub fn text(&self) -> Text {
        let (good, bad) = (short(&self.good), short(&self.bad));
        match &self.outcome {
            Outcome::Found(culprit) => self.found(culprit),
            Outcome::NoRegression => bilingual!(
                "no regression in this range: the gate passes from {good} to {bad}\nhint: what was seen elsewhere may be the machine's, not the code's: measure both commits there",
                "이 범위에 성능 저하 없음: {good}에서 {bad}까지 게이트 PASS\n힌트: 다른 곳에서 본 저하는 코드가 아니라 머신 때문일 수 있습니다. 거기서 두 커밋을 측정하십시오"
            ),
            Outcome::EndsOpen => bilingual!(
                "the gate cannot say whether {bad} is slower than {good}, so no commit is blamed\nhint: make the machine quieter (`goodput-gate doctor`), allow more start pairs (gate.max_pairs), or search for a larger slowdown",
                "게이트가 {bad}이(가) {good}보다 느린지 판정할 수 없어 어느 커밋도 지목하지 않음\n힌트: 머신을 조용하게 하거나(`goodput-gate doctor`), 시작 쌍을 늘리거나(gate.max_pairs), 더 큰 저하를 찾으십시오"
            ),
            Outcome::Window { window, probability } => {
                let (share, n) = (percent(*probability), window.len());
                let (first, last) = ends_of(window);
                bilingual!(
                    "not found within {starts} starts: by {share} it is one of {n} commits, {first} to {last}\nhint: the same command with a larger --budget goes on",
                    "시작 {starts}회 안에 찾지 못함: {share} 확률로 {first}부터 {last}까지 {n}개 커밋 중 하나\n힌트: 더 큰 --budget으로 같은 명령을 실행하면 이어서 진행합니다",
                    starts = self.fresh_starts
                )
            }
            Outcome::Stopped => bilingual!(
                "interrupted: what was measured is kept, and the same command goes on",
                "중단됨: 측정한 것은 보관되며 같은 명령으로 이어서 진행"
            ),
        }
    }

    fn found(&self, culprit: &Culprit) -> Text {
        let (first, last) = ends_of(&culprit.culprits);
        let (share, subject) = (percent(culprit.probability), &culprit.subject);
        let head = if culprit.culprits.len() == 1 {
            bilingual!(
                "{last} made it slower, by {share}\n  {subject}",
                "{last} 커밋에서 느려짐 ({share})\n  {subject}"
            )
        } else {
            let n = culprit.culprits.len();
            bilingual!(
                "one of {n} commits made it slower, by {share}: {first} to {last}; those before the last cannot be measured\n  {subject}",
                "{n}개 커밋 중 하나에서 느려짐 ({share}): {first}부터 {last}까지. 마지막 것 앞의 커밋은 측정할 수 없음\n  {subject}"
            )
        };
        head.then(&Text::from("\n")).then(&self.confirmed(culprit))
    }

    fn confirmed(&self, culprit: &Culprit) -> Text {
        let change = culprit.change.map_or_else(|| "?".into(), signed);
        let whole = self.whole_change.map_or_else(|| "?".into(), signed);
        match (culprit.confirmed, culprit.explains) {
            (false, _) => bilingual!(
                "  not confirmed: the gate does not fail from its parent to it ({change}); look at {followed} of both by hand",
                "  확인되지 않음: 부모 커밋에서 이 커밋까지 게이트가 FAIL하지 않음({change}). 두 커밋의 {followed}을(를) 직접 확인하십시오",
                followed = self.followed.as_deref().unwrap_or("?")
            ),
            (true, explains) => {
                let all = bilingual!(
                    "  confirmed against its parent: {change}, of {whole} from GOOD to BAD",
                    "  부모 커밋과 비교해 확인됨: GOOD에서 BAD까지 {whole} 중 {change}"
                );
                match explains {
                    Some(share) if share < SEVERAL => all.then(&bilingual!(
                        "\n  it explains {share} of the whole: other commits of this range are slow as well; search on both sides of it",
                        "\n  전체의 {share}만 설명함: 범위 안의 다른 커밋도 느려졌음. 이 커밋의 앞뒤를 각각 탐색하십시오",
                        share = percent(share)
                    )),
                    _ => all,
                }
            }
        }
    }
}

/// A culprit that explains less than this is not the only one.
const SEVERAL: f64 = 0.75;

/// Nothing is certain.
pub fn percent(share: f64) -> String {
    if share > 0.999 && share < 1.0 {
        return "over 99.9 %".into();
    }
    format!("{:.1} %", share * 100.0)
}

fn signed(change: f64) -> String {
    format!("{:+.1} %", change * 100.0)
}

fn ends_of(commits: &[String]) -> (String, String) {
    let name = |commit: Option<&String>| commit.map_or_else(String::new, |c| short(c));
    (name(commits.first()), name(commits.last()))
}
