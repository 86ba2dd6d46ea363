//! What the reports say, in languages other than English: a `match` on each typed sentence, so that
//! the compiler names one that a language lacks.
//!
//! English is `Display` of each kind of sentence, and what `report.json` holds. Not here: labels
//! (`labels`), facts whose two forms stand side by side (`text`), the words of the HTML page's
//! template (`page::words`). Foreign text, and sentences of older reports that have no code, stay
//! as they are.

pub(super) mod ko;
#[cfg(test)]
mod tests;
