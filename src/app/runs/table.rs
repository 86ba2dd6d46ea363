//! Runs as people read them: a table of many, the facts of one. Not here: their reports.

use serde_json::Value;

use super::found::{Run, State};
use crate::exit::ExitStatus;
use crate::lang::{Lang, Text, bilingual};
use crate::report::text;
use crate::visible::one_line;

/// `width`: of the terminal, in columns.
pub fn table(runs: &[Run], width: u16) -> Text {
    let table = |lang| in_language(runs, width, lang);
    Text { en: table(Lang::En), ko: table(Lang::Ko) }
}

fn in_language(runs: &[Run], width: u16, lang: Lang) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_width(width.max(100)).set_header(
        match lang {
            Lang::En => ["run", "started", "verb", "outcome", "workloads", "branch", "commit"],
            Lang::Ko => ["실행", "시작", "명령", "결과", "워크로드", "브랜치", "커밋"],
        },
    );
    for run in runs {
        let some = |text: &Option<String>| one_line(text.as_deref().unwrap_or("-"));
        let workloads: Vec<String> = run.workloads.iter().map(|w| one_line(&w.name)).collect();
        table.add_row([
            run.id.short().to_owned(),
            text::minute(&run.started),
            some(&run.verb),
            outcome(run).in_language(lang).to_owned(),
            if workloads.is_empty() { "-".to_owned() } else { workloads.join(", ") },
            some(&run.branch),
            some(&run.commit).chars().take(10).collect(),
        ]);
    }
    let damaged = runs.iter().flat_map(|run| run.damage.iter().map(move |why| (run, why)));
    let damaged = damaged.map(|(run, why)| format!("{}: {}", run.id.short(), one_line(why)));
    let lines = table.lines().map(|line| line.trim_end().to_owned()).chain(damaged);
    lines.collect::<Vec<_>>().join("\n")
}

/// The levels of an imported run, as the older tool measured them.
pub fn imported(row: &Value) -> Text {
    let table = |lang| imported_in(row, lang);
    Text { en: table(Lang::En), ko: table(Lang::Ko) }
}

fn imported_in(row: &Value, lang: Lang) -> String {
    let mut table = comfy_table::Table::new();
    let [load, requests, failed] = match lang {
        Lang::En => ["concurrency", "requests", "failed"],
        Lang::Ko => ["동시성", "요청", "실패"],
    };
    table.load_style(comfy_table::presets::NOTHING).set_header([
        load,
        "tok/s",
        "req/s",
        "TTFT p50 ms",
        "TTFT p99 ms",
        "TPOT p50 ms",
        "E2E p50 ms",
        "E2E p99 ms",
        requests,
        failed,
    ]);
    for level in row["result"]["results"].as_array().into_iter().flatten() {
        let number = |value: &Value, digits: usize| {
            value.as_f64().map_or_else(|| "-".to_owned(), |n| format!("{n:.digits$}"))
        };
        table.add_row([
            number(&level["concurrency"], 0),
            number(&level["throughput_tokens_per_sec"], 1),
            number(&level["request_rate_per_sec"], 2),
            number(&level["ttft"]["p50"], 1),
            number(&level["ttft"]["p99"], 1),
            number(&level["tpot"]["p50"], 2),
            number(&level["e2e_latency"]["p50"], 1),
            number(&level["e2e_latency"]["p99"], 1),
            number(&level["total_requests"], 0),
            number(&level["failed_requests"], 0),
        ]);
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// How it stands, in a word or two.
pub fn outcome(run: &Run) -> Text {
    let verdict = run.standing_verdict().map(crate::verdict::Verdict::word);
    let state = match (run.state, run.exit_code) {
        (State::Queued, _) => bilingual!("queued", "대기 중"),
        (State::Running, _) => bilingual!("running", "진행 중"),
        (State::CutOff, _) => bilingual!("cut off", "중간에 끊김"),
        (State::Damaged, _) => bilingual!("damaged", "손상"),
        (State::Ended, Some(0)) if verdict.is_none() => bilingual!("measured", "측정됨"),
        (State::Ended, Some(code))
            if verdict.is_none() && code == ExitStatus::Interrupted.code() =>
        {
            bilingual!("interrupted", "중단됨")
        }
        (State::Ended, Some(code)) if verdict.is_none() => {
            bilingual!("failed (exit {code})", "실패 (exit {code})")
        }
        (State::Ended, _) => return verdict.unwrap_or("-").into(),
    };
    match verdict {
        Some(verdict) => state.then(&format!(", {verdict}").into()),
        None => state,
    }
}

/// A line for each fact.
pub fn facts(run: &Run) -> Text {
    let facts = |lang| facts_in(run, lang);
    Text { en: facts(Lang::En), ko: facts(Lang::Ko) }
}

fn facts_in(run: &Run, lang: Lang) -> String {
    let list = |all: &[String]| Some(all.join(", ")).filter(|text| !text.is_empty());
    let rows = [
        (bilingual!("run", "실행"), Some(run.id.to_string())),
        (bilingual!("outcome", "결과"), Some(outcome(run).in_language(lang).to_owned())),
        (bilingual!("verb", "명령"), run.verb.clone()),
        (bilingual!("started", "시작"), Some(run.started.clone())),
        (bilingual!("ended", "종료"), run.ended.clone()),
        (bilingual!("branch", "브랜치"), run.branch.clone()),
        (bilingual!("commit", "커밋"), run.commit.clone()),
        (bilingual!("model", "모델"), list(&run.models)),
        (bilingual!("server", "서버"), list(&run.servers)),
        (bilingual!("folder", "폴더"), Some(run.folder.display().to_string())),
        (bilingual!("error", "오류"), run.error.clone()),
    ];
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let damage = run.damage.iter().map(|why| (bilingual!("damaged", "손상"), Some(why.clone())));
    for (name, value) in rows.into_iter().chain(damage) {
        if let Some(value) = value {
            table.add_row([name.in_language(lang).to_owned(), one_line(&value)]);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}
