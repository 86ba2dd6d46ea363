//! The check run: a stable name on the head commit, success only for a trusted PASS. Not here: what
//! its summary says.

use serde_json::{Value, json};

use super::client::{ApiError, Client};
use super::event::RunId;
use crate::attempt::{Attempt, merged};
use crate::config::Lang;
use crate::exit::ExitStatus;
use crate::report::attempts;
use crate::verdict::Verdict;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    Success,
    Failure,
    /// Nothing was proven, and the policy lets it through. GitHub counts it as passing where a
    /// check is required.
    Neutral,
    /// Nothing was proven, and the policy does not let that through.
    ActionRequired,
}

/// A finding that GitHub shows beside the check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// Else a warning.
    pub failure: bool,
    pub title: String,
    pub message: String,
}

/// Everything that a check run shows.
#[derive(Clone, Debug)]
pub struct Check {
    /// Branch protection knows it by this name: it must not change.
    pub name: String,
    pub head_sha: String,
    pub conclusion: Conclusion,
    pub title: String,
    /// Markdown, below [`SUMMARY_BYTES`].
    pub summary: String,
    pub annotations: Vec<Annotation>,
    pub details_url: Option<String>,
    pub run: Option<RunId>,
    /// Every attempt at this commit that we know of, this one among them.
    pub attempts: Vec<Attempt>,
    pub lang: Lang,
}

/// GitHub refuses more than 65,535.
pub const SUMMARY_BYTES: usize = 60_000;
const TITLE_CHARS: usize = 250;
/// GitHub takes so many with one request.
const ANNOTATIONS_A_REQUEST: usize = 50;
/// An annotation needs a file; GitHub's own runner names this one where there is none.
const NO_FILE: &str = ".github";
/// How our check runs are told from others of the same name.
const OURS: &str = "goodput-gate:";

/// Success is for a PASS that the exit code agrees with, measured by a job that is to be trusted;
/// whatever else is let through is neutral.
pub fn conclusion(verdict: Option<Verdict>, exit_code: u8, trusted: bool) -> Conclusion {
    let gate_failed = exit_code == ExitStatus::GateFailed.code();
    match (verdict, exit_code) {
        _ if gate_failed => Conclusion::Failure,
        (Some(Verdict::Failed), _) => Conclusion::Failure,
        (Some(Verdict::Passed), 0) if trusted => Conclusion::Success,
        (Some(_), 0) => Conclusion::Neutral,
        _ => Conclusion::ActionRequired,
    }
}

impl Conclusion {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Neutral => "neutral",
            Self::ActionRequired => "action_required",
        }
    }
}

/// Makes the check run, or updates the one that an earlier attempt made. False where a newer run's
/// stands there and stays; it does not stay before a FAIL, which it has not known of. Nor does a
/// PASS replace a FAIL that it has not known of: that is an action to take, another attempt.
///
/// Errors: GitHub refused. Where it does not say what stands there, only a FAIL is written beside it.
pub async fn publish(client: &Client, check: &Check) -> Result<bool, ApiError> {
    let (first, more) =
        check.annotations.split_at(check.annotations.len().min(ANNOTATIONS_A_REQUEST));
    let mut known = match find(client, check).await {
        Err(e) if check.conclusion != Conclusion::Failure => return Err(e),
        found => found.unwrap_or_default(),
    };
    let is_older = known.as_ref().is_some_and(|theirs| theirs.run > check.run);
    if is_older && check.conclusion != Conclusion::Failure {
        return Ok(false);
    }
    // What another job has written meanwhile stays.
    let theirs = known.as_ref().map_or_else(Vec::new, |k| k.attempts.clone());
    let conclusion = match check.conclusion {
        Conclusion::Success | Conclusion::Neutral if misses_a_fail(&check.attempts, &theirs) => {
            Conclusion::ActionRequired
        }
        known => known,
    };
    let check = &Check {
        attempts: merged(theirs.into_iter().chain(check.attempts.iter().cloned())),
        conclusion,
        ..check.clone()
    };
    let id = loop {
        let written = match &known {
            Some(ours) => {
                client.patch(&format!("/check-runs/{}", ours.id), &body(check, first, false)).await
            }
            None => client.post("/check-runs", &body(check, first, true)).await,
        };
        match written {
            Ok(answer) => break answer["id"].as_u64(),
            // Another app's of the same name.
            Err(e) if known.is_some() && matches!(e.status(), Some(403 | 404)) => known = None,
            Err(e) if known.is_none() && e.may_be_done() => {
                known = find(client, check).await?;
                if known.is_none() {
                    return Err(e);
                }
            }
            Err(e) => return Err(e),
        }
    };
    for batch in more.chunks(ANNOTATIONS_A_REQUEST) {
        let Some(id) = id else { break };
        let output = output(check, batch);
        client.patch(&format!("/check-runs/{id}"), &json!({"output": output})).await?;
    }
    Ok(true)
}

