//! What a run has to itself while it measures: its output folder, and then its servers. Not here:
//! how locks work (`lock`).
#![expect(clippy::disallowed_methods, reason = "rim: reads the environment, and draws who we are")]

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::artefacts;
use super::error_text;
use super::options::RunOptions;
use super::runs::keep::KeptRun;
use super::stop::Stop;
use super::workspace::Workspace;
use crate::clock::now;
use crate::config::{Config, Target};
use crate::exit::Failure;
use crate::lang::{Explained as _, Text, bilingual};
use crate::lock::{self, ALL, Claim, Gate, Held, LockOutcome, MACHINE, Patience, SHARED};
use crate::measure::seen::Seen;
use crate::measure::validity::{Finding, OTHER_GATE, STANDSTILL, Severity};
use crate::print::speak;

mod claims;
mod others;

/// One for each command that measures.
pub struct Job {
    pub stop: Stop,
    verb: &'static str,
    id: u64,
    exclusive: bool,
    patience: Patience,
    folder: String,
    _folder: Held,
    load: Option<Held>,
    /// Gates that were seen beside this one, in words.
    seen: Mutex<Vec<String>>,
    /// Where the run is kept, if anywhere.
    kept: Option<Arc<KeptRun>>,
}

impl Job {
    /// Takes the output folder. `None`: interrupted while it waited for another gate, and nothing
    /// was touched. Errors: exit 3 with `--no-wait`, another gate has the folder, and no file in it
    /// was touched.
    pub fn begin(
        verb: &'static str,
        options: &RunOptions,
        stop: Stop,
    ) -> anyhow::Result<Option<Self>> {
        let drawn = || {
            getrandom::u64().map_err(|e| anyhow::anyhow!("the system gives no random numbers: {e}"))
        };
        let id = options.gate.map_or_else(drawn, Ok)?;
        artefacts::folder(&options.out)?;
        let shown = std::path::absolute(&options.out)
            .unwrap_or_else(|_| options.out.clone())
            .display()
            .to_string();
        let patience = options.patience;
        let files = [&options.record, &options.raw].into_iter().flatten();
        let claims = std::iter::once(folder_claim(&options.out)?)
            .chain(files.filter_map(|path| file_claim(path)))
            .collect();
        let gate = Gate::new(id, verb, shown.clone(), now(), claims);
        let Some(held) = held(gate, patience, &stop)? else { return Ok(None) };
        artefacts::sweep(&options.out);
        let (exclusive, seen) = (options.exclusive, Mutex::default());
        Ok(Some(Self {
            stop,
            verb,
            id,
            exclusive,
            patience,
            folder: shown,
            _folder: held,
            load: None,
            seen,
            kept: None,
        }))
    }

    /// Takes the servers of these targets; the time limit begins. False: interrupted while it
    /// waited. Errors: exit 3, as [`Job::begin`].
    pub fn load<'t>(
        &mut self,
        here: &Workspace,
        config: &Config,
        targets: impl IntoIterator<Item = &'t Target>,
    ) -> anyhow::Result<bool> {
        if let Ok(folder) = here.baselines_folder(config) {
            artefacts::sweep(&folder);
        }
        let mut claims = vec![Claim::new(MACHINE, if self.exclusive { ALL } else { SHARED })];
        for target in targets {
            claims.extend(claims::claims(target, &config.gpu, &|| self.stop.stopping()));
        }
        claims.dedup();
        let gate = Gate::new(self.id, self.verb, self.folder.clone(), now(), claims);
        let Some(held) = held(gate, self.patience, &self.stop)? else { return Ok(false) };
        self.load = Some(held);
        self.stop.start_limit();
        Ok(true)
    }

    /// From now on the run is kept there, too.
    pub fn keep_in(&mut self, run: Option<Arc<KeptRun>>) {
        self.kept = run;
    }

    /// A round is over, and its record is written.
    pub fn after_round(&self) {
        if let Some(run) = &self.kept {
            run.take();
        }
    }

    /// Looks around before a round: a gate that ends during it is gone when it is over. Gives
    /// [`Stop::standstills`].
    pub fn before_round(&self) -> u64 {
        self.beside();
        self.stop.standstills()
    }

    /// What of the machine disturbed a round: `standstills` is what [`Self::before_round`] gave.
    pub fn findings(&self, standstills: u64) -> Vec<Finding> {
        let stood = self.stop.standstills().saturating_sub(standstills);
        let stood = (stood > 0)
            .then(|| Finding::new(Severity::Invalid, STANDSTILL, Seen::ClientStoodStill));
        let beside = self
            .beside()
            .map(|gates| Finding::new(Severity::Note, OTHER_GATE, Seen::OtherGates { gates }));
        stood.into_iter().chain(beside).collect()
    }

    /// Other gates that run on this machine now, or did while this one ran.
    fn beside(&self) -> Option<Vec<String>> {
        let now = self.load.iter().flat_map(Held::others).map(|gate| gate.to_string());
        let mut seen = self.seen.lock().ok()?;
        let new: Vec<String> = now.filter(|gate| !seen.contains(gate)).collect();
        seen.extend(new);
        (!seen.is_empty()).then(|| seen.clone())
    }
}

