//! What works here and what does not: host, GPU, git, server. Each line is `ok`, `note` or `bad`.
//!
//! Not here: whether the client itself is in time (`lab::bench`).

use super::gate::{self, Given};
use super::gpus;
use super::measure::target::Target;
use super::sides::Side;
use super::stop::Stop;
use super::workspace::Workspace;
use super::workspace::secrets::api_key;
use crate::baseline::lineage::GitError;
use crate::baseline::store;
use crate::config::{Config, Endpoint};
use crate::probe::host;
use crate::report::text::count;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    Ok,
    Note,
    Bad,
}

/// How it is, what it is about, and what there is to say.
pub type Line = (Grade, String, String);

/// Of this machine, and of what the config asks for, where there is one.
pub fn lines(here: &Workspace, given: &Given) -> Vec<Line> {
    let mut lines = vec![machine(), gpu()];
    match gate::config(here, given) {
        Ok(config) => {
            lines.push((
                Grade::Ok,
                "config".into(),
                format!("{}, {} workload(s)", source(here, given), config.workloads.len()),
            ));
            lines.extend(git(here, &config));
            lines.push(server(here, &config));
        }
        Err(e) => lines.push((Grade::Note, "config".into(), format!("{e:#}"))),
    }
    lines
}

/// Where the config comes from.
fn source(here: &Workspace, given: &Given) -> String {
    let path = gate::path(here, given).ok().flatten();
    path.map_or_else(|| "of the command line".into(), |path| path.display().to_string())
}

fn machine() -> Line {
    let facts = host::facts();
    let fact = |key: &str| facts.get(key).cloned().unwrap_or_else(|| "unknown".into());
    let text = format!(
        "{}, {} cores, {} MiB, {} {}",
        fact("cpu"),
        fact("cores"),
        fact("memory_mib"),
        fact("os"),
        fact("kernel")
    );
    let few = std::thread::available_parallelism().is_ok_and(|n| n.get() < 2);
    let grade = if few { Grade::Note } else { Grade::Ok };
    (
        grade,
        "host".into(),
        if few {
            format!("{text}\na server on the same core will be measured too slow")
        } else {
            text
        },
    )
}

fn gpu() -> Line {
    let (fine, text) = gpus::advice();
    (if fine { Grade::Ok } else { Grade::Note }, "GPU".into(), text)
}

fn git(here: &Workspace, config: &Config) -> Vec<Line> {
    let repo = match here.repo(config) {
        Ok(repo) => repo,
        Err(e @ GitError::None) => return vec![(Grade::Note, "git".into(), e.to_string())],
        Err(e) => return vec![(Grade::Bad, "git".into(), e.to_string())],
    };
    let head = match (here.head_facts(&repo), repo.lineage()) {
        (Ok(facts), Ok(links)) => {
            let dirty = if facts.dirty { ", with uncommitted changes" } else { "" };
            (
                Grade::Ok,
                "git".into(),
                format!(
                    "{}{dirty}, {} on the lineage",
                    &facts.commit[..10],
                    count(links.len() as u64, "commit", "commits")
                ),
            )
        }
        (Err(e), _) | (_, Err(e)) => (Grade::Bad, "git".into(), e.to_string()),
    };
    let sessions = repo.root().map(|root| store::read_all(&root.join(&config.baselines_dir)));
    let baselines = match sessions {
        Some(Ok(all)) if all.len() >= 6 => {
            (Grade::Ok, "baseline".into(), count(all.len() as u64, "session", "sessions"))
        }
        Some(Ok(all)) => (
            Grade::Note,
            "baseline".into(),
            format!(
                "{}; six of a workload are needed to judge",
                count(all.len() as u64, "session", "sessions")
            ),
        ),
        Some(Err(e)) => (Grade::Bad, "baseline".into(), e.to_string()),
        None => (
            Grade::Note,
            "baseline".into(),
            "a bare repository has no folder for baseline files".into(),
        ),
    };
    vec![head, baselines]
}

fn server(here: &Workspace, config: &Config) -> Line {
    if let Endpoint::Started(server) = &config.target.endpoint {
        return (
            Grade::Note,
            "server".into(),
            format!("is started by the gate, not by doctor: `{}`", server.start),
        );
    }
    let (side, log) = (Side::only(here, config, None), std::path::Path::new(""));
    let opened = api_key(&side.target)
        .and_then(|key| Target::open(&side, key.as_deref(), log, &Stop::default()));
    let asked = opened.and_then(|t| {
        let workload = config.workloads.first();
        let extras = workload.map(|w| t.extras(w)).transpose()?;
        // After that request: some servers have nothing on the page before.
        let metrics = t.metrics_described();
        Ok((t.model, extras, metrics))
    });
    match asked {
        Ok((model, extras, metrics)) => {
            let length = extras.map_or("", |e| {
                if e.ignore_eos || e.min_tokens {
                    ", keeps output lengths"
                } else {
                    ", does not keep output lengths"
                }
            });
            let metrics = metrics.map(|words| format!("\nmetrics: {words}")).unwrap_or_default();
            (Grade::Ok, "server".into(), format!("answers with {model}{length}{metrics}"))
        }
        Err(e) => (Grade::Bad, "server".into(), format!("{e:#}")),
    }
}
