//! Numbers and facts that all formats share, in the reader's language.
//!
//! Not here: a format's own escaping (Markdown in `markdown::escape`, XML in `junit`, cells in
//! `csv`), or which number is shown.

mod against;
mod exit;
mod foreign;
mod judged;
mod load;
pub mod measured;
mod missing;
mod names;
mod numbers;
mod provenance;
mod reasons;
mod slo;
mod speed;
mod starts;
#[cfg(test)]
mod tests;

pub use crate::judge::text::count;
pub use against::{age_days, baseline, comparison, sessions_needed};
pub use exit::{exit_code, let_through};
pub use foreign::{excerpt, minute, plain, short};
pub use judged::{
    breached, could_be_normal, detectable, judged, judgement, levels, limit, limit_interval,
    not_judged, state, unjudged, worse,
};
pub use load::{arrival, client, completed, error, load};
pub use missing::unmeasured;
pub use names::{outcome, timing_title, title, titles};
pub use numbers::{change, duration, interval, number, probability, size, statistics, value};
pub use provenance::{commit, provenance};
pub use reasons::{Role, beside_the_table, headline, notes, notices, why};
pub use slo::{slo, slo_counts, slos};
pub use speed::{is_speed, speed};
pub use starts::server_start;

/// What stands where a number is absent. Never 0.
pub const ABSENT: &str = "-";
