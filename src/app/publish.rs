//! Tells GitHub: outputs, step summary and annotation first, then the check run, then the comment.
//! Nothing here fails a command.
//!
//! What goes wrong is a notice that says what happened and which permission is missing. Not here:
//! the texts (`report::comment`), what the environment says (`workspace::runner`).

use std::path::Path;

use super::workspace::Workspace;
use super::workspace::runner::{gate_name, token};
use crate::attempt::Attempt;
use crate::config::Lang;
use crate::github::actions::{self, Level};
use crate::github::check::{self, Annotation, Check, Conclusion};
use crate::github::event::{Ci, Slug};
use crate::github::{ApiError, Client, comment, status};
use crate::lang::{Text, bilingual};
use crate::print::{self, WorkflowCommand, note, tell_runner};
use crate::report::Report;
use crate::report::attempts::ledger;
use crate::report::comment as text;
use crate::report::comment::{About, DEFAULT_GATE, Marker, Room};
use crate::report::drift::{self, DriftReport};
use crate::verdict::Verdict;

/// Permissions of a job, as workflows write them.
const PULLS: &str = "pull-requests: write";
const CHECKS: &str = "checks: write";
const STATUSES: &str = "statuses: write";
/// Files that a gate leaves, with the outputs that name them.
const FILES: [(&str, &str); 4] = [
    ("record", "record.json"),
    ("report_json", "report.json"),
    ("report_md", "report.md"),
    ("junit", "junit.xml"),
];

/// What is posted, and where.
pub struct Post<'a> {
    pub ci: &'a Ci,
    pub gate: String,
    pub reports: &'a [Report],
    pub about: About,
    /// A PASS may be a check of success.
    pub trusted: bool,
    /// Pull requests that are told; empty is none.
    pub pulls: Vec<u64>,
}

/// After `check`, in GitHub Actions; elsewhere nothing. The files are there already, and the
/// verdict stands whatever happens here.
pub fn after_check(here: &Workspace, report: &Report, folder: &Path, lang: Lang) {
    let Some(ci) = here.workflow_run() else { return };
    let gate = gate_name(None).unwrap_or_else(|why| {
        notice(ci, &why);
        DEFAULT_GATE.into()
    });
    let reports = std::slice::from_ref(report);
    let about = About {
        gate: Some(gate.clone()),
        head: ci.head_sha.clone(),
        base: ci.base.sha.clone(),
        run_url: ci.run_url(),
        untrusted: false,
        lang,
    };
    if let Some(line) = annotation_line(report, &gate) {
        tell_runner(&line);
    }
    files(ci, reports, &about, folder);
    let (Some(token), Some(repository)) = (token(), ci.repository.clone()) else {
        if ci.pull.is_some() {
            note(&bilingual!(
                "no comment and no check: GITHUB_TOKEN is not in the environment of this step",
                "코멘트와 check 없음: 이 step의 환경에 GITHUB_TOKEN이 없음"
            ));
        }
        return;
    };
    let pulls = ci.pull.into_iter().collect();
    let post = Post { ci, gate, reports, about, trusted: true, pulls };
    let told = with_client(ci, &repository, &token, async |client| send(client, &post).await);
    for line in told.unwrap_or_else(|why| vec![why]) {
        notice(ci, &line);
    }
}

/// After `baseline drift`, in GitHub Actions; elsewhere nothing: an annotation and the step's
/// summary.
pub fn after_drift(here: &Workspace, report: &DriftReport, lang: Lang) {
    let Some(ci) = here.workflow_run() else { return };
    if let Some(level) = level(Some(report.verdict), report.exit_code) {
        tell_runner(&actions::command(level, DEFAULT_GATE, &report.headline(Lang::En)));
    }
    if let Some(path) = &ci.step_summary {
        let text = drift::markdown(report, lang);
        summarise(ci, path, Some(text).filter(|text| text.len() < actions::summary_room(path)));
    }
}

