//! A stored record as this config would have it judged. Not here: judging it.

use std::path::Path;

use anyhow::bail;

use crate::app::artefacts;
use crate::app::error_text::cannot_use;
use crate::app::measure;
use crate::config::{Config, Endpoint, GateMode, ModelChoice};
use crate::exit::Failure;
use crate::lang::{Explained as _, Text, bilingual};
use crate::record::facts::{arrival, under};
use crate::record::{Record, WorkloadRecord, recompute};

/// What the record says of its own policy counts for nothing. Errors: exit 2, the config measures
/// two sides; exit 3, the record is of something else than the config asks for, or of a part of it.
pub fn record(path: &Path, config: &Config) -> anyhow::Result<Record> {
    if config.gate.mode == GateMode::Interleaved {
        bail!(bilingual!(
            "--from judges one record, and gate.mode is interleaved: two sides are measured\nhint: compare both records of that run: goodput-gate compare baseline.json record.json",
            "--from은 레코드 하나를 판정하는데 gate.mode가 interleaved: 양쪽을 함께 측정해야 함\n힌트: 그 실행의 두 레코드를 비교하십시오: goodput-gate compare baseline.json record.json"
        ));
    }
    let mut record = Record::parse(&artefacts::read(path)?).explained(|| cannot_use(path))?;
    if let Some(why) = other(&record, config)? {
        let path = path.display();
        bail!(Failure::measure(
            bilingual!(
                "{path} cannot be judged by this config: ",
                "{path}: 이 설정으로 판정할 수 없음: "
            )
            .then(&why)
        ));
    }
    under(config, &mut record);
    recompute::findings(&mut record)?;
    Ok(record)
}

/// What makes it another measurement than the one that the config asks for. Errors: the config's
/// plan cannot be made.
fn other(record: &Record, config: &Config) -> anyhow::Result<Option<Text>> {
    if record.pair.is_some() || record.find.is_some() || record.target.is_some() {
        return Ok(Some(bilingual!(
            "it is one side of an interleaved run, of a run of several targets, or of a search",
            "교차 측정의 한쪽이거나, 여러 대상의 실행이거나, 탐색의 레코드임"
        )));
    }
    let asked = |name: &str| config.workloads.iter().any(|w| w.name == name);
    if let Some(more) = record.workloads.iter().find(|w| !asked(&w.name)) {
        return Ok(Some(bilingual!(
            "it has a workload {name}, which the config has not: with more of them a FAIL takes more",
            "설정에 없는 워크로드 {name}이(가) 있음: 워크로드가 많으면 FAIL의 기준이 높아짐",
            name = more.name
        )));
    }
    let shards = record.merged.as_ref().map_or(1, |merged| merged.shards);
    for workload in &config.workloads {
        let name = &workload.name;
        let Some(measured) = record.workloads.iter().find(|w| w.name == *name) else {
            return Ok(Some(bilingual!(
                "it has no workload {name}, which the config asks for",
                "설정이 요구하는 워크로드 {name}이(가) 없음"
            )));
        };
        let asked = measure::digests(workload, &config.target, config.gate.rounds, shards)?;
        if !measured.fingerprint.0.get("plan").is_some_and(|sent| asked.contains(sent)) {
            return Ok(Some(bilingual!(
                "it is of another load: workload {name} was {sent}, and its plan is none that the config asks for ({wanted})\nhint: check with the config that measured it",
                "다른 부하의 레코드: 워크로드 {name}은(는) {sent}이었고 설정이 요구하는 계획({wanted})이 아님\n힌트: 측정에 쓴 설정으로 check 하십시오",
                sent = measured.load.arrival,
                wanted = arrival(&workload.arrival)
            )));
        }
        if let Some(why) = other_server(measured, config).or_else(|| cut(measured, config)) {
            return Ok(Some(why));
        }
    }
    Ok(None)
}

/// Another model, or the simulated server where a real one was meant.
fn other_server(measured: &WorkloadRecord, config: &Config) -> Option<Text> {
    let (simulated, name) = (matches!(config.target.endpoint, Endpoint::Sim(_)), &measured.name);
    if measured.starts.iter().any(|start| start.sim_seed.is_some() != simulated) {
        return Some(bilingual!(
            "only one of them is of the simulated server (workload {name})",
            "둘 중 하나만 시뮬레이션 서버의 것임 (워크로드 {name})"
        ));
    }
    let ModelChoice::Named(wanted) = &config.target.model else { return None };
    let model = measured.fingerprint.0.get("model");
    (model != Some(wanted)).then(|| {
        bilingual!(
            "workload {name} is of the model {model}, and the config asks for {wanted}",
            "워크로드 {name}의 모델은 {model}인데 설정은 {wanted}",
            model = model.map_or("-", String::as_str)
        )
    })
}

/// A run that was killed leaves fewer starts or rounds than it was to have.
fn cut(measured: &WorkloadRecord, config: &Config) -> Option<Text> {
    let (rounds, name) = (config.gate.rounds as usize, &measured.name);
    let (has, starts) = (measured.starts.len(), measure::starts(config) as usize);
    if has < starts {
        return Some(bilingual!(
            "the run did not end, or was asked for less: workload {name} has {has} of {starts} starts",
            "실행이 끝나지 않았거나 요구보다 적음: 워크로드 {name}의 시작이 {has}개 (전체 {starts}개)"
        ));
    }
    let short = measured.starts.iter().find(|start| start.rounds.len() < rounds)?;
    Some(bilingual!(
        "the run did not end: start {start} of workload {name} has {has} of {rounds} rounds",
        "실행이 끝나지 않음: 워크로드 {name}의 시작 {start}에 라운드가 {has}개 (전체 {rounds}개)",
        start = short.index + 1,
        has = short.rounds.len()
    ))
}
