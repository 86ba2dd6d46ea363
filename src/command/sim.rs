//! `goodput-gate sim`: the simulated server as a process. Says where it listens, then serves until
//! it is told to stop.
#![expect(clippy::disallowed_methods, reason = "rim: reads the replay file and draws the seed")]

use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::app::artefacts;
use crate::cli::SimArgs;
use crate::config::sim::Knobs;
use crate::exit::ExitStatus;
use crate::lang::{Explained as _, bilingual};
use crate::print::print;
use crate::read;
use crate::sim::{Replay, Server, TruthLog};

pub fn run(args: &SimArgs) -> anyhow::Result<ExitStatus> {
    let knobs = knobs(&args.set)?;
    let addr: SocketAddr = args.listen.parse().explained(|| {
        bilingual!(
            "cannot listen on {listen:?}: it is not an address with a port; write e.g. --listen 127.0.0.1:8000",
            "{listen:?}에서 대기할 수 없음: 포트가 있는 주소가 아님. 예: --listen 127.0.0.1:8000",
            listen = args.listen
        )
    })?;
    let replay = replay(args)?;
    let seed = knobs.seed.map_or_else(drawn_seed, Ok)?;
    let (truth, log) = match &args.truth {
        None => (None, None),
        Some(path) => {
            let made = TruthLog::create(path).explained(|| artefacts::uncreatable(path))?;
            (Some(made.0), Some(made.1))
        }
    };
    // One thread: steps and writes keep their order, and the other cores are left to the client.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let served = runtime.block_on(async {
        let stop = stop(args.stop_with_stdin)?;
        let server = Server::bind(addr, knobs, seed, replay, truth).explained(|| {
            bilingual!(
                "cannot listen on {addr}; choose another --listen, port 0 takes a free one",
                "{addr}에서 대기할 수 없음. 다른 --listen을 고르십시오. 포트 0은 빈 포트를 씁니다"
            )
        })?;
        announce(server.addr(), seed)?;
        server.run(stop).await.context("the simulated server failed")
    });
    drop(runtime);
    if let Some(log) = log {
        log.finish().context("cannot write the truth log")?;
    }
    served.map(|()| ExitStatus::Pass)
}

fn knobs(settings: &[String]) -> anyhow::Result<Knobs> {
    let mut knobs = Knobs::default();
    for setting in settings {
        let Some((key, value)) = setting.split_once('=') else {
            bail!(bilingual!(
                "cannot read --set {setting}: write KEY=VALUE, e.g. decode_factor=1.2",
                "--set {setting} 읽기 실패: KEY=VALUE로 쓰십시오. 예: decode_factor=1.2"
            ));
        };
        knobs.set(key.trim(), value.trim()).map_err(|e| anyhow!(e))?;
    }
    knobs.check().map_err(|e| anyhow!(e))?;
    Ok(knobs)
}

fn replay(args: &SimArgs) -> anyhow::Result<Option<Replay>> {
    let Some(path) = &args.replay else { return Ok(None) };
    let interval = interval(&args.replay_interval)?;
    let file = read::bytes(path, read::DATA).explained(|| artefacts::unreadable(path))?;
    Replay::new(&file, interval).map(Some).map_err(|e| anyhow!(e)).explained(|| {
        let path = path.display();
        bilingual!("cannot replay {path}", "{path} 재생 불가")
    })
}

/// A time as in the config: a number and `us`, `ms` or `s`.
fn interval(text: &str) -> anyhow::Result<Duration> {
    let text = text.trim();
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let scale = match &text[split..] {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "" if text == "0" => 1.0,
        _ => bail!(bilingual!(
            "cannot read --replay-interval {text}: write a number with us, ms or s, e.g. 33ms",
            "--replay-interval {text} 읽기 실패: us, ms, s를 붙여 쓰십시오. 예: 33ms"
        )),
    };
    let number: f64 = text[..split].trim().parse().explained(|| {
        bilingual!("cannot read --replay-interval {text}", "--replay-interval {text} 읽기 실패")
    })?;
    Duration::try_from_secs_f64(number * scale).explained(|| {
        bilingual!("cannot use --replay-interval {text}", "--replay-interval {text} 사용 불가")
    })
}

fn drawn_seed() -> anyhow::Result<u64> {
    getrandom::u64().map_err(|e| {
        anyhow!(bilingual!(
            "cannot draw a seed from the system: {e}; give one with --set seed=N",
            "시스템에서 시드를 얻을 수 없음: {e}. --set seed=N으로 지정하십시오"
        ))
    })
}

/// One line of JSON on stdout.
fn announce(addr: SocketAddr, seed: u64) -> anyhow::Result<()> {
    let line = json!({
        "listening": addr.to_string(), "base_url": format!("http://{addr}/v1"), "seed": seed, "pid": std::process::id(),
    });
    print(&line.to_string()).context("cannot say where the simulated server listens")
}

/// Done at SIGTERM, and at SIGINT or, where that is asked for, the end of standard input. A
/// terminal's Ctrl-C (and its end, and its Ctrl-\) reaches the parent, too, which may still wait
/// for answers: then it is the parent who says when.
fn stop(with_stdin: bool) -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    // Only so that they have handlers: the terminal sends these to the whole group.
    let to_the_group =
        [SignalKind::hangup(), SignalKind::quit()].into_iter().filter(|_| with_stdin).map(signal);
    let to_the_group = to_the_group
        .collect::<io::Result<Vec<_>>>()
        .context("cannot listen for SIGHUP and SIGQUIT")?;
    let (ended, end) = oneshot::channel::<()>();
    if with_stdin {
        // A thread, since a blocking read of stdin would hold up the runtime's end.
        std::thread::spawn(move || {
            let mut buffer = [0; 256];
            while matches!(io::stdin().lock().read(&mut buffer), Ok(1..)) {}
            drop(ended);
        });
    }
    let stdin_ended = async move {
        if with_stdin {
            let _ = end.await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    Ok(async move {
        let _to_the_group = to_the_group;
        let interrupted = async {
            interrupt.recv().await;
            if with_stdin {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            _ = terminate.recv() => {}
            () = interrupted => {}
            () = stdin_ended => {}
        }
    })
}
