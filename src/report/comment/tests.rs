//! The text as accepted, its marker, and that it fits whatever the names and however many records.

use comrak::{Options, markdown_to_html};
use proptest::prelude::*;

use super::*;
use crate::report::samples;

fn about() -> About {
    About {
        lang: Lang::En,
        gate: None,
        head: Some("1".repeat(40)),
        base: Some("2".repeat(40)),
        run_url: Some("https://github.com/acme/serve/actions/runs/77/attempts/2".into()),
        untrusted: false,
    }
}

fn marker() -> Marker {
    Marker {
        gate: DEFAULT_GATE.into(),
        head: Some("1".repeat(40)),
        run: Some(77),
        attempt: 2,
        attempts: vec![],
    }
}

#[test]
fn comments_are_as_accepted() {
    insta::assert_snapshot!(
        "comment_regression",
        comment(&[samples::regression()], &about(), &marker())
    );
    let about = About { gate: Some("h100 / decode".into()), untrusted: true, ..about() };
    insta::assert_snapshot!(
        "comment_matrix_untrusted",
        comment(&[samples::pass(), samples::no_baseline()], &about, &marker())
    );
}

#[test]
fn the_verdict_is_the_first_visible_line() {
    for (name, report) in samples::all() {
        let Some(verdict) = report.verdict else { continue };
        let text = comment(&[report], &about(), &marker());
        assert!(
            text.lines().nth(1).is_some_and(|l| l.starts_with(&format!("**{}**", verdict.word()))),
            "{name}: {text}"
        );
    }
}

#[test]
fn what_a_policy_lets_through_is_said_in_one_text_everywhere() {
    let said = "0 (INCONCLUSIVE is let through by gate.on_inconclusive: warn)";
    let open = samples::inconclusive();
    // Escaped, and so shown by a reader as it is.
    let shown = |text: &str| text.replace(['\\', '\u{200b}'], "").contains(said);
    let reports = [samples::pass(), open.clone()];
    assert!(shown(&comment(&reports, &about(), &marker())), "of a matrix");
    assert!(
        shown(&crate::report::markdown::render(&open, Lang::En))
            && shown(&crate::report::terminal::render(&open, 100, false, Lang::En))
    );
    // A record that is missing has no workload to say it.
    let gone = Report { workloads: Vec::new(), ..open };
    assert!(shown(&comment(&[samples::pass(), gone], &about(), &marker())));
    assert!(
        !shown(&comment(&[samples::regression(), samples::inconclusive()], &about(), &marker())),
        "exit code 1"
    );
}

#[test]
fn a_marker_is_read_back_and_ends_nothing() {
    for gate in ["goodput-gate", "a --> b", "<!-- x -->", "ü\n-"] {
        let marker =
            Marker { gate: gate.into(), head: None, run: None, attempt: 1, attempts: vec![] };
        let line = marker.line();
        assert_eq!((line.matches("-->").count(), line.lines().count()), (1, 1), "{line}");
        assert_eq!(Marker::parse(&format!("{line}\r\nbody")).as_ref(), Some(&marker));
        assert_eq!(Marker::parse(&format!("quoted:\n{line}")), None);
        assert_eq!(Marker::parse(&format!("> {line}")), None);
    }
    assert_eq!(Marker::parse("<!-- goodput-gate: {} -->"), None);
}

#[test]
fn a_run_is_newer_by_its_number_then_by_its_attempt() {
    let of = |run, attempt| Marker { run, attempt, ..marker() };
    assert!(of(Some(76), 9).is_older_than(&of(Some(77), 1)));
    assert!(of(Some(77), 1).is_older_than(&of(Some(77), 2)));
    assert!(!of(Some(77), 2).is_older_than(&of(Some(77), 2)));
    assert!(of(None, 1).is_older_than(&of(Some(1), 1)));
}

