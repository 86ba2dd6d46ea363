//! From a workload to its plan: arrivals, prompts, bodies and digest, round by round.
//!
//! Not here: how each of these is made (`arrival`, `trace`, `prompts`, `digest`).

mod compose;
mod draft;

use draft::{Draft, Slot};

use super::dataset::{self, Dataset, Item, LeftOut, Reading};
use super::digest::Digest;
use super::prompts::{Part, Writer};
use super::shard::Shard;
use super::trace::{self, Line};
use super::{Input, Plan, PlanError, RoundPlan, SALT_CHARS};
use crate::config::{Arrival, PromptKind, Workload};
use crate::protocol::{self, Dialect as _, ExtraBody, Role, conflict, joined};

/// Bytes of the instant of an output event.
const OUTPUT_BYTES: u64 = 8;

/// Makes the plan of one workload: a warm-up and `input.rounds` rounds.
///
/// Request i of round r has the same prompt whatever the arrival process, its rate, the number of
/// requests and the concurrency are: it depends on the workload's seed and `prompts`, r, i and the
/// salt only. The digest depends on neither salt, session nor model.
///
/// # Errors
/// A salt that is not [`SALT_CHARS`] long; rates that are no positive numbers; a trace or dataset
/// that is missing, unreadable or too short; more than [`MAX_REQUESTS`] requests or
/// [`MAX_BODY_BYTES`] of bodies.
pub fn build(workload: &Workload, input: &Input<'_>) -> Result<Plan, PlanError> {
    plan(workload, input, Bodies::Made)
}

/// As [`build`], but the requests of its rounds have no bodies and no ids: those of a long run
/// would fill the memory. [`round`] makes them.
pub fn outline(workload: &Workload, input: &Input<'_>) -> Result<Plan, PlanError> {
    plan(workload, input, Bodies::Left)
}

/// The shard's part of round `index` of [`build`]'s plan. `take` is 0 for the first time that it is
/// sent; later ones have the same requests under other markers and ids, so that no cache knows
/// them. Errors: as [`build`]; the load cannot be cut so.
///
/// # Panics
/// Where the plan has fewer rounds.
pub fn round(
    workload: &Workload,
    input: &Input<'_>,
    (index, take): (u32, u32),
    shard: Shard,
) -> Result<RoundPlan, PlanError> {
    let made = drafted(workload, input, |mut builder, mut drafts| {
        let mut draft = drafts.swap_remove(index as usize + 1);
        // A number that no planned round has.
        draft.part = Part::Round(index.saturating_add(take.saturating_mul(input.rounds)));
        builder.finish(&draft, Bodies::OfShard(shard))
    })?;
    Ok(shard.cut(made)?)
}

/// What a server that waited is sent for two seconds at most, right before that round: as the
/// warm-up, with prompts of its own, the same for both sides. Errors: as [`build`].
pub fn refresh(workload: &Workload, input: &Input<'_>, round: u32) -> Result<RoundPlan, PlanError> {
    drafted(workload, input, |mut builder, _| {
        let draft = builder.refresh(round)?;
        Ok(builder.finish(&draft, Bodies::Made))
    })?
}

fn plan(workload: &Workload, input: &Input<'_>, bodies: Bodies) -> Result<Plan, PlanError> {
    drafted(workload, input, |mut builder, drafts| {
        let warmup = builder.finish(&drafts[0], Bodies::Made);
        let rounds = drafts[1..].iter().map(|draft| builder.finish(draft, bodies)).collect();
        Plan {
            workload: workload.name.clone(),
            protocol: input.protocol.clone(),
            path: input.protocol.path(input.model, workload.stream),
            stream: workload.stream,
            warmup,
            rounds,
            left_out: builder.left_out.to_vec(),
            digest: builder.digest.finish(),
            timeout: workload.timeout,
            stall_timeout: workload.stall_timeout,
        }
    })
}

/// What a plan takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Of all rounds together, without the warm-up.
    pub requests: u64,
    /// Of the largest round.
    pub round_requests: u64,
    /// Bodies of the largest round, and its output events where each token comes alone: bytes,
    /// about.
    pub round_bytes: u64,
}

