//! Known changes, and none, injected into the simulated engine in virtual time; what the gate says
//! of each, in numbers.
//!
//! It says something of the gate, nothing of any real engine. Not here: the lines of the table
//! (`rows`), one gate (`gate`, `day`, `values`, `attempts`), a week (`drift`), a search (`search`).

mod asked;
mod attempts;
mod bound;
mod capacity;
mod changes;
mod day;
mod drift;
mod gate;
mod loads;
mod plant;
mod played;
mod row;
mod rows;
mod scene;
mod scenes;
mod search;
mod table;
#[cfg(test)]
mod tests;
mod values;
pub mod wire;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::ensure;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use capacity::Ground;
use loads::LoadKind;
use played::Played;
use row::{Play, Row};
use rows::rows;
use scene::Scene;
use scenes::Scenes;
pub use table::Table;

/// What a random stream is for. One gate more or less of a row shifts no other row. Noises by their
/// numbers.
#[derive(Clone, Copy, Debug)]
enum Purpose {
    Plan(LoadKind),
    Runs(LoadKind, u64),
    Sessions(LoadKind, u64),
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

impl Scale {
    /// A/A gates: what takes five minutes at most on two cores, and an hour.
    pub const SHORT: u32 = 250;
    pub const FULL: u32 = 3500;

    /// At least two, so that a row is a row.
    fn gates_of(self, row: &Row) -> u32 {
        let share = u64::from(self.gates) * u64::from(row.per_thousand) / 1000;
        u32::try_from(share).unwrap_or(u32::MAX).max(2)
    }
}

/// In virtual time: every row that has `only` in it.
pub fn in_virtual_time(scale: Scale, only: &str, progress: impl Fn(&str)) -> anyhow::Result<Table> {
    play(scale, &rows(), only, progress)
}

/// Plays every row that has `only` in it, and says so to `progress`. The same scale and rows give
/// the same table, whatever the number of threads.
fn play(scale: Scale, rows: &[Row], only: &str, progress: impl Fn(&str)) -> anyhow::Result<Table> {
    let mut scenes = Scenes::new(scale, rows);
    let mut played = Vec::new();
    for (number, row) in rows.iter().enumerate().filter(|(_, row)| row.mentions(only)) {
        let scenes = scenes.of_row(row)?;
        let ground = match &row.play {
            Play::Capacity(capacity) => Some(Ground::build(capacity, scale, number)?),
            _ => None,
        };
        let outcomes = parallel(scale.gates_of(row), scale.threads, |i| {
            let mut rng = stream(scale.seed, Purpose::Row(number), u64::from(i));
            let scene = scenes.get(i as usize % scenes.len().max(1));
            play_gate(&row.play, (scene, ground.as_ref()), &mut rng)
        });
        let outcomes = outcomes.into_iter().collect::<anyhow::Result<Vec<Played>>>()?;
        let line = table::Line::new(row, &outcomes);
        progress(&format!("{}/{} {}", number + 1, rows.len(), line.to_text()));
        played.push(line);
    }
    ensure!(!played.is_empty(), "no row mentions {only:?}: run without --only to see all rows");
    Ok(Table { seed: scale.seed, lines: played })
}

fn play_gate(
    play: &Play,
    (scene, ground): (Option<&Scene>, Option<&Ground>),
    rng: &mut ChaCha8Rng,
) -> anyhow::Result<Played> {
    Ok(match (play, scene) {
        (Play::Gate(gate), Some(scene)) => gate::play(scene, gate, rng),
        (Play::Day(day), Some(scene)) => day::play(scene, day, rng),
        (Play::Gate(_) | Play::Day(_), None) => {
            anyhow::bail!("a row of the engine has no plan; this is a bug")
        }
        (Play::Values(values), _) => values::play(values, rng),
        (Play::Attempts(attempts), _) => attempts::play(attempts, rng),
        (Play::Drift(drifting), _) => drift::play(drifting, rng),
        (Play::Search(search), _) => search::play(search, rng),
        (Play::Capacity(capacity), _) => {
            let ground = ground.ok_or_else(|| anyhow::anyhow!("a search without a truth"))?;
            capacity::play(capacity, ground, rng)
        }
    })
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
        Purpose::Runs(load, noise) => (2, load as u64 | (noise << 8)),
        Purpose::Sessions(load, noise) => (3, load as u64 | (noise << 8)),
        Purpose::Row(row) => (4, row as u64),
    };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // 8 bits of purpose, 16 of which, 40 of index: no two uses share a stream.
    rng.set_stream((kind << 56) | (which << 40) | index);
    rng
}
