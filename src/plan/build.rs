//! From a workload to its plan: arrivals, prompts, bodies and digest, round by round.
//!
//! Not here: how each of these is made (`arrival`, `trace`, `prompts`, `digest`).

use std::time::Duration;

use super::digest::Digest;
use super::prompts::{Part, Writer};
use super::trace::{self, Line};
use super::{
    Input, MAX_BODY_BYTES, MAX_REQUESTS, Pace, Plan, PlanError, PlannedRequest, RoundPlan, SALT_CHARS, arrival, corpus, seed,
};
use crate::config::{Arrival, Length, Warmup, Workload};
use crate::protocol::{self, BodySpec};

/// What a closed loop by duration may plan for one round, in bytes of bodies: it plans far more than it will send, so that the bound of
/// the whole plan would let it take memory for nothing.
const CLOSED_ROUND_BYTES: u64 = 256 << 20;

/// Bytes of a body beside prompt and model, rounded up.
const BODY_FRAME_BYTES: u64 = 256;

/// Makes the plan of one workload: a warm-up and `input.rounds` rounds.
///
/// Request i of round r has the same prompt whatever the arrival process, its rate, the number of requests and the concurrency are: it
/// depends on the workload's seed and `prompts`, r, i and the salt only. The digest depends on neither salt, session nor model.
///
/// # Errors
/// A salt that is not [`SALT_CHARS`] long; rates that are no positive numbers; a trace that is missing, unreadable or too short; more
/// than [`MAX_REQUESTS`] requests or [`MAX_BODY_BYTES`] of bodies.
pub fn build(workload: &Workload, input: &Input<'_>) -> Result<Plan, PlanError> {
    if input.salt.len() != SALT_CHARS || !input.salt.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(PlanError::Salt);
    }
    let lines = match workload.arrival {
        Arrival::Trace { .. } => trace::parse(input.trace.ok_or(PlanError::TraceMissing)?)?,
        _ => Vec::new(),
    };
    let longest = lines.iter().filter_map(|line| line.input_tokens).fold(workload.prompts.input_tokens, u32::max);
    let mut builder = Builder {
        workload,
        input,
        lines: &lines,
        writer: Writer::new(&workload.prompts, input.salt, workload.seed, longest),
        digest: Digest::new(input.protocol.name(), input.extras, workload),
        prompt: String::new(),
    };
    let mut drafts = vec![builder.draft(Part::Warmup)?];
    let mut requests = drafts[0].slots.len();
    for round in 0..input.rounds {
        let draft = builder.draft(Part::Round(round))?;
        // As they come: the drafts of a billion rounds would fill the memory before they could be counted. A round without requests
        // costs something too.
        requests += draft.slots.len().max(1);
        if requests > MAX_REQUESTS as usize {
            return Err(PlanError::TooManyRequests);
        }
        drafts.push(draft);
    }
    builder.check_size(&drafts)?;
    let mut rounds: Vec<RoundPlan> = drafts.iter().map(|draft| builder.finish(draft)).collect();
    let warmup = rounds.remove(0);
    Ok(Plan {
        workload: workload.name.clone(),
        protocol: input.protocol,
        stream: workload.stream,
        warmup,
        rounds,
        digest: builder.digest.finish(),
        timeout: workload.timeout,
        stall_timeout: workload.stall_timeout,
    })
}

struct Builder<'a> {
    workload: &'a Workload,
    input: &'a Input<'a>,
    lines: &'a [Line],
    writer: Writer<'a>,
    digest: Digest,
    /// Room for the prompt at hand.
    prompt: String,
}

/// A round without its bodies.
struct Draft<'a> {
    part: Part,
    seed: u64,
    stop_after: Option<Duration>,
    slots: Vec<Slot<'a>>,
}

struct Slot<'a> {
    offset_us: u64,
    input_tokens: u32,
    output_tokens: u32,
    /// Where a trace brings its own.
    prompt: Option<&'a str>,
}

