//! The one integration binary: black-box tests of the `goodput-gate` command, and of the house's own rules.

#![expect(clippy::disallowed_methods, reason = "tests read fixtures and start the program")]

mod action;
mod architecture;
mod bad_input;
mod gate_help;
mod gate_hostile;
mod gate_interleaved;
mod gate_judging;
mod gate_live;
mod gate_servers;
mod gate_servers_bed;
mod gate_support;
mod import;
mod init;
mod github;
mod github_fake;
mod judge_cases;
mod lang;
mod lifecycle;
mod lifecycle_bed;
mod lineage;
mod lineage_events;
mod lineage_policy;
mod lineage_support;
mod lineage_verbs;
mod load_outcomes;
mod load_requests;
mod load_signals;
mod load_streams;
mod load_timing;
mod load_tls;
mod ranking;
mod readme;
mod selftest;
mod sim;
mod support;
