//! Claims that conflict, files of dead gates, and folders that are not to be trusted.

use super::*;

fn gate(id: u64, ticket: u64, claims: &[(&str, &str)]) -> Gate {
    let claims = claims.iter().map(|(what, key)| Claim::new(what, *key)).collect();
    Gate { ticket, ..Gate::new(id, "check", "out".into(), "now".into(), claims) }
}

#[test]
fn claims_conflict_where_they_are_of_one_thing() {
    let conflict = |a: &[(&str, &str)], b: &[(&str, &str)]| {
        in_the_way(&gate(1, 0, a), &[gate(2, 1, b)]).is_some()
    };
    for (a, b, expected) in [
        (("address", "x:1"), ("address", "x:1"), true),
        (("address", "x:1"), ("address", "x:2"), false),
        (("address", "x:1"), ("GPU", "x:1"), false),
        (("GPU", "0"), ("GPU", ALL), true),
        (("GPU", ALL), ("GPU", "0"), true),
        ((MACHINE, SHARED), (MACHINE, SHARED), false),
        ((MACHINE, ALL), (MACHINE, SHARED), true),
        ((MACHINE, SHARED), (MACHINE, ALL), true),
        ((MACHINE, ALL), (MACHINE, ALL), true),
    ] {
        assert_eq!(conflict(&[a], &[b]), expected, "{a:?} {b:?}");
    }
    assert!(
        !conflict(&[(MACHINE, ALL)], &[("output folder", "1")]),
        "who only holds a folder is in nobody's way"
    );
}

#[test]
fn who_came_first_is_named_and_nobody_waits_for_himself() {
    let wanted = gate(1, 9, &[("address", "x:1")]);
    let others = [
        gate(3, 5, &[("address", "x:1")]),
        gate(2, 4, &[("address", "x:1")]),
        gate(1, 1, &[("address", "x:1")]),
    ];
    assert_eq!(in_the_way(&wanted, &others).map(|(g, _)| g.id), Some(2));
}

#[test]
fn what_a_stranger_wrote_is_one_short_line() {
    let gate =
        Gate { verb: "x\n::error::y\u{1b}[2J".into(), folder: "f".repeat(1000), ..gate(1, 0, &[]) }
            .shown();
    assert_eq!((gate.verb.as_str(), gate.folder.len()), ("x::error::y[2J", LONGEST_WORD));
}

#[test]
fn a_folder_that_is_a_link_or_a_strangers_own_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(folder.path(), &link).unwrap();
    assert!(Folder::at(link).is_err(), "a link may lead anywhere");
    let made = Folder::at(folder.path().join("new")).unwrap();
    assert_eq!(
        made.file.metadata().unwrap().mode() & 0o7777,
        SHARED_FOLDER,
        "whatever the process's mask is"
    );
}

#[test]
fn a_dead_gates_file_counts_for_nothing_and_is_removed() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| Folder::at(home.path().join(name)).unwrap();
    let held = at("locks").register(&gate(7, 1, &[(MACHINE, SHARED)])).unwrap();
    let folder = at("locks");
    assert_eq!(folder.living(Dead::Leave).unwrap().len(), 1);
    std::fs::write(home.path().join("locks/gate-9-dead"), "{}").unwrap();
    std::fs::write(home.path().join("locks/new-dead"), "").unwrap();
    std::fs::write(home.path().join("locks/mine.txt"), "").unwrap();
    assert_eq!(folder.living(Dead::Remove).unwrap().len(), 1);
    drop(held);
    assert_eq!(folder.living(Dead::Leave).unwrap(), []);
    assert_eq!(
        std::fs::read_dir(home.path().join("locks")).unwrap().count(),
        1,
        "what is not a gate's stays"
    );
}
