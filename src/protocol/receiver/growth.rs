//! Whether each output of a stream repeats the ones before it. Not here: where the texts come from
//! (`protocol::text`).

/// So many outputs in a row that begin with the whole of the one before, and go on, are no chance.
const CERTAIN: u32 = 3;
/// Where the stream ends, fewer will do.
const LIKELY: u32 = 2;

/// How the outputs so far have grown. A stream of deltas shows at its second output that it is one.
#[derive(Debug, Default)]
pub enum Growth {
    #[default]
    Begun,
    Grown {
        last: String,
        times: u32,
    },
    /// Some output did not repeat the one before. `start`: the first two outputs, where they were
    /// texts.
    Deltas {
        start: Option<String>,
    },
}

impl Growth {
    /// Nothing is known yet, so that the next output has to be looked at.
    pub const fn is_open(&self) -> bool {
        !matches!(self, Self::Deltas { .. } | Self::Grown { times: CERTAIN.., .. })
    }

    /// Takes the text of the next output; `None` where it is no text.
    pub fn next(&mut self, text: Option<String>) {
        *self = match (std::mem::take(self), text) {
            (Self::Begun, Some(last)) => Self::Grown { last, times: 0 },
            (Self::Grown { last, times }, Some(text))
                if text.len() > last.len() && text.starts_with(&last) =>
            {
                Self::Grown { last: text, times: times + 1 }
            }
            (Self::Grown { last, times: 0 }, Some(text)) => {
                Self::Deltas { start: Some(last + &text) }
            }
            _ => Self::Deltas { start: None },
        }
    }

    /// This text of a later output is the whole of the answer once more: it begins as the answer
    /// does, and is long enough for `outputs`.
    pub fn repeats(&self, text: &str, outputs: usize) -> bool {
        matches!(self, Self::Deltas { start: Some(start) } if outputs > 2 && text.len() >= outputs && text.starts_with(start))
    }

    /// The outputs repeat each other. `ended`: no more will come.
    pub const fn is_cumulative(&self, ended: bool) -> bool {
        match self {
            Self::Grown { times, .. } => *times >= if ended { LIKELY } else { CERTAIN },
            Self::Begun | Self::Deltas { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grown(texts: &[Option<&str>]) -> Growth {
        let mut growth = Growth::default();
        for text in texts {
            growth.next(text.map(str::to_owned));
        }
        growth
    }

    #[test]
    fn what_repeats_itself_is_told_from_deltas() {
        let growing = [Some("a"), Some("a b"), Some("a b c"), Some("a b c d")];
        assert!(grown(&growing).is_cumulative(false) && !grown(&growing).is_open());
        assert!(
            !grown(&growing[..3]).is_cumulative(false) && grown(&growing[..3]).is_cumulative(true)
        );
        assert!(!grown(&growing[..2]).is_cumulative(true), "two outputs may be chance");
        for deltas in [
            &[Some("a"), Some("b")][..],
            &[Some("a"), Some("a"), Some("a"), Some("a")],
            &[Some("a"), None],
        ] {
            assert!(!grown(deltas).is_open() && !grown(deltas).is_cumulative(true), "{deltas:?}");
        }
    }

    #[test]
    fn the_whole_text_at_the_end_is_a_repeat() {
        let growth = grown(&[Some("I"), Some(" am")]);
        assert!(growth.repeats("I am here.", 4));
        assert!(
            !growth.repeats("I am here.", 2)
                && !growth.repeats("I am", 9)
                && !growth.repeats("It is here.", 4)
        );
        assert!(!grown(&[Some("I"), None]).repeats("I am here.", 4));
    }
}
