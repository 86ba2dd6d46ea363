//! Interleaved runs.
