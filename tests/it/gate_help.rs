//! The help texts as accepted: what a user reads first. Not here: what the flags do.

use crate::support::bed::Bed;

#[test]
fn help_is_as_accepted() {
    let bed = Bed::new();
    for (name, args) in [
        ("program", &["--help"][..]),
        ("check", &["check", "--help"]),
        ("run", &["run", "--help"]),
        ("compare", &["compare", "--help"]),
        ("baseline_update", &["baseline", "update", "--help"]),
    ] {
        let ran = bed.gate(args);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{name}");
        // The author's terminal is not everybody's: nothing measures it, so the width is clap's
        // own.
        insta::assert_snapshot!(format!("help_{name}"), ran.stdout);
    }
}
