//! Known changes, and none, injected into the simulated engine in virtual time; what the gate says
//! of each, in numbers.
//!
//! It says something of the gate, nothing of any real engine. Not here: what the changes are
//! (`changes`), one gate (`gate`).

mod changes;
mod gate;
mod loads;
mod plant;
mod table;
#[cfg(test)]
mod tests;
pub mod wire;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::ensure;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use changes::{Mode, Row, rows};
use gate::{Played, Scene};
use loads::{Load, LoadKind};
pub use table::Table;

/// What a random stream is for. One gate more or less of a row shifts no other row.
#[derive(Clone, Copy, Debug)]
enum Purpose {
    Plan(LoadKind),
    Runs(LoadKind),
    Sessions(LoadKind),
    /// Gates of the row of this number.
    Row(usize),
}

/// How much is played.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    pub seed: u64,
    /// A/A gates of the chat load; the other rows in proportion.
    pub gates: u32,
    pub threads: usize,
}

/// Plans per load, so that no figure hangs on one: enough for the large row, and few for quick
/// looks.
const PLANS: u32 = 8;
/// From so many gates of a row on, each plan is used often enough to be worth a history of its own.
const GATES_PER_PLAN: u32 = 50;
/// Earlier runs of each plan, of which each gate draws three; and half as many for quick looks.
const RUNS: u32 = 12;
/// Earlier sessions of each plan, of which each gate draws 8 or 20; and half as many for quick
/// looks.
const SESSIONS: u32 = 60;

/// In virtual time: every row that has `only` in it.
pub fn in_virtual_time(scale: Scale, only: &str, progress: impl Fn(&str)) -> anyhow::Result<Table> {
    play(scale, &rows(), only, progress)
}

/// Plays every row that has `only` in it, and says so to `progress`. The same scale and rows give
/// the same table, whatever the number of threads.
fn play(scale: Scale, rows: &[Row], only: &str, progress: impl Fn(&str)) -> anyhow::Result<Table> {
    let mut scenes: BTreeMap<LoadKind, Vec<Scene>> = BTreeMap::new();
    let mut played = Vec::new();
    for (number, row) in rows.iter().enumerate().filter(|(_, row)| row.mentions(only)) {
        let gates = gates(scale, row);
        let scenes = match scenes.entry(row.load) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(build_scenes(scale, row.load, rows)?),
        };
        let outcomes: Vec<Played> = parallel(gates, scale.threads, |i| {
            let mut rng = stream(scale.seed, Purpose::Row(number), u64::from(i));
            let scene = &scenes[i as usize % scenes.len()];
            gate::play(scene, row.mode, row.change, &mut rng)
        });
        let line = table::Line::new(row, &outcomes);
        progress(&format!("{}/{} {}", number + 1, rows.len(), line.to_text()));
        played.push(line);
    }
    ensure!(!played.is_empty(), "no row mentions {only:?}: run without --only to see all rows");
    Ok(Table { seed: scale.seed, lines: played })
}

/// At least two gates, so that a row is a row.
fn gates(scale: Scale, row: &Row) -> u32 {
    let share = u64::from(scale.gates) * u64::from(row.per_thousand) / 1000;
    u32::try_from(share).unwrap_or(u32::MAX).max(2)
}

/// The plans of a load, each with what the rows need as history.
fn build_scenes(scale: Scale, load: LoadKind, rows: &[Row]) -> anyhow::Result<Vec<Scene>> {
    let mine = || rows.iter().filter(|r| r.load == load);
    let most = mine().map(|r| gates(scale, r)).max().unwrap_or(0);
    let plans = (most / GATES_PER_PLAN).clamp(1, PLANS);
    let pool = |size: u32| if most < GATES_PER_PLAN { size / 2 } else { size };
    let runs = if mine().any(|r| r.mode == Mode::Interleaved) { pool(RUNS) } else { 0 };
    let sessions = if mine().any(|r| r.mode != Mode::Interleaved) { pool(SESSIONS) } else { 0 };
    let loads =
        (0..plans).map(|i| Load::build(load, scale.seed, i)).collect::<anyhow::Result<Vec<_>>>()?;
    let past = parallel(plans * runs, scale.threads, |i| {
        gate::past_run(
            &loads[(i / runs) as usize],
            &mut stream(scale.seed, Purpose::Runs(load), i.into()),
        )
    });
    let sessions_of = |plan: u32| {
        parallel(sessions, scale.threads, |i| {
            let mut rng =
                stream(scale.seed, Purpose::Sessions(load), u64::from(plan * SESSIONS + i));
            gate::session(&loads[plan as usize], changes::Change::None, &mut rng).0
        })
    };
    let sessions: Vec<_> = (0..plans).map(sessions_of).collect();
    let mut past = past.into_iter();
    Ok(loads
        .iter()
        .zip(sessions)
        .map(|(load, sessions)| Scene {
            load: load.clone(),
            runs: past.by_ref().take(runs as usize).collect(),
            sessions,
        })
        .collect())
}

/// `work` of 0 to `count`, in that order whoever did it.
fn parallel<T: Send>(count: u32, threads: usize, work: impl Fn(u32) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(i) =
                    u32::try_from(next.fetch_add(1, Ordering::Relaxed)).ok().filter(|&i| i < count)
                {
                    let result = work(i);
                    // A panic elsewhere ends the scope; what is there is whole.
                    done.lock().unwrap_or_else(PoisonError::into_inner).insert(i, result);
                }
            });
        }
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}

fn stream(seed: u64, purpose: Purpose, index: u64) -> ChaCha8Rng {
    let (kind, which) = match purpose {
        Purpose::Plan(load) => (1, load as u64),
        Purpose::Runs(load) => (2, load as u64),
        Purpose::Sessions(load) => (3, load as u64),
        Purpose::Row(row) => (4, row as u64),
    };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // 8 bits of purpose, 16 of which, 40 of index: no two uses share a stream.
    rng.set_stream((kind << 56) | (which << 40) | index);
    rng
}