/// One of `theirs` failed at what `own` are attempts at, and is none of them.
fn misses_a_fail(own: &[Attempt], theirs: &[Attempt]) -> bool {
    let is_known = |row: &Attempt| {
        own.iter().any(|own| own.session == row.session && own.created == row.created)
    };
    let precedes = |row: &Attempt| {
        let baseline = |own: &Attempt| own.baseline.clone().unwrap_or_default();
        own.iter().any(|own| row.precedes(&own.key, &baseline(own)))
    };
    theirs.iter().any(|row| row.has_failed() && !is_known(row) && precedes(row))
}

/// One of ours that stands on a commit.
struct Standing {
    id: u64,
    /// That made it.
    run: Option<RunId>,
    attempts: Vec<Attempt>,
}

/// The newest of ours on this commit.
async fn find(client: &Client, check: &Check) -> Result<Option<Standing>, ApiError> {
    let all = standing(client, &check.head_sha, &check.name).await?;
    Ok(all.into_iter().max_by_key(|ours| (ours.run, ours.id)))
}

/// What our check runs of this name say of attempts at a commit.
pub async fn attempts(client: &Client, sha: &str, name: &str) -> Result<Vec<Attempt>, ApiError> {
    Ok(standing(client, sha, name).await?.into_iter().flat_map(|ours| ours.attempts).collect())
}

async fn standing(client: &Client, sha: &str, name: &str) -> Result<Vec<Standing>, ApiError> {
    // All: else those that a later attempt of the workflow run replaced are left out.
    let route =
        format!("/commits/{sha}/check-runs?check_name={}&filter=all&per_page=100", encoded(name));
    let list = client.get(&route).await?;
    let ours = list["check_runs"].as_array().into_iter().flatten().filter_map(|run| {
        let made_by = run_id(run["external_id"].as_str()?.strip_prefix(OURS)?);
        let attempts = ledger(run, made_by);
        (run["name"].as_str() == Some(name)).then_some(Standing {
            id: run["id"].as_u64()?,
            run: made_by,
            attempts,
        })
    });
    Ok(ours.collect())
}

/// An older version left none: then its conclusion tells whether it failed.
fn ledger(run: &Value, made_by: Option<RunId>) -> Vec<Attempt> {
    run["output"]["text"].as_str().and_then(attempts::parse).unwrap_or_else(|| {
        let failed = run["conclusion"].as_str() == Some(Conclusion::Failure.word());
        let created = run["completed_at"].as_str().unwrap_or_default();
        failed
            .then(|| {
                Attempt::failed_once(String::new(), created, made_by.map(|r| (r.run, r.attempt)))
            })
            .into_iter()
            .collect()
    })
}

fn run_id(text: &str) -> Option<RunId> {
    let (run, attempt) = text.split_once('.')?;
    Some(RunId { run: run.parse().ok()?, attempt: attempt.parse().ok()? })
}

