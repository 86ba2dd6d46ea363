//! The index says what the folders say, whatever became of either.

use super::*;
use crate::app::runs::file::{Ended, Id, RunFile};
use crate::app::runs::select;
use crate::verdict::Verdict;

struct Bed {
    data: tempfile::TempDir,
    ids: Vec<Id>,
}

impl Bed {
    fn new() -> Self {
        Self { data: tempfile::tempdir().unwrap(), ids: Vec::new() }
    }

    fn store(&self) -> Store {
        Store::new(self.data.path())
    }

    fn path(&self) -> std::path::PathBuf {
        self.data.path().join("index.db")
    }

    /// `report` is what a run says of itself; none: it was cut off before it could.
    fn add(&mut self, branch: &str, report: Option<&str>) -> Place {
        let id = Id::draw().unwrap();
        let mut file =
            RunFile::new(id.clone(), "check", "2026-11-30T12:00:00Z".into(), Some(branch.into()));
        if report.is_some() {
            let files = std::collections::BTreeMap::new();
            file.ended =
                Some(Ended { at: "2026-11-30T12:01:00Z".into(), exit_code: 0, error: None, files });
        }
        let write = |folder: &Path| {
            std::fs::write(folder.join("run.json"), file.to_json())?;
            Ok(report.map_or(Ok(()), |text| std::fs::write(folder.join("report.json"), text))?)
        };
        self.store().add(&id, &file.started, write).unwrap();
        self.ids.push(id.clone());
        self.store().places().unwrap().into_iter().find(|place| place.id == id).unwrap()
    }

    fn open(&self) -> Index {
        Index::open(&self.path(), self.store(), false).unwrap()
    }
}

fn report(verdict: &str, workload: &str) -> String {
    format!(
        r#"{{"schema": "goodput-gate/report", "version": 1, "verdict": "{verdict}",
        "workloads": [{{"name": "{workload}", "verdict": "{verdict}"}}]}}"#
    )
}

fn every(index: &Index) -> Page {
    index.page(&Filter::default(), 100, 0).unwrap()
}

#[test]
fn what_is_asked_of_the_index_is_what_the_folders_say() {
    let mut bed = Bed::new();
    bed.add("main", Some(&report("passed", "chat")));
    bed.add("main", Some(&report("failed", "chat")));
    bed.add("topic", Some(&report("failed", "batch")));
    bed.add("topic", None);
    // Damaged: nobody knows what it measured.
    bed.add("topic", Some("{"));
    let index = bed.open();
    let all = found::all(&bed.store()).unwrap();
    assert_eq!(every(&index).runs, all);
    for branch in [None, Some("main"), Some("topic"), Some("x")] {
        for verdict in [None, Some(Verdict::Failed), Some(Verdict::Blind)] {
            for workload in [None, Some("chat"), Some("batch"), Some("*"), Some("' OR 1 --")] {
                let (branch, workload) = (branch.map(str::to_owned), workload.map(str::to_owned));
                let filter = Filter { workload, verdict, branch, ..Filter::default() };
                let wanted: Vec<&Run> = all.iter().filter(|run| filter.wants(run)).collect();
                let page = index.page(&filter, 100, 0).unwrap();
                assert_eq!(page.runs.iter().collect::<Vec<_>>(), wanted, "{filter:?}");
                assert_eq!(page.total, wanted.len() as u64, "{filter:?}");
            }
        }
    }
    let (first, rest) = (
        index.page(&Filter::default(), 2, 0).unwrap(),
        index.page(&Filter::default(), 9, 2).unwrap(),
    );
    assert_eq!([first.runs, rest.runs].concat(), all);
    assert_eq!((first.total, rest.total), (5, 5));
}

#[test]
fn what_came_went_or_changed_meanwhile_is_seen() {
    let mut bed = Bed::new();
    let gone = bed.add("main", Some(&report("passed", "chat")));
    let changed = bed.add("main", Some(&report("passed", "chat")));
    drop(bed.open());
    std::fs::remove_dir_all(&gone.folder).unwrap();
    std::fs::remove_file(changed.file("report.json")).unwrap();
    let index = bed.open();
    let runs = every(&index).runs;
    assert_eq!((runs.len(), runs[0].verdict), (1, None), "{runs:?}");
    bed.add("main", Some(&report("failed", "chat")));
    index.refresh();
    assert_eq!(every(&index).runs, found::all(&bed.store()).unwrap());
    assert!(select::by_id(&bed.store(), &bed.ids[0]).unwrap().is_none());
}

#[test]
fn a_run_that_was_changed_lately_is_looked_at_once_more() {
    let mut bed = Bed::new();
    let place = bed.add("main", Some(&report("passed", "chat")));
    drop(bed.open());
    let mut writer = Connection::open(bed.path()).unwrap();
    let waiting = |writer: &mut Connection| {
        unsettled(writer).unwrap();
        rows::unsettled(writer).unwrap().len()
    };
    assert_eq!(waiting(&mut writer), 1);
    let earlier = SystemTime::now() - 2 * SETTLED;
    for path in [place.file("run.json"), place.file("report.json"), place.folder] {
        std::fs::File::open(path).unwrap().set_modified(earlier).unwrap();
    }
    assert_eq!(waiting(&mut writer), 0);
}

