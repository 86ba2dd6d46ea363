//! The cheap way to read an event of a stream: one that differs from an event that was parsed in
//! the text of its output alone means the same. Not here: what an event means (one file per
//! protocol).
//!
//! What is compared is every other byte, so that this says nothing that the parse would not say. A
//! server whose events differ in more (a new date in each) is parsed, event by event.

use memchr::memmem;

use super::dialect::Dialect;
use super::event::{Delta, Event};

/// What the events of one stream look like.
#[derive(Debug, Default)]
pub struct Shape {
    before: Vec<u8>,
    after: Vec<u8>,
    /// What an event of this shape brings where its text is not empty. `None`: no shape is known.
    brings: Option<Delta>,
    /// Events in a row that were not of this shape.
    misses: u32,
}

impl Shape {
    pub fn read(&mut self, payload: &[u8], dialect: &impl Dialect) -> Event {
        if let Some(delta) = self.cheaply(payload) {
            self.misses = 0;
            return Event::Delta(delta);
        }
        let event = dialect.event(payload);
        self.misses = self.misses.saturating_add(1);
        // Learning takes a second parse: less and less often, where events are never alike.
        if self.misses.is_power_of_two()
            && let Event::Delta(delta) = &event
        {
            self.learn(payload, delta, dialect);
        }
        event
    }

    /// What an event brings that is of this shape.
    pub fn cheaply(&self, payload: &[u8]) -> Option<Delta> {
        let brings = self.brings.as_ref()?;
        let rest = payload.strip_prefix(self.before.as_slice())?;
        let text = rest.strip_suffix(self.after.as_slice())?;
        if text.is_empty() {
            return Some(Delta::default());
        }
        is_string(text).then(|| Delta {
            answer: brings.answer,
            reasoning: brings.reasoning,
            ..Delta::default()
        })
    }

    /// Finds the one text of which it depends that this event is an output.
    fn learn(&mut self, payload: &[u8], delta: &Delta, dialect: &impl Dialect) {
        let plain = Delta { answer: delta.answer, reasoning: delta.reasoning, ..Delta::default() };
        if !delta.has_output() || *delta != plain {
            return;
        }
        let names = dialect.text_names();
        let found = names.iter().flat_map(|name| texts(payload, name)).find(|(from, to)| {
            let without = [&payload[..*from], &payload[*to..]].concat();
            dialect.event(&without) == Event::Delta(Delta::default())
        });
        if let Some((from, to)) = found {
            self.before.clear();
            self.before.extend_from_slice(&payload[..from]);
            self.after.clear();
            self.after.extend_from_slice(&payload[to..]);
            self.brings = Some(plain);
        }
    }
}

/// Where the first strings under this name begin and end, without their quotes. In JSON a quote
/// within a string is escaped, so that what looks like a name is one (or the end of one).
fn texts<'a>(payload: &'a [u8], name: &str) -> impl Iterator<Item = (usize, usize)> + 'a {
    let quoted = format!("\"{name}\"");
    let found: Vec<usize> =
        memmem::find_iter(payload, &quoted).map(|at| at + quoted.len()).take(3).collect();
    found.into_iter().filter_map(|behind| {
        let value = payload[behind..]
            .trim_ascii_start()
            .strip_prefix(b":")?
            .trim_ascii_start()
            .strip_prefix(b"\"")?;
        let from = payload.len() - value.len();
        let mut to = 0;
        while *value.get(to)? != b'"' {
            to += if value[to] == b'\\' { 2 } else { 1 };
        }
        (to > 0).then_some((from, from + to))
    })
}

/// The inside of a JSON string, as any parser takes it. Escapes in hexadecimal may be half of a
/// character: those are left to the parse.
fn is_string(text: &[u8]) -> bool {
    let (mut at, mut ascii) = (0, true);
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' | ..=0x1f => return false,
            b'\\' => {
                if !matches!(
                    text.get(at + 1),
                    Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't')
                ) {
                    return false;
                }
                at += 1;
            }
            _ => ascii &= byte.is_ascii(),
        }
        at += 1;
    }
    ascii || std::str::from_utf8(text).is_ok()
}
