//! How long many shards take to meet, all of them in this process, over loopback. Prints figures,
//! asserts nothing.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Barrier;
use std::time::Duration;

use anyhow::Context as _;

use super::quantile;
use crate::clock::{monotonic_ns, process_cpu_ns};
use crate::plan::shard::Shard;
use crate::print::print;
use crate::rendezvous::{Begin, Clock, Member, Membership, Place, Refusal};

/// A shard does little but wait.
const STACK: usize = 512 << 10;

struct Attended {
    joined_ns: u64,
    answered_ns: u64,
    begin: Begin,
}

pub fn run(shards: u32) -> anyhow::Result<()> {
    let free = TcpListener::bind("127.0.0.1:0").context("no free port on loopback")?;
    let port = free.local_addr().context("no free port on loopback")?.port();
    drop(free);
    let place = Place::parse(&format!("http://127.0.0.1:{port}")).map_err(anyhow::Error::new)?;
    let here = Barrier::new(usize::try_from(shards)?);
    let (began_ns, cpu_ns) = (monotonic_ns(), process_cpu_ns());
    let all: Vec<Attended> = std::thread::scope(|scope| {
        let each = (0..shards).map(|index| {
            let (place, here) = (&place, &here);
            std::thread::Builder::new()
                .stack_size(STACK)
                .spawn_scoped(scope, move || attend(place, here, Shard { index, count: shards }))
        });
        let each = each.collect::<Result<Vec<_>, _>>()?;
        let joined = each.into_iter().map(|one| match one.join() {
            Ok(attended) => attended.map_err(|r| anyhow::Error::new(r.text())),
            Err(_) => Err(anyhow::anyhow!("a shard panicked")),
        });
        joined.collect::<anyhow::Result<Vec<_>>>()
    })?;
    let last = |value: fn(&Attended) -> u64| all.iter().map(value).max().unwrap_or(0);
    let joined_ns = last(|a| a.joined_ns);
    let mut unknown: Vec<f64> =
        all.iter().map(|a| a.begin.offset.uncertainty_ns as f64 / 1e6).collect();
    unknown.sort_by(f64::total_cmp);
    let late = all.iter().filter(|a| a.answered_ns > a.begin.at_ns).count();
    let ms = |ns: u64| ns as f64 / 1e6;
    print(&format!(
        "{shards} shards in one process: joined in {:.0} ms, ready together {:.0} ms later ({:.0} ms of CPU in all); clocks known to \
         {:.2} ms (median), {:.2} ms (worst); {late} heard of it too late",
        ms(joined_ns - began_ns),
        ms(last(|a| a.answered_ns) - joined_ns),
        ms(process_cpu_ns() - cpu_ns),
        quantile(&unknown, 0.5),
        quantile(&unknown, 1.0)
    ))?;
    Ok(())
}

fn attend(place: &Place, here: &Barrier, shard: Shard) -> Result<Attended, Refusal> {
    let who = Membership {
        shard,
        place: place.clone(),
        token: Some("bench".into()),
        patience: Duration::from_secs(60),
        version: "bench".into(),
        clock: Clock::default(),
    };
    let never = || false;
    let member = Member::join(who, &never);
    here.wait();
    let mut member = member?;
    let joined_ns = monotonic_ns();
    let begin = member.ready(&BTreeMap::new(), &never)?;
    let answered_ns = monotonic_ns();
    member.leave(None, &never);
    Ok(Attended { joined_ns, answered_ns, begin })
}
