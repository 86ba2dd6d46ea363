//! The plans of each load under each noise, with their past: gates of one row share them. Not here:
//! what is played on them (`gate`, `day`).

use std::collections::BTreeMap;

use super::loads::{Load, LoadKind};
use super::row::{Play, Row};
use super::scene::Scene;
use super::{Purpose, Scale, day, gate, parallel, stream};
use crate::config::sim::Noise;

/// Those of each load under each noise, made when the first row needs them.
#[derive(Debug)]
pub struct Scenes<'a> {
    scale: Scale,
    rows: &'a [Row],
    made: BTreeMap<Setting, Vec<Scene>>,
}

/// A load, and the number of its noise.
type Setting = (LoadKind, u64);

/// Plans per load, so that no figure hangs on one: enough for the large rows, and few for quick
/// looks.
const PLANS: u32 = 8;
/// From so many gates of a row on, each plan is used often enough to be worth a history of its own.
const GATES_PER_PLAN: u32 = 50;
/// Earlier runs of each plan, of which each gate draws five; and half as many for quick looks.
const RUNS: u32 = 12;
/// Earlier sessions of each plan, of which each gate draws up to 20; and half as many for quick
/// looks.
const SESSIONS: u32 = 60;

impl<'a> Scenes<'a> {
    pub const fn new(scale: Scale, rows: &'a [Row]) -> Self {
        Self { scale, rows, made: BTreeMap::new() }
    }

    /// What this row is played on; nothing where it needs no engine.
    pub fn of_row(&mut self, row: &Row) -> anyhow::Result<&[Scene]> {
        let Some(setting) = setting(row) else { return Ok(&[]) };
        if !self.made.contains_key(&setting) {
            let scenes = self.build(setting)?;
            self.made.insert(setting, scenes);
        }
        Ok(self.made.get(&setting).map_or(&[], Vec::as_slice))
    }

    /// The plans, each with what any of the rows needs as history.
    fn build(&self, at: Setting) -> anyhow::Result<Vec<Scene>> {
        let (scale, (kind, number)) = (self.scale, at);
        let mine = || self.rows.iter().filter(|row| setting(row) == Some(at));
        let most = mine().map(|row| scale.gates_of(row)).max().unwrap_or(0);
        let plans = (most / GATES_PER_PLAN).clamp(1, PLANS);
        let pool = |size: u32| if most < GATES_PER_PLAN { size / 2 } else { size };
        let any = |days: bool| mine().any(|row| matches!(row.play, Play::Day(_)) == days);
        let runs = if any(false) { pool(RUNS) } else { 0 };
        let sessions = if any(true) { pool(SESSIONS) } else { 0 };
        let noise = noise(number);
        let build = |plan| Load::build(kind, scale.seed, plan);
        let loads = (0..plans).map(build).collect::<anyhow::Result<Vec<_>>>()?;
        let scene = |(plan, load): (u32, Load)| Scene {
            runs: parallel(runs, scale.threads, |i| {
                let index = u64::from(plan * RUNS + i);
                let mut rng = stream(scale.seed, Purpose::Runs(kind, number), index);
                gate::past_run(&load, noise, &mut rng)
            }),
            sessions: parallel(sessions, scale.threads, |i| {
                let index = u64::from(plan * SESSIONS + i);
                let mut rng = stream(scale.seed, Purpose::Sessions(kind, number), index);
                day::session(&load, noise, super::changes::Change::None, &mut rng).0
            }),
            load,
        };
        Ok((0..).zip(loads).map(scene).collect())
    }
}

fn setting(row: &Row) -> Option<Setting> {
    let (load, noise) = match &row.play {
        Play::Gate(gate) => (gate.load, gate.noise),
        Play::Day(day) => (day.load, day.noise),
        _ => return None,
    };
    Some((load, number(noise)))
}

const NOISES: [Noise; 4] = [Noise::Off, Noise::Quiet, Noise::Typical, Noise::Noisy];

fn number(noise: Noise) -> u64 {
    NOISES.iter().position(|n| *n == noise).unwrap_or_default() as u64
}

fn noise(number: u64) -> Noise {
    usize::try_from(number).ok().and_then(|at| NOISES.get(at).copied()).unwrap_or(Noise::Typical)
}