/// Empties the output folder of an earlier run's reports where no other gate has it: the command
/// ends before it measures.
pub fn clear_if_free(verb: &'static str, options: &RunOptions) {
    if !options.out.is_dir() {
        return;
    }
    let claim = || {
        Some(Gate::new(
            getrandom::u64().ok()?,
            verb,
            String::new(),
            now(),
            vec![folder_claim(&options.out).ok()?],
        ))
    };
    let free = |gate| lock::hold(gate, Patience::None, &mut |_, _| {}, &|| false);
    // Where nobody can tell whether another gate writes there, its files stay.
    if let Some(Ok(LockOutcome::Held(_held))) = claim().map(free)
        && let Err(e) = artefacts::clear(&options.out)
    {
        speak(&error_text::text(&e));
    }
}

/// `None`: interrupted.
fn held(gate: Gate, patience: Patience, stop: &Stop) -> anyhow::Result<Option<Held>> {
    let mut waiting = |other: &Gate, claim: &Claim| {
        let (other, claim) = (others::gate(other), others::claim(claim));
        speak(&Text {
            en: format!("waiting for {}: it has {}, which this one needs", other.en, claim.en),
            ko: format!(
                "다른 게이트를 기다리는 중: {}, 이 실행에 필요한 {} 사용 중",
                other.ko, claim.ko
            ),
        });
    };
    match lock::hold(gate, patience, &mut waiting, &|| stop.stopping())
        .map_err(|e| Failure::measure(e.to_string()))?
    {
        LockOutcome::Held(held) => Ok(Some(held)),
        LockOutcome::Stopped => Ok(None),
        LockOutcome::Busy(other, claim) => {
            let (other, claim) = (others::gate(&other), others::claim(&claim));
            let busy = Text {
                en: format!("another gate is in the way: {} has {}", other.en, claim.en),
                ko: format!("다른 게이트가 실행 중: {}, {} 사용 중", other.ko, claim.ko),
            };
            let hint = bilingual!(
                "\nhint: wait for it, leave out --no-wait to wait here, or use another folder or server",
                "\n힌트: 끝나기를 기다리거나, --no-wait를 빼고 여기서 기다리거나, 다른 폴더나 서버를 쓰십시오"
            );
            Err(Failure::measure(busy.then(&hint)).into())
        }
    }
}

/// By the file system's number: a folder has many paths.
fn folder_claim(folder: &Path) -> anyhow::Result<Claim> {
    let facts = std::fs::metadata(folder).explained(|| artefacts::unreadable(folder))?;
    Ok(Claim::new("output folder", format!("{}:{}", facts.dev(), facts.ino())))
}

/// Of a file that is to be written, by its folder and its name; none where there is no such folder,
/// which is refused later.
fn file_claim(path: &Path) -> Option<Claim> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let facts = std::fs::metadata(folder).ok().filter(std::fs::Metadata::is_dir)?;
    let special = path.metadata().is_ok_and(|m| !m.is_file());
    let name = path.file_name()?.to_string_lossy().into_owned();
    (!special).then(|| Claim::new("file", format!("{}:{}/{name}", facts.dev(), facts.ino())))
}
