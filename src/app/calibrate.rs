//! Measures starts of unchanged code on this machine, and says what a gate here can see, what it
//! costs, and how often it cries wolf.
//!
//! The starts join the baseline's history. Not here: the arithmetic (`judge::calibrate`).

use super::capture;
use super::job::Job;
use super::measure;
use super::options::RunOptions;
use super::sentence::sentence;
use super::workspace::Workspace;
use crate::config::{Arrival, Config, Endpoint, Length};
use crate::evaluate;
use crate::exit::{ExitStatus, Failure};
use crate::judge::calibrate::{self as judged, Calibration, Costs, Input, MetricNoise};
use crate::judge::text::size;
use crate::lang::{Lang, Text, bilingual};
use crate::measure::stats;
use crate::print::{note, speak};
use crate::record::facts::arrival;
use crate::record::{Record, WorkloadRecord};
use crate::report::text;

/// Four start pairs: looks of three are split in 20,160 orders, and a start is left as history.
pub const STARTS: u32 = 8;
/// Loads that are tried in turn where the configured one sits at the knee, as shares of its rate.
const LOWER: [f64; 3] = [0.85, 0.7, 0.5];

/// What a calibration is asked beside its config.
pub struct Calibrate<'a> {
    pub here: &'a Workspace,
    pub options: &'a RunOptions,
    /// What was measured joins the baseline's history.
    pub save: bool,
    /// Takes each line of the answer, as soon as it is known.
    pub tell: &'a dyn Fn(&Text),
}

/// `begin` begins the job.
pub fn calibrate(
    config: &Config,
    what: &Calibrate<'_>,
    begin: impl FnOnce() -> anyhow::Result<Option<Job>>,
) -> anyhow::Result<ExitStatus> {
    if matches!(config.target.endpoint, Endpoint::Http(_)) {
        note(&bilingual!(
            "this is one start, since the gate does not start this server: how starts differ, which every verdict rests on, stays unknown\nhint: let the gate start it (`server.start`)",
            "게이트가 시작하지 않는 서버라 시작은 한 번: 모든 판정의 바탕인 시작마다의 차이를 알 수 없음\n힌트: 게이트가 시작하게 하십시오 (`server.start`)"
        ));
    }
    let git = what.here.head_facts_if_any(config);
    let Some(mut job) = begin()? else { return Ok(ExitStatus::Interrupted) };
    if !job.load(what.here, config, [&config.target])? {
        return Ok(ExitStatus::Interrupted);
    }
    let record = measure::measure(what.here, config, what.options, git, &job)?.saved()?;
    for workload in &record.workloads {
        let why = [workload.unfit(), workload.saturated()].concat();
        if record.interrupted && !why.is_empty() {
            continue;
        }
        if let Some(first) = why.first() {
            let name = &workload.name;
            let what =
                bilingual!("nothing to learn from {name}: ", "{name}에서 알 수 있는 것 없음: ");
            return Err(Failure::measure(what.then(&sentence(first.clone()))).into());
        }
        let found = calibration(&record, workload)?;
        (what.tell)(&in_words(&workload.name, &found));
        if found.knee.near && !job.stop.stopping() {
            (what.tell)(&lower_load(config, what, &workload.name, &job)?);
        }
    }
    if job.stop.signalled() {
        speak(&capture::nothing_added());
        return Ok(ExitStatus::Interrupted);
    }
    if what.save {
        save(config, &record, what)?;
    }
    Ok(ExitStatus::Pass)
}

fn save(config: &Config, record: &Record, what: &Calibrate<'_>) -> anyhow::Result<()> {
    match record.git.as_ref() {
        None => speak(&bilingual!(
            "not added to the baseline: no git repository here, and baselines are found by commit",
            "기준선에 추가하지 않음: git 저장소가 아니며, 기준선은 커밋으로 찾음"
        )),
        Some(git) if git.dirty => {
            speak(&bilingual!(
                "not added to the baseline: the working tree has changes that no commit holds; commit them and calibrate again",
                "기준선에 추가하지 않음: 커밋하지 않은 변경이 있음. 커밋한 뒤 다시 calibrate를 실행하십시오"
            ));
        }
        Some(_) => capture::add_measured(what.here, config, record, what.tell)?,
    }
    Ok(())
}

fn calibration(record: &Record, workload: &WorkloadRecord) -> anyhow::Result<Calibration> {
    let rounds = workload.method_rounds();
    let setups: Vec<f64> =
        workload.starts.iter().filter_map(|s| Some(s.setup_ms? as f64 / 1e3)).collect();
    let durations: Vec<f64> = rounds.iter().map(|r| r.seconds).collect();
    // Above 0, as a cost must be.
    let cost = |all: &[f64]| stats::mean(all).unwrap_or_default().max(1e-3);
    let policy = evaluate::judge_policy(record, workload)?;
    let costs = Costs { start_s: cost(&setups), round_s: cost(&durations) };
    let input = Input {
        rounds: &rounds,
        slo: workload.slo.into(),
        shape: workload.shape(),
        costs,
        policy: &policy,
    };
    Ok(judged::calibrate(&input))
}