fn body(check: &Check, annotations: &[Annotation], new: bool) -> Value {
    let mut body = json!({
        "name": check.name,
        "status": "completed",
        "conclusion": check.conclusion.word(),
        "external_id": check.run.map_or_else(|| OURS.to_owned(), |r| format!("{OURS}{}.{}", r.run, r.attempt)),
        "output": output(check, annotations),
    });
    if new {
        body["head_sha"] = json!(check.head_sha);
    }
    if let Some(url) = &check.details_url {
        body["details_url"] = json!(url);
    }
    body
}

fn output(check: &Check, annotations: &[Annotation]) -> Value {
    let title: String = check.title.chars().take(TITLE_CHARS).collect();
    let mut output = json!({"title": title, "summary": check.summary});
    if !check.attempts.is_empty() {
        let text = format!(
            "{}\n{}",
            attempts::data(&check.attempts),
            attempts::table(&check.attempts, check.lang)
        );
        output["text"] = json!(text);
    }
    if !annotations.is_empty() {
        output["annotations"] = annotations.iter().map(annotation).collect();
    }
    output
}

fn annotation(annotation: &Annotation) -> Value {
    let title: String = annotation.title.chars().take(TITLE_CHARS).collect();
    json!({
        "path": NO_FILE,
        "start_line": 1,
        "end_line": 1,
        "annotation_level": if annotation.failure { "failure" } else { "warning" },
        "title": title,
        "message": annotation.message,
    })
}

/// For a URL's query.
pub fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes()
        .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_is_for_a_trusted_pass_only() {
        use Conclusion::{ActionRequired, Failure, Neutral, Success};
        for (verdict, exit, trusted, expected) in [
            (Some(Verdict::Passed), 0, true, Success),
            (Some(Verdict::Passed), 0, false, Neutral),
            // Interrupted: what was measured until then would have passed.
            (Some(Verdict::Passed), 130, true, ActionRequired),
            (Some(Verdict::Failed), 1, true, Failure),
            (Some(Verdict::Failed), 1, false, Failure),
            (Some(Verdict::Failed), 130, true, Failure),
            (Some(Verdict::Inconclusive), 0, true, Neutral),
            (Some(Verdict::Inconclusive), 5, true, ActionRequired),
            (Some(Verdict::Blind), 0, true, Neutral),
            (Some(Verdict::Blind), 5, true, ActionRequired),
            (Some(Verdict::NoBaseline), 0, true, Neutral),
            (Some(Verdict::NoBaseline), 4, true, ActionRequired),
            (Some(Verdict::Incomparable), 4, true, ActionRequired),
            (Some(Verdict::Incomplete), 3, true, ActionRequired),
            (Some(Verdict::Invalid), 3, true, ActionRequired),
            (None, 0, true, ActionRequired),
        ] {
            assert_eq!(
                conclusion(verdict, exit, trusted),
                expected,
                "{verdict:?} {exit} {trusted}"
            );
        }
    }

    #[test]
    fn no_pass_replaces_a_fail_that_it_has_not_known_of() {
        let row = |key: &str, session: &str, verdict| Attempt {
            session: session.into(),
            baseline: Some("base".into()),
            verdict,
            ..Attempt::failed_once(key.into(), "2026-11-20T09:30:00Z", None)
        };
        let own = [row("k", "own", Verdict::Passed)];
        let failed = row("k", "other", Verdict::Failed);
        assert!(misses_a_fail(&own, std::slice::from_ref(&failed)));
        // Judged with it, of other code, or no FAIL.
        assert!(!misses_a_fail(&[own[0].clone(), failed.clone()], &[failed]));
        assert!(!misses_a_fail(&own, &[row("j", "other", Verdict::Failed)]));
        assert!(!misses_a_fail(&own, &[row("k", "other", Verdict::Passed)]));
    }

    #[test]
    fn a_name_stays_within_its_parameter() {
        assert_eq!(encoded("goodput-gate / ü&x=1"), "goodput-gate%20%2F%20%C3%BC%26x%3D1");
    }
}