#[test]
fn a_damaged_index_is_set_aside_and_made_anew() {
    let mut bed = Bed::new();
    bed.add("main", Some(&report("passed", "chat")));
    drop(bed.open());
    let whole = std::fs::read(bed.path()).unwrap();
    let mut torn = whole.clone();
    torn[4096..].fill(7);
    for damaged in [&b"no database at all, and long enough to be read as one"[..], &torn, &[0; 100]]
    {
        std::fs::write(bed.path(), damaged).unwrap();
        assert_eq!(every(&bed.open()).total, 1);
        let files = std::fs::read_dir(bed.data.path()).unwrap().map(|e| e.unwrap().path());
        let aside = files.filter(|path| path.display().to_string().contains(".damaged-"));
        let aside: Vec<std::path::PathBuf> = aside.collect();
        assert!(aside.iter().any(|path| std::fs::read(path).unwrap() == damaged), "{aside:?}");
        for path in &aside {
            std::fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn the_index_of_a_newer_version_and_the_file_of_another_program_stay_as_they_are() {
    let bed = Bed::new();
    drop(bed.open());
    let file = Connection::open(bed.path()).unwrap();
    file.pragma_update(None, "user_version", 99).unwrap();
    drop(file);
    let refused = |words: &str| {
        let before = std::fs::read(bed.path()).unwrap();
        let why = Index::open(&bed.path(), bed.store(), false).err().unwrap().to_string();
        assert!(why.contains(words), "{why}");
        assert_eq!(std::fs::read(bed.path()).unwrap(), before);
    };
    refused("has version 99, this goodput-gate reads up to 4");
    std::fs::remove_file(bed.path()).unwrap();
    let other = Connection::open(bed.path()).unwrap();
    other.execute_batch("CREATE TABLE benchmark_runs (id TEXT)").unwrap();
    drop(other);
    refused("the database of another program");
}

#[test]
fn anew_believes_nothing_of_what_is_there() {
    let mut bed = Bed::new();
    bed.add("main", Some(&report("passed", "chat")));
    drop(bed.open());
    let file = Connection::open(bed.path()).unwrap();
    file.execute("UPDATE runs SET run = replace(run, 'passed', 'failed'), stamp = NULL", [])
        .unwrap();
    drop(file);
    let index = Index::open(&bed.path(), bed.store(), true).unwrap();
    assert_eq!(every(&index).runs[0].verdict, Some(Verdict::Passed));
}

#[test]
fn runs_are_found_by_what_they_measured_and_damage_is_never_hidden() {
    let told = |model: &str, commit: &str| {
        format!(
            r#"{{"schema": "goodput-gate/report", "version": 1, "git":
            {{"commit": "{commit}", "tree": "", "dirty": false, "commit_date": ""}},
            "workloads": [{{"name": "chat", "fingerprint": {{"model": "{model}", "server": "vllm"}},
            "metrics": [{{"metric": "ttft_geomean", "unit": "ms", "class": "primary", "candidate": 80.5}},
            {{"metric": "ttft_p99", "unit": "ms", "class": "guard", "candidate": 99}}]}}]}}"#
        )
    };
    let mut bed = Bed::new();
    bed.add("main", Some(&told("m1", "0123abcd")));
    bed.add("main", Some(&told("m2", "4567abcd")));
    bed.add("topic", Some("{"));
    let index = bed.open();
    let all = found::all(&bed.store()).unwrap();
    assert_eq!(every(&index).runs, all);
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    for (model, server, commit, count) in [
        ("m1", "", "", 2),
        ("m3", "", "", 1),
        ("", "vllm", "", 3),
        ("m2", "vllm", "4567", 2),
        ("", "", "0123abcd", 2),
        ("", "", "%", 1),
    ] {
        let (model, server, commit) = (some(model), some(server), some(commit));
        let filter = Filter { model, server, commit, ..Filter::default() };
        let wanted: Vec<&Run> = all.iter().filter(|run| filter.wants(run)).collect();
        let page = index.page(&filter, 100, 0).unwrap();
        assert_eq!(page.runs.iter().collect::<Vec<_>>(), wanted, "{filter:?}");
        assert_eq!((wanted.len(), page.total), (count, count as u64), "{filter:?}");
    }
    let choices = index.choices().unwrap();
    assert_eq!(
        (choices.models, choices.servers),
        (vec!["m1".into(), "m2".into()], vec!["vllm".into()])
    );
    assert_eq!((choices.workloads, choices.branches.len()), (vec!["chat".into()], 2));
    let newest = all.iter().find(|run| !run.workloads.is_empty()).unwrap();
    let older = all.iter().rfind(|run| !run.workloads.is_empty()).unwrap();
    assert_eq!(index.previous(newest, "chat").unwrap().as_ref(), Some(older));
    assert_eq!(index.previous(older, "chat").unwrap(), None);
    let measured = &newest.workloads[0];
    assert_eq!((measured.metrics.len(), measured.metrics[0].value), (1, 80.5));
    assert_ne!(measured.series, older.workloads[0].series, "another model is another line");
}