fn in_words(name: &str, c: &Calibration) -> Text {
    let (starts, rounds) = (c.starts, c.rounds_per_start);
    let head = Text {
        en: format!(
            "{name}: {} of {}\n\n{}\n\n",
            text::count(starts as u64, "start", "starts"),
            text::count(rounds as u64, "round", "rounds"),
            table(&c.metrics, Lang::En)
        ),
        ko: format!(
            "{name}: 시작 {starts}회, 시작마다 라운드 {rounds}개\n\n{}\n\n",
            table(&c.metrics, Lang::Ko)
        ),
    };
    let mut lines = Vec::new();
    for best in &c.best_rounds {
        let (metric, words) = (best.metric, &best.words);
        lines.push(bilingual!("rounds      {metric}: {words}", "라운드      {metric}: {words}"));
    }
    lines.push(bilingual!(
        "minutes     {first:.1} per verdict at the first look, {third:.1} at the third",
        "시간(분)    첫 확인에서 판정까지 {first:.1}, 세 번째 확인에서 {third:.1}",
        first = c.minutes.first_look,
        third = c.minutes.third_look
    ));
    let load = &c.knee.words;
    lines.push(bilingual!("load        {load}", "부하        {load}"));
    lines.push(match c.false_alarms.as_ref().map(|alarms| &alarms.words) {
        None => bilingual!(
            "alarms      unknown: two starts or more are needed",
            "오탐        알 수 없음: 시작이 두 번 이상 필요"
        ),
        Some(words) => bilingual!("alarms      {words}", "오탐        {words}"),
    });
    if let Some(alarms) = &c.false_alarms {
        let (low, high) = alarms.interval;
        lines.push(bilingual!(
            "            {alarms} of {splits} splits alarm ({rate:.2} %, {low:.2} to {high:.2} %), {passes} pass ({share:.1} %)",
            "            나누는 방법 {splits}가지 중 {alarms}가지에서 오탐 ({rate:.2} %, {low:.2}~{high:.2} %), {passes}가지 통과 ({share:.1} %)",
            alarms = alarms.alarms,
            splits = alarms.splits,
            rate = alarms.rate * 100.0,
            low = low * 100.0,
            high = high * 100.0,
            passes = alarms.passes,
            share = alarms.passes as f64 / alarms.splits as f64 * 100.0
        ));
    }
    head.then(&Text::joined(&lines, "\n"))
}

fn table(metrics: &[MetricNoise], lang: Lang) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(match lang {
        Lang::En => {
            ["metric", "sd of starts", "of it, restarts", "sd of rounds", "visible at 3 starts"]
        }
        Lang::Ko => [
            "지표",
            "시작의 표준편차",
            "그중 재시작",
            "라운드의 표준편차",
            "시작 3회의 최소 감지 변화",
        ],
    });
    for m in metrics {
        let cell = |x: Option<f64>| x.map_or_else(|| "-".to_owned(), |x| size(m.metric, x));
        let clamped =
            bilingual!("0 (less than rounds explain)", "0 (라운드로 설명되는 것보다 작음)");
        let restarts =
            if m.clamped { clamped.in_language(lang).to_owned() } else { cell(m.between_starts) };
        table.add_row([
            m.metric.name(),
            cell(m.start_sd),
            restarts,
            cell(m.between_rounds),
            cell(m.visible),
        ]);
    }
    table.lines().map(|l| l.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// One start at each lower load, until one is off the knee.
fn lower_load(
    config: &Config,
    what: &Calibrate<'_>,
    name: &str,
    job: &Job,
) -> anyhow::Result<Text> {
    let options = RunOptions { out: what.options.out.join("knee"), ..what.options.clone() };
    for share in LOWER {
        let Some(lower) = scaled(config, name, share) else {
            return Ok(bilingual!(
                "lower load: no other is tried for this arrival process; lower its rate by hand and calibrate again",
                "낮은 부하: 이 도착 방식에서는 다른 부하를 시도하지 않음. 부하를 직접 낮추고 다시 calibrate를 실행하십시오"
            ));
        };
        let rate = arrival(&lower.workloads[0].arrival);
        speak(&bilingual!(
            "at the knee: one start at {rate}",
            "knee에서의 부하임: {rate} 부하로 한 번 시작"
        ));
        let record = measure::measure(what.here, &lower, &options, None, job)?.value;
        let Some(workload) = record
            .workloads
            .first()
            .filter(|w| w.unfit().is_empty() && w.saturated().is_empty() && !record.interrupted)
        else {
            return Ok(bilingual!(
                "lower load: {rate} could not be measured",
                "낮은 부하: {rate} 측정 실패"
            ));
        };
        if !calibration(&record, workload)?.knee.near {
            return Ok(bilingual!(
                "lower load: {rate} is off the knee: use it",
                "낮은 부하: {rate}는 knee를 벗어남. 이 부하를 쓰십시오"
            ));
        }
    }
    Ok(bilingual!(
        "lower load: at {share:.0} % of the rate the server is still at its knee: try less by hand",
        "낮은 부하: 요청률의 {share:.0} %에서도 아직 knee임. 더 낮은 부하를 직접 시도하십시오",
        share = LOWER[LOWER.len() - 1] * 100.0
    ))
}

/// One workload at a share of its rate, over the same time, with one start.
fn scaled(config: &Config, name: &str, share: f64) -> Option<Config> {
    let mut workload = config.workloads.iter().find(|w| w.name == name)?.clone();
    workload.level = None;
    match &mut workload.arrival {
        Arrival::Poisson { rate } | Arrival::Constant { rate } | Arrival::Gamma { rate, .. } => {
            *rate *= share;
        }
        Arrival::Closed { .. }
        | Arrival::Ramp { .. }
        | Arrival::Trace { .. }
        | Arrival::Sessions { .. } => return None,
    }
    if let Length::Requests(n) = &mut workload.length {
        // The autocorrelation needs 30 requests a round.
        *n = scaled_count(*n, share).max(30);
    }
    let mut config = config.clone();
    config.gate.starts = 1;
    config.workloads = vec![workload];
    Some(config)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a count is a count"
)]
fn scaled_count(n: u32, share: f64) -> u32 {
    (f64::from(n) * share).round() as u32
}
