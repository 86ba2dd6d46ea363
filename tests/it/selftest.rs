//! `goodput-gate selftest` from outside: its table, its exit codes, and that its numbers depend on
//! the seed only.

use serde_json::Value;

use crate::support::bed::Bed;

fn table(bed: &Bed, args: &[&str]) -> (Option<i32>, String) {
    let ran =
        bed.gate(&[&["selftest", "--only", "demo", "--gates", "40", "--json"], args].concat());
    (ran.code, ran.stdout)
}

/// The rows of this repository's own load: every gate is counted, and what holds is what the exit
/// code says.
#[test]
fn the_table_says_what_the_exit_code_says_and_depends_on_the_seed_only() {
    let bed = Bed::new();
    let (code, text) = table(&bed, &["--seed", "3", "--threads", "1"]);
    let json: Value = serde_json::from_str(&text).expect("a table");
    let rows = json["rows"].as_array().expect("rows");
    assert!(rows.len() >= 2, "{json}");
    for row in rows {
        let count = |name: &str| row[name].as_u64().expect("a count");
        assert_eq!(
            count("regression") + count("pass") + count("inconclusive") + count("blind"),
            count("gates"),
            "{row}"
        );
        assert!(count("gates") >= 2 && count("invalid") == 0 && row["load"] == "demo", "{row}");
    }
    let holds = rows.iter().all(|row| row["holds"] == true);
    assert_eq!((code, json["holds"].as_bool()), (Some(i32::from(!holds)), Some(holds)));
    assert_eq!(table(&bed, &["--seed", "3", "--threads", "2"]), (code, text));
}

#[test]
fn a_row_that_is_not_there_is_a_usage_error() {
    let ran = Bed::new().gate(&["selftest", "--only", "nothing of the kind"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.contains("--only"), "{}", ran.stderr);
}

/// A search in start values: quick enough to be played in hundreds here, too.
#[test]
fn a_row_says_what_it_should_have_said_and_where_that_comes_from() {
    let bed = Bed::new();
    let args = ["selftest", "--only", "bisect, 32", "--gates", "200"];
    let ran = bed.gate(&[&args[..], &["--json"]].concat());
    let json: Value = serde_json::from_str(&ran.stdout).expect("a table");
    let rows = json["rows"].as_array().expect("rows");
    assert!(rows.len() >= 4, "{json}");
    for row in rows {
        let counts = row["counts"].as_object().expect("counts").values();
        let sum: u64 = counts.map(|n| n.as_u64().expect("a count")).sum();
        assert_eq!(Some(sum), row["gates"].as_u64(), "{row}");
        for bound in row["bounds"].as_array().expect("bounds") {
            let says = bound["should_say"].as_str().expect("words");
            assert!(says.ends_with("(study)") || says.ends_with("(goal)"), "{says}");
            let at = |name: &str| bound[name].as_f64().expect("a number");
            assert!(at("low") <= at("value") && at("value") <= at("high"), "{bound}");
        }
    }
    let text = bed.gate(&args);
    assert_eq!(text.code, ran.code);
    assert!(text.stdout.contains("right at least 99 % (study)"), "{}", text.stdout);
}

#[test]
fn as_many_gates_as_the_docs_quote_are_no_other_number_of_gates() {
    let ran = Bed::new().gate(&["selftest", "--full", "--gates", "10"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
}
