//! What works here and what does not: host, GPU, git, server. Each line is `ok`, `note` or `bad`.
//!
//! Not here: whether the client itself is in time (`lab::bench`).

use super::error_text;
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
use crate::lang::{Text, bilingual};
use crate::probe::host;
use crate::report::text::count;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    Ok,
    Note,
    Bad,
}

/// How it is, what it is about, and what there is to say.
pub type Line = (Grade, Text, Text);

/// Of this machine, and of what the config asks for, where there is one.
pub fn lines(here: &Workspace, given: &Given) -> Vec<Line> {
    let mut lines = vec![machine(), gpu()];
    match gate::config(here, given) {
        Ok(config) => {
            lines.push((
                Grade::Ok,
                subject::config(),
                source(here, given).then(&bilingual!(
                    ", {count} workload(s)",
                    ", 워크로드 {count}개",
                    count = config.workloads.len()
                )),
            ));
            lines.extend(git(here, &config));
            lines.push(server(here, &config));
        }
        Err(e) => lines.push((Grade::Note, subject::config(), error_text::text(&e))),
    }
    lines
}

/// What a line is about, where two are.
mod subject {
    use crate::lang::{Text, bilingual};

    pub fn config() -> Text {
        bilingual!("config", "설정")
    }

    pub fn baseline() -> Text {
        bilingual!("baseline", "기준선")
    }

    pub fn server() -> Text {
        bilingual!("server", "서버")
    }
}

fn sessions_in_words(n: usize) -> Text {
    Text { en: count(n as u64, "session", "sessions"), ko: format!("세션 {n}개") }
}

/// Where the config comes from.
fn source(here: &Workspace, given: &Given) -> Text {
    let path = gate::path(here, given).ok().flatten();
    path.map_or_else(
        || bilingual!("of the command line", "명령줄"),
        |path| path.display().to_string().into(),
    )
}

fn machine() -> Line {
    let facts = host::facts();
    let fact = |key: &str| facts.get(key).cloned().unwrap_or_else(|| "unknown".into());
    let (cpu, cores, memory) = (fact("cpu"), fact("cores"), fact("memory_mib"));
    let system = format!("{} {}", fact("os"), fact("kernel"));
    let text = bilingual!(
        "{cpu}, {cores} cores, {memory} MiB, {system}",
        "{cpu}, {cores}코어, {memory} MiB, {system}"
    );
    let what = bilingual!("host", "호스트");
    if std::thread::available_parallelism().is_ok_and(|n| n.get() < 2) {
        let slow = bilingual!(
            "\na server on the same core will be measured too slow",
            "\n같은 코어에서 도는 서버는 실제보다 느리게 측정됨"
        );
        return (Grade::Note, what, text.then(&slow));
    }
    (Grade::Ok, what, text)
}

fn gpu() -> Line {
    let (fine, text) = gpus::advice();
    (if fine { Grade::Ok } else { Grade::Note }, "GPU".into(), text)
}

fn git(here: &Workspace, config: &Config) -> Vec<Line> {
    let repo = match here.repo(config) {
        Ok(repo) => repo,
        Err(e @ GitError::None) => return vec![(Grade::Note, "git".into(), e.text())],
        Err(e) => return vec![(Grade::Bad, "git".into(), e.text())],
    };
    let head = match (here.head_facts(&repo), repo.lineage()) {
        (Ok(facts), Ok(links)) => {
            let dirty = if facts.dirty {
                bilingual!(", with uncommitted changes", ", 커밋하지 않은 변경 있음")
            } else {
                Text::default()
            };
            let n = links.len();
            let lineage = Text {
                en: format!(", {} on the lineage", count(n as u64, "commit", "commits")),
                ko: format!(", 계보의 커밋 {n}개"),
            };
            (Grade::Ok, "git".into(), Text::from(&facts.commit[..10]).then(&dirty).then(&lineage))
        }
        (Err(e), _) | (_, Err(e)) => (Grade::Bad, "git".into(), e.text()),
    };
    let sessions = repo.root().map(|root| store::read_all(&root.join(&config.baselines_dir)));
    let baselines = match sessions {
        Some(Ok(all)) if all.len() >= 6 => {
            (Grade::Ok, subject::baseline(), sessions_in_words(all.len()))
        }
        Some(Ok(all)) => (
            Grade::Note,
            subject::baseline(),
            sessions_in_words(all.len()).then(&bilingual!(
                "; six of a workload are needed to judge",
                ". 판정하려면 워크로드마다 여섯 개 필요"
            )),
        ),
        Some(Err(e)) => (Grade::Bad, subject::baseline(), e.to_string().into()),
        None => (
            Grade::Note,
            subject::baseline(),
            bilingual!(
                "a bare repository has no folder for baseline files",
                "베어(bare) 저장소에는 기준선 파일을 둘 폴더가 없음"
            ),
        ),
    };
    vec![head, baselines]
}

fn server(here: &Workspace, config: &Config) -> Line {
    if let Endpoint::Started(server) = &config.target.endpoint {
        return (
            Grade::Note,
            subject::server(),
            bilingual!(
                "is started by the gate, not by doctor: `{start}`",
                "doctor가 아니라 게이트가 시작함: `{start}`",
                start = server.start
            ),
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
            let length = extras.map_or_else(Text::default, |e| {
                if e.ignore_eos || e.min_tokens {
                    bilingual!(", keeps output lengths", ", 출력 길이 지정 가능")
                } else {
                    bilingual!(", does not keep output lengths", ", 출력 길이 지정 불가")
                }
            });
            let metrics = metrics.map_or_else(Text::default, |words| {
                bilingual!("\nmetrics: {words}", "\n메트릭: {words}")
            });
            let answers = bilingual!("answers with {model}", "응답 확인: {model}");
            (Grade::Ok, subject::server(), answers.then(&length).then(&metrics))
        }
        Err(e) => (Grade::Bad, subject::server(), error_text::text(&e)),
    }
}
