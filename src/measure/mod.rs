//! Timelines and SLOs to the numbers of a round: columns, metrics, histograms, validity.
//!
//! Every number of a request is computed in `request`, every sum and share of a round in `round`;
//! `collect` (what is shown) and `summary` (what is judged) are made of those. Not here: comparison
//! with anything (`judge`).

pub mod change_points;
pub mod collect;
pub mod column;
pub mod columns;
pub mod gap_counts;
pub mod histogram;
pub mod knee;
mod request;
mod round;
pub mod seen;
pub mod validity;
pub mod stats;
pub mod summary;

pub use request::{Factors, Row, SloMs};
pub use round::{Good, Round, mean_length, output_token_rate, request_rate, token_sum};
