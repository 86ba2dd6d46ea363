//! The requests of a round before they have bodies: when each comes, how long it is, and where its
//! text comes from.
//!
//! Not here: the texts and bodies themselves (`compose`).

use std::time::Duration;

use super::{Builder, written_bytes};
use crate::config::{Arrival, Length, MOST_OUTPUT_TOKENS, PromptKind, SessionBegin, Warmup};
use crate::plan::dataset::{self, Item};
use crate::plan::prompts::Part;
use crate::plan::trace::Line;
use crate::plan::{
    MAX_BODY_BYTES, MAX_REQUESTS, MAX_SHARDED_REQUESTS, Pace, PlanError, arrival, corpus, seed,
};
use crate::protocol::Role;

/// What a closed loop by duration may plan for one round, in bytes of bodies: it plans far more
/// than it will send, so that the bound of the whole plan would let it take memory for nothing.
const CLOSED_ROUND_BYTES: u64 = 256 << 20;

/// Fields of an entry that a server's template writes into the prompt.
const PART_OF_PROMPT: [&str; 3] = ["tools", "functions", "documents"];

/// Bytes of a body beside prompt and model, rounded up.
const BODY_FRAME_BYTES: u64 = 256;

/// No request of a refresh is sent later than this.
const REFRESH: Duration = Duration::from_secs(2);

/// A round without its bodies.
pub(super) struct Draft<'a> {
    pub(super) part: Part,
    pub(super) seed: u64,
    pub(super) stop_after: Option<Duration>,
    pub(super) slots: Vec<Slot<'a>>,
}

pub(super) struct Slot<'a> {
    pub(super) offset_us: u64,
    pub(super) input_tokens: u32,
    pub(super) output_tokens: u32,
    pub(super) text: Text<'a>,
}

/// Where a request's text comes from.
#[derive(Clone, Copy)]
pub(super) enum Text<'a> {
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
    /// The warm-up's, then those of all rounds. Errors: too many requests or bytes.
    pub(super) fn drafts(&self) -> Result<Vec<Draft<'a>>, PlanError> {
        let mut drafts = vec![self.draft(Part::Warmup)?];
        let mut requests = drafts[0].slots.len();
        for round in 0..self.input.rounds {
            let draft = self.draft(Part::Round(round))?;
            if let Some(slot) =
                draft.slots.iter().find(|slot| slot.output_tokens > MOST_OUTPUT_TOKENS)
            {
                return Err(PlanError::TooManyTokens { output_tokens: slot.output_tokens });
            }
            // As they come: the drafts of a billion rounds would fill the memory before they could be
            // counted. A round without requests costs something too.
            requests += draft.slots.len().max(1);
            if requests > self.most() as usize {
                return Err(PlanError::TooManyRequests);
            }
            drafts.push(draft);
        }
        self.check_size(&drafts)?;
        Ok(drafts)
    }

    /// Requests that the plan may have, over all machines that send it.
    fn most(&self) -> u32 {
        MAX_REQUESTS.saturating_mul(self.input.shards).min(MAX_SHARDED_REQUESTS)
    }

    fn draft(&self, part: Part) -> Result<Draft<'a>, PlanError> {
        let seed = match part {
            Part::Warmup => seed::child(self.workload.seed, "warmup", &[]),
            Part::Refresh(round) => seed::child(self.workload.seed, "refresh", &[u64::from(round)]),
            Part::Round(round) => seed::child(self.workload.seed, "round", &[u64::from(round)]),
        };
        let length = match (part, self.workload.warmup) {
            (Part::Round(_), _) => self.workload.length,
            (_, Warmup::Requests(n)) => Length::Requests(n),
            (Part::Warmup, Warmup::Duration(time)) => Length::Duration(time),
            (Part::Refresh(_), Warmup::Duration(time)) => Length::Duration(time.min(REFRESH)),
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
                arrival::open(process, length, &mut rng, self.most())?
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

    /// The short warm-up before the round of this number: as the warm-up, with prompts of its own,
    /// and nothing is sent after [`REFRESH`]. Errors: as [`Self::drafts`].
    pub(super) fn refresh(&self, round: u32) -> Result<Draft<'a>, PlanError> {
        let mut draft = self.draft(Part::Refresh(round))?;
        draft.slots.retain(|slot| u128::from(slot.offset_us) < REFRESH.as_micros());
        let is_closed = self.pace().is_closed(0);
        draft.stop_after = draft.stop_after.or(is_closed.then_some(REFRESH));
        Ok(draft)
    }

    fn closed(&self, count: u32) -> Result<Vec<Slot<'a>>, PlanError> {
        if count > self.most() {
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
                let begins =
                    arrival::open(&Arrival::Poisson { rate }, length, &mut rng, self.most())?;
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
        if asked > has && part.is_measured() && !by_time {
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
                if asked > has && part.is_measured() {
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
                Some(prompt) if part.is_measured() => Text::Given(prompt),
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
        if bytes / u64::from(self.input.shards.max(1)) > MAX_BODY_BYTES {
            Err(PlanError::TooLarge { bytes })
        } else {
            Ok(())
        }
    }

    pub(super) fn body_bytes(&self, slot: &Slot<'_>) -> u64 {
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

    pub(super) const fn pace(&self) -> Pace {
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
