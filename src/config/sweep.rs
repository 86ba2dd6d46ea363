//! One workload into several that differ in one thing: tiers of the prefix cache, levels of
//! concurrency or rate (lists, `--sweep`).
//!
//! Not here: where a sweep's knee is (`measure::knee`).

use super::arrival::{ArrivalFile, Axis, Level};
use super::error::{Issue, flag_issue};
use super::prompts::SyntheticFile;
use super::wire::Number;
use super::workload::{Layered, Tier, WorkloadFile};

/// What `--sweep` asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Sweep {
    Concurrency(Vec<u32>),
    Rate(Vec<f64>),
}

/// Levels of a range: enough for a curve with a bend, few enough for an hour.
const RANGE_LEVELS: u32 = 8;
/// Beyond this many, a list is a slip of the pen.
const MOST_LEVELS: usize = 64;

const FORM: &str = "write concurrency=1,2,4,8, rate=1,2,5 or a range: rate=1..20 (eight levels)";

/// Reads `concurrency=1,2,4`, `rate=0.5,1,2` or `rate=1..20`.
///
/// # Errors
/// Another key, a number that is none or not above 0, a range that does not rise, more levels than
/// 64.
pub fn parse(text: &str) -> Result<Sweep, Box<Issue>> {
    let wrong = |what: &str| Box::new(flag_issue("--sweep", what, FORM));
    let (axis, values) = text.split_once('=').ok_or_else(|| wrong("no `=` in it"))?;
    let levels = match values.split_once("..") {
        Some((from, to)) => {
            range(number(from).ok_or_else(|| wrong(&format!("`{from}` is no number above 0")))?, to)
                .ok_or_else(|| wrong(&format!("`{values}` is no range that rises")))?
        }
        None => values
            .split(',')
            .map(|one| number(one).ok_or_else(|| wrong(&format!("`{one}` is no number above 0"))))
            .collect::<Result<Vec<f64>, Box<Issue>>>()?,
    };
    if levels.len() > MOST_LEVELS {
        return Err(wrong(&format!("{} levels are more than {MOST_LEVELS}", levels.len())));
    }
    match axis.trim() {
        "rate" => Ok(Sweep::Rate(levels)),
        "concurrency" => {
            let mut whole: Vec<u32> = levels.into_iter().map(to_whole).collect();
            whole.dedup();
            Ok(Sweep::Concurrency(whole))
        }
        other => Err(wrong(&format!("unknown axis `{other}`"))),
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|x: &f64| x.is_finite() && *x > 0.0)
}

/// Levels of equal ratio, since what a server does at 2 and at 4 differs as what it does at 20 and
/// at 40. Three digits each.
fn range(from: f64, to: &str) -> Option<Vec<f64>> {
    let to = number(to).filter(|to| *to > from)?;
    let step = (to / from).ln() / f64::from(RANGE_LEVELS - 1);
    Some((0..RANGE_LEVELS).map(|i| three_digits(from * (step * f64::from(i)).exp())).collect())
}

fn three_digits(x: f64) -> f64 {
    format!("{x:.2e}").parse().unwrap_or(x)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "above 0; what is too large for a u32 saturates"
)]
fn to_whole(x: f64) -> u32 {
    x.round().max(1.0) as u32
}

/// One workload per tier. The cold one shares nothing.
pub fn tiers(layered: Layered) -> Vec<Layered> {
    let Some(tiers) = layered.file.tiers.clone().filter(|tiers| !tiers.is_empty()) else {
        return vec![layered];
    };
    let at_tier = |tier: Tier| {
        let mut one = Layered { tier: Some(tier), ..layered.clone() };
        let (suffix, unique) = match tier {
            Tier::Cold => ("-cold", true),
            Tier::Warm => ("-warm", false),
        };
        one.file.name = one.file.name.map(|name| format!("{name}{suffix}"));
        if let Some(text) = one
            .file
            .prompts
            .as_mut()
            .and_then(|prompts| prompts.synthetic.as_mut())
            .filter(|_| unique)
        {
            *text = SyntheticFile { shared_prefix: Some(Number(0.0)), ..*text };
        }
        one
    };
    tiers.into_iter().map(at_tier).collect()
}

/// One workload per level of its own list, or of the sweep.
pub fn levels(layered: Layered, swept: Option<&Sweep>) -> Vec<Layered> {
    let own = layered
        .file
        .arrival
        .as_ref()
        .and_then(ArrivalFile::levels)
        .map(|all| Sweep::Concurrency(all.to_vec()));
    let Some(sweep) = swept.cloned().or(own) else { return vec![layered] };
    let family = layered.file.name.clone();
    let at_level =
        |(axis, value, suffix): (Axis, f64, String), arrival: Option<ArrivalFile>| Layered {
            level: family.clone().map(|family| Level { family, axis, value }),
            file: WorkloadFile {
                name: family.as_ref().map(|name| format!("{name}-{suffix}")),
                max_in_flight: layered
                    .file
                    .max_in_flight
                    .filter(|_| !arrival.as_ref().is_some_and(ArrivalFile::is_bounded)),
                arrival,
                ..layered.file.clone()
            },
            ..layered.clone()
        };
    let arrival = || layered.file.arrival.clone();
    match sweep {
        Sweep::Concurrency(all) => all
            .into_iter()
            .map(|n| {
                at_level(
                    (Axis::Concurrency, f64::from(n), format!("c{n}")),
                    arrival().map(|a| a.at_concurrency(n)),
                )
            })
            .collect(),
        Sweep::Rate(all) => all
            .into_iter()
            .map(|rate| {
                at_level(
                    (Axis::Rate, rate, format!("r{rate}")),
                    arrival().map(|a| a.at_rate(Number(rate))),
                )
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_ranges_are_read() {
        assert_eq!(parse("concurrency=1,2,8"), Ok(Sweep::Concurrency(vec![1, 2, 8])));
        assert_eq!(parse("rate=0.5, 2"), Ok(Sweep::Rate(vec![0.5, 2.0])));
        assert_eq!(
            parse("rate=1..20"),
            Ok(Sweep::Rate(vec![1.0, 1.53, 2.35, 3.61, 5.54, 8.5, 13.0, 20.0]))
        );
        assert_eq!(parse("concurrency=1..8"), Ok(Sweep::Concurrency(vec![1, 2, 3, 4, 6, 8])));
    }

    #[test]
    fn what_is_no_sweep_is_refused_with_the_form() {
        for text in [
            "8",
            "users=1,2",
            "rate=0,1",
            "rate=1,,2",
            "rate=5..1",
            "rate=1..x",
            "rate=nan",
            "concurrency=",
        ] {
            let issue = parse(text).expect_err(text);
            assert!(issue.hint.is_some_and(|hint| hint.en.contains("rate=1..20")), "{text}");
        }
        let long = vec!["1"; 65].join(",");
        assert!(parse(&format!("rate={long}")).is_err());
    }
}
