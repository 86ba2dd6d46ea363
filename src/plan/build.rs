//! From a workload to its plan: arrivals, prompts, bodies and digest, round by round.
//!
//! Not here: how each of these is made (`arrival`, `trace`, `prompts`, `digest`).

use std::time::Duration;

use super::dataset::{self, Dataset, Item, LeftOut, Reading};
use super::digest::Digest;
use super::prompts::{Part, Writer};
use super::trace::{self, Line};
use super::{
    Input, MAX_BODY_BYTES, MAX_REQUESTS, Pace, Plan, PlanError, PlannedRequest, RoundPlan,
    SALT_CHARS, arrival, corpus, seed,
};
use crate::config::{
    Arrival, Length, MOST_OUTPUT_TOKENS, PromptKind, SessionBegin, Warmup, Workload,
};
use crate::protocol::{self, BodySpec, Dialect as _, ExtraBody, Role, conflict, joined};

/// What a closed loop by duration may plan for one round, in bytes of bodies: it plans far more
/// than it will send, so that the bound of the whole plan would let it take memory for nothing.
const CLOSED_ROUND_BYTES: u64 = 256 << 20;

/// Fields of an entry that a server's template writes into the prompt.
const PART_OF_PROMPT: [&str; 3] = ["tools", "functions", "documents"];

/// Bytes of the instant of an output event.
const OUTPUT_BYTES: u64 = 8;

/// Bytes of a body beside prompt and model, rounded up.
const BODY_FRAME_BYTES: u64 = 256;

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

/// Round `index` of [`build`]'s plan. Errors: as [`build`].
///
/// # Panics
/// Where the plan has fewer rounds.
pub fn round(workload: &Workload, input: &Input<'_>, index: usize) -> Result<RoundPlan, PlanError> {
    drafted(workload, input, |mut builder, drafts| builder.finish(&drafts[index + 1], Bodies::Made))
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
    finish: impl FnOnce(Builder<'_>, &[Draft<'_>]) -> T,
) -> Result<T, PlanError> {
    if input.salt.len() != SALT_CHARS || !input.salt.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(PlanError::Salt);
    }
    let lines = match &workload.arrival {
        Arrival::Trace { speedup, format, .. } => {
            trace::parse(input.file.ok_or(PlanError::TraceMissing)?, *speedup, format)?
        }
        _ => Vec::new(),
    };
    let mut digest = Digest::new(&protocol::shape(input.protocol), input.extras, workload);
    let extra_body = extra_body(workload, input)?;
    digest.extra_body(&extra_body);
    let Dataset { items, left_out } = match &workload.prompts.kind {
        PromptKind::Dataset { format, ignore, .. } => {
            let text = input.file.ok_or(PlanError::DatasetMissing)?;
            digest.file(text);
            dataset::parse(text, &Reading { format: *format, protocol: input.protocol, ignore })?
        }
        PromptKind::Single | PromptKind::Conversation { .. } => {
            Dataset { items: Vec::new(), left_out: Vec::new() }
        }
    };
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
    let mut drafts = vec![builder.draft(Part::Warmup)?];
    let mut requests = drafts[0].slots.len();
    for round in 0..input.rounds {
        let draft = builder.draft(Part::Round(round))?;
        if let Some(slot) = draft.slots.iter().find(|slot| slot.output_tokens > MOST_OUTPUT_TOKENS)
        {
            return Err(PlanError::TooManyTokens { output_tokens: slot.output_tokens });
        }
        // As they come: the drafts of a billion rounds would fill the memory before they could be
        // counted. A round without requests costs something too.
        requests += draft.slots.len().max(1);
        if requests > MAX_REQUESTS as usize {
            return Err(PlanError::TooManyRequests);
        }
        drafts.push(draft);
    }
    builder.check_size(&drafts)?;
    Ok(finish(builder, &drafts))
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
    text: Text<'a>,
}

