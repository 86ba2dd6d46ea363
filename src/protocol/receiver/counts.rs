//! What the server's token counts are worth beside what came. Not here: how a protocol writes them.

use super::events::Received;
use crate::protocol::event::Usage;
use crate::timeline::{CountDoubt, Hidden};

/// Reasoning events bring this many times the tokens of answer events, or more: then some of the
/// reasoning was not sent.
const GLUED: u32 = 4;
/// Fewer tokens than this are no evidence of that.
const FEW: u32 = 32;

/// The counts without those that cannot be true, and what is wrong with them.
pub(super) fn believable(received: &Received) -> (Usage, Option<CountDoubt>) {
    let mut usage = received.usage;
    // No prompt is empty.
    usage.prompt_tokens = usage.prompt_tokens.filter(|&n| n > 0);
    if received.uncounted {
        usage.completion_tokens = None;
    }
    let events = u32::try_from(received.outputs.len()).unwrap_or(u32::MAX);
    let doubt = match usage.completion_tokens {
        Some(0) if events > 0 => Some(CountDoubt::ZeroBesideOutput),
        _ if !adds_up(&usage) => Some(CountDoubt::TotalDiffers),
        Some(tokens) if tokens < events => Some(CountDoubt::FewerThanEvents),
        _ => None,
    };
    // A count of half the events is none either: one token beside eight events would have no TPOT,
    // and nothing to be slow with.
    usage.completion_tokens =
        usage.completion_tokens.filter(|&tokens| tokens.saturating_mul(2) >= events);
    (usage, doubt)
}

/// Some servers count reasoning beside the output, some within it.
fn adds_up(usage: &Usage) -> bool {
    let (Some(total), Some(prompt), Some(output)) =
        (usage.total_tokens, usage.prompt_tokens, usage.completion_tokens)
    else {
        return true;
    };
    let sum = u64::from(prompt) + u64::from(output);
    let beside = sum + u64::from(usage.reasoning_tokens.unwrap_or(0));
    [sum, beside].contains(&u64::from(total))
}

/// Reasoning that is counted within the output and was not sent.
pub(super) fn hidden(usage: &Usage, received: &Received) -> Hidden {
    let (Some(output), Some(reasoning)) =
        (usage.completion_tokens, usage.reasoning_tokens.filter(|&n| n > 0))
    else {
        return Hidden::Nothing;
    };
    let within = usage
        .total_tokens
        .zip(usage.prompt_tokens)
        .is_none_or(|(total, prompt)| total == prompt.saturating_add(output));
    if !within {
        // Beside the output, which is then what was sent.
        return if adds_up(usage) { Hidden::Nothing } else { Hidden::Unknown };
    }
    let events = u32::try_from(received.outputs.len()).unwrap_or(u32::MAX);
    let answers = events.saturating_sub(received.reasoning_events);
    let Some(sent) = output.checked_sub(reasoning) else { return Hidden::Unknown };
    if received.reasoning_events == 0 {
        return if sent == 0 { Hidden::Unknown } else { Hidden::Tokens(reasoning) };
    }
    // A summary of the reasoning is fewer tokens than were counted: as many events as it has do not
    // bring so many.
    let usual = sent
        .div_ceil(answers.max(1))
        .max(1)
        .saturating_mul(GLUED)
        .saturating_mul(received.reasoning_events);
    if reasoning > usual.saturating_add(FEW) { Hidden::Unknown } else { Hidden::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::OutputEvent;

    fn received(
        events: usize,
        reasoning_events: u32,
        [prompt, output, total, reasoning]: [Option<u32>; 4],
    ) -> Received {
        let usage = Usage {
            prompt_tokens: prompt,
            completion_tokens: output,
            total_tokens: total,
            reasoning_tokens: reasoning,
            cached_tokens: None,
        };
        Received {
            outputs: vec![OutputEvent { at_ns: 1 }; events],
            reasoning_events,
            usage,
            ..Received::default()
        }
    }

    fn hidden_of(received: &Received) -> Hidden {
        hidden(&received.usage, received)
    }

    #[test]
    fn reasoning_that_was_not_sent_is_hidden() {
        let openai = received(8, 0, [Some(16), Some(68), Some(84), Some(60)]);
        assert_eq!((hidden_of(&openai), believable(&openai).1), (Hidden::Tokens(60), None));
        let no_total = received(8, 0, [None, Some(68), None, Some(60)]);
        assert_eq!(hidden_of(&no_total), Hidden::Tokens(60));
        let beside = received(8, 0, [Some(16), Some(8), Some(84), Some(60)]);
        assert_eq!((hidden_of(&beside), believable(&beside).1), (Hidden::Nothing, None));
        let shown = received(68, 60, [Some(16), Some(68), Some(84), Some(60)]);
        assert_eq!(hidden_of(&shown), Hidden::Nothing);
        let glued = received(12, 10, [Some(16), Some(68), Some(84), Some(50)]);
        assert_eq!(hidden_of(&glued), Hidden::Nothing, "answers come glued as well");
        let summary = received(9, 1, [Some(16), Some(68), Some(84), Some(60)]);
        assert_eq!(hidden_of(&summary), Hidden::Unknown);
        for unclear in
            [[Some(16), Some(8), None, Some(60)], [Some(16), Some(60), Some(76), Some(60)]]
        {
            assert_eq!(hidden_of(&received(8, 0, unclear)), Hidden::Unknown, "{unclear:?}");
        }
        assert_eq!(
            hidden_of(&received(8, 0, [Some(16), Some(8), Some(24), Some(0)])),
            Hidden::Nothing
        );
    }

    #[test]
    fn counts_that_contradict_what_came_are_doubted() {
        let doubt = |events, counts| believable(&received(events, 0, counts));
        let (usage, why) = doubt(8, [Some(0), Some(0), Some(0), None]);
        assert_eq!(
            (usage.prompt_tokens, usage.completion_tokens, why),
            (None, None, Some(CountDoubt::ZeroBesideOutput))
        );
        assert_eq!(
            doubt(0, [Some(3), Some(0), Some(3), None]),
            (received(0, 0, [Some(3), Some(0), Some(3), None]).usage, None)
        );
        assert_eq!(doubt(8, [Some(3), Some(8), Some(30), None]).1, Some(CountDoubt::TotalDiffers));
        assert_eq!(doubt(8, [Some(3), Some(8), Some(11), None]).1, None);
        assert_eq!(
            doubt(8, [Some(3), Some(5), Some(8), None]).1,
            Some(CountDoubt::FewerThanEvents)
        );
        let (usage, why) = doubt(8, [Some(3), Some(1), Some(4), None]);
        assert_eq!((usage.completion_tokens, why), (None, Some(CountDoubt::FewerThanEvents)));
        assert_eq!(doubt(2, [Some(3), Some(1), Some(4), None]).0.completion_tokens, Some(1));
        assert_eq!(
            doubt(8, [Some(u32::MAX), Some(u32::MAX), Some(u32::MAX), None]).1,
            Some(CountDoubt::TotalDiffers)
        );
    }
}
