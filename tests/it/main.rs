//! The one integration binary: black-box tests of the `goodput-gate` command, and of the house's own rules.

#![expect(clippy::disallowed_methods, reason = "tests read fixtures and start the program")]

mod judge_cases;
mod architecture;
mod support;