/// Check run, then comments. What did not work, in words.
pub async fn send(client: &Client, post: &Post<'_>) -> Vec<Text> {
    let mut troubles = Vec::new();
    if let Some(sha) = &post.about.head
        && let Err(trouble) = check_or_status(client, post, sha).await
    {
        let hopeless = trouble.hopeless;
        troubles.extend(trouble.said);
        if hopeless {
            return troubles;
        }
    }
    let marker = marker(post);
    let body = text::comment(post.reports, &post.about, &marker);
    for pull in &post.pulls {
        match comment::publish(client, *pull, &marker, &body).await {
            Ok(comment::Done::Newer) => {
                troubles.push(bilingual!(
                    "pull request {pull}: a newer run has commented; its comment stays",
                    "풀 리퀘스트 {pull}: 더 새로운 실행의 코멘트가 있어 그대로 둠"
                ));
            }
            Ok(_) => {}
            Err(e) => {
                let none = bilingual!(
                    "no comment on pull request {pull}: ",
                    "풀 리퀘스트 {pull}에 코멘트 없음: "
                );
                troubles.push(none.then(&e.explain(PULLS)));
            }
        }
    }
    troubles
}

pub fn marker(post: &Post<'_>) -> Marker {
    Marker {
        gate: post.gate.clone(),
        head: post.about.head.clone(),
        run: post.ci.run.map(|r| r.run),
        attempt: post.ci.run.map_or(1, |r| r.attempt),
        attempts: ledger(post.reports),
    }
}

/// Runs `work` against the API. Errors: there is no client.
pub fn with_client<T>(
    ci: &Ci,
    repository: &Slug,
    token: &str,
    work: impl AsyncFnOnce(&Client) -> T,
) -> Result<T, Text> {
    let untold = |why: &dyn std::fmt::Display| {
        bilingual!("GitHub was not told: {why}", "GitHub에 알리지 못함: {why}")
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| untold(&e))?;
    runtime.block_on(async {
        let client = Client::new(ci, repository, token).map_err(|e| untold(&e))?;
        Ok(work(&client).await)
    })
}

pub fn notice(ci: &Ci, text: &Text) {
    if ci.event.is_empty() {
        note(text);
    } else {
        let line = text.in_language(print::language());
        tell_runner(&actions::command(Level::Notice, DEFAULT_GATE, line));
    }
}

struct Trouble {
    said: Vec<Text>,
    /// Nothing else will work either.
    hopeless: bool,
}

async fn check_or_status(client: &Client, post: &Post<'_>, sha: &str) -> Result<(), Trouble> {
    let worst = text::worst(post.reports);
    let conclusion = check::conclusion(
        worst.and_then(|r| r.verdict),
        worst.map_or(3, |r| r.exit_code),
        post.trusted,
    );
    let title = text::title(post.reports, &post.about);
    let check = Check {
        name: post.gate.clone(),
        head_sha: sha.to_owned(),
        conclusion,
        summary: text::fit(post.reports, &post.about, Room::Bytes(check::SUMMARY_BYTES))
            .unwrap_or_else(|| title.clone()),
        title,
        annotations: annotations(post.reports),
        details_url: post.about.run_url.clone(),
        run: post.ci.run,
        attempts: ledger(post.reports),
        lang: post.about.lang,
    };
    let error = match check::publish(client, &check).await {
        Ok(true) => return Ok(()),
        Ok(false) => {
            return Err(Trouble {
                said: vec![bilingual!(
                    "a newer run's check stands on this commit, and stays",
                    "이 커밋에 더 새로운 실행의 check가 있어 그대로 둠"
                )],
                hopeless: false,
            });
        }
        Err(error) => error,
    };
    let forbidden = error.status() == Some(403) && !matches!(error, ApiError::Limited { .. });
    if forbidden && post.ci.fork && post.ci.event == "pull_request" {
        return Err(Trouble { said: vec![of_a_fork()], hopeless: true });
    }
    let mut said = vec![bilingual!("no check run: ", "check 없음: ").then(&error.explain(CHECKS))];
    let hopeless =
        matches!(error, ApiError::Unreachable(_) | ApiError::Odd(_)) || error.status() == Some(401);
    // A status has no neutral: what an untrusted job says well of itself is no status.
    let proven =
        post.trusted || matches!(conclusion, Conclusion::Failure | Conclusion::ActionRequired);
    let attempt = worst.and_then(|r| r.attempts.last());
    if proven && (forbidden || error.status() == Some(404)) {
        said.push(status_instead(client, &check, attempt).await);
    }
    Err(Trouble { said, hopeless })
}

