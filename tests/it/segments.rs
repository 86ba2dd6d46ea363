//! What `baseline update` lets into a history, and which segment of it counts. Not here: the rules
//! (unit tests beside them).

use serde_json::Value;

use crate::support::accepted::{at, plant, repository, sessions};
use crate::support::bed::{Bed, Ran};
use crate::support::candidate::with_decode;

/// A record of HEAD whose decoding took so many times as long, beside the repository.
fn record(bed: &Bed, name: &str, decode: f64) -> String {
    let mut record = at(bed, "HEAD", with_decode(decode));
    record["session"] = name.into();
    let path = format!("../{name}.json");
    bed.write(&path, &record.to_string());
    path
}

fn update(bed: &Bed, args: &[&str]) -> Ran {
    bed.gate(&[&["baseline", "update"][..], args].concat())
}

fn judged(bed: &Bed, record: &str) -> Ran {
    bed.gate(&["compare", "baselines", record, "--out", "../judged"])
}

fn stored(bed: &Bed, session: &str) -> Value {
    let found =
        bed.baselines().into_iter().find(|(path, _)| path.to_string_lossy().contains(session));
    serde_json::from_str(&found.expect("it was added").1).expect("JSON")
}

#[test]
fn a_slower_session_is_refused_unless_somebody_answers_for_it() {
    let bed = repository();
    let (slow, before) = (record(&bed, "b0000001", 1.25), bed.baselines());
    let refused = update(&bed, &["--from", &slow]);
    refused.assert(
        1,
        &[
            "not added to the baseline, chat is slower than the sessions that it would join (6 sessions since",
            "TPOT +",
            "--level-shift",
        ],
    );
    assert_eq!(bed.baselines(), before, "nothing is written");
    update(&bed, &["--from", &slow, "--level-shift", " "]).assert(2, &["a reason says why"]);
    update(&bed, &["--from", &slow, "--level-shift", "another compiler"])
        .assert(0, &["added", "a new segment begins", "1 of 6 sessions"]);
    assert_eq!(stored(&bed, "b0000001")["level_shift"], "another compiler");
    bed.commit("a new level");
    let again = record(&bed, "b0000002", 1.25);
    judged(&bed, &again).assert(
        0,
        &[
            "INCONCLUSIVE",
            "1 of 6",
            "a stated shift of level: another compiler",
            "6 sessions of another level",
        ],
    );
    bed.gate(&["baseline", "resolve"])
        .assert(0, &["1 session counts since", "left out: of a level before the newest"]);
    bed.gate(&["baseline", "show", "b0000001"])
        .assert(0, &["counts", "level shift another compiler"]);
    bed.gate(&["baseline", "history", "tpot_geomean"]).assert(0, &["1 session counts since"]);
    // Not slower: no reason is kept, and the segment goes on.
    let same = record(&bed, "b0000003", 1.25);
    update(&bed, &["--from", &same, "--level-shift", "habit"])
        .assert(0, &["needs no --level-shift"]);
    assert_eq!(stored(&bed, "b0000003")["level_shift"], Value::Null);
}

#[test]
fn a_faster_session_begins_a_segment_and_each_of_several_is_judged_against_what_came_before() {
    let bed = repository();
    let (fast, usual, before) =
        (record(&bed, "b0000001", 0.5), record(&bed, "b0000002", 1.0), bed.baselines());
    update(&bed, &["--from", &fast, "--from", &usual])
        .assert(1, &["slower than the sessions that it would join (1 session since"]);
    assert_eq!(bed.baselines(), before, "all or none");
    update(&bed, &["--from", &fast])
        .assert(0, &["a new segment begins with this session, which is faster", "1 of 6 sessions"]);
    update(&bed, &["--from", &usual]).assert(1, &["slower"]);
}

/// As an older version took it, or somebody by hand: it is no noise that hides the next one.
#[test]
fn a_slow_session_that_nobody_answers_for_is_left_out() {
    let bed = repository();
    bed.write("code", "new");
    bed.commit("code");
    plant(&bed, "HEAD", &sessions(1.25)[..1], "b");
    bed.commit("poison");
    let slow = record(&bed, "b0000009", 1.25);
    judged(&bed, &slow)
        .assert(1, &["FAIL", "tpot_geomean", "left out: it is slower", "nobody gave a reason"]);
    judged(&bed, &record(&bed, "b0000008", 1.0)).assert(0, &["PASS"]);
}
