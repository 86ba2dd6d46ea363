//! `bench` (hidden): the client itself, measured.

use crate::cli::BenchCommand;
use crate::exit::ExitStatus;
use crate::lab::bench::events::Streams;
use crate::lab::bench::truth::Burst;
use crate::lab::bench::{arrivals, events, judging, meeting, merging, scale, scraped, truth};

pub fn run(command: &BenchCommand) -> anyhow::Result<ExitStatus> {
    match command {
        BenchCommand::Events(args) => events::run(&Streams {
            count: args.streams,
            token_rate: args.token_rate,
            events: args.events,
        }),
        BenchCommand::Truth(args) => {
            let burst =
                Burst { streams: args.streams, token_rate: args.token_rate, tokens: args.tokens };
            match (args.scrape, args.gpu) {
                (Some(pairs), _) => scraped::run(&burst, pairs),
                (None, Some(pairs)) => truth::sampled(&burst, pairs),
                (None, None) => truth::run(&burst),
            }
        }
        BenchCommand::Arrivals(args) => arrivals::run(args.rate, args.seconds),
        BenchCommand::Judging => judging::run(),
        BenchCommand::Merge(args) => merging::run(args.shards, args.requests),
        BenchCommand::Rendezvous(args) => meeting::run(args.shards),
        BenchCommand::Scale => scale::run(),
    }?;
    Ok(ExitStatus::Pass)
}