async fn status_instead(client: &Client, check: &Check, attempt: Option<&Attempt>) -> Text {
    let Check { head_sha, name, conclusion, title, details_url, .. } = check;
    let url = details_url.as_deref();
    match status::publish(client, head_sha, name, *conclusion, title, url, attempt).await {
        Ok(()) => bilingual!(
            "a commit status stands in for the check run",
            "check 대신 커밋 상태(status)로 표시"
        ),
        Err(e) => bilingual!("no commit status either: ", "커밋 상태(status)도 없음: ")
            .then(&e.explain(STATUSES)),
    }
}

/// Not three notices of one cause.
fn of_a_fork() -> Text {
    bilingual!(
        "no check and no comment: this pull request is from a fork, so the token of its jobs only reads; `goodput-gate comment` in a workflow_run job posts both (docs/GITHUB.md), and the verdict stands here all the same",
        "check와 코멘트 없음: 포크에서 온 풀 리퀘스트라 작업의 토큰이 읽기 전용임. workflow_run 작업의 `goodput-gate comment`가 둘 다 올리며(docs/GITHUB.md), 판정은 여기서도 그대로 유효함"
    )
}

fn annotations(reports: &[Report]) -> Vec<Annotation> {
    let of = |(what, message)| Annotation { failure: true, title: what, message };
    text::regressed(reports).into_iter().map(of).collect()
}

fn annotation_line(report: &Report, gate: &str) -> Option<WorkflowCommand> {
    let title = text::title(std::slice::from_ref(report), &About::default());
    Some(actions::command(level(report.verdict, report.exit_code)?, gate, &title))
}

/// Loud where the gate fails, a warning where nothing was proven, silent on a PASS.
const fn level(verdict: Option<Verdict>, exit_code: u8) -> Option<Level> {
    match (verdict, exit_code) {
        (Some(Verdict::Passed), 0) => None,
        (_, 0) => Some(Level::Warning),
        _ => Some(Level::Error),
    }
}

/// `$GITHUB_OUTPUT` and `$GITHUB_STEP_SUMMARY`.
fn files(ci: &Ci, reports: &[Report], about: &About, folder: &Path) {
    if let Some(path) = &ci.output {
        let written = actions::delimiter()
            .and_then(|d| actions::append(path, &actions::outputs(&outputs(reports, folder), &d)));
        if let Err(e) = written {
            let path = path.display();
            notice(
                ci,
                &bilingual!(
                    "no outputs: cannot write {path}: {e}",
                    "출력값 없음: {path}에 쓸 수 없음: {e}"
                ),
            );
        }
    }
    let Some(path) = &ci.step_summary else { return };
    let room = actions::summary_room(path);
    summarise(ci, path, text::fit(reports, about, Room::Bytes(room.saturating_sub(1))));
}

/// `summary`: none where it does not fit.
fn summarise(ci: &Ci, path: &Path, summary: Option<String>) {
    let Some(summary) = summary else {
        return notice(
            ci,
            &bilingual!(
                "no step summary: other parts of this step have filled it, and more would drop all of it",
                "step summary 없음: 이 step의 다른 부분이 이미 채웠고, 더 쓰면 전부 사라짐"
            ),
        );
    };
    // What stands there before may lack its last line end.
    if let Err(e) = actions::append(path, &format!("\n{summary}")) {
        let path = path.display();
        notice(
            ci,
            &bilingual!(
                "no step summary: cannot write {path}: {e}",
                "step summary 없음: {path}에 쓸 수 없음: {e}"
            ),
        );
    }
}

fn outputs(reports: &[Report], folder: &Path) -> Vec<(&'static str, String)> {
    let worst = text::worst(reports);
    let verdict = worst.and_then(|r| r.verdict).and_then(|v| serde_json::to_value(v).ok());
    let verdict = verdict.and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
    let regressed: Vec<String> =
        text::regressed(reports).into_iter().map(|(what, _)| what).collect();
    let mut all = vec![
        ("verdict", verdict),
        ("exit_code", worst.map_or_else(String::new, |r| r.exit_code.to_string())),
        ("headline", text::title(reports, &About::default())),
        ("regressed_metrics", regressed.join(",")),
    ];
    // Absolute: a later step may work in another folder.
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let there = FILES
        .iter()
        .map(|(output, file)| (*output, folder.join(file)))
        .filter(|(_, path)| path.is_file());
    all.extend(there.map(|(output, path)| (output, path.display().to_string())));
    all
}
