//! What a record knows of this machine, of itself and of the client. Not here: what the config says
//! (`record::facts`).

use crate::clock::now;
use crate::config::Config;
use crate::load::RoundResult;
use crate::measure::validity::ClientHealth;
use crate::probe::host;
use crate::record::facts::policy;
use crate::record::{GitFacts, Record, SCHEMA, VERSION};

pub fn client_health(measured: &RoundResult) -> ClientHealth {
    let h = measured.health;
    ClientHealth {
        loop_lag_p99_ms: Some(h.loop_lag_p99_ns as f64 / 1e6),
        busiest_worker_ratio: Some(h.busiest_worker),
        cpu_ms: Some(h.cpu_ns as f64 / 1e6),
        own_lag_p99_ms: None,
        connections_opened: Some(h.connections_opened),
        retries: Some(h.retries),
        unasked: Some(h.unasked),
    }
}

pub fn empty_record(config: &Config, git: Option<GitFacts>, session: &str) -> Record {
    let mut host = host::facts();
    host.insert("runner".into(), host::runner());
    Record {
        schema: SCHEMA.into(),
        version: VERSION,
        tool_version: env!("CARGO_PKG_VERSION").into(),
        session: session.into(),
        created: now(),
        interrupted: false,
        git,
        host,
        gpu: None,
        policy: policy(config),
        pair: None,
        shard: None,
        merged: None,
        target: None,
        programs: Vec::new(),
        hypotheses: Vec::new(),
        find: None,
        workloads: Vec::new(),
    }
}