#[test]
fn the_text_is_cut_in_tiers_and_the_verdict_stays() {
    let reports = [samples::regression()];
    let mut last = usize::MAX;
    for (room, there, gone) in [
        (60_000, "All metrics", "Cut to what fits"),
        (4_000, "| metric |", "All metrics"),
        (702, "noisier than usual", "| metric |"),
        (658, "TPOT is 8.2 % longer", "noisier than usual"),
    ] {
        let text = fit(&reports, &about(), Room::Chars(room)).expect("it fits");
        assert!(text.chars().count() <= room && text.len() < last, "{room}: {}", text.len());
        assert!(
            text.contains("**FAIL**") && text.contains(there) && !text.contains(gone),
            "{room}: {text}"
        );
        last = text.len();
    }
    assert_eq!(fit(&reports, &about(), Room::Bytes(20)), None);
}

#[test]
fn little_stands_before_the_fold_and_of_a_pass_one_line() {
    for lang in [Lang::En, Lang::Ko] {
        for (name, report) in samples::all() {
            let warned = report.workloads.iter().any(|w| !w.warnings.is_empty());
            let text = comment(&[report], &About { lang, ..about() }, &marker());
            let before: Vec<&str> =
                text.lines().skip(1).take_while(|l| !l.starts_with("<details>")).collect();
            assert!(before.len() <= 30, "{name}: {text}");
            let said = before.iter().filter(|line| !line.is_empty()).count();
            assert!(warned || name != "pass" || said == 1, "{name}: {text}");
            assert_eq!(text.matches("\n<details>").count(), text.matches("\n</details>").count());
        }
    }
}

#[test]
fn thirty_records_with_the_longest_names_fit() {
    let mut report = samples::two_workloads();
    report.headline = format!("PASS: {}", "<@|`*".repeat(300));
    for w in &mut report.workloads {
        w.reasons = vec!["<@|`*".repeat(300); 10];
    }
    let reports = vec![report; 32];
    let text = comment(&reports, &about(), &marker());
    assert!(
        text.chars().count() <= 60_000 && text.contains("of 32 records"),
        "{}",
        text.chars().count()
    );
    let few = fit(&reports, &about(), Room::Bytes(3_000)).expect("it fits");
    assert!(few.contains("more are not shown"), "{few}");
}

#[test]
fn an_untrusted_job_is_said_in_every_tier() {
    let about = About { untrusted: true, ..about() };
    for tier in TIERS {
        assert!(
            whole(&[samples::pass()], &about, tier, 1).contains("Measured by an untrusted job"),
            "{tier:?}"
        );
    }
    assert!(title(&[samples::pass()], &about).ends_with("(measured by an untrusted job)"));
}

#[test]
fn the_worst_stands_for_all() {
    let all: Vec<Report> = samples::all().into_iter().map(|(_, r)| r).collect();
    assert_eq!(worst(&all).map(|r| r.exit_code), Some(1));
    assert_eq!(
        worst(&[samples::pass(), samples::inconclusive()]).and_then(|r| r.verdict),
        Some(Verdict::Inconclusive)
    );
    let interrupted = Report { exit_code: 130, ..samples::pass() };
    assert_eq!(worst(&[samples::pass(), interrupted]).map(|r| r.exit_code), Some(130));
    assert_eq!(worst(&[]), None);
}

#[test]
fn a_gates_name_is_plain() {
    for name in ["goodput-gate", "h100 / decode", "a.b_c"] {
        assert!(is_gate_name(name), "{name}");
    }
    for name in ["", " a", "a\nb", "<b>", "ü", "@all", &"x".repeat(65)] {
        assert!(!is_gate_name(name), "{name:?}");
    }
}

proptest! {
    // Each renders four tiers.
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn foreign_text_calls_nobody_and_leaves_no_comment(nasty in "[-@#<>!`|a-c/.:\\n ]{0,60}") {
        let mut report = samples::foreign(&nasty);
        report.headline = format!("FAIL: {nasty}");
        for tier in TIERS {
            let text = whole(&[report.clone(), report.clone()], &about(), tier, 2);
            prop_assert_eq!(text.matches("<!--").count(), 0);
            let mut options = Options::default();
            options.extension.autolink = true;
            options.render.r#unsafe = true;
            let html = markdown_to_html(&text, &options);
            // Our own links are the only ones: report, job, two commits.
            prop_assert_eq!(html.matches("<a ").count(), 4);
        }
    }
}
