//! Shards of one process that meet over loopback, or in a folder.

use std::net::TcpListener;

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

fn place() -> Place {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let free = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let port = free.local_addr().expect("it is bound").port();
    Place::parse(&format!("http://127.0.0.1:{port}")).expect("a place")
}

fn who(place: &Place, index: u32, count: u32) -> Membership {
    Membership {
        shard: Shard { index, count },
        place: place.clone(),
        token: Some("secret".into()),
        patience: PATIENCE,
        version: "1".into(),
        clock: Clock::default(),
    }
}

fn facts(plan: &str) -> BTreeMap<String, String> {
    [("plan of chat".to_owned(), plan.to_owned())].into()
}

const fn never() -> bool {
    false
}

/// Joins, is ready so many times, and leaves.
fn attend(who: Membership, plan: &str, times: u32) -> Result<Vec<Begin>, Refusal> {
    let mut member = Member::join(who, &never)?;
    let begins = (0..times).map(|_| member.ready(&facts(plan), &never)).collect();
    member.leave(None, &never);
    begins
}

fn together(all: Vec<(Membership, &str)>) -> Vec<Result<Vec<Begin>, Refusal>> {
    std::thread::scope(|scope| {
        let each: Vec<_> =
            all.into_iter().map(|(who, plan)| scope.spawn(move || attend(who, plan, 3))).collect();
        each.into_iter().map(|one| one.join().expect("no shard panics")).collect()
    })
}

/// On one machine there is one clock: the truth is that all begin at the same nanosecond.
#[test]
fn all_begin_at_the_same_instant_over_http_and_in_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    for place in [place(), Place::Folder(folder.path().to_owned())] {
        let all = together((0..4).map(|k| (who(&place, k, 4), "p")).collect());
        let begins: Vec<Vec<Begin>> =
            all.into_iter().map(|begins| begins.expect("all came")).collect();
        for time in 0..3 {
            let first = &begins[0][time];
            for begin in begins.iter().map(|of_shard| &of_shard[time]) {
                let apart = begin.at_ns.abs_diff(first.at_ns);
                let unknown = begin.offset.uncertainty_ns + first.offset.uncertainty_ns;
                assert!(apart <= unknown, "{place:?}: {apart} ns apart, {unknown} ns unknown");
                assert_eq!(begin.date, first.date);
            }
        }
        assert!(begins[0][0].at_ns < begins[0][1].at_ns);
    }
    let left = std::fs::read_dir(folder.path()).expect("it is there").count();
    assert_eq!(left, 0, "nothing of the meeting stays");
}

#[test]
fn a_clock_that_is_wrong_is_known_to_be() {
    let place = place();
    let mut fast = who(&place, 1, 2);
    fast.clock = Clock { ahead_us: 180_000_000, faster: 0.01 };
    let all = together(vec![(who(&place, 0, 2), "p"), (fast, "p")]);
    let begins: Vec<Vec<Begin>> = all.into_iter().map(|begins| begins.expect("both")).collect();
    let begin = &begins[1][0];
    assert!((begin.offset.date_ahead_us - 180_000_000).abs() < 1_000_000, "{begin:?}");
    // It begins with the other all the same.
    let unknown = begin.offset.uncertainty_ns + begins[0][0].offset.uncertainty_ns;
    assert!(begin.at_ns.abs_diff(begins[0][0].at_ns) < unknown + 10_000_000, "{begins:?}");
    assert!(begins[1][2].offset.ns < begin.offset.ns, "it runs ahead: {begins:?}");
}

#[test]
fn what_does_not_fit_is_refused() {
    let second = |change: &dyn Fn(&mut Membership), plan: &str| {
        let place = place();
        let mut other = who(&place, 1, 2);
        change(&mut other);
        let mut first = who(&place, 0, 2);
        first.patience = Duration::from_secs(2);
        let mut all = together(vec![(first, "p"), (other, plan)]);
        let said = |refusal: Result<Vec<Begin>, Refusal>| refusal.expect_err("refused").text().en;
        (said(all.pop().expect("two")), said(all.pop().expect("two")))
    };
    let (other, first) = second(&|_| {}, "q");
    for said in [&other, &first] {
        assert!(said.contains("would not measure the same: plan of chat is"), "{said}");
    }
    let (other, first) = second(&|who| who.version = "2".into(), "p");
    assert!(other.contains("shard 1 is goodput-gate 2, and shard 0 is 1"), "{other}");
    assert!(first.contains("1 missing"), "{first}");
    let (other, _) = second(&|who| who.shard.count = 3, "p");
    assert!(other.contains("this shard is of 3, and the run has 2"), "{other}");
    let (other, _) = second(&|who| who.token = Some("guess".into()), "p");
    assert!(other.contains("refuses this shard's secret"), "{other}");
    let (other, _) = second(&|who| who.token = None, "p");
    assert!(other.contains(TOKEN_VARIABLE), "{other}");
}

#[test]
fn two_processes_cannot_be_one_shard() {
    let place = place();
    let first = Member::join(who(&place, 0, 2), &never).expect("shard 0");
    let second = Member::join(who(&place, 1, 2), &never).expect("shard 1");
    let twice = Member::join(who(&place, 1, 2), &never).err().expect("refused");
    assert_eq!(twice, Refusal::Twice { shard: 1 });
    drop(second);
    drop(first);
}

#[test]
fn who_gives_up_ends_the_waiting_of_all() {
    let place = place();
    let mut first = Member::join(who(&place, 0, 2), &never).expect("shard 0");
    let second = Member::join(who(&place, 1, 2), &never).expect("shard 1");
    let said = std::thread::scope(|scope| {
        let waits = scope.spawn(|| first.ready(&facts("p"), &never));
        drop(second);
        waits.join().expect("no panic").expect_err("it is over").text().en
    });
    assert!(said.contains("shard 1 gave up"), "{said}");
}

#[test]
fn nobody_waits_longer_than_asked() {
    for place in [place(), Place::Folder(std::env::temp_dir().join("goodput-gate-nobody"))] {
        let mut lonely = who(&place, 1, 2);
        lonely.patience = Duration::from_millis(300);
        let said = Member::join(lonely, &never).err().expect("nobody is there").text().en;
        assert!(said.contains("no shard 0 within"), "{said}");
        let stopped = Member::join(who(&place, 1, 2), &|| true).err().expect("stopped");
        assert!(matches!(stopped, Refusal::Stopped | Refusal::Away { .. }), "{stopped:?}");
    }
}

#[test]
fn places_are_addresses_with_a_port_or_folders() {
    assert_eq!(Place::parse("/shared/run").expect("a folder").name(), "folder");
    assert_eq!(Place::parse("http://node1:7070").expect("an address").name(), "http");
    for wrong in ["http://node1", "https://node1:7070", "ftp://node1:1", "http://:70"] {
        assert!(Place::parse(wrong).is_err(), "{wrong}");
    }
}