impl<'a> Builder<'a> {
    fn draft(&self, part: Part) -> Result<Draft<'a>, PlanError> {
        let seed = match part {
            Part::Warmup => seed::child(self.workload.seed, "warmup", &[]),
            Part::Round(round) => seed::child(self.workload.seed, "round", &[u64::from(round)]),
        };
        let length = match (part, self.workload.warmup) {
            (Part::Round(_), _) => self.workload.length,
            (Part::Warmup, Warmup::Requests(n)) => Length::Requests(n),
            (Part::Warmup, Warmup::Duration(time)) => Length::Duration(time),
        };
        let slots = match self.workload.arrival {
            Arrival::Closed { concurrency } => {
                let bytes = self.body_bytes(&self.slot(0));
                let affordable = u32::try_from(CLOSED_ROUND_BYTES / bytes).unwrap_or(u32::MAX);
                let count = arrival::closed_count(concurrency, length, affordable);
                if count > MAX_REQUESTS {
                    return Err(PlanError::TooManyRequests);
                }
                (0..count).map(|_| self.slot(0)).collect()
            }
            Arrival::Trace { .. } => self.traced(part, length)?,
            ref process => {
                let mut rng = seed::stream(seed, "arrival", &[]);
                arrival::open(process, length, &mut rng)?.into_iter().map(|at| self.slot(at)).collect()
            }
        };
        let stop_after = match (length, self.pace()) {
            (Length::Duration(time), Pace::Closed { .. }) => Some(time),
            _ => None,
        };
        Ok(Draft { part, seed, stop_after, slots })
    }

    /// The trace's first lines. A warm-up takes what there is, and never the trace's own prompts, since those will be measured.
    fn traced(&self, part: Part, length: Length) -> Result<Vec<Slot<'a>>, PlanError> {
        let count = match length {
            Length::Requests(n) => {
                let (has, asked) = (self.lines.len(), n as usize);
                if asked > has && part != Part::Warmup {
                    return Err(PlanError::TraceShort { has, asked });
                }
                asked.min(has)
            }
            Length::Duration(time) => self.lines.partition_point(|line| u128::from(line.offset_us) < time.as_micros()),
        };
        Ok(self.lines[..count].iter().map(|line| self.line_slot(part, line)).collect())
    }

    fn line_slot(&self, part: Part, line: &'a Line) -> Slot<'a> {
        let given = line.prompt.as_deref().map(|prompt| corpus::nominal_tokens(self.workload.prompts.corpus, prompt));
        Slot {
            offset_us: line.offset_us,
            input_tokens: line.input_tokens.or(given).unwrap_or(self.workload.prompts.input_tokens),
            output_tokens: line.output_tokens.unwrap_or(self.workload.output_tokens),
            prompt: line.prompt.as_deref().filter(|_| part != Part::Warmup),
        }
    }

    fn slot(&self, offset_us: u64) -> Slot<'a> {
        let (input_tokens, output_tokens) = (self.workload.prompts.input_tokens, self.workload.output_tokens);
        Slot { offset_us, input_tokens, output_tokens, prompt: None }
    }

    fn check_size(&self, drafts: &[Draft<'_>]) -> Result<(), PlanError> {
        let slots = drafts.iter().flat_map(|draft| &draft.slots);
        let bytes = slots.map(|slot| self.body_bytes(slot)).fold(0, u64::saturating_add);
        if bytes > MAX_BODY_BYTES { Err(PlanError::TooLarge { bytes }) } else { Ok(()) }
    }

    fn body_bytes(&self, slot: &Slot<'_>) -> u64 {
        let prompt = slot.prompt.map_or_else(|| self.writer.bytes(slot.input_tokens), |prompt| prompt.len() as u64);
        prompt + self.input.model.len() as u64 + BODY_FRAME_BYTES
    }

    fn finish(&mut self, draft: &Draft<'_>) -> RoundPlan {
        let pace = self.pace();
        let open = pace == Pace::Open;
        let max_in_flight = self.workload.max_in_flight.filter(|_| open);
        let ramp = match (draft.part, pace) {
            (Part::Round(_), Pace::Closed { concurrency }) if draft.slots.len() / 2 >= concurrency as usize => concurrency,
            _ => 0,
        };
        self.digest.round(pace, max_in_flight, draft.stop_after, ramp, draft.slots.len());
        let requests = (0..).zip(&draft.slots).map(|(index, slot)| self.request(draft, index, slot)).collect();
        RoundPlan { seed: draft.seed, pace, max_in_flight, stop_after: draft.stop_after, ramp, requests }
    }

    fn request(&mut self, draft: &Draft<'_>, index: u32, slot: &Slot<'_>) -> PlannedRequest {
        match slot.prompt {
            Some(prompt) => self.writer.given(draft.part, prompt, &mut self.prompt),
            None => self.writer.write(draft.seed, draft.part, index, slot.input_tokens, &mut self.prompt),
        }
        let unsalted = &self.prompt["[".len() + self.input.salt.len()..];
        self.digest.request(slot.offset_us, slot.output_tokens, unsalted);
        let body = protocol::body(
            self.input.protocol,
            &BodySpec {
                model: self.input.model,
                prompt: &self.prompt,
                output_tokens: slot.output_tokens,
                stream: self.workload.stream,
                temperature: self.workload.temperature,
                extras: self.input.extras,
            },
        );
        PlannedRequest {
            index,
            id: self.id(draft.part, index),
            offset: Duration::from_micros(slot.offset_us),
            body,
            input_tokens: slot.input_tokens,
            output_tokens: slot.output_tokens,
        }
    }

    /// `SESSION-WORKLOAD-r0-17`, in a warm-up `SESSION-WORKLOAD-w-17`; fit for a header whatever the workload is called.
    fn id(&self, part: Part, index: u32) -> String {
        let tail = match part {
            Part::Warmup => format!("w-{index}"),
            Part::Round(round) => format!("r{round}-{index}"),
        };
        let mut id = format!("{}-{}-{tail}", self.input.session, self.workload.name);
        if !id.is_ascii() || id.contains(|c: char| !is_header_safe(c)) {
            id = id.chars().map(|c| if is_header_safe(c) { c } else { '_' }).collect();
        }
        id
    }

    const fn pace(&self) -> Pace {
        match self.workload.arrival {
            Arrival::Closed { concurrency } => Pace::Closed { concurrency },
            _ => Pace::Open,
        }
    }
}

const fn is_header_safe(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}
