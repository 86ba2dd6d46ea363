//! `doctor`: what works here, what does not, what to do. Each line is `ok`, `note` or `bad`; `bad` ends with exit 3.
#![expect(clippy::disallowed_methods, reason = "rim: the working folder")]

use super::bench::truth;
use super::side::Side;
use super::signals::Stop;
use super::target::Target;
use super::{baseline, gpu, output, setup};
use crate::baseline::lineage::GitError;
use crate::baseline::store;
use crate::cli::{DoctorArgs, WorkloadArgs};
use crate::config::{Config, Endpoint};
use crate::exit::ExitStatus;
use crate::probe::host;
use crate::report::text::count;

/// The self-test's load: as many streams as a busy gate has, for about a second.
const STREAMS: u32 = 50;
const TOKENS: u32 = 30;
const TOKEN_RATE: f64 = 30.0;
/// Beyond this (p99) the client's own error is visible in a TTFT of 100 ms.
const TTFT_ERROR_MS: f64 = 2.0;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Grade {
    Ok,
    Note,
    Bad,
}

type Line = (Grade, String, String);

pub fn run(args: &DoctorArgs) -> anyhow::Result<ExitStatus> {
    let mut lines = vec![machine(), gpus()];
    let target = WorkloadArgs {
        base_url: args.base_url.clone(),
        model: args.model.clone(),
        api_key_env: args.api_key_env.clone(),
        ..WorkloadArgs::default()
    };
    match setup::config(&args.config, &target) {
        Ok(config) => {
            lines.push((
                Grade::Ok,
                "config".into(),
                format!("{}, {} workload(s)", source(args, &target), config.workloads.len()),
            ));
            lines.extend(git(&config));
            lines.push(server(&config));
        }
        Err(e) => lines.push((Grade::Note, "config".into(), format!("{e:#}"))),
    }
    lines.push(client());
    for (grade, what, text) in &lines {
        let word = match grade {
            Grade::Ok => "ok  ",
            Grade::Note => "note",
            Grade::Bad => "bad ",
        };
        output::print(&format!("{word}  {what:<8} {}", text.replace('\n', "\n               ")))?;
    }
    let bad = lines.iter().any(|(grade, ..)| *grade == Grade::Bad);
    Ok(if bad { ExitStatus::CouldNotMeasure } else { ExitStatus::Pass })
}

/// Where the config comes from.
fn source(args: &DoctorArgs, target: &WorkloadArgs) -> String {
    let path = std::env::current_dir().ok().and_then(|cwd| setup::path(&args.config, target, &cwd).ok()?);
    path.map_or_else(|| "of the command line".into(), |path| path.display().to_string())
}

fn machine() -> Line {
    let facts = host::facts();
    let of = |key: &str| facts.get(key).cloned().unwrap_or_else(|| "unknown".into());
    let text = format!("{}, {} cores, {} MiB, {} {}", of("cpu"), of("cores"), of("memory_mib"), of("os"), of("kernel"));
    let few = std::thread::available_parallelism().is_ok_and(|n| n.get() < 2);
    let grade = if few { Grade::Note } else { Grade::Ok };
    (grade, "host".into(), if few { format!("{text}\na server on the same core will be measured too slow") } else { text })
}

fn gpus() -> Line {
    let (fine, text) = gpu::advice();
    (if fine { Grade::Ok } else { Grade::Note }, "GPU".into(), text)
}

fn git(config: &Config) -> Vec<Line> {
    let repo = match baseline::repo(config) {
        Ok(repo) => repo,
        Err(e @ GitError::None) => return vec![(Grade::Note, "git".into(), e.to_string())],
        Err(e) => return vec![(Grade::Bad, "git".into(), e.to_string())],
    };
    let head = match (baseline::facts(&repo), repo.lineage()) {
        (Ok(facts), Ok(links)) => {
            let dirty = if facts.dirty { ", with uncommitted changes" } else { "" };
            (
                Grade::Ok,
                "git".into(),
                format!("{}{dirty}, {} on the lineage", &facts.commit[..10], count(links.len() as u64, "commit", "commits")),
            )
        }
        (Err(e), _) | (_, Err(e)) => (Grade::Bad, "git".into(), e.to_string()),
    };
    let sessions = repo.root().map(|root| store::read_all(&root.join(&config.baselines_dir)));
    let baselines = match sessions {
        Some(Ok(all)) if all.len() >= 6 => (Grade::Ok, "baseline".into(), count(all.len() as u64, "session", "sessions")),
        Some(Ok(all)) => (
            Grade::Note,
            "baseline".into(),
            format!("{}; six of a workload are needed to judge", count(all.len() as u64, "session", "sessions")),
        ),
        Some(Err(e)) => (Grade::Bad, "baseline".into(), e.to_string()),
        None => (Grade::Note, "baseline".into(), "a bare repository has no folder for baseline files".into()),
    };
    vec![head, baselines]
}

fn server(config: &Config) -> Line {
    if let Endpoint::Started(server) = &config.target.endpoint {
        return (Grade::Note, "server".into(), format!("is started by the gate, not by doctor: `{}`", server.start));
    }
    let (side, log) = (Side::only(config, None), std::path::Path::new(""));
    let opened = setup::api_key(&side.target).and_then(|key| Target::open(&side, key.as_deref(), log, &Stop::default()));
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
                if e.ignore_eos || e.min_tokens { ", keeps output lengths" } else { ", does not keep output lengths" }
            });
            let metrics = metrics.map(|words| format!("\nmetrics: {words}")).unwrap_or_default();
            (Grade::Ok, "server".into(), format!("answers with {model}{length}{metrics}"))
        }
        Err(e) => (Grade::Bad, "server".into(), format!("{e:#}")),
    }
}

/// The client against a server that logs when it wrote each token.
fn client() -> Line {
    match truth::measure(STREAMS, TOKEN_RATE, TOKENS) {
        Ok(errors) => {
            let p99 = crate::measure::stats::percentile_of_sorted(&errors.ttft_ms, 0.99);
            let fine = p99.is_some_and(|p| p <= TTFT_ERROR_MS);
            let grade = if fine { Grade::Ok } else { Grade::Note };
            let hint = if fine { "" } else { "\nthe machine is busy: instants are late by this much" };
            (
                grade,
                "client".into(),
                format!("error against a server that knows the truth, {STREAMS} streams:\n{}{hint}", truth::describe(&errors)),
            )
        }
        Err(e) => (Grade::Bad, "client".into(), format!("{e:#}")),
    }
}
