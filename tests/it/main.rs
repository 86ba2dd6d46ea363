//! The one integration binary: black-box tests of the `goodput-gate` command, and of the house's own rules.

mod sim;
mod support;