/// Where a request's text comes from.
#[derive(Clone, Copy)]
enum Text<'a> {
    /// The corpus.
    Made,
    /// The corpus, as the turn of a session, counted from 0.
    Turn(u32),
    /// The corpus, block by block as a trace's ids say.
    Blocks(&'a [u64]),
    /// A trace's own.
    Given(&'a str),
    /// A dataset.
    Item(&'a Item),
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
        let mut slots = match self.workload.arrival {
            Arrival::Closed { concurrency } => {
                self.closed(arrival::closed_count(concurrency, length, self.affordable()))?
            }
            Arrival::Trace { .. } => self.traced(part, length)?,
            Arrival::Sessions { begin, think_time } => {
                self.sessions(begin, think_time, length, seed)?
            }
            ref process => {
                let mut rng = seed::stream(seed, "arrival", &[]);
                arrival::open(process, length, &mut rng)?
                    .into_iter()
                    .map(|at| self.slot(at))
                    .collect()
            }
        };
        if !self.items.is_empty() {
            self.choose(part, length, seed, &mut slots)?;
        }
        let stop_after = match (length, self.pace()) {
            (
                Length::Duration(time),
                Pace::Closed { .. } | Pace::Sessions { concurrency: Some(_), .. },
            ) => Some(time),
            _ => None,
        };
        Ok(Draft { part, seed, stop_after, slots })
    }

    fn closed(&self, count: u32) -> Result<Vec<Slot<'a>>, PlanError> {
        if count > MAX_REQUESTS {
            return Err(PlanError::TooManyRequests);
        }
        Ok((0..count).map(|_| self.slot(0)).collect())
    }

    /// How many requests a closed loop by duration may plan for a round.
    fn affordable(&self) -> u32 {
        let largest = self
            .items
            .iter()
            .map(|item| self.body_bytes(&Slot { text: Text::Item(item), ..self.slot(0) }))
            .max();
        let bytes = largest.unwrap_or_else(|| match self.turns() {
            1 => self.body_bytes(&self.slot(0)),
            turns => self.body_bytes(&Self::turn_slot(turns - 1, &self.slot(0))),
        });
        u32::try_from(CLOSED_ROUND_BYTES / bytes).unwrap_or(u32::MAX)
    }

    /// Turns of sessions, session after session.
    fn sessions(
        &self,
        begin: SessionBegin,
        think: Duration,
        length: Length,
        seed: u64,
    ) -> Result<Vec<Slot<'a>>, PlanError> {
        let turns = self.turns();
        let slots = match begin {
            SessionBegin::Closed { concurrency } => self.closed(arrival::sessions_count(
                concurrency,
                turns,
                think,
                length,
                self.affordable(),
            ))?,
            SessionBegin::Poisson { rate } => {
                let (length, most) = match length {
                    Length::Requests(n) => (Length::Requests(n.div_ceil(turns)), n as usize),
                    Length::Duration(_) => (length, usize::MAX),
                };
                let mut rng = seed::stream(seed, "arrival", &[]);
                let begins = arrival::open(&Arrival::Poisson { rate }, length, &mut rng)?;
                begins
                    .into_iter()
                    .flat_map(|at| (0..turns).map(move |_| at))
                    .take(most)
                    .map(|at| self.slot(at))
                    .collect()
            }
        };
        Ok((0..turns).cycle().zip(slots).map(|(turn, slot)| Self::turn_slot(turn, &slot)).collect())
    }

    const fn turns(&self) -> u32 {
        match self.workload.prompts.kind {
            PromptKind::Conversation { turns } => turns,
            PromptKind::Single | PromptKind::Dataset { .. } => 1,
        }
    }

    /// A turn brings the turns before it and their answers.
    const fn turn_slot(turn: u32, slot: &Slot<'a>) -> Slot<'a> {
        let said = (slot.input_tokens.saturating_add(slot.output_tokens)).saturating_mul(turn);
        Slot {
            input_tokens: slot.input_tokens.saturating_add(said),
            text: Text::Turn(turn),
            ..*slot
        }
    }

    /// Gives each slot its own entry of the dataset, in an order that depends on the round alone. A
    /// warm-up, and a closed loop by duration, take what there is.
    fn choose(
        &self,
        part: Part,
        length: Length,
        seed: u64,
        slots: &mut Vec<Slot<'a>>,
    ) -> Result<(), PlanError> {
        let (has, asked) = (self.items.len(), slots.len());
        let by_time = matches!((length, self.pace()), (Length::Duration(_), Pace::Closed { .. }));
        if asked > has && part != Part::Warmup && !by_time {
            return Err(PlanError::DatasetShort {
                has,
                asked,
                left_out: dataset::sentences(self.left_out),
            });
        }
        slots.truncate(has);
        let mut order: Vec<u32> = (0..u32::try_from(has).unwrap_or(u32::MAX)).collect();
        let mut rng = seed::stream(seed, "dataset", &[]);
        for (place, slot) in slots.iter_mut().enumerate() {
            let left = u32::try_from(order.len() - place).unwrap_or(u32::MAX);
            order.swap(place, place + seed::below(&mut rng, left) as usize);
            let item = &self.items[order[place] as usize];
            let tokens = |(_, text): &(Role, String)| {
                corpus::nominal_tokens(self.workload.prompts.corpus, text)
            };
            let tools = PART_OF_PROMPT.iter().filter_map(|key| item.extra_body.get(*key));
            let tools = tools.map(|value| {
                corpus::nominal_tokens(self.workload.prompts.corpus, &value.to_string())
            });
            slot.input_tokens =
                item.messages.iter().map(tokens).chain(tools).fold(0, u32::saturating_add);
            slot.output_tokens = item.output_tokens.unwrap_or(slot.output_tokens);
            slot.text = Text::Item(item);
        }
        Ok(())
    }

    /// The trace's first lines. A warm-up takes what there is, and never the trace's own prompts,
    /// since those will be measured.
    fn traced(&self, part: Part, length: Length) -> Result<Vec<Slot<'a>>, PlanError> {
        let count = match length {
            Length::Requests(n) => {
                let (has, asked) = (self.lines.len(), n as usize);
                if asked > has && part != Part::Warmup {
                    return Err(PlanError::TraceShort { has, asked });
                }
                asked.min(has)
            }
            Length::Duration(time) => {
                self.lines.partition_point(|line| u128::from(line.offset_us) < time.as_micros())
            }
        };
        Ok(self.lines[..count].iter().map(|line| self.line_slot(part, line)).collect())
    }

    fn line_slot(&self, part: Part, line: &'a Line) -> Slot<'a> {
        let given = line
            .prompt
            .as_deref()
            .map(|prompt| corpus::nominal_tokens(self.workload.prompts.corpus, prompt));
        Slot {
            offset_us: line.offset_us,
            input_tokens: line.input_tokens.or(given).unwrap_or(self.workload.prompts.input_tokens),
            output_tokens: line.output_tokens.unwrap_or(self.workload.output_tokens),
            text: match line.prompt.as_deref() {
                Some(prompt) if part != Part::Warmup => Text::Given(prompt),
                None if !line.blocks.is_empty() => Text::Blocks(&line.blocks),
                _ => Text::Made,
            },
        }
    }

    fn slot(&self, offset_us: u64) -> Slot<'a> {
        let (input_tokens, output_tokens) =
            (self.workload.prompts.input_tokens, self.workload.output_tokens);
        Slot { offset_us, input_tokens, output_tokens, text: Text::Made }
    }

    fn check_size(&self, drafts: &[Draft<'_>]) -> Result<(), PlanError> {
        let slots = drafts.iter().flat_map(|draft| &draft.slots);
        let bytes = slots.map(|slot| self.body_bytes(slot)).fold(0, u64::saturating_add);
        if bytes > MAX_BODY_BYTES { Err(PlanError::TooLarge { bytes }) } else { Ok(()) }
    }

    fn body_bytes(&self, slot: &Slot<'_>) -> u64 {
        let prompt = match slot.text {
            Text::Made | Text::Blocks(_) => self.writer.bytes(slot.input_tokens),
            Text::Turn(_) => {
                self.writer.bytes(slot.input_tokens)
                    + u64::from(self.turns()) * 2 * BODY_FRAME_BYTES
            }
            Text::Given(prompt) => prompt.len() as u64,
            Text::Item(item) => {
                let messages: u64 = item
                    .messages
                    .iter()
                    .map(|(_, text)| text.len() as u64 + BODY_FRAME_BYTES)
                    .sum();
                messages + written_bytes(&item.extra_body)
            }
        };
        prompt + self.input.model.len() as u64 + self.extra_bytes + BODY_FRAME_BYTES
    }

    fn finish(&mut self, draft: &Draft<'_>, bodies: Bodies) -> RoundPlan {
        let pace = self.pace();
        let open = pace == Pace::Open;
        let max_in_flight = self.workload.max_in_flight.filter(|_| open);
        let first_wave = match (draft.part, pace) {
            (Part::Round(_), Pace::Closed { concurrency }) => concurrency,
            // Whole sessions, since a row of the round's plan tells its session.
            (Part::Round(_), Pace::Sessions { concurrency: Some(n), turns, .. }) => {
                n.saturating_mul(turns)
            }
            _ => 0,
        };
        let ramp = if draft.slots.len() / 2 >= first_wave as usize { first_wave } else { 0 };
        self.digest.round(pace, max_in_flight, draft.stop_after, ramp, draft.slots.len());
        let requests = (0..)
            .zip(&draft.slots)
            .map(|(index, slot)| self.request(draft, index, slot, bodies))
            .collect();
        RoundPlan {
            seed: draft.seed,
            pace,
            max_in_flight,
            stop_after: draft.stop_after,
            ramp,
            requests,
        }
    }

    fn request(
        &mut self,
        draft: &Draft<'_>,
        index: u32,
        slot: &Slot<'_>,
        bodies: Bodies,
    ) -> PlannedRequest {
        self.compose(draft, index, slot);
        self.digest_request(slot);
        let (id, body) = match bodies {
            Bodies::Made => (self.id(draft.part, index), self.body(slot)),
            Bodies::Left => (String::new(), Vec::new()),
        };
        PlannedRequest {
            index,
            id,
            offset: Duration::from_micros(slot.offset_us),
            body,
            input_tokens: slot.input_tokens,
            output_tokens: slot.output_tokens,
        }
    }

    /// Of what was composed last.
    fn body(&self, slot: &Slot<'_>) -> Vec<u8> {
        let more = match slot.text {
            Text::Item(item) if !item.extra_body.is_empty() => {
                Some(joined(&item.extra_body, self.extra_body))
            }
            _ => None,
        };
        let mut body = protocol::body(
            self.input.protocol,
            &BodySpec {
                model: self.input.model,
                history: &self.history,
                prompt: &self.prompt,
                output_tokens: slot.output_tokens,
                stream: self.workload.stream,
                temperature: self.workload.temperature,
                extras: self.input.extras,
                extra_body: Some(more.as_ref().unwrap_or(self.extra_body)),
            },
        );
        // As many are held at once as a round has.
        body.shrink_to_fit();
        body
    }

    /// Fills `history` and `prompt`. The salt leads whatever comes first.
    fn compose(&mut self, draft: &Draft<'_>, index: u32, slot: &Slot<'_>) {
        let prompts = &self.workload.prompts;
        match slot.text {
            Text::Turn(turn @ 1..) => {
                // The turn before this one was composed last, and is still here.
                let asked = std::mem::take(&mut self.prompt);
                self.history.push((Role::User, asked));
                let answer = self.writer.answer(draft.seed, index - 1, slot.output_tokens);
                self.history.push((Role::Assistant, answer));
                debug_assert_eq!(self.history.len(), turn as usize * 2);
                return self.writer.turn(draft.seed, index, prompts.input_tokens, &mut self.prompt);
            }
            _ => self.history.clear(),
        }
        match slot.text {
            Text::Made | Text::Turn(_) => {
                self.writer.write(
                    draft.seed,
                    draft.part,
                    index,
                    slot.input_tokens,
                    &mut self.prompt,
                );
            }
            Text::Blocks(ids) => {
                let size = match &self.workload.arrival {
                    Arrival::Trace { format, .. } => format.block_tokens,
                    _ => None,
                };
                let ids = (ids, size.unwrap_or(trace::BLOCK_TOKENS));
                self.writer.blocks(
                    (draft.seed, draft.part, index),
                    ids,
                    slot.input_tokens,
                    &mut self.prompt,
                );
            }
            Text::Given(prompt) => self.writer.given(draft.part, prompt, &mut self.prompt),
            Text::Item(item) => {
                let (last, before) =
                    item.messages.split_last().expect("an entry asks something (`dataset`)");
                self.prompt.clone_from(&last.1);
                self.history.extend_from_slice(before);
                let first = self.history.first_mut().map_or(&mut self.prompt, |(_, text)| text);
                let text = std::mem::take(first);
                self.writer.given(draft.part, &text, first);
            }
        }
    }

    fn digest_request(&mut self, slot: &Slot<'_>) {
        let lead = "[".len() + self.input.salt.len();
        for (i, (role, text)) in self.history.iter().enumerate() {
            self.digest.message(role.name(), if i == 0 { &text[lead..] } else { text });
        }
        if let Text::Item(item) = slot.text {
            self.digest.extra_body(&item.extra_body);
        }
        let prompt = if self.history.is_empty() { &self.prompt[lead..] } else { &self.prompt };
        self.digest.request(slot.offset_us, slot.output_tokens, prompt);
    }

    /// `SESSION-WORKLOAD-r0-17`, in a warm-up `SESSION-WORKLOAD-w-17`; fit for a header whatever
    /// the workload is called.
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
            Arrival::Sessions { begin, think_time } => {
                let concurrency = match begin {
                    SessionBegin::Closed { concurrency } => Some(concurrency),
                    SessionBegin::Poisson { .. } => None,
                };
                Pace::Sessions { concurrency, turns: self.turns(), think: think_time }
            }
            _ => Pace::Open,
        }
    }
}

const fn is_header_safe(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}
