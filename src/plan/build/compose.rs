//! The texts and bodies of drafted requests, and the digest over them.
//!
//! Not here: which requests there are (`draft`), and how a text is written (`prompts`).

use std::time::Duration;

use super::draft::{Draft, Slot, Text};
use super::{Bodies, Builder};
use crate::config::Arrival;
use crate::plan::prompts::Part;
use crate::plan::{Pace, PlannedRequest, RoundPlan, trace};
use crate::protocol::{self, BodySpec, Role, joined};

impl Builder<'_> {
    pub(super) fn finish(&mut self, draft: &Draft<'_>, bodies: Bodies) -> RoundPlan {
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
        let is_made = |index| match bodies {
            Bodies::OfShard(shard) => shard.has(index, pace.turns()),
            Bodies::Made | Bodies::Left => true,
        };
        let requests = (0..)
            .zip(&draft.slots)
            .filter(|(index, _)| is_made(*index))
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
            Bodies::Made | Bodies::OfShard(_) => (self.id(draft.part, index), self.body(slot)),
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
        let round = if part.is_measured() { "r" } else { "" };
        let (session, workload, name) = (self.input.session, &self.workload.name, part.name());
        let mut id = format!("{session}-{workload}-{round}{name}-{index}");
        if !id.is_ascii() || id.contains(|c: char| !is_header_safe(c)) {
            id = id.chars().map(|c| if is_header_safe(c) { c } else { '_' }).collect();
        }
        id
    }
}

const fn is_header_safe(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}
