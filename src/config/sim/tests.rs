//! Tests of the knobs: setting, checking, and handing them on. Not here: what they do to the
//! engine.

use super::*;

#[test]
fn default_knobs_are_fit() {
    assert_eq!(Knobs::default().check(), Ok(()));
    assert_eq!(Knobs::default().settings(), Vec::<String>::new());
}

#[test]
fn set_turns_numbers_names_and_flags() {
    let mut knobs = Knobs::default();
    for (key, value) in [
        ("decode_factor", "1.2"),
        ("kv_cap", "14000"),
        ("noise", "off"),
        ("profile", "small-1b"),
        ("done", "false"),
        ("model", "8"),
        ("seed", "18446744073709551615"),
    ] {
        knobs.set(key, value).expect(key);
    }
    assert_eq!(knobs.kv_cap, Some(14_000));
    assert_eq!(
        (knobs.noise, knobs.profile, knobs.done),
        (Noise::Off, Profile::SmallModel1b, false)
    );
    assert_eq!((knobs.model.as_str(), knobs.seed), ("8", Some(u64::MAX)));
    assert!((knobs.decode_factor - 1.2).abs() < 1e-12);
}

#[test]
fn settings_restore_the_knobs() {
    let mut knobs =
        Knobs { role_event: RoleEvent::AtOnce, hang: 0.25, text: Text::Ko, ..Knobs::default() };
    knobs.reasoning_field = ReasoningField::Reasoning;
    knobs.step_ms = Some(9.5);
    let mut again = Knobs::default();
    for setting in knobs.settings() {
        let (key, value) = setting.split_once('=').expect("KEY=VALUE");
        again.set(key, value).expect(&setting);
    }
    assert_eq!(again, knobs);
}

#[test]
fn an_unknown_key_names_the_nearest() {
    let error = Knobs::default().set("decode_facter", "1.2").expect_err("no such knob");
    assert!(error.contains("did you mean decode_factor?"), "{error}");
}

#[test]
fn a_bad_value_names_key_and_value() {
    let error = Knobs::default().set("noise", "loud").expect_err("no such level");
    assert!(error.contains("noise=loud") && error.contains("typical"), "{error}");
}

#[test]
fn unfit_knobs_are_refused_by_name() {
    for (key, value) in [
        ("time_scale", "0"),
        ("decode_factor", "-1"),
        ("error_429", "1.5"),
        ("tokens_per_event", "0"),
        ("max_seqs", "4096"),
        ("kv_cap", "1"),
        ("start_offset", "-1"),
        ("model", ""),
    ] {
        let mut knobs = Knobs::default();
        knobs.set(key, value).expect("the type is right");
        let error = knobs.check().expect_err(key);
        assert!(error.contains(key), "{error}");
    }
    let too_many = Knobs { hang: 0.6, truncated: 0.6, ..Knobs::default() };
    assert!(too_many.check().expect_err("1.2").contains("add up"));
}

/// Each knob has a row `| name | type | default | range | meaning |` with the default that it has.
#[test]
fn every_knob_is_in_the_reference() {
    let reference = include_str!("../../../docs/SIM.md");
    let Ok(Value::Object(knobs)) = serde_json::to_value(Knobs::default()) else {
        panic!("knobs are an object")
    };
    for (name, default) in knobs {
        let rows = reference
            .lines()
            .filter(|l| l.starts_with(&format!("| `{name}` |")) && l.split('|').count() == 7);
        let cells: Vec<&str> = rows.filter_map(|l| l.split('|').nth(3)).map(str::trim).collect();
        let [cell] = cells[..] else { panic!("{name} has {} rows in docs/SIM.md", cells.len()) };
        let same = match (&default, default.as_f64()) {
            (Value::Null, _) => ["none", "profile's"].contains(&cell),
            (_, Some(number)) => cell.parse::<f64>().is_ok_and(|c| (c - number).abs() < 0.01),
            (Value::String(word), _) => cell == word,
            (Value::Bool(flag), _) => cell == if *flag { "true" } else { "false" },
            _ => false,
        };
        assert!(same, "{name} is {default} by default, and docs/SIM.md says {cell}");
    }
}
