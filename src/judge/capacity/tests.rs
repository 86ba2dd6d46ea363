//! Searches on a server whose share of good requests is known.

use super::*;

const LIMIT: f64 = 28.0;

fn asked() -> Asked {
    Asked {
        goal: 0.95,
        within: 0.10,
        most_rounds: 30,
        first: 4.0,
        least: 0.1,
        most: 1e4,
        whole: false,
        start_sd: START_SD,
    }
}

/// A round of 1000 requests at this load: 95 % of them are good at the limit, and it scatters a
/// little, the same each time.
fn round(load: f64, number: usize, limit: f64) -> Trial {
    let scatter = [0.3, -0.4, 0.1, -0.2, 0.4, -0.1][number % 6];
    let logit = (0.95_f64 / 0.05).ln() - 16.0 * (load / limit).ln() + scatter;
    let met = 1000.0 / (1.0 + (-logit).exp());
    let reached = Some(load.min(limit * 1.1));
    Trial { start: 0, load, offered: load, met: floor(met) as u64, scheduled: 1000, reached }
}

/// Where the search ends, and the rounds that it took.
fn search(asked: &Asked, limit: f64) -> (Step, Vec<Trial>) {
    let mut trials = Vec::new();
    loop {
        match next(&trials, asked) {
            Step::Measure(load) => trials.push(round(load, trials.len(), limit)),
            end => return (end, trials),
        }
    }
}

#[test]
fn the_limit_is_found_with_its_interval_from_any_first_load() {
    for first in [0.5, 4.0, 27.0, 100.0, 2000.0] {
        let (end, trials) = search(&Asked { first, ..asked() }, LIMIT);
        let Step::Found(limit) = end else { panic!("{end:?} from {first}: {trials:?}") };
        assert!(limit.low < LIMIT && LIMIT < limit.high, "{limit:?}");
        assert!(limit.error() <= 0.10 && trials.len() <= 20, "{limit:?}, {}", trials.len());
    }
}

#[test]
fn requests_in_flight_are_whole() {
    let whole = Asked { whole: true, least: 1.0, first: 4.0, ..asked() };
    let (end, trials) = search(&whole, 5.4);
    assert!(trials.iter().all(|t| (t.load - t.load.round()).abs() <= 0.0), "{trials:?}");
    let Step::Found(limit) = end else { panic!("{end:?}") };
    assert!(limit.low <= 5.4 && 5.4 <= limit.high, "{limit:?}");
}

#[test]
fn what_is_not_bracketed_has_no_limit() {
    let refused = |asked: &Asked, limit| match search(asked, limit).0 {
        Step::Refused(why) => why,
        other => panic!("{other:?}"),
    };
    let none = refused(&Asked { least: 2.0, ..asked() }, 0.5);
    assert!(matches!(none, Refusal::NoneMeets { lowest: 2.0, .. }), "{none:?}");
    let all = refused(&Asked { most: 10.0, ..asked() }, LIMIT);
    assert_eq!(all, Refusal::AllMeet { highest: 10.0 });
    let spent = refused(&Asked { most_rounds: 1, ..asked() }, LIMIT);
    assert_eq!(spent, Refusal::AllMeet { highest: 4.0 });
    let bracketed = refused(&Asked { most_rounds: 3, ..asked() }, LIMIT);
    assert_eq!(bracketed, Refusal::Unresolved { limit: None });
}

#[test]
fn a_share_that_rises_with_the_load_is_pooled() {
    let at =
        |load, met| Trial { start: 0, load, offered: load, met, scheduled: 100, reached: None };
    let fitted = monotone(&[at(3.0, 40), at(1.0, 90), at(2.0, 100), at(1.0, 80)]);
    // 170 of 200 at 1, and 100 of 100 at 2: together 270 of 300.
    assert_eq!(fitted, [(1.0, 0.9), (2.0, 0.9), (3.0, 0.4)]);
    assert_eq!(monotone(&[]), []);
}