/// Whether the plan can be made, without a body of it, and its size. Errors: as [`build`].
pub fn check(workload: &Workload, input: &Input<'_>) -> Result<Size, PlanError> {
    drafted(workload, input, |builder, drafts| {
        let bytes = |slot: &Slot<'_>| {
            builder.body_bytes(slot).saturating_add(u64::from(slot.output_tokens) * OUTPUT_BYTES)
        };
        let rounds = || drafts[1..].iter().map(|draft| draft.slots.len() as u64);
        Size {
            requests: rounds().sum(),
            round_requests: rounds().max().unwrap_or(0),
            round_bytes: drafts
                .iter()
                .map(|draft| draft.slots.iter().map(bytes).fold(0, u64::saturating_add))
                .max()
                .unwrap_or(0),
        }
    })
}

/// What `finish` makes of the drafts, the warm-up's first.
fn drafted<T>(
    workload: &Workload,
    input: &Input<'_>,
    finish: impl FnOnce(Builder<'_>, Vec<Draft<'_>>) -> T,
) -> Result<T, PlanError> {
    if input.salt.len() != SALT_CHARS || !input.salt.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(PlanError::Salt);
    }
    let lines = trace_lines(workload, input)?;
    let mut digest = Digest::new(&protocol::shape(input.protocol), input.extras, workload);
    let extra_body = extra_body(workload, input)?;
    digest.extra_body(&extra_body);
    let Dataset { items, left_out } = dataset(workload, input, &mut digest)?;
    let longest = lines
        .iter()
        .filter_map(|line| line.input_tokens)
        .fold(workload.prompts.input_tokens, u32::max);
    let builder = Builder {
        workload,
        input,
        lines: &lines,
        items: &items,
        left_out: &left_out,
        extra_bytes: written_bytes(&extra_body),
        extra_body: &extra_body,
        writer: Writer::new(&workload.prompts, input.salt, workload.seed, longest),
        digest,
        history: Vec::new(),
        prompt: String::new(),
    };
    let drafts = builder.drafts()?;
    Ok(finish(builder, drafts))
}

/// Lines of the trace; none where the load is no trace.
fn trace_lines(workload: &Workload, input: &Input<'_>) -> Result<Vec<Line>, PlanError> {
    match &workload.arrival {
        Arrival::Trace { speedup, format, .. } => {
            Ok(trace::parse(input.file.ok_or(PlanError::TraceMissing)?, *speedup, format)?)
        }
        _ => Ok(Vec::new()),
    }
}

/// Entries of the dataset, which the digest covers; none where the prompts are no dataset's.
fn dataset(
    workload: &Workload,
    input: &Input<'_>,
    digest: &mut Digest,
) -> Result<Dataset, PlanError> {
    match &workload.prompts.kind {
        PromptKind::Dataset { format, ignore, .. } => {
            let text = input.file.ok_or(PlanError::DatasetMissing)?;
            digest.file(text);
            let reading = Reading { format: *format, protocol: input.protocol, ignore };
            Ok(dataset::parse(text, &reading)?)
        }
        PromptKind::Single | PromptKind::Conversation { .. } => {
            Ok(Dataset { items: Vec::new(), left_out: Vec::new() })
        }
    }
}

/// The target's, and over it the workload's. Errors: it holds what the gate sets itself.
fn extra_body(workload: &Workload, input: &Input<'_>) -> Result<ExtraBody, PlanError> {
    let all = joined(&workload.extra_body, input.extra_body);
    match conflict(input.protocol, &all) {
        Some((place, instead)) => {
            Err(PlanError::ExtraBody { place, protocol: input.protocol.name(), instead })
        }
        None => Ok(all),
    }
}

/// Bytes of fields as JSON.
fn written_bytes(fields: &ExtraBody) -> u64 {
    serde_json::to_string(fields).map_or(0, |text| text.len() as u64)
}

#[derive(Clone, Copy)]
enum Bodies {
    Made,
    /// Made of a shard's requests; the others are left out, and the digest is not asked for.
    OfShard(Shard),
    /// Composed for the digest alone.
    Left,
}

struct Builder<'a> {
    workload: &'a Workload,
    input: &'a Input<'a>,
    lines: &'a [Line],
    items: &'a [Item],
    left_out: &'a [LeftOut],
    /// Of every request.
    extra_body: &'a ExtraBody,
    /// Of these fields as JSON.
    extra_bytes: u64,
    writer: Writer<'a>,
    digest: Digest,
    /// What was said before the prompt at hand.
    history: Vec<(Role, String)>,
    /// Room for the prompt at hand.
    prompt: String,
}
